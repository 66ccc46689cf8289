"""PyTorch's `torch.nn.functional`, as far as the operations go."""

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


def __getattr__(name):
    raise AttributeError(_surface.missing("pullback.nn.functional", name))
