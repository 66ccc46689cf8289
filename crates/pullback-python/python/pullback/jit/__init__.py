"""TorchScript is not here: `script` and `trace` warn and give the function or module back, which runs as it is."""

import warnings as _warnings
from typing import Any as _Any

from ..nn import Module as _Module


class ScriptModule(_Module):
    """A module; there is nothing to script here."""


Final = _Any
_seen = set()


class ScriptFunction:
    """The class of scripted functions: there are none."""



def _warn(name):
    if name not in _seen:
        _seen.add(name)
        _warnings.warn(f"torch.jit.{name} gives its argument back: there is no TorchScript in Pullback, and programs run as they are.", stacklevel=3)


def script(obj=None, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """The function or module, with a warning."""
    _warn("script")
    return (lambda f: f) if obj is None else obj


def trace(func, example_inputs=None, *args, **kwargs):
    """The function or module, with a warning."""
    _warn("trace")
    return func


def trace_module(mod, inputs, *args, **kwargs):
    """The module, with a warning."""
    _warn("trace_module")
    return mod


def script_method(fn):
    """The function."""
    return fn


def script_if_tracing(fn):
    """The function."""
    return fn


def ignore(drop=False, **kwargs):
    """The function."""
    return drop if callable(drop) else lambda fn: fn


def unused(fn):
    """The function."""
    return fn


def export(fn):
    """The function."""
    return fn


def interface(obj):
    """The class."""
    return obj


def annotate(the_type, the_value):
    """The value."""
    return the_value


class Attribute:
    """A value with a type."""

    def __init__(self, value, type):
        self.value, self.type = value, type


def is_scripting():
    """False."""
    return False


def is_tracing():
    """False."""
    return False


def freeze(mod, *args, **kwargs):
    """The module."""
    return mod


def optimize_for_inference(mod, *args, **kwargs):
    """The module."""
    return mod


def fork(func, *args, **kwargs):
    """Calls the function now; `wait` gives what it returned."""
    return func(*args, **kwargs)


def wait(future):
    """What `fork` gave."""
    return future


def save(m, f, *args, **kwargs):
    """Refused: save the module's state dict."""
    raise RuntimeError("torch.jit.save is not there in Pullback: save the state dict with torch.save")


def load(f, *args, **kwargs):
    """Refused: there is no TorchScript here."""
    raise RuntimeError("torch.jit.load is not there in Pullback: load a state dict that was saved with torch.save")
