"""Writes down what PyTorch answers in the cases that are compared with it: `python make_golden.py`, with torch installed.

Each of them has a function `answers(module)`; what it gives for `torch` goes into the JSON file of the case's number.
"""

import json
import runpy
from pathlib import Path

import torch

HERE = Path(__file__).parent

for case in ("60", "65", "68"):
    answers = runpy.run_path(str(HERE / f"{case}.py"), run_name="golden")["answers"]
    (HERE / f"{case}.json").write_text(json.dumps(answers(torch), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
