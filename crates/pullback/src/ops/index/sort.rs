//! Orders along a dimension: sort, argsort, msort, topk, kthvalue.
//!
//! What is decided is a position, by an operation without gradient; the values are picked there, so gradients go to the
//! elements that were chosen. NaN is the largest number. Sorts keep the order of equals; which of equals `topk` and
//! `kthvalue` name is PyTorch's choice (`partial_order`).

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::ops::common::operand::inferred;
use crate::ops::{common, define, index::partial_order};
use crate::{Array, Element, Result};
use pullback_array::{dispatch, room};
use std::cmp::Ordering;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, signed, unary};

/// NaN is the largest, as in PyTorch's orders.
pub(in crate::ops) fn order<T: Element + PartialOrd>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| {
        let nan = |x: T| x.partial_cmp(&x).is_none();
        nan(a).cmp(&nan(b))
    })
}

/// One vector of numbers for each run along `dim`, in a dimension of size `out` again: `row(numbers)` appends `out` positions.
fn along<T: Element>(
    x: &Array,
    dim: usize,
    out: usize,
    mut row: impl FnMut(&[T], &mut Vec<i64>),
) -> Result<Array> {
    if x.is_meta() {
        let mut shape = x.shape().clone();
        if let Some(n) = shape.dims_mut().get_mut(dim) {
            *n = out;
        }
        return inferred(shape, crate::DType::I64);
    }
    if x.rank() == 0 {
        let mut places = Vec::new();
        row(&x.numbers::<T>()?, &mut places);
        return Array::from_slice(&places, x.shape());
    }
    let dim = dim as i64;
    let rows = x.transpose(dim, -1)?;
    let mut shape = rows.shape().clone();
    let last = shape.len() - 1;
    let n = std::mem::replace(&mut shape.dims_mut()[last], out);
    let data = rows.numbers::<T>()?;
    let mut places = room(shape.numel())?;
    if n == 0 {
        return in_rows(&Array::zeros(shape, crate::DType::I64)?.transpose(dim, -1)?);
    }
    data.chunks(n).for_each(|numbers| row(numbers, &mut places));
    in_rows(&Array::from_slice(&places, shape)?.transpose(dim, -1)?)
}

/// Row by row, along dimensions of size 1 too: what is new keeps no stride of how it was made.
fn in_rows(x: &Array) -> Result<Array> {
    match x.is_contiguous() {
        true => x.view(crate::Layout::row_major(x.shape().clone())),
        false => x.contiguous(),
    }
}

/// The positions that sort a dimension.
#[derive(Clone, Debug)]
pub struct Argsort {
    /// The dimension, resolved.
    pub dim: usize,
    /// Largest first.
    pub descending: bool,
}
define! { Argsort: Cut "argsort", "torch.argsort";
    summary: "Positions that sort a dimension, equals in their order; NaN is the largest.";
    formula: "the permutation that sorts x";
    derivative: "none: the result is positions";
    proof: { samples: || [
        unary(Argsort { dim: 0, descending: false }, signed()),
        vec![Sample::new(Argsort { dim: 1, descending: true }, &[(&[2, 3], &[0.5, 2.0, 2.0, -1.0, -3.0, -1.0])])],
    ].concat() }
}

impl Op for Argsort {
    common!(counts);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = self.clone();
        batch.along(self.dim, |dim| Box::new(Argsort { dim, ..op }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let descending = self.descending;
        let n = x[0].shape().get(self.dim).copied().unwrap_or(1);
        let places = dispatch!(x[0].dtype(), T => along(x[0], self.dim, n, |row: &[T], out| {
            let start = out.len();
            out.extend(0..row.len() as i64);
            out[start..].sort_by(|&i, &j| {
                let o = order(row[i as usize], row[j as usize]);
                if descending { o.reverse() } else { o }
            });
        }))?;
        match x[0].is_contiguous() {
            true => Ok(places),
            false => places.copy_like(&x[0].layout().without_gaps()),
        }
    }
}

/// The positions of the largest or smallest elements of a dimension.
#[derive(Clone, Debug)]
pub struct Topk {
    /// How many.
    pub k: usize,
    /// The dimension, resolved.
    pub dim: usize,
    /// The largest, or the smallest.
    pub largest: bool,
    /// Whether they come in order.
    pub sorted: bool,
}
define! { Topk: Cut "topk", "torch.topk";
    summary: "Positions of the k largest or smallest elements of a dimension; NaN is the largest.";
    formula: "the first k of the permutation that sorts x";
    derivative: "none: the result is positions";
    proof: { samples: || {
        let of = |k, dim, largest, s: &[usize], x: &[f64]| Sample::new(Topk { k, dim, largest, sorted: true }, &[(s, x)]);
        vec![
            of(2, 0, true, &[4], &[0.5, 2.0, -1.0, 1.0]),
            of(1, 1, false, &[2, 3], &[0.5, 2.0, -1.0, 3.0, -2.0, 1.5]),
            of(3, 1, true, &[2, 3], &[0.5, 2.0, 2.0, 3.0, -2.0, 3.0]),
            of(1, 0, true, &[], &[2.0]),
            of(0, 0, true, &[3], &[1.0, 2.0, 3.0]),
            of(1, 1, true, &[0, 2], &[]),
        ]
    } }
}

impl Op for Topk {
    common!(counts);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = self.clone();
        batch.along(self.dim, |dim| Box::new(Topk { dim, ..op }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (k, largest, sorted) = (self.k, self.largest, self.sorted);
        dispatch!(x[0].dtype(), T => along(x[0], self.dim, k, |row: &[T], out| {
            let mut queue: Vec<(T, i64)> = row.iter().copied().zip(0..).collect();
            let first = if largest { Ordering::Greater } else { Ordering::Less };
            let before = move |a: &(T, i64), b: &(T, i64)| order(a.0, b.0) == first;
            top(&mut queue, k, sorted, &before);
            out.extend(queue[..k].iter().map(|e| e.1));
        }))
    }
}

/// Brings the first `k` to the front, as PyTorch's `topk_impl_loop` does.
fn top<T: Copy>(queue: &mut [T], k: usize, sorted: bool, before: &dyn Fn(&T, &T) -> bool) {
    if k == 0 {
        return;
    }
    if k * 64 <= queue.len() {
        partial_order::partial_sort(queue, k, before);
        return;
    }
    partial_order::nth_element(queue, k - 1, before);
    if sorted {
        partial_order::sort(&mut queue[..k - 1], before);
    }
}

/// The position of the k-th smallest element of a dimension.
#[derive(Clone, Debug)]
pub struct Kth {
    /// Which, counted from 1.
    pub k: usize,
    /// The dimension, resolved.
    pub dim: usize,
}
define! { Kth: Cut "kthvalue", "torch.kthvalue";
    summary: "The position of the k-th smallest element of a dimension, which stays with size 1; NaN is the largest.";
    formula: "the k-th of the permutation that sorts x";
    derivative: "none: the result is a position";
    proof: { samples: || {
        let of = |k, dim, s: &[usize], x: &[f64]| Sample::new(Kth { k, dim }, &[(s, x)]);
        vec![
            of(2, 0, &[4], &[0.5, 2.0, -1.0, 1.0]),
            of(1, 1, &[2, 3], &[0.5, 2.0, -1.0, 3.0, -2.0, 1.5]),
            of(2, 1, &[2, 3], &[0.5, 2.0, 2.0, 3.0, -2.0, 3.0]),
            of(1, 0, &[], &[2.0]),
            of(1, 1, &[0, 2], &[]),
        ]
    } }
}

impl Op for Kth {
    common!(counts);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = self.clone();
        batch.along(self.dim, |dim| Box::new(Kth { dim, ..op }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let k = self.k;
        dispatch!(x[0].dtype(), T => along(x[0], self.dim, 1, |row: &[T], out| {
            let mut queue: Vec<(T, i64)> = row.iter().copied().zip(0..).collect();
            let after = |a: &(T, i64), b: &(T, i64)| order(a.0, b.0) == Ordering::Greater;
            partial_order::quick_select(&mut queue, k - 1, &after);
            out.push(queue[k - 1].1);
        }))
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Positions that sort `dim`; equals keep their order. PyTorch's `argsort`.
    ///
    /// # Errors
    /// Where `dim` is out of range.
    #[track_caller]
    pub fn argsort(&self, dim: i64, descending: bool) -> Result<Tensor> {
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        apply(Argsort { dim, descending }, &[self], site)
    }

    /// The elements of `dim` in order, and where they were; equals keep their order, NaN is the largest. PyTorch's
    /// `torch.sort`, always stable.
    ///
    /// # Errors
    /// Where `dim` is out of range.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[2.0f32, 3.0, 1.0], [3])?;
    /// let (values, indices) = x.sort(0, true)?;
    /// assert_eq!(values.to_vec::<f32>()?, [3.0, 2.0, 1.0]);
    /// assert_eq!(indices.to_vec::<i64>()?, [1, 0, 2]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn sort(&self, dim: i64, descending: bool) -> Result<(Tensor, Tensor)> {
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        let places = apply(Argsort { dim, descending }, &[self], site)?;
        Ok((self.gathered(dim, &places, site)?, places))
    }

    /// The elements along the first dimension in order. PyTorch's `msort`.
    #[track_caller]
    pub fn msort(&self) -> Result<Tensor> {
        Ok(self.sort(0, false)?.0)
    }

    /// The `k` largest (or smallest) elements of `dim`, and where they are. PyTorch's `torch.topk`.
    ///
    /// # Errors
    /// Where `k` is more than there are, or `dim` is out of range.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[2.0f32, 3.0, 1.0], [3])?;
    /// assert_eq!(x.topk(2, -1, true, true)?.0.to_vec::<f32>()?, [3.0, 2.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn topk(
        &self,
        k: impl Into<Count>,
        dim: i64,
        largest: bool,
        sorted: bool,
    ) -> Result<(Tensor, Tensor)> {
        let k = k.into().0;
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        let n = self.shape().get(dim).copied().unwrap_or(1);
        let Some(k) = usize::try_from(k).ok().filter(|&k| k <= n) else {
            bail!(Shape, "selected index k out of range");
        };
        let op = Topk {
            k,
            dim,
            largest,
            sorted,
        };
        let places = if self.ndim() == 0 {
            // Without dimensions there is one element, whatever k.
            apply(Topk { k: 1, ..op }, &[self], site)?
        } else {
            apply(op, &[self], site)?
        };
        Ok((self.gathered(dim, &places, site)?, places))
    }

    /// The `k`-th smallest element of `dim`, counted from 1, and where it is. PyTorch's `torch.kthvalue`.
    ///
    /// # Errors
    /// Where there is no such element, or `dim` is out of range.
    #[track_caller]
    pub fn kthvalue(
        &self,
        k: impl Into<Count>,
        dim: i64,
        keepdim: bool,
    ) -> Result<(Tensor, Tensor)> {
        let k = k.into().0;
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        let n = self.shape().get(dim).copied().unwrap_or(1);
        ensure!(
            n != 0,
            Index,
            "kthvalue(): Expected reduction dim {dim} to have non-zero size."
        );
        let Some(k) = usize::try_from(k).ok().filter(|k| (1..=n).contains(k)) else {
            bail!(
                Shape,
                "kthvalue(): selected number k out of range for dimension {dim}"
            );
        };
        let places = apply(Kth { k, dim }, &[self], site)?;
        let values = self.gathered(dim, &places, site)?;
        if keepdim || self.ndim() == 0 {
            return Ok((values, places));
        }
        let dim = dim as i64;
        Ok((values.select(dim, 0)?, places.select(dim, 0)?))
    }
}
