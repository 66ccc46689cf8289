"""Asks PyTorch what comes out of each case: `python make_golden.py`, with the PyTorch that is the oracle."""

import json
import warnings
from pathlib import Path

import torch
from cases import outcomes

warnings.simplefilter("ignore")
found = dict(outcomes(torch))
text = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in found.items())
Path(__file__).with_name("golden.json").write_text("{\n" + text + "\n}\n")
