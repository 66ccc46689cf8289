//! Sums: PyTorch's order of additions to the bit, every layout and set of dims against index arithmetic, and what must
//! be an error.

mod support;

use proptest::prelude::*;
use pullback_array::dd::Dd;
use pullback_array::{Array, DType, ErrorKind, Layout, kernels};
use support::{Sample, golden, indices, numbers, raw, shape, sizes};

/// FNV-1a over the hexadecimal digits of all results, as in the golden script.
fn digest(patterns: &[String]) -> String {
    let hash = patterns
        .concat()
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325u64, |h, byte| {
            (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
    format!("{hash:016x}")
}

#[test]
fn order_of_additions_is_pytorchs() {
    let mut wrong = Vec::new();
    let rows = golden("sum");
    for row in &rows {
        let (dtype, seed) = (row[0].as_str().unwrap(), row[1].as_u64().unwrap());
        let (size, dims) = (sizes(&row[2]), sizes(&row[4]));
        let strides: Vec<isize> = sizes(&row[3]).iter().map(|&s| s as isize).collect();
        let reach = |(&n, &s): (&usize, &isize)| (n - 1) * s as usize;
        let extent = if size.contains(&0) {
            0
        } else {
            1 + size.iter().zip(&strides).map(reach).sum::<usize>()
        };
        let flat = Array::from_slice(&numbers(seed, extent), [extent]).unwrap();
        let flat = kernels::cast(&flat, DType::from_name(dtype).unwrap()).unwrap();
        let layout = Layout::new(size.clone().into(), &strides, 0);
        let sum = kernels::sum(&flat.view(layout).unwrap(), &dims, false).unwrap();
        let patterns: Vec<String> = match sum.dtype() {
            DType::F32 => (sum.to_vec::<f32>().unwrap().iter())
                .map(|x| format!("{:08x}", x.to_bits()))
                .collect(),
            _ => (sum.to_vec::<f64>().unwrap().iter())
                .map(|x| format!("{:016x}", x.to_bits()))
                .collect(),
        };
        if digest(&patterns) != row[5].as_str().unwrap() {
            wrong.push(format!(
                "{dtype} {size:?} strides {strides:?} dims {dims:?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} sums have other bits than PyTorch's:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

/// Exact sums of small integers, by index arithmetic: (shape, values) of the reduced array.
fn reference(view: &support::Strided, dims: &[usize]) -> Vec<i64> {
    let kept: Vec<usize> = (0..view.shape.len())
        .filter(|k| !dims.contains(k))
        .collect();
    let out: Vec<usize> = kept.iter().map(|&k| view.shape[k]).collect();
    let mut sums = vec![0; out.iter().product()];
    for index in indices(&view.shape) {
        let flat = kept
            .iter()
            .fold(0, |flat, &k| flat * view.shape[k] + index[k]);
        sums[flat] += i64::sample(view.place(&index));
    }
    sums
}

proptest! {
    /// Integers have one sum, whatever the order; floats of small integers have the same.
    #[test]
    fn every_layout_and_set_of_dims(shape in shape(5, 5), raw in raw(), pick in 0..32usize, keep in any::<bool>()) {
        let view = raw.lay(&shape, true);
        let dims: Vec<usize> = (0..shape.len()).filter(|k| pick >> k & 1 == 1).collect();
        let expected = reference(&view, &dims);
        let whole = view.array::<i64>();
        for &dtype in &[DType::I32, DType::I64, DType::F32, DType::F64, DType::Dd] {
            let a = kernels::cast(&Array::from_slice(&support::samples::<i64>(view.len), [view.len])?, dtype)?;
            let a = a.view(view.layout())?;
            let sum = kernels::sum(&a, &dims, keep)?;
            let out = if dtype.is_float() { dtype } else { DType::I64 };
            prop_assert_eq!(sum.dtype(), out);
            prop_assert_eq!(kernels::cast(&sum, DType::I64)?.to_vec::<i64>()?, expected.clone());
            prop_assert_eq!(sum.shape(), &kernels::reduced_shape(whole.shape(), &dims, keep));
        }
    }

    /// The order of `dims` in the list says nothing.
    #[test]
    fn order_of_dims_does_not_matter(shape in shape(4, 6), raw in raw(), pick in 0..16usize) {
        let a = raw.lay(&shape, true).array::<f32>();
        let dims: Vec<usize> = (0..shape.len()).filter(|k| pick >> k & 1 == 1).collect();
        let backwards: Vec<usize> = dims.iter().rev().copied().collect();
        prop_assert!(kernels::sum(&a, &dims, false)?.bits_equal(&kernels::sum(&a, &backwards, false)?)?);
    }
}

#[test]
fn integers_wrap_and_truths_count() {
    let a = Array::from_slice(&[i64::MAX, 1], [2]).unwrap();
    let sum = kernels::sum(&a, &[0], false).unwrap();
    assert_eq!(sum.to_vec::<i64>().unwrap(), [i64::MIN]);
    let a = Array::from_slice(&[true, false, true], [3]).unwrap();
    let sum = kernels::sum(&a, &[0], false).unwrap();
    assert_eq!(sum.to_vec::<i64>().unwrap(), [2]);
    let a = Array::full([300], 255i64, DType::U8).unwrap();
    let sum = kernels::sum(&a, &[0], false).unwrap();
    assert_eq!(sum.to_vec::<i64>().unwrap(), [300 * 255]);
}

#[test]
fn nothing_sums_to_zero_and_minus_zero_to_zero() {
    for dims in [&[0usize][..], &[1], &[0, 1]] {
        let a = Array::zeros([0, 3], DType::F32).unwrap();
        let sum = kernels::sum(&a, dims, true).unwrap();
        assert!(sum.to_f64_vec().unwrap().iter().all(|x| x.to_bits() == 0));
    }
    let a = Array::from_slice(&[-0.0f64], [1, 1]).unwrap();
    for dims in [&[][..], &[0], &[0, 1]] {
        let sum = kernels::sum(&a, dims, false).unwrap();
        assert_eq!(sum.to_vec::<f64>().unwrap()[0].to_bits(), 0, "{dims:?}");
    }
    let scalar = Array::scalar(Dd::from(5.0)).unwrap();
    assert_eq!(
        kernels::sum(&scalar, &[], false)
            .unwrap()
            .to_f64_vec()
            .unwrap(),
        [5.0]
    );
}

/// A dimension that comes twice would be walked twice, past the end of the memory.
#[test]
fn dims_that_are_none_are_errors() {
    for dtype in [DType::F32, DType::I64] {
        let a = Array::zeros([3, 4], dtype).unwrap();
        let e = kernels::sum(&a, &[0, 1, 0], false).unwrap_err();
        assert_eq!(
            e.message(),
            "dim 0 appears multiple times in the list of dims"
        );
        let e = kernels::sum(&a, &[2], false).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Index);
        assert_eq!(
            e.message(),
            "Dimension out of range (expected to be in range of [-2, 1], but got 2)"
        );
    }
}

/// An expanded dimension has stride 0, which once passed for "no dimension yet": twelve neighbours were read where there
/// were three.
#[test]
fn expanded_inner_dimension() {
    let a = Array::from_slice(&[1.0f32, 2.0, 3.0], [3, 1]).unwrap();
    let wide = a.expand(&[3, 4].into()).unwrap();
    assert_eq!(
        kernels::sum(&wide, &[0, 1], false)
            .unwrap()
            .to_f64_vec()
            .unwrap(),
        [24.0]
    );
    let product = |run: kernels::Run<'_, f32>| run.product::<f32>();
    let product = kernels::reduce(&wide, &[0, 1], false, product).unwrap();
    assert_eq!(product.to_f64_vec().unwrap(), [1296.0]);
}
