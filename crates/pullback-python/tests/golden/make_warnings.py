"""Writes `warnings.json`: what PyTorch warns of in the calls of `warned.py`, by category and text. Run where PyTorch is installed.

    python crates/pullback-python/tests/golden/make_warnings.py
"""

import json
from pathlib import Path

import torch
from warned import CALLS, heard

if __name__ == "__main__":
    found = {call: heard(torch, call) for call in CALLS}
    Path(__file__).with_name("warnings.json").write_text(json.dumps(found, indent=1) + "\n")
