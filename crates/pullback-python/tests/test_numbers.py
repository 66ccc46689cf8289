"""Numbers that a dtype may not hold, beside tensors: every function that takes one, in every dtype, against PyTorch's answers (numbers/make.py).

The same elements, or an exception of the same type; the same first line where the number does not fit. Comparisons follow Python's integers, where
PyTorch 2.15 wraps the number.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import pullback as torch

HERE = Path(__file__).resolve().parent / "numbers"
sys.path.insert(0, str(HERE))
for name in ("calls",):
    sys.modules.pop(name, None)
import calls  # noqa: E402

sys.modules.pop("calls", None)
sys.path.remove(str(HERE))

GOLDEN = json.loads((HERE / "golden.json").read_text())
ROWS = {(f, d): [GOLDEN["outcomes"][k] for k in row] for f, d, row in GOLDEN["cases"]}


def number(v):
    return float(v) if isinstance(v, str) else v


def agree(got, want, dtype):
    if not isinstance(want[1], list):
        return got[0] == want[0] and ("overflow" not in want[1] and "representable" not in want[1] or got[1] == want[1])
    if got[0] != want[0] or not isinstance(got[1], list) or len(got[1]) != len(want[1]):
        return False
    pairs = [(number(a), number(b)) for a, b in zip(got[1], want[1])]
    if got[0].startswith("float"):
        return np.allclose(*np.array(pairs, dtype=np.float64).reshape(-1, 2).T, rtol=1e-6 if got[0] == "float32" else 1e-14, atol=0, equal_nan=True)
    return all(a == b for a, b in pairs)


def known(function, dtype, n):
    """Where this is not PyTorch on purpose, or PyTorch is wrong: why."""
    long = isinstance(n, int) and not isinstance(n, bool) and abs(n) > 2**53
    if function in ("sub, alpha", "rsub, alpha") and (long or n == 2**31):
        return "PyTorch takes the negative of alpha first, which overflows"
    if function == "pad" and (long or dtype == "uint8" and n in (-1, -255)):
        return "PyTorch makes a double of the value, which loses digits"
    if function.startswith(("hardtanh", "threshold", "linspace")) and (long or n == -1 and isinstance(n, float)):
        return "the numbers are doubles here"
    if function.startswith("hardtanh") and n != n and dtype.startswith("float"):
        return "NaN as a bound bounds nothing here"
    if function == "linspace" and dtype == "bool":
        return "it has a form for truth values here"
    if function.startswith("pow") and long and n > 2**63 - 1:
        return "the text names the tensor's dtype"
    if dtype == "bool" and long and n > 2**63 - 1:
        return "PyTorch promotes no bool with uint64"
    if function in ("-", "number - x") and (dtype == "bool" or n is True):
        return "Python's operator subtracts truth values here"
    return None


@pytest.mark.parametrize("function", calls.FUNCTIONS)
def test_every_number(function):
    wrong = []
    for dtype in calls.DTYPES:
        for n, want in zip(calls.NUMBERS, ROWS[function, dtype]):
            if known(function, dtype, n):
                continue
            got = calls.outcome(torch, function, dtype, n)
            if not agree(got, want, dtype):
                wrong.append(f"{dtype} {n}: {got} where PyTorch has {want}")
    assert not wrong, "\n".join(wrong)


INTEGERS = [n for n in calls.NUMBERS if isinstance(n, int) and not isinstance(n, bool) and -(2**63) <= n < 2**64]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_integers_are_compared_as_integers(dtype):
    ends = {"uint8": (0, 255), "int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}[dtype]
    elements = sorted({*ends, 0, 1, 3, ends[1] - 1})
    x = torch.tensor(elements, dtype=getattr(torch, dtype))
    names = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
    for n in INTEGERS:
        for sign, compare in calls.COMPARISONS.items():
            want = [compare(e, n) for e in elements]
            assert compare(x, n).tolist() == want, (sign, n)
            assert getattr(torch, names[sign])(x, n).tolist() == want == getattr(x, names[sign])(n).tolist(), (sign, n)
            assert compare(n, x).tolist() == [compare(n, e) for e in elements], (sign, n)
            y = x.clone()
            getattr(y, names[sign] + "_")(n)
            assert y.tolist() == [int(w) for w in want], (sign, n)
        assert torch.isin(x, n).tolist() == [e == n for e in elements], n
        assert (n in x) == (n in elements)
        if n < 2**63:
            assert torch.searchsorted(x, n).item() == sum(e < n for e in elements), n


FLOATS = [
    ("x / n", lambda x, n: x / n, lambda x, n: x / n),
    ("n / x", lambda x, n: n / x, lambda x, n: n / x),
    ("div", lambda x, n: torch.div(x, n), lambda x, n: x / n),
    ("true_divide", lambda x, n: torch.true_divide(x, n), lambda x, n: x / n),
    ("xlogy", lambda x, n: torch.xlogy(x, n), lambda x, n: x * math.log(n) if n > 0 else math.nan),
    ("xlogy, the other way", lambda x, n: torch.xlogy(n, x), lambda x, n: n * math.log(x)),
    ("atan2", lambda x, n: torch.atan2(x, torch.tensor(n)), lambda x, n: math.atan2(x, n)),
    ("copysign", lambda x, n: torch.copysign(x, n), lambda x, n: math.copysign(x, n)),
    ("float_power", lambda x, n: torch.float_power(x, n), lambda x, n: float(x) ** n if abs(n) < 150 else math.nan),
]


@pytest.mark.parametrize("name, ours, by_python", FLOATS, ids=[f[0] for f in FLOATS])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_numbers_do_not_wrap_on_the_way_to_a_float(dtype, name, ours, by_python):
    x = [1, 7, 100]
    for n in (-1, -256, -300, 256, 300, 2**31, 2**40, -(2**40)):
        got = ours(torch.tensor(x, dtype=getattr(torch, dtype)), n).tolist()
        for a, b in zip(got, [by_python(e, n) for e in x]):
            assert math.isnan(b) or a == pytest.approx(b, rel=1e-6), (n, a, b)


def test_long_integers_beside_floats_are_their_values():
    x = torch.tensor([1.0])
    assert (x + 2**63).tolist() == [2.0**63] == (2**63 + x).tolist()
    assert (x * (2**64 - 1)).tolist() == [2.0**64]
    assert (x.double() * (2**63 + 2**11)).tolist() == [float(2**63 + 2**11)]
    for n, text in ((2**64, "int too big to convert"), (-(2**63) - 1, "can't convert negative int to unsigned")):
        for call in (lambda: x + n, lambda: n * x, lambda: x.fill_(n), lambda: torch.add(x, n), lambda: x < n):
            with pytest.raises(OverflowError, match=text):
                call()
