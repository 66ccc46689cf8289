"""Writes `class_names.json`: under which module each class of PyTorch's public places calls itself. Needs PyTorch: `python class_names.py`."""

import importlib
import json
from pathlib import Path

PLACES = ["", ".nn", ".nn.utils.parametrizations", ".nn.utils.rnn", ".optim", ".optim.lr_scheduler", ".optim.swa_utils", ".distributions", ".distributions.constraints",
          ".distributions.transforms", ".utils.data", ".utils.data.distributed", ".autograd", ".autograd.graph", ".autograd.forward_ad", ".amp", ".profiler", ".random"]  # fmt: skip


def names(package):
    found = {}
    for place in PLACES:
        module = importlib.import_module(package + place)
        for name in dir(module):
            value = getattr(module, name)
            if isinstance(value, type) and not name.startswith("_") and value.__module__.startswith("torch"):
                found[f"{place}.{name}".lstrip(".")] = repr(value)
    return found


if __name__ == "__main__":
    Path(__file__).with_suffix(".json").write_text(json.dumps(names("torch"), indent=0, sort_keys=True) + "\n")
