//! The one trait of models: it names the tensors of a struct, and everything that is done with all of them follows.
//!
//! What a walk is: `visit`. What may be a field: `fields`. How a state is loaded: `load`.

use super::derivatives::{self, Hessian};
use super::layer::Layer;
use super::load::{self, LoadReport};
use super::named::NamedTensors;
use super::repr::{Repr, short_name};
use super::summary::{self, Summary};
use super::visit::{Visit, VisitMut};
use crate::check::Check;
use crate::core::fail::{bail, ensure};
use crate::{Array, DType, Device, Result, Tensor};
use std::collections::HashMap;

/// A struct of tensors, of layers, or of both.
///
/// A tensor that requires gradients is a *parameter*, any other is a *buffer*. Handles share: a clone of a model is the same model, and what
/// an optimiser writes is seen by every clone ([`Module::deep_copy`] has numbers of its own). [`module!`](crate::module) writes the two methods
/// that there are to write:
///
/// ```
/// use pullback::nn::{self, Layer, Module};
/// use pullback::{Result, Tensor};
///
/// #[derive(Clone)]
/// struct Mlp {
///     hidden: Vec<nn::Linear>,
///     head: nn::Linear,
/// }
/// pullback::module!(Mlp { hidden, head });
///
/// impl Mlp {
///     fn forward(&self, x: &Tensor) -> Result<Tensor> {
///         let mut x = x.clone();
///         for layer in &self.hidden {
///             x = layer.forward(&x)?.relu()?;
///         }
///         self.head.forward(&x)
///     }
/// }
///
/// let model = Mlp { hidden: vec![nn::Linear::new(2, 8)?], head: nn::Linear::new(8, 1)? };
/// let names = model.named_parameters();
/// assert_eq!(names.names().collect::<Vec<_>>(), ["hidden.0.weight", "hidden.0.bias", "head.weight", "head.bias"]);
/// assert_eq!(model.num_parameters(), 33);
/// assert_eq!(
///     model.to_string(),
///     "Mlp(
///   (hidden): ModuleList(
///     (0): Linear(in_features=2, out_features=8, bias=True)
///   )
///   (head): Linear(in_features=8, out_features=1, bias=True)
/// )"
/// );
/// # Ok::<(), pullback::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tensor and no module",
    label = "neither a tensor, nor a module, nor an option, box, list, array, tuple or map of them",
    note = "a field without tensors is left out: by `#[module(skip)]`, or by not naming it in `module!`"
)]
pub trait Module {
    /// Tells the walk of every field, in order of declaration.
    fn visit(&self, v: &mut Visit<'_>);

    /// As [`Module::visit`], for walks that may put other tensors in the fields' places. The fields are the same, in the same order.
    ///
    /// # Errors
    /// Those of the walk.
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()>;

    /// How this is printed; none where it is no module by itself (a tensor).
    fn repr(&self) -> Option<Repr> {
        Some(Repr::new(short_name(std::any::type_name::<Self>())))
    }

    /// Where this lies, to know it again while it stays there; what holds one module alone says where that lies.
    #[doc(hidden)]
    fn place(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }

    /// All tensors by name, parameters and buffers. PyTorch's `state_dict()`.
    ///
    /// They are handles: what is written to the model later is seen in them. For a copy, [`Module::deep_copy`] comes first.
    fn state(&self) -> NamedTensors {
        let mut all = NamedTensors::new();
        self.visit(&mut Visit::tensors(&mut |name, t| {
            all.push(name, t.clone())
        }));
        all
    }

    /// The tensors that require gradients, by name, each once: one that stands in two fields has its first name. PyTorch's `named_parameters()`.
    fn named_parameters(&self) -> NamedTensors {
        let mut seen = std::collections::HashSet::new();
        self.state()
            .filter(|_, t| t.requires_grad() && seen.insert(t.address()))
    }

    /// The tensors that require no gradients, by name, each once. PyTorch's `named_buffers()`.
    fn named_buffers(&self) -> NamedTensors {
        let mut seen = std::collections::HashSet::new();
        self.state()
            .filter(|_, t| !t.requires_grad() && seen.insert(t.address()))
    }

    /// The tensors that require gradients, each once. PyTorch's `parameters()`.
    fn parameters(&self) -> Vec<Tensor> {
        self.named_parameters()
            .into_iter()
            .map(|(_, t)| t)
            .collect()
    }

    /// How many numbers are trained.
    fn num_parameters(&self) -> usize {
        self.named_parameters().numel()
    }

    /// Forgets the gradients of all parameters. PyTorch's `zero_grad()`.
    fn zero_grad(&self) {
        self.visit(&mut Visit::tensors(&mut |_, t| t.zero_grad()));
    }

    /// Has no parameter require gradients any more, and gives those that did: `requires_grad_(true)` of them is the way back.
    ///
    /// # Errors
    /// For a tensor that is a result of an operation.
    ///
    /// ```
    /// # use pullback::nn::{Linear, Module};
    /// let layer = Linear::new(2, 3)?;
    /// let frozen = layer.freeze()?;
    /// assert_eq!((layer.parameters().len(), frozen.len()), (0, 2));
    /// frozen.requires_grad_(true)?;
    /// assert_eq!(layer.parameters().len(), 2);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    fn freeze(&self) -> Result<NamedTensors> {
        let all = self.named_parameters();
        all.requires_grad_(false)?;
        Ok(all)
    }

    /// Writes a state into the tensors of this model, which stay the same tensors. PyTorch's `load_state_dict(state)`.
    ///
    /// Dtypes are converted.
    ///
    /// # Errors
    /// PyTorch's text: the names that are missing or unexpected, and every tensor whose shape is another, with both shapes. Nothing is written then.
    ///
    /// ```
    /// # use pullback::nn::{Linear, Module};
    /// let (small, large) = (Linear::new(2, 3)?, Linear::new(4, 3)?);
    /// let e = small.load(&large.state()).unwrap_err();
    /// assert!(e.to_string().contains("size mismatch for weight"), "{e}");
    /// # Ok::<(), pullback::Error>(())
    /// ```
    fn load(&self, state: &NamedTensors) -> Result<()> {
        let plan = load::plan(&self.state(), state)?;
        plan.complete(self.repr().as_ref().map_or("the module", Repr::name))?;
        plan.write()
    }

    /// As [`Module::load`], of what fits: what is missing, unexpected or of another shape is told and left as it is.
    ///
    /// # Errors
    /// Where two tensors of the state have one name.
    fn load_partial(&self, state: &NamedTensors) -> Result<LoadReport> {
        let plan = load::plan(&self.state(), state)?;
        plan.write()?;
        Ok(plan.report())
    }

    /// This model with tensors of its own: what is done to one is not seen by the other. PyTorch's `copy.deepcopy`.
    ///
    /// Tensors that were one are one again.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    fn deep_copy(&self) -> Result<Self>
    where
        Self: Sized + Clone,
    {
        exchanged(self.clone(), |_, t| {
            let _guard = crate::no_grad();
            Ok(Some(t.detach().copy()?))
        })
    }

    /// This model with its floating tensors in another dtype. PyTorch's `to(dtype)`.
    ///
    /// They are other tensors, and this model keeps its own: an optimiser is made of what this gives.
    ///
    /// # Errors
    /// For a dtype that is not a float.
    fn to(&self, dtype: DType) -> Result<Self>
    where
        Self: Sized + Clone,
    {
        ensure!(
            dtype.is_differentiable(),
            Type,
            "nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
        );
        exchanged(self.clone(), |_, t| {
            let other = t.dtype().is_differentiable() && t.dtype() != dtype;
            let _guard = crate::no_grad();
            other.then(|| t.detach().to(dtype)).transpose()
        })
    }

    /// This model without numbers: shapes and dtypes alone, on [`Device::Meta`].
    ///
    /// # Errors
    /// Where sizes cannot be addressed.
    fn to_meta(&self) -> Result<Self>
    where
        Self: Sized + Clone,
    {
        exchanged(self.clone(), |_, t| {
            let array = Array::meta(t.array().layout().clone(), t.dtype())?;
            Ok(Some(Tensor::from_array(array)))
        })
    }

    /// The same model around other parameters, in the order of [`Module::parameters`]; this one keeps its own. PyTorch's
    /// `functional_call`. Buffers are shared.
    ///
    /// So a model is a function of its parameters, and whatever is asked of functions can be asked of it:
    ///
    /// ```
    /// use pullback::nn::{Layer, Linear, Module};
    /// use pullback::{DType, Tensor, func};
    /// let layer = Linear::new(2, 1)?;
    /// let x = Tensor::ones([4, 2], DType::F32)?;
    /// let grads = func::grad(|p| layer.with(p)?.forward(&x)?.sum(), &layer.parameters())?;
    /// assert_eq!(grads[0].to_vec::<f32>()?, [4.0, 4.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where there are more or fewer than parameters, or one has another shape.
    fn with(&self, values: &[Tensor]) -> Result<Self>
    where
        Self: Sized + Clone,
    {
        let own = self.named_parameters();
        ensure!(
            own.len() == values.len(),
            Value,
            "the module has {} parameters, but {} tensors were given",
            own.len(),
            values.len()
        );
        let mut places = HashMap::with_capacity(values.len());
        for ((name, old), new) in own.iter().zip(values) {
            if old.shape() != new.shape() {
                bail!(
                    Shape,
                    "`{name}` has shape {}, but the tensor for it has {}",
                    old.shape(),
                    new.shape()
                );
            }
            places.insert(old.address(), new);
        }
        let mut other = self.clone();
        let mut put = |_: &str, t: &mut Tensor| {
            if let Some(&new) = places.get(&t.address()) {
                *t = new.clone();
            }
            Ok(())
        };
        other.visit_mut(&mut VisitMut::tensors(&mut put))?;
        Ok(other)
    }

    /// The value of a loss and its gradient by every parameter, without touching `.grad`. PyTorch's `torch.func.grad_and_value` of a functional call.
    ///
    /// ```
    /// use pullback::nn::{Layer, Linear, Module};
    /// use pullback::{DType, Tensor};
    /// let layer = Linear::new(2, 1)?;
    /// let x = Tensor::ones([4, 2], DType::F32)?;
    /// let (loss, grads) = layer.value_and_grad(|m| m.forward(&x)?.sum())?;
    /// assert_eq!(grads["weight"].to_vec::<f32>()?, [4.0, 4.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the loss; where it is no single number.
    fn value_and_grad(
        &self,
        loss: impl FnOnce(&Self) -> Result<Tensor>,
    ) -> Result<(Tensor, NamedTensors)>
    where
        Self: Sized + Clone,
    {
        derivatives::value_and_grad(self, loss)
    }

    /// The second derivatives of a loss by every two parameters, by their names.
    ///
    /// # Errors
    /// As [`Module::value_and_grad`].
    fn hessian(&self, loss: impl FnOnce(&Self) -> Result<Tensor>) -> Result<Hessian>
    where
        Self: Sized + Clone,
    {
        derivatives::hessian(self, loss)
    }

    /// A check of the gradient of a loss by this model's parameters.
    ///
    /// Check what does not draw: under [`eval`](super::eval) where there is dropout.
    ///
    /// ```
    /// use pullback::nn::{Layer, Linear, Module};
    /// use pullback::{DType, Tensor};
    /// let layer = Linear::new(2, 3)?;
    /// let x = Tensor::ones([4, 2], DType::F32)?;
    /// let report = layer.check(|m| m.forward(&x)?.square()?.mean()).run()?;
    /// assert_eq!(report.status, pullback::check::Status::Pass);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    fn check<'a>(&'a self, loss: impl Fn(&Self) -> Result<Tensor> + 'a) -> Check<'a>
    where
        Self: Sized + Clone,
    {
        let own = self.named_parameters();
        let names: Vec<&str> = own.names().collect();
        Check::new(move |values| loss(&self.with(values)?), &own.tensors()).names(&names)
    }

    /// What this is made of, with the shapes of what its layers give for an input like this one; nothing is computed. [`summary`](super::summary)
    /// is for models of several inputs.
    ///
    /// # Errors
    /// Shapes that do not fit, with the layer.
    fn summary(&self, input: &Tensor) -> Result<Summary>
    where
        Self: Layer + Sized + Clone,
    {
        summary::of_layer(self, input)
    }
}

/// The module with other tensors where `other` gives one, each asked about once; a parameter's successor is a parameter.
fn exchanged<M: Module>(
    mut module: M,
    other: impl Fn(&str, &Tensor) -> Result<Option<Tensor>>,
) -> Result<M> {
    let mut made: HashMap<usize, (Tensor, Option<Tensor>)> = HashMap::new();
    let mut put = |name: &str, t: &mut Tensor| {
        let new = match made.get(&t.address()) {
            Some((_, new)) => new.clone(),
            None => {
                let new = (other(name, t)?)
                    .map(|new| new.requires_grad_(t.requires_grad()))
                    .transpose()?;
                // The old one is kept for the length of the walk, so that its address stays its own.
                made.insert(t.address(), (t.clone(), new.clone()));
                new
            }
        };
        if let Some(new) = new {
            *t = new;
        }
        Ok(())
    };
    module.visit_mut(&mut VisitMut::tensors(&mut put))?;
    Ok(module)
}

/// Where tensors without numbers are made: for inputs of [`summary`](super::summary).
///
/// # Errors
/// Where the sizes cannot be addressed.
pub fn meta(shape: impl Into<crate::Shape>, dtype: DType) -> Result<Tensor> {
    let shape = shape.into();
    crate::on_device(Device::Meta, || Tensor::zeros(shape, dtype))
}
