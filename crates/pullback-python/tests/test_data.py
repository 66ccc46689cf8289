"""Python data of any shape as tensors, sizes and indices: deep, recursive, endless, lying, or changed while it is read."""

import gc
import itertools
from collections import deque

import numpy as np
import pytest

import pullback as torch

ORDINARY = (TypeError, ValueError, IndexError, RuntimeError, OverflowError)


class Endless:
    def __getitem__(self, i):
        return 1


class EndlessIterator:
    def __iter__(self):
        return itertools.count()


class Lying:
    """Says that it has more elements than there is memory."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return 1


class EndlessList(list):
    def __iter__(self):
        return itertools.repeat(1)

    def __len__(self):
        return 1 << 60


class Grows:
    """A number that makes its list longer whenever it is looked at."""

    def __init__(self, into):
        self.into = into

    def __getattr__(self, name):
        self.into.append(self)
        raise AttributeError(name)


def odd():
    recursive = []
    recursive.append(recursive)
    around = [1, 2]
    around.append((around, around))
    deep = 1.0
    for _ in range(100_000):
        deep = [deep]
    grows = []
    grows.append(Grows(grows))
    return {
        "recursive": recursive, "around": around, "deep": deep, "grows": grows, "endless": Endless(), "endless iterator": EndlessIterator(),
        "count": itertools.count(), "lying": Lying(1 << 60), "endless list": EndlessList([1, 2]), "nested lying": [Lying(1 << 62)], "tuple": (recursive, deep),
    }  # fmt: skip


CALLS = {
    "tensor": torch.tensor,
    "as_tensor": torch.as_tensor,
    "Tensor": torch.Tensor,
    "zeros": torch.zeros,
    "sum": lambda v: torch.ones(3).sum(v),
    "reshape": lambda v: torch.ones(3).reshape(v),
    "permute": lambda v: torch.ones(3).permute(v),
    "index": lambda v: torch.ones(3)[v],
    "index of a tuple": lambda v: torch.ones(3)[v, v],
    "set": lambda v: torch.ones(3).__setitem__(v, v),
    "value": lambda v: torch.ones(3).__setitem__(0, v),
    "stack": torch.stack,
    "cat": torch.cat,
    "add": lambda v: torch.ones(3) + v,
    "full": lambda v: torch.full(v, v),
    "out": lambda v: torch.max(torch.ones(3), 0, out=v),
    "kwarg": lambda v: torch.ones(3).sum(dim=v),
    "backward": lambda v: torch.autograd.backward(v, v),
    "grad": lambda v: torch.autograd.grad(v, v),
}


@pytest.mark.parametrize("name", CALLS)
def test_odd_data_is_an_ordinary_error(name):
    for kind, v in odd().items():
        try:
            CALLS[name](v)
        except ORDINARY as e:
            assert type(e).__name__ != "InternalError", f"{name} of {kind}: {e}"


def test_data_is_a_sequence_with_a_length_read_once():
    nested = 1.0
    for _ in range(64):
        nested = [nested]
    assert torch.tensor(nested).ndim == 64
    with pytest.raises(ValueError, match="too many dimensions"):
        torch.tensor([nested])
    for data in (range(3), deque([0, 1, 2]), (0, 1, 2), np.arange(3), [np.int64(0), 1, 2.0]):
        assert torch.tensor(data).tolist() == [0, 1, 2]
    assert torch.tensor(EndlessList([1, 2])).tolist() == [1, 2]
    assert torch.tensor(Lying(3)).tolist() == [1, 1, 1]
    for sizes in ((2, 3), [2, 3], torch.Size([2, 3])):
        assert torch.zeros(sizes).shape == (2, 3)
    for no_sizes in (range(2), iter([2]), {2: 3}, {2}):
        with pytest.raises(TypeError):
            torch.zeros(no_sizes)


class Interface:
    def __init__(self, **changes):
        self.kept = np.ones(4)
        self.made = {**self.kept.__array_interface__, **changes}

    @property
    def __array_interface__(self):
        return self.made

    def astype(self, dtype):
        return self

    copy = astype


@pytest.mark.parametrize("changes", [
    {"typestr": "<f16"}, {"typestr": ">f8"}, {"typestr": "|O"}, {"strides": (3,)}, {"strides": (8, 8)}, {"strides": ()}, {"shape": (1 << 62, 1 << 62)},
    {"shape": (1 << 40,), "strides": (1 << 60,)}, {"shape": (4, 1 << 40), "strides": (1 << 60, -(1 << 62))}, {"shape": Lying(1 << 60)}, {"shape": [4]}, {"shape": (-1,)}, {"data": None},
])  # fmt: skip
def test_an_array_interface_that_lies_about_sizes_is_an_error(changes):
    for make in (torch.tensor, torch.as_tensor, torch.from_numpy):
        with pytest.raises(ORDINARY) as e:
            make(Interface(**changes))
        assert type(e.value).__name__ != "InternalError"


def test_a_collection_may_start_while_a_tensor_is_made():
    class Own(torch.Tensor):
        pass

    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        made = [Own([1.0]) for _ in range(300)] + list(torch.ones(300, 1)) + [torch.ones(1, requires_grad=True) * 2 for _ in range(300)]
        for t in made[:300]:
            t.name = [t]
    finally:
        gc.set_threshold(*before)
    assert all(t.numel() == 1 for t in made)


@pytest.mark.parametrize("picked", [[2, 0, 3], [-1, 1], [True, 2], [1, 2.0], [4], ["a"], []])
def test_batches_of_rows_are_those_of_items(picked):
    """Tensors are indexed at once where that makes the same batch."""
    x, y = torch.arange(12.0).reshape(4, 3), torch.arange(4)
    wide = torch.arange(12.0).reshape(3, 4).t()
    plain = torch.utils.data.TensorDataset(x, y)

    class Other(torch.utils.data.TensorDataset):
        pass

    def outcome(dataset):
        try:
            found = list(torch.utils.data.DataLoader(dataset, batch_sampler=[picked]))
        except Exception as e:
            return type(e), str(e)
        return [[(t.tolist(), t.stride(), t.requires_grad, t.dtype) for t in batch] for batch in found]

    assert outcome(plain) == outcome(Other(x, y))
    assert outcome(torch.utils.data.Subset(plain, [3, 1, 0])) == outcome(torch.utils.data.Subset(Other(x, y), [3, 1, 0]))
    assert outcome(torch.utils.data.TensorDataset(wide, y)) == outcome(Other(wide, y))
    leaf = x.clone().requires_grad_()
    assert outcome(torch.utils.data.TensorDataset(leaf, y)) == outcome(Other(leaf, y))
