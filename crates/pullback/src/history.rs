//! In-place writes: the one door they go through, and how every handle learns of them.
//!
//! A tensor that was not made as a view, and all views of it, are a *family*: they share memory, and a recorded write
//! through one of them changes the history of all. The family's root keeps a log of such writes, each with the layout it
//! covered and the edge its new values have. A handle that finds the log longer than at its last look rebuilds its own
//! edge: the write's edge where layouts are equal, else an `overlay` of old and new values. Clones of a handle share
//! one `Inner`, so they agree by construction. A detached tensor starts a family of its own over the same memory: its
//! writes change the numbers and the version (and make saved values stale) but nobody else's history.

use crate::graph::{Edge, Input, Kept, Node, Saved, SavedList, lock, next_seq};
use crate::op::{Family, Op};
use crate::ops::Overlay;
use crate::tensor::{Inner, REBASED, Tensor, UNTRACKED_VIEW};
use crate::{Error, ErrorKind, Layout, Result, Shared, mode, recorder};
use pullback_array::kernels;
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// What only tensors need that were written in place, or given `requires_grad_` while shared.
#[derive(Default)]
pub(crate) struct Slow {
    /// Roots: the recorded writes.
    family: Mutex<Log>,
    /// The edge as of an epoch, replacing the one the tensor was made with.
    current: Mutex<Option<(u32, Option<Edge>)>>,
}

#[derive(Default)]
struct Log {
    epoch: u32,
    writes: Vec<Write>,
}

struct Write {
    epoch: u32,
    layout: Layout,
    edge: Option<Edge>,
    site: &'static Location<'static>,
}

impl Inner {
    fn slow(&self) -> &Slow {
        self.slow.get_or_init(Box::default)
    }

    #[inline]
    fn rebased(&self) -> bool {
        self.flags.load(Ordering::Acquire) & REBASED != 0
    }
}

impl Tensor {
    /// The tensor that owns the memory, as far as gradients go.
    #[inline]
    pub(crate) fn root(&self) -> &Tensor {
        self.0.base.as_ref().unwrap_or(self)
    }

    #[inline]
    fn looks_slow(&self) -> bool {
        self.0.rebased() || self.0.base.as_ref().is_some_and(|b| b.0.rebased())
    }

    /// Whether this tensor requires a gradient.
    #[inline]
    pub(crate) fn has_edge(&self) -> bool {
        if self.looks_slow() {
            self.slow_edge().is_some()
        } else {
            self.0.edge.is_some()
        }
    }

    /// Where this tensor's gradient goes now.
    #[inline]
    pub(crate) fn edge(&self) -> Option<Edge> {
        if self.looks_slow() {
            self.slow_edge()
        } else {
            self.0.edge.clone()
        }
    }

    /// The family's epoch, for a view that is being made.
    pub(crate) fn family_epoch(&self) -> u32 {
        let root = self.root();
        if root.0.rebased() {
            lock(&root.0.slow().family).epoch
        } else {
            0
        }
    }

    #[cold]
    fn slow_edge(&self) -> Option<Edge> {
        let family = lock(&self.root().0.slow().family);
        let mut current = lock(&self.0.slow().current);
        let (mut seen, mut edge) = match current.take() {
            Some(known) => known,
            None => (self.0.epoch, self.0.edge.clone()),
        };
        for write in family.writes.iter().filter(|w| w.epoch > seen) {
            edge = Overlay::edge(
                edge,
                &self.0.array,
                write.edge.clone(),
                &write.layout,
                write.site,
            );
        }
        seen = family.epoch;
        *current = Some((seen, edge.clone()));
        edge
    }

    /// Gives the tensor another edge, for every clone of the handle.
    pub(crate) fn override_edge(&self, edge: Option<Edge>) {
        let family = lock(&self.root().0.slow().family);
        *lock(&self.0.slow().current) = Some((family.epoch, edge));
        self.0.flags.fetch_or(REBASED, Ordering::Release);
    }

    /// Logs that the elements of this tensor now have the history `edge`.
    fn rebase(&self, edge: Option<Edge>, site: &'static Location<'static>) {
        let root = self.root();
        let mut family = lock(&root.0.slow().family);
        family.epoch += 1;
        let layout = self.0.array.layout().clone();
        if layout == *root.0.array.layout() {
            family.writes.clear(); // nothing older shows through
        }
        let epoch = family.epoch;
        family.writes.push(Write {
            epoch,
            layout,
            edge: edge.clone(),
            site,
        });
        *lock(&self.0.slow().current) = Some((epoch, edge));
        self.0.flags.fetch_or(REBASED, Ordering::Release);
        root.0.flags.fetch_or(REBASED, Ordering::Release);
    }
}

/// Runs `op(x, others…)` and writes the result over `x`: `x.add_(y)`.
///
/// `fast` may write `x` directly (and says whether it did) where nothing needs the old values.
///
/// # Errors
/// PyTorch's sentences: a leaf that requires a gradient, a result of another shape or an incompatible dtype.
pub(crate) fn in_place(
    op: impl Op,
    x: &Tensor,
    others: &[&Tensor],
    site: &'static Location<'static>,
    fast: impl FnOnce(&crate::Array) -> Result<bool>,
) -> Result<()> {
    let mut fast = Some(fast);
    in_place_dyn(&op, x, others, site, &mut |x| {
        fast.take().map_or(Ok(false), |fast| fast(x))
    })
}

/// As [`in_place`], compiled once for all operations.
///
/// # Errors
/// As [`in_place`].
pub(crate) fn in_place_dyn(
    op: &dyn Op,
    x: &Tensor,
    others: &[&Tensor],
    site: &'static Location<'static>,
    fast: &mut dyn FnMut(&crate::Array) -> Result<bool>,
) -> Result<()> {
    let name = op.def().name;
    let context = |e: Error| e.op(name).at(site);
    let flags = mode::flags();
    let grad = flags & mode::GRAD != 0;
    let x_edge = x.edge();
    let tracked = grad
        && x.dtype().is_float()
        && (x_edge.is_some() || others.iter().any(|t| t.has_edge()))
        && op.def().family != Family::Cut;
    if grad && (x_edge.is_some() || x.0.base.is_some()) {
        forbid_leaves(x, x_edge.as_ref(), tracked).map_err(context)?;
    }
    let recording = flags & mode::RECORD != 0;
    let inputs: SmallVec<[&Tensor; 4]> = std::iter::once(x).chain(others.iter().copied()).collect();
    if !tracked && !recording && fast(&x.0.array).map_err(context)? {
        x.0.array.storage().set_writer(site);
        return Ok(());
    }
    let arrays: SmallVec<[&crate::Array; 4]> = inputs.iter().map(|t| &t.0.array).collect();
    let value = op.eval(&arrays).map_err(context)?;
    if value.shape() != x.shape() {
        return Err(context(Error::new(
            ErrorKind::Shape,
            format!(
                "output with shape {} doesn't match the broadcast shape {}",
                x.shape(),
                value.shape()
            ),
        )));
    }
    if value.dtype().category() > x.dtype().category() {
        return Err(context(Error::new(
            ErrorKind::DType,
            format!(
                "result type {} can't be cast to the desired output type {}",
                value.dtype().scalar_type_name(),
                x.dtype().scalar_type_name()
            ),
        )));
    }
    // What is saved of `x` itself must be its old numbers.
    let mut node = if tracked {
        Some(unsaved_node(op, &inputs, x_edge, site))
    } else {
        None
    };
    if let Some((node, reads)) = &mut node
        && let Kept::Values(list) = node
            .kept
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    {
        for (i, t) in inputs
            .iter()
            .enumerate()
            .filter(|(i, _)| *reads & (1 << i) != 0)
        {
            let array = if t.0.array.storage().same(x.0.array.storage()) {
                t.0.array.copy()?
            } else {
                t.0.array.clone()
            };
            list.push(Saved {
                which: i as u8,
                version: array.version(),
                array,
            });
        }
    }
    if recording {
        recorder::record_write(op, &inputs, x, &value, site)?;
    }
    if let Err(e) = kernels::assign(&x.0.array, &value) {
        if recording {
            recorder::forget_write(x);
        }
        return Err(context(e));
    }
    x.0.array.storage().set_writer(site);
    if let Some((mut node, reads)) = node {
        let output = reads & crate::op::Reads::OUTPUT.0 != 0;
        if let Kept::Values(list) = node
            .kept
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
        {
            if output {
                list.push(Saved {
                    which: crate::graph::OUTPUT,
                    version: x.version(),
                    array: x.0.array.clone(),
                });
            }
            node.keeps = !list.is_empty();
        }
        let node = Shared::new(node);
        if recording {
            recorder::record_node(&node);
        }
        x.rebase(Some(Edge::Node(node)), site);
    }
    Ok(())
}

fn forbid_leaves(x: &Tensor, edge: Option<&Edge>, tracked: bool) -> Result<()> {
    let untracked_view = x.0.flags.load(Ordering::Relaxed) & UNTRACKED_VIEW != 0;
    let message = if untracked_view && (tracked || x.root().has_edge()) {
        "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
    } else if matches!(edge, Some(Edge::Leaf(_))) {
        "a leaf Variable that requires grad is being used in an in-place operation."
    } else if x.0.base.is_some() && matches!(x.root().edge(), Some(Edge::Leaf(_))) {
        "a view of a leaf Variable that requires grad is being used in an in-place operation."
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Autograd, message)
        .help("wrap the update in `no_grad()`, or write to a clone"))
}

/// A node for `op` with nothing saved yet, and what its gradients read.
fn unsaved_node(
    op: &dyn Op,
    inputs: &[&Tensor],
    x_edge: Option<Edge>,
    site: &'static Location<'static>,
) -> (Node, u32) {
    let mut reads = 0;
    let mut after = 0;
    let slots = (inputs.iter().enumerate())
        .map(|(i, t)| {
            let edge = if i == 0 { x_edge.clone() } else { t.edge() };
            if let Some(edge) = &edge {
                reads |= op.reads(i).0;
                after = after.max(edge.seq());
            }
            Input {
                edge,
                shape: t.shape().clone(),
                dtype: t.dtype(),
            }
        })
        .collect();
    let node = Node {
        op: op.boxed(),
        seq: next_seq(after),
        site,
        inputs: slots,
        kept: Mutex::new(Kept::Values(SavedList::new())),
        keeps: false,
    };
    (node, reads)
}
