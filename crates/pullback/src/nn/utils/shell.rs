//! A layer one of whose tensors is computed of others: what weight norm and spectral norm share.
//!
//! The layer is kept without that tensor's numbers; each call puts the computed one into a clone, whose other tensors are the same handles.

use crate::core::fail::bail;
use crate::nn::{Module, Visit, VisitMut};
use crate::{Result, Tensor};

/// A layer, and the name of the tensor that is computed.
#[derive(Clone, Debug)]
pub(super) struct Shell<L> {
    layer: L,
    name: String,
    /// The layer printed, as it was.
    text: String,
}

impl<L: Module + Clone> Shell<L> {
    /// Takes the tensor out of a layer: the layer without it, and the tensor.
    ///
    /// # Errors
    /// PyTorch's sentence where there is none.
    pub(super) fn new(layer: &L, name: &str) -> Result<(Shell<L>, Tensor)> {
        let Some(weight) = layer.state().get(name).cloned() else {
            bail!(
                Value,
                "Module '{}' has no parameter or buffer with name '{name}'",
                layer.repr().as_ref().map_or("", |r| r.name())
            );
        };
        let shell = Shell {
            layer: layer.clone(),
            name: name.to_string(),
            text: (layer as &dyn Module).to_string(),
        };
        let placeholder = Tensor::zeros([0], weight.dtype())?;
        let layer = shell.with(&placeholder)?;
        Ok((Shell { layer, ..shell }, weight))
    }

    /// The layer with this tensor.
    pub(super) fn with(&self, tensor: &Tensor) -> Result<L> {
        let mut layer = self.layer.clone();
        let mut put = |name: &str, t: &mut Tensor| {
            if name == self.name {
                *t = tensor.clone();
            }
            Ok(())
        };
        layer.visit_mut(&mut VisitMut::tensors(&mut put))?;
        Ok(layer)
    }

    /// Tells of all tensors but the one that is computed.
    pub(super) fn visit(&self, v: &mut Visit<'_>) {
        self.layer.visit(&mut Visit::tensors(&mut |name, t| {
            if name != self.name {
                v.field(name, t);
            }
        }));
    }

    /// As [`Shell::visit`].
    pub(super) fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        let own = &self.name;
        let mut tell = |name: &str, t: &mut Tensor| match name == own {
            true => Ok(()),
            false => v.field(name, t),
        };
        self.layer.visit_mut(&mut VisitMut::tensors(&mut tell))
    }

    /// The name of a tensor that the computed one is made of, as PyTorch calls it.
    pub(super) fn part(&self, part: &str) -> String {
        format!("parametrizations.{}.{part}", self.name)
    }

    /// The layer, printed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
