"""PyTorch's strides for every argument list of the golden files of functions, in several layouts: writes strides.json beside this file.

    python crates/pullback-python/tests/golden/make_strides.py

One entry a case: for each layout of `layouts.SCHEMES`, what `layouts.answer` saw, or null where PyTorch refused.
"""
import json, os, sys

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import layouts  # noqa: E402

torch.set_num_threads(1)
found = {}
for group, key, case in layouts.cases():
    torch.manual_seed(0)
    found[f"{group} {key}"] = [layouts.answer(torch, case, scheme) for scheme in layouts.SCHEMES]
with open(os.path.join(HERE, "strides.json"), "w") as out:
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in found.items())
    random = ",\n".join(json.dumps(x, separators=(",", ":")) for x in layouts.random_results(torch))
    out.write('{"torch": "%s", "cases": {\n%s\n}, "random": [\n%s\n]}\n' % (torch.__version__, lines, random))
print(len(found), "cases")
