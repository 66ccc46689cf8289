"""`pullback.check(f, inputs)`: is this gradient right, and why does it differ from a difference quotient?"""

import html as _html
import types as _types

from . import _native


class Report:
    """What a check found: `status`, `coordinates`, `nearest_kink`, `guilty`, `evaluations`, as in `pullback check --json`."""

    def __init__(self, found, again=None):
        self._found, self._again = found, again
        for key, value in found.items():
            if key not in ("coordinates", "text", "nearest_kink"):
                setattr(self, key, value)
        self.coordinates = [
            _types.SimpleNamespace(**{**c, "ledger": _types.SimpleNamespace(**c["ledger"])}) for c in found["coordinates"]
        ]
        kink = found["nearest_kink"]
        self.nearest_kink = None if kink is None else _types.SimpleNamespace(**kink)

    @property
    def ok(self):
        """Whether the gradient is certified."""
        return self.status == "pass"

    def to_dict(self):
        """Everything, as plain dicts and lists."""
        return {k: v for k, v in self._found.items() if k != "text"}

    def html(self):
        """A page to read, as text."""
        if self._again is None:
            return f"<!doctype html><meta charset=utf-8><title>Gradient check</title><pre>{_html.escape(repr(self))}</pre>"
        return self._again(page=True)

    def save(self, path):
        """Writes the page: whole or not at all."""
        from ._files import write_text

        write_text(path, self.html())

    def __repr__(self):
        return self._found["text"].rstrip("\n")

    def _repr_html_(self):
        rows = "".join(
            f"<tr><td>{_html.escape(c.name)}</td><td>{c.claimed:.6e}</td><td>{c.numeric:.6e}</td><td>{c.oracle:.6e}</td><td>{_html.escape(c.verdict)}</td></tr>"
            for c in self.coordinates[:100]
        )
        words = "".join(f"<p>{_html.escape(s)}</p>" for s in self.conclusion)
        return (
            f"<b>{self.status}</b>{words}<table><tr><th></th><th>claimed</th><th>numeric</th><th>oracle</th><th>verdict</th></tr>{rows}</table>"
        )


def _package(x):
    return type(x).__module__.split(".")[0]


class _Check:
    """Checks the gradient of `f` at `inputs`.

    `f` takes the inputs and returns one tensor (of any shape). Functions of Pullback's tensors are recorded and replayed in other
    arithmetic, which certifies and explains; functions of NumPy arrays, PyTorch tensors or JAX arrays are black boxes, of which
    the best is made that is possible by calling them. `grad`: a function of the inputs that gives the gradients, or the gradients;
    by default the framework's own. `step`: of the difference quotient to explain. `power`: the relative error that a pass must rule
    out. `names`: of the inputs. `mode="fast"` settles by random projections alone where it can.
    """

    def __call__(self, f, inputs, grad=None, *, step=None, names=None, power=None, mode="full"):
        if mode not in ("full", "fast"):
            raise ValueError(f"mode must be 'full' or 'fast', not {mode!r}")
        if not isinstance(inputs, (tuple, list)):
            inputs = (inputs,)
        if not inputs:
            raise ValueError("check: there are no inputs to differentiate by")
        if all(isinstance(x, _native.Tensor) for x in inputs):
            return self._tensors(f, list(inputs), grad, step, names, power, mode)
        return _black_box(f, list(inputs), grad, step, names, power)

    def _tensors(self, f, inputs, grad, step, names, power, mode):
        formula, numbers = (grad, None) if callable(grad) else (None, grad)
        if isinstance(numbers, _native.Tensor):
            numbers = [numbers]
        if numbers is not None:
            numbers = [g if isinstance(g, _native.Tensor) else _native.as_tensor(g) for g in numbers]

        def run(page=False):
            return _native.check_tensors(f, inputs, formula, numbers, step, names, power, mode, page)

        try:
            return Report(run(), run)
        except NotImplementedError:
            # A Function of the user's without `jvp` cannot be replayed; calling it is what remains.
            return _opaque(f, inputs, grad, step, names, power)

    def assert_ok(self, f, inputs, grad=None, **options):
        """For tests: raises AssertionError with the report as its text unless the gradient is certified."""
        report = self(f, inputs, grad, **options)
        if not report.ok:
            raise AssertionError(repr(report))
        return report

    def __repr__(self):
        return "<function pullback.check>"


def _opaque(f, inputs, grad, step, names, power):
    """A function of tensors as a black box: what it takes and gives, as NumPy arrays."""
    from . import _trees
    from .autograd import grad as gradient
    from .autograd.grad_mode import enable_grad

    def tensors(arrays):
        return [_native.tensor(a, dtype=x.dtype) for a, x in zip(arrays, inputs)]

    def value(*arrays):
        return f(*tensors(arrays)).detach().numpy()

    def arrays(found):
        return [g.detach().numpy() if _trees.is_tensor(g) else g for g in (found if isinstance(found, (tuple, list)) else [found])]

    def own(*arguments):
        with enable_grad():
            args = [t.requires_grad_(t.is_floating_point()) for t in tensors(arguments)]
            wanted = [t for t in args if t.requires_grad]
            return arrays(gradient(f(*args).sum(), wanted, materialize_grads=True))

    if grad is None:
        claimed = own
    elif callable(grad):
        claimed = lambda *a: arrays(grad(*tensors(a)))
    else:
        claimed = arrays(grad)
    return _black_box(value, [x.detach().numpy() for x in inputs], claimed, step, names, power)


def _black_box(f, inputs, grad, step, names, power):
    import numpy as np

    package = next((_package(x) for x in inputs if _package(x) in ("torch", "jax", "jaxlib")), "numpy")
    if package == "torch":
        import torch

        def back(a, like):
            return torch.as_tensor(a).to(like.dtype)

        def own(args):
            args = [a.clone().requires_grad_(a.is_floating_point()) for a in args]
            wanted = [a for a in args if a.requires_grad]
            found = torch.autograd.grad(f(*args).sum(), wanted, allow_unused=True, materialize_grads=True)
            return [g.numpy() for g in found]

        arrays = [x.detach().numpy() for x in inputs]
    elif package in ("jax", "jaxlib"):
        import jax
        import jax.numpy as jnp

        def back(a, like):
            return jnp.asarray(a, dtype=like.dtype)

        def own(args):
            numbers = tuple(i for i, a in enumerate(args) if jnp.issubdtype(a.dtype, jnp.floating))
            return jax.grad(lambda *a: f(*a).sum(), numbers)(*args)

        arrays = [np.asarray(x) for x in inputs]
    else:

        def back(a, like):
            return a.astype(like.dtype)

        own = None
        arrays = [np.asarray(x) for x in inputs]
        inputs = arrays
    floating = [i for i, a in enumerate(arrays) if np.issubdtype(a.dtype, np.floating)]
    if not floating:
        raise ValueError("check: no input is floating, so there is nothing to differentiate by")
    if grad is None:
        if own is None:
            raise ValueError("check: a function of NumPy arrays has no gradient of its own; give one as `grad`")
        claimed = own(inputs)
    else:
        claimed = grad(*inputs) if callable(grad) else grad
    if len(floating) == 1 and not isinstance(claimed, (tuple, list)):
        claimed = [claimed]
    claimed = [np.asarray(g.detach() if _package(g) == "torch" else g) for g in claimed]
    if len(claimed) != len(floating):
        raise ValueError(f"check: {len(claimed)} gradients were given for {len(floating)} floating inputs")
    for i, g in zip(floating, claimed):
        if g.shape != arrays[i].shape:
            raise ValueError(f"check: the gradient of input {i} has shape {g.shape}, the input {arrays[i].shape}")
    flat = np.concatenate([arrays[i].reshape(-1).astype(np.float64) for i in floating])

    def value(numbers):
        numbers, args, at = np.array(numbers), list(inputs), 0
        for i in floating:
            a = arrays[i]
            args[i] = back(numbers[at : at + a.size].reshape(a.shape).astype(a.dtype), inputs[i])
            at += a.size
        y = f(*args)
        y = np.asarray(y.detach() if _package(y) == "torch" else y)
        return float(y.sum(dtype=np.float64)) if y.size != 1 else float(y.reshape(()))

    single = all(arrays[i].dtype == np.float32 for i in floating)
    found = _native.check_numbers(value, flat.tolist(), np.concatenate([g.reshape(-1) for g in claimed]).astype(np.float64).tolist(), single, step, power)
    names = names or [f"x{i}" for i in range(len(arrays))]
    places = [(i, index) for i in floating for index in np.ndindex(*arrays[i].shape)]
    for c, (i, index) in zip(found["coordinates"], places):
        c["input"], c["index"] = i, index
        c["name"] = f"{names[i]}[{','.join(map(str, index))}]" if index else names[i]
    return Report(found)


check = _Check()
check.__doc__ = _Check.__doc__
