//! What a language binding needs to know of tensors: which object of the other language a tensor is, what the tensor keeps for it, and what
//! a tensor alone keeps alive.
//!
//! A collector of cycles (Python's) asks each object what it holds. What a tensor's graph holds for the user, such as hooks and the context of
//! a function, may be named only where nobody else holds it too: the collector would think it dead while a graph still needs it. So the
//! walk here stops wherever a count says that there is another holder. PyTorch does the same.

use crate::Shared;
use crate::core::grad_fn::GradFn;
use crate::core::graph::{Edge, Leaf, Node, lock};
use crate::core::tensor::Tensor;
use std::any::Any;
use std::sync::atomic::AtomicPtr;
use std::sync::{Arc, Mutex, TryLockError};

/// What somebody outside keeps with a tensor, an operation or a hook.
pub type Kept = Arc<dyn Any + Send + Sync>;

/// What a walk calls with everything that it finds.
pub type Visit<'a> = dyn FnMut(&(dyn Any + Send + Sync)) + 'a;

/// Says who a hook is: how errors name it, and what it holds.
#[derive(Clone, Default)]
pub struct HookOf {
    /// The function's name.
    pub name: String,
    /// What the hook holds; the closure may hold it too.
    pub held: Option<Kept>,
}

/// Locks only if nobody has the lock: a collector must not wait.
pub(crate) fn free<T>(mutex: &Mutex<T>) -> Option<std::sync::MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(e)) => Some(e.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl Tensor {
    /// A word in which a binding notes its object for this tensor. Null at first; all clones of the handle share it.
    #[inline]
    pub fn binding(&self) -> &AtomicPtr<()> {
        &self.0.object
    }

    /// What a binding keeps with this tensor.
    pub fn companion(&self) -> Option<Kept> {
        let slow = self.0.meta.get()?;
        lock(&slow.companion).clone()
    }

    /// Keeps something with this tensor, in the place of what was kept before.
    pub fn set_companion(&self, kept: Kept) {
        let old = lock(&self.0.meta().companion).replace(kept);
        drop(old);
    }

    /// Whether this is a leaf whose gradient is gathered.
    #[inline]
    pub fn is_gathered(&self) -> bool {
        match &self.0.edge {
            Some(Edge::Node(..)) => false,
            _ => self.has_edge() && matches!(self.edge(), Some(Edge::Leaf(_))),
        }
    }

    /// Keeps something with the place where this leaf's gradient is gathered.
    pub fn set_leaf_companion(&self, kept: Kept) {
        if let Some(Edge::Leaf(leaf)) = self.edge() {
            let old = lock(&leaf.companion).replace(kept);
            drop(old);
        }
    }

    /// How many handles of this tensor there are.
    pub fn holders(&self) -> usize {
        Shared::count(&self.0)
    }

    /// Calls `visit` with what this handle alone keeps alive: what hooks hold, what functions of the user hold, what was kept with the
    /// operation that made it, and the same of its gradient. Nothing where others hold the tensor.
    pub fn visit_own(&self, visit: &mut Visit<'_>) {
        self.visit_to(visit, 1);
    }

    /// Takes away the hooks of what [`Tensor::visit_own`] walks: what ends a cycle through them.
    pub fn clear_own(&self) {
        if self.holders() != 1 {
            return;
        }
        match self.gradient_node() {
            // One holder is the tensor, one is this handle.
            Some(at) if at.holders() == 2 => at.clear_hooks(),
            _ => {}
        }
    }

    fn visit_to(&self, visit: &mut Visit<'_>, depth: usize) {
        if self.holders() != 1 {
            return;
        }
        let slow = self.0.meta.get();
        if let Some(kept) = slow.and_then(|s| free(&s.companion)?.clone()) {
            // One holder is the tensor, one is `kept`.
            if Arc::strong_count(&kept) == 2 {
                visit(&*kept);
            }
        }
        if depth > 0
            && let Some(grad) = slow.and_then(|s| free(&s.own_grad))
            && let Some(grad) = &*grad
        {
            grad.visit_to(visit, depth - 1);
        }
        // A tensor that was written holds its newest operation in several places.
        let newer = slow.map_or_else(Vec::new, |s| s.edges());
        let edges: Vec<&Edge> = newer.iter().chain(self.0.edge.as_ref()).collect();
        for (i, edge) in edges.iter().enumerate() {
            if edges[..i].iter().any(|e| e.key().0 == edge.key().0) {
                continue;
            }
            let own = edges.iter().filter(|e| e.key().0 == edge.key().0).count();
            // Those in `newer` are clones of what is inside of the tensor.
            let lent = newer.iter().filter(|e| e.key().0 == edge.key().0).count();
            match edge {
                Edge::Node(node, _) if Shared::count(node) == own + lent => node.visit(visit),
                Edge::Leaf(leaf) if Shared::count(leaf) == own + lent => leaf.visit(visit, depth),
                _ => {}
            }
        }
    }
}

impl Node {
    fn visit(&self, visit: &mut Visit<'_>) {
        if let Some(hooks) = self.hooks.get() {
            hooks.visit(visit);
        }
        if let Some(held) = self.op.held() {
            visit(held);
        }
    }
}

impl Leaf {
    fn visit(&self, visit: &mut Visit<'_>, depth: usize) {
        if let Some(hooks) = self.hooks.get() {
            hooks.visit(visit);
        }
        if depth > 0
            && let Some(grad) = free(&self.grad)
            && let Some(grad) = &*grad
        {
            grad.visit_to(visit, depth - 1);
        }
    }
}

impl GradFn {
    fn holders(&self) -> usize {
        match self.place() {
            Ok(node) => Shared::count(node),
            Err(leaf) => Shared::count(leaf),
        }
    }

    fn clear_hooks(&self) {
        let hooks = match self.place() {
            Ok(node) => node.hooks.get(),
            Err(leaf) => leaf.hooks.get(),
        };
        if let Some(hooks) = hooks {
            hooks.clear();
        }
    }

    /// What a binding keeps with the place where a leaf's gradient is gathered.
    pub fn leaf_companion(&self) -> Option<Kept> {
        let leaf = self.place().err()?;
        lock(&leaf.companion).clone()
    }

    /// A handle of the leaf whose gradient is gathered here, over its memory.
    pub fn leaf_over(&self, array: crate::Array) -> Option<Tensor> {
        let leaf = self.place().err()?;
        Some(Tensor::with_edge(array, Some(Edge::Leaf(leaf.clone()))))
    }

    /// As [`Tensor::clear_own`], for a handle of an operation.
    pub fn clear_own(&self) {
        if self.holders() == 1 {
            self.clear_hooks();
        }
    }

    /// As [`Tensor::visit_own`], for a handle of an operation.
    pub fn visit_own(&self, visit: &mut Visit<'_>) {
        match self.place() {
            Ok(node) if Shared::is_unique(node) => node.visit(visit),
            Err(leaf) if Shared::is_unique(leaf) => leaf.visit(visit, 1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Result;

    fn found(t: &Tensor) -> usize {
        let mut n = 0;
        t.visit_own(&mut |_| n += 1);
        n
    }

    #[test]
    fn only_what_a_single_holder_holds_is_visited() -> Result<()> {
        let hook = || HookOf {
            name: "h".into(),
            held: Some(Arc::new(3)),
        };
        let x = Tensor::scalar(1.0f64).requires_grad_(true)?;
        x.register_hook_of(hook(), |_| Ok(None))?;
        assert_eq!(found(&x), 1);
        let other = x.clone();
        assert_eq!((found(&x), found(&other)), (0, 0));
        drop(other);
        let y = x.mul(2.0)?;
        assert_eq!(found(&x), 0, "y's graph holds the leaf");
        y.register_hook_of(hook(), |_| Ok(None))?;
        assert_eq!(found(&y), 1);
        let z = y.mul(2.0)?;
        assert_eq!(found(&y), 0, "z's graph holds the operation");
        drop(z);
        y.mul_(3.0)?;
        y.register_hook_of(hook(), |_| Ok(None))?;
        assert_eq!(found(&y), 1, "the write's operation is y's own");
        drop(y);
        assert_eq!(found(&x), 1);
        x.set_companion(Arc::new(5));
        assert_eq!(found(&x), 2);
        Ok(())
    }
}
