//! Padding in PyTorch's four modes: a number, reflected, replicated, circular.
//!
//! A number around a tensor is a primitive; the other modes pick slabs by an index, one dimension after the other.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure, error};
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::anchor::entered;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::{Array, DType, Number, Result, Shape};
use pullback_array::{gathered, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;
#[cfg(feature = "proof")]
use crate::ops::shape::rearrange::SIX;

/// A tensor with a border of one number, or cut where a border is negative.
#[derive(Clone, Debug)]
pub struct Pad {
    /// For each dimension how much is added before its first and behind its last index.
    pub by: Vec<(i64, i64)>,
    /// The number.
    pub value: Number,
}
define! { Pad: General "constant_pad_nd", "torch.nn.functional.pad";
    summary: "A border of one number around a tensor; a negative border cuts.";
    formula: "x inside, value outside";
    derivative: "g, cut where x was bordered and bordered with 0 where it was cut";
    proof: { samples: || {
        let of = |by: &[(i64, i64)], value, s: &[usize]| Sample::new(Pad { by: by.to_vec(), value: Number::Float(value) }, &[(s, &SIX[..s.iter().product()])]);
        vec![of(&[(1, 2)], 0.0, &[3]), of(&[(0, 0), (1, 0)], 2.5, &[2, 3]), of(&[(1, 1), (-1, 2)], -1.0, &[2, 3]), of(&[(-1, -1)], 0.0, &[4]), of(&[], 0.0, &[]), of(&[(1, 0), (0, 1)], 1.5, &[0, 2])]
    } }
}

impl Pad {
    fn back(&self) -> Pad {
        Pad {
            by: (self.by.iter())
                .map(|&(a, b)| (a.saturating_neg(), b.saturating_neg()))
                .collect(),
            value: Number::Int(0),
        }
    }
}

impl Op for Pad {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let by = [&[(0, 0)], &self.by[..]].concat();
        let value = self.value;
        batch.apply(&Pad { by, value }, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let mut shape = x[0].shape().clone();
        for (n, &(before, after)) in shape.dims_mut().iter_mut().zip(&self.by) {
            let size = *n as i128 + i128::from(before) + i128::from(after);
            // A size beyond all numbers is beyond all memory, which the shape says below.
            *n = match size < 0 {
                true => bail!(Shape, "narrow(): length must be non-negative."),
                false => usize::try_from(size).unwrap_or(usize::MAX),
            };
        }
        if unnumbered(x) {
            return inferred(shape, x[0].dtype());
        }
        let out = Array::full(shape, self.value, x[0].dtype())?;
        let (mut to, mut from) = (out.clone(), x[0].clone());
        for (dim, &(before, after)) in self.by.iter().enumerate() {
            let (n, m) = (from.shape()[dim] as i64, to.shape()[dim] as i64);
            let cut = |by: i64| by.min(0).saturating_neg().min(n);
            let len = (n - cut(before)).saturating_sub(cut(after)).max(0) as usize;
            from = from.slice(dim, cut(before) as usize, len, 1)?;
            to = to.slice(dim, (before.max(0) as usize).min(m as usize), len, 1)?;
        }
        kernels::assign(&to, &from)?;
        Ok(out)
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::NOTHING
    }
}

impl rules::General for Pad {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        apply(self.back(), &[g], cx.site())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let zeros = Pad {
            by: self.by.clone(),
            value: Number::Int(0),
        };
        sum_terms(t, |_, t| apply(zeros.clone(), &[t], cx.site()))
    }
}

/// How [`Tensor::pad`] fills the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// With one number.
    Constant,
    /// With the tensor mirrored at its first and last element, which are not repeated.
    Reflect,
    /// With the first and last element.
    Replicate,
    /// As if the tensor went round.
    Circular,
}

impl PadMode {
    /// PyTorch's name of the mode.
    pub const fn name(self) -> &'static str {
        match self {
            PadMode::Constant => "constant",
            PadMode::Reflect => "reflect",
            PadMode::Replicate => "replicate",
            PadMode::Circular => "circular",
        }
    }

    /// The mode of a name.
    ///
    /// # Errors
    /// PyTorch's sentence for other names.
    pub fn from_name(name: &str) -> Result<PadMode> {
        [
            PadMode::Constant,
            PadMode::Reflect,
            PadMode::Replicate,
            PadMode::Circular,
        ]
        .into_iter()
        .find(|mode| mode.name() == name)
        .ok_or_else(|| error!(Unsupported, "Unrecognised padding mode {name}"))
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Borders around the last dimensions: `pad` holds how much before and behind, the last dimension first; negative
    /// numbers cut. `value` is for [`PadMode::Constant`] alone, where `None` is 0. PyTorch's `torch.nn.functional.pad`.
    ///
    /// # Errors
    /// Where the list is odd or too long, a size becomes negative, or a mode cannot fill that much.
    ///
    /// ```
    /// # use pullback::{PadMode, Tensor};
    /// let x = Tensor::arange(3)?.reshape([1, 3])?;
    /// assert_eq!(x.pad(&[1, 2], PadMode::Constant, None)?.to_vec::<i64>()?, [0, 0, 1, 2, 0, 0]);
    /// assert_eq!(x.pad(&[2, 1], PadMode::Reflect, None)?.to_vec::<i64>()?, [2, 1, 0, 1, 2, 1]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn pad(&self, pad: &[i64], mode: PadMode, value: Option<Number>) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            pad.len().is_multiple_of(2),
            Shape,
            "Padding length must be divisible by 2"
        );
        let rank = self.ndim();
        if pad.len() > 2 * rank {
            bail!(
                Shape,
                "Padding length should be less than or equal to two times the input dimension but got padding length {} and input of dimension {rank}",
                pad.len()
            );
        }
        let mut by = vec![(0, 0); rank];
        for (k, pair) in pad.chunks(2).enumerate() {
            by[rank - 1 - k] = (pair[0], pair[1]);
        }
        if mode == PadMode::Constant {
            let value = value.unwrap_or(Number::Int(0));
            // Filled as a new tensor is: an unsigned integer takes no negative number here.
            if self.dtype() == DType::U8 && value.beside(DType::U8) == std::cmp::Ordering::Less {
                return Err(error!(
                    Argument,
                    "value cannot be converted to type uint8_t without overflow"
                )
                .note(format!("the value is {value}")));
            }
            return apply(Pad { by, value }, &[self], site);
        }
        if value.is_some_and(|v| v.to_f64() != 0.0) {
            bail!(
                Shape,
                "Padding mode \"{}\" doesn't take in value argument",
                mode.name()
            );
        }
        let dims = pad.len() / 2;
        if !(1..=3).contains(&dims) || (rank != dims + 1 && rank != dims + 2) {
            bail!(
                Unsupported,
                "{}",
                if (1..=3).contains(&dims) {
                    format!(
                        "Padding size {} is not supported for {rank}D input tensor.",
                        pad.len()
                    )
                } else {
                    "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now"
                        .into()
                }
            );
        }
        let mut x = match (mode, dims) {
            (PadMode::Reflect, 1) => entered(self, "reflection_pad1d", site)?,
            (PadMode::Reflect, 2) => entered(self, "reflection_pad2d", site)?,
            (PadMode::Reflect, _) => entered(self, "reflection_pad3d", site)?,
            (PadMode::Replicate, 1) => entered(self, "replication_pad1d", site)?,
            (PadMode::Replicate, 2) => entered(self, "replication_pad2d", site)?,
            (PadMode::Replicate, _) => entered(self, "replication_pad3d", site)?,
            _ => self.clone(),
        };
        for (dim, &border) in by.iter().enumerate().skip(rank - dims) {
            x = x.slabs(dim, &self.bordered(dim, border, mode)?, site)?;
        }
        Ok(x)
    }

    /// Which index of `dim` stands at each place of the padded dimension.
    fn bordered(&self, dim: usize, (before, after): (i64, i64), mode: PadMode) -> Result<Vec<i64>> {
        let n = self.shape()[dim] as i64;
        let wide = i128::from(n) + i128::from(before) + i128::from(after);
        // Beyond these numbers a border is cut away whole, or has no room; sums of them stay numbers.
        const FAR: i64 = i64::MAX / 4;
        if n > FAR || before.max(after) > FAR {
            let shape = Shape::new(&[usize::try_from(wide.max(0)).unwrap_or(usize::MAX), 8]);
            shape.checked_numel()?;
        }
        let (before, after) = (before.clamp(-FAR, FAR), after.clamp(-FAR, FAR));
        match mode {
            PadMode::Reflect if before >= n || after >= n => {
                bail!(
                    Shape,
                    "Argument #{}: Padding size should be less than the corresponding input dimension, but got: padding ({before}, {after}) at dimension {dim} of input {}",
                    4 + 2 * (self.ndim() - 1 - dim),
                    self.shape()
                );
            }
            PadMode::Circular if before > n || after > n => {
                bail!(
                    Shape,
                    "Padding value causes wrapping around more than once."
                );
            }
            PadMode::Circular if wide < 0 => {
                bail!(
                    Shape,
                    "Negative padding value is resulting in an empty dimension"
                );
            }
            _ if wide < 1 && mode != PadMode::Circular => {
                bail!(
                    Shape,
                    "input (W: {n}) is too small. Calculated output W: {wide}"
                );
            }
            _ => (),
        }
        // What goes round is what is left after cuts.
        let (first, last) = ((-before).max(0), n - (-after).max(0));
        let round = (last - first).max(1);
        let source = |i: i64| match mode {
            PadMode::Reflect if i < 0 => -i,
            PadMode::Reflect if i >= n => 2 * (n - 1) - i,
            PadMode::Circular => first + (i - first).rem_euclid(round),
            _ => i.clamp(0, n - 1),
        };
        gathered((-before..n + after).map(source))
    }
}
