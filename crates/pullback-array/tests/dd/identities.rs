//! Identities that hold for any numbers, on random ones.

use super::*;
use proptest::prelude::*;

/// Pairs with full low parts, exponents within `range`.
fn pairs(range: std::ops::Range<i32>) -> impl Strategy<Value = Dd> {
    (any::<bool>(), 1.0..2.0f64, -1.0..1.0f64, range).prop_map(|(neg, hi, lo, k)| {
        let x = Dd::from_parts(hi, lo * 2f64.powi(-53)).scale2(k);
        if neg { -x } else { x }
    })
}

fn close(a: Dd, b: Dd, scale: Dd) -> bool {
    (a - b).abs() <= scale.abs() * 2f64.powi(-98)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_and_products_undo(a in pairs(-60..60), b in pairs(-60..60)) {
        prop_assert!(close((a + b) - b, a, a.abs() + b.abs()));
        prop_assert!(close(a * b / b, a, a));
        prop_assert_eq!(a + b, b + a);
        prop_assert_eq!(a - b, -(b - a));
        prop_assert_eq!(a * b, b * a);
        prop_assert!(close(a.abs().sqrt() * a.abs().sqrt(), a.abs(), a));
        prop_assert!(close(a.cbrt().powi(3), a, a));
        prop_assert!(is_canonical(a + b) && is_canonical(a * b) && is_canonical(a / b));
        prop_assert!((a + b).hi() == Dd::from_parts((a + b).hi(), (a + b).lo()).hi());
    }

    #[test]
    fn plain_numbers_have_exact_sums_and_products(a in -1e100..1e100f64, b in -1e100..1e100f64) {
        let s = d(a) + b;
        prop_assert_eq!(s.hi(), a + b);
        prop_assert_eq!((s - a) - b, Dd::ZERO);
        let p = d(a) * d(b);
        prop_assert_eq!(p.hi(), a * b);
        if (a * b).abs() > 1e-250 {
            prop_assert_eq!(p.lo(), a.mul_add(b, -(a * b)));
        }
    }

    #[test]
    fn remainder_is_smaller_and_congruent(a in pairs(-20..60), b in pairs(-20..40)) {
        let r = a % b;
        prop_assert!(r.abs() < b.abs());
        prop_assert!(r == 0.0 || r.is_sign_negative() == a.is_sign_negative());
        let n = (a - r) / b;
        prop_assert!(close(n, n.round(), n.abs() + 1.0) && close(n.round() * b + r, a, a));
    }

    #[test]
    fn exponential_and_logarithm_undo(x in pairs(-40..300)) {
        let x = x.abs();
        let l = x.ln();
        prop_assert!(close(l.exp(), x, x * (l.abs() + 1.0)));
        prop_assert!(close(x.log2().exp2(), x, x * (l.abs() + 1.0)));
        let t = x.recip();
        prop_assert!(close(t.ln_1p().exp_m1(), t, t * 2.0));
    }

    #[test]
    fn circle_and_hyperbola(x in pairs(-30..40)) {
        let (s, c) = x.sin_cos();
        prop_assert!(close(s * s + c * c, Dd::ONE, Dd::ONE));
        prop_assert_eq!((s, c), (x.sin(), x.cos()));
        prop_assert_eq!((-x).sin(), -s);
        let y = x.scale2(-38);
        let (s, c) = (y.sinh(), y.cosh());
        prop_assert!(close((c - s) * (c + s), Dd::ONE, c * c * 2.0));
        prop_assert!(close(s / c, y.tanh(), y.tanh() * 2.0));
        prop_assert!(close(y.erf() + y.erfc(), Dd::ONE, d(2.0)));
    }

    #[test]
    fn inverse_functions_undo(x in pairs(-30..0)) {
        prop_assert!(close(x.asin().sin(), x, x * 2.0));
        prop_assert!(close(x.acos().cos(), x, Dd::ONE));
        prop_assert!(close(x.atan().tan(), x, x * 4.0));
        prop_assert!(close(x.asinh().sinh(), x, x * 4.0));
        prop_assert!(close(x.atanh().tanh(), x, x * 4.0));
    }

    #[test]
    fn printing_and_reading_undo(x in pairs(-900..900)) {
        let text = format!("{x:.800e}");
        prop_assert_eq!(text.parse::<Dd>(), Ok(x));
        let short: Dd = x.to_string().parse().expect("a number");
        prop_assert!((short - x).abs() <= x.abs() * 5.7e-32);
        let short: Dd = format!("{x:e}").parse().expect("a number");
        prop_assert!((short - x).abs() <= x.abs() * 5.7e-32);
    }

    #[test]
    fn far_apart_parts_survive(hi in 1.0..2.0f64, lo in 1.0..2.0f64, k in 54..900i32) {
        let x = Dd::from_parts(hi, lo * 2f64.powi(-k));
        prop_assert_eq!((x - hi).to_f64(), lo * 2f64.powi(-k));
        prop_assert_eq!(format!("{x:.1074}").parse::<Dd>(), Ok(x));
        prop_assert_eq!((x * 2.0).scale2(-1), x);
        prop_assert!(close(x.floor() + x.fract(), x, x));
    }

    #[test]
    fn any_bits_stay_canonical(a in any::<f64>(), b in any::<f64>(), c in any::<f64>()) {
        let x = Dd::from_parts(a, b);
        let y = Dd::from_parts(c, a * 1e-17);
        for r in [x, y, x + y, x - y, x * y, x / y, x % y, x.sqrt(), x.cbrt(), x.exp(), x.ln(),
                  x.sin(), x.cos(), x.tan(), x.atan2(y), x.powf(y), x.hypot(y), x.floor(), x.round(),
                  x.tanh(), x.sinh(), x.asinh(), x.erf(), x.erfc(), x.exp_m1(), x.ln_1p(), x.exp2()] {
            prop_assert!(is_canonical(r), "{:?} {:?}: {:?}", x, y, r);
        }
        // A pair never strays from the plain result by more than its rounding.
        for (r, s) in [(d(a) + d(c), a + c), (d(a) * d(c), a * c), (d(a) / d(c), a / c), (d(a).sqrt(), a.sqrt())] {
            prop_assert!(r.to_f64() == s || (r.is_nan() && s.is_nan()), "{} {}: {:?}, not {}", a, c, r, s);
        }
    }
}
