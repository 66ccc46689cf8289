"""Modules, optimisers, schedules and loaders against PyTorch's answers to the same questions (`golden/training.py`, `golden/training.json`).

Initial values, random streams, orders and texts are equal; what is computed in float64 agrees to a few units in the last place.
"""

import json
import math
import pickle
import sys
import warnings
from pathlib import Path

import pytest

import pullback as torch
from pullback import nn

GOLDEN = Path(__file__).resolve().parent / "golden"
sys.path.insert(0, str(GOLDEN))
import training  # noqa: E402

ANSWERS = json.loads((GOLDEN / "training.json").read_text())


def differs(a, b, path="", rel=1e-11):
    """Where two answers differ, or None."""
    if isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b):
            return f"{path}: keys {list(a)} and {list(b)}"
        return next((d for k in a if (d := differs(a[k], b[k], f"{path}.{k}", rel))), None)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b):
            return f"{path}: {len(a)} and {len(b)} items"
        return next((d for i, (x, y) in enumerate(zip(a, b)) if (d := differs(x, y, f"{path}[{i}]", rel))), None)
    if isinstance(a, float) and isinstance(b, (float, int)) or isinstance(b, float) and isinstance(a, int):
        if a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= rel * max(abs(a), abs(b)) + rel / 1000:
            return None
        return f"{path}: {a!r} and {b!r}"
    return None if a == b else f"{path}: {a!r} and {b!r}"


def through_json(x):
    return json.loads(json.dumps(x))


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("case", training.MODULES, ids=lambda c: c[0])
def test_modules(case):
    text, inputs = case
    want = ANSWERS["modules"][f"{text} <- {inputs}"]
    got = through_json(training.module(torch, text, inputs))
    assert got["state"] == want["state"], "initial values are PyTorch's bits"
    assert differs(got, want) is None, differs(got, want)


@pytest.mark.parametrize("case", training.OPTIMIZERS, ids=str)
def test_optimizers(case):
    name, options = case
    want = ANSWERS["optimizers"][f"{name} {options}"]
    got = through_json(training.optimizer(torch, name, options))
    for answer in (got, want):
        answer["groups"] = [dict(sorted(g.items())) for g in answer["groups"]]
    assert differs(got, want) is None, differs(got, want)


@pytest.mark.parametrize("at", range(len(training.SCHEDULERS)))
@pytest.mark.parametrize("adam", [False, True])
def test_schedulers(at, adam):
    want = ANSWERS["schedulers"][f"{at} {training.SCHEDULERS[at][0]} {adam}"]
    assert differs(through_json(training.scheduler(torch, at, adam)), want) is None


@pytest.mark.parametrize("what", ["schedules", "inits", "loading", "utilities", "functional"])
def test_whole(what):
    found = differs(through_json(getattr(training, what)(torch)), ANSWERS[what])
    assert found is None, found


@pytest.mark.parametrize("rate", ["float", "tensor"])
@pytest.mark.parametrize("options", training.LBFGS, ids=str)
def test_lbfgs(options, rate):
    # Rounding is amplified on the way to the minimum: the path is the same, its last digits are not.
    want = ANSWERS["lbfgs"][str(options)][rate == "tensor"]
    found = differs(through_json(training.lbfgs(torch, options, torch.tensor if rate == "tensor" else float)), want, rel=1e-5)
    assert found is None, found


def test_a_closure_that_fails_leaves_the_state_of_the_step_before():
    x = nn.Parameter(torch.tensor([3.0, -4.0]))
    optimizer, left = torch.optim.LBFGS([x], lr=0.1, max_iter=3), [5]

    def closure():
        left[0] -= 1
        if not left[0]:
            raise RuntimeError("enough")
        optimizer.zero_grad()
        loss = (x**4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    before = {k: v for k, v in optimizer.state[x].items() if k in ("d", "t", "prev_loss")}
    with pytest.raises(RuntimeError, match="enough"):
        optimizer.step(closure)
    assert all(optimizer.state[x][k] is v for k, v in before.items())
    optimizer.param_groups.append(dict(optimizer.param_groups[0]))
    with pytest.raises(AssertionError, match="Expected exactly one param_group, but got 2"):
        optimizer.step(closure)


@pytest.mark.parametrize("at", range(len(training.MUON)))
def test_muon(at):
    # The directions are computed in bfloat16, and what is rounded is made larger: two digits agree.
    options = training.MUON[at]
    for got, want in zip(training.muon(torch, options), ANSWERS["muon"][at]):
        for a, b in zip(got[:2], want[:2]):
            assert torch.allclose(torch.tensor(a), torch.tensor(b), rtol=0, atol=0.6 * options.get("lr", 1e-3))
        assert got[2] == want[2]


@pytest.mark.parametrize("shape", [(3, 4), (5, 2)])
def test_muons_directions_are_those_of_the_singular_vectors(monkeypatch, shape):
    import numpy as np
    from pullback.optim import factored

    monkeypatch.setattr(factored, "bfloat16", torch.float64)
    torch.manual_seed(0)
    matrix, (a, b, c) = torch.randn(shape, dtype=torch.float64), (3.4445, -4.7750, 2.0315)
    u, s, vt = np.linalg.svd(matrix.numpy(), full_matrices=False)
    s = s / np.linalg.norm(s)
    for _ in range(5):
        s = a * s + b * s**3 + c * s**5
    assert np.allclose(factored._orthogonal(matrix, (a, b, c), 5, 1e-7).numpy(), (u * s) @ vt)


def test_gradients_that_are_not_sparse_are_an_error():
    p = nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients, please consider Adam instead"):
        torch.optim.SparseAdam([p]).step()
    for name, options, text in (
        ("Adafactor", dict(d=0.5), "Clipping threshold d should be >= 1 but is: 0.5"),
        ("Adafactor", dict(beta2_decay=1), "beta2_decay should be <= 0 but is: 1"),
        ("Muon", dict(), "Muon only supports 2D parameters whereas we found a parameter with size: torch.Size([2])"),
        ("Muon", dict(adjust_lr_fn="no"), "Adjust learning rate function no is not supported"),
        ("SparseAdam", dict(lr=0), "Invalid learning rate: 0"),
    ):
        with pytest.raises(ValueError) as e:
            getattr(torch.optim, name)([p], **options)
        assert str(e.value) == text


def test_assignment_registers():
    net = nn.Module()
    net.p, net.m, net.t = nn.Parameter(torch.ones(2)), nn.Linear(1, 1), torch.ones(1)
    net.b = nn.Buffer(torch.zeros(1))
    assert [n for n, _ in net.named_parameters()] == ["p", "m.weight", "m.bias"]
    assert list(net.state_dict()) == ["p", "b", "m.weight", "m.bias"]
    net.b = torch.ones(1)
    assert net.state_dict()["b"].tolist() == [1.0]
    with pytest.raises(TypeError, match="as parameter 'p'"):
        net.p = torch.ones(2)
    net.p = None
    assert [n for n, _ in net.named_parameters()] == ["m.weight", "m.bias"]
    del net.m
    with pytest.raises(AttributeError, match="'Module' object has no attribute 'm'"):
        net.m
    class Forgot(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)
    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\) call"):
        Forgot()


def test_parameters_are_tensors_of_their_own_kind():
    import copy

    p = nn.Parameter(torch.tensor([1.0, 2.0]))
    assert isinstance(p, torch.Tensor) and isinstance(p, nn.Parameter) and p.is_leaf and p.requires_grad
    assert repr(p) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)" == str(p)
    for twin in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert type(twin) is nn.Parameter and twin.tolist() == [1.0, 2.0] and twin.requires_grad and twin.data_ptr() != p.data_ptr()
    assert type(p * 2) is torch.Tensor
    net = nn.Linear(2, 1)
    twin = copy.deepcopy(net)
    assert twin.weight is not net.weight and twin.weight.tolist() == net.weight.tolist()
    assert pickle.loads(pickle.dumps(net)).weight.tolist() == net.weight.tolist()


def test_a_network_learns_xor():
    torch.manual_seed(0)
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = torch.tensor([[0.0], [1], [1], [0]])
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    adam = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(200):
        for bx, by in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=4, shuffle=True):
            adam.zero_grad()
            nn.functional.mse_loss(net(bx), by).backward()
            adam.step()
    assert (net(x) - y).abs().max().item() < 0.05


@pytest.mark.parametrize(
    "make, error, text",
    [
        (lambda: torch.optim.SGD([], lr=0.1), ValueError, "optimizer got an empty parameter list"),
        (lambda: torch.optim.SGD(torch.ones(2), lr=0.1), TypeError, "params argument given to the optimizer should be an iterable"),
        (lambda: torch.optim.SGD([torch.ones(2, requires_grad=True) * 1], lr=0.1), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda: torch.optim.Adam([torch.ones(1)], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda: torch.optim.Adam([torch.ones(1)], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda: nn.Dropout(1.5), ValueError, "dropout probability has to be between 0 and 1, but got 1.5"),
        (lambda: torch.utils.data.DataLoader([1], batch_size=0), ValueError, "batch_size should be a positive integer value, but got batch_size=0"),
        (lambda: torch.utils.data.DataLoader([1], shuffle=True, sampler=[0]), ValueError, "sampler option is mutually exclusive with shuffle"),
        (lambda: nn.Linear(2, 1)(torch.ones(3)), RuntimeError, ""),
        (lambda: nn.Module()(1), NotImplementedError, 'Module [Module] is missing the required "forward" function'),
        (lambda: nn.Sequential(3), TypeError, "int is not a Module subclass"),
    ],
)
def test_mistakes(make, error, text):
    with pytest.raises(error) as e:
        make()
    assert text in str(e.value)


def test_a_worker_that_dies_is_an_error():
    import os

    class Dies(torch.utils.data.Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            os._exit(3)

    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(torch.utils.data.DataLoader(Dies(), num_workers=1))


def test_states_are_saved_and_loaded(tmp_path):
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    adam = torch.optim.Adam(net.parameters(), lr=0.1)
    steps = torch.optim.lr_scheduler.MultiStepLR(adam, [2, 3])
    for _ in range(3):
        adam.zero_grad()
        net(torch.ones(1, 2)).sum().backward()
        adam.step()
        steps.step()
    whole = {"model": net.state_dict(), "optimizer": adam.state_dict(), "schedule": steps.state_dict(), "parameter": net[0].weight}
    torch.save(whole, tmp_path / "all.pt")
    back = torch.load(tmp_path / "all.pt")
    other = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    assert repr(other.load_state_dict(back["model"])) == "<All keys matched successfully>"
    assert back["model"]._metadata == net.state_dict()._metadata
    again = torch.optim.Adam(other.parameters(), lr=0.5)
    again.load_state_dict(back["optimizer"])
    schedule = torch.optim.lr_scheduler.MultiStepLR(again, [2, 3])
    schedule.load_state_dict(back["schedule"])
    for model, optimizer in ((net, adam), (other, again)):
        optimizer.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    assert [p.tolist() for p in net.parameters()] == [p.tolist() for p in other.parameters()]
    assert schedule.get_last_lr() == steps.get_last_lr() and schedule.milestones == steps.milestones
    assert type(back["parameter"]) is nn.Parameter and back["parameter"].requires_grad


def test_hooks_of_the_result_s_node():
    """`register_backward_hook` sees the last node alone, and says what it misses; the other kind cannot stand beside it."""
    seen = []

    def hook(module, grad_inputs, grad_outputs):
        seen.append(([tuple(g.shape) for g in grad_inputs if g is not None], [tuple(g.shape) for g in grad_outputs]))

    x = torch.randn(4, 3, requires_grad=True)
    relu, net = nn.ReLU(), nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    for module in (relu, net, nn.Identity()):
        module.register_backward_hook(hook)
    with pytest.warns(FutureWarning, match="contains multiple autograd Nodes"):
        net(x).sum().backward()
    handle = relu.register_backward_hook(lambda module, grad_inputs, grad_outputs: (grad_inputs[0] * 2,))
    x.grad = None
    with pytest.warns(FutureWarning):  # a leaf is no node
        relu(x).sum().backward()
    assert x.grad.tolist() == ((x > 0) * 2.0).tolist()
    handle.remove()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        relu(x * 1).sum().backward()
        nn.Identity()(x).sum().backward()
    assert seen == [([(4, 2)], [(4, 2)]), ([(4, 3)], [(4, 3)]), ([(4, 3)], [(4, 3)])]
    for first, second in (("register_backward_hook", "register_full_backward_hook"), ("register_full_backward_hook", "register_backward_hook")):
        layer = nn.Linear(2, 2)
        getattr(layer, first)(hook)
        with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full backward hooks"):
            getattr(layer, second)(hook)


def test_backward_hooks_are_told_of_arguments_without_gradient():
    seen = []
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, [g.tolist() for g in go])))
    layer(torch.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[[1.0]]])]


def test_what_has_no_forward_says_so():
    for holder in (nn.ModuleList([nn.ReLU()]), nn.ModuleDict({"a": nn.ReLU()})):
        with pytest.raises(NotImplementedError, match='is missing the required "forward" function'):
            holder(1)


def test_an_error_names_the_module_that_it_is_of():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(4, 1))])
            self.fails = False

        def forward(self, x):
            if self.fails:
                raise ValueError("of the user")
            for layer in self.layers:
                x = layer(x)
            return x

    net = nn.Sequential(Net())
    with pytest.raises(RuntimeError) as e:
        net(torch.ones(1, 2))
    first, *_, last = str(e.value).splitlines()
    assert "mat1 and mat2 shapes cannot be multiplied (1x3 and 4x1)" in first and last == "  module: Sequential.0.layers.2.0 (Linear)"
    net[0].register_forward_hook(lambda m, a, y: y)
    with pytest.raises(RuntimeError, match=r"module: Sequential.0.layers.2.0 \(Linear\)"):
        net(torch.ones(1, 2))
    with pytest.raises(RuntimeError) as e:
        nn.Linear(2, 1)(torch.ones(3))
    assert "module:" not in str(e.value)
    net[0].fails = True
    with pytest.raises(ValueError) as e:
        net(torch.ones(1, 2))
    assert str(e.value) == "of the user"


def test_lbfgs_goes_up_too():
    for search in (None, "strong_wolfe"):
        p = nn.Parameter(torch.tensor([0.3, -0.2], dtype=torch.float64))
        o = torch.optim.LBFGS([p], lr=0.5, max_iter=30, line_search_fn=search, maximize=True)

        def closure():
            o.zero_grad()
            loss = -((p - 1) ** 2).sum()
            loss.backward()
            return loss

        o.step(closure)
        assert torch.allclose(p, torch.ones(2, dtype=torch.float64), atol=1e-3)


def test_options_of_optimizers_that_do_not_go_together():
    p, q = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    t = torch.tensor
    for make, text in (
        (lambda: torch.optim.Adam([p], lr=t(0.1), foreach=True), "lr as a Tensor is not supported for capturable=False and foreach=True"),
        (lambda: torch.optim.Adam([p], betas=(0.9, t(0.9))), "betas must be either both floats or both Tensors"),
        (lambda: torch.optim.AdamW([p], betas=(t(0.9), t(0.9)), foreach=True), "betas[0] as a Tensor is not supported for capturable=False and foreach=True"),
        (lambda: torch.optim.ASGD([p], lambd=-0.5), "Invalid lambd value: -0.5"),
        (lambda: torch.optim.LBFGS([p], lr=t([0.1, 0.2])), "Tensor lr must be 1-element"),
        (lambda: torch.optim.SGD([("p", p), q], lr=0.1), "all optimizer params should be with/without names. Some param names are missing"),
        (lambda: torch.optim.SGD([{"params": [p]}, {"params": [("q", q)]}], lr=0.1), "all optimizer param groups should be with/without names. cannot add param group with names to the optimizer"),
    ):
        with pytest.raises(ValueError) as e:
            make()
        assert str(e.value) == text
    with pytest.raises(RuntimeError, match="`fused` and `foreach` cannot be `True` together."):
        torch.optim.Adam([p], fused=True, foreach=True)


@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 5), (4, 2, 3)])
def test_orthogonal_beginnings(shape):
    torch.manual_seed(3)
    made = nn.init.orthogonal_(torch.empty(shape), gain=2.0)
    flat = made.reshape(shape[0], -1).double()
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    assert torch.allclose(product, 4 * torch.eye(len(product), dtype=torch.float64), atol=1e-5)
    theirs = pytest.importorskip("torch")
    theirs.manual_seed(3)
    want = theirs.nn.init.orthogonal_(theirs.empty(shape), gain=2.0)
    assert torch.allclose(made, torch.from_numpy(want.numpy()), atol=1e-5)


def test_older_and_other_names():
    with pytest.warns(FutureWarning, match="`nn.init.constant` is now deprecated in favor of `nn.init.constant_`"):
        assert nn.init.constant(torch.empty(2), 3.0).tolist() == [3.0, 3.0]
    x = torch.tensor([-1.0, 2.0])
    assert nn.functional.elu_(x) is x and x[1] == 2.0 and x[0] < -0.6
    state = {"module.a": 1, "b": 2}
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert state == {"a": 1, "b": 2}
    m = nn.AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6])
    x = torch.randn(4, 8)
    assert torch.allclose(m.log_prob(x).exp().sum(1), torch.ones(4)) and torch.equal(m.predict(x), m.log_prob(x).argmax(1))
    for make in (lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 10, []), lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 10, [6, 3]), lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 10, [10])):
        with pytest.raises(ValueError, match="cutoffs should be"):
            make()
    with pytest.raises(RuntimeError, match=r"Target values should be in \[0, 9\]"):
        m(x, torch.tensor([0, 1, 2, 10]))
    with pytest.raises(AssertionError, match="CUDA"):
        m.cuda()
    assert x.is_cpu and type(x.as_subclass(nn.Parameter)) is nn.Parameter
