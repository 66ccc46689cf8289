//! The comparison on every sample: the experiment that decides between the kink and round-off.
//!
//! Not for: what is compared (`experiment.rs`) and why it differs (`explanation.rs`); this repeats and counts.

use super::experiment::Setup;
use super::explanation::{Cause, Kink};
use pullback::{Result, Tensor, cat};
use serde::Serialize;
use std::collections::BTreeMap;

/// One sample.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) sample: usize,
    pub(crate) y: f64,
    pub(crate) loss: f64,
    /// The largest gap, and the coordinate that has it.
    pub(crate) gap: f64,
    pub(crate) name: String,
    pub(crate) cause: Cause,
    /// Whether gradient and differences agree on every coordinate.
    pub(crate) agrees: bool,
    /// The largest gap in the next wider arithmetic.
    pub(crate) wider_gap: f64,
    pub(crate) nearest_kink: Option<Kink>,
    /// Evaluations in which a ReLU chose otherwise.
    pub(crate) crossings: usize,
}

/// The samples of one class.
#[derive(Debug, Serialize)]
pub(crate) struct Class {
    pub(crate) y: f64,
    pub(crate) count: usize,
    pub(crate) median_gap: f64,
    pub(crate) largest_gap: f64,
    pub(crate) median_loss: f64,
    pub(crate) median_wider_gap: f64,
}

/// Every sample.
pub(crate) struct Survey {
    pub(crate) rows: Vec<Row>,
    /// By label, 1 first.
    pub(crate) classes: Vec<Class>,
    /// The largest difference of manual and autograd gradients.
    pub(crate) manual_gap: f64,
    /// The mean of all samples' gradients.
    pub(crate) mean_gradient: Tensor,
    /// Whether every gradient is right.
    pub(crate) right: bool,
}

impl Survey {
    /// The sample closest to a kink.
    pub(crate) fn nearest(&self) -> Option<(&Row, &Kink)> {
        (self.rows.iter())
            .filter_map(|r| Some((r, r.nearest_kink.as_ref()?)))
            .min_by(|a, b| a.1.steps.total_cmp(&b.1.steps))
    }

    /// How many samples differ for which reason.
    pub(crate) fn census(&self) -> BTreeMap<&'static str, usize> {
        let mut census = BTreeMap::new();
        for row in &self.rows {
            let key = if row.agrees { "agree" } else { row.cause.key() };
            *census.entry(key).or_insert(0) += 1;
        }
        census
    }

    /// How many samples have a stencil that crosses a kink.
    pub(crate) fn crossed(&self) -> usize {
        self.rows.iter().filter(|r| r.crossings > 0).count()
    }
}

/// Compares on every sample.
///
/// # Errors
/// Whatever the experiment reports.
pub(crate) fn survey(setup: &Setup) -> Result<Survey> {
    let mut rows = Vec::with_capacity(setup.config.samples);
    let mut gradients = Vec::with_capacity(setup.config.samples);
    let (mut manual_gap, mut right) = (0.0f64, true);
    for sample in 0..setup.config.samples {
        let c = setup.compare(sample)?;
        let e = super::explanation(setup, sample)?;
        manual_gap = manual_gap.max(c.manual_diff.max()?.item_f64()?);
        right &= e.certified.right;
        gradients.push(c.g_auto.unsqueeze(0)?);
        rows.push(Row {
            sample,
            y: c.y.item_f64()?,
            loss: c.loss.item_f64()?,
            gap: c.numeric_diff.max()?.item_f64()?,
            name: e.worst.name.clone(),
            cause: e.worst.cause,
            agrees: e.agrees(),
            wider_gap: e.wider.gap,
            nearest_kink: e.nearest().cloned(),
            crossings: e.crossings.len(),
        });
    }
    let classes = [1.0, 0.0].map(|y| class(&rows, y));
    Ok(Survey {
        classes: classes.into_iter().filter(|c| c.count > 0).collect(),
        rows,
        manual_gap,
        // stack(gradients).mean(0)
        mean_gradient: cat(&gradients.iter().collect::<Vec<_>>(), 0)?.mean_dims(&[0], false)?,
        right,
    })
}

fn class(rows: &[Row], y: f64) -> Class {
    let of = |value: fn(&Row) -> f64| {
        let mut values: Vec<f64> = rows.iter().filter(|r| r.y == y).map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let gaps = of(|r| r.gap);
    Class {
        y,
        count: gaps.len(),
        median_gap: median(&gaps),
        largest_gap: gaps.last().copied().unwrap_or(f64::NAN),
        median_loss: median(&of(|r| r.loss)),
        median_wider_gap: median(&of(|r| r.wider_gap)),
    }
}

/// The middle of sorted values, or the mean of the two middle ones.
fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}
