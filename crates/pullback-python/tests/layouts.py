"""How results lie in memory: every argument list of the golden files of functions, tried in several layouts of its tensors.

Written once for PyTorch and for this package, which is handed in: `golden/make_strides.py` writes down PyTorch's answers, and `test_strides.py`
compares ours with them. Only strides are looked at, of dimensions that have more than one element: those of others mean nothing.
"""

import json
import warnings
import zlib
from pathlib import Path

import numpy as np

FUNCTIONS = Path(__file__).resolve().parent.parent.parent / "pullback" / "tests" / "golden" / "functions"
SCHEMES = ("turned", "mixed", "gaps", "first", "others", "stretched")


def spaces(torch):
    return {"torch": torch, "Tensor": torch.Tensor, "nn.functional": torch.nn.functional, "linalg": torch.linalg, "special": torch.special}


def laid(torch, t, scheme, number):
    """The same numbers (for `stretched`: those of the first index) in another order of dimensions in memory."""
    rank = t.dim()
    if rank < 2 or scheme == "first" and number > 0 or scheme == "others" and number == 0:
        return t
    order = list(reversed(range(rank)))
    if scheme in ("mixed", "gaps"):  # any order, the same for PyTorch and for us
        order = [int(k) for k in np.random.default_rng([zlib.crc32(scheme.encode()), number, rank]).permutation(rank)]
    if scheme == "stretched":
        at = number % rank
        return t.narrow(at, 0, 1).expand(t.shape) if t.shape[at] > 0 else t
    t = t.permute(order).contiguous()
    if scheme == "gaps":
        t = torch.stack([t, t], -1)[..., 0]
    return t.permute([order.index(k) for k in range(rank)])


def value(torch, v, scheme, leaves, fixed):
    if isinstance(v, list):
        return [value(torch, x, scheme, leaves, fixed) for x in v]
    if not isinstance(v, dict):
        return v
    if "float" in v:
        return float(v["float"])
    if "dtype" in v:
        return getattr(torch, v["dtype"])
    dtype, shape, data = v["tensor"][:3]
    a = np.frombuffer(bytes.fromhex(data), dtype={"bool": np.bool_}.get(dtype, dtype)).reshape(shape).copy()
    number = fixed[0]
    fixed[0] += 1
    t = laid(torch, torch.from_numpy(a), scheme, number)
    if t.is_floating_point() and number not in fixed[1]:
        t = t.detach().requires_grad_(True)
        leaves.append(t)
    return t


def flat(torch, y):
    if isinstance(y, torch.Tensor):
        return [y]
    return [t for x in y for t in flat(torch, x)] if isinstance(y, (tuple, list)) else []


def seen(t):
    """The strides that mean something, or nothing where there are fewer than two elements."""
    if t is None or t.numel() < 2 or t.dim() < 2:
        return None
    return [s if n > 1 else 0 for s, n in zip(t.stride(), t.shape)]


def answer(torch, case, scheme):
    """Strides of the results and of the gradients of their sum; `None` where it fails."""
    leaves, fixed = [], [0, case.get("fixed", [])]
    space, name = case["at"]
    writes = name.endswith("_")
    if writes:
        fixed[1] = range(100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            args = [value(torch, v, scheme, leaves, fixed) for v in case["args"]]
            kwargs = {k: value(torch, v, scheme, leaves, fixed) for k, v in case.get("kwargs", {}).items()}
            outs = flat(torch, getattr(spaces(torch)[space], name)(*args, **kwargs))
            found = [[seen(t) for t in outs]]
            rooted = [t for t in outs if t.requires_grad]
            if rooted and leaves:
                sum((t * t).sum() for t in rooted).backward()
                found.append([seen(t.grad) for t in leaves])
            return found
        except Exception:
            return None


def cases():
    """Those in which a tensor has two dimensions."""

    def deep(v):
        if isinstance(v, dict):
            return "tensor" in v and len(v["tensor"][1]) > 1
        return isinstance(v, list) and any(map(deep, v))

    for path in sorted(FUNCTIONS.glob("*.json")):
        for key, case in json.loads(path.read_text())["cases"].items():
            if "error" not in case and (deep(case["args"]) or deep(list(case.get("kwargs", {}).values()))):
                yield path.stem, key, case


def operand(torch, rng, shape, whole):
    """A tensor that broadcasts to a shape: in any order of dimensions, with gaps, stretched, and unless `whole` with dimensions of size 1
    or left out. The result has none of size 1: row-major tensors have row-major strides there too, where PyTorch keeps old ones."""
    rank = len(shape)
    sizes = [1 if rng.random() < 0.2 and not whole else n for n in shape]
    order = [int(k) for k in rng.permutation(rank)]
    steps = [int(rng.integers(1, 3)) if rng.random() < 0.3 else 1 for _ in shape]
    t = torch.zeros([sizes[k] * steps[k] for k in order])
    t = t.permute([order.index(k) for k in range(rank)])[tuple(slice(None, None, s) for s in steps)]
    if rng.random() < 0.3:
        at = int(rng.integers(rank))
        t = t.narrow(at, 0, 1).expand([n if k == at else m for k, (n, m) in enumerate(zip(shape, sizes))])
    while t.dim() and t.shape[0] == 1 and rng.random() < 0.5:
        t = t[0]
    return t


def random_results(torch, count=600):
    """Strides of elementwise results of one, two and three operands, clones, conversions and tensors like others, in random layouts."""
    made = {
        "neg": (1, lambda x: -x),
        "clone": (1, lambda x: x.clone()),
        "to": (1, lambda x: x.to(torch.float64)),
        "zeros_like": (1, torch.zeros_like),
        "full_like": (1, lambda x: torch.full_like(x, 2.0)),
        "add": (2, lambda x, y: x + y),
        "gt": (2, lambda x, y: x > y),
        "pow": (2, torch.pow),
        "addcmul": (3, torch.addcmul),
        "where": (3, lambda x, y, z: torch.where(x > 0, y, z)),
        "lerp": (3, torch.lerp),
    }
    found = []
    for number in range(count):
        rng = np.random.default_rng([7, number])
        shape = [int(n) for n in rng.integers(2, 4, size=int(rng.integers(2, 6)))]
        operands = [operand(torch, rng, shape, whole=k == 0) for k in range(3)]
        found.append({name: seen(f(*operands[:n])) for name, (n, f) in made.items()})
    return found
