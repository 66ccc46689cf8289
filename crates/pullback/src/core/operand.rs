//! What may stand beside a tensor in arithmetic: another one, or a number.

use crate::Number;
use crate::core::tensor::Tensor;

/// A tensor or a number.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A tensor.
    Tensor(&'a Tensor),
    /// A number; it takes the tensor's dtype unless its category is higher.
    Number(Number),
}

impl<'a> From<&'a Tensor> for Operand<'a> {
    #[inline]
    fn from(t: &'a Tensor) -> Self {
        Operand::Tensor(t)
    }
}

impl<N: Into<Number>> From<N> for Operand<'_> {
    #[inline]
    fn from(n: N) -> Self {
        Operand::Number(n.into())
    }
}
