"""What PyTorch refuses to infer: writes golden.json beside this file.

    python crates/pullback-python/tests/meta/make.py

For every argument list of the golden files whose tensors have no numbers ("meta"): the error, where there is one.
"""

import json
import warnings
from pathlib import Path

import torch

import meta_calls

warnings.simplefilter("ignore")
found = {}
count = 0
for key, case in meta_calls.cases():
    count += 1
    got = meta_calls.outcome(torch, case, "meta")
    if isinstance(got, dict):
        found[key] = got["error"]
path = Path(__file__).with_name("golden.json")
with open(path, "w") as file:
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found.items())
    file.write('{"torch": "%s", "cases": %d, "errors": {\n%s\n}}\n' % (torch.__version__, count, lines))
print(f"{path}: {len(found)} of {count}")
