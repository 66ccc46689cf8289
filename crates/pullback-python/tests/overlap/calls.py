"""Writes into memory that a call reads too: what is called, and how its tensors lie. For PyTorch and for Pullback alike.

The argument lists are those of the golden files of the functions. Here they are laid anew: the written tensor is the argument itself, shifted by
one element against it, its transpose, one element many times, a neighbour in one memory, or every second element. Nothing is asserted here.
"""

import json
from pathlib import Path

import numpy as np

FUNCTIONS = Path(__file__).resolve().parents[3] / "pullback" / "tests" / "golden" / "functions"
IN_PLACE = ["identical", "alias", "shifted", "transposed", "expanded", "halves", "gaps"]
OUT = ["identical", "alias", "shifted", "transposed", "expanded", "halves", "gaps"]


def cases():
    """Every case of the golden files: `GROUP`, key, call."""
    for path in sorted(FUNCTIONS.glob("*.json")):
        for key, case in json.loads(path.read_text())["cases"].items():
            if "error" not in case and not case.get("random"):
                yield path.stem, key, case


def space(torch, at):
    spaces = {"torch": torch, "Tensor": torch.Tensor, "nn.functional": torch.nn.functional, "linalg": torch.linalg, "special": torch.special}
    return spaces[at]


def value(torch, v):
    if isinstance(v, list):
        return [value(torch, x) for x in v]
    if not isinstance(v, dict):
        return v
    if "float" in v:
        return float(v["float"])
    if "dtype" in v:
        return getattr(torch, v["dtype"])
    dtype, shape, data = v["tensor"][:3]
    return torch.from_numpy(np.frombuffer(bytes.fromhex(data), dtype={"bool": np.bool_}.get(dtype, dtype)).reshape(shape).copy())


def pair(torch, situation, a, b):
    """Two tensors with the shapes of `a` and `b` (or square ones) that lie as the situation says; None where they cannot. `a` is written."""
    if situation == "expanded":
        if a.numel() < 2:
            return None
        return a.reshape(-1)[:1].clone().reshape([1] * a.dim()).expand(a.shape), b
    if b is None or a.dtype != b.dtype or min(a.numel(), b.numel()) < 2:
        return None
    if situation in ("identical", "alias", "transposed") and a.shape != b.shape:
        return None
    flat = torch.cat([a.reshape(-1), b.reshape(-1), a.reshape(-1), b.reshape(-1)])
    if situation == "identical":
        one = a.clone()
        return one, one
    if situation == "alias":
        one = a.clone()
        return one, one.view(one.shape)
    if situation == "shifted":
        return flat[1 : 1 + a.numel()].view(a.shape), flat[: b.numel()].view(b.shape)
    if situation == "halves":
        return flat[b.numel() : b.numel() + a.numel()].view(a.shape), flat[: b.numel()].view(b.shape)
    if situation == "gaps":
        n = min(a.numel(), b.numel())
        return flat[: 2 * a.numel() : 2].view(a.shape), flat[1 : 1 + 2 * b.numel() : 2][: b.numel()].view(b.shape) if n else b
    if situation == "transposed":
        if a.dim() != 2:
            return None
        square = torch.cat([a.reshape(-1)] * 9)[:9].reshape(3, 3).clone()
        return square.t(), square
    raise AssertionError(situation)


def others(args):
    """Places of tensors among the arguments after the first, with one level of lists."""
    for k, a in enumerate(args):
        if hasattr(a, "dim") and k:
            yield (k,)


def call_in_place(torch, name, case, situation, place):
    """Calls `Tensor.name_` with the first argument written; `None` where the situation cannot be made. Returns a function to run."""
    args = [value(torch, v) for v in case["args"]]
    kwargs = {k: value(torch, v) for k, v in case.get("kwargs", {}).items()}
    if not args or not hasattr(args[0], "dim"):
        return None
    laid = pair(torch, situation, args[0], None if place is None else args[place])
    if laid is None:
        return None
    args[0] = laid[0]
    if place is not None:
        args[place] = laid[1]
    return lambda: getattr(args[0], name + "_")(*args[1:], **kwargs)


def results(y):
    return [y] if hasattr(y, "dim") else list(y)


def call_out(torch, case, situation, place):
    """Calls a function with `out=`, whose tensor lies as the situation says against the argument in a place."""
    args = [value(torch, v) for v in case["args"]]
    kwargs = {k: value(torch, v) for k, v in case.get("kwargs", {}).items()}
    f = getattr(space(torch, case["at"][0]), case["at"][1])
    many = isinstance(args[0], list)
    flat = args[0] if many else args
    if place is not None and (place >= len(flat) or not hasattr(flat[place], "dim")):
        return None
    y = f(*args, **kwargs)
    outs = [torch.empty_like(t.detach()) for t in results(y)]
    single = hasattr(y, "dim")
    if place is not None and situation == "transposed":
        # All tensors become square ones where the result does.
        if outs[0].shape != flat[place].shape or outs[0].dim() != 2:
            return None
        squares = [torch.cat([t.reshape(-1)] * 9)[:9].reshape(3, 3).clone() if hasattr(t, "dim") and t.shape == outs[0].shape else t for t in flat]
        flat[:] = squares
        outs = [torch.empty_like(t.detach()) for t in results(f(*args, **kwargs))]
        if outs[0].shape != (3, 3) or outs[0].dtype != flat[place].dtype:
            return None
        outs[0] = flat[place].t()
    else:
        laid = pair(torch, situation, outs[0], None if place is None else flat[place])
        if laid is None:
            return None
        if situation in ("identical", "alias"):
            # The argument's numbers, and the argument itself.
            outs[0] = flat[place] if situation == "identical" else flat[place].view(flat[place].shape)
        else:
            numbers = None if place is None else flat[place].clone()
            outs[0] = laid[0]
            if place is not None:
                laid[1].copy_(numbers)
                flat[place] = laid[1]
    out = outs[0] if single else tuple(outs)
    return lambda: f(*args, **kwargs, out=out)
