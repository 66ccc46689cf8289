//! A matrix packed once, for products of a few rows at a time with it.
#![allow(unsafe_code)]

use super::super::matmul::{Mat, TINY};
use super::tile::{Direct, Kernel, Sum};
use super::{RUN, panels, tiles};
use crate::error::Result;
use crate::memory::room::{filled, gathered};

/// Elements of a matrix that is packed: as many as a second-level cache holds. A larger one is better cut for threads than read by each.
const MOST: usize = 1 << 18;
/// Rows below which vectors would wait for their sums.
const FEWEST: usize = 4;

/// A right operand in panels.
pub(in super::super) struct Panels<T> {
    kernel: Kernel<T>,
    all: Vec<T>,
    terms: Vec<usize>,
    /// Where each row of a left operand begins.
    rows: Vec<usize>,
    cols: usize,
}

impl<T: Direct> Panels<T> {
    /// The panels of `m`, for at most `rows` rows: none where another way is better.
    ///
    /// # Safety
    /// The matrix can be read.
    pub(in super::super) unsafe fn of(m: Mat<*const T>, rows: usize) -> Result<Option<Panels<T>>> {
        let Some(kernel) = T::kernel() else {
            return Ok(None);
        };
        let size = m.rows.saturating_mul(m.cols);
        let fits = size <= MOST
            && size.saturating_mul(rows) > TINY
            && rows >= FEWEST
            && m.cols.is_multiple_of(kernel.lanes);
        if !fits {
            return Ok(None);
        }
        let mut all = filled(size, T::ZERO)?;
        for (left, wide) in panels(m.cols, kernel.lanes) {
            let width = kernel.lanes * (1 + usize::from(wide));
            for (term, row) in all[left * m.rows..][..width * m.rows]
                .chunks_mut(width)
                .enumerate()
            {
                for (lane, x) in row.iter_mut().enumerate() {
                    let place = term as isize * m.rs + (left + lane) as isize * m.cs;
                    // SAFETY: the caller's promise.
                    *x = unsafe { *m.ptr.offset(place) };
                }
            }
        }
        Ok(Some(Panels {
            kernel,
            all,
            terms: gathered(0..m.rows)?,
            rows: gathered((0..rows).map(|i| i * m.rows))?,
            cols: m.cols,
        }))
    }

    /// `n` rows times the matrix. Sums do not depend on which rows are taken together.
    ///
    /// # Safety
    /// From `from` on there are `n` rows, no more than were asked for, which can be read; from `to` on as many can be written.
    pub(in super::super) unsafe fn product(&self, from: *const T, n: usize, to: *mut T) {
        let (k, lanes) = (self.terms.len(), self.kernel.lanes);
        for at in (0..k).step_by(RUN) {
            let run = RUN.min(k - at);
            for (left, wide) in panels(self.cols, lanes) {
                let width = lanes * (1 + usize::from(wide));
                for tile in tiles(n, self.kernel.rows) {
                    let sum = Sum {
                        terms: &self.terms[at..at + run],
                        x: from,
                        b: self.all[left * k + at * width..][..run * width].as_ptr(),
                        c: to.wrapping_add(tile.start * self.cols + left),
                        step: self.cols,
                        add: at > 0,
                    };
                    // SAFETY: the caller's promise; the panel has the terms' rows.
                    unsafe { (self.kernel.run)(&sum, &self.rows[tile], wide) };
                }
            }
        }
    }
}
