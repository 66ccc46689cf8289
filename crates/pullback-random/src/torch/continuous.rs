//! `exponential_`, `geometric_` and `cauchy_`: one 53-bit uniform number an element, transformed in f64.
//!
//! Source: `ATen/core/TransformationHelper.h` and the kernels in `ATen/native/cpu/DistributionTemplates.h`. On Intel
//! processors PyTorch with MKL draws `exponential_` from another stream; the rule here is that of all others.

use super::generator::Generator;
use super::number::{Float, Number};
use super::parallel;
use crate::error::{Error, Result, ostream};

/// Elements transformed at a time: enough to share among threads, little enough to stay in the cache.
const PIECE: usize = 1 << 18;

impl Generator {
    /// `out.exponential_(lambda)`.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// let mut out = [0.0f32; 2];
    /// // Python: torch.manual_seed(42); torch.empty(2).exponential_()    -> tensor([0.0599, 0.0650])
    /// manual_seed(42).fill_exponential(1.0, &mut out)?;
    /// assert_eq!(out, [0.059914015, 0.064976126]);
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn fill_exponential<T: Float + Send>(&mut self, lambda: f64, out: &mut [T]) -> Result<()> {
        // NaN is refused too.
        if !matches!(lambda.partial_cmp(&0.0), Some(std::cmp::Ordering::Greater)) {
            return Err(Error::runtime(format!(
                "exponential_ expects lambda > 0.0, but found lambda={}",
                ostream(lambda)
            )));
        }
        self.transformed(out, |u| -1.0 / lambda * (-u).ln_1p());
        Ok(())
    }

    /// `out.geometric_(p)`.
    pub fn fill_geometric<T: Number + Send>(&mut self, p: f64, out: &mut [T]) -> Result<()> {
        if !(p > 0.0 && p < 1.0) {
            return Err(Error::runtime(format!(
                "geometric_ expects p to be in (0, 1), but got p={}",
                ostream(p)
            )));
        }
        self.transformed(out, |u| (u.ln() / (-p).ln_1p()).ceil());
        Ok(())
    }

    /// `out.cauchy_(median, sigma)`.
    pub fn fill_cauchy<T: Float + Send>(
        &mut self,
        median: f64,
        sigma: f64,
        out: &mut [T],
    ) -> Result<()> {
        if !matches!(sigma.partial_cmp(&0.0), Some(std::cmp::Ordering::Greater)) {
            return Err(Error::runtime(format!(
                "cauchy_ expects sigma > 0.0, but found sigma={}",
                ostream(sigma)
            )));
        }
        self.transformed(out, |u| {
            sigma.mul_add((std::f64::consts::PI * (u - 0.5)).tan(), median)
        });
        Ok(())
    }

    fn transformed<T: Number>(&mut self, out: &mut [T], transform: impl Fn(f64) -> f64 + Sync) {
        let mut buffer = vec![0.0; out.len().min(PIECE)];
        for piece in out.chunks_mut(PIECE) {
            let unit = &mut buffer[..piece.len()];
            self.fill_rand_f64(unit);
            parallel::for_each_chunk(unit, 1, |part| {
                part.iter_mut().for_each(|u| *u = transform(*u))
            });
            piece
                .iter_mut()
                .zip(unit)
                .for_each(|(v, &mut u)| *v = T::from_f64(u));
        }
    }
}
