//! Forward mode as the program runs.

use super::*;
use pullback::forward_ad::{dual_level, make_dual, unpack_dual};
use pullback::{DType, Result, no_grad};

fn tangent(x: &Tensor) -> Option<Vec<f64>> {
    unpack_dual(x).1.map(|t| numbers(&t))
}

#[test]
fn operations_push_tangents() -> Result<()> {
    let x = plain(&[1.0, 2.0]);
    let level = dual_level()?;
    let d = make_dual(&x, &plain(&[1.0, 1.0]))?;
    assert_eq!(tangent(&d.mul(&d)?), Some(vec![2.0, 4.0]));
    assert_eq!(tangent(&plain(&[1.0])), None);
    assert_eq!(tangent(&d.detach()), None);
    assert_eq!(tangent(&d.sum()?.exp()?), Some(vec![2.0 * 3f64.exp()]));
    {
        let _off = no_grad();
        assert_eq!(tangent(&d.mul(2.0)?), Some(vec![2.0, 2.0]));
    }
    drop(level);
    assert_eq!(tangent(&d), None);
    assert_eq!(tangent(&d.mul(&d)?), None);
    Ok(())
}

#[test]
fn writes_in_place_and_views() -> Result<()> {
    let x = plain(&[1.0, 2.0]);
    let _level = dual_level()?;
    let d = make_dual(&x, &plain(&[1.0, 1.0]))?;
    let q = d.copy()?;
    q.mul_(&d)?;
    assert_eq!(
        (numbers(&q), tangent(&q)),
        (vec![1.0, 4.0], Some(vec![2.0, 4.0]))
    );
    let q = plain(&[1.0, 2.0]);
    q.mul_(&d)?;
    assert_eq!(tangent(&q), Some(vec![1.0, 2.0]));
    let q = d.copy()?;
    q.narrow(0, 0, 1)?.mul_(2.0)?;
    assert_eq!(
        (numbers(&q), tangent(&q)),
        (vec![2.0, 2.0], Some(vec![2.0, 1.0]))
    );
    let v = q.narrow(0, 1, 1)?;
    assert_eq!(tangent(&v), Some(vec![1.0]));
    q.mul_(10.0)?;
    assert_eq!(tangent(&v), Some(vec![10.0]));
    // Into a part of a tensor that had no tangent.
    let q = plain(&[1.0, 2.0, 3.0]);
    q.narrow(0, 1, 2)?.copy_(&d)?;
    assert_eq!(
        (numbers(&q), tangent(&q)),
        (vec![1.0, 1.0, 2.0], Some(vec![0.0, 1.0, 1.0]))
    );
    // A tangent handed on is not shared with what is written.
    let same = d.add(0.0)?;
    same.mul_(5.0)?;
    assert_eq!(
        (tangent(&same), tangent(&d)),
        (Some(vec![5.0, 5.0]), Some(vec![1.0, 1.0]))
    );
    Ok(())
}

#[test]
fn tangents_have_gradients() -> Result<()> {
    let x = leaf(&[0.5]);
    let _level = dual_level()?;
    let d = make_dual(&x, &plain(&[1.0]))?;
    let dot = unpack_dual(&d.sin()?).1.unwrap();
    dot.sum()?.backward()?;
    assert_eq!(grad_of(&x), [-0.5f64.sin()]);
    Ok(())
}

#[test]
fn unpacked_and_printed() -> Result<()> {
    let x = plain(&[1.0, 2.0]).requires_grad_(true)?;
    let _level = dual_level()?;
    let d = make_dual(&x, &plain(&[1.0, 0.5]).to(DType::F32)?)?;
    assert_eq!(unpack_dual(&d).1.map(|t| t.dtype()), Some(DType::F64));
    let (primal, _) = unpack_dual(&d);
    assert_eq!(tangent(&primal), None);
    primal.mul(3.0)?.sum()?.backward()?;
    assert_eq!(numbers(&x.grad().unwrap()), [3.0, 3.0]);
    assert_eq!(
        d.detach().add(&d)?.to_string(),
        "tensor([2., 4.], dtype=torch.float64, grad_fn=<AddBackward0>,\n       tangent=tensor([1.0000, 0.5000], dtype=torch.float64))"
    );
    assert_eq!(
        make_dual(&Tensor::scalar(1.0f32), &Tensor::scalar(2e-5f32))?.to_string(),
        "tensor(1., tangent=1.9999999494757503e-05)"
    );
    Ok(())
}

#[test]
fn mistakes() -> Result<()> {
    let x = plain(&[1.0, 2.0]);
    let e = make_dual(&x, &x).unwrap_err();
    assert_eq!(
        e.message(),
        "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
    );
    let _level = dual_level()?;
    assert_eq!(
        dual_level().unwrap_err().message(),
        "Nested forward mode AD is not supported at the moment"
    );
    let e = make_dual(&x, &plain(&[1.0])).unwrap_err();
    assert_eq!(
        e.message(),
        "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor is of size [2] while the given forward gradient is of size [1]."
    );
    let whole = x.to(DType::I64)?;
    assert_eq!(
        make_dual(&whole, &whole).unwrap_err().message(),
        "Expected primal to be floating point or complex, but got: torch.int64"
    );
    assert_eq!(
        make_dual(&x, &whole).unwrap_err().message(),
        "Expected tangent to be floating point or complex, but got: torch.int64"
    );
    let d = make_dual(&x, &x)?;
    assert_eq!(
        make_dual(&d, &x).unwrap_err().message(),
        "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not supported."
    );
    assert_eq!(
        make_dual(&x, &d).unwrap_err().message(),
        "Setting a forward grad that itself has a forward gradient at the same level0 is not supported."
    );
    Ok(())
}
