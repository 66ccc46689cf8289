//! `randint`, `random_` and `randperm`.
//!
//! Source: `random_from_to_impl` in `ATen/native/DistributionTemplates.h`, `uniform_int_*_distribution` in
//! `ATen/core/DistributionsHelper.h`, `randperm_cpu` in `ATen/native/TensorFactories.cpp`.

use super::generator::Generator;
use super::number::Number;
use crate::error::{Error, Result};
use crate::room::torch_filled;

/// From this range on two words make an integer (releases up to 2.6 drew one word up to 2³²).
const WIDE_RANGE: u64 = 1 << 28;

/// From this length on `randperm` draws 64 bits a step.
const WIDE_PERMUTATION: usize = (u32::MAX / 20) as usize;

impl Generator {
    /// `torch.randint(low, high, (n,), dtype=T)`.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// // Python: torch.manual_seed(42); torch.randint(0, 10, (5,))    -> tensor([2, 7, 6, 4, 6])
    /// assert_eq!(manual_seed(42).randint::<i64>(0, 10, 5)?, [2, 7, 6, 4, 6]);
    /// // Python: torch.randint(5, 3, (5,))
    /// assert_eq!(
    ///     manual_seed(42).randint::<i64>(5, 3, 5).unwrap_err().message(),
    ///     "random_ expects 'from' to be less than 'to', but got from=5 >= to=3"
    /// );
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn randint<T: Number>(&mut self, low: i64, high: i64, n: usize) -> Result<Vec<T>> {
        bounds::<T>(low, Some(high))?;
        let mut out = torch_filled(n, T::default())?;
        self.fill_random_from_to(low, Some(high), &mut out)?;
        Ok(out)
    }

    /// `out.random_(from, to)`; without `to`, up to the largest value of the type.
    pub fn fill_random_from_to<T: Number>(
        &mut self,
        from: i64,
        to: Option<i64>,
        out: &mut [T],
    ) -> Result<()> {
        let (base, range) = bounds::<T>(from, to)?;
        if out.is_empty() {
            return Ok(());
        }
        match range {
            // All 64 bits.
            None => {
                check_full_range::<T>()?;
                out.iter_mut()
                    .for_each(|v| *v = T::from_i64(self.random64() as i64));
            }
            Some(range) if range >= WIDE_RANGE => self.in_pieces::<_, 2>(out, |draws, piece| {
                for (slot, pair) in piece.iter_mut().zip(draws.chunks_exact(2)) {
                    let draw = (u64::from(pair[0]) << 32) | u64::from(pair[1]);
                    *slot = T::from_i64((draw % range).wrapping_add(base as u64) as i64);
                }
            }),
            Some(range) => {
                // Lemire's exact remainder by multiplication (2019): a division is several times slower.
                let reciprocal = (u64::MAX / range).wrapping_add(1);
                self.in_pieces::<_, 1>(out, |draws, piece| {
                    for (slot, &draw) in piece.iter_mut().zip(draws) {
                        let fraction = reciprocal.wrapping_mul(u64::from(draw));
                        let remainder = ((u128::from(fraction) * u128::from(range)) >> 64) as i64;
                        *slot = T::from_i64(remainder.wrapping_add(base));
                    }
                });
            }
        }
        Ok(())
    }

    /// `out.random_()`: 0 to the largest value of an integer type, 0 to 2^digits of a floating-point type.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// let mut out = [0u8; 3];
    /// // Python: torch.manual_seed(42); torch.empty(3, dtype=torch.uint8).random_()    -> tensor([102, 179,  92])
    /// manual_seed(42).fill_random(&mut out);
    /// assert_eq!(out, [102, 179, 92]);
    /// ```
    pub fn fill_random<T: Number>(&mut self, out: &mut [T]) {
        if T::RANDOM_WIDE {
            self.in_pieces::<_, 2>(out, |draws, piece| {
                for (slot, pair) in piece.iter_mut().zip(draws.chunks_exact(2)) {
                    let draw = (u64::from(pair[0]) << 32) | u64::from(pair[1]);
                    *slot = T::from_i64((draw % T::RANDOM_MODULUS) as i64);
                }
            });
        } else {
            self.in_pieces::<_, 1>(out, |draws, piece| {
                for (slot, &draw) in piece.iter_mut().zip(draws) {
                    *slot = T::from_i64((u64::from(draw) % T::RANDOM_MODULUS) as i64);
                }
            });
        }
    }

    /// `torch.randperm(n)`.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// // Python: torch.manual_seed(42); torch.randperm(5)    -> tensor([2, 4, 3, 0, 1])
    /// assert_eq!(manual_seed(42).randperm(5), [2, 4, 3, 0, 1]);
    /// ```
    pub fn randperm(&mut self, n: usize) -> Vec<i64> {
        let mut order: Vec<i64> = (0..n as i64).collect();
        if n >= WIDE_PERMUTATION {
            for i in 0..n {
                let j = (self.random64() % (i as u64 + 1)) as usize;
                order[i] = order[j];
                order[j] = i as i64;
            }
            return order;
        }
        let mut draws = [0; 512];
        for start in (0..n.saturating_sub(1)).step_by(draws.len()) {
            let draws = &mut draws[..(n - 1 - start).min(512)];
            self.engine.fill(draws);
            for (i, &draw) in (start..).zip(draws.iter()) {
                order.swap(i, i + draw as usize % (n - i));
            }
        }
        order
    }
}

/// Checks as PyTorch does; the first value and how many there are, `None` for 2⁶⁴.
fn bounds<T: Number>(from: i64, to: Option<i64>) -> Result<(i64, Option<u64>)> {
    let (from, last) = match to {
        Some(to) => {
            if from >= to {
                return Err(Error::runtime(format!(
                    "random_ expects 'from' to be less than 'to', but got from={from} >= to={to}"
                )));
            }
            let (from, to) = (update_from::<T>(from), update_to::<T>(to));
            if from >= to {
                return Err(Error::runtime(format!(
                    "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from={from} >= \
                     to={to}"
                )));
            }
            (from, to - 1)
        }
        None if from == i64::MIN => return Ok((from, None)),
        None => match (T::LIMITS, T::DIGITS) {
            (Some((_, max)), _) => (from, max),
            (None, digits) => {
                let (from, last) = (update_from::<T>(from), 1i64 << digits.unwrap_or(0));
                if from >= last {
                    return Err(Error::runtime(format!(
                        "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, \
                         but got from={from} > to_inc={last}"
                    )));
                }
                (from, last)
            }
        },
    };
    if let Some((min, max)) = T::LIMITS {
        for (value, name) in [(from, "from"), (last, "to - 1")] {
            if value < min || value > max {
                return Err(Error::runtime(format!(
                    "{name} is out of bounds for {}",
                    T::C_NAME
                )));
            }
        }
    }
    Ok((
        from,
        Some((last as u64).wrapping_sub(from as u64).wrapping_add(1)),
    ))
}

/// Only the widest types have a kernel for all of 64 bits.
fn check_full_range<T: Number>() -> Result<()> {
    match T::LIMITS {
        None | Some((i64::MIN, _)) => Ok(()),
        Some((0, 1)) => Err(Error::runtime(
            "\"random_full_64_bits_range_kernel_cpu\" not implemented for 'Bool'",
        )),
        _ => Err(Error::runtime(
            "random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16",
        )),
    }
}

/// An integer rounded to a floating-point type and back; out of range, what x86 answers.
fn rounded(value: i64, digits: u32) -> i64 {
    let float = if digits == 24 {
        f64::from(value as f32)
    } else {
        value as f64
    };
    if float >= 9223372036854775808.0 {
        i64::MIN
    } else {
        float as i64
    }
}

/// Where `from` would round below itself: the next value the type can hold.
fn update_from<T: Number>(from: i64) -> i64 {
    let Some(digits) = T::DIGITS else { return from };
    let next = from.wrapping_add(1);
    let near = rounded(next, digits);
    if near >= from {
        return from;
    }
    near.wrapping_add(step(next, digits))
}

/// Where `to - 1` would round up to `to`: the value before.
fn update_to<T: Number>(to: i64) -> i64 {
    let Some(digits) = T::DIGITS else { return to };
    let near = rounded(to - 1, digits);
    if near < to {
        return to;
    }
    near.wrapping_sub(step(to - 1, digits))
}

/// The distance between neighbours of the type near `value`.
fn step(value: i64, digits: u32) -> i64 {
    let log2 = value.unsigned_abs().checked_ilog2().unwrap_or(0);
    1i64 << (log2 + 1).saturating_sub(digits)
}
