"""The graph of operations: its nodes, where gradients are computed, hooks over several tensors and on saved values. PyTorch's
`torch.autograd.graph`.
"""

import contextlib
import threading
import weakref
from typing import Any, NamedTuple

from .. import _native
from .._graph import lines
from .._native import Node, queue_callback

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "lines",
    "queue_callback",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class GradientEdge(NamedTuple):
    """Where a tensor's gradient is computed: an operation, and which of its results; the token keeps the tensor and its graph.

    `autograd.grad` and `backward` take one in place of the tensor.
    """

    node: Any
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor):
    """The edge along which the gradient of `tensor` comes."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(_native.gradient_node(tensor), tensor.output_nr, tensor)


def increment_version(tensor):
    """Says that the memory of one tensor, or of several, was written in a way that nobody else could see."""
    for t in (tensor,) if isinstance(tensor, _native.Tensor) else tensor:
        _native.increment_version(t)


class _MultiHandle:
    """Takes several hooks away."""

    def __init__(self, handles):
        self._handles = handles

    def remove(self):
        for handle in self._handles:
            handle.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Calls `fn` in each backward: with the list of all gradients once the last of them is known (None for tensors that this backward
    does not get to), or with the first one (`mode="any"`). The handle's `remove()` takes the hook away.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = tuple(tensors)
    edges = [get_gradient_edge(t) for t in tensors if mode == "all" or t.requires_grad]
    nodes = [(edge.node, edge.output_nr) for edge in edges]
    del edges  # a hook that holds its tensor would keep it alive
    lock, runs = threading.Lock(), {}

    def first(grad):
        task = _native.current_graph_task_id()
        with lock:
            if runs.get("last") == task:
                return
            runs["last"] = task
        fn(grad)

    def gathered(place):
        def hook(grad):
            task = _native.current_graph_task_id()
            with lock:
                if task not in runs:
                    expected = sum(_native.will_visit([node for node, _ in nodes]))
                    runs[task] = [expected, [None] * len(nodes)]
                run = runs[task]
                run[0] -= 1
                run[1][place] = grad
                done = run[0] == 0
                if done:
                    del runs[task]
            if done:
                fn(run[1])

        return hook

    if mode == "any":
        return _MultiHandle(tuple(t.register_hook(first) for t in tensors if t.requires_grad))
    return _MultiHandle(tuple(t.register_hook(gathered(i)) for i, t in enumerate(tensors)))


class saved_tensors_hooks:
    """A context manager: each value that an operation inside saves for backward is given to `pack_hook`, what it returns is kept in the
    value's place, and `unpack_hook` makes a tensor of it whenever backward needs the value.
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self):
        _native.push_saved_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *_):
        _native.pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """A context manager: saved values wait on the CPU, where all tensors are. One that was written since is an error."""

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__(lambda t: (t, t._version), self._back)

    @staticmethod
    def _back(kept):
        value, version = kept
        if value._version != version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"[{value.dtype} {list(value.shape)}] is at version {value._version}; expected version {version} instead."
            )
        return value


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message):
    """Inside, hooks on saved values are a RuntimeError with this text."""
    before = _native.forbid_saved_hooks(error_message)
    try:
        yield
    finally:
        _native.forbid_saved_hooks(before)


class _Mutable:
    """What `allow_mutation_on_saved_tensors` knows: the values that were saved, by memory and version, and copies of those written since."""

    def __init__(self):
        self.saved, self.active = [], True

    def pack(self, t):
        handle = _Handle(t)
        self.saved.append(weakref.ref(handle))
        return handle

    def unpack(self, handle):
        if not self.active:
            raise RuntimeError("Trying to backward outside of the 'allow_mutation_on_saved_tensors' contextin which the graph was originally recorded.")
        return handle.value

    def clear(self):
        """Forgets the copies."""
        self.saved.clear()


class _Handle:
    """A saved value: a copy, since nobody says when it will be written."""

    __slots__ = ("__weakref__", "value")

    def __init__(self, t):
        self.value = t.clone()


@contextlib.contextmanager
def allow_mutation_on_saved_tensors():
    """A context manager: tensors that were saved for backward may be written in place, and backward, inside, uses the numbers of before."""
    known = _Mutable()
    try:
        with saved_tensors_hooks(known.pack, known.unpack):
            yield known
    finally:
        known.clear()
        known.active = False


def __getattr__(name):
    from .._surface import missing

    raise AttributeError(missing("pullback.autograd.graph", name))
