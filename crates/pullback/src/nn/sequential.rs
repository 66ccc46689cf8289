//! Layers one after the other.

use super::layer::Layer;
use super::module::Module;
use super::observe;
use super::repr::Repr;
use super::visit::{Visit, VisitMut};
use crate::{Result, Tensor};

/// A layer that can be cloned in its box: what [`Sequential`] holds. Every layer that is `Clone`, `Send` and `Sync` is one.
pub trait BoxedLayer: Layer + Send + Sync {
    /// A clone in a box of its own.
    fn boxed(&self) -> Box<dyn BoxedLayer>;
}

impl<L: Layer + Clone + Send + Sync + 'static> BoxedLayer for L {
    fn boxed(&self) -> Box<dyn BoxedLayer> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn BoxedLayer> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

/// Layers one after the other. PyTorch's `nn.Sequential`; [`sequential!`](crate::sequential) makes one of a list.
///
/// ```
/// use pullback::nn::{Layer, Linear, Module, ReLU, Sequential};
/// use pullback::{DType, Tensor, sequential};
/// let model = sequential![Linear::new(2, 4)?, ReLU, Linear::new(4, 1)?];
/// assert_eq!(model.forward(&Tensor::ones([5, 2], DType::F32)?)?.shape()[..], [5, 1]);
/// assert_eq!(model.state().names().collect::<Vec<_>>(), ["0.weight", "0.bias", "2.weight", "2.bias"]);
/// // The same, with names.
/// let named = Sequential::new().then_named("hidden", Linear::new(2, 4)?).then_named("act", ReLU);
/// assert_eq!(named.state().names().collect::<Vec<_>>(), ["hidden.weight", "hidden.bias"]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Sequential {
    layers: Vec<(String, Box<dyn BoxedLayer>)>,
}

impl Sequential {
    /// No layers: the input is the result.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// With one more layer, named by its place.
    #[must_use]
    pub fn then(self, layer: impl Layer + Clone + Send + Sync + 'static) -> Sequential {
        let name = self.layers.len().to_string();
        self.then_named(name, layer)
    }

    /// With one more layer of a name.
    #[must_use]
    pub fn then_named(
        mut self,
        name: impl Into<String>,
        layer: impl Layer + Clone + Send + Sync + 'static,
    ) -> Sequential {
        self.layers.push((name.into(), Box::new(layer)));
        self
    }

    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The layers with their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &dyn Layer)> {
        self.layers
            .iter()
            .map(|(name, layer)| (&**name, layer as &dyn Layer))
    }
}

impl Module for Sequential {
    fn visit(&self, v: &mut Visit<'_>) {
        for (name, layer) in &self.layers {
            v.field(name, layer);
        }
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        (self.layers.iter_mut()).try_for_each(|(name, layer)| v.field(name, layer))
    }
    fn repr(&self) -> Option<Repr> {
        Some(Repr::new("Sequential"))
    }
}

impl Layer for Sequential {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let step = |x: Tensor, (name, layer): &(String, Box<dyn BoxedLayer>)| {
            layer.forward(&x).map_err(|e| {
                let repr = layer.repr();
                let what = repr.as_ref().map_or("a layer", Repr::name);
                e.note(format!("in layer `{name}` ({what}), given {}", x.shape()))
            })
        };
        observe::of(self, || self.layers.iter().try_fold(x.clone(), step))
    }
}

impl std::fmt::Display for Sequential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::repr::print(self, f)
    }
}

/// As it is printed: what layers hold besides their tensors is not known here.
impl std::fmt::Debug for Sequential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
