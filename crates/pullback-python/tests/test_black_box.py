"""Black boxes: right gradients are not accused, wrong ones are found and their kind is named, and each error that a report says it would
have seen is seen. Functions of NumPy arrays, `Function`s without `jvp` and functions of JAX (where it is installed), all with their
backward written by hand, beside which nothing of the checker's is used."""

import numpy as np
import pytest

import pullback as torch
from pullback.autograd import gradcheck


def softmax(a):
    e = np.exp(a - a.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_back(a, g):
    s = softmax(a)
    return s * (g - (s * g).sum(-1, keepdims=True))


def norm_back(a, g):
    c, n = a - a.mean(-1, keepdims=True), a.shape[-1]
    v = (c**2).mean(-1, keepdims=True) + 0.1
    h = g - g.mean(-1, keepdims=True) - c * (g * c).mean(-1, keepdims=True) / v
    return h / np.sqrt(v)


ORDER = np.array([2, 0, 3, 1])
LOWER = np.tril(np.ones((4, 4)))
# Functions of a (3, 4) array with results of many numbers, and their backwards.
VECTORS = {
    "cube": (lambda a: a**3, lambda a, g: 3 * a**2 * g),
    "tanh": (np.tanh, lambda a, g: g * (1 - np.tanh(a) ** 2)),
    "softmax": (softmax, softmax_back),
    "layer norm": (lambda a: (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + 0.1), norm_back),
    "without mean": (lambda a: a - a.mean(0), lambda a, g: g - g.mean(0)),
    "permutation": (lambda a: a[:, ORDER], lambda a, g: g[:, np.argsort(ORDER)]),
    "transpose": (lambda a: a.T.copy(), lambda a, g: g.T),
    "running total": (lambda a: a.cumsum(1), lambda a, g: g[:, ::-1].cumsum(1)[:, ::-1]),
    "rows": (lambda a: a.sum(1), lambda a, g: np.repeat(g[:, None], 4, 1)),
    "product": (lambda a: a @ LOWER, lambda a, g: g @ LOWER.T),
    "one number": (lambda a: (a**2).sum(), lambda a, g: 2 * a * g),
}
# Each makes a backward wrong; those that change nothing are left out.
MISTAKES = {
    "sign": lambda back: lambda a, g: -back(a, g),
    "factor": lambda back: lambda a, g: 3 * back(a, g),
    "incoming gradient forgotten": lambda back: lambda a, g: back(a, np.ones_like(g)),
    "incoming gradient averaged": lambda back: lambda a, g: back(a, np.full_like(g, np.mean(g))),
    "incoming gradient squared": lambda back: lambda a, g: back(a, g * np.abs(g)),
    "incoming gradient turned around": lambda back: lambda a, g: back(a, np.ravel(g)[::-1].reshape(np.shape(g))),
    "one place off": lambda back: lambda a, g: np.roll(back(a, g), 1, 1),
    "one number": lambda back: lambda a, g: back(a, g) * np.where(np.arange(12).reshape(3, 4) == 5, 1.001, 1.0),
    "one number missing": lambda back: lambda a, g: back(a, g) * (np.arange(12).reshape(3, 4) != 7),
    "a term too much": lambda back: lambda a, g: back(a, g) + 1e-2 * a,
}


def function(forward, backward):
    """A `Function` without `jvp` of a NumPy function and its backward."""

    class Made(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.tensor(np.asarray(forward(x.detach().numpy()), dtype=x.detach().numpy().dtype))

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return torch.tensor(np.asarray(backward(x.detach().numpy(), g.numpy()), dtype=g.numpy().dtype))

    return Made.apply


def verdict(kind, f, back, a, mode="full"):
    if kind == "NumPy":
        return torch.check(f, [a], grad=back, mode=mode)
    if kind == "Function":
        return torch.check(function(f, back), [torch.tensor(a)], mode=mode)
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    like = lambda x: jax.ShapeDtypeStruct(np.shape(f(x)), a.dtype)
    # Compiled: by itself each call of a callback costs JAX tens of milliseconds.
    forward = jax.jit(lambda x: jax.pure_callback(lambda x: np.asarray(f(np.asarray(x)), a.dtype), like(a), x))
    backward = jax.jit(
        lambda x, g: jax.pure_callback(lambda x, g: np.asarray(back(np.asarray(x), np.asarray(g)), a.dtype), jax.ShapeDtypeStruct(a.shape, a.dtype), x, g)
    )
    made = jax.custom_vjp(forward)
    made.defvjp(lambda x: (forward(x), x), lambda x, g: (backward(x, g),))
    return torch.check(made, [jax.numpy.asarray(a)], mode=mode)


@pytest.mark.parametrize("kind", ["NumPy", "Function", "JAX"])
@pytest.mark.parametrize("mode", ["full", "fast"])
def test_the_table(kind, mode, capsys):
    table = {"right": [0, 0, 0]} | {name: [0, 0, 0] for name in MISTAKES}
    rng, trouble = np.random.default_rng(5), []
    for name, (f, back) in VECTORS.items():
        a = rng.normal(size=(3, 4)) + 0.1
        g = rng.normal(size=np.shape(f(a)))
        report = verdict(kind, f, back, a, mode)
        table["right"][0 if report.ok else 2] += 1
        if not report.ok:
            trouble.append((name, str(report)))
        for mistake, change in MISTAKES.items():
            wrong = change(back)
            if np.allclose(wrong(a, g), back(a, g), rtol=1e-9):
                continue
            report = verdict(kind, f, wrong, a, mode)
            table[mistake][0 if report.status == "fail" else 1] += 1
            if report.status != "fail":
                trouble.append((name, mistake, str(report)))
    with capsys.disabled():
        print(f"\n{kind}, {mode}: detected, missed, accused")
        for name, counts in table.items():
            print(f"  {name:34s}{counts}")
    assert not trouble, trouble[:3]


def test_gradcheck_sees_vectors_too():
    rng = np.random.default_rng(7)
    for name, (f, back) in VECTORS.items():
        a = torch.tensor(rng.normal(size=(3, 4)), requires_grad=True)
        for options in ({}, {"fast_mode": True}, {"atol": 1e-4}):
            assert gradcheck(function(f, back), (a,), raise_exception=False, **options), (name, options)
            wrong = function(f, MISTAKES["sign"](back))
            assert not gradcheck(wrong, (a,), raise_exception=False, **options), (name, options)


# Whole functions with gradients by hand, and mistakes as people make them; what the report must say.
def network(rng):
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))

    def loss(W, b):
        return ((np.tanh(x @ W + b) - y) ** 2).sum()

    def grad(W, b):
        h = np.tanh(x @ W + b)
        d = 2 * (h - y) * (1 - h**2)
        return [x.T @ d, d.sum(0)]

    return loss, grad, [rng.normal(size=(4, 3)), rng.normal(size=3)]


def quadratic(rng):
    A = rng.normal(size=(4, 4))
    return lambda X: (A * X**2).sum() + (X**3).sum(), lambda X: [2 * A * X + 3 * X**2], [rng.normal(size=(4, 4))]


def mixed(rng):
    c = rng.normal(size=8)
    return (
        lambda a, b: (np.sin(a) * b * c).sum() + (b**2).sum(),
        lambda a, b: [np.cos(a) * b * c, np.sin(a) * c + 2 * b],
        [rng.normal(size=8), rng.normal(size=8)],
    )


NAMED = [
    ("sign", lambda g: -g, "sign is wrong"),
    ("twice", lambda g: 2 * g, "twice"),
    ("factor", lambda g: 3 * g, "3 times"),
    ("factor", lambda g: g / 7, "times the right one"),
    ("zero", lambda g: 0 * g, "path is missing"),
    ("one place off", lambda g: np.roll(g, 1, 0), "one place off along axis 0"),
    ("constant", lambda g: g + 0.25, "differs from the right one by 0.25"),
]


@pytest.mark.parametrize("made", [network, quadratic, mixed])
def test_the_kind_is_named_for_each_input_apart(made):
    rng = np.random.default_rng(11)
    f, grad, inputs = made(rng)
    names = ["W", "b"][: len(inputs)]
    assert torch.check(f, inputs, grad=grad, names=names).ok
    for _, change, text in NAMED:
        for place, name in enumerate(names):
            wrong = lambda *x: [change(g) if k == place else g for k, g in enumerate(grad(*x))]
            report = torch.check(f, inputs, grad=wrong, names=names)
            assert report.status == "fail" and set(report.bugs) == {name} and text in report.bugs[name], report
            assert {c.name.split("[")[0] for c in report.coordinates if c.status == "fail"} == {name}
            assert text in repr(report) and "x0[" not in repr(report) and "x[" not in repr(report)
    if len(inputs) == 2:
        report = torch.check(f, inputs, grad=lambda *x: [-grad(*x)[0], 3 * grad(*x)[1]], names=names)
        assert "sign" in report.bugs["W"] and "3 times" in report.bugs["b"], report
        assert "W: the sign is wrong; b: it is 3 times" in repr(report)


def test_transposes_axes_terms_and_factors_are_named():
    rng = np.random.default_rng(12)
    X, A, w = rng.normal(size=(5, 5)), rng.normal(size=(5, 5)), rng.normal(size=5)

    def kind(f, grad, *inputs):
        report = torch.check(f, list(inputs), grad=grad, names=["X", "Y"][: len(inputs)])
        assert report.status == "fail"
        return report.bugs["X"]

    assert "transposed" in kind(lambda X: (A * X).sum(), lambda X: A.T, X)
    assert "axis" in kind(lambda v: (A * v).sum(), lambda v: A.sum(1), w)
    assert "axis" in kind(lambda X: (A * np.cumsum(X, 0)).sum(), lambda X: A[:, ::-1].cumsum(1)[:, ::-1], X)
    assert "axis" in kind(lambda X: (A * softmax(X)).sum(), lambda X: softmax_back(X.T, A.T).T, X)
    assert "0.3 times X" in kind(lambda X: (A * X).sum() + 0.15 * (X**2).sum(), lambda X: A, X)
    assert "times Y" in kind(lambda X, Y: (X * Y + np.sin(X)).sum(), lambda X, Y: [np.cos(X), X], X, A)
    assert "X squared" in kind(lambda X: (A * X + X**3).sum(), lambda X: A, X)
    assert "factor" in kind(lambda X: (A * X**2).sum(), lambda X: 2 * A, X)
    assert "one place off along axis 1" in kind(lambda X: (A * X).sum(), lambda X: np.roll(A, -1, 1), X)
    # Something that nothing simple explains is not explained.
    assert kind_or_none(lambda X: (A * X).sum(), lambda X: rng.normal(size=(5, 5)), X) is None


def kind_or_none(f, grad, x):
    report = torch.check(f, [x], grad=grad)
    assert report.status == "fail"
    return report.bug


@pytest.mark.parametrize("n", [100, 3000])
def test_many_parameters_take_some_hundred_calls(n):
    rng = np.random.default_rng(3)
    a, c = rng.normal(size=n), rng.uniform(0.5, 2, n)
    f, grad = lambda a: (c * np.sin(a)).sum(), lambda a: c * np.cos(a)
    for mode in ("full", "fast"):
        report = torch.check(f, [a], grad=grad, mode=mode)
        assert report.ok and report.evaluations < 700, report
        for relative in (1e-4, 0.1, -2.0):
            at = int(rng.integers(n))
            wrong = grad(a)
            wrong[at] *= 1 + relative
            report = torch.check(f, [a], grad=wrong, mode=mode, names=["theta"])
            assert [c.name for c in report.coordinates if c.status == "fail"] == [f"theta[{at}]"], report


NOISE = {
    "waves": lambda y, a: y + 1e-9 * np.sin(1e7 * a.sum()),
    "short waves": lambda y, a: y + 1e-9 * np.sin(1e9 * a.sum()),
    "nine decimals": lambda y, a: np.round(y, 9),
    "singles inside": lambda y, a: np.float64(np.float32(y)),
}


@pytest.mark.parametrize("noise", NOISE)
def test_a_solvers_noise_is_no_bug_and_hides_none(noise, capsys):
    rng = np.random.default_rng(4)
    counts = [0, 0, 0]
    for _ in range(6):
        a, c = rng.normal(size=3), rng.uniform(0.5, 2, 3)
        f = lambda a: NOISE[noise]((c * np.sin(a)).sum(), a)
        grad = lambda a: c * np.cos(a)
        report = torch.check(f, [a], grad=grad)
        assert report.status != "fail" and all(k.verdict in ("round-off limited", "agree", "inconclusive") for k in report.coordinates), report
        counts[2] += report.status == "fail"
        for k, factor in ((0, -1.0), (1, 1.01), (2, 3.0)):
            wrong = grad(a)
            wrong[k] *= factor
            found = torch.check(f, [a], grad=wrong)
            counts[0 if found.status == "fail" else 1] += 1
            assert found.status == "fail" or found.coordinates[k].mde > abs(factor - 1), found
    with capsys.disabled():
        print(f"\nnoise, {noise}: detected {counts[0]}, missed {counts[1]}, accused {counts[2]}")
    assert counts[1] == counts[2] == 0


def test_right_functions_of_singles_are_decided():
    rng = np.random.default_rng(6)
    for _ in range(5):
        W, b, x = (rng.normal(size=s).astype(np.float32) for s in ((3, 4), (4,), (5, 3)))
        f = lambda W, b: np.tanh(x @ W + b).sum()

        def grad(W, b):
            d = 1 - np.tanh(x @ W + b) ** 2
            return [x.T @ d, d.sum(0)]

        report = torch.check(f, [W, b], grad=grad, names=["W", "b"])
        decided = [c.status == "pass" for c in report.coordinates]
        assert report.status != "fail" and sum(decided) >= 14, report
        wrong = lambda W, b: [grad(W, b)[0] * np.float32(1.05), grad(W, b)[1]]
        assert torch.check(f, [W, b], grad=wrong).status == "fail"


def test_inputs_of_two_dtypes():
    x, y = np.array([0.5, 1.5], np.float32), np.array([0.25, 3.0])
    f = lambda x, y: (x * y).sum()
    assert torch.check(f, [x, y], grad=[y.astype(np.float32), x.astype(np.float64)]).ok
    report = torch.check(f, [x, y], grad=[y.astype(np.float32), 1.01 * x.astype(np.float64)])
    assert [c.status == "fail" for c in report.coordinates] == [False, False, True, True], report


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
@pytest.mark.parametrize("at", [1, 2, 7, 30])
def test_after_an_exception_the_function_is_not_called_again(error, at):
    calls = 0

    def f(a):
        nonlocal calls
        calls += 1
        if calls == at:
            raise error("stop")
        return (a**2).sum()

    if error is ZeroDivisionError and at > 2:
        # Beside the point: the function's domain may end there, and the check goes on without that step.
        report = torch.check(f, [np.arange(1.0, 9.0)], grad=lambda a: 2 * a)
        assert report.status != "fail" and calls > at and any("ZeroDivisionError" in n for n in report.notes)
        return
    with pytest.raises(error):
        torch.check(f, [np.arange(1.0, 9.0)], grad=lambda a: 2 * a)
    assert calls == at
    if error is not ZeroDivisionError and at < 10:
        calls = 0
        with pytest.raises(error):
            torch.check(f, [torch.arange(1.0, 9.0, dtype=torch.float64)])
        assert calls == at


def test_kinks_are_not_put_down_to_rounding():
    for near in (1e-7, 4e-7, -6e-7):
        report = torch.check(lambda a: np.abs(a).sum(), [np.array([near, 1.5])], grad=np.sign, names=["a"])
        assert report.ok and report.coordinates[0].verdict == "kink crossed", report
        text = repr(report)
        assert "round-off" not in text and "kink" in text and report.nearest_kink.name == "a[0]"
        assert abs(report.nearest_kink.steps - abs(near) / 1e-6) < 0.15
    at = lambda claim: torch.check(lambda a: np.abs(a).sum(), [np.array([0.0, 1.5])], grad=[np.array([claim, 1.0])])
    assert [at(c).status for c in (0.0, 1.0, -1.0, 0.3, 2.0)] == ["pass", "pass", "pass", "unknown", "fail"]


def test_texts_explain_what_they_name():
    right = torch.check(lambda a: np.sin(a).sum() + 1e6, [np.array([0.3, 1.2])], grad=np.cos)
    wrong = torch.check(lambda a: np.sin(a).sum(), [np.array([0.3, 1.2])], grad=lambda a: -np.cos(a))
    for report in (right, wrong):
        assert "Why: agree" not in repr(report) and "Why: gradient bug" not in repr(report)
    assert "forward round-off" in repr(right)
    assert "Why" not in repr(wrong)


def test_a_function_of_nothing_is_no_pass():
    assert torch.check(lambda a: np.array([1.0, 2.0]), [np.ones(3)], grad=[np.zeros(3)]).status == "unknown"
    assert torch.check(lambda a: np.array([1.0, 2.0]), [np.ones(3)], grad=[np.ones(3)]).status == "fail"


@pytest.mark.parametrize("k", [7, 8, 9, 10, 12, 16, 26, 28])
def test_a_missing_periodic_term_is_seen(k):
    for n, mode in ((3, "full"), (3, "fast"), (65, "full")):
        a = np.array([0.83, -0.91, 1.2]) if n == 3 else np.random.default_rng(n).normal(size=n)
        wave = lambda a: np.sin(2.0**k * np.pi * a).sum() + (a**2).sum()
        report = torch.check(wave, [a], grad=lambda a: 2 * a, mode=mode)
        assert report.status != "pass", (n, mode, report)
    # The right gradient of a moderate one is right.
    wave = lambda a: np.sin(2.0**7 * np.pi * a).sum() + (a**2).sum()
    assert torch.check(wave, [a], grad=lambda a: 2.0**7 * np.pi * np.cos(2.0**7 * np.pi * a) + 2 * a).status != "fail"


def test_what_drowns_in_the_value_is_no_pass():
    for big, small, claim in ((1e9, 1e-9, -5e-9), (1e3, 1e-14, 7e-12)):
        f = lambda a: big * np.cos(a[0]) + small * a[1] ** 2
        report = torch.check(f, [np.array([1.0, 1.0])], grad=lambda a: np.array([-big * np.sin(a[0]), claim]))
        assert report.status == "unknown", report


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_relus_pass_at_ordinary_points(mode):
    relu = lambda a: np.maximum(a, 0).sum()
    for seed in range(12):
        a = np.random.default_rng(seed).normal(size=10)
        right = torch.check(relu, [a], grad=lambda a: (a > 0) * 1.0, mode=mode)
        wrong = torch.check(relu, [a], grad=lambda a: (a > 0) * 1.0 + 0.01 * (np.arange(10) == seed % 10), mode=mode)
        assert (right.status, wrong.status) == ("pass", "fail"), (right, wrong)
    assert torch.check(lambda a: np.maximum(0, 1 - a).sum(), [np.array([1.05, 0.2, -1.0])], grad=lambda a: -1.0 * (a < 1), mode=mode).ok


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_kink_near_the_point_is_no_bug(dtype):
    relu, step = lambda a: np.maximum(a, 0).sum(), lambda a: (a > 0) * a.dtype.type(1)
    for f, back in ((relu, step), (lambda a: np.abs(a).sum(), np.sign)):
        for near in 10.0 ** -np.arange(1, 14):
            for a in (np.array([near, 1, -2], dtype), np.array([-near, 1, -2], dtype)):
                assert torch.check(f, [a], grad=back).status != "fail", (near, a)
                # The other side's slope is a choice only where the kink is at the point, as far as can be told.
                other = torch.check(f, [a], grad=lambda a: back(a) * [-1, 1, 1] if back is np.sign else (step(a) + [1, 0, 0]) % 2)
                assert other.status != "pass" or near < (2e-6 if dtype == np.float32 else 2e-13), (near, a, other)


def test_a_function_may_raise_outside_of_its_domain():
    import math

    roots = lambda a: sum(math.sqrt(v) for v in a)
    a = np.array([1e-3, 1.0, 2.0])
    report = torch.check(roots, [a], grad=lambda a: 0.5 / np.sqrt(a))
    assert report.ok and any("ValueError" in n for n in report.notes), report
    assert torch.check(roots, [a], grad=lambda a: 0.6 / np.sqrt(a)).status == "fail"

    def stopped(a):
        if a[0] != 1e-3:
            raise KeyboardInterrupt
        return a.sum()

    with pytest.raises(KeyboardInterrupt):
        torch.check(stopped, [a], grad=np.ones_like)
    with pytest.raises(ValueError):
        torch.check(roots, [-a], grad=np.ones_like)


def test_a_projection_that_contradicts_is_no_pass():
    # Choices at kinks explain what a projection contradicts; nothing else does.
    a = np.zeros(100)
    a[10:] = np.random.default_rng(0).normal(size=90)
    relu = lambda a: np.maximum(a, 0).sum()
    claim = lambda at: lambda a: (a > 0) * 1.0 + (a == 0) * at
    assert [torch.check(relu, [a], grad=claim(at)).status for at in (0.0, 1.0, 0.5)] == ["pass"] * 3
    assert torch.check(relu, [a], grad=claim(0.3)).status == "unknown"
    assert torch.check(relu, [a], grad=claim(1.5)).status == "fail"
    # Nothing finite along the lines: no error that is said to be inf.
    roots = lambda a: np.where((a == 1.0).all(), a.sum(), np.nan)
    report = torch.check(roots, [np.ones(70)], grad=np.ones_like)
    assert report.status == "unknown" and "inf" not in repr(report).replace("finite", ""), report
