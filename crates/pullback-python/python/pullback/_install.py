"""Serves `import torch` with Pullback."""

import sys


def install_as_torch():
    """From now on `import torch` and its submodules give Pullback, in this process."""
    import pullback

    for name, module in list(sys.modules.items()):
        if name == "pullback" or name.startswith("pullback.") and not name.startswith("pullback._"):
            sys.modules["torch" + name[len("pullback") :]] = module
    return pullback
