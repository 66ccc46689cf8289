"""What a pickle may name, and what may be a key: the closed list behind `load(f, weights_only=True)`.

Every function checks what it is given. The instructions are in `_pickles.py`.
"""

import pickle
from collections import Counter, OrderedDict

from . import _native, _rebuild
from ._parts import Size, device
from ._pickled import DTYPES, rebuild_memory, rebuild_tensor, rebuild_view


class Named:
    """Stands on the unpickler's stack for one of `_CALLS`: there is nothing in it that a file could change."""

    __slots__ = ("call",)

    def __init__(self, call):
        self.call = call


def key(x):
    """What may be a key or an element of a set: no hash recurses in C, takes long, or meets many others."""
    _checked_key(x, 0, [1000])
    return x


def _checked_key(x, depth, left):
    left[0] -= 1
    if type(x) is int and -(1 << 64) < x < 1 << 64 or type(x) in (str, float, bool, type(None), bytes, complex, device, _native.dtype):
        return
    if type(x) not in (tuple, frozenset, Size) or depth >= 8 or len(x) > left[0]:
        raise pickle.UnpicklingError(f"Weights only load failed. A {type(x).__name__} is no key that is loaded")
    for item in x:
        _checked_key(item, depth + 1, left)


def _dtype_named(name):
    if name not in (*DTYPES, "float64x2"):
        raise pickle.UnpicklingError(f"there is no dtype {name!r:.100}")
    return getattr(_native, name)


def _complex(*parts):
    if not all(type(x) in (int, float) for x in parts):
        raise pickle.UnpicklingError("a complex number is made of two numbers")
    return complex(*parts)


def _size(sizes):
    if type(sizes) is not tuple or not all(type(n) is int for n in sizes):
        raise pickle.UnpicklingError("a Size is made of integers")
    return Size(sizes)


def _device(*where):
    if not all(type(x) in (str, int, type(None)) for x in where):
        raise pickle.UnpicklingError("a device is a name and a number")
    return device(*where)


def _ordered():
    return OrderedDict()


def _bytearray(data=b""):
    if type(data) is not bytes:
        raise pickle.UnpicklingError("a bytearray is made of bytes")
    return bytearray(data)


def _counter(counts=None):
    if counts is not None and (type(counts) is not dict or not all(type(n) is int for n in counts.values())):
        raise pickle.UnpicklingError("a Counter is made of numbers")
    return Counter(counts)


def _parameter(data, requires_grad):
    from .nn.parameter import rebuild_parameter

    if not isinstance(data, _native.Tensor) or type(requires_grad) is not bool:
        raise pickle.UnpicklingError("a parameter is pickled as a tensor, and whether it requires a gradient")
    return rebuild_parameter(data, requires_grad)


def _set(items=()):
    if type(items) not in (list, tuple):
        raise pickle.UnpicklingError("a set is made of a list")
    return set(map(key, items))


def _frozenset(items=()):
    return frozenset(_set(items))


def _encode(text, encoding="latin1"):
    if type(text) is not str or encoding not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise pickle.UnpicklingError("bytes are pickled as a text and its encoding")
    return text.encode(encoding)


def _bytes(*empty):
    if empty:
        raise pickle.UnpicklingError("bytes are pickled as a text and its encoding")
    return b""


def _from_type(func, new_type, args, state):
    if not isinstance(func, Named) or func.call not in _rebuild.FUNCTIONS.values() or func.call is _rebuild.from_type or not isinstance(new_type, Named):
        raise pickle.UnpicklingError("a tensor of a subclass is pickled as a function, the subclass, arguments and attributes")
    return _rebuild.from_type(func.call, new_type.call, args, state)


# What a file may call, by the names that `save` and PyTorch write, and what is called then. What is no function is a value.
_CALLS = {
    "pullback._pickles.rebuild_tensor": rebuild_tensor,
    "pullback._pickled.rebuild_tensor": rebuild_tensor,
    "pullback._pickled.rebuild_memory": rebuild_memory,
    "pullback._pickled.rebuild_view": rebuild_view,
    "pullback._parts.dtype_named": _dtype_named,
    "pullback._parts.Size": _size,
    "pullback._parts.device": _device,
    "pullback.nn.parameter.rebuild_parameter": _parameter,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _counter,
    "builtins.complex": _complex,
    "builtins.bytearray": _bytearray,
    "builtins.set": _set,
    "builtins.frozenset": _frozenset,
    "builtins.bytes": _bytes,
    "_codecs.encode": _encode,
    **_rebuild.FUNCTIONS,
    **{f"pullback._rebuild.{f.__name__}": f for f in _rebuild.FUNCTIONS.values()},
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "pullback._rebuild.from_type": _from_type,
    "torch.Size": _size,
    "torch.device": _device,
    "torch.Tensor": _native.Tensor,
    "torch.storage.UntypedStorage": _rebuild.StorageType("UntypedStorage"),
    **{f"torch.{name}": _rebuild.StorageType(name) for name in _rebuild.LEGACY},
    **{f"torch.{name}": _rebuild.NotHere(name) for name in (*_rebuild.OTHER_STORAGES, *_rebuild.OTHER_DTYPES)},
    **{f"torch.{name}": getattr(_native, name) for name in DTYPES},
}
# Modules that had other names in Python 2, whose names old protocols write.
OLD_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


def known(path):
    """What a name in a file stands for; None for what is not on the list."""
    if path == "torch.nn.parameter.Parameter":
        from .nn.parameter import Parameter

        return Parameter
    return _CALLS.get(path)
