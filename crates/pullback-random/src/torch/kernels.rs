//! The loops over many numbers that PyTorch's CPU kernels are made of, written so that the compiler turns them into
//! vector instructions: Mersenne twister blocks, uniform numbers, Box-Muller. Which instructions is decided in `simd.rs`.
//!
//! Source: `ATen/core/MT19937RNGEngine.h`, `ATen/core/TransformationHelper.h`, `ATen/native/cpu/DistributionTemplates.h`,
//! and for the logarithm, sine and cosine `ATen/native/cpu/avx_mathfun.h` (Cephes; Julien Pommier, Giovanni Garberoglio).
//! PyTorch's build contracts a product followed by a sum into one fused operation; each such place is a `fma` here.

// Cephes' coefficients are kept with all their digits: rounding them is the compiler's business.
#![allow(clippy::excessive_precision)]

use super::fma::Fma;

pub(super) const N: usize = 624;
const M: usize = 397;

/// The next 624 words of the twister's state.
#[inline(always)]
pub(super) fn twist(state: &mut [u32; N]) {
    #[inline(always)]
    fn mixed(far: u32, u: u32, v: u32) -> u32 {
        let y = (u & 0x8000_0000) | (v & 0x7fff_ffff);
        far ^ (y >> 1) ^ ((v & 1).wrapping_neg() & 0x9908_b0df)
    }
    // Three loops, in each of which nothing read was written by the same loop: that is what lets them be vectors.
    for i in 0..N - M {
        state[i] = mixed(state[i + M], state[i], state[i + 1]);
    }
    for i in N - M..2 * (N - M) {
        state[i] = mixed(state[i + M - N], state[i], state[i + 1]);
    }
    for i in 2 * (N - M)..N - 1 {
        state[i] = mixed(state[i + M - N], state[i], state[i + 1]);
    }
    state[N - 1] = mixed(state[M - 1], state[N - 1], state[0]);
}

/// Tempers words of the state into draws.
#[inline(always)]
pub(super) fn temper(words: &[u32], out: &mut [u32]) {
    for (slot, &word) in out.iter_mut().zip(words) {
        let mut y = word;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^= y >> 18;
        *slot = y;
    }
}

/// 24 bits in [0, 1) of each draw, scaled into [from, to) with one rounding; a value that rounds up to `to` becomes
/// `from`.
#[inline(always)]
pub(super) fn uniform_f32<F: Fma>(draws: &[u32], out: &mut [f32], from: f32, to: f32) {
    let span = to - from;
    for (slot, &draw) in out.iter_mut().zip(draws) {
        // The mask leaves 24 bits: as i32, because vector units convert signed integers.
        let unit = (draw & 0x00ff_ffff) as i32 as f32 * (1.0 / 16777216.0);
        let value = F::fma(unit, span, from);
        *slot = if value == to { from } else { value };
    }
}

/// 53 bits in [0, 1) of each pair of draws, the high word first, scaled as above.
#[inline(always)]
pub(super) fn uniform_f64<F: Fma>(draws: &[u32], out: &mut [f64], from: f64, to: f64) {
    let span = to - from;
    for (slot, pair) in out.iter_mut().zip(draws.chunks_exact(2)) {
        let value = F::fma64(unit_f64(pair[0], pair[1]), span, from);
        *slot = if value == to { from } else { value };
    }
}

/// 53 bits in [0, 1) of one pair of draws. The two halves are exact doubles and so is their sum: no 64-bit conversion,
/// which vector units before AVX-512 lack.
#[inline(always)]
pub(super) fn unit_f64(high: u32, low: u32) -> f64 {
    let high = f64::from((high & 0x001f_ffff) as i32);
    // Converted with an offset, because a word does not fit a signed integer.
    let low = f64::from((low ^ 0x8000_0000) as i32) + 2147483648.0;
    (high * 4294967296.0 + low) * (1.0 / 9007199254740992.0)
}

/// Box-Muller in place on blocks of sixteen uniform numbers: eight radii first, eight angles after.
#[inline(always)]
pub(super) fn box_muller_f32<F: Fma>(data: &mut [f32], mean: f32, std: f32) {
    for block in data.chunks_exact_mut(16) {
        let (radii, angles) = block.split_at_mut(8);
        for (a, b) in radii.iter_mut().zip(angles) {
            let radius = (-2.0 * log::<F>(1.0 - *a)).sqrt();
            let (sin, cos) = sin_cos::<F>(std::f32::consts::TAU * *b);
            *a = F::fma(radius * cos, std, mean);
            *b = F::fma(radius * sin, std, mean);
        }
    }
}

/// The same on doubles, with the C library's logarithm, sine and cosine.
#[inline(always)]
pub(super) fn box_muller_f64<F: Fma>(data: &mut [f64], mean: f64, std: f64) {
    for block in data.chunks_exact_mut(16) {
        let (radii, angles) = block.split_at_mut(8);
        for (a, b) in radii.iter_mut().zip(angles) {
            let radius = (-2.0 * (1.0 - *a).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * *b).sin_cos();
            *a = F::fma64(radius * cos, std, mean);
            *b = F::fma64(radius * sin, std, mean);
        }
    }
}

/// Cephes' `logf` for a normal x > 0, without a branch.
#[inline(always)]
fn log<F: Fma>(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = ((bits >> 23) as i32 - 126) as f32;
    let mantissa = f32::from_bits((bits & 0x807f_ffff) | 0x3f00_0000);
    let small = mantissa < std::f32::consts::FRAC_1_SQRT_2;
    let x = mantissa - 1.0 + if small { mantissa } else { 0.0 };
    let e = exponent - if small { 1.0 } else { 0.0 };
    let z = x * x;
    let mut y = 7.0376836292E-2;
    y = F::fma(y, x, -1.1514610310E-1);
    y = F::fma(y, x, 1.1676998740E-1);
    y = F::fma(y, x, -1.2420140846E-1);
    y = F::fma(y, x, 1.4249322787E-1);
    y = F::fma(y, x, -1.6668057665E-1);
    y = F::fma(y, x, 2.0000714765E-1);
    y = F::fma(y, x, -2.4999993993E-1);
    y = F::fma(y, x, 3.3333331174E-1);
    y *= x;
    y = F::fma(y, z, e * -2.12194440E-4);
    y = F::fma(-0.5, z, y);
    F::fma(e, 0.693359375, x + y)
}

/// Cephes' `sinf` and `cosf` for 0 <= x < 8192, without a branch.
#[inline(always)]
fn sin_cos<F: Fma>(x: f32) -> (f32, f32) {
    // The nearest even multiple of a quarter of pi.
    let octant = ((x * 1.27323954473516) as i32 + 1) & !1;
    let y = octant as f32;
    let x = F::fma(y, -0.78515625, x);
    let x = F::fma(y, -2.4187564849853515625E-4, x);
    let x = F::fma(y, -3.77489497744594108E-8, x);
    let z = x * x;
    let mut c = F::fma(2.443315711809948E-5, z, -1.388731625493765E-3);
    c = F::fma(c, z, 4.166664568298827E-2);
    c = F::fma(c * z, z, -0.5 * z) + 1.0;
    let mut s = F::fma(-1.9515295891E-4, z, 8.3321608736E-3);
    s = F::fma(s, z, -1.6666654611E-1);
    s = F::fma(s * z, x, x);
    let (sin, cos) = if octant & 2 == 0 { (s, c) } else { (c, s) };
    let sin_sign = ((octant & 4) as u32) << 29;
    let cos_sign = ((!(octant - 2) & 4) as u32) << 29;
    (
        f32::from_bits(sin.to_bits() ^ sin_sign),
        f32::from_bits(cos.to_bits() ^ cos_sign),
    )
}
