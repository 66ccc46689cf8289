//! Laws of rate and momentum together: cycles, and one cycle for a whole training. Smith, 2017 and 2018.

use super::laws::law;
use super::schedule::{At, Law, PerGroup, Rate};
use crate::Result;
use crate::core::fail::{bail, ensure};
use std::f64::consts::PI;

/// How high the cycles of [`CyclicLR`] go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CycleMode {
    /// All equally.
    #[default]
    Triangular,
    /// Each half as high as the one before.
    Triangular2,
    /// `gamma` times less at every step.
    ExpRange,
}

law! {
    /// Up and down between two rates, and momentum against it.
    CyclicLR(
        /// The least rate, for all groups or for each.
        base_lr: PerGroup,
        /// The largest rate.
        max_lr: PerGroup
    ) {
        /// Steps up.
        step_size_up: f64 = 2000.0,
        /// Steps down; as many as up without it.
        step_size_down: Option<f64> = None,
        /// How high the cycles go.
        mode: CycleMode = CycleMode::Triangular,
        /// The factor of [`CycleMode::ExpRange`].
        gamma: f64 = 1.0,
        /// Whether momentum goes down as the rate goes up.
        cycle_momentum: bool = true,
        /// The least momentum.
        base_momentum: PerGroup = PerGroup::from(0.8),
        /// The largest momentum.
        max_momentum: PerGroup = PerGroup::from(0.9),
    }
}

/// PyTorch's sentence where there is no momentum to change.
fn need_momentum(rates: &[Rate]) -> Result<()> {
    ensure!(
        rates.iter().all(|r| r.momentum.is_some()),
        Value,
        "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
    );
    Ok(())
}

impl Law for CyclicLR {
    fn start(&mut self, rates: &mut [Rate]) -> Result<()> {
        let n = rates.len();
        let base = self.base_lr.of(n, "base_lr")?;
        self.max_lr.of(n, "max_lr")?;
        for (rate, base) in rates.iter_mut().zip(base) {
            (rate.base, rate.lr) = (base, base);
        }
        if self.cycle_momentum {
            need_momentum(rates)?;
            self.base_momentum.of(n, "base_momentum")?;
            let most = self.max_momentum.of(n, "max_momentum")?;
            for (rate, most) in rates.iter_mut().zip(most) {
                rate.momentum = Some(most);
            }
        }
        Ok(())
    }
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        let (up, n) = (self.step_size_up, rates.len());
        let total = up + self.step_size_down.unwrap_or(up);
        let (ratio, t) = (up / total, at.epoch as f64);
        let cycle = (1.0 + t / total).floor();
        let x = 1.0 + t / total - cycle;
        let part = match x <= ratio {
            true => x / ratio,
            false => (x - 1.0) / (ratio - 1.0),
        };
        let scale = match self.mode {
            CycleMode::Triangular => 1.0,
            CycleMode::Triangular2 => 1.0 / 2f64.powf(cycle - 1.0),
            CycleMode::ExpRange => self.gamma.powf(t),
        };
        let most = self.max_lr.of(n, "max_lr")?;
        for (rate, most) in rates.iter_mut().zip(most) {
            rate.lr = rate.base + (most - rate.base) * part * scale;
        }
        if self.cycle_momentum {
            let low = self.base_momentum.of(n, "base_momentum")?;
            let high = self.max_momentum.of(n, "max_momentum")?;
            for ((rate, low), high) in rates.iter_mut().zip(low).zip(high) {
                rate.momentum = Some(high - (high - low) * part * scale);
            }
        }
        Ok(())
    }
}

/// How [`OneCycleLR`] goes from one rate to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Anneal {
    /// Along half a cosine.
    #[default]
    Cos,
    /// Straight.
    Linear,
}

impl Anneal {
    fn between(self, start: f64, end: f64, part: f64) -> f64 {
        match self {
            Anneal::Cos => end + (start - end) / 2.0 * ((PI * part).cos() + 1.0),
            Anneal::Linear => (end - start) * part + start,
        }
    }
}

law! {
    /// One cycle: up to `max_lr`, then down far below the beginning.
    OneCycleLR(
        /// The largest rate, for all groups or for each.
        max_lr: PerGroup,
        /// How many steps there are; PyTorch's `epochs * steps_per_epoch`.
        total_steps: i64
    ) {
        /// The part of the steps that go up.
        pct_start: f64 = 0.3,
        /// How.
        anneal_strategy: Anneal = Anneal::Cos,
        /// Whether momentum goes down as the rate goes up.
        cycle_momentum: bool = true,
        /// The least momentum.
        base_momentum: PerGroup = PerGroup::from(0.85),
        /// The largest momentum.
        max_momentum: PerGroup = PerGroup::from(0.95),
        /// By what the first rate is less than the largest.
        div_factor: f64 = 25.0,
        /// By what the last rate is less than the first.
        final_div_factor: f64 = 1e4,
        /// Whether to go down to the first rate, and then from there.
        three_phase: bool = false,
    }
}

impl OneCycleLR {
    /// Where the phases end, and between which rates (0 the first, 1 the largest, 2 the last) and momenta (0 the least, 1 the largest) they go.
    fn phases(&self) -> Vec<(f64, [usize; 2], [usize; 2])> {
        let (total, part) = (self.total_steps as f64, self.pct_start);
        match self.three_phase {
            true => vec![
                (part * total - 1.0, [0, 1], [1, 0]),
                (2.0 * part * total - 2.0, [1, 0], [0, 1]),
                (total - 1.0, [0, 2], [1, 1]),
            ],
            false => vec![
                (part * total - 1.0, [0, 1], [1, 0]),
                (total - 1.0, [1, 2], [0, 1]),
            ],
        }
    }
}

impl Law for OneCycleLR {
    fn start(&mut self, rates: &mut [Rate]) -> Result<()> {
        ensure!(
            self.total_steps > 0,
            Value,
            "Expected positive integer total_steps, but got {}",
            self.total_steps
        );
        ensure!(
            (0.0..=1.0).contains(&self.pct_start),
            Value,
            "Expected float between 0 and 1 pct_start, but got {:?}",
            self.pct_start
        );
        let most = self.max_lr.of(rates.len(), "max_lr")?;
        for (rate, most) in rates.iter_mut().zip(most) {
            rate.base = most / self.div_factor;
        }
        if self.cycle_momentum {
            need_momentum(rates)?;
            self.base_momentum.of(rates.len(), "base_momentum")?;
            self.max_momentum.of(rates.len(), "max_momentum")?;
        }
        Ok(())
    }
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        if at.epoch > self.total_steps {
            bail!(
                Value,
                "Tried to step {} times. The total number of steps is {}",
                at.epoch,
                self.total_steps
            );
        }
        let (phases, t) = (self.phases(), at.epoch as f64);
        let which = (phases.iter().position(|p| t <= p.0)).unwrap_or(phases.len() - 1);
        let start = which.checked_sub(1).map_or(0.0, |before| phases[before].0);
        let (end, lr, momentum) = phases[which];
        let part = (t - start) / (end - start);
        let n = rates.len();
        let most = self.max_lr.of(n, "max_lr")?;
        let low = self.base_momentum.of(n, "base_momentum")?;
        let high = self.max_momentum.of(n, "max_momentum")?;
        for (i, rate) in rates.iter_mut().enumerate() {
            let all = [rate.base, most[i], rate.base / self.final_div_factor];
            let [a, b] = lr.map(|k| all[k]);
            rate.lr = self.anneal_strategy.between(a, b, part);
            if self.cycle_momentum {
                let [a, b] = momentum.map(|k| [low[i], high[i]][k]);
                rate.momentum = Some(self.anneal_strategy.between(a, b, part));
            }
        }
        Ok(())
    }
}
