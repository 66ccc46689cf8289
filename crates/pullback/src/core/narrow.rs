//! Half precisions and narrow integers under operations: computed in the dtype they compute in, rounded or wrapped once.
//!
//! Operations are written for dtypes that compute. Views, and operations that say so ([`Op::narrow`]), take narrow operands as they are
//! (their kernels convert piece by piece); all others get converted copies, and their results are stored as narrow as the operands.
//! Gradient rules run wide too, while nobody watches how: [`rule_runs_wide`].

use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::core::{device, mode};
use crate::{Array, DType, Error, ErrorKind, Result};
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
    /// It takes them as they are, and its kernels convert piece by piece; its results are rounded as those of `Counts` are.
    Pieces,
    /// As `Widened`, and what it gives in int64 (places, counts, sums of integers) stays so, though 32 or 64 bits without a sign
    /// compute in int64.
    Counts,
}

/// Whether one of them is narrow.
#[inline]
pub(crate) fn any(arrays: &[&Array]) -> bool {
    arrays.iter().any(|a| a.dtype().is_narrow())
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

/// What an operation is given of these.
fn given<'a>(arrays: &[&'a Array], how: Narrow) -> Result<Wide<'a>> {
    match how {
        Narrow::Pieces => Ok(arrays.iter().map(|a| Cow::Borrowed(*a)).collect()),
        Narrow::Native | Narrow::Widened | Narrow::Counts => widened(arrays),
    }
}

/// The value of an operation, whatever its operands' dtypes.
///
/// # Errors
/// Those of [`Op::eval`], and of conversion.
pub(crate) fn eval(op: &dyn Op, arrays: &[&Array]) -> Result<Array> {
    if device::concerns(arrays) {
        return match device::eval(op, arrays)?.into_iter().next() {
            Some(value) => Ok(value),
            None => op.eval(arrays),
        };
    }
    if !any(arrays) {
        return op.eval(arrays);
    }
    refused(op, arrays)?;
    let how = op.narrow();
    if how == Narrow::Native || mixed(arrays) {
        return op.eval(arrays);
    }
    let wide = given(arrays, how)?;
    let wide: SmallVec<[&Array; 4]> = wide.iter().map(AsRef::as_ref).collect();
    let value = op.eval(&wide).map_err(|e| told(e, arrays))?;
    settled(value, arrays, how)
}

/// As [`eval`], all results.
///
/// # Errors
/// As there.
pub(crate) fn eval_many(op: &dyn Op, arrays: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
    if device::concerns(arrays) {
        return device::eval(op, arrays);
    }
    if !any(arrays) {
        return op.eval_many(arrays);
    }
    refused(op, arrays)?;
    let how = op.narrow();
    if how == Narrow::Native || mixed(arrays) {
        return op.eval_many(arrays);
    }
    let wide = given(arrays, how)?;
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
    if device::concerns(arrays) {
        let all = (arrays.iter().map(|a| device::on_host(a))).collect::<Result<Wide<'_>>>()?;
        let all: SmallVec<[&Array; 4]> = all.iter().map(AsRef::as_ref).collect();
        return decide(op, &all);
    }
    if !any(arrays) {
        return op.decide(arrays);
    }
    let wide = widened(arrays)?;
    let wide: SmallVec<[&Array; 4]> = wide.iter().map(AsRef::as_ref).collect();
    op.decide(&wide)
}

/// Primitives that PyTorch has no kernel of for unsigned integers of 16 bits and more, and what it calls the kernel; sorted.
const NOT_UNSIGNED: &[(&str, &str)] = &[
    ("abs", "abs_cpu"),
    ("add", "add_stub"),
    ("add_scaled", "add_stub"),
    ("amax", "max_values_cpu"),
    ("amin", "min_values_cpu"),
    ("argmax", "argmax_cpu"),
    ("argmedian", "median_cpu"),
    ("argmin", "argmin_cpu"),
    ("argmode", "mode_cpu"),
    ("bincount", "bincount_cpu"),
    ("bitwise_left_shift", "lshift_cpu"),
    ("bitwise_not", "bitwise_not_cpu"),
    ("bitwise_right_shift", "rshift_cpu"),
    ("count_nonzero", "nonzero_count_cpu"),
    ("cummax_indices", "cummax_cpu"),
    ("div_rounded", "div_floor_cpu"),
    ("fmod", "fmod_cpu"),
    ("gcd", "gcd_cpu"),
    ("ge", "ge_cpu"),
    ("gt", "gt_cpu"),
    ("lcm", "lcm_cpu"),
    ("le", "le_cpu"),
    ("logical_not", "logical_not_cpu"),
    ("lt", "lt_cpu"),
    ("median", "median_cpu"),
    ("neg", "neg_cpu"),
    ("nonzero", "nonzero_count_cpu"),
    ("pow", "pow"),
    ("pow_tensor", "pow"),
    ("remainder", "remainder_cpu"),
    ("sign", "sign_cpu"),
    ("sub", "add_stub"),
    ("topk", "topk_cpu"),
    ("tril", "tril"),
    ("triu", "triu"),
];

/// PyTorch's error for arithmetic that it does not have for the larger unsigned integers. (They are compared and divided by the bits of
/// an `i64`, so most of it would be wrong for the largest of them.)
fn refused(op: &dyn Op, arrays: &[&Array]) -> Result<()> {
    let large = |d: &DType| matches!(d, DType::U16 | DType::U32 | DType::U64);
    let Some(d) = arrays.iter().map(|a| a.dtype()).find(large) else {
        return Ok(());
    };
    match NOT_UNSIGNED.binary_search_by_key(&op.def().name, |row| row.0) {
        Ok(at) => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "\"{}\" not implemented for '{}'",
                NOT_UNSIGNED[at].1,
                d.scalar_type_name()
            ),
        )
        .help("convert it on purpose: `x.to(DType::I64)?`")),
        Err(_) => Ok(()),
    }
}

fn settled(value: Array, arrays: &[&Array], how: Narrow) -> Result<Array> {
    if matches!(how, Narrow::Counts | Narrow::Pieces) && value.dtype() == DType::I64 {
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
        Some(d) => {
            let (wide, own) = (d.computing().scalar_type_name(), d.scalar_type_name());
            e.renamed(&format!("'{wide}'"), &format!("'{own}'"))
                .renamed(&format!("Got: {wide}"), &format!("Got: {own}"))
        }
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
            kernels::computing(&t.array())?.into_owned(),
        )),
    }
}
