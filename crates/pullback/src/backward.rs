//! The engine: carries gradients from a result to the leaves, latest operation first.
//!
//! Runs on the caller's thread. The graph is only read (saved values are taken out under a node's own lock), so several
//! threads may run backward over shared parts at once. Without `create_graph` rules run with recording off.

use crate::graph::{Edge, Leaf, Node, lock};
use crate::op::Ctx;
use crate::queue::Queue;
use crate::tensor::Tensor;
use crate::{Error, ErrorKind, Result, Shape, Shared, apply, mode};
use pullback_array::kernels;
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};
use std::panic::Location;

/// How backward runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackwardOptions {
    /// Keep saved values, so that the graph can be walked again.
    pub retain_graph: bool,
    /// Record the gradients' own computation, so that they can be differentiated. Implies `retain_graph`.
    pub create_graph: bool,
}

impl Tensor {
    /// Adds to `.grad` of every leaf the gradient of this one number.
    ///
    /// # Errors
    /// PyTorch's sentences: more than one element, no gradient required, a graph walked a second time, a saved value
    /// that was overwritten.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::scalar(3.0f64).requires_grad_(true)?;
    /// x.pow(2.0)?.backward()?;
    /// assert_eq!(x.grad().unwrap().item_f64()?, 6.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn backward(&self) -> Result<()> {
        self.backward_with(None, BackwardOptions::default())
    }

    /// [`Tensor::backward`] with the gradient of the result given (its shape and dtype), and options.
    #[track_caller]
    pub fn backward_with(&self, gradient: Option<&Tensor>, options: BackwardOptions) -> Result<()> {
        let site = Location::caller();
        let seeds = [(self, gradient)];
        run(&seeds, options, Target::Leaves, site).map(drop)
    }
}

/// Gradients of `outputs` (each with the gradient to start from, or `None` for a number's 1) by `inputs`, without touching
/// `.grad`. PyTorch's `torch.autograd.grad(…, allow_unused=True)`: `None` for inputs that were not used.
///
/// # Errors
/// As [`Tensor::backward`]; and where an input does not require a gradient.
///
/// ```
/// use pullback::{BackwardOptions, Tensor, grad};
/// let x = Tensor::scalar(2.0f64).requires_grad_(true)?;
/// let y = x.pow(3.0)?;
/// let options = BackwardOptions { create_graph: true, ..Default::default() };
/// let dy = grad(&[(&y, None)], &[&x], options)?.remove(0).unwrap(); // 3 x²
/// let d2y = grad(&[(&dy, None)], &[&x], Default::default())?.remove(0).unwrap(); // 6 x
/// assert_eq!((dy.item_f64()?, d2y.item_f64()?), (12.0, 12.0));
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn grad(
    outputs: &[(&Tensor, Option<&Tensor>)],
    inputs: &[&Tensor],
    options: BackwardOptions,
) -> Result<Vec<Option<Tensor>>> {
    let site = Location::caller();
    let mut edges = Vec::with_capacity(inputs.len());
    for input in inputs {
        edges.push(input.edge().ok_or_else(|| {
            Error::new(
                ErrorKind::Autograd,
                "One of the differentiated Tensors does not require grad",
            )
            .at(site)
            .help("call `requires_grad_(true)` on it before it is used")
        })?);
    }
    run(outputs, options, Target::Inputs(&edges), site)
}

/// Where gradients go.
enum Target<'a> {
    /// Into `.grad` of every leaf.
    Leaves,
    /// To the caller, for these places in the graph alone.
    Inputs(&'a [Edge]),
}

/// Gradients gathered for leaves, in order of first arrival; added to `.grad` once each, at the end, as PyTorch does.
#[derive(Default)]
struct Gathered {
    list: SmallVec<[(Shared<Leaf>, Tensor); 8]>,
    /// Where a leaf's sum is, once there are too many to scan.
    place: HashMap<usize, usize>,
}

/// Leaves up to which a scan finds the sum to add to.
const SCAN: usize = 32;

impl Gathered {
    fn add(&mut self, leaf: &Shared<Leaf>, g: Tensor, create_graph: bool) -> Result<()> {
        let at = if self.list.len() <= SCAN {
            self.list.iter().rposition(|(l, _)| Shared::ptr_eq(l, leaf))
        } else {
            if self.place.is_empty() {
                let known = self.list.iter().enumerate();
                self.place = known.map(|(i, (l, _))| (Shared::address(l), i)).collect();
            }
            self.place.get(&Shared::address(leaf)).copied()
        };
        match at {
            Some(at) => {
                let sum = &mut self.list[at].1;
                let old = std::mem::replace(sum, g.clone());
                *sum = accumulate(old, &g, create_graph)?;
            }
            None => {
                if !self.place.is_empty() {
                    self.place.insert(Shared::address(leaf), self.list.len());
                }
                self.list.push((leaf.clone(), g));
            }
        }
        Ok(())
    }
}

/// Sum of two gradients; overwrites the first where nobody else holds it.
fn accumulate(sum: Tensor, g: &Tensor, create_graph: bool) -> Result<Tensor> {
    let quiet = !create_graph && !recording();
    if quiet && owned(&sum) && sum.shape() == g.shape() && sum.dtype() == g.dtype() {
        add_assign(&sum, g)?;
        return Ok(sum);
    }
    sum.add(g)
}

/// Whether a recorder watches: then gradients are added up by operations that it sees.
fn recording() -> bool {
    mode::flags() & mode::RECORD != 0
}

/// Whether a write to this tensor can be seen by nobody but its holder.
fn owned(t: &Tensor) -> bool {
    Shared::is_unique(&t.0) && t.0.array.is_unique()
}

fn add_assign(sum: &Tensor, g: &Tensor) -> Result<()> {
    pullback_array::dispatch!(float sum.dtype(), T => {
        kernels::zip_assign(&sum.0.array, &g.0.array, |a: T, b: T| a + b)
    }, else Err(Error::new(ErrorKind::DType, "gradients are floating")))
}

fn run(
    outputs: &[(&Tensor, Option<&Tensor>)],
    options: BackwardOptions,
    target: Target<'_>,
    site: &'static Location<'static>,
) -> Result<Vec<Option<Tensor>>> {
    let create_graph = options.create_graph;
    let retain = options.retain_graph || create_graph;
    let _mode = mode::set(mode::GRAD, create_graph);
    let wanted = match &target {
        Target::Leaves => None,
        Target::Inputs(edges) => Some(Wanted::new(outputs, edges)),
    };
    let mut found: Vec<Option<Tensor>> = match &target {
        Target::Leaves => Vec::new(),
        Target::Inputs(edges) => vec![None; edges.len()],
    };
    let mut queue = Queue::default();
    let mut leaves = Gathered::default();
    for (i, (output, gradient)) in outputs.iter().enumerate() {
        let Some(edge) = output.edge() else {
            return Err(Error::new(
                ErrorKind::Autograd,
                format!("element {i} of tensors does not require grad and does not have a grad_fn"),
            )
            .op("backward")
            .at(site)
            .help("no input of this result requires a gradient, or it was computed under `no_grad()` or cut by `detach()`"));
        };
        let g = seed(i, output, *gradient).map_err(|e| e.op("backward").at(site))?;
        match &edge {
            Edge::Node(node) => queue.push(node, g, |a, b| accumulate(a, b, create_graph))?,
            Edge::Leaf(leaf) => leaves.add(leaf, g, create_graph)?,
        }
    }
    let mut grads: SmallVec<[Option<Tensor>; 4]> = SmallVec::new();
    while let Some((node, g)) = queue.pop() {
        if let Target::Inputs(edges) = &target {
            for (slot, edge) in found.iter_mut().zip(*edges) {
                if matches!(edge, Edge::Node(n) if Shared::ptr_eq(n, &node)) {
                    *slot = Some(g.clone());
                }
            }
            if wanted.as_ref().is_some_and(|w| !w.through(&node)) {
                continue;
            }
        }
        let mut needs = 0u32;
        for (i, input) in node.inputs.iter().enumerate() {
            if input
                .edge
                .as_ref()
                .is_some_and(|e| wanted.as_ref().is_none_or(|w| w.reaches(e)))
            {
                needs |= 1 << i.min(31);
            }
        }
        while grads.len() < node.inputs.len() {
            grads.push(None); // what is there already was taken below
        }
        let saved = node.saved(retain)?;
        let cx = Ctx::of_node(&node, saved, needs, create_graph);
        let stamp = cx.stamp();
        node.op
            .vjp_all(&cx, &g, &mut grads[..node.inputs.len()])
            .map_err(|e| e.op(node.op.def().name).at(node.site))?;
        if cx.stamp() != stamp {
            return Err(apply::torn(node.op.def().name, node.site));
        }
        drop((cx, g));
        for (input, g) in node.inputs.iter().zip(grads.iter_mut()) {
            let (Some(edge), Some(g)) = (&input.edge, g.take()) else {
                continue;
            };
            let g = if *g.shape() == input.shape {
                g
            } else {
                sum_to(&g, &input.shape).map_err(|e| e.op(node.op.def().name).at(node.site))?
            };
            match edge {
                Edge::Node(parent) => {
                    queue.push(parent, g, |a, b| accumulate(a, b, create_graph))?
                }
                Edge::Leaf(leaf) => leaves.add(leaf, g, create_graph)?,
            }
        }
    }
    for (leaf, g) in leaves.list {
        match &target {
            Target::Leaves => store(&leaf, g, create_graph)?,
            Target::Inputs(edges) => {
                for (slot, edge) in found.iter_mut().zip(*edges) {
                    if matches!(edge, Edge::Leaf(l) if Shared::ptr_eq(l, &leaf)) {
                        *slot = Some(g.clone());
                    }
                }
            }
        }
    }
    Ok(found)
}

/// Adds a gradient to a leaf's `.grad`: in place where a gradient without history is there already, as PyTorch does.
fn store(leaf: &Leaf, g: Tensor, create_graph: bool) -> Result<()> {
    let mut slot = lock(&leaf.grad);
    let new = match &*slot {
        // Moved only if nobody else can see it: `a + b` sends one gradient both ways, and a seed is the caller's.
        None if owned(&g) && g.0.array.is_contiguous() => g,
        None if create_graph || recording() => g.copy()?,
        None => Tensor::from_array(g.0.array.copy()?),
        Some(old) if create_graph || old.has_edge() => old.add(&g)?,
        Some(old) if recording() => return old.add_(&g),
        Some(old) => return add_assign(old, &g),
    };
    let old = slot.replace(new);
    drop(slot); // before what it replaced, which may have a graph of its own
    drop(old);
    Ok(())
}

/// The gradient backward starts from, for output `i`.
fn seed(i: usize, output: &Tensor, gradient: Option<&Tensor>) -> Result<Tensor> {
    match gradient {
        Some(g) if g.shape() != output.shape() => Err(Error::new(
            ErrorKind::Shape,
            format!(
                "Mismatch in shape: grad_output[{i}] has a shape of torch.Size({}) and output[{i}] has a shape of torch.Size({}).",
                g.shape(),
                output.shape()
            ),
        )),
        Some(g) => g.to(output.dtype()),
        None if output.numel() != 1 => Err(Error::new(
            ErrorKind::Shape,
            "grad can be implicitly created only for scalar outputs",
        )
        .note(format!("the result has shape {}", output.shape()))
        .help("reduce it to a number (`sum`, `mean`), or give the gradient with `backward_with`")),
        None => output.ones_like(),
    }
}

/// Sums a gradient over the dimensions along which its input was stretched.
pub(crate) fn sum_to(g: &Tensor, shape: &Shape) -> Result<Tensor> {
    let lead = match g.ndim().checked_sub(shape.len()) {
        Some(lead)
            if (0..shape.len()).all(|k| shape[k] == 1 || shape[k] == g.shape()[lead + k]) =>
        {
            lead
        }
        _ => {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "returned an invalid gradient - got {} but expected shape compatible with {shape}",
                    g.shape()
                ),
            ));
        }
    };
    let dims: Vec<i64> = (0..g.ndim())
        .filter(|&k| k < lead || shape[k - lead] == 1 && g.shape()[k] != 1)
        .map(|k| k as i64)
        .collect();
    let sum = g.sum_dims(&dims, true)?;
    if lead == 0 {
        Ok(sum)
    } else {
        sum.reshape(shape)
    }
}

/// For `grad`: the part of the graph that leads to the inputs asked for.
struct Wanted<'a> {
    edges: &'a [Edge],
    /// Nodes with an input asked for somewhere below them.
    nodes: HashSet<usize>,
}

impl<'a> Wanted<'a> {
    fn new(outputs: &[(&Tensor, Option<&Tensor>)], edges: &'a [Edge]) -> Self {
        let mut wanted = Wanted {
            edges,
            nodes: HashSet::new(),
        };
        let mut seen: HashSet<usize> = HashSet::new();
        let mut order: Vec<Shared<Node>> = Vec::new();
        let mut stack: Vec<Shared<Node>> = Vec::new();
        let mut visit = |edge: &Edge, stack: &mut Vec<Shared<Node>>| {
            if let Edge::Node(node) = edge
                && seen.insert(Shared::address(node))
            {
                stack.push(node.clone());
            }
        };
        outputs
            .iter()
            .filter_map(|(t, _)| t.edge())
            .for_each(|e| visit(&e, &mut stack));
        while let Some(node) = stack.pop() {
            node.inputs
                .iter()
                .filter_map(|i| i.edge.as_ref())
                .for_each(|e| visit(e, &mut stack));
            order.push(node);
        }
        order.sort_by_key(|n| n.seq); // inputs before the nodes that use them
        for node in &order {
            if node
                .inputs
                .iter()
                .any(|i| i.edge.as_ref().is_some_and(|e| wanted.reaches(e)))
            {
                wanted.nodes.insert(Shared::address(node));
            }
        }
        wanted
    }

    /// Whether a gradient sent along `edge` is, or leads to, one asked for.
    fn reaches(&self, edge: &Edge) -> bool {
        let asked = self.edges.iter().any(|e| match (e, edge) {
            (Edge::Node(a), Edge::Node(b)) => Shared::ptr_eq(a, b),
            (Edge::Leaf(a), Edge::Leaf(b)) => Shared::ptr_eq(a, b),
            _ => false,
        });
        asked || matches!(edge, Edge::Node(n) if self.through(n))
    }

    fn through(&self, node: &Shared<Node>) -> bool {
        self.nodes.contains(&Shared::address(node))
    }
}
