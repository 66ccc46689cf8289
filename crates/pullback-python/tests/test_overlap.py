"""Writes into memory that a call reads too, against PyTorch's answers: every function in place and with `out=`, in every position of memory.

`overlap/golden.json` is PyTorch's (overlap/make.py), `overlap/calls.py` lays the tensors. Where PyTorch raises, the same type of exception with the
same first line is raised here. Where it writes, nothing is raised, and the result is that of a call with the arguments copied first (which PyTorch's
is not always: some of its kernels read what they have just written). Where an element stands for many and PyTorch does not look, here it is an error.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import pullback as torch

HERE = Path(__file__).resolve().parent / "overlap"
sys.path.insert(0, str(HERE))
import calls  # noqa: E402

GOLDEN = json.loads((HERE / "golden.json").read_text())["cases"]
CASES = {(group, key): case for group, key, case in calls.cases()}
INTERNAL = "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation."


def outcome(run):
    try:
        run()
    except Exception as e:
        return [type(e).__name__, str(e).split("\n")[0]]
    return None


def call(entry):
    group, key, mode, situation, place, _ = entry
    case = CASES[group, key]
    name = case["at"][1]
    if mode == "in_place":
        if not hasattr(torch.Tensor, name + "_") and not hasattr(torch.ones(1), name + "_"):
            return None
        return calls.call_in_place(torch, name, case, situation, place)
    return calls.call_out(torch, case, situation, place)


@pytest.mark.parametrize("mode", ["in_place", "out"])
@pytest.mark.parametrize("situation", calls.OUT)
def test_every_function(mode, situation):
    wrong, tried = [], 0
    for entry in GOLDEN:
        if entry[2] != mode or entry[3] != situation:
            continue
        try:
            run = call(entry)
        except NotImplementedError:
            continue
        if run is None:
            continue
        tried += 1
        got, want = outcome(run), entry[5]
        if got == want or situation == "expanded" and want is None and got is not None and got[1] == INTERNAL:
            continue
        wrong.append(f"{entry[1]} at {entry[4]}: {got} where PyTorch has {want}")
    assert tried > 20
    assert not wrong, "\n".join(wrong)
