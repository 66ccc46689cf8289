//! Who watches layers is told what each of them gave: for summaries.
//!
//! A layer is known by where it lies and by its name, since a struct lies where its first field does.

use super::module::Module;
use super::repr::Repr;
use crate::{Result, Shape, Tensor};
use std::cell::RefCell;

/// A layer while it stays where it is.
pub(crate) type Key = (usize, String);

thread_local! {
    static WATCHED: RefCell<Option<Vec<(Key, Shape)>>> = const { RefCell::new(None) };
    static WATCHES: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    /// The layers that run now, while somebody watches.
    static RUNNING: RefCell<Vec<Key>> = const { RefCell::new(Vec::new()) };
}

/// What a module is known by.
pub(super) fn key(module: &dyn Module) -> Key {
    let name = module.repr().as_ref().map_or("", Repr::name).to_string();
    (module.place(), name)
}

/// What `run` gives, told to whoever watches as what `layer` gave.
#[inline]
pub(super) fn of<M: Module>(layer: &M, run: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
    if WATCHES.get() {
        return watched(key(layer), run);
    }
    run()
}

#[cold]
fn watched(key: Key, run: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
    /// Ends what began, however it ends.
    struct Ran;
    impl Drop for Ran {
        fn drop(&mut self) {
            RUNNING.with_borrow_mut(|all| all.pop());
        }
    }
    RUNNING.with_borrow_mut(|all| all.push(key.clone()));
    let ran = Ran;
    let y = run()?;
    drop(ran);
    told(key, &y);
    Ok(y)
}

/// A key as a text.
#[cfg(feature = "onnx")]
fn text((place, name): &Key) -> String {
    format!("{place}:{name}")
}

/// The innermost layer that runs now, as a text that [`paths`] knows; for who records what runs under [`watch`].
#[cfg(feature = "onnx")]
pub(crate) fn running() -> Option<String> {
    RUNNING.with_borrow(|all| all.last().map(text))
}

/// What the layers of a model are called, by what [`running`] says: their kind and the fields on the way to them. Layers without fields lie in one place,
/// and have their kind alone.
#[cfg(feature = "onnx")]
pub(crate) fn paths(model: &dyn Module) -> std::collections::HashMap<String, String> {
    fn walk(path: &str, module: &dyn Module, all: &mut std::collections::HashMap<String, String>) {
        if let Some(repr) = module.repr() {
            let kind = Repr::name(&repr);
            let said = match path {
                "" => kind.to_string(),
                path => format!("{path} ({kind})"),
            };
            (all.entry(text(&key(module))))
                .and_modify(|known| {
                    if !known.starts_with(&format!("{path}.")) && *known != said {
                        *known = kind.to_string();
                    }
                })
                .or_insert(said);
        }
        module.visit(&mut super::visit::Visit::fields(&mut |field, inner| {
            let dot = if path.is_empty() { "" } else { "." };
            walk(&format!("{path}{dot}{field}"), inner, all);
        }));
    }
    let mut all = std::collections::HashMap::new();
    walk("", model, &mut all);
    all
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
pub(crate) fn watch<R>(f: impl FnOnce() -> Result<R>) -> Result<(R, Vec<(Key, Shape)>)> {
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
