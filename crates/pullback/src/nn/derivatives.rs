//! Derivatives of a loss by the parameters of a model, under the parameters' names.

use super::module::Module;
use super::named::NamedTensors;
use crate::core::fail::ensure;
use crate::func::{self, Tensors};
use crate::{Result, Tensor};
use std::ops::Index;

/// Second derivatives of a loss by a model's parameters: a block for every two of them.
///
/// ```
/// use pullback::nn::{Layer, Linear, Module};
/// use pullback::{DType, Tensor};
/// let layer = Linear::new(2, 1)?;
/// let x = Tensor::ones([4, 2], DType::F32)?;
/// let h = layer.hessian(|m| m.forward(&x)?.square()?.mean())?;
/// assert_eq!(h[["weight", "bias"]].shape()[..], [1, 2, 1]);
/// assert_eq!(h[["bias", "bias"]].item::<f32>()?, 2.0);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Hessian {
    names: Vec<String>,
    blocks: Vec<Vec<Tensor>>,
}

impl Hessian {
    /// The parameters' names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The derivative by `row` and by `column`: its sizes are those of `row`, then those of `column`. None for names that are no parameter's.
    pub fn get(&self, row: &str, column: &str) -> Option<&Tensor> {
        let at = |name: &str| self.names.iter().position(|n| n == name);
        self.blocks.get(at(row)?)?.get(at(column)?)
    }
}

/// # Panics
/// Where a name is no parameter's; [`Hessian::get`] does not.
impl Index<[&str; 2]> for Hessian {
    type Output = Tensor;
    #[track_caller]
    fn index(&self, [row, column]: [&str; 2]) -> &Tensor {
        match self.get(row, column) {
            Some(block) => block,
            None => panic!(
                "no block of `{row}` and `{column}`: the parameters are {:?}",
                self.names
            ),
        }
    }
}

impl Tensors for NamedTensors {
    type Pairs = Hessian;
    fn tensors(&self) -> Vec<&Tensor> {
        NamedTensors::tensors(self)
    }
    fn with(&self, others: Vec<Tensor>) -> Result<NamedTensors> {
        ensure!(
            others.len() == self.len(),
            Value,
            "{} tensors in the place of {}",
            others.len(),
            self.len()
        );
        Ok(self.names().zip(others).collect())
    }
    fn pairs(&self, blocks: Vec<Vec<Tensor>>) -> Result<Hessian> {
        let names = self.names().map(str::to_string).collect();
        Ok(Hessian { names, blocks })
    }
}

/// The value of a loss and its gradient by every parameter.
pub(super) fn value_and_grad<M: Module + Clone>(
    model: &M,
    loss: impl FnOnce(&M) -> Result<Tensor>,
) -> Result<(Tensor, NamedTensors)> {
    let own = model.named_parameters();
    func::value_and_grad(|p| loss(&model.with(&list(p))?), &own)
}

/// All second derivatives.
pub(super) fn hessian<M: Module + Clone>(
    model: &M,
    loss: impl FnOnce(&M) -> Result<Tensor>,
) -> Result<Hessian> {
    let own = model.named_parameters();
    func::hessian(|p| loss(&model.with(&list(p))?), &own)
}

fn list(own: &NamedTensors) -> Vec<Tensor> {
    own.tensors().into_iter().cloned().collect()
}
