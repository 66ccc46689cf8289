//! Leaky relu with learned slopes.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::{bail, ensure};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::anchor::anchored;
use crate::ops::common::gate::no_form;
use crate::ops::{Where, common, define};
use crate::{Array, Real, Result, Shape};
use pullback_array::{dispatch, kernels};

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, point};

/// `x` where positive, else `weight·x`; the weight broadcasts to `x`.
#[derive(Clone, Debug)]
pub struct Prelu;
define! { Prelu: Gate "prelu", "torch.nn.functional.prelu";
    summary: "Leaky relu with learned slopes.";
    formula: "x where x > 0, else w·x";
    derivative: "to x: g where x > 0, else w·g; to w: 0 where x > 0, else x·g";
    convention: "at 0 the lower piece holds, as in PyTorch";
    proof: { samples: prelu_samples, points: || vec![
        point(Prelu, &[&[0.0, 1.0, -2.0], &[0.25, 0.5, 0.75]], &[&[0.25, 1.0, 0.75], &[0.0, 0.0, -2.0]]),
    ] }
}

#[cfg(feature = "proof")]
fn prelu_samples() -> Vec<Sample> {
    let (x, w) = ([0.6, -1.3, 2.2, -0.4, 1.7, -2.6], [0.25, -0.5, 0.75]);
    let of = |sx: &[usize], sw: &[usize]| {
        let n = |s: &[usize]| s.iter().product::<usize>();
        Sample::new(Prelu, &[(sx, &x[..n(sx)]), (sw, &w[..n(sw)])])
    };
    vec![
        of(&[6], &[1]),
        of(&[2, 3], &[1, 3]),
        of(&[1, 3, 2], &[1, 3, 1]),
        of(&[], &[]),
        of(&[0, 3], &[1, 3]),
    ]
}

impl Prelu {
    /// `a` where x is positive, else `b`.
    fn choose(cx: &Ctx<'_>, x: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        apply_dyn(&Where, &[&x.gt(0.0)?, a, b], cx.site())
    }

    fn zero(x: &Tensor) -> Result<Tensor> {
        Tensor::zeros_of(&Shape::scalar(), x.dtype())
    }
}

impl Op for Prelu {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |x: T, w: T| if x > T::ZERO { x } else { w * x }), else
            Err(no_form("prelu_cpu", x[0])))
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::INPUTS
        } else {
            Reads::input(0)
        }
    }
}

impl rules::Gate for Prelu {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let x = cx.input(0)?;
        let plain = cx.unobserved();
        if i == 0 {
            let w = cx.input(1)?;
            if !plain {
                let chosen = Prelu::choose(cx, &x, g, &g.mul(&w)?)?;
                return anchored(cx, "_prelu_kernel", chosen, &x);
            }
            let (g, x, w) = (&g.array(), &x.array(), &w.array());
            return dispatch!(float x.dtype(), T => kernels::zip3(g, x, w, |g: T, x: T, w: T| if x > T::ZERO { g } else { w * g }), else
                Err(no_form("prelu_cpu", x))).map(Tensor::from_array);
        }
        if !plain {
            return Prelu::choose(cx, &x, &Prelu::zero(&x)?, &g.mul(&x)?);
        }
        let (g, x) = (&g.array(), &x.array());
        dispatch!(float x.dtype(), T => kernels::zip(g, x, |g: T, x: T| if x > T::ZERO { T::ZERO } else { x * g }), else
            Err(no_form("prelu_cpu", x))).map(Tensor::from_array)
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| a > T::ZERO), else Err(no_form("prelu_cpu", x[0]))).map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        x[0].where_(decision, &x[1].mul(&x[0])?)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| a.abs()), else Err(no_form("prelu_cpu", x[0]))).map(Some)
    }
}

/// Checks the weight and spreads it over dimension 1.
pub(in crate::ops) fn prelu(x: &Tensor, weight: &Tensor, site: Site) -> Result<Tensor> {
    ensure!(
        x.dtype() == weight.dtype(),
        DType,
        "prelu: Type promoting not supported. Got {} and {}",
        x.dtype().scalar_type_name(),
        weight.dtype().scalar_type_name()
    );
    if weight.ndim() > 1 {
        bail!(
            Shape,
            "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {}",
            weight.ndim()
        );
    }
    let n = weight.numel();
    if n != 1 {
        ensure!(x.ndim() != 0, Shape, "Not allow zero-dim input tensor.");
        let channels = x.shape().get(1).copied().unwrap_or(1);
        ensure!(
            channels == n,
            Shape,
            "Mismatch of parameter numbers and input channel size. Found parameter numbers = {n} and channel size = {channels}."
        );
    }
    let shape: Shape = (0..x.ndim()).map(|k| if k == 1 { n } else { 1 }).collect();
    apply_dyn(&Prelu, &[x, &weight.reshape(shape)?], site)
}
