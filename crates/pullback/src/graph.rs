//! The graph that backward walks: nodes, edges, leaves and the values nodes keep.
//!
//! A node is made by `apply` for each differentiable operation whose inputs need gradients, and lives as long as a
//! tensor or a later node points to it: when the loss goes, the graph goes. Edges run from an operation to the ones
//! that made its inputs; nothing points forward, so there are no cycles.

use crate::op::Op;
use crate::tensor::Tensor;
use crate::{Array, DType, Error, ErrorKind, Result, Shape, Shared};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::Mutex;

/// Where a tensor's gradient goes.
#[derive(Clone)]
pub(crate) enum Edge {
    /// To the operation that made it.
    Node(Shared<Node>),
    /// Into `.grad`.
    Leaf(Shared<Leaf>),
}

impl Edge {
    #[inline]
    pub(crate) fn seq(&self) -> u64 {
        match self {
            Edge::Node(node) => node.seq,
            Edge::Leaf(_) => 0,
        }
    }
}

/// What a leaf tensor's gradient is gathered in.
pub(crate) struct Leaf {
    pub(crate) grad: Mutex<Option<Tensor>>,
    pub(crate) dtype: DType,
    pub(crate) shape: Shape,
}

impl Leaf {
    pub(crate) fn new(array: &Array) -> Shared<Leaf> {
        Shared::new(Leaf {
            grad: Mutex::new(None),
            dtype: array.dtype(),
            shape: array.shape().clone(),
        })
    }
}

/// One input of a recorded operation: where its gradient goes and what it looked like.
pub(crate) struct Input {
    pub(crate) edge: Option<Edge>,
    pub(crate) shape: Shape,
    pub(crate) dtype: DType,
}

/// Marks the output among saved values.
pub(crate) const OUTPUT: u8 = u8::MAX;

/// A value kept for backward, and the version it had.
#[derive(Clone)]
pub(crate) struct Saved {
    /// Which input, or [`OUTPUT`].
    pub(crate) which: u8,
    pub(crate) version: u32,
    pub(crate) array: Array,
}

pub(crate) type SavedList = SmallVec<[Saved; 2]>;

/// What a node still holds for backward.
pub(crate) enum Kept {
    Values(SavedList),
    /// Backward took them.
    Freed,
}

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
    /// Hands out what was saved: for good, unless `retain`.
    ///
    /// # Errors
    /// PyTorch's sentence where an earlier backward took it.
    pub(crate) fn saved(&self, retain: bool) -> Result<SavedList> {
        if !self.keeps {
            return Ok(SavedList::new());
        }
        let mut kept = lock(&self.kept);
        if retain {
            if let Kept::Values(list) = &*kept {
                return Ok(list.clone());
            }
        } else if let Kept::Values(list) = std::mem::replace(&mut *kept, Kept::Freed) {
            return Ok(list);
        }
        Err(Error::new(
            ErrorKind::Autograd,
            "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.",
        )
        .op(self.op.def().name)
        .at(self.site)
        .help("use `backward_with(&BackwardOptions { retain_graph: true, .. })` for every backward but the last"))
    }
}

/// Locks, whatever happened to a thread that held the lock: what is guarded is always whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

thread_local! {
    /// Nodes whose drop is under way further up this thread's stack leave their parents here.
    static DOOMED: RefCell<Vec<Shared<Node>>> = const { RefCell::new(Vec::new()) };
    static DROPPING: Cell<bool> = const { Cell::new(false) };
}

impl Drop for Node {
    /// Drops ancestors in a loop: a chain of a million nodes must not take a million stack frames.
    fn drop(&mut self) {
        // While a thread ends its list may be gone already; then what is left drops recursively.
        let _ = DOOMED.try_with(|doomed| {
            let mut doomed = doomed.borrow_mut();
            for input in &mut self.inputs {
                if let Some(Edge::Node(node)) = input.edge.take() {
                    doomed.push(node);
                }
            }
        });
        if DROPPING.replace(true) {
            return;
        }
        // The borrow ends before the node drops, since its drop borrows again.
        let next = || {
            DOOMED
                .try_with(|doomed| doomed.borrow_mut().pop())
                .ok()
                .flatten()
        };
        while let Some(node) = next() {
            drop(node);
        }
        DROPPING.set(false);
    }
}
