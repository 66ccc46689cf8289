//! Tensors from numbers as they stand in a program, and numbers out of tensors.

use crate::core::fail::error;
use crate::core::tensor::Tensor;
use crate::{DType, Element, Error, Result, bf16, f16};
use pullback_array::gathered;

/// Arrays of one to four dimensions, and what is the other way round.
macro_rules! arrays {
    ($($type:ty)*) => {$(
        arrays!(@ $type, [A] |x| x, [[A]]);
        arrays!(@ $type, [A B] |x| x.as_flattened(), [[A, B]]);
        arrays!(@ $type, [A B C] |x| x.as_flattened().as_flattened(), [[A, B, C]]);
        arrays!(@ $type, [A B C D] |x| x.as_flattened().as_flattened().as_flattened(), [[A, B, C, D]]);

        /// The one element, converted.
        impl TryFrom<&Tensor> for $type {
            type Error = Error;
            fn try_from(t: &Tensor) -> Result<$type> {
                Ok(t.number()?.cast())
            }
        }

        /// All elements, row by row; the dtype is this one.
        impl TryFrom<&Tensor> for Vec<$type> {
            type Error = Error;
            fn try_from(t: &Tensor) -> Result<Vec<$type>> {
                t.to_vec()
            }
        }

        /// The rows of a matrix; the dtype is this one.
        impl TryFrom<&Tensor> for Vec<Vec<$type>> {
            type Error = Error;
            fn try_from(t: &Tensor) -> Result<Vec<Vec<$type>>> {
                matrix(t)
            }
        }
    )*};
    (@ $type:ty, [$($n:ident)*] |$x:ident| $flat:expr, [$shape:expr]) => {
        /// The elements have the type that they have in Rust: `1.0` is `f64`, `1f32` is `f32`. [`tensor!`](crate::tensor) has PyTorch's default.
        ///
        /// # Panics
        /// Where the memory is not to be had; [`Tensor::from_slice`] does not.
        impl<$(const $n: usize),*> From<arrays!(@type $type, $($n)*)> for Tensor {
            #[track_caller]
            fn from($x: arrays!(@type $type, $($n)*)) -> Tensor {
                Tensor::from_slice(&$flat[..], $shape).unwrap_or_else(|e| panic!("{e}"))
            }
        }
    };
    (@type $type:ty, $a:ident) => { [$type; $a] };
    (@type $type:ty, $a:ident $b:ident) => { [[$type; $b]; $a] };
    (@type $type:ty, $a:ident $b:ident $c:ident) => { [[[$type; $c]; $b]; $a] };
    (@type $type:ty, $a:ident $b:ident $c:ident $d:ident) => { [[[[$type; $d]; $c]; $b]; $a] };
}

arrays! { bool u8 i8 i16 u16 i32 u32 i64 u64 f16 bf16 f32 f64 }

/// The rows of a matrix.
fn matrix<T: Element>(t: &Tensor) -> Result<Vec<Vec<T>>> {
    let [rows, columns] = t.shape()[..] else {
        return Err(error!(
            Shape,
            "a matrix has two dimensions, this tensor {}",
            t.ndim()
        ));
    };
    let all: Vec<T> = t.to_vec()?;
    gathered((0..rows).map(|k| all[k * columns..(k + 1) * columns].to_vec()))
}

/// What [`tensor!`](crate::tensor) makes: `f64`, which is what `1.0` is in Rust, in the default dtype, and `i32`, which is what `1` is, in int64.
///
/// # Errors
/// Where the memory is not to be had.
#[doc(hidden)]
pub fn literal(made: Tensor) -> Result<Tensor> {
    match made.dtype() {
        DType::F64 => made.to(DType::default_float()),
        DType::I32 => made.to(DType::I64),
        _ => Ok(made),
    }
    .map_err(|e| error!(Alloc, "{}", e.message()))
}

/// A tensor of numbers: `tensor![[1.0, 2.0], [3.0, 4.0]]`. As with PyTorch's `torch.tensor`, `1.0` is of the default dtype (float32 unless a program says
/// otherwise) and `1` is an int64; numbers that say their type keep it, but for `f64` and `i32`, which [`Tensor::from`] keeps.
///
/// # Panics
/// Where the memory is not to be had.
///
/// ```
/// use pullback::{DType, Tensor, tensor};
/// let x = tensor![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// assert_eq!((x.dtype(), &x.shape()[..]), (DType::F32, &[2, 3][..]));
/// assert_eq!(tensor![1, 2].dtype(), DType::I64);
/// assert_eq!(tensor![true, false].dtype(), DType::Bool);
/// assert_eq!(tensor![2.5].shape()[..], [1]);
/// assert_eq!(Tensor::from([[1.0, 2.0]]).dtype(), DType::F64);
/// assert_eq!(f64::try_from(&tensor![2.5].sum()?)?, 2.5);
/// # Ok::<(), pullback::Error>(())
/// ```
#[macro_export]
macro_rules! tensor {
    ($($x:expr),+ $(,)?) => {
        match $crate::literal($crate::Tensor::from([$($x),+])) {
            ::core::result::Result::Ok(t) => t,
            ::core::result::Result::Err(e) => panic!("{e}"),
        }
    };
}
