"""Gradients: `backward`, `grad`, the modes of a thread, functions of one's own."""

from .. import _native
from .._native import backward, grad
from . import grad_mode
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled

Variable = _native.Tensor


def __getattr__(name):
    if name == "functional":
        import importlib

        return importlib.import_module(".functional", __name__)
    raise AttributeError(f"module 'pullback.autograd' has no attribute {name!r}")
