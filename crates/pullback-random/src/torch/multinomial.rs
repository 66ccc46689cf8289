//! `multinomial`.
//!
//! Source: `multinomial_out` in `ATen/native/Distributions.cpp` (without replacement, and single draws: the largest of
//! p/q with q exponential) and `ATen/native/cpu/MultinomialKernel.cpp` (several draws with replacement: a binary search in
//! the cumulated probabilities).

use super::generator::Generator;
use super::number::Float;
use super::select::top_k;
use crate::error::{Error, Result};
use crate::room::{torch_filled, torch_room};

impl Generator {
    /// `torch.multinomial(p, n_sample, replacement)`. `shape` is that of `p`: `[categories]` or `[rows, categories]`. The
    /// result has `n_sample` indices for each row.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// let p = [0.1f32, 0.2, 0.3, 0.4];
    /// // Python: torch.manual_seed(42); torch.multinomial(torch.tensor([0.1, 0.2, 0.3, 0.4]), 3)
    /// assert_eq!(manual_seed(42).multinomial(&p, &[4], 3, false)?, [3, 1, 2]);
    /// // Python: torch.multinomial(torch.tensor([0.1, 0.2, 0.3, 0.4]), 5)
    /// assert_eq!(
    ///     manual_seed(42).multinomial(&p, &[4], 5, false).unwrap_err().message(),
    ///     "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
    /// );
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn multinomial<T: Float + Send>(
        &mut self,
        p: &[T],
        shape: &[usize],
        n_sample: i64,
        replacement: bool,
    ) -> Result<Vec<i64>> {
        let (rows, categories) = match *shape {
            [categories] => (1, categories),
            [rows, categories] => (rows, categories),
            _ => return Err(Error::runtime("prob_dist must be 1 or 2 dim")),
        };
        if rows.checked_mul(categories) != Some(p.len()) {
            return Err(Error::value(format!(
                "shape {shape:?} does not fit {} probabilities",
                p.len()
            )));
        }
        if n_sample <= 0 {
            return Err(Error::runtime("cannot sample n_sample <= 0 samples"));
        }
        let n_sample = n_sample as usize;
        if !replacement && n_sample > categories {
            return Err(Error::runtime(
                "cannot sample n_sample > prob_dist.size(-1) samples without replacement",
            ));
        }
        if categories > 1 << 24 {
            return Err(Error::runtime("number of categories cannot exceed 2^24"));
        }
        if rows == 0 {
            return Ok(Vec::new());
        }
        if !replacement || n_sample == 1 {
            self.by_race(p, rows, categories, n_sample)
        } else {
            self.by_search(p, categories, n_sample)
        }
    }

    /// Each category runs for an exponential time divided by its probability; the fastest win.
    fn by_race<T: Float + Send>(
        &mut self,
        p: &[T],
        rows: usize,
        categories: usize,
        n: usize,
    ) -> Result<Vec<i64>> {
        if categories == 0 {
            return Err(Error::runtime(
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.",
            ));
        }
        if p.iter().any(|&p| !(0.0..f64::INFINITY).contains(&p.into())) {
            return Err(Error::runtime(
                "probability tensor contains either `inf`, `nan` or element < 0",
            ));
        }
        if p.chunks_exact(categories)
            .any(|row| row.iter().all(|&p| p.into() == 0.0))
        {
            return Err(Error::runtime(
                "invalid multinomial distribution (sum of probabilities <= 0)",
            ));
        }
        let mut q = torch_filled(p.len(), T::default())?;
        self.fill_exponential(1.0, &mut q)?;
        let mut out = torch_room(rows.saturating_mul(n))?;
        for (p, q) in p.chunks_exact(categories).zip(q.chunks_exact(categories)) {
            out.extend(top_k(p.iter().zip(q).map(|(&p, &q)| p.div(q).into()), n));
        }
        Ok(out)
    }

    fn by_search<T: Float>(&mut self, p: &[T], categories: usize, n: usize) -> Result<Vec<i64>> {
        if categories == 0 {
            return Err(Error::runtime(
                "invalid multinomial distribution (sum of probabilities <= 0)",
            ));
        }
        // All rows are looked at before anything is drawn, so that an error leaves the stream alone.
        let tables = p
            .chunks_exact(categories)
            .map(cumulative)
            .collect::<Result<Vec<_>>>()?;
        let mut out = torch_room(tables.len().saturating_mul(n))?;
        for table in tables {
            for _ in 0..n {
                let u = self.unit_f64();
                out.push(table.partition_point(|&c| c < u) as i64);
            }
        }
        Ok(out)
    }
}

/// The cumulated probabilities of a row, summed and divided in the type, with 1 at the end.
fn cumulative<T: Float>(row: &[T]) -> Result<Vec<f64>> {
    let invalid = |what: &str| {
        Err(Error::runtime(format!(
            "invalid multinomial distribution ({what})"
        )))
    };
    let mut sum = T::default();
    let mut sums = Vec::with_capacity(row.len());
    for &p in row {
        let wide: f64 = p.into();
        if wide.is_nan() || wide < 0.0 {
            return invalid("encountering probability entry < 0");
        }
        if wide.is_infinite() {
            return invalid("encountering probability entry = infinity or NaN");
        }
        sum = sum.add(p);
        sums.push(sum);
    }
    if sum.into() <= 0.0 {
        return invalid("sum of probabilities <= 0");
    }
    let mut table: Vec<f64> = sums.into_iter().map(|c| c.div(sum).into()).collect();
    if let Some(last) = table.last_mut() {
        *last = 1.0;
    }
    Ok(table)
}
