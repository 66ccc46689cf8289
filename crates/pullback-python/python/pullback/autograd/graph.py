"""The graph of operations: its nodes, where gradients are computed, hooks over several tensors. PyTorch's `torch.autograd.graph`.

Values are kept for backward inside of the engine, so hooks on saved values (`saved_tensors_hooks` and what is built on it) are not there.
"""

import threading
from typing import Any, NamedTuple

from .. import _native
from .._graph import lines
from .._native import Node, queue_callback

__all__ = ["GradientEdge", "Node", "get_gradient_edge", "increment_version", "lines", "queue_callback", "register_multi_grad_hook"]


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


def __getattr__(name):
    from .._surface import missing

    if name in ("saved_tensors_hooks", "save_on_cpu", "disable_saved_tensors_hooks", "allow_mutation_on_saved_tensors"):
        raise AttributeError(f"pullback.autograd.graph has no {name!r}: the engine keeps saved values itself, and calls nobody for them")
    raise AttributeError(missing("pullback.autograd.graph", name))
