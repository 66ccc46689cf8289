//! Which elements of a dimension each element of a resized one is made of, and how much each counts: PyTorch's formulas for every kind of
//! interpolation, in the precision that PyTorch computes them in.
//!
//! Not here: loops over images (`resize`, and `bytes` for bytes), arguments and their errors (`interpolate`).

use crate::Result;
use pullback_array::{Arith, Real, filled, room};

/// How elements between elements are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The one whose index is rounded down.
    Nearest,
    /// The one whose centre is nearest.
    NearestExact,
    /// Straight lines between neighbours, in one, two or three dimensions.
    Linear,
    /// Cubics through four neighbours; their slopes are -0.75 times a difference.
    Cubic,
    /// A triangle as wide as a step of the result where that is larger.
    LinearSmooth,
    /// A cubic as wide as four steps of the result, with slopes of -0.5.
    CubicSmooth,
    /// A windowed sinc, as wide as six steps of the result.
    Lanczos,
}

impl Filter {
    /// Elements under it where it is not widened.
    fn width(self) -> usize {
        match self {
            Filter::Nearest | Filter::NearestExact => 1,
            Filter::Linear | Filter::LinearSmooth => 2,
            Filter::Cubic | Filter::CubicSmooth => 4,
            Filter::Lanczos => 6,
        }
    }

    /// Whether it widens where the result is smaller.
    pub(in crate::ops) fn is_smooth(self) -> bool {
        matches!(
            self,
            Filter::LinearSmooth | Filter::CubicSmooth | Filter::Lanczos
        )
    }

    /// Whether it moves elements and computes nothing.
    pub(in crate::ops) fn is_nearest(self) -> bool {
        matches!(self, Filter::Nearest | Filter::NearestExact)
    }

    /// How much an element counts, by its distance in steps.
    fn at<T: Real>(self, x: T) -> T {
        let x = x.abs();
        match self {
            Filter::CubicSmooth => cubic(x, T::lit(-0.5)),
            Filter::Cubic => cubic(x, T::lit(-0.75)),
            Filter::Lanczos if x >= T::lit(3.0) => T::ZERO,
            Filter::Lanczos => sinc(x) * sinc(x / T::lit(3.0)),
            Filter::Nearest | Filter::NearestExact | Filter::Linear | Filter::LinearSmooth => {
                match x < T::ONE {
                    true => T::ONE - x,
                    false => T::ZERO,
                }
            }
        }
    }
}

/// Keys' cubic of a distance that is not negative.
fn cubic<T: Real>(x: T, a: T) -> T {
    if x < T::ONE {
        cubic_near(x, a)
    } else if x < T::lit(2.0) {
        cubic_far(x, a)
    } else {
        T::ZERO
    }
}

fn sinc<T: Real>(x: T) -> T {
    if x == T::ZERO {
        return T::ONE;
    }
    let x = x * T::parse("3.14159265358979323846264338327950288419716939937510582097494459");
    x.sin() / x
}

/// A dimension and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its size.
    pub from: usize,
    /// The result's.
    pub to: usize,
    /// Whether first and last elements stay where they are; else edges do.
    pub align: bool,
    /// How many times larger the user said that it becomes, where he did.
    pub scale: Option<f64>,
    /// Whether places are computed in fused steps, as PyTorch does for images.
    pub fused: bool,
}

impl Axis {
    /// The distance of the result's elements, in elements of the input.
    fn step<T: Real>(&self) -> T {
        let whole = |n: usize| T::from_i64(n as i64);
        match (self.align, self.scale) {
            (true, _) if self.to > 1 => {
                whole(self.from.saturating_sub(1)) / whole(self.to.saturating_sub(1))
            }
            (true, _) => T::ZERO,
            (false, Some(scale)) if scale > 0.0 => T::lit(1.0 / scale),
            (false, _) => whole(self.from) / whole(self.to),
        }
    }

    /// Where element `i` of the result lies.
    fn place<T: Real + Arith>(&self, i: usize, step: T, bounded: bool) -> T {
        let (i, half) = (T::from_i64(i as i64), T::lit(0.5));
        if self.align {
            return step * i;
        }
        let at = match self.fused {
            true => (-half).plus_product(step, i + half),
            false => step * (i + half) - half,
        };
        match bounded && at < T::ZERO {
            true => T::ZERO,
            false => at,
        }
    }

    /// The element at or below a place, found in single precision as PyTorch finds it.
    fn below<T: Real>(&self, at: T) -> i64 {
        let at = f64::from((at.to_f64() as f32).floor());
        at.min(self.from as f64 - 1.0) as i64
    }

    /// The element that element `i` of the result is, where it is one.
    pub(in crate::ops) fn nearest<T: Real + Arith>(&self, filter: Filter, i: usize) -> usize {
        let last = self.from.saturating_sub(1);
        let step = self.step::<T>();
        let at = match filter {
            Filter::NearestExact => {
                let at = step * (T::from_i64(i as i64) + T::lit(0.5)) - T::lit(0.5);
                let at = if at < T::ZERO { T::ZERO } else { at };
                at + T::lit(0.5)
            }
            _ if self.to == self.from => return i,
            _ if self.from.checked_mul(2) == Some(self.to) => return i / 2,
            _ => step * T::from_i64(i as i64),
        };
        usize::try_from(self.below(at)).unwrap_or(0).min(last)
    }
}

/// For each element of a result, the elements that it is a sum of: number `i`'s are `index[start[i]..start[i + 1]]`.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Taps<T> {
    /// Where each one's begin, and the end.
    pub start: Vec<usize>,
    /// Elements.
    pub index: Vec<usize>,
    /// How much each counts.
    pub weight: Vec<T>,
}

impl<T: Real + Arith> Taps<T> {
    /// Those of a dimension.
    ///
    /// # Errors
    /// Where memory is missing.
    pub(in crate::ops) fn of(filter: Filter, axis: &Axis) -> Result<Taps<T>> {
        let each = match filter.is_smooth() {
            true => 1,
            false => filter.width(),
        };
        let mut taps = Taps {
            start: room(axis.to.saturating_add(1))?,
            index: room(axis.to.saturating_mul(each))?,
            weight: room(axis.to.saturating_mul(each))?,
        };
        taps.start.push(0);
        for i in 0..axis.to {
            match filter {
                Filter::Nearest | Filter::NearestExact => {
                    taps.push(axis.nearest::<T>(filter, i), T::ONE);
                }
                Filter::Linear => taps.line(axis, i),
                Filter::Cubic => taps.curve(axis, i),
                Filter::LinearSmooth | Filter::CubicSmooth | Filter::Lanczos => {
                    taps.smooth(filter, axis, i);
                }
            }
            taps.start.push(taps.index.len());
        }
        Ok(taps)
    }

    fn push(&mut self, index: usize, weight: T) {
        self.index.push(index);
        self.weight.push(weight);
    }

    /// The element below a place, and how far the place is above it, from 0 to 1.
    fn split(axis: &Axis, at: T) -> (i64, T) {
        let below = axis.below(at);
        let above = at - T::from_i64(below);
        (
            below,
            match above {
                a if a < T::ZERO => T::ZERO,
                a if a > T::ONE => T::ONE,
                a => a,
            },
        )
    }

    fn line(&mut self, axis: &Axis, i: usize) {
        if axis.from == axis.to {
            self.push(i, T::ONE);
            self.push(i, T::ZERO);
            return;
        }
        let (below, part) = Self::split(axis, axis.place(i, axis.step(), true));
        let below = usize::try_from(below).unwrap_or(0);
        self.push(below, T::ONE - part);
        self.push((below + 1).min(axis.from.saturating_sub(1)), part);
    }

    fn curve(&mut self, axis: &Axis, i: usize) {
        let (below, part) = Self::split(axis, axis.place(i, axis.step(), false));
        let (a, rest) = (T::lit(-0.75), T::ONE - part);
        for (k, x) in [part + T::ONE, part, rest, rest + T::ONE]
            .into_iter()
            .enumerate()
        {
            let index = (below + k as i64 - 1).clamp(0, axis.from as i64 - 1);
            let weight = match k {
                // At the ends of its pieces the formula of the piece counts.
                0 | 3 => cubic_far(x, a),
                _ => cubic_near(x, a),
            };
            self.push(usize::try_from(index).unwrap_or(0), weight);
        }
    }

    fn smooth(&mut self, filter: Filter, axis: &Axis, i: usize) {
        if axis.from == axis.to {
            return self.push(i, T::ONE);
        }
        let (step, half) = (axis.step::<T>(), T::lit(0.5));
        let reach = T::from_i64(filter.width() as i64) * half;
        let (reach, shrink) = match step >= T::ONE {
            true => (reach * step, T::ONE / step),
            false => (reach, T::ONE),
        };
        let centre = step * (T::from_i64(i as i64) + half);
        let start = (centre - reach + half).to_i64().max(0);
        let end = (centre + reach + half).to_i64().min(axis.from as i64);
        let (first, mut sum) = (self.weight.len(), T::ZERO);
        for k in start..end {
            let weight = filter.at((T::from_i64(k) - centre + half) * shrink);
            sum += weight;
            self.push(usize::try_from(k).unwrap_or(0), weight);
        }
        if sum != T::ZERO {
            self.weight[first..].iter_mut().for_each(|w| *w = *w / sum);
        }
    }

    /// For each element of the input, the elements of the result that it counts in.
    ///
    /// # Errors
    /// Where memory is missing.
    pub(in crate::ops) fn transposed(&self, from: usize) -> Result<Taps<T>> {
        let mut start = filled(from.saturating_add(1), 0usize)?;
        self.index.iter().for_each(|&i| start[i + 1] += 1);
        for i in 0..from {
            start[i + 1] += start[i];
        }
        let mut next = room(from)?;
        next.extend_from_slice(&start[..from]);
        let mut index = filled(self.index.len(), 0)?;
        let mut weight = filled(self.index.len(), T::ZERO)?;
        for i in 0..self.start.len() - 1 {
            for k in self.start[i]..self.start[i + 1] {
                let at = &mut next[self.index[k]];
                (index[*at], weight[*at]) = (i, self.weight[k]);
                *at += 1;
            }
        }
        Ok(Taps {
            start,
            index,
            weight,
        })
    }

    /// The same number for each element, if it is.
    pub(in crate::ops) fn uniform(&self) -> Option<usize> {
        let mut counts = self.start.windows(2).map(|w| w[1] - w[0]);
        let first = counts.next()?;
        counts.all(|n| n == first).then_some(first)
    }

    /// From the first to the last element under any one: how many rows are held at once.
    pub(in crate::ops) fn span(&self) -> usize {
        (self.start.windows(2))
            .filter_map(|w| {
                let under = &self.index[w[0]..w[1]];
                Some(under.iter().max()? - under.iter().min()? + 1)
            })
            .max()
            .unwrap_or(1)
    }
}

/// The piece of Keys' cubic from 0 to 1.
pub(super) fn cubic_near<T: Real>(x: T, a: T) -> T {
    ((a + T::lit(2.0)) * x - (a + T::lit(3.0))) * x * x + T::ONE
}

/// The piece of Keys' cubic from 1 to 2.
pub(super) fn cubic_far<T: Real>(x: T, a: T) -> T {
    ((a * x - T::lit(5.0) * a) * x + T::lit(8.0) * a) * x - T::lit(4.0) * a
}
