"""What users are told of their mistakes: PyTorch's exceptions and texts, word for word but where it is said why not."""

import json
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"

# Said otherwise, with the reason.
OTHERWISE = {
    # PyTorch prints a set of texts, in an order of its own.
    "nn.Conv2d(3,4,3,padding='foo')": "should be one of {'same', 'valid'}",
    # Both are wrong with the grid: its rank is named first.
    "F.grid_sample(torch.randn(1,1,4,4),torch.randn(1,4,4))": "with same number of dimensions",
    # The dtypes that are there.
    "torch.from_numpy(np.array(['a']))": "The only supported types are: float64, float32, float16, int64",
    "torch.where(x>0,x)": 'missing 1 required positional arguments: "other"',
    "torch.zeros(2**62,4)": "overflow",
}
# What PyTorch lists after a first sentence (signatures) is not the same list here.
LISTS = "received an invalid combination of arguments"


def test_mistakes_are_told_in_pytorchs_words(python):
    want = json.loads((GOLDEN / "mistakes.json").read_text())
    found = json.loads(python("-m", "pullback", GOLDEN / "mistakes.py", "--print"))
    assert found.keys() == want.keys() and len(want) > 240
    differ = {}
    for case, text in want.items():
        mine = found[case]
        if case in OTHERWISE:
            same = OTHERWISE[case] in mine and mine.split(":")[0] == text.split(":")[0]
        elif LISTS in text:
            same = mine.split("\n")[0] == text.split("\n")[0]
        else:
            same = mine == text
        if not same:
            differ[case] = (text, mine)
    assert not differ
