//! How a module names its tensors: a walk that keeps the path, so that a module says the names of its own fields only.
//!
//! [`Visit`] looks, [`VisitMut`] may put another tensor in a field's place. What is asked on such a walk is in `module` and `load`.

use super::module::Module;
use crate::{Result, Tensor};
use std::fmt::{Display, Write};

/// What a walk is for.
enum Asked<'v> {
    /// Every tensor, with its whole name.
    Tensors(&'v mut dyn FnMut(&str, &Tensor)),
    /// The fields of one module, not what is in them.
    Fields(&'v mut dyn FnMut(&str, &dyn Module)),
}

/// A walk over the tensors of a module. Implementations of [`Module::visit`] tell it their fields.
pub struct Visit<'v> {
    path: String,
    asked: Asked<'v>,
}

/// Adds a name to a path, and gives the length from before.
fn enter(path: &mut String, name: impl Display) -> usize {
    let before = path.len();
    let dot = if path.is_empty() { "" } else { "." };
    // Writing to a string does not fail.
    let _ = write!(path, "{dot}{name}");
    before
}

impl<'v> Visit<'v> {
    /// A walk that calls `f` with every tensor and its name: the names of the fields on the way, with dots between them.
    pub fn tensors(f: &'v mut dyn FnMut(&str, &Tensor)) -> Visit<'v> {
        Visit {
            path: String::new(),
            asked: Asked::Tensors(f),
        }
    }

    /// A walk that calls `f` with the fields of one module and goes no deeper: for printing.
    pub fn fields(f: &'v mut dyn FnMut(&str, &dyn Module)) -> Visit<'v> {
        Visit {
            path: String::new(),
            asked: Asked::Fields(f),
        }
    }

    /// Tells of a field: a tensor, a layer, a list of them.
    pub fn field(&mut self, name: impl Display, module: &dyn Module) {
        match &mut self.asked {
            Asked::Tensors(_) => {
                let before = enter(&mut self.path, name);
                module.visit(self);
                self.path.truncate(before);
            }
            Asked::Fields(f) => f(&name.to_string(), module),
        }
    }

    /// Tells of a tensor that bears the name of the field it is in.
    pub fn tensor(&mut self, tensor: &Tensor) {
        if let Asked::Tensors(f) = &mut self.asked {
            f(&self.path, tensor);
        }
    }
}

/// A walk over the tensors of a module that may put others in their place.
pub struct VisitMut<'v> {
    path: String,
    f: &'v mut dyn FnMut(&str, &mut Tensor) -> Result<()>,
}

impl<'v> VisitMut<'v> {
    /// A walk that calls `f` with every tensor and its name, and ends at its first error.
    pub fn tensors(f: &'v mut dyn FnMut(&str, &mut Tensor) -> Result<()>) -> VisitMut<'v> {
        VisitMut {
            path: String::new(),
            f,
        }
    }

    /// As [`Visit::field`].
    ///
    /// # Errors
    /// Those of the walk's function.
    pub fn field(&mut self, name: impl Display, module: &mut dyn Module) -> Result<()> {
        let before = enter(&mut self.path, name);
        let done = module.visit_mut(self);
        self.path.truncate(before);
        done
    }

    /// As [`Visit::tensor`].
    ///
    /// # Errors
    /// Those of the walk's function.
    pub fn tensor(&mut self, tensor: &mut Tensor) -> Result<()> {
        (self.f)(&self.path, tensor)
    }
}
