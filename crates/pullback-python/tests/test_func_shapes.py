"""Every derivative of functions, for arguments and results of every shape: 0-d, of one element, empty, several, in trees.

The functions are cubes times a matrix, `f(x)[j] = Σ_k A[j,k] x_k³`, so that every derivative is written down in NumPy: `J = 3 A x²`, `∂J/∂x = 6 A x`.
"""

import itertools

import numpy as np
import pytest

import pullback as torch
from pullback import func
from pullback.autograd import functional as F

SHAPES = [(), (1,), (3,), (2, 2), (1, 1), (0,), (2, 0)]


def made(out, shape):
    m, n = int(np.prod(out, dtype=int)), int(np.prod(shape, dtype=int))
    a = np.linspace(-1.0, 2.0, m * n).reshape(m, n) if m * n else np.zeros((m, n))
    x = np.linspace(0.5, 1.5, n).reshape(shape) if n else np.zeros(shape)
    weight = torch.from_numpy(a.copy())

    def f(t):
        return (weight @ (t.reshape(-1) ** 3)).reshape(out)

    flat = x.reshape(-1)
    jacobian = (3 * a * flat**2).reshape((*out, *shape))
    second = np.einsum("jk,k,kl->jkl", 6 * a, flat, np.eye(n)).reshape((*out, *shape, *shape))
    return f, torch.from_numpy(x.copy()), (a @ flat**3).reshape(out), jacobian, second


def same(got, want):
    assert got.shape == want.shape and got.dtype == torch.float64
    np.testing.assert_allclose(got.detach().numpy(), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("out, shape", list(itertools.product(SHAPES, SHAPES)))
def test_jacobians(out, shape):
    f, x, value, jacobian, second = made(out, shape)
    for d in (func.jacrev(f), func.jacfwd(f), lambda t: F.jacobian(f, t), lambda t: F.jacobian(f, t, vectorize=True)):
        same(d(x), jacobian)
    same(F.jacobian(f, x, vectorize=True, strategy="forward-mode"), jacobian)
    for outer, inner in itertools.product((func.jacrev, func.jacfwd), repeat=2):
        same(outer(inner(f))(x), second)
    same(func.hessian(f)(x), second)
    # Two arguments at once are two Jacobians; a number of one of them stands in a tuple of one.
    for d in (func.jacrev, func.jacfwd):
        a, b = d(lambda s, t: f(s) + 2 * f(t), argnums=(0, 1))(x, x)
        same(a, jacobian), same(b, 2 * jacobian)
        (b,) = d(lambda s, t: f(s) + 2 * f(t), argnums=(1,))(x, x)
        same(b, 2 * jacobian)
        same(d(lambda s, t: f(s) + 2 * f(t), argnums=-1)(x, x), 2 * jacobian)


@pytest.mark.parametrize("shape", SHAPES)
def test_trees(shape):
    f, x, value, jacobian, _ = made((2,), shape)

    def g(d):
        return {"y": f(d["a"]) * d["b"][0], "z": (d["b"][0] * 2,)}

    tree = {"a": x, "b": [torch.tensor(3.0, dtype=torch.float64)]}
    for d in (func.jacrev(g), func.jacfwd(g)):
        j = d(tree)
        same(j["y"]["a"], 3 * jacobian), same(j["y"]["b"][0], value)
        same(j["z"][0]["a"], np.zeros(shape)), same(j["z"][0]["b"][0], np.array(2.0))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("create_graph", [False, True])
def test_functional(shape, create_graph):
    f, x, value, jacobian, second = made((), shape)
    n = x.numel()
    v = torch.from_numpy(np.linspace(1, 3, n).reshape(shape))
    along = v.numpy().reshape(-1)
    x = x.requires_grad_() if create_graph else x
    found = {
        "hessian": F.hessian(f, x, create_graph=create_graph),
        "vjp": F.vjp(f, x, torch.tensor(2.0, dtype=torch.float64), create_graph=create_graph)[1],
        "jvp": F.jvp(f, x, v, create_graph=create_graph)[1],
        "vhp": F.vhp(f, x, v, create_graph=create_graph)[1],
        "hvp": F.hvp(f, x, v, create_graph=create_graph)[1],
    }
    times = (second.reshape(n, n) @ along).reshape(shape)
    want = {"hessian": second, "vjp": 2 * jacobian, "jvp": np.array(jacobian.reshape(-1) @ along), "vhp": times, "hvp": times}
    for name, w in want.items():
        same(found[name], w)
        assert found[name].requires_grad == (create_graph and (n > 0 or name != "hessian")) or n == 0, name
    for g in (F.vjp, F.jvp, F.vhp, F.hvp):
        y = g(f, x, torch.tensor(1.0, dtype=torch.float64) if g is F.vjp else v, create_graph=create_graph)[0]
        assert y.shape == () and y.requires_grad == create_graph
        assert y.item() == pytest.approx(float(value), abs=1e-12)
    if create_graph and n:
        # The Hessian's own derivative: 6 A on the diagonal of the diagonal.
        (third,) = torch.autograd.grad(found["hessian"].sum(), x)
        step = 1e-6
        near = [made((), shape)[0]]
        up = F.hessian(near[0], x.detach() + step).sum() - F.hessian(near[0], x.detach() - step).sum()
        assert third.sum().item() == pytest.approx(up.item() / (2 * step), rel=1e-6)


def constant(x):
    return torch.ones(2, dtype=torch.float64)


STRICT = [
    (lambda x: F.jacobian(constant, x, strict=True), "Output 0 of the user-provided function does not require gradients."),
    (lambda x: F.jacobian(lambda a, b: a * 2, (x, x), strict=True), "Output 0 of the user-provided function is independent of input 1."),
    (lambda x: F.jacobian(lambda a: a * 2, x, strict=True, create_graph=True), "The jacobian of the user-provided function is independent of input 0."),
    (lambda x: F.hessian(lambda a: a.sum(), x, strict=True), "While computing the hessian, found that the jacobian of the user-provided function with respect to input 0"),
    (lambda x: F.hessian(lambda a, b: (a**2).sum(), (x, x), strict=True), "While computing the hessian, found that the jacobian of the user-provided function with respect to input 1"),
    (lambda x: F.vjp(constant, x, x, strict=True), "Output 0 of the user-provided function does not require gradients."),
    (lambda x: F.vjp(lambda a, b: a.sum(), (x, x), strict=True), "The output of the user-provided function is independent of input 1."),
    (lambda x: F.vjp(lambda a: a.sum(), x, strict=True, create_graph=True), "The jacobian of the user-provided function is independent of input 0."),
    (lambda x: F.jvp(constant, x, x, strict=True), "Output 0 of the user-provided function does not require gradients."),
    (lambda x: F.jvp(lambda a, b: a * 1, (x, x), (x, x), strict=True), "The output of the user-provided function is independent of input 1."),
    (lambda x: F.vhp(lambda a: a.sum(), x, x, strict=True), "While computing the hessian, found that the jacobian"),
    (lambda x: F.hvp(lambda a: a.sum(), x, x, strict=True), "While computing the hessian, found that the jacobian"),
    (lambda x: F.jacobian(lambda a: a, x, strict=True, vectorize=True), "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True`"),
    (lambda x: F.jacobian(lambda a: a, x, strict=True, strategy="forward-mode"), "torch.autograd.functional.jacobian: `strict=True` and"),
    (lambda x: func.jvp(constant, (x,), (x,), strict=True), "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs."),
]


@pytest.mark.parametrize("k", range(len(STRICT)))
def test_strict(k):
    call, text = STRICT[k]
    with pytest.raises(RuntimeError) as e:
        call(torch.tensor([1.0, 2.0], dtype=torch.float64))
    assert str(e.value).startswith(text), e.value


AUX = {
    "grad": lambda f, x: func.grad(lambda t: ((t**2).sum(), f(t)), has_aux=True)(x)[1],
    "grad_and_value": lambda f, x: func.grad_and_value(lambda t: ((t**2).sum(), f(t)), has_aux=True)(x)[1][1],
    "vjp": lambda f, x: func.vjp(lambda t: (t**2, f(t)), x, has_aux=True)[2],
    "jvp": lambda f, x: func.jvp(lambda t: (t**2, f(t)), (x,), (x,), has_aux=True)[2],
    "jacrev": lambda f, x: func.jacrev(lambda t: (t**2, f(t)), has_aux=True)(x)[1],
    "jacfwd": lambda f, x: func.jacfwd(lambda t: (t**2, f(t)), has_aux=True)(x)[1],
}


@pytest.mark.parametrize("name", AUX)
def test_what_comes_beside_has_only_the_history_that_somebody_outside_wants(name):
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    aux = AUX[name](lambda t: {"a": t * 3, "b": (t.sum(), 5, None)}, x)
    assert aux["a"].tolist() == [3, 6] and aux["b"][0].item() == 3 and aux["b"][1:] == (5, None)
    assert not aux["a"].requires_grad and not aux["b"][0].requires_grad
    # It is differentiated by what is outside: a plain tensor, and another level.
    w = x.clone().requires_grad_()
    AUX[name](lambda t: t**3, w).sum().backward()
    assert w.grad.tolist() == [3, 12]
    assert func.grad(lambda t: AUX[name](lambda s: s**3, t).sum())(x).tolist() == [3, 12]
    captured = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    AUX[name](lambda t: t * captured, x).sum().backward()
    assert captured.grad.item() == 3


def test_mistakes_are_said_in_pytorchs_words():
    x = torch.tensor([1.0, 2.0])
    cases = [
        (lambda: func.grad(lambda t: t)(x), RuntimeError, "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with 1 dims."),
        (lambda: func.grad(lambda t: 1.0)(x), RuntimeError, "grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got <class 'float'>"),
        (lambda: func.grad(lambda t: t.sum(), argnums=1)(x), RuntimeError, "Got argnum=1, but only 1 positional inputs"),
        (lambda: func.jacrev(lambda t: t, argnums=())(x), RuntimeError, "argnums must be non-empty"),
        (lambda: func.jacfwd(lambda t: t, argnums=(0, 0))(x), RuntimeError, "argnums elements must be unique, got (0, 0)"),
        (lambda: func.jacfwd(lambda t: t, argnums=[0])(x), RuntimeError, "argnums must be int or Tuple[int, ...], got: <class 'list'>"),
        (lambda: func.jacrev(lambda t: None)(x), RuntimeError, "vjp(f, *primals): Expected f to be a function that has non-empty output"),
        (lambda: func.jacrev(lambda t: t > 0)(x), RuntimeError, "vjp(f, ...): All outputs of f must be floating-point or complex Tensors"),
        (lambda: func.jacrev(lambda t: t, has_aux=True)(x), RuntimeError, "vjp(f, *primals): output of function f should be a tuple: (output, aux) if has_aux is True"),
        (lambda: func.jacrev(lambda t: t, chunk_size=0), ValueError, "jacrev: `chunk_size` should be greater than 0."),
        (lambda: func.jacfwd(lambda t: t)(torch.tensor(1)), ValueError, "Expected primal to be floating point or complex, but got: torch.int64"),
        (lambda: func.jvp(lambda t: t, (x,), (torch.ones(3),)), RuntimeError, "Trying to set a forward gradient that has a different size"),
        (lambda: func.jvp(lambda t: t, x, x), RuntimeError, "jvp(f, primals, tangents): Expected primals to be a tuple."),
        (lambda: func.vjp(lambda t: (t, t), x)[1](x), RuntimeError, "Expected pytree structure of cotangents to be the same"),
        (lambda: F.jacobian(lambda t: [t], x), TypeError, "The outputs of the user-provided function given to jacobian must be either a Tensor or a tuple of Tensors"),
        (lambda: F.jacobian(lambda t: t, [x]), TypeError, "The inputs given to jacobian must be either a Tensor or a tuple of Tensors but the given inputs has type"),
        (lambda: F.jacobian(lambda t, u: t, (x, 3)), TypeError, "The inputs given to jacobian must be either a Tensor or a tuple of Tensors but the value at index 1 has type"),
        (lambda: F.jacobian(lambda t: t, x, strategy="x"), AssertionError, "Expected strategy to be either"),
        (lambda: F.vjp(lambda t: t, x), RuntimeError, "The vector v can only be None if the user-provided function returns a single Tensor with a single element."),
        (lambda: F.vjp(lambda t: t, x, torch.ones(3)), RuntimeError, "v has invalid size: should be torch.Size([2]) but got torch.Size([3])."),
        (lambda: F.vjp(lambda t: (t, t), x, (x,)), RuntimeError, "v is a tuple of invalid length: should be 2 but got 1."),
        (lambda: F.hessian(lambda t: t, x), RuntimeError, "The Tensor returned by the function given to hessian should contain a single element"),
        (lambda: F.hvp(lambda t: (t.sum(),), x, x), RuntimeError, "The function given to hvp should return a single Tensor"),
    ]
    for call, kind, text in cases:
        with pytest.raises(kind) as e:
            call()
        assert type(e.value) is kind and str(e.value).startswith(text), (text, e.value)


def test_infinite_values_have_no_say_in_zeros():
    x = torch.tensor([1.0, 2.0])
    _, dot = func.jvp(lambda t: torch.ones(2) * float("inf"), (x,), (x,))
    assert dot.tolist() == [0, 0]
    assert func.grad(lambda t: torch.tensor(float("inf")))(x).tolist() == [0, 0]
