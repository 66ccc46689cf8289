"""A few names of PyTorch's inside that other packages ask for."""

from ._native import Tensor as TensorBase
from ._native import _LinAlgError, dtype, is_grad_enabled
from ._parts import Size, device, layout, memory_format
from ._parts import no_torch_function as _disabled_torch_function_impl
from .random import Generator


def _log_api_usage_once(event):
    """Nothing is logged."""


def _get_tracing_state():
    """None: nothing is traced."""
    return None


def _cuda_getDeviceCount():
    """0."""
    return 0


_TensorBase = TensorBase


def DisableTorchFunctionSubclass():
    """A context manager: `__torch_function__` of arguments' classes is not asked; modes are."""
    from . import overrides

    return overrides._silenced()


def DisableTorchFunction():
    """A context manager: neither classes nor modes are asked."""
    from . import overrides

    return overrides._silenced(modes=True)


def _is_torch_function_enabled():
    """Whether arguments' classes are asked."""
    from . import _native

    return not _native.silence_classes(0)
