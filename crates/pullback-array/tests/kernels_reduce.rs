//! Folds over runs of elements: every layout and set of dims against index arithmetic, empty runs, and `max`.

mod support;

use proptest::prelude::*;
use pullback_array::{Array, DType, ErrorKind, Shape, kernels};
use support::{Sample, indices, raw, shape};

proptest! {
    /// Each run holds its elements in the order of their indices.
    #[test]
    fn runs(shape in shape(4, 4), raw in raw(), pick in 0..16usize, keep in any::<bool>()) {
        let view = raw.lay(&shape, true);
        let dims: Vec<usize> = (0..shape.len()).filter(|k| pick >> k & 1 == 1).collect();
        let kept: Vec<usize> = (0..shape.len()).filter(|k| pick >> k & 1 == 0).collect();
        let sizes: Vec<usize> = kept.iter().map(|&k| shape[k]).collect();
        let mut runs: Vec<Vec<i64>> = vec![vec![]; sizes.iter().product()];
        for index in indices(&shape) {
            let flat = kept.iter().fold(0, |flat, &k| flat * shape[k] + index[k]);
            runs[flat].push(i64::sample(view.place(&index)));
        }
        let a = view.array::<i64>();
        // A polynomial in the elements tells every order apart.
        let horner = |x: i64, y: i64| x.wrapping_mul(1_000_003).wrapping_add(y);
        let folded = kernels::reduce(&a, &dims, keep, |run: kernels::Run<'_, i64>| run.fold(17, horner))?;
        let expected: Vec<i64> = runs.iter().map(|run| run.iter().copied().fold(17, horner)).collect();
        prop_assert_eq!(folded.to_vec::<i64>()?, expected);
        prop_assert_eq!(folded.shape(), &kernels::reduced_shape(a.shape(), &dims, keep));
        let with_ones: Vec<usize> = (0..shape.len()).map(|k| if dims.contains(&k) { 1 } else { shape[k] }).collect();
        prop_assert_eq!(&folded.shape()[..], &(if keep { with_ones } else { sizes })[..]);
        let counts = kernels::reduce(&a, &dims, keep, |run: kernels::Run<'_, i64>| {
            let (promised, count) = (run.len(), run.count());
            if promised == count { count as i64 } else { -1 }
        })?;
        prop_assert_eq!(counts.to_vec::<i64>()?, runs.iter().map(|run| run.len() as i64).collect::<Vec<_>>());
        let most = kernels::reduce(&a, &dims, keep, |run: kernels::Run<'_, i64>| run.max().unwrap_or(i64::MIN))?;
        let expected: Vec<i64> = runs.iter().map(|run| run.iter().copied().max().unwrap_or(i64::MIN)).collect();
        prop_assert_eq!(most.to_vec::<i64>()?, expected);
    }

    /// A closure that takes only part of its run, or none of it.
    #[test]
    fn runs_need_not_be_finished(shape in shape(3, 4), raw in raw()) {
        let a = raw.lay(&shape, true).array::<f32>();
        let first = kernels::reduce(&a, &[], false, |mut run: kernels::Run<'_, f32>| run.next().unwrap_or(f32::NAN))?;
        prop_assert!(first.bits_equal(&a.copy()?)?);
        let none = kernels::reduce(&a, &[], false, |_: kernels::Run<'_, f32>| true)?;
        prop_assert_eq!(none.numel(), a.numel());
    }
}

#[test]
fn runs_of_nothing() {
    let a = Array::zeros([2, 0, 3], DType::F64).unwrap();
    let product = |run: kernels::Run<'_, f64>| run.product::<f64>();
    let ones = kernels::reduce(&a, &[1], false, product).unwrap();
    assert_eq!(ones.to_vec::<f64>().unwrap(), [1.0; 6]);
    let none = kernels::reduce(&a, &[0], false, product).unwrap();
    assert_eq!((none.numel(), &none.shape()[..]), (0, &[0, 3][..]));
    let all = kernels::reduce(&a, &[0, 1, 2], true, product).unwrap();
    assert_eq!(
        (all.to_vec::<f64>().unwrap(), &all.shape()[..]),
        (vec![1.0], &[1, 1, 1][..])
    );
    let scalar = Array::scalar(3.0).unwrap();
    assert_eq!(
        kernels::reduce(&scalar, &[], false, product)
            .unwrap()
            .to_vec::<f64>()
            .unwrap(),
        [3.0]
    );
}

#[test]
fn dims_that_are_none_are_errors() {
    let a = Array::zeros([3, 4], DType::F32).unwrap();
    let fold = |dims: &[usize]| {
        kernels::reduce(&a, dims, false, |run: kernels::Run<'_, f32>| {
            run.sum::<f32>()
        })
    };
    assert_eq!(
        fold(&[1, 1]).unwrap_err().message(),
        "dim 1 appears multiple times in the list of dims"
    );
    assert_eq!(fold(&[2]).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(fold(&[usize::MAX]).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(
        kernels::reduced_shape(&Shape::new(&[3, 4]), &[1], false),
        Shape::new(&[3])
    );
}
