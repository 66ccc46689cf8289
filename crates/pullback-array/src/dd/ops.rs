//! The operator traits of `Dd`, with itself and with `f64` on either side.
//!
//! Only wiring: the algorithms are in `arith.rs` and `rem.rs`.

use super::Dd;
use std::iter::{Product, Sum};
use std::ops::{
    Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign,
};

impl Neg for Dd {
    type Output = Dd;
    #[inline(always)]
    fn neg(self) -> Dd {
        Dd {
            hi: -self.hi,
            // A low part of zero is +0: equal numbers have equal bits.
            lo: 0.0 - self.lo,
        }
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $assign:ident, $assign_method:ident,
     |$a:ident, $b:ident| $dd:expr, $right:expr, $left:expr) => {
        impl $trait for Dd {
            type Output = Dd;
            #[inline(always)]
            fn $method(self, other: Dd) -> Dd {
                let ($a, $b) = (self, other);
                $dd
            }
        }
        impl $trait<f64> for Dd {
            type Output = Dd;
            #[inline(always)]
            fn $method(self, other: f64) -> Dd {
                let ($a, $b) = (self, other);
                $right
            }
        }
        impl $trait<Dd> for f64 {
            type Output = Dd;
            #[inline(always)]
            fn $method(self, other: Dd) -> Dd {
                let ($a, $b) = (self, other);
                $left
            }
        }
        impl $assign for Dd {
            #[inline(always)]
            fn $assign_method(&mut self, other: Dd) {
                *self = $trait::$method(*self, other);
            }
        }
        impl $assign<f64> for Dd {
            #[inline(always)]
            fn $assign_method(&mut self, other: f64) {
                *self = $trait::$method(*self, other);
            }
        }
    };
}

operator!(
    Add,
    add,
    AddAssign,
    add_assign,
    |a, b| a.add_dd(b),
    a.add_f64(b),
    b.add_f64(a)
);
operator!(
    Sub,
    sub,
    SubAssign,
    sub_assign,
    |a, b| a.add_dd(-b),
    a.add_f64(-b),
    (-b).add_f64(a)
);
operator!(
    Mul,
    mul,
    MulAssign,
    mul_assign,
    |a, b| a.mul_dd(b),
    a.mul_dd(Dd::whole(b)),
    b.mul_dd(Dd::whole(a))
);
operator!(
    Div,
    div,
    DivAssign,
    div_assign,
    |a, b| a.div_dd(b),
    a.div_dd(Dd::whole(b)),
    Dd::whole(a).div_dd(b)
);
operator!(
    Rem,
    rem,
    RemAssign,
    rem_assign,
    |a, b| a.rem_dd(b),
    a.rem_dd(Dd::whole(b)),
    Dd::whole(a).rem_dd(b)
);

impl Sum for Dd {
    fn sum<I: Iterator<Item = Dd>>(iter: I) -> Dd {
        iter.fold(Dd::ZERO, Add::add)
    }
}

impl<'a> Sum<&'a Dd> for Dd {
    fn sum<I: Iterator<Item = &'a Dd>>(iter: I) -> Dd {
        iter.copied().sum()
    }
}

impl Product for Dd {
    fn product<I: Iterator<Item = Dd>>(iter: I) -> Dd {
        iter.fold(Dd::ONE, Mul::mul)
    }
}

impl<'a> Product<&'a Dd> for Dd {
    fn product<I: Iterator<Item = &'a Dd>>(iter: I) -> Dd {
        iter.copied().product()
    }
}
