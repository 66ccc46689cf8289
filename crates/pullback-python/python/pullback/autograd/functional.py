"""PyTorch's `torch.autograd.functional`: derivatives of functions at given inputs."""

from .. import func as _func


def _tuple(inputs):
    return (inputs, False) if isinstance(inputs, (tuple, list)) else ((inputs,), True)


def _kept(x, create_graph):
    if isinstance(x, (tuple, list)):
        return tuple(_kept(t, create_graph) for t in x)
    return x if create_graph else x.detach()


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The Jacobian of every output by every input."""
    inputs, single = _tuple(inputs)
    with _func._level() if create_graph else _nothing():
        found = _func.jacrev(func, argnums=tuple(range(len(inputs))))(*inputs)
    several = isinstance(found, tuple) and found and isinstance(found[0], tuple)
    if single:
        found = tuple(f[0] for f in found) if several else found[0]
    return _kept(found, create_graph)


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The Hessian of a function with one number as result."""
    inputs, single = _tuple(inputs)
    numbers = tuple(range(len(inputs)))

    def scalar(*args):
        y = func(*args)
        if y.numel() != 1:
            raise RuntimeError(f"The Tensor returned by the function given to hessian should contain a single element. Got {y.numel()}")
        return y.reshape(())

    with _func._level() if create_graph else _nothing():
        found = _func.jacrev(_func.jacrev(scalar, numbers), numbers)(*inputs)
    return _kept(found[0][0] if single else found, create_graph)


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """The value, and vᵀJ."""
    inputs, single = _tuple(inputs)
    value, pull = _func.vjp(func, *inputs)
    if v is None:
        if value.numel() != 1:
            raise RuntimeError("The vector v can only be None if the user-provided function returns a single Tensor with a single element.")
        v = value.detach() * 0 + 1
    found = pull(v)
    return _kept(value, create_graph), _kept(found[0] if single else found, create_graph)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """The value, and J·v."""
    inputs, single = _tuple(inputs)
    if v is None:
        if len(inputs) != 1 or inputs[0].numel() != 1:
            raise RuntimeError("The vector v can only be None if the input to the user-provided function is a single Tensor with a single element.")
        v = inputs[0].detach() * 0 + 1
    v, _ = _tuple(v)
    value, dot = _func.jvp(func, tuple(inputs), tuple(v))
    return _kept(value, create_graph), _kept(dot, create_graph)


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """The value, and vᵀH."""
    inputs, single = _tuple(inputs)
    v, _ = _tuple(v)
    gradient = _func.grad(lambda *a: func(*a).reshape(()), tuple(range(len(inputs))))
    _, pull = _func.vjp(gradient, *inputs)
    found = pull(tuple(v))
    return func(*inputs).detach(), _kept(found[0] if single else found, create_graph)


hvp = vhp


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None
