//! Modules of one input and one result, and a closure as one.

use super::module::Module;
use super::observe;
use super::repr::Repr;
use super::visit::{Visit, VisitMut};
use crate::{Result, Tensor};

/// A module that makes one tensor of one.
pub trait Layer: Module {
    /// The result for an input.
    ///
    /// # Errors
    /// Those of what is computed.
    fn forward(&self, x: &Tensor) -> Result<Tensor>;
}

impl<L: Layer + ?Sized> Layer for Box<L> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        (**self).forward(x)
    }
}

/// Nothing is done where there is no layer.
impl<L: Layer> Layer for Option<L> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.as_ref()
            .map_or_else(|| Ok(x.clone()), |layer| layer.forward(x))
    }
}

/// A closure as a layer.
///
/// ```
/// use pullback::nn::{Lambda, Layer};
/// use pullback::Tensor;
/// let double = Lambda(|x: &Tensor| x.mul(2.0));
/// assert_eq!(double.forward(&Tensor::scalar(3.0f32))?.item_f64()?, 6.0);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Lambda<F>(pub F);

impl<F: Fn(&Tensor) -> Result<Tensor>> Module for Lambda<F> {
    fn visit(&self, _: &mut Visit<'_>) {}
    fn visit_mut(&mut self, _: &mut VisitMut<'_>) -> Result<()> {
        Ok(())
    }
    fn repr(&self) -> Option<Repr> {
        Some(Repr::new("Lambda"))
    }
}

impl<F: Fn(&Tensor) -> Result<Tensor>> Layer for Lambda<F> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        observe::of(self, || (self.0)(x))
    }
}
