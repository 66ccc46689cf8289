"""What `golden/make_narrow.py` asks PyTorch and `test_narrow.py` asks Pullback: the same calls of either module."""

import json
from pathlib import Path

import numpy as np

FILES = sorted((Path(__file__).resolve().parent.parent.parent / "pullback" / "tests" / "golden" / "functions").glob("*.json"))
HALVES = ["float16", "bfloat16"]
INTEGERS = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
# What has a dtype's own limits in its answer, or another dtype whatever it is given.
OWN = {"half", "bfloat16", "float", "double", "nan_to_num", "to", "float_power", "bincount", "result_type", "view", "as_strided_scatter", "matrix_exp"}


def space(torch, name):
    return {"torch": torch, "Tensor": torch.Tensor, "nn.functional": torch.nn.functional, "linalg": torch.linalg, "special": torch.special}[name]


def array(v):
    dtype, shape, data = v[:3]
    return np.frombuffer(bytes.fromhex(data), dtype={"bool": np.bool_}.get(dtype, dtype)).reshape(shape).copy()


def rounded(t, dtype):
    """A floating argument in the dtype that is asked about."""
    return t.to(dtype)


def value(torch, v, dtype, leaves, fixed):
    """An argument of a golden file, its floats in another dtype."""
    if isinstance(v, list):
        return [value(torch, x, dtype, leaves, fixed) for x in v]
    if not isinstance(v, dict):
        return v
    if "float" in v:
        return float(v["float"])
    if "dtype" in v:
        found = getattr(torch, v["dtype"])
        return dtype if found.is_floating_point else found
    t = torch.from_numpy(array(v["tensor"]))
    if v["tensor"][3]:
        back = tuple(reversed(range(t.ndim)))
        t = t.permute(back).contiguous().permute(back)
    fixed["at"] += 1
    if t.is_floating_point():
        t = rounded(t, dtype)
        if fixed["at"] - 1 not in fixed["list"]:
            leaves.append(t.requires_grad_())
    return t


def flat(torch, y):
    if isinstance(y, torch.Tensor):
        return [y]
    return [t for x in y for t in flat(torch, x)] if isinstance(y, (tuple, list)) else []


def text(t):
    """A tensor as JSON: its dtype and its numbers."""
    return [str(t.dtype).removeprefix("torch."), plain(t.detach().tolist())]


def plain(x):
    if isinstance(x, list):
        return [plain(y) for y in x]
    return x if isinstance(x, (int, bool)) or np.isfinite(x) else str(x)


def call(torch, case, dtype):
    """Results and gradients of a case in a half precision."""
    leaves, fixed = [], {"at": 0, "list": range(100) if case["at"][1].endswith("_") else case.get("fixed", [])}
    args = [value(torch, v, dtype, leaves, fixed) for v in case["args"]]
    kwargs = {k: value(torch, v, dtype, leaves, fixed) for k, v in case.get("kwargs", {}).items()}
    if case.get("random"):
        torch.manual_seed(0)
    outs = flat(torch, getattr(space(torch, case["at"][0]), case["at"][1])(*args, **kwargs))
    rooted = [t for t in outs if t.requires_grad]
    grads = []
    if rooted and leaves:
        g = [((7919 * torch.arange(t.numel()) + 13) % 64).sub(31.5).div(32).reshape(t.shape).to(t.dtype) for t in rooted]
        grads = torch.autograd.grad(rooted, leaves, g, allow_unused=True)
    return outs, grads, leaves


def floating_cases(limit):
    """Of each function so many cases with floating tensors, in float32."""
    for path in FILES:
        seen = {}
        for key, case in json.loads(path.read_text())["cases"].items():
            name = key.split("|")[0]
            if "error" in case or not key.endswith("float32") or '["float32"' not in json.dumps([case["args"], case.get("kwargs")]):
                continue
            seen[name] = seen.get(name, 0) + 1
            if limit is None or seen[name] <= limit:
                yield path.stem, name, key, case


def answered(f):
    try:
        return f()
    except Exception as e:
        return {"error": [type(e).__name__, str(e).split("\n")[0]]}


def halves(torch):
    def one(case, dtype):
        outs, grads, leaves = call(torch, case, getattr(torch, dtype))
        return {"out": [text(t) for t in outs], "grads": [None if g is None else text(g) for g in grads]}

    return {
        f"{group}|{key}|{dtype}": answered(lambda: one(case, dtype))
        for group, name, key, case in floating_cases(1)
        if name.rstrip("_") not in OWN - {"nan_to_num"}
        for dtype in HALVES
    }


BINARY = ["add", "sub", "mul", "div", "floor_divide", "remainder", "fmod", "pow", "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge"]
BINARY += ["bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "gcd", "lcm", "logical_and", "true_divide"]
UNARY = ["neg", "abs", "sign", "bitwise_not", "logical_not", "square", "sum", "prod", "amax", "amin", "argmax", "argmin", "cumsum", "cumprod", "sort"]
UNARY += ["argsort", "flip", "unique", "nonzero", "count_nonzero", "any", "all", "median", "topk", "mean", "exp", "sqrt", "float", "isnan", "clone"]
UNARY += ["floor", "signbit", "relu", "max", "min", "bincount", "tril", "diff", "roll", "cummax", "mode", "msort", "positive", "zeros_like", "ones_like"]
MORE = {
    "flip": ((0,),), "cumsum": (0,), "cumprod": (0,), "topk": (2,), "roll": (1,), "cummax": (0,),
}  # fmt: skip


def ends(torch, dtype):
    """Numbers at the ends of a dtype and around 0."""
    info = torch.iinfo(dtype)
    low, high = int(info.min), int(info.max)
    return sorted({low, low + 1, low // 2, 0, 1, 2, 3, 7, high // 2, high - 1, high} | ({-1, -2, -7} if low else set()))


def integers(torch):
    found = {}
    for name in INTEGERS:
        dtype = getattr(torch, name)
        numbers = ends(torch, dtype)
        a = torch.tensor([x for x in numbers for _ in numbers], dtype=dtype)
        b = torch.tensor([y for _ in numbers for y in numbers], dtype=dtype)
        for f in BINARY:
            for what, x, y in (("", a, b), (" by a number", a[:: len(numbers)], 3)):
                if ("div" in f or f in ("remainder", "fmod")) and not what:
                    # A division by 0 is an error, and one of the lowest number by -1 ends PyTorch's process.
                    keep = [k for k, n in enumerate(b.tolist()) if n not in (0, -1)]
                    x, y = (torch.tensor([t.tolist()[k] for k in keep], dtype=dtype) for t in (a, b))
                if f in ("gcd", "lcm") and not what:
                    keep = [k for k, pair in enumerate(zip(a.tolist(), b.tolist())) if numbers[0] == 0 or numbers[0] not in pair]
                    x, y = (torch.tensor([t.tolist()[k] for k in keep], dtype=dtype) for t in (a, b))
                if f == "pow" and not what:
                    y = torch.tensor([0, 1, 2, 3, 5] * (len(a) // 5 + 1), dtype=dtype)[: len(a)]
                if "shift" in f and not what:
                    y = torch.tensor([0, 1, 2, 3, 7] * (len(a) // 5 + 1), dtype=dtype)[: len(a)]
                found[f"{f}{what}|{name}"] = answered(lambda: {"out": [text(getattr(torch, f)(x, y))]})
        x = torch.tensor([5, 3, 3, 0, 1, 100], dtype=dtype)
        for f in UNARY:
            arg = x[:, None] if f == "tril" else x

            def one():
                place = torch if hasattr(torch, f) and callable(getattr(torch, f)) and f not in ("float", "relu") else torch.Tensor
                return {"out": [text(t) for t in flat(torch, getattr(place, f)(arg, *MORE.get(f, ())))]}

            found[f"{f}|{name}"] = answered(one)
        for other in INTEGERS + ["bool", "float16", "float32"]:
            found[f"add|{name}|{other}"] = answered(lambda: {"out": [text(torch.ones(2, dtype=dtype) + torch.ones(2, dtype=getattr(torch, other)))]})
            found[f"to|{name}|{other}"] = answered(lambda: {"out": [text(torch.tensor(numbers, dtype=dtype).to(getattr(torch, other)))]})
    return found
