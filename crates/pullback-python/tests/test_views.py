"""Views made in one mode and written in another, held to PyTorch in every combination."""

import json
import pathlib
import re

import pullback
from golden import views

GOLDEN = json.loads((pathlib.Path(__file__).parent / "golden" / "views.json").read_text())
MANY = "This view is the output of a function that returns multiple views."


def the_same(ours, theirs):
    """PyTorch gives a view a new node when its memory was written by anybody, and refuses one of several then; here only recorded writes count, since
    others change no history. A view of all elements is here the same place in the history as its base."""
    if ours == theirs:
        return True
    nodes = r"\b(AsStrided|Slice|T|View|Unbind|CopySlices|Mul|Fill|Copy)(Backward\d*|Backwards)?\b"
    if re.sub(nodes, "Node", ours) == re.sub(nodes, "Node", theirs):
        return True
    # One of several views.
    return MANY in theirs and (MANY in ours or "Error" not in ours)


def test_every_combination():
    wrong = []
    seen = 0
    for key, ours in views.situations(pullback):
        theirs = GOLDEN["outcomes"][GOLDEN["situations"][key]]
        seen += 1
        if not the_same(ours, theirs):
            wrong.append(f"{key}\n  here  {ours}\n  there {theirs}")
    assert seen == len(GOLDEN["situations"])
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:5])


def test_nearly_all_are_equal_to_the_letter():
    equal = sum(
        ours == GOLDEN["outcomes"][GOLDEN["situations"][key]] for key, ours in views.situations(pullback)
    )
    assert equal >= 0.95 * len(GOLDEN["situations"])
