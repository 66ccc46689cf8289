//! What stands between the brackets of `x[…]`: [`Index`], and what converts to it.
//!
//! Not for: what an index does to a tensor (`indexing.rs`).

use crate::Result;
use crate::core::tensor::Tensor;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};

/// One item between the brackets of `x[…]`.
///
/// Integers, ranges, `bool`s and tensors convert to it, and tuples and slices of it are what [`Tensor::index`] takes:
///
/// ```
/// # use pullback::{Index, Tensor};
/// let x = Tensor::arange(12)?.reshape([3, 4])?;
/// assert_eq!(x.index((-1, 1..3))?.to_vec::<i64>()?, [9, 10]);                          // x[-1, 1:3]
/// assert_eq!(x.index((.., Index::step(0.., 3)))?.to_vec::<i64>()?, [0, 3, 4, 7, 8, 11]); // x[:, ::3]
/// assert_eq!(x.index((Index::Ellipsis, 0))?.to_vec::<i64>()?, [0, 4, 8]);              // x[..., 0]
/// assert_eq!(x.index((Index::NewAxis, 0))?.shape()[..], [1, 4]);                       // x[None, 0]
/// assert_eq!(x.index(x.gt(9)?)?.to_vec::<i64>()?, [10, 11]);                           // x[x > 9]
/// let rows = Tensor::from_slice(&[2i64, 0], [2])?;
/// assert_eq!(x.index((&rows, 1))?.to_vec::<i64>()?, [9, 1]);                           // x[[2, 0], 1]
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Index {
    /// One index of a dimension, which is dropped; negative ones count from the end.
    Int(i64),
    /// `start:stop:step`; bounds are clipped, negative ones count from the end.
    Slice {
        /// The first index; 0 where none is given.
        start: Option<i64>,
        /// The index behind the last; the size where none is given.
        stop: Option<i64>,
        /// The distance; 1 where none is given, and never negative, as in PyTorch.
        step: Option<i64>,
    },
    /// A new dimension of size 1: Python's `None`.
    NewAxis,
    /// As many whole dimensions as are left: Python's `...`.
    Ellipsis,
    /// A new dimension of size 1 (`true`) or 0.
    Bool(bool),
    /// A mask (bool or uint8) over as many dimensions as it has, or indices of one dimension; they broadcast with other
    /// index arrays.
    Tensor(Tensor),
}

impl Index {
    /// A range with a step: Python's `start:stop:step`.
    #[must_use]
    pub fn step(range: impl Into<Index>, step: i64) -> Index {
        match range.into() {
            Index::Slice { start, stop, .. } => Index::Slice {
                start,
                stop,
                step: Some(step),
            },
            other => other,
        }
    }
}

impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Index {
        Index::Slice {
            start: None,
            stop: None,
            step: None,
        }
    }
}

impl From<bool> for Index {
    fn from(b: bool) -> Index {
        Index::Bool(b)
    }
}

impl From<Tensor> for Index {
    fn from(t: Tensor) -> Index {
        Index::Tensor(t)
    }
}

impl From<&Tensor> for Index {
    fn from(t: &Tensor) -> Index {
        Index::Tensor(t.clone())
    }
}

impl From<&Index> for Index {
    fn from(i: &Index) -> Index {
        i.clone()
    }
}

macro_rules! integers {
    ($($t:ty)*) => {$(
        impl From<$t> for Index {
            fn from(i: $t) -> Index {
                Index::Int(i as i64)
            }
        }
        integers!(@range $t: Range, |r| (Some(r.start as i64), Some(r.end as i64)));
        integers!(@range $t: RangeFrom, |r| (Some(r.start as i64), None));
        integers!(@range $t: RangeTo, |r| (None, Some(r.end as i64)));
        // `a..=-1` runs to the end, as one behind the last would be 0.
        integers!(@range $t: RangeInclusive, |r| (Some(*r.start() as i64), Some(*r.end() as i64 + 1).filter(|&e| e != 0)));
    )*};
    (@range $t:ty: $range:ident, |$r:ident| $parts:expr) => {
        impl From<$range<$t>> for Index {
            fn from($r: $range<$t>) -> Index {
                let (start, stop) = $parts;
                Index::Slice { start, stop, step: None }
            }
        }
    };
}
integers!(i64 i32 usize);

/// What may stand between the brackets of `x[…]`: one item that converts to [`Index`], a tuple of up to six, an array of numbers, or a slice.
pub trait IntoIndices {
    /// The items.
    fn into_indices(self) -> Vec<Index>;
}

macro_rules! one {
    ($($t:ty)*) => {$(
        impl IntoIndices for $t {
            fn into_indices(self) -> Vec<Index> {
                vec![self.into()]
            }
        }
    )*};
}
one!(i64 i32 usize bool Tensor &Tensor RangeFull Index &Index);
one!(Range<i64> Range<i32> Range<usize> RangeFrom<i64> RangeFrom<i32> RangeFrom<usize>);
one!(RangeTo<i64> RangeTo<i32> RangeTo<usize> RangeInclusive<i64> RangeInclusive<i32> RangeInclusive<usize>);

impl IntoIndices for Vec<Index> {
    fn into_indices(self) -> Vec<Index> {
        self
    }
}

impl IntoIndices for &[Index] {
    fn into_indices(self) -> Vec<Index> {
        self.to_vec()
    }
}

impl<const N: usize> IntoIndices for [Index; N] {
    fn into_indices(self) -> Vec<Index> {
        self.into()
    }
}

/// One number for each dimension: `x.get([i, j])`. (A tensor of numbers picks along one dimension.)
macro_rules! places {
    ($($t:ty)*) => {$(
        impl<const N: usize> IntoIndices for [$t; N] {
            fn into_indices(self) -> Vec<Index> {
                self.into_iter().map(Index::from).collect()
            }
        }
    )*};
}
places!(i64 i32 usize);

impl<const N: usize> IntoIndices for &[Index; N] {
    fn into_indices(self) -> Vec<Index> {
        self.to_vec()
    }
}

impl IntoIndices for () {
    fn into_indices(self) -> Vec<Index> {
        Vec::new()
    }
}

macro_rules! tuples {
    ($(($($t:ident $k:tt)*))*) => {$(
        impl<$($t: Into<Index>),*> IntoIndices for ($($t,)*) {
            fn into_indices(self) -> Vec<Index> {
                vec![$(self.$k.into()),*]
            }
        }
    )*};
}
tuples! { (A 0) (A 0 B 1) (A 0 B 1 C 2) (A 0 B 1 C 2 D 3) (A 0 B 1 C 2 D 3 E 4) (A 0 B 1 C 2 D 3 E 4 F 5) }

/// All of a tensor by items that leave it as it is: a tensor of its own, as every view is, by a node that PyTorch calls after the items.
#[track_caller]
pub(super) fn whole(x: &Tensor, items: &[Index]) -> Result<Tensor> {
    let all = x.reshape(x.shape())?;
    let name = match items {
        [Index::Slice { .. }] => "SliceBackward0",
        _ => "AliasBackward0",
    };
    all.name_node(name, &[x]);
    Ok(all)
}
