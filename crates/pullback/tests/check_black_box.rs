//! Black boxes: random smooth functions raise no alarm, and errors above the printed MDE are found.

mod drawn;

use drawn::{cases, runner};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use pullback::check::{BlackBoxOptions, Status, Verdict, black_box};
use std::cell::Cell;

/// Smooth functions of a few numbers for black boxes, with their gradients.
fn smooth(kind: usize, a: &[f64], x: &[f64]) -> (f64, Vec<f64>) {
    let terms = x.iter().zip(a).map(|(x, a)| match kind % 5 {
        0 => (a * x.sin(), a * x.cos()),
        1 => ((0.3 * a * x).exp(), 0.3 * a * (0.3 * a * x).exp()),
        2 => (a * x * x * x, 3.0 * a * x * x),
        3 => ((1.0 + a * a + x * x).ln(), 2.0 * x / (1.0 + a * a + x * x)),
        _ => (x.tanh() * a, a * (1.0 - x.tanh().powi(2))),
    });
    let (values, slopes): (Vec<f64>, Vec<f64>) = terms.unzip();
    (values.iter().sum(), slopes)
}

#[test]
fn black_boxes_raise_no_false_alarm() {
    let numbers = || prop::collection::vec(prop_oneof![0.2..2.5f64, -2.5..-0.2f64], 3);
    let strategy = (0..5usize, numbers(), numbers(), 0..3usize);
    let (planted, found) = (Cell::new([0usize; 2]), Cell::new([0usize; 2]));
    let result = runner(cases(1100) / 2, 9).run(&strategy, |(kind, a, x, k)| {
        for double in [false, true] {
            let (_, g) = smooth(kind, &a, &x);
            let run = |g: &[f64]| match double {
                true => black_box(
                    |x: &[f64]| smooth(kind, &a, x).0,
                    &x,
                    g,
                    BlackBoxOptions::default(),
                ),
                false => {
                    let narrow = |v: &[f64]| v.iter().map(|x| *x as f32).collect::<Vec<f32>>();
                    let a = narrow(&a);
                    let f = |x: &[f32]| {
                        x.iter().zip(&a).fold(0f32, |s, (x, a)| {
                            s + match kind % 5 {
                                0 => a * x.sin(),
                                1 => (0.3 * a * x).exp(),
                                2 => a * x * x * x,
                                3 => (1.0 + a * a + x * x).ln(),
                                _ => x.tanh() * a,
                            }
                        })
                    };
                    black_box(f, &narrow(&x), &narrow(g), BlackBoxOptions::default())
                }
            };
            let right = run(&g).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert!(right.status != Status::Fail, "{kind} {right}");
            let mut wrong = g.clone();
            wrong[k] *= 1.0 + 1.1 * right.coordinates[k].mde;
            let report = run(&wrong).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let (mut p, mut f) = (planted.get(), found.get());
            p[usize::from(double)] += 1;
            f[usize::from(double)] += usize::from(report.coordinates[k].verdict == Verdict::Bug);
            planted.set(p);
            found.set(f);
        }
        Ok(())
    });
    let (p, f) = (planted.get(), found.get());
    println!(
        "black box: float32 {} of {} found, float64 {} of {}",
        f[0], p[0], f[1], p[1]
    );
    if let Err(e) = result {
        panic!("{e}");
    }
    assert!(
        f[0] * 10 >= p[0] * 9 && f[1] * 10 >= p[1] * 9,
        "{f:?} of {p:?}"
    );
}
