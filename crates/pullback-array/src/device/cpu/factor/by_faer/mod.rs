//! Factorisations by faer, matrix by matrix, for `f32`, `f64` and double-double (faer's `Quad`).
//!
//! What faer does otherwise than LAPACK is evened out here: a pivot of zero is no NaN, infinite and NaN elements are reported and not
//! iterated on, and matrices without elements have factors too.

mod field;
mod spectral;

use field::{Batch, Field, push, push_by, turned};
use spectral::{eigh, svd};

use super::{Factor, Factors, Sizes, of_all, plain, space};
use crate::{Array, DType, Error, ErrorKind, Result, Shape, check_interrupt, dispatch};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::lu::partial_pivoting as plu;
use faer::linalg::solvers::{Llt, PartialPivLu, Qr};
use faer::linalg::triangular_solve as triangular;
use faer::perm::PermRef;
use faer::prelude::default;
use faer::traits::RealField;
use faer::{Mat, MatMut, MatRef, Par, Side};
use smallvec::SmallVec;

/// L and U of a square matrix in one, column by column, and the order of its rows, there and back.
struct Factored<F> {
    packed: Vec<F>,
    n: usize,
    forth: Vec<usize>,
    back: Vec<usize>,
}

impl<F: RealField + Copy> Factored<F> {
    fn of<T: Field<Faer = F>>(a: &Batch<T>, number: usize) -> Factored<F> {
        let n = a.n;
        let (mut forth, mut back) = (vec![0usize; n], vec![0usize; n]);
        let mut packed = vec![T::lift(T::ZERO); n * n];
        turned(a.slice(number), (n, n), &mut packed, |x| x);
        let scratch = plu::factor::lu_in_place_scratch::<usize, F>(n, n, Par::Seq, default());
        plu::factor::lu_in_place(
            MatMut::from_column_major_slice_mut(&mut packed, n, n),
            &mut forth,
            &mut back,
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            default(),
        );
        Factored {
            packed,
            n,
            forth,
            back,
        }
    }

    fn matrix(&self) -> MatRef<'_, F> {
        MatRef::from_column_major_slice(&self.packed, self.n, self.n)
    }

    fn order(&self) -> PermRef<'_, usize> {
        PermRef::new_checked(&self.forth, &self.back, self.n)
    }

    /// A⁻¹ B.
    fn solve_in_place(&self, b: MatMut<'_, F>) {
        let scratch = plu::solve::solve_in_place_scratch::<usize, F>(self.n, b.ncols(), Par::Seq);
        plu::solve::solve_in_place(
            self.matrix(),
            self.matrix(),
            self.order(),
            b,
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
        );
    }

    /// The first zero on U's diagonal, counted from one.
    fn singular<T: Field<Faer = F>>(&self) -> i32 {
        first(self.n, |i| T::lower(self.packed[i * self.n + i]) == T::ZERO)
    }
}

/// The exchanges that make a permutation, counted from one.
fn exchanges(forward: &[usize], count: usize, pivots: &mut Vec<i32>) {
    let mut rows: Vec<usize> = (0..forward.len()).collect();
    let mut places = rows.clone();
    for (i, &row) in forward.iter().enumerate().take(count) {
        let place = places[row];
        pivots.push(i32::try_from(place + 1).unwrap_or(i32::MAX));
        places[rows[i]] = place;
        rows.swap(i, place);
        places[row] = i;
    }
}

/// The number, counted from one, of the first that is so.
fn first(n: usize, is: impl Fn(usize) -> bool) -> i32 {
    (0..n)
        .find(|&i| is(i))
        .map_or(0, |i| i32::try_from(i + 1).unwrap_or(i32::MAX))
}

fn lu<T: Field>(a: &Batch<T>, number: usize, out: &mut Vec<T>, pivots: &mut Vec<i32>) -> i32 {
    let (m, n, start) = (a.m, a.n, out.len());
    let k = m.min(n);
    if !T::BLOCKS {
        out.extend(a.slice(number).iter().map(|&x| T::lower(x)));
        plain::lu(&mut out[start..], m, n, pivots);
        return first(k, |i| out[start + i * n + i] == T::ZERO);
    }
    let found = PartialPivLu::new(a.matrix(number));
    let (l, u) = (found.L(), found.U());
    let whole = |i: usize| T::lower(u[(i, i)]) != T::ZERO;
    if (0..k).all(whole) || !a.is_finite(number) {
        push_by(out, (m, n), |i, j| {
            T::lower(if i > j { l[(i, j)] } else { u[(i, j)] })
        });
        exchanges(found.P().arrays().0, k, pivots);
    } else {
        out.extend(a.slice(number).iter().map(|&x| T::lower(x)));
        plain::lu(&mut out[start..], m, n, pivots);
    }
    let made = &out[start..];
    first(k, |i| made[i * n + i] == T::ZERO)
}

fn inverse<T: Field>(a: &Batch<T>, number: usize, out: &mut Vec<T>) -> i32 {
    let n = a.n;
    if !T::BLOCKS {
        let start = out.len();
        push_by(out, (n, n), |i, j| if i == j { T::ONE } else { T::ZERO });
        return solved(a, number, &mut out[start..], n);
    }
    let found = Factored::of(a, number);
    let info = found.singular::<T>();
    if info != 0 {
        push_by(out, (n, n), |_, _| T::lit(f64::NAN));
        return info;
    }
    let mut made = Mat::<T::Faer>::zeros(n, n);
    let scratch = plu::inverse::inverse_scratch::<usize, T::Faer>(n, Par::Seq);
    plu::inverse::inverse(
        made.as_mut(),
        found.matrix(),
        found.matrix(),
        found.order(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
    );
    push(out, made.as_ref());
    0
}

/// A⁻¹ B over the row-major B of `c` columns, by the textbook's loops; NaN where A is singular, and the first pivot that is zero.
fn solved<T: Field>(a: &Batch<T>, number: usize, b: &mut [T], c: usize) -> i32 {
    let n = a.n;
    let mut packed: Vec<T> = a.slice(number).iter().map(|&x| T::lower(x)).collect();
    let mut pivots = Vec::new();
    plain::lu(&mut packed, n, n, &mut pivots);
    plain::lu_solve(&packed, &pivots, n, b, c);
    let info = first(n, |i| packed[i * n + i] == T::ZERO);
    if info != 0 {
        b.fill(T::lit(f64::NAN));
    }
    info
}

fn cholesky<T: Field>(a: &Batch<T>, number: usize, out: &mut Vec<T>) -> i32 {
    let n = a.n;
    if !T::BLOCKS {
        let start = out.len();
        let given = a.matrix(number);
        push_by(out, (n, n), |i, j| match i >= j {
            true => T::lower(given[(i, j)]),
            false => T::ZERO,
        });
        let wrong = plain::cholesky(&mut out[start..], n);
        if wrong.is_some() {
            out[start..].fill(T::lit(f64::NAN));
        }
        return wrong.map_or(0, |at| i32::try_from(at + 1).unwrap_or(i32::MAX));
    }
    let found = match Llt::new(a.matrix(number), Side::Lower) {
        Ok(found) => found,
        Err(faer::linalg::cholesky::llt::factor::LltError::NonPositivePivot { index }) => {
            push_by(out, (n, n), |_, _| T::lit(f64::NAN));
            return first(n, |i| i == index).max(1);
        }
    };
    let l = found.L();
    let (zero, at) = (T::ZERO, |i: usize, j: usize| T::lower(l[(i, j)]));
    push_by(out, (n, n), |i, j| if i >= j { at(i, j) } else { zero });
    first(n, |i| at(i, i).is_nan())
}

fn reflectors<T: Field>(a: &Batch<T>, number: usize, parts: &mut [Vec<T>]) -> i32 {
    let [made, taus] = parts else { return 0 };
    let start = made.len();
    made.extend(a.slice(number).iter().map(|&x| T::lower(x)));
    plain::reflectors(&mut made[start..], (a.m, a.n), taus);
    0
}

fn ldl<T: Field>(a: &Batch<T>, number: usize, out: &mut Vec<T>, pivots: &mut Vec<i32>) -> i32 {
    let (n, start) = (a.n, out.len());
    let given = a.slice(number);
    push_by(out, (n, n), |i, j| match i >= j {
        true => T::lower(given[i * n + j]),
        false => T::ZERO,
    });
    plain::ldl(&mut out[start..], n, pivots)
}

fn qr<T: Field>(a: &Batch<T>, number: usize, complete: bool, parts: &mut [Vec<T>]) -> i32 {
    let (m, n) = (a.m, a.n);
    if let Some((evened, by)) = a.evened(number) {
        let start = parts[1].len();
        let info = qr(&evened, 0, complete, parts);
        parts[1][start..].iter_mut().for_each(|r| *r = *r * by);
        return info;
    }
    let found = T::BLOCKS.then(|| Qr::new(a.matrix(number)));
    let found = found.filter(|found| {
        let r = found.thin_R();
        (0..m.min(n)).all(|i| T::lower(r[(i, i)]) != T::ZERO)
    });
    let Some(found) = found else {
        let mut made: Vec<T> = a.slice(number).iter().map(|&x| T::lower(x)).collect();
        let mut taus = Vec::new();
        plain::reflectors(&mut made, (m, n), &mut taus);
        let k = if complete { m } else { m.min(n) };
        plain::product_of(&made, (m, n), &taus, k, &mut parts[0]);
        push_by(&mut parts[1], (k, n), |i, j| match i <= j {
            true => made[i * n + j],
            false => T::ZERO,
        });
        return 0;
    };
    let (q, r) = match complete {
        true => (found.compute_Q(), found.thin_R()),
        false => (found.compute_thin_Q(), found.thin_R()),
    };
    push(&mut parts[0], q.as_ref());
    let rows = if complete { m } else { m.min(n) };
    push_by(&mut parts[1], (rows, n), |i, j| {
        if i <= j { T::lower(r[(i, j)]) } else { T::ZERO }
    });
    0
}

/// Factors of a matrix without elements: unit matrices where a factor is square.
fn empty<T: Field>(parts: &mut [Vec<T>], shapes: &[Sizes]) {
    for (part, sizes) in parts.iter_mut().zip(shapes) {
        if let &[m, n] = &sizes[..] {
            push_by(part, (m, n), |i, j| if i == j { T::ONE } else { T::ZERO });
        }
    }
}

pub(super) fn factor(
    a: &Array,
    kind: Factor,
    front: &Shape,
    count: usize,
    size: (usize, usize),
    shapes: &[Sizes],
) -> Result<Factors> {
    dispatch!(float a.dtype(), T => all::<T>(a, kind, front, count, size, shapes), else Err(no_dtype(a.dtype())))
}

#[cold]
fn no_dtype(dtype: DType) -> Error {
    Error::new(
        ErrorKind::DType,
        format!("factorisations need a floating dtype, not {dtype}"),
    )
}

fn all<T: Field>(
    a: &Array,
    kind: Factor,
    front: &Shape,
    count: usize,
    (m, n): (usize, usize),
    shapes: &[Sizes],
) -> Result<Factors> {
    let batch = Batch::<T>::of(a, (m, n))?;
    let mut parts: SmallVec<[Vec<T>; 3]> = SmallVec::new();
    for sizes in shapes {
        // faer allocates one matrix's factors once more, and cannot say that there is no room.
        drop(space::<T>(count.saturating_add(3), sizes)?);
        parts.push(space(count, sizes)?);
    }
    let mut pivots = match kind.has_pivots() {
        true => space(count, &[m.min(n)])?,
        false => Vec::new(),
    };
    let mut info = space(count, &[])?;
    for number in 0..count {
        check_interrupt()?;
        info.push(match kind {
            _ if m == 0 || n == 0 => {
                empty(&mut parts, shapes);
                0
            }
            Factor::Lu => lu(&batch, number, &mut parts[0], &mut pivots),
            Factor::Ldl => ldl(&batch, number, &mut parts[0], &mut pivots),
            Factor::Reflectors => reflectors(&batch, number, &mut parts),
            Factor::Inverse => inverse(&batch, number, &mut parts[0]),
            Factor::Cholesky => cholesky(&batch, number, &mut parts[0]),
            Factor::Qr { complete } => qr(&batch, number, complete, &mut parts),
            Factor::Eigh => eigh(&batch, number, &mut parts, shapes),
            Factor::Svd { full } => svd(&batch, number, full, &mut parts, shapes),
        });
    }
    let mut made: SmallVec<[Array; 3]> = (parts.iter().zip(shapes))
        .map(|(part, sizes)| Array::from_slice(part, of_all(front, sizes)))
        .collect::<Result<_>>()?;
    if kind.has_pivots() {
        made.push(Array::from_slice(&pivots, of_all(front, &[m.min(n)]))?);
    }
    Ok(Factors { parts: made, info })
}

pub(super) fn solve(
    a: &Array,
    b: &Array,
    count: usize,
    (n, columns): (usize, usize),
) -> Result<(Array, Vec<i32>)> {
    dispatch!(float a.dtype(), T => {
        let (left, right) = (Batch::<T>::of(a, (n, n))?, Batch::<T>::of(b, (n, columns))?);
        let (mut out, mut info) = (space::<T>(count, &[n, columns])?, space(count, &[])?);
        for number in 0..count {
            check_interrupt()?;
            if !T::BLOCKS {
                let start = out.len();
                push(&mut out, right.matrix(number));
                info.push(solved(&left, number, &mut out[start..], columns));
                continue;
            }
            let found = Factored::of(&left, number);
            info.push(found.singular::<T>());
            let mut made = right.matrix(number).to_owned();
            found.solve_in_place(made.as_mut());
            push(&mut out, made.as_ref());
        }
        Ok((Array::from_slice(&out, b.shape().clone())?, info))
    }, else Err(no_dtype(a.dtype())))
}

pub(super) fn ldl_solve(
    ld: &Array,
    pivots: &Array,
    b: &Array,
    count: usize,
    (n, columns): (usize, usize),
) -> Result<Array> {
    dispatch!(float b.dtype(), T => {
        let (factors, pivots) = (ld.to_vec::<T>()?, pivots.to_vec::<i32>()?);
        let mut out = b.to_vec::<T>()?;
        for number in 0..count {
            check_interrupt()?;
            let (a, p) = (&factors[number * n * n..][..n * n], &pivots[number * n..][..n]);
            plain::ldl_solve(a, p, n, &mut out[number * n * columns..][..n * columns], columns);
        }
        Array::from_slice(&out, b.shape().clone())
    }, else Err(no_dtype(b.dtype())))
}

pub(super) fn solve_triangular(
    t: &Array,
    b: &Array,
    count: usize,
    (n, columns): (usize, usize),
    (upper, unit): (bool, bool),
) -> Result<Array> {
    dispatch!(float t.dtype(), T => {
        let (left, right) = (Batch::<T>::of(t, (n, n))?, Batch::<T>::of(b, (n, columns))?);
        let mut out = space::<T>(count, &[n, columns])?;
        for number in 0..count {
            check_interrupt()?;
            let t = left.matrix(number);
            let mut x = right.matrix(number).to_owned();
            match (upper, unit) {
                (false, false) => triangular::solve_lower_triangular_in_place(t, x.as_mut(), Par::Seq),
                (false, true) => triangular::solve_unit_lower_triangular_in_place(t, x.as_mut(), Par::Seq),
                (true, false) => triangular::solve_upper_triangular_in_place(t, x.as_mut(), Par::Seq),
                (true, true) => triangular::solve_unit_upper_triangular_in_place(t, x.as_mut(), Par::Seq),
            }
            push(&mut out, x.as_ref());
        }
        Array::from_slice(&out, b.shape().clone())
    }, else Err(no_dtype(t.dtype())))
}
