//! Distinct elements and slabs: unique, unique_consecutive. Data decides the shapes; there is no gradient, as in PyTorch.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::op::{Narrow, Op};
use crate::core::tensor::Tensor;
use crate::ops::index::sort::order;
use crate::{Array, Result, Shape};
use pullback_array::{dispatch, filled, gathered, kernels};
use std::cmp::Ordering;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Which of its three results an evaluation of [`Unique`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distinct {
    /// What is distinct.
    Values,
    /// Where each element's equal is among the values.
    Inverse,
    /// How many elements equal each value.
    Counts,
}

/// What is distinct in a tensor.
#[derive(Clone, Debug)]
pub struct Unique {
    /// Slabs of this dimension instead of elements.
    pub dim: Option<usize>,
    /// Only neighbours are compared, and values stay in their order; else they are sorted.
    pub consecutive: bool,
    /// The result.
    pub result: Distinct,
}
define! { Unique: Cut "unique", "torch.unique";
    summary: "The distinct elements (or slabs of a dimension), sorted; or where each element's equal is among them; or how often each occurs.";
    formula: "{x₀, x₁, …}";
    derivative: "none, as in PyTorch";
    proof: { samples: || {
        let of = |result, dim, consecutive, s: &[usize], x: &[f64]| Sample::new(Unique { dim, consecutive, result }, &[(s, x)]);
        use Distinct::{Counts, Inverse, Values};
        vec![
            of(Values, None, false, &[5], &[2.0, 1.0, 2.0, 3.0, 1.0]),
            of(Inverse, None, false, &[2, 2], &[2.0, 1.0, 2.0, 3.0]),
            of(Counts, None, true, &[5], &[2.0, 2.0, 1.0, 1.0, 2.0]),
            of(Values, Some(1), false, &[2, 3], &[2.0, 1.0, 2.0, 3.0, 1.0, 3.0]),
            of(Values, None, false, &[], &[2.0]),
            of(Inverse, None, false, &[0], &[]),
        ]
    } }
}

impl Unique {
    /// Slabs as rows, and how they compare.
    fn groups(&self, x: &Array) -> Result<Groups> {
        let rows = match self.dim {
            Some(dim) if x.rank() > 0 => x.transpose(0, dim as i64)?.contiguous()?,
            _ => x.reshape(&Shape::new(&[x.numel()]))?.contiguous()?,
        };
        let n = rows.shape()[0];
        let width = rows.shape()[1..].iter().product::<usize>();
        let mut by: Vec<usize> = gathered(0..n)?;
        let mut starts = Vec::new();
        dispatch!(rows.dtype(), T => {
            let data = rows.numbers::<T>()?;
            let row = |i: usize| &data[i * width..(i + 1) * width];
            let compare = |i: usize, j: usize| {
                let pairs = row(i).iter().zip(row(j));
                pairs.map(|(&a, &b)| order(a, b)).find(|&o| o != Ordering::Equal).unwrap_or(Ordering::Equal)
            };
            if !self.consecutive {
                by.sort_by(|&i, &j| compare(i, j));
            }
            // NaN equals nothing, itself included, though it has its place in the order.
            let equal = |i: usize, j: usize| row(i).iter().zip(row(j)).all(|(a, b)| a == b);
            starts.extend((0..n).filter(|&k| k == 0 || !equal(by[k - 1], by[k])));
        });
        Ok(Groups { by, starts })
    }
}

/// Rows in order, and where in that order each distinct one begins.
struct Groups {
    by: Vec<usize>,
    starts: Vec<usize>,
}

impl Groups {
    fn ends(&self) -> impl Iterator<Item = usize> + '_ {
        self.starts.iter().skip(1).copied().chain([self.by.len()])
    }
}

impl Op for Unique {
    common!();
    fn batched(&self, _: &Batch<'_>) -> Batched {
        Err(crate::core::batch::dynamic("aten::_unique2"))
    }
    fn narrow(&self) -> Narrow {
        match self.result {
            Distinct::Values => Narrow::Widened,
            Distinct::Inverse | Distinct::Counts => Narrow::Counts,
        }
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let groups = self.groups(x[0])?;
        match self.result {
            Distinct::Values => {
                let first: Vec<i64> = (groups.starts.iter())
                    .map(|&k| groups.by[k] as i64)
                    .collect();
                let index = Array::from_slice(&first, [first.len()])?;
                match self.dim {
                    Some(dim) if x[0].rank() > 0 => kernels::index(x[0], dim, 1, &index),
                    _ => kernels::index(x[0], 0, x[0].rank(), &index),
                }
            }
            Distinct::Inverse => {
                let mut out = filled(groups.by.len(), 0i64)?;
                for (group, (&start, end)) in groups.starts.iter().zip(groups.ends()).enumerate() {
                    for &row in &groups.by[start..end] {
                        out[row] = group as i64;
                    }
                }
                match self.dim {
                    Some(_) => Array::from_slice(&out, [out.len()]),
                    None => Array::from_slice(&out, x[0].shape()),
                }
            }
            Distinct::Counts => {
                let counts: Vec<i64> = (groups.starts.iter().zip(groups.ends()))
                    .map(|(&start, end)| (end - start) as i64)
                    .collect();
                Array::from_slice(&counts, [counts.len()])
            }
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    fn distinct(&self, consecutive: bool, dim: Option<i64>, site: Site) -> Result<[Tensor; 3]> {
        let dim = (dim.map(|d| self.shape().dim(d)).transpose())?;
        let of = |result| {
            let op = Unique {
                dim,
                consecutive,
                result,
            };
            apply(op, &[self], site)
        };
        Ok([
            of(Distinct::Values)?,
            of(Distinct::Inverse)?,
            of(Distinct::Counts)?,
        ])
    }

    /// Distinct elements in ascending order (or distinct slabs of `dim`), where each element's equal is among them, and how
    /// often each occurs. PyTorch's `torch.unique`.
    ///
    /// # Errors
    /// Where `dim` is out of range.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let [values, inverse, counts] = Tensor::from_slice(&[5i64, 2, 5], [3])?.unique(None)?;
    /// assert_eq!(values.to_vec::<i64>()?, [2, 5]);
    /// assert_eq!(inverse.to_vec::<i64>()?, [1, 0, 1]);
    /// assert_eq!(counts.to_vec::<i64>()?, [1, 2]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn unique(&self, dim: Option<i64>) -> Result<[Tensor; 3]> {
        self.distinct(false, dim, Location::caller())
    }

    /// As [`Tensor::unique`], but only neighbours are compared and nothing is sorted. PyTorch's
    /// `torch.unique_consecutive`.
    ///
    /// # Errors
    /// Where `dim` is out of range.
    #[track_caller]
    pub fn unique_consecutive(&self, dim: Option<i64>) -> Result<[Tensor; 3]> {
        self.distinct(true, dim, Location::caller())
    }
}
