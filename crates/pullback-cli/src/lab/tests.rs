//! The explanation on losses where the answer is known beforehand: one for every cause.

use super::explanation::{Cause, Explanation, Verdict, explain};
use super::words;
use pullback::check::Check;
use pullback::{DType, Result, Tensor};

/// Central differences of `loss` at `theta`, explained; `wrong` is added to autograd's gradient.
fn study(
    theta: &[f64],
    dtype: DType,
    eps: f64,
    wrong: f64,
    loss: impl Fn(&Tensor) -> Result<Tensor>,
) -> Explanation {
    let theta = Tensor::from_slice(theta, [theta.len()]).unwrap();
    let theta = theta.to(dtype).unwrap();
    let leaf = theta.copy().unwrap().requires_grad_(true).unwrap();
    loss(&leaf).unwrap().backward().unwrap();
    let mut check = Check::new(|t| loss(&t[0]), &[&theta])
        .names(&["t"])
        .step(eps);
    if wrong != 0.0 {
        check = check.gradients(&[&leaf.grad().unwrap().add(wrong).unwrap()]);
    }
    let e = explain(&check).unwrap();
    for c in e.coordinates.iter().filter(|c| c.gap.is_finite()) {
        let sum: f64 = c.terms().iter().map(|(_, t)| t).sum();
        let size: f64 = c.terms().iter().map(|(_, t)| t.abs()).sum();
        assert!(
            (sum - c.gap).abs() <= 1e-14 * size,
            "the terms of {} add up",
            c.name
        );
    }
    e
}

#[test]
fn truncation() {
    let e = study(&[0.7, 0.2], DType::F64, 0.1, 0.0, |t| t.sin()?.sum());
    assert_eq!(
        (e.verdict(), e.worst.cause),
        (Verdict::DifferencesOff, Cause::Truncation)
    );
    // sin(x+h) - sin(x-h) over 2h is cos(x) sin(h)/h.
    let truth = 0.2f64.cos() * (1.0 - 0.1f64.sin() / 0.1);
    assert!(
        (e.worst.truncation - truth).abs() < 1e-15,
        "{}",
        e.worst.truncation
    );
    assert!(e.kinks.is_empty() && e.half_radius.is_none());
    assert!(
        words::explanation(&e).starts_with("Truncation makes the gap: 100 % of 1.63e-3 at t[1].")
    );
}

#[test]
fn a_kink_within_the_step() {
    let loss = |t: &Tensor| t.relu()?.sum();
    let e = study(&[0.25, 3.0], DType::F64, 1.0, 0.0, loss);
    assert_eq!(
        (e.verdict(), e.worst.cause),
        (Verdict::DifferencesOff, Cause::Kinks)
    );
    // The slope from -0.75 to 1.25 is 1.25/2.
    assert_eq!((e.worst.kinks, e.worst.gap), (0.375, 0.375));
    assert_eq!(e.crossings.len(), 1);
    assert_eq!(
        (e.crossings[0].coordinate.as_str(), e.crossings[0].side),
        ("t[0]", '-')
    );
    let nearest = e.nearest().unwrap();
    assert_eq!(
        (nearest.unit, nearest.steps, nearest.by.as_str()),
        (0, 0.25, "t[0]")
    );
    let shorter = e.half_radius.as_ref().unwrap();
    assert_eq!((shorter.eps, shorter.gap), (0.125, 0.0));
    assert_eq!(e.census(), [("equal", 1), ("kinks", 1)].into());
    assert_eq!(
        words::explanation(&e),
        "Kinks make the gap: 100 % of 0.375 at t[0]. Forward round-off: 0."
    );
}

#[test]
fn a_unit_exactly_at_its_kink() {
    let e = study(&[0.0, -1.0], DType::F32, 1e-3, 0.0, |t| t.relu()?.sum());
    assert_eq!(e.nearest().unwrap().steps, 0.0);
    assert_eq!(e.worst.cause, Cause::Kinks);
    // Autograd takes the slope on the left, differences the mean of both.
    assert_eq!((e.worst.autograd, e.worst.exact), (0.0, 0.0));
    assert!((e.worst.kinks + 0.5).abs() < 1e-7);
    assert_eq!(e.verdict(), Verdict::DifferencesOff);
    assert!(e.half_radius.is_none(), "there is no way to go half of");
}

#[test]
fn rounding_of_the_step() {
    // Next to 1, float32 numbers are 1.2e-7 apart: the step of 1e-7 becomes one of them upwards, and two halves down.
    let e = study(&[1.0], DType::F32, 1e-7, 0.0, |t| t.mul(2.0)?.sum());
    assert_eq!(
        (e.verdict(), e.worst.cause),
        (Verdict::DifferencesOff, Cause::StepRounding)
    );
    assert!(words::explanation(&e).starts_with("Rounding of the step makes the gap:"));
}

#[test]
fn forward_round_off() {
    let e = study(&[0.3], DType::F32, 1e-4, 0.0, |t| t.add(1e6)?.sum());
    assert_eq!(
        (e.verdict(), e.worst.cause),
        (Verdict::DifferencesOff, Cause::ForwardRounding)
    );
    assert_eq!((e.vanished(), e.worst.numeric), (1, 0.0));
    assert!(e.worst.forward_rounding.abs() <= e.predicted_roundoff.bound);
    assert_eq!(e.predicted_roundoff.ulp, 0.0625);
}

#[test]
fn a_wrong_gradient() {
    for dtype in [DType::F32, DType::F64] {
        let e = study(&[0.5, 2.0], dtype, 1e-3, 0.01, |t| t.square()?.sum());
        assert_eq!(e.verdict(), Verdict::GradientWrong);
        assert!((e.certified.error - 0.01).abs() < 1e-6);
        assert!(words::explanation(&e).starts_with("The gradient is wrong: at t["));
    }
}

#[test]
fn nothing_to_explain() {
    let e = study(&[0.5, 2.0], DType::F64, 0.25, 0.0, |t| t.square()?.sum());
    assert_eq!((e.verdict(), e.worst.cause), (Verdict::Agree, Cause::None));
    assert_eq!(e.census(), [("equal", 2)].into());
    assert_eq!(
        words::explanation(&e),
        "No gap: autograd and the differences are equal on all 2 coordinates."
    );
}

#[test]
fn a_stencil_that_leaves_the_domain() {
    let e = study(&[0.5, 1e-3], DType::F64, 1e-2, 0.0, |t| t.log()?.sum());
    assert_eq!(e.worst.cause, Cause::NotFinite);
    assert_eq!(
        words::explanation(&e),
        "The step does not work: 1 of 2 difference quotients are not finite."
    );
}

#[test]
fn numbers_in_words() {
    let cases = [
        (4.566e-3, "4.57e-3"),
        (0.50594, "0.506"),
        (535.34, "535"),
        (5196.6, "5197"),
        (0.0, "0"),
        (f64::INFINITY, "inf"),
        (123456.0, "1.23e5"),
        (-0.0622, "-0.0622"),
    ];
    for (x, text) in cases {
        assert_eq!(words::short(x), text);
    }
    assert_eq!(words::typed(1e-5), "1e-5");
    assert_eq!(words::typed(0.5), "0.5");
    assert_eq!(words::units(&[]), "no unit");
    assert_eq!(words::units(&[3]), "unit 3");
    assert_eq!(words::units(&[0, 2, 5]), "units 0, 2 and 5");
}
