//! How every handle of a memory learns of in-place writes. They are carried out by `in_place`.
//!
//! A tensor that was not made as a view, and all views of it, are a *family*: they share memory, and a recorded write
//! through one of them changes the history of all. The family's root keeps a log of such writes, each with the layout it
//! covered and the edge its new values have. A handle that finds the log longer than at its last look rebuilds its own
//! edge: the write's edge where layouts are equal, else an `overlay` of old and new values. Clones of a handle share
//! one `Inner`, so they agree by construction. A detached tensor starts a family of its own over the same memory: its
//! writes change the numbers and the version (and make saved values stale) but nobody else's history.

use crate::core::binding::free;
use crate::core::graph::{Edge, Input, Node, lock};
use crate::core::hooks::Slot;
use crate::core::replace::Replaced;
use crate::core::structural::{Alias, Overlay};
use crate::core::tensor::{Inner, REBASED, Tensor, VERSIONED};
use crate::{Layout, Shared};
use pullback_array::OnceBox;
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};

#[cfg(doc)]
use pullback_array::Storage;

pub(crate) use crate::core::in_place::{in_place, in_place_dyn, in_place_number};

/// What only tensors need that were written in place, given `requires_grad_` while shared, recorded, or whose gradient is retained.
#[derive(Default)]
pub(crate) struct AutogradMeta {
    /// Roots: the recorded writes.
    family: Mutex<Log>,
    /// The edge as of an epoch, replacing the one the tensor was made with.
    current: Mutex<Option<(u32, Option<Edge>)>>,
    /// Where `retain_grad` keeps this result's gradient.
    retained: OnceLock<Arc<Slot>>,
    /// A number of its own, given when a recorder first asks: addresses are reused, this is not.
    pub(crate) id: OnceLock<u64>,
    /// The gradient of a tensor that requires none: given by the user, or left from when it required one.
    pub(crate) own_grad: Mutex<Option<Tensor>>,
    /// What the tensor has in the place of its first array.
    replaced: OnceBox<Replaced>,
    /// What a language binding keeps with the tensor.
    pub(crate) companion: Mutex<Option<crate::core::binding::Kept>>,
}

impl AutogradMeta {
    pub(crate) fn replaced(&self) -> Option<&Replaced> {
        self.replaced.get()
    }

    pub(crate) fn replaced_or(&self, make: impl FnOnce() -> Box<Replaced>) -> &Replaced {
        self.replaced.get_or_init(make)
    }

    /// All edges in here, for who must not wait for a lock; none where one is taken.
    pub(crate) fn edges(&self) -> Vec<Edge> {
        let (Some(family), Some(current)) = (free(&self.family), free(&self.current)) else {
            return Vec::new();
        };
        let written = family.writes.iter().map(|w| &w.edge);
        let now = current.as_ref().map(|c| &c.1);
        written.chain(now).flatten().cloned().collect()
    }
}

#[derive(Default)]
struct Log {
    epoch: u32,
    writes: Vec<Write>,
}

struct Write {
    epoch: u32,
    /// Of which memory ([`pullback_array::Storage::id`]): tensors of a family whose array was replaced have different ones. A number is enough, since
    /// who asks has held its memory since before the write.
    memory: u64,
    layout: Layout,
    edge: Option<Edge>,
    site: &'static Location<'static>,
}

impl Inner {
    pub(crate) fn meta(&self) -> &AutogradMeta {
        self.meta.get_or_init(Box::default)
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

    /// Whether it never had a history.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.0.edge.is_none() && !self.looks_slow()
    }

    /// Whether this tensor requires a gradient.
    #[inline]
    pub(crate) fn has_edge(&self) -> bool {
        if self.looks_slow() {
            self.slow_edge().is_some_and(|e| e.flows())
        } else {
            matches!(&self.0.edge, Some(e) if e.flows())
        }
    }

    /// Whether operations on this tensor are recorded: it requires a gradient, or is a view of a tensor that does (PyTorch's rule), be it one made while
    /// nothing was recorded, from which no gradient goes anywhere.
    #[inline]
    pub(crate) fn is_tracked(&self) -> bool {
        self.has_edge()
            || self.0.base.as_ref().is_some_and(|base| base.has_edge())
                && self.dtype().is_differentiable()
    }

    /// Whether the view is known by the version of its memory, and not by its family's epoch.
    pub(crate) fn is_versioned(&self) -> bool {
        self.0.flags.load(Ordering::Relaxed) & VERSIONED != 0
    }

    /// Whether the memory of a view was written since it was made: of [`VERSIONED`] ones by anybody, of others by a recorded write.
    pub(crate) fn was_overwritten(&self) -> bool {
        match self.is_versioned() {
            true => self.array().version() != self.0.epoch,
            false => self.family_epoch() > self.0.epoch,
        }
    }

    /// What `f` says of where this tensor's gradient goes now, which is not counted as held where it need not be.
    #[inline(always)]
    pub(crate) fn with_edge_now<R>(&self, f: impl Fn(Option<&Edge>) -> R) -> R {
        if self.looks_slow() {
            f(self.slow_edge().as_ref())
        } else {
            f(self.0.edge.as_ref())
        }
    }

    /// Where this tensor's gradient goes now.
    #[inline]
    pub(crate) fn edge(&self) -> Option<Edge> {
        self.end().filter(Edge::flows)
    }

    /// Where this tensor's history ended, if that is known.
    #[inline]
    pub(crate) fn provenance(&self) -> Option<Edge> {
        match &self.0.edge {
            None if !self.looks_slow() => None,
            _ => self.end().filter(|e| !e.flows()),
        }
    }

    /// The edge or the cut.
    #[inline]
    pub(crate) fn end(&self) -> Option<Edge> {
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
            lock(&root.0.meta().family).epoch
        } else {
            0
        }
    }

    #[cold]
    fn slow_edge(&self) -> Option<Edge> {
        let family = lock(&self.root().0.meta().family);
        let mut current = lock(&self.0.meta().current);
        let (mut seen, mut edge) = match current.take() {
            Some(known) => known,
            None => (self.0.epoch, self.0.edge.clone()),
        };
        let start = match self.is_versioned() {
            true => family.writes.len(),
            false => family.writes.partition_point(|w| w.epoch <= seen),
        };
        let before = edge.clone();
        let array = self.array();
        let memory = array.storage().id();
        for write in family.writes[start..].iter().filter(|w| w.memory == memory) {
            let owner = self.0.base.is_none();
            edge = Overlay::edge(
                edge,
                &array,
                write.edge.clone(),
                &write.layout,
                owner,
                write.site,
            );
        }
        if let (Some(slot), Some(last)) = (self.retained(), family.writes.last())
            && edge.as_ref().map(Edge::key) != before.as_ref().map(Edge::key)
        {
            edge = self.keep_retaining(slot, before.as_ref(), edge, last.site);
        }
        seen = family.epoch;
        *current = Some((seen, edge.clone()));
        edge
    }

    /// Gives the tensor another edge, for every clone of the handle.
    pub(crate) fn override_edge(&self, edge: Option<Edge>) {
        let family = lock(&self.root().0.meta().family);
        *lock(&self.0.meta().current) = Some((family.epoch, edge));
        self.0.flags.fetch_or(REBASED, Ordering::Release);
    }

    /// Gives the tensor the edge of a view of it, whose place it takes: its elements are what they were, and so is what others of the
    /// family know of them.
    pub(crate) fn succeed(&self, edge: Edge, site: &'static Location<'static>) {
        let root = self.root();
        let mut family = lock(&root.0.meta().family);
        // Views have PyTorch's general node from now on.
        family.epoch += u32::from(root.is(self));
        let mut current = lock(&self.0.meta().current);
        let before = current.take().map_or_else(|| self.0.edge.clone(), |c| c.1);
        let edge = match self.retained() {
            None => Some(edge),
            Some(slot) => self.keep_retaining(slot, before.as_ref(), Some(edge), site),
        };
        *current = Some((family.epoch, edge));
        drop(current);
        drop(family);
        self.0.flags.fetch_or(REBASED, Ordering::Release);
        drop(before);
    }

    /// Where a hook on this tensor belongs. A view that was written shares its node with the base, whose gradient passes
    /// there too: it gets a node of its own first.
    pub(crate) fn hook_point(&self, site: &'static Location<'static>) -> Option<Edge> {
        let edge = self.edge()?;
        let shared =
            self.0.base.is_some() && !self.is_versioned() && self.family_epoch() != self.0.epoch;
        match &edge {
            Edge::Node(node, _) if shared && node.op.def().name != Alias::DEF.name => {
                let own = self.own_node(edge, site);
                self.override_edge(Some(own.clone()));
                Some(own)
            }
            _ => Some(edge),
        }
    }

    /// A node of this tensor's own in front of `edge`.
    fn own_node(&self, edge: Edge, site: &'static Location<'static>) -> Edge {
        let input = Input {
            edge: Some(edge),
            shape: self.shape().clone(),
            dtype: self.dtype(),
        };
        let mut node = Node::new(Box::new(Alias), std::iter::once(input), site);
        node.view = true;
        Edge::Node(Shared::new(node), 0)
    }

    /// The place for this result's gradient, if it is new.
    pub(crate) fn retain_slot(&self) -> Option<Arc<Slot>> {
        let cell = &self.0.meta().retained;
        if cell.get().is_some() {
            return None;
        }
        // What was given before is what backward adds to.
        let given = lock(&self.0.meta().own_grad).take();
        let slot = cell.get_or_init(Arc::default);
        if given.is_some() {
            *lock(slot) = given;
        }
        Some(slot.clone())
    }

    /// Whether `.grad` of this result is kept. PyTorch's `retains_grad`.
    pub fn retains_grad(&self) -> bool {
        !self.is_leaf() && self.retained().is_some()
    }

    pub(crate) fn retained(&self) -> Option<&Arc<Slot>> {
        self.0.meta.get()?.retained.get()
    }

    /// `retain_grad` follows a tensor to the node that an in-place write gives it.
    fn keep_retaining(
        &self,
        slot: &Arc<Slot>,
        before: Option<&Edge>,
        edge: Option<Edge>,
        site: &'static Location<'static>,
    ) -> Option<Edge> {
        if let Some(Edge::Node(old, _)) = before
            && let Some(hooks) = old.hooks.get()
        {
            hooks.release(slot);
        }
        let edge = match edge {
            Some(edge @ Edge::Node(..)) if self.0.base.is_some() => Some(self.own_node(edge, site)),
            edge => edge,
        };
        if let Some(Edge::Node(node, nr)) = &edge {
            node.hooks().retain(*nr, slot);
        }
        edge
    }

    /// Logs that the elements of this tensor now have the history `edge`.
    pub(crate) fn rebase(&self, edge: Option<Edge>, site: &'static Location<'static>) {
        self.rebase_as(edge.clone(), edge, site);
    }

    /// As [`Tensor::rebase`], where this very tensor's own edge is another one to the same values.
    pub(crate) fn rebase_as(
        &self,
        edge: Option<Edge>,
        own: Option<Edge>,
        site: &'static Location<'static>,
    ) {
        let root = self.root();
        // What is replaced drops when nothing is locked any more: it may own hooks, and they anything.
        let mut gone: Vec<Write> = Vec::new();
        let mut family = lock(&root.0.meta().family);
        family.epoch += 1;
        let epoch = family.epoch;
        let array = self.array();
        let (layout, memory) = (array.layout().clone(), array.storage().id());
        let whole = root.array();
        if layout == *whole.layout() && memory == whole.storage().id() {
            // Nothing older of this memory shows through.
            gone.extend(family.writes.extract_if(.., |w| w.memory == memory));
        }
        // A write over the last one's elements hides it: a loop over one element keeps one entry.
        if (family.writes.last()).is_some_and(|w| w.layout == layout && w.memory == memory) {
            gone.extend(family.writes.pop());
        }
        let mut current = lock(&self.0.meta().current);
        let before = current.take().map_or_else(|| self.0.edge.clone(), |c| c.1);
        let own = match self.retained() {
            None => own,
            Some(slot) => self.keep_retaining(slot, before.as_ref(), own, site),
        };
        *current = Some((epoch, own));
        drop(current);
        family.writes.push(Write {
            epoch,
            memory,
            layout,
            edge,
            site,
        });
        drop(family);
        self.0.flags.fetch_or(REBASED, Ordering::Release);
        root.0.flags.fetch_or(REBASED, Ordering::Release);
        drop((before, gone));
    }
}
