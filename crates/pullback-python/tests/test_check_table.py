"""One table of all that the checker is put to from Python: detected, missed, accused. *Missed* is a pass whose stated power covers the planted
error; *accused* a fail of a right gradient. Both are zero, kind by kind."""

import numpy as np
import pytest
from test_black_box import MISTAKES, NOISE, VECTORS, verdict
from test_check_inside import RIGHT as INSIDE
from test_check_inside import WRONG as INSIDE_WRONG
from test_check_inside import point

import pullback as torch


def vectors(kind):
    """Results of many numbers: right backwards and wrong ones."""

    def cases():
        rng = np.random.default_rng(15)
        for name, (f, back) in VECTORS.items():
            a = rng.normal(size=(3, 4)) + 0.1
            g = rng.normal(size=np.shape(f(a)))
            yield name, True, verdict(kind, f, back, a, "fast" if len(name) % 2 else "full")
            for mistake in ("sign", "incoming gradient forgotten", "incoming gradient turned around", "one number"):
                wrong = MISTAKES[mistake](back)
                if not np.allclose(wrong(a, g), back(a, g), rtol=1e-9):
                    yield f"{name}, {mistake}", False, verdict(kind, f, wrong, a)

    return cases


def inside():
    """Functions that differentiate inside."""
    for name, f in INSIDE.items():
        yield name, True, torch.check(f, [point()])
    for name, f in INSIDE_WRONG.items():
        for mode in ("full", "fast"):
            yield f"{name}, {mode}", False, torch.check(f, [point()], mode=mode)


class Held(torch.autograd.Function):
    """Squares; one of them times a number that is held and no input."""

    @staticmethod
    def forward(ctx, x, box):
        ctx.factor = box.factor(x)
        ctx.save_for_backward(x)
        return x * x * ctx.factor

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * g * x * ctx.factor.to(x.dtype), None


class Box:
    def __init__(self, a, k, outside):
        self.a, self.k, self.outside = a, k, outside

    def factor(self, x):
        ones = np.ones(x.numel())
        ones[self.k] = float(self.a.detach()[self.k])
        factor = torch.tensor(ones, dtype=x.dtype)
        # By way of NumPy nothing can be replayed in more digits.
        return torch.tensor(np.asarray(factor.numpy())) if self.outside else factor


def at(a, k):
    keep = torch.ones(a.shape[0], dtype=a.dtype)
    keep[k] = 0
    return keep


DETACHED = {
    "recorded": lambda a, k: (a * a * at(a, k)).sum() + a[k] * a[k].detach(),
    "item": lambda a, k: (a * a * at(a, k)).sum() + a[k] * float(a[k]),
    "Function": lambda a, k: Held.apply(a, Box(a, k, False)).sum(),
    "Function by way of NumPy": lambda a, k: Held.apply(a, Box(a, k, True)).sum(),
}


def detached():
    """One coordinate of many that leaves the graph."""
    for name, f in DETACHED.items():
        for n in (10, 1000, 100_000):
            if n > 1000 and name != "recorded":
                continue
            a = torch.tensor(0.2 + 0.7 * (np.arange(n) * 0.618034 % 1))
            for mode in ("full", "fast") if n < 1000 else ("fast",):
                k = n * 7 // 10 + 1
                yield f"{name}, {n}, {mode}", False, torch.check(lambda a: f(a, k), [a], mode=mode)


def noise():
    """What a solver's tolerance does to values."""
    rng = np.random.default_rng(14)
    for name, noisy in NOISE.items():
        for _ in range(3):
            a, c = rng.normal(size=3), rng.uniform(0.5, 2, 3)
            f = lambda a: noisy((c * np.sin(a)).sum(), a)
            yield name, True, torch.check(f, [a], grad=lambda a: c * np.cos(a))
            for k, factor in ((0, -1.0), (1, 1.01), (2, 3.0)):
                wrong = c * np.cos(a)
                wrong[k] *= factor
                report = torch.check(f, [a], grad=wrong)
                covered = report.coordinates[k].mde <= abs(factor - 1)
                yield f"{name}, {factor}", False if covered else None, report


KINDS = {
    "results of many numbers, NumPy": vectors("NumPy"),
    "results of many numbers, Function": vectors("Function"),
    "results of many numbers, JAX": vectors("JAX"),
    "one coordinate that leaves the graph": detached,
    "derivatives taken inside": inside,
    "a solver's noise": noise,
}


@pytest.mark.parametrize("kind", KINDS)
def test_detected_missed_accused(kind, capsys):
    if "JAX" in kind:
        pytest.importorskip("jax")
    right = wrong = detected = 0
    missed, accused = [], []
    for name, is_right, report in KINDS[kind]():
        if is_right:
            right += 1
            if report.status == "fail":
                accused.append((name, report))
            continue
        wrong += 1
        detected += report.status == "fail"
        # Errors below what the report says it sees may pass.
        if report.status == "pass" and is_right is False:
            missed.append((name, report))
    with capsys.disabled():
        print(f"\n{kind:40s} right {right:3d} accused {len(accused)}   wrong {wrong:3d} detected {detected:3d} missed {len(missed)}")
    assert not accused and not missed, (accused[:2], missed[:2])
    assert detected >= 0.9 * wrong
