//! Gradients across dtypes: mixed operands, converted seeds, in-place writes that keep the destination's dtype. Expected
//! bits are PyTorch 2.15's.

mod made;

use made::{grad_of, leaf, leaf32, plain};
use pullback::{DType, ErrorKind, Result, Tensor};

#[test]
fn mixed_dtypes() -> Result<()> {
    let p = leaf32(&[0.1, 0.2]);
    let y = p.mul(&plain(&[1.0 / 3.0, 1.0 / 7.0]))?;
    assert_eq!(y.dtype(), DType::F64);
    y.sum()?.backward()?;
    let g = p.grad().unwrap();
    assert_eq!(g.dtype(), DType::F32);
    assert_eq!(g.to_vec::<f32>()?, [1.0f32 / 3.0, 1.0f32 / 7.0]);
    // A conversion to integers ends the history, as in PyTorch.
    assert!(!p.to(DType::I64)?.requires_grad());
    Ok(())
}

#[test]
fn seeds_of_another_dtype_are_converted() -> Result<()> {
    let x = leaf32(&[1.0, 2.0]);
    for seed in [plain(&[3.0, 4.0]), Tensor::from_slice(&[3i64, 4], [2])?] {
        x.zero_grad();
        x.mul(2.0)?.backward_with(Some(&seed), Default::default())?;
        let g = x.grad().unwrap();
        assert_eq!((g.dtype(), g.to_f64_vec()?), (DType::F32, vec![6.0, 8.0]));
    }
    Ok(())
}

#[test]
fn dtypes_in_place() -> Result<()> {
    let ints = Tensor::from_slice(&[1i64, 2], [2])?;
    let halves = plain(&[0.5, 0.5]);
    for e in [
        ints.add_(&halves).unwrap_err(),
        ints.mul_(0.5).unwrap_err(),
        ints.add_scaled_(&halves, 2.0).unwrap_err(),
    ] {
        assert_eq!(e.kind(), ErrorKind::DType);
        assert!(
            e.message().starts_with("result type ")
                && e.message()
                    .ends_with(" can't be cast to the desired output type Long"),
            "{e}"
        );
    }
    let e = ints.add_scaled_(&ints.copy()?, 0.5).unwrap_err();
    assert_eq!(
        e.message(),
        "For integral input tensors, argument alpha must not be a floating point number."
    );
    assert_eq!(ints.to_vec::<i64>()?, [1, 2]);
    ints.fill_(1.5)?;
    assert_eq!(ints.to_vec::<i64>()?, [1, 1]);
    // Integers that are written from floats have no gradient to pass on.
    ints.copy_(&leaf(&[3.7, 4.2]))?;
    ints.set(0, &leaf(&[9.9]).select(0, 0)?)?;
    assert!(!ints.requires_grad());
    assert_eq!(ints.to_vec::<i64>()?, [9, 4]);

    // float32 in place with float64: computed in float64, rounded once, stays float32.
    let single = |x: f32| Tensor::from_slice(&[x], [1]);
    let a = single(1.5)?.requires_grad_(true)?;
    let b = a.mul(1.0)?;
    let third = leaf(&[1.0 / 3.0]);
    b.add_(&third.detach())?;
    assert_eq!(b.to_vec::<f32>()?[0].to_bits(), 1072343723);
    b.sum()?.backward()?;
    assert_eq!(grad_of(&a), [1.0]);
    a.zero_grad();
    let b = a.mul(1.0)?;
    b.mul_(&third)?;
    assert_eq!(b.to_vec::<f32>()?[0].to_bits(), 1056964608);
    b.sum()?.backward()?;
    assert_eq!(a.grad().unwrap().to_vec::<f32>()?[0].to_bits(), 1051372203);
    assert_eq!(grad_of(&third), [1.5]);
    let c = Tensor::from_slice(&[0.1f32, 0.2], [2])?;
    c.sub_scaled_(&plain(&[1.0 / 3.0, 1.0 / 7.0]), 0.1)?;
    let bits: Vec<u32> = c.to_vec::<f32>()?.into_iter().map(f32::to_bits).collect();
    assert_eq!(bits, [1032358025, 1044261859]);
    Ok(())
}
