//! Inference mode: what is made inside, and what may be done with it outside.

use super::*;
use pullback::{
    Result, enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad,
};

const SAVED: &str = "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`.";
const WRITTEN: &str = "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.";
const VIEW: &str = "A view was created in inference mode and is being modified inplace in normal mode. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the inference_mode block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked).";

#[test]
fn modes_nest() -> Result<()> {
    let w = leaf(&[1.0, 2.0]);
    {
        let _inference = inference_mode(true);
        let a = w.mul(2.0)?;
        assert!(a.is_inference() && !a.requires_grad() && !is_grad_enabled());
        assert!(is_inference_mode_enabled() && plain(&[1.0]).is_inference());
        {
            let _on = enable_grad();
            let b = w.mul(2.0)?;
            assert!(b.is_inference() && !b.requires_grad() && is_grad_enabled());
        }
        {
            let _off = inference_mode(false);
            let b = w.mul(2.0)?;
            assert!(!b.is_inference() && b.requires_grad() && is_grad_enabled());
        }
        let leaf = plain(&[1.0]).requires_grad_(true)?;
        assert!(leaf.requires_grad() && leaf.is_inference());
        assert!(leaf.mul(2.0)?.sum()?.backward().is_err());
        a.mul_(2.0)?;
        assert!(w.copy()?.is_inference());
    }
    assert!(is_grad_enabled() && !is_inference_mode_enabled());
    assert!(!plain(&[1.0]).is_inference());
    Ok(())
}

#[test]
fn outside_they_are_read_but_not_saved_written_or_tracked() -> Result<()> {
    let w = leaf(&[1.0, 2.0]);
    let a = {
        let _inference = inference_mode(true);
        w.mul(2.0)?
    };
    assert_eq!(w.mul(&a).unwrap_err().message(), SAVED);
    assert!(w.add(&a)?.requires_grad());
    assert!(!a.mul(2.0)?.is_inference());
    assert_eq!(a.mul_(2.0).unwrap_err().message(), WRITTEN);
    assert_eq!(a.add_(&w).unwrap_err().message(), WRITTEN);
    {
        let _off = no_grad();
        assert_eq!(a.mul_(2.0).unwrap_err().message(), WRITTEN);
    }
    assert_eq!(
        a.clone().requires_grad_(true).unwrap_err().message(),
        "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
    );
    a.clone().requires_grad_(false)?;
    assert!(!a.copy()?.is_inference());
    assert!(a.narrow(0, 0, 1)?.is_inference() && a.detach().is_inference());
    let y = w.mul(&a.copy()?)?.sum()?;
    y.backward()?;
    assert_eq!(grad_of(&w), [2.0, 4.0]);
    Ok(())
}

#[test]
fn views_of_ordinary_tensors() -> Result<()> {
    let (w, p) = (leaf(&[1.0, 2.0]), plain(&[1.0, 2.0]));
    let h = w.mul(1.0)?;
    let (view, of_h) = {
        let _inference = inference_mode(true);
        let view = p.narrow(0, 0, 1)?;
        assert!(!view.is_inference());
        view.mul_(3.0)?;
        (view, h.narrow(0, 0, 1)?)
    };
    assert_eq!((numbers(&p), p.version()), (vec![3.0, 2.0], 1));
    view.mul_(2.0)?;
    let e = view.mul_(&w.narrow(0, 0, 1)?).unwrap_err();
    assert_eq!(e.message(), VIEW);
    assert_eq!(of_h.mul_(2.0).unwrap_err().message(), VIEW);
    let _inference = inference_mode(true);
    of_h.mul_(2.0)?;
    w.mul_(2.0)?; // leaves too: nothing is tracked here
    h.mul_(2.0)?;
    drop(_inference);
    h.sum()?.backward()?;
    assert_eq!(grad_of(&w), [1.0, 1.0]);
    assert!(!w.grad().unwrap().is_inference());
    Ok(())
}

#[test]
fn backward_inside_makes_ordinary_gradients() -> Result<()> {
    let w = leaf(&[1.0, 2.0]);
    let y = w.mul(&w)?.sum()?;
    let _inference = inference_mode(true);
    y.backward()?;
    assert!(!w.grad().unwrap().is_inference());
    let cut = w.mul(2.0)?.sum()?;
    let e = cut.backward().unwrap_err();
    assert_eq!(
        e.message(),
        "element 0 of tensors does not require grad and does not have a grad_fn"
    );
    assert!(e.to_string().contains("in inference mode"), "{e}");
    Ok(())
}
