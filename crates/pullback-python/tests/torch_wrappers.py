"""PyTorch's operator database calls some operators through small functions of its own: the same functions over this package.

Not a test: `test_against_torch.py` uses it where PyTorch is installed."""

import functools
import types

import torch as theirs

import pullback as pb

PLACES = ((theirs, pb), (theirs.nn.functional, pb.nn.functional), (theirs.Tensor, pb.Tensor), (theirs.linalg, pb.linalg), (theirs.special, pb.special))


def seeded(f, *args, **kwargs):
    """The database's `wrapper_set_seed`."""
    pb.manual_seed(42)
    return f(*args, **kwargs)


def swapped(v, depth=0):
    """What stands here for something of theirs."""
    name = getattr(v, "__name__", None)
    if v is theirs:
        return pb
    if name == "wrapper_set_seed":
        return seeded
    if isinstance(v, types.FunctionType) and (v.__module__ or "").startswith("torch.testing") and depth < 4:
        return rebound(v, depth + 1)
    if callable(v) and not isinstance(v, type):
        for their_place, our_place in PLACES:
            if name and getattr(their_place, name, None) is v and hasattr(our_place, name):
                return getattr(our_place, name)
    return v


def rebound(f, depth=0):
    """A function with the same code, in which `torch` is this package."""
    codes = [f.__code__, *(c for c in f.__code__.co_consts if isinstance(c, types.CodeType))]
    names = {name for code in codes for name in code.co_names}
    around = {**f.__globals__, **{name: swapped(f.__globals__[name], depth) for name in names if name in f.__globals__}}
    cells = None if f.__closure__ is None else tuple(types.CellType(swapped(c.cell_contents, depth)) for c in f.__closure__)
    made = types.FunctionType(f.__code__, around, f.__name__, f.__defaults__, cells)
    made.__kwdefaults__ = f.__kwdefaults__
    return made


def at(place, name):
    """What a place has under a name with dots."""
    for part in name.removeprefix("torch.").split("."):
        place = getattr(place, part, None)
    return place


def find(op):
    """The operator of a database's entry here; None where there is none."""
    f, name = op.op, op.name
    if not any(callable(at(place, name)) for place in (pb, pb.Tensor)) and any(callable(at(place, name)) for place in (theirs, theirs.Tensor)):
        return None
    if isinstance(f, types.FunctionType) and f.__module__.startswith("torch.testing"):
        return rebound(f)
    if isinstance(f, functools.partial):
        return functools.partial(swapped(f.func), *f.args, **f.keywords)
    found = at(pb, name)
    return found if callable(found) else None if "." in name else pb.Tensor.__dict__.get(name)
