"""Times of optimisers' steps beside PyTorch's `foreach` form, in microseconds: the shortest of many, both in turn.

    python docs/measure_optim.py

Needs a release build of the package and PyTorch in one environment.
"""

import time

import pullback
import torch

MODELS = {
    "XOR 2-8-1": [(8, 2), (8,), (1, 8), (1,)],
    "MLP 784-256-10": [(256, 784), (256,), (10, 256), (10,)],
    "40 of 64x64": [(64, 64)] * 40,
    "10 M": [(2500, 1000)] * 4,
}
OPTIMIZERS = [("SGD", dict(lr=0.01, momentum=0.9)), ("Adam", dict()), ("AdamW", dict(amsgrad=True)), ("RMSprop", dict())]


def made(M, shapes, name, options):
    params = [M.zeros(*shape).requires_grad_() for shape in shapes]
    for p in params:
        p.grad = M.randn(*p.shape)
    more = {"foreach": True} if M is torch else {}
    return getattr(M.optim, name)(params, **options, **more)


def shortest(step, seconds=0.2):
    """Of runs that are long enough for the clock."""
    step()
    begin = time.perf_counter()
    step()
    calls = max(1, int(0.001 / max(1e-7, time.perf_counter() - begin)))
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        for _ in range(calls):
            step()
        best = min(best, (time.perf_counter() - begin) / calls)
    return best * 1e6


for label, shapes in MODELS.items():
    for name, options in OPTIMIZERS:
        steps = [made(M, shapes, name, options).step for M in (pullback, torch)]
        ours, theirs = (min(times) for times in zip(*([shortest(step) for step in steps] for _ in range(3))))
        print(f"{label:16} {name:8} {ours:10.1f} {theirs:10.1f} {theirs / ours:6.2f}")
