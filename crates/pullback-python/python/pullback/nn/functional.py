"""PyTorch's `torch.nn.functional`, as far as the operations go."""

import functools as _functools
import sys as _sys

from .. import _surface

_surface.fill(_sys.modules[__name__], "nn.functional")


def _written(name):
    def function(input, *args, **kwargs):
        return getattr(input, name)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"As `{name[:-1]}`, in place."
    return function


for _name in ("relu_", "elu_", "selu_", "celu_", "leaky_relu_", "hardtanh_", "rrelu_", "threshold_"):
    if _name in _surface.PLACES["Tensor"]:
        globals()[_name] = _written(_name)


def _with_inplace(native, default):
    """A dropout of the list, with PyTorch's last argument: whether the result is written over the input."""

    @_functools.wraps(native)
    def dropout(input, p=0.5, training=default, inplace=False):
        result = native(input, p, training)
        return input.copy_(result) if inplace else result

    return dropout


for _name, _default in (("dropout1d", True), ("dropout2d", True), ("dropout3d", True), ("alpha_dropout", False), ("feature_alpha_dropout", False)):
    globals()[_name] = _with_inplace(globals()[_name], _default)


def __getattr__(name):
    raise AttributeError(_surface.missing("pullback.nn.functional", name))
