//! What an operation is: a small struct whose fields are its attributes, and this trait.
//!
//! Everything that is known about an operation stands in its one definition: how it is computed (`eval`), how gradients
//! go through it (one of seven [`Family`]s), what it decides at kinks, how it is documented, and (behind the `proof`
//! feature) the inputs it is proven on. The engine, the recorder, the tests, the documentation and the bindings walk
//! [`crate::ops::OPS`]. Rules are written in differentiable tensor operations, so every order and forward mode follow.
//!
//! Rules never mention broadcasting (the engine sums a gradient to its input's shape), dtype promotion (operands are
//! converted before they get here) or their own name in errors (the engine adds it).

use crate::graph::{Node, OUTPUT, SavedList};
use crate::tensor::Tensor;
use crate::{Array, DType, Error, ErrorKind, Result, Shape, Shared, apply};
use smallvec::SmallVec;
use std::fmt::Debug;
use std::panic::Location;

/// How gradients go through an operation: what its definition writes down, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Element by element and smooth: writes `slope`, dy/dxᵢ. vjp: g·dᵢ, jvp: Σ dᵢ·tᵢ.
    Pointwise,
    /// Chooses between smooth pieces: writes `decide`, `frozen` (the piece chosen), `vjp` and `jvp` given the decision.
    Gate,
    /// Linear in all inputs together: writes `vjp`, its transpose. jvp: the operation itself.
    Linear,
    /// Linear in each input: writes `vjp`, the transpose in each. jvp: Σ the operation with one input replaced.
    Multilinear,
    /// Anything smooth: writes `vjp` and `jvp`, which tests tie by ⟨u, Jv⟩ = ⟨Jᵀu, v⟩.
    General,
    /// Locally constant where PyTorch gives a gradient of exactly zero (floor, sign).
    Zero,
    /// No gradient exists (comparisons, argmax, detach): the result does not require one.
    Cut,
}

impl Family {
    /// Lower-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Family::Pointwise => "pointwise",
            Family::Gate => "gate",
            Family::Linear => "linear",
            Family::Multilinear => "multilinear",
            Family::General => "general",
            Family::Zero => "zero",
            Family::Cut => "cut",
        }
    }
}

/// What is known about an operation besides how to compute it; one static per operation.
#[derive(Debug)]
pub struct OpDef {
    /// PyTorch's name, the key of the list.
    pub name: &'static str,
    /// How gradients go through it.
    pub family: Family,
    /// One sentence.
    pub summary: &'static str,
    /// The value, as a formula.
    pub formula: &'static str,
    /// The derivative, as a formula.
    pub derivative: &'static str,
    /// What is done at kinks and edges, and that PyTorch does the same; empty for smooth operations.
    pub convention: &'static str,
    /// PyTorch's function, linked in the documentation.
    pub torch: &'static str,
    /// Whether the result may share its first input's memory.
    pub view: bool,
    /// Inputs it is proven on.
    #[cfg(feature = "proof")]
    pub proof: crate::proof::Proof,
}

impl OpDef {
    /// A definition with the rest empty, for operations of one's own:
    /// `OpDef { summary: "…", ..OpDef::new("cube", Family::Pointwise) }`. See [`crate::apply_op`].
    pub const fn new(name: &'static str, family: Family) -> OpDef {
        OpDef {
            name,
            family,
            summary: "",
            formula: "",
            derivative: "",
            convention: "",
            torch: "",
            view: false,
            #[cfg(feature = "proof")]
            proof: crate::proof::Proof::NONE,
        }
    }
}

/// Which values the gradient of an input reads: bit k for input k, [`Reads::OUTPUT`] for the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads(pub u32);

impl Reads {
    /// Nothing but the incoming gradient.
    pub const NOTHING: Reads = Reads(0);
    /// The result.
    pub const OUTPUT: Reads = Reads(1 << 31);
    /// Every input.
    pub const INPUTS: Reads = Reads((1 << 31) - 1);

    /// Input `i`.
    pub const fn input(i: usize) -> Reads {
        Reads(1 << i)
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Reads) -> Reads {
        Reads(self.0 | other.0)
    }
}

/// An operation. See the module's text; `ops/` is full of examples.
pub trait Op: Debug + Send + Sync + 'static {
    /// What is known about it.
    fn def(&self) -> &'static OpDef;

    /// The value: the only code that is not differentiable. Every shape and dtype error is born here.
    ///
    /// # Errors
    /// PyTorch's sentence where PyTorch has one, with the shapes; name and source line are added by the caller.
    fn eval(&self, x: &[&Array]) -> Result<Array>;

    /// A copy of the operation with its attributes; what recorded programs hold.
    fn boxed(&self) -> Box<dyn Op>;

    /// Which values the gradient of input `i` reads.
    fn reads(&self, i: usize) -> Reads {
        let _ = i;
        match self.def().family {
            Family::Pointwise => Reads::INPUTS,
            Family::Multilinear => Reads(Reads::INPUTS.0 & !(1 << i)),
            Family::Gate | Family::General => Reads::INPUTS.and(Reads::OUTPUT),
            Family::Linear | Family::Zero | Family::Cut => Reads::NOTHING,
        }
    }

    /// Pointwise operations: dy/dxᵢ as a tensor expression of inputs and output.
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        let _ = i;
        Err(cx.missing("slope"))
    }

    /// The gradient for input `i`, given the gradient `g` of the result.
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        match self.def().family {
            Family::Pointwise => self.slope(cx, i)?.mul(g),
            Family::Zero => Tensor::zeros_of(cx.shape(i), cx.dtype(i)),
            _ => Err(cx.missing("vjp")),
        }
    }

    /// The gradients of all inputs that need one; operations whose gradients share work override this.
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        for (i, slot) in out.iter_mut().enumerate() {
            if cx.needs(i) {
                *slot = Some(self.vjp(cx, i, g)?);
            }
        }
        Ok(())
    }

    /// The result's tangent, given the inputs' (`None` is zero, and not all are).
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        match self.def().family {
            Family::Pointwise => sum_terms(t, |i, t| self.slope(cx, i)?.mul(t)),
            Family::Linear => {
                let filled: Vec<Tensor> = (t.iter().enumerate())
                    .map(|(i, t)| t.clone().map_or_else(|| cx.input(i)?.zeros_like(), Ok))
                    .collect::<Result<_>>()?;
                apply::boxed(
                    &*self.boxed(),
                    &filled.iter().collect::<Vec<_>>(),
                    cx.site(),
                )
            }
            Family::Multilinear => sum_terms(t, |i, t| {
                let inputs = cx.inputs()?;
                let replaced: Vec<&Tensor> = inputs
                    .iter()
                    .enumerate()
                    .map(|(k, x)| if k == i { t } else { x })
                    .collect();
                apply::boxed(&*self.boxed(), &replaced, cx.site())
            }),
            Family::Zero => cx.output()?.zeros_like(),
            _ => Err(cx.missing("jvp")),
        }
    }

    /// Gates: what is decided at these inputs (a mask, a winner), as an array that `frozen` understands.
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        let _ = x;
        Ok(None)
    }

    /// Gates: the smooth operation that stands once the decision is fixed, written in tensor operations.
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        let _ = (x, decision);
        Err(Error::new(
            ErrorKind::Unsupported,
            "this operation takes no decisions",
        ))
    }

    /// Gates: how far each element is from deciding otherwise (0 at a tie), in the units of the inputs.
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        let _ = x;
        Ok(None)
    }

    /// This operation for a replay in which float dtypes become `dtype`: conversions follow, others stay.
    fn in_dtype(&self, dtype: DType) -> Box<dyn Op> {
        let _ = dtype;
        self.boxed()
    }
}

/// Σ over the inputs that have a tangent.
pub(crate) fn sum_terms(
    t: &[Option<Tensor>],
    term: impl Fn(usize, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for (i, t) in t.iter().enumerate() {
        if let Some(t) = t {
            let term = term(i, t)?;
            sum = Some(match sum {
                Some(s) => s.add(&term)?,
                None => term,
            });
        }
    }
    sum.ok_or_else(|| {
        Error::new(
            ErrorKind::Autograd,
            "a tangent was asked for where no input has one",
        )
    })
}

/// What a rule sees of the place it is used in: values of inputs and output, shapes, which gradients are wanted.
pub struct Ctx<'a>(Source<'a>);

enum Source<'a> {
    /// In backward: values that the node kept.
    Node {
        node: &'a Shared<Node>,
        saved: SavedList,
        needs: u32,
        create_graph: bool,
    },
    /// In forward mode: the values themselves.
    Live {
        op: &'static str,
        inputs: &'a [Tensor],
        output: &'a Tensor,
        site: &'static Location<'static>,
    },
}

impl<'a> Ctx<'a> {
    pub(crate) fn of_node(
        node: &'a Shared<Node>,
        saved: SavedList,
        needs: u32,
        create_graph: bool,
    ) -> Self {
        Ctx(Source::Node {
            node,
            saved,
            needs,
            create_graph,
        })
    }

    pub(crate) fn live(
        op: &'static str,
        inputs: &'a [Tensor],
        output: &'a Tensor,
        site: &'static Location<'static>,
    ) -> Self {
        Ctx(Source::Live {
            op,
            inputs,
            output,
            site,
        })
    }

    /// Whether the gradient of input `i` is wanted.
    #[inline]
    pub fn needs(&self, i: usize) -> bool {
        match &self.0 {
            Source::Node { needs, .. } => needs & (1 << i.min(31)) != 0,
            Source::Live { .. } => true,
        }
    }

    /// Input `i`, with its history where a graph of the gradient is made.
    ///
    /// # Errors
    /// Where the value was overwritten in place after it was saved; where `reads` did not ask for it.
    pub fn input(&self, i: usize) -> Result<Tensor> {
        match &self.0 {
            Source::Node { .. } => self.unpack(i as u8),
            Source::Live { inputs, .. } => Ok(inputs[i].clone()),
        }
    }

    /// All inputs.
    pub fn inputs(&self) -> Result<SmallVec<[Tensor; 2]>> {
        (0..self.arity()).map(|i| self.input(i)).collect()
    }

    /// The result.
    pub fn output(&self) -> Result<Tensor> {
        match &self.0 {
            Source::Node { .. } => self.unpack(OUTPUT),
            Source::Live { output, .. } => Ok((*output).clone()),
        }
    }

    /// Changes when a value that was kept is written in place.
    pub(crate) fn stamp(&self) -> u32 {
        match &self.0 {
            Source::Node { saved, .. } => saved
                .iter()
                .fold(0, |sum, s| sum.wrapping_add(s.array.version())),
            Source::Live { .. } => 0,
        }
    }

    /// Number of inputs.
    pub fn arity(&self) -> usize {
        match &self.0 {
            Source::Node { node, .. } => node.inputs.len(),
            Source::Live { inputs, .. } => inputs.len(),
        }
    }

    /// Shape of input `i`; known without saving it.
    pub fn shape(&self, i: usize) -> &Shape {
        match &self.0 {
            Source::Node { node, .. } => &node.inputs[i].shape,
            Source::Live { inputs, .. } => inputs[i].shape(),
        }
    }

    /// Dtype of input `i`; known without saving it.
    pub fn dtype(&self, i: usize) -> DType {
        match &self.0 {
            Source::Node { node, .. } => node.inputs[i].dtype,
            Source::Live { inputs, .. } => inputs[i].dtype(),
        }
    }

    /// Whether the rule's own operations are recorded, so that it may be differentiated again.
    pub fn create_graph(&self) -> bool {
        match &self.0 {
            Source::Node { create_graph, .. } => *create_graph,
            Source::Live { .. } => true,
        }
    }

    /// The user's line that ran the operation.
    pub fn site(&self) -> &'static Location<'static> {
        match &self.0 {
            Source::Node { node, .. } => node.site,
            Source::Live { site, .. } => site,
        }
    }

    fn unpack(&self, which: u8) -> Result<Tensor> {
        let Source::Node {
            node,
            saved,
            create_graph,
            ..
        } = &self.0
        else {
            unreachable!("only nodes save values")
        };
        let Some(kept) = saved.iter().find(|s| s.which == which) else {
            return Err(self.missing("value in `reads`"));
        };
        if kept.array.version() != kept.version {
            return Err(stale(node, kept));
        }
        let edge = match (create_graph, which) {
            (false, _) => None,
            (true, OUTPUT) => Some(crate::graph::Edge::Node((*node).clone())),
            (true, i) => node.inputs[i as usize].edge.clone(),
        };
        let value = Tensor::with_edge(kept.array.clone(), edge);
        if crate::mode::flags() & crate::mode::RECORD != 0 {
            crate::recorder::adopt(node, which, &value);
        }
        Ok(value)
    }

    /// An operation whose definition lacks what its family needs: our mistake, said in full.
    #[cold]
    fn missing(&self, what: &str) -> Error {
        let name = match &self.0 {
            Source::Node { node, .. } => node.op.def().name,
            Source::Live { op, .. } => op,
        };
        Error::new(
            ErrorKind::Unsupported,
            format!("the definition of `{name}` has no {what}"),
        )
        .help("this is a defect of the operation's definition; please report it")
    }
}

#[cold]
fn stale(node: &Shared<Node>, kept: &crate::graph::Saved) -> Error {
    let what = if kept.which == OUTPUT {
        "its result".to_string()
    } else {
        format!("its input {}", kept.which)
    };
    let mut error = Error::new(
        ErrorKind::StaleSave,
        format!(
            "one of the variables needed for gradient computation has been modified by an inplace operation: [{} {}] is at version {}; expected version {} instead.",
            kept.array.dtype(),
            kept.array.shape(),
            kept.array.version(),
            kept.version
        ),
    )
    .op(node.op.def().name)
    .at(node.site)
    .note(format!("`{}` saved {what} for its gradient", node.op.def().name));
    if let Some(site) = kept.array.storage().writer() {
        error = error.note(format!("it was written in place at {site}"));
    }
    error.help("write to a clone, or run backward before the write")
}
