"""PyTorch's `torch.linalg`, as far as the operations go."""

import sys as _sys

from . import _surface
from ._native import _LinAlgError as LinAlgError

_surface.fill(_sys.modules[__name__], "linalg")


def __getattr__(name):
    raise AttributeError(_surface.missing("pullback.linalg", name))
