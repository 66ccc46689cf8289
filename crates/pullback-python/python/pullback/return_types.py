"""The types of results with names, as `torch.return_types.max`: made from the list of functions when they are asked for."""

from . import _native, _parts, _surface

__all__ = []

# Functions that are not of the list.
_OTHERS = {"histogramdd": ["hist", "bin_edges"]}


def _fields(name):
    """The names of the results of a function, which modules' functions have with their module's name before theirs; None for other names."""
    for place, function, overloads in _native.signatures():
        if name != (function if place == "torch" else f"{place}_{function}"):
            continue
        for _, returns in overloads:
            if returns.startswith("("):
                return [part.split()[1] for part in returns.strip("()").split(", ")]
    return _OTHERS.get(name)


def __getattr__(name):
    fields = None if name.startswith("_") else _fields(name)
    if not fields:
        raise AttributeError(_surface.missing("pullback.return_types", name))
    return _parts.return_class(name, fields)
