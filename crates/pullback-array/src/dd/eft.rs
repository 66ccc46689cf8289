//! Error-free transformations: sums and products of `f64` together with their exact rounding
//! errors, and the short expansions built from them.
//!
//! For the inner workings of `Dd` only. Nothing here guards against overflow or underflow; the
//! callers keep their arguments in range. The product splits its factors (Dekker 1971) instead of
//! calling a fused multiply-add: without the hardware instruction that call is a slow library
//! routine, and with it the result would be the same.

/// `a + b = s + e` exactly, for any order of magnitude (Knuth, TAOCP 2, 4.2.2 theorem B).
#[inline(always)]
pub(super) const fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// `a + b = s + e` exactly where `|a| >= |b|` or `a == 0` (Dekker 1971).
#[inline(always)]
pub(super) const fn quick_two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    (s, b - (s - a))
}

/// The upper and lower halves of a significand (Veltkamp's splitting, in Dekker 1971).
#[inline(always)]
const fn split(a: f64) -> (f64, f64) {
    let c = 134_217_729.0 * a;
    let h = c - (c - a);
    (h, a - h)
}

/// `a * b = p + e` exactly (Dekker 1971), for factors below 2^990 and products above 2^-960.
#[inline(always)]
pub(super) const fn two_prod(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    let (ah, al) = split(a);
    let (bh, bl) = split(b);
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

/// `a * a = p + e` exactly, with one splitting.
#[inline(always)]
pub(super) const fn two_sqr(a: f64) -> (f64, f64) {
    let p = a * a;
    let (h, l) = split(a);
    (p, ((h * h - p) + 2.0 * h * l) + l * l)
}

/// The sum of `N` numbers as an expansion of `M` parts of falling size.
///
/// `M` distillation sweeps (Ogita, Rump, Oishi 2005), then one that closes up the zeros
/// (Shewchuk 1997), so every part but the last is full: the relative error is about 2^-(53 M)
/// unless the terms cancel beyond their common 2^-(53 M).
#[inline]
pub(super) fn renorm<const N: usize, const M: usize>(mut t: [f64; N]) -> [f64; M] {
    for _ in 0..M {
        for i in (1..N).rev() {
            let (s, e) = two_sum(t[i - 1], t[i]);
            t[i - 1] = s;
            t[i] = e;
        }
    }
    let mut out = [0.0; M];
    let mut at = 0;
    let mut carry = t[0];
    for &x in &t[1..] {
        let (s, e) = two_sum(carry, x);
        carry = s;
        if e != 0.0 && at + 1 < M {
            out[at] = s;
            at += 1;
            carry = e;
        }
    }
    out[at] = carry;
    out
}

/// The product of two three-part numbers in three parts, relative error below 2^-150.
pub(super) fn mul3(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    let (p0, e0) = two_prod(a[0], b[0]);
    let (p1, e1) = two_prod(a[0], b[1]);
    let (p2, e2) = two_prod(a[1], b[0]);
    let (p3, e3) = two_prod(a[1], b[1]);
    let (p4, e4) = two_prod(a[0], b[2]);
    let (p5, e5) = two_prod(a[2], b[0]);
    let tail = a[1] * b[2] + a[2] * b[1] + (e3 + e4 + e5);
    renorm([p0, p1, p2, e0, p3, p4, p5, e1, e2, tail])
}

/// The exponent `k` with `2^k <= |x| < 2^(k + 1)`, for finite `x` other than zero.
#[inline]
pub(super) const fn exponent(x: f64) -> i32 {
    let field = ((x.to_bits() >> 52) & 0x7ff) as i32;
    if field != 0 {
        field - 1023
    } else {
        let scaled = x * pow2(64);
        (((scaled.to_bits() >> 52) & 0x7ff) as i32) - 1023 - 64
    }
}

/// `2^k` for `-1022 <= k <= 1023`.
#[inline(always)]
pub(super) const fn pow2(k: i32) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

/// `x * 2^k`, rounded once.
#[inline]
pub(super) const fn ldexp(mut x: f64, mut k: i32) -> f64 {
    // Steps of 2^-969 leave a number that will end subnormal normal until the last factor.
    let mut steps = 0;
    while k > 1023 && steps < 3 {
        x *= pow2(1023);
        k -= 1023;
        steps += 1;
    }
    while k < -1022 && steps < 3 {
        x *= pow2(-969);
        k += 969;
        steps += 1;
    }
    if k > 1023 {
        k = 1023;
    }
    if k < -1022 {
        k = -1022;
    }
    x * pow2(k)
}
