"""The step of all parameters at once gives the bits that the optimisers' formulas over tensors give, and leaves alone what those have to do."""

import copy
import warnings

import pytest

import pullback as torch
from pullback import nn
from pullback.optim import adam, adaptive, optimizer, sgd

CASES = [
    ("SGD", dict(lr=0.1)),
    ("SGD", dict(lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01)),
    ("SGD", dict(lr=0.1, momentum=0.9, nesterov=True, maximize=True)),
    ("Adam", dict(lr=0.05)),
    ("Adam", dict(lr=0.05, betas=(0.4, 0.99), weight_decay=0.1, amsgrad=True)),
    ("Adam", dict(lr=0.05, weight_decay=0.1, maximize=True, decoupled_weight_decay=True)),
    ("AdamW", dict(lr=0.05)),
    ("AdamW", dict(lr=0.05, amsgrad=True, eps=1e-3)),
    ("Adamax", dict(lr=0.05, weight_decay=0.1)),
    ("NAdam", dict(lr=0.05, weight_decay=0.1)),
    ("NAdam", dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True, maximize=True)),
    ("RAdam", dict(lr=0.05, weight_decay=0.1)),
    ("RAdam", dict(lr=0.05, betas=(0.9, 0.9), weight_decay=0.1, decoupled_weight_decay=True)),
    ("Adagrad", dict(lr=0.05, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.1)),
    ("Adadelta", dict(weight_decay=0.1)),
    ("RMSprop", dict(lr=0.02)),
    ("RMSprop", dict(lr=0.02, momentum=0.5, weight_decay=0.1)),
    ("RMSprop", dict(lr=0.02, centered=True)),
    ("RMSprop", dict(lr=0.02, momentum=0.5, centered=True, maximize=True)),
    ("Rprop", dict(lr=0.02)),
    ("ASGD", dict(lr=0.02, t0=3, lambd=0.01, weight_decay=0.1)),
]


def trained(name, options, dtype, steps=7):
    """Parameters and states after some steps; one parameter is turned, one has a gradient now and then, one is a number."""
    torch.manual_seed(3)
    params = [nn.Parameter(torch.randn(4, 3, dtype=dtype)), nn.Parameter(torch.randn(3, 5, dtype=dtype).t()), nn.Parameter(torch.randn((), dtype=dtype)), nn.Parameter(torch.randn(2, dtype=dtype))]
    optim = getattr(torch.optim, name)([{"params": params[:2]}, {"params": params[2:]}], **options)
    for step in range(steps):
        for i, p in enumerate(params):
            p.grad = None if i == 3 and step % 2 else torch.randn(p.shape, dtype=dtype)
        optim.step()
    return params, optim


def bits(t):
    return t.detach().contiguous().reshape(-1).numpy().tobytes()


@pytest.fixture
def by_tensors(monkeypatch):
    """Turns the pass off."""

    def off():
        for file in (adam, adaptive, sgd):
            monkeypatch.setattr(file, "one_pass", lambda *_: False)

    return off


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_bits_are_the_same(case, dtype, by_tensors):
    params, optim = trained(*case, dtype)
    by_tensors()
    others, other = trained(*case, dtype)
    for i, (a, b) in enumerate(zip(params, others)):
        assert bits(a) == bits(b), i
        mine, want = optim.state.get(a, {}), other.state.get(b, {})
        assert list(mine) == list(want)
        for key in want:
            assert mine[key].dtype == want[key].dtype, key
            # Copies of the gradient lie as that does, the pass has them lie as the parameter.
            if key not in ("momentum_buffer", "step_size"):
                assert mine[key].stride() == want[key].stride(), key
            assert bits(mine[key]) == bits(want[key]), key


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_the_pass_that_steps(case, monkeypatch):
    def never(*_):
        raise AssertionError("by tensors")

    monkeypatch.setattr(optimizer.Optimizer, "_ready", never)
    params, optim = trained(*case, torch.float32)
    assert all(p.grad is None or p.isfinite().all() for p in params)


@pytest.mark.parametrize("options", [dict(lr=torch.tensor(0.1)), dict(betas=[0.9, 0.99])], ids=str)
def test_what_is_left_to_tensors(options, by_tensors):
    params, _ = trained("Adam", options, torch.float64)
    by_tensors()
    others, _ = trained("Adam", options, torch.float64)
    assert [bits(p) for p in params] == [bits(p) for p in others]


def test_halves_are_rounded_at_every_operation_unless_fused():
    (p, *_), _ = trained("Adam", dict(lr=0.1), torch.bfloat16, 1)
    (q, *_), _ = trained("Adam", dict(lr=0.1, fused=True), torch.bfloat16, 1)
    (r, *_), _ = trained("Adam", dict(lr=0.1), torch.float32, 1)
    assert p.dtype == q.dtype == torch.bfloat16
    assert torch.allclose(p.float(), r, atol=0.1) and torch.allclose(q.float(), r, atol=0.1)


def test_groups_and_states_may_be_changed_at_any_time():
    p = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optim = torch.optim.SGD([p], lr=1.0, momentum=0.5)

    def step():
        p.grad = torch.ones(2, dtype=torch.float64)
        optim.step()
        return p.tolist()

    assert step() == [-1.0, -1.0]
    optim.param_groups[0]["lr"] = 0.5
    assert step() == [-1.75, -1.75]
    optim.state[p]["momentum_buffer"].zero_()
    assert step() == [-2.25, -2.25]
    optim.state[p]["momentum_buffer"] = torch.ones(2, dtype=torch.float64)
    assert step() == [-3.0, -3.0]
    del optim.state[p]["momentum_buffer"]
    assert step() == [-3.5, -3.5]
    optim.state.clear()
    optim.param_groups[0]["momentum"] = 0
    assert step() == [-4.0, -4.0] and not optim.state[p]
    q = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optim.add_param_group({"params": [q], "lr": 2.0})
    q.grad = torch.ones(1, dtype=torch.float64)
    step()
    assert q.tolist() == [-2.0]


def test_states_are_shared_and_counted():
    p = nn.Parameter(torch.zeros(2))
    optim = torch.optim.Adam([p])
    p.grad = torch.ones(2)
    loss = (p * p).sum()
    optim.step()
    kept = optim.state[p]
    assert list(kept) == ["step", "exp_avg", "exp_avg_sq"] and kept["step"].item() == 1.0
    version = p._version
    mean = kept["exp_avg"]
    optim.step()
    assert kept["exp_avg"] is mean and kept["step"].item() == 2.0 and p._version == version + 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    again = copy.deepcopy(optim.state_dict())
    del kept["exp_avg"]
    with pytest.raises(KeyError, match="exp_avg"):
        optim.step()
    optim.load_state_dict(again)
    optim.step()
    assert optim.state[p]["step"].item() == 3.0


def test_parameters_of_one_memory():
    flat = torch.zeros(4)
    params = [flat[:2].requires_grad_(), flat[2:].detach().requires_grad_()]
    optim = torch.optim.SGD(params, lr=1.0)
    for p in params:
        p.grad = torch.ones(2)
    optim.step()
    assert flat.tolist() == [-1.0] * 4


def test_a_schedule_of_schedules_in_another():
    """PyTorch's inner one comes to its milestone a step early."""
    p = nn.Parameter(torch.zeros(1))
    o, s = torch.optim.SGD([p], lr=0.05), torch.optim.lr_scheduler
    inner = s.SequentialLR(o, [s.ConstantLR(o, 0.5, 9), s.ExponentialLR(o, 0.9)], [3])
    outer = s.SequentialLR(o, [inner, s.StepLR(o, 4, 0.5)], [8])
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(5):
            rates.append(o.param_groups[0]["lr"])
            o.step(), outer.step()
    # Python: torch 2.15 gives these.
    assert rates == pytest.approx([0.025, 0.025, 0.05, 0.045, 0.0405], rel=1e-12)


def test_differentiable_steps_are_recorded():
    start = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    p = start.clone()
    p.grad = start * 3.0
    torch.optim.SGD([p], lr=0.1, differentiable=True).step()
    p.sum().backward()
    assert start.grad.tolist() == pytest.approx([0.7, 0.7])
    leaf = nn.Parameter(torch.ones(2))
    leaf.grad = torch.ones(2)
    for name in ("Adam", "SGD", "RMSprop"):
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
            getattr(torch.optim, name)([leaf], lr=0.1, differentiable=True).step()
