//! The functions of docs/measure_gradcheck.py: verdict and time. Times mean something in release builds only.

use pullback::check::{Check, Report, Status};
use pullback::{DType, Result, Tensor};
use std::time::Instant;

fn row(name: &str, truth: Status, run: impl Fn() -> Result<Report>) -> Result<f64> {
    run()?;
    let start = Instant::now();
    let r = run()?;
    let ms = start.elapsed().as_secs_f64() * 1e3;
    println!("| {name} | {} | {ms:.1} |", r.status.name());
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
        row(&format!("1,000 sines{name}, by projections"), truth, || {
            Check::new(sines, &[&x])
                .gradients(&[&g])
                .examine_at_most(100)
                .run()
        })?;
    }
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
