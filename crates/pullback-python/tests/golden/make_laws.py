"""Writes `laws.json`: what PyTorch answers to all that `laws.py` asks. `python make_laws.py`"""

import json
from pathlib import Path

import laws
import torch

answers = {"torch": torch.__version__.split("+")[0], **laws.everything(torch)}
(Path(__file__).resolve().parent / "laws.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")
