"""Gradients: `backward`, `grad`, the modes of a thread, functions of one's own."""

import warnings

from .. import _native
from .._native import backward, grad
from . import forward_ad, function, grad_mode, graph
from .function import Function
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .gradcheck import GradcheckError, gradcheck, gradgradcheck


class _VariableType(type):
    def __instancecheck__(cls, x):
        return isinstance(x, _native.Tensor)


class Variable(metaclass=_VariableType):
    """What tensors with gradients were called before they were tensors: `Variable(t, requires_grad=True)` is a tensor over the memory of `t`."""

    _execution_engine = None

    def __new__(cls, data=None, requires_grad=False, volatile=None):
        if volatile is not None:
            warnings.warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.", stacklevel=2)
        if data is None:
            data = _native.tensor([], dtype=_native.get_default_dtype())
        if not isinstance(data, _native.Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if requires_grad and not data.is_floating_point():
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        return data.detach().requires_grad_(requires_grad)


class detect_anomaly:
    """A context manager: backward inside says which operation first gave NaN."""

    def __init__(self, check_nan=True):
        self._on = check_nan
        warnings.warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.", stacklevel=2)

    def __enter__(self):
        self._before = _native.is_anomaly_enabled()
        _native.set_detect_anomaly(self._on)
        return self

    def __exit__(self, *_):
        _native.set_detect_anomaly(self._before)


class set_detect_anomaly(detect_anomaly):
    """As `detect_anomaly`, switched at once."""

    def __init__(self, mode, check_nan=True):
        self._on = mode and check_nan
        self._outside = _native.is_anomaly_enabled()
        _native.set_detect_anomaly(self._on)

    def __exit__(self, *_):
        _native.set_detect_anomaly(self._outside)


is_anomaly_enabled = _native.is_anomaly_enabled


def __getattr__(name):
    if name in ("functional", "profiler"):
        import importlib

        return importlib.import_module(f".{name}", __name__)
    from .._surface import missing

    raise AttributeError(missing("pullback.autograd", name))
