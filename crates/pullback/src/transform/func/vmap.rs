//! Functions of one row as functions of a batch: `vmap`, and the gradients of single samples. How a batch runs is in `batch`.

use super::batch::mapped;
use super::form::{Inputs, Tensors};
use super::reverse::{given, grad};
use crate::core::fail::bail;
use crate::core::tensor::Tensor;
use crate::program::recorder;
use crate::{Result, cat, stack};

use std::cell::RefCell;

pub use crate::program::recorder::Randomness;

/// Whether a tensor differs from row to row, while one row stands for all of a batch: who decides by its numbers then decides for one row.
pub fn depends_on_row(t: &Tensor) -> bool {
    recorder::depends(t)
}

/// How [`Vmap::run`] maps. The default maps the first dimension of every input.
///
/// ```
/// use pullback::{Tensor, func::Vmap};
/// // The columns of a matrix, each times the same vector.
/// let a = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0], [2, 2])?;
/// let v = Tensor::from_slice(&[1.0f64, 10.0], [2])?;
/// let how = Vmap::default().in_dims([Some(1), None]);
/// let y = how.run(|[column, v]| column.mul(v)?.sum(), [&a, &v])?;
/// assert_eq!(y.to_vec::<f64>()?, [31.0, 42.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Vmap {
    /// For each input the dimension that counts rows, or `None` for one that all rows share; inputs beyond the list count by their
    /// first.
    pub in_dims: Vec<Option<i64>>,
    /// Where the rows are in the results.
    pub out_dim: i64,
    /// What random numbers do.
    pub randomness: Randomness,
    /// How many rows run at once, where memory for all is too much.
    pub chunk_size: Option<usize>,
}

impl Vmap {
    /// With other dimensions that count rows.
    #[must_use]
    pub fn in_dims(self, in_dims: impl Into<Vec<Option<i64>>>) -> Vmap {
        let in_dims = in_dims.into();
        Vmap { in_dims, ..self }
    }

    /// With the rows in another dimension of the results.
    #[must_use]
    pub fn out_dim(self, out_dim: i64) -> Vmap {
        Vmap { out_dim, ..self }
    }

    /// With another rule for random numbers.
    #[must_use]
    pub fn randomness(self, randomness: Randomness) -> Vmap {
        Vmap { randomness, ..self }
    }

    /// With so many rows at once, or all of them.
    #[must_use]
    pub fn chunk_size(self, chunk_size: Option<usize>) -> Vmap {
        Vmap { chunk_size, ..self }
    }

    /// The results of `f` for every row, stacked. PyTorch's `torch.func.vmap(f, in_dims, out_dims, randomness, chunk_size=…)`.
    ///
    /// # Errors
    /// Whatever `f` reports; PyTorch's sentences where no input has rows, or inputs have different numbers of them.
    #[track_caller]
    pub fn run<I: Inputs, R: Tensors>(
        &self,
        f: impl Fn(&I::Own) -> Result<R>,
        inputs: I,
    ) -> Result<R> {
        let form = RefCell::new(None);
        let own = |x: &[Tensor]| {
            let y = f(&inputs.own(x.to_vec())?)?;
            let list = y.tensors().into_iter().cloned().collect();
            *form.borrow_mut() = Some(y);
            Ok(list)
        };
        let found = self.lists(own, &inputs.tensors())?;
        given(form.into_inner(), found)
    }

    /// [`Vmap::run`] of lists.
    #[track_caller]
    pub(super) fn lists(
        &self,
        f: impl Fn(&[Tensor]) -> Result<Vec<Tensor>>,
        inputs: &[&Tensor],
    ) -> Result<Vec<Tensor>> {
        let dims: Vec<Option<i64>> = (0..inputs.len())
            .map(|i| self.in_dims.get(i).copied().unwrap_or(Some(0)))
            .collect();
        let mut rows = Vec::new();
        for (x, dim) in inputs.iter().zip(&dims) {
            if let Some(dim) = dim {
                let d = x.shape().dim(*dim)?;
                if x.ndim() == 0 {
                    bail!(
                        Value,
                        "vmap: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality 0"
                    );
                }
                rows.push(x.movedim(&[d as i64], &[0])?);
            }
        }
        let sizes: Vec<usize> = rows.iter().map(|t| t.shape()[0]).collect();
        let Some(&count) = sizes.first() else {
            bail!(Value, "vmap: Expected at least one Tensor to vmap over");
        };
        if sizes.iter().any(|&n| n != count) {
            bail!(
                Value,
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes:?} for the mapped dimension"
            );
        }
        let whole = |x: &[Tensor]| -> Result<Vec<Tensor>> {
            let mut own = x.iter();
            let all: Vec<Tensor> = (inputs.iter().zip(&dims))
                .map(|(&t, dim)| match dim {
                    Some(_) => own.next().unwrap_or(t).clone(),
                    None => t.clone(),
                })
                .collect();
            f(&all)
        };
        let step = self.chunk_size.unwrap_or(count).max(1);
        let mut parts: Vec<Vec<Tensor>> = Vec::new();
        for start in (0..count.max(1)).step_by(step) {
            let len = step.min(count - start);
            let part = (rows.iter())
                .map(|t| t.narrow(0, start, len))
                .collect::<Result<Vec<_>>>()?;
            parts.push(self.part(&whole, &part, len)?);
        }
        let many = parts.first().map_or(0, Vec::len);
        (0..many)
            .map(|k| {
                let column: Vec<&Tensor> = parts.iter().map(|p| &p[k]).collect();
                match column[..] {
                    [one] => Ok(one.clone()),
                    _ => cat(&column, self.out_dim),
                }
            })
            .collect()
    }

    /// Some rows at once; one after the other where `f` looks at numbers that differ from row to row.
    fn part(
        &self,
        f: &dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>,
        rows: &[Tensor],
        count: usize,
    ) -> Result<Vec<Tensor>> {
        let found = mapped(rows, count, self.randomness, f)?;
        if found.looked {
            let all = (0..count)
                .map(|i| {
                    let row: Result<Vec<Tensor>> =
                        rows.iter().map(|t| t.select(0, i as i64)).collect();
                    f(&row?)
                })
                .collect::<Result<Vec<_>>>()?;
            let many = all.first().map_or(0, Vec::len);
            return (0..many)
                .map(|k| {
                    let column: Vec<&Tensor> = all.iter().map(|row| &row[k]).collect();
                    stack(&column, self.out_dim)
                })
                .collect();
        }
        (found.outputs.into_iter())
            .map(|(t, batched)| {
                let t = match batched {
                    true => t,
                    false => t.expand(&[&[count], &t.shape()[..]].concat()[..])?,
                };
                match self.out_dim {
                    0 => Ok(t),
                    dim => t.movedim(&[0], &[dim]),
                }
            })
            .collect()
    }
}

/// `f` for every row of the inputs (their first dimension), the results stacked. `f` runs once, on one row, and its operations then run on
/// all rows at once; what it captures is shared by all rows. PyTorch's `torch.func.vmap`; [`Vmap`] has its options.
///
/// Derivatives may be taken inside and around it, in any order. Where `f` looks at numbers of a row (`item`), rows run one after the other.
///
/// # Errors
/// As [`Vmap::run`].
///
/// ```
/// use pullback::{Tensor, func};
/// let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0], [2, 2])?;
/// let dots = func::vmap(|[a, b]| a.mul(b)?.sum(), [&x, &x])?;
/// assert_eq!(dots.to_vec::<f64>()?, [5.0, 25.0]);
/// // The Hessian of each row.
/// let h = func::vmap(|x| func::hessian(|x| x.pow(3)?.sum(), x), &x)?;
/// assert_eq!(h.shape()[..], [2, 2, 2]);
/// assert_eq!(h.to_vec::<f64>()?, [6.0, 0.0, 0.0, 12.0, 18.0, 0.0, 0.0, 24.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn vmap<I: Inputs, R: Tensors>(f: impl Fn(&I::Own) -> Result<R>, inputs: I) -> Result<R> {
    Vmap::default().run(f, inputs)
}

/// The gradient by each parameter of `loss(parameters, sample)` for every sample: rows of `data`, their first dimension. The results have the
/// samples first, then the parameter's sizes. PyTorch's `vmap(grad(loss), in_dims=(None, 0))`.
///
/// # Errors
/// As [`grad`]; as [`Vmap::run`].
///
/// ```
/// use pullback::{Tensor, func};
/// let w = Tensor::from_slice(&[1.0f64, -1.0], [2])?;
/// let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 5.0], [2, 2])?;
/// let g = func::per_sample_grad(|w, x| w.mul(x)?.sum()?.square(), &w, &x)?;
/// assert_eq!(g.to_vec::<f64>()?, [-2.0, -4.0, -12.0, -20.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn per_sample_grad<P: Inputs + Copy, D: Inputs>(
    loss: impl Fn(&P::Own, &D::Own) -> Result<Tensor>,
    parameters: P,
    data: D,
) -> Result<P::Own> {
    vmap(|row| grad(|w| loss(w, row), parameters), data)
}
