//! `Generator`, the object with NumPy's methods, and its uniform, normal and exponential draws. Integers, shuffling and
//! choice are `impl` blocks in files of their own.
//!
//! Source: `numpy/random/_generator.pyx` and `distributions.c`. NumPy's wheels for x86-64 do not fuse multiply and add,
//! so neither does this file.

use super::pcg64::{Lcg, Pcg64, Words, output};
use super::seed::Seed;
use super::seed_sequence::SeedSequence;
use super::ziggurat::{self, unit_f32, unit_f64};
use crate::error::{Error, Result};
use crate::room;

/// NumPy's `Generator` over [`Pcg64`].
///
/// Methods named like NumPy's return a `Vec` of `n` draws; `fill_*` write into a slice, `next_*` draw one. An array of
/// a shape is drawn as its elements in C order.
#[derive(Clone, Debug)]
pub struct Generator {
    bits: Pcg64,
}

/// `numpy.random.default_rng(seed)`.
///
/// ```
/// use pullback_random::numpy::default_rng;
///
/// // Python: np.random.default_rng(42).random(2)    -> array([0.77395605, 0.43887844])
/// assert_eq!(default_rng(42).random(2), [0.7739560485559633, 0.4388784397520523]);
/// ```
pub fn default_rng(seed: impl Into<Seed>) -> Generator {
    Generator::new(Pcg64::new(seed))
}

/// How standard exponential numbers are made: the `method` of `standard_exponential`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExponentialMethod {
    /// `"zig"`, the default.
    #[default]
    Ziggurat,
    /// `"inv"`, the logarithm of a uniform number.
    Inverse,
}

impl Generator {
    /// A generator over a bit generator, as `np.random.Generator(bit_generator)`.
    pub fn new(bits: Pcg64) -> Self {
        Generator { bits }
    }

    /// The bit generator beneath.
    pub fn bit_generator(&self) -> &Pcg64 {
        &self.bits
    }

    /// The bit generator beneath, to `advance` it or to set its state.
    pub fn bit_generator_mut(&mut self) -> &mut Pcg64 {
        &mut self.bits
    }

    pub(super) fn words(&mut self) -> &mut Words {
        &mut self.bits.words
    }

    /// The seed sequence of the bit generator.
    pub fn seed_sequence(&self) -> &SeedSequence {
        self.bits.seed_sequence()
    }

    /// `spawn(n)`: independent generators; a later call gives others.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: np.random.default_rng(42).spawn(2)[1].random()    -> 0.4674907799518424
    /// assert_eq!(default_rng(42).spawn(2)[1].next_random(), 0.4674907799518424);
    /// ```
    pub fn spawn(&mut self, n: usize) -> Vec<Generator> {
        self.bits.spawn(n).into_iter().map(Generator::new).collect()
    }

    /// `bit_generator.random_raw(n)`.
    pub fn random_raw(&mut self, n: usize) -> Vec<u64> {
        self.bits.random_raw(n)
    }

    /// `bit_generator.advance(delta)`.
    pub fn advance(&mut self, delta: u128) {
        self.bits.advance(delta);
    }

    /// `Generator(bit_generator.jumped(jumps))`.
    pub fn jumped(&self, jumps: u128) -> Generator {
        Generator::new(self.bits.jumped(jumps))
    }

    /// `random()`: 53 random bits in [0, 1).
    pub fn next_random(&mut self) -> f64 {
        unit_f64(self.bits.next_u64())
    }

    /// `random(dtype=float32)`: 24 random bits in [0, 1).
    pub fn next_random_f32(&mut self) -> f32 {
        unit_f32(self.bits.next_u32())
    }

    /// `random(n)`.
    pub fn random(&mut self, n: usize) -> Vec<f64> {
        filled(n, |out| self.fill_random_f64(out))
    }

    /// `random(n, dtype=float32)`.
    pub fn random_f32(&mut self, n: usize) -> Vec<f32> {
        filled(n, |out| self.fill_random_f32(out))
    }

    /// `random(out=out)`.
    pub fn fill_random_f64(&mut self, out: &mut [f64]) {
        map_words(&mut self.bits.words.lcg, out, unit_f64);
    }

    /// `random(dtype=float32, out=out)`.
    pub fn fill_random_f32(&mut self, out: &mut [f32]) {
        each_draw(&mut self.bits.words, out, |words| {
            unit_f32(words.next_u32())
        });
    }

    /// `uniform(low, high)`.
    pub fn next_uniform(&mut self, low: f64, high: f64) -> Result<f64> {
        let range = uniform_range(low, high)?;
        Ok(low + range * self.next_random())
    }

    /// `uniform(low, high, n)`.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: np.random.default_rng(42).uniform(-1, 1, 2)    -> array([ 0.5479121 , -0.12224312])
    /// assert_eq!(default_rng(42).uniform(-1.0, 1.0, 2)?, [0.5479120971119267, -0.12224312049589536]);
    /// // Python: np.random.default_rng(42).uniform(1, -1)
    /// assert_eq!(default_rng(42).uniform(1.0, -1.0, 1).unwrap_err().message(), "high - low < 0");
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn uniform(&mut self, low: f64, high: f64, n: usize) -> Result<Vec<f64>> {
        uniform_range(low, high)?;
        try_filled(n, |out| self.fill_uniform_f64(low, high, out))
    }

    /// `out[:] = uniform(low, high, out.shape)`.
    pub fn fill_uniform_f64(&mut self, low: f64, high: f64, out: &mut [f64]) -> Result<()> {
        let range = uniform_range(low, high)?;
        map_words(&mut self.bits.words.lcg, out, |word| {
            low + range * unit_f64(word)
        });
        Ok(())
    }

    /// `standard_normal()`.
    pub fn next_standard_normal(&mut self) -> f64 {
        ziggurat::normal_f64(&mut self.bits.words.lcg)
    }

    /// `standard_normal(n)`.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: np.random.default_rng(42).standard_normal(2)    -> array([ 0.30471708, -1.03998411])
    /// assert_eq!(default_rng(42).standard_normal(2), [0.30471707975443135, -1.0399841062404955]);
    /// ```
    pub fn standard_normal(&mut self, n: usize) -> Vec<f64> {
        filled(n, |out| self.fill_standard_normal_f64(out))
    }

    /// `standard_normal(n, dtype=float32)`.
    pub fn standard_normal_f32(&mut self, n: usize) -> Vec<f32> {
        filled(n, |out| self.fill_standard_normal_f32(out))
    }

    /// `standard_normal(out=out)`.
    pub fn fill_standard_normal_f64(&mut self, out: &mut [f64]) {
        each_draw(&mut self.bits.words.lcg, out, ziggurat::normal_f64);
    }

    /// `standard_normal(dtype=float32, out=out)`.
    pub fn fill_standard_normal_f32(&mut self, out: &mut [f32]) {
        each_draw(&mut self.bits.words, out, ziggurat::normal_f32);
    }

    /// `normal(loc, scale)`.
    pub fn next_normal(&mut self, loc: f64, scale: f64) -> Result<f64> {
        check_scale(scale)?;
        Ok(loc + scale * self.next_standard_normal())
    }

    /// `normal(loc, scale, n)`.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: np.random.default_rng(42).normal(0.0, 0.1, 2)    -> array([ 0.03047171, -0.10399841])
    /// assert_eq!(default_rng(42).normal(0.0, 0.1, 2)?, [0.030471707975443137, -0.10399841062404956]);
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn normal(&mut self, loc: f64, scale: f64, n: usize) -> Result<Vec<f64>> {
        check_scale(scale)?;
        try_filled(n, |out| self.fill_normal_f64(loc, scale, out))
    }

    /// `out[:] = normal(loc, scale, out.shape)`.
    pub fn fill_normal_f64(&mut self, loc: f64, scale: f64, out: &mut [f64]) -> Result<()> {
        check_scale(scale)?;
        each_draw(&mut self.bits.words.lcg, out, |lcg| {
            loc + scale * ziggurat::normal_f64(lcg)
        });
        Ok(())
    }

    /// `standard_exponential()`.
    pub fn next_standard_exponential(&mut self) -> f64 {
        ziggurat::exponential_f64(&mut self.bits.words.lcg)
    }

    /// `standard_exponential(n)`.
    pub fn standard_exponential(&mut self, n: usize) -> Vec<f64> {
        filled(n, |out| {
            self.fill_standard_exponential_f64(ExponentialMethod::Ziggurat, out)
        })
    }

    /// `standard_exponential(n, dtype=float32)`.
    pub fn standard_exponential_f32(&mut self, n: usize) -> Vec<f32> {
        filled(n, |out| {
            self.fill_standard_exponential_f32(ExponentialMethod::Ziggurat, out)
        })
    }

    /// `standard_exponential(method=method, out=out)`.
    ///
    /// ```
    /// use pullback_random::numpy::{ExponentialMethod, default_rng};
    ///
    /// let mut out = [0.0; 2];
    /// // Python: np.random.default_rng(42).standard_exponential(2, method="inv")    -> array([1.48702582, 0.57781771])
    /// default_rng(42).fill_standard_exponential_f64(ExponentialMethod::Inverse, &mut out);
    /// assert_eq!(out, [1.4870258232016522, 0.5778177119982773]);
    /// ```
    pub fn fill_standard_exponential_f64(&mut self, method: ExponentialMethod, out: &mut [f64]) {
        match method {
            ExponentialMethod::Ziggurat => {
                each_draw(&mut self.bits.words.lcg, out, ziggurat::exponential_f64)
            }
            ExponentialMethod::Inverse => map_words(&mut self.bits.words.lcg, out, |word| {
                -(-unit_f64(word)).ln_1p()
            }),
        }
    }

    /// `standard_exponential(dtype=float32, method=method, out=out)`.
    pub fn fill_standard_exponential_f32(&mut self, method: ExponentialMethod, out: &mut [f32]) {
        let words = &mut self.bits.words;
        match method {
            ExponentialMethod::Ziggurat => each_draw(words, out, ziggurat::exponential_f32),
            // The float is widened for C's `log1p` here, unlike in the ziggurat.
            ExponentialMethod::Inverse => each_draw(words, out, |words| {
                -(-f64::from(unit_f32(words.next_u32()))).ln_1p() as f32
            }),
        }
    }

    /// `exponential(scale, n)`.
    pub fn exponential(&mut self, scale: f64, n: usize) -> Result<Vec<f64>> {
        check_scale(scale)?;
        try_filled(n, |out| self.fill_exponential_f64(scale, out))
    }

    /// `out[:] = exponential(scale, out.shape)`.
    pub fn fill_exponential_f64(&mut self, scale: f64, out: &mut [f64]) -> Result<()> {
        check_scale(scale)?;
        each_draw(&mut self.bits.words.lcg, out, |lcg| {
            scale * ziggurat::exponential_f64(lcg)
        });
        Ok(())
    }
}

fn filled<T: Copy + Default>(n: usize, fill: impl FnOnce(&mut [T])) -> Vec<T> {
    let mut out = vec![T::default(); n];
    fill(&mut out);
    out
}

fn try_filled<T: Copy + Default>(
    n: usize,
    fill: impl FnOnce(&mut [T]) -> Result<()>,
) -> Result<Vec<T>> {
    let mut out = room::filled(n, T::default())?;
    fill(&mut out)?;
    Ok(out)
}

/// The state in a local copy, so that it stays in registers.
#[inline(always)]
fn each_draw<S: Copy, T>(state: &mut S, out: &mut [T], draw: impl Fn(&mut S) -> T) {
    let mut local = *state;
    out.iter_mut().for_each(|v| *v = draw(&mut local));
    *state = local;
}

/// One 64-bit word per element. A single congruential chain waits for its multiplication at every step; four chains,
/// each four steps at a time, visit the same states in the same order and keep the multiplier busy.
#[inline(always)]
fn map_words(lcg: &mut Lcg, out: &mut [f64], map: impl Fn(u64) -> f64) {
    let (mult, plus) = lcg.leap(4);
    let mut local = *lcg;
    let mut chunks = out.chunks_exact_mut(4);
    if chunks.len() > 0 {
        let mut lanes = [0u128; 4];
        for lane in &mut lanes {
            local.next();
            *lane = local.state;
        }
        for chunk in &mut chunks {
            local.state = lanes[3];
            for (slot, lane) in chunk.iter_mut().zip(&mut lanes) {
                *slot = map(output(*lane));
                *lane = lane.wrapping_mul(mult).wrapping_add(plus);
            }
        }
    }
    chunks
        .into_remainder()
        .iter_mut()
        .for_each(|v| *v = map(local.next()));
    *lcg = local;
}

fn uniform_range(low: f64, high: f64) -> Result<f64> {
    let range = high - low;
    if !range.is_finite() {
        return Err(Error::overflow("high - low range exceeds valid bounds"));
    }
    if range < 0.0 || (range == 0.0 && range.is_sign_negative()) {
        return Err(Error::value("high - low < 0"));
    }
    Ok(range)
}

/// NumPy refuses a negative scale by its sign bit, so −0.0 too, but lets NaN pass.
fn check_scale(scale: f64) -> Result<()> {
    if !scale.is_nan() && scale.is_sign_negative() {
        return Err(Error::value("scale < 0"));
    }
    Ok(())
}
