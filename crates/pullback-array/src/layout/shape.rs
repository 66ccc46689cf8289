//! Shapes: the sizes of an array's dimensions, how two of them broadcast, and how a dimension is named from either end.

use crate::error::{Error, ErrorKind, Result};
use crate::layout::dims::Dims;
use std::fmt;
use std::ops::Deref;

/// Sizes of the dimensions; up to four without a heap block.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(Dims<usize>);

impl Shape {
    /// Whether the sizes lie in place, and so own nothing.
    #[inline(always)]
    pub(crate) fn is_in_place(&self) -> bool {
        self.0.is_in_place()
    }

    /// Shape from sizes.
    #[inline]
    pub fn new(dims: &[usize]) -> Self {
        Shape(Dims::from_slice(dims))
    }

    /// Shape of a single number: no dimensions, one element.
    #[inline]
    pub fn scalar() -> Self {
        Shape(Dims::new())
    }

    /// Number of elements. Arrays check that it can be addressed when they are made ([`Shape::checked_numel`]); where nobody
    /// did, a number that is too large is `usize::MAX`, and 0 where a size is 0.
    #[inline]
    pub fn numel(&self) -> usize {
        self.0.iter().fold(1, |n, &d| n.saturating_mul(d))
    }

    /// Number of elements, or an error where it cannot be addressed. A size of 0 does not excuse the others, so that
    /// strides can be computed for every shape that passes.
    #[inline]
    pub fn checked_numel(&self) -> Result<usize> {
        let (mut spread, mut n) = (1usize, 1usize);
        for &d in self.0.iter() {
            match spread.checked_mul(d.max(1)) {
                Some(product) => spread = product,
                None => return Err(overflow(self)),
            }
            n *= d;
        }
        if spread > isize::MAX as usize {
            return Err(overflow(self));
        }
        Ok(n)
    }

    /// Adds a trailing dimension.
    pub fn push(&mut self, size: usize) {
        self.0.push(size);
    }

    /// Inserts a dimension before `at`.
    pub fn insert(&mut self, at: usize, size: usize) {
        self.0.insert(at, size);
    }

    /// Removes dimension `at` and returns its size.
    pub fn remove(&mut self, at: usize) -> usize {
        self.0.remove(at)
    }

    /// The sizes, to change in place.
    pub fn dims_mut(&mut self) -> &mut [usize] {
        &mut self.0
    }

    /// The shape two operands broadcast to, NumPy's rule: aligned at the right, 1 stretches.
    ///
    /// # Errors
    /// PyTorch's sentence, with the sizes and the dimension that clash.
    ///
    /// ```
    /// use pullback_array::Shape;
    /// let s = Shape::new(&[4, 1]).broadcast(&Shape::new(&[3])).unwrap();
    /// assert_eq!(&s[..], [4, 3]);
    /// ```
    pub fn broadcast(&self, other: &Shape) -> Result<Shape> {
        let (a, b) = (&self.0, &other.0);
        let rank = a.len().max(b.len());
        let mut out = Shape(Dims::from_elem(1, rank));
        for k in 1..=rank {
            let da = if k <= a.len() { a[a.len() - k] } else { 1 };
            let db = if k <= b.len() { b[b.len() - k] } else { 1 };
            out.0[rank - k] = match (da, db) {
                (x, y) if x == y => x,
                (1, y) => y,
                (x, 1) => x,
                (x, y) => {
                    return Err(Error::new(
                        ErrorKind::Shape,
                        format!(
                            "The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension {}",
                            rank - k
                        ),
                    )
                    .note(format!("shapes {self} and {other}"))
                    .help("sizes are compared from the right; each pair must be equal, or one of them 1"));
                }
            };
        }
        Ok(out)
    }

    /// Resolves a dimension given as in Python (negative counts from the end).
    ///
    /// # Errors
    /// PyTorch's `Dimension out of range` sentence.
    pub fn dim(&self, dim: i64) -> Result<usize> {
        wrap_dim(dim, self.0.len())
    }
}

#[cold]
fn overflow(shape: &Shape) -> Error {
    Error::new(
        ErrorKind::Alloc,
        format!("numel: integer multiplication overflow for shape {shape}"),
    )
}

/// Resolves `dim` against `rank` dimensions; a scalar accepts 0 and -1, as PyTorch does.
pub fn wrap_dim(dim: i64, rank: usize) -> Result<usize> {
    let n = rank.max(1) as i64;
    if dim >= -n && dim < n {
        return Ok(if dim < 0 {
            (dim + n) as usize
        } else {
            dim as usize
        });
    }
    Err(Error::new(
        ErrorKind::Index,
        format!(
            "Dimension out of range (expected to be in range of [{}, {}], but got {dim})",
            -n,
            n - 1
        ),
    ))
}

impl Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter()).finish()
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Shape::new(&dims)
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Shape::new(dims)
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        Shape::new(&dims)
    }
}

impl From<usize> for Shape {
    fn from(n: usize) -> Self {
        Shape::new(&[n])
    }
}

impl From<()> for Shape {
    fn from((): ()) -> Self {
        Shape::scalar()
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(iter: I) -> Self {
        Shape(iter.into_iter().collect())
    }
}
