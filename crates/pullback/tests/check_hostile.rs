//! Functions as nobody should write them, and everybody does, through the Rust door: each answer is one that a strict reader would give, and
//! comes soon. The Python package's tests have the same through theirs.

use pullback::check::{BlackBoxOptions, Check, Status, black_box};
use pullback::{
    BackwardOptions, DType, Error, ErrorKind, Result, Tensor, backward, cat, enable_grad, grad,
    no_grad,
};
use std::cell::Cell;
use std::time::{Duration, Instant};

fn point() -> Result<Tensor> {
    Tensor::from_slice(&[2.3, 1.7, 3.1], [3])
}

/// What came of a check.
#[derive(Debug, PartialEq, Clone, Copy)]
enum Answer {
    Pass,
    Fail,
    Unknown,
    Error,
}
use Answer::{Error as Raises, Fail, Pass, Unknown};

fn answer(check: &Check<'_>) -> Answer {
    match check.run() {
        Err(_) => Raises,
        Ok(report) => match report.status {
            Status::Pass => Pass,
            Status::Fail => Fail,
            Status::Unknown => Unknown,
        },
    }
}

type Function = Box<dyn Fn(&[Tensor]) -> Result<Tensor>>;

fn boxed(f: impl Fn(&[Tensor]) -> Result<Tensor> + 'static) -> Function {
    Box::new(f)
}

/// Three random numbers of the default generator.
fn drawn() -> Result<Tensor> {
    let out = Tensor::zeros([3], DType::F64)?;
    out.uniform_(0.5, 1.5)?;
    Ok(out)
}

/// Writes, views and switched gradients.
fn of_graphs() -> Vec<(&'static str, &'static [Answer], Function)> {
    vec![
        (
            "a copy that is written",
            &[Pass],
            boxed(|x| {
                let a = x[0].copy()?;
                a.mul_(2.0)?;
                a.sin()
            }),
        ),
        (
            "the input itself is written",
            &[Raises],
            boxed(|x| {
                x[0].mul_(2.0)?;
                x[0].sin()
            }),
        ),
        (
            "the input is written behind the graph's back",
            &[Unknown],
            boxed(|x| {
                let _off = no_grad();
                x[0].mul_(2.0)?;
                drop(_off);
                x[0].sin()
            }),
        ),
        (
            "one element is written",
            &[Raises, Pass],
            boxed(|x| {
                let a = x[0].copy()?;
                a.select(0, 0)?
                    .copy_(&a.select(0, 1)?.mul(&a.select(0, 2)?)?)?;
                a.sum()
            }),
        ),
        (
            "a factor without gradients",
            &[Fail],
            boxed(|x| {
                let s = {
                    let _off = no_grad();
                    x[0].sin()?
                };
                x[0].mul(&s)
            }),
        ),
        (
            "nothing with gradients",
            &[Unknown, Fail],
            boxed(|x| {
                let _off = no_grad();
                x[0].sin()
            }),
        ),
        (
            "a view made without gradients",
            &[Fail],
            boxed(|x| {
                let v = {
                    let _off = no_grad();
                    x[0].narrow(0, 0, 2)?
                };
                v.mul(&x[0].narrow(0, 1, 2)?)
            }),
        ),
        (
            "all of it through such a view",
            &[Unknown, Fail],
            boxed(|x| {
                let v = {
                    let _off = no_grad();
                    x[0].reshape([3, 1])?
                };
                v.sin()
            }),
        ),
        (
            "gradients switched on again",
            &[Pass],
            boxed(|x| {
                let _off = no_grad();
                let _on = enable_grad();
                x[0].sin()
            }),
        ),
        (
            "a detached factor",
            &[Fail],
            boxed(|x| x[0].mul(&x[0].detach().sin()?)),
        ),
        (
            "a detached term that cancels",
            &[Pass],
            boxed(|x| {
                let m = x[0].detach().amax(&[], false)?;
                x[0].sub(&m)?.exp()?.sum()?.log()?.add(&m)
            }),
        ),
        (
            "a number read as a factor",
            &[Fail],
            boxed(|x| {
                let first = x[0].select(0, 0)?.item_f64()?;
                x[0].mul(first)
            }),
        ),
        (
            "a number read for a branch",
            &[Pass],
            boxed(|x| match x[0].select(0, 0)?.item_f64()? > 0.0 {
                true => x[0].sin(),
                false => x[0].cos(),
            }),
        ),
        (
            "straight through",
            &[Fail],
            boxed(|x| x[0].add(&x[0].round()?.sub(&x[0])?.detach())),
        ),
        (
            "a derivative inside",
            &[Pass],
            boxed(|x| {
                let y = x[0].pow(3.0)?.sum()?;
                let options = BackwardOptions::NEW.create_graph(true);
                let g = grad(&[(&y, None)], &[&x[0]], options)?.remove(0);
                g.ok_or_else(|| Error::new(ErrorKind::Autograd, "none"))?
                    .sin()
            }),
        ),
        (
            "a derivative inside, cut off",
            &[Fail],
            boxed(|x| {
                let y = x[0].pow(3.0)?.sum()?;
                let g = grad(&[(&y, None)], &[&x[0]], BackwardOptions::NEW)?.remove(0);
                g.ok_or_else(|| Error::new(ErrorKind::Autograd, "none"))?
                    .mul(&x[0])
            }),
        ),
        (
            "backward inside, of another leaf",
            &[Fail, Unknown, Raises],
            boxed(|x| {
                let b = x[0].detach().requires_grad_(true)?;
                backward(&[(&b.pow(2.0)?.sum()?, None)], None, BackwardOptions::NEW)?;
                x[0].mul(
                    &b.grad()
                        .ok_or_else(|| Error::new(ErrorKind::Autograd, "none"))?,
                )
            }),
        ),
        (
            "a hook that doubles",
            &[Fail],
            boxed(|x| {
                let b = x[0].mul(2.0)?;
                b.register_hook(|g| g.mul(2.0).map(Some))?;
                b.sin()
            }),
        ),
        (
            "a hook that looks",
            &[Pass],
            boxed(|x| {
                let b = x[0].mul(2.0)?;
                b.register_hook(|_| Ok(None))?;
                b.sin()
            }),
        ),
    ]
}

/// State, exceptions, and results that are none.
fn of_manners() -> Vec<(&'static str, &'static [Answer], Function)> {
    let calls = Cell::new(0.0);
    let third = Cell::new(0);
    let sizes = Cell::new(1);
    vec![
        (
            "another function at each call",
            &[Unknown, Raises],
            boxed(move |x| {
                calls.set(calls.get() + 1.0);
                x[0].mul(calls.get())
            }),
        ),
        (
            "an error at the third call",
            &[Raises],
            boxed(move |x| {
                third.set(third.get() + 1);
                match third.get() {
                    3 => Err(Error::new(ErrorKind::Value, "third")),
                    _ => x[0].sin(),
                }
            }),
        ),
        (
            "another shape at each call",
            &[Raises, Unknown],
            boxed(move |x| {
                sizes.set(sizes.get() + 1);
                x[0].sum()?.expand([sizes.get()])
            }),
        ),
        (
            "random numbers",
            &[Unknown, Raises],
            boxed(|x| x[0].mul(&drawn()?)),
        ),
        (
            "random numbers of a seed",
            &[Pass],
            boxed(|x| {
                pullback::random::manual_seed(0);
                x[0].mul(&drawn()?)
            }),
        ),
        ("no number", &[Raises], boxed(|x| x[0].sub(100.0)?.log())),
        ("infinity", &[Raises], boxed(|x| x[0].div(0.0))),
        (
            "a gradient that is no number",
            &[Fail, Raises],
            boxed(|x| {
                let a = &x[0];
                a.where_(&a.gt(0.0)?, &a.sub(a)?.sqrt()?.mul(a)?)
            }),
        ),
        ("integers", &[Unknown], boxed(|x| x[0].to(DType::I64))),
        ("truths", &[Unknown], boxed(|x| x[0].gt(0.0))),
        ("nothing", &[Unknown], boxed(|x| x[0].narrow(0, 0, 0))),
        ("a constant", &[Unknown], boxed(|_| point())),
        ("itself", &[Pass], boxed(|x| Ok(x[0].clone()))),
        ("a view", &[Pass], boxed(|x| x[0].view([3, 1])?.t())),
        (
            "a choice of elements",
            &[Pass, Raises],
            boxed(|x| x[0].masked_select(&x[0].gt(2.0)?)?.sin()),
        ),
        (
            "in single precision",
            &[Fail, Unknown, Pass],
            boxed(|x| x[0].to(DType::F32)?.exp()),
        ),
        (
            "a check inside",
            &[Unknown, Pass],
            boxed(|x| {
                Check::new(|x| x[0].sin(), &[&x[0].detach()]).run()?;
                x[0].sin()
            }),
        ),
        (
            "threads",
            &[Unknown],
            boxed(|x| {
                let a = x[0].clone();
                let b = std::thread::spawn(move || a.sin()).join();
                b.map_err(|_| Error::new(ErrorKind::Value, "the thread died"))?
            }),
        ),
    ]
}

#[test]
fn every_answer_is_one_of_those_that_are_right() -> Result<()> {
    let mut wrong = Vec::new();
    for (name, right, f) in of_graphs().into_iter().chain(of_manners()) {
        let x = point()?;
        let begun = Instant::now();
        let found = answer(&Check::new(f, &[&x]));
        if !right.contains(&found) {
            wrong.push(format!("{name}: {found:?}, not one of {right:?}"));
        }
        if begun.elapsed() > Duration::from_secs(60) {
            wrong.push(format!("{name}: took {:?}", begun.elapsed()));
        }
        // Whatever it did, the point is the caller's.
        if name != "the input is written behind the graph's back" {
            assert_eq!(x.to_vec::<f64>()?, point()?.to_vec::<f64>()?, "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Inputs as they come: strided, expanded, empty, of several dtypes, one tensor twice.
#[test]
fn every_input_is_checked_or_refused() -> Result<()> {
    let line = Tensor::arange(12)?.to(DType::F64)?.add(1.0)?;
    let narrow = point()?.to(DType::F32)?;
    let (x, indices) = (point()?, Tensor::from_slice(&[0i64, 2, 1], [3])?);
    let exp = |x: &[Tensor]| x[0].exp();
    let product = |x: &[Tensor]| x[0].mul(&x[1]);
    let picked = |x: &[Tensor]| x[0].index_select(0, &x[1])?.mul(&x[0]);
    assert_eq!(
        answer(&Check::new(exp, &[&line.slice(0, None, None, 2)?])),
        Pass
    );
    assert_eq!(
        answer(&Check::new(exp, &[&line.reshape([3, 4])?.t()?])),
        Pass
    );
    assert_eq!(
        answer(&Check::new(exp, &[&Tensor::scalar(1.5).expand([4])?])),
        Pass
    );
    assert_eq!(
        answer(&Check::new(|x| x[0].sum(), &[&line.narrow(0, 0, 0)?])),
        Unknown
    );
    assert_eq!(answer(&Check::new(product, &[&x, &narrow])), Pass);
    assert_eq!(answer(&Check::new(product, &[&x, &x])), Pass);
    assert_eq!(answer(&Check::new(picked, &[&x, &indices])), Pass);
    assert_eq!(answer(&Check::new(exp, &[&indices])), Raises);
    assert_eq!(answer(&Check::new(exp, &[])), Raises);
    let joined = |x: &[Tensor]| cat(&[&x[0], &x[0]], 0);
    assert_eq!(answer(&Check::new(joined, &[&x])), Pass);
    Ok(())
}

/// A closure over plain numbers, and claims of every wrong kind.
#[test]
fn claims_that_cannot_be_right_are_refused_or_fail() -> Result<()> {
    let f = |x: &[f64]| x.iter().map(|v| v.sin()).sum::<f64>();
    let at = [0.4, 1.3];
    let right: Vec<f64> = at.iter().map(|v: &f64| v.cos()).collect();
    let status = |claim: &[f64]| {
        black_box(f, &at, claim, BlackBoxOptions::default()).map(|report| report.status)
    };
    assert_eq!(status(&right)?, Status::Pass);
    assert_eq!(status(&[right[0], -right[1]])?, Status::Fail);
    assert_eq!(status(&[right[1], right[0]])?, Status::Fail);
    assert_ne!(status(&[f64::NAN, right[1]])?, Status::Pass);
    assert_ne!(status(&[f64::INFINITY, right[1]])?, Status::Pass);
    assert!(status(&right[..1]).is_err());
    assert!(status(&[right[0], right[1], 0.0]).is_err());
    // Numbers for the engine's function.
    let x = point()?;
    let sum = |x: &[Tensor]| x[0].sin()?.sum();
    let wrong_shape = Tensor::zeros([2], DType::F64)?;
    assert!(
        Check::new(sum, &[&x])
            .gradients(&[&wrong_shape])
            .run()
            .is_err()
    );
    assert!(Check::new(sum, &[&x]).gradients(&[]).run().is_err());
    let wrong = Tensor::ones([3], DType::F64)?;
    assert_eq!(
        Check::new(sum, &[&x]).gradients(&[&wrong]).run()?.status,
        Status::Fail
    );
    Ok(())
}
