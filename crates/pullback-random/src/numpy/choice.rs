//! `choice`: indices drawn with or without replacement, uniformly or by probabilities. Taking elements at the indices
//! is the caller's, except for the small convenience `choice_from`.
//!
//! Source: `Generator.choice` in `numpy/random/_generator.pyx`.

use super::bounded::below_or_equal;
use super::generator::Generator;
use crate::error::{Error, Result};
use crate::room::{filled, room};

/// The keyword arguments of [`Generator::choice_with`], with NumPy's defaults.
///
/// ```
/// use pullback_random::numpy::Choice;
///
/// let options = Choice { replace: false, ..Choice::default() };
/// assert!(options.shuffle && options.p.is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Whether an element can be drawn twice.
    pub replace: bool,
    /// One probability per element, adding up to 1.
    pub p: Option<&'a [f64]>,
    /// Whether a draw without replacement and without `p` is put into random order.
    pub shuffle: bool,
    /// The probabilities were f32 before they were widened: NumPy then allows their sum to be off by 3.5e-4 and not
    /// only by 1.5e-8.
    pub p_was_f32: bool,
}

impl Default for Choice<'_> {
    fn default() -> Self {
        Choice {
            replace: true,
            p: None,
            shuffle: true,
            p_was_f32: false,
        }
    }
}

impl Generator {
    /// `choice(n, size)`: with replacement, uniformly.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: np.random.default_rng(42).choice(5, 3)    -> array([0, 3, 3])
    /// assert_eq!(default_rng(42).choice(5, 3)?, [0, 3, 3]);
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn choice(&mut self, n: i64, size: usize) -> Result<Vec<i64>> {
        self.choice_with(n, size, &Choice::default())
    }

    /// `choice(n, size, replace=..., p=..., shuffle=...)`.
    ///
    /// ```
    /// use pullback_random::numpy::{Choice, default_rng};
    ///
    /// let mut rng = default_rng(42);
    /// // Python: rng.choice(100, 4, replace=False)    -> array([43,  8, 64, 75])
    /// assert_eq!(rng.choice_with(100, 4, &Choice { replace: false, ..Choice::default() })?, [43, 8, 64, 75]);
    /// // Python: rng.choice(3, 4, p=[0.1, 0.2, 0.7])  -> array([0, 2, 2, 2])
    /// assert_eq!(rng.choice_with(3, 4, &Choice { p: Some(&[0.1, 0.2, 0.7]), ..Choice::default() })?, [0, 2, 2, 2]);
    /// // Python: rng.choice(5, 6, replace=False)
    /// let error = rng.choice_with(5, 6, &Choice { replace: false, ..Choice::default() }).unwrap_err();
    /// assert_eq!(error.message(), "Cannot take a larger sample than population when replace is False");
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn choice_with(&mut self, n: i64, size: usize, options: &Choice<'_>) -> Result<Vec<i64>> {
        if n <= 0 && size != 0 {
            return Err(Error::value(
                "a must be a positive integer unless no samples are taken",
            ));
        }
        self.choose(n, size, options)
    }

    /// `choice(a, size, ...)`: the elements themselves.
    ///
    /// ```
    /// use pullback_random::numpy::{Choice, default_rng};
    ///
    /// // Python: np.random.default_rng(42).choice(["a", "b", "c", "d", "e"], 3)
    /// assert_eq!(default_rng(42).choice_from(&["a", "b", "c", "d", "e"], 3, &Choice::default())?, ["a", "d", "d"]);
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn choice_from<T: Clone>(
        &mut self,
        a: &[T],
        size: usize,
        options: &Choice<'_>,
    ) -> Result<Vec<T>> {
        if a.is_empty() && size != 0 {
            return Err(Error::value(
                "a cannot be empty unless no samples are taken",
            ));
        }
        let picks = self.choose(a.len() as i64, size, options)?;
        Ok(picks.into_iter().map(|i| a[i as usize].clone()).collect())
    }

    fn choose(&mut self, n: i64, size: usize, options: &Choice<'_>) -> Result<Vec<i64>> {
        if let Some(p) = options.p {
            check_probabilities(p, n, options.p_was_f32)?;
        }
        if options.replace {
            return match options.p {
                None => self.integers(0, i128::from(n), size),
                Some(p) => {
                    let cdf = cumulative(p);
                    let mut picks = room(size)?;
                    picks.extend((0..size).map(|_| search_right(&cdf, self.next_random())));
                    Ok(picks)
                }
            };
        }
        if size as u64 > n.max(0) as u64 {
            return Err(Error::value(
                "Cannot take a larger sample than population when replace is False",
            ));
        }
        match options.p {
            Some(p) => self.choose_weighted(p, size),
            None => self.choose_distinct(n as usize, size, options.shuffle),
        }
    }

    fn choose_weighted(&mut self, p: &[f64], size: usize) -> Result<Vec<i64>> {
        if p.iter().filter(|&&x| x > 0.0).count() < size {
            return Err(Error::value("Fewer non-zero entries in p than size"));
        }
        let mut p = p.to_vec();
        let mut found: Vec<i64> = Vec::with_capacity(size);
        while found.len() < size {
            let draws: Vec<f64> = (found.len()..size).map(|_| self.next_random()).collect();
            found.iter().for_each(|&i| p[i as usize] = 0.0);
            let cdf = cumulative(&p);
            let mut taken = vec![false; p.len() + 1];
            for x in draws {
                let i = search_right(&cdf, x);
                if !std::mem::replace(&mut taken[i as usize], true) {
                    found.push(i);
                }
            }
        }
        Ok(found)
    }

    fn choose_distinct(&mut self, n: usize, size: usize, shuffle: bool) -> Result<Vec<i64>> {
        let cutoff = if shuffle { 50 } else { 20 };
        if n > 10_000 && size > n / cutoff {
            // Many of many: the last `size` steps of a shuffle of everything.
            let mut all: Vec<i64> = room(n)?;
            all.extend(0..n as i64);
            self.shuffle_lemire(&mut all, (n - size).max(1));
            return Ok(all.split_off(n - size));
        }
        // Few of many: Floyd's algorithm. Membership is all that NumPy's hash set decides, so any set will do.
        let (mut seen, mut picks) = (Members::new(size)?, room(size)?);
        picks.extend((n - size..n).map(|j| {
            let draw = below_or_equal(self.words(), j as u64);
            if seen.insert(draw) {
                return draw as i64;
            }
            seen.insert(j as u64);
            j as i64
        }));
        if shuffle {
            self.shuffle_lemire(&mut picks, 1);
        }
        Ok(picks)
    }

    /// `_shuffle_int`: unlike `shuffle` it draws with Lemire's method.
    fn shuffle_lemire(&mut self, values: &mut [i64], first: usize) {
        for i in (first..values.len()).rev() {
            let j = below_or_equal(self.words(), i as u64) as usize;
            values.swap(i, j);
        }
    }
}

/// A set of indices by open addressing: the standard one costs more than the draws.
struct Members {
    slots: Vec<u64>,
}

impl Members {
    const FREE: u64 = u64::MAX;

    fn new(size: usize) -> Result<Self> {
        let slots = (size.saturating_add(size / 4 + 1)).checked_next_power_of_two();
        let slots = filled(slots.unwrap_or(usize::MAX), Self::FREE)?;
        Ok(Members { slots })
    }

    /// Whether `value` was not there yet.
    fn insert(&mut self, value: u64) -> bool {
        let mask = self.slots.len() - 1;
        let mut at = value as usize & mask;
        while self.slots[at] != Self::FREE {
            if self.slots[at] == value {
                return false;
            }
            at = (at + 1) & mask;
        }
        self.slots[at] = value;
        true
    }
}

fn check_probabilities(p: &[f64], n: i64, was_f32: bool) -> Result<()> {
    if i64::try_from(p.len()) != Ok(n) {
        return Err(Error::value("a and p must have same size"));
    }
    let sum = kahan_sum(p);
    if sum.is_nan() {
        return Err(Error::value("Probabilities contain NaN"));
    }
    if p.iter().any(|&x| x < 0.0) {
        return Err(Error::value("Probabilities are not non-negative"));
    }
    let tolerance = if was_f32 {
        f64::from(f32::EPSILON).sqrt()
    } else {
        f64::EPSILON.sqrt()
    };
    if (sum - 1.0).abs() > tolerance {
        return Err(Error::value(
            "Probabilities do not sum to 1. See Notes section of docstring for more information.",
        ));
    }
    Ok(())
}

fn kahan_sum(values: &[f64]) -> f64 {
    let Some((&first, rest)) = values.split_first() else {
        return 0.0;
    };
    let (mut sum, mut lost) = (first, 0.0);
    for &v in rest {
        let y = v - lost;
        let t = sum + y;
        lost = (t - sum) - y;
        sum = t;
    }
    sum
}

fn cumulative(p: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut cdf: Vec<f64> = p
        .iter()
        .map(|&x| {
            sum += x;
            sum
        })
        .collect();
    cdf.iter_mut().for_each(|c| *c /= sum);
    cdf
}

/// `searchsorted(side="right")`.
fn search_right(cdf: &[f64], x: f64) -> i64 {
    cdf.partition_point(|&c| c <= x) as i64
}
