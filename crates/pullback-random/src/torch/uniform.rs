//! `rand` and `uniform_`.
//!
//! Source: `uniform_impl_` in `ATen/native/DistributionTemplates.h`, `uniform_kernel` in
//! `ATen/native/cpu/DistributionTemplates.h`.

use super::generator::Generator;
use super::simd;
use crate::error::{Error, Result, ostream};

impl Generator {
    /// `torch.rand(n)`: f32 in [0, 1).
    pub fn rand(&mut self, n: usize) -> Vec<f32> {
        let mut out = vec![0.0; n];
        self.fill_rand_f32(&mut out);
        out
    }

    /// `torch.rand(n, dtype=torch.float64)`.
    pub fn rand_f64(&mut self, n: usize) -> Vec<f64> {
        let mut out = vec![0.0; n];
        self.fill_rand_f64(&mut out);
        out
    }

    /// `out.uniform_()` for f32.
    pub fn fill_rand_f32(&mut self, out: &mut [f32]) {
        self.in_pieces::<_, 1>(out, |draws, piece| {
            simd::uniform_f32(draws, piece, 0.0, 1.0)
        });
    }

    /// `out.uniform_()` for f64.
    pub fn fill_rand_f64(&mut self, out: &mut [f64]) {
        self.in_pieces::<_, 2>(out, |draws, piece| {
            simd::uniform_f64(draws, piece, 0.0, 1.0)
        });
    }

    /// `out.uniform_(from, to)` for f32.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// let mut out = [0.0; 2];
    /// // Python: torch.manual_seed(42); torch.empty(2).uniform_(-2, 3)    -> tensor([2.4113, 2.5750])
    /// manual_seed(42).fill_uniform_f32(-2.0, 3.0, &mut out)?;
    /// assert_eq!(out, [2.4113464, 2.5750198]);
    /// // Python: torch.empty(2).uniform_(3, 1)
    /// assert_eq!(
    ///     manual_seed(42).fill_uniform_f32(3.0, 1.0, &mut out).unwrap_err().message(),
    ///     "uniform_ expects to return a [from, to) range, but found from=3 > to=1"
    /// );
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn fill_uniform_f32(&mut self, from: f64, to: f64, out: &mut [f32]) -> Result<()> {
        check_bounds(from, to, f64::from(f32::MAX), "float", "Float")?;
        self.in_pieces::<_, 1>(out, |draws, piece| {
            simd::uniform_f32(draws, piece, from as f32, to as f32)
        });
        Ok(())
    }

    /// `out.uniform_(from, to)` for f64.
    pub fn fill_uniform_f64(&mut self, from: f64, to: f64, out: &mut [f64]) -> Result<()> {
        check_bounds(from, to, f64::MAX, "double", "Double")?;
        self.in_pieces::<_, 2>(out, |draws, piece| {
            simd::uniform_f64(draws, piece, from, to)
        });
        Ok(())
    }
}

fn check_bounds(from: f64, to: f64, max: f64, c_name: &str, name: &str) -> Result<()> {
    for (bound, which) in [(from, "from"), (to, "to")] {
        if !(-max..=max).contains(&bound) {
            return Err(Error::runtime(format!(
                "{which} is out of bounds for {c_name}"
            )));
        }
    }
    let (a, b) = (ostream(from), ostream(to));
    if from > to {
        return Err(Error::runtime(format!(
            "uniform_ expects to return a [from, to) range, but found from={a} > to={b}"
        )));
    }
    if to - from > max {
        return Err(Error::runtime(format!(
            "uniform_ expects to-from <= std::numeric_limits<{name}>::max(), but found to={b} and from={a} which result \
             in to-from to exceed the limit"
        )));
    }
    Ok(())
}
