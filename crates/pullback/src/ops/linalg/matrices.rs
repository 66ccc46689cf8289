//! What functions of matrices share: which inputs they take, how a matrix that cannot be factorised is reported, and the halves of
//! matrices that their rules are written in.

use crate::core::tensor::Tensor;
use crate::{Array, DType, Error, ErrorKind, Result};

/// The error for arguments of a function of matrices.
#[cold]
pub(in crate::ops) fn refused(text: String) -> Error {
    Error::new(ErrorKind::Argument, text)
}

/// An error of the type that PyTorch has for dtypes without such a function.
#[cold]
fn not_there(text: String) -> Error {
    Error::new(ErrorKind::Unsupported, text)
}

/// Whether `a` has a floating dtype, in PyTorch's words.
pub(in crate::ops) fn floating(a: &Tensor, name: &str) -> Result<()> {
    match a.dtype() {
        dtype if dtype.is_differentiable() => Ok(()),
        dtype => Err(not_there(format!(
            "{name}: Expected a floating point or complex tensor as input. Got {}",
            dtype.scalar_type_name()
        ))),
    }
}

/// Whether PyTorch's kernel of that name computes in the dtype of `a`: in single and double precision.
pub(in crate::ops) fn precise(a: &Tensor, kernel: &str) -> Result<()> {
    match a.dtype() {
        DType::F32 | DType::F64 | DType::Dd => Ok(()),
        dtype => Err(not_there(format!(
            "\"{kernel}\" not implemented for '{}'",
            dtype.scalar_type_name()
        ))),
    }
}

/// As [`floating`] and [`precise`], where the function itself looks for half precisions.
pub(in crate::ops) fn not_half(a: &Tensor, name: &str) -> Result<()> {
    floating(a, name)?;
    match a.dtype() {
        dtype @ (DType::F16 | DType::BF16) => Err(not_there(format!(
            "{name}: Low precision dtypes not supported. Got {}",
            dtype.scalar_type_name()
        ))),
        _ => Ok(()),
    }
}

/// Whether `a` is a matrix or a batch of some.
pub(in crate::ops) fn matrix(a: &Tensor, name: &str) -> Result<()> {
    match a.ndim() {
        0 | 1 => Err(refused(format!(
            "{name}: The input tensor A must have at least 2 dimensions."
        ))),
        _ => Ok(()),
    }
}

/// Rows and columns of a matrix or a batch of some; (1, 1) of anything smaller.
pub(in crate::ops) fn sides(a: &Tensor) -> (usize, usize) {
    match &a.shape()[..] {
        [.., m, n] => (*m, *n),
        _ => (1, 1),
    }
}

/// Whether `a` is a square matrix or a batch of some.
pub(in crate::ops) fn square(a: &Tensor, name: &str) -> Result<()> {
    matrix(a, name)?;
    match sides(a) {
        (m, n) if m == n => Ok(()),
        (m, n) => Err(refused(format!(
            "{name}: A must be batches of square matrices, but they are {m} by {n} matrices"
        ))),
    }
}

/// The sizes before the last two, of both together.
pub(in crate::ops) fn common_batch(a: &Tensor, b: &Tensor) -> Result<Vec<usize>> {
    let front = |t: &Tensor| crate::Shape::new(&t.shape()[..t.ndim().saturating_sub(2)]);
    Ok(front(a).broadcast(&front(b))?.to_vec())
}

/// `a` with its matrices repeated for a whole batch.
#[track_caller]
pub(in crate::ops) fn batched(a: &Tensor, front: &[usize]) -> Result<Tensor> {
    let (m, n) = sides(a);
    a.expand(crate::Shape::new(&[front, &[m, n]].concat()))
}

/// What is said of the first matrix that could not be factorised; `words` says what the number means.
pub(in crate::ops) fn complaint(
    name: &str,
    a: &Array,
    info: &[i32],
    words: impl Fn(i32) -> String,
) -> Option<String> {
    let at = info.iter().position(|&i| i != 0)?;
    let element = match a.rank() {
        0..=2 => String::new(),
        _ => format!("(Batch element {at}): "),
    };
    Some(format!("{name}: {element}{}", words(info[at])))
}

/// The first matrix that could not be factorised, as an error.
pub(in crate::ops) fn failed(
    name: &str,
    a: &Array,
    info: &[i32],
    words: impl Fn(i32) -> String,
) -> Result<()> {
    match complaint(name, a, info, words) {
        None => Ok(()),
        Some(text) => Err(Error::new(ErrorKind::Factorisation, text)),
    }
}

/// Numbers that say what was wrong with each matrix of a batch, as a tensor.
pub(in crate::ops) fn info_of(a: &Tensor, info: &[i32]) -> Result<Tensor> {
    let front = crate::Shape::new(&a.shape()[..a.ndim().saturating_sub(2)]);
    crate::core::watch::looked(a);
    match a.array().is_meta() {
        true => Array::meta(crate::Layout::row_major(front), DType::I32),
        false => Array::from_slice(info, front),
    }
    .map(Tensor::from_array)
}

/// Why a matrix has no singular values or no eigenvalues.
pub(in crate::ops) fn no_end(info: i32) -> String {
    match info {
        pullback_array::factor::NOT_FINITE => {
            "The algorithm failed to converge because the input matrix contained non-finite values."
                .into()
        }
        info => format!(
            "The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated eigenvalues (error code: {info})."
        ),
    }
}

/// The lower triangle with half of the diagonal.
#[track_caller]
pub(in crate::ops) fn half_lower(x: &Tensor) -> Result<Tensor> {
    let strict = x.tril(-1)?;
    strict.add(&x.tril(0)?)?.mul(0.5)
}

/// X - Xᵀ.
#[track_caller]
pub(in crate::ops) fn skew(x: &Tensor) -> Result<Tensor> {
    x.sub(&x.mt()?)
}

/// Matrices of which factorisations, which read the lower triangle, read the `upper` one.
pub(in crate::ops) fn read(x: &Array, upper: bool) -> Result<Array> {
    if upper {
        x.transpose(-2, -1)
    } else {
        Ok(x.clone())
    }
}

/// X + Xᵀ.
#[track_caller]
pub(in crate::ops) fn doubled(x: &Tensor) -> Result<Tensor> {
    x.add(&x.mt()?)
}

/// A unit matrix of the size of `like`'s last dimension, in its dtype.
pub(in crate::ops) fn unit(like: &Tensor) -> Result<Tensor> {
    ones_on_diagonal(like, sides(like).1, sides(like).1)
}

/// `made`, which no kernel filled from other tensors, where `like` lies.
pub(in crate::ops) fn beside(like: &Tensor, made: Tensor) -> Result<Tensor> {
    let device = like.array().device();
    match made.array().device() == device {
        true => Ok(made),
        false => made.to_device(device),
    }
}

/// Ones on the diagonal of an m × n matrix, in the dtype of `like` and where that lies.
pub(in crate::ops) fn ones_on_diagonal(like: &Tensor, m: usize, n: usize) -> Result<Tensor> {
    beside(like, crate::ops::eye(m, Some(n.into()), like.dtype())?)
}

/// The columns of `x` times the elements of `s`: X diag(s).
#[track_caller]
pub(in crate::ops) fn times_columns(x: &Tensor, s: &Tensor) -> Result<Tensor> {
    x.mul(&s.unsqueeze(-2)?)
}
