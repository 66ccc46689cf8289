"""PyTorch's `torch.autograd.functional`: derivatives of functions at given inputs.

`strict=True` is PyTorch's: what does not depend on an input is an error. With `vectorize=True` all rows are one batch (`func.vmap`), else they are computed
one after the other. For derivatives that nest, see `pullback.func`.
"""

from .. import func as _func
from .. import _native
from .._native import Tensor
from .._native import grad as _grad
from .grad_mode import enable_grad, set_grad_enabled

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

_STRICT = "This is not allowed in strict mode"


def _tuple(x, what, function):
    """What was given as a tuple, and whether it was one."""
    several = isinstance(x, tuple)
    for i, t in enumerate(x if several else (x,)):
        if not isinstance(t, Tensor):
            which = f"the value at index {i}" if several else f"the given {what}"
            raise TypeError(f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but {' ' if several else ''}{which} has type {type(t)}.".replace("but  ", "but "))
    return several, x if several else (x,)


def _outputs(y, function):
    return _tuple(y, "outputs of the user-provided function", function)


def _fresh(tensors, create_graph, need_graph):
    """Other tensors with the same numbers: those that a function captures are no inputs of it."""
    return tuple(t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_(need_graph) for t in tensors)


def _kept(x, create_graph):
    if isinstance(x, tuple):
        return tuple(_kept(t, create_graph) for t in x)
    return x if create_graph else x.detach()


def _grads(outputs, inputs, seeds=None, create_graph=False, retain_graph=None):
    """The gradients of those outputs that have any; `None` for inputs that none of them depends on."""
    seeds = seeds if seeds is not None else (None,) * len(outputs)
    rooted = [(y, s) for y, s in zip(outputs, seeds) if y is not None and y.requires_grad]
    if not rooted:
        return (None,) * len(inputs)
    ys, ss = zip(*rooted)
    return tuple(_grad(ys, inputs, ss, retain_graph=retain_graph, create_graph=create_graph, allow_unused=True))


def _check(found, strict, none, constant):
    """In strict mode, errors for what is `None` or has no history; the texts may name `{i}`."""
    for i, t in enumerate(found if strict else ()):
        if t is None or not t.requires_grad:
            raise RuntimeError((none if t is None else constant).format(i=i))


def _check_outputs(outputs, strict):
    text = "Output {i} of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when running in strict mode."
    _check(outputs, strict, text, text)


def _check_jacobian(found, strict):
    none = "The output of the user-provided function is independent of input {i}. " + _STRICT + "."
    constant = (
        "While computing the hessian, found that the jacobian of the user-provided function with respect to input {i} is independent of the input. "
        + _STRICT
        + ". You should ensure that your function is twice differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for example)."
    )
    _check(found, strict, none, constant)


def _filled(found, like, strict, create_graph, none, what):
    """Zeros for what is `None`; in strict mode that is an error, and so is what has no history where one was asked for."""
    out = []
    for i, (g, x) in enumerate(zip(found, like)):
        if g is None and strict:
            raise RuntimeError(none.format(i=i))
        if g is not None and strict and create_graph and not g.requires_grad:
            raise RuntimeError(f"The {what} of the user-provided function is independent of input {i}. {_STRICT} when create_graph=True.")
        out.append(_func._zeros(x) if g is None else g)
    return tuple(out)


def _direction(v, like, several, create_graph, function, default):
    """The vector `v`, checked; `None` where it may be left out."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if {default}")
        return None
    _, v = _tuple(v, "v", function)
    v = _fresh(v, create_graph, False)
    if len(v) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}." if several else "The given v should contain a single Tensor.")
    for i, (a, b) in enumerate(zip(v, like)):
        if a.shape != b.shape:
            raise RuntimeError(f"{f'Entry {i} in ' if several else ''}v has invalid size: should be {b.shape} but got {a.shape}.")
    return v


_ONE_INPUT = "the input to the user-provided function is a single Tensor with a single element."


def _recording(create_graph):
    return set_grad_enabled(create_graph or _native.is_grad_enabled())


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The Jacobian of every output by every input: its shape is the output's followed by the input's."""
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than inputs, "forward-mode" tends to be '
            'more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        return _forward(func, inputs, create_graph, strict, vectorize)
    with enable_grad():
        many_inputs, inputs = _tuple(inputs, "inputs", "jacobian")
        inputs = _fresh(inputs, create_graph, True)
        many_outputs, outputs = _outputs(func(*inputs), "jacobian")
        _check_outputs(outputs, strict)
        if vectorize and strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
                "Please either set `strict=False` or `vectorize=False`."
            )
        if vectorize:
            found = tuple(tuple(_func._rows_of(y, inputs, create_graph)) for y in outputs)
        else:
            found = tuple(_rows(y, i, inputs, create_graph, strict) for i, y in enumerate(outputs))
    found = _kept(found, create_graph)
    found = found if many_inputs else tuple(js[0] for js in found)
    return found if many_outputs else found[0]


def _rows(output, number, inputs, create_graph, strict):
    """The Jacobians of one output by every input, a row for each element."""
    rows = [[] for _ in inputs]
    flat = output.reshape(-1)
    for k in range(flat.numel()):
        found = _grads((flat[k],), inputs, create_graph=create_graph, retain_graph=True)
        for at, (row, g, x) in enumerate(zip(rows, found, inputs)):
            if g is None and strict:
                raise RuntimeError(f"Output {number} of the user-provided function is independent of input {at}. {_STRICT}.")
            if g is not None and strict and create_graph and not g.requires_grad:
                raise RuntimeError(f"The jacobian of the user-provided function is independent of input {number}. {_STRICT} when create_graph=True.")
            row.append(_func._zeros(x) if g is None else g)
    return tuple(_func._stacked(row, output, x) for row, x in zip(rows, inputs))


def _forward(func, inputs, create_graph, strict, vectorize):
    for given, name in ((create_graph, "create_graph"), (strict, "strict")):
        if given:
            error = NotImplementedError if name == "create_graph" else RuntimeError
            raise error(
                f'torch.autograd.functional.jacobian: `{name}=True` and `strategy="forward-mode"` are not supported together (yet). '
                f'Please either set `{name}=False` or `strategy="reverse-mode"`.'
            )
    many_inputs, inputs = _tuple(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError("Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for `vectorize=True`.")
    found = _func.jacfwd(lambda *x: _outputs(func(*x), "jacobian")[1], argnums=tuple(range(len(inputs))))(*inputs)
    many_outputs = isinstance(func(*inputs), tuple)
    found = found if many_inputs else tuple(js[0] for js in found)
    return found if many_outputs else found[0]


def _single(y, function, strict):
    """The one number that a function must return."""
    several, outputs = _outputs(y, function)
    _check_outputs(outputs, strict)
    if several:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {function} should contain a single element")
    return outputs


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The Hessian of a function with one number as result."""
    many, inputs = _tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def gradients(*x):
        if outer_jacobian_strategy == "forward-mode":
            x = tuple(t if t.requires_grad else t.requires_grad_() for t in x)
        found = jacobian(lambda *a: _single(func(*a), "hessian", strict)[0].reshape(()), x, create_graph=True)
        _check_jacobian(found, strict)
        return found

    found = jacobian(gradients, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if many else found[0][0]


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """The value, and vᵀJ."""
    with enable_grad():
        many, inputs = _tuple(inputs, "inputs", "vjp")
        inputs = _fresh(inputs, create_graph, True)
        several, outputs = _outputs(func(*inputs), "vjp")
        _check_outputs(outputs, strict)
        v = _direction(v, outputs, several, create_graph, "vjp", "the user-provided function returns a single Tensor with a single element.")
    with _recording(create_graph):
        found = _grads(outputs, inputs, v, create_graph)
        none = "The output of the user-provided function is independent of input {i}. " + _STRICT + "."
        found = _filled(found, inputs, strict, create_graph, none, "jacobian")
    outputs, found = _kept(outputs, create_graph), _kept(found, create_graph)
    return outputs if several else outputs[0], found if many else found[0]


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """The value, and J·v."""
    with enable_grad():
        many, inputs = _tuple(inputs, "inputs", "jvp")
        inputs = _fresh(inputs, create_graph, True)
        v = _direction(v, inputs, many, create_graph, "jvp", _ONE_INPUT)
        several, outputs = _outputs(func(*inputs), "jvp")
        _check_outputs(outputs, strict)
        # Reverse mode is linear in its cotangents; its transpose is forward mode.
        seeds = tuple(_func._zeros(y).requires_grad_() for y in outputs)
        back = _grads(outputs, inputs, seeds, create_graph=True)
        none = "The output of the user-provided function is independent of input {i}. " + _STRICT + "."
        constant = "The gradient with respect to input {i} is independent of the inputs of the user-provided function. " + _STRICT + "."
        _check(back, strict, none, constant)
    with _recording(create_graph):
        found = _grads(back, seeds, v, create_graph)
        none = (
            "The gradient with respect to the input is independent of entry {i} in the grad_outputs when using the double backward trick to compute "
            "forward mode gradients. " + _STRICT + "."
        )
        found = _filled(found, outputs, strict, create_graph, none, "jacobian")
    outputs, found = _kept(outputs, create_graph), _kept(found, create_graph)
    return (outputs, found) if several else (outputs[0], found[0])


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """The value, and vᵀH."""
    return _times_hessian("vhp", func, inputs, v, create_graph, strict)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """The value, and H·v."""
    return _times_hessian("hvp", func, inputs, v, create_graph, strict)


def _times_hessian(function, func, inputs, v, create_graph, strict):
    with enable_grad():
        many, inputs = _tuple(inputs, "inputs", function)
        inputs = _fresh(inputs, create_graph, True)
        v = _direction(v, inputs, many, create_graph, function, _ONE_INPUT)
        outputs = _single(func(*inputs), function, strict)
        gradient = _grads(outputs, inputs, create_graph=True)
        _check_jacobian(gradient, strict)
        if function == "hvp":
            seeds = tuple(_func._zeros(x).requires_grad_() for x in inputs)
            turned = _grads(gradient, inputs, seeds, create_graph=True)
    with _recording(create_graph):
        if function == "vhp":
            found = _grads(gradient, inputs, v, create_graph)
            none = "The jacobian of the user-provided function is independent of input {i}. " + _STRICT + "."
        else:
            found = _grads(turned, seeds, v, create_graph)
            none = (
                "The hessian of the user-provided function is independent of entry {i} in the grad_jacobian. "
                + _STRICT
                + " as it prevents from using the double backward trick to replace forward mode AD."
            )
        found = _filled(found, inputs, strict, create_graph, none, "hessian")
    return _kept(outputs[0], create_graph), _kept(found, create_graph) if many else _kept(found[0], create_graph)
