//! Arrays of the crate ndarray: copied into tensors from whatever layout, and out of them row by row.

use crate::{Element, Error, ErrorKind, Result, Tensor, room};
use ndarray::{ArrayBase, ArrayD, Data, Dimension, IxDyn};

/// The elements, in the order of the array's indices; the shape is the array's, the dtype its elements'. Owned arrays and views, of any layout.
///
/// # Errors
/// Where the memory is not to be had.
impl<S: Data, D: Dimension> TryFrom<&ArrayBase<S, D>> for Tensor
where
    S::Elem: Element,
{
    type Error = Error;
    fn try_from(array: &ArrayBase<S, D>) -> Result<Tensor> {
        if let Some(elements) = array.as_slice() {
            return Tensor::from_slice(elements, array.shape());
        }
        let mut elements = room(array.len())?;
        elements.extend(array.iter().copied());
        Tensor::from_slice(&elements, array.shape())
    }
}

/// All elements; the dtype is this one.
///
/// # Errors
/// Where the tensor has another dtype, or the memory is not to be had.
impl<T: Element> TryFrom<&Tensor> for ArrayD<T> {
    type Error = Error;
    fn try_from(t: &Tensor) -> Result<ArrayD<T>> {
        let shape = IxDyn(&t.shape()[..]);
        ArrayD::from_shape_vec(shape, t.to_vec()?)
            .map_err(|e| Error::new(ErrorKind::Shape, format!("{:?}: {e}", t.shape())))
    }
}
