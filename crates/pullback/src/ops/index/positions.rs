//! From users' indices to positions: wrapped, checked against the dimensions, counted in row-major order.
//!
//! Operations of their own (without gradient), so that a recorder sees where positions come from.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched, dynamic};
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::{bail, error};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::{Array, DType, Layout, Result, Shape};
use pullback_array::{dispatch, filled, gathered, kernels, room};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

#[cfg(feature = "proof")]
fn integers(op: impl Op, inputs: &[(&[usize], &[f64])]) -> Sample {
    let of = |(s, x): &(&[usize], &[f64])| (s.to_vec(), x.to_vec(), DType::I64);
    Sample::mixed(op, inputs.iter().map(of).collect())
}

/// Positions that one index for each of some dimensions name together.
#[derive(Clone, Debug)]
pub struct Positions {
    /// Sizes of the dimensions, one for each input.
    pub sizes: Shape,
    /// The number of the first of them, for errors.
    pub first: usize,
    /// Numbers out of range are taken modulo the size, as `take_along_dim` takes them.
    pub modulo: bool,
}
define! { Positions: Cut "ravel_multi_index", "torch.Tensor.index_put_";
    summary: "Positions in row-major order that one index for each dimension name together; negative ones count from the end.";
    formula: "(i₀ mod n₀)·n₁·… + (i₁ mod n₁)·… + …";
    derivative: "none: positions are integers";
    proof: { samples: || {
        let at = |sizes: &[usize], x: &[(&[usize], &[f64])]| integers(Positions { sizes: Shape::new(sizes), first: 0, modulo: false }, x);
        vec![
            at(&[3], &[(&[4], &[0.0, -1.0, 2.0, -3.0])]),
            at(&[2, 3], &[(&[2], &[1.0, 0.0]), (&[2], &[-1.0, 1.0])]),
            at(&[2, 3], &[(&[2, 1], &[1.0, 0.0]), (&[3], &[-1.0, 1.0, 2.0])]),
            at(&[3], &[(&[], &[-2.0])]),
            at(&[3], &[(&[0], &[])]),
        ]
    } }
}

/// `i` as a place below `n`, counting from the end where it is negative.
fn wrap(i: i64, n: usize, dim: usize) -> Result<i64> {
    let n = n as i64;
    if (-n..n).contains(&i) {
        return Ok(if i < 0 { i + n } else { i });
    }
    Err(error!(
        Index,
        "{}",
        if n == 0 {
            "index is out of bounds for dimension with size 0".to_string()
        } else {
            format!("index {i} is out of bounds for dimension {dim} with size {n}")
        }
    ))
}

impl Op for Positions {
    common!(counts);
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let mut shape = Shape::scalar();
        for a in x {
            shape = shape.broadcast(a.shape()).map_err(|_| {
                let shapes: Vec<String> = x.iter().map(|a| a.shape().to_string()).collect();
                error!(Index, "shape mismatch: indexing tensors could not be broadcast together with shapes {}",
                        shapes.join(", "))
            })?;
        }
        if unnumbered(x) {
            return inferred(shape, DType::I64);
        }
        let mut sum = filled(shape.checked_numel()?, 0i64)?;
        for (k, (a, &n)) in x.iter().zip(self.sizes.iter()).enumerate() {
            for (sum, i) in sum.iter_mut().zip(a.expand(&shape)?.numbers::<i64>()?) {
                let i = match self.modulo && n > 0 {
                    true => i.rem_euclid(n as i64),
                    false => wrap(i, n, self.first + k)?,
                };
                *sum = sum.wrapping_mul(n as i64).wrapping_add(i);
            }
        }
        Array::from_slice(&sum, shape)
    }
}

/// Positions of what an index along one dimension names.
#[derive(Clone, Debug)]
pub struct Along {
    /// Shape of the indexed tensor.
    pub shape: Shape,
    /// The dimension, resolved.
    pub dim: usize,
}
define! { Along: Cut "along_dim", "torch.gather";
    summary: "Positions in row-major order of what an index along one dimension names, all other dimensions going with the index's own.";
    formula: "position of [i₀, …, index[i₀, i₁, …], …]";
    derivative: "none: positions are integers";
    proof: { samples: || {
        let at = |shape: &[usize], dim, s: &[usize], i: &[f64]| integers(Along { shape: Shape::new(shape), dim }, &[(s, i)]);
        vec![
            at(&[2, 3], 1, &[2, 2], &[2.0, 0.0, 1.0, 1.0]),
            at(&[2, 3], 0, &[1, 3], &[1.0, 0.0, 1.0]),
            at(&[2, 3], 0, &[3, 2], &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0]),
            at(&[], 0, &[], &[0.0]),
            at(&[2, 3], 1, &[2, 0], &[]),
        ]
    } }
}

impl Op for Along {
    common!(counts);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = Along {
            shape: batch.over(&self.shape),
            dim: self.dim + 1,
        };
        if self.shape.is_empty() {
            return batch.one(batch.get(0).zeros_like());
        }
        let all = apply(op, &[batch.get(0)], batch.site())?;
        batch.one(all.sub(&batch.starts(all.ndim(), self.shape.numel())?))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if unnumbered(x) {
            return inferred(x[0].shape(), DType::I64);
        }
        let mut strides = Layout::row_major(self.shape.clone()).strides();
        let (n, step) = match self.shape.get(self.dim) {
            Some(&n) => (n, std::mem::take(&mut strides[self.dim]) as i64),
            None => (1, 0),
        };
        // Along the index's last dimension places are a step apart, but for what the index adds.
        let front = x[0].rank().saturating_sub(1);
        let apart = strides.get(front).map_or(0, |&s| s as i64);
        let shape = Shape::new(&x[0].shape()[..front]);
        let rows = Layout::new(shape, &strides[..front], 0);
        if let Some(places) = kernels::positions_along(x[0], &rows, apart, step, n)? {
            return Ok(places);
        }
        let index = x[0].numbers::<i64>()?;
        let outside = |i: &&i64| !(0..n as i64).contains(*i);
        // PyTorch's type is a plain RuntimeError here.
        bail!(
            Shape,
            "index {} is out of bounds for dimension {} with size {n}",
            index.iter().find(outside).unwrap_or(&0),
            self.dim
        );
    }
}

/// The places of elements that are not zero, one row each.
#[derive(Clone, Debug)]
pub struct Nonzero;
define! { Nonzero: Cut "nonzero", "torch.nonzero";
    summary: "The places of elements that are not zero, one row of indices each, in row-major order.";
    formula: "all (i₀, i₁, …) with x[i₀, i₁, …] ≠ 0";
    derivative: "none: the result is positions";
    proof: { samples: || {
        let at = |s: &[usize], x: &[f64]| Sample::new(Nonzero, &[(s, x)]);
        vec![
            at(&[4], &[0.0, 1.5, 0.0, -2.0]),
            at(&[2, 3], &[1.0, 0.0, 3.0, 0.0, 0.0, -1.0]),
            at(&[], &[2.0]),
            at(&[], &[0.0]),
            at(&[0, 2], &[]),
        ]
    } }
}

impl Op for Nonzero {
    common!(counts);
    fn batched(&self, _: &Batch<'_>) -> Batched {
        Err(dynamic("aten::nonzero"))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let holds: Vec<bool> = dispatch!(x[0].dtype(), T => {
            let zero = T::default();
            gathered(x[0].numbers::<T>()?.into_iter().map(|a| a != zero))?
        });
        let strides = Layout::row_major(x[0].shape().clone()).strides();
        let count = holds.iter().filter(|h| **h).count();
        let mut out = room(count.saturating_mul(x[0].rank()))?;
        let mut found = 0;
        for (i, _) in holds.iter().enumerate().filter(|(_, h)| **h) {
            found += 1;
            let mut left = i;
            for &s in strides.iter() {
                out.push((left / s as usize) as i64);
                left %= s as usize;
            }
        }
        Array::from_slice(&out, [found, x[0].rank()])
    }
}

/// An index as 64-bit integers.
pub(in crate::ops) fn longs(index: &Tensor, site: Site) -> Result<Tensor> {
    crate::ops::common::operand::converted(index, DType::I64, site)
        .map(std::borrow::Cow::into_owned)
}

/// The index of a function that takes int32 and int64 only.
pub(in crate::ops) fn int_index(index: &Tensor, message: &str, site: Site) -> Result<Tensor> {
    match index.dtype() {
        DType::I64 | DType::I32 => longs(index, site),
        _ => {
            if message.contains("not implemented for") {
                bail!(Unsupported, "{message}");
            }
            bail!(DType, "{message}")
        }
    }
}

/// Positions of the elements where `mask` holds.
pub(in crate::ops) fn where_true(mask: &Tensor, site: Site) -> Result<Tensor> {
    let flat = mask.reshape([mask.numel()])?;
    apply(Nonzero, &[&flat], site)?.reshape([-1])
}

#[pullback_macros::called]
impl Tensor {
    /// The places of elements that are not zero, a row of indices each. PyTorch's `torch.nonzero`.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[0.0f32, 2.0, 0.0, 3.0], [2, 2])?;
    /// assert_eq!(x.nonzero()?.to_vec::<i64>()?, [0, 1, 1, 1]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn nonzero(&self) -> Result<Tensor> {
        apply(Nonzero, &[self], Location::caller())
    }

    /// The places of elements that are not zero, one tensor of indices for each dimension: what `index` takes.
    /// PyTorch's `torch.nonzero(x, as_tuple=True)` and `torch.where(x)`.
    #[track_caller]
    pub fn nonzero_tuple(&self) -> Result<Vec<Tensor>> {
        let site = Location::caller();
        if self.ndim() == 0 {
            return self.unsqueeze(0)?.nonzero_tuple();
        }
        let places = apply(Nonzero, &[self], site)?;
        (0..self.ndim() as i64)
            .map(|k| places.select_at(1, k, site))
            .collect()
    }

    /// [`Tensor::nonzero`] under NumPy's name. PyTorch's `torch.argwhere`.
    #[track_caller]
    pub fn argwhere(&self) -> Result<Tensor> {
        apply(Nonzero, &[self], Location::caller())
    }
}
