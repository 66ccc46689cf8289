//! Elements written by an index: scatter and scatter_add, and what their kin (`index_write`, `put`) share. Compositions of
//! positions (`positions`) and rows (`rows`); each also in place.
//!
//! Where an index names a place twice the last value stays, and every value gets that place's gradient, as in PyTorch.

use crate::core::Site;
use crate::core::fail::{bail, ensure};
use crate::core::tensor::Tensor;
use crate::ops::common::operand::Operand;
use crate::ops::index::positions::int_index;
use crate::ops::index::rows::Rows;
use crate::{Array, DType, Number, Result, Shape};
use std::borrow::Cow;
use std::panic::Location;

/// What a function of this kind writes, and where.
pub(in crate::ops) struct Write<'a> {
    pub(in crate::ops) rows: Rows,
    pub(in crate::ops) src: Cow<'a, Tensor>,
    pub(in crate::ops) accumulate: bool,
}

impl Write<'_> {
    pub(in crate::ops) fn put(self, x: &Tensor, site: Site) -> Result<Tensor> {
        self.rows.put(x, &self.src, self.accumulate, site)
    }

    pub(in crate::ops) fn put_(self, x: &Tensor, site: Site) -> Result<()> {
        self.rows.put_(x, &self.src, self.accumulate, site)
    }
}

/// A number as a tensor of a dtype, which must hold it.
pub(in crate::ops) fn number(n: Number, dtype: DType) -> Result<Tensor> {
    n.fit(dtype)?;
    Array::number(n, dtype).map(Tensor::from_array)
}

#[pullback_macros::called]
impl Tensor {
    /// Errors unless the index reaches into this tensor, and no further than the tensor that is written.
    fn fits_scatter(&self, dim: usize, index: &Tensor, src: Option<&Tensor>) -> Result<()> {
        ensure!(
            index.ndim().max(1) == self.ndim().max(1),
            Shape,
            "Index tensor must have the same number of dimensions as self tensor"
        );
        if let Some(src) = src
            && index.ndim().max(1) != src.ndim().max(1)
        {
            bail!(
                Shape,
                "Index tensor must have the same number of dimensions as src tensor"
            );
        }
        let of = |t: &Tensor, d| t.shape().get(d).copied().unwrap_or(1);
        let larger = (0..index.ndim()).any(|d| {
            d != dim && of(index, d) > of(self, d)
                || src.is_some_and(|src| of(index, d) > of(src, d))
        });
        if larger {
            let mut text = format!(
                "Expected index {} to be no larger than self {} apart from dimension {dim}",
                index.shape(),
                self.shape()
            );
            if let Some(src) = src {
                text += &format!(" and to be no larger size than src {}", src.shape());
            }
            bail!(Shape, "{text}");
        }
        Ok(())
    }

    fn scatter_write<'a>(
        &self,
        name: &'static str,
        dim: i64,
        index: &Tensor,
        src: Operand<'a>,
        accumulate: bool,
        site: Site,
    ) -> Result<Write<'a>> {
        let dim = self.shape().dim(dim)?;
        let index = int_index(
            index,
            &format!("{name}(): Expected dtype int32/int64 for index"),
            site,
        )?;
        let src: Cow<'a, Tensor> = match src {
            Operand::Tensor(t) if t.dtype() != self.dtype() => {
                bail!(
                    DType,
                    "{name}(): Expected self.dtype to be equal to src.dtype"
                );
            }
            Operand::Tensor(t) => Cow::Borrowed(t),
            Operand::Number(n) => Cow::Owned(number(n, self.dtype())?),
        };
        let whole = matches!(src, Cow::Owned(_));
        if index.numel() == 0 {
            let rows = Rows::elements(self, Tensor::zeros([0], DType::I64)?);
            let src = Cow::Owned(src.flatten()?.narrow(0, 0, 0)?);
            return Ok(Write {
                rows,
                src,
                accumulate,
            });
        }
        self.fits_scatter(dim, &index, (!whole).then_some(&*src))?;
        let of = |t: &Tensor, d| t.shape().get(d).copied().unwrap_or(1);
        let mut part = src.into_owned();
        if !whole {
            for d in 0..part.ndim() {
                part = part.narrow(d as i64, 0, of(&index, d))?;
            }
        }
        let (index, part) = if self.ndim() == index.ndim() {
            (index, part)
        } else {
            (index.reshape(self.shape())?, part.reshape(self.shape())?)
        };
        let part = if whole || part.ndim() == index.ndim() {
            part
        } else {
            part.reshape(index.shape())?
        };
        Ok(Write {
            rows: self.along(dim, &index, site)?,
            src: Cow::Owned(part),
            accumulate,
        })
    }

    /// Where the index of a scatter points, and what comes there.
    pub(in crate::ops) fn scattered(
        &self,
        dim: i64,
        index: &Tensor,
        src: Operand<'_>,
        site: Site,
    ) -> Result<(Rows, Tensor)> {
        let write = self.scatter_write("scatter", dim, index, src, false, site)?;
        let shape = write.rows.shape(self);
        let src = match *write.src.shape() == shape {
            true => write.src.into_owned(),
            false => write.src.expand(shape)?,
        };
        Ok((write.rows, src))
    }

    /// This tensor with `src` (a tensor, or one number) written where the index names places along `dim`, all other
    /// coordinates being the index's own. PyTorch's `scatter`.
    ///
    /// # Errors
    /// Where an index is out of range, or the index is larger than this tensor elsewhere or than `src`.
    ///
    /// ```
    /// # use pullback::{DType, Tensor};
    /// let x = Tensor::zeros([2, 3], DType::F32)?;
    /// let i = Tensor::from_slice(&[2i64, 0], [2, 1])?;
    /// assert_eq!(x.scatter(1, &i, 1.0)?.to_vec::<f32>()?, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn scatter<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        src: impl Into<Operand<'a>>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        self.scatter_write("scatter", dim, index, src.into(), false, site)?
            .put(&self.contiguous()?, site) // PyTorch's copy is row-major
    }

    /// [`Tensor::scatter`] in place.
    ///
    /// # Errors
    /// As [`Tensor::scatter`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn scatter_<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        src: impl Into<Operand<'a>>,
    ) -> Result<()> {
        let site = Location::caller();
        self.scatter_write("scatter", dim, index, src.into(), false, site)?
            .put_(self, site)
    }

    /// [`Tensor::scatter`] that adds to what is there. PyTorch's `scatter_add`.
    ///
    /// # Errors
    /// As [`Tensor::scatter`].
    #[track_caller]
    pub fn scatter_add<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        src: impl Into<Operand<'a>>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        self.scatter_write("scatter", dim, index, src.into(), true, site)?
            .put(&self.contiguous()?, site) // PyTorch's copy is row-major
    }

    /// [`Tensor::scatter_add`] in place.
    ///
    /// # Errors
    /// As [`Tensor::scatter_`].
    #[track_caller]
    pub fn scatter_add_<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        src: impl Into<Operand<'a>>,
    ) -> Result<()> {
        let site = Location::caller();
        self.scatter_write("scatter", dim, index, src.into(), true, site)?
            .put_(self, site)
    }
}

/// Sizes as PyTorch prints an `IntArrayRef` without brackets.
pub(in crate::ops) fn spaced(shape: &Shape) -> String {
    shape
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}
