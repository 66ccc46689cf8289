"""Results written to `out=` of every dtype and shape: what is called. For PyTorch and for Pullback alike.

The argument lists are those of the golden files of the functions, one or more of each. Tensors of the first tensor's dtype are given in several others.
Nothing is asserted here.
"""

import json
import warnings
from pathlib import Path

import numpy as np

FUNCTIONS = Path(__file__).resolve().parents[3] / "pullback" / "tests" / "golden" / "functions"
INPUTS = ["float32", "float64", "float16", "int64", "uint8", "bool"]
OUTS = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
EACH = 5  # argument lists of a function


def kind(v):
    """What distinguishes argument lists: types, and whether tensors have dimensions."""
    if isinstance(v, list):
        return "[" + "".join(sorted({kind(x) for x in v})) + "]"
    if isinstance(v, dict) and "tensor" in v:
        return "t" if v["tensor"][1] else "0"
    return "f" if isinstance(v, dict) and "float" in v else type(v).__name__[0]


def cases():
    """`place.name`, number of the argument list, case."""
    seen = {}
    for path in sorted(FUNCTIONS.glob("*.json")):
        for case in json.loads(path.read_text())["cases"].values():
            at, name = case["at"]
            if "error" in case or "plain" in case or at == "Tensor" or name.endswith("_"):
                continue
            kinds = seen.setdefault((at, name), [])
            form = [kind(v) for v in case["args"]] + sorted(case.get("kwargs", {}))
            if form in kinds or len(kinds) == EACH:
                continue
            kinds.append(form)
            yield f"{at}.{name}", len(kinds) - 1, case


def function(torch, case):
    at, name = case["at"]
    spaces = {"torch": torch, "nn.functional": torch.nn.functional, "linalg": torch.linalg, "special": torch.special}
    return getattr(spaces[at], name)


def first_dtype(v):
    for x in v if isinstance(v, list) else v.values() if isinstance(v, dict) and "tensor" not in v else []:
        if isinstance(x, dict) and "tensor" in x:
            return x["tensor"][0]
        if isinstance(x, list) and first_dtype(x):
            return first_dtype(x)
    return None


def value(torch, v, old, new):
    if isinstance(v, list):
        return [value(torch, x, old, new) for x in v]
    if not isinstance(v, dict):
        return v
    if "float" in v:
        return float(v["float"])
    if "dtype" in v:
        return getattr(torch, v["dtype"])
    dtype, shape, data = v["tensor"][:3]
    numbers = np.frombuffer(bytes.fromhex(data), dtype={"bool": np.bool_}.get(dtype, dtype)).reshape(shape).copy()
    if dtype == old and new in ("uint8", "bool"):
        numbers = np.abs(numbers)  # C leaves open what a negative number is there
    t = torch.from_numpy(numbers)
    return t.to(getattr(torch, new)) if dtype == old else t


class Call:
    """One argument list with tensors of one dtype."""

    def __init__(self, torch, case, dtype):
        self.torch, self.f, self.random = torch, function(torch, case), case.get("random")
        old = first_dtype(case["args"]) or first_dtype(case.get("kwargs", {}))
        self.args = value(torch, case["args"], old, dtype)
        self.kwargs = {k: value(torch, v, old, dtype) for k, v in case.get("kwargs", {}).items()}

    def plain(self):
        if self.random:
            self.torch.manual_seed(0)
        y = self.f(*self.args, **self.kwargs)
        return [y] if isinstance(y, self.torch.Tensor) else list(y)

    def out(self, outs):
        """What happens with these tensors, one or several: nothing, or the error."""
        if self.random:
            self.torch.manual_seed(0)
        try:
            self.f(*self.args, **self.kwargs, out=outs[0] if len(outs) == 1 else tuple(outs))
        except Exception as e:
            return [type(e).__name__, str(e).split("\n")[0]]
        return None


def empty(torch, like, dtype=None, shape=None):
    shape = tuple(like.shape) if shape is None else shape
    return torch.zeros(shape, dtype=like.dtype if dtype is None else getattr(torch, dtype))


def into_dtypes(torch, call, results, which):
    """For each dtype of the result number `which`: what happens, and what was written."""
    for dtype in OUTS:
        outs = [empty(torch, t, dtype if k == which else None) for k, t in enumerate(results)]
        yield dtype, call.out(outs), outs[which]


def shapes(shape):
    """Shapes that are not the result's: of no elements, of more, of as many."""
    n = int(np.prod(shape, dtype=int))
    others = [(0,), tuple(shape) + (2,), (n,) if tuple(shape) != (n,) else (n, 1), (n + 3,)]
    return [s for s in others if s != tuple(shape)]


def into_shapes(torch, call, results, which):
    """For each shape: what happens, the first line of the warnings, the shape afterwards, and what was written."""
    for shape in shapes(results[which].shape):
        outs = [empty(torch, t, None, shape if k == which else None) for k, t in enumerate(results)]
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            error = call.out(outs)
        # PyTorch says that a function is old once in a process.
        texts = [str(w.message) for w in said if "An output" in str(w.message) or "is deprecated" not in str(w.message)]
        yield shape, error, [text.split("\n")[0] for text in texts], outs[which]


def same(torch, a, b):
    """Whether two tensors are equal, NaN being NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    a, b = (t.to(torch.float32) if t.dtype in (torch.float16, torch.bfloat16) else t for t in (a, b))
    a, b = a.detach().numpy(), b.detach().numpy()
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def numbers(torch, t):
    """A tensor's numbers as text that JSON can hold."""
    return [x if isinstance(x, (bool, int)) else repr(x) for x in t.detach().reshape(-1)[:40].tolist()]
