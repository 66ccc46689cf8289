//! Arrays: making them, looking at them, views that are checked against their storage, memory that belongs to somebody
//! else.

mod support;

use proptest::prelude::*;
use pullback_array::dd::Dd;
use pullback_array::{Array, DType, ErrorKind, Layout, Number, Shape, dispatch, kernels};
use std::sync::Arc;
use support::{Sample, all_bits, raw, samples, shape};

fn reads<T: Sample>(a: &Array, places: &[usize]) -> Result<(), TestCaseError> {
    let expected: Vec<T> = places.iter().map(|&p| T::sample(p)).collect();
    prop_assert_eq!(all_bits(&a.to_vec::<T>()?), all_bits(&expected));
    prop_assert_eq!(all_bits(&a.copy()?.to_vec::<T>()?), all_bits(&expected));
    let dense = a.contiguous()?;
    prop_assert!(dense.is_contiguous());
    prop_assert_eq!(dense.storage().same(a.storage()), a.is_contiguous());
    prop_assert!(dense.bits_equal(a)?);
    let mut bytes = vec![0; a.numel() * a.dtype().size()];
    a.copy_bytes(&mut bytes)?;
    let mut again = vec![0; bytes.len()];
    dense.copy_bytes(&mut again)?;
    prop_assert_eq!(bytes, again);
    let wide: Vec<u64> = expected.iter().map(|x| x.to_f64().to_bits()).collect();
    let got: Vec<u64> = a.to_f64_vec()?.into_iter().map(f64::to_bits).collect();
    prop_assert_eq!(got, wide);
    Ok(())
}

proptest! {
    #[test]
    fn every_layout_is_read_right(shape in shape(4, 4), raw in raw()) {
        let view = raw.lay(&shape, true);
        for &dtype in DType::ALL {
            dispatch!(stored dtype, T => reads::<T>(&view.array::<T>(), &view.places())?);
        }
    }

    /// A view is allowed exactly where every place it names lies inside; one that names none, anywhere.
    #[test]
    fn view_bounds(shape in shape(3, 4), strides in proptest::collection::vec(-8..9isize, 3), offset in 0..40usize, len in 0..60usize) {
        let strides = &strides[..shape.len()];
        let a = Array::from_slice(&samples::<i32>(len), [len])?;
        let places: Vec<isize> = support::indices(&shape).iter()
            .map(|index| offset as isize + index.iter().zip(strides).map(|(&i, &s)| i as isize * s).sum::<isize>())
            .collect();
        let inside = places.iter().all(|&p| 0 <= p && p < len as isize);
        match a.view(Layout::new(shape.into(), strides, offset)) {
            Ok(view) => {
                prop_assert!(inside);
                let expected: Vec<i32> = places.iter().map(|&p| i32::sample(p as usize)).collect();
                prop_assert_eq!(view.to_vec::<i32>()?, expected);
            }
            Err(e) => {
                prop_assert!(!inside);
                prop_assert_eq!(e.kind(), ErrorKind::Index);
            }
        }
    }

    /// Strides, offsets and sizes at the ends of the integers.
    #[test]
    fn view_with_absurd_numbers(
        sizes in proptest::collection::vec(prop_oneof![Just(0), Just(1), Just(2), Just(3), Just(1 << 62), Just(usize::MAX), any::<usize>()], 0..4),
        strides in proptest::collection::vec(prop_oneof![Just(0), Just(1), Just(-1), Just(isize::MAX), Just(isize::MIN), any::<isize>()], 4),
        offset in prop_oneof![Just(0), Just(1), Just(5), Just(usize::MAX), Just(isize::MAX as usize), any::<usize>()],
    ) {
        let a = Array::from_slice(&samples::<f64>(6), [6])?;
        let layout = Layout::new(sizes.clone().into(), &strides[..sizes.len()], offset);
        let _ = layout.extent();
        let _ = layout.overlaps_itself();
        if let Ok(view) = a.view(layout) {
            prop_assert!(view.layout().extent().is_none_or(|(low, high)| low >= 0 && high < 6));
            if view.numel() < 1000 {
                prop_assert_eq!(view.to_vec::<f64>()?.len(), view.numel());
                prop_assert_eq!(kernels::map(&view, |x: f64| x)?.to_vec::<f64>()?, view.to_vec::<f64>()?);
                let all: Vec<usize> = (0..view.rank()).collect();
                prop_assert_eq!(kernels::sum(&view, &all, false)?.numel(), 1);
                let reversed: Vec<usize> = all.iter().rev().copied().collect();
                let turned = view.view(view.layout().permute(&reversed))?;
                prop_assert_eq!(turned.reshape(&[view.numel()].into())?.numel(), view.numel());
                if view.rank() == 2 && view.numel() > 0 {
                    let turned = view.transpose(0, 1)?;
                    prop_assert_eq!(kernels::matmul(&view, &turned)?.shape()[0], view.shape()[0]);
                }
            }
        }
    }

    /// Slices check their bounds without overflow.
    #[test]
    fn slice_bounds(
        size in 0..6usize,
        start in prop_oneof![0..8usize, Just(usize::MAX)],
        len in prop_oneof![0..8usize, Just(usize::MAX)],
        step in prop_oneof![0..4usize, Just(usize::MAX), Just(1 << 63)],
    ) {
        let a = Array::from_slice(&samples::<i64>(size), [size])?;
        let reach = (start as u128) + (len as u128).saturating_sub(1) * (step as u128);
        let inside = step > 0 && (len == 0 || reach < size as u128);
        match a.slice(0, start, len, step) {
            Ok(slice) => {
                prop_assert!(inside);
                let expected: Vec<i64> = (0..len).map(|i| i64::sample(start + i * step)).collect();
                prop_assert_eq!(slice.to_vec::<i64>()?, expected);
            }
            Err(_) => prop_assert!(!inside),
        }
        prop_assert_eq!(a.select(0, start).is_ok(), start < size);
    }
}

#[test]
fn dims_that_are_none_are_errors() {
    let a = Array::zeros([2, 3], DType::F32).unwrap();
    assert_eq!(a.slice(2, 0, 1, 1).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(a.select(5, 0).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(a.transpose(0, 2).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(a.transpose(-3, 0).unwrap_err().kind(), ErrorKind::Index);
    let scalar = Array::scalar(1.0f32).unwrap();
    assert!(
        scalar
            .transpose(0, -1)
            .unwrap()
            .bits_equal(&scalar)
            .unwrap()
    );
    assert!(scalar.select(0, 0).is_err());
}

#[test]
fn made_as_asked() {
    for &dtype in DType::ALL {
        let ones = Array::full([2, 3], true, dtype).unwrap();
        assert_eq!(ones.to_f64_vec().unwrap(), [1.0; 6]);
        assert_eq!((ones.dtype(), ones.rank(), ones.numel()), (dtype, 2, 6));
        let zeros = Array::zeros([3, 1], dtype).unwrap();
        assert_eq!(zeros.to_f64_vec().unwrap(), [0.0; 3]);
        let one = Array::number(Number::Float(1.0), dtype).unwrap();
        assert_eq!((one.rank(), one.item().unwrap().to_f64()), (0, 1.0));
        assert_eq!(one.item().unwrap().category(), dtype.category());
        // Zeroed memory is zero also where it was used before.
        for n in [1, 100, 1000, 100_000] {
            drop(Array::full([n], 3.0, dtype).unwrap());
            let zeros = Array::zeros([n], dtype).unwrap().to_f64_vec().unwrap();
            assert!(zeros.iter().all(|&x| x == 0.0));
        }
    }
    let e = Array::from_slice(&[1.0f32, 2.0], [3]).unwrap_err();
    assert_eq!(e.message(), "shape '[3]' is invalid for input of size 2");
    assert!(
        Array::from_slice::<f32>(&[], [0, 5])
            .unwrap()
            .to_vec::<f32>()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_dtype_is_checked() {
    let a = Array::zeros([2], DType::F32).unwrap();
    let e = a.to_vec::<f64>().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::DType);
    assert_eq!(e.message(), "expected scalar type Double but found Float");
    for &dtype in DType::ALL {
        let a = Array::zeros([2, 2], dtype).unwrap();
        let wrong = |e: pullback_array::Error| assert_eq!(e.kind(), ErrorKind::DType);
        // What computes in int32 is converted.
        if dtype.computing() != DType::I32 {
            wrong(kernels::map(&a, |x: i32| x).unwrap_err());
            wrong(kernels::map_assign(&a, |x: i32| x).unwrap_err());
            wrong(kernels::zip(&a, &a, |x: i32, _: i32| x).unwrap_err());
            wrong(
                kernels::reduce(&a, &[0], false, |run: kernels::Run<'_, i32>| {
                    run.sum::<i32>()
                })
                .unwrap_err(),
            );
            let b = Array::zeros([2, 2], DType::I32).unwrap();
            wrong(kernels::zip(&b, &a, |x: i32, _: i32| x).unwrap_err());
            wrong(kernels::zip3(&b, &b, &a, |x: i32, _: i32, _: i32| x).unwrap_err());
            wrong(kernels::zip_assign(&b, &a, |x: i32, _: i32| x).unwrap_err());
            wrong(kernels::matmul(&b, &a).unwrap_err());
            if dtype != DType::I64 {
                wrong(kernels::take(&b, &a).unwrap_err());
            }
        }
    }
}

#[test]
fn one_element_or_an_error() {
    for (sizes, n) in [(vec![0], 0), (vec![2], 2), (vec![2, 3], 6)] {
        let e = Array::zeros(sizes, DType::F32).unwrap().item().unwrap_err();
        assert_eq!(
            e.message(),
            format!("a Tensor with {n} elements cannot be converted to Scalar")
        );
    }
    let a = Array::from_slice(&samples::<i64>(9), [3, 3]).unwrap();
    let last = a.slice(0, 2, 1, 1).unwrap().slice(1, 2, 1, 1).unwrap();
    assert_eq!(last.item().unwrap(), Number::Int(i64::sample(8)));
}

#[test]
fn equal_to_the_bit() {
    let a = Array::from_slice(&[0.0f32, f32::NAN], [2]).unwrap();
    assert!(a.bits_equal(&a.copy().unwrap()).unwrap());
    let b = Array::from_slice(&[-0.0f32, f32::NAN], [2]).unwrap();
    assert!(!a.bits_equal(&b).unwrap());
    assert!(!a.bits_equal(&a.reshape(&[2, 1].into()).unwrap()).unwrap());
    assert!(
        !a.bits_equal(&Array::zeros([2], DType::I32).unwrap())
            .unwrap()
    );
}

#[test]
fn handles_share_memory() {
    let a = Array::zeros([4], DType::F64).unwrap();
    assert!(a.is_unique());
    let b = a.reshape(&[2, 2].into()).unwrap();
    assert!(!a.is_unique() && b.storage().same(a.storage()));
    kernels::fill(&b.select(0, 1).unwrap(), Number::Float(7.0)).unwrap();
    assert_eq!(a.to_vec::<f64>().unwrap(), [0.0, 0.0, 7.0, 7.0]);
    assert_eq!((a.version(), b.version()), (1, 1));
    drop(b);
    assert!(a.is_unique());
}

#[allow(unsafe_code)]
mod foreign {
    use super::*;

    /// Memory somebody else owns, with a way to see when it is let go.
    fn wrap<T: Copy + Send + Sync + 'static>(
        data: Vec<T>,
        layout: Layout,
        dtype: DType,
        alive: &Arc<()>,
    ) -> pullback_array::Result<Array> {
        let mut owner = Box::new((data, alive.clone()));
        let (start, bytes) = (owner.0.as_mut_ptr().cast::<u8>(), size_of_val(&owner.0[..]));
        // SAFETY: the vector's buffer stays where it is while the box lives, and is touched by nobody else.
        unsafe { Array::foreign(start, bytes, layout, dtype, owner) }
    }

    #[test]
    fn is_read_written_and_let_go_once() {
        let alive = Arc::new(());
        let layout = Layout::new([2, 3].into(), &[-3, 1], 3);
        let a = wrap(
            vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0],
            layout,
            DType::F32,
            &alive,
        )
        .unwrap();
        assert_eq!(a.to_vec::<f32>().unwrap(), [4.0, 5.0, 6.0, 1.0, 2.0, 3.0]);
        assert!(!a.is_unique() && a.storage().is_foreign());
        let row = a.select(0, 1).unwrap();
        kernels::fill(&row, Number::Int(9)).unwrap();
        drop(row);
        assert_eq!(a.to_vec::<f32>().unwrap(), [4.0, 5.0, 6.0, 9.0, 9.0, 9.0]);
        assert_eq!(Arc::strong_count(&alive), 2);
        let other = a.clone();
        let thread = std::thread::spawn(move || other.to_f64_vec().unwrap().len());
        drop(a);
        assert_eq!(thread.join().unwrap(), 6);
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn bounds_and_alignment() {
        let alive = Arc::new(());
        let e = wrap(
            vec![0u8; 8],
            Layout::row_major([3].into()),
            DType::F32,
            &alive,
        )
        .unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Index);
        assert_eq!(Arc::strong_count(&alive), 1, "a refused owner is dropped");
        let mut owner = Box::new([0.0f64; 4]);
        let start = owner.as_mut_ptr().cast::<u8>();
        for dtype in [DType::I32, DType::I64, DType::F32, DType::F64, DType::Dd] {
            // SAFETY: 16 bytes from the second on lie inside the box, which rides along.
            let a = unsafe {
                Array::foreign(
                    start.wrapping_add(1),
                    16,
                    Layout::row_major([1].into()),
                    dtype,
                    owner.clone(),
                )
            };
            assert_eq!(a.unwrap_err().kind(), ErrorKind::Value, "{dtype}");
        }
        drop(owner);
        let none = wrap(
            Vec::<f64>::new(),
            Layout::row_major([0, 2].into()),
            DType::F64,
            &alive,
        )
        .unwrap();
        assert!(none.to_vec::<f64>().unwrap().is_empty());
        assert_eq!(
            kernels::sum(&none, &[0], false)
                .unwrap()
                .to_f64_vec()
                .unwrap(),
            [0.0, 0.0]
        );
    }

    /// The same foreign memory wrapped twice has two storages; a write still reads the old values.
    #[test]
    fn wrapped_twice() {
        let alive = Arc::new(());
        let mut data = Box::new([1i64, 2, 3, 4]);
        let start = data.as_mut_ptr().cast::<u8>();
        let one = |offset: usize| {
            let layout = Layout::new(Shape::new(&[3]), &[1], offset);
            // SAFETY: the box outlives both arrays, which only this thread uses.
            unsafe { Array::foreign(start, 32, layout, DType::I64, Box::new(alive.clone())) }
                .unwrap()
        };
        let (a, b) = (one(1), one(0));
        assert!(!a.storage().same(b.storage()) && a.storage().shares_memory(b.storage()));
        kernels::zip_assign(&a, &b, |x: i64, y: i64| 10 * x + y).unwrap();
        assert_eq!(a.to_vec::<i64>().unwrap(), [21, 32, 43]);
        drop((a, b));
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}

#[test]
fn printing_never_fails() {
    let a = Array::from_slice(&[Dd::ONE, Dd::from(2.0)], [2]).unwrap();
    assert_eq!(
        format!("{a:?}"),
        "Array { dtype: Dd, shape: [2], values: [1.0, 2.0] }"
    );
}

#[test]
fn memory_under_two_versions_is_one_memory_with_one_turn() {
    let a = Array::from_slice(&[1.0f32, 2.0, 3.0], [3]).unwrap();
    let b = a.uncounted().unwrap();
    let c = b.uncounted().unwrap();
    assert!(a.storage().same(b.storage()) && a.storage().same(c.storage()));
    assert!(!a.is_unique() && !c.is_unique());
    kernels::fill(&c, Number::Float(5.0)).unwrap();
    assert_eq!(a.to_vec::<f32>().unwrap(), [5.0; 3]);
    assert_eq!((a.version(), b.version(), c.version()), (0, 0, 1));
    kernels::fill(&a, Number::Float(6.0)).unwrap();
    assert_eq!((a.version(), b.version(), c.version()), (1, 0, 1));
    {
        let _turn = b.storage().update().unwrap();
        let other = a.clone();
        let refused =
            std::thread::spawn(move || kernels::fill(&other, Number::Float(7.0)).is_err());
        assert!(
            refused.join().unwrap(),
            "an update of one is an update of all"
        );
    }
    drop((a, b));
    assert_eq!(
        c.to_vec::<f32>().unwrap(),
        [6.0; 3],
        "the last one keeps the memory"
    );
}
