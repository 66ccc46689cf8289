//! Factorisations of matrices and what is solved with them: batches of row-major matrices in, batches of factors out.
//!
//! The algorithms are faer's, behind the feature `linalg`; without it every function here is an error that names the feature. Nothing
//! here knows gradients, and nothing raises for a matrix that cannot be factorised: each matrix has a number that says what was wrong
//! with it (`info`, as in LAPACK), which the operations put into words.

#[cfg(not(feature = "linalg"))]
mod absent;
#[cfg(feature = "linalg")]
mod by_faer;
#[cfg(feature = "linalg")]
mod jacobi;
#[cfg(feature = "linalg")]
mod plain;

#[cfg(feature = "linalg")]
use crate::room;
use crate::{Array, DType, Error, ErrorKind, Layout, Result, Shape};
use smallvec::{SmallVec, smallvec};

#[cfg(not(feature = "linalg"))]
use absent as backend;
#[cfg(feature = "linalg")]
use by_faer as backend;

/// What is made of a matrix of `m` rows and `n` columns; `k` is the smaller of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// P A = L U with partial pivoting: L below the diagonal (its own is one), U on and above it, `[m, n]`; and an array of int32
    /// `[k]`, the row that each row was exchanged with, counted from one. `info`: the first zero on U's diagonal, counted from one.
    Lu,
    /// A = L Lᵀ of the lower triangle; the other one is not read. `info`: the order of the first leading minor that is not positive.
    Cholesky,
    /// A = Q R: Q `[m, k]` and R `[k, n]`, or `[m, m]` and `[m, n]`.
    Qr {
        /// All columns of Q.
        complete: bool,
    },
    /// A = V diag(w) Vᵀ of a symmetric matrix of which the lower triangle is read: w `[n]` in rising order, V `[n, n]`. `info`: see
    /// [`NOT_FINITE`], or 1 where iterations did not end.
    Eigh,
    /// A = U diag(s) Vᵀ: U `[m, k]`, s `[k]` in falling order, Vᵀ `[k, n]`, or U `[m, m]` and Vᵀ `[n, n]`. `info` as for `Eigh`.
    Svd {
        /// All columns of U and rows of Vᵀ.
        full: bool,
    },
    /// A⁻¹. `info`: the first zero on the diagonal of U.
    Inverse,
    /// R on and above the diagonal and below it the vectors of reflections 1 - τ v vᵀ whose product is Q, `[m, n]`; and τ `[k]`.
    Reflectors,
    /// A = P L D Lᵀ Pᵀ of a symmetric matrix of which the lower triangle is read: L and the blocks of D, of one and two rows, in one
    /// matrix `[n, n]`; and an array of int32 `[n]`, the exchanges, counted from one and negative for blocks of two. `info`: the first
    /// block that is zero.
    Ldl,
}

/// `info` of a matrix with infinite elements or NaN, where those are looked for.
pub const NOT_FINITE: i32 = -1;

/// Factors of each matrix of a batch.
#[derive(Debug)]
pub struct Factors {
    /// The factors, in the order that [`Factor`] names them.
    pub parts: SmallVec<[Array; 3]>,
    /// For each matrix: 0, or what was wrong with it.
    pub info: Vec<i32>,
}

type Sizes = SmallVec<[usize; 2]>;

impl Factor {
    /// Whether the last of its factors says which rows were exchanged.
    fn has_pivots(self) -> bool {
        matches!(self, Factor::Lu | Factor::Ldl)
    }

    /// The shapes of one matrix's factors, but for exchanges.
    fn shapes(self, m: usize, n: usize) -> SmallVec<[Sizes; 3]> {
        let k = m.min(n);
        match self {
            Factor::Lu | Factor::Cholesky | Factor::Inverse | Factor::Ldl => {
                smallvec![smallvec![m, n]]
            }
            Factor::Reflectors => smallvec![smallvec![m, n], smallvec![k]],
            Factor::Qr { complete } => {
                let k = if complete { m } else { k };
                smallvec![smallvec![m, k], smallvec![k, n]]
            }
            Factor::Eigh => smallvec![smallvec![n], smallvec![n, n]],
            Factor::Svd { full } => {
                let (left, right) = if full { (m, n) } else { (k, k) };
                smallvec![smallvec![m, left], smallvec![k], smallvec![right, n]]
            }
        }
    }
}

/// The dimensions before the last two, how many matrices they are, and rows and columns.
fn batch(a: &Array) -> Result<(Shape, usize, usize, usize)> {
    match &a.shape()[..] {
        [front @ .., m, n] => {
            let count = front.iter().product();
            Ok((Shape::new(front), count, *m, *n))
        }
        _ => Err(Error::new(
            ErrorKind::Shape,
            format!("a matrix needs two dimensions, not {}", a.rank()),
        )),
    }
}

/// Shape of one factor of all matrices.
fn of_all(front: &Shape, sizes: &[usize]) -> Shape {
    Shape::new(&[&front[..], sizes].concat())
}

/// Room for a factor of all matrices.
#[cfg(feature = "linalg")]
fn space<T>(count: usize, sizes: &[usize]) -> Result<Vec<T>> {
    let elements = sizes.iter().try_fold(count, |n, &s| n.checked_mul(s));
    room(elements.unwrap_or(usize::MAX))
}

/// Factorises each matrix of a batch.
///
/// # Errors
/// Where there are no two dimensions, no floating dtype, no room for the result, or no feature `linalg`.
///
/// ```
/// use pullback_array::factor::{Factor, factor};
/// use pullback_array::{Array, ErrorKind};
/// let a = Array::from_slice(&[4.0, 2.0, 2.0, 5.0], [2, 2])?;
/// match factor(&a, Factor::Cholesky) {
///     Ok(found) => assert_eq!(found.parts[0].to_vec::<f64>()?, [2.0, 0.0, 1.0, 2.0]),
///     Err(e) => assert_eq!(e.kind(), ErrorKind::Unsupported), // built without the feature
/// }
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn factor(a: &Array, kind: Factor) -> Result<Factors> {
    let (front, count, m, n) = batch(a)?;
    let shapes = kind.shapes(m, n);
    if a.is_meta() {
        let made = |s: &[usize], dtype| Array::meta(Layout::row_major(of_all(&front, s)), dtype);
        let mut parts: SmallVec<[Array; 3]> =
            (shapes.iter().map(|s| made(s, a.dtype()))).collect::<Result<_>>()?;
        if kind.has_pivots() {
            parts.push(made(&[m.min(n)], DType::I32)?);
        }
        return Ok(Factors {
            parts,
            info: Vec::new(),
        });
    }
    backend::factor(a, kind, &front, count, (m, n), &shapes)
}

/// A⁻¹ B for each pair of matrices of two batches of the same dimensions, and `info` as for [`Factor::Inverse`].
///
/// # Errors
/// As [`factor`].
pub fn solve(a: &Array, b: &Array) -> Result<(Array, Vec<i32>)> {
    if a.is_meta() || b.is_meta() {
        let like = Array::meta(Layout::row_major(b.shape().clone()), b.dtype())?;
        return Ok((like, Vec::new()));
    }
    let (_, count, n, columns) = batch(b)?;
    batch(a)?;
    backend::solve(a, b, count, (n, columns))
}

/// A⁻¹ B for each pair of matrices of two batches of the same dimensions, where `ld` and `pivots` are what [`Factor::Ldl`] gave for A.
///
/// # Errors
/// As [`factor`].
pub fn ldl_solve(ld: &Array, pivots: &Array, b: &Array) -> Result<Array> {
    if ld.is_meta() || b.is_meta() || pivots.is_meta() {
        return Array::meta(Layout::row_major(b.shape().clone()), b.dtype());
    }
    let (_, count, n, columns) = batch(b)?;
    backend::ldl_solve(ld, pivots, b, count, (n, columns))
}

/// T⁻¹ B for each pair of matrices of two batches of the same dimensions, of which one triangle of T is read; `unit`: its diagonal is
/// one and not read either.
///
/// # Errors
/// As [`factor`].
pub fn solve_triangular(t: &Array, b: &Array, upper: bool, unit: bool) -> Result<Array> {
    if t.is_meta() || b.is_meta() {
        return Array::meta(Layout::row_major(b.shape().clone()), b.dtype());
    }
    let (_, count, n, columns) = batch(b)?;
    batch(t)?;
    backend::solve_triangular(t, b, count, (n, columns), (upper, unit))
}
