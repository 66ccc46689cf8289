//! What backward still has to visit: nodes with the gradients gathered for them so far, latest first.
//!
//! Small graphs never have more than a few nodes waiting, and a scan of a short list beats every clever structure; past
//! [`SCAN`] entries a heap gives the order and a map finds the entry to add to. Gradients are added as they arrive, so a
//! value used a thousand times holds one sum and not a thousand terms.

use super::address::ByAddress;
use crate::graph::Node;
use crate::tensor::Tensor;
use crate::{Result, Shared};
use smallvec::SmallVec;
use std::collections::BinaryHeap;

const SCAN: usize = 16;

/// The gradients gathered for the results of a node.
pub(super) enum Gathered {
    /// Of its only result.
    One(Tensor),
    /// Of each of several; `None` where none arrived.
    Many(Box<[Option<Tensor>]>),
}

impl Gathered {
    fn new(node: &Node, nr: u32, grad: Tensor) -> Gathered {
        if node.results.is_none() {
            return Gathered::One(grad);
        }
        let mut all = vec![None; node.outputs()].into_boxed_slice();
        all[nr as usize] = Some(grad);
        Gathered::Many(all)
    }

    /// Adds `grad` to what is there for result `nr`. What is there is moved, so that nobody else holds the old sum and it can
    /// be added to in place.
    fn add(
        self,
        nr: u32,
        grad: &Tensor,
        sum: impl FnOnce(Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<Gathered> {
        match self {
            Gathered::One(old) => Ok(Gathered::One(sum(old, grad)?)),
            Gathered::Many(mut all) => {
                let slot = &mut all[nr as usize];
                *slot = Some(match slot.take() {
                    Some(old) => sum(old, grad)?,
                    None => grad.clone(),
                });
                Ok(Gathered::Many(all))
            }
        }
    }
}

struct Entry {
    node: Shared<Node>,
    grad: Gathered,
}

#[derive(Default)]
pub(super) struct Queue {
    list: SmallVec<[Entry; 8]>,
    /// In use once the list has outgrown [`SCAN`], and until it is empty again.
    crowd: Option<Box<Crowd>>,
}

/// Many waiting entries: `heap` knows the order, `place` where a node's entry is.
#[derive(Default)]
struct Crowd {
    slots: Vec<Option<Entry>>,
    free: Vec<usize>,
    heap: BinaryHeap<(u64, usize)>,
    place: ByAddress<usize>,
}

impl Queue {
    /// Adds `grad` to what is gathered for result `nr` of `node`; `sum` adds two gradients.
    #[inline]
    pub(super) fn push(
        &mut self,
        node: &Shared<Node>,
        nr: u32,
        grad: Tensor,
        sum: impl FnOnce(Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        if self.crowd.is_none() {
            if let Some(i) = self.list.iter().position(|e| Shared::ptr_eq(&e.node, node)) {
                let Entry { node, grad: old } = self.list.swap_remove(i);
                let grad = old.add(nr, &grad, sum)?;
                self.list.push(Entry { node, grad });
                return Ok(());
            }
            if self.list.len() < SCAN {
                self.list.push(Entry {
                    grad: Gathered::new(node, nr, grad),
                    node: node.clone(),
                });
                return Ok(());
            }
        }
        let crowd = self.crowd.get_or_insert_with(Box::default);
        self.list.drain(..).for_each(|entry| crowd.insert(entry));
        match crowd.place.get(&Shared::address(node)) {
            Some(&slot) => {
                if let Some(Entry { node, grad: old }) = crowd.slots[slot].take() {
                    let grad = old.add(nr, &grad, sum)?;
                    crowd.slots[slot] = Some(Entry { node, grad });
                }
            }
            None => crowd.insert(Entry {
                grad: Gathered::new(node, nr, grad),
                node: node.clone(),
            }),
        }
        Ok(())
    }

    /// The node made last, all of whose uses have been visited.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(Shared<Node>, Gathered)> {
        if let Some(crowd) = &mut self.crowd {
            let next = crowd.pop();
            if next.is_some() {
                return next;
            }
            self.crowd = None;
        }
        let last = (0..self.list.len()).max_by_key(|&i| self.list[i].node.seq)?;
        let entry = self.list.swap_remove(last);
        Some((entry.node, entry.grad))
    }
}

impl Crowd {
    fn insert(&mut self, entry: Entry) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.heap.push((entry.node.seq, slot));
        self.place.insert(Shared::address(&entry.node), slot);
        self.slots[slot] = Some(entry);
    }

    fn pop(&mut self) -> Option<(Shared<Node>, Gathered)> {
        let (_, slot) = self.heap.pop()?;
        let entry = self.slots[slot].take()?;
        self.free.push(slot);
        self.place.remove(&Shared::address(&entry.node));
        Some((entry.node, entry.grad))
    }
}
