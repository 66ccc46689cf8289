"""Functions that can only be called, for `pullback.check`: of NumPy arrays, of PyTorch's tensors, of JAX's arrays, and functions of
Pullback's tensors that cannot be replayed.

What differs between them is in four small classes: how an array is made, read, and how the framework's own gradient is asked for a
cotangent. Results of several numbers are weighed by several uneven random cotangents, so that no wrong backward can hide behind a sum.
The numbers are judged by the native side.
"""


import numpy as np

from . import _native
from ._several import Joined

# How many cotangents a result of several numbers is weighed by; in one of them alone an error could cancel.
COTANGENTS = 3


class _NoNumbers(TypeError):
    """A function returned something that is no array of real numbers; the text says what."""


class _NumPy:
    """Arrays as they are; without a gradient of their own."""

    own = None

    def to_numpy(self, x):
        return np.asarray(x)

    def like(self, a, x):
        return a.astype(np.asarray(x).dtype)

    def is_array(self, x):
        return isinstance(x, (np.ndarray, np.generic))

    def is_real(self, x):
        return np.issubdtype(x.dtype, np.floating)

    def join(self, rows):
        return np.concatenate(rows)

    def cast(self, a, x):
        return a.astype(x.dtype)


class _Torch(_NumPy):
    def to_numpy(self, x):
        return np.asarray(x.detach().cpu()) if hasattr(x, "detach") else np.asarray(x)

    def like(self, a, x):
        import torch

        return torch.as_tensor(a).to(x.dtype)

    def is_array(self, x):
        import torch

        return isinstance(x, torch.Tensor)

    def is_real(self, x):
        return x.is_floating_point()

    def join(self, rows):
        import torch

        return torch.cat(rows)

    def cast(self, a, x):
        return a.to(x.dtype)

    def own(self, f, args, cotangents):
        import torch

        args = [a.clone().detach().requires_grad_(a.is_floating_point()) for a in args]
        wanted = [a for a in args if a.requires_grad]
        with torch.enable_grad():
            y = f(*args)
        if not y.requires_grad:
            return [[np.zeros(a.shape) for a in wanted] for _ in cotangents]
        return [
            [
                self.to_numpy(g)
                for g in torch.autograd.grad(y, wanted, self.like(w, y).reshape(y.shape), retain_graph=True, allow_unused=True, materialize_grads=True)
            ]
            for w in cotangents
        ]


class _Jax(_NumPy):
    def like(self, a, x):
        import jax.numpy as jnp

        return jnp.asarray(a, dtype=x.dtype)

    def is_array(self, x):
        import jax

        return isinstance(x, (jax.Array, np.ndarray, np.generic))

    def is_real(self, x):
        import jax.numpy as jnp

        return jnp.issubdtype(x.dtype, jnp.floating)

    def join(self, rows):
        import jax.numpy as jnp

        return jnp.concatenate(rows)

    def own(self, f, args, cotangents):
        import jax
        import jax.numpy as jnp

        places = [i for i, a in enumerate(args) if jnp.issubdtype(a.dtype, jnp.floating)]

        def of_floats(*chosen):
            full = list(args)
            for i, a in zip(places, chosen):
                full[i] = a
            return f(*full)

        y, pull = jax.vjp(of_floats, *(args[i] for i in places))
        return [[np.asarray(g) for g in pull(self.like(w, y).reshape(y.shape))] for w in cotangents]


class OfTensors(_NumPy):
    """Tensors of this package."""

    def to_numpy(self, x):
        return x.detach().numpy() if isinstance(x, _native.Tensor) else np.asarray(x)

    def like(self, a, x):
        return _native.tensor(a, dtype=x.dtype)

    def is_array(self, x):
        return isinstance(x, _native.Tensor)

    def is_real(self, x):
        return x.is_floating_point()

    def join(self, rows):
        from . import cat

        return cat(rows)

    def cast(self, a, x):
        return a.to(x.dtype)

    def own(self, f, args, cotangents):
        from .autograd import grad
        from .autograd.grad_mode import enable_grad

        with enable_grad():
            args = [a.detach().requires_grad_(a.is_floating_point()) for a in args]
            wanted = [a for a in args if a.requires_grad]
            y = f(*args)
            if not y.requires_grad:
                return [[np.zeros(tuple(a.shape)) for a in wanted] for _ in cotangents]
            return [
                [
                    self.to_numpy(g)
                    for g in grad(y, wanted, self.like(w, y).reshape(y.shape), retain_graph=True, allow_unused=True, materialize_grads=True)
                ]
                for w in cotangents
            ]


_OF_PACKAGE = {"torch": _Torch, "jax": _Jax, "jaxlib": _Jax}


def _package(x):
    return type(x).__module__.split(".")[0]


def black_box(f, inputs, grad, step, names, power, mode):
    """The report of a function of NumPy arrays, PyTorch's tensors or JAX's arrays."""
    package = next((_package(x) for x in inputs if _package(x) in _OF_PACKAGE), "numpy")
    world = _OF_PACKAGE.get(package, _NumPy)()
    if package == "numpy":
        inputs = [np.asarray(x) for x in inputs]
    return _Box(world, f, inputs).check(grad, step, names, power, mode)


def of_tensors(f, inputs, grad, step, names, power, mode, why):
    """The report of a function of Pullback's tensors as a black box; `why` says for what reason."""
    return _Box(OfTensors(), f, [x.detach() for x in inputs]).check(grad, step, names, power, mode, [why])


def uneven(shape, k):
    """Numbers in ±[½, 1½]; one number alone is 1 at first, so that what is shown is the gradient itself."""
    if k == 0 and int(np.prod(shape)) == 1:
        return np.ones(shape)
    u = np.random.default_rng(77 + k).random(shape)
    return np.round(np.where(u < 0.5, u + 0.5, -u) * 1024) / 1024


def takes_cotangent(grad, count, single):
    """Whether a function asks for one argument more than there are inputs; of one that takes any number, a result that is no `single`
    number decides, since it needs one."""
    try:
        import inspect

        parameters = inspect.signature(grad).parameters.values()
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return not single
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty]
    return len(plain) == count + 1


class _Box:
    """A function with its inputs, as functions of flat lists of numbers."""

    def __init__(self, world, f, inputs):
        self.world, self.inputs = world, inputs
        self.f = f if isinstance(f, Joined) else Joined(f, world)
        # The last error that the function raised beside the point.
        self.raised = None
        self.arrays = [world.to_numpy(x) for x in inputs]
        self.floating = [i for i, a in enumerate(self.arrays) if np.issubdtype(a.dtype, np.floating)]
        if not self.floating:
            raise ValueError("check: no input is floating, so there is nothing to differentiate by")
        for i in self.floating:
            if self.arrays[i].dtype not in (np.float32, np.float64):
                raise ValueError(f"check: input {i} is {self.arrays[i].dtype}; float32 and float64 are checked")

    def check(self, grad, step, names, power, mode, notes=()):
        try:
            y = self.value(self.fresh())
        except _NoNumbers as e:
            return self.nothing(str(e), names, step, power)
        self.shape, self.single = y.shape, y.dtype == np.float32
        cotangents = [uneven(y.shape, k) for k in range(COTANGENTS)]
        notes = list(notes)
        if grad is None:
            if self.world.own is None:
                raise ValueError("check: a function of NumPy arrays has no gradient of its own; give one as `grad`")
            claims = self.world.own(self.f, self.fresh(), cotangents)
        else:
            claims, cotangents, notes = self.given(grad, cotangents, notes)
        claims = [self.fitting(c) for c in claims]
        return self.judge(claims, cotangents, names, step, power, mode, notes)

    def fresh(self):
        """The inputs, copied: a function may write into what it is given."""
        return [self.world.like(a.copy(), x) for a, x in zip(self.arrays, self.inputs)]

    def value(self, args):
        return self.real(self.f(*args))

    def real(self, result):
        """What the function returned, as numbers."""
        kind = type(result).__name__
        try:
            y = self.world.to_numpy(result)
        except ValueError:
            # A list of arrays of several shapes.
            raise _NoNumbers(f"the function returns {kind}, not one array of real numbers") from None
        if y.dtype == object:
            raise _NoNumbers(f"the function returns {kind}, not an array of real numbers")
        if not (np.issubdtype(y.dtype, np.floating) or np.issubdtype(y.dtype, np.integer)):
            raise _NoNumbers(f"the function returns {y.dtype}, not real numbers")
        if y.size == 0:
            raise _NoNumbers(f"the function returns no numbers (its result has shape {y.shape})")
        return y

    def given(self, grad, cotangents, notes):
        """The gradients that the user claims, for each cotangent."""

        def listed(g):
            g = list(g) if isinstance(g, (tuple, list)) else [g]
            return [self.world.to_numpy(a) for a in g]

        if callable(grad) and takes_cotangent(grad, len(self.inputs), self.shape == ()):
            y = self.f.f(*self.fresh())
            if self.f.are_several(y):
                # `like` goes by one array; each piece is cast to its own.
                weights = [self.f.apart(y, self.world.like(w, self.inputs[self.floating[0]])) for w in cotangents]
            else:
                weights = [self.world.like(w, y) if hasattr(y, "dtype") else w for w in cotangents]
            return [listed(grad(*self.fresh(), w)) for w in weights], cotangents, notes
        found = listed(grad(*self.fresh()) if callable(grad) else grad)
        self.count(found)
        whole = [g.shape == self.shape + self.arrays[i].shape for i, g in zip(self.floating, found)]
        if all(whole):
            n = len(self.shape)
            return [[np.tensordot(w, g, n) for g in found] for w in cotangents], cotangents, notes
        if int(np.prod(self.shape)) > 1:
            notes = [*notes, "the function returns several numbers and one gradient of each input's shape was given: it was checked as that of their sum"]
        return [found], [np.ones(self.shape)], notes

    def count(self, found):
        if len(found) != len(self.floating):
            raise ValueError(f"check: {len(found)} gradients were given for {len(self.floating)} floating inputs")

    def fitting(self, found):
        self.count(found)
        for i, g in zip(self.floating, found):
            if g.shape != self.arrays[i].shape:
                raise ValueError(f"check: the gradient of input {i} has shape {g.shape}, the input {self.arrays[i].shape}")
        return np.concatenate([g.reshape(-1) for g in found]).astype(np.float64)

    def at(self, numbers):
        """The function's numbers at a point; both as bytes of doubles."""
        numbers, args, at = np.frombuffer(numbers, np.float64), list(self.inputs), 0
        for i, (a, x) in enumerate(zip(self.arrays, self.inputs)):
            if i in self.floating:
                args[i] = self.world.like(numbers[at : at + a.size].reshape(a.shape).astype(a.dtype), x)
                at += a.size
            else:
                args[i] = self.world.like(a.copy(), x)
        try:
            y = self.f(*args)
        except Exception as e:
            # Where the point is the user's own, the error is the user's; beside it the function may end.
            if all(np.array_equal(np.asarray(self.world.to_numpy(x), np.float64), a) for x, a in zip(args, self.arrays)):
                raise
            self.raised = type(e).__name__
            return np.full(self.shape, np.nan).tobytes()
        y = self.real(y)
        if y.shape != self.shape:
            raise ValueError(f"check: the function returned shape {self.shape} at first and {y.shape} now")
        return y.astype(np.float64).tobytes()

    def named(self, names):
        names = list(names or [])
        return [str(n) for n in names] + [f"x{i}" for i in range(len(names), len(self.arrays))]

    def nothing(self, why, names, step, power):
        names = self.named(names)
        arguments = [(names[i], self.arrays[i].shape, self.arrays[i].dtype == np.float32) for i in self.floating]
        return _native.check_nothing(arguments, why, step, power)

    def judge(self, claims, cotangents, names, step, power, mode, notes):
        names = self.named(names)
        arguments = [
            (names[i], self.arrays[i].shape, self.arrays[i].dtype == np.float32, self.arrays[i].astype(np.float64).tobytes()) for i in self.floating
        ]
        claims = [(np.ascontiguousarray(w, np.float64).tobytes(), claim.tobytes()) for w, claim in zip(cotangents, claims)]
        report = _native.check_numbers(self.at, arguments, claims, self.single, step, power, mode == "fast")
        if self.raised:
            notes = [*notes, f"the function raised {self.raised} at points beside the given one, which were left out as not finite"]
        for c in report["coordinates"]:
            c["input"] = self.floating[c["input"]]
        report["notes"] += notes
        report["conclusion"] += notes
        return report
