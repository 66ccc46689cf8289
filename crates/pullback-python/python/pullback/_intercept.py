"""Functions of the list called through a handler, while one is installed: how `amp.autocast` and `profiler` see what is computed.

Nothing is in the way while no handler is installed: the functions are put in their places' stead for that time. A handler sees the calls of the thread
that installed it alone. Names that a program took out of the package before (`from torch import matmul`) are called as they are.
"""

import functools
import sys
import threading

from . import _native, _surface

OPERATORS = {
    "__add__": "add", "__radd__": "add", "__sub__": "sub", "__rsub__": "rsub", "__mul__": "mul", "__rmul__": "mul", "__truediv__": "div", "__matmul__": "matmul", "__rmatmul__": "matmul",
    "__pow__": "pow", "__neg__": "neg", "__getitem__": "index", "__iadd__": "add_", "__isub__": "sub_", "__imul__": "mul_", "__itruediv__": "div_", "__gt__": "gt", "__lt__": "lt", "__ge__": "ge", "__le__": "le", "__eq__": "eq", "__ne__": "ne",
}  # fmt: skip
MODULES = {"torch": "pullback", "nn.functional": "pullback.nn.functional", "linalg": "pullback.linalg", "special": "pullback.special"}
_lock, _replaced, _installed = threading.RLock(), [], 0
_own = threading.local()


def _handlers():
    found = getattr(_own, "handlers", None)
    if found is None:
        found = _own.handlers = []
    return found


def _through(name, function):
    @functools.wraps(function, updated=())
    def called(*args, **kwargs):
        handlers = getattr(_own, "handlers", None)
        return handlers[-1](name, function, args, kwargs) if handlers else function(*args, **kwargs)

    return called


def _put():
    for place, path in MODULES.items():
        module = sys.modules[path]
        for name, function in _surface.PLACES.get(place, {}).items():
            if vars(module).get(name) is function:
                _replaced.append((module, name, function))
                setattr(module, name, _through(name, function))
    for name, function in list(vars(_native.Tensor).items()):
        listed = _surface.PLACES["Tensor"].get(name) is function
        if listed or name in OPERATORS:
            _replaced.append((_native.Tensor, name, function))
            plain = function if not listed else getattr(_native.Tensor, name)
            setattr(_native.Tensor, name, _through(OPERATORS.get(name, name), plain))


class installed:
    """A context manager: calls of this thread go through `handler(name, function, args, kwargs)`, the innermost one."""

    def __init__(self, handler):
        self.handler = handler

    def __enter__(self):
        global _installed
        with _lock:
            _installed += 1
            if _installed == 1:
                _put()
        _handlers().append(self.handler)
        return self

    def __exit__(self, *error):
        global _installed
        _handlers().remove(self.handler)
        with _lock:
            _installed -= 1
            if not _installed:
                while _replaced:
                    place, name, function = _replaced.pop()
                    setattr(place, name, function)


class aside:
    """A context manager: calls inside go past the innermost handler to the next one."""

    def __enter__(self):
        self.taken = _handlers().pop()
        return _handlers()[-1] if _handlers() else None

    def __exit__(self, *error):
        _handlers().append(self.taken)
