//! Reductions over dimensions: how runs of elements are found, and a kernel that folds each run with a closure.
//!
//! Sums have a kernel of their own (`sum.rs`), because the order of their additions matters.
#![allow(unsafe_code)]

use super::nest::{Axes, merge, place, split};
use crate::array::{Array, fresh, no_such_dim};
use crate::dtype::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Shape;
use crate::threads::{BLOCK, Ptr, blocks};
use smallvec::SmallVec;
use std::marker::PhantomData;

/// The shape that is left when `dims` are reduced, with size 1 in their place if `keepdim`.
pub fn reduced_shape(shape: &Shape, dims: &[usize], keepdim: bool) -> Shape {
    (shape.iter().enumerate())
        .filter_map(|(k, &n)| match (dims.contains(&k), keepdim) {
            (false, _) => Some(n),
            (true, true) => Some(1),
            (true, false) => None,
        })
        .collect()
}

/// Errors where a dimension does not exist or comes twice; what every reduction rests on.
pub(crate) fn check_dims(shape: &Shape, dims: &[usize]) -> Result<()> {
    for (i, &k) in dims.iter().enumerate() {
        if k >= shape.len() {
            return Err(no_such_dim(k, shape.len()));
        }
        if dims[..i].contains(&k) {
            return Err(Error::new(
                ErrorKind::Value,
                format!("dim {k} appears multiple times in the list of dims"),
            ));
        }
    }
    Ok(())
}

/// Where the runs to reduce lie: run `i` starts at place `i` of the axes `kept` after `start`, and has `len` elements
/// `step` apart.
struct Plan {
    /// The array itself, or a copy in an order that makes runs evenly spaced.
    source: Array,
    start: usize,
    kept: Axes,
    len: usize,
    step: isize,
}

impl Plan {
    fn new(a: &Array, dims: &[usize]) -> Result<Plan> {
        let (reduced, kept) = split(a.layout(), dims);
        let len = reduced.iter().map(|axis| axis.0).product();
        // A run is evenly spaced if its dimensions are one walk.
        let walk = merge(&reduced);
        if walk.len() <= 1 {
            return Ok(Plan {
                source: a.clone(),
                start: a.layout().offset(),
                kept: merge(&kept),
                len,
                step: walk.first().map_or(1, |axis| axis.1),
            });
        }
        let is_kept = |k: &usize| !dims.contains(k);
        let kept = (0..a.rank()).filter(is_kept);
        let order: SmallVec<[usize; 4]> = kept
            .chain((0..a.rank()).filter(|k| dims.contains(k)))
            .collect();
        let source = a.with_layout(a.layout().permute(&order)).copy()?;
        let runs = source.numel().checked_div(len).unwrap_or(0);
        Ok(Plan {
            source,
            start: 0,
            kept: Axes::from_slice(&[(runs, len as isize)]),
            len,
            step: 1,
        })
    }
}

/// The elements of one run, in order.
pub struct Run<'a, A> {
    next: *const A,
    step: isize,
    left: usize,
    /// The source's guard outlives the run.
    guard: PhantomData<&'a A>,
}

impl<A: Element> Iterator for Run<'_, A> {
    type Item = A;
    #[inline]
    fn next(&mut self) -> Option<A> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        // SAFETY: the plan's runs lie inside the source, whose guard outlives this iterator.
        unsafe {
            let x = *self.next;
            self.next = self.next.wrapping_offset(self.step);
            Some(x)
        }
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<A: Element> ExactSizeIterator for Run<'_, A> {}

/// `f` of each run of elements along `dims`.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let a = Array::from_slice(&[1i64, 2, 3, 4], [2, 2])?;
/// let product = kernels::reduce(&a, &[1], false, |run: kernels::Run<'_, i64>| run.product::<i64>())?;
/// assert_eq!(product.to_vec::<i64>()?, [2, 12]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn reduce<A: Element, B: Element>(
    a: &Array,
    dims: &[usize],
    keepdim: bool,
    f: impl Fn(Run<'_, A>) -> B + Sync,
) -> Result<Array> {
    a.expect_dtype::<A>()?;
    check_dims(a.shape(), dims)?;
    let shape = reduced_shape(a.shape(), dims, keepdim);
    let plan = Plan::new(a, dims)?;
    let guard = plan.source.read()?;
    let (storage, out) = fresh::<B>(&shape)?;
    // SAFETY: an array starts inside its storage, or at its end if it is empty.
    let base = unsafe { guard.ptr::<A>().add(plan.start) };
    let (base, to) = (Ptr(base.cast_mut()), Ptr(out));
    let block = (BLOCK / plan.len.max(1)).max(1);
    blocks(shape.numel(), block, &|start, end| {
        for i in start..end {
            // Without elements there is nowhere to point; `left` is 0 then.
            let place = if plan.len == 0 {
                0
            } else {
                place(&plan.kept, i)
            };
            let run = Run {
                next: base.get().cast_const().wrapping_offset(place),
                step: plan.step,
                left: plan.len,
                guard: PhantomData,
            };
            // SAFETY: `out` has room for one element a run, and blocks write different ones.
            unsafe { to.get().add(i).write(f(run)) };
        }
    });
    drop(guard);
    Ok(Array::from_fresh::<B>(storage, shape))
}
