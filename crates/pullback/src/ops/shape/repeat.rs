//! More of the same: expand (without a copy), repeat, tile, repeat_interleave.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::ops::index::positions::int_index;
use crate::ops::index::rows::Rows;
use crate::ops::shape::view::present;
use crate::ops::{Expand, Sizes, common, define};
use crate::{Array, MemoryFormat, Result, Shape};
use pullback_array::room;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::{DType, core::samples::Sample};

/// Index `i`, `repeats[i]` times for each.
#[derive(Clone, Debug)]
pub struct RepeatIndex;
define! { RepeatIndex: Cut "repeat_interleave", "torch.repeat_interleave";
    summary: "The numbers 0, 1, 2, …, each as often as it is told.";
    formula: "0 r₀ times, 1 r₁ times, …";
    derivative: "none: the result is positions";
    proof: { samples: || {
        let of = |x: &[f64]| Sample::mixed(RepeatIndex, vec![(vec![x.len()], x.to_vec(), DType::I64)]);
        vec![of(&[2.0, 0.0, 1.0]), of(&[3.0]), of(&[]), of(&[0.0, 0.0])]
    } }
}

impl Op for RepeatIndex {
    common!(counts);
    fn batched(&self, _: &Batch<'_>) -> Batched {
        Err(crate::core::fail::error!(
            Argument,
            "repeat_interleave: vmapping over the `repeats` tensor requires the `output_size` argument to be specified, because the size of the output equals the sum of `repeats`, which is data-dependent and may differ between batch elements. Please pass output_size, e.g. output_size=int(repeats.sum(-1).max())."
        ))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let repeats = x[0].numbers::<i64>()?;
        if repeats.iter().any(|&n| n < 0) {
            bail!(Shape, "repeats can not be negative");
        }
        let total = repeats
            .iter()
            .fold(0usize, |n, &more| n.saturating_add(more as usize));
        let mut out = room(total)?;
        for (i, n) in repeats.into_iter().enumerate() {
            out.resize(out.len() + n as usize, i as i64);
        }
        Array::from_slice(&out, [out.len()])
    }
}

/// Numbers of repetitions: integers.
fn counts(repeats: &Tensor, site: Site) -> Result<Tensor> {
    let name = repeats.dtype().scalar_type_name();
    let message = format!("\"repeat_interleave_cpu\" not implemented for '{name}'");
    int_index(repeats, &message, site)
}

#[pullback_macros::called]
impl Tensor {
    /// Repeats size-1 and missing leading dimensions, without a copy; -1 keeps a size. PyTorch's `expand`.
    ///
    /// # Errors
    /// Where a size differs and is not 1.
    #[track_caller]
    pub fn expand(&self, shape: impl Into<Sizes>) -> Result<Tensor> {
        let (site, sizes) = (Location::caller(), shape.into());
        let given = &sizes.0;
        if given.len() < self.ndim() {
            bail!(
                Shape,
                "expand(torch.{}Tensor{{{}}}, size={sizes}): the number of sizes provided ({}) must be greater or equal to the number of dimensions in the tensor ({})",
                self.dtype().scalar_type_name(),
                self.shape(),
                given.len(),
                self.ndim()
            );
        }
        let lead = given.len() - self.ndim();
        let mut shape = Shape::scalar();
        for (k, &n) in given.iter().enumerate() {
            match n {
                -1 if k < lead => {
                    bail!(
                        Shape,
                        "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {k}"
                    );
                }
                -1 => shape.push(self.shape()[k - lead]),
                n if n < 0 => {
                    bail!(
                        Shape,
                        "The expanded size of the tensor ({n}) must match the existing size ({}) at non-singleton dimension {k}.  Target sizes: {sizes}.  Tensor sizes: {}",
                        if k < lead { 1 } else { self.shape()[k - lead] },
                        self.shape()
                    );
                }
                n => shape.push(n as usize),
            }
        }
        if *self.shape() == shape {
            return Ok(self.clone());
        }
        apply(Expand { shape }, &[self], site)
    }

    /// [`Tensor::expand`] to the shape of `other`. PyTorch's `expand_as`.
    ///
    /// # Errors
    /// As [`Tensor::expand`].
    #[track_caller]
    pub fn expand_as(&self, other: &Tensor) -> Result<Tensor> {
        self.expand(other.shape())
    }

    /// [`Tensor::expand`] under NumPy's name. PyTorch's `broadcast_to`.
    ///
    /// # Errors
    /// As [`Tensor::expand`].
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Sizes>) -> Result<Tensor> {
        self.expand(shape)
    }

    /// Copies laid side by side along each dimension; more numbers than dimensions add leading ones. PyTorch's `repeat`.
    ///
    /// # Errors
    /// Where there are fewer numbers than dimensions, or one is negative.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::arange(2)?;
    /// assert_eq!(x.repeat([2, 2])?.to_vec::<i64>()?, [0, 1, 0, 1, 0, 1, 0, 1]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn repeat(&self, repeats: impl Into<Sizes>) -> Result<Tensor> {
        let repeats = repeats.into().0;
        if repeats.len() < self.ndim() {
            bail!(
                Shape,
                "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
            );
        }
        let lead = repeats.len() - self.ndim();
        let sizes: Vec<i64> = std::iter::repeat_n(1, lead)
            .chain(self.shape().iter().map(|&n| n as i64))
            .collect();
        // As PyTorch: a product beyond 64 bits wraps, and is turned away as negative here or as too large when it is made.
        let target: Vec<i64> = (sizes.iter().zip(&repeats))
            .map(|(n, r)| n.wrapping_mul(*r))
            .collect();
        if let Some(n) = target.iter().find(|&&n| n < 0) {
            bail!(
                Shape,
                "Trying to create tensor with negative dimension {n}: {target:?}"
            );
        }
        // [r₀, n₀, r₁, n₁, …], where repeated dimensions are 1 at first.
        let woven = |r: &dyn Fn(usize) -> i64| -> Vec<i64> {
            (0..sizes.len()).flat_map(|k| [r(k), sizes[k]]).collect()
        };
        if target.contains(&0) {
            // Nothing is repeated, but the gradient's way stays: the empty part of the tensor.
            let empty: Vec<i64> = (0..sizes.len()).map(|k| sizes[k].min(target[k])).collect();
            let mut part = self.reshape(&sizes)?;
            for (k, &n) in empty.iter().enumerate() {
                part = part.narrow(k as i64, 0, n as usize)?;
            }
            return part.reshape(target);
        }
        self.reshape(woven(&|_| 1))?
            .expand(woven(&|k| repeats[k]))?
            .reshape(target)?
            .owned(self)
    }

    /// A copy where this still shares memory with `other`, which PyTorch's function would not.
    fn owned(self, other: &Tensor) -> Result<Tensor> {
        if self.array().storage().same(other.array().storage()) {
            self.copy_in(MemoryFormat::Contiguous)
        } else {
            Ok(self)
        }
    }

    /// [`Tensor::repeat`] with as many leading ones as are missing. PyTorch's `tile`.
    ///
    /// # Errors
    /// As [`Tensor::repeat`].
    #[track_caller]
    pub fn tile(&self, dims: impl Into<Sizes>) -> Result<Tensor> {
        let mut dims = dims.into();
        while dims.0.len() < self.ndim() {
            dims.0.insert(0, 1);
        }
        self.repeat(&dims.0[..])
    }

    /// Each element (or slab of `dim`) `repeats` times in a row; of the flattened tensor without `dim`. PyTorch's
    /// `repeat_interleave` with a number.
    ///
    /// # Errors
    /// Where `repeats` is negative or `dim` out of range.
    #[track_caller]
    pub fn repeat_interleave(&self, repeats: impl Into<Count>, dim: Option<i64>) -> Result<Tensor> {
        let repeats = repeats.into().0;
        if repeats < 0 {
            bail!(Shape, "Repeats must be non-negative");
        }
        let x = match dim {
            None => self.flatten()?,
            Some(_) => self.atleast_1d()?,
        };
        let dim = x.shape().dim(dim.unwrap_or(0))? as i64;
        let mut sizes: Vec<i64> = x.shape().iter().map(|&n| n as i64).collect();
        sizes.insert(dim as usize + 1, repeats);
        let mut target = sizes.clone();
        let n = target.remove(dim as usize + 1);
        // Too many to count is too many to allocate, and is said there.
        target[dim as usize] = target[dim as usize].saturating_mul(n);
        let spread = x.unsqueeze(dim + 1)?;
        match repeats {
            0 => spread.narrow(dim + 1, 0, 0)?,
            _ => spread.expand(sizes)?,
        }
        .reshape(target)?
        .owned(self)
    }

    /// Slab i of `dim` (or element i of the flattened tensor) `repeats[i]` times in a row. PyTorch's `repeat_interleave`
    /// with a tensor.
    ///
    /// # Errors
    /// Where a number is negative, or there are not as many as slabs.
    #[track_caller]
    pub fn repeat_interleave_each(&self, repeats: &Tensor, dim: Option<i64>) -> Result<Tensor> {
        let site = Location::caller();
        let x = match dim {
            None => self.flatten()?,
            Some(_) => self.atleast_1d()?,
        };
        let dim = x.shape().dim(dim.unwrap_or(0))?;
        if repeats.ndim() > 1 {
            bail!(Shape, "repeats must be 0-dim or 1-dim tensor");
        }
        let n = x.shape()[dim];
        let repeats = counts(repeats, site)?;
        let repeats = match (repeats.ndim(), repeats.numel()) {
            (0, _) | (_, 1) => repeats.reshape(())?.expand([n])?,
            (_, m) if m == n => repeats,
            (_, m) => {
                bail!(
                    Shape,
                    "repeats must have the same size as input along dim, but got repeats.size(0) = {m} and input.size({dim}) = {n}"
                );
            }
        };
        let positions = apply(RepeatIndex, &[&repeats], site)?;
        let rows = Rows {
            at: dim,
            count: 1,
            positions,
        };
        rows.take(&x, site)
    }

    /// The dimension's slabs in another order or number: one of PyTorch's `T[index]` along `dim`, resolved.
    pub(in crate::ops) fn slabs(&self, dim: usize, index: &[i64], site: Site) -> Result<Tensor> {
        let positions = Tensor::from_slice(index, [index.len()])?;
        let rows = Rows {
            at: dim,
            count: 1,
            positions,
        };
        rows.take(self, site)
    }
}

/// Numbers 0, 1, …, each as often as `repeats` says. PyTorch's `torch.repeat_interleave(repeats)`.
///
/// # Errors
/// Where a number is negative, or `repeats` is not a vector of integers.
#[pullback_macros::called]
#[track_caller]
pub fn repeat_interleave(repeats: &Tensor) -> Result<Tensor> {
    let site = Location::caller();
    ensure!(
        repeats.ndim() == 1,
        Shape,
        "repeat_interleave only accept 1D vector as repeat"
    );
    present(repeats.shape(), 0)?;
    let index = counts(repeats, site)?;
    apply(RepeatIndex, &[&index], site)?.to(repeats.dtype())
}
