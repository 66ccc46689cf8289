"""Half precisions and narrow integers: computed in a wider dtype, rounded or wrapped once, and PyTorch's answers.

The argument lists are those that PyTorch was asked about (`pullback/tests/golden/functions`). A function of halves gives what it gives for the
same numbers in float32, rounded once; compositions may round after each step, so that they are held to some units in the last place of the
largest element. A sample runs by default, all with PULLBACK_ALL_DTYPES=1.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import narrow_cases
import pullback as torch

GOLDEN = json.loads((Path(__file__).resolve().parent / "golden" / "narrow.json").read_text())
WHOLE = bool(os.environ.get("PULLBACK_ALL_DTYPES"))
# Units in the last place of the largest element that are left to compositions, which round after each of their steps.
UNITS = 8.0
# PyTorch's tolerances for halves: relative to the largest element, since sums of several are compared.
TOLERANCES = {"float16": 6e-3, "bfloat16": 6.4e-2}


def off(got, wide, dtype):
    """How many units in the last place of the largest element a result is from the rounded one; or what else is wrong."""
    if not wide.is_floating_point():
        return 0.0 if torch.equal(got, wide) else np.inf
    if got.dtype != dtype:
        return f"dtype {got.dtype}"
    want = wide.detach().to(dtype).double().numpy()
    a = got.detach().double().numpy()
    same = (a == want) | (np.isnan(a) & np.isnan(want))
    if same.all():
        return 0.0
    finite = np.abs(want[np.isfinite(want)])
    with np.errstate(all="ignore"):
        away = np.abs(a - want)[~same].max() / (torch.finfo(dtype).eps * max(finite.max(initial=0), torch.finfo(dtype).tiny))
    return away if np.isfinite(away) else np.inf


@pytest.mark.parametrize("name", narrow_cases.HALVES)
def test_halves_are_rounded_floats(name, monkeypatch):
    dtype = getattr(torch, name)
    wrong, exact, number = [], 0, 0
    refused = {key.split("|")[1] for key, found in GOLDEN["halves"].items() if "error" in found}
    for group, function, key, case in narrow_cases.floating_cases(None if WHOLE else 2):
        if case.get("random") or function.rstrip("_") in narrow_cases.OWN:
            continue
        half = narrow_cases.answered(lambda: narrow_cases.call(torch, case, dtype))
        # The same numbers: what a half holds, in float32.
        with monkeypatch.context() as m:
            m.setattr(narrow_cases, "rounded", lambda t, _: t.to(dtype).float())
            wide = narrow_cases.answered(lambda: narrow_cases.call(torch, case, torch.float32))
        if isinstance(half, dict) or isinstance(wide, dict):
            if function in refused:
                continue  # in PyTorch's words, which the next test compares
            if half != wide:
                wrong.append(f"{group} {key}: {half if isinstance(half, dict) else 'no error'}")
            continue
        for what, h, w in (("result", half[0], wide[0]), ("gradient", half[1], wide[1])):
            for a, b in zip(h, w, strict=True):
                if a is None or b is None:
                    assert a is b, key
                    continue
                away = off(a, b, dtype)
                number, exact = number + 1, exact + (away == 0.0)
                if isinstance(away, str) or away > UNITS:
                    wrong.append(f"{group} {key}: {what}: {away}")
    assert not wrong, f"{len(wrong)} of {number}:\n" + "\n".join(wrong[:50])
    assert number > 1500 and exact > 0.85 * number, (exact, number)


def numbers(x):
    return np.array(json.loads(json.dumps(x).replace('"nan"', "NaN").replace('"inf"', "Infinity").replace('"-inf"', "-Infinity")), dtype=float)


def differs(got, want):
    """What is wrong with a tensor as JSON, if something is."""
    if got is None or want is None:
        return None if got is want else "one has no gradient"
    if got[0] != want[0]:
        return f"dtype {got[0]}, not {want[0]}"
    if got[0] not in TOLERANCES:
        return None if got[1] == want[1] else f"{got[1]}, not {want[1]}"
    x, y = numbers(got[1]), numbers(want[1])
    if x.shape != y.shape:
        return f"shape {x.shape}, not {y.shape}"
    reach = TOLERANCES[got[0]] * np.abs(y[np.isfinite(y)]).max(initial=0) + 1e-5
    with np.errstate(all="ignore"):
        good = (x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= reach)
    return None if good.all() else f"{got[1]}, not {want[1]}"


def compare(part):
    ours, wrong, refused = getattr(narrow_cases, part)(torch), [], 0
    assert ours.keys() == GOLDEN[part].keys()
    for key, want in GOLDEN[part].items():
        got = ours[key]
        if "error" in want:
            # Where PyTorch has no kernel, or no derivative, there may be one here; never another error.
            none = any(text in want["error"][1] for text in ("not implemented", "not supported", "supports floating", "must be either float", "modified by an inplace", "unallocated"))
            refused += got == want
            if got != want and ("error" in got or not none):
                wrong.append(f"{key}: {str(got)[:200]} where PyTorch has {want['error']}")
            continue
        if "error" in got:
            wrong.append(f"{key}: {got['error']}")
            continue
        pairs = [*zip(got["out"], want["out"], strict=True), *zip(got.get("grads", []), want.get("grads", []), strict=True)]
        for a, b in pairs:
            if text := differs(a, b):
                wrong.append(f"{key}: {text[:300]}")
    return wrong, refused


def test_halves_are_pytorchs():
    wrong, _ = compare("halves")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:50])


def test_integers_are_pytorchs():
    wrong, refused = compare("integers")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:50])
    assert refused > 150, refused


def test_numpy_dlpack_and_pickles_keep_every_bit():
    import pickle

    for name in [*narrow_cases.INTEGERS, *narrow_cases.HALVES, "float32", "float64"]:
        dtype = getattr(torch, name)
        x = torch.tensor([3, 1, 0, 100, 7, 2]).to(dtype).reshape(2, 3)
        y = pickle.loads(pickle.dumps(x))
        assert y.dtype is dtype and torch.equal(x, y), name
        z = torch.from_dlpack(x)
        assert z.dtype is dtype and torch.equal(x, z), name
        z[0, 0] = 9
        assert x[0, 0].item() == 9, name
        if name != "bfloat16":
            a = x.numpy()
            assert a.dtype == name
            a[1, 1] = 5
            assert x[1, 1].item() == 5 and torch.from_numpy(a).dtype is dtype, name
    with pytest.raises(TypeError, match="Got unsupported ScalarType BFloat16"):
        torch.ones(2, dtype=torch.bfloat16).numpy()


def test_what_narrow_dtypes_say_of_themselves():
    assert torch.half is torch.float16 and torch.short is torch.int16
    assert repr(torch.finfo(torch.bfloat16)) == (
        "finfo(resolution=0.01, min=-3.38953e+38, max=3.38953e+38, eps=0.0078125, smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=bfloat16)"
    )
    assert torch.iinfo(torch.int8).min == -128 and repr(torch.iinfo(torch.uint64)) == "iinfo(min=0, max=1.84467e+19, dtype=uint64)"
    assert torch.zeros(1).bfloat16().type() == "torch.BFloat16Tensor" and isinstance(torch.zeros(1).half(), torch.HalfTensor)
    assert torch.tensor([2**64 - 1], dtype=torch.uint64).tolist() == [2**64 - 1]
    assert not torch.uint32.is_signed and torch.int8.is_signed and torch.float16.itemsize == 2
    with pytest.raises(RuntimeError, match="Promotion for uint16, uint32, uint64 types is not supported, attempted to promote UInt16 and Int"):
        torch.promote_types(torch.uint16, torch.int32)


@pytest.mark.parametrize("name", narrow_cases.HALVES)
def test_a_module_trains_in_a_half(name):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(getattr(torch, name))
    x = torch.randn(32, 4).to(getattr(torch, name))
    y = x.sum(1, keepdim=True).tanh()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(60):
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        assert all(p.grad.dtype is p.dtype for p in model.parameters())
        opt.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0], losses[::10]
