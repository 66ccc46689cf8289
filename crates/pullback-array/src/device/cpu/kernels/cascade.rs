//! The cascade: how PyTorch adds up one run of numbers, or several side by side. `sum.rs` says which form takes which
//! dimensions.
#![allow(unsafe_code)]

use crate::dtype::Element;
use crate::scalar::real::Real;

const LEVELS: usize = 4;
/// Interleaved running sums of one row.
const ILP: usize = 4;

/// Cascade sum of `K` interleaved sequences of `n` elements each: element `i` of sequence `k` is at
/// `p + i * step + k * gap`.
///
/// # Safety
/// Those places can be read.
#[inline(always)]
pub(super) unsafe fn cascade<T: Real, const K: usize>(
    p: *const T,
    step: isize,
    gap: isize,
    n: usize,
) -> [T; K] {
    let add = |acc: &mut [T; K], i: usize| {
        for (k, a) in acc.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *a += unsafe { *p.offset(i as isize * step + k as isize * gap) };
        }
    };
    let mut acc = [[T::ZERO; K]; LEVELS];
    if n < 16 {
        // Only the first level would be used, and adding the others' zeros changes nothing.
        (0..n).for_each(|i| add(&mut acc[0], i));
        return acc[0];
    }
    let power = 4.max(n.next_power_of_two().trailing_zeros() as usize / LEVELS);
    let block = 1usize << power;
    let mut i = 0;
    while i + block <= n {
        for _ in 0..block {
            add(&mut acc[0], i);
            i += 1;
        }
        for level in 1..LEVELS {
            let (low, high) = acc.split_at_mut(level);
            for (h, l) in high[0].iter_mut().zip(&mut low[level - 1]) {
                *h += *l;
                *l = T::ZERO;
            }
            if i & ((block - 1) << (level * power)) != 0 {
                break;
            }
        }
    }
    while i < n {
        add(&mut acc[0], i);
        i += 1;
    }
    let (first, rest) = acc.split_at_mut(1);
    for level in rest {
        for (a, b) in first[0].iter_mut().zip(level) {
            *a += *b;
        }
    }
    first[0]
}

/// Sum of one row by four interleaved cascades; `K` rows that lie `gap` apart at once.
///
/// # Safety
/// As [`cascade`].
#[inline(always)]
pub(super) unsafe fn row<T: Real, const LANES: usize>(
    p: *const T,
    step: isize,
    gap: isize,
    n: usize,
) -> [T; LANES] {
    let quarter = n / ILP;
    if quarter == 0 {
        // SAFETY: the caller's promise.
        return unsafe { cascade::<T, LANES>(p, step, gap, n) };
    }
    let mut parts = [[T::ZERO; LANES]; ILP];
    for (k, part) in parts.iter_mut().enumerate() {
        // SAFETY: the caller's promise; sequence k of the row starts k steps in.
        *part = unsafe {
            cascade::<T, LANES>(
                p.offset(k as isize * step),
                step * ILP as isize,
                gap,
                quarter,
            )
        };
    }
    for i in quarter * ILP..n {
        for (lane, a) in parts[0].iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *a += unsafe { *p.offset(i as isize * step + lane as isize * gap) };
        }
    }
    let (first, rest) = parts.split_at_mut(1);
    for part in rest {
        for (a, b) in first[0].iter_mut().zip(part) {
            *a += *b;
        }
    }
    first[0]
}

/// Sum of `n` contiguous elements: `LANES` interleaved rows, then their sums, then the tail first as PyTorch does.
///
/// # Safety
/// `p` can be read at `n` elements.
#[inline(always)]
pub(super) unsafe fn contiguous<T: Real, const LANES: usize>(p: *const T, n: usize) -> T {
    let count = n / LANES;
    // SAFETY: the caller's promise.
    unsafe {
        let lanes = row::<T, LANES>(p, LANES as isize, 1, count);
        let mut total = T::ZERO;
        for i in count * LANES..n {
            total += *p.add(i);
        }
        for lane in lanes {
            total += lane;
        }
        total
    }
}

/// Lanes of PyTorch's AVX2 kernel, which its public builds use for sums on every recent x86 CPU: 32 bytes.
pub(super) const fn lanes<T: Element>() -> usize {
    if size_of::<T>() == 4 { 8 } else { 4 }
}

/// Sum of one run of `n` elements.
///
/// # Safety
/// `p` can be read at `n` elements, `step` apart.
pub(super) unsafe fn run<T: Real>(p: *const T, step: isize, n: usize) -> T {
    // SAFETY: the caller's promise.
    unsafe {
        match (step, lanes::<T>()) {
            (1, 8) if n >= 8 => contiguous::<T, 8>(p, n),
            (1, 4) if n >= 4 => contiguous::<T, 4>(p, n),
            _ => row::<T, 1>(p, step, 0, n)[0],
        }
    }
}
