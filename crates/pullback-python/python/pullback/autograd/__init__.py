"""Gradients: `backward`, `grad`, the modes of a thread, functions of one's own."""

from .. import _native
from .._native import backward, grad
from . import forward_ad, function, grad_mode, graph
from .function import Function
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .gradcheck import GradcheckError, gradcheck, gradgradcheck

Variable = _native.Tensor


class detect_anomaly:
    """A context manager: backward inside says which operation first gave NaN."""

    def __init__(self, check_nan=True):
        self._on = check_nan

    def __enter__(self):
        self._before = _native.is_anomaly_enabled()
        _native.set_detect_anomaly(self._on)
        return self

    def __exit__(self, *_):
        _native.set_detect_anomaly(self._before)


class set_detect_anomaly(detect_anomaly):
    """As `detect_anomaly`, switched at once."""

    def __init__(self, mode, check_nan=True):
        super().__init__(mode and check_nan)
        self._outside = _native.is_anomaly_enabled()
        _native.set_detect_anomaly(self._on)

    def __exit__(self, *_):
        _native.set_detect_anomaly(self._outside)


is_anomaly_enabled = _native.is_anomaly_enabled


def __getattr__(name):
    if name == "functional":
        import importlib

        return importlib.import_module(".functional", __name__)
    if name == "profiler":
        raise AttributeError("pullback.autograd has no 'profiler': measure a program with Python's cProfile, or `pullback bench`")
    raise AttributeError(f"module 'pullback.autograd' has no attribute {name!r}")
