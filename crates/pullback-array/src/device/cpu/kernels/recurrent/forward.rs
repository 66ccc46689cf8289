//! A recurrence forward in time.
#![allow(unsafe_code)]

use super::super::direct::Direct;
use super::super::gemm::Gemm;
use super::super::wide::wide_for;
use super::cells::{self, Cell};
use super::held::{Lent, New, Times, bands, moved, part};
use super::{Dims, PASS, Recurrence, RecurrenceInputs, RecurrenceResults, product, steps};
use crate::array::{Array, unread};
use crate::device::cpu::threads::blocks;
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::{Layout, Shape};
use crate::memory::ptr::Ptr;
use crate::memory::room::filled;
use crate::scalar::arith::Arith;
use crate::scalar::real::Real;
use std::ops::Range;

/// Results without numbers.
fn inferred(how: Recurrence<'_>, d: Dims, keep: bool, dtype: DType) -> Result<RecurrenceResults> {
    let meta = |shape: &[usize]| Array::meta(Layout::row_major(Shape::new(shape)), dtype);
    Ok(RecurrenceResults {
        rows: meta(&[d.rows, d.width])?,
        h: meta(&[d.samples, d.width])?,
        c: match how.cell {
            Cell::Lstm => Some(meta(&[d.samples, d.hidden])?),
            Cell::Gru | Cell::Tanh => None,
        },
        kept: match keep {
            true => meta(&[d.rows, d.hidden * how.cell.kept()])?,
            false => meta(&[0])?,
        },
    })
}

pub(super) fn forward<T: Real + Arith + Gemm + Direct>(
    how: Recurrence<'_>,
    x: &RecurrenceInputs<'_>,
    d: Dims,
    keep: bool,
) -> Result<RecurrenceResults> {
    let mut arrays = vec![x.gates.contiguous()?, x.h.contiguous()?, x.weight.clone()];
    let mut places = [None; 3];
    for (place, more) in places.iter_mut().zip([x.c, x.bias, x.projection]) {
        if let Some(more) = more {
            *place = Some(arrays.len());
            arrays.push(more.contiguous()?);
        }
    }
    match Lent::<T>::new(&arrays) {
        Ok(lent) => run(how, d, &lent, places, keep),
        Err(e) => {
            let all: Vec<&Array> = arrays.iter().collect();
            unread(
                &all,
                || Ok(Layout::row_major(Shape::new(&[0]))),
                T::DTYPE,
                e,
            )?;
            inferred(how, d, keep, T::DTYPE)
        }
    }
}

/// All steps. Lent are the gates, h and the weight, and, by their places, c, the bias and the projection.
fn run<T: Real + Arith + Gemm + Direct>(
    how: Recurrence<'_>,
    d: Dims,
    lent: &Lent<'_, T>,
    [at_c, at_bias, at_projection]: [Option<usize>; 3],
    keep: bool,
) -> Result<RecurrenceResults> {
    let wide = d.hidden * how.cell.gates();
    let kept_wide = d.hidden * how.cell.kept();
    let rows = New::<T>::of(&[d.rows, d.width])?;
    // SAFETY: the states have these shapes and are contiguous.
    let h = unsafe { New::copy(&[d.samples, d.width], lent.ptr(1))? };
    let c = match at_c {
        // SAFETY: as above.
        Some(k) => Some(unsafe { New::copy(&[d.samples, d.hidden], lent.ptr(k))? }),
        None => None,
    };
    let kept = match keep {
        true => New::<T>::of(&[d.rows, kept_wide])?,
        false => New::<T>::of(&[0])?,
    };
    let most = how.sizes.first().copied().unwrap_or(0);
    let mut sums = filled(product(most, wide)?, T::ZERO)?;
    let inner = match at_projection {
        Some(_) => product(most, d.hidden)?,
        None => 0,
    };
    let mut inner = filled(inner, T::ZERO)?;
    let step = Step {
        cell: how.cell,
        d,
        gates: Ptr(lent.ptr(0).cast_mut()),
        sums: Ptr(sums.as_mut_ptr()),
        h: match at_projection {
            Some(_) => Ptr(inner.as_mut_ptr()),
            None => h.ptr,
        },
        c: c.as_ref().map_or(Ptr(std::ptr::null_mut()), |c| c.ptr),
        kept: keep.then_some(kept.ptr),
    };
    let bias = Ptr(at_bias.map_or(std::ptr::null(), |k| lent.ptr(k)).cast_mut());
    // SAFETY: lent matrices can be read.
    let (weight, projection) = unsafe {
        let of = |k: usize| Times::new(lent.matrix(k).transposed(), most);
        (of(2)?, at_projection.map(of).transpose()?)
    };
    let parts = weight.parts() && projection.as_ref().is_none_or(Times::parts);
    let (steps, h_of, rows_of) = (steps(how)?, h.ptr, rows.ptr);
    bands(most, parts, &|first, end, watch| {
        for &(start, n) in &steps {
            let n = n.min(end);
            if n <= first || !watch.goes_on() {
                continue;
            }
            // SAFETY: the band's rows of this step and of the states, which no other band touches, and which are this kernel's alone; operands
            // of products are guarded or new.
            unsafe {
                step.taken(start, first..n, &weight, bias.get(), h_of, parts)?;
                let state = h_of.get().add(first * d.width);
                if let Some(projection) = &projection {
                    let from = step.h.get().add(first * d.hidden).cast_const();
                    projection.product(from, n - first, state, std::ptr::null())?;
                }
                let to = rows_of.get().add((start + first) * d.width);
                moved(state.cast_const(), to, (n - first) * d.width);
            }
        }
        Ok(())
    })?;
    Ok(RecurrenceResults {
        rows: rows.array(),
        h: h.array(),
        c: c.map(New::array),
        kept: kept.array(),
    })
}

/// The pass over the gates of a step.
#[derive(Clone, Copy)]
struct Step<T> {
    cell: Cell,
    d: Dims,
    gates: Ptr<T>,
    sums: Ptr<T>,
    h: Ptr<T>,
    c: Ptr<T>,
    kept: Option<Ptr<T>>,
}

impl<T: Real + Arith + Gemm + Direct> Step<T> {
    /// What the state gives to the gates, and the pass over them, of some rows of the step whose rows begin at `start`; in one go where they are a
    /// band's.
    ///
    /// # Safety
    /// They exist, and nobody else touches them; the weight and the bias can be read.
    unsafe fn taken(
        self,
        start: usize,
        rows: Range<usize>,
        weight: &Times<T>,
        bias: *const T,
        state: Ptr<T>,
        band: bool,
    ) -> Result<()> {
        let (width, wide) = (self.d.width, self.d.hidden * self.cell.gates());
        // SAFETY: the caller's promise; the sums have room for all rows, and parts of the pass are different rows.
        unsafe {
            let from = state.get().add(rows.start * width).cast_const();
            let to = self.sums.get().add(rows.start * wide);
            weight.product(from, rows.len(), to, bias)?;
            if band {
                self.pass(start, rows.start, rows.end);
                return Ok(());
            }
        }
        blocks(rows.len(), (PASS / wide.max(1)).max(1), &|first, end| {
            // SAFETY: as above.
            unsafe { self.pass(start, rows.start + first, rows.start + end) };
        })
    }

    /// Rows `first..end` of the step whose rows begin at `start`.
    ///
    /// # Safety
    /// They exist, and nobody else touches them.
    unsafe fn pass(self, start: usize, first: usize, end: usize) {
        let (n, wide) = (self.d.hidden, self.d.hidden * self.cell.gates());
        let long = match self.cell {
            Cell::Tanh => n,
            cell @ (Cell::Lstm | Cell::Gru) => n * cell.kept(),
        };
        let mut own = vec![T::ZERO; long];
        wide_for::<T, _>(
            #[inline(always)]
            move || {
                for i in first..end {
                    // SAFETY: the caller's promise; a kept row is wholly written by the copies before it is lent out.
                    unsafe {
                        let from = self.gates.get().add((start + i) * wide).cast_const();
                        let to = match self.kept {
                            Some(kept) if self.cell != Cell::Tanh => {
                                kept.get().add((start + i) * long)
                            }
                            _ => own.as_mut_ptr(),
                        };
                        moved(from, to, wide);
                        let sums = part(self.sums, i * wide, wide);
                        let h = part(self.h, i * n, n);
                        match self.cell {
                            Cell::Lstm => {
                                let c = self.c.get().add(i * n);
                                moved(c.cast_const(), to.add(4 * n), n);
                                moved(c.cast_const(), to.add(5 * n), n);
                                let row = part(Ptr(to), 0, long);
                                cells::lstm(row, sums, part(self.c, i * n, n), h);
                            }
                            Cell::Gru => {
                                moved(from, to.add(3 * n), n);
                                cells::gru(part(Ptr(to), 0, long), sums, h);
                            }
                            Cell::Tanh => cells::elman(part(Ptr(to), 0, long), sums, h),
                        }
                    }
                }
            },
        );
    }
}
