//! What backward still has to visit: nodes with the gradients gathered for them so far, latest first.
//!
//! Small graphs never have more than a few nodes waiting, and a scan of a short list beats every clever structure; past
//! [`SCAN`] entries a heap gives the order and a map finds the entry to add to. Gradients are added as they arrive, so a
//! value used a thousand times holds one sum and not a thousand terms.

use crate::graph::Node;
use crate::tensor::Tensor;
use crate::{Result, Shared};
use std::collections::{BinaryHeap, HashMap};

const SCAN: usize = 16;

struct Entry {
    node: Shared<Node>,
    grad: Tensor,
}

#[derive(Default)]
pub(crate) struct Queue {
    list: Vec<Entry>,
    /// In use once the list has outgrown [`SCAN`]: entries in `slots`, their order in `heap`, their place in `place`.
    slots: Vec<Option<Entry>>,
    free: Vec<usize>,
    heap: BinaryHeap<(u64, usize)>,
    place: HashMap<usize, usize>,
}

impl Queue {
    /// Adds `grad` to what is gathered for `node`; `sum` adds two gradients.
    pub(crate) fn push(
        &mut self,
        node: &Shared<Node>,
        grad: Tensor,
        sum: impl FnOnce(Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        if self.heap.is_empty() && self.list.len() < SCAN {
            if let Some(i) = self.list.iter().position(|e| Shared::ptr_eq(&e.node, node)) {
                // Taken out while it is summed, so that nobody else holds the old sum and it can be added to in place.
                let Entry { node, grad: old } = self.list.swap_remove(i);
                self.list.push(Entry {
                    node,
                    grad: sum(old, &grad)?,
                });
            } else {
                self.list.push(Entry {
                    node: node.clone(),
                    grad,
                });
            }
            return Ok(());
        }
        for entry in std::mem::take(&mut self.list) {
            self.insert(entry);
        }
        match self.place.get(&Shared::address(node)) {
            Some(&slot) => {
                if let Some(Entry { node, grad: old }) = self.slots[slot].take() {
                    self.slots[slot] = Some(Entry {
                        node,
                        grad: sum(old, &grad)?,
                    });
                }
            }
            None => self.insert(Entry {
                node: node.clone(),
                grad,
            }),
        }
        Ok(())
    }

    fn insert(&mut self, entry: Entry) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.heap.push((entry.node.seq, slot));
        self.place.insert(Shared::address(&entry.node), slot);
        self.slots[slot] = Some(entry);
    }

    /// The node made last, all of whose uses have been visited.
    pub(crate) fn pop(&mut self) -> Option<(Shared<Node>, Tensor)> {
        if let Some((_, slot)) = self.heap.pop() {
            let entry = self.slots[slot].take()?;
            self.free.push(slot);
            self.place.remove(&Shared::address(&entry.node));
            return Some((entry.node, entry.grad));
        }
        let mut best = 0;
        for i in 1..self.list.len() {
            if self.list[i].node.seq > self.list[best].node.seq {
                best = i;
            }
        }
        if self.list.is_empty() {
            return None;
        }
        let entry = self.list.swap_remove(best);
        Some((entry.node, entry.grad))
    }
}
