"""A few names of PyTorch's inside that other packages ask for."""

from ._native import Tensor as TensorBase
from ._native import dtype, is_grad_enabled
from ._parts import Size, device, layout, memory_format
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
