//! Eigenvalues and singular values. Iterations may not end: then a wider type is tried, and the widest has Jacobi's rotations, which do.

use super::field::{Batch, Field, finite, push, push_by};
use crate::device::cpu::factor::{NOT_FINITE, Sizes, jacobi};
use faer::Side;
use faer::linalg::solvers::{SelfAdjointEigen, Svd};
use smallvec::SmallVec;

/// NaN for each factor of a matrix that has none.
fn nothing<T: Field>(parts: &mut [Vec<T>], shapes: &[Sizes], info: i32) -> i32 {
    for (part, sizes) in parts.iter_mut().zip(shapes) {
        let elements = sizes.iter().product::<usize>();
        part.extend(std::iter::repeat_n(T::lit(f64::NAN), elements));
    }
    info
}

/// Factors of a matrix that did not converge, by the wider type.
#[cold]
fn wider<T: Field>(
    a: &Batch<T>,
    number: usize,
    parts: &mut [Vec<T>],
    factor: impl FnOnce(&Batch<T::Wider>, &mut [Vec<T::Wider>]) -> i32,
) -> i32 {
    let wide = Batch::<T::Wider> {
        data: (a.slice(number).iter())
            .map(|&x| T::lower(x).widen().lift())
            .collect(),
        m: a.m,
        n: a.n,
    };
    let mut made: SmallVec<[Vec<T::Wider>; 3]> = parts.iter().map(|_| Vec::new()).collect();
    let info = factor(&wide, &mut made);
    for (part, made) in parts.iter_mut().zip(made) {
        part.extend(made.into_iter().map(T::narrow));
    }
    info
}

pub(super) fn eigh<T: Field>(
    a: &Batch<T>,
    number: usize,
    parts: &mut [Vec<T>],
    shapes: &[Sizes],
) -> i32 {
    let given = a.matrix(number);
    if !(0..a.n).all(|i| (0..=i).all(|j| finite::<T>(given[(i, j)]))) {
        return nothing(parts, shapes, NOT_FINITE);
    }
    if let Some((evened, by)) = a.evened(number) {
        let start = parts[0].len();
        let info = eigh(&evened, 0, parts, shapes);
        parts[0][start..].iter_mut().for_each(|w| *w = *w * by);
        return info;
    }
    if !T::BLOCKS {
        return rotated(a, number, parts, shapes);
    }
    match SelfAdjointEigen::new(given, Side::Lower) {
        Ok(found) => {
            let values = found.S().column_vector();
            parts[0].extend((0..a.n).map(|i| T::lower(values[i])));
            push(&mut parts[1], found.U());
            0
        }
        Err(_) => wider(a, number, parts, |a, parts| {
            eigh::<T::Wider>(a, 0, parts, shapes)
        }),
    }
}

/// Eigenvalues and eigenvectors by rotations.
fn rotated<T: Field>(a: &Batch<T>, number: usize, parts: &mut [Vec<T>], shapes: &[Sizes]) -> i32 {
    let (given, n) = (lowered(a, number), a.n);
    let Some((values, mut vectors)) = jacobi::eigh(&given, n) else {
        return nothing(parts, shapes, 1);
    };
    let narrow = in_double(&given, (n, n));
    if let Ok(found) = SelfAdjointEigen::new(narrow.matrix(0), Side::Lower) {
        let u = found.U();
        for k in 0..n {
            if opposed(n, |i| vectors[i * n + k].to_f64() * u[(i, k)]) {
                (0..n).for_each(|i| vectors[i * n + k] = -vectors[i * n + k]);
            }
        }
    }
    parts[0].extend(values);
    parts[1].extend(vectors);
    0
}

/// A matrix in double precision.
fn in_double<T: Field>(given: &[T], (m, n): (usize, usize)) -> Batch<f64> {
    let data = given.iter().map(|x| x.to_f64().lift()).collect();
    Batch { data, m, n }
}

/// Whether a vector points away from another, whose products are `term`. Vectors are known up to their signs, and those of the widest type are to
/// be those of double precision, where there are any, so that results can be compared. (Not by [`eigh`] and [`svd`], which come here where
/// iterations in double precision do not end.)
fn opposed(length: usize, term: impl Fn(usize) -> f64) -> bool {
    (0..length).map(term).sum::<f64>() < 0.0
}

/// Singular values and vectors by rotations.
fn turned<T: Field>(
    a: &Batch<T>,
    number: usize,
    full: bool,
    parts: &mut [Vec<T>],
    shapes: &[Sizes],
) -> i32 {
    let (given, m, n) = (lowered(a, number), a.m, a.n);
    let Some(mut found) = jacobi::svd(&given, (m, n), full) else {
        return nothing(parts, shapes, 1);
    };
    let (columns, rows) = (found.left.len() / m, found.right.len() / n);
    let narrow = in_double(&given, (m, n));
    let signs = match full {
        true => Svd::new(narrow.matrix(0)),
        false => Svd::new_thin(narrow.matrix(0)),
    };
    if let Ok(signs) = signs {
        let (u, v) = (signs.U(), signs.V());
        for k in 0..columns.max(rows) {
            // Vectors of one singular value turn together.
            let (left, right) = (k < columns, k < rows);
            let away = match left {
                true => opposed(m, |i| found.left[k * m + i].to_f64() * u[(i, k)]),
                false => opposed(n, |i| found.right[k * n + i].to_f64() * v[(i, k)]),
            };
            if away && left {
                found.left[k * m..][..m].iter_mut().for_each(|x| *x = -*x);
            }
            if away && right {
                found.right[k * n..][..n].iter_mut().for_each(|x| *x = -*x);
            }
        }
    }
    push_by(&mut parts[0], (m, columns), |i, j| found.left[j * m + i]);
    parts[1].extend(found.values);
    parts[2].extend(found.right);
    0
}

pub(super) fn svd<T: Field>(
    a: &Batch<T>,
    number: usize,
    full: bool,
    parts: &mut [Vec<T>],
    shapes: &[Sizes],
) -> i32 {
    if !a.is_finite(number) {
        return nothing(parts, shapes, NOT_FINITE);
    }
    if let Some((evened, by)) = a.evened(number) {
        let start = parts[1].len();
        let info = svd(&evened, 0, full, parts, shapes);
        parts[1][start..].iter_mut().for_each(|s| *s = *s * by);
        return info;
    }
    if !T::BLOCKS {
        return turned(a, number, full, parts, shapes);
    }
    let found = match full {
        true => Svd::new(a.matrix(number)),
        false => Svd::new_thin(a.matrix(number)),
    };
    match found {
        Ok(found) => {
            let values = found.S().column_vector();
            push(&mut parts[0], found.U());
            parts[1].extend((0..a.m.min(a.n)).map(|i| T::lower(values[i])));
            push(&mut parts[2], found.V().transpose());
            0
        }
        Err(_) => wider(a, number, parts, |a, parts| {
            svd::<T::Wider>(a, 0, full, parts, shapes)
        }),
    }
}

/// A matrix in our numbers, row-major.
fn lowered<T: Field>(a: &Batch<T>, number: usize) -> Vec<T> {
    let given = a.matrix(number);
    let mut out = Vec::new();
    push(&mut out, given);
    out
}
