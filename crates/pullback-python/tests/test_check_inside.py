"""Functions that ask what PyTorch's checker lets them ask (leaves, hooks), and functions that differentiate inside: right ones
pass in every way of checking, wrong ones fail in every way.

Who says which are right: calculus, and `torch.autograd.gradcheck` of PyTorch 2.15, which answers the same for all of them.
"""

import pytest

import pullback as torch
from pullback import func
from pullback.autograd import functional, grad, gradcheck, gradgradcheck


def point(dtype=torch.float64):
    return torch.tensor([1.3, -0.7, 0.4], dtype=dtype)


def ones(a):
    return torch.ones(3, dtype=a.dtype)


def cube(t):
    return t**3


def cubes(t):
    return (t**3).sum()


def is_a_leaf(a):
    assert a.requires_grad and a.is_leaf and a.grad_fn is None
    return a**2


def hooks(a):
    b = a * 2
    b.register_hook(lambda t: None)
    b.retain_grad()
    a.register_hook(lambda t: None)
    return b**2


def backward_of_a_copy(a):
    b = a.detach().clone().requires_grad_()
    (b**2).sum().backward()
    return a * 3


def retained(a):
    b = a * 1.0
    b.retain_grad()
    cubes(b).backward(create_graph=True)
    return b.grad


def steps_of_descent(a):
    w, x = a, torch.tensor([1.0, 2.0, 3.0], dtype=a.dtype)
    for _ in range(3):
        w = w - 0.1 * grad(((w.sin() * x) ** 2).sum(), w, create_graph=True)[0]
    return w


def residual(a):
    z = torch.linspace(-1, 1, 4, dtype=a.dtype).requires_grad_()
    u = (a[0] * z).tanh() * a[1] + a[2] * z**2
    first = grad(u.sum(), z, create_graph=True)[0]
    return ((grad(first.sum(), z, create_graph=True)[0] + u) ** 2).mean()


def penalty(w):
    z = torch.tensor([0.3, 0.7, 0.2], dtype=w.dtype, requires_grad=True)
    g, h = grad((w * z).sin().sum(), z, create_graph=True)[0], grad((torch.relu(w * z) * z).sum(), z, create_graph=True)[0]
    return (g.norm() - 1) ** 2 + (h**2).sum()


def force(a):
    d = (a[:, None] - a[None, :]) ** 2 + torch.eye(3, dtype=a.dtype)
    return -grad((1 / d).sum(), a, create_graph=True)[0]


RIGHT = {
    "is a leaf": is_a_leaf,
    "requires_grad": lambda a: a**2 if a.requires_grad else a.detach(),
    "hooks": hooks,
    "backward of a copy": backward_of_a_copy,
    "retained": retained,
    "steps of descent": steps_of_descent,
    "residual": residual,
    "penalty": penalty,
    "force": force,
    "grad": lambda a: func.grad(cubes)(a),
    "grad of grad": lambda a: func.grad(lambda t: func.grad(lambda s: (s.sin() ** 3).sum())(t).sum())(a),
    "vjp": lambda a: func.vjp(cube, a)[1](ones(a))[0],
    "vjp by its cotangent": lambda a: func.vjp(lambda t: t.sin(), ones(a))[1](a)[0],
    "jvp": lambda a: func.jvp(cube, (a,), (ones(a),))[1],
    "jvp by its tangent": lambda a: func.jvp(cube, (ones(a),), (a,))[1],
    "jacrev": lambda a: func.jacrev(lambda t: t.exp() * t.sum())(a),
    "jacfwd": lambda a: func.jacfwd(lambda t: t.exp() * t.sum())(a),
    "hessian": lambda a: func.hessian(lambda t: (t**4).sum() * t.sum())(a),
    "vmap": lambda a: func.vmap(cube)(a),
    "vmap of grad": lambda a: func.vmap(func.grad(cube))(a),
    "per sample": lambda a: func.vmap(func.grad(lambda w, s: (w * s).sin().sum()), in_dims=(None, 0))(a, torch.eye(3, dtype=a.dtype)),
    "captured": lambda a: func.grad(lambda t: (t**2 * a).sum())(ones(a)),
    "captured and given": lambda a: func.grad(lambda t: (t**2 * a).sum())(a),
    "functional.hvp": lambda a: functional.hvp(cubes, a, ones(a), create_graph=True)[1],
    "functional.jacobian": lambda a: functional.jacobian(cube, a, create_graph=True),
    "functional.hessian": lambda a: functional.hessian(cubes, a, create_graph=True),
    "functional.vjp": lambda a: functional.vjp(cube, a, ones(a), create_graph=True)[1],
    "functional.jvp": lambda a: functional.jvp(cube, a, ones(a), create_graph=True)[1],
    "grad_and_value": lambda a: func.grad_and_value(cubes)(a)[0] + func.grad_and_value(cubes)(a)[1],
}




def partly_without_gradients(a):
    with torch.no_grad():
        factor = func.grad(cubes)(a)
    return a * factor


def a_hook_that_doubles(a):
    b = a * 2
    b.register_hook(lambda t: t * 2)
    return b**2


def retained_without_graph(a):
    b = a * 1.0
    b.retain_grad()
    cubes(b).backward(retain_graph=True)
    return b.grad * a


WRONG = {
    "no create_graph": lambda a: a * grad(cubes(a), a)[0],
    "detached": lambda a: a * func.grad(cubes)(a.detach()),
    "data": lambda a: func.grad(cubes)(a.data) + a,
    "no_grad": partly_without_gradients,
    "a hook that doubles": a_hook_that_doubles,
    "functional.hvp without graph": lambda a: a * functional.hvp(cubes, a, ones(a))[1],
    "retained without graph": retained_without_graph,
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_ones_pass(name):
    f = RIGHT[name]
    a = point().requires_grad_()
    assert gradcheck(f, (a,)) and gradcheck(f, (a,), fast_mode=True) and gradgradcheck(f, (a,))
    for dtype in (torch.float64, torch.float32):
        for mode in ("full", "fast"):
            report = torch.check(f, [point(dtype)], mode=mode)
            assert report.ok, report


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_fail(name):
    f = WRONG[name]
    a = point().requires_grad_()
    assert not gradcheck(f, (a,), raise_exception=False) and not gradcheck(f, (a,), fast_mode=True, raise_exception=False)
    for dtype in (torch.float64, torch.float32):
        for mode in ("full", "fast"):
            report = torch.check(f, [point(dtype)], mode=mode)
            assert report.status == "fail", report


def test_a_claimed_formula_may_ask_the_engine_too():
    report = torch.check(lambda a: cubes(a), [point()], grad=lambda a: grad(cubes(a), a))
    assert report.ok, report
    report = torch.check(lambda a: cubes(a), [point()], grad=lambda a: grad(cubes(a) * 1.001, a))
    assert report.status == "fail", report


def test_forward_mode_is_checked_beside():
    a = point().requires_grad_()
    assert gradcheck(lambda a: cube(a), (a,), check_forward_ad=True)
    assert gradcheck(lambda a: grad(cubes(a), a, create_graph=True)[0] if a.requires_grad else 3 * a**2, (a,), check_backward_ad=False, check_forward_ad=True)
