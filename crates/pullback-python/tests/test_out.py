"""Results written to `out=`, against PyTorch's answers: every function, every pair of dtypes, and tensors of other shapes.

`out/golden.json` is PyTorch's (out/make.py). Where PyTorch raises, the same type of exception with the same first line is raised here; where it writes,
the same numbers are written, to the rounding of the coarser dtype.
"""

import json
import sys
from pathlib import Path

import pytest

import pullback as torch

HERE = Path(__file__).resolve().parent / "out"
sys.path.insert(0, str(HERE))
import out_calls as calls  # noqa: E402

GOLDEN = json.loads((HERE / "golden.json").read_text())
ERRORS = GOLDEN["errors"]
CASES = {(name, at): case for name, at, case in calls.cases()}
# How much of a number's size its rounding may be.
ROUNDING = {torch.float64: 1e-12, torch.float32: 2e-6, torch.float16: 4e-3, torch.bfloat16: 3e-2}
# PyTorch converts the numbers of `all` to bytes before it asks whether they are zero.
BYTES_FIRST = "torch.all|"
# Without elements or dimensions PyTorch asks for no kernel, and so finds out about no dtype; and it has none for deviations of halves into floats.
UNASKED = ("torch.nansum|3|", "torch.randn|3|", "torch.cumsum|1|", "torch.cumprod|1|", "torch.std|3|float16", "torch.var|4|float16")
# Here PyTorch warns of shapes that are not the result's, or of none, or fails; here tensors are resized as everywhere.
RESIZED = ("torch.kthvalue|", "torch.normal|", "torch.mode|", "torch.isin|2|", "torch.lu|", "torch.svd|2|2")


def call(key):
    name, at, dtype = key.split("|")[:3]
    return calls.Call(torch, CASES[name, int(at)], dtype)


def close(got, want, dtypes):
    got, want = ([float(x) for x in t] for t in (got, want))
    if len(got) != len(want):
        return False
    rounding = max(ROUNDING.get(d, 0.0) for d in dtypes)
    size = max([abs(x) for x in want if abs(x) < float("inf")], default=0.0)
    return all(g == w or g != g and w != w or abs(g - w) <= rounding * max(size, 1.0) for g, w in zip(got, want))


def flat(t):
    return t.detach().reshape(-1).tolist()


def shortened(error):
    """What is compared of an error: PyTorch's own remarks after the first sentence are its own."""
    return error and [error[0], error[1].split("  (Could this error")[0]]


def excused(key, dtype):
    """The entry of a list that lets one call differ."""
    for start in UNASKED:
        if key.startswith(start):
            return start
    return BYTES_FIRST if key.startswith(BYTES_FIRST) and dtype == "uint8" else None


def differs(error, out, plain, want):
    """What is wrong with one call, as text."""
    if isinstance(want, int):
        want = shortened(ERRORS[want])
        return None if error == want else f"{error} where PyTorch has {want}"
    if error is not None:
        return f"{error} where PyTorch writes"
    if want == "=":
        want = flat(plain.to(out.dtype))
    got = flat(out)[:40] if len(want) <= 40 else flat(out)
    if close(got, want, [out.dtype, plain.dtype]):
        return None
    return f"{got[:5]} where PyTorch has {want[:5]}"


def tried(part):
    for key, row in part.items():
        run = call(key if key.count("|") == 3 else "|".join([*key.split("|")[:2], row[0], key.split("|")[2]]))
        try:
            results = run.plain()
        except (AttributeError, NotImplementedError):
            continue
        yield key, row, run, results, int(key.split("|")[-1])


@pytest.mark.parametrize("start", ["linalg.", "nn.functional.", "special.", *(f"torch.{c}" for c in "abcdefghijklmnopqrstuvwxyz_")])
def test_every_dtype(start):
    wrong, needed = [], set()
    part = {k: row for k, row in GOLDEN["dtypes"].items() if k.startswith(start)}
    for key, row, run, results, which in tried(part):
        for want, (dtype, error, out) in zip(row, calls.into_dtypes(torch, run, results, which)):
            text = differs(error, out, results[which], want)
            if text and excused(key, dtype):
                needed.add(excused(key, dtype))
            elif text:
                wrong.append(f"{key} into {dtype}: {text}")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    asked = {x for x in (*UNASKED, BYTES_FIRST) if any(k.startswith(x) for k in part)}
    assert needed == asked, "an entry of the lists that is no longer needed"


def first_sentence(text):
    return text.split(". ")[0]


def test_every_shape():
    wrong, count, needed = [], 0, set()
    for key, row, run, results, which in tried(GOLDEN["shapes"]):
        for want, (shape, error, said, out) in zip(row[1], calls.into_shapes(torch, run, results, which)):
            count += 1
            error_wanted, warned = (None, []) if want == "=" else (want[0], [ERRORS[w] for w in want[1:] if isinstance(w, int)])
            final = want[-1] if isinstance(want[-1], list) else list(results[which].shape)
            if error_wanted is not None:
                good = error == ERRORS[error_wanted]
            else:
                good = error is None and list(map(first_sentence, said)) == list(map(first_sentence, warned)) and list(out.shape) == final
                good = good and ("split_copy" in key or close(flat(out), flat(results[which]), [out.dtype]))
            if not good and key.startswith(RESIZED) and error is None and list(out.shape) == list(results[which].shape):
                needed.update(x for x in RESIZED if key.startswith(x))
            elif not good:
                wrong.append(f"{key} into {shape}: {error}, {said}, {list(out.shape)} where PyTorch has {want}")
    assert count > 1000
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert needed == set(RESIZED), "an entry of the list that is no longer needed"


def test_what_out_may_be():
    x, y = torch.ones(3), torch.zeros(3)
    for bad, name in [((y,), "tuple"), ([y], "tuple"), (3, "int"), ("y", "str")]:
        with pytest.raises(TypeError, match=rf"add\(\): argument 'out' must be Tensor, not {name}"):
            torch.add(x, 1, out=bad)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        torch.add(x, 1, out=torch.zeros(3, requires_grad=True))
    with torch.no_grad():
        out = torch.zeros(3, requires_grad=True)
        assert torch.add(x, 1, out=out) is out
        assert out.tolist() == [2.0] * 3
    assert torch.add(x, 1, out=None).tolist() == [2.0] * 3


def test_memory_follows_the_result():
    empty = torch.zeros(0)
    assert torch.add(torch.ones(3, 2).t(), 1, out=empty) is empty
    assert empty.shape == (2, 3) and empty.stride() == (1, 2)
    laid = torch.zeros(3, 2).t()
    assert torch.add(torch.ones(2, 3), 1, out=laid).stride() == (1, 2)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        torch.add(torch.ones(3), 1, out=torch.zeros(1).expand(3))
