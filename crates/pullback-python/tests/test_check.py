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
    with pytest.raises(TypeError, match="must return one Tensor"):
        torch.check(lambda w: 3.0, [W])
    with pytest.raises(ValueError, match="no inputs"):
        torch.check(lambda: 0, [])
    with pytest.raises(ValueError, match="mode"):
        torch.check(lambda w: w.sum(), [W], mode="slow")


def test_functions_of_pytorch():
    pytorch = pytest.importorskip("torch")
    x = pytorch.tensor([0.3, -1.2], dtype=pytorch.float64)
    assert torch.check(lambda t: (t.sin() ** 2).sum(), [x]).ok
    assert not torch.check(lambda t: (t.sin() ** 2).sum(), [x], grad=lambda t: 2 * t.sin()).ok


def test_functions_of_jax():
    jax = pytest.importorskip("jax")
    x = jax.numpy.asarray([0.3, -1.2])
    assert torch.check(lambda t: (jax.numpy.sin(t) ** 2).sum(), [x]).ok
