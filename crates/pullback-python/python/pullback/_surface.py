"""Puts the functions of the native list into modules and onto `Tensor`; says what is missing and what comes nearest."""

import re
import sys

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
    """The message for a name that is not there: with the nearest one of the same module, or where the name is to be found."""
    return f"module {where!r} has no attribute {name!r}{_hint(where, name)}"


def _hint(where, name):
    if name.startswith("_"):
        return ""
    elsewhere = _elsewhere(where, name)
    if elsewhere.endswith(f".{name}"):
        return elsewhere
    module = sys.modules.get(where)
    known = [n for n in (vars(module) if module else ()) if not n.startswith("_")]
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    if near:
        return f"; the nearest name that is there is {near[0]!r}"
    return elsewhere


def _elsewhere(where, name):
    # A module of networks whose work a function does (`nn.Linear`), and a function asked for in another place (`torch.relu6`).
    plain = name if name.islower() else re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    for place in ("nn.functional", "torch", "linalg", "special"):
        if plain in PLACES.get(place, {}):
            path = "pullback" if place == "torch" else f"pullback.{place}"
            return f"; there is the function {path}.{plain}" if path != where else ""
    return ""
