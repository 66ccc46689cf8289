//! Hooks: functions of the user that backward calls with gradients on their way, and gradients kept for results.
//!
//! A node and a leaf have one cell that is empty until a hook is registered, so hooks that nobody uses cost one look.
//! What is called when: hooks of a tensor get the finished sum of its gradient and may replace it, in the order in which
//! they were registered; then `retain_grad` keeps it; then prehooks of the operation that made it; then its rule; then
//! posthooks. A leaf's hooks run before its `.grad` is added to, post-accumulate hooks after. Not here: when backward
//! gets to a place (`backward`), and the handle to an operation (`grad_fn`).
//!
//! A hook lives as long as what it is registered on. One that captures its own tensor keeps both alive for ever, as in
//! PyTorch; capture what it needs instead, or remove it by its handle.

use crate::core::binding::{HookOf, Kept, Visit, free};
use crate::core::graph::{Edge, Leaf, Node, lock};
use crate::core::saved_hooks::Packed;
use crate::core::tensor::Tensor;
use crate::{Array, Error, ErrorKind, Result, Shared};
use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

/// A list of gradients; `None` where there is none (which counts as zero).
pub type Grads = Vec<Option<Tensor>>;

type TensorHook = dyn Fn(&Tensor) -> Result<Option<Tensor>> + Send + Sync;
type PreHook = dyn Fn(&[Option<Tensor>]) -> Result<Option<Grads>> + Send + Sync;
type PostHook = dyn Fn(&[Option<Tensor>], &[Option<Tensor>]) -> Result<Option<Grads>> + Send + Sync;
type AccumulatedHook = dyn Fn(&Tensor) -> Result<()> + Send + Sync;

/// Where `retain_grad` keeps a result's gradient.
pub(crate) type Slot = Mutex<Option<Tensor>>;

pub(super) enum Call {
    /// On a result of the node (or on the leaf), counted from 0.
    Tensor(u32, Arc<TensorHook>),
    Pre(Arc<PreHook>),
    Post(Arc<PostHook>),
    Accumulated(Arc<AccumulatedHook>),
}

struct Hook {
    id: u64,
    /// The function's name, for error messages.
    name: Arc<str>,
    /// What it holds, for who collects cycles.
    held: Option<Kept>,
    call: Call,
}

impl HookOf {
    /// A closure of Rust's: its path says who it is.
    pub(crate) fn of<F>() -> HookOf {
        HookOf {
            name: std::any::type_name::<F>().to_string(),
            held: None,
        }
    }
}

/// Everything registered on a node or a leaf.
#[derive(Default)]
pub(crate) struct Hooks {
    next: AtomicU64,
    list: Mutex<Vec<Hook>>,
    retained: Mutex<Vec<(u32, Weak<Slot>)>>,
    pub(crate) metadata: Mutex<HashMap<String, Arc<dyn Any + Send + Sync>>>,
    /// Saved values that the user's hooks packed.
    pub(crate) packed: Mutex<Option<Arc<Packed>>>,
    /// A leaf's numbers, of which post-accumulate hooks get a handle.
    pub(super) leaf: OnceLock<Array>,
}

/// Leaves with hooks, alive: backward counts their uses only if there are any.
pub(super) static HOOKED_LEAVES: AtomicUsize = AtomicUsize::new(0);

/// Whether any leaf has hooks.
pub(crate) fn leaves_have_hooks() -> bool {
    HOOKED_LEAVES.load(Ordering::Relaxed) != 0
}

impl Drop for Hooks {
    fn drop(&mut self) {
        if self.leaf.get().is_some() {
            HOOKED_LEAVES.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Takes a hook away again; the hook stays if the handle is merely dropped. PyTorch's `RemovableHandle`.
#[derive(Debug, Clone)]
pub struct HookHandle {
    hooks: Weak<Hooks>,
    id: u64,
}

impl HookHandle {
    /// Takes the hook away; nothing happens where it, or what it was registered on, is gone already.
    pub fn remove(&self) {
        let Some(hooks) = self.hooks.upgrade() else {
            return;
        };
        let mut list = lock(&hooks.list);
        let gone = (list.iter().position(|h| h.id == self.id)).map(|at| list.remove(at));
        drop(list); // before the closure, whose drop may come back here
        drop(gone);
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hooks({})", lock(&self.list).len())
    }
}

impl Hooks {
    pub(super) fn add(self: &Arc<Self>, of: HookOf, call: Call) -> HookHandle {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.list).push(Hook {
            id,
            name: of.name.into(),
            held: of.held,
            call,
        });
        HookHandle {
            hooks: Arc::downgrade(self),
            id,
        }
    }

    /// Calls `visit` with what hooks hold, and with what was kept with the operation; with nothing that is locked just now.
    pub(crate) fn visit(&self, visit: &mut Visit<'_>) {
        for hook in free(&self.list).iter().flat_map(|list| list.iter()) {
            if let Some(held) = &hook.held {
                visit(&**held);
            }
        }
        for kept in free(&self.metadata).iter().flat_map(|all| all.values()) {
            visit(&**kept);
        }
        if let Some(packed) = free(&self.packed).as_ref().and_then(|p| p.as_ref())
            && Arc::strong_count(packed) == 1
        {
            packed.visit(visit);
        }
    }

    /// Lets go what hooks packed, once the rule has run; with `retain` only what came back of it.
    pub(crate) fn forget_packed(&self, retain: bool) {
        let packed = match retain {
            true => lock(&self.packed).clone(),
            false => lock(&self.packed).take(),
        };
        if let Some(packed) = packed {
            packed.settle();
        }
    }

    /// Takes all hooks away.
    pub(crate) fn clear(&self) {
        let gone = std::mem::take(&mut *lock(&self.list));
        drop(gone);
    }

    pub(crate) fn add_pre<F>(self: &Arc<Self>, of: HookOf, f: F) -> HookHandle
    where
        F: Fn(&[Option<Tensor>]) -> Result<Option<Grads>> + Send + Sync + 'static,
    {
        self.add(of, Call::Pre(Arc::new(f)))
    }

    pub(crate) fn add_post<F>(self: &Arc<Self>, of: HookOf, f: F) -> HookHandle
    where
        F: Fn(&[Option<Tensor>], &[Option<Tensor>]) -> Result<Option<Grads>>
            + Send
            + Sync
            + 'static,
    {
        self.add(of, Call::Post(Arc::new(f)))
    }

    /// The hooks that `pick` takes, to call with nothing locked: a hook may register or remove others.
    fn picked<T>(&self, pick: impl Fn(&Call) -> Option<T>) -> Vec<(Arc<str>, T)> {
        (lock(&self.list).iter())
            .filter_map(|h| pick(&h.call).map(|f| (h.name.clone(), f)))
            .collect()
    }

    /// Runs the hooks of result `nr` on its gradient and keeps what comes out where `retain_grad` asks for it.
    pub(crate) fn on_tensor(&self, nr: u32, mut g: Tensor) -> Result<Tensor> {
        let hooks = self.picked(|c| match c {
            Call::Tensor(k, f) if *k == nr => Some(f.clone()),
            _ => None,
        });
        for (name, hook) in hooks {
            if let Some(new) = hook(&g)? {
                same_kind(&name, &g, &new)?;
                g = new;
            }
        }
        let slots: Vec<Arc<Slot>> = (lock(&self.retained).iter())
            .filter(|(k, _)| *k == nr)
            .filter_map(|(_, slot)| slot.upgrade())
            .collect();
        for slot in slots {
            let old = lock(&slot).clone();
            let new = match &old {
                None => g.copy()?,
                Some(old) => old.add(&g)?,
            };
            let replaced = lock(&slot).replace(new);
            drop(replaced);
        }
        Ok(g)
    }

    /// [`Hooks::on_tensor`] for every result that has a gradient.
    pub(crate) fn on_tensors(&self, grads: &mut [Option<Tensor>]) -> Result<()> {
        for (nr, slot) in grads.iter_mut().enumerate() {
            if let Some(g) = slot.take() {
                *slot = Some(self.on_tensor(nr as u32, g)?);
            }
        }
        Ok(())
    }

    /// Prehooks: may replace the gradients of the results.
    pub(crate) fn before(&self, grads: &mut [Option<Tensor>]) -> Result<()> {
        let hooks = self.picked(|c| match c {
            Call::Pre(f) => Some(f.clone()),
            _ => None,
        });
        for (name, hook) in hooks {
            if let Some(new) = hook(grads)? {
                replace(&name, grads, new)?;
            }
        }
        Ok(())
    }

    /// Whether a posthook will want to see the gradients that came in.
    pub(crate) fn has_posthooks(&self) -> bool {
        (lock(&self.list).iter()).any(|h| matches!(h.call, Call::Post(_)))
    }

    /// Posthooks: may replace the gradients of the inputs.
    pub(crate) fn after(
        &self,
        inputs: &mut [Option<Tensor>],
        came: &[Option<Tensor>],
    ) -> Result<()> {
        let hooks = self.picked(|c| match c {
            Call::Post(f) => Some(f.clone()),
            _ => None,
        });
        for (name, hook) in hooks {
            if let Some(new) = hook(inputs, came)? {
                replace(&name, inputs, new)?;
            }
        }
        Ok(())
    }

    /// A leaf's hooks that run once `.grad` is up to date.
    pub(crate) fn accumulated(&self, leaf: &Shared<Leaf>) -> Result<()> {
        let hooks = self.picked(|c| match c {
            Call::Accumulated(f) => Some(f.clone()),
            _ => None,
        });
        for (_, hook) in hooks {
            if let Some(array) = self.leaf.get() {
                hook(&Tensor::with_edge(
                    array.clone(),
                    Some(Edge::Leaf(leaf.clone())),
                ))?;
            }
        }
        Ok(())
    }

    pub(crate) fn retain(&self, nr: u32, slot: &Arc<Slot>) {
        lock(&self.retained).push((nr, Arc::downgrade(slot)));
    }

    pub(crate) fn release(&self, slot: &Arc<Slot>) {
        lock(&self.retained)
            .retain(|(_, s)| s.strong_count() > 0 && s.as_ptr() != Arc::as_ptr(slot));
    }
}

/// Puts what a hook returned in place of what it was given.
fn replace(name: &str, old: &mut [Option<Tensor>], new: Grads) -> Result<()> {
    if new.len() != old.len() {
        return Err(failed(format!(
            "hook '{name}' has returned an incorrect number of values (got {}, but expected {})",
            new.len(),
            old.len()
        )));
    }
    for (old, new) in old.iter_mut().zip(new) {
        match (&*old, &new) {
            (Some(old), Some(new)) => same_kind(name, old, new)?,
            (None, Some(_)) => {
                return Err(failed(
                    "can't replace a None gradient with a non-None value",
                ));
            }
            (_, None) => {}
        }
        *old = new;
    }
    Ok(())
}

#[cold]
pub(super) fn failed(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Autograd, text)
}

fn same_kind(name: &str, old: &Tensor, new: &Tensor) -> Result<()> {
    if old.dtype() != new.dtype() {
        let ty = |t: &Tensor| format!("torch.{}Tensor", t.dtype().scalar_type_name());
        return Err(failed(format!(
            "hook '{name}' has changed the type of value (was {} got {})",
            ty(old),
            ty(new)
        )));
    }
    if old.shape() != new.shape() {
        let note = format!("was {}, got {}", old.shape(), new.shape());
        return Err(failed(format!("hook '{name}' has changed the size of value")).note(note));
    }
    Ok(())
}

impl Node {
    pub(crate) fn hooks(&self) -> &Arc<Hooks> {
        self.hooks.get_or_init(Arc::default)
    }
}

#[pullback_macros::called]
impl Tensor {}
