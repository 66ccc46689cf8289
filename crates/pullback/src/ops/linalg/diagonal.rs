//! Diagonals and triangles: taking them out of matrices, putting them in, and their sum.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure, error};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::ops::reduce::sum::resolve;
use crate::{Array, DType, Layout, Result, Shape};
use pullback_array::{dispatch, kernels, room, wrap_dim};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

#[cfg(feature = "proof")]
const DATA: [f64; 12] = [
    0.5, -1.0, 2.0, 3.0, -0.25, 1.5, 0.75, -2.0, 1.25, -0.5, 4.0, 0.1,
];

/// Where a diagonal lies: above the main one for a positive offset, rows along `dim1`, columns along `dim2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// How far above the main diagonal; below it if negative.
    pub offset: i64,
    /// The rows' dimension, resolved.
    pub dim1: usize,
    /// The columns' dimension, resolved.
    pub dim2: usize,
}

impl Place {
    /// The same of rows, with a dimension before theirs.
    fn shifted(self) -> Place {
        Place {
            dim1: self.dim1 + 1,
            dim2: self.dim2 + 1,
            ..self
        }
    }

    /// The diagonal as a view: the two dimensions go, the diagonal is the last.
    fn view(&self, x: &Array) -> Result<Array> {
        let (shape, strides) = (x.shape(), x.layout().strides());
        let (rows, cols) = (shape[self.dim1], shape[self.dim2]);
        let skip = self.offset.unsigned_abs() as usize;
        let (len, step) = match self.offset < 0 {
            true => (rows.saturating_sub(skip).min(cols), strides[self.dim1]),
            false => (cols.saturating_sub(skip).min(rows), strides[self.dim2]),
        };
        let mut start = x.layout().offset();
        if len > 0 {
            start = (start as isize + skip as isize * step) as usize;
        }
        let rest = (0..shape.len()).filter(|&k| k != self.dim1 && k != self.dim2);
        let mut sizes: Vec<usize> = rest.clone().map(|k| shape[k]).collect();
        let mut steps: Vec<isize> = rest.map(|k| strides[k]).collect();
        sizes.push(len);
        steps.push(strides[self.dim1] + strides[self.dim2]);
        x.view(Layout::new(Shape::new(&sizes), &steps, start))
    }
}

/// A diagonal.
#[derive(Clone, Debug)]
pub struct Diagonal(pub Place);
define! { Diagonal: Linear "diagonal", "torch.diagonal", view: true;
    summary: "A diagonal of two dimensions as the last one, without a copy.";
    formula: "y[…, i] = x[…, i, …, i + offset, …]";
    derivative: "zeros with g on the diagonal";
    proof: { samples: || {
        let of = |offset, dim1, dim2, shape: &[usize]| Sample::new(Diagonal(Place { offset, dim1, dim2 }), &[(shape, &DATA[..shape.iter().product()])]);
        vec![of(0, 0, 1, &[3, 3]), of(1, 0, 1, &[2, 3]), of(-1, 1, 0, &[2, 3]), of(0, 0, 2, &[2, 3, 2]), of(5, 0, 1, &[2, 3]), of(0, 0, 1, &[0, 3]), of(0, 1, 0, &[1, 1])]
    } }
}

impl Op for Diagonal {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.apply(&Diagonal(self.0.shifted()), &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        self.0.view(x[0])
    }
}

impl rules::Linear for Diagonal {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let back = DiagEmbed {
            shape: cx.shape(0).clone(),
            place: self.0,
        };
        apply(back, &[g], cx.site())
    }
}

/// Zeros with a diagonal; the transpose of [`Diagonal`].
#[derive(Clone, Debug)]
pub struct DiagEmbed {
    /// Shape of the result.
    pub shape: Shape,
    /// Where the diagonal goes.
    pub place: Place,
}
define! { DiagEmbed: Linear "diag_embed", "torch.diag_embed";
    summary: "Zeros with the last dimension on a diagonal of two new ones.";
    formula: "y[…, i, …, i + offset, …] = x[…, i], else 0";
    derivative: "the diagonal of g";
    proof: { samples: || {
        let of = |offset, dim1, dim2, shape: &[usize], from: &[usize]| Sample::new(
            DiagEmbed { shape: Shape::new(shape), place: Place { offset, dim1, dim2 } }, &[(from, &DATA[..from.iter().product()])]);
        vec![of(0, 0, 1, &[3, 3], &[3]), of(-1, 0, 1, &[3, 3], &[2]), of(1, 1, 0, &[3, 3], &[2]), of(0, 0, 2, &[2, 3, 2], &[3, 2]), of(0, 0, 1, &[0, 0], &[0]), of(0, 0, 1, &[1, 1], &[1])]
    } }
}

impl Op for DiagEmbed {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = DiagEmbed {
            shape: batch.over(&self.shape),
            place: self.place.shifted(),
        };
        batch.apply(&op, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if unnumbered(x) {
            return inferred(self.shape.clone(), x[0].dtype());
        }
        let out = Array::zeros(self.shape.clone(), x[0].dtype())?;
        kernels::assign(&self.place.view(&out)?, x[0])?;
        Ok(out)
    }
}

impl rules::Linear for DiagEmbed {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        apply(Diagonal(self.place), &[g], cx.site())
    }
}

macro_rules! triangle {
    ($($(#[$doc:meta])* $op:ident $name:literal $torch:literal $method:ident, $summary:literal, $formula:literal, |$i:ident, $j:ident, $k:ident| $keep:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op {
            /// The diagonal that ends the triangle: above the main one if positive.
            pub diagonal: i64,
        }
        define! { $op: Linear $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: "the same triangle of g";
            proof: { samples: || {
                let of = |diagonal, shape: &[usize]| Sample::new($op { diagonal }, &[(shape, &DATA[..shape.iter().product()])]);
                vec![of(0, &[3, 3]), of(1, &[2, 3]), of(-1, &[3, 2]), of(0, &[2, 2, 3]), of(0, &[0, 3]), of(9, &[2, 2])]
            }}
        }

        impl Op for $op {
            common!(native);
            fn batched(&self, batch: &Batch<'_>) -> Batched {
                batch.stacked(self)
            }
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                let [.., rows, cols] = x[0].shape()[..] else {
                    bail!(Shape, concat!($name, ": input tensor must have at least 2 dimensions"));
                };
                // Nothing to keep: rows without columns may be many.
                if x[0].layout().numel() == 0 {
                    return x[0].copy();
                }
                let $k = self.diagonal;
                let mut keep: Vec<bool> = room(Shape::new(&[rows, cols]).checked_numel()?)?;
                for $i in 0..rows as i64 {
                    keep.extend((0..cols as i64).map(|$j| $keep));
                }
                let keep = Array::from_slice(&keep, [rows, cols])?;
                let x = x[0].contiguous()?;
                dispatch!(x.dtype(), T => kernels::zip(&x, &keep, |a: T, keep: bool| if keep { a } else { T::default() }))
            }
        }

        impl rules::Linear for $op {
            fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
                apply(self.clone(), &[g], cx.site())
            }
        }

        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            ///
            /// # Errors
            /// For fewer than two dimensions.
            #[track_caller]
            pub fn $method(&self, diagonal: i64) -> Result<Tensor> {
                apply($op { diagonal }, &[self], Location::caller())
            }
        }
    )*};
}

triangle! {
    /// The last two dimensions' elements on and below a diagonal, zeros above it.
    Tril "tril" "torch.tril" tril, "The elements of matrices on and below a diagonal, zeros above it.", "x[i, j] where j ≤ i + diagonal, else 0", |i, j, k| j <= i.saturating_add(k);
    /// The last two dimensions' elements on and above a diagonal, zeros below it.
    Triu "triu" "torch.triu" triu, "The elements of matrices on and above a diagonal, zeros below it.", "x[i, j] where j ≥ i + diagonal, else 0", |i, j, k| j >= i.saturating_add(k);
}

/// How many elements of a matrix lie on and below a diagonal: the rows that the diagonal crosses hold one more each, those below
/// it are whole.
fn below(rows: i128, cols: i128, offset: i128) -> i128 {
    let first = (-offset).clamp(0, rows);
    let whole = (cols - 1 - offset).clamp(first, rows);
    let (from, to) = (first + offset + 1, whole + offset);
    (whole - first) * (from + to) / 2 + (rows - whole) * cols.max(0)
}

/// Rows and columns (as the two rows of an int64 tensor) of a matrix's elements on and below a diagonal, or on and above it.
fn indices(
    name: &str,
    sizes: (i64, i64),
    dtype: DType,
    (lower, offset): (bool, i64),
) -> Result<Tensor> {
    let (rows, cols) = sizes;
    for (what, n) in [("row", rows), ("col", cols)] {
        if n < 0 {
            bail!(Shape, "{what} must be non-negative, got{n}");
        }
    }
    if !matches!(dtype, DType::I64 | DType::I32) {
        let dtype = dtype.scalar_type_name();
        bail!(Unsupported, "\"{name}\" not implemented for '{dtype}'");
    }
    let (m, n, offset) = (i128::from(rows), i128::from(cols), i128::from(offset));
    let count = match (lower, n == 0) {
        (_, true) => 0,
        (true, _) => below(m, n, offset),
        (false, _) => m * n - below(m, n, offset - 1),
    };
    if count == 0 {
        return Tensor::zeros([2, 0], dtype);
    }
    let total = usize::try_from(count.saturating_mul(2)).unwrap_or(usize::MAX);
    let (mut flat, mut columns) = (room::<i64>(total)?, room::<i64>(total / 2)?);
    // Only the rows that have any: the others may be many more than the memory has room for.
    let (first, last) = match lower {
        true => ((-offset).clamp(0, m), m),
        false => (0, (n - offset).clamp(0, m)),
    };
    for i in first..last {
        let kept = match lower {
            true => 0..n.min(i + offset + 1),
            false => (i + offset).clamp(0, n)..n,
        };
        flat.extend(kept.clone().map(|_| i as i64));
        columns.extend(kept.map(|j| j as i64));
    }
    flat.extend_from_slice(&columns);
    Tensor::from_slice(&flat, [2, columns.len()])?.to(dtype)
}

/// Rows and columns of the elements on and below a diagonal of a matrix. PyTorch's `torch.tril_indices`.
///
/// # Errors
/// For a negative size or a dtype that is not `int32` or `int64`.
#[pullback_macros::called]
pub fn tril_indices(
    rows: impl Into<Count>,
    cols: impl Into<Count>,
    offset: i64,
    dtype: DType,
) -> Result<Tensor> {
    let rows = rows.into().0;
    let cols = cols.into().0;
    indices("tril_indices", (rows, cols), dtype, (true, offset))
}

/// Rows and columns of the elements on and above a diagonal of a matrix. PyTorch's `torch.triu_indices`.
///
/// # Errors
/// For a negative size or a dtype that is not `int32` or `int64`.
#[pullback_macros::called]
pub fn triu_indices(
    rows: impl Into<Count>,
    cols: impl Into<Count>,
    offset: i64,
    dtype: DType,
) -> Result<Tensor> {
    let rows = rows.into().0;
    let cols = cols.into().0;
    indices("triu_indices", (rows, cols), dtype, (false, offset))
}

fn place(offset: i64, dims: (i64, i64), rank: usize) -> Result<Place> {
    let (dim1, dim2) = (wrap_dim(dims.0, rank)?, wrap_dim(dims.1, rank)?);
    ensure!(
        dim1 != dim2,
        Shape,
        "diagonal dimensions cannot be identical {}, {}",
        dims.0,
        dims.1
    );
    Ok(Place { offset, dim1, dim2 })
}

#[pullback_macros::called]
impl Tensor {
    /// The diagonal of two dimensions as the last one, without a copy; above the main one for a positive offset.
    ///
    /// # Errors
    /// Where a dimension is out of range or both are the same.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::arange(6)?.reshape([2, 3])?;
    /// assert_eq!(x.diagonal(1, 0, 1)?.to_vec::<i64>()?, [1, 5]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn diagonal(&self, offset: i64, dim1: i64, dim2: i64) -> Result<Tensor> {
        let site = Location::caller();
        let place = place(offset, (dim1, dim2), self.ndim());
        apply(Diagonal(place?), &[self], site)
    }

    /// Zeros with the last dimension on a diagonal of two new dimensions.
    ///
    /// # Errors
    /// Where a dimension is out of range or both are the same.
    #[track_caller]
    pub fn diag_embed(&self, offset: i64, dim1: i64, dim2: i64) -> Result<Tensor> {
        let site = Location::caller();
        let place = place(offset, (dim1, dim2), self.ndim() + 1)?;
        let Some((&len, rest)) = self.shape().split_last() else {
            return Err(wrap_dim(-1, 0).map_or_else(
                |e| e,
                |_| error!(Index, "diag_embed needs at least one dimension"),
            ));
        };
        let size = len + offset.unsigned_abs() as usize;
        let mut shape = rest.to_vec();
        let (first, second) = (place.dim1.min(place.dim2), place.dim1.max(place.dim2));
        shape.insert(first, size);
        shape.insert(second, size);
        let shape = Shape::new(&shape);
        apply(DiagEmbed { shape, place }, &[self], site)
    }

    /// A vector's matrix with it on a diagonal, or a matrix's diagonal (a copy).
    ///
    /// # Errors
    /// For other numbers of dimensions.
    #[track_caller]
    pub fn diag(&self, diagonal: i64) -> Result<Tensor> {
        match self.ndim() {
            1 => self.diag_embed(diagonal, 0, 1),
            2 => self.diagonal(diagonal, 0, 1)?.copy(),
            n => Err(error!(Shape, "diag(): Supports 1D or 2D tensors. Got {n}D")),
        }
    }

    /// The matrix with all elements, row by row, on a diagonal.
    #[track_caller]
    pub fn diagflat(&self, offset: i64) -> Result<Tensor> {
        self.reshape([self.numel()])?.diag(offset)
    }

    /// The sum of a matrix's diagonal.
    ///
    /// # Errors
    /// For other numbers of dimensions, and for bool.
    #[track_caller]
    pub fn trace(&self) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            self.ndim() == 2,
            Shape,
            "trace: expected a matrix, but got tensor with dim {}",
            self.ndim()
        );
        ensure!(
            self.dtype() != DType::Bool,
            Unsupported,
            "\"trace\" not implemented for 'Bool'"
        );
        let diagonal = self.diagonal(0, 0, 1)?;
        let dims = resolve(&diagonal, &[])?;
        let sum = crate::ops::Sum {
            dims,
            keepdim: false,
        };
        apply(sum, &[&diagonal], site)
    }
}
