"""Activation checkpointing: parts of a program that save nothing for backward and run again when backward needs it.

PyTorch's `torch.utils.checkpoint`. With `use_reentrant=False` the part runs again under hooks on saved values; with `use_reentrant=True` it is
a `Function` whose backward runs it again and differentiates it. The first is what PyTorch recommends, and works with `autograd.grad`,
keyword arguments, and parts that close over tensors.
"""

import contextlib
import warnings
import weakref

from .. import _native
from ..autograd import Function, graph
from ..autograd.grad_mode import enable_grad
from ..random import get_rng_state, set_rng_state

__all__ = ["CheckpointError", "CheckpointFunction", "checkpoint", "checkpoint_sequential", "detach_variable", "noop_context_fn", "set_checkpoint_early_stop"]


class CheckpointError(RuntimeError):
    """The second run of a checkpointed part saved other values than the first."""


class _Enough(Exception):
    """Ends the second run of a part once all that was saved is there."""


_early_stop = [True]


@contextlib.contextmanager
def set_checkpoint_early_stop(enable):
    """Whether second runs end as soon as all values are there."""
    before, _early_stop[0] = _early_stop[0], bool(enable)
    try:
        yield
    finally:
        _early_stop[0] = before


def noop_context_fn():
    """Two context managers that do nothing: for the first run and for the second."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def detach_variable(inputs):
    """The tensors of a tuple without their history, requiring gradients as they did."""
    if not isinstance(inputs, tuple):
        raise RuntimeError("Only tuple of tensors is supported. Got Unsupported input type: ", type(inputs).__name__)
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, _native.Tensor) else x for x in inputs)


@contextlib.contextmanager
def _stream(state):
    """The default generator in a state of before; as it was, afterwards."""
    if state is None:
        yield
        return
    now = get_rng_state()
    set_rng_state(state)
    try:
        yield
    finally:
        set_rng_state(now)


class CheckpointFunction(Function):
    """The part as one node: `use_reentrant=True`."""

    @staticmethod
    def forward(ctx, run_function, preserve_rng_state, *args):
        ctx.run_function, ctx.args = run_function, list(args)
        ctx.state = get_rng_state() if preserve_rng_state else None
        ctx.places = [i for i, x in enumerate(args) if isinstance(x, _native.Tensor)]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        for i in ctx.places:
            ctx.args[i] = None
        with _native_no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx, *grads):
        if not _native.goes_to_leaves():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` parameter to .backward(). "
                "To resolve this error, you can either set use_reentrant=False, or call .backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.args)
        for i, x in zip(ctx.places, ctx.saved_tensors):
            inputs[i] = x
        inputs = detach_variable(tuple(inputs))
        with _stream(ctx.state), enable_grad():
            outputs = ctx.run_function(*inputs)
        outputs = (outputs,) if isinstance(outputs, _native.Tensor) else outputs
        wanted = [(y, g) for y, g in zip(outputs, grads) if isinstance(y, _native.Tensor) and y.requires_grad]
        if not wanted:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        _native.backward([y for y, _ in wanted], [g for _, g in wanted])
        return (None, None, *(x.grad if isinstance(x, _native.Tensor) else None for x in inputs))


def _native_no_grad():
    from ..autograd.grad_mode import no_grad

    return no_grad()


class _Holder:
    """Stands where a saved value would: backward asks for it by this."""

    __slots__ = ("__weakref__", "values")

    def __init__(self):
        self.values = {}


def _look(t):
    return tuple(t.shape), t.dtype, t.device


class _Frame:
    """One checkpointed part: what it was called with, and the holders of what its first run saved."""

    def __init__(self, again, early_stop, check):
        self.again, self.early_stop, self.check = again, early_stop, check
        self.holders, self.looks, self.done = [], [], {}

    def pack(self, t):
        holder = _Holder()
        self.holders.append(weakref.ref(holder))
        self.looks.append(_look(t))
        return holder

    def unpack(self, holder):
        task = _native.current_graph_task_id()
        key = task if task >= 0 else object()
        if key not in self.done:
            self.run(key)
            if task >= 0:
                self.done = {task: True}  # what other backwards left is not asked for again
        if key not in holder.values:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. If you are calling ctx.saved_tensors in "
                "backward, make sure to do so only once. Otherwise please open an issue with details on your use case."
            )
        return holder.values.pop(key)

    def run(self, key):
        """Runs the part again, and puts what it saves where the first run's holders are."""
        count = 0

        def pack(t):
            nonlocal count
            at, count = count, count + 1
            if at >= len(self.holders):
                if self.early_stop:
                    raise CheckpointError(
                        "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original forward pass.\n"
                        "Your recomputation is not the same as the original computation."
                    )
                return t
            holder = self.holders[at]()
            if holder is not None:
                holder.values = {key: t.detach()}
                if self.check and _look(t) != self.looks[at]:
                    self.differs(at, t)
            if self.early_stop and count == len(self.holders):
                raise _Enough
            return t

        with contextlib.suppress(_Enough), graph.saved_tensors_hooks(pack, lambda t: t), enable_grad():
            self.again()
        if count != len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(self.holders)}\nNumber of tensors saved during recomputation: {count}."
            )

    def differs(self, at, t):
        shape, dtype, device = self.looks[at]
        raise CheckpointError(
            "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during the forward pass.\n"
            f"tensor at position {at}:\nsaved metadata: {{'shape': torch.Size({list(shape)}), 'dtype': {dtype}, 'device': device(type='{device}')}}\n"
            f"recomputed metadata: {{'shape': torch.Size({list(t.shape)}), 'dtype': {t.dtype}, 'device': device(type='{t.device}')}}"
        )


def _tensors(x):
    if isinstance(x, _native.Tensor):
        yield x
    elif isinstance(x, (list, tuple)):
        for item in x:
            yield from _tensors(item)
    elif isinstance(x, dict):
        yield from _tensors(list(x.values()))


def checkpoint(
    function, *args, use_reentrant=None, context_fn=noop_context_fn, determinism_check="default", debug=False, early_stop=True, **kwargs
):
    """`function(*args, **kwargs)`, of which nothing is kept for backward but the arguments: backward runs it again.

    The function must compute the same in both runs; random numbers are drawn again from where the first run began
    (`preserve_rng_state=False` does without). `context_fn` gives two context managers, for the first run and for the second.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. In a future release, calling checkpoint without "
            "use_reentrant will raise an exception. use_reentrant=False is recommended, but if you need to preserve the current default behavior, "
            "you can pass use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        if _native.is_grad_enabled() and not any(x.requires_grad for x in args if isinstance(x, _native.Tensor)):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    first, second = context_fn()
    if not _native.is_grad_enabled():
        with first:
            return function(*args, **kwargs)
    state = get_rng_state() if preserve else None
    given = [(t, t._version) for t in _tensors((args, kwargs))]

    def again():
        for t, version in given:
            if t._version != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"[{t.dtype} {list(t.shape)}] is at version {t._version}; expected version {version} instead."
                )
        with _stream(state), second:
            function(*args, **kwargs)

    frame = _Frame(again, early_stop and _early_stop[0], determinism_check == "default")
    with graph.saved_tensors_hooks(frame.pack, frame.unpack), first:
        return function(*args, **kwargs)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """The functions (or modules of a `Sequential`) one after the other, in so many segments; all but the last are checkpointed."""
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In a future release, we will raise an "
            "exception if use_reentrant is not passed. use_reentrant=False is recommended, but if you need to preserve the current default behavior, "
            "you can pass use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    functions = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def part(start, end):
        def forward(x):
            for f in functions[start:end]:
                x = f(x)
            return x

        return forward

    size, end = len(functions) // segments, 0
    for start in range(0, size * (segments - 1), size or 1):
        end = start + size
        input = checkpoint(part(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return part(end, len(functions))(input)
