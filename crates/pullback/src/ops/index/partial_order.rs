//! Partial sorts in the order of PyTorch's CPU kernels, which are those of the C++ standard library as GNU wrote it: which
//! of equal elements `topk` and `kthvalue` name depends on every exchange.
//!
//! `before(a, b)` says whether a comes strictly before b.

/// A strict order.
type Before<'a, T> = &'a dyn Fn(&T, &T) -> bool;

/// `std::partial_sort`: the first `k` in order, the rest in any.
pub(in crate::ops) fn partial_sort<T: Copy>(x: &mut [T], k: usize, before: Before<'_, T>) {
    heap_select(x, k, before);
    for end in (1..k).rev() {
        pop_heap(x, end, end, before);
    }
}

/// `std::nth_element`: what a full sort would put at `n`, nothing greater before it.
pub(in crate::ops) fn nth_element<T: Copy>(x: &mut [T], n: usize, before: Before<'_, T>) {
    if n >= x.len() {
        return;
    }
    let (mut first, mut last) = (0, x.len());
    let mut depth = 2 * x.len().ilog2();
    while last - first > 3 {
        if depth == 0 {
            heap_select(&mut x[first..last], n + 1 - first, before);
            x.swap(first, n);
            return;
        }
        depth -= 1;
        let cut = partition(x, first, last, before);
        if cut <= n {
            first = cut;
        } else {
            last = cut;
        }
    }
    insertion_sort(&mut x[first..last], before);
}

/// `std::sort`.
pub(in crate::ops) fn sort<T: Copy>(x: &mut [T], before: Before<'_, T>) {
    const SMALL: usize = 16;
    if x.is_empty() {
        return;
    }
    introsort(x, 0, x.len(), 2 * x.len().ilog2(), before);
    if x.len() > SMALL {
        insertion_sort(&mut x[..SMALL], before);
        for i in SMALL..x.len() {
            linear_insert(x, i, before);
        }
    } else {
        insertion_sort(x, before);
    }
}

fn introsort<T: Copy>(
    x: &mut [T],
    first: usize,
    mut last: usize,
    mut depth: u32,
    before: Before<'_, T>,
) {
    while last - first > 16 {
        if depth == 0 {
            let part = &mut x[first..last];
            partial_sort(part, part.len(), before);
            return;
        }
        depth -= 1;
        let cut = partition(x, first, last, before);
        introsort(x, cut, last, depth, before);
        last = cut;
    }
}

/// `__unguarded_partition_pivot`: the median of three as pivot, moved to the front.
fn partition<T: Copy>(x: &mut [T], first: usize, last: usize, before: Before<'_, T>) -> usize {
    let (a, b, c) = (first + 1, first + (last - first) / 2, last - 1);
    let median = if before(&x[a], &x[b]) {
        if before(&x[b], &x[c]) {
            b
        } else if before(&x[a], &x[c]) {
            c
        } else {
            a
        }
    } else if before(&x[a], &x[c]) {
        a
    } else if before(&x[b], &x[c]) {
        c
    } else {
        b
    };
    x.swap(first, median);
    let (mut low, mut high) = (first + 1, last);
    loop {
        while before(&x[low], &x[first]) {
            low += 1;
        }
        high -= 1;
        while before(&x[first], &x[high]) {
            high -= 1;
        }
        if low >= high {
            return low;
        }
        x.swap(low, high);
        low += 1;
    }
}

fn insertion_sort<T: Copy>(x: &mut [T], before: Before<'_, T>) {
    for i in 1..x.len() {
        if before(&x[i], &x[0]) {
            x[..=i].rotate_right(1);
        } else {
            linear_insert(x, i, before);
        }
    }
}

/// Moves element `i` back to its place among those before it, one of which stops it.
fn linear_insert<T: Copy>(x: &mut [T], i: usize, before: Before<'_, T>) {
    let mut k = i;
    while k > 0 && before(&x[i], &x[k - 1]) {
        k -= 1;
    }
    x[k..=i].rotate_right(1);
}

fn heap_select<T: Copy>(x: &mut [T], k: usize, before: Before<'_, T>) {
    for parent in (0..k / 2).rev() {
        let value = x[parent];
        adjust_heap(x, parent, k, value, before);
    }
    for i in k..x.len() {
        if k > 0 && before(&x[i], &x[0]) {
            pop_heap(x, k, i, before);
        }
    }
}

/// Puts the heap's top at `result` and what was there into the heap `x[..len]`.
fn pop_heap<T: Copy>(x: &mut [T], len: usize, result: usize, before: Before<'_, T>) {
    let value = x[result];
    x[result] = x[0];
    adjust_heap(x, 0, len, value, before);
}

fn adjust_heap<T: Copy>(x: &mut [T], top: usize, len: usize, value: T, before: Before<'_, T>) {
    let mut hole = top;
    let mut child = hole;
    while child < len.saturating_sub(1) / 2 {
        child = 2 * (child + 1);
        if before(&x[child], &x[child - 1]) {
            child -= 1;
        }
        x[hole] = x[child];
        hole = child;
    }
    if len.is_multiple_of(2) && len >= 2 && child == (len - 2) / 2 {
        child = 2 * (child + 1);
        x[hole] = x[child - 1];
        hole = child - 1;
    }
    while hole > top {
        let parent = (hole - 1) / 2;
        if !before(&x[parent], &value) {
            break;
        }
        x[hole] = x[parent];
        hole = parent;
    }
    x[hole] = value;
}

/// PyTorch's own `quick_select_template`: what a full sort would put at `k`. `after(a, b)` says whether a comes strictly
/// after b.
pub(in crate::ops) fn quick_select<T: Copy>(x: &mut [T], k: usize, after: Before<'_, T>) {
    let (mut low, mut high) = (0, x.len().saturating_sub(1));
    loop {
        if high <= low {
            return;
        }
        if high == low + 1 {
            if after(&x[low], &x[high]) {
                x.swap(low, high);
            }
            return;
        }
        x.swap(low + (high - low) / 2, low + 1);
        for (a, b) in [(low + 1, high), (low, high), (low + 1, low)] {
            if after(&x[a], &x[b]) {
                x.swap(a, b);
            }
        }
        let (mut i, mut j, pivot) = (low + 1, high, x[low]);
        loop {
            i += 1;
            while after(&pivot, &x[i]) {
                i += 1;
            }
            j -= 1;
            while after(&x[j], &pivot) {
                j -= 1;
            }
            if j < i {
                break;
            }
            x.swap(i, j);
        }
        x.swap(low, j);
        if j <= k {
            low = i;
        }
        if j >= k {
            high = j - 1;
        }
    }
}
