"""Every function on tensors without numbers: dtypes, shapes and strides are those that computing gives, or the error is PyTorch's.

`meta/golden.json` says what PyTorch refuses (meta/make.py). It has no inference for some functions that have one here.
"""

import json
import sys
from pathlib import Path

import pytest

import pullback as torch

HERE = Path(__file__).resolve().parent / "meta"
sys.path.insert(0, str(HERE))
import meta_calls  # noqa: E402

REFUSED = json.loads((HERE / "golden.json").read_text())["errors"]
CASES = list(meta_calls.cases())
GROUPS = sorted({key.split("/")[0] for key, _ in CASES})
# Numbers that are given lie on the CPU here, and on the tensor's device there.
ELSEWHERE = {"new_tensor"}


def elsewhere(found):
    """The same results on the meta device."""
    if isinstance(found, list):
        return ["meta" if x == "cpu" else elsewhere(x) for x in found]
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("group", GROUPS)
def test_every_function(group):
    wrong, left = [], set()
    for key, case in CASES:
        if not key.startswith(group + "/"):
            continue
        computed, inferred = (meta_calls.outcome(torch, case, device) for device in ("cpu", "meta"))
        if isinstance(computed, dict) or elsewhere(computed) == inferred:
            continue
        if isinstance(inferred, dict) and key in REFUSED:
            continue
        name = case["at"][1]
        if name in ELSEWHERE:
            left.add(name)
            continue
        wrong.append(f"{key}: {inferred} where computing gives {computed}; PyTorch: {REFUSED.get(key, 'infers')}")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    named = {case["at"][1] for key, case in CASES if key.startswith(group + "/")}
    assert left == named & ELSEWHERE, "a name on the lists that is no longer needed there"
