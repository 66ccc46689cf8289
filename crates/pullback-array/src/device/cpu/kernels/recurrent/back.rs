//! A recurrence backward in time: its gradient.
#![allow(unsafe_code)]

use super::super::direct::Direct;
use super::super::gemm::Gemm;
use super::super::wide::wide_for;
use super::cells::{self, Cell};
use super::held::{Lent, New, Times, bands, moved, part, zeros};
use super::{Dims, PASS, Recurrence, RecurrenceGradients, RecurrenceInputs, product, steps};
use crate::array::Array;
use crate::device::cpu::threads::blocks;
use crate::dtype::Element;
use crate::error::Result;
use crate::memory::ptr::Ptr;
use crate::memory::room::filled;
use crate::scalar::arith::Arith;
use crate::scalar::real::Real;
use std::ops::Range;

/// The pass over the gates of a step, backward.
#[derive(Clone, Copy)]
struct Back<T> {
    cell: Cell,
    d: Dims,
    kept: Ptr<T>,
    rows: Ptr<T>,
    before: Ptr<T>,
    /// Gradients of h after the projection's place.
    g: Ptr<T>,
    c: Ptr<T>,
    gates: Ptr<T>,
    of_state: Ptr<T>,
    /// What a projection is applied to, where there is one.
    hidden: Option<Ptr<T>>,
}

impl<T: Real> Back<T> {
    /// As [`Step::pass`].
    ///
    /// # Safety
    /// As there.
    unsafe fn pass(self, start: usize, first: usize, end: usize) {
        let (n, wide) = (self.d.hidden, self.d.hidden * self.cell.gates());
        let long = n * self.cell.kept();
        let mut own = vec![T::ZERO; long.max(n)];
        wide_for::<T, _>(
            #[inline(always)]
            move || {
                for i in first..end {
                    let at = start + i;
                    // SAFETY: the caller's promise; what is written was made of zeros.
                    unsafe {
                        let g = part(self.g, i * n, n);
                        let d = part(self.gates, at * wide, wide);
                        moved(
                            self.kept.get().add(at * long).cast_const(),
                            own.as_mut_ptr(),
                            long,
                        );
                        match self.cell {
                            Cell::Lstm => {
                                cells::lstm_back(&own, g, part(self.c, i * n, n), d);
                                if let Some(hidden) = self.hidden {
                                    let to = part(hidden, at * n, n);
                                    for ((x, &o), &t) in
                                        to.iter_mut().zip(&own[3 * n..]).zip(&own[4 * n..])
                                    {
                                        *x = o * t;
                                    }
                                }
                            }
                            Cell::Gru => {
                                let of_state = part(self.of_state, at * wide, wide);
                                cells::gru_back(&own, part(self.before, at * n, n), g, d, of_state);
                            }
                            Cell::Tanh => {
                                moved(
                                    self.rows.get().add(at * n).cast_const(),
                                    own.as_mut_ptr(),
                                    n,
                                );
                                cells::elman_back(&own[..n], g, d);
                            }
                        }
                    }
                }
            },
        );
    }
}

/// h before every step.
fn before<T: Element + Real>(
    how: Recurrence<'_>,
    d: Dims,
    h: *const T,
    rows: *const T,
) -> Result<New<T>> {
    let all = New::<T>::of(&[d.rows, d.width])?;
    let mut last = (0, 0);
    for (start, n) in steps(how)? {
        let old = n.min(last.1);
        // SAFETY: `old` rows of the step taken before, else of the first state; both have `width` numbers a row.
        unsafe {
            let to = all.ptr.get().add(start * d.width);
            moved(rows.add(last.0 * d.width), to, old * d.width);
            moved(
                h.add(old * d.width),
                to.add(old * d.width),
                (n - old) * d.width,
            );
        }
        last = (start, n);
    }
    Ok(all)
}

/// Memory of the gradients, which is this kernel's alone.
struct Sent<T> {
    h: New<T>,
    c: Option<New<T>>,
    gates: New<T>,
    of_state: Option<New<T>>,
    before: New<T>,
    projected: Option<(New<T>, New<T>)>,
    /// Gradients of what is projected, and of h before a step, for one step.
    inner: Vec<T>,
    back: Vec<T>,
}

impl<T: Real + Arith + Gemm + Direct> Sent<T> {
    /// Lent are the weight, h, the rows, what was kept, and, by their places, the gradients of rows, h and c, and the projection.
    fn new(
        how: Recurrence<'_>,
        d: Dims,
        lent: &Lent<'_, T>,
        places: [Option<usize>; 4],
    ) -> Result<Sent<T>> {
        let wide = d.hidden * how.cell.gates();
        let begun = |k: usize, shape: &[usize]| match places[k] {
            // SAFETY: the gradient has this shape and is contiguous.
            Some(at) => unsafe { New::copy(shape, lent.ptr(at)) },
            None => zeros::<T>(shape),
        };
        let most = how.sizes.first().copied().unwrap_or(0);
        let projects = places[3].is_some();
        Ok(Sent {
            h: begun(1, &[d.samples, d.width])?,
            c: match how.cell {
                Cell::Lstm => Some(begun(2, &[d.samples, d.hidden])?),
                Cell::Gru | Cell::Tanh => None,
            },
            gates: zeros(&[d.rows, wide])?,
            of_state: match how.cell {
                Cell::Gru => Some(zeros(&[d.rows, wide])?),
                Cell::Lstm | Cell::Tanh => None,
            },
            before: before::<T>(how, d, lent.ptr(1), lent.ptr(2))?,
            projected: match projects {
                true => Some((New::of(&[d.rows, d.width])?, zeros(&[d.rows, d.hidden])?)),
                false => None,
            },
            inner: filled(
                if projects {
                    product(most, d.hidden)?
                } else {
                    0
                },
                T::ZERO,
            )?,
            back: filled(product(most, d.width)?, T::ZERO)?,
        })
    }
}

/// A step backward: where it works, and the matrices that rows are multiplied by.
struct Step<T> {
    pass: Back<T>,
    h: Ptr<T>,
    back: Ptr<T>,
    /// Gradients of h at every step, where there are some.
    rows: Option<Ptr<T>>,
    /// Where a projection's results' gradients are kept.
    by: Option<Ptr<T>>,
    weight: Times<T>,
    projection: Option<Times<T>>,
    /// Whether rows are a band's.
    band: bool,
}

impl<T: Real + Arith + Gemm + Direct> Step<T> {
    /// Some rows of the step whose rows begin at `start`.
    ///
    /// # Safety
    /// They exist, and nobody else touches them.
    unsafe fn taken(&self, start: usize, of: Range<usize>) -> Result<()> {
        let (pass, first, n) = (self.pass, of.start, of.len());
        let Dims { hidden, width, .. } = pass.d;
        let (wide, none) = (hidden * pass.cell.gates(), std::ptr::null());
        // SAFETY: the step's rows, and those rows of the states' gradients, which this kernel alone holds; operands of products are
        // guarded or new.
        unsafe {
            let at = (start + first) * width;
            let here = part(self.h, first * width, n * width);
            if let Some(rows) = self.rows {
                add(here, rows.get().add(at));
            }
            if let (Some(projection), Some(by)) = (&self.projection, self.by) {
                moved(here.as_ptr(), by.get().add(at), n * width);
                let to = pass.g.get().add(first * hidden);
                projection.product(here.as_ptr(), n, to, none)?;
            }
            match self.band {
                true => pass.pass(start, of.start, of.end),
                false => blocks(n, (PASS / wide.max(1)).max(1), &|a, b| {
                    pass.pass(start, first + a, first + b);
                })?,
            }
            let from = pass.of_state.get().add((start + first) * wide);
            let back = part(self.back, first * width, n * width);
            (self.weight).product(from.cast_const(), n, back.as_mut_ptr(), none)?;
            let here = part(self.h, first * width, n * width);
            match pass.cell {
                Cell::Gru => add(here, back.as_ptr()),
                Cell::Lstm | Cell::Tanh => here.copy_from_slice(back),
            }
        }
        Ok(())
    }
}

pub(super) fn backward<T: Real + Arith + Gemm + Direct>(
    how: Recurrence<'_>,
    x: &RecurrenceInputs<'_>,
    d: Dims,
    [rows, kept]: [&Array; 2],
    g: [Option<&Array>; 3],
) -> Result<RecurrenceGradients> {
    let mut arrays = vec![
        x.weight.clone(),
        x.h.contiguous()?,
        rows.contiguous()?,
        kept.contiguous()?,
    ];
    let mut places = [None; 4];
    for (place, a) in places.iter_mut().zip([g[0], g[1], g[2], x.projection]) {
        if let Some(a) = a {
            *place = Some(arrays.len());
            arrays.push(a.contiguous()?);
        }
    }
    let lent = Lent::<T>::new(&arrays)?;
    let mut sent = Sent::new(how, d, &lent, places)?;
    let pass = Back {
        cell: how.cell,
        d,
        kept: Ptr(lent.ptr(3).cast_mut()),
        rows: Ptr(lent.ptr(2).cast_mut()),
        before: sent.before.ptr,
        g: match places[3] {
            Some(_) => Ptr(sent.inner.as_mut_ptr()),
            None => sent.h.ptr,
        },
        c: (sent.c.as_ref()).map_or(Ptr(std::ptr::null_mut()), |c| c.ptr),
        gates: sent.gates.ptr,
        of_state: sent.of_state.as_ref().map_or(sent.gates.ptr, |s| s.ptr),
        hidden: sent.projected.as_ref().map(|p| p.1.ptr),
    };
    let most = how.sizes.first().copied().unwrap_or(0);
    // SAFETY: lent matrices can be read.
    let (weight, projection) = unsafe {
        let of = |k: usize| Times::new(lent.matrix(k), most);
        (of(0)?, places[3].map(of).transpose()?)
    };
    let parts = weight.parts() && projection.as_ref().is_none_or(Times::parts);
    let step = Step {
        pass,
        h: sent.h.ptr,
        back: Ptr(sent.back.as_mut_ptr()),
        rows: places[0].map(|k| Ptr(lent.ptr(k).cast_mut())),
        by: sent.projected.as_ref().map(|p| p.0.ptr),
        weight,
        projection,
        band: parts,
    };
    let steps = steps(how)?;
    bands(most, parts, &|first, end, watch| {
        for &(start, n) in steps.iter().rev() {
            let n = n.min(end);
            if n > first && watch.goes_on() {
                // SAFETY: the band's rows, which no other band touches; the step is made of this kernel's memory.
                unsafe { step.taken(start, first..n)? };
            }
        }
        Ok(())
    })?;
    drop(step);
    drop(lent);
    let gates = sent.gates.array();
    Ok(RecurrenceGradients {
        of_state: sent.of_state.map_or_else(|| gates.clone(), New::array),
        gates,
        before: sent.before.array(),
        h: sent.h.array(),
        c: sent.c.map(New::array),
        projected: sent.projected.map(|(a, b)| (a.array(), b.array())),
    })
}

/// Adds numbers from elsewhere.
///
/// # Safety
/// There are as many from `more` on.
unsafe fn add<T: Real>(to: &mut [T], more: *const T) {
    let more = Ptr(more.cast_mut());
    wide_for::<T, _>(
        #[inline(always)]
        move || {
            for (k, x) in to.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                *x += unsafe { *more.get().add(k) };
            }
        },
    );
}
