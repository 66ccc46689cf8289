//! Special values, edges, printing and reading.

use super::golden::unary;
use super::*;
use pullback_array::dd::ParseDdError;
use std::cmp::Ordering;

#[test]
fn special_values_are_those_of_f64() {
    let inf = f64::INFINITY;
    let list = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        -2.0,
        3.0,
        0.5,
        inf,
        -inf,
        f64::NAN,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        1e-320,
    ];
    for a in list {
        assert!(same(-d(a), -a) && same(d(a).abs(), a.abs()), "{a}");
        assert!(
            same(d(a).floor(), a.floor()) && same(d(a).ceil(), a.ceil()),
            "{a}"
        );
        assert!(
            same(d(a).trunc(), a.trunc()) && same(d(a).round(), a.round()),
            "{a}"
        );
        assert!(same(d(a).round_ties_even(), a.round_ties_even()), "{a}");
        assert!(same(d(a).signum(), a.signum()), "{a}");
        for b in list {
            let exact = |x: f64| x == 0.0 || !x.is_finite();
            let (x, y) = (d(a), d(b));
            assert_eq!(x == y, a == b);
            assert_eq!(x.partial_cmp(&y), a.partial_cmp(&b));
            assert!(same(x.copysign(y), a.copysign(b)));
            assert!(same(x % y, a % b), "{a} % {b}: {:?}", x % y);
            for (name, r, s) in [
                ("+", x + y, a + b),
                ("-", x - y, a - b),
                ("*", x * y, a * b),
                ("/", x / y, a / b),
                ("+f", x + b, a + b),
                ("f-", a - y, a - b),
                ("*f", x * b, a * b),
                ("f/", a / y, a / b),
            ] {
                assert!(is_canonical(r), "{a} {name} {b}");
                if exact(s) {
                    assert!(same(r, s), "{a} {name} {b}: {r:?}, not {s}");
                } else {
                    assert_eq!(r.to_f64(), s, "{a} {name} {b}");
                }
            }
        }
    }
}

#[test]
fn special_values_of_functions() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    #[rustfmt::skip]
    let table: &[(&str, f64, f64)] = &[
        ("sqrt", -1.0, nan), ("sqrt", -0.0, -0.0), ("sqrt", inf, inf), ("sqrt", -inf, nan),
        ("cbrt", -0.0, -0.0), ("cbrt", -inf, -inf), ("cbrt", -8.0, -2.0), ("exp", 0.0, 1.0),
        ("exp", -inf, 0.0), ("exp", inf, inf), ("exp", 1000.0, inf), ("exp", -1000.0, 0.0),
        ("exp", 1e300, inf), ("exp", 709.9, inf), ("exp2", 1024.0, inf), ("exp2", -1075.0, 0.0),
        ("exp2", 0.0, 1.0), ("exp2", inf, inf), ("exp2", -1074.0, 5e-324), ("exp2", -inf, 0.0),
        ("exp2", 1023.0, 8.98846567431158e307), ("expm1", -0.0, -0.0), ("expm1", inf, inf),
        ("expm1", -inf, -1.0), ("expm1", 1e4, inf), ("ln", 0.0, -inf), ("ln", -0.0, -inf),
        ("ln", -1.0, nan), ("ln", inf, inf), ("ln", 1.0, 0.0), ("log2", 8.0, 3.0),
        ("log2", 5e-324, -1074.0), ("log2", 0.0, -inf), ("log2", -inf, nan), ("log10", 1000.0, 3.0),
        ("log10", 1e22, 22.0), ("log10", 1.0, 0.0), ("log10", -0.5, nan), ("ln_1p", -0.0, -0.0),
        ("ln_1p", -1.0, -inf), ("ln_1p", -2.0, nan), ("ln_1p", inf, inf), ("sin", -0.0, -0.0),
        ("sin", inf, nan), ("cos", 0.0, 1.0), ("cos", -inf, nan), ("tan", -0.0, -0.0),
        ("tan", inf, nan), ("sin", 5e-324, 5e-324), ("asin", -0.0, -0.0), ("asin", 1.5, nan),
        ("acos", 1.0, 0.0), ("acos", -1.5, nan), ("atan", -0.0, -0.0), ("asin", nan, nan),
        ("acos", inf, nan), ("asin", -inf, nan), ("sinh", -0.0, -0.0), ("sinh", -inf, -inf),
        ("sinh", 1000.0, inf), ("cosh", -inf, inf), ("cosh", 0.0, 1.0), ("cosh", -1000.0, inf),
        ("tanh", -0.0, -0.0), ("tanh", inf, 1.0), ("tanh", -1e300, -1.0), ("asinh", -0.0, -0.0),
        ("asinh", -inf, -inf), ("acosh", 1.0, 0.0), ("acosh", 0.5, nan), ("acosh", inf, inf),
        ("acosh", -inf, nan), ("atanh", -0.0, -0.0), ("atanh", -1.0, -inf), ("atanh", 1.5, nan),
        ("atanh", inf, nan), ("erf", -0.0, -0.0), ("erf", inf, 1.0), ("erf", -inf, -1.0),
        ("erfc", inf, 0.0), ("erfc", -inf, 2.0), ("erfc", 0.0, 1.0), ("erfc", 30.0, 0.0),
        ("erfc", 1e200, 0.0), ("lgamma", 1.0, 0.0), ("lgamma", 2.0, 0.0), ("lgamma", 0.0, inf),
        ("lgamma", -3.0, inf), ("lgamma", inf, inf), ("lgamma", -inf, inf), ("digamma", 0.0, -inf),
        ("digamma", -0.0, inf), ("digamma", -2.0, nan), ("digamma", inf, inf),
        ("digamma", -inf, nan),
    ];
    for &(name, x, want) in table {
        let got = unary(name, d(x));
        assert!(same(got, want), "{name}({x}) = {got:?}, not {want}");
        assert!(unary(name, Dd::NAN).is_nan(), "{name}(NaN)");
    }
}

#[test]
fn powers_at_the_edges_are_those_of_c() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    #[rustfmt::skip]
    let table: &[(f64, f64, f64)] = &[
        (nan, 0.0, 1.0), (1.0, nan, 1.0), (1.0, inf, 1.0), (-1.0, inf, 1.0), (-1.0, -inf, 1.0),
        (0.0, -1.0, inf), (-0.0, -1.0, -inf), (-0.0, -2.0, inf), (-0.0, -0.5, inf),
        (-0.0, 3.0, -0.0), (-0.0, 2.0, 0.0), (-0.0, 0.5, 0.0), (0.5, -inf, inf), (0.5, inf, 0.0),
        (-2.0, inf, inf), (2.0, -inf, 0.0), (-inf, 3.0, -inf), (-inf, 2.0, inf), (-inf, -3.0, -0.0),
        (-inf, -2.0, 0.0), (-inf, 0.5, inf), (inf, -1.5, 0.0), (-8.0, 1.0 / 3.0, nan),
        (-2.0, 3.0, -8.0), (2.0, 2000.0, inf), (-2.0, 2001.0, -inf), (2.0, -2001.5, 0.0),
        (-2.0, 1e300, inf), (4.0, 0.5, 2.0), (2.0, -1074.0, 5e-324), (0.0, nan, nan),
        (2.0, nan, nan),
    ];
    for &(x, y, want) in table {
        let got = d(x).powf(d(y));
        assert!(same(got, want), "{x} ^ {y} = {got:?}, not {want}");
    }
    for x in [0.0, -0.0, inf, -inf, nan, -2.0] {
        for n in [-3, -2, -1, 0, 1, 2, 3] {
            let got = d(x).powi(n);
            assert!(same(got, x.powi(n)), "{x} ^ {n} = {got:?}");
        }
    }
    // An infinite exponent sees the low part of the base.
    assert_eq!(Dd::from_parts(1.0, 1e-30).powf(Dd::INFINITY), Dd::INFINITY);
    assert_eq!(Dd::from_parts(1.0, -1e-30).powf(Dd::INFINITY), Dd::ZERO);
    // Oddness is decided on the pair: 2^53 + 1.
    let odd = Dd::from_parts(9_007_199_254_740_992.0, 1.0);
    assert_eq!(d(-1.0).powf(odd), d(-1.0));
}

#[test]
fn atan2_knows_its_quadrants() {
    let (inf, pi, half) = (f64::INFINITY, Dd::PI, Dd::FRAC_PI_2);
    let quarter = Dd::FRAC_PI_4;
    #[rustfmt::skip]
    let table = [
        (0.0, 1.0, Dd::ZERO), (-0.0, 1.0, -Dd::ZERO), (0.0, 0.0, Dd::ZERO), (-0.0, 0.0, -Dd::ZERO),
        (0.0, -0.0, pi), (-0.0, -0.0, -pi), (0.0, -1.0, pi), (-0.0, -1.0, -pi), (1.0, 0.0, half),
        (-1.0, -0.0, -half), (1.0, 1.0, quarter), (-1.0, 1.0, -quarter), (inf, 1.0, half),
        (-inf, -1.0, -half), (1.0, inf, Dd::ZERO), (-1.0, inf, -Dd::ZERO), (1.0, -inf, pi),
        (-1.0, -inf, -pi), (inf, inf, quarter), (-inf, inf, -quarter), (1e300, 1e-300, half),
        (1e-300, -1e300, pi), (-1e-300, 1e-300, -quarter),
    ];
    for (y, x, want) in table {
        let got = d(y).atan2(d(x));
        assert!(
            (got - want).abs() <= Dd::EPSILON * 2.0,
            "atan2({y}, {x}) = {got}"
        );
        assert_eq!(
            got.is_sign_negative(),
            want.is_sign_negative(),
            "atan2({y}, {x})"
        );
    }
    let three = d(1.0).atan2(d(-1.0));
    assert!((three - (pi - quarter)).abs() <= Dd::EPSILON * 4.0);
    assert!(d(f64::NAN).atan2(d(1.0)).is_nan() && d(1.0).atan2(d(f64::NAN)).is_nan());
    assert!((d(inf).atan2(d(-inf)) - (pi - quarter)).abs() <= Dd::EPSILON * 4.0);
}

#[test]
fn hypot_min_max_at_the_edges() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    assert!(same(d(nan).hypot(d(-inf)), inf) && same(d(nan).hypot(d(1.0)), nan));
    assert!(same(d(-3.0).hypot(d(0.0)), 3.0) && same(d(-0.0).hypot(d(0.0)), 0.0));
    assert!(same(d(f64::MAX).hypot(d(f64::MAX)), inf));
    assert_eq!(d(3e-320).hypot(d(4e-320)).to_f64(), 5e-320);
    assert!(same(d(nan).min(d(1.0)), 1.0) && same(d(1.0).max(d(nan)), 1.0));
    assert!(same(d(2.0).min(d(1.0)), 1.0) && same(d(2.0).max(d(1.0)), 2.0));
    assert_eq!(Dd::MAX + Dd::MAX, Dd::INFINITY);
    assert_eq!((Dd::MAX - Dd::MAX).to_f64(), 0.0);
    assert!(
        (Dd::MAX * d(2.0)).is_infinite()
            && (-Dd::MAX).partial_cmp(&Dd::MIN) == Some(Ordering::Equal)
    );
    assert!(is_canonical(Dd::MAX) && (Dd::MAX / 2.0 * 2.0) == Dd::MAX);
}

#[test]
fn integers_are_exact() {
    for n in [
        i64::MIN,
        i64::MIN + 1,
        -1,
        0,
        1,
        (1 << 53) + 1,
        i64::MAX - 1,
        i64::MAX,
    ] {
        assert_eq!(Dd::from(n).to_i64(), n);
        assert_eq!(Dd::from(n).to_string(), n.to_string());
    }
    assert_eq!(Dd::from(u64::MAX).to_string(), u64::MAX.to_string());
    assert_eq!(
        (d(1e30).to_i64(), d(-1e30).to_i64(), Dd::NAN.to_i64()),
        (i64::MAX, i64::MIN, 0)
    );
    let mut product = Dd::ONE;
    for n in 1..=25 {
        product *= Dd::from(n);
    }
    assert_eq!(product.to_string(), "15511210043330985984000000");
}

#[test]
fn rounding_breaks_ties_on_the_low_part() {
    let tiny = 1e-30;
    let x = Dd::from_parts(2.5, -tiny);
    assert_eq!(
        (x.round(), x.round_ties_even(), x.floor(), x.ceil()),
        (d(2.0), d(2.0), d(2.0), d(3.0))
    );
    let x = Dd::from_parts(2.5, tiny);
    assert_eq!((x.round(), x.round_ties_even()), (d(3.0), d(3.0)));
    let x = Dd::from_parts(-3.0, tiny);
    assert_eq!(
        (x.trunc(), x.floor(), x.ceil()),
        (d(-2.0), d(-3.0), d(-2.0))
    );
    let big = Dd::from_parts(2f64.powi(80), 0.5);
    assert_eq!(
        (big.round() - big, big.round_ties_even() - big),
        (d(0.5), d(-0.5))
    );
    assert_eq!((-big).round() + big, d(-0.5));
    let below = Dd::from_parts(2f64.powi(80), -0.5);
    assert_eq!(
        (below.round() - below, below.round_ties_even() - below),
        (d(0.5), d(0.5))
    );
    assert!(same(Dd::from_parts(-0.25, tiny).round(), -0.0));
}

#[test]
fn to_f32_rounds_once() {
    let half = f64::from(f32::EPSILON) / 2.0;
    let next = 1.0 + f32::EPSILON;
    for sign in [1.0, -1.0] {
        let s = |x: f32| x * sign as f32;
        let at = |hi: f64, lo: f64| Dd::from_parts(sign * hi, sign * lo).to_f32();
        assert_eq!(at(1.0 + half, 0.0), s(1.0));
        assert_eq!(at(1.0 + half, 1e-25), s(next));
        assert_eq!(at(1.0 + half, -1e-25), s(1.0));
        assert_eq!(at(1.0 + 3.0 * half, -1e-25), s(next));
        assert_eq!(at(2f64.powi(-150), 1e-70), s(f32::from_bits(1)));
        assert_eq!(at(2f64.powi(-150), 0.0), s(0.0));
        assert_eq!(at(1e300, 1e250), s(f32::INFINITY));
        assert_eq!(at(1.0, -1e-300), s(1.0));
    }
    assert!(Dd::NAN.to_f32().is_nan());
    assert!((-Dd::ZERO).to_f32().is_sign_negative());
}

#[test]
fn printing_is_exact() {
    assert_eq!(Dd::PI.to_string(), "3.1415926535897932384626433832795");
    assert_eq!(
        format!("{:e}", Dd::PI),
        "3.1415926535897932384626433832795e0"
    );
    assert_eq!(d(0.1).to_string(), "0.10000000000000000555111512312578");
    assert_eq!(
        (d(1.0) / d(3.0)).to_string(),
        "0.33333333333333333333333333333333"
    );
    assert_eq!(
        (d(2.0) / d(3.0)).to_string(),
        "0.66666666666666666666666666666666"
    );
    assert_eq!(
        (d(1.0) - Dd::from(1e-31)).to_string(),
        "0.9999999999999999999999999999999"
    );
    assert_eq!((d(1.0) - Dd::from(1e-33)).to_string(), "1");
    assert_eq!(
        format!("{:.40}", Dd::from_parts(1.0, 2f64.powi(-70))),
        format!("1.{:0>40}", "8470329472543003391")
    );
    for x in [
        0.0, -0.0, 1.0, -1.5, 1e22, 123456.789, 9.5, 0.05, 1e-7, 5e-324, 1.7e308,
    ] {
        for p in [0, 1, 3, 20] {
            assert_eq!(format!("{:.p$}", d(x)), format!("{x:.p$}"));
            assert_eq!(format!("{:.p$e}", d(x)), format!("{x:.p$e}"));
        }
    }
    for x in [
        0.0,
        -0.0,
        1.0,
        -1.5,
        1e22,
        0.5,
        f64::INFINITY,
        -f64::INFINITY,
        f64::NAN,
    ] {
        assert_eq!(d(x).to_string(), x.to_string());
        assert_eq!(format!("{:e}", d(x)), format!("{x:e}"));
        assert_eq!(
            format!("{:+}|{:8}|{:<8}|{:08}", d(x), d(x), d(x), d(x)).replace(' ', "_"),
            format!("{x:+}|{x:8}|{x:<8}|{x:08}").replace(' ', "_")
        );
    }
    assert_eq!(Dd::MAX.to_string().len(), 309);
    assert_eq!(format!("{:.0e}", d(9.5)), "1e1");
}

#[test]
fn reading_is_nearest() {
    let read = |s: &str| s.parse::<Dd>();
    assert_eq!(
        read("3.14159265358979323846264338327950288419716939937510"),
        Ok(Dd::PI)
    );
    assert_eq!(
        read("2718281828459045235360287471352662497757e-39"),
        Ok(Dd::E)
    );
    assert_eq!(read("0.1"), Ok(d(1.0) / d(10.0)));
    assert_eq!(read("+.5"), Ok(d(0.5)));
    assert_eq!(read("-1e400"), Ok(Dd::NEG_INFINITY));
    assert_eq!(read("-inf"), Ok(Dd::NEG_INFINITY));
    assert!(read("nan").is_ok_and(Dd::is_nan));
    assert!(read("-0.0").is_ok_and(|x| same(x, -0.0)));
    assert_eq!(read("1e-400"), Ok(Dd::ZERO));
    assert_eq!(
        read("9007199254740993"),
        Ok(Dd::from(9_007_199_254_740_993_i64))
    );
    assert_eq!(
        read("-9007199254740993"),
        Ok(Dd::from(-9_007_199_254_740_993_i64))
    );
    assert_eq!(
        read(&format!("1.{}1", "0".repeat(60))),
        Ok(Dd::from_parts(1.0, 1e-61))
    );
    assert_eq!(read("5e-324"), Ok(d(5e-324)));
    assert_eq!(read("1.7976931348623157e308").map(Dd::to_f64), Ok(f64::MAX));
    for bad in ["", "x", "1e", "1.2.3", "0x10", "1 2", "--1", "1e1e1", "∞"] {
        assert_eq!(read(bad), Err(ParseDdError), "{bad}");
    }
}
