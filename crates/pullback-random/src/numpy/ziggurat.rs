//! The ziggurat methods that turn bits into standard normal and standard exponential numbers, f64 and f32. Tables are
//! in `tables_*.rs`; `log1p` and `exp` are the platform's, as in NumPy.
//!
//! Source: `random_standard_normal`, `random_standard_exponential` and their `_f` forms in
//! `numpy/random/src/distributions/distributions.c`, after Marsaglia and Tsang (2000). Every cast and the order of every
//! draw matter for the bits.

use super::pcg64::{Lcg, Words};
use super::{tables_exponential as e, tables_normal as n};

pub(super) const fn f64s(bits: [u64; 256]) -> [f64; 256] {
    let mut out = [0.0; 256];
    let mut i = 0;
    while i < 256 {
        out[i] = f64::from_bits(bits[i]);
        i += 1;
    }
    out
}

pub(super) const fn f32s(bits: [u32; 256]) -> [f32; 256] {
    let mut out = [0.0; 256];
    let mut i = 0;
    while i < 256 {
        out[i] = f32::from_bits(bits[i]);
        i += 1;
    }
    out
}

/// 53 bits in [0, 1): `next_double`.
#[inline(always)]
pub(super) fn unit_f64(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / 9007199254740992.0)
}

/// 24 bits in [0, 1): `next_float`.
#[inline(always)]
pub(super) fn unit_f32(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16777216.0)
}

/// Takes a first word and, in the one draw of a hundred that needs them, more.
#[inline(always)]
pub(super) fn normal_f64(lcg: &mut Lcg) -> f64 {
    loop {
        let word = lcg.next();
        let idx = (word & 0xff) as usize;
        let sign = (word >> 8) & 1;
        let rabs = (word >> 9) & 0x000f_ffff_ffff_ffff;
        // The sign goes into the top bit: a branch on it would be mispredicted half of the time.
        let x = f64::from_bits((rabs as f64 * n::W_F64[idx]).to_bits() ^ (sign << 63));
        if rabs < n::K_F64[idx] {
            return x;
        }
        if let Some(x) = normal_f64_edge(lcg, idx, rabs, x) {
            return x;
        }
    }
}

#[cold]
#[inline(never)]
fn normal_f64_edge(lcg: &mut Lcg, idx: usize, rabs: u64, x: f64) -> Option<f64> {
    if idx == 0 {
        loop {
            let xx = -n::INV_R_F64 * (-unit_f64(lcg.next())).ln_1p();
            let yy = -(-unit_f64(lcg.next())).ln_1p();
            if yy + yy > xx * xx {
                // Not the sign bit drawn above: bit 8 of what is left.
                let negative = (rabs >> 8) & 1 == 1;
                return Some(if negative {
                    -(n::R_F64 + xx)
                } else {
                    n::R_F64 + xx
                });
            }
        }
    }
    let wedge = (n::F_F64[idx - 1] - n::F_F64[idx]) * unit_f64(lcg.next()) + n::F_F64[idx];
    (wedge < (-0.5 * x * x).exp()).then_some(x)
}

#[inline(always)]
pub(super) fn normal_f32(words: &mut Words) -> f32 {
    loop {
        let word = words.next_u32();
        let idx = (word & 0xff) as usize;
        let sign = (word >> 8) & 1;
        let rabs = (word >> 9) & 0x007f_ffff;
        let x = f32::from_bits((rabs as f32 * n::W_F32[idx]).to_bits() ^ (sign << 31));
        if rabs < n::K_F32[idx] {
            return x;
        }
        if let Some(x) = normal_f32_edge(words, idx, rabs, x) {
            return x;
        }
    }
}

#[cold]
#[inline(never)]
fn normal_f32_edge(words: &mut Words, idx: usize, rabs: u32, x: f32) -> Option<f32> {
    if idx == 0 {
        loop {
            let xx = -n::INV_R_F32 * (-unit_f32(words.next_u32())).ln_1p();
            let yy = -(-unit_f32(words.next_u32())).ln_1p();
            if yy + yy > xx * xx {
                let negative = (rabs >> 8) & 1 == 1;
                return Some(if negative {
                    -(n::R_F32 + xx)
                } else {
                    n::R_F32 + xx
                });
            }
        }
    }
    let wedge = (n::F_F32[idx - 1] - n::F_F32[idx]) * unit_f32(words.next_u32()) + n::F_F32[idx];
    // C promotes to double here.
    (f64::from(wedge) < (-0.5 * f64::from(x) * f64::from(x)).exp()).then_some(x)
}

#[inline(always)]
pub(super) fn exponential_f64(lcg: &mut Lcg) -> f64 {
    loop {
        let word = lcg.next() >> 3;
        let idx = (word & 0xff) as usize;
        let word = word >> 8;
        let x = word as f64 * e::W_F64[idx];
        if word < e::K_F64[idx] {
            return x;
        }
        if let Some(x) = exponential_f64_edge(lcg, idx, x) {
            return x;
        }
    }
}

#[cold]
#[inline(never)]
fn exponential_f64_edge(lcg: &mut Lcg, idx: usize, x: f64) -> Option<f64> {
    if idx == 0 {
        return Some(e::R_F64 - (-unit_f64(lcg.next())).ln_1p());
    }
    let wedge = (e::F_F64[idx - 1] - e::F_F64[idx]) * unit_f64(lcg.next()) + e::F_F64[idx];
    (wedge < (-x).exp()).then_some(x)
}

#[inline(always)]
pub(super) fn exponential_f32(words: &mut Words) -> f32 {
    loop {
        let word = words.next_u32() >> 1;
        let idx = (word & 0xff) as usize;
        let word = word >> 8;
        let x = word as f32 * e::W_F32[idx];
        if word < e::K_F32[idx] {
            return x;
        }
        if let Some(x) = exponential_f32_edge(words, idx, x) {
            return x;
        }
    }
}

#[cold]
#[inline(never)]
fn exponential_f32_edge(words: &mut Words, idx: usize, x: f32) -> Option<f32> {
    if idx == 0 {
        return Some(e::R_F32 - (-unit_f32(words.next_u32())).ln_1p());
    }
    let wedge = (e::F_F32[idx - 1] - e::F_F32[idx]) * unit_f32(words.next_u32()) + e::F_F32[idx];
    (f64::from(wedge) < f64::from(-x).exp()).then_some(x)
}
