//! What `clamp` keeps elements within: a number or a tensor at either end, or nothing.

use crate::core::tensor::Tensor;
use crate::{Dd, Number, Operand, bf16, f16};
use std::ops::RangeFull;

/// One end of what elements are kept within: a number of any type, a tensor, or `..` for none.
///
/// ```
/// use pullback::tensor;
/// let x = tensor![-1.0, 0.5, 2.0];
/// assert_eq!(x.clamp(0, 1f32)?.to_vec::<f32>()?, [0.0, 0.5, 1.0]);
/// assert_eq!(x.clamp(0.0, ..)?.to_vec::<f32>()?, [0.0, 0.5, 2.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limit<'a>(pub(crate) Option<Operand<'a>>);

/// No end.
impl From<RangeFull> for Limit<'_> {
    fn from(_: RangeFull) -> Self {
        Limit(None)
    }
}

/// No end where there is none.
impl<'a> From<Option<Operand<'a>>> for Limit<'a> {
    fn from(end: Option<Operand<'a>>) -> Self {
        Limit(end)
    }
}

impl<'a> From<Operand<'a>> for Limit<'a> {
    fn from(end: Operand<'a>) -> Self {
        Limit(Some(end))
    }
}

impl<'a> From<&'a Tensor> for Limit<'a> {
    fn from(end: &'a Tensor) -> Self {
        Limit(Some(end.into()))
    }
}

/// Not for every `Into<Number>` at once: Rust would not see that `..` is none.
macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl From<$number> for Limit<'_> {
            fn from(end: $number) -> Self {
                Limit(Some(end.into()))
            }
        }
    )*};
}

numbers! { Number bool u8 i8 i16 u16 i32 u32 i64 u64 isize usize f16 bf16 f32 f64 Dd }
