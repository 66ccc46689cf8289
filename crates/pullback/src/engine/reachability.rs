//! For gradients by chosen inputs: the part of the graph that leads to them.

use crate::Shared;
use crate::core::address::ByAddress;
use crate::core::graph::{Edge, Leaf, Node};
use crate::core::tensor::Tensor;
use smallvec::SmallVec;

/// Which places were asked for, and which nodes lead there.
pub(super) struct Wanted {
    /// Places asked for, each with its positions in the answer.
    places: ByAddress<SmallVec<[usize; 1]>, (usize, u32)>,
    /// Nodes one of whose results is asked for.
    asked: ByAddress<()>,
    /// Nodes whose rules must run.
    runs: ByAddress<()>,
}

impl Wanted {
    /// `fully`: nodes asked for run too (their hooks, that is), as backward into `.grad` has it.
    pub(super) fn new(
        outputs: &[(&Tensor, Option<&Tensor>)],
        edges: &[Edge],
        fully: bool,
    ) -> Wanted {
        let mut wanted = Wanted {
            places: ByAddress::default(),
            asked: ByAddress::default(),
            runs: ByAddress::default(),
        };
        for (i, edge) in edges.iter().enumerate() {
            wanted.places.entry(edge.key()).or_default().push(i);
            if let Edge::Node(node, _) = edge {
                wanted.asked.insert(Shared::address(node), ());
                if fully {
                    wanted.runs.insert(Shared::address(node), ());
                }
            }
        }
        let mut order = reachable(outputs);
        order.sort_unstable_by_key(|n| n.seq); // inputs before the nodes that use them
        for node in &order {
            if (node.inputs.iter()).any(|i| i.target().is_some_and(|e| wanted.reaches(e))) {
                wanted.runs.insert(Shared::address(node), ());
            }
        }
        wanted
    }

    /// Whether a gradient sent along `edge` is, or leads to, one asked for.
    #[inline]
    pub(super) fn reaches(&self, edge: &Edge) -> bool {
        match edge {
            Edge::Leaf(_) => self.places.contains_key(&edge.key()),
            Edge::Node(n, _) => {
                let address = Shared::address(n);
                self.runs.contains_key(&address) || self.asked.contains_key(&address)
            }
            Edge::Cut(_) => false,
        }
    }

    /// Whether a node's rule must run.
    #[inline]
    pub(super) fn runs(&self, node: &Shared<Node>) -> bool {
        self.runs.contains_key(&Shared::address(node))
    }

    /// Whether a result of this node is asked for.
    #[inline]
    pub(super) fn asks(&self, node: &Shared<Node>) -> bool {
        self.asked.contains_key(&Shared::address(node))
    }

    /// Where the gradient of a node's result goes in the answer.
    pub(super) fn of_node(&self, node: &Shared<Node>, nr: usize) -> &[usize] {
        self.of((Shared::address(node), nr as u32))
    }

    /// Where a leaf's gradient goes in the answer.
    pub(super) fn of_leaf(&self, leaf: &Shared<Leaf>) -> &[usize] {
        self.of((Shared::address(leaf), 0))
    }

    fn of(&self, key: (usize, u32)) -> &[usize] {
        self.places.get(&key).map_or(&[], |list| list)
    }
}

/// All nodes that a backward from `outputs` may visit.
pub(super) fn reachable(outputs: &[(&Tensor, Option<&Tensor>)]) -> Vec<Shared<Node>> {
    let mut seen: ByAddress<()> = ByAddress::default();
    let mut order: Vec<Shared<Node>> = Vec::new();
    let mut visit = |edge: &Edge, order: &mut Vec<Shared<Node>>| {
        if let Edge::Node(node, _) = edge
            && seen.insert(Shared::address(node), ()).is_none()
        {
            order.push(node.clone());
        }
    };
    (outputs.iter().filter_map(|(t, _)| t.edge())).for_each(|e| visit(&e, &mut order));
    let mut next = 0;
    while let Some(node) = order.get(next).cloned() {
        node.inputs
            .iter()
            .filter_map(|i| i.target())
            .for_each(|e| visit(e, &mut order));
        next += 1;
    }
    order
}
