"""safetensors: files of tensors, read whole and one by one."""

import os
import tempfile

import torch
from safetensors import safe_open
from safetensors.torch import load_file, load_model, save_file, save_model

folder = tempfile.mkdtemp()
path = os.path.join(folder, "x.safetensors")
save_file({"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([True, False])}, path, metadata={"format": "pt"})
print({k: v.tolist() for k, v in sorted(load_file(path).items())})
with safe_open(path, framework="pt", device="cpu") as f:
    print(sorted(f.keys()), f.metadata(), f.get_tensor("a").shape, f.get_slice("a")[1])
model = torch.nn.Linear(2, 2)
save_model(model, path)
missing, unexpected = load_model(torch.nn.Linear(2, 2), path)
print(list(missing), list(unexpected))
