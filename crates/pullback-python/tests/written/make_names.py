"""Writes `names.json`, what PyTorch calls the nodes of in-place writes: `python make_names.py`, with torch installed."""

import json
from pathlib import Path

import torch
from written_calls import calls, name

found = {f"{function}({args})": name(torch, function, args) for function, args in calls()}
(Path(__file__).parent / "names.json").write_text(json.dumps(found, indent=0) + "\n")
