//! Writes in place: every layout of destination and source, overlapping memory, versions, and PyTorch's errors.

mod support;

use proptest::prelude::*;
use pullback_array::{Array, DType, ErrorKind, Layout, Number, kernels};
use support::{Sample, golden, indices, narrower, raw, samples, shape, sizes};

/// The destination's whole storage after `write`, and what it should be: `f(old, source)` at the view's places.
fn storage_of(a: &Array, len: usize) -> Vec<i64> {
    let flat = a.view(Layout::row_major([len].into())).unwrap();
    flat.to_vec::<i64>().unwrap()
}

proptest! {
    /// Exactly the places of the destination change, each once.
    #[test]
    fn zip_assign(shape in shape(4, 4), cut in any::<(u8, u8)>(), raw_a in raw(), raw_b in raw()) {
        let dst = raw_a.lay(&shape, false);
        let src = raw_b.lay(&narrower(&shape, cut.0, cut.1), true);
        let (a, b) = (dst.array::<i64>(), src.array::<i32>());
        kernels::zip_assign(&a, &b, |x: i64, y: i32| 100 * x + i64::from(y))?;
        let mut expected = samples::<i64>(dst.len);
        for index in indices(&shape) {
            let old = &mut expected[dst.place(&index)];
            *old = 100 * *old + i64::from(i32::sample(src.stretched(&index)));
        }
        prop_assert_eq!(storage_of(&a, dst.len), expected);
        prop_assert_eq!((a.version(), b.version()), (1, 0));
    }

    #[test]
    fn map_assign_and_fill(shape in shape(4, 4), raw in raw()) {
        let dst = raw.lay(&shape, false);
        let a = dst.array::<i64>();
        kernels::map_assign(&a, |x: i64| -x)?;
        let mut expected = samples::<i64>(dst.len);
        dst.places().iter().for_each(|&p| expected[p] *= -1);
        prop_assert_eq!(storage_of(&a, dst.len), expected.clone());
        kernels::fill(&a, Number::Float(2.9))?;
        dst.places().iter().for_each(|&p| expected[p] = 2);
        prop_assert_eq!(storage_of(&a, dst.len), expected);
        prop_assert_eq!(a.version(), 2);
    }

    /// Views of one storage as destination and source, overlapping anyhow: the source is read as it was before.
    #[test]
    fn overlapping(
        n in 1..5usize,
        m in 1..5usize,
        (from, to) in (0..12usize, 0..12usize),
        (flip_from, flip_to) in any::<(bool, bool)>(),
        turn in any::<bool>(),
    ) {
        let len = 40;
        let base = Array::from_slice(&samples::<i64>(len), [len])?;
        let view = |offset: usize, flip: bool, turn: bool| {
            let strides = if turn { [1, n as isize] } else { [m as isize, 1] };
            let shape = [n, m];
            if flip {
                let strides = strides.map(|s| -s);
                Layout::new(shape.into(), &strides, offset + n * m - 1)
            } else {
                Layout::new(shape.into(), &strides, offset)
            }
        };
        let (dst, src) = (view(to, flip_to, false), view(from, flip_from, turn));
        let mut expected = samples::<i64>(len);
        for (d, s) in dst.places().zip(src.places()) {
            expected[d] = 10 * i64::sample(d) + i64::sample(s);
        }
        kernels::zip_assign(&base.view(dst)?, &base.view(src)?, |x: i64, y: i64| 10 * x + y)?;
        prop_assert_eq!(base.to_vec::<i64>()?, expected);
    }

    /// Writing into memory that several indices share has no meaning, and is an error before anything is written; but for one
    /// number, which all of them can be.
    #[test]
    fn repeated_destinations(shape in shape(3, 4), raw in raw()) {
        let dst = raw.lay(&shape, true);
        let a = dst.array::<i64>();
        let mut places = dst.places();
        places.sort_unstable();
        places.dedup();
        let repeats = places.len() < dst.places().len();
        let result = kernels::map_assign(&a, |x: i64| x);
        prop_assert_eq!(result.is_err(), repeats);
        if let Err(e) = result {
            let text = "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.";
            prop_assert_eq!(e.message(), text);
            prop_assert!(kernels::assign(&a, &Array::scalar(1i64)?).is_err());
            prop_assert_eq!(a.version(), 0);
            prop_assert_eq!(storage_of(&a, dst.len), samples::<i64>(dst.len));
        }
        kernels::fill(&a, Number::Int(0))?;
        let mut expected = samples::<i64>(dst.len);
        places.iter().for_each(|&p| expected[p] = 0);
        prop_assert_eq!(storage_of(&a, dst.len), expected);
    }
}

#[test]
fn x_plus_its_transpose() {
    let x = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]).unwrap();
    kernels::zip_assign(&x, &x.transpose(0, 1).unwrap(), |a: f32, b: f32| a + b).unwrap();
    assert_eq!(x.to_vec::<f32>().unwrap(), [2.0, 5.0, 5.0, 8.0]);
    kernels::assign(&x, &x).unwrap();
    kernels::zip_assign(&x, &x, |a: f32, b: f32| a * b).unwrap();
    assert_eq!(x.to_vec::<f32>().unwrap(), [4.0, 25.0, 25.0, 64.0]);
}

#[test]
fn assign_converts() {
    for &from in DType::ALL {
        for &to in DType::ALL {
            let dst = Array::full([3], 7, to).unwrap();
            let src = Array::from_slice(&[0i64, 1, 1], [3]).unwrap();
            kernels::assign(&dst, &kernels::cast(&src, from).unwrap()).unwrap();
            assert_eq!(dst.to_f64_vec().unwrap(), [0.0, 1.0, 1.0], "{from} {to}");
        }
    }
}

/// Shapes that do not fit are errors before anything is written, in PyTorch's words.
#[test]
fn errors_are_pytorchs() {
    let mut compared = 0;
    for row in golden("shapes") {
        let (a, b) = (
            Array::zeros(sizes(&row[1]), DType::F32).unwrap(),
            Array::zeros(sizes(&row[2]), DType::F32).unwrap(),
        );
        let result = match row[0].as_str().unwrap() {
            "add_" => kernels::zip_assign(&a, &b, |x: f32, y: f32| x + y),
            "copy_" => kernels::assign(&a, &b),
            "expand" => {
                match (a.expand(b.shape()), row[3]["error"].as_str()) {
                    (Ok(wide), None) => assert_eq!(wide.shape(), b.shape()),
                    (Err(e), Some(theirs)) => {
                        // PyTorch names the tensor's type here, which a layout does not know.
                        let theirs = theirs
                            .replace("torch.FloatTensor{", "tensor of shape ")
                            .replace("}, size", ", size");
                        assert_eq!(e.message(), theirs, "{row}");
                    }
                    (ours, theirs) => panic!("{row}: {ours:?} {theirs:?}"),
                }
                continue;
            }
            _ => continue,
        };
        match result {
            Ok(()) => assert!(row[3]["shape"].is_array(), "{row}"),
            Err(e) => {
                assert_eq!(
                    e.message(),
                    row[3]["error"].as_str().unwrap_or("no error"),
                    "{row}"
                );
                assert_eq!(e.kind(), ErrorKind::Shape);
                assert_eq!(a.version(), 0);
            }
        }
        compared += 1;
    }
    assert!(compared > 400);
}
