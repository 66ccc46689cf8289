"""`pullback.func` and `autograd.functional`: derivatives of functions, to any nesting."""

import numpy as np
import pytest

import pullback as torch
from pullback.autograd import functional
from pullback.func import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp


def f(x):
    return (x**3).sum()


X = torch.tensor([1.0, 2.0])


def test_first_derivatives():
    assert grad(f)(X).tolist() == [3, 12]
    g, v = grad_and_value(f)(X)
    assert g.tolist() == [3, 12] and v.item() == 9 and not v.requires_grad
    assert [t.item() for t in grad(lambda a, b: a * b, (0, 1))(torch.tensor(2.0), torch.tensor(3.0))] == [3, 2]
    assert grad(lambda p: (p["w"] ** 2).sum() * p["b"])({"w": X, "b": torch.tensor(2.0)})["w"].tolist() == [4, 8]
    g, aux = grad(lambda x: (f(x), x + 1), has_aux=True)(X)
    assert aux.tolist() == [2, 3]


def test_to_any_nesting():
    d = torch.tensor(0.5)
    g = torch.sin
    for expected in (np.cos(0.5), -np.sin(0.5), -np.cos(0.5), np.sin(0.5)):
        g = grad(g)
        assert g(d).item() == pytest.approx(expected, rel=1e-6)


def test_jacobians():
    def h(x):
        return torch.stack([x[0] * x[1], x[0] ** 2, x[1]])

    expected = [[2, 1], [2, 0], [0, 1]]
    assert jacrev(h)(X).tolist() == expected == jacfwd(h)(X).tolist() == functional.jacobian(h, X).tolist()
    assert hessian(f)(X).tolist() == [[6, 0], [0, 12]] == functional.hessian(f, X).tolist()
    assert jacfwd(jacrev(f))(X).tolist() == [[6, 0], [0, 12]] == jacrev(jacfwd(f))(X).tolist()


def test_products():
    value, pull = vjp(torch.sin, X)
    assert torch.allclose(pull(torch.ones(2))[0], X.cos())
    value, dot = jvp(torch.sin, (X,), (torch.tensor([1.0, 0.0]),))
    assert torch.allclose(value, X.sin()) and dot.tolist() == pytest.approx([np.cos(1), 0])
    assert functional.vjp(f, X)[1].tolist() == [3, 12]
    assert functional.hvp(f, X, torch.ones(2))[1].tolist() == [6, 12]


def test_a_closure_over_what_requires_grad():
    w = torch.tensor(3.0, requires_grad=True)
    g = grad(lambda x: w * x * x)(torch.tensor(2.0))
    assert g.item() == 12


def test_mistakes():
    with pytest.raises(RuntimeError):
        grad(lambda x: x * 2)(X)
    with pytest.raises(RuntimeError, match="argnum"):
        grad(f, argnums=3)(X)
    with pytest.raises(RuntimeError):
        grad(f)(torch.tensor([1, 2]))
    with pytest.raises(KeyError):
        grad(lambda x: {}["no"])(X)
    assert torch.is_grad_enabled()


def test_derivatives_hang_on_what_the_function_closes_over():
    func, w = torch.func, torch.tensor([1.0, 2.0], requires_grad=True)
    x = torch.tensor([0.5, 0.3])

    def f(x):
        return (w * x**2).sum()

    func.grad(f)(x).pow(2).sum().backward()
    assert torch.allclose(w.grad, 8 * w.detach() * x**2)
    for found in (func.vjp(lambda x: w * x**2, x)[1](torch.ones(2))[0], func.jvp(f, (x,), (x,))[1], func.jacrev(f)(x), func.jacfwd(f)(x), func.hessian(f)(x)):
        assert found.requires_grad
        assert torch.autograd.grad(found.sum(), w)[0] is not None
    with torch.no_grad():
        assert not func.grad(f)(x).requires_grad
    y = torch.tensor(1.5, requires_grad=True)
    g, value = func.grad_and_value(torch.sin)(y)
    assert torch.autograd.grad(g, y)[0].item() == -torch.sin(y).item() and value.requires_grad
    assert not func.grad(torch.sin)(y.detach()).requires_grad
