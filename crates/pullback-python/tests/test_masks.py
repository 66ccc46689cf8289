"""`masked` and `signal.windows` against PyTorch's answers to the same questions (`golden/masks.py`, `golden/masks.json`)."""

import json
import sys
from pathlib import Path

import pytest

import pullback as torch

GOLDEN = Path(__file__).resolve().parent / "golden"
sys.path.insert(0, str(GOLDEN))
import masks  # noqa: E402
from test_distributions import differs, through_json  # noqa: E402

ANSWERS = json.loads((GOLDEN / "masks.json").read_text())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what,within", [("reductions", 1e-9), ("along", 1e-9), ("integers", 1e-3), ("pairs", 1e-9), ("windows", 3e-7), ("older_windows", 1e-6)])
def test_whole(what, within):
    found = differs(through_json(getattr(masks, what)(torch)), ANSWERS[what], within)
    assert found is None, found


def test_the_names_are_pytorchs():
    assert len(torch.masked.__all__) == 19 and len(torch.signal.windows.__all__) == 11
    assert not torch.masked.is_masked_tensor(torch.ones(2))
    with pytest.raises(AttributeError, match="no attribute 'maen'.*nearest.*'mean'"):
        torch.masked.maen
