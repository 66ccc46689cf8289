//! What a rule sees of the place it is used in: values of inputs and results, shapes, which gradients are wanted.
//!
//! In backward these are the values that a node saved, checked for in-place writes when they are asked for; in forward mode
//! the values themselves.

use crate::core::device::on_host;
use crate::core::graph::{EXTRA, Edge, Node, OUTPUT, Saved, SavedList};
use crate::core::tensor::Tensor;
use crate::core::{mode, narrow, watch};
use crate::{DType, Error, ErrorKind, Result, Shape, Shared};
use smallvec::SmallVec;
use std::panic::Location;

/// What a gradient is multiplied by in place of a value or slope: its complex conjugate. All rules of products come here; the value itself
/// while every dtype is real.
///
/// # Errors
/// None yet: those of the operation that conjugates.
pub(crate) fn conjugate(value: Tensor) -> Result<Tensor> {
    Ok(value)
}

/// What a rule sees of the place it is used in: values of inputs and output, shapes, which gradients are wanted.
pub struct Ctx<'a>(Source<'a>);

enum Source<'a> {
    /// In backward: values that the node kept.
    Node {
        node: &'a Shared<Node>,
        saved: Option<SavedList>,
        needs: u32,
        create_graph: bool,
        /// Whether values are given in the dtype they compute in.
        wide: bool,
        /// Whether they lie where no kernel of the CPU reads them.
        elsewhere: bool,
    },
    /// In forward mode: the values themselves.
    Live {
        op: &'static str,
        inputs: &'a [Tensor],
        outputs: &'a [Tensor],
        site: &'static Location<'static>,
    },
}

impl<'a> Ctx<'a> {
    #[inline]
    pub(crate) fn of_node(
        node: &'a Shared<Node>,
        saved: Option<SavedList>,
        needs: u32,
        create_graph: bool,
        (wide, elsewhere): (bool, bool),
    ) -> Self {
        Ctx(Source::Node {
            node,
            saved,
            needs,
            create_graph,
            wide,
            elsewhere,
        })
    }

    pub(crate) fn live(
        op: &'static str,
        inputs: &'a [Tensor],
        output: &'a Tensor,
        site: &'static Location<'static>,
    ) -> Self {
        Ctx::live_many(op, inputs, std::slice::from_ref(output), site)
    }

    pub(crate) fn live_many(
        op: &'static str,
        inputs: &'a [Tensor],
        outputs: &'a [Tensor],
        site: &'static Location<'static>,
    ) -> Self {
        Ctx(Source::Live {
            op,
            inputs,
            outputs,
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
            Source::Node { .. } => self.unpack(i as u32),
            Source::Live { inputs, .. } => Ok(inputs[i].clone()),
        }
    }

    /// Input `i` as a gradient is multiplied by it: its complex conjugate, and so itself while every dtype is real.
    ///
    /// # Errors
    /// As [`Ctx::input`].
    pub fn factor(&self, i: usize) -> Result<Tensor> {
        self.input(i).and_then(conjugate)
    }

    /// The result as a gradient is multiplied by it, as [`Ctx::factor`].
    ///
    /// # Errors
    /// As [`Ctx::output`].
    pub fn output_factor(&self) -> Result<Tensor> {
        self.output().and_then(conjugate)
    }

    /// All inputs.
    pub fn inputs(&self) -> Result<SmallVec<[Tensor; 2]>> {
        (0..self.arity()).map(|i| self.input(i)).collect()
    }

    /// The result.
    pub fn output(&self) -> Result<Tensor> {
        self.output_at(0)
    }

    /// One of several results.
    pub fn output_at(&self, k: usize) -> Result<Tensor> {
        match &self.0 {
            Source::Node { .. } => self.unpack(OUTPUT + k as u32),
            Source::Live { outputs, .. } => Ok(outputs[k].clone()),
        }
    }

    /// Shape and dtype of one of several results; known without saving it.
    pub fn result(&self, k: usize) -> Option<(&Shape, DType)> {
        match &self.0 {
            Source::Node { node, wide, .. } => {
                let (shape, dtype) = node.results.as_ref()?.get(k)?;
                Some((shape, if *wide { dtype.computing() } else { *dtype }))
            }
            Source::Live { outputs, .. } => outputs.get(k).map(|t| (t.shape(), t.dtype())),
        }
    }

    /// A value that a function of the user saved and that is neither input nor result.
    pub(crate) fn extra(&self, k: usize) -> Result<Tensor> {
        self.unpack(EXTRA + k as u32)
    }

    /// Changes when a value that was kept is written in place.
    #[inline]
    pub(crate) fn stamp(&self) -> u32 {
        match &self.0 {
            Source::Node {
                saved: Some(saved), ..
            } => saved
                .iter()
                .fold(0, |sum, s| sum.wrapping_add(s.array.version())),
            _ => 0,
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
            Source::Node {
                node, wide: true, ..
            } => node.inputs[i].dtype.computing(),
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

    /// Whether nobody looks at how a gradient is computed: no graph of it is made, and no recorder and no tangent follows it.
    /// Then a rule may take its fused form, and write into what it alone holds; on the CPU, whose kernels those call.
    #[inline]
    pub(crate) fn unobserved(&self) -> bool {
        !self.create_graph() && !mode::watched() && !self.elsewhere()
    }

    #[inline]
    fn elsewhere(&self) -> bool {
        match &self.0 {
            Source::Node { elsewhere, .. } => *elsewhere,
            Source::Live { .. } => false,
        }
    }

    /// The user's line that ran the operation.
    pub fn site(&self) -> &'static Location<'static> {
        match &self.0 {
            Source::Node { node, .. } => node.site,
            Source::Live { site, .. } => site,
        }
    }

    fn unpack(&self, which: u32) -> Result<Tensor> {
        let create_graph = matches!(
            &self.0,
            Source::Node {
                create_graph: true,
                ..
            }
        );
        self.unpack_as(which, create_graph)
    }

    /// A saved value as functions of the user see it: with its history, whether or not this backward records.
    pub(crate) fn with_history(&self, which: u32) -> Result<Tensor> {
        match &self.0 {
            Source::Node { .. } => self.unpack_as(which, true),
            Source::Live { .. } if which >= OUTPUT => self.output_at((which - OUTPUT) as usize),
            Source::Live { .. } => self.input(which as usize),
        }
    }

    fn unpack_as(&self, which: u32, history: bool) -> Result<Tensor> {
        let Source::Node { node, saved, .. } = &self.0 else {
            unreachable!("only nodes save values")
        };
        let mut all = saved.iter().flat_map(|s| s.iter());
        let kept = all.find(|s| s.which == which);
        let flags = mode::flags();
        // Nearly always: nobody watches, and the value is what was saved. It is copied straight into its tensor.
        if let (Some(kept), Source::Node { wide: false, .. }) = (kept, &self.0)
            && flags & watch::WATCHED == 0
            && kept.array.version() == kept.version
        {
            let edge = if history { past(node, which) } else { None };
            return Ok(Tensor::with_edge(kept.array.clone(), edge));
        }
        self.unpack_watched(node, kept, which, history)
    }

    /// As [`Ctx::unpack_as`], in all cases.
    #[inline(never)]
    fn unpack_watched(
        &self,
        node: &Shared<Node>,
        kept: Option<&Saved>,
        which: u32,
        history: bool,
    ) -> Result<Tensor> {
        let flags = mode::flags();
        let packed = match kept {
            Some(_) if flags & watch::WATCHED == 0 => None,
            _ => node.unpacked(which)?,
        };
        let array = match (kept, packed) {
            (None, None) => return Err(self.missing("value in `reads`")),
            (Some(kept), None) if kept.array.version() != kept.version => {
                return Err(stale(node, kept));
            }
            (Some(kept), None) => kept.array.clone(),
            // What came back as it was is the value that watchers know.
            (Some(kept), Some(value)) => {
                match on_host(&kept.array)?.bits_equal(&*on_host(&value.array())?)? {
                    true => kept.array.clone(),
                    false => value.array().clone(),
                }
            }
            (None, Some(value)) => value.array().clone(),
        };
        let edge = if history { past(node, which) } else { None };
        if let Source::Node { wide: true, .. } = &self.0 {
            return narrow::wide(&Tensor::from_array(array));
        }
        let value = Tensor::with_edge(array, edge);
        if flags & watch::WATCHED != 0 {
            watch::unpacked(flags, node, which, &value);
        }
        Ok(value)
    }

    /// An operation whose definition lacks what its family needs: our mistake, said in full.
    #[cold]
    pub(crate) fn missing(&self, what: &str) -> Error {
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

/// Where the gradient of a saved value goes.
fn past(node: &Shared<Node>, which: u32) -> Option<Edge> {
    match which {
        k if k >= OUTPUT => Some(Edge::Node(node.clone(), k - OUTPUT)),
        k if k >= EXTRA => None,
        i => node.inputs[i as usize].edge.clone(),
    }
}

#[cold]
fn stale(node: &Shared<Node>, kept: &Saved) -> Error {
    let what = match kept.which {
        OUTPUT => "its result".to_string(),
        k if k > OUTPUT => format!("its result {}", k - OUTPUT),
        k if k >= EXTRA => "a value of its own".to_string(),
        i => format!("its input {i}"),
    };
    // PyTorch's names of classes and, for a result, of the operation.
    let from = match kept.which.checked_sub(OUTPUT) {
        Some(k) => {
            let name = node.name(kept.array.shape());
            let name = (name.split_once("Backward")).map_or(&*name, |(name, _)| name);
            format!(", which is output {k} of {name},")
        }
        // A view whose memory was written is made anew from its base when PyTorch asks for its node.
        None => match past(node, kept.which) {
            Some(Edge::Node(maker, 0)) if maker.view => ", which is output 0 of AsStrided,".into(),
            _ => String::new(),
        },
    };
    let mut error = Error::new(
        ErrorKind::StaleSave,
        format!(
            "one of the variables needed for gradient computation has been modified by an inplace operation: [torch.{}Tensor {}]{from} is at version {}; expected version {} instead.",
            kept.array.dtype().scalar_type_name(),
            kept.array.shape(),
            kept.array.version(),
            kept.version
        ),
    )
    .op(node.op.def().known_as())
    .at(node.site)
    .note(format!("`{}` saved {what} for its gradient", node.op.def().known_as()));
    if let Some(site) = kept.array.storage().writer() {
        error = error.note_in(
            format!("it was written in place at {site}"),
            "it was written in place afterwards",
        );
    }
    error.help_in(
        "write to a copy (`x.copy()?`: Rust's `clone` shares the numbers), or run backward before the write",
        "write to a clone (`x.clone()`), or run backward before the write",
    )
}
