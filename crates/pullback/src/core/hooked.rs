//! How a tensor gets hooks: registered on its gradient, or kept by `retain_grad`. What runs them is in `hooks`.

use crate::core::binding::HookOf;
use crate::core::graph::{Edge, Leaf};
use crate::core::hooks::{Call, HOOKED_LEAVES, HookHandle, Hooks, failed};
use crate::core::tensor::Tensor;
use crate::{Error, ErrorKind, Result, Shared};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[pullback_macros::called]
impl Tensor {
    /// Calls `hook` with this tensor's gradient whenever backward has computed it in full; what it returns, if anything,
    /// takes the gradient's place. PyTorch's `Tensor.register_hook`.
    ///
    /// Hooks run in the order of registration. Registered before an in-place write they get the gradient of the old
    /// value, after it that of the new one.
    ///
    /// # Errors
    /// PyTorch's sentence where the tensor requires no gradient. In backward: where the hook fails, or returns another
    /// shape or dtype.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::scalar(3.0f64).requires_grad_(true)?;
    /// let h = x.mul(2.0)?;
    /// let handle = h.register_hook(|g| g.mul(10.0).map(Some))?;
    /// h.square()?.backward()?;
    /// assert_eq!(x.grad().unwrap().item_f64()?, 240.0);
    /// handle.remove();
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn register_hook<F>(&self, hook: F) -> Result<HookHandle>
    where
        F: Fn(&Tensor) -> Result<Option<Tensor>> + Send + Sync + 'static,
    {
        self.register_hook_of(HookOf::of::<F>(), hook)
    }

    /// As [`Tensor::register_hook`], for a hook that says who it is: what bindings call.
    ///
    /// # Errors
    /// As [`Tensor::register_hook`].
    #[track_caller]
    pub fn register_hook_of<F>(&self, of: HookOf, hook: F) -> Result<HookHandle>
    where
        F: Fn(&Tensor) -> Result<Option<Tensor>> + Send + Sync + 'static,
    {
        let site = Location::caller();
        let hook = Arc::new(hook);
        match self.hook_point(site) {
            Some(Edge::Node(node, nr)) => Ok(node.hooks().add(of, Call::Tensor(nr, hook))),
            Some(Edge::Leaf(leaf)) => Ok(self.leaf_hooks(&leaf).add(of, Call::Tensor(0, hook))),
            _ => Err(no_gradient("register_hook", site)),
        }
    }

    /// Calls `hook` with this leaf each time backward has added to its `.grad`: what an optimiser needs that updates
    /// parameters while backward runs. PyTorch's `register_post_accumulate_grad_hook`.
    ///
    /// The hook gets another handle to the same memory and the same `.grad`.
    ///
    /// # Errors
    /// PyTorch's sentences for results of operations, and for tensors that require no gradient.
    #[track_caller]
    pub fn register_post_accumulate_grad_hook<F>(&self, hook: F) -> Result<HookHandle>
    where
        F: Fn(&Tensor) -> Result<()> + Send + Sync + 'static,
    {
        self.register_post_accumulate_grad_hook_of(HookOf::of::<F>(), hook)
    }

    /// As [`Tensor::register_post_accumulate_grad_hook`], for a hook that says who it is: what bindings call.
    ///
    /// # Errors
    /// As [`Tensor::register_post_accumulate_grad_hook`].
    #[track_caller]
    pub fn register_post_accumulate_grad_hook_of<F>(
        &self,
        of: HookOf,
        hook: F,
    ) -> Result<HookHandle>
    where
        F: Fn(&Tensor) -> Result<()> + Send + Sync + 'static,
    {
        let site = Location::caller();
        match self.edge() {
            Some(Edge::Leaf(leaf)) => {
                Ok((self.leaf_hooks(&leaf)).add(of, Call::Accumulated(Arc::new(hook))))
            }
            Some(_) => Err(failed(
                "post accumulate grad hooks cannot be registered on non-leaf tensors",
            )
            .op("register_post_accumulate_grad_hook")
            .at(site)),
            None => Err(no_gradient("register_post_accumulate_grad_hook", site)),
        }
    }

    /// Keeps the gradient of this result in `.grad`, as leaves do; backwards add up. PyTorch's `retain_grad`.
    ///
    /// # Errors
    /// PyTorch's sentence where the tensor requires no gradient. Nothing to do for leaves.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::scalar(3.0f64).requires_grad_(true)?;
    /// let h = x.mul(2.0)?;
    /// h.retain_grad()?;
    /// h.square()?.backward()?;
    /// assert_eq!(h.grad().unwrap().item_f64()?, 12.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn retain_grad(&self) -> Result<()> {
        let site = Location::caller();
        match self.hook_point(site) {
            Some(Edge::Node(node, nr)) => {
                if let Some(slot) = self.retain_slot() {
                    node.hooks().retain(nr, &slot);
                }
                Ok(())
            }
            Some(_) => Ok(()),
            None => Err(Error::new(
                ErrorKind::Autograd,
                "can't retain_grad on Tensor that has requires_grad=False",
            )
            .op("retain_grad")
            .at(site)),
        }
    }

    fn leaf_hooks<'a>(&self, leaf: &'a Shared<Leaf>) -> &'a Arc<Hooks> {
        leaf.hooks.get_or_init(|| {
            let hooks = Hooks::default();
            if hooks.leaf.set(self.array().clone()).is_ok() {
                HOOKED_LEAVES.fetch_add(1, Ordering::Relaxed);
            }
            Arc::new(hooks)
        })
    }
}

#[cold]
fn no_gradient(op: &'static str, site: &'static Location<'static>) -> Error {
    failed("cannot register a hook on a tensor that doesn't require gradient")
        .op(op)
        .at(site)
}
