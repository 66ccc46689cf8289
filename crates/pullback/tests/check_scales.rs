//! Gradients at tiny and at huge numbers, where values, steps and products underflow or overflow: no wrong one passes, no right one is
//! accused.

mod check_table;

use check_table::{BOTH, Table, t};
use pullback::check::{BlackBoxOptions, Check, Report, Status, black_box};
use pullback::{DType, Result, Tensor};

/// A function of numbers of size `s`, and the same with a part that has left the graph.
type At = fn(&Tensor, f64) -> Result<Tensor>;

const FUNCTIONS: [(&str, At, At); 10] = [
    (
        "square",
        |a, _| a.mul(a)?.sum(),
        |a, _| a.mul(&a.detach())?.sum(),
    ),
    (
        "square divided",
        |a, s| a.mul(a)?.div(s)?.sum(),
        |a, s| a.mul(&a.detach())?.div(s)?.sum(),
    ),
    (
        "square of the quotient",
        |a, s| a.div(s)?.square()?.sum(),
        |a, s| a.div(s)?.mul(&a.detach().div(s)?)?.sum(),
    ),
    (
        "linear",
        |a, _| a.mul(3.0)?.sum(),
        |a, _| a.add(&a.detach().mul(2.0)?)?.sum(),
    ),
    (
        "a function of the quotient",
        |a, s| a.div(s)?.sin()?.sum(),
        |a, s| a.div(s)?.add(&a.detach().div(s)?)?.mul(0.5)?.sin()?.sum(),
    ),
    (
        "root",
        |a, _| a.abs()?.sqrt()?.sum(),
        |a, _| a.mul(&a.detach())?.sqrt()?.sqrt()?.sum(),
    ),
    (
        "quotient of neighbours",
        |a, _| a.div(&a.flip(&[0])?)?.sum(),
        |a, _| a.div(&a.detach().flip(&[0])?)?.sum(),
    ),
    (
        "square beside 1",
        |a, _| a.mul(a)?.sum()?.add(1.0),
        |a, _| a.mul(&a.detach())?.sum()?.add(1.0),
    ),
    (
        "exponential of the quotient",
        |a, s| a.div(s)?.exp()?.sum(),
        |a, s| a.detach().div(s)?.exp()?.mul(&a.div(s)?)?.sum(),
    ),
    (
        "several numbers",
        |a, s| a.mul(a)?.div(s),
        |a, s| a.mul(&a.detach())?.div(s),
    ),
];

fn scales(dtype: DType) -> &'static [f64] {
    match dtype {
        DType::F32 => &[
            1.5e-44, 1e-42, 1e-39, 1e-36, 1e-30, 1e-24, 1e-19, 1e-12, 1e-6, 1.0, 1e6, 1e12, 1e18,
            1e24, 1e30, 1e37,
        ],
        _ => &[
            5e-323, 1e-320, 1e-312, 1e-307, 1e-300, 1e-290, 1e-250, 1e-200, 1e-170, 1e-160, 1e-155,
            1e-150, 1e-100, 1e-50, 1.0, 1e50, 1e100, 1e150, 1e160, 1e200, 1e250, 1e300, 1e307,
        ],
    }
}

/// Numbers of one size.
fn point(s: f64, dtype: DType) -> Tensor {
    t(&[1.0, -2.0, 3.0].map(|x| x * s), &[3], dtype)
}

fn run(check: Check<'_>, fast: bool) -> Option<Report> {
    let check = if fast {
        check.examine_at_most(0)
    } else {
        check
    };
    // Where values overflow there is nothing to check, and the error says so.
    check.run().ok()
}

/// What the engine gives.
fn gradient(f: At, a: &Tensor, s: f64) -> Option<Tensor> {
    let leaf = Tensor::from_array(a.array().clone())
        .requires_grad_(true)
        .ok()?;
    let y = f(&leaf, s).ok()?;
    let weights: Vec<f64> = vec![1.0; y.numel()];
    let seed = Tensor::from_slice(&weights, y.shape().clone())
        .ok()?
        .to(y.dtype())
        .ok()?;
    pullback::grad(
        &[(&y, Some(&seed))],
        &[&leaf],
        pullback::BackwardOptions::NEW,
    )
    .ok()?
    .remove(0)
}

#[test]
fn nothing_wrong_passes_and_nothing_right_is_accused_at_any_scale() {
    let mut accused = Table::default();
    let mut missed = Table::default();
    let mut passed = 0;
    for dtype in BOTH {
        for (name, right, leaky) in FUNCTIONS {
            for &s in scales(dtype) {
                for fast in [false, true] {
                    let a = point(s, dtype);
                    let about = |what: &str, r: &Report| {
                        format!("{name}, {what}, {s:e}, {dtype}, fast {fast}\n{r}")
                    };
                    // Where what is computed on the way overflows, a gradient may be NaN, which is no right one.
                    let finite = gradient(right, &a, s)
                        .and_then(|g| g.to_f64_vec().ok())
                        .is_some_and(|g| !g.iter().any(|g| g.is_nan()));
                    if finite
                        && let Some(r) = run(Check::new(move |x| right(&x[0], s), &[&a]), fast)
                    {
                        passed += usize::from(r.status == Status::Pass);
                        accused.add(&format!("{name} {dtype}"), r.status != Status::Fail, || {
                            about("right", &r)
                        });
                    }
                    let (Some(own), Some(part)) = (gradient(right, &a, s), gradient(leaky, &a, s))
                    else {
                        continue;
                    };
                    let (own, part) = (own.to_f64_vec().unwrap(), part.to_f64_vec().unwrap());
                    // What underflows is the same wrong or right.
                    let apart = |a: &[f64], b: &[f64]| {
                        a.iter().zip(b).any(|(a, b)| {
                            (a - b).abs() > 0.1 * a.abs().max(b.abs()) && a.is_finite()
                        })
                    };
                    if apart(&own, &part)
                        && let Some(r) = run(Check::new(move |x| leaky(&x[0], s), &[&a]), fast)
                    {
                        missed.add(&format!("{name} {dtype}"), r.status != Status::Pass, || {
                            about("detached", &r)
                        });
                    }
                    let doubled: Vec<f64> = own.iter().map(|g| 2.0 * g).collect();
                    if !apart(&own, &doubled) {
                        continue;
                    }
                    let doubled = t(&doubled, &[3], dtype);
                    if name != "several numbers"
                        && let Some(r) = run(
                            Check::new(move |x| right(&x[0], s), &[&a]).gradients(&[&doubled]),
                            fast,
                        )
                    {
                        missed.add(&format!("{name} {dtype}"), r.status != Status::Pass, || {
                            about("twice", &r)
                        });
                    }
                    let twice = move |x: &[Tensor]| {
                        let leaf = if x[0].requires_grad() {
                            x[0].clone()
                        } else {
                            x[0].clone().requires_grad_(true)?
                        };
                        let y = right(&leaf, s)?.sum()?;
                        let g = pullback::grad(
                            &[(&y, None)],
                            &[&leaf],
                            pullback::BackwardOptions::NEW,
                        )?
                        .remove(0);
                        Ok(vec![g.unwrap_or(leaf.zeros_like()?).mul(2.0)?])
                    };
                    if let Some(r) = run(
                        Check::new(move |x| right(&x[0], s), &[&a]).formula(twice),
                        fast,
                    ) {
                        missed.add(&format!("{name} {dtype}"), r.status != Status::Pass, || {
                            about("formula", &r)
                        });
                    }
                }
            }
        }
    }
    println!("right: {passed} passed; accused:");
    accused.finish(400, "not accused");
    println!("wrong; missed:");
    missed.finish(400, "not passed");
}

#[test]
fn black_boxes_of_any_scale() {
    let mut accused = Table::default();
    let mut missed = Table::default();
    type Slope = (&'static str, fn(&[f64], f64) -> f64, fn(f64, f64) -> f64);
    let functions: [Slope; 4] = [
        (
            "square",
            |x, _| x.iter().map(|x| x * x).sum(),
            |x, _| 2.0 * x,
        ),
        (
            "square divided",
            |x, s| x.iter().map(|x| x * x / s).sum(),
            |x, s| 2.0 * x / s,
        ),
        (
            "sine",
            |x, s| x.iter().map(|x| (x / s).sin()).sum(),
            |x, s| (x / s).cos() / s,
        ),
        ("linear", |x, _| x.iter().map(|x| 3.0 * x).sum(), |_, _| 3.0),
    ];
    for (name, f, slope) in functions {
        for &s in scales(DType::F64) {
            let x = [1.0, -2.0, 3.0].map(|x| x * s);
            let right = x.map(|x| slope(x, s));
            if let Ok(r) = black_box(|x: &[f64]| f(x, s), &x, &right, BlackBoxOptions::default()) {
                accused.add(name, r.status != Status::Fail, || {
                    format!("{name}, right, {s:e}\n{r}")
                });
            }
            let wrong = right.map(|g| 2.0 * g);
            if wrong != right
                && let Ok(r) =
                    black_box(|x: &[f64]| f(x, s), &x, &wrong, BlackBoxOptions::default())
            {
                missed.add(name, r.status != Status::Pass, || {
                    format!("{name}, twice, {s:e}\n{r}")
                });
            }
        }
    }
    accused.finish(40, "not accused");
    missed.finish(40, "not passed");
}
