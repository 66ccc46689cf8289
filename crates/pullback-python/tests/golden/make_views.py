"""Writes views.json by PyTorch: `python make_views.py`, with torch installed."""

import json
import pathlib

import torch
import views

texts, table = [], {}
for key, text in views.situations(torch):
    if text not in texts:
        texts.append(text)
    table[key] = texts.index(text)
out = {"torch": torch.__version__, "outcomes": texts, "situations": table}
path = pathlib.Path(__file__).with_name("views.json")
path.write_text(json.dumps(out, indent=0, separators=(",", ":")) + "\n")
