"""Serves `import torch` with Pullback."""

import re
import sys

ORACLE = "2.15.0"


class _Version(str):
    """A version as a text that compares by its numbers: with texts and with tuples."""

    def _numbers(self, other):
        def of(x):
            return tuple(x) if isinstance(x, (tuple, list)) else tuple(int(n) for n in re.findall(r"\d+", str(x).split("+")[0]))

        return of(str(self)), of(other)

    def __lt__(self, other):
        mine, other = self._numbers(other)
        return mine < other

    def __le__(self, other):
        mine, other = self._numbers(other)
        return mine <= other

    def __gt__(self, other):
        mine, other = self._numbers(other)
        return mine > other

    def __ge__(self, other):
        mine, other = self._numbers(other)
        return mine >= other


def install_as_torch():
    """From now on `import torch` and its submodules give Pullback, in this process."""
    import pullback

    # What PyTorch's version decides is decided as for the one whose behaviour this is.
    pullback.__version__ = _Version(f"{ORACLE}+pullback.{pullback._native.__version__}")
    for name, module in list(sys.modules.items()):
        if name == "pullback" or name.startswith("pullback.") and not name.startswith("pullback._"):
            sys.modules["torch" + name[len("pullback") :]] = module
    return pullback
