//! Half precisions and narrow integers under operations: computed in the dtype they compute in, rounded or wrapped once.
//!
//! Operations are written for dtypes that compute. Views, and operations that say so ([`Op::narrow`]), take narrow operands as they are
//! (their kernels convert piece by piece); all others get converted copies, and their results are stored as narrow as the operands.
//! Gradient rules run wide too, while nobody watches how: [`rule_runs_wide`].

use crate::core::mode;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Error, Result};
use pullback_array::kernels;
use smallvec::SmallVec;
use std::borrow::Cow;

/// What an operation does with operands that are stored narrower than they compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrow {
    /// It takes them as they are.
    Native,
    /// It is given converted copies, and its results are rounded to the operands' dtype where they are in the dtype that one computes
    /// in.
    Widened,
    /// As `Widened`, and what it gives in int64 (places, counts, sums of integers) stays so, though 32 or 64 bits without a sign
    /// compute in int64.
    Counts,
}

/// Whether one of them is narrow.
#[inline]
pub(crate) fn any(arrays: &[&Array]) -> bool {
    arrays.iter().any(|a| a.dtype().is_narrow())
}

/// As [`any`], for tensors.
#[inline]
pub(crate) fn any_of(inputs: &[&Tensor]) -> bool {
    inputs.iter().any(|t| t.dtype().is_narrow())
}

/// Whether a half precision stands beside another floating dtype: whether that is a mistake the operation says, who would see none
/// in converted copies.
fn mixed(arrays: &[&Array]) -> bool {
    let mut floats = arrays.iter().map(|a| a.dtype()).filter(|d| d.is_float());
    match floats.next() {
        Some(first) => floats.any(|d| d != first),
        None => false,
    }
}

type Wide<'a> = SmallVec<[Cow<'a, Array>; 4]>;

fn widened<'a>(arrays: &[&'a Array]) -> Result<Wide<'a>> {
    arrays.iter().map(|a| kernels::computing(a)).collect()
}

/// The value of an operation, whatever its operands' dtypes.
///
/// # Errors
/// Those of [`Op::eval`], and of conversion.
pub(crate) fn eval(op: &dyn Op, arrays: &[&Array]) -> Result<Array> {
    let how = op.narrow();
    if how == Narrow::Native || !any(arrays) || mixed(arrays) {
        return op.eval(arrays);
    }
    let wide = widened(arrays)?;
    let wide: SmallVec<[&Array; 4]> = wide.iter().map(AsRef::as_ref).collect();
    let value = op.eval(&wide).map_err(|e| told(e, arrays))?;
    settled(value, arrays, how)
}

/// As [`eval`], all results.
///
/// # Errors
/// As there.
pub(crate) fn eval_many(op: &dyn Op, arrays: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
    let how = op.narrow();
    if how == Narrow::Native || !any(arrays) || mixed(arrays) {
        return op.eval_many(arrays);
    }
    let wide = widened(arrays)?;
    let wide: SmallVec<[&Array; 4]> = wide.iter().map(AsRef::as_ref).collect();
    let values = op.eval_many(&wide).map_err(|e| told(e, arrays))?;
    values
        .into_iter()
        .map(|value| settled(value, arrays, how))
        .collect()
}

/// What a gate decides, for wide copies of its operands.
///
/// # Errors
/// Those of [`Op::decide`], and of conversion.
pub(crate) fn decide(op: &dyn Op, arrays: &[&Array]) -> Result<Option<Array>> {
    if !any(arrays) {
        return op.decide(arrays);
    }
    let wide = widened(arrays)?;
    let wide: SmallVec<[&Array; 4]> = wide.iter().map(AsRef::as_ref).collect();
    op.decide(&wide)
}

fn settled(value: Array, arrays: &[&Array], how: Narrow) -> Result<Array> {
    if how == Narrow::Counts && value.dtype() == DType::I64 {
        return Ok(value);
    }
    let found: SmallVec<[DType; 4]> = arrays.iter().map(|a| a.dtype()).collect();
    kernels::settled(value, &found)
}

/// An error that names the dtype computed in, with the one that the user gave.
#[cold]
fn told(e: Error, arrays: &[&Array]) -> Error {
    let narrow = arrays.iter().map(|a| a.dtype()).find(|d| d.is_narrow());
    match narrow {
        None => e,
        Some(d) => e.renamed(
            &format!("'{}'", d.computing().scalar_type_name()),
            &format!("'{}'", d.scalar_type_name()),
        ),
    }
}

/// Whether the rule of an operation runs on wide copies of its gradient and of what was saved: the gradients are rounded once then.
/// Where the rule's own operations are recorded or watched it runs on what is there.
#[inline]
pub(crate) fn rule_runs_wide(op: &dyn Op, create_graph: bool) -> bool {
    !create_graph && !mode::watched() && !op.def().view && !op.lenient()
}

/// A tensor without history in the dtype it computes in.
///
/// # Errors
/// Where there is no memory for the copy.
pub(crate) fn wide(t: &Tensor) -> Result<Tensor> {
    match t.dtype().is_narrow() {
        false => Ok(t.clone()),
        true => Ok(Tensor::from_array(
            kernels::computing(t.array())?.into_owned(),
        )),
    }
}
