//! Elements combined where an index names places: sums, products, means and extremes.
//!
//! Sums and means are compositions of `scatter_add`; products and extremes have gradients of their own, which are PyTorch's:
//! a product's without division by zero, an extreme's shared among equals.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::bail;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::Operand;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::ops::index::rows::{IndexAddUp, IndexTake};
use crate::{Arith, Array, Category, DType, Result, Shape};
use pullback_array::dispatch;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// How elements at one place become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduce {
    /// Σ
    Sum,
    /// Π
    Prod,
    /// Σ divided by how many there are.
    Mean,
    /// The largest.
    Amax,
    /// The smallest.
    Amin,
}

impl Reduce {
    /// The reduction of PyTorch's name.
    ///
    /// # Errors
    /// PyTorch's sentence for other names.
    pub fn from_name(name: &str) -> Result<Reduce> {
        Ok(match name {
            "sum" => Reduce::Sum,
            "prod" => Reduce::Prod,
            "mean" => Reduce::Mean,
            "amax" => Reduce::Amax,
            "amin" => Reduce::Amin,
            other => {
                bail!(
                    Shape,
                    "reduce argument must be either sum, prod, mean, amax or amin, got {other}"
                );
            }
        })
    }
}

/// Products or extremes of what is there and of elements at positions.
#[derive(Clone, Debug)]
pub struct ScatterReduce {
    /// A product or an extreme.
    pub reduce: Reduce,
}
define! { ScatterReduce: General "scatter_reduce", "torch.scatter_reduce";
    summary: "The first operand multiplied by, or the extreme of it and, the elements of the third at positions in row-major order.";
    formula: "y = x; y[index] = y[index] · s, or max, min";
    derivative: "a product: g·y/x and (g·y)[index]/s, without dividing by zero; an extreme: g shared among those that equal it";
    proof: { samples: || {
        let of = |reduce, x: (&[usize], &[f64]), i: &[f64], s: &[f64]| Sample::mixed(ScatterReduce { reduce }, vec![
            (x.0.to_vec(), x.1.to_vec(), DType::F64), (vec![i.len()], i.to_vec(), DType::I64), (vec![s.len()], s.to_vec(), DType::F64)]);
        let two: (&[usize], &[f64]) = (&[2, 2], &[0.5, -1.0, 2.0, 3.0]);
        vec![
            of(Reduce::Prod, two, &[3.0, 0.0, 3.0], &[1.5, -2.0, 0.75]),
            of(Reduce::Amax, two, &[3.0, 0.0, 3.0], &[3.5, -2.0, 0.75]),
            of(Reduce::Amin, two, &[3.0, 0.0, 2.0], &[3.5, -2.0, 0.75]),
            of(Reduce::Prod, (&[0], &[]), &[], &[]),
            of(Reduce::Amax, (&[], &[0.5]), &[0.0], &[1.5]),
        ]
    } }
}

impl ScatterReduce {
    fn picks(&self, x: &Tensor, cx: &Ctx<'_>) -> Result<Tensor> {
        let op = IndexTake {
            at: 0,
            count: x.ndim(),
            node: "",
        };
        apply(op, &[x, &cx.input(1)?], cx.site())
    }

    fn adds(&self, s: &Tensor, cx: &Ctx<'_>) -> Result<Tensor> {
        let op = IndexAddUp {
            shape: cx.shape(0).clone(),
            at: 0,
            count: cx.shape(0).len(),
        };
        apply(op, &[s, &cx.input(1)?], cx.site())
    }

    /// Dy/dx and dy/ds, element by element: what both rules multiply by.
    fn slopes(&self, cx: &Ctx<'_>) -> Result<(Tensor, Tensor)> {
        let (x, s, y) = (cx.input(0)?, cx.input(2)?, cx.output()?);
        let dtype = y.dtype();
        if self.reduce != Reduce::Prod {
            let won = x.eq(&y)?.to(dtype)?;
            let took = s.eq(&self.picks(&y, cx)?)?.to(dtype)?;
            let shares = won.add(&self.adds(&took, cx)?)?;
            return Ok((won.div(&shares)?, took.div(&self.picks(&shares, cx)?)?));
        }
        let again = |x: &Tensor, s: &Tensor| apply(self.clone(), &[x, &cx.input(1)?, s], cx.site());
        let one = Tensor::ones(Shape::scalar(), dtype)?;
        let filled = |t: &Tensor, at: &Tensor| one.where_(at, t);
        // Where x is 0, the product of the rest.
        let x1 = filled(&x, &x.eq(0.0)?)?;
        let by_x = again(&x1, &s)?.div(&x1)?;
        // Where one factor is 0, the product of the others; where several are, 0.
        let zero = s.eq(0.0)?;
        let zeros = self.picks(&self.adds(&zero.to(dtype)?, cx)?, cx)?;
        let single = zero.to(dtype)?.mul(&zeros)?.eq(1.0)?;
        let rest = self.picks(&again(&x, &filled(&s, &single)?)?, cx)?;
        let plain = self.picks(&y, cx)?.div(&filled(&s, &zero)?)?;
        Ok((by_x, rest.where_(&single, &plain)?))
    }
}

impl Op for ScatterReduce {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let index = batch.placed(&batch.full(1)?, batch.shape(0).numel())?;
        batch.apply(self, &[&batch.full(0)?, &index, &batch.full(2)?])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if unnumbered(x) {
            return inferred(x[0].shape(), x[0].dtype());
        }
        let places = x[1].numbers::<i64>()?;
        let reduce = self.reduce;
        dispatch!(number x[0].dtype(), T => {
            let (mut y, s) = (x[0].numbers::<T>()?, x[2].numbers::<T>()?);
            for (&p, b) in places.iter().zip(s) {
                let a = &mut y[p as usize];
                let nan = b.partial_cmp(&b).is_none();
                match reduce {
                    Reduce::Amax if b > *a || nan => *a = b,
                    Reduce::Amin if b < *a || nan => *a = b,
                    Reduce::Amax | Reduce::Amin => {}
                    _ => *a = (*a).times(b),
                }
            }
            Array::from_slice(&y, x[0].shape())
        }, else {
            let (mut y, s) = (x[0].numbers::<bool>()?, x[2].numbers::<bool>()?);
            for (&p, b) in places.iter().zip(s) {
                match reduce {
                    Reduce::Amax => y[p as usize] |= b,
                    _ => y[p as usize] &= b,
                }
            }
            Array::from_slice(&y, x[0].shape())
        })
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS.and(Reads::OUTPUT)
    }
}

impl rules::General for ScatterReduce {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let (by_x, by_s) = self.slopes(cx)?;
        match i {
            // Sums make +0 of what has lost with a negative g, whichever way the gradient comes.
            0 => g.mul(&by_x)?.add(0.0),
            _ => self.picks(g, cx)?.mul(&by_s),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (by_x, by_s) = self.slopes(cx)?;
        let of_x = t[0].as_ref().map(|t| t.mul(&by_x)).transpose()?;
        let of_s = (t[2].as_ref())
            .map(|t| self.adds(&t.mul(&by_s)?, cx))
            .transpose()?;
        match (of_x, of_s) {
            (Some(a), Some(b)) => a.add(&b),
            (Some(t), None) | (None, Some(t)) => Ok(t),
            (None, None) => Tensor::zeros_of(cx.shape(0), cx.dtype(0)),
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// This tensor combined with `src` where the index names places along `dim`, all other coordinates being the index's
    /// own; without `include_self`, what is there is left out where something comes. PyTorch's `scatter_reduce`.
    ///
    /// # Errors
    /// As [`Tensor::scatter`].
    ///
    /// ```
    /// # use pullback::{Reduce, Tensor};
    /// let x = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    /// let i = Tensor::from_slice(&[0i64, 0, 1], [3])?;
    /// let s = Tensor::from_slice(&[5.0f32, 3.0, 1.0], [3])?;
    /// assert_eq!(x.scatter_reduce(0, &i, &s, Reduce::Amax, true)?.to_vec::<f32>()?, [5.0, 2.0]);
    /// assert_eq!(x.scatter_reduce(0, &i, &s, Reduce::Mean, false)?.to_vec::<f32>()?, [4.0, 1.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn scatter_reduce<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        src: impl Into<Operand<'a>>,
        reduce: Reduce,
        include_self: bool,
    ) -> Result<Tensor> {
        let (site, src) = (Location::caller(), src.into());
        let (rows, src) = self.scattered(dim, index, src, site)?;
        if rows.positions.numel() == 0 {
            return self.copy_in(crate::MemoryFormat::Contiguous);
        }
        let dtype = self.dtype();
        let whole = self.contiguous()?; // PyTorch's copy is row-major
        let start = |value: f64| -> Result<Tensor> {
            if include_self {
                return Ok(whole.clone());
            }
            let value = Tensor::full(Shape::scalar(), value, DType::F64)?.to(dtype)?;
            rows.put(&whole, &value, false, site)
        };
        let sum = || rows.put(&start(0.0)?, &src, true, site);
        match reduce {
            Reduce::Sum => sum(),
            Reduce::Mean => {
                let ones = Tensor::ones(rows.shape(self), dtype)?;
                let own = match include_self {
                    true => whole.ones_like()?,
                    false => whole.zeros_like()?,
                };
                let count = rows.put(&own, &ones, true, site)?;
                let count = count.maximum(&Tensor::ones(Shape::scalar(), dtype)?)?;
                match dtype.category() {
                    Category::Float => sum()?.div(&count),
                    _ => sum()?.div_rounded(&count, Some(crate::ops::Rounding::Floor)),
                }
            }
            _ => {
                let first = match (reduce, include_self) {
                    (_, true) => self.clone(),
                    (Reduce::Prod, false) => start(1.0)?,
                    (_, false) => rows.put(self, &worst(reduce, dtype)?, false, site)?,
                };
                apply(
                    ScatterReduce { reduce },
                    &[&first, &rows.positions, &src],
                    site,
                )
            }
        }
    }
}

/// What any element beats.
fn worst(reduce: Reduce, dtype: DType) -> Result<Tensor> {
    let low = reduce == Reduce::Amax;
    if dtype == DType::Bool {
        return Tensor::full((), !low, dtype);
    }
    match dtype.integers() {
        Some((low_end, high_end)) => {
            let end = if low { low_end } else { high_end };
            let end =
                i64::try_from(end).map_or(crate::Number::UInt(end as u64), crate::Number::Int);
            Tensor::full((), end, dtype)
        }
        _ => Tensor::full(
            (),
            if low {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            },
            dtype,
        ),
    }
}
