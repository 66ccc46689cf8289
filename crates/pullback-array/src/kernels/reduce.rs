//! Reductions over dimensions: how runs of elements are found, and a kernel that folds each run with a closure.
//!
//! Sums have a kernel of their own (`sum.rs`), because the order of their additions matters.
#![allow(unsafe_code)]

use crate::array::{Array, fresh};
use crate::dtype::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape, Strides};
use crate::threads::{BLOCK, Ptr, blocks};
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
            let n = shape.len().max(1) as i64;
            return Err(Error::new(
                ErrorKind::Index,
                format!(
                    "Dimension out of range (expected to be in range of [{}, {}], but got {k})",
                    -n,
                    n - 1
                ),
            ));
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

/// Where the runs to reduce lie: run `i` starts at place `i` of `kept` and has `len` elements `step` apart.
struct Plan {
    /// The array itself, or a copy in an order that makes runs evenly spaced.
    source: Array,
    kept: Layout,
    len: usize,
    step: isize,
    out: Shape,
}

impl Plan {
    fn new(a: &Array, dims: &[usize], keepdim: bool) -> Result<Plan> {
        check_dims(a.shape(), dims)?;
        let out = reduced_shape(a.shape(), dims, keepdim);
        let strides = a.layout().strides();
        let is_kept = |k: &usize| !dims.contains(k);
        let kept_dims: Vec<usize> = (0..a.rank()).filter(is_kept).collect();
        let len = dims.iter().map(|&k| a.shape()[k]).product();
        // A run is evenly spaced if each reduced dimension steps over all the inner ones (a repeated one, of stride 0,
        // over nothing: the next must repeat as well).
        let (mut spacing, mut even) = (None, true);
        for k in (0..a.rank())
            .rev()
            .filter(|k| !is_kept(k) && a.shape()[*k] != 1)
        {
            let span = strides[k] * a.shape()[k] as isize;
            spacing = match spacing {
                None => Some((strides[k], span)),
                Some((step, inner)) if strides[k] == inner => Some((step, span)),
                Some(_) => {
                    even = false;
                    break;
                }
            };
        }
        let step = spacing.map_or(1, |(step, _)| step);
        if even {
            let shape: Shape = kept_dims.iter().map(|&k| a.shape()[k]).collect();
            let kept_strides: Strides = kept_dims.iter().map(|&k| strides[k]).collect();
            let kept = Layout::new(shape, &kept_strides, a.layout().offset());
            return Ok(Plan {
                source: a.clone(),
                kept,
                len,
                step,
                out,
            });
        }
        let order: Vec<usize> = kept_dims
            .iter()
            .copied()
            .chain((0..a.rank()).filter(|k| !is_kept(k)))
            .collect();
        let source = a.with_layout(a.layout().permute(&order)).copy()?;
        let shape: Shape = kept_dims.iter().map(|&k| a.shape()[k]).collect();
        let mut kept_strides = Layout::row_major(shape.clone()).strides();
        kept_strides.iter_mut().for_each(|s| *s *= len as isize);
        Ok(Plan {
            source,
            kept: Layout::new(shape, &kept_strides, 0),
            len,
            step: 1,
            out,
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
    let plan = Plan::new(a, dims, keepdim)?;
    let guard = plan.source.read()?;
    let (storage, out) = fresh::<B>(&plan.out)?;
    let places: Vec<usize> = plan.kept.places().collect();
    let (base, to) = (Ptr(guard.ptr::<A>().cast_mut()), Ptr(out));
    blocks(
        places.len(),
        (BLOCK / plan.len.max(1)).max(1),
        &|start, end| {
            for (i, &place) in places.iter().enumerate().take(end).skip(start) {
                let next = base.get().cast_const().wrapping_add(place);
                let run = Run {
                    next,
                    step: plan.step,
                    left: plan.len,
                    guard: PhantomData,
                };
                // SAFETY: `out` has room for one element a kept place, and blocks write different ones.
                unsafe { to.get().add(i).write(f(run)) };
            }
        },
    );
    drop(guard);
    Ok(Array::from_fresh::<B>(storage, plan.out))
}
