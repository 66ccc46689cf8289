//! Scans, folds and medians on every layout, against loops over rows written out: order, direction, empty lines, NaN.

mod support;

use proptest::prelude::*;
use pullback_array::{Array, DType, ErrorKind, kernels, kernels::Running};
use support::{Sample, indices, raw, shape};

/// The elements of `a` along `dim`, line by line, and the number of lines before and after it.
fn lines(a: &Array, dim: usize) -> Vec<Vec<i64>> {
    let turned = a.transpose(dim as i64, -1).unwrap();
    let n = turned.shape()[turned.rank() - 1];
    let data = turned.to_vec::<i64>().unwrap();
    if n == 0 {
        return Vec::new();
    }
    data.chunks(n).map(<[i64]>::to_vec).collect()
}

proptest! {
    /// Every line is walked in order or backwards, each with a state of its own.
    #[test]
    fn scans(shape in shape(4, 4), raw in raw(), pick in 0..4usize, reverse in any::<bool>()) {
        let view = raw.lay(&shape, true);
        let a = view.array::<i64>();
        prop_assert_eq!(a.numel(), indices(&shape).len());
        let dim = pick % shape.len().max(1);
        // A polynomial in the elements tells every order apart.
        let step = |state: i64, at: usize, [x]: [i64; 1]| {
            let next = state.wrapping_mul(1_000_003).wrapping_add(x).wrapping_add(at as i64 * 7);
            (next, next)
        };
        let got = kernels::scan([&a], dim, reverse, 17, step)?;
        prop_assert_eq!(got.shape(), a.shape());
        if shape.is_empty() {
            prop_assert_eq!(got.to_vec::<i64>()?, vec![step(17, 0, [a.item()?.cast()]).0]);
            return Ok(());
        }
        for (line, mut found) in lines(&a, dim).into_iter().zip(lines(&got, dim)) {
            let mut order: Vec<(usize, i64)> = line.into_iter().enumerate().collect();
            if reverse {
                order.reverse();
                found.reverse();
            }
            let mut state = 17;
            for ((at, x), y) in order.into_iter().zip(found) {
                state = step(state, at, [x]).0;
                prop_assert_eq!(y, state);
            }
        }
    }

    /// Two arrays of different layouts are walked together.
    #[test]
    fn recurrences(shape in shape(3, 4), one in raw(), two in raw(), pick in 0..3usize, reverse in any::<bool>()) {
        let (a, b) = (one.lay(&shape, true).array::<f64>(), two.lay(&shape, true).array::<f64>());
        let dim = pick % shape.len().max(1);
        let y = kernels::recurrence(&a, &b, dim, reverse)?;
        let whole = |x: &Array| -> Vec<f64> { x.to_vec::<f64>().unwrap() };
        let index = indices(&shape);
        let (a, b, y) = (whole(&a), whole(&b), whole(&y));
        for (flat, at) in index.iter().enumerate() {
            let before = index.iter().position(|other| {
                let next = if reverse { at.get(dim).map(|&k| k + 1) } else { at.get(dim).and_then(|&k| k.checked_sub(1)) };
                next.is_some_and(|next| other.get(dim) == Some(&next)
                    && (0..shape.len()).all(|k| k == dim || other[k] == at[k]))
            });
            let expected = before.map_or(b[flat], |p| b[flat] + a[flat] * y[p]);
            prop_assert!(y[flat] == expected || y[flat].is_nan() && expected.is_nan());
        }
    }

    /// Extremes, where they are, counts and products agree with plain loops.
    #[test]
    fn folds(shape in shape(3, 4), raw in raw(), pick in 0..8usize, largest in any::<bool>()) {
        let view = raw.lay(&shape, true);
        let a = view.array::<i64>();
        let dims: Vec<usize> = (0..shape.len()).filter(|k| pick >> k & 1 == 1).collect();
        let kept: Vec<usize> = (0..shape.len()).filter(|k| pick >> k & 1 == 0).collect();
        let mut runs = vec![vec![]; kept.iter().map(|&k| shape[k]).product::<usize>()];
        for index in indices(&shape) {
            let flat = kept.iter().fold(0, |flat, &k| flat * shape[k] + index[k]);
            runs[flat].push(i64::sample(view.place(&index)));
        }
        let product: Vec<i64> = runs.iter().map(|r| r.iter().fold(1i64, |p, &x| p.wrapping_mul(x))).collect();
        prop_assert_eq!(kernels::prod(&a, &dims, false)?.to_vec::<i64>()?, product);
        let count: Vec<i64> = runs.iter().map(|r| r.iter().filter(|&&x| x != 0).count() as i64).collect();
        prop_assert_eq!(kernels::count_nonzero(&a, &dims, false)?.to_vec::<i64>()?, count);
        if runs.iter().any(Vec::is_empty) {
            return Ok(());
        }
        let best = |r: &Vec<i64>| if largest { *r.iter().max().unwrap() } else { *r.iter().min().unwrap() };
        let bests: Vec<i64> = runs.iter().map(best).collect();
        prop_assert_eq!(kernels::extreme(&a, &dims, false, largest)?.to_vec::<i64>()?, bests);
        let at: Vec<i64> = runs.iter().map(|r| r.iter().position(|&x| x == best(r)).unwrap() as i64).collect();
        prop_assert_eq!(kernels::arg_extreme(&a, &dims, false, largest)?.to_vec::<i64>()?, at);
        let middle: Vec<i64> = runs.iter().map(|r| {
            let mut order: Vec<usize> = (0..r.len()).collect();
            order.sort_by_key(|&i| r[i]);
            order[(r.len() - 1) / 2] as i64
        }).collect();
        prop_assert_eq!(kernels::arg_median(&a, &dims, false, false)?.to_vec::<i64>()?, middle);
    }
}

#[test]
fn running_totals() {
    let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [4]).unwrap();
    let of = |reverse, what| {
        let y = kernels::cumulate(&a, 0, reverse, what).unwrap();
        y.to_vec::<f32>().unwrap()
    };
    assert_eq!(of(false, Running::Sum), [1.0, 3.0, 6.0, 10.0]);
    assert_eq!(of(true, Running::Sum), [10.0, 9.0, 7.0, 4.0]);
    assert_eq!(of(false, Running::Product), [1.0, 2.0, 6.0, 24.0]);
    let logs = of(false, Running::LogSumExp);
    assert!((logs[3] - 4.440_19).abs() < 1e-6, "{logs:?}");
    // Totals of f32 are kept in double precision, as PyTorch keeps them.
    let small = Array::full([1001], 1e-8f64, DType::F32).unwrap();
    let ones = Array::full([1], 1.0f64, DType::F32).unwrap();
    let mut data = ones.to_vec::<f32>().unwrap();
    data.extend(small.to_vec::<f32>().unwrap());
    let sums = Array::from_slice(&data, [1002]).unwrap();
    let sums = kernels::cumulate(&sums, 0, false, Running::Sum).unwrap();
    assert_eq!(sums.to_vec::<f32>().unwrap()[1001], 1.000_01);
    let ints = Array::from_slice(&[200u8, 100], [2]).unwrap();
    let sums = kernels::cumulate(&ints, 0, false, Running::Sum).unwrap();
    assert_eq!(sums.to_vec::<i64>().unwrap(), [200, 300]);
    let refused = kernels::cumulate(&ints, 0, false, Running::LogSumExp).unwrap_err();
    assert_eq!(
        refused.message(),
        "\"logcumsumexp_out_cpu\" not implemented for 'Byte'"
    );
}

#[test]
fn nan_wins_extremes_and_the_first_is_named() {
    let nan = f64::NAN;
    let a = Array::from_slice(&[1.0, nan, 3.0, nan], [4]).unwrap();
    for largest in [true, false] {
        let best = kernels::extreme(&a, &[0], false, largest).unwrap();
        assert!(best.item().unwrap().to_f64().is_nan());
        let at = kernels::arg_extreme(&a, &[0], false, largest).unwrap();
        assert_eq!(at.to_vec::<i64>().unwrap(), [1]);
        let running = kernels::cumulate_extreme(&a, 0, largest).unwrap();
        assert_eq!(running.to_vec::<i64>().unwrap(), [0, 1, 1, 3]);
    }
}

#[test]
fn variance_is_exact_where_it_can_be() {
    let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 5.0, 5.0, 5.0], [2, 3]).unwrap();
    let of = |dims: &[usize], correction, root| {
        let y = kernels::variance(&a, dims, false, correction, root).unwrap();
        y.to_vec::<f32>().unwrap()
    };
    assert_eq!(of(&[1], 1.0, false), [1.0, 0.0]);
    assert_eq!(of(&[1], 1.0, true), [1.0, 0.0]);
    assert_eq!(of(&[0, 1], 0.0, false), [2.583_333_3]);
    assert!(of(&[1], 3.0, false)[1].is_nan() && of(&[1], 3.0, false)[0].is_infinite());
    let none = Array::zeros([0, 2], DType::F64).unwrap();
    let y = kernels::variance(&none, &[0], false, 1.0, false).unwrap();
    assert!(y.to_vec::<f64>().unwrap().iter().all(|x| x.is_nan()));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let (a, b) = (
        Array::zeros([2, 3], DType::F64).unwrap(),
        Array::zeros([3, 2], DType::F64).unwrap(),
    );
    let e = kernels::recurrence(&a, &b, 0, false).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Shape);
    let e = kernels::cumulate(&a, 2, false, Running::Sum).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Index);
    let e = kernels::recurrence(&a, &kernels::cast(&a, DType::F32).unwrap(), 0, false);
    assert_eq!(e.unwrap_err().kind(), ErrorKind::DType);
}
