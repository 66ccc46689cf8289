"""Tensors without numbers: `device="meta"`. Sentences and types of errors are PyTorch's."""

import numpy as np
import pytest

import pullback as torch
from pullback import nn

HUGE = 1 << 20


def test_shapes_dtypes_and_strides_are_inferred_without_memory():
    x = torch.empty(HUGE, HUGE, device="meta")
    y = torch.relu(x.t() @ x * 2).softmax(-1)
    assert y.shape == (HUGE, HUGE) and y.is_meta and y.device == torch.device("meta") and y.data_ptr() == 0
    assert (x.t() + 1).stride() == (1, HUGE) and x[:, None, 3:].shape == (HUGE, 1, HUGE - 3)
    assert x.sum(0, keepdim=True).shape == (1, HUGE) and x.argmax(1).dtype is torch.int64 and (x > 0).dtype is torch.bool
    assert repr(x) == f"tensor(..., device='meta', size=({HUGE}, {HUGE}))"
    assert repr(x.long().requires_grad_(False)) == f"tensor(..., device='meta', size=({HUGE}, {HUGE}), dtype=torch.int64)"
    assert torch.zeros(2).device == torch.device("cpu") and not torch.zeros(2).is_meta


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: torch.zeros(2, 3, **k),
        lambda **k: torch.ones((2, 3), **k),
        lambda **k: torch.full((2, 3), 1.5, **k),
        lambda **k: torch.rand(2, 3, **k),
        lambda **k: torch.randn(2, 3, **k),
        lambda **k: torch.randint(0, 5, (2, 3), **k),
        lambda **k: torch.arange(6, **k).reshape(2, 3),
        lambda **k: torch.eye(2, 3, **k),
        lambda **k: torch.tensor([[1, 2, 3], [4, 5, 6]], **k),
        lambda **k: torch.zeros_like(torch.ones(2, 3), **k),
        lambda **k: torch.ones(2).new_zeros(2, 3, **k),
        lambda **k: torch.zeros(2, 3).to(*k.values()),
    ],
)
def test_what_is_made_on_meta(make):
    state = torch.get_rng_state()
    x = make(device="meta")
    assert x.is_meta and x.shape == (2, 3) and x.dtype is make(device="cpu").dtype
    assert torch.equal(state, torch.get_rng_state()) or not make(device="cpu").is_meta
    assert torch.ones_like(x).is_meta and x.new_full((2,), 1).is_meta and x.clone().is_meta and torch.rand_like(x.double()).is_meta


def test_what_needs_numbers_says_so():
    x, one = torch.ones(2, 3, device="meta"), torch.ones((), device="meta")
    for f in (one.item, lambda: float(one), lambda: bool(one), lambda: 1 in x):
        with pytest.raises(RuntimeError, match="Tensor.item\\(\\) cannot be called on meta tensors|no data"):
            f()
    for f in (x.tolist, x.cpu, lambda: x.to("cpu"), lambda: torch.zeros(2, 3).copy_(x), x.nonzero, x.unique, lambda: x[x > 0]):
        with pytest.raises(NotImplementedError):
            f()
    for f in (x.numpy, lambda: np.asarray(x)):
        with pytest.raises(TypeError, match="can't convert meta device type tensor to numpy"):
            f()
    with pytest.raises(BufferError, match="Cannot pack tensors on meta"):
        x.__dlpack__()


def test_two_devices_do_not_mix():
    x, y = torch.ones(2, 3, device="meta"), torch.ones(2, 3)
    with pytest.raises(RuntimeError, match="Tensor on device cpu is not on the expected device meta!"):
        x + y
    with pytest.raises(RuntimeError, match="Tensor on device meta is not on the expected device cpu!"):
        y + x
    with pytest.raises(RuntimeError, match="Tensor on device cpu is not on the expected device meta!"):
        torch.where(x > 0, x, y)
    assert (x + torch.ones(())).is_meta and (x * 2).is_meta and x[torch.tensor([0, 1])].shape == (2, 3)
    with pytest.raises(RuntimeError, match="device 'cuda' is not there"):
        torch.ones(2, device="cuda")


def test_gradients_modules_and_writes():
    net = nn.Sequential(nn.Linear(HUGE, HUGE, device="meta"), nn.ReLU(), nn.LayerNorm(HUGE, device="meta"))
    loss = net(torch.ones(4, HUGE, device="meta")).sum()
    loss.backward()
    weight = net[0].weight
    assert weight.grad.is_meta and weight.grad.shape == (HUGE, HUGE)
    with torch.no_grad():
        weight -= weight.grad
    weight.data.copy_(torch.zeros(HUGE, 1))
    small = nn.Linear(3, 4, device="meta").to_empty(device="cpu")
    assert not small.weight.is_meta and small(torch.ones(2, 3)).shape == (2, 4)
    assert nn.Linear(3, 4).to("meta").weight.is_meta
    with pytest.raises(NotImplementedError, match="Please use torch.nn.Module.to_empty"):
        nn.Linear(3, 4, device="meta").to("cpu")
    with torch.device("meta"):
        assert nn.Linear(HUGE, HUGE).weight.is_meta and torch.zeros(2).is_meta and torch.tensor(1.0).is_meta
        assert not torch.zeros(2, device="cpu").is_meta
    assert not torch.zeros(2).is_meta
