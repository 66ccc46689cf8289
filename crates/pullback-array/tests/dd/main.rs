//! The double-double module against mpmath, against its own identities, and at special values.

mod golden;
mod identities;
mod special;

use pullback_array::dd::Dd;

fn d(x: f64) -> Dd {
    Dd::from(x)
}

fn is_canonical(x: Dd) -> bool {
    if x.hi() == 0.0 || !x.is_finite() {
        x.lo() == 0.0
    } else {
        x.hi() + x.lo() == x.hi()
    }
}

/// Equal as `f64` results are: same sign of zero, NaN for NaN.
fn same(a: Dd, b: f64) -> bool {
    (a.is_nan() && b.is_nan())
        || (a == b && a.is_sign_negative() == b.is_sign_negative() && is_canonical(a))
}
