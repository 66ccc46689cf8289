"""Writes optim.json: PyTorch's trajectories of every optimiser and option, and its schedules.

    python make_optim.py

A gradient is `(p - target) * slope + noise`, computed element by element in the parameters' dtype, so that nothing but the optimiser rounds otherwise.
"""

import json
import math
import warnings
from pathlib import Path

import torch

warnings.simplefilter("ignore")

STEPS = 20
SEEN = (1, 2, 7, 20)
SHAPES = {"w": (3, 4), "b": (5,), "s": ()}


def numbers(seed, n):
    """Simple fractions between -2 and 2, as the test makes them."""
    out = []
    for _ in range(n):
        seed = (seed * 1103515245 + 12345) % (1 << 31)
        out.append(((seed >> 8) % 4096 - 2048) / 1024)
    return out


def matrices(name):
    return {"w": (3, 4), "v": (5, 2)} if name == "Muon" else SHAPES


def made(name, dtype):
    params = {k: torch.tensor(numbers(i + 1, math.prod(s)), dtype=dtype).reshape(s).requires_grad_() for i, (k, s) in enumerate(matrices(name).items())}
    targets = {k: torch.tensor(numbers(i + 11, p.numel()), dtype=dtype).reshape(p.shape) for i, (k, p) in enumerate(params.items())}
    slopes = {k: torch.tensor(numbers(i + 21, p.numel()), dtype=dtype).reshape(p.shape).abs() + 0.125 for i, (k, p) in enumerate(params.items())}
    return params, targets, slopes


def give(params, targets, slopes, step):
    """Gradients of a step; the second parameter has none at every third one."""
    for i, (k, p) in enumerate(params.items()):
        noise = torch.tensor(numbers(100 * step + i, p.numel()), dtype=p.dtype).reshape(p.shape) * 0.25
        p.grad = None if i == 1 and step % 3 == 1 else (p.detach() - targets[k]) * slopes[k] + noise


def trajectory(name, options, dtype):
    params, targets, slopes = made(name, dtype)
    optim = getattr(torch.optim, name)(list(params.values()), **options)
    seen = []
    for step in range(STEPS):
        give(params, targets, slopes, step)
        optim.step()
        if step + 1 in SEEN:
            seen.append({k: p.detach().reshape(-1).tolist() for k, p in params.items()})
    kept = {k: {n: v.reshape(-1).tolist() for n, v in optim.state[p].items() if v is not None} for k, p in params.items() if p in optim.state}
    return seen, kept


CASES = {
    "SGD": [dict(lr=0.05), dict(lr=0.05, momentum=0.9), dict(lr=0.05, momentum=0.9, dampening=0.25, weight_decay=0.1), dict(lr=0.05, momentum=0.8, nesterov=True),
            dict(lr=0.05, weight_decay=0.1, maximize=True), dict(lr=0.0)],  # fmt: skip
    "Adam": [dict(), dict(lr=0.1, betas=(0.7, 0.95)), dict(lr=0.05, weight_decay=0.1), dict(lr=0.05, amsgrad=True), dict(lr=0.05, eps=0.01, maximize=True),
             dict(lr=0.05, weight_decay=0.1, amsgrad=True, decoupled_weight_decay=True), dict(lr=0.05, betas=(0.3, 0.0))],  # fmt: skip
    "AdamW": [dict(lr=0.05), dict(lr=0.05, weight_decay=0.3, amsgrad=True), dict(lr=0.05, maximize=True, betas=(0.8, 0.99))],
    "Adamax": [dict(lr=0.05), dict(lr=0.05, weight_decay=0.1, betas=(0.8, 0.9)), dict(lr=0.05, eps=0.01, maximize=True)],
    "NAdam": [dict(lr=0.05), dict(lr=0.05, weight_decay=0.1, momentum_decay=0.02), dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True), dict(lr=0.05, maximize=True, betas=(0.8, 0.9), eps=0.01)],
    "RAdam": [dict(lr=0.05), dict(lr=0.05, weight_decay=0.1), dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True), dict(lr=0.05, maximize=True, betas=(0.8, 0.9), eps=0.01)],
    "Adagrad": [dict(lr=0.1), dict(lr=0.1, lr_decay=0.1, weight_decay=0.1), dict(lr=0.1, initial_accumulator_value=0.5, eps=0.01, maximize=True)],
    "Adadelta": [dict(), dict(lr=0.5, rho=0.8, weight_decay=0.1), dict(eps=0.01, maximize=True)],
    "RMSprop": [dict(), dict(lr=0.02, momentum=0.8), dict(lr=0.02, centered=True), dict(lr=0.02, centered=True, momentum=0.8, weight_decay=0.1), dict(lr=0.02, alpha=0.4, eps=0.1, maximize=True)],
    "Rprop": [dict(), dict(lr=0.05, etas=(0.4, 1.5), step_sizes=(1e-3, 0.2)), dict(maximize=True)],
    "ASGD": [dict(), dict(lr=0.05, lambd=0.01, alpha=0.5, t0=5, weight_decay=0.1), dict(lr=0.05, t0=0, maximize=True)],
    "Adafactor": [dict(), dict(lr=0.1, beta2_decay=-0.5, eps=(1e-6, 1e-2), d=1.5, weight_decay=0.1), dict(lr=0.1, maximize=True)],
    "Muon": [dict(), dict(lr=0.02, momentum=0.8, nesterov=False, weight_decay=0.0), dict(lr=0.02, adjust_lr_fn="match_rms_adamw"), dict(lr=0.02, adjust_lr_fn="spectral_unclamped", ns_steps=3)],
}  # fmt: skip

ADJUST = {"original": 0.0, "match_rms_adamw": 1.0, "spectral_unclamped": 2.0}


def as_numbers(value):
    if isinstance(value, str):
        return [ADJUST[value]]
    if isinstance(value, (tuple, list)):
        return [float(v) for v in value if v is not None]
    return [float(value)]


def optimizers():
    out = []
    for name, cases in CASES.items():
        for options in cases:
            case = {"name": name, "options": {k: as_numbers(v) for k, v in options.items()}}
            for dtype in (torch.float64, torch.float32):
                seen, kept = trajectory(name, options, dtype)
                case[str(dtype).split(".")[1]] = {"seen": seen, "kept": kept}
            out.append(case)
    return out


def lbfgs():
    out = []
    for options in (dict(lr=0.1, max_iter=4), dict(lr=1.0, max_iter=6, history_size=3, line_search_fn="strong_wolfe"), dict(lr=0.5, max_iter=5, tolerance_grad=1e-3)):
        p = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
        optim = torch.optim.LBFGS([p], **options)
        seen = []

        def closure():
            optim.zero_grad()
            loss = 10 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2
            loss.backward()
            return loss

        for _ in range(6):
            loss = optim.step(closure)
            state = optim.state[p]
            seen.append([loss.item(), *p.tolist(), state["func_evals"], state["n_iter"]])
        out.append({"options": {k: v if isinstance(v, str) else float(v) for k, v in options.items()}, "seen": seen})
    return out


def schedules():
    """Rates of two groups, and momenta, of thirty steps; by what the test calls each."""
    s = torch.optim.lr_scheduler
    losses = [1.0, 0.9, 0.95, 0.92, 0.91, 0.5, 0.5, 0.5, 0.5, 0.49999, 0.6, 0.6, 0.6, 0.6, 0.6, 0.3, 0.4, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1]
    cases = {
        "lambda": lambda o: s.LambdaLR(o, [lambda k: 0.95**k, lambda k: 1 / (1 + k)]),
        "multiplicative": lambda o: s.MultiplicativeLR(o, lambda k: 0.9 + 0.01 * (k % 3)),
        "step": lambda o: s.StepLR(o, 7, 0.3),
        "multistep": lambda o: s.MultiStepLR(o, [3, 8, 8, 20], 0.5),
        "constant": lambda o: s.ConstantLR(o, 0.25, 6),
        "linear": lambda o: s.LinearLR(o, 0.2, 0.9, 8),
        "exponential": lambda o: s.ExponentialLR(o, 0.93),
        "polynomial": lambda o: s.PolynomialLR(o, 12, 2.0),
        "cosine": lambda o: s.CosineAnnealingLR(o, 9, 0.001),
        "restarts": lambda o: s.CosineAnnealingWarmRestarts(o, 4, 2, 0.002),
        "sequential": lambda o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 5), s.ExponentialLR(o, 0.9), s.CosineAnnealingLR(o, 10)], [5, 12]),
        "sequential of restarts": lambda o: s.SequentialLR(o, [s.ConstantLR(o, 0.5, 3), s.CosineAnnealingWarmRestarts(o, 3, 2)], [4]),
        "nested": lambda o: s.SequentialLR(o, [s.SequentialLR(o, [s.ConstantLR(o, 0.5, 9), s.ExponentialLR(o, 0.9)], [3]), s.StepLR(o, 4, 0.5)], [8]),
        "chained": lambda o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9)]),
        "cyclic": lambda o: s.CyclicLR(o, 0.01, 0.1, 4),
        "cyclic2": lambda o: s.CyclicLR(o, [0.01, 0.02], [0.1, 0.3], 3, 5, mode="triangular2", base_momentum=0.7, max_momentum=0.95),
        "cyclic3": lambda o: s.CyclicLR(o, 0.01, 0.1, 4, mode="exp_range", gamma=0.95, cycle_momentum=False),
        "onecycle": lambda o: s.OneCycleLR(o, 0.1, total_steps=30),
        "onecycle3": lambda o: s.OneCycleLR(o, [0.1, 0.2], epochs=6, steps_per_epoch=6, anneal_strategy="linear", three_phase=True, pct_start=0.2, div_factor=10.0, final_div_factor=50.0),
        "plateau": lambda o: s.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1, min_lr=[0.001, 0.1]),
        "plateau max": lambda o: s.ReduceLROnPlateau(o, mode="max", factor=0.5, patience=1, threshold=0.05, threshold_mode="abs"),
    }
    out = {}
    for name, make in cases.items():
        for kind in ("SGD", "Adam"):
            a, b = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
            groups = [{"params": [a]}, {"params": [b], "lr": 0.4}]
            optim = torch.optim.SGD(groups, lr=0.05, momentum=0.9) if kind == "SGD" else torch.optim.Adam(groups, lr=0.05)
            scheduler = make(optim)
            momentum = lambda g: g["momentum"] if kind == "SGD" else g["betas"][0]
            rows = []
            for k in range(30):
                rows.append([g["lr"] for g in optim.param_groups] + [momentum(g) for g in optim.param_groups])
                optim.step()
                scheduler.step(losses[k]) if "plateau" in name else scheduler.step()
            out[f"{name} {kind}"] = rows
    return {"losses": losses, "rates": out}


def main():
    made = {"optimizers": optimizers(), "lbfgs": lbfgs(), "schedules": schedules()}
    path = Path(__file__).resolve().parent / "optim.json"
    path.write_text(json.dumps(made, separators=(",", ":")) + "\n")


main()
