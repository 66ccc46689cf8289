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


def squares(shape):
    """The sum of squares, computed in NumPy, as a result of this shape."""
    return lambda x: torch.from_numpy(np.full(shape, (x.detach().numpy() ** 2).sum()))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize("mode", ["full", "fast"])
def test_one_number_hides_no_forgotten_gradient(shape, mode):
    rules = {"Right": lambda g: g, "Ignores": lambda g: 1.0, "Square": lambda g: g * g, "Size": lambda g: g.abs()}
    for dtype in (torch.float64, torch.float32):
        for name, of in rules.items():
            cls = function(name, squares(shape), lambda g, x, of=of: 2 * x * (of(g).reshape(()) if isinstance(of(g), torch.Tensor) else of(g)))
            report = torch.check(cls.apply, [X[0].to(dtype)], mode=mode)
            assert report.status == ("pass" if name == "Right" else "fail"), (name, report)
            if name != "Right":
                assert f" {name} at " in report.guilty and "not proportional" in repr(report), report


def test_several_inputs_keep_names_and_shapes():
    def forward(x, y):
        return torch.from_numpy(x.detach().numpy() @ y.detach().numpy())

    def checked(backward, **options):
        return torch.check(lambda x, n, y: function("Product", forward, backward).apply(x, y)[n], [X[:2], ORDER[2:], Y], **options)

    right = checked(lambda g, x, y: (g @ y.t(), x.t() @ g), names=["W", "at", "V"])
    assert right.ok, right
    assert right.coordinates[4].name == "W[1,1]" and right.coordinates[4].index == (1, 1)
    assert right.coordinates[6].name == "V[0,0]" and {c.input for c in right.coordinates} == {0, 2}
    wrong = checked(lambda g, x, y: (g @ y.t(), -x.t() @ g), names=["W", "at", "V"])
    assert wrong.status == "fail" and list(wrong.bugs) == ["V"] and "sign" in wrong.bugs["V"], wrong
    assert {c.name[0] for c in wrong.coordinates if c.status == "fail"} == {"V"}


class Stop(BaseException):
    """As Ctrl-C is, no `Exception`."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, Stop])
@pytest.mark.parametrize("numpy", [False, True])
@pytest.mark.parametrize("where", ["forward", "backward"])
def test_interrupts_end_the_check(kind, numpy, where):
    """Raised at any call: none follows."""
    calls = {"forward": 0, "backward": 0, "all": 0, "after": 0}
    at = [0]

    def tick(name):
        calls["all"] += 1
        calls["after"] += at[0] > 0 and calls[where] >= at[0]
        calls[name] += 1
        if name == where and calls[name] == at[0]:
            raise kind("now")

    def forward(x):
        tick("forward")
        return outside(x) if numpy else x**3

    def backward(g, x):
        tick("backward")
        return 3 * x**2 * g

    cls = function("Cube", forward, backward)

    def run(n):
        calls.update({name: 0 for name in calls})
        at[0] = n
        return torch.check(lambda x: cls.apply(x).sum(), [X[0]])

    assert run(0).ok
    total = calls[where]
    for n in sorted({*range(1, min(total, 12) + 1), total}):
        with pytest.raises(kind, match="now"):
            run(n)
        assert calls["after"] == 0, (n, calls)
    # Nothing is left behind for the next error.
    assert run(0).ok
    with pytest.raises(RuntimeError, match="shape"):
        torch.ones(2) + torch.ones(3)


def test_exceptions_of_a_backward_end_the_check():
    calls = [0]

    def backward(g, x):
        calls[0] += 1
        raise LookupError("a bad backward")

    for forward in (cube, outside):
        calls[0] = 0
        with pytest.raises(LookupError, match="a bad backward"):
            torch.check(lambda x, forward=forward: function("Bad", forward, backward).apply(x).sum(), [X[0]])
        assert calls[0] <= 2


def test_what_a_black_box_returns_and_names_of_one_input():
    x = np.array([0.5, -1.5])
    for result, word in [(None, "NoneType"), ({"loss": x}, "dict"), ("no", "<U2"), (x > 0, "bool"), (x + 0j, "complex"), ([x, "no"], "list"), (x[:0], "no numbers")]:
        report = torch.check(lambda a, result=result: result, [x], grad=lambda a: a)
        assert report.status == "unknown" and word in repr(report), report
    for inputs in (x, torch.from_numpy(x)):
        report = torch.check(lambda a: (a * a).sum(), inputs, grad=lambda a: 2 * a, names="weights")
        assert report.ok and [c.name for c in report.coordinates] == ["weights[0]", "weights[1]"], report


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_exception_in_jvp_comes_out_and_a_missing_jvp_does_not(dtype):
    class Failing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    x = torch.tensor([0.5, 1.5], dtype=dtype)
    assert torch.check(Failing.apply, [x]).ok
    for error in (ZeroDivisionError, KeyError, RuntimeError):

        class Raising(Failing):
            @staticmethod
            def jvp(ctx, t):
                raise error("of the user's")

        with pytest.raises(error, match="of the user's"):
            torch.check(Raising.apply, [x])


def test_a_wrong_gradient_that_underflows_is_no_pass():
    class Off(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return a * a

        @staticmethod
        def backward(ctx, g):
            return g * 1e-200

    for size in (1e-200, 1e-170, 1e-160):
        x = torch.tensor([size, 2 * size], dtype=torch.float64)
        assert torch.check(Off.apply, [x]).status != "pass"
        assert torch.check(lambda a: a * a, [x]).status != "fail"
