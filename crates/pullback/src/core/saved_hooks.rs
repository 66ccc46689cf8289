//! Hooks on saved values: functions of the user that say how a value is kept for backward, and how it comes back.
//!
//! While hooks are set on a thread, each value that an operation saves is packed at once; what `pack` returns stays with the node in the
//! value's place, and `unpack` is called whenever a rule asks for the value. PyTorch's `torch.autograd.graph.saved_tensors_hooks`.
//! A packed value has no version: who packs answers for it. Not here: when a node lets its values go (`engine`).

use crate::core::binding::{Kept, Visit};
use crate::core::graph::{Node, Saved, lock};
use crate::core::tensor::Tensor;
use crate::{Error, ErrorKind, Result, Shared, core::graph, core::mode, core::watch};
use std::cell::RefCell;
use std::sync::{Arc, Mutex};

/// How values are kept for backward.
///
/// ```
/// use pullback::{SavedHooks, Tensor, binding::Kept, saved_tensors_hooks};
/// use std::sync::Arc;
/// /// Keeps numbers in half the memory.
/// struct Single;
/// impl SavedHooks for Single {
///     fn pack(&self, value: &Tensor) -> pullback::Result<Kept> {
///         Ok(Arc::new(value.to(pullback::DType::F32)?))
///     }
///     fn unpack(&self, packed: &Kept) -> pullback::Result<Tensor> {
///         let value: &Tensor = packed.downcast_ref().expect("what pack returned");
///         value.to(pullback::DType::F64)
///     }
/// }
/// let x = Tensor::scalar(3.0f64).requires_grad_(true)?;
/// let y = {
///     let _guard = saved_tensors_hooks(Arc::new(Single))?;
///     x.mul(&x)?
/// };
/// y.backward()?;
/// assert_eq!(x.grad().unwrap().item_f64()?, 6.0);
/// # Ok::<(), pullback::Error>(())
/// ```
pub trait SavedHooks: Send + Sync {
    /// What to keep of a value, which must not be written. Gradients are not recorded meanwhile.
    ///
    /// # Errors
    /// Its own; the operation that saves the value returns them.
    fn pack(&self, value: &Tensor) -> Result<Kept>;

    /// The value again.
    ///
    /// # Errors
    /// Its own; backward returns them.
    fn unpack(&self, packed: &Kept) -> Result<Tensor>;

    /// What the hooks hold, for who collects cycles.
    fn held(&self) -> Option<Kept> {
        None
    }
}

thread_local! {
    static SET: RefCell<Vec<Arc<dyn SavedHooks>>> = const { RefCell::new(Vec::new()) };
    static FORBIDDEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Takes the hooks away when dropped.
#[must_use = "the hooks are taken away when the guard is dropped"]
#[derive(Debug)]
pub struct SavedHooksGuard(std::marker::PhantomData<*const ()>);

impl Drop for SavedHooksGuard {
    fn drop(&mut self) {
        pop_saved_hooks();
    }
}

/// Packs what operations on this thread save until the guard is dropped; the hooks set last are the ones that are asked.
///
/// # Errors
/// The text given to [`forbid_saved_hooks`], while one is set.
pub fn saved_tensors_hooks(hooks: Arc<dyn SavedHooks>) -> Result<SavedHooksGuard> {
    push_saved_hooks(hooks)?;
    Ok(SavedHooksGuard(std::marker::PhantomData))
}

/// As [`saved_tensors_hooks`], until [`pop_saved_hooks`]: for languages without destructors.
///
/// # Errors
/// As [`saved_tensors_hooks`].
pub fn push_saved_hooks(hooks: Arc<dyn SavedHooks>) -> Result<()> {
    if let Some(text) = FORBIDDEN.with(|f| f.borrow().clone()) {
        return Err(Error::new(ErrorKind::Autograd, text));
    }
    SET.with(|set| set.borrow_mut().push(hooks));
    mode::put_packing(true);
    Ok(())
}

/// Takes the hooks away that were set last.
pub fn pop_saved_hooks() {
    let (gone, left) = SET.with(|set| {
        let mut set = set.borrow_mut();
        (set.pop(), !set.is_empty())
    });
    mode::put_packing(left);
    drop(gone);
}

/// Has setting hooks fail with this text on this thread, or (with `None`) allows it again; gives back what was said before. PyTorch's
/// `disable_saved_tensors_hooks`.
///
/// # Errors
/// The text, where hooks are set.
pub fn forbid_saved_hooks(text: Option<String>) -> Result<Option<String>> {
    if let Some(text) = &text
        && SET.with(|set| !set.borrow().is_empty())
    {
        return Err(Error::new(ErrorKind::Autograd, text.clone()));
    }
    Ok(FORBIDDEN.with(|f| std::mem::replace(&mut *f.borrow_mut(), text)))
}

/// The values of a node that were packed, and by whom.
pub(crate) struct Packed {
    hooks: Arc<dyn SavedHooks>,
    values: Vec<(u32, Kept)>,
    /// What came back for the rule that runs: a rule may ask for a value twice, and hooks are called once.
    back: Mutex<Vec<(u32, Tensor)>>,
}

impl Packed {
    /// Lets go what came back: the rule has run.
    pub(crate) fn settle(&self) {
        let gone = std::mem::take(&mut *lock(&self.back));
        drop(gone);
    }

    pub(crate) fn visit(&self, visit: &mut Visit<'_>) {
        for (_, kept) in &self.values {
            if Arc::strong_count(kept) == 1 {
                visit(&**kept);
            }
        }
    }
}

impl Node {
    /// Has the hooks of this thread pack what was saved.
    #[cold]
    pub(crate) fn pack(&mut self) -> Result<()> {
        let Some(hooks) = SET.with(|set| set.borrow().last().cloned()) else {
            return Ok(());
        };
        let graph::Kept::Values(list) = &mut *lock(&self.kept) else {
            return Ok(());
        };
        let Some(list) = Shared::get_mut(list) else {
            return Ok(());
        };
        let quiet = mode::no_grad();
        let mut values = Vec::with_capacity(list.len());
        // A number beside a tensor is kept as it is: in PyTorch it is none that is saved.
        let inputs = &self.inputs;
        let is_number = |saved: &Saved| {
            saved.array.rank() == 0
                && (inputs.get(saved.which as usize)).is_some_and(|i| i.target().is_none())
        };
        for saved in list.iter().filter(|s| !is_number(s)) {
            let Saved { which, array, .. } = saved;
            // An input is shown with its history, so that a hook knows leaves; a result is not, or its own node would keep it.
            let edge = inputs
                .get(*which as usize)
                .and_then(|i| i.target().cloned());
            let value = Tensor::with_edge(array.clone(), edge);
            let version = array.version();
            let packed = hooks.pack(&value)?;
            if array.version() != version {
                return Err(Error::new(
                    ErrorKind::Autograd,
                    "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if you need to perform in-place operations on the input to a pack hook.",
                ));
            }
            values.push((*which, packed));
        }
        drop(quiet);
        // Who watches tells values apart by the arrays that they lie in, so those stay.
        if mode::flags() & watch::WATCHED == 0 {
            list.retain(|saved| is_number(saved));
        }
        let cell = self.hooks.get_or_init(Arc::default);
        *lock(&cell.packed) = Some(Arc::new(Packed {
            hooks,
            values,
            back: Mutex::new(Vec::new()),
        }));
        Ok(())
    }

    /// A value that was packed.
    #[cold]
    pub(crate) fn unpacked(&self, which: u32) -> Result<Option<Tensor>> {
        let Some(packed) = (self.hooks.get()).and_then(|h| lock(&h.packed).clone()) else {
            return Ok(None);
        };
        if let Some((_, value)) = lock(&packed.back).iter().find(|(w, _)| *w == which) {
            return Ok(Some(value.clone()));
        }
        let Some((_, kept)) = packed.values.iter().find(|(w, _)| *w == which) else {
            return Ok(None);
        };
        let value = packed.hooks.unpack(kept)?;
        lock(&packed.back).push((which, value.clone()));
        Ok(Some(value))
    }
}
