//! Recording on and off: nesting, guards that die in any order, panics, threads, and what the modes leave alone.

use pullback::{
    BackwardOptions, Program, Replay, Result, Tensor, enable_grad, grad, is_grad_enabled, no_grad,
    set_grad_enabled,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn leaf(x: f64) -> Tensor {
    Tensor::scalar(x).requires_grad_(true).unwrap()
}

#[test]
fn nesting() -> Result<()> {
    let x = leaf(2.0);
    assert!(is_grad_enabled());
    {
        let _off = no_grad();
        assert!(!is_grad_enabled() && !x.mul(&x)?.requires_grad());
        {
            let _on = enable_grad();
            assert!(is_grad_enabled() && x.mul(&x)?.requires_grad());
            {
                let _off = set_grad_enabled(false);
                let _off_again = no_grad();
                assert!(!is_grad_enabled());
            }
            assert!(is_grad_enabled());
        }
        assert!(!is_grad_enabled());
    }
    assert!(is_grad_enabled());
    Ok(())
}

/// The youngest guard alive decides. (Python's context managers cannot be left in another order; Rust's guards can, and a
/// tuple of them drops front to back.)
#[test]
fn guards_dropped_in_another_order() {
    let (off, on) = (no_grad(), enable_grad());
    drop(off);
    assert!(is_grad_enabled());
    drop(on);
    assert!(is_grad_enabled());

    let (on, off) = (enable_grad(), no_grad());
    drop(on);
    assert!(
        !is_grad_enabled(),
        "the guard that is left says no gradients"
    );
    drop(off);
    assert!(is_grad_enabled());

    drop((no_grad(), enable_grad(), no_grad()));
    assert!(is_grad_enabled());
}

#[test]
fn a_panic_puts_the_mode_back() {
    let caught = catch_unwind(|| {
        let _off = no_grad();
        let _on = enable_grad();
        let _off_again = no_grad();
        panic!("on purpose");
    });
    assert!(caught.is_err() && is_grad_enabled());
}

#[test]
fn a_panic_inside_a_trace_ends_the_recording() -> Result<()> {
    let x = leaf(2.0);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        Program::snapshot(&[&x], |x| {
            let _off = no_grad();
            x[0].mul(&x[0])?;
            panic!("on purpose")
        })
        .map(drop)
    }));
    assert!(caught.is_err() && is_grad_enabled());
    let (program, _) = Program::snapshot(&[&x], |x| Ok(vec![x[0].exp()?]))?;
    assert_eq!(program.instructions().len(), 1);
    assert!(x.mul(&x)?.requires_grad());
    Ok(())
}

/// A guard of one mode must not touch another mode when it dies late.
#[test]
fn a_guard_outlives_a_trace_or_ends_inside_one() -> Result<()> {
    let x = leaf(2.0);
    let mut off = Some(no_grad());
    let (program, _) = Program::snapshot(&[&x], |x| {
        let y = x[0].mul(&x[0])?;
        off = None; // the mode ends here, the recording does not
        Ok(vec![y.exp()?])
    })?;
    assert_eq!(program.instructions().len(), 2);
    assert!(is_grad_enabled());
    let again = program.replay(&[&Tensor::scalar(0.0f64)], Replay::default())?;
    assert_eq!(again[0].item_f64()?, 1.0);

    let mut kept = None;
    Program::snapshot(&[&x], |x| {
        kept = Some(no_grad());
        Ok(vec![x[0].exp()?])
    })?;
    assert!(!is_grad_enabled());
    drop(kept);
    assert!(is_grad_enabled() && x.exp()?.requires_grad());
    Ok(())
}

#[test]
fn modes_belong_to_a_thread() {
    let _off = no_grad();
    std::thread::spawn(|| {
        assert!(is_grad_enabled());
        let _off = no_grad();
        assert!(!is_grad_enabled());
    })
    .join()
    .unwrap();
    assert!(!is_grad_enabled());
}

#[test]
fn backward_inside_no_grad() -> Result<()> {
    let x = leaf(3.0);
    let y = x.mul(&x)?;
    let _off = no_grad();
    // As in PyTorch, `create_graph` records even here; and the mode is put back.
    let create = BackwardOptions::NEW.create_graph(true);
    let g = grad(&[(&y, None)], &[&x], create)?.remove(0).unwrap();
    assert!(g.requires_grad() && !is_grad_enabled());
    y.backward()?;
    assert_eq!(x.grad().unwrap().item_f64()?, 6.0);
    assert!(!x.grad().unwrap().requires_grad());
    Ok(())
}

#[test]
fn an_error_in_backward_puts_the_mode_back() -> Result<()> {
    let x = leaf(3.0);
    let y = x.mul(&x)?;
    y.backward()?;
    assert!(y.backward().is_err() && is_grad_enabled());
    assert!(x.mul(&x)?.requires_grad());
    Ok(())
}

#[test]
fn requires_grad_may_change_only_where_it_makes_sense() -> Result<()> {
    let x = leaf(3.0);
    let y = x.mul(2.0)?;
    assert!(!y.is_leaf() && y.requires_grad());
    assert!(y.clone().requires_grad_(false).is_err());
    assert!(
        y.clone().requires_grad_(true).is_ok(),
        "already so: nothing to do"
    );
    // On a shared handle, every clone sees it.
    let a = Tensor::scalar(1.0f64);
    let b = a.clone();
    let a = a.requires_grad_(true)?;
    assert!(b.requires_grad() && b.is_leaf());
    b.mul(3.0)?.backward()?;
    assert_eq!(a.grad().unwrap().item_f64()?, 3.0);
    let b = b.requires_grad_(false)?;
    assert!(!a.requires_grad() && !b.requires_grad());
    assert_eq!(
        a.grad().unwrap().item_f64()?,
        3.0,
        "what was gathered stays, as in PyTorch"
    );
    // A result computed under no_grad is a leaf.
    let z = {
        let _off = no_grad();
        x.mul(2.0)?
    };
    assert!(z.is_leaf() && z.requires_grad_(true)?.is_leaf());
    Ok(())
}
