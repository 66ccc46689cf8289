"""Small programs from bug reports and from people's scripts, each in a process of its own: a program that exits with 0 is right.

What a case is about, and who says what is right, stands in its first lines. `cases/make_golden.py` writes what PyTorch answers where a case
is compared with PyTorch itself.
"""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("[0-9][0-9].py"))
# What does not hold yet. A case that begins to hold fails here until its number is taken out.
NOT_YET = []


def case(path):
    marks = [pytest.mark.xfail(strict=True, reason="known not to hold yet")] if path.stem in NOT_YET else []
    return pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.parametrize("path", map(case, CASES))
def test_a_case(python, path):
    python(path)


def test_all_are_there_and_the_list_names_none_that_is_not():
    names = {path.stem for path in CASES}
    assert len(names) >= 39 and names >= set(NOT_YET)
