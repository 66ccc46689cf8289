"""`pullback.check(f, inputs)`: is this gradient right, and why does it differ from a difference quotient?"""

import html as _html
import types as _types

import numpy as np

from . import _native
from ._black_box import OfTensors, black_box, of_tensors, takes_cotangent, uneven
from ._several import Joined

_WORLD = OfTensors()


def _first(e):
    """An error's first sentence."""
    return str(e).split("\n")[0].rstrip(".")


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

    def __reduce__(self):
        # What draws the page runs the function again, which a pickle cannot hold.
        return type(self), (self._found,)

    def __deepcopy__(self, memo):
        import copy

        return type(self)(copy.deepcopy(self._found, memo), self._again)

    @property
    def ok(self):
        """Whether the gradient is certified."""
        return self.status == "pass"

    def to_dict(self):
        """Everything, as plain dicts and lists."""
        return {k: v for k, v in self._found.items() if k != "text"}

    def html(self):
        """A page to read, as text."""
        if self._again is not None:
            try:
                return self._again(page=True)
            except NotImplementedError:
                # A Function of the user's that cannot be replayed has no curves to draw.
                pass
        return f"<!doctype html><meta charset=utf-8><title>Gradient check</title><pre>{_html.escape(repr(self))}</pre>"

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


def _claimed(f, inputs, grad):
    """The user's own gradient as a formula or as numbers, and how it depends on what comes in."""
    if grad is None:
        return None, None, {}
    if callable(grad):
        from . import tensordot

        result = _called(f.f, inputs)
        if takes_cotangent(grad, len(inputs), f.is_real(result) and result.ndim == 0):
            if not f.are_several(result):
                return grad, None, {"incoming": True}
            return lambda *given: grad(*given[:-1], f.apart(result, given[-1])), None, {"incoming": True}
        found = _called(grad, inputs) if f.is_real(result) and result.ndim > 0 else None
        if found is None or not _are_jacobians(f, _listed(found), inputs, result):
            return grad, None, {}
        n = result.ndim
        return lambda *given: [tensordot(given[-1], g, n) for g in _listed(grad(*given[:-1]))], None, {"incoming": True}
    numbers = _listed(grad)
    # Only whole Jacobians have another shape than their inputs.
    if all(g.shape == x.shape for g, x in zip(numbers, [x for x in inputs if f.is_real(x)])):
        return None, numbers, {}
    result = _called(f.f, inputs)
    if not _are_jacobians(f, numbers, inputs, result):
        return None, numbers, {}
    weights = uneven(tuple(result.shape), 0)
    rows = [np.tensordot(weights, g.double().detach().numpy(), result.ndim) for g in numbers]
    return None, [_native.as_tensor(r).to(g.dtype) for r, g in zip(rows, numbers)], {"cotangent": _native.as_tensor(weights)}


def _called(function, inputs):
    """What a function gives on leaves, or without them where it refuses these; None where it fails, which the check itself will say."""
    for leaves in (True, False):
        try:
            return function(*(x.detach().clone().requires_grad_(leaves and x.is_floating_point()) for x in inputs))
        except Exception:
            continue
    return None


def _listed(found):
    return [g if isinstance(g, _native.Tensor) else _native.as_tensor(g) for g in (found if isinstance(found, (tuple, list)) else [found])]


def _are_jacobians(f, found, inputs, result):
    """Whether gradients have the result's shape and then their input's."""
    real = [x for x in inputs if f.is_real(x)]
    return f.is_real(result) and result.ndim > 0 and len(found) == len(real) and all(g.shape == result.shape + x.shape for g, x in zip(found, real))


class _Check:
    """Checks the gradient of `f` at `inputs`.

    `f` takes the inputs and returns a tensor of any shape, or several in tuples and lists. Functions of Pullback's tensors are
    recorded and replayed in other arithmetic, which certifies and explains; functions of NumPy arrays, PyTorch tensors or JAX arrays
    are black boxes, of which the best is made that is possible by calling them. `grad`: a function of the inputs that gives the
    gradients, or the gradients; by default the framework's own. Where `f` returns several numbers, `grad` may take what they are
    weighed by as one more argument (a backward, which gets it in the structure of the result), or give whole Jacobians (shape of the
    result, then of the input); gradients in the inputs' shapes are those of the result's sum. `step`: of the difference quotient to
    explain. `power`: the relative error that a pass must rule out. `names`: of the inputs. `mode="fast"` settles by random projections
    alone where it can.
    """

    def __call__(self, f, inputs, grad=None, *, step=None, names=None, power=None, mode="full"):
        if mode not in ("full", "fast"):
            raise ValueError(f"mode must be 'full' or 'fast', not {mode!r}")
        if not isinstance(inputs, (tuple, list)):
            inputs = (inputs,)
        if not inputs:
            raise ValueError("check: there are no inputs to differentiate by")
        if isinstance(names, str):
            names = [names]
        for k, x in enumerate(inputs):
            if isinstance(x, (dict, tuple, list, set)):
                raise TypeError(
                    f"check: input {k} is a {type(x).__name__}; inputs are tensors, arrays or numbers: give those that it holds, "
                    "and put them together inside of the function"
                )
        if all(isinstance(x, _native.Tensor) for x in inputs):
            return self._tensors(f, list(inputs), grad, step, names, power, mode)
        return Report(black_box(f, list(inputs), grad, step, names, power, mode))

    def _tensors(self, f, inputs, grad, step, names, power, mode):
        f = Joined(f, _WORLD)
        formula, numbers, more = _claimed(f, inputs, grad)

        def run(page=False):
            return _native.check_tensors(f, inputs, formula, numbers, step, names, power, mode, page, **more)

        try:
            found = run()
            return Report(found, run if found["coordinates"] else None)
        except NotImplementedError as e:
            # A Function of the user's that computes outside cannot be replayed; calling it is what remains.
            why = f"the function could not be recorded and replayed ({_first(e)}), so it was checked by calling it"
            return Report(of_tensors(f, inputs, grad if formula is None else formula, step, names, power, mode, why))

    def assert_ok(self, f, inputs, grad=None, **options):
        """For tests: raises AssertionError with the report as its text unless the gradient is certified."""
        report = self(f, inputs, grad, **options)
        if not report.ok:
            raise AssertionError(repr(report))
        return report

    def __repr__(self):
        return "<function pullback.check>"


check = _Check()
check.__doc__ = _Check.__doc__
