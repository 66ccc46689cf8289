"""Writes half_draws.json: what PyTorch draws in half precision. Run where PyTorch is installed:

    python crates/pullback/tests/golden/make_half_draws.py
"""

import json
from pathlib import Path

import torch

cases = []
for name in ("float16", "bfloat16"):
    dtype = getattr(torch, name)
    for law, numbers in (("uniform_", (1.0, 2.0)), ("uniform_", (-3.3, 7.7)), ("normal_", (0.3, 1.7)), ("exponential_", (2.0,)), ("log_normal_", (1.0, 0.5)), ("cauchy_", (1.0, 2.0)), ("bernoulli_", (0.3,))):
        for n in (7, 16, 20, 33):
            torch.manual_seed(n)
            x = getattr(torch.empty(n, dtype=dtype), law)(*numbers)
            cases.append({"dtype": name, "law": law, "numbers": numbers, "n": n, "drawn": x.double().tolist(), "next": torch.rand(()).item()})
    for law in ("rand", "randn"):
        for n in (7, 20):
            torch.manual_seed(n)
            x = getattr(torch, law)(n, dtype=dtype)
            cases.append({"dtype": name, "law": law, "numbers": [], "n": n, "drawn": x.double().tolist(), "next": torch.rand(()).item()})
    # Numbers that rounding would take to the upper bound.
    torch.manual_seed(0)
    x = torch.rand(20000, dtype=dtype)
    cases.append({"dtype": name, "law": "zeros of rand", "numbers": [], "n": 20000, "drawn": (x == 0).nonzero().flatten().tolist(), "next": torch.rand(()).item()})
    x = (torch.arange(20, dtype=torch.float64) - 10).to(dtype)
    if dtype == torch.bfloat16:  # there is none of float16
        torch.manual_seed(3)
        cases.append({"dtype": name, "law": "rrelu", "numbers": [0.2, 0.7], "n": 20, "drawn": torch.rrelu(x, 0.2, 0.7, True).double().tolist(), "next": torch.rand(()).item()})

Path(__file__).with_name("half_draws.json").write_text(json.dumps({"torch": torch.__version__, "cases": cases}).replace('{"dtype"', '\n{"dtype"') + "\n")
