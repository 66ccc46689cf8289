"""Puts the functions of the native list into modules and onto `Tensor`; says what is missing and what comes nearest."""

import difflib

from . import _native

PLACES = {}
for _place, _name, _function in _native.builtins():
    PLACES.setdefault(_place, {})[_name] = _function

for _name, _function in PLACES["Tensor"].items():
    if _name not in _native.Tensor.__dict__:
        setattr(_native.Tensor, _name, _function)


def fill(module, place="torch"):
    """Gives a module the functions PyTorch has in that place."""
    for name, function in PLACES.get(place, {}).items():
        module.__dict__.setdefault(name, function)


def missing(where, name):
    """The message for a name that is not there."""
    known = sorted({n for names in PLACES.values() for n in names})
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; the nearest name that is there is {near[0]!r}" if near else ""
    return f"module {where!r} has no attribute {name!r}{hint}"
