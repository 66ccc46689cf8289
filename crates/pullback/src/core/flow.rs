//! Where gradients get to and where histories end: what a result can say of each parameter.
//!
//! An operation whose result has no history although an input has one leaves a [`Cut`] in the place of the edge: its
//! name, its line and the reason. Cuts are handed on by operations without history, so that a loss knows what cut it off.
//! A cut names the leaves that went straight into it; under [`track_flow`] it also keeps the history behind it, so that
//! parameters further back are found too (and memory with them, which is why it is not the default).

use crate::Shared;
use crate::core::graph::{Edge, drop_edges};
use crate::core::mode::{self, ModeGuard};
use crate::core::op::known_as;
use crate::core::tensor::Tensor;
use smallvec::SmallVec;
use std::collections::HashSet;
use std::fmt;
use std::panic::Location;

/// Why a result has no history although an input has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutReason {
    /// The operation has no gradient (`detach`, a comparison, positions).
    NoDerivative,
    /// Recording was off: [`crate::no_grad`].
    NoGrad,
    /// [`crate::inference_mode`].
    Inference,
    /// The result is not floating.
    NotFloating,
}

/// The operation at which a history ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutAt {
    /// Its name.
    pub op: &'static str,
    /// The user's line.
    pub site: &'static Location<'static>,
    /// Why.
    pub reason: CutReason,
}

impl CutAt {
    /// With the name of the function that leads to the operation.
    fn known(self) -> CutAt {
        CutAt {
            op: known_as(self.op),
            ..self
        }
    }
}

impl CutReason {
    /// What follows the operation's name in a sentence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            CutReason::NoDerivative => "",
            CutReason::NoGrad => ", under no_grad",
            CutReason::Inference => ", in inference mode",
            CutReason::NotFloating => ", whose result is not floating",
        }
    }
}

impl fmt::Display for CutAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (site, op) = (self.site, self.op);
        let reason = self.reason.words();
        write!(
            f,
            "`{op}` at {}:{}:{}{reason}",
            site.file(),
            site.line(),
            site.column()
        )
    }
}

/// What becomes of a parameter in a backward from some result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// A gradient gets to it.
    Reached,
    /// It had a part in the result, but the way back ends here.
    Cut(CutAt),
    /// As far as is known it had no part in the result.
    Unused,
    /// It requires no gradient.
    NotRequired,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flow::Reached => f.write_str("reached"),
            Flow::Cut(at) => write!(f, "cut by {at}"),
            Flow::Unused => f.write_str("unused"),
            Flow::NotRequired => f.write_str("requires no gradient"),
        }
    }
}

/// How many leaves a cut remembers, where it does not keep histories.
const LEAVES: usize = 16;

/// What stands in place of an edge where a history ended.
pub(crate) struct Cut {
    pub(crate) at: CutAt,
    behind: SmallVec<[Behind; 1]>,
}

enum Behind {
    /// A leaf, by its number.
    Leaf(u64),
    History(Edge),
}

impl Drop for Cut {
    fn drop(&mut self) {
        drop_edges(self.behind.drain(..).filter_map(|b| match b {
            Behind::History(edge) => Some(edge),
            Behind::Leaf(_) => None,
        }));
    }
}

impl Cut {
    /// What the result of an operation without history keeps: a new cut if an input has a history, else the cut of an
    /// input, if there is one.
    #[inline]
    pub(crate) fn of(
        inputs: &[&Tensor],
        op: &'static str,
        site: &'static Location<'static>,
        reason: impl FnOnce() -> CutReason,
    ) -> Option<Edge> {
        if inputs.iter().any(|t| t.has_edge()) {
            return Some(Cut::made(
                inputs,
                CutAt {
                    op,
                    site,
                    reason: reason(),
                },
            ));
        }
        inputs.iter().find_map(|t| t.provenance())
    }

    #[cold]
    fn made(inputs: &[&Tensor], at: CutAt) -> Edge {
        let keep = mode::flags() & mode::FLOW != 0;
        let mut behind: SmallVec<[Behind; 1]> = SmallVec::new();
        let leaf = |behind: &mut SmallVec<[Behind; 1]>, id: u64| {
            let known = |b: &Behind| matches!(b, Behind::Leaf(k) if *k == id);
            if behind.len() < LEAVES && !behind.iter().any(known) {
                behind.push(Behind::Leaf(id));
            }
        };
        for t in inputs {
            match t.end() {
                Some(Edge::Leaf(l)) => leaf(&mut behind, l.id),
                Some(edge) if keep => behind.push(Behind::History(edge)),
                // A loop without recording makes a cut a step: they must not hold each other.
                Some(Edge::Cut(old)) => {
                    for b in &old.behind {
                        if let Behind::Leaf(id) = b {
                            leaf(&mut behind, *id);
                        }
                    }
                }
                _ => {}
            }
        }
        Edge::Cut(Shared::new(Cut { at, behind }))
    }
}

/// Keeps the history behind every cut made on this thread until the guard is dropped, so that [`Tensor::flow`] also finds
/// parameters whose way was cut far from them. Costs memory: nothing that was cut off is freed before the result.
///
/// ```
/// use pullback::{Flow, Tensor, track_flow};
/// let w = Tensor::scalar(2.0f64).requires_grad_(true)?;
/// let b = Tensor::scalar(1.0f64).requires_grad_(true)?;
/// let _track = track_flow();
/// let h = w.mul(3.0)?.exp()?.detach(); // by mistake
/// let loss = h.add(&b)?;
/// let flow = loss.flow(&[&w, &b]);
/// assert!(matches!(flow[0], Flow::Cut(at) if at.op == "detach"));
/// assert_eq!(flow[1], Flow::Reached);
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn track_flow() -> ModeGuard {
    mode::set(mode::FLOW, true)
}

/// What can be reached from somewhere: leaves by number, places of the graph by key, cuts.
#[derive(Default)]
struct Reach {
    leaves: HashSet<u64>,
    places: HashSet<(usize, u32)>,
    nodes: HashSet<usize>,
    cuts: Vec<Edge>,
}

impl Reach {
    /// Follows edges; `through` says whether to go on behind cuts.
    fn from(start: impl IntoIterator<Item = Edge>, through: bool) -> Reach {
        let mut reach = Reach::default();
        let mut stack: Vec<Edge> = start.into_iter().collect();
        while let Some(edge) = stack.pop() {
            reach.places.insert(edge.key());
            match &edge {
                Edge::Leaf(leaf) => {
                    reach.leaves.insert(leaf.id);
                }
                Edge::Node(node, _) => {
                    if reach.nodes.insert(Shared::address(node)) {
                        stack.extend(node.inputs.iter().filter_map(|i| i.edge.clone()));
                    }
                }
                Edge::Cut(cut) if reach.nodes.insert(Shared::address(cut)) => {
                    if through {
                        reach.behind(&edge, &mut stack);
                    }
                    reach.cuts.push(edge);
                }
                Edge::Cut(_) => {}
            }
        }
        reach
    }

    fn behind(&mut self, edge: &Edge, stack: &mut Vec<Edge>) {
        let Edge::Cut(cut) = edge else { return };
        for b in &cut.behind {
            match b {
                Behind::Leaf(id) => {
                    self.leaves.insert(*id);
                }
                Behind::History(edge) => stack.push(edge.clone()),
            }
        }
    }

    fn has(&self, edge: &Edge) -> bool {
        match edge {
            Edge::Leaf(leaf) => self.leaves.contains(&leaf.id),
            edge => self.places.contains(&edge.key()),
        }
    }
}

impl Tensor {
    /// For each parameter, whether a backward from this result gets to it, or where its way is cut. Before or after the
    /// backward: what the graph looks like stays.
    ///
    /// A parameter that reaches the cut only through other operations is found under [`track_flow`] alone; without it,
    /// it counts as unused.
    ///
    /// ```
    /// use pullback::{Flow, Tensor};
    /// let w = Tensor::scalar(2.0f64).requires_grad_(true)?;
    /// let b = Tensor::scalar(1.0f64).requires_grad_(true)?;
    /// let loss = w.detach().mul(&b)?;
    /// let flow = loss.flow(&[&w, &b]);
    /// assert!(flow[0].to_string().starts_with("cut by `detach` at "));
    /// assert_eq!(flow[1], Flow::Reached);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    pub fn flow(&self, params: &[&Tensor]) -> Vec<Flow> {
        let own = self.edge().or_else(|| self.provenance());
        let reach = Reach::from(own, false);
        let cuts: Vec<(CutAt, Reach)> = (reach.cuts.iter())
            .filter_map(|edge| match edge {
                Edge::Cut(cut) => Some((cut.at.known(), Reach::from([edge.clone()], true))),
                _ => None,
            })
            .collect();
        let of = |p: &&Tensor| match p.edge() {
            None => Flow::NotRequired,
            Some(edge) if reach.has(&edge) => Flow::Reached,
            Some(edge) => (cuts.iter().find(|(_, behind)| behind.has(&edge)))
                .map_or(Flow::Unused, |(at, _)| Flow::Cut(*at)),
        };
        params.iter().map(of).collect()
    }

    /// The operation that cut this tensor off from gradients, if one did.
    pub fn cut(&self) -> Option<CutAt> {
        match self.provenance() {
            Some(Edge::Cut(cut)) => Some(cut.at.known()),
            _ => None,
        }
    }
}
