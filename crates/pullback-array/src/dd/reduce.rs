//! Reduction of an angle to `[-pi/4, pi/4]`, exact for every finite argument.
//!
//! Payne and Hanek 1983: the two parts are integers times powers of two; their products with the
//! bits of `2/pi` are formed in integers, whole periods dropped before the multiplication, as a
//! number of quarter turns modulo 4 with 382 fraction bits. A pair can lie within about 2^-120 of a
//! multiple of pi/2, which leaves over 250 bits.

use super::Dd;
use super::eft::pow2;
use super::tables::{FRAC_PI_2, TWO_OVER_PI};

/// A number modulo 4 in units of 2^-382, least significant word first.
type Turns = [u64; 6];

/// `d * 2/pi` modulo 4, rounded down in size.
fn quarter_turns(d: f64) -> Turns {
    let field = ((d.to_bits() >> 52) & 0x7ff) as i32;
    let significand = (d.to_bits() & ((1 << 52) - 1)) | (u64::from(field != 0) << 52);
    let e = field.max(1) - 1075; // |d| = significand * 2^e
    // The first bit of 2/pi (bit i has the weight 2^-i) that is no multiple of 4 turns.
    let first = (e - 1).max(1);
    let start = (first - 1) as usize;
    let (word, bit) = (start / 64, start % 64);
    let mut product = [0u64; 7];
    let mut carry = 0u128;
    for (j, p) in product.iter_mut().take(6).enumerate() {
        let at = word + 5 - j;
        let mut w = TWO_OVER_PI[at] << bit;
        if bit != 0 {
            w |= TWO_OVER_PI[at + 1] >> (64 - bit);
        }
        carry += u128::from(w) * u128::from(significand);
        *p = carry as u64;
        carry >>= 64;
    }
    product[6] = carry as u64;
    // Align: zero for large arguments, otherwise the product lies lower.
    let shift = (first + 1 - e) as usize;
    let (words, bits) = (shift / 64, shift % 64);
    let mut out = [0u64; 6];
    for (j, o) in out.iter_mut().enumerate() {
        let low = product.get(j + words).copied().unwrap_or(0);
        let high = product.get(j + words + 1).copied().unwrap_or(0);
        *o = if bits == 0 {
            low
        } else {
            low >> bits | high << (64 - bits)
        };
    }
    out
}

fn negate(x: Turns) -> Turns {
    let mut carry = true;
    x.map(|w| {
        let (v, c) = (!w).overflowing_add(u64::from(carry));
        carry = c;
        v
    })
}

fn add(a: Turns, b: Turns) -> Turns {
    let mut out = [0; 6];
    let mut carry = 0u128;
    for i in 0..6 {
        carry += u128::from(a[i]) + u128::from(b[i]);
        out[i] = carry as u64;
        carry >>= 64;
    }
    out
}

/// The leading bits of a fraction (word 5 first, weight 2^-64 for its last bit) as a pair.
fn leading(fraction: Turns) -> Dd {
    let Some(top) = (0..6).rev().find(|&i| fraction[i] != 0) else {
        return Dd::ZERO;
    };
    let zeros = fraction[top].leading_zeros();
    let word = |back: usize| if back <= top { fraction[top - back] } else { 0 };
    let shifted = |back: usize| {
        if zeros == 0 {
            word(back)
        } else {
            word(back) << zeros | word(back + 1) >> (64 - zeros)
        }
    };
    let (a, b) = (shifted(0), shifted(1));
    let weight = pow2(-(64 * (5 - top as i32) + zeros as i32));
    let hi = (a >> 11) as f64 * pow2(-53);
    let mid = ((a & 0x7ff) << 42 | b >> 22) as f64 * pow2(-106);
    let low = (b & 0x3f_ffff) as f64 * pow2(-128);
    Dd::from_parts(hi, mid + low).scale_raw(weight)
}

/// `x = (4 n + q) pi/2 + r` with `|r| <= pi/4`: the quadrant `q` in 0..4 and `r`, whose relative
/// error is below 2^-102. `x` is finite.
pub(super) fn reduce(x: Dd) -> (u8, Dd) {
    if x.hi.abs() < 0.785 {
        return (0, x);
    }
    let signed = |d: f64| {
        let t = quarter_turns(d);
        if d < 0.0 { negate(t) } else { t }
    };
    let turns = add(signed(x.hi), signed(x.lo));
    let mut quadrant = (turns[5] >> 62) as u8;
    let mut fraction = [0; 6];
    for i in 0..6 {
        let below = if i == 0 { 0 } else { turns[i - 1] >> 62 };
        fraction[i] = turns[i] << 2 | below;
    }
    let negative = fraction[5] >> 63 == 1;
    if negative {
        quadrant = (quadrant + 1) & 3;
        fraction = negate(fraction);
    }
    let r = leading(fraction).mul_raw(FRAC_PI_2);
    (quadrant, if negative { -r } else { r })
}
