"""Writes `masks.json`: what PyTorch answers to all that `masks.py` asks. `python make_masks.py`"""

import json
from pathlib import Path

import masks
import torch
import torch.masked
import torch.signal

answers = {"torch": torch.__version__.split("+")[0], **masks.everything(torch)}
(Path(__file__).resolve().parent / "masks.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")
