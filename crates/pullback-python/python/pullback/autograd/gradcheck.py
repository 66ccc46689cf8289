"""`gradcheck` and `gradgradcheck` with PyTorch's arguments, made of `pullback.check` and of differences for forward mode."""

import warnings

from .. import _native
from . import forward_ad
from .grad_mode import enable_grad

Tensor = _native.Tensor


class GradcheckError(RuntimeError):
    """A gradient that is not certified."""


def _tuple(x):
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _checked_inputs(inputs):
    """The arguments, and the places of those that are differentiated by."""
    inputs = _tuple(inputs)
    places = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not places:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True.")
    return inputs, places


class _Calls:
    """`func` as a function of the inputs that are differentiated by, with one of its results."""

    def __init__(self, func, inputs, places):
        self.func, self.inputs, self.places = func, inputs, places

    def __call__(self, *chosen):
        args = list(self.inputs)
        for place, x in zip(self.places, chosen):
            args[place] = x
        return _tuple(self.func(*args))

    def result(self, k):
        return lambda *chosen: self(*chosen)[k]


def gradcheck(
    func,
    inputs,
    *,
    eps=1e-6,
    atol=None,
    rtol=None,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_batched_forward_grad=False,
    check_forward_ad=False,
    check_backward_ad=True,
    fast_mode=False,
    masked=None,
):
    """Whether the gradient of `func` is right at `inputs`, for every result and every input that requires gradients.

    Reverse mode is certified by `pullback.check`, which needs no tolerances: where `atol` or `rtol` are given, a gradient that is
    within them (PyTorch's defaults: 1e-5 and 1e-3) of the function's derivative is good enough. Without them these decide only what can
    neither be certified nor refuted, as numbers near underflow. Forward mode (`check_forward_ad`) is compared with central differences
    of width `eps` within these tolerances, as in PyTorch. The other switches ask for checks that always, or never, apply here.
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    inputs, places = _checked_inputs(inputs)
    for i in places:
        if inputs[i].dtype.itemsize < 8 and check_forward_ad:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. "
                "This check will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=2,
            )
    calls = _Calls(func, inputs, places)
    chosen = [inputs[i] for i in places]
    try:
        with enable_grad():
            results = calls(*chosen)
        # What is no tensor has no such attribute, and the error says so, as in PyTorch.
        for y in results:
            y.requires_grad  # noqa: B018
        for k, y in enumerate(results):
            if y.is_floating_point() and not y.isfinite().all():
                raise GradcheckError(f"Output {k} of the function is not finite at the given inputs, so that it has no gradient to check")
        wanted = [k for k, y in enumerate(results) if y.is_floating_point() and y.numel() > 0]
        if check_forward_ad:
            _forward(calls, chosen, places, wanted, eps, 1e-5 if atol is None else atol, 1e-3 if rtol is None else rtol)
        if check_backward_ad:
            for k in wanted:
                _backward(calls, chosen, places, k, results[k], eps, atol, rtol, fast_mode)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _backward(calls, chosen, places, k, result, eps, atol, rtol, fast_mode):
    from .._check import check

    if not result.requires_grad:
        if any((column != 0).any() for column in _differences(calls, chosen, k, eps)):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    at = [x.detach() for x in chosen]
    report = check(calls.result(k), at, step=eps, mode="fast" if fast_mode else "full")
    if fast_mode and report.status == "unknown":
        # Projections leave it open; one by one more can be said.
        report = check(calls.result(k), at, step=eps)
    # A result that has nothing to do with the inputs has a right gradient, as in PyTorch.
    if report.ok or all(c.verdict == "no dependence" for c in report.coordinates):
        return
    given = atol is not None or rtol is not None
    atol, rtol = 1e-5 if atol is None else atol, 1e-3 if rtol is None else rtol
    # Without tolerances asked for, PyTorch's decide what nothing else can (numbers near underflow), and forgive no gradient that is wrong.
    forgiven = ("unknown", "fail") if given else ("unknown",)
    bad = [c for c in report.coordinates if c.status != "pass" and not (c.status in forgiven and _within(c, atol, rtol))]
    if not bad and report.coordinates and (given or any(c.status == "unknown" for c in report.coordinates)):
        return
    where = places[bad[0].input] if bad else places[0]
    raise GradcheckError(f"Jacobian mismatch for output {k} with respect to input {where},\n{report!r}")


def _within(c, atol, rtol):
    """Whether what a gradient is off by lies within the tolerances.

    It is compared with the derivative of the function. That is the derivative of what was recorded, unless numbers left the graph:
    then differences of the function itself say what it is, as in PyTorch.
    """
    true = c.numeric if c.outside else c.oracle
    return abs(c.claimed - true) <= atol + rtol * abs(true)


def _differences(calls, chosen, k, eps):
    """Central differences of result `k` by every coordinate of every input, a row each."""
    for i, x in enumerate(chosen):
        for j in range(x.numel()):
            ends = []
            for step in (eps, -eps):
                moved = x.detach().clone().reshape(-1)
                moved[j] = x.detach().reshape(-1)[j] + step
                moved = moved.reshape(x.shape)
                # Leaves, and gradients recorded: the function may differentiate inside.
                with enable_grad():
                    point = [(moved if n == i else t.detach()).requires_grad_() for n, t in enumerate(chosen)]
                    ends.append(calls(*point)[k].detach().reshape(-1))
            yield (ends[0] - ends[1]) / (2 * eps)


def _tangent(calls, chosen, i, j, k):
    """The derivative of result `k` by one coordinate, by forward mode."""
    import pullback

    with forward_ad.dual_level():
        tangents = [pullback.zeros_like(x) for x in chosen]
        tangents[i].view(-1)[j] = 1.0
        duals = [forward_ad.make_dual(x.detach(), t) for x, t in zip(chosen, tangents)]
        result, found = forward_ad.unpack_dual(calls(*duals)[k])
        return pullback.zeros_like(result).reshape(-1) if found is None else found.detach().reshape(-1)


def _forward(calls, chosen, places, wanted, eps, atol, rtol):
    import pullback

    for k in wanted:
        rows = _differences(calls, chosen, k, eps)
        for i, x in enumerate(chosen):
            pairs = [(next(rows), _tangent(calls, chosen, i, j, k)) for j in range(x.numel())]
            if not pairs:
                continue
            numerical, analytical = (pullback.stack(list(side)) for side in zip(*pairs))
            if not pullback.allclose(analytical, numerical, rtol=rtol, atol=atol):
                raise GradcheckError(
                    f"Jacobian computed with forward mode mismatch for output {k} with respect to input {places[i]},\n"
                    f"numerical:{numerical}\nanalytical:{analytical}\n"
                )


def gradgradcheck(
    func,
    inputs,
    grad_outputs=None,
    *,
    eps=1e-6,
    atol=None,
    rtol=None,
    gen_non_contig_grad_outputs=False,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_fwd_over_rev=False,
    check_rev_over_rev=True,
    fast_mode=False,
    masked=False,
):
    """Whether the gradient's gradient is right: `gradcheck` of the gradient, by the inputs and by `grad_outputs`.

    `grad_outputs` weigh the results; by default they are drawn between -1 and 1. `check_fwd_over_rev` checks forward mode over
    the gradient besides.
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    inputs, places = _checked_inputs(inputs)
    if grad_outputs is None:
        # What is no tensor has no such attribute, and the error says so, as in PyTorch.
        results = [y for y in _tuple(func(*inputs)) if y.requires_grad]
        grad_outputs = [_weights(y, gen_non_contig_grad_outputs) for y in results]
    count = len(inputs)

    def gradient(*args):
        args, seeds = args[:count], args[count:]
        with enable_grad():
            args = tuple(x if not isinstance(x, Tensor) or x.requires_grad or i not in places else x.clone().requires_grad_() for i, x in enumerate(args))
            results = [y for y in _tuple(func(*args)) if isinstance(y, Tensor) and y.requires_grad]
            found = _native.grad(results, [args[i] for i in places], seeds, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradient,
        (*inputs, *_tuple(grad_outputs)),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
    )


def _weights(y, spread=False):
    """Numbers drawn evenly between -1 and 1, as many draws as PyTorch makes: a script's later numbers are then PyTorch's too.

    `spread` lets every second element of twice the memory be the numbers, where there is more than one.
    """
    from .. import empty

    if not spread or y.numel() < 2:
        return empty(y.shape, dtype=y.dtype).uniform_(-1, 1).requires_grad_()
    *outer, last = y.shape
    return empty((*outer, 2 * last), dtype=y.dtype).uniform_(-1, 1)[..., ::2].requires_grad_()
