//! Python's indexing: integers, slices, new dimensions, an ellipsis, masks and index arrays, to read and to assign.
//!
//! Integers, slices and new dimensions are views, one after the other; what is left of index arrays then becomes positions
//! (`positions`) in dimensions that lie side by side, where rows are picked or written (`rows`).

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::fail::{bail, ensure};
use crate::core::history::in_place;
use crate::core::tensor::Tensor;
use crate::core::watch;
use crate::ops::common::operand::{Operand, unnumbered};
use crate::ops::index::bracket_items::{Index, IntoIndices, whole};
use crate::ops::index::nowhere::{known, nothing_of, tensors, uncounted};
use crate::ops::index::positions::{Nonzero, Positions};
use crate::ops::index::rows::Rows;
use crate::{Array, DType, Element, Result, Shape};
use pullback_array::kernels;
use std::panic::Location;

/// An indexed tensor: a view, and rows of it where there are index arrays.
pub(super) struct Indexed {
    pub(super) view: Tensor,
    pub(super) rows: Option<Rows>,
}

/// Whether an index array is a mask.
pub(super) fn is_mask(t: &Tensor) -> bool {
    matches!(t.dtype(), DType::Bool | DType::U8)
}

/// How many of the tensor's dimensions an item stands for.
fn dims_of(item: &Index) -> usize {
    match item {
        Index::Int(_) | Index::Slice { .. } => 1,
        Index::Tensor(t) if is_mask(t) => t.ndim(),
        Index::Tensor(_) => 1,
        Index::NewAxis | Index::Ellipsis | Index::Bool(_) => 0,
    }
}

/// Index arrays by dimension of the view.
type Arrays = Vec<(usize, Tensor)>;

/// The view that integers, slices and new dimensions make, and the index arrays that remain.
fn basic(x: &Tensor, items: &[Index], site: Site) -> Result<(Tensor, Arrays)> {
    let named: usize = items.iter().map(dims_of).sum();
    if let ([Index::Int(_)], 0) = (items, x.ndim()) {
        bail!(
            Index,
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
        );
    }
    if let ([Index::Slice { .. }], 0) = (items, x.ndim()) {
        bail!(Index, "slice() cannot be applied to a 0-dim tensor.");
    }
    if named > x.ndim() {
        bail!(
            Index,
            "too many indices for tensor of dimension {}",
            x.ndim()
        );
    }
    let (mut view, mut arrays) = (x.clone(), Arrays::new());
    // `dim` counts in the view, `own` in the tensor.
    let (mut dim, mut own) = (0, 0);
    for item in items {
        match item {
            Index::Int(i) => {
                view = pick(&view, dim, *i, own, site)?;
                own += 1;
            }
            Index::Slice { start, stop, step } => {
                let step = step.unwrap_or(1);
                if step <= 0 {
                    bail!(
                        Value,
                        "{}",
                        match step {
                            0 => "slice step cannot be zero",
                            _ => "step must be greater than zero",
                        }
                    );
                }
                if (start, stop, step) != (&None, &None, 1) {
                    view = view.slice(dim as i64, *start, *stop, step)?;
                }
                (dim, own) = (dim + 1, own + 1);
            }
            Index::NewAxis => {
                view = view.unsqueeze(dim as i64)?;
                dim += 1;
            }
            Index::Ellipsis => {
                let rest = x.ndim() - named;
                (dim, own) = (dim + rest, own + rest);
            }
            Index::Bool(b) => {
                view = view.unsqueeze(dim as i64)?;
                arrays.push((dim, truth(*b)?));
                dim += 1;
            }
            Index::Tensor(t) => {
                let found = by_tensor((view, dim), t, own, &mut arrays, site)?;
                view = found.0;
                (dim, own) = (dim + found.1, own + found.2);
            }
        }
    }
    Ok((view, arrays))
}

/// What an index that is a tensor makes of dimension `dim` of the view: a number picks, a mask or a list of places is left in `arrays`.
/// Returns the view, and how many of its dimensions and of the tensor's own are done.
fn by_tensor(
    (mut view, dim): (Tensor, usize),
    t: &Tensor,
    own: usize,
    arrays: &mut Arrays,
    site: Site,
) -> Result<(Tensor, usize, usize)> {
    match (t.ndim(), t.dtype()) {
        (_, d) if !matches!(d, DType::Bool | DType::U8 | DType::I32 | DType::I64) => {
            bail!(
                Index,
                "tensors used as indices must be long, int, byte or bool tensors"
            )
        }
        (0, DType::Bool | DType::U8) => {
            view = view.unsqueeze(dim as i64)?;
            arrays.push((dim, truth(t.number()?.cast::<bool>())?));
            Ok((view, 1, 0))
        }
        (0, _) if watch::varies(t) => {
            arrays.push((dim, t.as_longs(site)?));
            Ok((view, 1, 1))
        }
        (0, _) => {
            view = pick(&view, dim, t.number()?.cast(), own, site)?;
            Ok((view, 0, 1))
        }
        (n, DType::Bool | DType::U8) => {
            let sizes = &view.shape()[dim..dim + n];
            if let Some(k) = (0..n).find(|&k| t.shape()[k] != sizes[k]) {
                bail!(
                    Index,
                    "The shape of the mask {} at index {k} does not match the shape of the indexed tensor {} at index {}",
                    t.shape(),
                    view.shape(),
                    dim + k
                );
            }
            if watch::varies(t) {
                bail!(
                    Argument,
                    "vmap: We do not support batching operators that can support dynamic shape. Attempting to batch over indexing with a boolean mask."
                );
            }
            let places = apply(Nonzero, &[t], site)?;
            for k in 0..n {
                arrays.push((dim + k, places.select_at(1, k as i64, site)?));
            }
            Ok((view, n, n))
        }
        _ => {
            arrays.push((dim, t.as_longs(site)?));
            Ok((view, 1, 1))
        }
    }
}

/// A truth value as an index of a dimension of size 1: that one, or none.
fn truth(b: bool) -> Result<Tensor> {
    Tensor::zeros([usize::from(b)], DType::I64)
}

/// One index of a dimension of the view, which is dimension `own` of the tensor.
fn pick(view: &Tensor, dim: usize, i: i64, own: usize, site: Site) -> Result<Tensor> {
    let n = view.shape()[dim] as i64;
    ensure!(
        (-n..n).contains(&i),
        Index,
        "index {i} is out of bounds for dimension {own} with size {n}"
    );
    view.select_at(dim as i64, i, site)
}

pub(super) fn indexed(x: &Tensor, items: &[Index], site: Site) -> Result<Indexed> {
    let (view, arrays) = basic(x, items, site)?;
    let (Some((first, _)), Some((last, _))) = (arrays.first(), arrays.last()) else {
        return Ok(Indexed { view, rows: None });
    };
    let (count, adjacent) = (arrays.len(), last - first + 1 == arrays.len());
    let sizes: Shape = arrays.iter().map(|(d, _)| view.shape()[*d]).collect();
    // Where nothing is picked PyTorch looks at no index; and it counts the arrays, not the dimensions, in its error.
    let empty = (view.shape().iter().enumerate())
        .any(|(d, n)| *n == 0 && arrays.iter().all(|(k, _)| *k != d));
    let op = Positions {
        sizes,
        first: 0,
        modulo: empty,
    };
    let lent: Vec<&Tensor> = arrays.iter().map(|(_, t)| t).collect();
    let positions = apply(op, &lent, site)?;
    // Index arrays with something between them: their dimensions come first, as in NumPy.
    let (at, view) = if adjacent {
        (*first, view)
    } else {
        let mut order: Vec<i64> = arrays.iter().map(|(d, _)| *d as i64).collect();
        order.extend(
            (0..view.ndim() as i64).filter(|d| arrays.iter().all(|(k, _)| *k as i64 != *d)),
        );
        (0, view.permute(&order)?)
    };
    let rows = Rows {
        at,
        count,
        positions,
    };
    Ok(Indexed {
        view,
        rows: Some(rows),
    })
}

#[pullback_macros::called]
impl Tensor {
    /// Python's `x[…]`: a view for integers, slices and new dimensions, a copy where there are masks or index arrays.
    /// [`Index`] shows how to write it.
    ///
    /// # Errors
    /// PyTorch's sentences: an index out of range, too many of them, arrays that do not broadcast, a mask of another shape.
    #[track_caller]
    pub fn index(&self, indices: impl IntoIndices) -> Result<Tensor> {
        let site = Location::caller();
        let items = indices.into_indices();
        let found = indexed(self, &items, site)?;
        match found.rows {
            Some(rows) => rows.take(&found.view, site),
            // A tensor of its own, as every view is.
            None if found.view.is(self) => whole(self, &items),
            None => Ok(found.view),
        }
    }

    /// Python's `x[…] = value`: a number or a tensor that broadcasts, written in place. Of places that index arrays name
    /// twice, the last value stays.
    ///
    /// # Errors
    /// As [`Tensor::index`]; where the value does not broadcast; a leaf that requires a gradient outside `no_grad`.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let theta = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3])?;
    /// theta.set(1, 5.0)?;
    /// theta.set(theta.lt(2.0)?, 0.0)?;
    /// assert_eq!(theta.to_vec::<f32>()?, [0.0, 5.0, 3.0]);
    /// assert_eq!(theta.set(3, 0.0).unwrap_err().message(), "index 3 is out of bounds for dimension 0 with size 3");
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn set<'a>(&self, indices: impl IntoIndices, value: impl Into<Operand<'a>>) -> Result<()> {
        let (site, value) = (Location::caller(), value.into());
        let items = indices.into_indices();
        let Indexed { view, rows } = indexed(self, &known(&items)?, site)?;
        let Some(rows) = rows else {
            return match value {
                Operand::Number(n) => {
                    n.fit(view.dtype())?;
                    let view = view.once()?;
                    let src = Tensor::from_array(Array::number(n, view.dtype())?);
                    in_place(crate::ops::Copy, &view, &[&src], site, |x| {
                        kernels::fill(x, n).map(|()| true)
                    })
                }
                Operand::Tensor(t) => {
                    let t = without_leading_ones(t, view.ndim())?;
                    // The sentence of a value that does not fit is `expand`'s.
                    let t = t.expand(view.shape())?;
                    view.overwrite(&t, "copy_", site)
                }
            };
        };
        // One mask and one number is `masked_fill` in PyTorch, which converts.
        let one = match value {
            Operand::Number(_) => true,
            Operand::Tensor(t) => t.ndim() == 0,
        };
        let fills = match &items[..] {
            [Index::Tensor(m)] if one && m.dtype() == DType::U8 && m.ndim() > 0 => {
                bail!(
                    DType,
                    "masked_fill_ only supports boolean masks, but got mask with dtype unsigned char"
                );
            }
            [Index::Tensor(m)] => one && m.dtype() == DType::Bool,
            _ => false,
        };
        let owned;
        let src = match value {
            Operand::Number(n) => {
                n.fit(view.dtype())?;
                owned = Tensor::from_array(Array::number(n, view.dtype())?);
                &owned
            }
            Operand::Tensor(t) if fills => {
                if !watch::varies(t) && !unnumbered(&[&t.array()]) {
                    t.number()?.fit(view.dtype())?;
                }
                owned = t.to(view.dtype())?;
                &owned
            }
            Operand::Tensor(t) if t.dtype() != view.dtype() => {
                bail!(
                    DType,
                    "Index put requires the source and destination dtypes match, got {} for the destination and {} for the source.",
                    view.dtype().scalar_type_name(),
                    t.dtype().scalar_type_name()
                );
            }
            Operand::Tensor(t) if uncounted(tensors(&items)) => {
                owned = nothing_of(t, rows.shape(&view))?;
                &owned
            }
            Operand::Tensor(t) => {
                owned = without_leading_ones(t, rows.shape(&view).len())?;
                &owned
            }
        };
        rows.put_(&view, src, false, site)
    }

    /// One element as a number: Python's `theta[i].item()`.
    ///
    /// # Errors
    /// An index out of range; more than one element.
    #[track_caller]
    pub fn get<T: Element>(&self, indices: impl IntoIndices) -> Result<T> {
        self.index(indices)?.item()
    }
}

/// Leading dimensions of size 1 that the destination does not have, dropped.
fn without_leading_ones(t: &Tensor, rank: usize) -> Result<Tensor> {
    let extra = (t.shape().iter().take(t.ndim().saturating_sub(rank)))
        .take_while(|&&n| n == 1)
        .count();
    match extra {
        0 => Ok(t.clone()),
        _ => t.reshape(Shape::from(&t.shape()[extra..])),
    }
}
