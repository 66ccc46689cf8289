"""Writes `tools.json`: what PyTorch answers to all that `tools.py` asks. `python make_tools.py`"""

import json
from pathlib import Path

import tools
import torch
import torch.nn.utils.prune
import torch.optim.swa_utils

answers = {"torch": torch.__version__.split("+")[0], **tools.everything(torch)}
(Path(__file__).resolve().parent / "tools.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")
