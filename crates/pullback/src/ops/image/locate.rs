//! Where a grid points in an image: elements and weights for one place along one dimension, and their derivatives by the grid's number, of any
//! order; PyTorch's formulas for what lies outside.
//!
//! Not here: loops over images and grids (`sample`).

use crate::ops::image::taps::{cubic_far, cubic_near};
use pullback_array::{Arith, Real};
use smallvec::SmallVec;

/// How elements between elements are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Straight lines between neighbours.
    Bilinear,
    /// The nearest one; of two, the even one.
    Nearest,
    /// Cubics through four neighbours.
    Bicubic,
}

/// What lies outside of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Zeros.
    Zeros,
    /// The nearest element of the border.
    Border,
    /// The image, reflected at its borders as often as needed.
    Reflection,
}

/// How a grid is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// How elements between elements are made.
    pub between: Between,
    /// What lies outside.
    pub outside: Outside,
    /// Whether -1 and 1 are the first and last elements' centres, and not the edges.
    pub align: bool,
    /// Of which order by each of the grid's numbers (the last dimension's first) the derivative is.
    pub orders: [u8; 3],
}

impl Sampling {
    /// One order more by number `c`.
    #[must_use]
    pub(super) fn by(mut self, c: usize) -> Sampling {
        if let Some(order) = self.orders.get_mut(c) {
            *order = order.saturating_add(1);
        }
        self
    }
}

/// Elements along a dimension and how much each counts; none for zeros, `None` for no number at all.
pub(super) type Near<T> = Option<SmallVec<[(usize, T); 4]>>;

/// A dimension of an image under a grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Elements.
    pub size: usize,
    /// Whether it is one of two: those are reflected by other formulas than one of three.
    pub flat: bool,
}

impl Line {
    /// Elements near the grid's number `x` and their weights' derivatives of the given order by it.
    pub(super) fn near<T: Real + Arith>(self, how: &Sampling, x: T, order: u8) -> Near<T> {
        let n = T::from_i64(self.size as i64);
        let (half, one) = (T::lit(0.5), T::ONE);
        let (at, scale) = match how.align {
            true => ((x + one) * half * (n - one), half * (n - one)),
            false => ((-half).plus_product(x + one, n * half), n * half),
        };
        match how.between {
            Between::Bicubic => self.cubic(how, at, scale, order),
            Between::Nearest => {
                let (at, _) = self.inside(how, at);
                let inside = order == 0 && self.holds(at.round_ties_even());
                Some(
                    inside
                        .then(|| (index(at.round_ties_even()), one))
                        .into_iter()
                        .collect(),
                )
            }
            Between::Bilinear => {
                let (at, slope) = self.inside(how, at);
                if self.flat && !at.to_f64().is_finite() {
                    return None;
                }
                let low = at.floor();
                let weights = match order {
                    0 => (low + one - at, at - low),
                    1 => (-(scale * slope), scale * slope),
                    _ => return Some(SmallVec::new()),
                };
                let both = [(low, weights.0), (low + one, weights.1)];
                Some(
                    both.into_iter()
                        .filter(|&(i, _)| self.holds(i))
                        .map(|(i, w)| (index(i), w))
                        .collect(),
                )
            }
        }
    }

    fn cubic<T: Real>(self, how: &Sampling, at: T, scale: T, order: u8) -> Near<T> {
        let low = at.floor();
        let part = at - low;
        if !part.to_f64().is_finite() {
            return None;
        }
        let power = (0..order).fold(T::ONE, |p, _| p * scale);
        let mut near = SmallVec::new();
        for (k, w) in curve(part, order).into_iter().enumerate() {
            let i = low + T::from_i64(k as i64 - 1);
            let i = match how.outside {
                Outside::Zeros => i,
                _ => self.inside(how, i).0.trunc(),
            };
            if self.holds(i) {
                near.push((index(i), w * power));
            }
        }
        Some(near)
    }

    fn holds<T: Real>(self, i: T) -> bool {
        i >= T::ZERO && i < T::from_i64(self.size as i64)
    }

    /// A place moved into the image, and the slope of that.
    fn inside<T: Real>(self, how: &Sampling, at: T) -> (T, T) {
        match how.outside {
            Outside::Zeros => (at, T::ONE),
            Outside::Border => self.clipped(at),
            Outside::Reflection => {
                let (at, turned) = self.reflected(at, how.align);
                let (at, slope) = self.clipped(at);
                (at, turned * slope)
            }
        }
    }

    fn clipped<T: Real>(self, at: T) -> (T, T) {
        let last = T::from_i64(self.size as i64 - 1);
        if at > T::ZERO && at < last {
            (at, T::ONE)
        } else if at >= last || !self.flat && at.to_f64().is_nan() {
            (last, T::ZERO)
        } else {
            (T::ZERO, T::ZERO)
        }
    }

    fn reflected<T: Real>(self, at: T, align: bool) -> (T, T) {
        let n = T::from_i64(self.size as i64);
        let (low, span) = match align {
            true => (T::ZERO, n - T::ONE),
            false => (T::lit(-0.5), n),
        };
        if span <= T::ZERO {
            return (T::ZERO, T::ZERO);
        }
        let (far, side) = match at < low {
            true => (low - at, -T::ONE),
            false => (at - low, T::ONE),
        };
        if self.flat {
            let twice = span + span;
            let extra = far - (far / twice).trunc() * twice;
            let other = twice - extra;
            return match extra > other {
                true => (other + low, -side),
                false => (extra + low, side),
            };
        }
        let (extra, flips) = (far.rem(span), (far / span).floor());
        match flips.rem(T::lit(2.0)) == T::ZERO {
            true => (extra + low, side),
            false => (span - extra + low, -side),
        }
    }
}

fn index<T: Real>(i: T) -> usize {
    usize::try_from(i.to_i64()).unwrap_or(0)
}

/// The weights of four neighbours at `t` behind the second, or their derivatives by it.
fn curve<T: Real>(t: T, order: u8) -> [T; 4] {
    let (a, n) = (T::lit(-0.75), T::lit);
    let rest = T::ONE - t;
    let near = |x: T| match order {
        0 => cubic_near(x, a),
        1 => (n(3.0) * (a + n(2.0)) * x - n(2.0) * (a + n(3.0))) * x,
        2 => n(6.0) * (a + n(2.0)) * x - n(2.0) * (a + n(3.0)),
        3 => n(6.0) * (a + n(2.0)),
        _ => T::ZERO,
    };
    let far = |x: T| match order {
        0 => cubic_far(x, a),
        1 => (n(3.0) * a * x - n(10.0) * a) * x + n(8.0) * a,
        2 => n(6.0) * a * x - n(10.0) * a,
        3 => n(6.0) * a,
        _ => T::ZERO,
    };
    let sign = if order.is_multiple_of(2) {
        T::ONE
    } else {
        -T::ONE
    };
    [
        far(t + T::ONE),
        near(t),
        sign * near(rest),
        sign * far(rest + T::ONE),
    ]
}
