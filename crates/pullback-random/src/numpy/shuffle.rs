//! `permutation`, `shuffle` and `permuted`: Fisher-Yates from the end, with masked rejection. Not `choice`, which draws
//! its indices otherwise.
//!
//! Source: `_shuffle_raw`, `shuffle`, `permutation`, `permuted` in `numpy/random/_generator.pyx`.

use super::bounded::interval;
use super::generator::Generator;

impl Generator {
    /// `permutation(n)`: the numbers 0 to n−1 in random order. A negative `n` gives none, as in NumPy.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: np.random.default_rng(42).permutation(5)    -> array([4, 2, 3, 1, 0])
    /// assert_eq!(default_rng(42).permutation(5), [4, 2, 3, 1, 0]);
    /// ```
    pub fn permutation(&mut self, n: i64) -> Vec<i64> {
        let mut order: Vec<i64> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// `shuffle(x)` along the only axis of `x`. What is shuffled does not matter for the draws.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// let mut words = ["a", "b", "c", "d"];
    /// // Python: default_rng(7).shuffle(words)
    /// default_rng(7).shuffle(&mut words);
    /// assert_eq!(words, ["a", "c", "b", "d"]);
    /// ```
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        let mut words = *self.words();
        for i in (1..values.len()).rev() {
            let j = interval(&mut words, i as u64) as usize;
            values.swap(i, j);
        }
        *self.words() = words;
    }

    /// `shuffle(x)` and `permutation(x)` along the first axis of an array of rows of `row` elements, in place. Elements
    /// beyond the last whole row stay where they are; `row` 0 changes nothing.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: default_rng(7).permutation(np.arange(8).reshape(4, 2)).ravel()
    /// let mut values: Vec<i32> = (0..8).collect();
    /// default_rng(7).shuffle_rows(&mut values, 2);
    /// assert_eq!(values, [0, 1, 4, 5, 2, 3, 6, 7]);
    /// ```
    pub fn shuffle_rows<T>(&mut self, values: &mut [T], row: usize) {
        if row == 0 {
            return;
        }
        for i in (1..values.len() / row).rev() {
            let j = interval(self.words(), i as u64) as usize;
            if i != j {
                let (head, tail) = values.split_at_mut(i * row);
                head[j * row..(j + 1) * row].swap_with_slice(&mut tail[..row]);
            }
        }
    }

    /// `permuted(x, axis=-1)`: each row of `row` elements shuffled on its own.
    ///
    /// ```
    /// use pullback_random::numpy::default_rng;
    ///
    /// // Python: default_rng(7).permuted(np.arange(8).reshape(2, 4), axis=1).ravel()
    /// let mut values: Vec<i32> = (0..8).collect();
    /// default_rng(7).permuted_rows(&mut values, 4);
    /// assert_eq!(values, [0, 2, 1, 3, 7, 5, 6, 4]);
    /// ```
    pub fn permuted_rows<T>(&mut self, values: &mut [T], row: usize) {
        if row > 0 {
            values.chunks_exact_mut(row).for_each(|r| self.shuffle(r));
        }
    }
}
