//! Elementwise kernels: every pair and triple of layouts, broadcast, against index arithmetic; closures that panic or call
//! back.

mod support;

use proptest::prelude::*;
use pullback_array::dd::Dd;
use pullback_array::{Array, DType, ErrorKind, Number, kernels};
use std::panic::{AssertUnwindSafe, catch_unwind};
use support::{Raw, Sample, Strided, golden, indices, narrower, raw, shape, sizes};

/// A view that broadcasts to `shape`.
fn operand(shape: &[usize], (drop, ones): (u8, u8), raw: &Raw) -> Strided {
    raw.lay(&narrower(shape, drop, ones), true)
}

/// The shape several views broadcast to: ones may have taken the place of a size in all of them.
fn common(views: &[&Strided]) -> Vec<usize> {
    let mut shape = pullback_array::Shape::scalar();
    for view in views {
        shape = shape.broadcast(&view.shape.clone().into()).unwrap();
    }
    shape.to_vec()
}

proptest! {
    #[test]
    fn map(shape in shape(4, 5), raw in raw()) {
        let view = raw.lay(&shape, true);
        let mapped = kernels::map(&view.array::<i64>(), |x: i64| 3 * x + 1)?;
        let expected: Vec<i64> = view.places().iter().map(|&p| 3 * i64::sample(p) + 1).collect();
        prop_assert_eq!(&mapped.shape()[..], &shape[..]);
        prop_assert_eq!(mapped.to_vec::<i64>()?, expected);
        // Into another type, wider and narrower.
        let wide = kernels::map(&view.array::<u8>(), |x: u8| Dd::from(x))?;
        let expected: Vec<Dd> = view.places().iter().map(|&p| Dd::from(u8::sample(p))).collect();
        prop_assert_eq!(wide.to_vec::<Dd>()?, expected);
        let narrow = kernels::map(&view.array::<f64>(), |x: f64| x > 3.0)?;
        let expected: Vec<bool> = view.places().iter().map(|&p| f64::sample(p) > 3.0).collect();
        prop_assert_eq!(narrow.to_vec::<bool>()?, expected);
    }

    #[test]
    fn zip(shape in shape(4, 4), cut in any::<[(u8, u8); 2]>(), raws in [raw(), raw()]) {
        let (a, b) = (operand(&shape, cut[0], &raws[0]), operand(&shape, cut[1], &raws[1]));
        let out = common(&[&a, &b]);
        let zipped = kernels::zip(&a.array::<i32>(), &b.array::<i64>(), |x: i32, y: i64| 1000 * i64::from(x) + y)?;
        let expected: Vec<i64> = indices(&out).iter()
            .map(|i| 1000 * i64::from(i32::sample(a.stretched(i))) + i64::sample(b.stretched(i)))
            .collect();
        prop_assert_eq!(&zipped.shape()[..], &out[..]);
        prop_assert!(zipped.layout().is_dense());
        prop_assert_eq!(zipped.to_vec::<i64>()?, expected);
    }

    #[test]
    fn zip3(shape in shape(4, 3), cut in any::<[(u8, u8); 3]>(), raws in [raw(), raw(), raw()]) {
        let [a, b, c]: [Strided; 3] = std::array::from_fn(|i| operand(&shape, cut[i], &raws[i]));
        let out = common(&[&a, &b, &c]);
        let pick = |x: bool, y: f64, z: f64| if x { y } else { 2.0 * z };
        let zipped = kernels::zip3(&a.array::<bool>(), &b.array::<f64>(), &c.array::<f64>(), pick)?;
        let expected: Vec<f64> = indices(&out).iter()
            .map(|i| pick(bool::sample(a.stretched(i)), f64::sample(b.stretched(i)), f64::sample(c.stretched(i))))
            .collect();
        prop_assert_eq!(&zipped.shape()[..], &out[..]);
        prop_assert_eq!(zipped.to_vec::<f64>()?, expected);
    }

    /// One storage in several roles.
    #[test]
    fn operands_may_be_the_same_memory(n in 1..6usize) {
        let a = Array::from_slice(&support::samples::<i64>(n * n), [n, n])?;
        let t = a.transpose(0, 1)?;
        let sum = kernels::zip(&a, &t, |x: i64, y: i64| x + 10 * y)?;
        let (da, dt) = (a.to_vec::<i64>()?, t.to_vec::<i64>()?);
        let expected: Vec<i64> = da.iter().zip(&dt).map(|(x, y)| x + 10 * y).collect();
        prop_assert_eq!(sum.to_vec::<i64>()?, expected);
        prop_assert_eq!(kernels::zip3(&a, &a, &a, |x: i64, y: i64, z: i64| x - y + z)?.to_vec::<i64>()?, da);
    }
}

#[test]
fn broadcast_errors_are_pytorchs() {
    let mut compared = 0;
    for row in golden("shapes").iter().filter(|row| row[0] == "add") {
        let zeros = |list| Array::zeros(sizes(list), DType::F32).unwrap();
        let got = kernels::zip(&zeros(&row[1]), &zeros(&row[2]), |x: f32, y: f32| x + y);
        match got {
            Ok(sum) => assert_eq!(sum.shape()[..], sizes(&row[3]["shape"])[..], "{row}"),
            Err(e) => assert_eq!(e.message(), row[3]["error"].as_str().unwrap(), "{row}"),
        }
        compared += 1;
    }
    assert!(compared > 200);
}

/// A panic in the closure leaves every guard open, the memory whole, and no array behind.
#[test]
fn closures_may_panic() {
    for n in [3usize, 100_000] {
        let a = Array::zeros([n], DType::F64).unwrap();
        let t = Array::zeros([n, 2], DType::F64)
            .unwrap()
            .select(1, 1)
            .unwrap();
        let boom = |x: f64| -> f64 { if x == 0.0 { panic!("boom") } else { x } };
        let tries: [&dyn Fn(); 7] = [
            &|| drop(kernels::map(&a, boom)),
            &|| drop(kernels::map(&t, boom)),
            &|| drop(kernels::zip(&a, &t, |x: f64, _: f64| boom(x))),
            &|| drop(kernels::zip(&a, &a, |x: f64, _: f64| boom(x))),
            &|| drop(kernels::zip3(&a, &t, &a, |x: f64, _: f64, _: f64| boom(x))),
            &|| drop(kernels::map_assign(&a, boom)),
            &|| {
                drop(kernels::reduce(
                    &a,
                    &[0],
                    false,
                    |run: kernels::Run<'_, f64>| run.map(boom).sum::<f64>(),
                ))
            },
        ];
        for run in tries {
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(|_| {}));
            let result = catch_unwind(AssertUnwindSafe(run));
            std::panic::set_hook(hook);
            assert!(result.is_err());
            // Both locks are free again.
            kernels::fill(&a, Number::Float(0.0)).unwrap();
            kernels::fill(&t, Number::Float(0.0)).unwrap();
        }
        assert_eq!(a.to_vec::<f64>().unwrap(), vec![0.0; n]);
    }
}

/// A closure may use the arrays its kernel works on: reading what is read is fine, the rest is an error, never a race.
#[test]
fn closures_may_call_back() {
    let a = Array::from_slice(&[1.0f64, 2.0, 3.0], [3]).unwrap();
    let total = |x: f64| {
        x + kernels::sum(&a, &[0], false)
            .unwrap()
            .item()
            .unwrap()
            .to_f64()
    };
    assert_eq!(
        kernels::map(&a, total).unwrap().to_vec::<f64>().unwrap(),
        [7.0, 8.0, 9.0]
    );
    let write =
        |_: f64| kernels::fill(&a, Number::Int(0)).unwrap_err().kind() == ErrorKind::Concurrent;
    assert_eq!(
        kernels::map(&a, write).unwrap().to_vec::<bool>().unwrap(),
        [true; 3]
    );
    let read = |x: f64| {
        assert_eq!(a.to_vec::<f64>().unwrap_err().kind(), ErrorKind::Concurrent);
        assert_eq!(
            kernels::fill(&a, Number::Int(0)).unwrap_err().kind(),
            ErrorKind::Concurrent
        );
        -x
    };
    kernels::map_assign(&a, read).unwrap();
    assert_eq!(a.to_vec::<f64>().unwrap(), [-1.0, -2.0, -3.0]);
    assert_eq!(a.version(), 1);
}

/// Shapes that fill several pieces and blocks, under every kind of strides: neighbours in long rows and short ones, columns,
/// one element for all; in new memory and in place.
#[test]
fn long_operands_of_every_form() {
    let dense = |shape: &[usize]| {
        let n = shape.iter().product();
        Array::from_slice(&support::samples::<i64>(n), shape).unwrap()
    };
    for [m, n] in [
        [3, 40_000],
        [700, 130],
        [40_000, 3],
        [513, 200],
        [1, 70_000],
    ] {
        let wide = dense(&[m, 2 * n]);
        let lower = dense(&[n, m]).transpose(0, 1).unwrap();
        let forms = [
            dense(&[m, n]),
            lower,
            wide.slice(1, n / 2, n, 1).unwrap(),
            wide.slice(1, 1, n, 2).unwrap(),
            dense(&[n]),
            dense(&[m, 1]),
            dense(&[1]),
        ];
        let full: Vec<Vec<i64>> = forms
            .iter()
            .map(|a| a.expand(&[m, n].into()).unwrap().to_vec().unwrap())
            .collect();
        for (i, a) in forms.iter().enumerate() {
            if a.shape()[..] == [m, n] {
                let got = kernels::map(a, |x: i64| x as f64 / 2.0).unwrap();
                let want: Vec<f64> = full[i].iter().map(|&x| x as f64 / 2.0).collect();
                assert!(got.to_vec::<f64>().unwrap() == want, "map {i} of {m}x{n}");
                assert!(a.copy().unwrap().to_vec::<i64>().unwrap() == full[i]);
            }
            for (j, b) in forms.iter().enumerate() {
                if a.shape().broadcast(b.shape()).unwrap()[..] != [m, n] {
                    continue;
                }
                let got = kernels::zip(a, b, |x: i64, y: i64| 3 * x - y).unwrap();
                let want: Vec<i64> =
                    (full[i].iter().zip(&full[j]).map(|(x, y)| 3 * x - y)).collect();
                assert!(
                    got.to_vec::<i64>().unwrap() == want,
                    "zip {i} {j} of {m}x{n}"
                );
                let third = &forms[(i + j) % forms.len()];
                let got = kernels::zip3(a, b, third, |x: i64, y: i64, z: i64| 3 * x - y + 5 * z);
                let want: Vec<i64> = (want.iter().zip(&full[(i + j) % forms.len()]))
                    .map(|(x, z)| x + 5 * z)
                    .collect();
                assert!(
                    got.unwrap().to_vec::<i64>().unwrap() == want,
                    "zip3 {i} {j} of {m}x{n}"
                );
                if a.shape()[..] == [m, n] {
                    // The forms of `wide` share memory: each works on a copy of its own, laid out as it is.
                    let base = Array::zeros([a.storage().bytes() / 8], DType::I64).unwrap();
                    let dst = base.view(a.layout().clone()).unwrap();
                    kernels::assign(&dst, a).unwrap();
                    kernels::zip_assign(&dst, b, |x: i64, y: i64| 3 * x - y).unwrap();
                    let want: Vec<i64> =
                        (full[i].iter().zip(&full[j]).map(|(x, y)| 3 * x - y)).collect();
                    assert!(
                        dst.to_vec::<i64>().unwrap() == want,
                        "in place {i} {j} of {m}x{n}"
                    );
                    kernels::assign(&dst, b).unwrap();
                    assert!(
                        dst.to_vec::<i64>().unwrap() == full[j],
                        "assign {i} {j} of {m}x{n}"
                    );
                    kernels::map_assign(&dst, |x: i64| -x).unwrap();
                    let want: Vec<i64> = full[j].iter().map(|x| -x).collect();
                    assert!(
                        dst.to_vec::<i64>().unwrap() == want,
                        "negated {i} {j} of {m}x{n}"
                    );
                    kernels::fill(&dst, Number::Int(7)).unwrap();
                    let sevens: i64 = base
                        .to_vec::<i64>()
                        .unwrap()
                        .iter()
                        .filter(|&&x| x == 7)
                        .count() as i64;
                    assert_eq!(sevens, (m * n) as i64, "fill {i} of {m}x{n}");
                }
            }
        }
    }
}

/// Rows and numbers beside small and large arrays, on either side, against their stretched copies.
#[test]
fn repeated_operands_are_as_stretched_ones() {
    let of = |shape: &[usize]| {
        let n: usize = shape.iter().product();
        let data: Vec<f64> = (0..n).map(|i| i as f64 * 0.5 - 3.0).collect();
        Array::from_slice(&data, shape).unwrap()
    };
    for wide in [&[2][..], &[32, 4], &[3, 1, 5], &[0, 4], &[4, 0], &[60, 5]] {
        for narrow in [&[][..], &[1], &[1, 1], &[4], &[5], &[1, 5], &[1, 4], &[0]] {
            let (a, b) = (of(wide), of(narrow));
            let common = a.shape().broadcast(b.shape());
            let (ab, turned) = (
                kernels::zip(&a, &b, |x: f64, y: f64| x - 2.0 * y),
                kernels::zip(&b, &a, |y: f64, x: f64| (x - 2.0 * y) as f32),
            );
            let Ok(common) = common else {
                assert!(ab.is_err() && turned.is_err());
                continue;
            };
            let long = |x: &Array| x.expand(&common).unwrap().to_vec::<f64>().unwrap();
            let expected: Vec<f64> = (long(&a).iter().zip(long(&b)))
                .map(|(x, y)| x - 2.0 * y)
                .collect();
            let (ab, turned) = (ab.unwrap(), turned.unwrap());
            assert_eq!((ab.shape(), turned.shape()), (&common, &common));
            assert_eq!(ab.to_vec::<f64>().unwrap(), expected);
            let rounded: Vec<f32> = expected.iter().map(|&x| x as f32).collect();
            assert_eq!(turned.to_vec::<f32>().unwrap(), rounded);
        }
    }
}
