//! `+=`, `-=`, `*=`, `/=`, and sums of tensors. `x += &y` writes into `x`'s memory, as Python's does: every handle of it sees that.
//!
//! # Panics
//! Where the method would return an error, at the caller's line and with the same text, as the other operators do.

use crate::Number;
use crate::core::tensor::Tensor;
use std::iter::Sum;
use std::ops::{AddAssign, DivAssign, MulAssign, SubAssign};

macro_rules! assign {
    ($($trait:ident $name:ident $method:ident;)*) => {$(
        assign!(@impl $trait $name $method, Tensor, |b| &b);
        assign!(@impl $trait $name $method, &Tensor, |b| b);
        assign!(@impl [N: Into<Number>] $trait $name $method, N, |b| b.into());
    )*};
    (@impl $([$($generics:tt)*])? $trait:ident $name:ident $method:ident, $b:ty, |$y:ident| $given:expr) => {
        impl$(<$($generics)*>)? $trait<$b> for Tensor {
            /// In place.
            ///
            /// # Panics
            /// Where the method it stands for returns an error.
            #[track_caller]
            fn $name(&mut self, other: $b) {
                let $y = other;
                if let Err(e) = Tensor::$method(self, $given) {
                    panic!("{e}");
                }
            }
        }
    };
}

assign! {
    AddAssign add_assign add_;
    SubAssign sub_assign sub_;
    MulAssign mul_assign mul_;
    DivAssign div_assign div_;
}

/// The sum of tensors, from the first on: of shapes that broadcast. Of none it is 0 without dimensions.
///
/// # Panics
/// Where shapes or dtypes do not go together.
impl Sum for Tensor {
    #[track_caller]
    fn sum<I: Iterator<Item = Tensor>>(mut all: I) -> Tensor {
        match all.next() {
            Some(first) => all.fold(first, |sum, t| sum + t),
            None => Tensor::scalar(0f32),
        }
    }
}

impl<'a> Sum<&'a Tensor> for Tensor {
    #[track_caller]
    fn sum<I: Iterator<Item = &'a Tensor>>(all: I) -> Tensor {
        all.cloned().sum()
    }
}
