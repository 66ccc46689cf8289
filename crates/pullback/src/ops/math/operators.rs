//! Operators on tensors: `&a + &b`, `2.0 * a`, `-a`, `&mask & &other`, `!mask`. The documented sugar over the methods that return
//! `Result`; `%` is Python's, with the divisor's sign.
//!
//! On the right stands a tensor or a number of any type: `x * 2f32`, `x / n`. On the left numbers are `f64` or `i64`, and beside bits `i64` or `bool`: with more
//! types to choose from, Rust would not know which `2.0` is in `(2.0 * &a).sum()`. The methods take every kind of number.
//!
//! # Panics
//! Where the method would return an error, at the caller's line and with the same text, as in ndarray. Code that must
//! not panic calls the methods.

use crate::Number;
use crate::core::tensor::Tensor;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};

#[cold]
#[track_caller]
fn fail(e: crate::Error) -> ! {
    panic!("{e}")
}

/// With numbers of any type on the right, by one implementation for all of them: so `2.0` needs no choice.
macro_rules! arithmetic {
    ($($trait:ident $name:ident $method:ident;)*) => {$(
        operator!($trait $name $method: f64, i64;);
        arithmetic!(@right $trait $name $method, Tensor, |a| &a);
        arithmetic!(@right $trait $name $method, &Tensor, |a| a);
    )*};
    (@right $trait:ident $name:ident $method:ident, $a:ty, |$x:ident| $given:expr) => {
        impl<N: Into<Number>> $trait<N> for $a {
            type Output = Tensor;
            /// # Panics
            /// Where the method it stands for returns an error.
            #[track_caller]
            fn $name(self, other: N) -> Tensor {
                let $x = self;
                match Tensor::$method($given, other.into()) {
                    Ok(t) => t,
                    Err(e) => fail(e),
                }
            }
        }
    };
}

macro_rules! operator {
    ($($trait:ident $name:ident $method:ident: $($n:ty),*;)*) => {$(
        operator!(@impl $trait $name, Tensor, Tensor, |a, b| Tensor::$method(&a, &b));
        operator!(@impl $trait $name, &Tensor, Tensor, |a, b| Tensor::$method(a, &b));
        operator!(@impl $trait $name, Tensor, &Tensor, |a, b| Tensor::$method(&a, b));
        operator!(@impl $trait $name, &Tensor, &Tensor, |a, b| Tensor::$method(a, b));
        $(operator!(@number $trait $name $method, $n);)*
    )*};
    (@bits $trait:ident $name:ident $method:ident: $($n:ty),*) => {
        operator!($trait $name $method: $($n),*;);
        $(operator!(@impl $trait $name, Tensor, $n, |a, b| Tensor::$method(&a, b));
        operator!(@impl $trait $name, &Tensor, $n, |a, b| Tensor::$method(a, b));)*
    };
    (@number $trait:ident $name:ident $method:ident, $n:ty) => {
        // No closures: one would hide the caller's line from `#[track_caller]`.
        operator!(@impl $trait $name, $n, Tensor, |a, b| match b.number_like(a) {
            Ok(a) => Tensor::$method(&a, &b),
            Err(e) => Err(e),
        });
        operator!(@impl $trait $name, $n, &Tensor, |a, b| match b.number_like(a) {
            Ok(a) => Tensor::$method(&a, b),
            Err(e) => Err(e),
        });
    };
    (@impl $trait:ident $name:ident, $a:ty, $b:ty, |$x:ident, $y:ident| $body:expr) => {
        impl $trait<$b> for $a {
            type Output = Tensor;
            /// # Panics
            /// Where the method it stands for returns an error.
            #[track_caller]
            fn $name(self, other: $b) -> Tensor {
                let ($x, $y) = (self, other);
                match $body {
                    Ok(t) => t,
                    Err(e) => fail(e),
                }
            }
        }
    };
}

arithmetic! {
    Add add add;
    Sub sub sub;
    Mul mul mul;
    Div div div;
    Rem rem remainder;
}

operator!(@bits BitAnd bitand bitwise_and: i64, bool);
operator!(@bits BitOr bitor bitwise_or: i64, bool);
operator!(@bits BitXor bitxor bitwise_xor: i64, bool);
operator!(@bits Shl shl bitwise_left_shift: i64);
operator!(@bits Shr shr bitwise_right_shift: i64);

impl Not for &Tensor {
    type Output = Tensor;
    /// # Panics
    /// Where [`Tensor::bitwise_not`] returns an error.
    #[track_caller]
    fn not(self) -> Tensor {
        match self.bitwise_not() {
            Ok(t) => t,
            Err(e) => fail(e),
        }
    }
}

impl Not for Tensor {
    type Output = Tensor;
    #[track_caller]
    fn not(self) -> Tensor {
        !&self
    }
}

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
