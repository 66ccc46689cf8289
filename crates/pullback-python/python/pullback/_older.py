"""Functions that PyTorch keeps for older programs: norms of their own, which it warns of, a second name of `mm`, and the default type of tensors."""

import warnings

from . import bfloat16, float16, float32, float64, linalg, mm, set_default_dtype

_TYPES = {"HalfTensor": float16, "BFloat16Tensor": bfloat16, "FloatTensor": float32, "DoubleTensor": float64}


def _old_norm(name, instead):
    warnings.warn(
        f"at::{name} is deprecated and it is just left for JIT compatibility. It will be removed in a future PyTorch release. Please use `{instead}` instead",
        stacklevel=3,
    )


def nuclear_norm(input, dim=(-2, -1), keepdim=False):
    """The sum of the singular values: `linalg.matrix_norm(input, "nuc")`."""
    _old_norm("nuclear_norm", "linalg.matrix_norm(A, 'nuc', dim, keepdim)")
    if isinstance(dim, bool):
        dim, keepdim = (-2, -1), dim
    if isinstance(dim, int):
        dim = (dim, dim)
    return linalg.matrix_norm(input, "nuc", dim, keepdim)


def frobenius_norm(input, dim, keepdim=False):
    """The root of the sum of squares: `linalg.vector_norm(input, 2, dim)`."""
    _old_norm("frobenius_norm", "linalg.vector_norm(A, 2., dim, keepdim)")
    return linalg.vector_norm(input, 2.0, dim, keepdim)


def spmm(input, mat2):
    """`mm`, by the name it has where matrices may be sparse."""
    return mm(input, mat2)


def set_default_tensor_type(t, /):
    """Floats get the dtype of a type such as `FloatTensor`, or of its name: `set_default_dtype`."""
    warnings.warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and torch.set_default_device() as alternatives.",
        stacklevel=2,
    )
    name = t if isinstance(t, str) else f"{getattr(t, '__module__', '')}.{getattr(t, '__name__', '')}"
    if not isinstance(t, str) and not (isinstance(t, type) or hasattr(t, "__name__")):
        raise TypeError("invalid type object")
    place, _, kind = name.rpartition(".")
    if place.endswith("cuda"):
        raise TypeError(f"type {name} not available. Torch not compiled with CUDA enabled.")
    if kind == "Tensor":
        return
    if kind not in _TYPES:
        if kind.endswith("Tensor"):
            raise TypeError(f"only floating-point types are supported as the default type, got {name}")
        raise TypeError("invalid type object")
    set_default_dtype(_TYPES[kind])
