"""Writes `training.json`: what PyTorch answers to all that `training.py` asks. `python make_training.py`"""

import json
import warnings
from pathlib import Path

import torch
import training

warnings.simplefilter("ignore")
answers = {"torch": torch.__version__.split("+")[0], **training.everything(torch)}
(Path(__file__).resolve().parent / "training.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")
