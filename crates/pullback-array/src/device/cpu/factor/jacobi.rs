//! Eigenvalues and singular values by Jacobi's rotations: slow, and with an end for every finite matrix.
//!
//! Where faer's iterations do not end in the widest type there is none to try next; this is what is tried there. Golub and Van Loan, *Matrix
//! Computations*, 8.5 (cyclic Jacobi) and 8.6.3 (one-sided).

use crate::Real;

/// Rounds over all pairs after which a matrix is given up; some ten are needed.
const ROUNDS: usize = 60;

/// The distance from one to the next number.
fn epsilon<T: Real>() -> T {
    T::lit(match size_of::<T>() {
        4 => f64::from(f32::EPSILON),
        8 => f64::EPSILON,
        _ => f64::EPSILON * f64::EPSILON,
    })
}

fn largest<T: Real>(a: &[T]) -> T {
    a.iter().fold(
        T::ZERO,
        |most, x| {
            if x.abs() > most { x.abs() } else { most }
        },
    )
}

/// Cosine and sine of the rotation that makes [[p, r], [r, q]] diagonal.
fn rotation<T: Real>(p: T, q: T, r: T) -> (T, T) {
    let half = (q - p) / (r + r);
    let length = (T::ONE + half * half).sqrt();
    let tangent = if half >= T::ZERO {
        T::ONE / (half + length)
    } else {
        -T::ONE / (length - half)
    };
    let cosine = T::ONE / (T::ONE + tangent * tangent).sqrt();
    (cosine, tangent * cosine)
}

/// Turns two rows of `n` numbers.
fn turn<T: Real>(a: &mut [T], n: usize, (p, q): (usize, usize), (c, s): (T, T)) {
    for k in 0..n {
        let (x, y) = (a[p * n + k], a[q * n + k]);
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
    }
}

/// The places `0..n` by falling numbers.
fn falling<T: Real>(of: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..of.len()).collect();
    order.sort_by(|&i, &j| {
        of[j]
            .partial_cmp(&of[i])
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    order
}

/// Eigenvalues in rising order, and eigenvectors as columns, of the symmetric matrix with the lower triangle of `a`, row-major; `None`
/// where rotations do not end.
pub(super) fn eigh<T: Real>(a: &[T], n: usize) -> Option<(Vec<T>, Vec<T>)> {
    let at = |i: usize, j: usize| a[i.max(j) * n + i.min(j)];
    let mut a: Vec<T> = (0..n * n).map(|k| at(k / n, k % n)).collect();
    let scale = largest(&a);
    if scale > T::ZERO {
        a.iter_mut().for_each(|x| *x = *x / scale);
    }
    // The eigenvectors, as rows.
    let mut v = vec![T::ZERO; n * n];
    (0..n).for_each(|i| v[i * n + i] = T::ONE);
    let least = epsilon::<T>();
    let mut rounds = 0;
    loop {
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                let r = a[p * n + q];
                if r.abs() <= least * T::lit(0.0625) {
                    continue;
                }
                turned = true;
                let by = rotation(a[p * n + p], a[q * n + q], r);
                turn(&mut a, n, (p, q), by);
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    a[k * n + p] = by.0 * x - by.1 * y;
                    a[k * n + q] = by.1 * x + by.0 * y;
                }
                (a[p * n + q], a[q * n + p]) = (T::ZERO, T::ZERO);
                turn(&mut v, n, (p, q), by);
            }
        }
        rounds += 1;
        match turned {
            false => break,
            true if rounds == ROUNDS => return None,
            true => {}
        }
    }
    let values: Vec<T> = (0..n).map(|i| a[i * n + i] * scale).collect();
    let order: Vec<usize> = falling(&values).into_iter().rev().collect();
    let vectors = (0..n * n).map(|k| v[order[k % n] * n + k / n]).collect();
    Some((order.iter().map(|&i| values[i]).collect(), vectors))
}

fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    a.iter().zip(b).fold(T::ZERO, |s, (&x, &y)| s + x * y)
}

/// Orthonormal rows of `m` numbers, `known` of which are there: the others are filled in.
fn complete<T: Real>(rows: &mut [T], m: usize, known: usize) {
    for j in known..rows.len() / m.max(1) {
        let (before, rest) = rows.split_at_mut(j * m);
        let mut best = (T::ZERO, vec![T::ZERO; m]);
        for i in 0..m {
            let mut x = vec![T::ZERO; m];
            x[i] = T::ONE;
            // Twice is enough (Kahan).
            for _ in 0..2 {
                for row in before.chunks(m) {
                    let part = dot(row, &x);
                    x.iter_mut().zip(row).for_each(|(x, &r)| *x = *x - part * r);
                }
            }
            let length = dot(&x, &x).sqrt();
            if length > best.0 {
                best = (length, x);
            }
        }
        let (length, x) = best;
        (rest.iter_mut().zip(x)).for_each(|(slot, x)| *slot = x / length);
    }
}

/// Singular values.
pub(super) struct Singular<T> {
    /// The left vectors, as rows, `[k, m]` or `[m, m]`.
    pub(super) left: Vec<T>,
    /// The values, in falling order.
    pub(super) values: Vec<T>,
    /// The right vectors, as rows, `[k, n]` or `[n, n]`.
    pub(super) right: Vec<T>,
}

/// Singular values and vectors of a row-major matrix `[m, n]`, all of the vectors if it is to be `full`; `None` where rotations do not end.
pub(super) fn svd<T: Real>(a: &[T], (m, n): (usize, usize), full: bool) -> Option<Singular<T>> {
    if m < n {
        let turned: Vec<T> = (0..m * n).map(|k| a[k % m * n + k / m]).collect();
        let found = svd(&turned, (n, m), full)?;
        return Some(Singular {
            left: found.right,
            values: found.values,
            right: found.left,
        });
    }
    let scale = largest(a);
    let scale = if scale > T::ZERO { scale } else { T::ONE };
    // The matrix's columns, as rows, and what they were combined by.
    let mut u: Vec<T> = (0..m * n).map(|k| a[k % m * n + k / m] / scale).collect();
    let mut v = vec![T::ZERO; n * n];
    (0..n).for_each(|i| v[i * n + i] = T::ONE);
    let lengths = orthogonal(&mut u, &mut v, (m, n))?;
    let order = falling(&lengths);
    let values: Vec<T> = order.iter().map(|&i| lengths[i] * scale).collect();
    let least = lengths[order[0]] * epsilon::<T>() * T::lit(m as f64);
    let known = order.iter().take_while(|&&i| lengths[i] > least).count();
    let mut left = vec![T::ZERO; m * if full { m } else { n }];
    for (row, &i) in left.chunks_mut(m).zip(&order[..known]) {
        let column = &u[i * m..][..m];
        (row.iter_mut().zip(column)).for_each(|(slot, &x)| *slot = x / lengths[i]);
    }
    complete(&mut left, m, known);
    let right = order.iter().flat_map(|&i| v[i * n..][..n].iter().copied());
    Some(Singular {
        right: right.collect(),
        left,
        values,
    })
}

/// Turns rows of `u` `[n, m]` until each is orthogonal to all others, and those of `v` along with them; their lengths.
fn orthogonal<T: Real>(u: &mut [T], v: &mut [T], (m, n): (usize, usize)) -> Option<Vec<T>> {
    let least = epsilon::<T>();
    let mut rounds = 0;
    loop {
        let row = |u: &[T], i: usize| dot(&u[i * m..][..m], &u[i * m..][..m]);
        let most = (0..n).fold(
            T::ZERO,
            |most, i| {
                if row(u, i) > most { row(u, i) } else { most }
            },
        );
        // Rows below it are rounding's, and have no direction.
        let noise = most * least * least;
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                let (x, y) = (row(u, p), row(u, q));
                let both = dot(&u[p * m..][..m], &u[q * m..][..m]);
                if x <= noise
                    || y <= noise
                    || both.abs() <= least * T::lit(m as f64) * (x * y).sqrt()
                {
                    continue;
                }
                turned = true;
                let by = rotation(x, y, both);
                turn(u, m, (p, q), by);
                turn(v, n, (p, q), by);
            }
        }
        rounds += 1;
        match turned {
            false => return Some((0..n).map(|i| row(u, i).sqrt()).collect()),
            true if rounds == ROUNDS => return None,
            true => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dd::Dd;

    /// Numbers in (-1, 1), the same each time.
    fn numbers(n: usize) -> Vec<f64> {
        let mut x = 0.37f64;
        (0..n)
            .map(|_| {
                x = (x * 3.99) * (1.0 - x);
                2.0 * x - 1.0
            })
            .collect()
    }

    /// The largest difference of X Yᵀ, X `[m, k]` and Y `[n, k]`, from `wanted`.
    fn off<T: Real>(x: &[T], y: &[T], k: usize, wanted: impl Fn(usize, usize) -> T) -> f64 {
        let (m, n) = (x.len() / k, y.len() / k);
        let at = |i: usize, j: usize| dot(&x[i * k..][..k], &y[j * k..][..k]) - wanted(i, j);
        let all = (0..m * n).map(|e| at(e / n, e % n).abs().to_f64());
        all.fold(0.0, f64::max)
    }

    fn unit<T: Real>(i: usize, j: usize) -> T {
        if i == j { T::ONE } else { T::ZERO }
    }

    fn holds<T: Real>(a: &[f64], (m, n): (usize, usize), digits: f64) {
        let a: Vec<T> = a.iter().map(|&x| T::lit(x)).collect();
        let room = digits * 16.0 * m.max(n) as f64;
        let size = largest(&a).to_f64();
        for full in [false, true] {
            let found = svd(&a, (m, n), full).expect("an end");
            let k = m.min(n);
            assert_eq!(found.values.len(), k);
            assert!(found.values.windows(2).all(|w| w[0] >= w[1]));
            assert!(off(&found.left, &found.left, m, unit) <= room);
            assert!(off(&found.right, &found.right, n, unit) <= room);
            let scaled: Vec<T> = (0..m * k)
                .map(|e| found.left[e % k * m + e / k] * found.values[e % k])
                .collect();
            let right: Vec<T> = (0..n * k).map(|e| found.right[e % k * n + e / k]).collect();
            let gap = off(&scaled, &right, k, |i, j| a[i * n + j]);
            assert!(gap <= room * size, "{m}x{n}: {gap:e} of {size:e}");
        }
        if m == n {
            let (values, v) = eigh(&a, n).expect("an end");
            assert!(values.windows(2).all(|w| w[0] <= w[1]));
            let scaled: Vec<T> = (0..n * n).map(|e| v[e] * values[e % n]).collect();
            let lower = |i: usize, j: usize| a[i.max(j) * n + i.min(j)];
            assert!(off(&scaled, &v, n, lower) <= room * size);
            assert!(off(&v, &v, n, unit) <= room);
        }
    }

    #[test]
    fn factors_make_the_matrix_again() {
        let x = numbers(400);
        for (m, n) in [(1, 1), (2, 2), (5, 5), (7, 3), (3, 7), (20, 20), (1, 4)] {
            for scale in [1.0, 1e-100, 1e100] {
                let a: Vec<f64> = x[..m * n].iter().map(|x| x * scale).collect();
                holds::<f64>(&a, (m, n), f64::EPSILON);
                holds::<Dd>(&a, (m, n), 1e-31);
            }
        }
    }

    /// Of rank one, of rank nothing, of equal values, and with values of sizes from 1 to 1e-30.
    #[test]
    fn badly_conditioned_matrices_have_factors_too() {
        let rank_one: Vec<f64> = (0..36)
            .map(|e| ((e / 6 + 1) * (e % 6 + 1)) as f64)
            .collect();
        let graded: Vec<f64> = (0..36).map(|e| 10f64.powi(-(e / 6 + e % 6) * 3)).collect();
        let hilbert: Vec<f64> = (0..144)
            .map(|e| 1.0 / (e / 12 + e % 12 + 1) as f64)
            .collect();
        for (a, n) in [
            (rank_one, 6),
            (vec![0.0; 16], 4),
            (graded, 6),
            (hilbert, 12),
            (vec![1.0; 25], 5),
        ] {
            holds::<f64>(&a, (n, n), f64::EPSILON);
            holds::<Dd>(&a, (n, n), 1e-31);
        }
    }

    /// In the widest type faer's iterations do not end for some of these, and there is none to try next.
    #[test]
    fn every_finite_matrix_has_factors_in_the_widest_type() {
        use crate::device::cpu::factor::{Factor, factor};
        use crate::{Array, DType, kernels};
        for n in 2..9usize {
            let at = |e: usize| (e / n, e % n);
            let of: [&dyn Fn(usize, usize) -> f64; 4] = [
                &|i, j| ((i + 1) * (j + 1)) as f64,
                &|i, j| 10f64.powi(-3 * (i + j) as i32),
                &|i, j| 1.0 / (i + j + 1) as f64,
                &|i, j| 1.0 + 1e-20 * i.abs_diff(j) as f64,
            ];
            for of in of {
                let a: Vec<f64> = (0..n * n).map(|e| of(at(e).0, at(e).1)).collect();
                let a = kernels::cast(&Array::from_slice(&a, [n, n]).unwrap(), DType::Dd).unwrap();
                for kind in [Factor::Eigh, Factor::Svd { full: false }] {
                    assert_eq!(factor(&a, kind).unwrap().info, [0], "{kind:?} of {n}");
                }
            }
        }
    }
}
