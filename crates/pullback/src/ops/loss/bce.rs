//! Binary cross-entropy, of probabilities and of logits: the primitives, whose gradients are PyTorch's where logarithms end.

use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::{ensure, error};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::constant::number_like;
use crate::ops::common::gate::no_form;
use crate::{Array, Result};
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, pairs, point};

/// `-t·ln x - (1 - t)·ln(1 - x)`, the logarithms no less than -100.
#[derive(Clone, Debug)]
pub struct Bce;
define! { Bce: Pointwise "binary_cross_entropy", "torch.nn.functional.binary_cross_entropy";
    summary: "Cross-entropy of a probability and a target in [0, 1], element by element.";
    formula: "(t - 1)·max(ln(1 - x), -100) - t·max(ln x, -100)";
    derivative: "(x - t)/max((1 - x)·x, 1e-12) by x, ln(1 - x) - ln x by t";
    convention: "logarithms are cut off at -100, their derivatives are not; the denominator is cut off at 1e-12, as in PyTorch";
    proof: { samples: bce_samples, points: || vec![
        point(Bce, &[&[0.0, 1.0, 0.5], &[0.0, 1.0, 0.5]], &[&[0.0, 0.0, 0.0], &[f64::INFINITY, f64::NEG_INFINITY, -0.0]]),
    ] }
}

#[cfg(feature = "proof")]
fn bce_samples() -> Vec<Sample> {
    // The proof also tries 1.5 times these numbers, which must be probabilities still.
    let mut samples = pairs(Bce);
    for s in &mut samples {
        s.map_input(0, |x| 0.05 + 0.2 * x.abs());
        s.map_input(1, |t| 0.02 + 0.25 * t.abs());
    }
    samples
}

const SMALLEST_LOG: f64 = -100.0;
/// PyTorch has it in single precision.
const SMALLEST_PRODUCT: f64 = 1e-12f32 as f64;

#[inline(always)]
fn larger<T: Scalar>(a: T, b: T) -> T {
    T::choose(a.below(b), || b, || a)
}

impl Formula<2> for Bce {
    #[inline(always)]
    fn at<T: Scalar>(&self, [x, t]: [T; 2]) -> T {
        let least = T::lit(SMALLEST_LOG);
        (t - T::ONE) * larger((-x).ln_1p(), least) - t * larger(x.ln(), least)
    }
}

/// The gradient of the probability, of the incoming one, the probability and the target.
struct PullProbability;

impl Formula<3> for PullProbability {
    #[inline(always)]
    fn at<T: Scalar>(&self, [g, x, t]: [T; 3]) -> T {
        g * (x - t) / larger((T::ONE - x) * x, T::lit(SMALLEST_PRODUCT))
    }
}

/// The gradient of the target, of the incoming one and the probability.
struct PullTarget;

impl Formula<2> for PullTarget {
    #[inline(always)]
    fn at<T: Scalar>(&self, [g, x]: [T; 2]) -> T {
        -(x.ln() - (-x).ln_1p()) * g
    }
}

/// Errors unless every element is a probability.
fn probabilities(x: &Array, what: &str) -> Result<()> {
    if x.is_meta() {
        return Ok(());
    }
    let x = &crate::ops::common::operand::once(x)?;
    let dims: Vec<usize> = (0..x.rank()).collect();
    let good = dispatch!(float x.dtype(), T => kernels::reduce(x, &dims, false, |mut run: kernels::Run<'_, T>| {
        run.all(|x| (T::ZERO..=T::ONE).contains(&x))
    }), else Err(no_form("binary_cross_entropy", x)))?;
    match good.numbers::<bool>()?[..] {
        [false] => Err(error!(
            Argument,
            "all elements of {what} should be between 0 and 1"
        )),
        _ => Ok(()),
    }
}

impl Op for Bce {
    common!();
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        ensure!(
            x[0].dtype() == x[1].dtype(),
            DType,
            "Found dtype {} but expected {}",
            x[1].dtype().scalar_type_name(),
            x[0].dtype().scalar_type_name()
        );
        probabilities(x[0], "input")?;
        probabilities(x[1], "target")?;
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |x: T, t: T| Bce.at([x, t])), else
            Err(no_form("binary_cross_entropy", x[0])))
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::INPUTS
        } else {
            Reads::input(0)
        }
    }
}

impl rules::Pointwise for Bce {
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        let x = cx.input(0)?;
        let rest = x.neg()?.add(1.0)?;
        if i == 1 {
            return x.log()?.sub(&rest.log()?)?.neg();
        }
        let product = rest.mul(&x)?;
        let least = number_like(&x, SMALLEST_PRODUCT)?;
        let product = least.where_(&product.lt(&least)?, &product)?;
        x.sub(&cx.input(1)?)?.div(&product)
    }
    fn fused(&self, cx: &Ctx<'_>, i: usize, g: &Array) -> Option<Result<Array>> {
        let pull = || {
            let x = cx.input(0)?;
            let x = &*x.array();
            dispatch!(float x.dtype(), T => if i == 0 {
                let t = cx.input(1)?;
                kernels::zip3(g, x, &t.array(), |g: T, x: T, t: T| PullProbability.at([g, x, t]))
            } else {
                kernels::zip(g, x, |g: T, x: T| PullTarget.at([g, x]))
            }, else Err(no_form("binary_cross_entropy", x)))
        };
        Some(pull())
    }
}

/// `(1 - t)·x - w·ln σ(x)`; without a third operand w is 1.
#[derive(Clone, Debug)]
pub struct BceWithLogits;
define! { BceWithLogits: Pointwise "binary_cross_entropy_with_logits", "torch.nn.functional.binary_cross_entropy_with_logits";
    summary: "Cross-entropy of a logit and a target, element by element; a third operand weighs the logarithm.";
    formula: "(1 - t)·x - w·ln(1/(1 + e⁻ˣ))";
    derivative: "w·σ(x) - (w - 1 + t) by x, -x by t, -ln σ(x) by w";
    proof: { samples: logits_samples }
}

#[cfg(feature = "proof")]
fn logits_samples() -> Vec<Sample> {
    let a = [0.6, -1.3, 2.2, -0.4, 1.7, -2.6];
    let t = [0.9, 0.2, 0.6, 1.4, 0.3, 0.75];
    let w = [1.5, 0.4, 2.5, 1.25, 0.7, 3.5];
    let mut samples = pairs(BceWithLogits);
    samples.push(Sample::new(
        BceWithLogits,
        &[(&[6], &a), (&[6], &t), (&[6], &w)],
    ));
    samples.push(Sample::new(
        BceWithLogits,
        &[(&[2, 3], &a), (&[2, 3], &t), (&[3], &w[..3])],
    ));
    samples
}

#[inline(always)]
fn log_logistic<T: Scalar>(x: T) -> T {
    T::choose(x.below(T::ZERO), || x, || T::ZERO) - (-x.abs()).exp().ln_1p()
}

/// Of the target and the logit.
impl Formula<2> for BceWithLogits {
    #[inline(always)]
    fn at<T: Scalar>(&self, [t, x]: [T; 2]) -> T {
        (T::ONE - t) * x - log_logistic(x)
    }
}

/// Of the target, the logit and the weight of its logarithm.
impl Formula<3> for BceWithLogits {
    #[inline(always)]
    fn at<T: Scalar>(&self, [t, x, w]: [T; 3]) -> T {
        (T::ONE - t) * x - log_logistic(x) * w
    }
}

impl Op for BceWithLogits {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => match x {
            // The target first: the result lies in memory as it does.
            [x, t] => kernels::zip(t, x, |t: T, x: T| self.at([t, x])),
            _ => kernels::zip3(x[1], x[0], x[2], |t: T, x: T, w: T| self.at([t, x, w])),
        }, else Err(no_form("log_sigmoid_cpu", x[0])))
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::INPUTS
        } else {
            Reads::input(0)
        }
    }
}

impl rules::Pointwise for BceWithLogits {
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        let x = cx.input(0)?;
        match i {
            0 if cx.arity() == 2 => x.sigmoid()?.sub(&cx.input(1)?),
            0 => {
                let (t, w) = (cx.input(1)?, cx.input(2)?);
                w.mul(&x.sigmoid()?)?.sub(&w.add(&t)?.sub(1.0)?)
            }
            1 => x.neg(),
            _ => x.logsigmoid()?.neg(),
        }
    }
}
