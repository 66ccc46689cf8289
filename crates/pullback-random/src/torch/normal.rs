//! `randn`, `normal_` and `log_normal_`: Box-Muller in PyTorch's two forms, blocks of sixteen for contiguous tensors of
//! sixteen elements and more, one by one for the rest.
//!
//! Source: `normal_kernel` and `normal_fill` in `ATen/native/cpu/DistributionTemplates.h`, `normal_distribution` in
//! `ATen/core/DistributionsHelper.h`.

use super::generator::Generator;
use super::{parallel, simd};
use crate::error::{Error, Result, ostream};

/// From here on PyTorch fills in blocks.
const BLOCK: usize = 16;

impl Generator {
    /// `torch.randn(n)`: f32.
    pub fn randn(&mut self, n: usize) -> Vec<f32> {
        let mut out = vec![0.0; n];
        self.normal_f32(0.0, 1.0, &mut out);
        out
    }

    /// `torch.randn(n, dtype=torch.float64)`.
    pub fn randn_f64(&mut self, n: usize) -> Vec<f64> {
        let mut out = vec![0.0; n];
        self.normal_f64(0.0, 1.0, &mut out);
        out
    }

    /// `out.normal_(mean, std)` for a contiguous f32 tensor.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// let mut out = [0.0; 2];
    /// // Python: torch.manual_seed(42); torch.empty(2).normal_(1, 2)    -> tensor([1.6734, 1.2576])
    /// manual_seed(42).fill_normal_f32(1.0, 2.0, &mut out)?;
    /// assert_eq!(out, [1.6733807, 1.2576188]);
    /// // Python: torch.empty(2).normal_(0, -1)
    /// assert_eq!(
    ///     manual_seed(42).fill_normal_f32(0.0, -1.0, &mut out).unwrap_err().message(),
    ///     "normal expects std >= 0.0, but found std -1"
    /// );
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn fill_normal_f32(&mut self, mean: f64, std: f64, out: &mut [f32]) -> Result<()> {
        check_std(std)?;
        self.normal_f32(mean, std, out);
        Ok(())
    }

    /// `out.normal_(mean, std)` for a contiguous tensor of half precision, in f32 that the caller rounds. Here PyTorch draws each block of
    /// sixteen on its own, so that the last sixteen follow the last whole block and not a number for every place.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// let (mut half, mut single) = ([0.0; 20], [0.0; 20]);
    /// manual_seed(0).fill_normal_half(0.0, 1.0, &mut half)?;
    /// manual_seed(0).fill_normal_f32(0.0, 1.0, &mut single)?;
    /// // Python: torch.manual_seed(0); torch.randn(20, dtype=torch.half)[3:6]    -> tensor([-0.4338, -1.3525, -1.6963])
    /// assert_eq!(half[..4], single[..4]);
    /// assert!((half[4] + 1.3525).abs() < 5e-4 && single[4] > 0.0);
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn fill_normal_half(&mut self, mean: f64, std: f64, out: &mut [f32]) -> Result<()> {
        check_std(std)?;
        let whole = out.len() / BLOCK * BLOCK;
        self.normal_f32(mean, std, &mut out[..whole]);
        match out.len() - whole {
            0 => {}
            rest if whole == 0 => self.normal_f32(mean, std, &mut out[..rest]),
            _ => {
                let start = out.len() - BLOCK;
                self.normal_f32(mean, std, &mut out[start..]);
            }
        }
        Ok(())
    }

    /// `out.normal_(mean, std)` for a contiguous f64 tensor.
    pub fn fill_normal_f64(&mut self, mean: f64, std: f64, out: &mut [f64]) -> Result<()> {
        check_std(std)?;
        self.normal_f64(mean, std, out);
        Ok(())
    }

    /// `out.normal_(mean, std)` for a tensor that is not contiguous, whatever its size: one number after the other, `out`
    /// in the order of memory.
    pub fn fill_normal_serial_f32(&mut self, mean: f64, std: f64, out: &mut [f32]) -> Result<()> {
        check_std(std)?;
        out.iter_mut()
            .for_each(|v| *v = self.next_normal(mean, std) as f32);
        Ok(())
    }

    /// [`fill_normal_serial_f32`](Self::fill_normal_serial_f32) for f64.
    pub fn fill_normal_serial_f64(&mut self, mean: f64, std: f64, out: &mut [f64]) -> Result<()> {
        check_std(std)?;
        out.iter_mut()
            .for_each(|v| *v = self.next_normal(mean, std));
        Ok(())
    }

    /// `out.log_normal_(mean, std)` for f32.
    pub fn fill_log_normal_f32(&mut self, mean: f64, std: f64, out: &mut [f32]) -> Result<()> {
        check_log_normal(std)?;
        out.iter_mut()
            .for_each(|v| *v = self.next_normal(mean, std).exp() as f32);
        Ok(())
    }

    /// `out.log_normal_(mean, std)` for f64.
    pub fn fill_log_normal_f64(&mut self, mean: f64, std: f64, out: &mut [f64]) -> Result<()> {
        check_log_normal(std)?;
        out.iter_mut()
            .for_each(|v| *v = self.next_normal(mean, std).exp());
        Ok(())
    }

    fn normal_f32(&mut self, mean: f64, std: f64, out: &mut [f32]) {
        if out.len() < BLOCK {
            out.iter_mut()
                .for_each(|v| *v = self.next_normal(mean, std) as f32);
            return;
        }
        let (mean, std) = (mean as f32, std as f32);
        self.in_pieces::<_, 1>(out, |draws, piece| {
            simd::uniform_f32(draws, piece, 0.0, 1.0);
            simd::box_muller_f32(piece, mean, std);
        });
        if !out.len().is_multiple_of(BLOCK) {
            // The last sixteen are drawn again, those of the last whole block among them.
            let start = out.len() - BLOCK;
            self.fill_rand_f32(&mut out[start..]);
            simd::box_muller_f32(&mut out[start..], mean, std);
        }
    }

    fn normal_f64(&mut self, mean: f64, std: f64, out: &mut [f64]) {
        if out.len() < BLOCK {
            out.iter_mut()
                .for_each(|v| *v = self.next_normal(mean, std));
            return;
        }
        self.fill_rand_f64(out);
        let whole = out.len() / BLOCK * BLOCK;
        parallel::for_each_chunk(&mut out[..whole], BLOCK, |chunk| {
            simd::box_muller_f64(chunk, mean, std)
        });
        if !out.len().is_multiple_of(BLOCK) {
            let start = out.len() - BLOCK;
            self.fill_rand_f64(&mut out[start..]);
            simd::box_muller_f64(&mut out[start..], mean, std);
        }
    }

    /// The serial form: always in f64; the sine is kept for the next call, of whatever tensor.
    fn next_normal(&mut self, mean: f64, std: f64) -> f64 {
        let sample = self.next_normal.take().unwrap_or_else(|| {
            let (u1, u2) = (self.unit_f64(), self.unit_f64());
            let radius = (-2.0 * (-u2).ln_1p()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * u1).sin_cos();
            self.next_normal = Some(radius * sin);
            radius * cos
        });
        sample.mul_add(std, mean)
    }
}

fn check_std(std: f64) -> Result<()> {
    if std >= 0.0 {
        return Ok(());
    }
    Err(Error::runtime(format!(
        "normal expects std >= 0.0, but found std {}",
        ostream(std)
    )))
}

fn check_log_normal(std: f64) -> Result<()> {
    if std > 0.0 {
        return Ok(());
    }
    Err(Error::runtime(format!(
        "log_normal_ expects std > 0.0, but found std={}",
        ostream(std)
    )))
}
