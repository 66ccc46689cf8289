"""Functions written in Python that arguments may answer in their stead, as those of the list: see `overrides.py`."""

import functools

from . import _native

# Types that never answer: a look at these is all that a call costs.
_PLAIN = frozenset((_native.Tensor, int, float, bool, str, type(None)))


def once(function):
    """A function without arguments, whose answer is kept."""
    found = []

    @functools.wraps(function)
    def asked():
        if not found:
            found.append(function())
        return found[0]

    return asked


def overridable(function):
    """The function, which a mode or an argument's `__torch_function__` may answer."""

    @functools.wraps(function)
    def public(*args, **kwargs):
        for given in (args, kwargs.values()) if kwargs else (args,):
            for a in given:
                if type(a) not in _PLAIN:
                    return _asked(public, function, args, kwargs)
        return _asked(public, function, args, kwargs) if _native.overrides_watched() else function(*args, **kwargs)

    return public


def _asked(public, function, args, kwargs):
    from . import overrides

    answer = overrides._answer(public, args, kwargs)
    return function(*args, **kwargs) if answer is overrides._NOBODY else answer
