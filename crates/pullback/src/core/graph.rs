//! The graph that backward walks: nodes, edges, leaves and the values nodes keep.
//!
//! A node is made by `apply` for each differentiable operation whose inputs need gradients, and lives as long as a
//! tensor or a later node points to it: when the loss goes, the graph goes. Edges run from an operation to the ones
//! that made its inputs; nothing points forward, so there are no cycles.

use crate::core::flow::Cut;
use crate::core::hooks::Hooks;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Error, ErrorKind, Layout, Result, Shape, Shared};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Where a tensor's gradient goes.
#[derive(Clone)]
pub(crate) enum Edge {
    /// To a result (counted from 0) of the operation that made it.
    Node(Shared<Node>, u32),
    /// Into `.grad`.
    Leaf(Shared<Leaf>),
    /// Nowhere: the history ended here. Kept so that reports can say so; no gradient is sent.
    Cut(Shared<Cut>),
}

impl Edge {
    #[inline]
    pub(crate) fn seq(&self) -> u64 {
        match self {
            Edge::Node(node, _) => node.seq,
            Edge::Leaf(_) | Edge::Cut(_) => 0,
        }
    }

    /// Whether a gradient goes along it.
    #[inline]
    pub(crate) fn flows(&self) -> bool {
        !matches!(self, Edge::Cut(_))
    }

    /// The place it leads to, as a key: no two places that live at once share it.
    #[inline]
    pub(crate) fn key(&self) -> (usize, u32) {
        match self {
            Edge::Node(node, nr) => (Shared::address(node), *nr),
            Edge::Leaf(leaf) => (Shared::address(leaf), 0),
            Edge::Cut(cut) => (Shared::address(cut), 0),
        }
    }
}

/// The hooks of a node or leaf, if there are any.
pub(crate) type HookCell = OnceLock<Arc<Hooks>>;

/// What a leaf tensor's gradient is gathered in.
pub(crate) struct Leaf {
    pub(crate) grad: Mutex<Option<Tensor>>,
    /// How its gradient lies in memory where that is not row by row: as the tensor did when it became a leaf.
    pub(crate) layout: Option<Layout>,
    /// Its own number, never reused: what reports remember instead of the leaf.
    pub(crate) id: u64,
    pub(crate) hooks: HookCell,
    /// What a language binding keeps with the leaf.
    pub(crate) companion: Mutex<Option<crate::core::binding::Kept>>,
}

impl Leaf {
    /// Of a tensor that lies so: its gradient will, unless there are gaps.
    pub(crate) fn new(layout: &Layout) -> Shared<Leaf> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Shared::new(Leaf {
            grad: Mutex::new(None),
            layout: (!layout.is_contiguous() && layout.is_dense()).then(|| layout.without_gaps()),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            hooks: HookCell::new(),
            companion: Mutex::new(None),
        })
    }
}

/// One input of a recorded operation: where its gradient goes and what it looked like.
pub(crate) struct Input {
    pub(crate) edge: Option<Edge>,
    pub(crate) shape: Shape,
    pub(crate) dtype: DType,
}

impl Input {
    /// Where its gradient goes, if one is wanted.
    #[inline]
    pub(crate) fn target(&self) -> Option<&Edge> {
        self.edge.as_ref().filter(|e| e.flows())
    }
}

/// Marks results among saved values: `OUTPUT + k` is result `k`.
pub(crate) const OUTPUT: u32 = 1 << 31;
/// Marks values that are neither input nor result: `EXTRA + k`.
pub(crate) const EXTRA: u32 = 1 << 30;

/// A value kept for backward, and the version it had.
#[derive(Clone)]
pub(crate) struct Saved {
    /// Which input, or [`OUTPUT`] or [`EXTRA`] and a number.
    pub(crate) which: u32,
    pub(crate) version: u32,
    pub(crate) array: Array,
}

/// A block of its own, so that backward takes it out of the node as one pointer.
pub(crate) type SavedList = Shared<SmallVec<[Saved; 2]>>;

/// What a node still holds for backward.
pub(crate) enum Kept {
    Nothing,
    Values(SavedList),
    /// Backward took them.
    Freed,
}

/// Appends a value, which the compiler makes in its place (see [`Shared::new`]): the list has room before the value is begun.
macro_rules! push_in_place {
    ($list:expr, $value:expr) => {
        $list.extend(std::iter::once_with(|| $value))
    };
}
pub(crate) use push_in_place;

/// A recorded operation.
pub(crate) struct Node {
    pub(crate) op: Box<dyn Op>,
    /// Larger than that of every node it depends on; within a thread, in order of creation.
    pub(crate) seq: u64,
    pub(crate) site: &'static Location<'static>,
    pub(crate) inputs: SmallVec<[Input; 2]>,
    pub(crate) kept: Mutex<Kept>,
    /// Whether anything was kept: a node that kept nothing may run backward any number of times, as in PyTorch.
    pub(crate) keeps: bool,
    /// Whether the result shares its first input's memory.
    pub(crate) view: bool,
    /// Shapes and dtypes of the results, where there are several.
    pub(crate) results: Option<Box<[(Shape, DType)]>>,
    pub(crate) hooks: HookCell,
    /// Another name than the operation's, if one was given: see `display/grad_fn.rs`.
    pub(crate) alias: AtomicU16,
}

thread_local! {
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// A sequence number above `after` and above all that this thread gave before.
///
/// Descending order is then a valid order for backward even when threads build one graph together, without a global
/// counter that they would contend for.
#[inline]
pub(crate) fn next_seq(after: u64) -> u64 {
    LAST.with(|last| {
        let seq = last.get().max(after) + 1;
        last.set(seq);
        seq
    })
}

impl Node {
    /// A node with nothing saved yet.
    pub(crate) fn new(
        op: Box<dyn Op>,
        inputs: impl Iterator<Item = Input>,
        site: &'static Location<'static>,
    ) -> Node {
        let mut node = Node::empty(op, site);
        node.inputs.extend(inputs);
        node.order();
        node
    }

    /// A node whose inputs are still to be added; then it wants its [`Node::order`].
    #[inline(always)]
    pub(crate) fn empty(op: Box<dyn Op>, site: &'static Location<'static>) -> Node {
        Node {
            op,
            seq: 0,
            site,
            inputs: SmallVec::new(),
            kept: Mutex::new(Kept::Nothing),
            keeps: false,
            view: false,
            results: None,
            hooks: HookCell::new(),
            alias: AtomicU16::new(0),
        }
    }

    /// Gives it its place behind its inputs.
    #[inline]
    pub(crate) fn order(&mut self) {
        let edges = self.inputs.iter().filter_map(|i| i.edge.as_ref());
        self.seq = next_seq(edges.map(Edge::seq).max().unwrap_or(0));
    }

    /// Adds a value to what backward will read.
    #[inline]
    pub(crate) fn save(&mut self, which: u32, array: &Array) {
        let kept = self.kept.get_mut();
        let kept = kept.unwrap_or_else(std::sync::PoisonError::into_inner);
        if !self.keeps {
            *kept = Kept::Values(Shared::new(SmallVec::new()));
            self.keeps = true;
        }
        if let Kept::Values(list) = kept
            && let Some(list) = Shared::get_mut(list)
        {
            let version = array.version();
            push_in_place!(
                list,
                Saved {
                    which,
                    version,
                    array: array.clone(),
                }
            );
        }
    }

    /// Hands out what was saved: for good, unless `retain`.
    ///
    /// # Errors
    /// PyTorch's sentence where an earlier backward took it.
    #[inline]
    pub(crate) fn saved(&self, retain: bool) -> Result<Option<SavedList>> {
        if !self.keeps {
            return Ok(None);
        }
        let mut kept = lock(&self.kept);
        if retain {
            if let Kept::Values(list) = &*kept {
                return Ok(Some(list.clone()));
            }
        } else if let Kept::Values(list) = std::mem::replace(&mut *kept, Kept::Freed) {
            return Ok(Some(list));
        }
        drop(kept);
        Err(self.freed())
    }

    #[cold]
    fn freed(&self) -> Error {
        Error::new(
            ErrorKind::Autograd,
            "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.",
        )
        .op(self.op.def().known_as())
        .at(self.site)
        .help_in(
            "for every backward but the last: `loss.backward_with(None, BackwardOptions::NEW.retain_graph(true))?`",
            "for every backward but the last: `loss.backward(retain_graph=True)`",
        )
    }
}

/// Locks, whatever happened to a thread that held the lock: what is guarded is always whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

thread_local! {
    /// How many drops of nodes and cuts are under way on this thread's stack.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// What hangs on those that were too deep; the outermost drop works it off.
    static DOOMED: RefCell<Vec<Edge>> = const { RefCell::new(Vec::new()) };
    /// Whether there is any.
    static LEFT: Cell<bool> = const { Cell::new(false) };
}

/// Drops that may nest: a short graph drops as any structure does, which is the fastest.
const DEEP: u32 = 32;

/// Drops edges, with what hangs on them in a loop: a chain of a million nodes must not take a million stack frames.
#[inline]
pub(crate) fn drop_edges(edges: impl Iterator<Item = Edge>) {
    let depth = DEPTH.get();
    if depth >= DEEP {
        return put_off(edges);
    }
    DEPTH.set(depth + 1);
    edges.for_each(drop);
    if depth == 0 && LEFT.get() {
        work_off();
    }
    DEPTH.set(depth);
}

#[cold]
fn put_off(edges: impl Iterator<Item = Edge>) {
    // While a thread ends its list may be gone already; then what is left drops recursively.
    let _ = DOOMED.try_with(|doomed| {
        let mut doomed = doomed.borrow_mut();
        edges.for_each(|edge| doomed.push(edge));
    });
    LEFT.set(true);
}

/// Drops what was put off.
#[cold]
fn work_off() {
    // The borrow ends before the edge drops, since its drop borrows again.
    let next = || {
        DOOMED
            .try_with(|doomed| doomed.borrow_mut().pop())
            .ok()
            .flatten()
    };
    while let Some(edge) = next() {
        drop(edge);
    }
    LEFT.set(false);
}

impl Drop for Node {
    #[inline]
    fn drop(&mut self) {
        drop_edges(self.inputs.iter_mut().filter_map(|i| i.edge.take()));
    }
}
