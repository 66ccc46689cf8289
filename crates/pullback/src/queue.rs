//! What backward still has to visit: nodes with the gradients gathered for them so far, latest first.
//!
//! Small graphs never have more than a few nodes waiting, and a scan of a short list beats every clever structure; past
//! [`SCAN`] entries a heap gives the order and a map finds the entry to add to. Gradients are added as they arrive, so a
//! value used a thousand times holds one sum and not a thousand terms.

use crate::graph::Node;
use crate::tensor::Tensor;
use crate::{Result, Shared};
use smallvec::SmallVec;
use std::collections::{BinaryHeap, HashMap};

const SCAN: usize = 16;

struct Entry {
    node: Shared<Node>,
    grad: Tensor,
}

#[derive(Default)]
pub(crate) struct Queue {
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
    place: HashMap<usize, usize>,
}

impl Queue {
    /// Adds `grad` to what is gathered for `node`; `sum` adds two gradients.
    #[inline]
    pub(crate) fn push(
        &mut self,
        node: &Shared<Node>,
        grad: Tensor,
        sum: impl FnOnce(Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        if self.crowd.is_none() {
            if let Some(i) = self.list.iter().position(|e| Shared::ptr_eq(&e.node, node)) {
                // Taken out while it is summed, so that nobody else holds the old sum and it can be added to in place.
                let Entry { node, grad: old } = self.list.swap_remove(i);
                self.list.push(Entry {
                    node,
                    grad: sum(old, &grad)?,
                });
                return Ok(());
            }
            if self.list.len() < SCAN {
                self.list.push(Entry {
                    node: node.clone(),
                    grad,
                });
                return Ok(());
            }
        }
        let crowd = self.crowd.get_or_insert_with(Box::default);
        self.list.drain(..).for_each(|entry| crowd.insert(entry));
        match crowd.place.get(&Shared::address(node)) {
            Some(&slot) => {
                if let Some(Entry { node, grad: old }) = crowd.slots[slot].take() {
                    crowd.slots[slot] = Some(Entry {
                        node,
                        grad: sum(old, &grad)?,
                    });
                }
            }
            None => crowd.insert(Entry {
                node: node.clone(),
                grad,
            }),
        }
        Ok(())
    }

    /// The node made last, all of whose uses have been visited.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<(Shared<Node>, Tensor)> {
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

    fn pop(&mut self) -> Option<(Shared<Node>, Tensor)> {
        let (_, slot) = self.heap.pop()?;
        let entry = self.slots[slot].take()?;
        self.free.push(slot);
        self.place.remove(&Shared::address(&entry.node));
        Some((entry.node, entry.grad))
    }
}
