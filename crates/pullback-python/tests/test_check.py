"""`pullback.check`: Pullback's functions from inside, everybody else's from outside."""

import numpy as np
import pytest

import pullback as torch

W = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)


def test_a_right_gradient_is_certified():
    report = torch.check(lambda w: (w.sin() * w).sum(), [W])
    assert report.ok and report.status == "pass" and len(report.coordinates) == 3
    c = report.coordinates[0]
    assert c.claimed == pytest.approx(np.sin(0.5) + 0.5 * np.cos(0.5))
    assert "pass" in repr(report).lower() or "certified" in repr(report).lower()
    assert report.to_dict()["status"] == "pass" and report.evaluations > 0


def test_a_wrong_gradient_is_found():
    report = torch.check(lambda w: (w**2).sum(), [W], grad=lambda w: 2 * w * torch.tensor([1.0, 1.01, 1.0], dtype=torch.float64))
    assert not report.ok
    assert [c.verdict == "ok" or c.verdict == "pass" for c in report.coordinates][1] is False
    report = torch.check(lambda w: (w**2).sum(), [W], grad=[2 * W + 1])
    assert not report.ok
    with pytest.raises(AssertionError):
        torch.check.assert_ok(lambda w: (w**2).sum(), [W], grad=[2 * W + 1])
    torch.check.assert_ok(lambda w: (w**2).sum(), [W])


def test_a_kink_is_named():
    report = torch.check(lambda w: torch.relu(w).sum(), [torch.tensor([1e-7, 1.0])], step=1e-3)
    assert report.nearest_kink is not None
    assert report.ok


def test_names_modes_and_pages(tmp_path):
    report = torch.check(lambda a, b: (a @ b).sum(), [torch.rand(2, 3), torch.rand(3, 2)], names=["a", "b"], mode="fast")
    assert report.ok
    report = torch.check(lambda a: (a * a).sum(), [torch.rand(3)], names=["weights"])
    assert report.coordinates[0].name.startswith("weights")
    path = tmp_path / "check.html"
    report.save(path)
    assert "<html" in path.read_text().lower() or "<!doctype" in path.read_text().lower()
    assert [p.name for p in tmp_path.iterdir()] == ["check.html"]
    assert "<table" in report._repr_html_()


def test_functions_of_arrays():
    x = np.array([1.0, 2.0, -0.5])
    assert torch.check(lambda a: (a**3).sum(), [x], grad=lambda a: 3 * a**2).ok
    assert not torch.check(lambda a: (a**3).sum(), [x], grad=lambda a: 3 * a**2 + 0.1).ok
    assert torch.check(lambda a, b: float((a * b).sum()), [x, x], grad=[x, x]).ok
    with pytest.raises(ValueError, match="no gradient of its own"):
        torch.check(lambda a: a.sum(), [x])
    with pytest.raises(ValueError, match="shape"):
        torch.check(lambda a: a.sum(), [x], grad=[np.zeros(2)])


def test_a_function_without_forward_mode():
    class Cube(torch.autograd.Function):
        factor = 3.0

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @classmethod
        def backward(cls, ctx, g):
            return cls.factor * ctx.saved_tensors[0] ** 2 * g

    class Wrong(Cube):
        factor = 2.9

    assert torch.check(lambda w: Cube.apply(w).sum(), [W]).ok
    assert not torch.check(lambda w: Wrong.apply(w).sum(), [W]).ok
    w = W.clone().requires_grad_()
    assert torch.autograd.gradcheck(Cube.apply, (w,))
    assert not torch.autograd.gradcheck(Wrong.apply, (w,), raise_exception=False)


def test_exceptions_of_the_function_arrive():
    class Own(Exception):
        pass

    def f(w):
        raise Own("here")

    with pytest.raises(Own, match="here"):
        torch.check(f, [W])
    with pytest.raises(ValueError, match="no inputs"):
        torch.check(lambda: 0, [])
    with pytest.raises(ValueError, match="mode"):
        torch.check(lambda w: w.sum(), [W], mode="slow")


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_what_cannot_be_checked_is_unknown_and_says_why(mode):
    w = W.clone().requires_grad_()
    told = {
        "NoneType": lambda a: None,
        "float": lambda a: 3.0,
        "ndarray": lambda a: np.zeros(2),
        "dict": lambda a: {"y": a * 2},
        "tuple": lambda a: (a, 2.0),
        "int64, not a floating": lambda a: torch.tensor([1]),
        "bool, not a floating": lambda a: a > 0,
        "no numbers": lambda a: a[:0] * 2,
        "does not depend on its inputs": lambda a: torch.ones(2, dtype=torch.float64),
        "from outside that requires a gradient": lambda a: (w * w).sum(),
    }
    for words, f in told.items():
        report = torch.check(f, [W], mode=mode)
        assert report.status == "unknown" and words in repr(report), (words, report)
        assert words in report.html()
    assert torch.check(lambda a: a.sum(), [W[:0]], mode=mode).status == "unknown"
    # What left the graph is no lack of a dependence; what is constant where it is looked at is none either.
    assert torch.check(lambda a: a.detach().sum(), [W], mode=mode).status == "fail"
    assert torch.check(lambda a: torch.tensor(float(a.sum())), [W], mode=mode).status == "fail"
    assert torch.check(lambda a: (a * w).sum(), [W], mode=mode).status == "pass"
    assert torch.check(lambda a: a.round().sum() + (a > 0).sum() * 0.5, [W], mode=mode).status == "pass"


def test_gradcheck_of_what_is_no_tensor_or_does_not_depend():
    """As PyTorch 2.15 answers."""
    a, w = W.clone().requires_grad_(), W.clone().requires_grad_()
    gradcheck = torch.autograd.gradcheck
    for y in (None, 1.0, np.zeros(2), {"y": 1}, "s", {1}, (None,), (a, (a,))):
        for again in ({}, {"raise_exception": False}, {"fast_mode": True}):
            with pytest.raises(AttributeError, match="object has no attribute 'requires_grad'"):
                gradcheck(lambda a, y=y: y, (a,), **again)
    for f in (lambda a: (), lambda a: w * 2, lambda a: torch.ones(2), lambda a: torch.tensor([1]), lambda a: a[:0], lambda a: [a * 2, torch.tensor(1)]):
        assert gradcheck(f, (a,)) and gradcheck(f, (a,), fast_mode=True)
    assert not gradcheck(lambda a: a.detach() * 2, (a,), raise_exception=False)


def test_functions_of_pytorch():
    pytorch = pytest.importorskip("torch")
    x = pytorch.tensor([0.3, -1.2], dtype=pytorch.float64)
    assert torch.check(lambda t: (t.sin() ** 2).sum(), [x]).ok
    assert not torch.check(lambda t: (t.sin() ** 2).sum(), [x], grad=lambda t: 2 * t.sin()).ok


def test_functions_of_jax():
    jax = pytest.importorskip("jax")
    x = jax.numpy.asarray([0.3, -1.2])
    assert torch.check(lambda t: (jax.numpy.sin(t) ** 2).sum(), [x]).ok


def test_kinks_and_wrong_rules_have_the_users_place():
    import inspect

    def f(w):
        return torch.relu(w - 0.5).sum()

    line = inspect.getsourcelines(f)[1] + 1
    report = torch.check(f, [torch.tensor([0.50001, 1.0])])
    assert report.nearest_kink.op.endswith(f"test_check.py:{line}"), report.nearest_kink.op
    assert ".rs:" not in repr(report)


def test_the_quotient_and_the_gradient_have_a_word_each():
    quotient = torch.check(lambda w: (w + 1e6).sin().sum(), [W.to(torch.float32)])
    assert {c.verdict for c in quotient.coordinates if c.status == "pass"} <= {"round-off limited", "agree", "truncation limited"}
    gradient = torch.check(lambda w: (1 - w.cos()) / w**2, [torch.tensor([1e-4], dtype=torch.float32)])
    assert [c.status for c in gradient.coordinates] == ["unknown"]
    assert [c.verdict for c in gradient.coordinates] == ["hidden by rounding"]


class _Two(torch.autograd.Function):
    """Product and sum; the gradient of the second input forgets the sum."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y, x + y

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        return g * y + h, g * x


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_functions_of_several_results(mode):
    x, y = torch.tensor([0.3, -1.2, 2.5]), torch.tensor([1.7, 0.4, -0.6])
    right = [
        lambda x, y: (x * y, x.sin().sum()),
        lambda x, y: [x * y, [y.exp(), None]],
        lambda x, y: (x * y, (x.outer(y), x.argmax())),
        lambda x, y: torch.max(x.outer(y), 1),
        lambda x, y: (x * y, y.double().exp()),
    ]
    for f in right:
        assert torch.check(f, [x.double(), y.double()], mode=mode).ok
        assert torch.check(f, [x, y], mode=mode).ok
    lost = torch.check(lambda x, y: (x * y, x.detach().sin()), [x.double(), y.double()], mode=mode)
    assert lost.status == "fail"
    planted = torch.check(_Two.apply, [x.double(), y.double()], mode=mode)
    assert planted.status == "fail" and "_Two" in planted.guilty
    for other in (lambda x, y: (x * y, 1.0), lambda x, y: (), lambda x, y: (x.argmax(), y > 0)):
        assert torch.check(other, [x, y], mode=mode).status == "unknown"


def _softmax_backward(x, g):
    y = x.softmax(0)
    return y * (g - (g * y).sum())


@pytest.mark.parametrize("mode", ["full", "fast"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_gradients_of_vectors_that_the_user_wrote(mode, dtype):
    """A backward of what comes in, the gradient of the sum, or whole Jacobians: the right ones pass, and the wrong ones fail."""
    x, w = torch.tensor([0.3, -1.2, 2.5], dtype=dtype), torch.tensor([[1.5, 0.4, -0.6], [0.2, 2.0, -1.0]], dtype=dtype)

    def status(f, inputs, grad):
        return torch.check(f, inputs, grad, mode=mode).status

    square, both = lambda x: x * x, lambda w, x: w @ x
    rows = torch.eye(2, dtype=dtype)[:, :, None] * x
    right = [
        (square, [x], lambda x, g: 2 * x * g),
        (square, [x], lambda x: 2 * x),
        (square, [x], [2 * x]),
        (square, [x], lambda x: torch.diag(2 * x)),
        (square, [x], torch.diag(2 * x)),
        (both, [w, x], lambda w, x, g: [g.outer(x), g @ w]),
        (both, [w, x], lambda w, x: [x.expand(2, 3), w.sum(0)]),
        (both, [w, x], [x.expand(2, 3), w.sum(0)]),
        (both, [w, x], [rows, w]),
        (both, [w, x], lambda w, x: [torch.eye(2, dtype=dtype)[:, :, None] * x, w]),
        (lambda x: x.softmax(0), [x], _softmax_backward),
        (lambda x: x.cumsum(0), [x], lambda x, g: g.flip(0).cumsum(0).flip(0)),
        (lambda x: (x * x, x.sum()), [x], lambda x, g: 2 * x * g[0] + g[1]),
        (lambda x: (x * x, [x.argmax(), x.exp()]), [x], lambda x, g: 2 * x * g[0] + x.exp() * g[1][1]),
        (lambda x: (x * x, x.sum()), [x], lambda x: 2 * x + 1),
        (lambda x: (x * x).sum(), [x], lambda x, g: 2 * x * g),
    ]
    for k, case in enumerate(right):
        assert status(*case) == "pass", (k, torch.check(*case, mode=mode))
    wrong = [
        (square, [x], lambda x, g: 2 * x),
        (square, [x], lambda x, g: 2 * x * g.flip(0)),
        (square, [x], lambda x, g: 2 * x * g.mean()),
        (square, [x], lambda x: 2 * x.flip(0)),
        (square, [x], [2 * x + 1e-2]),
        (square, [x], torch.diag(2 * x)[[1, 0, 2]]),
        (both, [w, x], [rows.flip(0), w]),
        (both, [w, x], lambda w, x, g: [g.outer(x), w.sum(0)]),
        (lambda x: x.softmax(0), [x], lambda x, g: x.softmax(0) * g),
        (lambda x: x.cumsum(0), [x], lambda x, g: g.cumsum(0)),
        (lambda x: (x * x, x.sum()), [x], lambda x, g: 2 * x * g[0]),
        (lambda x: (x * x).sum(), [x], lambda x, g: 2 * x),
    ]
    for k, case in enumerate(wrong):
        assert status(*case) == "fail", (k, torch.check(*case, mode=mode))
    assert "their sum" in repr(torch.check(square, [x], [2 * x], mode=mode))


@pytest.mark.parametrize("point", [[1e-8, 1e-3, 1, 1e5], [1e-12, 1, 3], [1e-20, 2], [1e-5, 1], [-1e-9, 4], [3e-7, 2e2, -1]], ids=str)
def test_black_boxes_of_numbers_of_very_different_size(point):
    """A pole or the end of a domain beside a number that is far smaller than the others: the ladder's steps cross it."""
    a = np.array(point, np.float64)
    functions = {
        "inverse": (lambda a: 1 / a, lambda a, g: -g / a**2),
        "inverse square": (lambda a: a**-2.0, lambda a, g: -2 * g / a**3),
        "log": (lambda a: np.log(np.abs(a)), lambda a, g: g / a),
        "root": (lambda a: np.sqrt(np.abs(a)), lambda a, g: np.sign(a) * g / 2 / np.sqrt(np.abs(a))),
        "square": (np.square, lambda a, g: 2 * a * g),
        "waves": (lambda a: np.sin(1e4 * a), lambda a, g: 1e4 * np.cos(1e4 * a) * g),
        "sum": (lambda a: (1 / a).sum(), lambda a: -1 / a**2),
    }
    for name, (f, right) in functions.items():
        report = torch.check(f, [a], right)
        assert report.status != "fail", (name, report)
        # Errors are relative to the argument's whole gradient: what is far below it is not seen.
        slopes = np.abs(right(a) if name == "sum" else right(a, np.ones(len(a))))
        for place in np.flatnonzero(slopes > 1e-3 * slopes.max()):
            wrong = [1.1 if i == place else 1.0 for i in range(len(a))]
            planted = torch.check(f, [a], (lambda a: right(a) * wrong) if name == "sum" else lambda a, g: right(a, g) * wrong)
            assert planted.status != "pass", (name, place, planted)


def test_black_boxes_of_several_results():
    a, b = np.array([0.5, -1.5, 2.0]), np.array([[1.0, 2.0, -1.0], [0.25, 3.0, 1.5]])
    f = lambda a, b: (a * a, (b @ a, [a.sum(), a.argmax()]))  # noqa: E731
    right = lambda a, b, g: (2 * a * g[0] + g[1][0] @ b + g[1][1][0], np.outer(g[1][0], a))  # noqa: E731
    assert torch.check(f, [a, b], right).ok
    assert torch.check(f, [a, b], lambda a, b: (2 * a + b.sum(0) + 1, np.broadcast_to(a, b.shape))).ok
    assert torch.check(f, [a, b], lambda a, b, g: (right(a, b, g)[0], np.outer(g[1][0][::-1], a))).status == "fail"
    assert torch.check(f, [a.astype(np.float32), b.astype(np.float32)], right).status != "fail"
    assert torch.check(lambda a: [x for x in a**2], [a], lambda a, g: 2 * a * np.array(g)).ok
    assert "tuple" in repr(torch.check(lambda a: (a, "text"), [a], lambda a: a))


class _FirstRow(torch.autograd.Function):
    """A linear layer whose bias gets the first sample's gradient."""

    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return x @ w.T + b

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w, g.T @ x, g[0]


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_a_backward_that_takes_one_shape_alone_is_named(mode):
    rng = np.random.default_rng(31)
    inputs = [torch.tensor(rng.normal(size=shape)) for shape in ((4, 3), (2, 3), (2,))]
    report = torch.check(_FirstRow.apply, inputs, mode=mode)
    assert report.status == "fail" and "_FirstRow" in report.guilty and not any("black box" in note for note in report.notes)
