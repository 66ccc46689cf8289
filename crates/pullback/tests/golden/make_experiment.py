"""Writes experiment_f32.json, experiment_f64.json and experiment_more.json: an XOR problem, a 2-h-1 ReLU network and its
gradients by autograd, by the chain rule and by central differences, as NumPy and PyTorch compute them.

The first two hold every intermediate value for seed 42, sample 0, step 1e-5; the third a line each for other seeds,
sizes, samples and steps. Floats are hexadecimal bit patterns. Run: python make_experiment.py [FOLDER]
"""

import json
import pathlib
import sys

import numpy as np
import torch

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
OUT = OUT if OUT.is_dir() else OUT.parent
VERSIONS = {"numpy": np.__version__, "torch": torch.__version__}
torch.set_num_threads(1)


def hexadecimal(a):
    a = np.ascontiguousarray(a.detach().numpy())
    kind, digits = (np.uint32, "08x") if a.dtype == np.float32 else (np.uint64, "016x")
    return [format(v, digits) for v in a.reshape(-1).view(kind).tolist()]


def bits(a):
    return {"dtype": str(a.dtype).removeprefix("torch."), "shape": list(a.shape), "data": hexadecimal(a)}


def network(params, x, t):
    W1, b1, W2, b2 = params
    a1 = W1 @ x + b1
    h = torch.relu(a1)
    f = (W2 @ h + b2).squeeze()
    return a1, h, f, 0.5 * (f - t) ** 2


def flat(tensors):
    return torch.cat([t.reshape(-1) for t in tensors])


def setup(seed, samples, hidden, dtype):
    rng = np.random.default_rng(seed)
    X32 = rng.uniform(-1, 1, size=(samples, 2)).astype(np.float32)
    y32 = (X32[:, 0] * X32[:, 1] < 0).astype(np.float32)
    X, y = torch.tensor(X32, dtype=dtype), torch.tensor(y32, dtype=dtype)
    W1 = torch.tensor(rng.normal(0.0, 0.1, size=(hidden, 2)), dtype=dtype, requires_grad=True)
    b1 = torch.zeros(hidden, dtype=dtype, requires_grad=True)
    W2 = torch.tensor(rng.normal(0.0, 0.1, size=(1, hidden)), dtype=dtype, requires_grad=True)
    b2 = torch.zeros(1, dtype=dtype, requires_grad=True)
    return X, y, [W1, b1, W2, b2]


def by_hand(params, x, y, a1, h, f):
    W1, b1, W2, b2 = params
    df = f - y
    dh = W2[0] * df
    da1 = dh * (a1 > 0).to(a1.dtype)
    return [da1[:, None] @ x[None, :], da1, df * h[None, :], df.reshape(1)]


def numeric(params, x, y, eps):
    theta = flat([p.detach() for p in params]).clone()
    shapes = [p.shape for p in params]

    def loss(theta):
        parts, start = [], 0
        for s in shapes:
            parts.append(theta[start : start + s.numel()].reshape(s))
            start += s.numel()
        return network(parts, x, y)[3]

    num = torch.zeros_like(theta)
    for i in range(len(theta)):
        orig = theta[i].item()
        theta[i] = orig + eps
        lp = loss(theta)
        theta[i] = orig - eps
        lm = loss(theta)
        num[i] = (lp - lm) / (2 * eps)
        theta[i] = orig
    return num


def experiment(dtype):
    X, y, params = setup(42, 500, 4, dtype)
    out = {"X": X, "y": y} | dict(zip(["W1", "b1", "W2", "b2"], params))
    a1, h, f, L = network(params, X[0], y[0])
    grads = torch.autograd.grad(L, params)
    out |= {"a1": a1, "h": h, "f": f, "loss": L}
    out |= dict(zip(["grad_W1", "grad_b1", "grad_W2", "grad_b2"], grads))
    with torch.no_grad():
        out["grad_numeric"] = numeric(params, X[0], y[0], 1e-5)
        out["grad_manual"] = flat(by_hand(params, X[0], y[0], a1, h, f))
    each = [flat(torch.autograd.grad(network(params, X[i], y[i])[3], params)) for i in range(500)]
    out["per_sample_grads_first_20"] = torch.stack(each[:20])
    out["mean_grad"] = torch.stack(each).mean(0)
    return {name: bits(t) for name, t in out.items()}


def line(seed, samples, hidden, sample, eps, dtype):
    X, y, params = setup(seed, samples, hidden, dtype)
    x0, y0 = X[sample], y[sample]
    a1, h, f, L = network(params, x0, y0)
    auto = flat(torch.autograd.grad(L, params))
    with torch.no_grad():
        num = numeric(params, x0, y0, eps)
        manual = flat(by_hand(params, x0, y0, a1, h, f))
    config = {"seed": str(seed), "samples": samples, "hidden": hidden, "sample": sample, "eps": eps}
    values = {"x": x0, "y": y0, "theta": flat(params), "a1": a1, "h": h, "f": f, "loss": L}
    values |= {"autograd": auto, "manual": manual, "numeric": num}
    return config | {"dtype": str(dtype).removeprefix("torch.")} | {k: hexadecimal(v) for k, v in values.items()}


MORE = [
    (42, 500, 4, 415, 1e-4),
    (42, 500, 4, 1, 1e-5),
    (42, 500, 4, 499, 0.5),
    (42, 500, 4, 0, 1e-9),
    (0, 500, 4, 0, 1e-5),
    (0, 1, 1, 0, 1e-5),
    (7, 100, 3, 99, 1e-3),
    (7, 500, 8, 17, 1e-5),
    (2**32, 10, 2, 3, 1e-6),
    (2**70, 500, 4, 0, 1e-5),
    (2**70, 64, 16, 63, 1e-4),
    (2**128 + 5, 500, 5, 250, 1e-5),
]


def main():
    for name, dtype in [("f32", torch.float32), ("f64", torch.float64)]:
        text = json.dumps({"made_with": VERSIONS, "data": experiment(dtype)}, indent=0)
        (OUT / f"experiment_{name}.json").write_text(text + "\n")
    lines = [line(*case, dtype) for case in MORE for dtype in (torch.float32, torch.float64)]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in lines)
    (OUT / "experiment_more.json").write_text(f'{{"made_with":{json.dumps(VERSIONS)},"data":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
