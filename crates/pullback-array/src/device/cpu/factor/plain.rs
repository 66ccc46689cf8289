//! Factorisations by their textbooks' loops, in the steps and with the results of LAPACK, for row-major matrices.
//!
//! For numbers whose blocks faer does not multiply, and where its results are of another kind: LU with a pivot of zero (faer's blocks turn into NaN, LAPACK leaves such a column as it is and
//! goes on), QR of matrices that lack rank (faer makes a staircase of R), reflectors one by one (`geqrf`), and Bunch and Kaufman's pivots
//! in LAPACK's form (`sytf2`, `sytrs`).

use crate::Real;

/// Factorises in place; the exchanges, counted from one.
pub(super) fn lu<T: Real>(a: &mut [T], m: usize, n: usize, pivots: &mut Vec<i32>) {
    for j in 0..m.min(n) {
        let mut best = j;
        for i in j + 1..m {
            if a[i * n + j].abs() > a[best * n + j].abs() {
                best = i;
            }
        }
        pivots.push(from_one(best));
        if a[best * n + j] == T::ZERO {
            continue;
        }
        swap_rows(a, n, best, j);
        for i in j + 1..m {
            let factor = a[i * n + j] / a[j * n + j];
            a[i * n + j] = factor;
            for c in j + 1..n {
                a[i * n + c] = a[i * n + c] - factor * a[j * n + c];
            }
        }
    }
}

/// A⁻¹ B over the row-major B of `c` columns, of what [`lu`] made of a square A.
pub(super) fn lu_solve<T: Real>(a: &[T], pivots: &[i32], n: usize, b: &mut [T], c: usize) {
    for (i, &p) in pivots.iter().enumerate() {
        swap_rows(b, c, i, (p - 1) as usize);
    }
    let subtract = |b: &mut [T], i: usize, k: usize| {
        let by = a[i * n + k];
        for j in 0..c {
            b[i * c + j] = b[i * c + j] - by * b[k * c + j];
        }
    };
    for i in 0..n {
        (0..i).for_each(|k| subtract(b, i, k));
    }
    for i in (0..n).rev() {
        (i + 1..n).for_each(|k| subtract(b, i, k));
        for x in &mut b[i * c..][..c] {
            *x = *x / a[i * n + i];
        }
    }
}

/// L over the lower triangle of a symmetric matrix; the first pivot that is not positive, where there is one.
pub(super) fn cholesky<T: Real>(a: &mut [T], n: usize) -> Option<usize> {
    for j in 0..n {
        let pivot = (0..j).fold(a[j * n + j], |s, k| s - a[j * n + k] * a[j * n + k]);
        // NaN is not positive either.
        if !matches!(
            pivot.partial_cmp(&T::ZERO),
            Some(std::cmp::Ordering::Greater)
        ) {
            return Some(j);
        }
        let root = pivot.sqrt();
        a[j * n + j] = root;
        for i in j + 1..n {
            let rest = (0..j).fold(a[i * n + j], |s, k| s - a[i * n + k] * a[j * n + k]);
            a[i * n + j] = rest / root;
        }
    }
    None
}

fn from_one(i: usize) -> i32 {
    i32::try_from(i + 1).unwrap_or(i32::MAX)
}

fn swap_rows<T>(a: &mut [T], n: usize, i: usize, j: usize) {
    if i != j {
        (0..n).for_each(|c| a.swap(i * n + c, j * n + c));
    }
}

/// The length of the part of column `j` below row `i`, without overflow.
fn length_below<T: Real>(a: &[T], (m, n): (usize, usize), i: usize, j: usize) -> T {
    let below = || (i + 1..m).map(|r| a[r * n + j]);
    let most = below().fold(T::ZERO, |most, x| {
        // Comparisons let NaN pass, which must stay.
        if x.abs() <= most { most } else { x.abs() }
    });
    if most == T::ZERO {
        return most;
    }
    let squares = below().fold(T::ZERO, |s, x| s + (x / most) * (x / most));
    most * squares.sqrt()
}

/// Makes R on and above the diagonal, and below it the vectors vᵢ of the reflections 1 - τᵢ vᵢ vᵢᵀ whose product is Q; vᵢ is one on the
/// diagonal, which is not written. LAPACK's `geqr2`.
pub(super) fn reflectors<T: Real>(a: &mut [T], (m, n): (usize, usize), taus: &mut Vec<T>) {
    let mut dots = Vec::new();
    for i in 0..m.min(n) {
        let (head, rest) = (a[i * n + i], length_below(a, (m, n), i, i));
        if rest == T::ZERO {
            taus.push(T::ZERO);
            continue;
        }
        let size = if head.abs() > rest {
            let part = rest / head;
            head.abs() * (T::ONE + part * part).sqrt()
        } else {
            let part = head / rest;
            rest * (T::ONE + part * part).sqrt()
        };
        let top = if head >= T::ZERO { -size } else { size };
        for r in i + 1..m {
            a[r * n + i] = a[r * n + i] / (head - top);
        }
        let tau = (top - head) / top;
        taus.push(tau);
        a[i * n + i] = T::ONE;
        reflect(a, n, i..m, (i, tau), &mut dots);
        a[i * n + i] = top;
    }
}

/// Applies 1 - τ v vᵀ, v in column `i` of the `rows`, to the columns behind it, row by row.
fn reflect<T: Real>(
    a: &mut [T],
    n: usize,
    rows: std::ops::Range<usize>,
    (i, tau): (usize, T),
    dots: &mut Vec<T>,
) {
    dots.clear();
    dots.resize(n - i - 1, T::ZERO);
    for row in rows.clone() {
        let row = &a[row * n + i..][..n - i];
        for (dot, &x) in dots.iter_mut().zip(&row[1..]) {
            *dot += row[0] * x;
        }
    }
    for row in rows {
        let row = &mut a[row * n + i..][..n - i];
        let part = tau * row[0];
        for (x, &dot) in row[1..].iter_mut().zip(dots.iter()) {
            *x = *x - part * dot;
        }
    }
}

/// The first `columns` columns of the product of the reflections that [`reflectors`] gave.
pub(super) fn product_of<T: Real>(
    a: &[T],
    (m, n): (usize, usize),
    taus: &[T],
    columns: usize,
    out: &mut Vec<T>,
) {
    let start = out.len();
    for i in 0..m {
        out.extend((0..columns).map(|j| if i == j { T::ONE } else { T::ZERO }));
    }
    let q = &mut out[start..];
    let mut dots = Vec::new();
    for (i, &tau) in taus.iter().enumerate().rev() {
        let v = |r: usize| if r == i { T::ONE } else { a[r * n + i] };
        dots.clear();
        dots.resize(columns, T::ZERO);
        for r in i..m {
            for (dot, &x) in dots.iter_mut().zip(&q[r * columns..][..columns]) {
                *dot += v(r) * x;
            }
        }
        for r in i..m {
            let part = tau * v(r);
            for (x, &dot) in q[r * columns..][..columns].iter_mut().zip(&dots) {
                *x = *x - part * dot;
            }
        }
    }
}

/// The row below `k` with the largest element of column `k`, and that element's size.
fn largest_below<T: Real>(a: &[T], n: usize, k: usize) -> (usize, T) {
    let mut found = (k, T::ZERO);
    for i in k + 1..n {
        if a[i * n + k].abs() > found.1 {
            found = (i, a[i * n + k].abs());
        }
    }
    found
}

/// Bunch and Kaufman's choice at column `k`: the row to exchange, and whether the block has two rows; `None` of a column of zeros.
fn choice<T: Real>(a: &[T], n: usize, k: usize) -> Option<(usize, bool)> {
    let alpha = T::lit(0.640_388_203_202_208_4); // (1 + √17) / 8
    let own = a[k * n + k].abs();
    let (row, most) = largest_below(a, n, k);
    if own.is_nan() || own == T::ZERO && most == T::ZERO {
        return None;
    }
    if own >= alpha * most {
        return Some((k, false));
    }
    let before = (k..row).map(|j| a[row * n + j].abs());
    let after = (row + 1..n).map(|i| a[i * n + row].abs());
    let beside = before
        .chain(after)
        .fold(T::ZERO, |m, x| if x > m { x } else { m });
    if own >= alpha * most * (most / beside) {
        Some((k, false))
    } else if a[row * n + row].abs() >= alpha * beside {
        Some((row, false))
    } else {
        Some((row, true))
    }
}

/// A = P L D Lᵀ Pᵀ of the lower triangle, D of blocks of one and two, in place; the exchanges, counted from one and negative for blocks
/// of two. LAPACK's `sytf2`. Gives the first block of D that is zero, counted from one.
pub(super) fn ldl<T: Real>(a: &mut [T], n: usize, pivots: &mut Vec<i32>) -> i32 {
    let (mut k, mut info) = (0, 0);
    while k < n {
        let Some((row, two)) = choice(a, n, k) else {
            info = if info == 0 { from_one(k) } else { info };
            pivots.push(from_one(k));
            k += 1;
            continue;
        };
        exchange(a, n, k, row, two);
        if two {
            below_two(a, n, k);
            pivots.extend([-from_one(row); 2]);
        } else {
            below_one(a, n, k);
            pivots.push(from_one(row));
        }
        k += 1 + usize::from(two);
    }
    info
}

/// Exchanges a row and column of what is not factorised yet for the block's last one.
fn exchange<T: Real>(a: &mut [T], n: usize, k: usize, row: usize, two: bool) {
    let last = k + usize::from(two);
    if row == last {
        return;
    }
    (row + 1..n).for_each(|i| a.swap(i * n + last, i * n + row));
    (last + 1..row).for_each(|i| a.swap(i * n + last, row * n + i));
    a.swap(last * n + last, row * n + row);
    if two {
        a.swap(last * n + k, row * n + k);
    }
}

/// Column `k` below row `from`.
fn column<T: Real>(a: &[T], n: usize, k: usize, from: usize) -> Vec<T> {
    (from..n).map(|i| a[i * n + k]).collect()
}

fn below_one<T: Real>(a: &mut [T], n: usize, k: usize) {
    let inverse = T::ONE / a[k * n + k];
    let below = column(a, n, k, k + 1);
    for (i, &own) in below.iter().enumerate() {
        let row = &mut a[(k + 1 + i) * n + k..];
        for (x, &other) in row[1..].iter_mut().zip(&below[..=i]) {
            *x = *x - own * (inverse * other);
        }
        row[0] = own * inverse;
    }
}

fn below_two<T: Real>(a: &mut [T], n: usize, k: usize) {
    let beside = a[(k + 1) * n + k];
    let (second, first) = (a[(k + 1) * n + k + 1] / beside, a[k * n + k] / beside);
    let scale = T::ONE / (second * first - T::ONE) / beside;
    let (lefts, rights) = (column(a, n, k, k + 2), column(a, n, k + 1, k + 2));
    let parts: Vec<(T, T)> = (lefts.iter().zip(&rights))
        .map(|(&l, &r)| (scale * (second * l - r), scale * (first * r - l)))
        .collect();
    for i in 0..lefts.len() {
        let row = &mut a[(k + 2 + i) * n + k..];
        for (x, &(left, right)) in row[2..].iter_mut().zip(&parts[..=i]) {
            *x = *x - lefts[i] * left - rights[i] * right;
        }
        (row[0], row[1]) = parts[i];
    }
}

/// A⁻¹ B by what [`ldl`] gave, in place of B `[n, c]`. LAPACK's `sytrs`.
pub(super) fn ldl_solve<T: Real>(a: &[T], pivots: &[i32], n: usize, b: &mut [T], c: usize) {
    let row = |p: i32| (p.unsigned_abs() as usize).saturating_sub(1).min(n - 1);
    let mut k = 0;
    while k < n {
        let two = pivots[k] < 0 && k + 1 < n;
        let last = k + usize::from(two);
        swap_rows(b, c, last, row(pivots[k]));
        for i in last + 1..n {
            for j in 0..c {
                let mut x = b[i * c + j] - a[i * n + k] * b[k * c + j];
                if two {
                    x = x - a[i * n + k + 1] * b[(k + 1) * c + j];
                }
                b[i * c + j] = x;
            }
        }
        divide_by_block(a, n, b, c, (k, two));
        k = last + 1;
    }
    let mut end = n;
    while end > 0 {
        let last = end - 1;
        let two = pivots[last] < 0 && last > 0;
        let first = last - usize::from(two);
        for r in first..end {
            for i in end..n {
                for j in 0..c {
                    b[r * c + j] = b[r * c + j] - a[i * n + r] * b[i * c + j];
                }
            }
        }
        swap_rows(b, c, last, row(pivots[last]));
        end = first;
    }
}

/// D⁻¹ B for one block of D.
fn divide_by_block<T: Real>(a: &[T], n: usize, b: &mut [T], c: usize, (k, two): (usize, bool)) {
    if !two {
        (0..c).for_each(|j| b[k * c + j] = b[k * c + j] / a[k * n + k]);
        return;
    }
    let beside = a[(k + 1) * n + k];
    let (first, second) = (a[k * n + k] / beside, a[(k + 1) * n + k + 1] / beside);
    let scale = first * second - T::ONE;
    for j in 0..c {
        let (x, y) = (b[k * c + j] / beside, b[(k + 1) * c + j] / beside);
        b[k * c + j] = (second * x - y) / scale;
        b[(k + 1) * c + j] = (first * y - x) / scale;
    }
}
