"""Every argument list of the golden files, with tensors that have no numbers: what is called, and what is asked of it. For PyTorch and Pullback alike."""

import json
from pathlib import Path

import numpy as np

FUNCTIONS = Path(__file__).resolve().parents[3] / "pullback" / "tests" / "golden" / "functions"


def cases():
    """`GROUP/key`, case: those that PyTorch takes, with a tensor among the arguments."""
    for path in sorted(FUNCTIONS.glob("*.json")):
        for key, case in json.loads(path.read_text())["cases"].items():
            if "error" not in case and '"tensor"' in json.dumps([case["args"], case.get("kwargs")]):
                yield f"{path.stem}/{key}", case


def function(torch, case):
    at, name = case["at"]
    spaces = {"torch": torch, "Tensor": torch.Tensor, "nn.functional": torch.nn.functional, "linalg": torch.linalg, "special": torch.special}
    return getattr(spaces[at], name)


def value(torch, v, device):
    if isinstance(v, list):
        return [value(torch, x, device) for x in v]
    if not isinstance(v, dict):
        return v
    if "float" in v:
        return float(v["float"])
    if "dtype" in v:
        return getattr(torch, v["dtype"])
    dtype, shape, data, transposed = v["tensor"]
    t = torch.from_numpy(np.frombuffer(bytes.fromhex(data), dtype={"bool": np.bool_}.get(dtype, dtype)).reshape(shape).copy())
    if transposed:
        back = tuple(reversed(range(t.dim())))
        t = t.permute(back).contiguous().permute(back)
    return t.to(device)


def flat(torch, y):
    if isinstance(y, torch.Tensor):
        return [str(y.dtype).removeprefix("torch."), list(y.shape), list(y.stride()), str(y.device)]
    if isinstance(y, (list, tuple)):
        return [flat(torch, x) for x in y]
    return y if y is None or isinstance(y, (bool, int, float, str)) else str(y)


def outcome(torch, case, device):
    """What the results are like; or `{"error": [type, first line]}`."""
    try:
        args = [value(torch, v, device) for v in case["args"]]
        kwargs = {k: value(torch, v, device) for k, v in case.get("kwargs", {}).items()}
        return flat(torch, function(torch, case)(*args, **kwargs))
    except Exception as e:
        return {"error": [type(e).__name__, str(e).split("\n")[0]]}
