//! One function on one argument list, for its proof: run as it is and in double-double, with the differences that its derivatives are compared
//! with. What is compared is in `functions`.

use super::case::{Finding, leaf, numbers, probe, unit};
use super::difference::{Differences, differences};
use super::literal::Call;
use crate::registry::{Entry, Reading, Value};
use crate::{BackwardOptions, DType, Dd, Result, Tensor, grad, no_grad};
use pullback_array::kernels;
use std::cell::OnceCell;

/// One function on one argument list.
pub(super) struct Subject<'a> {
    pub(super) entry: &'a Entry,
    pub(super) call: Call,
    pub(super) x: Vec<Tensor>,
    pub(super) reference: OnceCell<Differences>,
}

pub(super) type Tensors = Result<Vec<Tensor>, Finding>;

impl Subject<'_> {
    pub(super) fn run(&self, x: &[Tensor]) -> Tensors {
        self.results(self.call.with(&self.given(x)?))
    }

    /// The arguments as the function gets them: a matrix that stands for a symmetric one has its triangles moved together, and one that
    /// is triangular keeps its zeros.
    pub(super) fn given(&self, x: &[Tensor]) -> Tensors {
        let mut x = x.to_vec();
        match self.entry.function.reading {
            Reading::Whole => {}
            Reading::Symmetric => x[0] = x[0].add(&x[0].mt()?)?.mul(0.5)?,
            Reading::Triangle(k) => {
                let there = self.x[k].detach().ne(0.0)?.to(x[k].dtype())?;
                x[k] = x[k].mul(&there)?;
            }
        }
        Ok(x)
    }

    /// The tensors it gives, without signs that are not defined.
    pub(super) fn results(&self, call: Call) -> Tensors {
        let y = self.entry.call(&call.args, &call.named())?;
        let signs = self.entry.function.up_to_signs;
        let plain = |t: &Tensor| match signs && t.dtype().is_float() {
            true => t.abs(),
            false => Ok(t.clone()),
        };
        Ok(y.tensors().into_iter().map(plain).collect::<Result<_>>()?)
    }

    /// In double-double: floating dtypes asked for by name follow.
    pub(super) fn run_wide(&self, x: &[Tensor]) -> Tensors {
        let mut call = self.call.with(&self.given(x)?);
        let widen = |v: &mut Value| {
            if matches!(v, Value::DType(d) if d.is_float()) {
                *v = Value::DType(DType::Dd);
            }
        };
        call.args.iter_mut().for_each(widen);
        call.kwargs.iter_mut().for_each(|(_, v)| widen(v));
        self.results(call)
    }

    pub(super) fn reference(&self) -> Result<&Differences, Finding> {
        if let Some(found) = self.reference.get() {
            return Ok(found);
        }
        let _quiet = no_grad();
        let found = differences(&self.x, &|x| self.run_wide(x))?;
        Ok(self.reference.get_or_init(|| found))
    }

    /// Unit roundoff of the coarsest dtype that takes part.
    pub(super) fn unit(&self, y: &[Tensor]) -> f64 {
        (self.x.iter().chain(y))
            .filter(|t| t.dtype().is_float())
            .map(|t| unit(t.dtype()))
            .fold(self.least_unit(), f64::max)
    }

    /// That of double-double; factorisations lose some of its digits.
    pub(super) fn least_unit(&self) -> f64 {
        match self.entry.function.op {
            Some(op) if op.proof.spread => 2f64.powi(-90),
            _ => unit(DType::Dd),
        }
    }
}

pub(super) fn is_float(t: &&Tensor) -> bool {
    t.dtype().is_float()
}

pub(super) fn leaves(x: &[Tensor]) -> Tensors {
    Ok((x.iter())
        .map(|t| leaf(&t.array()))
        .collect::<Result<_>>()?)
}

pub(super) fn probes(y: &[Tensor], seed: u64) -> Result<Vec<Tensor>> {
    (y.iter().enumerate())
        .map(|(k, t)| probe(t.shape(), t.dtype(), seed + k as u64))
        .collect()
}

/// Gradients of Σ ⟨yᵢ, gᵢ⟩ by the floats of `x`, zeros where none flows; `None` where nothing is differentiable.
pub(super) fn pull(
    y: &[Tensor],
    g: &[Tensor],
    x: &[Tensor],
    again: bool,
) -> Result<Option<Vec<Tensor>>> {
    let roots: Vec<(&Tensor, Option<&Tensor>)> = (y.iter().zip(g))
        .filter(|(y, _)| y.requires_grad())
        .map(|(y, g)| (y, Some(g)))
        .collect();
    let wanted: Vec<&Tensor> = x.iter().filter(is_float).collect();
    if roots.is_empty() || wanted.is_empty() {
        return Ok(None);
    }
    let options = BackwardOptions {
        create_graph: again,
        allow_unused: true,
        ..Default::default()
    };
    let found = grad(&roots, &wanted, options)?;
    let filled = found.into_iter().zip(wanted);
    filled
        .map(|(g, x)| g.map_or_else(|| x.zeros_like(), Ok))
        .collect::<Result<_>>()
        .map(Some)
}

pub(super) fn wide(t: &Tensor) -> Result<Tensor> {
    match t.dtype().is_float() {
        true => kernels::cast(&t.array(), DType::Dd).map(Tensor::from_array),
        false => Ok(t.clone()),
    }
}

pub(super) fn all_numbers(y: &[Tensor]) -> Result<Vec<Dd>> {
    let mut out = Vec::new();
    for t in y {
        out.extend(numbers(t)?);
    }
    Ok(out)
}
