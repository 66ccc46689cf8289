//! One number for all dimensions of a window, or one for each, as users write them.

use super::repr::tuple;
use std::fmt;

/// A size for each of `D` dimensions, given as one number or as one for each. It prints as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Each<const D: usize> {
    sizes: [usize; D],
    one: bool,
}

impl<const D: usize> Each<D> {
    /// The sizes as operations take them. What no tensor has is the largest number there is, which they refuse.
    pub(super) fn get(&self) -> [i64; D] {
        self.sizes.map(|n| i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// The sizes.
    pub fn sizes(&self) -> [usize; D] {
        self.sizes
    }

    /// Written out, however it was given: `(3, 3)`.
    pub(super) fn tuple(&self) -> String {
        tuple(&self.sizes)
    }
}

impl<const D: usize> From<usize> for Each<D> {
    fn from(n: usize) -> Self {
        Each {
            sizes: [n; D],
            one: true,
        }
    }
}

impl<const D: usize> From<[usize; D]> for Each<D> {
    fn from(sizes: [usize; D]) -> Self {
        Each { sizes, one: false }
    }
}

impl<const D: usize> fmt::Display for Each<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.one {
            true => write!(f, "{}", self.sizes.first().copied().unwrap_or(0)),
            false => f.write_str(&self.tuple()),
        }
    }
}

/// A size for each of `D` dimensions, where a dimension may keep its own: of adaptive pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<const D: usize> {
    sizes: [Option<usize>; D],
    one: bool,
}

impl<const D: usize> Target<D> {
    /// The sizes as operations take them, of an input of `D` dimensions at its end.
    pub(super) fn get(&self, x: &crate::Tensor) -> [i64; D] {
        let own = |d: usize| {
            let at = (x.ndim() + d).checked_sub(D);
            at.and_then(|at| x.shape().get(at).copied()).unwrap_or(0)
        };
        std::array::from_fn(|d| {
            i64::try_from(self.sizes[d].unwrap_or_else(|| own(d))).unwrap_or(i64::MAX)
        })
    }
}

impl<const D: usize> From<usize> for Target<D> {
    fn from(n: usize) -> Self {
        Target {
            sizes: [Some(n); D],
            one: true,
        }
    }
}

impl<const D: usize> From<[usize; D]> for Target<D> {
    fn from(sizes: [usize; D]) -> Self {
        Target::from(sizes.map(Some))
    }
}

impl<const D: usize> From<[Option<usize>; D]> for Target<D> {
    fn from(sizes: [Option<usize>; D]) -> Self {
        Target { sizes, one: false }
    }
}

impl<const D: usize> fmt::Display for Target<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |n: &Option<usize>| n.map_or("None".to_string(), |n| n.to_string());
        match self.sizes.first() {
            Some(n) if self.one => f.write_str(&text(n)),
            _ => f.write_str(&tuple(&self.sizes.iter().map(text).collect::<Vec<_>>())),
        }
    }
}
