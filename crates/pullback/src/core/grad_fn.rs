//! The handle to an operation in the graph: what PyTorch calls `grad_fn` and `torch.autograd.graph.Node`.
//!
//! For looking at graphs (names, lines, what comes before) and for hooks on operations. It keeps the graph below it alive, as
//! in PyTorch. Names are in `display/grad_fn.rs`, hooks in `hooks`.

use crate::core::binding::HookOf;
use crate::core::ctx::Ctx;
use crate::core::graph::{EXTRA, Edge, Leaf, Node, OUTPUT, lock};
use crate::core::hooks::{Grads, HookHandle, Hooks};
use crate::core::tensor::Tensor;
use crate::{Result, Shared};
use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// An operation in the graph, or the place where a leaf's gradient is gathered.
///
/// ```
/// # use pullback::Tensor;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [2])?.requires_grad_(true)?;
/// let y = x.mul(2.0)?.sum()?;
/// let sum = y.grad_fn().unwrap();
/// assert_eq!(sum.name(), "SumBackward0");
/// let (mul, nr) = sum.next_functions()[0].clone().unwrap();
/// assert_eq!((mul.name(), nr), ("MulBackward0", 0));
/// let (leaf, _) = mul.next_functions()[0].clone().unwrap();
/// assert!(leaf.accumulates_into(&x));
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone)]
pub struct GradFn {
    at: At,
    name: Cow<'static, str>,
}

/// Which value an operation keeps for its gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedValue {
    /// An input, counted from 0.
    Input(usize),
    /// A result, counted from 0.
    Result(usize),
    /// Another one, of a function of the user.
    Extra(usize),
}

#[derive(Clone)]
enum At {
    Node(Shared<Node>),
    Leaf(Shared<Leaf>),
}

impl Tensor {
    /// The operation that made this tensor; `None` for leaves. PyTorch's `grad_fn`.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let w = Tensor::from_slice(&[1.0f32, 2.0], [2])?.requires_grad_(true)?;
    /// assert!(w.grad_fn().is_none());
    /// assert_eq!(w.matmul(&w)?.grad_fn().unwrap().name(), "DotBackward0");
    /// assert_eq!(w.sum_dims(&[0], true)?.grad_fn().unwrap().name(), "SumBackward1");
    /// # Ok::<(), pullback::Error>(())
    /// ```
    pub fn grad_fn(&self) -> Option<GradFn> {
        let Some(Edge::Node(node, _)) = self.edge() else {
            return None;
        };
        let written =
            self.0.base.is_some() && !self.is_versioned() && self.family_epoch() != self.0.epoch;
        let name = match written {
            // Its memory was written in place since: PyTorch gives such a view a new, general node.
            true => "AsStridedBackward0".into(),
            false => node.name(self.shape()),
        };
        let at = At::Node(node);
        Some(GradFn { at, name })
    }

    /// Whether it can be told how this tensor was computed.
    ///
    /// # Errors
    /// PyTorch's sentence for views whose memory was written after they were made, where what they show has no history that could be followed: those
    /// made in `no_grad`, and the results of functions that return several views.
    ///
    /// ```
    /// # use pullback::{DType, Tensor, no_grad};
    /// let w = Tensor::ones([2], DType::F32)?.requires_grad_(true)?;
    /// let view = {
    ///     let _guard = no_grad();
    ///     let view = w.view([1, 2])?;
    ///     view.mul_(2.0)?;
    ///     view
    /// };
    /// assert!(view.check_history().is_err());
    /// # Ok::<(), pullback::Error>(())
    /// ```
    pub fn check_history(&self) -> crate::Result<()> {
        crate::core::in_place::refuse_overwritten(self)
    }

    /// Where this tensor's gradient is computed: its [`grad_fn`](Tensor::grad_fn), or for a leaf the place where its gradient is
    /// gathered. `None` where no gradient is wanted. PyTorch's `torch.autograd.graph.get_gradient_edge`.
    pub fn gradient_node(&self) -> Option<GradFn> {
        match self.edge() {
            Some(Edge::Leaf(leaf)) => Some(GradFn::of_leaf(leaf)),
            _ => self.grad_fn(),
        }
    }
}

impl GradFn {
    fn of_leaf(leaf: Shared<Leaf>) -> GradFn {
        GradFn {
            at: At::Leaf(leaf),
            name: "torch::autograd::AccumulateGrad".into(),
        }
    }

    pub(crate) fn place(&self) -> std::result::Result<&Shared<Node>, &Shared<Leaf>> {
        match &self.at {
            At::Node(node) => Ok(node),
            At::Leaf(leaf) => Err(leaf),
        }
    }

    /// PyTorch's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// PyTorch's name of the operation's class: the name without where in PyTorch's sources it stands.
    pub fn short_name(&self) -> &str {
        self.name.rsplit("::").next().unwrap_or(&self.name)
    }

    /// Whether this is the place where a leaf's gradient is gathered.
    pub fn is_leaf(&self) -> bool {
        matches!(self.at, At::Leaf(_))
    }

    /// For each input of the operation, its shape and dtype; nothing for leaves.
    pub fn inputs(&self) -> Vec<(crate::Shape, crate::DType)> {
        match &self.at {
            At::Node(node) => (node.inputs.iter())
                .map(|i| (i.shape.clone(), i.dtype))
                .collect(),
            At::Leaf(_) => Vec::new(),
        }
    }

    /// The operation's own name, as in the list of operations; `None` for leaves.
    pub fn op(&self) -> Option<&'static str> {
        match &self.at {
            At::Node(node) => Some(node.op.def().name),
            At::Leaf(_) => None,
        }
    }

    /// What the operation keeps for its gradient, each value with its history; nothing for leaves.
    ///
    /// ```
    /// # use pullback::{SavedValue, Tensor};
    /// let x = Tensor::scalar(3.0).requires_grad_(true)?;
    /// let (which, value) = x.pow(2.0)?.grad_fn().unwrap().saved()?.remove(0);
    /// assert_eq!((which, value.item_f64()?), (SavedValue::Input(0), 3.0));
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// PyTorch's sentences, where a backward has freed the values or they were overwritten in place.
    pub fn saved(&self) -> Result<Vec<(SavedValue, Tensor)>> {
        let At::Node(node) = &self.at else {
            return Ok(Vec::new());
        };
        let saved = node.saved(true)?;
        let places: Vec<u32> = saved
            .iter()
            .flat_map(|s| s.iter())
            .map(|s| s.which)
            .collect();
        let cx = Ctx::of_node(node, saved, u32::MAX, true, (false, false));
        (places.into_iter())
            .map(|which| {
                let at = (which & !(OUTPUT | EXTRA)) as usize;
                let place = match which {
                    w if w & OUTPUT != 0 => SavedValue::Result(at),
                    w if w & EXTRA != 0 => SavedValue::Extra(at),
                    _ => SavedValue::Input(at),
                };
                Ok((place, cx.with_history(which)?))
            })
            .collect()
    }

    /// The user's line that ran the operation.
    pub fn site(&self) -> Option<&'static Location<'static>> {
        match &self.at {
            At::Node(node) => Some(node.site),
            At::Leaf(_) => None,
        }
    }

    /// Larger than that of every operation it depends on: backward visits the largest first. PyTorch's `_sequence_nr`.
    pub fn sequence_nr(&self) -> u64 {
        match &self.at {
            At::Node(node) => node.seq,
            At::Leaf(_) => 0,
        }
    }

    /// For each input, the operation that made it and which of its results it is; `None` for inputs that get no gradient.
    pub fn next_functions(&self) -> Vec<Option<(GradFn, usize)>> {
        let At::Node(node) = &self.at else {
            return Vec::new();
        };
        (node.inputs.iter())
            .map(|input| match &input.edge {
                Some(Edge::Node(parent, nr)) => {
                    let name = parent.name(&input.shape);
                    let at = At::Node(parent.clone());
                    Some((GradFn { at, name }, *nr as usize))
                }
                Some(Edge::Leaf(leaf)) => Some((GradFn::of_leaf(leaf.clone()), 0)),
                _ => None,
            })
            .collect()
    }

    /// Whether this is the place where the gradient of `leaf` is gathered.
    pub fn accumulates_into(&self, leaf: &Tensor) -> bool {
        matches!((&self.at, leaf.edge()), (At::Leaf(a), Some(Edge::Leaf(b))) if Shared::ptr_eq(a, &b))
    }

    /// An address that is this operation's own while it lives.
    pub fn address(&self) -> usize {
        match &self.at {
            At::Node(node) => Shared::address(node),
            At::Leaf(leaf) => Shared::address(leaf),
        }
    }

    fn hooks(&self) -> &Arc<Hooks> {
        match &self.at {
            At::Node(node) => node.hooks(),
            At::Leaf(leaf) => leaf.hooks.get_or_init(Arc::default),
        }
    }

    /// Calls `hook` with the gradients of the operation's inputs and of its results after its rule ran; what it returns, if
    /// anything, takes the inputs' place. PyTorch's `Node.register_hook`.
    pub fn register_hook<F>(&self, hook: F) -> HookHandle
    where
        F: Fn(&[Option<Tensor>], &[Option<Tensor>]) -> Result<Option<Grads>>
            + Send
            + Sync
            + 'static,
    {
        self.register_hook_of(HookOf::of::<F>(), hook)
    }

    /// As [`GradFn::register_hook`], for a hook that says who it is: what bindings call.
    pub fn register_hook_of<F>(&self, of: HookOf, hook: F) -> HookHandle
    where
        F: Fn(&[Option<Tensor>], &[Option<Tensor>]) -> Result<Option<Grads>>
            + Send
            + Sync
            + 'static,
    {
        self.hooks().add_post(of, hook)
    }

    /// Calls `hook` with the gradients of the operation's results before its rule runs; what it returns, if anything, takes
    /// their place. PyTorch's `Node.register_prehook`.
    pub fn register_prehook<F>(&self, hook: F) -> HookHandle
    where
        F: Fn(&[Option<Tensor>]) -> Result<Option<Grads>> + Send + Sync + 'static,
    {
        self.register_prehook_of(HookOf::of::<F>(), hook)
    }

    /// As [`GradFn::register_prehook`], for a hook that says who it is: what bindings call.
    pub fn register_prehook_of<F>(&self, of: HookOf, hook: F) -> HookHandle
    where
        F: Fn(&[Option<Tensor>]) -> Result<Option<Grads>> + Send + Sync + 'static,
    {
        self.hooks().add_pre(of, hook)
    }

    /// Keeps something of the user's with the operation; gives back what was kept under this name before. PyTorch's
    /// `Node.metadata`.
    pub fn set_metadata(
        &self,
        key: impl Into<String>,
        value: Arc<dyn Any + Send + Sync>,
    ) -> Option<Arc<dyn Any + Send + Sync>> {
        lock(&self.hooks().metadata).insert(key.into(), value)
    }

    /// What was kept under a name.
    pub fn metadata(&self, key: &str) -> Option<Arc<dyn Any + Send + Sync>> {
        lock(&self.hooks().metadata).get(key).cloned()
    }
}

impl PartialEq for GradFn {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for GradFn {}

impl fmt::Debug for GradFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.name)
    }
}
