//! Reductions over dimensions: how runs of elements are found, and a kernel that folds each run with a closure.
//!
//! Sums have a kernel of their own (`sum.rs`), because the order of their additions matters.
#![allow(unsafe_code)]

use super::narrow::placed;
use super::nest::{Axes, Axis, merge, place, split};
use super::stored::{AT_ONCE, Room, Stored};
use crate::array::{Array, no_such_dim};
use crate::device::cpu::host::fresh;
use crate::device::cpu::threads::{BLOCK, LONG, watched};
use crate::dtype::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::interrupt::Watch;
use crate::layout::{Layout, Shape};
use crate::memory::ptr::Ptr;
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

/// Where the runs to reduce lie: run `i` starts at place `i` of the axes `kept` after `start`, and has `len` elements at the
/// places of the axes `walk`.
struct Plan {
    /// The array itself, or a copy in an order that makes runs evenly spaced.
    source: Array,
    start: usize,
    kept: Axes,
    len: usize,
    walk: Axes,
}

impl Plan {
    fn new(a: &Array, dims: &[usize]) -> Result<Plan> {
        let (reduced, kept) = split(a.layout(), dims);
        let len = reduced.iter().map(|axis| axis.0).product();
        // A run is evenly spaced if its dimensions are one walk. Repeated elements may be more than any memory holds.
        let walk = merge(&reduced);
        let repeats = || a.numel() > a.storage().bytes() / a.dtype().size();
        if walk.len() <= 1 || repeats() {
            return Ok(Plan {
                source: a.clone(),
                start: a.layout().offset(),
                kept: merge(&kept),
                len,
                walk,
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
            walk: Axes::from_slice(&[(len, 1)]),
        })
    }
}

/// The way of every run: its axes, and who may stop it.
struct Path<'a> {
    len: usize,
    walk: &'a [Axis],
    watch: &'a Watch,
    /// How elements are read that are stored narrower than they compute.
    stored: Option<Stored>,
}

impl Path<'_> {
    /// Elements between two looks at the watch.
    const STRETCH: usize = 1 << 20;

    /// Where element `done` lies from the start, and how many evenly spaced ones begin there.
    #[inline]
    fn stretch(&self, done: usize) -> (isize, usize) {
        let inner = self.walk.first().map_or(self.len, |axis| axis.0);
        (
            place(self.walk, done),
            (inner - done % inner).min(Self::STRETCH),
        )
    }

    /// As [`Path::stretch`], further on in the run; nothing where the run is to be stopped.
    #[cold]
    fn further(&self, done: usize) -> Option<(isize, usize)> {
        if self.stored.is_some() && !done.is_multiple_of(Self::STRETCH) {
            return Some(self.stretch(done));
        }
        self.watch.goes_on().then(|| self.stretch(done))
    }

    /// A piece from element `done` on, converted into the room: where it is, and how many elements it has.
    ///
    /// # Safety
    /// The run's elements can be read from `start` on.
    #[cold]
    unsafe fn converted(
        &self,
        stored: &Stored,
        start: *const u8,
        done: usize,
        room: Option<&mut Room>,
    ) -> Option<(*const u8, usize)> {
        let (place, left) = self.further(done)?;
        let n = left.min(AT_ONCE);
        let from = start.wrapping_offset(place * stored.size as isize);
        let step = self.walk.first().map_or(0, |axis| axis.1);
        // SAFETY: the caller's promise.
        room.map(|room| (unsafe { stored.load(from, step, n, room) }, n))
    }
}

/// The elements of one run, in order.
pub struct Run<'a, A> {
    start: *const A,
    path: &'a Path<'a>,
    /// The next element, and how far on the one after it is.
    next: *const A,
    step: isize,
    /// Elements that are left so, and after them.
    left: usize,
    more: usize,
    /// Where elements are converted, if they are.
    room: Option<&'a mut Room>,
    /// The source's guard outlives the run.
    guard: PhantomData<&'a A>,
}

impl<'a, A: Element> Run<'a, A> {
    #[inline(always)]
    fn new(start: *const A, path: &'a Path<'a>, room: Option<&'a mut Room>) -> Self {
        let (n, step) = path.walk.first().copied().unwrap_or((path.len, 0));
        let left = match path.len {
            0 => 0,
            _ if path.stored.is_some() => 0,
            _ => n.min(Path::STRETCH),
        };
        Run {
            start,
            path,
            next: start,
            step,
            left,
            more: path.len - left,
            room,
            guard: PhantomData,
        }
    }

    /// Goes on to the next stretch, if there is one.
    #[inline(always)]
    fn goes_on(&mut self) -> bool {
        if self.more == 0 {
            return false;
        }
        match self.further() {
            Some((next, left)) => {
                self.next = next;
                self.left = left;
                self.more -= left;
                true
            }
            None => {
                self.more = 0;
                false
            }
        }
    }

    #[cold]
    fn further(&mut self) -> Option<(*const A, usize)> {
        let done = self.path.len - self.more;
        let Some(stored) = &self.path.stored else {
            let (place, left) = self.path.further(done)?;
            return Some((self.start.wrapping_offset(place), left));
        };
        self.step = 1;
        let room = self.room.as_deref_mut();
        // SAFETY: the plan's runs lie inside the source, whose guard outlives this iterator.
        let (next, left) = unsafe { self.path.converted(stored, self.start.cast(), done, room) }?;
        Some((next.cast(), left))
    }
}

impl<A: Element> Iterator for Run<'_, A> {
    type Item = A;
    #[inline]
    fn next(&mut self) -> Option<A> {
        if self.left == 0 && !self.goes_on() {
            return None;
        }
        self.left -= 1;
        // SAFETY: the plan's runs lie inside the source, whose guard outlives this iterator.
        let x = unsafe { A::load(self.next) };
        self.next = self.next.wrapping_offset(self.step);
        Some(x)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.left + self.more;
        (left, Some(left))
    }
    #[inline]
    fn fold<B, F: FnMut(B, A) -> B>(mut self, init: B, mut f: F) -> B {
        let mut total = init;
        loop {
            let mut next = self.next;
            for _ in 0..self.left {
                // SAFETY: as above.
                total = f(total, unsafe { A::load(next) });
                next = next.wrapping_offset(self.step);
            }
            if !self.goes_on() {
                return total;
            }
        }
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
    let stored = Stored::of(a.dtype(), A::DTYPE)?;
    check_dims(a.shape(), dims)?;
    let shape = reduced_shape(a.shape(), dims, keepdim);
    if a.is_meta() {
        return placed(
            Array::meta(Layout::row_major(shape), B::DTYPE)?,
            &[a.dtype()],
        );
    }
    let plan = Plan::new(a, dims)?;
    let guard = plan.source.read()?;
    let (storage, out) = fresh::<B>(&shape)?;
    let size = a.dtype().size();
    // SAFETY: an array starts inside its storage, or at its end if it is empty.
    let base = unsafe { guard.ptr::<u8>().add(plan.start * size) };
    let (base, to) = (Ptr(base.cast_mut()), Ptr(out));
    let block = (BLOCK / plan.len.max(1)).max(1);
    let watch = Watch::new();
    let path = Path {
        len: plan.len,
        walk: &plan.walk,
        watch: &watch,
        stored,
    };
    let work = |start: usize, end: usize| {
        let mut room = stored.map(|_| Room::new());
        for i in start..end {
            // Without elements there is nowhere to point.
            let place = match path.len {
                0 => 0,
                _ => place(&plan.kept, i),
            };
            let start = base.get().wrapping_offset(place * size as isize);
            let run = Run::new(start.cast_const().cast(), &path, room.as_deref_mut());
            // SAFETY: `out` has room for one element a run, and blocks write different ones.
            unsafe { to.get().add(i).write(f(run)) };
        }
    };
    match shape.numel() {
        0 => {}
        n if n <= block => work(0, n),
        n => watched(n, block, plan.len <= LONG, &watch, &work),
    }
    watch.end()?;
    drop(guard);
    placed(Array::from_fresh::<B>(storage, shape), &[a.dtype()])
}
