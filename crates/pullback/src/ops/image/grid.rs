//! Images sampled by grids as methods: PyTorch's `grid_sample` and its kin, and `affine_grid`.

use crate::Result;
use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::ops::Sizes;
use crate::ops::create::ranges::linspace;
use crate::ops::image::locate::{Between, Outside, Sampling};
use crate::ops::image::sample::GridSample;
use std::panic::Location;

/// Whether image and grid fit together, where so many dimensions are asked for.
///
/// # Errors
/// PyTorch's sentences where they do not.
fn fits(x: &Tensor, grid: &Tensor, dims: Option<usize>) -> Result<()> {
    let rank = dims.map_or(x.ndim(), |d| d + 2);
    ensure!(
        x.ndim() >= 2 && x.ndim() == rank && grid.ndim() == rank,
        Shape,
        "grid_sampler(): expected {rank}D input and grid with same number of dimensions, but got input with sizes {} and grid with sizes {}",
        x.shape(),
        grid.shape()
    );
    ensure!(
        x.shape()[0] == grid.shape()[0],
        Shape,
        "grid_sampler(): expected grid and input to have same batch size, but got input with sizes {} and grid with sizes {}",
        x.shape(),
        grid.shape()
    );
    ensure!(
        grid.shape()[rank - 1] == rank - 2,
        Shape,
        "grid_sampler(): expected grid to have size {} in last dimension, but got grid with sizes {}",
        rank - 2,
        grid.shape()
    );
    if let Some(d) = (2..rank).find(|&d| x.shape()[d] == 0) {
        bail!(
            Shape,
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {} with dimension {d} being empty",
            x.shape()
        );
    }
    ensure!(
        (4..=5).contains(&rank),
        Shape,
        "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes {} and grid with sizes {}",
        x.shape(),
        grid.shape()
    );
    Ok(())
}

/// The samples of an image at a grid's places.
pub(in crate::ops) fn sampled(
    x: &Tensor,
    grid: &Tensor,
    (between, outside, align): (Between, Outside, bool),
    dims: Option<usize>,
    site: Site,
) -> Result<Tensor> {
    fits(x, grid, dims)?;
    let how = Sampling {
        between,
        outside,
        align,
        orders: [0; 3],
    };
    apply_dyn(&GridSample { how }, &[x, grid], site)
}

/// Places of `n` elements from -1 to 1: their centres, or, aligned, first and last at the ends.
fn steps(n: usize, align: bool, like: &Tensor) -> Result<Tensor> {
    if n <= 1 {
        return Tensor::zeros([1], like.dtype());
    }
    let line = linspace(-1.0, 1.0, n as i64, Some(like.dtype()))?;
    match align {
        true => Ok(line),
        false => line.mul((n as f64 - 1.0) / n as f64),
    }
}

#[pullback_macros::called]
impl Tensor {
    /// An image (samples, channels, height, width) or (samples, channels, depth, height, width) at the places that a grid (samples, places…,
    /// 2 or 3) names: (samples, channels, places…). PyTorch's `grid_sample`.
    ///
    /// The grid's first number is a place along the last dimension. -1 and 1 are an image's edges, or with `align_corners` the centres of its
    /// first and last elements.
    ///
    /// # Errors
    /// PyTorch's sentences for sizes and dtypes that do not fit.
    ///
    /// ```
    /// # use pullback::{Between, Outside, Tensor};
    /// let x = Tensor::from_slice(&[1.0f32, 3.0], [1, 1, 1, 2])?;
    /// let middle = Tensor::zeros([1, 1, 1, 2], pullback::DType::F32)?;
    /// let y = x.grid_sample(&middle, Between::Bilinear, Outside::Zeros, false)?;
    /// assert_eq!(y.to_vec::<f32>()?, [2.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn grid_sample(
        &self,
        grid: &Tensor,
        between: Between,
        outside: Outside,
        align_corners: bool,
    ) -> Result<Tensor> {
        let how = (between, outside, align_corners);
        sampled(self, grid, how, None, Location::caller())
    }

    /// The grid (samples, places…, 2 or 3) that affine maps (samples, 2, 3) or (samples, 3, 4) make for images of a size. PyTorch's
    /// `affine_grid_generator`.
    ///
    /// # Errors
    /// Where the size is not that of images in two or three dimensions, or the maps do not fit it.
    #[track_caller]
    pub fn affine_grid_generator(
        &self,
        size: impl Into<Sizes>,
        align_corners: bool,
    ) -> Result<Tensor> {
        let size = size.into();
        let size = &size.0[..];
        ensure!(
            (4..=5).contains(&size.len()),
            Shape,
            "AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs."
        );
        let dims = size.len() - 2;
        let sizes: Vec<usize> = (size.iter())
            .map(|&n| {
                usize::try_from(n).map_err(|_| {
                    error!(
                        Shape,
                        "Trying to create tensor with negative dimension {n}: {size:?}"
                    )
                })
            })
            .collect::<Result<_>>()?;
        let (n, space) = (sizes[0], &sizes[2..]);
        let whole = |i: usize, n: usize| self.shape().get(i).is_some_and(|&m| m == n);
        ensure!(
            self.ndim() == 3 && whole(0, n) && whole(2, dims + 1),
            Shape,
            "Expected size for first two dimensions of batch2 tensor to be: [{n}, {}] but got: [{}, {}].",
            dims + 1,
            self.shape().first().copied().unwrap_or(0),
            self.shape().get(2).copied().unwrap_or(0)
        );
        // The places of an image as homogeneous coordinates, the last dimension's first.
        let mut parts = Vec::with_capacity(dims + 1);
        for d in (0..dims).rev() {
            let mut shape = vec![1usize; dims];
            shape[d] = space[d];
            let line = match space[d] {
                0 => Tensor::zeros([0], self.dtype())?,
                m => steps(m, align_corners, self)?,
            };
            parts.push(line.reshape(&shape[..])?.expand(space)?);
        }
        parts.push(Tensor::ones(space, self.dtype())?);
        let all: Vec<&Tensor> = parts.iter().collect();
        let base = crate::ops::stack(&all, -1)?;
        let many = space
            .iter()
            .try_fold(1usize, |p, &m| p.checked_mul(m))
            .ok_or_else(|| error!(Shape, "the result is too large"))?;
        let base = base
            .reshape([1, many, dims + 1])?
            .expand([n, many, dims + 1])?;
        let rows = self.shape()[1];
        base.matmul(&self.transpose(1, 2)?)?
            .reshape(&[&[n], space, &[rows]].concat()[..])
    }
}
