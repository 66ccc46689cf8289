//! `integers` in all of NumPy's types, its bounds and their sentences, and `bytes`. The sampling itself is in `bounded.rs`.
//!
//! Source: `numpy/random/_bounded_integers.pyx.in`, `Generator.bytes` in `numpy/random/_generator.pyx`.

use super::bounded::{self, Integer};
use super::generator::Generator;
use crate::error::{Error, Result};

impl Generator {
    /// `integers(low, high, n, dtype=T)`. Bounds are wide enough for every type's `high`.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: np.random.default_rng(42).integers(0, 10, 5)    -> array([0, 7, 6, 4, 4])
    /// assert_eq!(default_rng(42).integers::<i64>(0, 10, 5)?, [0, 7, 6, 4, 4]);
    /// // Python: np.random.default_rng(42).integers(0, 300, 5, dtype=np.uint8)
    /// let error = default_rng(42).integers::<u8>(0, 300, 5).unwrap_err();
    /// assert_eq!(error.message(), "high is out of bounds for uint8");
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn integers<T: Integer>(&mut self, low: i128, high: i128, n: usize) -> Result<Vec<T>> {
        self.integer_vec(low, high, false, n)
    }

    /// `integers(low, high, n, dtype=T, endpoint=True)`.
    pub fn integers_endpoint<T: Integer>(
        &mut self,
        low: i128,
        high: i128,
        n: usize,
    ) -> Result<Vec<T>> {
        self.integer_vec(low, high, true, n)
    }

    /// `out[:] = integers(low, high, out.shape, dtype=T, endpoint=endpoint)`.
    pub fn fill_integers<T: Integer>(
        &mut self,
        low: i128,
        high: i128,
        endpoint: bool,
        out: &mut [T],
    ) -> Result<()> {
        if out.is_empty() {
            // NumPy looks at the bounds only if there is something to draw.
            return Ok(());
        }
        let last = integer_bounds::<T>(low, high, endpoint)?;
        bounded::fill(self.words(), low as u64, (last - low) as u64, out);
        Ok(())
    }

    fn integer_vec<T: Integer>(
        &mut self,
        low: i128,
        high: i128,
        endpoint: bool,
        n: usize,
    ) -> Result<Vec<T>> {
        if n == 0 {
            return Ok(Vec::new());
        }
        integer_bounds::<T>(low, high, endpoint)?;
        let mut out = crate::room::filled(n, T::from_bits(0))?;
        self.fill_integers(low, high, endpoint, &mut out)?;
        Ok(out)
    }

    /// `bytes(n)`.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: np.random.default_rng(42).bytes(3)
    /// assert_eq!(default_rng(42).bytes(3), [0x88, 0x26, 0xd9]);
    /// ```
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        // No bytes cost a word too: NumPy counts (n - 1) / 4 + 1 words, and C divides towards zero.
        let mut out: Vec<u8> = (0..n.div_ceil(4).max(1))
            .flat_map(|_| self.words().next_u32().to_le_bytes())
            .collect();
        out.truncate(n);
        out
    }
}

/// The largest integer to be drawn.
fn integer_bounds<T: Integer>(low: i128, high: i128, endpoint: bool) -> Result<i128> {
    let last = if endpoint {
        Some(high)
    } else {
        high.checked_sub(1)
    };
    if low < T::MIN {
        return Err(Error::value(format!(
            "low is out of bounds for {}",
            T::NAME
        )));
    }
    let Some(last) = last.filter(|&last| last <= T::MAX) else {
        return match last {
            Some(_) => Err(Error::value(format!(
                "high is out of bounds for {}",
                T::NAME
            ))),
            None => Err(Error::value("low >= high")),
        };
    };
    if low > last {
        return Err(Error::value(if endpoint {
            "low > high"
        } else {
            "low >= high"
        }));
    }
    Ok(last)
}
