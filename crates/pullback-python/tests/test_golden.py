"""Every function of the list, called from Python with every argument list it is tried on, against PyTorch's answers in the golden files.

The files are those of the library's own tests (`crates/pullback/tests/golden/functions`); PyTorch is not needed. The library's tests hold values
to units in the last place; here it is the way through Python that is tried: how arguments are bound, what comes out, which exception is raised.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import pullback as torch

HERE = Path(__file__).resolve().parent
FILES = sorted((HERE.parent.parent / "pullback" / "tests" / "golden" / "functions").glob("*.json"))
SPACES = {"torch": torch, "Tensor": torch.Tensor, "nn.functional": torch.nn.functional, "linalg": torch.linalg, "special": torch.special}


def array(v):
    dtype, shape, data = v[:3]
    if dtype == "bfloat16":  # which NumPy does not have: the upper halves of float32
        return (np.frombuffer(bytes.fromhex(data), np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return np.frombuffer(bytes.fromhex(data), dtype={"bool": np.bool_}.get(dtype, dtype)).reshape(shape).copy()


def value(v, leaves, fixed):
    """An argument; floating tensors become leaves, but for those that are fixed."""
    if isinstance(v, list):
        return [value(x, leaves, fixed) for x in v]
    if not isinstance(v, dict):
        return v
    if "float" in v:
        return float(v["float"])
    if "dtype" in v:
        return getattr(torch, v["dtype"])
    t = torch.from_numpy(array(v["tensor"]))
    if v["tensor"][3]:  # the same numbers in transposed memory
        back = tuple(reversed(range(t.ndim)))
        t = t.permute(back).contiguous().permute(back)
    fixed["at"] += 1
    if t.is_floating_point() and fixed["at"] - 1 not in fixed["list"]:
        t = t.detach().requires_grad_()
        leaves.append(t)
    return t


def flat(y):
    if isinstance(y, torch.Tensor):
        return [y]
    if isinstance(y, (tuple, list)) and y and all(isinstance(x, (torch.Tensor, tuple, list)) for x in y):
        return [t for x in y for t in flat(x)]
    return None


def close(got, want, units):
    """Whether arrays agree within units in the last place of the largest element."""
    want_array = array(want)
    if str(got.dtype) != f"torch.{want[0]}" or list(got.shape) != want[1]:
        return f"{got.dtype} {tuple(got.shape)} where PyTorch has {want[0]} {want[1]}"
    a = (got.float() if got.dtype == torch.bfloat16 else got).detach().numpy()
    if a.dtype.kind != "f":
        return None if (a == want_array).all() else f"{a} where PyTorch has {want_array}"
    with np.errstate(all="ignore"):
        finite = np.abs(want_array[np.isfinite(want_array)])
        reach = units * np.finfo(a.dtype).eps * max(finite.max(initial=0), np.finfo(a.dtype).tiny)
        good = (a == want_array) | (np.isnan(a) & np.isnan(want_array)) | (np.abs(a - want_array) <= reach)
    return None if good.all() else f"{a} where PyTorch has {want_array}"


def plain(y):
    if isinstance(y, torch.dtype):
        return str(y)
    if isinstance(y, (tuple, list)):
        return [plain(x) for x in y]
    return y if isinstance(y, (bool, int, str)) or y is None else float(y).hex()


def cotangent(t):
    k = np.arange(t.numel())
    return torch.from_numpy((((7919 * k + 13) % 64 - 31.5) / 32).reshape(tuple(t.shape))).to(t.dtype)


def check(case):
    leaves, fixed = [], {"at": 0, "list": case.get("fixed", [])}
    args = [value(v, leaves, fixed) for v in case["args"]]
    kwargs = {k: value(v, leaves, fixed) for k, v in case.get("kwargs", {}).items()}
    space, name = case["at"]
    if name.endswith("_"):  # what writes over its argument is asked about tensors without a gradient
        leaves.clear()
        args = [a.detach() if isinstance(a, torch.Tensor) else a for a in args]
    function = getattr(SPACES[space], name)
    if case.get("random"):
        torch.manual_seed(0)
    try:
        y = function(*args, **kwargs)
    except Exception as e:
        if "error" not in case:
            return f"raises {type(e).__name__}: {e}"
        if type(e).__name__ != case["error"][0]:
            return f"raises {type(e).__name__} ({e}) where PyTorch raises {case['error'][0]} ({case['error'][1]})"
        return None
    if "error" in case:
        return f"gives {y} where PyTorch raises {case['error']}"
    outs, units = flat(y), case.get("units", [4, 16])
    if "plain" in case:
        same = plain(y) == case["plain"]
        if not same and isinstance(y, float):
            same = abs(y - float.fromhex(case["plain"])) <= 1e-6 * abs(y)
        return None if same else f"{plain(y)} where PyTorch has {case['plain']}"
    if len(outs) != len(case["out"]):
        return f"{len(outs)} results where PyTorch has {len(case['out'])}"
    if case.get("signs"):  # the signs of columns are not defined
        outs = [t.abs() if t.is_floating_point() else t for t in outs]
    for got, want in zip(outs, case["out"]):
        if found := close(got, want, units[0]):
            return found
    rooted = [t for t in outs if t.requires_grad]
    if "grads" not in case or not rooted:
        return None if "backward_error" in case or not rooted or not leaves else "requires a gradient where PyTorch's result does not"
    grads = torch.autograd.grad(rooted, leaves, [cotangent(t) for t in rooted], allow_unused=True)
    for leaf, got, want in zip(leaves, grads, case["grads"]):
        got = torch.zeros_like(leaf) if got is None else got
        want = [*want[:3]] if want else [str(leaf.dtype).removeprefix("torch."), list(leaf.shape), torch.zeros_like(leaf).detach().numpy().tobytes().hex()]
        if found := close(got, want, units[1]):
            return "gradient: " + found
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_case(path):
    cases = json.loads(path.read_text())["cases"]
    assert cases
    findings = [f"{key}: {found}" for key, case in cases.items() if (found := check(case))]
    assert not findings, f"{len(findings)} of {len(cases)} cases differ:\n" + "\n".join(findings)


def test_there_are_files_for_every_group():
    assert len(FILES) >= 15
