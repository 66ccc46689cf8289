"""`Function`s of the user under `check` and `gradcheck`: right rules pass, wrong ones fail and are named by their class.

Written in tensors, they are replayed in 32 digits; written in NumPy they cannot be, and are called.
"""

import numpy as np
import pytest

import pullback as torch
from pullback.autograd import gradcheck

X = torch.tensor([[0.4, -0.7, 1.1], [0.9, 0.2, -1.3], [0.6, 0.5, -0.8]], dtype=torch.float64)
Y = torch.tensor([[-0.3, 0.8, 0.1], [0.7, -0.6, 0.9], [0.35, -0.2, 0.45]], dtype=torch.float64)
ORDER = torch.tensor([1, 2, 0])


def function(name, forward, backward):
    """A class with this name; `backward` gets the gradient and the saved inputs."""

    def run(ctx, *x):
        ctx.save_for_backward(*x)
        return forward(*x)

    return type(name, (torch.autograd.Function,), {"forward": staticmethod(run), "backward": staticmethod(lambda ctx, g: backward(g, *ctx.saved_tensors))})


def outside(x):
    return torch.from_numpy(x.detach().numpy() ** 3)


def softmax(g, x):
    y = x.softmax(1)
    return y * (g - (g * y).sum(1, keepdim=True))


def cube(x):
    return x**3


def turned(x):
    return x.t().clone()


def product(x, y):
    return x @ y


RIGHT = {
    "Cube": (cube, lambda g, x: 3 * x**2 * g),
    "Softmax": (lambda x: x.softmax(1), softmax),
    "Turned": (turned, lambda g, x: g.t()),
    "Order": (lambda x: x[ORDER], lambda g, x: g[ORDER.argsort()]),
    "Sums": (lambda x: x.cumsum(0), lambda g, x: g.flip(0).cumsum(0).flip(0)),
    "Product": (product, lambda g, x, y: (g @ y.t(), x.t() @ g)),
    "Centred": (lambda x: x - x.mean(), lambda g, x: g - g.mean()),
    "Outside": (outside, lambda g, x: torch.from_numpy(3 * x.detach().numpy() ** 2) * g),
    "RuleOutside": (cube, lambda g, x: torch.from_numpy(3 * x.detach().to(torch.float64).numpy() ** 2) * g),
}
WRONG = {
    "Sign": (cube, lambda g, x: -3 * x**2 * g),
    "Factor": (cube, lambda g, x: 2 * x**2 * g),
    "Slightly": (cube, lambda g, x: 3.0001 * x**2 * g),
    "Ignores": (cube, lambda g, x: 3 * x**2),
    "Averages": (cube, lambda g, x: 3 * x**2 * g.mean()),
    "Nothing": (cube, lambda g, x: None),
    "Term": (lambda x: x.softmax(1), lambda g, x: x.softmax(1) * g),
    "Straight": (turned, lambda g, x: g),
    "Order": (lambda x: x[ORDER], lambda g, x: g[ORDER]),
    "Sums": (lambda x: x.cumsum(0), lambda g, x: g.cumsum(0)),
    "Swapped": (product, lambda g, x, y: (g @ y, x @ g)),
    "OneOfTwo": (product, lambda g, x, y: (g @ y.t(), None)),
    "Uncentred": (lambda x: x - x.mean(), lambda g, x: g),
    "Mask": (lambda x: x.relu(), lambda g, x: g),
    "OutsideSign": (outside, lambda g, x: torch.from_numpy(-3 * x.detach().numpy() ** 2) * g),
    "OutsideFactor": (outside, lambda g, x: torch.from_numpy(2.9 * x.detach().numpy() ** 2) * g),
    "OutsideIgnores": (outside, lambda g, x: torch.from_numpy(3 * x.detach().numpy() ** 2)),
}


def among(cls, two):
    def f(x, y):
        a, b = x.sin() * y.exp(), (x * y).tanh()
        z = cls.apply(a, b) if two else cls.apply(a)
        return (z.tanh() * z + z * torch.arange(1, 10).reshape(3, 3)).sum() + (y**2).sum()

    return f


def is_two(name):
    return name in ("Product", "Swapped", "OneOfTwo")


@pytest.mark.parametrize("name", RIGHT)
def test_right_ones_pass(name):
    cls = function(name, *RIGHT[name])
    f = among(cls, is_two(name))
    for mode in ("full", "fast"):
        report = torch.check(f, [X, Y], mode=mode)
        assert report.ok and report.guilty is None, report
        assert "<" in report.html()
    x, y = X.clone().requires_grad_(), Y.clone().requires_grad_()
    assert gradcheck(cls.apply, (x, y) if is_two(name) else (x,))


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_are_named(name):
    cls = function(name, *WRONG[name])
    f = among(cls, is_two(name))
    for mode in ("full", "fast"):
        report = torch.check(f, [X, Y], mode=mode)
        assert report.status == "fail", report
        assert report.guilty is not None and f" {name} at " in report.guilty, report
        assert name in repr(report)
    x, y = X.clone().requires_grad_(), Y.clone().requires_grad_()
    assert not gradcheck(cls.apply, (x, y) if is_two(name) else (x,), raise_exception=False)


def test_numpy_is_no_excuse_for_leaving_the_graph():
    leaky = function("Leaky", outside, lambda g, x: 3 * x**2 * g)
    report = torch.check(lambda x: (leaky.apply(x) * x.detach()).sum(), [X])
    assert report.status == "fail", report
    assert np.isfinite([c.claimed for c in report.coordinates]).all()
