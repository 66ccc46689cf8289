//! A tensor as a leaf: whether gradients are gathered for it, the gradient gathered so far, and how it leaves the graph.

use crate::core::graph::{Edge, Leaf, lock};
use crate::core::mode;
use crate::core::tensor::Tensor;
use crate::{Error, ErrorKind, Result, Shared};
use std::panic::Location;

#[pullback_macros::called]
impl Tensor {
    /// Makes a tensor a leaf whose gradient [`Tensor::backward`] gathers in [`Tensor::grad`], or stops that.
    ///
    /// Every clone of the handle sees the change.
    ///
    /// # Errors
    /// PyTorch's sentences for integer tensors and for results of operations.
    #[track_caller]
    pub fn requires_grad_(mut self, on: bool) -> Result<Tensor> {
        let site = Location::caller();
        let fail = |kind, text: &str| Err(Error::new(kind, text).op("requires_grad_").at(site));
        if on && !self.dtype().is_differentiable() {
            return fail(
                ErrorKind::DType,
                "only Tensors of floating point dtype can require gradients",
            )
            .map_err(|e: Error| {
                e.note(format!("this one is {}", self.dtype())).help_in(
                    "convert it first: `x.to(DType::F32)?`; in a slice, write `1.0` and not `1`",
                    "convert it first: `x.float()`; in a list, write `1.0` and not `1`",
                )
            });
        }
        if !on && !self.is_leaf() {
            return fail(
                ErrorKind::Autograd,
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
            );
        }
        if on && self.is_inference() && mode::flags() & mode::INFERENCE == 0 {
            return fail(
                ErrorKind::Autograd,
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.",
            );
        }
        if on == self.has_edge() {
            return Ok(self);
        }
        // `.grad` stays what it is.
        let grad = self.grad();
        let edge = on.then(|| Edge::Leaf(Leaf::new(self.array().layout())));
        match &edge {
            _ if grad.is_none() => {}
            Some(Edge::Leaf(leaf)) => *lock(&leaf.grad) = grad,
            _ => *lock(&self.0.meta().own_grad) = grad,
        }
        match Shared::get_mut(&mut self.0) {
            Some(inner) if inner.meta.get().is_none() => inner.edge = edge,
            _ => self.override_edge(edge),
        }
        Ok(self)
    }

    /// The gradient gathered so far, shared with the leaf: writing to it in place writes to `.grad`.
    ///
    /// `None` before the first backward, for tensors that require none, and for results of operations without
    /// [`Tensor::retain_grad`] (where PyTorch warns), unless [`Tensor::set_grad`] gave them one.
    pub fn grad(&self) -> Option<Tensor> {
        self.with_edge_now(|edge| match edge {
            Some(Edge::Leaf(leaf)) => lock(&leaf.grad).clone(),
            Some(Edge::Node(..)) if self.retained().is_some() => {
                self.retained().and_then(|slot| lock(slot).clone())
            }
            _ => (self.0.meta.get()).and_then(|slow| lock(&slow.own_grad).clone()),
        })
    }

    /// Puts a gradient in place, or takes it away. PyTorch's `p.grad = g`.
    ///
    /// A result of an operation may be given one too, which is how a step of an optimiser is differentiated; backward does not add to it
    /// unless [`Tensor::retain_grad`] asks for that.
    ///
    /// # Errors
    /// Where shape or dtype differ from the tensor's.
    #[track_caller]
    pub fn set_grad(&self, grad: Option<Tensor>) -> Result<()> {
        let at = Location::caller();
        let leaf = self.leaf();
        let (shape, dtype) = (self.shape(), self.dtype());
        if let Some(g) = &grad {
            if g.shape() != shape {
                return Err(Error::new(
                    ErrorKind::Shape,
                    format!(
                        "attempting to assign a gradient of size '{}' to a tensor of size '{}'. Please ensure that the gradient and the tensor are the same size",
                        g.shape(),
                        shape
                    ),
                )
                .at(at));
            }
            if g.dtype() != dtype {
                return Err(Error::new(
                    ErrorKind::DType,
                    format!(
                        "assigned grad has data of a different type: {} where the tensor has {}",
                        g.dtype(),
                        dtype
                    ),
                )
                .at(at));
            }
        }
        let old = match &leaf {
            Some(leaf) => std::mem::replace(&mut *lock(&leaf.grad), grad),
            None if self.retains_grad() => match self.retained() {
                Some(slot) => std::mem::replace(&mut *lock(slot), grad),
                None => None,
            },
            None => std::mem::replace(&mut *lock(&self.0.meta().own_grad), grad),
        };
        drop(old);
        Ok(())
    }

    /// Forgets the gradient gathered so far (PyTorch's `zero_grad(set_to_none=True)`).
    pub fn zero_grad(&self) {
        if let Some(leaf) = self.leaf() {
            // Dropped outside the lock: a gradient may have a graph of its own, which may hold this leaf.
            let old = lock(&leaf.grad).take();
            drop(old);
        } else if let Some(slot) = self.retained() {
            let old = lock(slot).take();
            drop(old);
        }
        if let Some(slow) = self.0.meta.get() {
            let old = lock(&slow.own_grad).take();
            drop(old);
        }
    }

    fn leaf(&self) -> Option<Shared<Leaf>> {
        match self.edge() {
            Some(Edge::Leaf(leaf)) => Some(leaf),
            _ => None,
        }
    }

    /// The same numbers (and memory) without history.
    #[track_caller]
    pub fn detach(&self) -> Tensor {
        crate::core::structural::detach(self)
    }

    /// As [`Tensor::detach`], under a version of its own: a write through it is not held against what graphs have saved of this
    /// tensor, which is what it is for, and how gradients come out wrong unnoticed. PyTorch's `data`.
    #[track_caller]
    pub fn data(&self) -> Tensor {
        crate::core::structural::data(self)
    }

    /// Takes this tensor, for every clone of the handle, out of the graph: what was computed of it before keeps its history,
    /// what is computed from now on has none. PyTorch's `detach_`.
    ///
    /// # Errors
    /// PyTorch's sentence for views.
    #[track_caller]
    pub fn detach_(&self) -> Result<()> {
        if self.0.base.is_some() {
            return Err(Error::new(
                ErrorKind::Autograd,
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution.",
            )
            .op("detach_")
            .at(Location::caller()));
        }
        self.override_edge(None);
        Ok(())
    }
}
