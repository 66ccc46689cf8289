//! One number that stands for many: PyTorch's `hash_tensor`.

use crate::core::apply::apply;
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::bail;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::ops::reduce::sum::resolve;
use crate::{Array, DType, Result, Shape};
use pullback_array::{filled, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;
#[cfg(feature = "proof")]
use crate::ops::shape::rearrange::SIX;

reduction! {
    /// The bits of all elements over some dimensions, combined by exclusive or.
    Hash
}
define! { Hash: Cut "hash_tensor", "torch.hash_tensor";
    summary: "The bits of all elements over dimensions, as float64 or int64, combined by exclusive or.";
    formula: "x₁ ⊕ x₂ ⊕ …";
    derivative: "none: the result is bits";
    proof: { samples: || {
        let of = |dims: &[usize], keepdim, s: &[usize]| {
            Sample::new(Hash { dims: dims.to_vec(), keepdim }, &[(s, &SIX[..s.iter().product()])])
        };
        vec![of(&[1], false, &[2, 3]), of(&[0], true, &[3, 2]), of(&[0, 1], false, &[2, 3]), of(&[], false, &[]), of(&[1], false, &[0, 2])]
    } }
}

impl Op for Hash {
    common!(counts, over_dims);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let x = x[0];
        let kept: Vec<usize> = (0..x.rank()).filter(|d| !self.dims.contains(d)).collect();
        let rest: Vec<usize> = kept.iter().map(|&d| x.shape()[d]).collect();
        let shape: Shape = match self.keepdim {
            true => (0..x.rank())
                .map(|d| {
                    if self.dims.contains(&d) {
                        1
                    } else {
                        x.shape()[d]
                    }
                })
                .collect(),
            false => rest.iter().copied().collect(),
        };
        if unnumbered(&[x]) {
            return inferred(shape, DType::U64);
        }
        let order: Vec<usize> = kept.iter().chain(&self.dims).copied().collect();
        let rows = x.view(x.layout().permute(&order))?;
        let bits: Vec<u64> = match x.dtype().is_float() {
            true => (kernels::cast(&rows, DType::F64)?
                .numbers::<f64>()?
                .into_iter())
            .map(f64::to_bits)
            .collect(),
            false => (kernels::cast(&rows, DType::I64)?
                .numbers::<i64>()?
                .into_iter())
            .map(|n| n as u64)
            .collect(),
        };
        let count = rest.iter().product::<usize>();
        let mut out = filled(count, 0u64)?;
        let width = bits.len().checked_div(count).unwrap_or(0).max(1);
        for (row, out) in bits.chunks(width).zip(&mut out) {
            *out = row.iter().fold(0, |all, b| all ^ b);
        }
        Array::from_slice(&out, shape)
    }
}

#[pullback_macros::called]
impl Tensor {
    /// The bits of all elements over `dims` (all if empty), each as a float64 or an int64, combined by exclusive or: equal tensors have
    /// equal ones. The result is uint64. PyTorch's `hash_tensor`.
    ///
    /// # Errors
    /// Where a dimension is not there, or has no elements.
    #[track_caller]
    pub fn hash_tensor(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        if dims.is_empty() && self.numel() == 0 {
            bail!(
                Argument,
                "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
            );
        }
        let dims = resolve(self, dims)?;
        if let Some(&d) = dims.iter().find(|&&d| self.shape()[d] == 0) {
            bail!(
                Index,
                "hash_tensor: Expected reduction dim {d} to have non-zero size."
            );
        }
        apply(Hash { dims, keepdim }, &[self], site)
    }
}
