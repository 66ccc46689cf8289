"""PyTorch's layers: printed form, first values from a seed, results, gradients and running statistics.

    python crates/pullback/tests/golden/make_nn.py

Writes nn.json beside this file. First values are float32, what is computed is float64 (the layer after `.double()`).
"""

import json
import pathlib

import torch
from torch import nn

SEED = 7
CASES = {}


def case(name, make, *inputs, call=None, training=True):
    """A layer, what it is given (shapes, or tensors), and how it is called if not plainly."""
    assert name not in CASES, name
    CASES[name] = (make, inputs, call, training)


def numbers(t):
    values = [v if abs(v) < float("inf") else repr(v) for v in t.detach().flatten().tolist()]
    return {"shape": list(t.shape), "dtype": str(t.dtype).removeprefix("torch."), "values": values}


def tensors(given):
    made = []
    for k, x in enumerate(given):
        if isinstance(x, tuple):
            made.append(torch.randn(x, dtype=torch.float64, generator=torch.Generator().manual_seed(100 + k)))
        else:
            made.append(x)
    return made


def flat(results):
    if isinstance(results, torch.Tensor):
        return [results]
    found = []
    for r in results:
        if r is not None:
            found.extend(flat(r))
    return found


def run(make, given, call, training):
    torch.manual_seed(SEED)
    layer = make()
    entry = {
        # The projection behind attention is a Linear under another name there, for the sake of quantisation.
        "repr": repr(layer).replace("NonDynamicallyQuantizableLinear", "Linear"),
        "training": training,
        "state": [[name, numbers(t)] for name, t in layer.state_dict().items()],
        "parameters": [name for name, _ in layer.named_parameters()],
    }
    layer.double().train(training)
    inputs = [x.requires_grad_(x.is_floating_point()) for x in tensors(given)]
    results = flat((call or (lambda m, *x: m(*x)))(layer, *inputs))
    weights = [torch.randn(r.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(200 + k)) for k, r in enumerate(results)]
    loss = sum((r * w).sum() for r, w in zip(results, weights))
    if loss.requires_grad:
        loss.backward()
    entry["inputs"] = [numbers(x) for x in inputs]
    entry["results"] = [numbers(r) for r in results]
    entry["weights"] = [numbers(w) for w in weights]
    entry["input_grads"] = [None if x.grad is None else numbers(x.grad) for x in inputs]
    entry["grads"] = {name: None if p.grad is None else numbers(p.grad) for name, p in layer.named_parameters()}
    entry["buffers"] = {name: numbers(b) for name, b in layer.named_buffers()}
    return entry


exec((pathlib.Path(__file__).with_name("nn_cases.py")).read_text())

if __name__ == "__main__":
    out = {name: run(*c) for name, c in CASES.items()}
    path = pathlib.Path(__file__).with_name("nn.json")
    path.write_text("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in out.items()) + "\n}\n")
    print(len(out), "cases,", path.stat().st_size, "bytes")
