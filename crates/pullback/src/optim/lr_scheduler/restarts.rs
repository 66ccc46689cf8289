//! The law that begins anew: half cosines, one after the other.

use super::laws::each;
use super::schedule::{At, Law, Rate};
use crate::Result;
use crate::core::fail::ensure;
use std::f64::consts::PI;

/// Half cosines, each `t_mult` times longer than the one before. Loshchilov and Hutter, 2017.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CosineAnnealingWarmRestarts {
    /// Steps of the first half cosine. PyTorch's `T_0`.
    pub t_0: i64,
    /// By what the next one is longer. PyTorch's `T_mult`.
    pub t_mult: i64,
    /// The least rate.
    pub eta_min: f64,
    /// Steps since the last beginning, and of the half cosine now.
    now: (i64, i64),
}

impl CosineAnnealingWarmRestarts {
    /// With PyTorch's defaults for the rest.
    pub fn new(t_0: i64) -> Self {
        CosineAnnealingWarmRestarts {
            t_0,
            t_mult: 1,
            eta_min: 0.0,
            now: (0, t_0),
        }
    }

    /// By what the next half cosine is longer.
    #[must_use]
    pub fn t_mult(mut self, t_mult: i64) -> Self {
        self.t_mult = t_mult;
        self
    }

    /// The least rate.
    #[must_use]
    pub fn eta_min(mut self, eta_min: f64) -> Self {
        self.eta_min = eta_min;
        self
    }
}

impl Law for CosineAnnealingWarmRestarts {
    fn start(&mut self, _: &mut [Rate]) -> Result<()> {
        ensure!(
            self.t_0 > 0,
            Value,
            "Expected positive integer T_0, but got {}",
            self.t_0
        );
        ensure!(
            self.t_mult >= 1,
            Value,
            "Expected integer T_mult >= 1, but got {}",
            self.t_mult
        );
        self.now = (0, self.t_0);
        Ok(())
    }
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        let (cur, of) = self.now;
        self.now = match cur + 1 {
            _ if at.epoch <= 0 => (0, self.t_0),
            next if next >= of => (next % of, of.saturating_mul(self.t_mult)),
            next => (next, of),
        };
        let low = self.eta_min;
        let wave = (1.0 + (PI * self.now.0 as f64 / self.now.1 as f64).cos()) / 2.0;
        each(rates, |r| low + (r.base - low) * wave)
    }
    fn own(&self) -> Vec<(&'static str, f64)> {
        vec![("T_cur", self.now.0 as f64), ("T_i", self.now.1 as f64)]
    }
    fn put_own(&mut self, name: &str, x: f64) {
        match name {
            "T_cur" => self.now.0 = x as i64,
            _ => self.now.1 = x as i64,
        }
    }
}
