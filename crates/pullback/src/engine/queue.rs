//! What backward still has to visit: nodes with the gradients gathered for them so far, latest first.
//!
//! Small graphs never have more than a few nodes waiting, and a scan of a short list beats every clever structure; past
//! [`SCAN`] entries a heap gives the order and a map finds the entry to add to. Gradients are added as they arrive, so a
//! value used a thousand times holds one sum and not a thousand terms.

use crate::core::address::ByAddress;
use crate::core::graph::{Node, push_in_place};
use crate::core::tensor::Tensor;
use crate::{Result, Shared};
use smallvec::SmallVec;
use std::collections::BinaryHeap;

const SCAN: usize = 16;

/// The gradients gathered for the results of a node.
pub(super) enum Gathered {
    /// Of its only result.
    One(Tensor),
    /// Of each of several; `None` where none arrived.
    Many(Several),
}

/// Gradients of several results.
pub(super) type Several = Box<[Option<Tensor>]>;

/// A waiting node. Words that are taken one by one, and no enum: as in [`Shared::new`], moving one that was just written would
/// make the processor wait.
struct Entry<'g> {
    node: &'g Shared<Node>,
    /// The gradient of its only result.
    one: Option<Tensor>,
    /// Those of several.
    many: Option<Box<Several>>,
}

impl<'g> Entry<'g> {
    #[inline(always)]
    fn new(node: &'g Shared<Node>, nr: u32, grad: Tensor) -> Entry<'g> {
        let (one, many) = match &node.results {
            None => (Some(grad), None),
            Some(results) => (None, Some(several(results.len(), nr, grad))),
        };
        Entry { node, one, many }
    }

    /// Adds `grad` to what is there for result `nr`. What is there is moved, so that nobody else holds the old sum and it can
    /// be added to in place.
    fn add(
        &mut self,
        nr: u32,
        grad: Tensor,
        sum: impl FnOnce(Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        let slot = match &mut self.many {
            None => &mut self.one,
            Some(all) => &mut all[nr as usize],
        };
        *slot = Some(match slot.take() {
            Some(old) => sum(old, &grad)?,
            None => grad,
        });
        Ok(())
    }

    /// What was gathered.
    #[inline(always)]
    fn take(&mut self) -> Option<(&'g Shared<Node>, Gathered)> {
        let grad = match (self.one.take(), self.many.take()) {
            (Some(one), _) => Gathered::One(one),
            (None, many) => Gathered::Many(*many?),
        };
        Some((self.node, grad))
    }
}

#[cold]
fn several(results: usize, nr: u32, grad: Tensor) -> Box<Several> {
    let mut all = vec![None; results].into_boxed_slice();
    all[nr as usize] = Some(grad);
    Box::new(all)
}

/// Borrows the graph, which its outputs keep alive: counting holders costs as much as a small gradient.
#[derive(Default)]
pub(super) struct Queue<'g> {
    list: SmallVec<[Entry<'g>; 8]>,
    /// In use once the list has outgrown [`SCAN`], and until it is empty again.
    heap: Option<Box<HeapQueue<'g>>>,
}

/// Many waiting entries: `heap` knows the order, `place` where a node's entry is.
#[derive(Default)]
struct HeapQueue<'g> {
    slots: Vec<Option<Entry<'g>>>,
    free: Vec<usize>,
    heap: BinaryHeap<(u64, usize)>,
    place: ByAddress<usize>,
}

impl<'g> Queue<'g> {
    /// Adds `grad` to what is gathered for result `nr` of `node`; `sum` adds two gradients.
    #[inline]
    pub(super) fn push(
        &mut self,
        node: &'g Shared<Node>,
        nr: u32,
        grad: Tensor,
        sum: impl FnOnce(Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        if self.heap.is_none() {
            let known = |e: &&mut Entry<'_>| Shared::ptr_eq(e.node, node);
            if let Some(entry) = self.list.iter_mut().find(known) {
                return entry.add(nr, grad, sum);
            }
            if self.list.len() < SCAN {
                push_in_place!(self.list, Entry::new(node, nr, grad));
                return Ok(());
            }
        }
        let heap = self.heap.get_or_insert_with(Box::default);
        self.list.drain(..).for_each(|entry| heap.insert(entry));
        let place = heap.place.get(&Shared::address(node));
        match place.and_then(|&slot| heap.slots[slot].as_mut()) {
            Some(entry) => entry.add(nr, grad, sum),
            None => {
                heap.insert(Entry::new(node, nr, grad));
                Ok(())
            }
        }
    }

    /// The node made last, all of whose uses have been visited.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(&'g Shared<Node>, Gathered)> {
        if let Some(heap) = &mut self.heap {
            let next = heap.pop();
            if next.is_some() {
                return next;
            }
            self.heap = None;
        }
        let latest = (0..self.list.len()).max_by_key(|&i| self.list[i].node.seq)?;
        let taken = self.list[latest].take();
        let end = self.list.len() - 1;
        if latest != end {
            // Word by word: see [`Entry`].
            let moved = &mut self.list[end];
            let (node, one, many) = (moved.node, moved.one.take(), moved.many.take());
            let free = &mut self.list[latest];
            (free.node, free.one, free.many) = (node, one, many);
        }
        self.list.truncate(end);
        taken
    }
}

impl<'g> HeapQueue<'g> {
    fn insert(&mut self, entry: Entry<'g>) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.heap.push((entry.node.seq, slot));
        self.place.insert(Shared::address(entry.node), slot);
        self.slots[slot] = Some(entry);
    }

    fn pop(&mut self) -> Option<(&'g Shared<Node>, Gathered)> {
        let (_, slot) = self.heap.pop()?;
        let mut entry = self.slots[slot].take()?;
        self.free.push(slot);
        self.place.remove(&Shared::address(entry.node));
        entry.take()
    }
}
