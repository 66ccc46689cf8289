//! Which elements are the largest, in the very order PyTorch's `topk` gives them: equal values come out as the selection
//! algorithms of GNU's C++ library leave them, so those are followed step by step. Not a general sort.
//!
//! Source: `topk_impl_loop` in `ATen/native/TopKImpl.h`; the algorithms (`nth_element`, `sort`, `partial_sort`) are
//! described by Musser, "Introspective Sorting and Selection" (1997).

/// A value and where it was.
type Item = (f64, i64);

/// Insertion sort takes over at this length.
const SHORT: usize = 16;

/// The indices of the `k` largest values, largest first.
pub(super) fn top_k(values: impl Iterator<Item = f64>, k: usize) -> Vec<i64> {
    let mut items: Vec<Item> = values.zip(0..).collect();
    if k == 0 || k > items.len() {
        return Vec::new();
    }
    if k * 64 <= items.len() {
        heap_select(&mut items, k);
        sort_heap(&mut items[..k]);
    } else {
        nth_element(&mut items, k - 1);
        sort(&mut items[..k - 1]);
    }
    items[..k].iter().map(|item| item.1).collect()
}

/// NaN counts as the largest.
fn before(a: &Item, b: &Item) -> bool {
    (a.0.is_nan() && !b.0.is_nan()) || a.0 > b.0
}

fn depth(n: usize) -> u32 {
    2 * n.max(1).ilog2()
}

fn nth_element(items: &mut [Item], nth: usize) {
    let (mut first, mut last) = (0, items.len());
    let mut limit = depth(last);
    while last - first > 3 {
        if limit == 0 {
            heap_select(&mut items[first..last], nth + 1 - first);
            items.swap(first, nth);
            return;
        }
        limit -= 1;
        let cut = first + partition(&mut items[first..last]);
        if cut <= nth { first = cut } else { last = cut }
    }
    insertion_sort(&mut items[first..last]);
}

fn sort(items: &mut [Item]) {
    introsort(items, depth(items.len()));
    let head = items.len().min(SHORT);
    insertion_sort(&mut items[..head]);
    for i in head..items.len() {
        insert(items, i);
    }
}

fn introsort(mut items: &mut [Item], mut limit: u32) {
    while items.len() > SHORT {
        if limit == 0 {
            let all = items.len();
            heap_select(items, all);
            sort_heap(items);
            return;
        }
        limit -= 1;
        let cut = partition(items);
        let (head, tail) = items.split_at_mut(cut);
        introsort(tail, limit);
        items = head;
    }
}

/// Partitions around the median of the second, the middle and the last item, which goes to the front.
fn partition(items: &mut [Item]) -> usize {
    let (a, b, c) = (1, items.len() / 2, items.len() - 1);
    let less = |i: usize, j: usize| before(&items[i], &items[j]);
    let median = if less(a, b) {
        if less(b, c) {
            b
        } else if less(a, c) {
            c
        } else {
            a
        }
    } else if less(a, c) {
        a
    } else if less(b, c) {
        c
    } else {
        b
    };
    items.swap(0, median);
    let pivot = items[0];
    let (mut first, mut last) = (1, items.len());
    loop {
        while before(&items[first], &pivot) {
            first += 1;
        }
        last -= 1;
        while before(&pivot, &items[last]) {
            last -= 1;
        }
        if first >= last {
            return first;
        }
        items.swap(first, last);
        first += 1;
    }
}

fn insertion_sort(items: &mut [Item]) {
    for i in 1..items.len() {
        if before(&items[i], &items[0]) {
            items[..=i].rotate_right(1);
        } else {
            insert(items, i);
        }
    }
}

fn insert(items: &mut [Item], i: usize) {
    let value = items[i];
    let mut hole = i;
    while hole > 0 && before(&value, &items[hole - 1]) {
        items[hole] = items[hole - 1];
        hole -= 1;
    }
    items[hole] = value;
}

/// Makes a heap of the first `k` whose root is the last of them in order, and lets the others replace it.
fn heap_select(items: &mut [Item], k: usize) {
    for parent in (0..k / 2).rev() {
        let value = items[parent];
        adjust_heap(&mut items[..k], parent, value);
    }
    for i in k..items.len() {
        if before(&items[i], &items[0]) {
            pop_heap(items, k, i);
        }
    }
}

fn sort_heap(items: &mut [Item]) {
    for last in (1..items.len()).rev() {
        pop_heap(items, last, last);
    }
}

/// The root of the heap `items[..len]` goes to `to`, and what was there enters the heap.
fn pop_heap(items: &mut [Item], len: usize, to: usize) {
    let value = items[to];
    items[to] = items[0];
    adjust_heap(&mut items[..len], 0, value);
}

fn adjust_heap(heap: &mut [Item], top: usize, value: Item) {
    let len = heap.len();
    let mut hole = top;
    let mut child = hole;
    while child < (len - 1) / 2 {
        child = 2 * (child + 1);
        if before(&heap[child], &heap[child - 1]) {
            child -= 1;
        }
        heap[hole] = heap[child];
        hole = child;
    }
    if len.is_multiple_of(2) && child == (len - 2) / 2 {
        child = 2 * child + 1;
        heap[hole] = heap[child];
        hole = child;
    }
    while hole > top {
        let parent = (hole - 1) / 2;
        if !before(&heap[parent], &value) {
            break;
        }
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = value;
}
