"""Shorter ways of a training step: what they leave out must not be missed. Loaders of tensors, calls of modules, steps of optimisers.

Orders and numbers are PyTorch's, which was asked the same: after each round its generators stand where these do.
"""

import pytest

import pullback as torch
from pullback import nn
from pullback.utils.data import DataLoader, RandomSampler, Subset, TensorDataset, default_collate


def same(a, b):
    return type(a) is type(b) and len(a) == len(b) and all(type(x) is type(y) and x.dtype == y.dtype and torch.equal(x, y) for x, y in zip(a, b))


class Named(torch.Tensor):
    pass


TENSORS = {
    "rows": torch.arange(12.0).reshape(4, 3),
    "numbers": torch.arange(4),
    "bools": torch.tensor([True, False, True, True]),
    "halves": torch.arange(8.0).reshape(4, 2).half(),
    "nothing": torch.zeros(4, 0),
    "turned": torch.arange(12.0).reshape(3, 4).t(),
    "with history": torch.arange(4.0).requires_grad_(),
    "of a class": torch.arange(4.0).as_subclass(Named),
    "a parameter": nn.Parameter(torch.arange(4.0)),
}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("indices", [[2, 0, 3], [1], [-1, 1], [0, 0, 0]], ids=str)
def test_a_batch_of_rows_is_that_of_the_items(name, indices):
    data = TensorDataset(TENSORS[name], torch.arange(4.0))
    whole = [b for b in DataLoader(data, batch_sampler=[indices])][0]
    assert same(whole, default_collate([data[i] for i in indices]))
    assert whole[0].requires_grad == TENSORS[name].requires_grad
    part = Subset(data, [3, 2, 1, 0])
    assert same([b for b in DataLoader(part, batch_sampler=[indices])][0], default_collate([part[i] for i in indices]))


def test_rows_that_are_not_there():
    data = TensorDataset(torch.arange(4.0))
    for index in (4, -5):
        with pytest.raises(IndexError):
            list(DataLoader(data, batch_sampler=[[0, index]]))


def test_modes_see_the_items():
    seen = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            seen.append(function.__name__)
            return function(*args, **(kwargs or {}))

    with Mode():
        batch = next(iter(DataLoader(TensorDataset(torch.arange(4.0)), batch_size=2)))
    assert "stack" in seen and torch.equal(batch[0], torch.tensor([0.0, 1.0]))


def test_orders_and_what_is_drawn_after_them():
    torch.manual_seed(5)
    assert list(RandomSampler(range(6))) == [1, 5, 0, 4, 3, 2]
    assert [b.tolist() for b in DataLoader(torch.arange(5), batch_size=2, shuffle=True)] == [[1, 2], [4, 3], [0]]
    assert torch.rand(2).tolist() == [0.16439151763916016, 0.7379193902015686]
    own = torch.Generator().manual_seed(3)
    assert [b.tolist() for b in DataLoader(torch.arange(5), batch_size=2, shuffle=True, generator=own)] == [[2, 4], [3, 0], [1]]
    # A generator that somebody holds gives one order more than is used.
    assert torch.rand(1, generator=own).tolist() == [0.45103132724761963] and torch.rand(1).tolist() == [0.0332646369934082]
    torch.manual_seed(6)
    assert list(RandomSampler(range(3), num_samples=7)) == [0, 2, 1, 2, 1, 0, 0] and torch.rand(1).tolist() == [0.986829936504364]


@pytest.mark.parametrize("data, more", [([], {}), ([], {"replacement": True}), ([1, 2], {"num_samples": 0}), ([1], {"num_samples": -1})])
def test_random_orders_have_an_item(data, more):
    asked = more.get("num_samples", len(data))
    text = f"num_samples should be a positive integer value, but got num_samples={asked}"
    with pytest.raises(ValueError, match=text):
        RandomSampler(data, **more)
    if not more:
        with pytest.raises(ValueError, match=text):
            DataLoader(data, shuffle=True)
        assert list(DataLoader(data)) == []


def test_a_round_that_is_left_draws_nothing_before_it_is_asked():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    iter(RandomSampler(range(6)))
    assert torch.equal(torch.get_rng_state(), before)


def test_hooks_that_come_later_are_called():
    layer, seen = nn.Linear(2, 2), []
    layer(torch.ones(2))
    with nn.modules.module.register_module_forward_hook(lambda *_: seen.append("all")):
        layer(torch.ones(2))
    layer.register_forward_pre_hook(lambda *_: seen.append("one"))
    layer(torch.ones(2))
    assert seen == ["all", "one"]


def test_attributes_of_modules():
    class Late(nn.Module):
        def __init__(self):
            pass

    with pytest.raises(AttributeError, match="'Late' object has no attribute"):
        Late()(1)
    with pytest.raises(AttributeError, match="'Late' object has no attribute 'weight'"):
        Late().weight  # noqa: B018
    net = nn.Module()
    net.a, net.b, net.c = nn.Parameter(torch.ones(1)), nn.Linear(1, 1), nn.Buffer(torch.zeros(1))
    assert net.a is net._parameters["a"] and net.b is net._modules["b"] and net.c is net._buffers["c"]
    with pytest.raises(AttributeError, match="'Module' object has no attribute 'd'"):
        net.d  # noqa: B018


def test_a_step_gives_recording_back():
    param = nn.Parameter(torch.ones(1))

    class Broken(torch.optim.SGD):
        def _step(self, group):
            assert not torch.is_grad_enabled()
            raise KeyError("no")

    for on in (True, False):
        with torch.set_grad_enabled(on):
            with pytest.raises(KeyError):
                Broken([param], lr=0.1).step()
            assert torch.is_grad_enabled() == on


def test_hooks_around_a_step():
    param, seen = nn.Parameter(torch.ones(1)), []
    optimizer = torch.optim.SGD([param], lr=0.1)
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: ((lambda: seen.append("closure"),), {}))
    optimizer.register_step_post_hook(lambda opt, args, kwargs: seen.append(len(args)))
    optimizer.step()
    assert seen == ["closure", 1]


def test_options_of_every_kind_reach_the_pass():
    for betas, lr in (((0.9, 0.99), 0.1), ((0.5, 0.75), 1)):
        a, b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
        one, two = torch.optim.Adam([a], lr=lr, betas=betas), torch.optim.Adam([b], lr=torch.tensor(float(lr)), betas=betas)
        for _ in range(3):
            a.grad, b.grad = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([1.0, -2.0, 0.5])
            one.step(), two.step()
        assert torch.allclose(a, b, atol=1e-6) and one.state[a]["step"] == 3
