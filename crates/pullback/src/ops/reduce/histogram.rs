//! Histograms: the edges of bins and what falls between them; the commonest element; the exponent of a number. Nothing here has a
//! gradient: functions that need positions or powers of two differentiate around them.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::{Array, DType, Result};
use pullback_array::{Element, Scalar, dispatch, filled, gathered, kernels};
use pullback_random::digits::Streamed;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;
#[cfg(feature = "proof")]
use crate::ops::shape::rearrange::SIX;

/// The edges of bins of one width.
#[derive(Clone, Debug)]
pub struct BinEdges {
    /// How many bins.
    pub bins: usize,
    /// First and last edge; the data's least and largest where they are equal.
    pub range: (f64, f64),
    /// How far the ends are from the data where all of it is one number.
    pub apart: f64,
    /// What an end that is not finite is called.
    pub name: &'static str,
}
define! { BinEdges: Cut "bin_edges", "torch.histogram";
    summary: "The edges of bins of one width, from the data where no range is given.";
    formula: "low + k·(high - low)/bins";
    derivative: "none, as in PyTorch";
    proof: { samples: || {
        let of = |bins, range, s: &[usize]| Sample::new(BinEdges { bins, range, apart: 0.5, name: "histogram" }, &[(s, &SIX[..s.iter().product()])]);
        vec![of(4, (0.0, 0.0), &[2, 3]), of(3, (-1.0, 2.0), &[6]), of(2, (0.0, 0.0), &[]), of(3, (0.0, 1.0), &[0, 2])]
    } }
}

impl Op for BinEdges {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if unnumbered(x) {
            return inferred([self.bins + 1], x[0].dtype());
        }
        let (mut low, mut high) = self.range;
        if low == high && x[0].numel() > 0 {
            let numbers = kernels::cast(x[0], DType::F64)?.numbers::<f64>()?;
            let nan = numbers.iter().any(|v| v.is_nan());
            let first = if nan { f64::NAN } else { numbers[0] };
            (low, high) = numbers
                .iter()
                .fold((first, first), |(low, high), &v| match nan {
                    true => (low, high),
                    false => (low.min(v), high.max(v)),
                });
        }
        if low == high {
            (low, high) = (low - self.apart, high + self.apart);
        }
        if !low.is_finite() || !high.is_finite() {
            bail!(
                Argument,
                "{} [{}, {}] is not finite",
                self.name,
                Streamed(low),
                Streamed(high)
            );
        }
        let edges = crate::linspace(
            low,
            high,
            (self.bins as i64).saturating_add(1),
            Some(x[0].dtype()),
        )?;
        Ok(edges.array().clone())
    }
}

/// How many numbers, or how much weight, lie between neighbouring edges; the last bin has its right edge too.
#[derive(Clone, Debug)]
pub struct BinCounts {
    /// Whether a number's bin is the whole part of its place among bins of one width, in the data's arithmetic, and not found among
    /// the edges: so in PyTorch's `histc`, and they differ at edges that are rounded.
    pub by_width: bool,
}
define! { BinCounts: Cut "bin_counts", "torch.histogram";
    summary: "How many numbers, or how much weight, lie between neighbouring edges; the last bin has its right edge too.";
    formula: "yₖ = Σ wᵢ over eₖ ≤ xᵢ < eₖ₊₁";
    derivative: "none, as in PyTorch";
    proof: { samples: || {
        let edges: (&[usize], &[f64]) = (&[4], &[-1.5, 0.1, 0.9, 2.5]);
        let of = |by_width| BinCounts { by_width };
        vec![
            Sample::new(of(true), &[(&[2, 3], &SIX), (&[4], &[-1.5, -0.25, 1.0, 2.25])]),
            Sample::new(of(false), &[(&[2, 3], &SIX), edges]),
            Sample::new(of(false), &[(&[6], &SIX), edges, (&[6], &[0.5, 1.5, 2.0, -1.0, 0.25, 3.0])]),
            Sample::new(of(false), &[(&[], &SIX[..1]), edges]),
            Sample::new(of(false), &[(&[0, 2], &[]), edges]),
        ]
    } }
}

impl Op for BinCounts {
    common!(counts);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if unnumbered(x) {
            return inferred([x[1].numel().saturating_sub(1)], x[0].dtype());
        }
        dispatch!(float x[0].dtype(), T => {
            let (numbers, edges) = (x[0].numbers::<T>()?, x[1].numbers::<T>()?);
            let weights = match x.get(2) {
                Some(w) => Some(w.numbers::<T>()?),
                None => None,
            };
            let bins = edges.len().saturating_sub(1);
            let mut found = filled(bins, <T as crate::Real>::ZERO)?;
            for (i, v) in numbers.iter().enumerate() {
                // NaN is in no bin.
                if bins > 0 && *v >= edges[0] && *v <= edges[bins] {
                    let at = match self.by_width {
                        true => {
                            let width = edges[bins] - edges[0];
                            let place = (*v - edges[0]) * T::lit(bins as f64) / width;
                            (place.to_f64() as usize).min(bins - 1)
                        }
                        false => edges[..bins].partition_point(|e| e <= v).max(1) - 1,
                    };
                    found[at] += weights.as_ref().map_or(<T as crate::Real>::ONE, |w| w[i]);
                }
            }
            Array::from_slice(&found, [bins])
        }, else Err(crate::ops::common::methods::not_implemented("histogramdd", x[0].dtype())))
    }
}

/// The position of the commonest element along a dimension.
#[derive(Clone, Debug)]
pub struct ArgMode {
    /// The dimension, resolved.
    pub dim: usize,
}
define! { ArgMode: Cut "argmode", "torch.mode";
    summary: "Where the commonest element along a dimension stands last; the smallest of several that are as common.";
    formula: "the last i with #{j : xⱼ = xᵢ} largest";
    derivative: "none: the result is positions";
    proof: { samples: || {
        let of = |dim, s: &[usize], v: &[f64]| Sample::new(ArgMode { dim }, &[(s, v)]);
        vec![of(0, &[4], &[1.0, 2.0, 2.0, 3.0]), of(1, &[2, 3], &[1.0, 1.0, 2.0, 3.0, 4.0, 4.0]), of(0, &[2, 3], &SIX), of(1, &[0, 2], &[])]
    } }
}

impl Op for ArgMode {
    common!(counts);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.along(self.dim, |dim| Box::new(ArgMode { dim }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let n = x[0].shape()[self.dim];
        // The dimension last, its rows one after the other.
        let mut order: Vec<usize> = (0..x[0].rank()).filter(|&d| d != self.dim).collect();
        order.push(self.dim);
        let rows = x[0].view(x[0].layout().permute(&order))?;
        let mut shape: Vec<usize> = x[0].shape().to_vec();
        shape.remove(self.dim);
        if unnumbered(x) {
            return inferred(shape, DType::I64);
        }
        dispatch!(x[0].dtype(), T => {
            let numbers = rows.numbers::<T>()?;
            let places: Vec<i64> = gathered(numbers.chunks_exact(n.max(1)).map(commonest))?;
            Array::from_slice(&places, shape)
        })
    }
}

/// Sorted by value, NaN last; equals stay in order, and the last of the first longest run is it.
fn commonest<T: PartialOrd + PartialEq>(row: &[T]) -> i64 {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&i, &j| {
        let nan = |k: usize| row[k].partial_cmp(&row[k]).is_none();
        (row[i].partial_cmp(&row[j])).unwrap_or_else(|| nan(i).cmp(&nan(j)))
    });
    let (mut best, mut most, mut run) = (0, 0, 0);
    for (k, &i) in order.iter().enumerate() {
        run += 1;
        if order.get(k + 1).is_none_or(|&next| row[next] != row[i]) {
            if run > most {
                (best, most) = (i, run);
            }
            run = 0;
        }
    }
    best as i64
}

/// The power of two that a number is a mantissa in [½, 1) of.
#[derive(Clone, Debug)]
pub struct Exponent;
define! { Exponent: Cut "frexp_exponent", "torch.frexp";
    summary: "The power of two that a number is a mantissa in [½, 1) of, element by element.";
    formula: "⌊log₂ |x|⌋ + 1, 0 at 0, ∞ and NaN";
    derivative: "none: the result is whole numbers";
    proof: { samples: || {
        let of = |s: &[usize]| Sample::new(Exponent, &[(s, &SIX[..s.iter().product()])]);
        vec![of(&[2, 3]), of(&[6]), of(&[]), of(&[0, 2])]
    } }
}

impl Op for Exponent {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        ensure!(
            x[0].dtype().is_float(),
            Argument,
            "torch.frexp() only supports floating-point dtypes"
        );
        // Every float is a double; the high part of a double-double has its exponent.
        kernels::map(&kernels::cast(x[0], DType::F64)?, exponent)
    }
}

fn exponent(v: f64) -> i32 {
    let bits = |v: f64| ((v.to_bits() >> 52) & 0x7ff) as i32;
    match bits(v) {
        _ if v == 0.0 || !v.is_finite() => 0,
        0 => bits(v * 2f64.powi(64)) - 1022 - 64,
        b => b - 1022,
    }
}

#[pullback_macros::called]
impl Tensor {
    /// The commonest element along a dimension and its last position; the smallest of several that are as common.
    ///
    /// # Errors
    /// Where the dimension is not there or has no elements.
    #[track_caller]
    pub fn mode(&self, dim: i64, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let site = Location::caller();
        let at = self.shape().dim(dim)?;
        if self.ndim() == 0 {
            return Ok((self.clone(), Tensor::zeros([], DType::I64)?));
        }
        ensure!(
            self.shape()[at] != 0,
            Index,
            "mode(): Expected reduction dim {at} to have non-zero size."
        );
        let dim = at as i64;
        let places = apply(ArgMode { dim: at }, &[self], site)?.unsqueeze(dim)?;
        let values = self.gather(dim, &places)?;
        match keepdim {
            true => Ok((values, places)),
            false => Ok((values.squeeze_dims(&[dim])?, places.squeeze_dims(&[dim])?)),
        }
    }

    /// A number as a mantissa in [½, 1) and a power of two.
    ///
    /// # Errors
    /// For integers.
    #[track_caller]
    pub fn frexp(&self) -> Result<(Tensor, Tensor)> {
        let e = apply(Exponent, &[self], Location::caller())?;
        // In two steps: one power of two may be out of range.
        let half = e.div_rounded(2, Some(crate::ops::Rounding::Trunc))?;
        let scale = |e: &Tensor| e.neg()?.to(self.dtype())?.exp2();
        let mantissa = self.mul(&scale(&half)?)?.mul(&scale(&e.sub(&half)?)?)?;
        Ok((mantissa, e))
    }
}
