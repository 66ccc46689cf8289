//! Functions of the user: several results, what they save, what they write, and that the same tools check them.

use super::*;
use pullback::forward_ad::{dual_level, make_dual, unpack_dual};
use pullback::func::jvp;
use pullback::{
    Backward, DType, Error, ErrorKind, Forward, Function, Grads, Program, Replay, Result,
    apply_function, grad, no_grad,
};
use std::borrow::Cow;

type ForwardFn = dyn Fn(&mut Forward, &[Tensor]) -> Result<Vec<Tensor>> + Send + Sync;
type BackwardFn = dyn Fn(&Backward<'_>) -> Result<Grads> + Send + Sync;

/// A function of two closures.
struct Fn2(Box<ForwardFn>, Box<BackwardFn>);

impl Function for Fn2 {
    fn name(&self) -> Cow<'static, str> {
        "Fn".into()
    }
    fn forward(&self, cx: &mut Forward, x: &[Tensor]) -> Result<Vec<Tensor>> {
        (self.0)(cx, x)
    }
    fn backward(&self, cx: &Backward<'_>) -> Result<Grads> {
        (self.1)(cx)
    }
}

fn function(
    f: impl Fn(&mut Forward, &[Tensor]) -> Result<Vec<Tensor>> + Send + Sync + 'static,
    b: impl Fn(&Backward<'_>) -> Result<Grads> + Send + Sync + 'static,
) -> Fn2 {
    Fn2(Box::new(f), Box::new(b))
}

/// x y and x + y.
struct MulAdd;

impl Function for MulAdd {
    fn forward(&self, cx: &mut Forward, x: &[Tensor]) -> Result<Vec<Tensor>> {
        cx.save_for_backward(&[&x[0], &x[1]]);
        Ok(vec![x[0].mul(&x[1])?, x[0].add(&x[1])?])
    }
    fn backward(&self, cx: &Backward<'_>) -> Result<Grads> {
        let (x, y, g, h) = (cx.saved(0)?, cx.saved(1)?, cx.grad(0)?, cx.grad(1)?);
        Ok(vec![Some(g.mul(&y)?.add(&h)?), Some(g.mul(&x)?.add(&h)?)])
    }
    fn jvp(&self, cx: &Backward<'_>, t: &[Option<Tensor>]) -> Result<Grads> {
        let (x, y) = (cx.saved(0)?, cx.saved(1)?);
        let zero = x.zeros_like()?;
        let (s, t) = (
            t[0].as_ref().unwrap_or(&zero),
            t[1].as_ref().unwrap_or(&zero),
        );
        Ok(vec![Some(s.mul(&y)?.add(&x.mul(t)?)?), Some(s.add(t)?)])
    }
}

#[test]
fn several_results() -> Result<()> {
    let (a, b) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0]));
    let o = apply_function(MulAdd, &[&a, &b])?;
    assert_eq!(
        (numbers(&o[0]), numbers(&o[1])),
        (vec![3.0, 8.0], vec![4.0, 6.0])
    );
    assert_eq!((o[0].output_nr(), o[1].output_nr()), (0, 1));
    let node = o[1].grad_fn().unwrap();
    assert_eq!(
        (node.name(), node == o[0].grad_fn().unwrap()),
        ("MulAddBackward", true)
    );
    // One result alone: the other's gradient is zeros.
    o[0].sum()?.backward_with(None, RETAIN)?;
    assert_eq!((grad_of(&a), grad_of(&b)), (vec![3.0, 4.0], vec![1.0, 2.0]));
    a.zero_grad();
    o[0].mul(&o[1])?.sum()?.backward()?; // x y (x + y)
    assert_eq!(grad_of(&a), [2.0 * 3.0 + 9.0, 2.0 * 8.0 + 16.0]);
    let e = o[0].sum()?.backward().unwrap_err();
    assert!(
        e.message()
            .starts_with("Trying to backward through the graph a second time")
    );
    // By a result, and to second order.
    let o = apply_function(MulAdd, &[&a, &b])?;
    let y = o[0].mul(&o[1])?.sum()?;
    let g = grad(&[(&y, None)], &[&o[1], &a], CREATE)?;
    assert_eq!(numbers(g[0].as_ref().unwrap()), [3.0, 8.0]);
    let second = grad(&[(&g[1].as_ref().unwrap().sum()?, None)], &[&a, &b], RETAIN)?;
    assert_eq!(numbers(second[0].as_ref().unwrap()), [6.0, 8.0]); // 2y
    assert_eq!(numbers(second[1].as_ref().unwrap()), [8.0, 12.0]); // 2x + 2y
    Ok(())
}

#[test]
fn hooks_on_several_results() -> Result<()> {
    let (a, b) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0]));
    let o = apply_function(MulAdd, &[&a, &b])?;
    o[1].register_hook(|g| g.mul(100.0).map(Some))?;
    o[1].retain_grad()?;
    o[0].add(&o[1])?.sum()?.backward()?;
    assert_eq!(grad_of(&a), [103.0, 104.0]);
    assert_eq!(grad_of(&o[1]), [100.0, 100.0]);
    Ok(())
}

#[test]
fn forward_mode_and_programs() -> Result<()> {
    let (a, b) = (plain(&[1.0, 2.0]), plain(&[3.0, 4.0]));
    let (s, t) = (plain(&[1.0, 0.0]), plain(&[0.5, 2.0]));
    let both = |x: &[Tensor]| {
        let o = apply_function(MulAdd, &[&x[0], &x[1]])?;
        o[0].mul(&o[1])
    };
    let (_, dy) = jvp(|x| both(x), &[&a, &b], &[&s, &t])?;
    // x y (x + y): (2xy + y²) s + (x² + 2xy) t
    assert_eq!(numbers(&dy), [15.0 + 0.5 * 7.0, 2.0 * 20.0]);
    let (program, _) = Program::snapshot(&[&a, &b], |x| both(x).map(|y| vec![y]))?;
    let y = program.replay(&[&s, &t], Replay::default())?;
    assert_eq!(numbers(&y[0]), [0.75, 0.0]);
    let wide = Replay {
        float: Some(DType::Dd),
        frozen: false,
    };
    let y = program.replay(&[&a.to(DType::Dd)?, &b.to(DType::Dd)?], wide)?;
    assert_eq!(
        (y[0].dtype(), numbers(&y[0])),
        (DType::Dd, vec![12.0, 48.0])
    );
    let _level = dual_level()?;
    let o = apply_function(MulAdd, &[&make_dual(&a, &s)?, &b])?;
    assert_eq!(
        unpack_dual(&o[0]).1.map(|t| numbers(&t)),
        Some(vec![3.0, 0.0])
    );
    assert_eq!(
        unpack_dual(&o[1]).1.map(|t| numbers(&t)),
        Some(vec![1.0, 0.0])
    );
    Ok(())
}

#[test]
fn what_is_saved() -> Result<()> {
    // A result, written afterwards.
    let exp = || {
        function(
            |cx, x| {
                let t = x[0].exp()?;
                cx.save_for_backward(&[&t]);
                Ok(vec![t])
            },
            |cx| Ok(vec![Some(cx.grad(0)?.mul(&cx.saved(0)?)?)]),
        )
    };
    let a = leaf(&[1.0, 2.0]);
    let r = apply_function(exp(), &[&a])?.remove(0);
    r.mul_(2.0)?;
    let e = r.sum()?.backward().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::StaleSave);
    assert_eq!(e.op_name(), Some("Fn"));
    // Its own history makes second order right.
    let r = apply_function(exp(), &[&a])?.remove(0);
    let g = grad(&[(&r.sum()?, None)], &[&a], CREATE)?
        .remove(0)
        .unwrap();
    let gg = grad(&[(&g.sum()?, None)], &[&a], pullback::BackwardOptions::NEW)?
        .remove(0)
        .unwrap();
    assert_eq!(numbers(&gg), numbers(&a.exp()?));
    // A value of its own is a constant.
    let square = function(
        |cx, x| {
            let t = x[0].mul(2.0)?;
            cx.save_for_backward(&[&t]);
            cx.set_state(7i32);
            Ok(vec![x[0].mul(&x[0])?])
        },
        |cx| {
            assert_eq!(cx.state::<i32>(), Some(&7));
            assert_eq!(cx.input(0).0[..], [2]);
            assert!(cx.saved(1).is_err() && cx.grad(1).is_err());
            Ok(vec![Some(cx.grad(0)?.mul(&cx.saved(0)?)?)])
        },
    );
    let r = apply_function(square, &[&a])?.remove(0);
    let g = grad(&[(&r.sum()?, None)], &[&a], CREATE)?
        .remove(0)
        .unwrap();
    assert_eq!((numbers(&g), g.requires_grad()), (vec![2.0, 4.0], false));
    Ok(())
}

#[test]
fn what_backward_returns_is_checked() -> Result<()> {
    let a = leaf(&[1.0, 2.0]);
    let run = |b: fn(&Backward<'_>) -> Result<Grads>| -> Result<Option<Tensor>> {
        a.zero_grad();
        let f = function(|_, x| Ok(vec![x[0].mul(1.0)?]), b);
        apply_function(f, &[&a])?[0].sum()?.backward()?;
        Ok(a.grad())
    };
    let e = run(|cx| Ok(vec![Some(cx.grad(0)?), Some(cx.grad(0)?)])).unwrap_err();
    assert_eq!(
        e.message(),
        "function FnBackward returned an incorrect number of gradients (expected 1, got 2)"
    );
    assert_eq!(
        numbers(&run(|cx| Ok(vec![Some(cx.grad(0)?), None]))?.unwrap()),
        [1.0, 1.0]
    );
    assert!(run(|_| Ok(vec![])).is_err());
    let e = run(|_| Ok(vec![Some(plain(&[1.0, 2.0, 3.0]))])).unwrap_err();
    assert_eq!(
        e.message(),
        "Function FnBackward returned an invalid gradient at index 0 - got [3] but expected shape compatible with [2]"
    );
    assert!(run(|_| Ok(vec![None]))?.is_none());
    assert_eq!(
        numbers(&run(|cx| Ok(vec![Some(cx.grad(0)?.expand([3, 2])?)]))?.unwrap()),
        [3.0, 3.0]
    );
    let g = run(|cx| Ok(vec![Some(cx.grad(0)?.to(DType::F32)?)]))?.unwrap();
    assert_eq!((g.dtype(), numbers(&g)), (DType::F64, vec![1.0, 1.0]));
    let e = run(|_| Err(Error::new(ErrorKind::Io, "mine"))).unwrap_err();
    assert_eq!((e.kind(), e.op_name()), (ErrorKind::Io, Some("Fn")));
    assert!(e.site().is_some_and(|s| s.file().ends_with("function.rs")));
    Ok(())
}

#[test]
fn inputs_returned_as_they_are_and_views() -> Result<()> {
    let a = leaf(&[1.0, 2.0]);
    let sentence = " is a view and is being modified inplace. This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function.";
    let same = || {
        function(
            |_, x| Ok(vec![x[0].clone()]),
            |cx| Ok(vec![Some(cx.grad(0)?.mul(2.0)?)]),
        )
    };
    let r = apply_function(same(), &[&a])?.remove(0);
    assert!(!r.is(&a) && r.requires_grad());
    r.sum()?.backward()?;
    assert_eq!(grad_of(&a), [2.0, 2.0]);
    let e = r.mul_(2.0).unwrap_err();
    assert_eq!(e.message(), format!("Output 0 of Fn{sentence}"));
    let two = function(
        |_, x| Ok(vec![x[0].narrow(0, 0, 1)?, x[0].narrow(0, 1, 1)?]),
        |cx| Ok(vec![Some(pullback::cat(&[&cx.grad(0)?, &cx.grad(1)?], 0)?)]),
    );
    let r = apply_function(two, &[&a.mul(1.0)?])?;
    let e = r[0].mul_(2.0).unwrap_err();
    assert!(
        e.message()
            .contains("This view is the output of a function that returns multiple views."),
        "{e}"
    );
    Ok(())
}

#[test]
fn inputs_written_in_place() -> Result<()> {
    let triple = || {
        function(
            |cx, x| {
                x[0].mul_(3.0)?;
                cx.mark_dirty(&x[0]);
                Ok(vec![x[0].clone()])
            },
            |cx| Ok(vec![Some(cx.grad(0)?.mul(3.0)?)]),
        )
    };
    let a = leaf(&[1.0, 2.0]);
    let e = apply_function(triple(), &[&a]).unwrap_err();
    assert_eq!(
        e.message(),
        "a leaf Variable that requires grad has been used in an in-place operation."
    );
    let a = leaf(&[1.0, 2.0]);
    let x = a.mul(1.0)?;
    let view = x.narrow(0, 0, 1)?;
    let r = apply_function(triple(), &[&x])?.remove(0);
    assert!(r.is(&x) && x.grad_fn().unwrap().name() == "FnBackward");
    view.sum()?.backward()?;
    assert_eq!((numbers(&view), grad_of(&a)), (vec![3.0], vec![3.0, 0.0]));
    // Through a view: the base learns of it.
    let a = leaf(&[1.0, 2.0]);
    let x = a.mul(1.0)?;
    apply_function(triple(), &[&x.narrow(0, 0, 1)?])?;
    x.sum()?.backward()?;
    assert_eq!((numbers(&x), grad_of(&a)), (vec![3.0, 2.0], vec![3.0, 1.0]));
    // In a recorded program the write is a value like others.
    let (program, _) = Program::snapshot(&[&plain(&[1.0, 2.0])], |x| {
        let y = x[0].mul(1.0)?;
        let part = y.narrow(0, 0, 1)?;
        apply_function(triple(), &[&part])?;
        Ok(vec![y.mul(&y)?])
    })?;
    let y = program.replay(&[&plain(&[2.0, 5.0])], Replay::default())?;
    assert_eq!(numbers(&y[0]), [36.0, 25.0]);
    let lost = function(
        |cx, x| {
            cx.mark_dirty(&x[0]);
            Ok(vec![x[0].mul(1.0)?])
        },
        |cx| Ok(vec![Some(cx.grad(0)?)]),
    );
    let e = apply_function(lost, &[&a.mul(1.0)?]).unwrap_err();
    assert!(
        e.message()
            .starts_with("Some elements marked as dirty during the forward method")
    );
    Ok(())
}

#[test]
fn results_without_gradient_and_inputs_that_need_none() -> Result<()> {
    let f = || {
        function(
            |cx, x| {
                assert!(cx.needs_input_grad(0) && !cx.needs_input_grad(1));
                let z = x[0].mul(2.0)?;
                cx.mark_non_differentiable(&z);
                Ok(vec![x[0].mul(&x[1])?, z, x[0].to(DType::I64)?])
            },
            |cx| {
                assert!(cx.needs_input_grad(0) && !cx.needs_input_grad(1));
                assert!(cx.grad_or_none(1).is_none());
                assert_eq!(numbers(&cx.grad(1)?), [0.0, 0.0]);
                Ok(vec![Some(cx.grad(0)?), Some(cx.grad(0)?)])
            },
        )
    };
    let a = leaf(&[1.0, 2.0]);
    let r = apply_function(f(), &[&a, &plain(&[1.0, 1.0])])?;
    let tracked: Vec<bool> = r.iter().map(Tensor::requires_grad).collect();
    assert_eq!(tracked, [true, false, false]);
    r[0].sum()?.backward()?;
    assert_eq!(grad_of(&a), [1.0, 1.0]);
    let _off = no_grad();
    assert!(!apply_function(MulAdd, &[&a, &a])?[0].requires_grad());
    Ok(())
}

#[test]
fn without_jvp_forward_mode_says_so() -> Result<()> {
    let f = || {
        function(
            |_, x| Ok(vec![x[0].mul(2.0)?]),
            |cx| Ok(vec![Some(cx.grad(0)?.mul(2.0)?)]),
        )
    };
    let x = plain(&[1.0]);
    let e = jvp(
        |x| Ok(apply_function(f(), &[&x[0]])?.remove(0)),
        &[&x],
        &[&x],
    )
    .unwrap_err();
    assert_eq!(
        e.message(),
        "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
    );
    Ok(())
}

/// x³ with a gradient that may be wrong by a factor.
struct Cube(f64);

impl Function for Cube {
    fn forward(&self, cx: &mut Forward, x: &[Tensor]) -> Result<Vec<Tensor>> {
        cx.save_for_backward(&[&x[0]]);
        Ok(vec![x[0].mul(&x[0])?.mul(&x[0])?])
    }
    fn backward(&self, cx: &Backward<'_>) -> Result<Grads> {
        let x = cx.saved(0)?;
        Ok(vec![Some(x.mul(&x)?.mul(self.0)?.mul(&cx.grad(0)?)?)])
    }
    fn differentiable_forward(&self) -> bool {
        true
    }
}

#[test]
fn the_checker_sees_through_them() -> Result<()> {
    use pullback::check::{Check, Status};
    let x = plain(&[0.7, -1.3, 2.1]);
    for (factor, status) in [(3.0, Status::Pass), (3.0001, Status::Fail)] {
        let f = move |x: &[Tensor]| apply_function(Cube(factor), &[&x[0]])?[0].sum();
        let report = Check::new(f, &[&x]).run()?;
        assert_eq!(report.status, status, "{report}");
    }
    Ok(())
}
