//! Numbers and matrices of ours as faer has them, and back.

use crate::dd::Dd;
use crate::{Array, DType, Real, Result, gathered};
use faer::MatRef;
use faer::traits::RealField;

/// A number of ours as faer has it.
pub(in crate::device::cpu::factor) trait Field: Real {
    /// faer's type.
    type Faer: RealField + Copy;
    /// Whether faer multiplies blocks of it; where it does not, factors are made by the textbooks' loops.
    const BLOCKS: bool = true;
    /// The type in which is tried again what did not converge: numbers whose squares are too small for this one.
    type Wider: Field;
    fn lift(self) -> Self::Faer;
    fn lower(x: Self::Faer) -> Self;
    fn widen(self) -> Self::Wider;
    fn narrow(x: Self::Wider) -> Self;
}

macro_rules! same {
    ($($t:ty, $wider:ty, $widen:expr, $narrow:expr;)*) => {$(
        impl Field for $t {
            type Faer = $t;
            type Wider = $wider;
            fn widen(self) -> $wider {
                $widen(self)
            }
            fn narrow(x: $wider) -> $t {
                $narrow(x)
            }
            fn lift(self) -> $t {
                self
            }
            fn lower(x: $t) -> $t {
                x
            }
        }
    )*};
}
same! {
    f32, f64, f64::from, |x| x as f32;
    f64, Dd, Dd::from, Dd::to_f64;
}

impl Field for Dd {
    type Faer = faer::traits::fx128;
    type Wider = Dd;
    // Its kernel of products of blocks is for native numbers only, and panics for others, as of 0.24.
    const BLOCKS: bool = false;
    fn widen(self) -> Dd {
        self
    }
    fn narrow(x: Dd) -> Dd {
        x
    }
    fn lift(self) -> Self::Faer {
        faer::traits::fx128::from(self.hi) + faer::traits::fx128::from(self.lo)
    }
    fn lower(x: Self::Faer) -> Dd {
        Dd::from(x.0) + Dd::from(x.1)
    }
}

/// The matrices of a batch.
pub(super) struct Batch<T: Field> {
    pub(super) data: Vec<T::Faer>,
    pub(super) m: usize,
    pub(super) n: usize,
}

impl<T: Field> Batch<T> {
    pub(super) fn of(a: &Array, (m, n): (usize, usize)) -> Result<Batch<T>> {
        let data = a.to_vec::<T>()?.into_iter().map(T::lift).collect();
        Ok(Batch { data, m, n })
    }

    pub(super) fn slice(&self, number: usize) -> &[T::Faer] {
        let size = self.m * self.n;
        &self.data[number * size..][..size]
    }

    pub(super) fn matrix(&self, number: usize) -> MatRef<'_, T::Faer> {
        MatRef::from_row_major_slice(self.slice(number), self.m, self.n)
    }

    /// One matrix whose numbers are far from one, brought to about one, and the power of two that makes them what they were. Squares of
    /// its numbers would underflow or overflow; LAPACK scales such matrices too. `None` for all others.
    pub(super) fn evened(&self, number: usize) -> Option<(Batch<T>, T)> {
        // Of single precision, whose exponents end at 127; and of doubles.
        let most = if T::DTYPE == DType::F32 { 30 } else { 250 };
        let given = self.slice(number);
        let largest = (given.iter()).fold(0.0, |m: f64, &x| m.max(T::lower(x).to_f64().abs()));
        let exponent = largest.log2().floor();
        if !exponent.is_finite() || exponent.abs() <= f64::from(most) {
            return None;
        }
        // In two halves, neither of which is out of range.
        let half = (exponent / 2.0).round();
        let (first, second) = (T::lit((-half).exp2()), T::lit((half - exponent).exp2()));
        let data = given.iter().map(|&x| (T::lower(x) * first * second).lift());
        let batch = Batch {
            data: gathered(data).ok()?,
            m: self.m,
            n: self.n,
        };
        Some((batch, T::lit(exponent.exp2())))
    }

    pub(super) fn is_finite(&self, number: usize) -> bool {
        self.slice(number).iter().all(|&x| finite::<T>(x))
    }
}

pub(super) fn finite<T: Field>(x: T::Faer) -> bool {
    T::lower(x).is_finite()
}

/// The transpose of a row-major matrix, in squares that fit the first-level cache.
pub(super) fn turned<X: Copy, Y>(x: &[X], (m, n): (usize, usize), y: &mut [Y], f: impl Fn(X) -> Y) {
    const SIDE: usize = 16;
    for top in (0..m).step_by(SIDE) {
        for left in (0..n).step_by(SIDE) {
            for j in left..n.min(left + SIDE) {
                for i in top..m.min(top + SIDE) {
                    y[j * m + i] = f(x[i * n + j]);
                }
            }
        }
    }
}

/// Writes a matrix that lies column by column behind what there is, row by row.
pub(super) fn push<T: Field>(out: &mut Vec<T>, a: MatRef<'_, T::Faer>) {
    let (m, n) = (a.nrows(), a.ncols());
    let start = out.len();
    out.resize(start + m * n, T::ZERO);
    let made = &mut out[start..];
    const SIDE: usize = 16;
    for left in (0..n).step_by(SIDE) {
        for top in (0..m).step_by(SIDE) {
            for i in top..m.min(top + SIDE) {
                for j in left..n.min(left + SIDE) {
                    made[i * n + j] = T::lower(a[(i, j)]);
                }
            }
        }
    }
}

/// A matrix whose every element is worked out.
pub(super) fn push_by<T: Field>(
    out: &mut Vec<T>,
    (m, n): (usize, usize),
    of: impl Fn(usize, usize) -> T,
) {
    // Rows of nothing may be any number of rows.
    for i in 0..if n == 0 { 0 } else { m } {
        out.extend((0..n).map(|j| of(i, j)));
    }
}
