"""PyTorch's answers for half precisions and narrow integers: writes narrow.json beside this file.

    python crates/pullback-python/tests/golden/make_narrow.py

halves    the first argument list of every function in `pullback/tests/golden/functions` that has floating tensors, in float16 and bfloat16:
          results and gradients as text (`tolist`), or the error
integers  functions of two arrays and of one in every integer dtype, with numbers at the ends of each: results, or the error
"""
import json
import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import narrow_cases

torch.set_num_threads(1)
found = {"torch": torch.__version__, "halves": narrow_cases.halves(torch), "integers": narrow_cases.integers(torch)}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "narrow.json"), "w") as out:
    out.write('{"torch": "%s"' % found["torch"])
    for part in ("halves", "integers"):
        lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in found[part].items())
        out.write(',\n"%s": {\n%s\n}' % (part, lines))
    out.write("}\n")
