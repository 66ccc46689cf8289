//! Elements written by an index: scatter, index_add, index_copy, index_fill, put, masked_scatter. Compositions of
//! positions (`positions`) and rows (`rows`); each also in place.
//!
//! Where an index names a place twice the last value stays, and every value gets that place's gradient, as in PyTorch.

use super::gather::{slab_rows, wrong};
use super::operand::Operand;
use super::positions::{Positions, int_index, where_true};
use super::rows::Rows;
use crate::apply::apply;
use crate::tensor::Tensor;
use crate::{Array, DType, Error, ErrorKind, Number, Result, Shape};
use std::borrow::Cow;
use std::panic::Location;

type Site = &'static Location<'static>;

/// What a function of this file writes, and where.
struct Write<'a> {
    rows: Rows,
    src: Cow<'a, Tensor>,
    accumulate: bool,
}

impl Write<'_> {
    fn put(self, x: &Tensor, site: Site) -> Result<Tensor> {
        self.rows.put(x, &self.src, self.accumulate, site)
    }

    fn put_(self, x: &Tensor, site: Site) -> Result<()> {
        self.rows.put_(x, &self.src, self.accumulate, site)
    }
}

/// A number as a tensor of a dtype.
fn number(n: Number, dtype: DType) -> Result<Tensor> {
    Array::number(n, dtype).map(Tensor::from_array)
}

impl Tensor {
    fn scatter_write<'a>(
        &self,
        name: &'static str,
        dim: i64,
        index: &Tensor,
        src: Operand<'a>,
        accumulate: bool,
        site: Site,
    ) -> Result<Write<'a>> {
        let dim = self.shape().dim(dim).map_err(|e| e.op(name).at(site))?;
        let index = int_index(
            index,
            &format!("{name}(): Expected dtype int32/int64 for index"),
            site,
        )?;
        let src: Cow<'a, Tensor> = match src {
            Operand::Tensor(t) if t.dtype() != self.dtype() => {
                return Err(Error::new(
                    ErrorKind::DType,
                    format!("{name}(): Expected self.dtype to be equal to src.dtype"),
                )
                .op(name)
                .at(site));
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
        if index.ndim().max(1) != self.ndim().max(1) {
            return Err(wrong(
                name,
                site,
                "Index tensor must have the same number of dimensions as self tensor",
            ));
        }
        if !whole && index.ndim().max(1) != src.ndim().max(1) {
            return Err(wrong(
                name,
                site,
                "Index tensor must have the same number of dimensions as src tensor",
            ));
        }
        let of = |t: &Tensor, d| t.shape().get(d).copied().unwrap_or(1);
        let larger = (0..index.ndim()).any(|d| {
            d != dim && of(&index, d) > of(self, d) || !whole && of(&index, d) > of(&src, d)
        });
        if larger {
            let mut text = format!(
                "Expected index {} to be no larger than self {} apart from dimension {dim}",
                index.shape(),
                self.shape()
            );
            if !whole {
                text += &format!(" and to be no larger size than src {}", src.shape());
            }
            return Err(wrong(name, site, text));
        }
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
    pub(super) fn scattered(
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
            .put(self, site)
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
            .put(self, site)
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

    fn index_add_write<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        source: &'a Tensor,
        alpha: Number,
        site: Site,
    ) -> Result<Write<'a>> {
        let name = "index_add";
        let dim = self.shape().dim(dim).map_err(|e| e.op(name).at(site))?;
        let fail = |text: String| Err(wrong(name, site, text));
        if index.ndim() > 1 {
            return Err(Error::new(
                ErrorKind::Index,
                format!(
                    "index_add_(): Index is supposed to be a vector, but got dim: {} with type: {} and size: {}",
                    index.ndim(),
                    index.dtype().scalar_type_name(),
                    index.shape()
                ),
            )
            .op(name)
            .at(site));
        }
        let index = int_index(
            index,
            &format!(
                "index_add_(): Expected dtype int32/int64 for index but got: {}",
                index.dtype().scalar_type_name()
            ),
            site,
        )?;
        if source.dtype() != self.dtype() {
            return Err(Error::new(
                ErrorKind::DType,
                format!(
                    "index_add_(): self ({}) and source ({}) must have the same scalar type",
                    self.dtype().scalar_type_name(),
                    source.dtype().scalar_type_name()
                ),
            )
            .op(name)
            .at(site));
        }
        let size = |t: &Tensor| t.shape().get(dim).copied().unwrap_or(1);
        if index.numel() != size(source) {
            return fail(format!(
                "index_add_(): Number of indices ({}) should be equal to source.size(dim): ({}), for dim: {dim}",
                index.numel(),
                size(source)
            ));
        }
        let without = |t: &Tensor| {
            let mut s = t.shape().to_vec();
            if dim < s.len() {
                s.remove(dim);
            }
            s
        };
        if without(self) != without(source) {
            return fail(format!(
                "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {} source.shape = {}",
                self.shape(),
                source.shape()
            ));
        }
        let index = index.reshape([index.numel()])?;
        let rows = slab_rows(self, dim, &index, site, |i, n| {
            Error::new(
                ErrorKind::Shape,
                format!("index {i} is out of bounds for dimension {dim} with size {n}"),
            )
            .op(name)
        })?;
        let src = match alpha {
            Number::Int(1) => Cow::Borrowed(source),
            alpha => Cow::Owned(source.mul(alpha)?.to(self.dtype())?),
        };
        Ok(Write {
            src: match self.ndim() {
                0 => Cow::Owned(src.reshape([1])?),
                _ => src,
            },
            rows,
            accumulate: true,
        })
    }

    /// This tensor with the slabs of `source`, times `alpha`, added to the slabs of `dim` that the index names. PyTorch's
    /// `index_add`.
    ///
    /// # Errors
    /// Where an index is out of range or shapes do not match.
    #[track_caller]
    pub fn index_add(
        &self,
        dim: i64,
        index: &Tensor,
        source: &Tensor,
        alpha: impl Into<Number>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        self.index_add_write(dim, index, source, alpha.into(), site)?
            .put(self, site)
    }

    /// [`Tensor::index_add`] in place.
    ///
    /// # Errors
    /// As [`Tensor::index_add`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn index_add_(
        &self,
        dim: i64,
        index: &Tensor,
        source: &Tensor,
        alpha: impl Into<Number>,
    ) -> Result<()> {
        let site = Location::caller();
        self.index_add_write(dim, index, source, alpha.into(), site)?
            .put_(self, site)
    }

    fn index_copy_write<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        source: &'a Tensor,
        site: Site,
    ) -> Result<Write<'a>> {
        let name = "index_copy";
        let dim = self.shape().dim(dim).map_err(|e| e.op(name).at(site))?;
        let fail = |kind, text: String| Err(Error::new(kind, text).op(name).at(site));
        if index.ndim() > 1 {
            return fail(
                ErrorKind::Index,
                format!(
                    "index_copy_(): Index should have dimension 1 or 0 (got {})",
                    index.ndim()
                ),
            );
        }
        if source.ndim() > 0 && self.ndim() > 0 && source.ndim() != self.ndim() {
            return fail(
                ErrorKind::Index,
                format!(
                    "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality ({}), destination dimensionality ({})",
                    source.ndim(),
                    self.ndim()
                ),
            );
        }
        if index.dtype() != DType::I64 {
            return fail(
                ErrorKind::DType,
                format!(
                    "index_copy_(): Expected a long tensor for index, but got {}",
                    index.dtype().scalar_type_name()
                ),
            );
        }
        if source.dtype() != self.dtype() {
            return fail(
                ErrorKind::DType,
                format!(
                    "index_copy_(): self and source expected to have the same dtype, but got (self) {} and (source) {}",
                    self.dtype().scalar_type_name(),
                    source.dtype().scalar_type_name()
                ),
            );
        }
        let without = |t: &Tensor| {
            let mut s = t.shape().clone();
            if dim < s.len() {
                s.remove(dim);
            }
            s
        };
        let (to, from) = (without(self), without(source));
        if to != from {
            return fail(
                ErrorKind::Shape,
                format!(
                    "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: {} at dimension {dim} and source slice shape: {} at dimension 0.",
                    spaced(&to),
                    spaced(&from)
                ),
            );
        }
        let count = source.shape().get(dim).copied().unwrap_or(1);
        if index.numel() != count {
            return fail(
                ErrorKind::Index,
                if source.ndim() == 0 {
                    format!(
                        "index_copy_(): When source is scalar, index should have one element (got {})",
                        index.numel()
                    )
                } else {
                    format!(
                        "index_copy_(): Number of indices ({}) should be equal to source.size(dim) ({count})",
                        index.numel()
                    )
                },
            );
        }
        let index = index.reshape([index.numel()])?;
        let rows = slab_rows(self, dim, &index, site, |i, n| {
            Error::new(
                ErrorKind::Index,
                format!(
                    "index_copy_(): index {i} is out of bounds for dimension {dim} with size {n}"
                ),
            )
            .op(name)
        })?;
        let shape = rows.shape(self);
        Ok(Write {
            rows,
            src: if *source.shape() == shape {
                Cow::Borrowed(source)
            } else {
                Cow::Owned(source.reshape(shape)?)
            },
            accumulate: false,
        })
    }

    /// This tensor with the slabs of `dim` that the index names replaced by those of `source`. PyTorch's `index_copy`.
    ///
    /// # Errors
    /// Where an index is out of range or shapes do not match.
    #[track_caller]
    pub fn index_copy(&self, dim: i64, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        self.index_copy_write(dim, index, source, site)?
            .put(self, site)
    }

    /// [`Tensor::index_copy`] in place.
    ///
    /// # Errors
    /// As [`Tensor::index_copy`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn index_copy_(&self, dim: i64, index: &Tensor, source: &Tensor) -> Result<()> {
        let site = Location::caller();
        self.index_copy_write(dim, index, source, site)?
            .put_(self, site)
    }

    fn index_fill_write<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        value: Operand<'a>,
        site: Site,
    ) -> Result<Write<'a>> {
        let name = "index_fill";
        let dim = self.shape().dim(dim).map_err(|e| e.op(name).at(site))?;
        if index.dtype() != DType::I64 {
            return Err(Error::new(
                ErrorKind::Index,
                "index_fill_(): Expected dtype int64 for index.",
            )
            .op(name)
            .at(site));
        }
        if index.ndim() > 1 {
            return Err(
                Error::new(ErrorKind::Index, "Index has to be a vector/scalar")
                    .op(name)
                    .at(site),
            );
        }
        let tracked = matches!(value, Operand::Tensor(t) if t.requires_grad());
        let src = match value {
            Operand::Number(n) => Cow::Owned(number(n, self.dtype())?),
            Operand::Tensor(t) if t.ndim() > 0 => {
                return Err(wrong(
                    name,
                    site,
                    format!(
                        "index_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
                        t.ndim()
                    ),
                ));
            }
            Operand::Tensor(t) => super::operand::converted(t, self.dtype(), site)?,
        };
        let sizes = Shape::new(&[self.shape().get(dim).copied().unwrap_or(1)]);
        let index = index.reshape([index.numel()])?;
        let op = Positions {
            sizes,
            first: dim,
            modulo: false,
        };
        let mut positions = apply(op, &[&index], site)?;
        if tracked {
            // A slab named twice is filled once: the value's gradient counts it once.
            positions = positions.unique(None)?[0].clone();
        }
        Ok(Write {
            rows: Rows {
                at: dim,
                count: usize::from(self.ndim() > 0),
                positions,
            },
            src,
            accumulate: false,
        })
    }

    /// This tensor with the slabs of `dim` that the index names set to one value, a number or a tensor without
    /// dimensions. PyTorch's `index_fill`.
    ///
    /// # Errors
    /// Where an index is out of range.
    #[track_caller]
    pub fn index_fill<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        value: impl Into<Operand<'a>>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        self.index_fill_write(dim, index, value.into(), site)?
            .put(self, site)
    }

    /// [`Tensor::index_fill`] in place.
    ///
    /// # Errors
    /// As [`Tensor::index_fill`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn index_fill_<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        value: impl Into<Operand<'a>>,
    ) -> Result<()> {
        let site = Location::caller();
        self.index_fill_write(dim, index, value.into(), site)?
            .put_(self, site)
    }

    fn put_write<'a>(
        &self,
        index: &Tensor,
        source: &'a Tensor,
        accumulate: bool,
        site: Site,
    ) -> Result<Write<'a>> {
        let name = "put";
        if source.dtype() != self.dtype() {
            return Err(Error::new(
                ErrorKind::DType,
                format!(
                    "put_(): self and source expected to have the same dtype, but got self.dtype = {} and source.dtype = {}",
                    self.dtype().scalar_type_name(),
                    source.dtype().scalar_type_name()
                ),
            )
            .op(name)
            .at(site));
        }
        if index.numel() != source.numel() {
            return Err(Error::new(
                ErrorKind::Index,
                format!(
                    "put_(): Expected source and index to have the same number of elements, but got source.numel() = {}, index.numel() = {}",
                    source.numel(),
                    index.numel()
                ),
            )
            .op(name)
            .at(site));
        }
        let rows = self.taken("put_", index, site)?;
        let src = Cow::Owned(source.reshape(index.shape())?);
        Ok(Write {
            rows,
            src,
            accumulate,
        })
    }

    /// This tensor with elements written (or added) at positions in row-major order. PyTorch's `put`.
    ///
    /// # Errors
    /// Where a position is out of range or `source` has another number of elements than `index`.
    #[track_caller]
    pub fn put(&self, index: &Tensor, source: &Tensor, accumulate: bool) -> Result<Tensor> {
        let site = Location::caller();
        self.put_write(index, source, accumulate, site)?
            .put(self, site)
    }

    /// [`Tensor::put`] in place. PyTorch's `put_`.
    ///
    /// # Errors
    /// As [`Tensor::put`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn put_(&self, index: &Tensor, source: &Tensor, accumulate: bool) -> Result<()> {
        let site = Location::caller();
        self.put_write(index, source, accumulate, site)?
            .put_(self, site)
    }

    fn masked_scatter_write<'a>(
        &self,
        mask: &Tensor,
        source: &'a Tensor,
        site: Site,
    ) -> Result<Write<'a>> {
        let name = "masked_scatter";
        if mask.dtype() != DType::Bool {
            return Err(Error::new(
                ErrorKind::DType,
                format!(
                    "masked_scatter_ only supports boolean masks, but got mask with dtype {}",
                    mask.dtype().scalar_type_name()
                ),
            )
            .op(name)
            .at(site));
        }
        if source.dtype() != self.dtype() {
            return Err(Error::new(
                ErrorKind::DType,
                format!(
                    "masked_scatter: expected self and source to have same dtypes but got{} and {}",
                    self.dtype().scalar_type_name(),
                    source.dtype().scalar_type_name()
                ),
            )
            .op(name)
            .at(site));
        }
        let positions = where_true(&mask.expand(self.shape())?, site)?;
        let n = positions.numel();
        if source.numel() < n {
            return Err(wrong(
                name,
                site,
                "Number of elements of source < number of ones in mask",
            ));
        }
        Ok(Write {
            rows: Rows::elements(self, positions),
            src: Cow::Owned(source.flatten()?.narrow(0, 0, n)?),
            accumulate: false,
        })
    }

    /// This tensor with the first elements of `source` written where `mask` holds. PyTorch's `masked_scatter`.
    ///
    /// # Errors
    /// Where `source` has too few elements or the mask is not bool.
    #[track_caller]
    pub fn masked_scatter(&self, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
        let (site, name) = (Location::caller(), "masked_scatter");
        let shape = (mask.shape().broadcast(self.shape())).map_err(|e| e.op(name).at(site))?;
        let x = self.expand(&shape)?;
        x.masked_scatter_write(mask, source, site)?.put(&x, site)
    }

    /// [`Tensor::masked_scatter`] in place.
    ///
    /// # Errors
    /// As [`Tensor::masked_scatter`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn masked_scatter_(&self, mask: &Tensor, source: &Tensor) -> Result<()> {
        let site = Location::caller();
        self.masked_scatter_write(mask, source, site)?
            .put_(self, site)
    }
}

/// Sizes as PyTorch prints an `IntArrayRef` without brackets.
fn spaced(shape: &Shape) -> String {
    shape
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}
