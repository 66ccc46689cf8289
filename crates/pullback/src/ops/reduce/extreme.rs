//! Reductions that name one of their elements: the largest, the smallest, the middle. Elements tied for it share the
//! gradient evenly. With a dimension, `max`, `min` and `median` also say where it was and the gradient goes there alone:
//! those are in `order`.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::{ensure, error};
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::gate::{magnitude, no_form, select};
use crate::{Array, DType, Real, Result, Shape};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, point};

/// What these operations have in common: which dimensions they reduce, and who wins beside NaN.
trait Winner: Op {
    /// Whether NaNs share the gradient of a NaN, as they do where PyTorch reduces everything.
    const NAN_SHARES: bool;

    fn dims(&self, rank: usize) -> Vec<usize>;

    fn keepdim(&self) -> bool;

    /// The result's shape with the reduced dimensions kept.
    fn kept(&self, of: &Shape) -> Shape {
        kernels::reduced_shape(of, &self.dims(of.len()), true)
    }

    /// Marks the winners, and counts them along the dimensions (kept).
    fn winners(&self, x: &Array) -> Result<(Array, Array)> {
        let best = self.eval(&[x])?.reshape(&self.kept(x.shape()))?;
        let won = dispatch!(x.dtype(), T => kernels::zip(x, &best, |a: T, b: T| wins(a, b, Self::NAN_SHARES)))?;
        let count = kernels::sum(&won, &self.dims(x.rank()), true)?;
        Ok((won, count))
    }

    /// As [`Winner::winners`], as tensors, which recorders see.
    fn marks(&self, cx: &Ctx<'_>) -> Result<(Tensor, Tensor)> {
        let x = cx.input(0)?;
        let best = cx.output()?.detach().reshape(self.kept(x.shape()))?;
        let mut won = x.eq(&best)?;
        if Self::NAN_SHARES {
            won = won.add(&x.ne(&x)?.mul(&best.ne(&best)?)?)?;
        }
        let count = won.sum_dims(&signed_dims(&self.dims(x.ndim())), true)?;
        Ok((won, count))
    }

    fn share(&self, cx: &Ctx<'_>, g: &Tensor) -> Result<Tensor> {
        let (won, count) = self.marks(cx)?;
        let count = count.to(g.dtype())?;
        let g = g.reshape(self.kept(cx.shape(0)))?;
        if Self::NAN_SHARES {
            return select(&won, &g.div(&count)?);
        }
        // A product and not a selection, because PyTorch's is one: where no element equals the result (NaN), 0/0.
        g.mul(&won.to(g.dtype())?)?.div(&count)
    }

    /// The mean of the winners.
    fn mean(&self, x: &Tensor, won: &Tensor) -> Result<Tensor> {
        let dims = signed_dims(&self.dims(x.ndim()));
        let count = won.to(x.dtype())?.sum_dims(&dims, self.keepdim())?;
        select(won, x)?.sum_dims(&dims, self.keepdim())?.div(&count)
    }

    /// Distance of every element to the winner; the winner's own is its distance to the nearest other.
    fn lead(&self, x: &Array) -> Result<Option<Array>> {
        let (won, count) = self.winners(x)?;
        let best = self.eval(&[x])?.reshape(count.shape())?;
        dispatch!(float x.dtype(), T => {
            let off = magnitude(&kernels::zip(x, &best, |a: T, b: T| a - b)?)?;
            let others = kernels::zip(&off, &won, |d: T, w: bool| if w { T::lit(f64::INFINITY) } else { d })?;
            let nearest = kernels::extreme(&others, &self.dims(x.rank()), true, false)?;
            let lead = kernels::zip(&nearest, &count, |d: T, c: i64| if c > 1 { T::ZERO } else { d })?;
            kernels::zip3(&won, &lead, &off, |w: bool, lead: T, off: T| if w { lead } else { off })
        }, else Err(no_form(self.def().name, x))).map(Some)
    }
}

#[allow(clippy::eq_op)] // NaN alone differs from itself
fn wins<T: PartialEq>(a: T, best: T, nan_shares: bool) -> bool {
    a == best || nan_shares && a != a && best != best
}

fn signed_dims(dims: &[usize]) -> Vec<i64> {
    dims.iter().map(|&d| d as i64).collect()
}

/// Errors where a dimension to reduce is empty.
pub(in crate::ops) fn not_empty(name: &str, x: &Array, dims: &[usize]) -> Result<()> {
    match dims.iter().find(|&&d| x.shape().get(d) == Some(&0)) {
        None => Ok(()),
        Some(d) => Err(error!(
            Index,
            "{name}(): Expected reduction dim {d} to have non-zero size."
        )
        .note(format!("shape {}", x.shape()))),
    }
}

/// Errors where everything is to be reduced and there is nothing.
fn not_nothing(name: &'static str, x: &Tensor) -> Result<()> {
    if x.numel() > 0 {
        return Ok(());
    }
    Err(error!(Shape, "{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
    .note(format!("shape {}", x.shape())))
}

macro_rules! winner_op {
    ($op:ident, $nan:literal, |$x:ident, $this:ident| $eval:expr, |$rank:ident, $that:ident| $dims:expr, $keepdim:expr, |$own:ident, $batch:ident| $batched:expr) => {
        impl Winner for $op {
            const NAN_SHARES: bool = $nan;
            fn dims(&self, $rank: usize) -> Vec<usize> {
                let $that = self;
                $dims
            }
            fn keepdim(&self) -> bool {
                let keepdim: fn(&$op) -> bool = $keepdim;
                keepdim(self)
            }
        }

        impl Op for $op {
            common!(pieces);
            fn batched(&self, $batch: &Batch<'_>) -> Batched {
                let $own = self;
                $batched
            }
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                let ($x, $this) = (x[0], self);
                $eval
            }
            fn reads(&self, _: usize) -> Reads {
                Reads::input(0).and(Reads::OUTPUT)
            }
        }

        impl rules::Gate for $op {
            fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
                self.share(cx, g)
            }
            fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
                let (won, _) = self.marks(cx)?;
                sum_terms(t, |_, t| self.mean(t, &won))
            }
            fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
                Ok(Some(self.winners(x[0])?.0))
            }
            fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
                self.mean(&x[0], decision)
            }
            fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
                self.lead(x[0])
            }
        }
    };
}

/// The largest or smallest element along dimensions.
macro_rules! over_dims {
    ($($(#[$doc:meta])* $op:ident $name:literal $torch:literal $method:ident $largest:literal, $summary:literal, $formula:literal;)*) => {$(
        reduction! { $(#[$doc])* $op }
        define! { $op: Gate $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: "g to the winner";
            convention: "tied winners share the gradient evenly, as in PyTorch; a NaN gives NaN to all";
            proof: { samples: || over(|dims, keepdim| $op { dims, keepdim }), points: || vec![
                point($op { dims: vec![0], keepdim: false }, &[&[3.0, 1.0, 3.0, 1.0, 2.0]],
                    &[if $largest { &[0.5, 0.0, 0.5, 0.0, 0.0] } else { &[0.0, 0.5, 0.0, 0.5, 0.0] }]),
                point($op { dims: vec![0], keepdim: false }, &[&[f64::NAN, 1.0]], &[&[f64::NAN, f64::NAN]]),
            ] }
        }
        winner_op!($op, false, |x, op| {
            not_empty($name, x, &op.dims)?;
            kernels::extreme(x, &op.dims, op.keepdim, $largest)
        }, |_rank, op| op.dims.clone(), |op| op.keepdim, |op, batch| {
            batch.reduced(&op.dims, op.keepdim, |dims, keepdim| Box::new($op { dims, keepdim }))
        });

        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            ///
            /// All dimensions if `dims` is empty; they stay with size 1 if `keepdim`. Tied winners share the gradient.
            ///
            /// # Errors
            /// For a dimension that is empty, out of range or named twice.
            #[track_caller]
            pub fn $method(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
                let site = Location::caller();
                if dims.is_empty() {
                    not_nothing($name, self)?;
                }
                let dims = crate::ops::reduce::sum::resolve(self, dims)?;
                apply($op { dims, keepdim }, &[self], site)
            }
        }
    )*};
}

over_dims! {
    /// The largest element along dimensions.
    Amax "amax" "torch.amax" amax true, "The largest element along dimensions; NaN wins.", "max over dims of x";
    /// The smallest element along dimensions.
    Amin "amin" "torch.amin" amin false, "The smallest element along dimensions; NaN wins.", "min over dims of x";
}

/// One element of all.
macro_rules! of_all {
    ($($(#[$doc:meta])* $op:ident $name:literal $torch:literal $node:literal $method:ident, $summary:literal, $formula:literal, $convention:literal,
        point: $tie:expr => $shares:expr, |$x:ident, $dims:ident| $eval:expr, forbid: $forbid:literal, rows: $rows:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Gate $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: "g to the winner";
            convention: $convention;
            node: $node;
            proof: { samples: || of_all_samples($op), points: || vec![point($op, &[$tie], &[$shares])] }
        }
        winner_op!($op, true, |$x, _op| {
            let $dims: Vec<usize> = (0..$x.rank()).collect();
            $eval
        }, |rank, _op| (0..rank).collect(), |_| false, |_op, batch| {
            let dims: Vec<usize> = (0..batch.rank(0)).collect();
            let rows: Option<fn(Vec<usize>, bool) -> Box<dyn Op>> = $rows;
            match rows {
                Some(rows) => batch.reduced(&dims, false, rows),
                None => Ok(None),
            }
        });

        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self) -> Result<Tensor> {
                let site = Location::caller();
                if $forbid {
                    not_nothing($name, self)?;
                }
                apply($op, &[self], site)
            }
        }
    )*};
}

of_all! {
    /// The largest element; tied ones share the gradient.
    Max "max" "torch.max" "MaxBackward1" max, "The largest of all elements; NaN wins.", "max of x",
        "tied winners share the gradient evenly, NaNs too, as in PyTorch",
        point: &[f64::NAN, 1.0, f64::NAN] => &[0.5, 0.0, 0.5],
        |x, dims| kernels::extreme(x, &dims, false, true), forbid: true, rows: Some(|dims, keepdim| Box::new(Amax { dims, keepdim }));
    /// The smallest element; tied ones share the gradient.
    Min "min" "torch.min" "MinBackward1" min, "The smallest of all elements; NaN wins.", "min of x",
        "tied winners share the gradient evenly, NaNs too, as in PyTorch",
        point: &[3.0, 1.0, 2.0, 1.0] => &[0.0, 0.5, 0.0, 0.5],
        |x, dims| kernels::extreme(x, &dims, false, false), forbid: true, rows: Some(|dims, keepdim| Box::new(Amin { dims, keepdim }));
    /// The median of all elements, the lower one of an even count; NaN where there is a NaN or nothing.
    Median "median" "torch.median" "MedianBackward0" median, "The median of all elements, the lower one of an even count; NaN wins.", "median of x",
        "elements equal to it share the gradient evenly, NaNs too, as in PyTorch",
        point: &[2.0, 1.0, 1.0, 5.0] => &[0.0, 0.5, 0.5, 0.0],
        |x, dims| middle(x, &dims, false), forbid: false, rows: None;
    /// The median of all elements that are no NaN, the lower one of an even count.
    NanMedian "nanmedian" "torch.nanmedian" "NanmedianBackward0" nanmedian, "The median of all elements that are no NaN, the lower one of an even count.", "median of x without NaN",
        "elements equal to it share the gradient evenly, as in PyTorch",
        point: &[f64::NAN, 1.0, 1.0, 5.0] => &[0.0, 0.5, 0.5, 0.0],
        |x, dims| middle(x, &dims, true), forbid: false, rows: None;
}

fn middle(x: &Array, dims: &[usize], ignore_nan: bool) -> Result<Array> {
    ensure!(
        x.dtype() != DType::Bool,
        Unsupported,
        "\"median_cpu\" not implemented for 'Bool'"
    );
    if x.numel() == 0 {
        // PyTorch fills with NaN, which its integers show as their lowest number.
        return match x.dtype().is_float() {
            true => Array::full(Shape::scalar(), f64::NAN, x.dtype()),
            false => Array::full(Shape::scalar(), i64::MIN, x.dtype()),
        };
    }
    kernels::take(x, &kernels::arg_median(x, dims, false, ignore_nan)?)
}

#[cfg(feature = "proof")]
const DATA: [f64; 6] = [0.5, -1.25, 2.0, 0.75, 3.5, -0.25];

#[cfg(feature = "proof")]
fn over<O: Op>(op: impl Fn(Vec<usize>, bool) -> O) -> Vec<Sample> {
    let with = |dims: &[usize], keepdim, shape: &[usize]| {
        Sample::new(
            op(dims.to_vec(), keepdim),
            &[(shape, &DATA[..shape.iter().product()])],
        )
    };
    vec![
        with(&[1], false, &[2, 3]),
        with(&[0], true, &[2, 3]),
        with(&[0, 1], false, &[2, 3]),
        with(&[1], true, &[2, 3]),
        with(&[0, 2], false, &[1, 2, 3]),
        with(&[], false, &[]),
        with(&[1], false, &[0, 3]),
    ]
}

#[cfg(feature = "proof")]
fn of_all_samples(op: impl Op + Clone) -> Vec<Sample> {
    let with = |shape: &[usize]| {
        Sample::new(
            op.clone(),
            &[(shape, &DATA[..shape.iter().product::<usize>()])],
        )
    };
    vec![with(&[2, 3]), with(&[5]), with(&[1, 4, 1]), with(&[])]
}
