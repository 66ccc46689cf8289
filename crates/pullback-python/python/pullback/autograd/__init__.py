"""Gradients: `backward`, `grad`, the modes of a thread, functions of one's own."""

from .. import _native
from .._native import backward, grad
from . import function, grad_mode
from .function import Function
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled

Variable = _native.Tensor


class detect_anomaly:
    """Backward inside says which operation first gave NaN."""

    def __init__(self, check_nan=True):
        self._on = check_nan

    def __enter__(self):
        _native.set_detect_anomaly(self._on)
        return self

    def __exit__(self, *_):
        _native.set_detect_anomaly(False)


class set_detect_anomaly(detect_anomaly):
    """As `detect_anomaly`, switched at once."""

    def __init__(self, mode, check_nan=True):
        super().__init__(mode and check_nan)
        _native.set_detect_anomaly(self._on)


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, **options):
    """Whether the gradient of `func` is right at `inputs`; tolerances are taken and not needed (see `pullback.check`)."""
    from .._check import check

    inputs = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    report = check(func, inputs, step=eps)
    if not report.ok and raise_exception:
        raise GradcheckError(repr(report))
    return report.ok


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, **options):
    """Whether the gradient's gradient is right."""
    from .. import func as _func

    inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    numbers = tuple(i for i, x in enumerate(inputs) if x.is_floating_point())

    def weighted(*args):
        from .. import arange

        y = func(*args)
        return (y * (arange(y.numel(), dtype=y.dtype) * 0.7 + 0.3).cos().reshape(y.shape)).sum()

    def gradient(*args):
        from .. import cat

        found = _func.grad(weighted, numbers)
        with _func._level():
            return cat([g.reshape(-1) for g in found(*args)])

    return gradcheck(gradient, inputs, eps=eps, raise_exception=raise_exception)


class GradcheckError(RuntimeError):
    """A gradient that is not certified."""


def __getattr__(name):
    if name == "functional":
        import importlib

        return importlib.import_module(".functional", __name__)
    raise AttributeError(f"module 'pullback.autograd' has no attribute {name!r}")
