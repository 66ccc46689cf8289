"""PyTorch's answers to every argument list that functions are tried on: writes functions/GROUP.json beside this file.

    cargo run -q -p pullback --features proof --example function_samples [GROUP...] > /tmp/samples.json
    python crates/pullback/tests/golden/make_functions.py /tmp/samples.json

For each case: where PyTorch has the function, what it was given, the units in the last place allowed if they are not 4 and 16, and the results (dtype, shape, little-endian bytes in hexadecimal; every NaN
as one), the gradients of
sum(result * g) by all floating inputs, where g runs through ((7919 k + 13) mod 64 - 31.5) / 32, and the names of the results' nodes; or the
error's type and first line. Where the signs of results' columns are not defined, both are those of the results' magnitudes. The Python package's
tests read the same files.
"""
import json, os, sys, warnings

import numpy as np
import torch

warnings.simplefilter("ignore")
torch.set_num_threads(1)
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "functions")
SPACES = {"torch": torch, "Tensor": torch.Tensor, "nn.functional": torch.nn.functional, "linalg": torch.linalg, "special": torch.special}


def value(v, leaves, fixed):
    if isinstance(v, list):
        return [value(x, leaves, fixed) for x in v]
    if not isinstance(v, dict):
        return v
    if "float" in v:
        return float(v["float"])
    if "dtype" in v:
        return getattr(torch, v["dtype"])
    dtype, shape, data, transposed = v["tensor"]
    a = np.frombuffer(bytes.fromhex(data), dtype={"bool": np.bool_}.get(dtype, dtype)).reshape(shape)
    t = torch.from_numpy(a.copy())
    if transposed:
        back = tuple(reversed(range(t.ndim)))
        t = t.permute(back).contiguous().permute(back)
    fixed[0] += 1
    if t.dtype.is_floating_point and fixed[0] - 1 not in fixed[1]:
        t.requires_grad_(True)
        leaves.append(t)
    return t


def tensor(t):
    t = t.detach().contiguous()
    if t.dtype == torch.bfloat16:  # which NumPy does not have
        t = torch.where(t.isnan(), torch.tensor(float("nan"), dtype=t.dtype), t)
        return ["bfloat16", list(t.shape), t.view(torch.uint16).numpy().tobytes().hex()]
    a = t.numpy(force=True)
    if t.dtype.is_floating_point:
        a = np.where(np.isnan(a), np.array(np.nan, a.dtype), a).astype(a.dtype)
    return [str(t.dtype).removeprefix("torch."), list(t.shape), a.tobytes().hex()]


def flat(y):
    if isinstance(y, torch.Tensor):
        return [y]
    if isinstance(y, (tuple, list)) and y and all(isinstance(x, (torch.Tensor, tuple, list)) for x in y):
        return [t for x in y for t in flat(x)]
    return None


def plain(y):
    if isinstance(y, torch.dtype):
        return str(y)
    if isinstance(y, (tuple, list)):
        return [plain(x) for x in y]
    return y if isinstance(y, (bool, int, str)) or y is None else float(y).hex()


def cotangent(t):
    k = torch.arange(t.numel(), dtype=torch.int64)
    return (((7919 * k + 13) % 64).to(torch.float64).sub(31.5).div(32)).to(t.dtype).reshape(t.shape)


def answer(case):
    leaves, fixed = [], [0, case["fixed"]]
    if case["places"][0][1].endswith("_"):  # what writes over its argument is asked about tensors without a gradient
        fixed[1] = range(100)
    args = [value(v, leaves, fixed) for v in case["args"]]
    kwargs = {k: value(v, leaves, fixed) for k, v in case["kwargs"].items()}
    space, name = case["places"][0]
    try:
        f = getattr(SPACES[space], name)
        if case["random"]:
            torch.manual_seed(0)
        y = f(*args, **kwargs)
    except Exception as e:
        return {"error": [type(e).__name__, str(e).split("\n")[0]]}
    outs = flat(y)
    if outs is None:
        return {"plain": plain(y)}
    found = {}
    if any(t.grad_fn is not None for t in outs):
        found["nodes"] = [t.grad_fn and t.grad_fn.name() for t in outs]
    if case.get("signs"):
        outs = [t.abs() if t.dtype.is_floating_point else t for t in outs]
    found = {"out": [tensor(t) for t in outs]} | found
    rooted = [t for t in outs if t.requires_grad]
    if rooted and leaves:
        try:
            grads = torch.autograd.grad(rooted, leaves, [cotangent(t) for t in rooted], allow_unused=True)
        except Exception as e:
            return found | {"backward_error": [type(e).__name__, str(e).split("\n")[0]]}
        found["grads"] = [None if g is None else tensor(g) for g in grads]
    return found


groups = {}
for case in json.load(open(sys.argv[1])):
    found = answer(case)
    if case["kind"] != "error" and "error" in found:
        print(f"{case['key']}: {case['kind']} fails: {found['error'][0]}: {found['error'][1]}", file=sys.stderr)
    if case["kind"] == "error" and "error" not in found:
        print(f"{case['key']}: does not fail", file=sys.stderr)
    call = {"at": case["places"][0], "args": case["args"]} | {k: case[k] for k in ("kwargs", "random", "signs", "fixed") if case[k]}
    if case["units"] != [4.0, 16.0]:
        call["units"] = case["units"]
    groups.setdefault(case["group"], {})[case["key"]] = call | found
os.makedirs(HERE, exist_ok=True)
for group, cases in groups.items():
    path = os.path.join(HERE, group + ".json")
    with open(path + ".part", "w") as out:
        lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in cases.items())
        out.write('{"torch": "%s", "numpy": "%s", "cases": {\n%s\n}}\n' % (torch.__version__, np.__version__, lines))
    os.replace(path + ".part", path)
    print(f"{path}: {len(cases)} cases, {os.path.getsize(path) // 1024} KiB")
