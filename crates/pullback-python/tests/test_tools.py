"""`nn.utils` and lazy modules against PyTorch's answers to the same questions (`golden/tools.py`, `golden/tools.json`)."""

import json
import sys
from pathlib import Path

import pytest

import pullback as torch

GOLDEN = Path(__file__).resolve().parent / "golden"
sys.path.insert(0, str(GOLDEN))
import tools  # noqa: E402
from test_distributions import differs, through_json  # noqa: E402

ANSWERS = json.loads((GOLDEN / "tools.json").read_text())


@pytest.mark.parametrize("what", ["orthogonal", "norms", "parametrized", "pruned", "fused", "lazy", "averages", "shares"])
def test_whole(what):
    found = differs(through_json(getattr(tools, what)(torch)), ANSWERS[what], 1e-5 if what == "lazy" else 1e-9)
    assert found is None, found


def test_skip_init():
    made = torch.nn.utils.skip_init(torch.nn.Linear, 3, 2)
    assert made.weight.shape == (2, 3) and not made.weight.is_meta
    with pytest.raises(RuntimeError, match="Expected a Module"):
        torch.nn.utils.skip_init(int)
