//! Special functions: double precision against double-double, which computes them another way, and against values and
//! identities that are known.

use pullback_array::Special;
use pullback_array::dd::Dd;

/// Relative to the larger of the value and `floor`.
fn close(what: &str, x: f64, got: f64, want: Dd, units: f64, floor: f64) {
    let size = want.abs().to_f64().max(floor);
    let off = (Dd::from(got) - want).abs().to_f64() / size / f64::EPSILON;
    assert!(
        off <= units,
        "{what}({x}) = {got:e}, not {want}: {off:.1} units"
    );
}

fn grid(from: f64, to: f64, n: usize) -> impl Iterator<Item = f64> {
    (0..=n).map(move |i| from + (to - from) * i as f64 / n as f64 + 1e-3)
}

#[test]
fn double_agrees_with_double_double() {
    for x in grid(-0.9995, 0.99, 400) {
        close("erfinv", x, x.erfinv(), Dd::from(x).erfinv(), 4.0, 0.0);
    }
    for k in 1..50 {
        let x = 1.0 - 2f64.powi(-k);
        close("erfinv", x, x.erfinv(), Dd::from(x).erfinv(), 4.0, 0.0);
    }
    for x in grid(-6.7, 40.0, 500) {
        close("digamma", x, x.digamma(), Dd::from(x).digamma(), 30.0, 1.0);
        close("lgamma", x, x.lgamma(), Dd::from(x).lgamma(), 20.0, 1.0);
        for n in 1..4 {
            let want = Dd::from(x).polygamma(n);
            close("polygamma", x, x.polygamma(n), want, 400.0, 1.0);
        }
    }
    for x in grid(-80.0, 80.0, 600) {
        close("i0e", x, x.i0e(), Dd::from(x).i0e(), 6.0, 0.0);
        close("i1e", x, x.i1e(), Dd::from(x).i1e(), 6.0, 0.0);
        close("i0", x, x.i0(), Dd::from(x).i0(), 8.0, 0.0);
        close("i1", x, x.i1(), Dd::from(x).i1(), 8.0, 0.0);
    }
}

#[test]
fn double_double_fulfils_identities() {
    let small = |what: &str, x: Dd| assert!(x.abs() < Dd::from(1e-28), "{what} leaves {x}");
    for x in grid(-0.99, 0.99, 60).map(Dd::from) {
        small("erf(erfinv)", x.erfinv().erf() - x);
    }
    let tiny = Dd::ONE - Dd::from(1e-25);
    assert!((tiny.erfinv().erfc() / Dd::from(1e-25) - Dd::ONE).abs() < Dd::from(1e-6));
    // ψ⁽ⁿ⁾(x + 1) = ψ⁽ⁿ⁾(x) + (-1)ⁿ n! / xⁿ⁺¹, on both sides of 0.
    for x in grid(-5.3, 8.0, 40).map(Dd::from) {
        let mut factorial = Dd::ONE;
        for n in 1..6u32 {
            factorial = -factorial * Dd::from(f64::from(n));
            let step = factorial / x.powi(n as i32 + 1);
            let off = (x + Dd::ONE).polygamma(n) - x.polygamma(n) - step;
            let size = step.abs() + x.polygamma(n).abs() + Dd::ONE;
            small("polygamma's recurrence", off / size);
        }
    }
    small(
        "trigamma(1) - π²/6",
        Dd::ONE.polygamma(1) - Dd::PI * Dd::PI / Dd::from(6.0),
    );
    // Both series of the Bessel functions meet; and a value from Abramowitz and Stegun, table 9.8.
    for (below, above) in [(Dd::i0e as fn(Dd) -> Dd, 0), (Dd::i1e, 1)] {
        let (a, b) = (Dd::from(60.0) - Dd::from(1e-27), Dd::from(60.0));
        small(&format!("order {above}"), below(a) - below(b));
    }
    assert!((Dd::ONE.i0().to_f64() - 1.266_065_877_752_008_4).abs() < 4e-16);
    assert!((Dd::ONE.i1().to_f64() - 0.565_159_103_992_485).abs() < 4e-16);
}

#[test]
fn special_values_are_pytorchs() {
    let inf = f64::INFINITY;
    assert_eq!([1f64.erfinv(), (-1f64).erfinv()], [inf, -inf]);
    assert!(1.5f64.erfinv().is_nan() && f64::NAN.erfinv().is_nan());
    assert!((-0.0f64).erfinv().is_sign_negative());
    assert_eq!([0f64.digamma(), (-0.0f64).digamma()], [-inf, inf]);
    assert!((-1f64).digamma().is_nan() && (-inf).digamma().is_nan());
    assert_eq!(inf.digamma(), inf);
    assert_eq!([0f64.lgamma(), (-1f64).lgamma(), (-inf).lgamma()], [inf; 3]);
    assert_eq!([0f64.polygamma(2), (-1f64).polygamma(1)], [-inf, inf]);
    assert_eq!(inf.polygamma(1), 0.0);
    assert!(inf.polygamma(2).is_nan() && inf.i0().is_nan() && inf.i0e() == 0.0);
    assert_eq!(Dd::NAN.i1().is_nan(), f64::NAN.i1().is_nan());
    assert_eq!(0f32.nextafter(-1.0), -f32::from_bits(1));
    let one = Dd::ONE.nextafter(Dd::INFINITY);
    assert!(one > Dd::ONE && one.nextafter(Dd::ZERO) == Dd::ONE);
    assert!((-inf).polygamma(1).is_nan() && (-f32::INFINITY).polygamma(1).is_nan());
    // A negative argument far out takes no longer than one near 0.
    assert!((-1e15f64 - 0.5).polygamma(3).is_finite());
}

/// As far out as there are numbers, of both signs: where a function is none, and where a term of it falls out of the dtype's range.
#[test]
fn far_out_too() {
    for k in 0..3000 {
        let x = 10f64.powf(-300.0 + 0.2 * f64::from(k));
        assert_eq!((-x).acosh().is_nan(), Dd::from(-x).acosh().is_nan(), "-{x}");
        assert!(
            (-x).acosh().is_nan() && (-x as f32).acosh().is_nan(),
            "-{x}"
        );
        if x.is_finite() && x > 1.0 {
            close("acosh", x, x.acosh(), Dd::from(x).acosh(), 4.0, 0.0);
        }
        for n in 1..4u32 {
            // (n - 1)!/xⁿ · (1 + n/2x + …)
            let factorial = f64::from((1..n).product::<u32>());
            let leading = Dd::from(factorial).ln() - Dd::from(x).ln() * Dd::from(f64::from(n));
            if x > 1e20 && x.is_finite() && leading > Dd::from(-700.0) {
                let want = leading.exp() * Dd::from(if n % 2 == 0 { -1.0 } else { 1.0 });
                close("polygamma", x, x.polygamma(n), want, 100.0, 0.0);
                close(
                    "polygamma of 32 digits",
                    x,
                    Dd::from(x).polygamma(n).to_f64(),
                    want,
                    100.0,
                    0.0,
                );
            }
        }
    }
}
