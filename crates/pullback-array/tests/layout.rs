//! Layouts against index arithmetic: every view operation, reshaping without a copy, broadcasting, and sizes no memory
//! holds.

mod support;

use proptest::prelude::*;
use pullback_array::{Array, DType, ErrorKind, Layout, Shape, wrap_dim};
use std::collections::HashSet;
use support::{Strided, indices, raw, shape};

/// A view as a list of places in row-major order: nothing else is needed to say what any operation on it does.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    shape: Vec<usize>,
    places: Vec<usize>,
}

impl Model {
    fn of(view: &Strided) -> Model {
        Model {
            shape: view.shape.clone(),
            places: view.places(),
        }
    }

    /// The view of shape `shape` whose element `i` is this one's element `from(i)`.
    fn remap(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Vec<usize>) -> Model {
        let flat = |index: &[usize]| {
            (index.iter().zip(&self.shape)).fold(0, |flat, (&i, &n)| {
                assert!(i < n);
                flat * n + i
            })
        };
        let places = (indices(&shape).iter())
            .map(|index| self.places[flat(&from(index))])
            .collect();
        Model { shape, places }
    }
}

fn check(layout: &Layout, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(&layout.shape()[..], &model.shape[..]);
    let places: Vec<usize> = layout.places().collect();
    prop_assert_eq!(layout.places().len(), places.len());
    prop_assert_eq!(&places, &model.places);
    // What `strides` says is what `places` does.
    let strides = layout.strides();
    let by_hand = Strided {
        shape: model.shape.clone(),
        strides: strides.to_vec(),
        offset: layout.offset(),
        len: 0,
    };
    prop_assert_eq!(by_hand.places(), places.clone());
    let ends = places.iter().min().zip(places.iter().max());
    let ends = ends.map(|(&low, &high)| (low as isize, high as isize));
    prop_assert_eq!(layout.extent(), ends);
    let dense = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
    prop_assert_eq!(layout.is_contiguous(), dense);
    let distinct: HashSet<_> = places.iter().collect();
    if distinct.len() < places.len() {
        prop_assert!(layout.overlaps_itself());
    }
    Ok(())
}

proptest! {
    #[test]
    fn operations(shape in shape(4, 4), raw in raw(), steps in proptest::collection::vec((0..6u8, any::<[u8; 4]>()), 0..5)) {
        let view = raw.lay(&shape, true);
        let (mut layout, mut model) = (view.layout(), Model::of(&view));
        check(&layout, &model)?;
        for (kind, [a, b, c, d]) in steps {
            let rank = model.shape.len();
            let pick = |x: u8| x as usize % rank.max(1);
            match kind {
                0 if rank > 0 => {
                    let (i, j) = (pick(a), pick(b));
                    layout = layout.transpose(i, j);
                    let mut shape = model.shape.clone();
                    shape.swap(i, j);
                    model = model.remap(shape, |index| {
                        let mut index = index.to_vec();
                        index.swap(i, j);
                        index
                    });
                }
                1 => {
                    let mut order: Vec<usize> = (0..rank).collect();
                    order.sort_by_key(|&k| (u32::from(a) * 7919 + u32::from(b)) * (k as u32 + 3) % 251);
                    layout = layout.permute(&order);
                    let shape = order.iter().map(|&k| model.shape[k]).collect();
                    model = model.remap(shape, |index| {
                        let mut from = vec![0; rank];
                        order.iter().zip(index).for_each(|(&k, &i)| from[k] = i);
                        from
                    });
                }
                2 if rank > 0 => {
                    let k = pick(a);
                    let size = model.shape[k];
                    let (start, step) = (b as usize % (size + 1), 1 + c as usize % 3);
                    let len = d as usize % ((size - start).div_ceil(step) + 1);
                    layout = layout.slice(k, start, len, step);
                    let mut shape = model.shape.clone();
                    shape[k] = len;
                    model = model.remap(shape, |index| {
                        let mut index = index.to_vec();
                        index[k] = start + index[k] * step;
                        index
                    });
                }
                3 if rank > 0 && model.shape[pick(a)] > 0 => {
                    let k = pick(a);
                    let at = b as usize % model.shape[k];
                    layout = layout.select(k, at);
                    let mut shape = model.shape.clone();
                    shape.remove(k);
                    model = model.remap(shape, |index| [&index[..k], &[at], &index[k..]].concat());
                }
                4 => {
                    let lead = a as usize % 2;
                    let mut to = vec![2; lead];
                    to.extend(model.shape.iter().map(|&n| if n == 1 { b as usize % 4 } else { n }));
                    layout = layout.expand(&to.clone().into()).unwrap();
                    let own = model.shape.clone();
                    model = model.remap(to, |index| {
                        index[lead..].iter().zip(&own).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect()
                    });
                }
                _ => {
                    let total: usize = model.shape.iter().product();
                    let factor = [1, 2, 3, 4, 6][a as usize % 5];
                    if total.is_multiple_of(factor) {
                        let to = vec![total / factor, factor];
                        if let Some(reshaped) = layout.reshape(&to.clone().into()) {
                            layout = reshaped;
                            model = Model { shape: to, places: model.places };
                        }
                    }
                }
            }
            check(&layout, &model)?;
            if model.places.len() > 2000 {
                break;
            }
        }
    }

    /// Without a copy exactly where some strides give the same places in the same order.
    #[test]
    fn reshape_whenever_strides_exist(shape in shape(4, 4), raw in raw(), cuts in any::<[u8; 4]>()) {
        let view = raw.lay(&shape, true);
        let total: usize = shape.iter().product();
        let mut to = vec![];
        let mut left = total;
        for cut in cuts {
            let divisors: Vec<usize> = (1..=left.max(1)).filter(|d| left.is_multiple_of(*d)).collect();
            to.push(divisors[cut as usize % divisors.len()]);
            left /= to[to.len() - 1];
        }
        to.push(left);
        let places = view.places();
        let strides_exist = {
            // The stride of each dimension larger than 1 is the difference its first step makes.
            let index = indices(&to);
            let strides: Vec<isize> = (0..to.len()).map(|k| {
                let skip: usize = to[k + 1..].iter().product();
                if to[k] > 1 && total > 0 { places[skip] as isize - places[0] as isize } else { 0 }
            }).collect();
            total == 0 || index.iter().zip(&places).all(|(index, &place)| {
                let reach: isize = index.iter().zip(&strides).map(|(&i, &s)| i as isize * s).sum();
                places[0] as isize + reach == place as isize
            })
        };
        match view.layout().reshape(&to.clone().into()) {
            Some(layout) => {
                prop_assert!(strides_exist);
                check(&layout, &Model { shape: to.clone(), places })?;
            }
            None => prop_assert!(!strides_exist, "{view:?} to {to:?}"),
        }
        let a = view.array::<i64>();
        prop_assert_eq!(a.reshape(&to.into())?.to_vec::<i64>()?, a.to_vec::<i64>()?);
    }

    /// Never "no overlap" where there is one; exact where each dimension steps over the smaller ones.
    #[test]
    fn overlaps_itself(shape in shape(3, 4), strides in proptest::collection::vec(-6..7isize, 3)) {
        let strides = &strides[..shape.len()];
        let layout = Layout::new(shape.clone().into(), strides, 100);
        let places: Vec<usize> = layout.places().collect();
        let distinct: HashSet<_> = places.iter().collect();
        if distinct.len() < places.len() {
            prop_assert!(layout.overlaps_itself());
        } else if layout.overlaps_itself() {
            // Conservative: then some dimension lies within the span of a smaller one.
            prop_assert!(shape.iter().filter(|&&n| n > 1).count() > 1);
        }
    }

    /// The rule written backwards: pad with ones, then the larger of each pair.
    #[test]
    fn broadcast(a in shape(4, 3), b in shape(4, 3)) {
        let rank = a.len().max(b.len());
        let pad = |s: &[usize]| [vec![1; rank - s.len()], s.to_vec()].concat();
        let (pa, pb) = (pad(&a), pad(&b));
        let fits = pa.iter().zip(&pb).all(|(&x, &y)| x == y || x == 1 || y == 1);
        let result = Shape::from(a.clone()).broadcast(&b.clone().into());
        match result {
            Ok(shape) => {
                prop_assert!(fits);
                let both: Vec<usize> = pa.iter().zip(&pb).map(|(&x, &y)| if x == 1 { y } else { x }).collect();
                prop_assert_eq!(&shape[..], &both[..]);
            }
            Err(e) => {
                prop_assert!(!fits);
                prop_assert_eq!(e.kind(), ErrorKind::Shape);
                let text = e.to_string();
                prop_assert!(text.contains(&format!("shapes {a:?} and {b:?}")), "{}", text);
            }
        }
    }
}

#[test]
fn no_dimensions_and_no_elements() {
    let scalar = Layout::row_major(Shape::scalar());
    assert_eq!((scalar.numel(), scalar.rank()), (1, 0));
    assert_eq!(scalar.places().collect::<Vec<_>>(), [0]);
    assert_eq!(scalar.reshape(&[1, 1].into()).unwrap().numel(), 1);
    assert_eq!(scalar.extent(), Some((0, 0)));
    let empty = Layout::new([2, 0, 3].into(), &[7, 5, 1], 4);
    assert!(empty.is_contiguous() && !empty.overlaps_itself());
    assert_eq!(empty.extent(), None);
    assert_eq!(empty.places().count(), 0);
    assert!(empty.reshape(&[0, 9].into()).is_some());
    assert!(empty.reshape(&[1].into()).is_none());
    assert!(scalar.expand(&[0].into()).unwrap().numel() == 0);
}

#[test]
fn dims_count_from_both_ends() {
    for rank in 0..4usize {
        let n = rank.max(1) as i64;
        for dim in -6..6 {
            match wrap_dim(dim, rank) {
                Ok(k) => assert!((-n..n).contains(&dim) && k as i64 == dim.rem_euclid(n)),
                Err(e) => {
                    assert!(!(-n..n).contains(&dim));
                    let range = format!("range of [{}, {}], but got {dim})", -n, n - 1);
                    assert!(e.message().ends_with(&range), "{e}");
                }
            }
        }
    }
}

/// A number of elements is right or the largest there is, never one that has gone round; a size of 0 makes it 0 anywhere.
#[test]
fn numbers_of_elements_do_not_wrap() {
    let sizes = [
        0usize,
        1,
        2,
        3,
        1 << 21,
        1 << 32,
        1 << 40,
        1 << 63,
        usize::MAX,
    ];
    for a in sizes {
        for b in sizes {
            for c in sizes {
                let exact = [a, b, c]
                    .map(|n| n as u128)
                    .into_iter()
                    .try_fold(1u128, |n, d| n.checked_mul(d));
                let expected = match [a, b, c].contains(&0) {
                    true => 0,
                    false => exact
                        .and_then(|n| usize::try_from(n).ok())
                        .unwrap_or(usize::MAX),
                };
                assert_eq!(Shape::new(&[a, b, c]).numel(), expected, "{a} {b} {c}");
            }
        }
    }
}

/// What cannot be counted, addressed or allocated is an error: never a panic, never an abort, never a wrapped product.
#[test]
fn sizes_no_memory_holds() {
    let half = 1 << 32;
    let hopeless: &[&[usize]] = &[
        &[usize::MAX],
        &[usize::MAX, 2],
        &[2, usize::MAX],
        &[0, usize::MAX],
        &[usize::MAX, 0],
        &[half, half],
        &[half, half, 0],
        &[half, half, half, half, 3],
        &[1 << 62, 4],
        &[1 << 63],
        &[1 << 50],
        &[1 << 40, 1 << 20],
    ];
    for &sizes in hopeless {
        for &dtype in DType::ALL {
            let shape = Shape::new(sizes);
            let kind = |r: Result<Array, pullback_array::Error>| r.map(|_| ()).unwrap_err().kind();
            assert_eq!(kind(Array::zeros(sizes, dtype)), ErrorKind::Alloc);
            assert_eq!(kind(Array::full(sizes, 1.0, dtype)), ErrorKind::Alloc);
            let one = Array::zeros([1], dtype).unwrap();
            assert!(one.reshape(&shape).is_err());
            assert!(one.view(Layout::row_major(shape.clone())).is_err());
            let none = Array::zeros([0], dtype).unwrap();
            let reshaped = none.reshape(&shape);
            assert!(reshaped.is_err(), "{sizes:?}");
            // A view that repeats one element is fine as long as it can be counted; its copy is not.
            if let Ok(wide) = Array::zeros(vec![1; sizes.len()], dtype)
                .unwrap()
                .expand(&shape)
            {
                assert!(wide.numel() >= 1 << 50);
                assert_eq!(kind(wide.copy()), ErrorKind::Alloc);
                assert_eq!(kind(wide.contiguous()), ErrorKind::Alloc);
                assert_eq!(wide.to_f64_vec().unwrap_err().kind(), ErrorKind::Alloc);
                assert_eq!(wide.bits_equal(&wide).unwrap_err().kind(), ErrorKind::Alloc);
                assert!(wide.copy_bytes(&mut []).is_err());
                assert!(wide.item().is_err());
                let _ = format!("{wide:?}");
            }
        }
    }
    assert_eq!(Array::zeros([0, 1 << 62], DType::F64).unwrap().numel(), 0);
}

#[test]
fn strides_come_one_for_each_dimension() {
    let result = std::panic::catch_unwind(|| Layout::new([2, 3].into(), &[1], 0));
    assert!(result.is_err());
}

#[test]
fn dimensions_of_one_element_keep_their_strides() {
    let rows = Layout::row_major(Shape::new(&[4, 4]));
    let strides = |l: &Layout| l.strides().to_vec();
    // Python: torch.zeros(4, 4)[::2][1:], .t(), [:, 3:], .view(1, 1, 4), .diagonal(3) …
    let one = rows.slice(0, 0, 2, 2).slice(0, 1, 1, 1);
    assert_eq!(strides(&one), [8, 1]);
    assert_eq!(strides(&one.transpose(0, 1)), [1, 8]);
    assert_eq!(strides(&rows.slice(1, 3, 1, 1)), [4, 1]);
    assert_eq!(strides(&rows.slice(1, 0, 1, 4).select(0, 2)), [4]);
    let long = Layout::row_major(Shape::new(&[3])).slice(0, 0, 1, 3);
    assert_eq!(
        strides(&long.reshape(&Shape::new(&[1, 1])).unwrap()),
        [3, 3]
    );
    // They say nothing about where elements lie: all these lie row by row.
    for layout in [&one, &one.transpose(0, 1), &long] {
        assert!(layout.is_contiguous() && layout.is_dense() && !layout.overlaps_itself());
        assert_eq!(layout.places().count(), layout.numel());
    }
    assert!(!rows.slice(0, 0, 2, 2).is_contiguous());
}
