//! What pooling took apart put back: PyTorch's `max_unpool1d` to `max_unpool3d`, zeros with each element where its index says; and the roots of
//! windows' sums of powers, `lp_pool1d` to `lp_pool3d`. Compositions.

use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::common::gate::no_form;
use crate::ops::conv::pooling::Pool;
use crate::{DType, Result};

/// How an image is put back together: the windows that it was pooled by. Built with [`Unpool::of`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Unpool<'a> {
    /// Sizes of a window; one number for all dimensions, or one for each.
    pub kernel: &'a [i64],
    /// How far apart windows begin; as far as they are long, without it.
    pub stride: Option<&'a [i64]>,
    /// Elements on both sides that were counted.
    pub padding: &'a [i64],
    /// The result's size, where it is not the smallest that has such windows; with or without the first two dimensions.
    pub output_size: Option<&'a [i64]>,
}

setters!(['a] Unpool<'a> {
    stride: Option<&'a [i64]>,
    padding: &'a [i64],
    output_size: Option<&'a [i64]>,
});

impl<'a> Unpool<'a> {
    /// Windows of these sizes, side by side.
    pub const fn of(kernel: &'a [i64]) -> Unpool<'a> {
        Unpool {
            kernel,
            stride: None,
            padding: &[0],
            output_size: None,
        }
    }
}

/// One number for each dimension.
fn each(what: &str, given: &[i64], dims: usize) -> Result<Vec<i64>> {
    match given.len() {
        1 => Ok(vec![given[0]; dims]),
        n if n == dims => Ok(given.to_vec()),
        n => Err(error!(
            Value,
            "{what} should be a number or {dims} numbers, but it has a length of '{n}'"
        )),
    }
}

/// The size of what is put back, as PyTorch finds it.
fn size(x: &Tensor, how: &Unpool<'_>, dims: usize) -> Result<(Vec<i64>, Vec<i64>)> {
    let kernel = each("kernel_size", how.kernel, dims)?;
    let stride = match how.stride {
        Some(stride) => each("stride", stride, dims)?,
        None => kernel.clone(),
    };
    let padding = each("padding", how.padding, dims)?;
    ensure!(x.ndim() >= dims, Index, "tuple index out of range");
    let smallest: Vec<i64> = (0..dims)
        .map(|d| {
            let n = x.shape()[x.ndim() - dims + d] as i64;
            (n - 1)
                .saturating_mul(stride[d])
                .saturating_add(kernel[d])
                .saturating_sub(padding[d].saturating_mul(2))
        })
        .collect();
    let found = match how.output_size {
        None => smallest,
        Some(asked) => {
            let last = match asked.len() == dims + 2 {
                true => &asked[2..],
                false => asked,
            };
            ensure!(
                last.len() == dims,
                Value,
                "output_size should be a sequence containing {dims} or {} elements, but it has a length of '{}'",
                dims + 2,
                last.len()
            );
            for d in 0..dims {
                let (low, high) = (
                    smallest[d].saturating_sub(stride[d]),
                    smallest[d].saturating_add(stride[d]),
                );
                if last[d] <= low || last[d] >= high {
                    bail!(
                        Value,
                        "invalid output_size \"{last:?}\" (dim {d} must be between {low} and {high})"
                    );
                }
            }
            last.to_vec()
        }
    };
    if let Some(d) = (0..dims).find(|&d| found[d] < 0) {
        bail!(
            Value,
            "max_unpooling: output_size must contain non-negative spatial dimensions, but got output_size[{d}]={}",
            found[d]
        );
    }
    Ok((found, stride))
}

/// PyTorch's errors for an input and its indices.
fn fits(x: &Tensor, indices: &Tensor, stride: &[i64], dims: usize) -> Result<()> {
    ensure!(
        indices.dtype() == DType::I64,
        DType,
        "elements in indices should be type int64 but got: {}",
        indices.dtype().scalar_type_name()
    );
    // One dimension is the first of two to PyTorch.
    let (of, more) = if dims == 3 { (3, 0) } else { (2, 2 - dims) };
    let rank = x.ndim() + more;
    ensure!(
        rank == of + 1 || rank == of + 2,
        Shape,
        "Input to max_unpooling{of}d should be a {}d or {}d Tensor, but got a tensor with {rank} dimensions.",
        of + 1,
        of + 2
    );
    ensure!(
        x.shape() == indices.shape(),
        Shape,
        "Expected shape of indices to be same as that of the input tensor ({}) but got indices tensor with shape: {}",
        x.shape(),
        indices.shape()
    );
    let first = usize::from(rank == of + 2);
    if let Some(d) = (first..x.ndim()).find(|&d| x.shape()[d] == 0) {
        bail!(
            Shape,
            "max_unpooling{of}d_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {} with dimension {d} being empty",
            x.shape()
        );
    }
    if dims == 3 && stride.iter().any(|&s| s <= 0) {
        bail!(
            Shape,
            "strides should be greater than zero, but got stride: {stride:?}"
        );
    }
    match x.dtype().is_float() {
        true => Ok(()),
        false => Err(no_form(&format!("max_unpool{of}d"), &x.array())),
    }
}

fn unpooled(x: &Tensor, indices: &Tensor, how: &Unpool<'_>, dims: usize) -> Result<Tensor> {
    let (size, stride) = size(x, how, dims)?;
    fits(x, indices, &stride, dims)?;
    let sizes: Vec<usize> = (size.iter())
        .map(|&n| usize::try_from(n).unwrap_or(0))
        .collect();
    let plane = (sizes.iter())
        .try_fold(1usize, |p, &n| p.checked_mul(n))
        .ok_or_else(|| error!(Shape, "the result is too large"))?;
    if !indices.array().is_meta() {
        let found = crate::ops::common::operand::once(&indices.array())?.numbers::<i64>()?;
        let wrong = |&i: &i64| usize::try_from(i).map_or(true, |i| i >= plane);
        if let Some(i) = found.into_iter().find(wrong) {
            let mut by: Vec<String> = size.iter().map(i64::to_string).collect();
            if dims == 1 {
                by.push("1".to_string());
            }
            bail!(
                Shape,
                "Found an invalid max index: {i} (output volumes are of size {})",
                by.join("x")
            );
        }
    }
    let (front, last) = x.shape().split_at(x.ndim() - dims);
    let (planes, many) = (front.iter().product(), last.iter().product());
    let zeros = Tensor::zeros([planes, plane], x.dtype())?.to_device(x.device())?;
    zeros
        .scatter(
            1,
            &indices.reshape([planes, many])?,
            &x.reshape([planes, many])?,
        )?
        .reshape(&[front, &sizes].concat()[..])
}

type Run<T> = fn(&Tensor, Pool<'_>) -> Result<T>;

/// The root of windows' sums of powers, or their largest or smallest magnitude.
fn powers(
    x: &Tensor,
    p: f64,
    pool: Pool<'_>,
    dims: usize,
    (mean, largest): (Run<Tensor>, Run<(Tensor, Tensor)>),
) -> Result<Tensor> {
    if p == 0.0 {
        bail!(Value, "norm_type must be a non-zero value, but got {p:?}");
    }
    if p.is_infinite() {
        let size = x.abs()?;
        return match p > 0.0 {
            true => Ok(largest(&size, pool)?.0),
            false => largest(&size.neg()?, pool)?.0.neg(),
        };
    }
    let out = mean(&x.pow(p)?, pool)?;
    let many = match pool.kernel {
        [n] => (0..dims).fold(1.0, |m, _| m * *n as f64),
        more => more.iter().map(|&n| n as f64).product(),
    };
    out.sign()?
        .mul(&out.abs()?.relu()?)?
        .mul(many)?
        .pow(1.0 / p)
}

macro_rules! unpools {
    ($($unpool:ident $power:ident $mean:ident $largest:ident $dims:literal;)*) => {
        #[pullback_macros::called]
        impl Tensor {
            $(
            #[doc = concat!("Zeros with each element where its index says, in the last ", $dims, " dimensions: what a pooling by largest elements took apart, but for the elements that were not largest. PyTorch's `", stringify!($unpool), "`.")]
            ///
            /// # Errors
            /// PyTorch's sentences for sizes that such windows do not have, and for indices outside of the result.
            #[track_caller]
            pub fn $unpool(&self, indices: &Tensor, how: Unpool<'_>) -> Result<Tensor> {
                unpooled(self, indices, &how, $dims)
            }

            #[doc = concat!("The root of the sum of powers over windows of the last ", $dims, " dimensions; with an infinite power, the largest or smallest magnitude. PyTorch's `", stringify!($power), "`.")]
            ///
            /// # Errors
            /// For the power 0; as for means of windows.
            #[track_caller]
            pub fn $power(&self, norm_type: f64, pool: Pool<'_>) -> Result<Tensor> {
                powers(self, norm_type, pool, $dims, (|x, p| x.$mean(p), |x, p| x.$largest(p)))
            })*
        }
    };
}

unpools! {
    max_unpool1d lp_pool1d avg_pool1d max_pool1d 1;
    max_unpool2d lp_pool2d avg_pool2d max_pool2d 2;
    max_unpool3d lp_pool3d avg_pool3d max_pool3d 3;
}
