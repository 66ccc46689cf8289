//! Looking up and counting: searchsorted, bucketize, bincount. No gradients but those of bincount's weights, which PyTorch
//! has none of either.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::ops::common::operand::{Operand, converted};
use crate::ops::common::operand::{inferred, unnumbered};
use crate::ops::{common, define, result_type};
use crate::{Array, Category, DType, Error, Result};
use pullback_array::{dispatch, kernels};
use std::cmp::Ordering;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Where numbers belong in sorted sequences.
#[derive(Clone, Debug)]
pub struct Searchsorted {
    /// Behind equals instead of before them.
    pub right: bool,
}
define! { Searchsorted: Cut "searchsorted", "torch.searchsorted";
    summary: "Where numbers belong in a sorted sequence, before equals or (`right`) behind them; sequences and numbers go row by row, or one sequence serves all.";
    formula: "number of elements < v (≤ v with `right`)";
    derivative: "none: the result is positions";
    proof: { samples: || {
        let of = |right, a: (&[usize], &[f64]), b: (&[usize], &[f64])| Sample::new(Searchsorted { right }, &[a, b]);
        vec![
            of(false, (&[3], &[1.0, 2.0, 4.0]), (&[4], &[0.5, 2.0, 3.0, 9.0])),
            of(true, (&[3], &[1.0, 2.0, 4.0]), (&[2, 2], &[0.5, 2.0, 3.0, 9.0])),
            of(true, (&[2, 2], &[1.0, 2.0, 4.0, 5.0]), (&[2, 1], &[2.0, 4.5])),
            of(false, (&[3], &[1.0, 2.0, 4.0]), (&[], &[3.0])),
            of(false, (&[0], &[]), (&[2], &[3.0, 1.0])),
        ]
    } }
}

impl Op for Searchsorted {
    common!(counts);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        match (batch.rank(0), batch.is_batched(0)) {
            (1, false) => batch.apply(self, &[batch.get(0), batch.get(1)]),
            (1, true) => {
                let values = batch.flat(1)?;
                let found =
                    crate::core::apply::apply_dyn(self, &[batch.get(0), &values], batch.site())?;
                batch.one(found.reshape(batch.over(&batch.shape(1))))
            }
            _ => batch.stacked(self),
        }
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let right = self.right;
        if unnumbered(x) {
            return inferred(x[1].shape(), DType::I64);
        }
        dispatch!(x[0].dtype(), T => {
            let (sorted, values) = (x[0].numbers::<T>()?, x[1].numbers::<T>()?);
            let n = x[0].shape().last().copied().unwrap_or(0);
            let per_row = match x[0].rank() {
                1 => values.len(),
                _ => x[1].shape().last().copied().unwrap_or(1),
            };
            let places: Vec<i64> = values.iter().enumerate().map(|(i, &v)| {
                let row = if x[0].rank() == 1 { 0 } else { i / per_row.max(1) };
                let row = &sorted[row * n..(row + 1) * n];
                // PyTorch's bisection, comparison by comparison: NaN compares false.
                let (mut start, mut end) = (0, row.len());
                while start < end {
                    let mid = start + (end - start) / 2;
                    let holds = match row[mid].partial_cmp(&v) {
                        Some(Ordering::Greater) => true,
                        Some(Ordering::Equal) => !right,
                        _ => false,
                    };
                    if holds { end = mid } else { start = mid + 1 }
                }
                start as i64
            }).collect();
            Array::from_slice(&places, x[1].shape())
        })
    }
}

/// How often each number occurs.
#[derive(Clone, Debug)]
pub struct Bincount {
    /// At least so many numbers are counted.
    pub minlength: usize,
}
define! { Bincount: Cut "bincount", "torch.bincount";
    summary: "How often each number from 0 on occurs, or the sum of weights where it does.";
    formula: "yₖ = Σ wᵢ over xᵢ = k";
    derivative: "none, as in PyTorch";
    proof: { samples: || {
        let of = |minlength, x: &[f64], w: Option<&[f64]>| {
            let mut inputs = vec![(vec![x.len()], x.to_vec(), DType::I64)];
            inputs.extend(w.map(|w| (vec![w.len()], w.to_vec(), DType::F64)));
            Sample::mixed(Bincount { minlength }, inputs)
        };
        vec![
            of(0, &[1.0, 3.0, 1.0], None),
            of(6, &[1.0, 3.0, 1.0], Some(&[0.5, 1.5, 2.0])),
            of(2, &[], None),
            of(0, &[0.0], Some(&[0.5])),
        ]
    } }
}

impl Op for Bincount {
    common!(counts);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let index = kernels::cast(x[0], DType::I64)?;
        let numbers = index.numbers::<i64>()?;
        let n = numbers
            .iter()
            .max()
            .map_or(0, |m| m.saturating_add(1))
            .max(self.minlength as i64);
        let weights = match x.get(1) {
            Some(w) => (*w).clone(),
            None => Array::full(index.shape(), 1i64, DType::I64)?,
        };
        kernels::index_add_up(&weights, &[n as usize].into(), 0, 1, &index)
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Where the numbers of `values` belong in this sorted sequence: before equals, or behind them with `right`. One
    /// sequence serves all numbers; several (rows of the last dimension) serve a row of numbers each. PyTorch's
    /// `torch.searchsorted`.
    ///
    /// # Errors
    /// Where the rows do not match.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let sorted = Tensor::from_slice(&[1.0f32, 2.0, 2.0, 5.0], [4])?;
    /// assert_eq!(sorted.searchsorted(2.0, true)?.to_vec::<i64>()?, [3]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn searchsorted<'a>(&self, values: impl Into<Operand<'a>>, right: bool) -> Result<Tensor> {
        let site = Location::caller();
        let owned;
        let values = match values.into() {
            Operand::Tensor(t) => t,
            Operand::Number(n) => {
                let dtype = crate::ops::result_type_number(self.dtype(), n);
                if n.category() <= Category::Integer && n.beside(dtype) != std::cmp::Ordering::Equal
                {
                    n.fit(DType::I64)?;
                    return self.to(DType::I64)?.searchsorted(n, right);
                }
                owned = Tensor::from_array(Array::number(n, dtype)?);
                &owned
            }
        };
        ensure!(self.ndim() != 0, Shape, "{}", "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor dim(0) and input value's dim(".to_string()
                + &format!("{}) numel({})", values.ndim(), values.numel()));
        if values.ndim() == 0 && self.ndim() != 1 {
            bail!(
                Shape,
                "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor dim({}) and input value's dim({}) numel({})",
                self.ndim(),
                values.ndim(),
                values.numel()
            );
        }
        let lead = self.ndim() - 1;
        if self.ndim() != 1
            && (values.ndim() != self.ndim() || values.shape()[..lead] != self.shape()[..lead])
        {
            bail!(
                Shape,
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, but we got boundaries tensor {} and input value tensor {}",
                self.shape(),
                values.shape()
            );
        }
        let dtype = result_type(self, values);
        let (a, b) = (
            converted(self, dtype, site)?,
            converted(values, dtype, site)?,
        );
        apply(Searchsorted { right }, &[&a, &b], site)
    }

    /// Between which of the sorted `boundaries` each element lies. PyTorch's `torch.bucketize`.
    ///
    /// # Errors
    /// Where the boundaries are no vector.
    #[track_caller]
    pub fn bucketize(&self, boundaries: &Tensor, right: bool) -> Result<Tensor> {
        ensure!(
            boundaries.ndim() == 1,
            Shape,
            "boundaries tensor must be 1 dimension, but got dim({})",
            boundaries.ndim()
        );
        boundaries.searchsorted(self, right)
    }

    /// How often each number from 0 on occurs (or the sum of its weights), at least `minlength` of them. PyTorch's
    /// `torch.bincount`.
    ///
    /// # Errors
    /// Where this is no vector of integers that are not negative, or there are not as many weights.
    #[track_caller]
    pub fn bincount(
        &self,
        weights: Option<&Tensor>,
        minlength: impl Into<Count>,
    ) -> Result<Tensor> {
        let minlength = minlength.into().0;
        let site = Location::caller();
        if self.dtype().is_float() || self.dtype() == DType::Bool {
            bail!(
                Unsupported,
                "\"bincount_cpu\" not implemented for '{}'",
                self.dtype().scalar_type_name()
            );
        }
        let Ok(minlength) = usize::try_from(minlength) else {
            bail!(Shape, "minlength should be >= 0");
        };
        let negative = || {
            Ok::<bool, Error>(
                crate::ops::common::operand::once(&self.array())?
                    .numbers_f64()?
                    .iter()
                    .any(|&x| x < 0.0),
            )
        };
        if self.ndim() != 1 || negative()? {
            bail!(
                Shape,
                "bincount only supports 1-d non-negative integral inputs."
            );
        }
        let Some(weights) = weights else {
            return apply(Bincount { minlength }, &[self], site);
        };
        if weights.ndim() != 1 || weights.numel() != self.numel() {
            bail!(
                Shape,
                "weights should be 1-d and have the same length as input"
            );
        }
        let weights = match weights.dtype() {
            DType::F32 | DType::Dd => weights.clone(),
            _ => weights.to(DType::F64)?,
        };
        apply(Bincount { minlength }, &[self, &weights], site)
    }
}
