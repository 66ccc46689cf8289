//! One run of backward: visits nodes, latest first, and delivers what arrives at leaves.

use super::accumulate::{Leaves, accumulate, fitted, store};
use super::queue::{Gathered, Queue};
use super::reachability::{Wanted, reachable};
use crate::core::address::ByAddress;
use crate::core::graph::{Edge, Leaf, Node};
use crate::core::hooks::{Hooks, leaves_have_hooks};
use crate::core::op::{Ctx, Op};
use crate::core::tensor::Tensor;
use crate::core::{anomaly, apply, device, mode, narrow};
use crate::{Result, Shape, Shared};
use smallvec::SmallVec;

/// Where gradients go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Into `.grad` of every leaf, or of the leaves asked for.
    Leaves,
    /// To the caller.
    Answer,
}

/// What a run knows. It borrows the graph from its outputs.
pub(super) struct Run<'g> {
    create_graph: bool,
    retain: bool,
    goal: Goal,
    wanted: Option<Wanted>,
    /// For each place asked for, its gradient.
    pub(super) found: Vec<Option<Tensor>>,
    queue: Queue<'g>,
    leaves: Leaves<'g>,
    /// Uses not yet visited of leaves with hooks: those are delivered when their last use was, as in PyTorch.
    uses: Option<Box<ByAddress<usize>>>,
    watched: u32,
    polled: u32,
}

/// Gradients of a node's inputs; kept between nodes for its memory.
type Scratch = SmallVec<[Option<Tensor>; 4]>;

impl<'g> Run<'g> {
    #[inline(always)]
    pub(super) fn new(
        outputs: &[(&Tensor, Option<&Tensor>)],
        goal: Goal,
        asked: Option<&[Edge]>,
        retain: bool,
        create_graph: bool,
    ) -> Run<'g> {
        let wanted = asked.map(|edges| Wanted::new(outputs, edges, goal == Goal::Leaves));
        let mut run = Run {
            create_graph,
            retain,
            goal,
            found: match goal {
                Goal::Answer => vec![None; asked.map_or(0, <[Edge]>::len)],
                Goal::Leaves => Vec::new(),
            },
            wanted,
            queue: Queue::default(),
            leaves: Leaves::default(),
            uses: None,
            watched: mode::flags() & (mode::ANOMALY | mode::FINITE),
            polled: 0,
        };
        if leaves_have_hooks() {
            run.count_uses(outputs);
        }
        run
    }

    #[cold]
    fn count_uses(&mut self, outputs: &[(&Tensor, Option<&Tensor>)]) {
        let mut uses: ByAddress<usize> = ByAddress::default();
        let mut count = |edge: &Edge| {
            if let Edge::Leaf(leaf) = edge
                && leaf.hooks.get().is_some()
            {
                *uses.entry(Shared::address(leaf)).or_default() += 1;
            }
        };
        (outputs.iter().filter_map(|(t, _)| t.edge())).for_each(|e| count(&e));
        for node in reachable(outputs) {
            if self.wanted.as_ref().is_none_or(|w| w.runs(&node)) {
                node.inputs
                    .iter()
                    .filter_map(|i| i.target())
                    .for_each(&mut count);
            }
        }
        if !uses.is_empty() {
            self.uses = Some(Box::new(uses));
        }
    }

    /// Sends a gradient along an edge.
    #[inline]
    pub(super) fn send(&mut self, edge: &'g Edge, g: Tensor) -> Result<()> {
        let create_graph = self.create_graph;
        match edge {
            Edge::Node(node, nr) => {
                (self.queue).push(node, *nr, g, |a, b| accumulate(a, b, create_graph))
            }
            Edge::Leaf(leaf) => {
                let at = self.leaves.add(leaf, g, create_graph)?;
                if self.uses.is_some()
                    && self.was_last_use(leaf)
                    && let Some((leaf, g)) = self.leaves.take(at)
                {
                    self.deliver(leaf, g)?;
                }
                Ok(())
            }
            Edge::Cut(_) => Ok(()),
        }
    }

    #[cold]
    fn was_last_use(&mut self, leaf: &Shared<Leaf>) -> bool {
        let left = (self.uses.as_mut()).and_then(|u| u.get_mut(&Shared::address(leaf)));
        left.is_some_and(|n| {
            *n = n.saturating_sub(1);
            *n == 0
        })
    }

    /// Visits everything; then delivers to the leaves.
    pub(super) fn finish(&mut self) -> Result<Vec<Option<Tensor>>> {
        let mut scratch = Scratch::new();
        while let Some((node, g)) = self.queue.pop() {
            self.polled = self.polled.wrapping_add(1);
            if self.polled.is_multiple_of(64) {
                pullback_array::check_interrupt()?;
            }
            self.visit(node, g, &mut scratch)?;
        }
        for at in 0..self.leaves.len() {
            if let Some((leaf, g)) = self.leaves.take(at) {
                self.deliver(leaf, g)?;
            }
        }
        Ok(std::mem::take(&mut self.found))
    }

    fn visit(&mut self, node: &'g Shared<Node>, mut g: Gathered, out: &mut Scratch) -> Result<()> {
        let hooks = node.hooks.get().map(|h| &**h);
        if self.wanted.is_some() || hooks.is_some() {
            match self.before(node, hooks, g)? {
                Some(rest) => g = rest,
                None => return Ok(()),
            }
        }
        let mut needs = 0u32;
        for (i, input) in node.inputs.iter().enumerate() {
            if (input.target()).is_some_and(|e| self.wanted.as_ref().is_none_or(|w| w.reaches(e))) {
                needs |= 1 << i.min(31);
            }
        }
        while out.len() < node.inputs.len() {
            out.push(None); // what is there already was taken below
        }
        let out = &mut out[..node.inputs.len()];
        let came = hooks.filter(|h| h.has_posthooks()).map(|_| g.list());
        let context = |e: crate::Error| e.op(node.op.def().known_as()).at(node.site);
        let saved = node.saved(self.retain)?;
        if needs != 0 {
            let elsewhere = device::known() && g.is_elsewhere();
            let wide =
                !elsewhere && g.is_narrow() && narrow::rule_runs_wide(&*node.op, self.create_graph);
            let cx = Ctx::of_node(node, saved, needs, self.create_graph, (wide, elsewhere));
            let stamp = cx.stamp();
            let done = match &g {
                _ if wide => run_wide(&*node.op, &cx, &g, out),
                _ if elsewhere => run_elsewhere(&*node.op, &cx, &g, out),
                Gathered::One(g) => node.op.vjp_all(&cx, g, out),
                Gathered::Many(all) if all.iter().all(Option::is_none) => Ok(()),
                Gathered::Many(all) => node.op.vjp_many(&cx, all, out),
            };
            if let Err(e) = done {
                out.iter_mut().for_each(|slot| *slot = None);
                return Err(context(e));
            }
            if cx.stamp() != stamp {
                return Err(apply::torn(node.op.def().known_as(), node.site));
            }
        }
        for (i, input) in node.inputs.iter().enumerate() {
            let Some(sent) = &out[i] else { continue };
            if needs & (1 << i.min(31)) == 0 || input.target().is_none() {
                out[i] = None;
            } else if *sent.shape() != input.shape || sent.dtype() != input.dtype {
                let known = g.shape().filter(|_| !node.op.lenient());
                let fits = (out[i].take()).map(|sent| fitted(node, i, sent, known));
                out[i] = fits.transpose().map_err(context)?;
            }
        }
        if let Some(hooks) = hooks {
            hooks.forget_packed(self.retain);
        }
        let shape = match self.watched {
            0 => None,
            _ => g.shape().cloned(),
        };
        drop(g); // a gradient that only the inputs hold now may be added to in place
        if let (Some(hooks), Some(came)) = (hooks, &came) {
            hooks.after(out, came).map_err(context)?;
        }
        if self.watched != 0 {
            let shape = shape.unwrap_or_else(Shape::scalar);
            anomaly::gradients(self.watched, node, &shape, out)?;
        }
        for (input, g) in node.inputs.iter().zip(out.iter_mut()) {
            if let (Some(edge), Some(g)) = (&input.edge, g.take()) {
                self.send(edge, g)?;
            }
        }
        Ok(())
    }

    /// What is seldom: hooks before the rule, and gradients that were asked for. `None` where the rule need not run.
    #[cold]
    fn before(
        &mut self,
        node: &Shared<Node>,
        hooks: Option<&Hooks>,
        g: Gathered,
    ) -> Result<Option<Gathered>> {
        let runs = self.wanted.as_ref().is_none_or(|w| w.runs(node));
        let context = |e: crate::Error| e.op(node.op.def().known_as()).at(node.site);
        let single = matches!(g, Gathered::One(_));
        let mut all = g.into_list();
        // PyTorch's order: a result asked for whose node need not run is seen after its hooks, else before.
        if let (Some(hooks), false) = (hooks, runs) {
            hooks.on_tensors(&mut all).map_err(context)?;
        }
        if let (Some(wanted), Goal::Answer) = (&self.wanted, self.goal)
            && wanted.asks(node)
        {
            for (nr, g) in all.iter().enumerate() {
                for &slot in wanted.of_node(node, nr) {
                    self.found[slot] = g.clone();
                }
            }
        }
        if !runs {
            return Ok(None);
        }
        if let Some(hooks) = hooks {
            hooks.on_tensors(&mut all).map_err(context)?;
            hooks.before(&mut all).map_err(context)?;
        }
        if !single {
            return Ok(Some(Gathered::Many(all.into_boxed_slice())));
        }
        Ok(all.pop().flatten().map(Gathered::One))
    }

    /// A leaf's finished gradient: to the caller, or into `.grad`.
    fn deliver(&mut self, leaf: &Shared<Leaf>, mut g: Tensor) -> Result<()> {
        let asked = self.wanted.as_ref().map(|w| w.of_leaf(leaf));
        if asked.is_some_and(<[usize]>::is_empty) {
            return Ok(());
        }
        let hooks = leaf.hooks.get();
        if let Some(hooks) = hooks {
            g = hooks.on_tensor(0, g)?;
        }
        if self.goal == Goal::Answer {
            for &slot in asked.unwrap_or_default() {
                self.found[slot] = Some(g.clone());
            }
            return Ok(());
        }
        store(leaf, g, self.create_graph)?;
        match hooks {
            Some(hooks) => hooks.accumulated(leaf),
            None => Ok(()),
        }
    }
}

/// Runs a rule on wide copies of the gradients; what it gives is rounded to its input's dtype afterwards.
#[cold]
#[inline(never)]
fn run_wide(op: &dyn Op, cx: &Ctx<'_>, g: &Gathered, out: &mut [Option<Tensor>]) -> Result<()> {
    match g {
        Gathered::One(g) => op.vjp_all(cx, &narrow::wide(g)?, out),
        Gathered::Many(all) if all.iter().all(Option::is_none) => Ok(()),
        Gathered::Many(all) => {
            let wide = all.iter().map(|g| g.as_ref().map(narrow::wide).transpose());
            op.vjp_many(cx, &wide.collect::<Result<Vec<_>>>()?, out)
        }
    }
}

/// Runs a rule on gradients of another device; constants that it makes lie there.
#[cold]
#[inline(never)]
fn run_elsewhere(
    op: &dyn Op,
    cx: &Ctx<'_>,
    g: &Gathered,
    out: &mut [Option<Tensor>],
) -> Result<()> {
    let all = g.list();
    let Some(device) = all.iter().flatten().map(Tensor::device).next() else {
        return Ok(());
    };
    crate::on_device(device, || match g {
        Gathered::One(g) => op.vjp_all(cx, g, out),
        Gathered::Many(all) => op.vjp_many(cx, all, out),
    })
}

impl Gathered {
    /// Whether a gradient lies where no kernel of the CPU reads it.
    fn is_elsewhere(&self) -> bool {
        match self {
            Gathered::One(g) => g.is_elsewhere(),
            Gathered::Many(all) => all.iter().flatten().any(Tensor::is_elsewhere),
        }
    }

    /// Whether a gradient is stored narrower than it computes.
    #[inline]
    fn is_narrow(&self) -> bool {
        match self {
            Gathered::One(g) => g.dtype().is_narrow(),
            Gathered::Many(all) => all.iter().flatten().any(|g| g.dtype().is_narrow()),
        }
    }

    /// The shape of the only result.
    fn shape(&self) -> Option<&Shape> {
        match self {
            Gathered::One(g) => Some(g.shape()),
            Gathered::Many(_) => None,
        }
    }

    fn list(&self) -> Vec<Option<Tensor>> {
        match self {
            Gathered::One(g) => vec![Some(g.clone())],
            Gathered::Many(all) => all.to_vec(),
        }
    }

    fn into_list(self) -> Vec<Option<Tensor>> {
        match self {
            Gathered::One(g) => vec![Some(g)],
            Gathered::Many(all) => all.into_vec(),
        }
    }
}
