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
    let Some((values, vectors)) = jacobi::eigh(&lowered(a, number), a.n) else {
        return nothing(parts, shapes, 1);
    };
    parts[0].extend(values);
    parts[1].extend(vectors);
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
        let Some(found) = jacobi::svd(&lowered(a, number), (a.m, a.n), full) else {
            return nothing(parts, shapes, 1);
        };
        let rows = found.left.len() / a.m;
        push_by(&mut parts[0], (a.m, rows), |i, j| found.left[j * a.m + i]);
        parts[1].extend(found.values);
        parts[2].extend(found.right);
        return 0;
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
