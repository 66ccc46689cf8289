"""Forward mode as the program runs: tensors with tangents, inside a level. PyTorch's `torch.autograd.forward_ad`.

    with forward_ad.dual_level():
        x = forward_ad.make_dual(value, direction)
        y, tangent = forward_ad.unpack_dual(f(x))

There is one level at a time, as in PyTorch, and it belongs to the thread that opened it. `func.jvp` nests.
"""

import threading
from typing import Any, NamedTuple

from .. import _native
from .grad_mode import _Mode

_NO_LEVEL = "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."


class _Here(threading.local):
    """Whether this thread has opened a level."""

    level = -1


_here = _Here()


def enter_dual_level():
    """Opens the level of this thread and gives its number, 0."""
    _native.enter_dual_level()
    _here.level = 0
    return 0


def exit_dual_level(*, level=None):
    """Ends the level: all tensors lose their tangents."""
    if level is not None and level != _here.level:
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created. This is not supported.")
    if not _native.exit_dual_level():
        raise RuntimeError("Dual level must be a positive number.")
    _here.level = -1


def make_dual(tensor, tangent, *, level=None):
    """A tensor over the memory of `tensor` whose tangent is `tangent`; differentiable by both."""
    if (_here.level if level is None else level) < 0:
        raise RuntimeError(_NO_LEVEL)
    for name, t in (("primal", tensor), ("tangent", tangent)):
        if not t.is_floating_point():
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    if level is not None and level != _here.level:
        raise RuntimeError("Invalid level given to _make_dual")
    return _native.make_dual(tensor, tangent)


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` gives: the value without a tangent, and the tangent or None."""

    primal: Any
    tangent: Any


def unpack_dual(tensor, *, level=None):
    """The value of a tensor, and its tangent (None where it has none)."""
    if (_here.level if level is None else level) < 0:
        return UnpackedDualTensor(tensor, None)
    if level is not None and level != _here.level:
        raise RuntimeError("Invalid level given to _fw_primal")
    return UnpackedDualTensor(*_native.unpack_dual(tensor))


class dual_level(_Mode):
    """A context manager (or decorator) inside of which tangents are pushed forward."""

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *_):
        exit_dual_level()
