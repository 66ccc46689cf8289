"""Hooks on saved values and what stands on them: `saved_tensors_hooks`, `save_on_cpu`, `disable_saved_tensors_hooks`,
`allow_mutation_on_saved_tensors`, `utils.checkpoint`. Expected numbers are those of the same program without hooks.
"""

import gc
import weakref

import pytest

import pullback as torch
from pullback.autograd import graph
from pullback.nn import functional as F
from pullback.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


def leaves():
    torch.manual_seed(3)
    return [torch.randn(4, 4, dtype=torch.float64).requires_grad_() for _ in range(2)]


# Programs of two matrices: functions, views, in-place writes, functions of the user, numbers, several results.
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x, x * x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        x, square = ctx.saved_tensors
        return g * (x * 0 + 3 * square)


def written(a, b):
    h = a * 1
    h[1:3].mul_(b[1:3])
    h.exp_()
    return h


PROGRAMS = {
    "mul": lambda a, b: a * b,
    "number": lambda a, b: 2 / (a * 3 + 5) ** 2 + b,
    "matmul": lambda a, b: (a @ b).tanh() @ a.t(),
    "linear": lambda a, b: F.layer_norm(F.gelu(F.linear(a, b)), (4,)),
    "softmax": lambda a, b: F.cross_entropy(a @ b, torch.tensor([0, 1, 2, 3])),
    "pieces": lambda a, b: torch.where(a > 0, a, b).relu() + torch.maximum(a, b).abs(),
    "views": lambda a, b: a[1:].t()[:, 0] * b[0].view(2, 2).reshape(4),
    "written": written,
    "function": lambda a, b: Cube.apply(a) * b,
    "several": lambda a, b: torch.sort(a, 1)[0].cumsum(0) * b.std(1),
    "strided": lambda a, b: a.as_strided((3, 4), (1, 2)) ** 2 * b[:3],
}


def gradients(f, order=1):
    a, b = leaves()
    y = f(a, b).sum()
    first = torch.autograd.grad(y, (a, b), create_graph=order == 2, allow_unused=True, materialize_grads=True)
    if order == 1:
        return first
    return torch.autograd.grad(sum((g * g).sum() for g in first), (a, b), allow_unused=True, materialize_grads=True)


def same(ours, others):
    for x, y in zip(ours, others):
        assert torch.equal(x, y)


WRAPPERS = {
    "identity": lambda f: hooked(f, lambda t: t, lambda t: t),
    "copy": lambda f: hooked(f, lambda t: t.detach().clone(), lambda t: t),
    "bytes": lambda f: hooked(f, lambda t: t.detach().numpy().copy(), torch.from_numpy),
    "cpu": lambda f: within(f, graph.save_on_cpu),
    "checkpoint": lambda f: lambda a, b: checkpoint(f, a, b, use_reentrant=False),
    "late": lambda f: lambda a, b: checkpoint(f, a, b, use_reentrant=False, early_stop=False),
    "twice": lambda f: lambda a, b: checkpoint(lambda x, y: checkpoint(f, x, y, use_reentrant=False), a, b, use_reentrant=False),
}


def hooked(f, pack, unpack):
    return within(f, lambda: graph.saved_tensors_hooks(pack, unpack))


def within(f, manager):
    def run(a, b):
        with manager():
            return f(a, b)

    return run


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_are_those_without_hooks(program, wrapper):
    f = PROGRAMS[program]
    same(gradients(WRAPPERS[wrapper](f)), gradients(f))


@pytest.mark.parametrize("wrapper", [w for w in WRAPPERS if w != "bytes"])
@pytest.mark.parametrize("program", [p for p in PROGRAMS if p not in ("written", "function")])
def test_second_order_goes_through_hooks(program, wrapper):
    f = PROGRAMS[program]
    same(gradients(WRAPPERS[wrapper](f), 2), gradients(f, 2))


@pytest.mark.parametrize("program", PROGRAMS)
def test_reentrant_checkpoints_fill_grad(program):
    f = PROGRAMS[program]
    a, b = leaves()
    checkpoint(f, a, b, use_reentrant=True).sum().backward()
    for x, y in zip((a.grad, b.grad), gradients(f)):
        assert x is None and not y.any() or torch.equal(x, y)


def test_gradcheck_looks_through_a_checkpoint():
    x = torch.randn(4, dtype=torch.float64).requires_grad_()
    f = lambda x: checkpoint(lambda x: torch.sin(x) * x, x, use_reentrant=False)
    assert torch.autograd.gradcheck(f, (x,)) and torch.autograd.gradgradcheck(f, (x,))
    wrong = hooked(lambda a, b: a * a, lambda t: t.detach() * 2, lambda t: t)
    y = wrong(x, x).sum()
    assert torch.equal(torch.autograd.grad(y, x)[0], 4 * x)


def test_hooks_see_what_pytorch_shows():
    x = torch.ones(3).requires_grad_()
    w = torch.nn.Parameter(torch.ones(3))
    seen = []
    with graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        y = x * w
        x * 2, x + 1, x.sum()
    assert len(seen) == 2 and any(t is x for t in seen) and any(t is w for t in seen)
    seen.clear()
    with graph.saved_tensors_hooks(lambda t: seen.append("outer") or t, lambda t: t):
        with graph.saved_tensors_hooks(lambda t: seen.append("inner") or t, lambda t: t):
            y.exp()
        y.exp()
        with torch.no_grad():
            y.exp()
    assert seen == ["inner", "outer"]


def test_mistakes_in_hooks():
    x = torch.ones(3).requires_grad_()

    def run(pack, unpack):
        with graph.saved_tensors_hooks(pack, unpack):
            y = x.exp()
        y.sum().backward()

    with pytest.raises(TypeError, match="expected to be a Tensor but got result of type"):
        run(lambda t: t, lambda t: 3)
    with pytest.raises(RuntimeError, match="A saved tensor pack hook is modifying its input in place"):
        run(lambda t: t.mul_(2), lambda t: t)
    for broken in ((lambda t: 1 / 0, lambda t: t), (lambda t: t, lambda t: 1 / 0)):
        with pytest.raises(ZeroDivisionError):
            run(*broken)
    with graph.disable_saved_tensors_hooks("not here"):
        with pytest.raises(RuntimeError, match="not here"):
            run(lambda t: t, lambda t: t)
        with graph.disable_saved_tensors_hooks("nor here"), pytest.raises(RuntimeError, match="nor here"):
            run(lambda t: t, lambda t: t)
        with pytest.raises(RuntimeError, match="not here"):
            run(lambda t: t, lambda t: t)
    run(lambda t: t, lambda t: t)
    y = hooked(lambda a, b: a.exp(), lambda t: t, lambda t: t)(x, x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_packed_values_go_with_the_graph_and_after_backward():
    class Thing:
        pass

    def made(run):
        thing = Thing()
        x = torch.ones(3).requires_grad_()
        with graph.saved_tensors_hooks(lambda t: (t, thing), lambda p: p[0]):
            y = (x * x).sum()
        return run(y), weakref.ref(thing)

    y, ref = made(lambda y: y)
    assert ref() is not None
    y.backward()
    gc.collect()
    assert ref() is None
    for run in (lambda y: None, lambda y: y.backward(retain_graph=True)):
        _, ref = made(run)
        gc.collect()
        assert ref() is None


def test_written_values_with_and_without_leave():
    x = torch.ones(3).requires_grad_()
    with graph.save_on_cpu():
        h = x * 1
        y = h * h
    h.mul_(3)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    with graph.allow_mutation_on_saved_tensors():
        h = x * 2
        y = h * h
        h.mul_(3)
        y.sum().backward()
    assert x.grad.tolist() == [8.0, 8.0, 8.0]


def test_checkpoint_runs_twice_draws_the_same_and_takes_keywords():
    runs = []

    def f(x, *, times=1):
        runs.append(torch.is_grad_enabled())
        h = torch.sin(x) * times
        return F.dropout(h * h, 0.5) * h, {"other": h.exp()}

    x = torch.ones(50, dtype=torch.float64).requires_grad_()
    torch.manual_seed(7)
    plain, other = f(x, times=3)
    (g,) = torch.autograd.grad(plain.sum() + other["other"].sum(), x)
    torch.manual_seed(7)
    y, other = checkpoint(f, x, times=3, use_reentrant=False)
    following = torch.rand(1)
    (ours,) = torch.autograd.grad(y.sum() + other["other"].sum(), x, retain_graph=True)
    assert torch.equal(ours, g) and torch.equal(y, plain) and runs == [True, True, True]
    (again,) = torch.autograd.grad(y.sum() + other["other"].sum(), x)
    assert torch.equal(again, g) and len(runs) == 4
    torch.manual_seed(7)
    f(x)
    assert torch.equal(torch.rand(1), following)


def test_what_checkpoints_refuse():
    x = torch.ones(3).requires_grad_()
    count = [0]

    def fickle(first, then):
        def f(x):
            count[0] += 1
            return first(x) if count[0] == 1 else then(x)

        count[0] = 0
        return f

    short, long = lambda x: x * x, lambda x: (x * x).exp()
    with pytest.raises(CheckpointError, match="A different number of tensors was saved"):
        checkpoint(fickle(long, short), x, use_reentrant=False).sum().backward()
    with pytest.raises(CheckpointError, match="different metadata"):
        checkpoint(fickle(lambda x: x.exp()[:1].exp(), lambda x: x.exp().exp()), x, use_reentrant=False).sum().backward()
    with pytest.raises(RuntimeError, match="incompatible with .grad()"):
        torch.autograd.grad(checkpoint(long, x, use_reentrant=True).sum(), x)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: foo"):
        checkpoint(long, x, use_reentrant=True, foo=1)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint(long, x)
    h = x * 1
    y = checkpoint(short, h, use_reentrant=False)
    with torch.no_grad():
        h.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("reentrant", (True, False))
@pytest.mark.parametrize("segments", (1, 2, 3, 5))
def test_sequences_in_segments(segments, reentrant):
    torch.manual_seed(0)
    model = torch.nn.Sequential(*(layer for _ in range(3) for layer in (torch.nn.Linear(4, 4), torch.nn.Tanh())))
    x = torch.randn(2, 4).requires_grad_()
    model(x).sum().backward()
    expected = [x.grad, *(p.grad for p in model.parameters())]
    model.zero_grad()
    x.grad = None
    checkpoint_sequential(model, segments, x, use_reentrant=reentrant).sum().backward()
    same([x.grad, *(p.grad for p in model.parameters())], expected)
