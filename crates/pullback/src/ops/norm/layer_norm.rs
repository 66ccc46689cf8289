//! Normalisation over trailing dimensions: layer norm and root-mean-square norm, with their weights, in one pass.
// Double-double has no assigning forms of `-` and `*`.
#![allow(clippy::assign_op_pattern)]

use crate::core::apply::apply_dyn;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::bail;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::anchor::anchored;
use crate::ops::common::constant::plus;
use crate::ops::common::gate::no_form;
use crate::ops::common::halves::{is_half, wide, wide_if};
use crate::ops::common::operand::{inferred, unnumbered};
use crate::{Array, DType, Real, Result, Shape};
use pullback_array::{dispatch, kernels};
use smallvec::SmallVec;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Σ f(aᵢ, bᵢ), in eight lanes.
#[inline(always)]
fn sum<T: Real>(a: &[T], b: &[T], f: impl Fn(T, T) -> T) -> T {
    let mut lanes = [T::ZERO; 8];
    let (whole, rest) = a.as_chunks::<8>();
    let (others, last) = b.as_chunks::<8>();
    for (a, b) in whole.iter().zip(others) {
        for k in 0..8 {
            lanes[k] += f(a[k], b[k]);
        }
    }
    let mut total = T::ZERO;
    for (&a, &b) in rest.iter().zip(last) {
        total += f(a, b);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    total + (((a + b) + (c + d)) + ((e + f) + (g + h)))
}

/// What a run is shifted by, and then multiplied by.
#[inline(always)]
fn moments<T: Real>(x: &[T], eps: T, center: bool) -> (T, T) {
    let n = T::lit(x.len() as f64);
    let mean = if center {
        sum(x, x, |a, _| a) / n
    } else {
        T::ZERO
    };
    let square = sum(x, x, |a, _| (a - mean) * (a - mean)) / n;
    (mean, T::ONE / (square + eps).sqrt())
}

macro_rules! norms {
    ($($(#[$doc:meta])* $op:ident $name:literal, $torch:literal, $node:literal, $center:literal; $summary:literal; $formula:literal; $derivative:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op {
            /// How many trailing dimensions are normalised together.
            pub dims: usize,
            /// Added to the mean square.
            pub eps: f64,
        }
        define! { $op: General $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: $derivative;
            node: $node;
            proof: { samples: || samples(|dims, eps| $op { dims, eps }) }
        }

        impl Op for $op {
            common!();
            fn batched(&self, batch: &Batch<'_>) -> Batched {
                let plain = $op { dims: self.dims, eps: self.eps };
                if batch.only(0) {
                    let x: SmallVec<[&Tensor; 3]> = (0..batch.arity()).map(|i| batch.get(i)).collect();
                    return batch.apply(&plain, &x);
                }
                let mut y = crate::core::apply::apply_dyn(&plain, &[batch.get(0)], batch.site())?;
                let rank = batch.rank(0);
                for i in 1..batch.arity() {
                    let own = batch.aligned(i, rank)?;
                    y = if i == 1 { y.mul(&own)? } else { y.add(&own)? };
                }
                batch.one(Ok(y))
            }
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                Norm::of(self.dims, self.eps, $center, x[0].shape()).value(x)
            }
            fn reads(&self, i: usize) -> Reads {
                let _ = i;
                Reads::input(0).and(Reads::input(1))
            }
        }

        impl rules::General for $op {
            fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
                Norm::of(self.dims, self.eps, $center, cx.shape(0)).pull(cx, i, g)
            }
            fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
                Norm::of(self.dims, self.eps, $center, cx.shape(0)).push(cx, t)
            }
        }
    )*};
}
norms! {
    /// Each run of trailing dimensions shifted to mean 0 and scaled to variance 1, then times a weight, plus a bias.
    LayerNorm "layer_norm", "torch.nn.functional.layer_norm", "NativeLayerNormBackward0", true;
    "Numbers over trailing dimensions shifted to mean 0 and scaled to variance 1; then a weight and a bias.";
    "(x - mean x)/√(var x + ε)·w + b";
    "r·(gw - mean gw - z·mean(gw·z)) by x, g·z by w, g by b; z the normalised numbers, r their factor";

    /// Each run of trailing dimensions scaled to mean square 1, then times a weight.
    RmsNorm "rms_norm", "torch.nn.functional.rms_norm", "RmsNormBackward0", false;
    "Numbers over trailing dimensions scaled to mean square 1; then a weight.";
    "x/√(mean x² + ε)·w";
    "r·(gw - z·mean(gw·z)) by x, g·z by w; z the normalised numbers, r their factor";
}

#[cfg(feature = "proof")]
fn samples<O: Op>(op: impl Fn(usize, f64) -> O) -> Vec<Sample> {
    let x = [
        0.5, -1.0, 2.5, 3.0, -0.25, 1.5, 0.75, -2.5, 1.25, -0.5, 0.125, 2.25,
    ];
    let (w, b) = ([1.5, -0.75, 0.5, 2.0], [0.25, -1.5, 0.75, 1.0]);
    let of = |dims: usize, eps, xs: &[usize], more: usize| {
        let own = &xs[xs.len() - dims..];
        let n = |s: &[usize]| s.iter().product::<usize>();
        let all = [(xs, &x[..n(xs)]), (own, &w[..n(own)]), (own, &b[..n(own)])];
        Sample::new(op(dims, eps), &all[..1 + more])
    };
    vec![
        of(1, 1e-5, &[2, 3], 0),
        of(1, 1e-5, &[3, 4], 1),
        of(1, 0.25, &[2, 3], 1),
        of(2, 1e-3, &[3, 2, 2], 1),
        of(1, 1e-5, &[4], 1),
        of(1, 1e-5, &[0, 3], 1),
    ]
    .into_iter()
    .chain((op(1, 0.5).def().name == "layer_norm").then(|| of(1, 1e-5, &[3, 4], 2)))
    .collect()
}

/// What both norms do.
struct Norm {
    /// Sizes that are normalised together, as dimensions and as a number.
    dims: Vec<i64>,
    len: usize,
    eps: f64,
    center: bool,
}

impl Norm {
    fn of(dims: usize, eps: f64, center: bool, shape: &Shape) -> Norm {
        let at = shape.len().saturating_sub(dims);
        Norm {
            dims: (at..shape.len()).map(|k| k as i64).collect(),
            len: shape[at..].iter().product(),
            eps,
            center,
        }
    }

    fn value(&self, x: &[&Array]) -> Result<Array> {
        if unnumbered(x) && x[0].dtype().is_float() {
            return inferred(x[0].shape(), x[0].dtype());
        }
        dispatch!(float x[0].dtype(), T => {
            let flat = |k: usize| x.get(k).map_or_else(|| Ok(Vec::new()), |a| a.numbers::<T>());
            let (w, b, eps) = (flat(1)?, flat(2)?, T::lit(self.eps));
            kernels::lines(x[0], [], self.len, #[inline(always)] |_, run: &mut [T], []| {
                let (mean, factor) = moments(run, eps, self.center);
                run.iter_mut().for_each(|x| *x = (*x - mean) * factor);
                run.iter_mut().zip(&w).for_each(|(x, &w)| *x = *x * w);
                run.iter_mut().zip(&b).for_each(|(x, &b)| *x += b);
            })
        }, else Err(no_form(if self.center { "LayerNormKernelImpl" } else { "rms_norm" }, x[0])))
    }

    /// The normalised numbers and their factor, in operations.
    fn parts(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let x = if self.center {
            x.sub(&x.mean_dims(&self.dims, true)?)?
        } else {
            x.clone()
        };
        let square = x.mul(&x)?.mean_dims(&self.dims, true)?;
        let factor = plus(&square, self.eps)?.rsqrt()?;
        Ok((x.mul(&factor)?, factor))
    }

    /// The derivative at x applied to `v`; the normalisation's Jacobian is symmetric.
    fn slope(&self, x: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (z, factor) = self.parts(x)?;
        let along = z.mul(&v.mul(&z)?.mean_dims(&self.dims, true)?)?;
        let v = if self.center {
            v.sub(&v.mean_dims(&self.dims, true)?)?
        } else {
            v.clone()
        };
        v.sub(&along)?.mul(&factor)
    }

    fn pull(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let x = cx.input(0)?;
        if i > 0 && !cx.unobserved() {
            let g = match i {
                1 => g.mul(&self.parts(&x)?.0)?,
                _ => g.clone(),
            };
            // In PyTorch one operation of the input and the weight gives all three gradients.
            let name = match self.center {
                true => "native_layer_norm",
                false => "fused_rms_norm",
            };
            let g = anchored(cx, name, g, &x)?;
            return anchored(cx, name, g, &cx.input(1)?);
        }
        if i == 2 {
            return Ok(g.clone());
        }
        if !cx.unobserved() {
            return match i {
                0 if cx.arity() > 1 => self.slope(&x, &g.mul(&cx.input(1)?)?),
                _ => self.slope(&x, g),
            };
        }
        let (g, x) = (&g.array(), &x.array());
        let own = if i == 0 && cx.arity() > 1 {
            Some(cx.input(1)?)
        } else {
            None
        };
        if unnumbered(&[g, x]) {
            return inferred(g.shape(), g.dtype()).map(Tensor::from_array);
        }
        dispatch!(float x.dtype(), T => {
            let w = own.map_or_else(|| Ok(Vec::new()), |w| w.numbers::<T>())?;
            let (eps, n) = (T::lit(self.eps), T::lit(self.len as f64));
            kernels::lines(g, [x], self.len, #[inline(always)] |_, g: &mut [T], [x]| {
                let (mean, factor) = moments(x, eps, self.center);
                if i == 1 {
                    g.iter_mut().zip(x).for_each(|(g, &x)| *g = *g * ((x - mean) * factor));
                    return;
                }
                g.iter_mut().zip(&w).for_each(|(g, &w)| *g = *g * w);
                let shift = if self.center { sum(g, g, |g, _| g) / n } else { T::ZERO };
                let along = sum(g, x, |g, x| g * ((x - mean) * factor)) / n;
                g.iter_mut().zip(x).for_each(|(g, &x)| {
                    *g = (*g - shift - (x - mean) * factor * along) * factor;
                });
            })
        }, else Err(no_form("layer_norm", x)))
        .map(Tensor::from_array)
    }

    fn push(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let x = cx.input(0)?;
        crate::core::op::sum_terms(t, |i, t| match i {
            0 if cx.arity() > 1 => self.slope(&x, t)?.mul(&cx.input(1)?),
            0 => self.slope(&x, t),
            1 => self.parts(&x)?.0.mul(t),
            _ => t.expand(x.shape()),
        })
    }
}

/// PyTorch's checks of the sizes that are normalised.
fn check(
    x: &Tensor,
    sizes: &[usize],
    parts: [(&str, Option<&Tensor>); 2],
    comma: &str,
) -> Result<()> {
    let want = Shape::new(sizes);
    if sizes.is_empty() {
        bail!(
            Shape,
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []"
        );
    }
    for (name, part) in parts {
        if let Some(part) = part.filter(|p| *p.shape() != want) {
            bail!(
                Shape,
                "Expected {name} to be of same shape as normalized_shape, but got {name} of shape {} and normalized_shape = {want}",
                part.shape()
            );
        }
    }
    // Halves go with parameters of single precision, too.
    let (other, want_type) = match is_half(x) {
        true => (DType::F32, "Float"),
        false => (x.dtype(), x.dtype().scalar_type_name()),
    };
    let mixed = |p: &&&Tensor| ![x.dtype(), other].contains(&p.dtype()) && x.dtype().is_float();
    if comma == ", " && parts.iter().filter_map(|p| p.1.as_ref()).any(|p| mixed(&p)) {
        bail!(
            DType,
            "mixed dtype (CPU): expect parameter to have scalar type of {want_type}"
        );
    }
    if !x.shape().ends_with(sizes) {
        let inner: Vec<String> = sizes.iter().map(usize::to_string).collect();
        bail!(
            Shape,
            "Given normalized_shape={want}, expected input with shape [*{comma}{}], but got input of size{}",
            inner.join(", "),
            x.shape()
        );
    }
    Ok(())
}

#[pullback_macros::called]
impl Tensor {
    /// Numbers over the trailing dimensions of sizes `normalized_shape` shifted to mean 0 and scaled to variance 1, then times
    /// `weight`, plus `bias`, of those sizes. PyTorch's default of `eps`, which is added to the variance, is 1e-5.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[1.0f64, 3.0], [2])?;
    /// assert_eq!(x.layer_norm(&[2], None, None, 0.0)?.to_vec::<f64>()?, [-1.0, 1.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// PyTorch's sentences for sizes that are not the tensor's last ones, weights of other sizes, integers.
    #[track_caller]
    pub fn layer_norm(
        &self,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Result<Tensor> {
        let site = Location::caller();
        check(
            self,
            normalized_shape,
            [("weight", weight), ("bias", bias)],
            ", ",
        )?;
        if is_half(self) && [weight, bias].iter().flatten().any(|v| !is_half(v)) {
            let [weight, bias] = [wide_if(weight)?, wide_if(bias)?];
            return wide(self)?
                .layer_norm(normalized_shape, weight.as_ref(), bias.as_ref(), eps)?
                .to(self.dtype());
        }
        let op = LayerNorm {
            dims: normalized_shape.len(),
            eps,
        };
        match (weight, bias) {
            (Some(w), Some(b)) => apply_dyn(&op, &[self, w, b], site),
            (Some(w), None) => apply_dyn(&op, &[self, w], site),
            // The gradient of the bias is the same operation's as the others.
            (None, Some(b)) => apply_dyn(&op, &[self, &b.detach().ones_like()?, b], site),
            (None, None) => apply_dyn(&op, &[self], site),
        }
    }

    /// Numbers over the trailing dimensions of sizes `normalized_shape` scaled to mean square 1, then times `weight`. Without `eps`
    /// the mean square grows by the dtype's machine epsilon.
    ///
    /// # Errors
    /// As [`Tensor::layer_norm`].
    #[track_caller]
    pub fn rms_norm(
        &self,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        eps: Option<f64>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        check(self, normalized_shape, [("weight", weight), ("", None)], "")?;
        let op = RmsNorm {
            dims: normalized_shape.len(),
            eps: eps.unwrap_or(match self.dtype().computing() {
                DType::F32 => f64::from(f32::EPSILON),
                _ => f64::EPSILON,
            }),
        };
        match weight {
            Some(w) if w.dtype() == self.dtype() => apply_dyn(&op, &[self, w], site),
            Some(w) => apply_dyn(&op, &[self], site)?.mul(w)?.to(self.dtype()),
            None => apply_dyn(&op, &[self], site),
        }
    }
}
