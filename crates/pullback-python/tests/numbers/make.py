"""PyTorch's answers to numbers beside tensors: writes golden.json beside this file.

    python crates/pullback-python/tests/numbers/make.py
"""

import json
import warnings
from pathlib import Path

import calls
import torch

warnings.simplefilter("ignore")
torch.set_num_threads(1)
found, words = [], {}
for function in calls.FUNCTIONS:
    for dtype in calls.DTYPES:
        row = []
        for n in calls.NUMBERS:
            text = json.dumps(calls.outcome(torch, function, dtype, n))
            row.append(words.setdefault(text, len(words)))
        found.append([function, dtype, row])
path = Path(__file__).with_name("golden.json")
with open(path, "w") as file:
    file.write('{"torch": "%s", "outcomes": [\n%s\n], "cases": [\n%s\n]}\n' % (torch.__version__, ",\n".join(words), ",\n".join(json.dumps(c) for c in found)))
print(f"{path}: {len(found)} rows, {len(words)} outcomes")
