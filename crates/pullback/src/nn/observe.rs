//! Who watches layers is told what each of them gave: for summaries.
//!
//! A layer is known by where it lies and by its name, since a struct lies where its first field does.

use super::module::Module;
use super::repr::Repr;
use crate::{Result, Shape, Tensor};
use std::cell::RefCell;

/// A layer while it stays where it is.
pub(super) type Key = (usize, String);

thread_local! {
    static WATCHED: RefCell<Option<Vec<(Key, Shape)>>> = const { RefCell::new(None) };
    static WATCHES: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// What a module is known by.
pub(super) fn key(module: &dyn Module) -> Key {
    let name = module.repr().as_ref().map_or("", Repr::name).to_string();
    (module.place(), name)
}

/// What `run` gives, told to whoever watches as what `layer` gave.
#[inline]
pub(super) fn of<M: Module>(layer: &M, run: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
    let y = run()?;
    if WATCHES.get() {
        told(key(layer), &y);
    }
    Ok(y)
}

#[cold]
fn told(key: Key, y: &Tensor) {
    WATCHED.with_borrow_mut(|all| {
        if let Some(all) = all {
            all.push((key, y.shape().clone()));
        }
    });
}

/// Runs `f`, and gives what layers gave meanwhile, in order.
pub(super) fn watch<R>(f: impl FnOnce() -> Result<R>) -> Result<(R, Vec<(Key, Shape)>)> {
    /// Puts back who watched before, however `f` ends.
    struct Back(Option<Vec<(Key, Shape)>>);
    impl Drop for Back {
        fn drop(&mut self) {
            WATCHES.set(self.0.is_some());
            WATCHED.set(self.0.take());
        }
    }
    let back = Back(WATCHED.replace(Some(Vec::new())));
    WATCHES.set(true);
    let result = f()?;
    let seen = WATCHED.take().unwrap_or_default();
    drop(back);
    Ok((result, seen))
}
