//! Sizes as users write them: numbers of any integer type, where -1 stands for what is left over.

use crate::core::fail::bail;
use crate::{Result, Shape};
use smallvec::SmallVec;
use std::fmt;

/// The sizes of a shape that is asked for; -1 is inferred (`reshape`) or kept (`expand`).
///
/// Made of arrays, slices and vectors of integers, of a [`Shape`], or of one number:
///
/// ```
/// # use pullback::Tensor;
/// let x = Tensor::arange(6)?;
/// assert_eq!(x.reshape([2, -1])?.shape()[..], [2, 3]);
/// assert_eq!(x.reshape(x.shape())?.shape()[..], [6]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes(pub(crate) SmallVec<[i64; 4]>);

impl Sizes {
    /// The shape for `numel` elements, with -1 inferred.
    ///
    /// # Errors
    /// PyTorch's sentences: two sizes to infer, a negative one, a number of elements that does not divide.
    pub(crate) fn infer(&self, numel: usize) -> Result<Shape> {
        let mut open = None;
        let mut known = 1usize;
        for (k, &n) in self.0.iter().enumerate() {
            match usize::try_from(n) {
                Ok(n) => known = known.saturating_mul(n),
                Err(_) if n < -1 => {
                    bail!(
                        Shape,
                        "invalid shape dimension {n} at index {k} of shape {self}"
                    );
                }
                Err(_) if open.is_some() => {
                    bail!(Shape, "only one dimension can be inferred");
                }
                Err(_) => open = Some(k),
            }
        }
        let mut shape: Shape = self.0.iter().map(|&n| n.max(0) as usize).collect();
        if let Some(k) = open {
            if known == 0 && numel == 0 {
                bail!(
                    Shape,
                    "cannot reshape tensor of 0 elements into shape {self} because the unspecified dimension size -1 can be any value and is ambiguous"
                );
            }
            if known == 0 || !numel.is_multiple_of(known) {
                bail!(Shape, "shape '{self}' is invalid for input of size {numel}");
            }
            shape.dims_mut()[k] = numel / known;
        }
        Ok(shape)
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter()).finish()
    }
}

impl From<()> for Sizes {
    fn from((): ()) -> Self {
        Sizes(SmallVec::new())
    }
}

impl From<&Shape> for Sizes {
    fn from(shape: &Shape) -> Self {
        Sizes(shape.iter().map(|&n| n as i64).collect())
    }
}

impl From<Shape> for Sizes {
    fn from(shape: Shape) -> Self {
        Sizes::from(&shape)
    }
}

/// A size or a number of things: an integer of any type, of which negative ones are errors in PyTorch's words where they are no sizes.
///
/// ```
/// use pullback::{DType, Tensor, eye};
/// let n: usize = Tensor::arange(3)?.numel();
/// assert_eq!(eye(n, None, DType::F32)?.shape(), eye(3, Some(3.into()), DType::F32)?.shape());
/// assert!(eye(-1, None, DType::F32).is_err());
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub(crate) i64);

macro_rules! counts {
    ($($t:ty)*) => {$(
        impl From<$t> for Count {
            #[inline]
            fn from(n: $t) -> Self {
                Count(i64::try_from(n).unwrap_or(i64::MAX))
            }
        }
    )*};
}
counts!(usize i64 i32 u32);

macro_rules! sizes {
    ($($t:ty)*) => {$(
        impl From<$t> for Sizes {
            fn from(n: $t) -> Self {
                Sizes(std::iter::once(n as i64).collect())
            }
        }
        impl From<&[$t]> for Sizes {
            fn from(sizes: &[$t]) -> Self {
                Sizes(sizes.iter().map(|&n| n as i64).collect())
            }
        }
        impl From<Vec<$t>> for Sizes {
            fn from(sizes: Vec<$t>) -> Self {
                Sizes::from(&sizes[..])
            }
        }
        impl From<&Vec<$t>> for Sizes {
            fn from(sizes: &Vec<$t>) -> Self {
                Sizes::from(&sizes[..])
            }
        }
        impl<const N: usize> From<[$t; N]> for Sizes {
            fn from(sizes: [$t; N]) -> Self {
                Sizes::from(&sizes[..])
            }
        }
        impl<const N: usize> From<&[$t; N]> for Sizes {
            fn from(sizes: &[$t; N]) -> Self {
                Sizes::from(&sizes[..])
            }
        }
    )*};
}
sizes!(usize i64 i32);
