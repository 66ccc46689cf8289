//! A recurrence forward in time.
#![allow(unsafe_code)]

use super::super::gemm::Gemm;
use super::super::matmul::{Mat, multiply, row_major};
use super::super::wide::wide_for;
use super::cells::{self, Cell};
use super::held::{Lent, New, moved, part};
use super::{Dims, PASS, Recurrence, RecurrenceInputs, RecurrenceResults, product, steps, work};
use crate::array::{Array, unread};
use crate::device::cpu::threads::blocks;
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::{Layout, Shape};
use crate::memory::ptr::Ptr;
use crate::memory::room::filled;
use crate::scalar::arith::Arith;
use crate::scalar::real::Real;

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

pub(super) fn forward<T: Real + Arith + Gemm>(
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
fn run<T: Real + Arith + Gemm>(
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
    let bias = at_bias.map_or(std::ptr::null(), |k| lent.ptr(k));
    let projection = at_projection.map(|k| lent.matrix(k).transposed());
    for (start, n) in steps(how)? {
        if n == 0 {
            continue;
        }
        // SAFETY: the rows of this step, and the first n of the states, which are this kernel's alone; operands of products are guarded or new.
        unsafe {
            let weight = lent.matrix(2).transposed();
            step.taken((start, n), weight, bias, h.ptr)?;
            if let Some(projection) = projection {
                let from = row_major(step.h.get().cast_const(), n, d.hidden);
                let to = row_major(h.ptr.get(), n, d.width);
                let none = std::ptr::null();
                multiply(from, projection, to, none, work(n, d.hidden, d.width))?;
            }
            let to = rows.ptr.get().add(start * d.width);
            moved(h.ptr.get().cast_const(), to, n * d.width);
        }
    }
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

impl<T: Real + Arith + Gemm> Step<T> {
    /// What the state gives to the gates, and the pass over them, of `n` rows from `start` on.
    ///
    /// # Safety
    /// They exist, and nobody else touches them; the weight and the bias can be read.
    unsafe fn taken(
        self,
        (start, n): (usize, usize),
        weight: Mat<*const T>,
        bias: *const T,
        state: Ptr<T>,
    ) -> Result<()> {
        let (width, wide) = (self.d.width, self.d.hidden * self.cell.gates());
        let from = row_major(state.get().cast_const(), n, width);
        let to = row_major(self.sums.get(), n, wide);
        // SAFETY: the caller's promise; the sums have room for n rows.
        unsafe { multiply(from, weight, to, bias, work(n, width, wide))? };
        blocks(n, (PASS / wide.max(1)).max(1), &|first, end| {
            // SAFETY: rows first..end of this step, which no other block touches.
            unsafe { self.pass(start, first, end) };
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
