//! Positions of extremes and medians, and the elements there: `argmax`, `max` along a dimension, `cummax`, `median`.
//!
//! An operation here returns positions and passes no gradient; values are gathered at them, so that a value's gradient
//! goes where it came from, to one of several equals.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure, error};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::reduce::extreme::not_empty;
use crate::ops::reduce::sum::resolve;
use crate::{Array, DType, Result};
use pullback_array::kernels;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

#[cfg(feature = "proof")]
fn samples<O: Op>(op: impl Fn(Vec<usize>, bool) -> O) -> Vec<Sample> {
    let of = |dims: &[usize], keepdim, shape: &[usize], x: &[f64]| {
        Sample::new(op(dims.to_vec(), keepdim), &[(shape, x)])
    };
    vec![
        of(&[1], false, &[2, 3], &[0.5, 2.0, 2.0, -1.0, -3.0, -1.0]),
        of(&[0], true, &[2, 3], &[0.5, 2.0, 2.0, -1.0, -3.0, 7.0]),
        of(&[0], false, &[4], &[0.5, 9.0, 2.0, -1.0]),
        of(&[0, 1], true, &[2, 2], &[0.5, 9.0, 2.0, -1.0]),
        of(&[], false, &[], &[1.5]),
        of(&[1], false, &[0, 3], &[]),
    ]
}

macro_rules! positions {
    ($($(#[$doc:meta])* $op:ident $name:literal $torch:literal, $short:literal, $summary:literal, $formula:literal, |$x:ident, $dims:ident, $keepdim:ident| $eval:expr;)*) => {$(
        reduction! { $(#[$doc])* $op }
        define! { $op: Cut $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: "none: the result is a position";
            proof: { samples: || samples(|dims, keepdim| $op { dims, keepdim }) }
        }

        impl Op for $op {
            common!(pieces, over_dims);
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                let ($x, $dims, $keepdim) = (x[0], &self.dims, self.keepdim);
                not_empty($short, $x, $dims)?;
                $eval
            }
        }
    )*};
}

positions! {
    /// The position of the largest element along dimensions.
    Argmax "argmax" "torch.argmax", "argmax", "Position of the largest element along a dimension; the first of equals, NaN wins.", "arg max over dim of x",
        |x, dims, keepdim| kernels::arg_extreme(x, dims, keepdim, true);
    /// The position of the smallest element along dimensions.
    Argmin "argmin" "torch.argmin", "argmin", "Position of the smallest element along a dimension; the first of equals, NaN wins.", "arg min over dim of x",
        |x, dims, keepdim| kernels::arg_extreme(x, dims, keepdim, false);
    /// The position of the median along dimensions.
    ArgMedian "argmedian" "torch.median", "median", "Position of the (lower) median along a dimension, as `median` names it among equals; NaN wins.", "arg median over dim of x",
        |x, dims, keepdim| kernels::arg_median(x, dims, keepdim, false);
    /// The position of the median along dimensions, NaNs left out.
    ArgNanMedian "argnanmedian" "torch.nanmedian", "nanmedian", "Position of the (lower) median along a dimension among elements that are no NaN.", "arg median over dim of x without NaN",
        |x, dims, keepdim| kernels::arg_median(x, dims, keepdim, true);
}

/// Positions of the running extremes.
#[derive(Clone, Debug)]
pub struct CumExtreme {
    /// The dimension, resolved.
    pub dim: usize,
    /// Largest, not smallest.
    pub largest: bool,
}
define! { CumExtreme: Cut "cummax_indices", "torch.cummax";
    summary: "For every position, where the largest (or smallest) element up to it lies; the last of equals, NaN wins.";
    formula: "arg max over j ≤ i of xⱼ";
    derivative: "none: the result is positions";
    proof: { samples: || [true, false].into_iter().flat_map(|largest| [
        Sample::new(CumExtreme { dim: 1, largest }, &[(&[2, 3], &[0.5, 2.0, 2.0, -1.0, -3.0, -1.0])]),
        Sample::new(CumExtreme { dim: 0, largest }, &[(&[2, 3], &[0.5, 2.0, 2.0, -1.0, -3.0, 7.0])]),
        Sample::new(CumExtreme { dim: 0, largest }, &[(&[], &[0.5])]),
        Sample::new(CumExtreme { dim: 1, largest }, &[(&[3, 0], &[])]),
    ]).collect() }
}

impl Op for CumExtreme {
    common!(pieces);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = self.clone();
        batch.along(self.dim, |dim| Box::new(CumExtreme { dim, ..op }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::cumulate_extreme(x[0], self.dim, self.largest)
    }
}

/// The elements along one dimension that a position operation names, and their positions.
fn named<O: Op>(
    x: &Tensor,
    dim: i64,
    keepdim: bool,
    name: &'static str,
    site: Site,
    op: impl Fn(Vec<usize>) -> O,
) -> Result<(Tensor, Tensor)> {
    let dim = x.shape().dim(dim)?;
    let dims = if x.ndim() == 0 { vec![] } else { vec![dim] };
    // PyTorch's `nanmedian` shares its sentence with `median`.
    not_empty(name.trim_start_matches("nan"), &x.array(), &dims)?;
    let index = apply(op(dims.clone()), &[x], site)?;
    let values = x.gather(dim as i64, &index)?;
    if keepdim {
        return Ok((values, index));
    }
    let shape = kernels::reduced_shape(x.shape(), &dims, false);
    Ok((values.reshape(shape.clone())?, index.reshape(shape)?))
}

fn median_dtype(x: &Tensor) -> Result<()> {
    match x.dtype() {
        DType::Bool => Err(error!(
            Unsupported,
            "\"median_out\" not implemented for 'Bool'"
        )),
        _ => Ok(()),
    }
}

macro_rules! named {
    ($($(#[$doc:meta])* $method:ident $name:literal $op:ident;)*) => {$(
        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            /// Returns values and positions; the dimension stays with size 1 if `keepdim`.
            ///
            /// # Errors
            /// For a dimension that is empty or out of range.
            #[track_caller]
            pub fn $method(&self, dim: i64, keepdim: bool) -> Result<(Tensor, Tensor)> {
                let site = Location::caller();
                if $name.ends_with("median") {
                    median_dtype(self)?;
                }
                named(self, dim, keepdim, $name, site, |dims| $op { dims, keepdim: true })
            }
        }
    )*};
}

named! {
    /// The largest elements along a dimension, the first of equals, and where they are. PyTorch's `max(dim)`.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 5.0, 2.0, 7.0, 0.0, 7.0], [2, 3])?;
    /// let (values, indices) = x.max_dim(1, false)?;
    /// assert_eq!(values.to_vec::<f32>()?, [5.0, 7.0]);
    /// assert_eq!(indices.to_vec::<i64>()?, [1, 0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    max_dim "max" Argmax;
    /// The smallest elements along a dimension, the first of equals, and where they are. PyTorch's `min(dim)`.
    min_dim "min" Argmin;
    /// The medians along a dimension (the lower of an even count), and where they are. PyTorch's `median(dim)`.
    median_dim "median" ArgMedian;
    /// The medians along a dimension without NaNs, and where they are. PyTorch's `nanmedian(dim)`.
    nanmedian_dim "nanmedian" ArgNanMedian;
}

fn arg<O: Op>(
    x: &Tensor,
    dim: Option<i64>,
    name: &'static str,
    site: Site,
    op: impl Fn(Vec<usize>) -> O,
) -> Result<Tensor> {
    ensure!(
        x.dtype() != DType::Bool,
        Unsupported,
        "{name}(): does not support bool input"
    );
    if dim.is_none() && x.numel() == 0 {
        bail!(
            Index,
            "{name}(): Expected reduction dim to be specified for input.numel() == 0."
        );
    }
    let dims = resolve(x, dim.as_slice())?;
    apply(op(dims), &[x], site)
}

#[pullback_macros::called]
impl Tensor {
    /// Position of the largest element along `dim`, or among all (row by row) for `None`; the first of equals.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 5.0, 7.0, 0.0], [2, 2])?;
    /// assert_eq!(x.argmax(1, false)?.to_vec::<i64>()?, [1, 0]);
    /// assert_eq!(x.argmax(None, false)?.to_vec::<i64>()?, [2]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn argmax(&self, dim: impl Into<Option<i64>>, keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        arg(self, dim.into(), "argmax", site, |dims| Argmax {
            dims,
            keepdim,
        })
    }

    /// Position of the smallest element along `dim`, or among all (row by row) for `None`; the first of equals.
    #[track_caller]
    pub fn argmin(&self, dim: impl Into<Option<i64>>, keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        arg(self, dim.into(), "argmin", site, |dims| Argmin {
            dims,
            keepdim,
        })
    }

    /// The largest element up to each position along `dim`, and where it is (the last of equals).
    #[track_caller]
    pub fn cummax(&self, dim: i64) -> Result<(Tensor, Tensor)> {
        self.cumulated_extreme(dim, true, Location::caller())
    }

    /// The smallest element up to each position along `dim`, and where it is (the last of equals).
    #[track_caller]
    pub fn cummin(&self, dim: i64) -> Result<(Tensor, Tensor)> {
        self.cumulated_extreme(dim, false, Location::caller())
    }

    fn cumulated_extreme(&self, dim: i64, largest: bool, site: Site) -> Result<(Tensor, Tensor)> {
        let dim = self.shape().dim(dim)?;
        let index = apply(CumExtreme { dim, largest }, &[self], site)?;
        Ok((self.gather(dim as i64, &index)?, index))
    }

    /// The smallest and the largest element along `dim`, or of all for `None`. PyTorch's `aminmax`.
    ///
    /// # Errors
    /// For a dimension that is empty or out of range.
    #[track_caller]
    pub fn aminmax(&self, dim: impl Into<Option<i64>>, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let (site, dim) = (Location::caller(), dim.into());
        let dims = resolve(self, dim.as_slice())?;
        if self.numel() == 0 && dim.is_none() {
            bail!(
                Shape,
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
            );
        }
        if let Some(d) = dims.iter().find(|&&d| self.shape()[d] == 0) {
            bail!(
                Index,
                "aminmax: Expected reduction dim {d} to have non-zero size."
            );
        }
        let keep = dims.clone();
        let low = apply(
            crate::ops::Amin {
                dims: keep,
                keepdim,
            },
            &[self],
            site,
        )?;
        Ok((
            low,
            apply(crate::ops::Amax { dims, keepdim }, &[self], site)?,
        ))
    }
}
