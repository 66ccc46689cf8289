//! The formulas of recurrent cells for one row of a step: what a step makes of its sums, and what it sends back.
//!
//! Each pass is a loop over one or two runs, which the compiler makes vectors of. Not here: products, and how steps follow each other (`mod.rs`).

use crate::scalar::quick::exp_quick;
use crate::scalar::real::Real;

/// Which recurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Long short-term memory: gates i, f, g, o and a second state c.
    Lstm,
    /// Gated recurrent units: gates r, z, n.
    Gru,
    /// Elman's network with tanh.
    Tanh,
}

impl Cell {
    /// Rows of the weights for each hidden unit.
    pub const fn gates(self) -> usize {
        match self {
            Cell::Lstm => 4,
            Cell::Gru => 3,
            Cell::Tanh => 1,
        }
    }

    /// Numbers that the gradient wants kept of each step for each hidden unit: i, f, g, o, tanh c and c before the step; r, z, n and what n
    /// is given by the state; none.
    pub const fn kept(self) -> usize {
        match self {
            Cell::Lstm => 6,
            Cell::Gru => 4,
            Cell::Tanh => 0,
        }
    }
}

#[inline(always)]
fn sigmoid<T: Real>(x: T) -> T {
    T::ONE / (T::ONE + exp_quick(-x))
}

/// `to = f(to, with)`, element by element.
#[inline(always)]
fn each<T: Real>(to: &mut [T], with: &[T], f: impl Fn(T, T) -> T) {
    for (x, &y) in to.iter_mut().zip(with) {
        *x = f(*x, y);
    }
}

/// `to = f(to, a, b)`, element by element.
#[inline(always)]
fn each2<T: Real>(to: &mut [T], a: &[T], b: &[T], f: impl Fn(T, T, T) -> T) {
    for ((x, &a), &b) in to.iter_mut().zip(a).zip(b) {
        *x = f(*x, a, b);
    }
}

/// One step of long short-term memory. `row` begins with what the input gives to the gates and becomes what is kept, its last two parts c before the step;
/// `sums` is what the state gives, `c` the state. `h` becomes o·tanh c.
#[inline(always)]
pub(super) fn lstm<T: Real>(row: &mut [T], sums: &[T], c: &mut [T], h: &mut [T]) {
    let n = h.len();
    each(&mut row[..2 * n], &sums[..2 * n], |x, s| sigmoid(x + s));
    each(&mut row[2 * n..3 * n], &sums[2 * n..3 * n], |x, s| {
        (x + s).tanh()
    });
    each(&mut row[3 * n..4 * n], &sums[3 * n..], |x, s| {
        sigmoid(x + s)
    });
    let (gates, rest) = row.split_at_mut(4 * n);
    let turned = &mut rest[..n];
    each(c, &gates[n..2 * n], |c, f| f * c);
    each2(c, &gates[..n], &gates[2 * n..3 * n], |c, i, g| c + i * g);
    each(turned, c, |_, c| c.tanh());
    each2(h, &gates[3 * n..], turned, |_, o, t| o * t);
}

/// One step of gated recurrent units. `row` begins with what the input gives and becomes what is kept; `sums` is what the state gives; `h` is the state before
/// the step and becomes that after it.
#[inline(always)]
pub(super) fn gru<T: Real>(row: &mut [T], sums: &[T], h: &mut [T]) {
    let n = h.len();
    each(&mut row[..2 * n], &sums[..2 * n], |x, s| sigmoid(s + x));
    row[3 * n..].copy_from_slice(&sums[2 * n..]);
    let (gates, of_state) = row.split_at_mut(3 * n);
    let (both, new) = gates.split_at_mut(2 * n);
    each2(new, of_state, &both[..n], |x, s, r| (x + s * r).tanh());
    each2(h, new, &both[n..], |h, new, z| (h - new) * z + new);
}

/// One step of Elman's network: `h` becomes tanh of both sums.
#[inline(always)]
pub(super) fn elman<T: Real>(row: &[T], sums: &[T], h: &mut [T]) {
    each2(h, row, sums, |_, x, s| (x + s).tanh());
}

/// What [`lstm`] sends back: `g` is the gradient of h, `c` that of c after the step and becomes that before it, `d` becomes the gates'.
#[inline(always)]
pub(super) fn lstm_back<T: Real>(row: &[T], g: &[T], c: &mut [T], d: &mut [T]) {
    let n = g.len();
    let part = |k: usize| &row[k * n..(k + 1) * n];
    let [i, f, new, o, turned, before] = [0, 1, 2, 3, 4, 5].map(part);
    let (first, second) = d.split_at_mut(2 * n);
    let ((di, df), (dg, d_o)) = (first.split_at_mut(n), second.split_at_mut(n));
    each2(d_o, o, turned, |_, o, t| t * o * (T::ONE - o));
    each(d_o, g, |x, g| x * g);
    for (((c, &g), &o), &t) in c.iter_mut().zip(g).zip(o).zip(turned) {
        *c += g * o * (T::ONE - t * t);
    }
    each2(di, i, new, |_, i, n| n * i * (T::ONE - i));
    each2(dg, i, new, |_, i, n| i * (T::ONE - n * n));
    each2(df, f, before, |_, f, b| b * f * (T::ONE - f));
    for d in [di, df, dg] {
        each(d, c, |x, c| x * c);
    }
    each(c, f, |c, f| c * f);
}

/// What [`gru`] sends back: `g` is the gradient of h after the step and becomes the part of that before it which goes past the gates; `d` becomes the gates'
/// by the input, `of_state` those by the state.
#[inline(always)]
pub(super) fn gru_back<T: Real>(
    row: &[T],
    before: &[T],
    g: &mut [T],
    d: &mut [T],
    of_state: &mut [T],
) {
    let n = g.len();
    let part = |k: usize| &row[k * n..(k + 1) * n];
    let [r, z, new, sum] = [0, 1, 2, 3].map(part);
    let (dr, rest) = d.split_at_mut(n);
    let (dz, dn) = rest.split_at_mut(n);
    each2(dz, z, g, |_, z, g| g * z * (T::ONE - z));
    each2(dz, before, new, |x, h, n| x * (h - n));
    each2(dn, z, g, |_, z, g| g * (T::ONE - z));
    each(dn, new, |x, n| x * (T::ONE - n * n));
    each2(dr, r, sum, |_, r, s| s * r * (T::ONE - r));
    each(dr, dn, |x, d| x * d);
    each(g, z, |g, z| g * z);
    of_state[..n].copy_from_slice(dr);
    of_state[n..2 * n].copy_from_slice(dz);
    each2(&mut of_state[2 * n..], dn, r, |_, d, r| d * r);
}

/// What [`elman`] sends back, of its result and the gradient of that.
#[inline(always)]
pub(super) fn elman_back<T: Real>(h: &[T], g: &[T], d: &mut [T]) {
    each2(d, h, g, |_, h, g| g * (T::ONE - h * h));
}
