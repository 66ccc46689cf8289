//! Operators on tensors: `&a + &b`, `2.0 * a`, `-a`. The documented sugar over the methods that return `Result`.
//!
//! Numbers are `f64` or `i64` here: with more types to choose from, Rust would not know which `2.0` is in `(2.0 * &a).sum()`.
//! The methods take every kind of number.
//!
//! # Panics
//! Where the method would return an error, at the caller's line and with the same text, as in ndarray. Code that must
//! not panic calls the methods.

use crate::Number;
use crate::tensor::Tensor;
use std::ops::{Add, Div, Mul, Neg, Sub};

#[cold]
#[track_caller]
fn fail(e: crate::Error) -> ! {
    panic!("{e}")
}

macro_rules! operator {
    ($($trait:ident $method:ident)*) => {$(
        operator!(@impl $trait $method, Tensor, Tensor, |a, b| Tensor::$method(&a, &b));
        operator!(@impl $trait $method, &Tensor, Tensor, |a, b| Tensor::$method(a, &b));
        operator!(@impl $trait $method, Tensor, &Tensor, |a, b| Tensor::$method(&a, b));
        operator!(@impl $trait $method, &Tensor, &Tensor, |a, b| Tensor::$method(a, b));
        operator!(@number $trait $method, f64, i64);
    )*};
    (@number $trait:ident $method:ident, $($n:ty),*) => {$(
        operator!(@impl $trait $method, Tensor, $n, |a, b| Tensor::$method(&a, b));
        operator!(@impl $trait $method, &Tensor, $n, |a, b| Tensor::$method(a, b));
        // No closures: one would hide the caller's line from `#[track_caller]`.
        operator!(@impl $trait $method, $n, Tensor, |a, b| match b.number_like(a) {
            Ok(a) => Tensor::$method(&a, &b),
            Err(e) => Err(e),
        });
        operator!(@impl $trait $method, $n, &Tensor, |a, b| match b.number_like(a) {
            Ok(a) => Tensor::$method(&a, b),
            Err(e) => Err(e),
        });
    )*};
    (@impl $trait:ident $method:ident, $a:ty, $b:ty, |$x:ident, $y:ident| $body:expr) => {
        impl $trait<$b> for $a {
            type Output = Tensor;
            /// # Panics
            /// Where the method of this name returns an error.
            #[track_caller]
            fn $method(self, other: $b) -> Tensor {
                let ($x, $y) = (self, other);
                match $body {
                    Ok(t) => t,
                    Err(e) => fail(e),
                }
            }
        }
    };
}
operator!(Add add Sub sub Mul mul Div div);

impl Neg for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        match Tensor::neg(self) {
            Ok(t) => t,
            Err(e) => fail(e),
        }
    }
}

impl Neg for Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        -&self
    }
}

impl Tensor {
    /// A number as a tensor without dimensions, in the dtype it takes beside this tensor.
    pub fn number_like(&self, n: impl Into<Number>) -> crate::Result<Tensor> {
        let n = n.into();
        let dtype = crate::ops::result_type_number(self.dtype(), n);
        crate::Array::number(n, dtype).map(Tensor::from_array)
    }
}
