//! The functions of docs/measure_gradcheck.py: verdict and time. Times mean something in release builds only.

use pullback::check::{Check, Report, Status};
use pullback::{
    Array, Ctx, DType, Family, Op, OpDef, Reads, Result, Tensor, apply_op, dispatch, kernels,
};
use std::time::Instant;

/// The median of 21 runs in milliseconds (of one, where it takes long).
fn row(name: &str, truth: Status, run: impl Fn() -> Result<Report>) -> Result<f64> {
    let timed = || -> Result<(f64, Report)> {
        let start = Instant::now();
        let r = run()?;
        Ok((start.elapsed().as_secs_f64() * 1e3, r))
    };
    let (first, r) = timed()?;
    let mut times = vec![first];
    if first < 500.0 && !cfg!(debug_assertions) {
        times = (0..21).map(|_| Ok(timed()?.0)).collect::<Result<_>>()?;
    }
    times.sort_by(f64::total_cmp);
    let ms = times[times.len() / 2];
    println!(
        "| {name} | {} | {ms:.1} | {} of {} examined, {} evaluations |",
        r.status.name(),
        r.coordinates.len(),
        r.parameters,
        r.evaluations
    );
    assert_eq!(r.status, truth, "{name}: {r}");
    Ok(ms)
}

fn line(n: usize) -> Result<Tensor> {
    let x: Vec<f64> = (0..n)
        .map(|i| 0.1 + 1.2 * i as f64 / (n - 1) as f64)
        .collect();
    Tensor::from_slice(&x, [n])
}

#[test]
fn the_functions_of_the_comparison() -> Result<()> {
    let (x, y) = ([0.55, -0.12], 1.0);
    for dtype in [DType::F64, DType::F32] {
        let of = |data: &[f64], shape: &[usize]| Tensor::from_slice(data, shape)?.to(dtype);
        let w1 = of(&[0.3, -0.7, 0.2, 0.5, -0.4, 0.1, 0.6, -0.2], &[4, 2])?;
        let (b1, w2) = (of(&[0.1; 4], &[4])?, of(&[0.4, -0.3, 0.2, 0.7], &[1, 4])?);
        let (b2, x) = (of(&[0.0], &[1])?, of(&x, &[2])?);
        let loss = |p: &[Tensor]| {
            let h = p[0].matmul(&x)?.add(&p[1])?.relu()?;
            p[2].matmul(&h)?
                .add(&p[3])?
                .sub(y)?
                .square()?
                .mul(0.5)?
                .sum()
        };
        let ms = row(
            &format!("network, 17 parameters, {dtype}"),
            Status::Pass,
            || Check::new(loss, &[&w1, &b1, &w2, &b2]).run(),
        )?;
        assert!(cfg!(debug_assertions) || ms <= 50.0, "{ms} ms");
    }
    let sines = |x: &[Tensor]| x[0].sin()?.sum();
    let x = line(1000)?;
    let cases = [
        ("", 1.0),
        (", one gradient off by 1e-4", 1.0001),
        (", one gradient off by 1 %", 1.01),
        (", one gradient off by half", 1.5),
    ];
    for (name, factor) in cases {
        let g = x.cos()?.copy()?;
        g.set(17, g.get::<f64>(17)? * factor)?;
        let truth = if factor == 1.0 {
            Status::Pass
        } else {
            Status::Fail
        };
        row(&format!("1,000 sines{name}"), truth, || {
            Check::new(sines, &[&x]).gradients(&[&g]).run()
        })?;
    }
    row("1,000 sines, each examined", Status::Pass, || {
        Check::new(sines, &[&x]).examine_at_most(1000).run()
    })?;
    type Function = fn(&[Tensor]) -> Result<Tensor>;
    let scalars: [(&str, Function, f64, Status); 5] = [
        ("relu at 0", |x| x[0].relu()?.sum(), 0.0, Status::Pass),
        (
            "x·detach(x)",
            |x| x[0].mul(&x[0].detach())?.sum(),
            0.7,
            Status::Fail,
        ),
        (
            "sin(10⁴ x)",
            |x| x[0].mul(1e4)?.sin()?.sum(),
            0.3,
            Status::Pass,
        ),
        (
            "tanh(10⁸ x)",
            |x| x[0].mul(1e8)?.tanh()?.sum(),
            1e-8,
            Status::Pass,
        ),
        (
            "x² + 10¹⁵",
            |x| x[0].mul(&x[0])?.add(1e15)?.sum(),
            0.7,
            Status::Pass,
        ),
    ];
    for (name, f, at, truth) in scalars {
        let x = Tensor::from_slice(&[at], [1])?;
        row(name, truth, || Check::new(f, &[&x]).run())?;
    }
    Ok(())
}

/// A sine whose rule is wrong: everywhere, or at one element.
#[derive(Clone, Debug)]
struct WrongSine(Option<usize>);

static WRONG_SINE: OpDef = OpDef::new("wrong_sine", Family::General);

impl Op for WrongSine {
    fn def(&self) -> &'static OpDef {
        &WRONG_SINE
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(self.clone())
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| a.sin()), else
            kernels::map(x[0], |a: f64| a.sin()))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let right = cx.input(i)?.cos()?.mul(g)?;
        let Some(at) = self.0 else {
            return right.mul(1.001);
        };
        let wrong = right.copy()?;
        wrong.set(at as i64, &right.select(0, at as i64)?.mul(1.001)?)?;
        Ok(wrong)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let t = t[0].clone().map_or_else(|| cx.input(0)?.zeros_like(), Ok)?;
        cx.input(0)?.cos()?.mul(&t)
    }
}

#[test]
fn a_hundred_thousand_parameters_right_or_wrong_take_seconds() -> Result<()> {
    // Unoptimised builds only show that it works.
    let n = if cfg!(debug_assertions) {
        10_000
    } else {
        100_000
    };
    let at = n * 7 / 9;
    let x = line(n)?;
    let cases = [
        ("one rule wrong at one place", Some(at)),
        ("wrong everywhere", None),
    ];
    // What is promised is far fewer evaluations than parameters (one by one takes two each); how long they take depends on
    // what else the machine does.
    let few = |r: Report| {
        assert!(r.evaluations < n / 4, "{} evaluations\n{r}", r.evaluations);
        Ok(r)
    };
    row(&format!("{n} sines"), Status::Pass, || {
        few(Check::new(|x| x[0].sin()?.sum(), &[&x]).run()?)
    })?;
    for (name, at) in cases {
        row(&format!("{n} sines, {name}"), Status::Fail, || {
            let r = Check::new(|x| apply_op(WrongSine(at), &[&x[0]])?.sum(), &[&x]).run()?;
            let guilty = r.guilty.as_ref().map(|g| g.op.clone());
            assert_eq!(guilty.as_deref(), Some("wrong_sine"), "{r}");
            let wrong = r.coordinates.iter().filter(|c| c.status == Status::Fail);
            assert!(
                wrong
                    .map(|c| c.index[0])
                    .any(|i| at.is_none_or(|at| at == i)),
                "{r}"
            );
            few(r)
        })?;
    }
    let wrong = x.cos()?.mul(-1.0)?;
    row(
        &format!("{n} sines, numbers of the wrong sign"),
        Status::Fail,
        || {
            let check = Check::new(|x| x[0].sin()?.sum(), &[&x]);
            few(check.gradients(&[&wrong]).run()?)
        },
    )?;
    Ok(())
}
