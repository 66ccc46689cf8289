//! What PyTorch warns of where no function of the list is called: attributes, conversions, backward. Functions say theirs in the list.

use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether what is said once is said each time.
static ALWAYS: AtomicBool = AtomicBool::new(false);

/// A warning that a program hears once, however often it does the same.
pub(crate) struct Once(&'static CStr, AtomicBool);

impl Once {
    /// With a text.
    pub(crate) const fn new(text: &'static CStr) -> Self {
        Once(text, AtomicBool::new(false))
    }

    /// Says it, on the line of the caller, if it was not said before.
    #[cold]
    pub(crate) fn say(&self, py: Python<'_>) -> PyResult<()> {
        if self.1.swap(true, Ordering::Relaxed) && !ALWAYS.load(Ordering::Relaxed) {
            return Ok(());
        }
        say(py, self.0)
    }
}

/// Says a warning, on the line of the caller.
#[cold]
pub(crate) fn say(py: Python<'_>, text: &CStr) -> PyResult<()> {
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), text, 1)
}

/// The gradient of a result that keeps none.
pub(crate) const NOT_A_LEAF: &CStr = c"The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information.";
/// A gradient that holds the graph that holds it.
pub(crate) static CYCLE: Once = Once::new(
    c"Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you have to use this function, make sure to reset the .grad fields of your parameters to None after use to break the cycle and avoid the leak.",
);
/// A number of a tensor that has a history.
pub(crate) static NUMBER: Once = Once::new(
    c"Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using tensor.detach() first.",
);
/// A copy by `torch.tensor`.
pub(crate) const COPY: &CStr = c"To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).";
/// `x.T` of what is no matrix.
pub(crate) static REVERSED: Once = Once::new(
    c"The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
);
/// The other ways to transpose a number.
pub(crate) static NUMBER_T: Once = Once::new(
    c"Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.",
);
pub(crate) static NUMBER_MT: Once = Once::new(
    c"Tensor.mT is deprecated on 0-D tensors. This function is the identity in these cases.",
);
pub(crate) static NUMBER_H: Once =
    Once::new(c"Tensor.H is deprecated on 0-D tensors. Consider using x.conj().");
pub(crate) static NUMBER_MH: Once =
    Once::new(c"Tensor.mH is deprecated on 0-D tensors. Consider using x.conj().");
pub(crate) static NUMBER_ADJOINT: Once =
    Once::new(c"adjoint() is deprecated on 0-D tensors. Consider using x.conj().");

/// Whether warnings that a program hears once are said each time.
#[pyfunction]
pub(crate) fn set_warn_always(b: bool) {
    ALWAYS.store(b, Ordering::Relaxed);
}

/// Whether warnings that a program hears once are said each time.
#[pyfunction]
pub(crate) fn is_warn_always_enabled() -> bool {
    ALWAYS.load(Ordering::Relaxed)
}
