"""`gradcheck`'s contract: what a tolerance forgives and what it does not, and when it raises. PyTorch is the judge."""

import itertools

import pytest

import pullback as torch
from pullback.autograd import GradcheckError, gradcheck, gradgradcheck


def leaf(*numbers, dtype=torch.float64):
    return torch.tensor(list(numbers), dtype=dtype, requires_grad=True)


# Each takes a factor's worth of dependence out of the graph.
OUT_OF_THE_GRAPH = {
    "detach": lambda a: a * a.detach(),
    "detach in the middle": lambda a: (a.sin().detach() * a).cos(),
    "data": lambda a: a * a.data,
    "item": lambda a: a * a.sum().item(),
    "float": lambda a: a * float(a.sum()),
    "tolist": lambda a: a * torch.tensor(a.detach().tolist(), dtype=a.dtype),
    "numpy": lambda a: a * torch.from_numpy(a.detach().numpy().copy()),
    "straight through": lambda a: a + (torch.round(a) - a).detach(),
}
TOLERANCES = [{}, {"atol": 1e-4}, {"rtol": 1e-3}, {"atol": 1e-30, "rtol": 0.0}, {"eps": 1e-5, "atol": 1e-3, "rtol": 1e-2}]


@pytest.mark.parametrize("name", OUT_OF_THE_GRAPH)
@pytest.mark.parametrize("fast", [False, True])
def test_no_tolerance_forgives_what_left_the_graph(name, fast):
    f = OUT_OF_THE_GRAPH[name]
    for tolerance, a in itertools.product(TOLERANCES, [(1.2, 2.7), (0.3, -1.9, 2.2)]):
        assert not gradcheck(f, (leaf(*a),), raise_exception=False, fast_mode=fast, **tolerance), tolerance
    second = lambda a, b: b * f(a)
    assert not gradcheck(second, (leaf(1.2, 2.7), leaf(0.4, 0.8)), raise_exception=False, atol=1e-4)
    report = repr(torch.check(f, [torch.tensor([1.2, 2.7], dtype=torch.float64)]))
    assert "left the graph" in report and "times the right one" not in report, report


def test_a_tolerance_widens_the_comparison_with_the_function():
    slightly = lambda a: a + 1e-6 * (a * 1.0).detach()
    assert not gradcheck(slightly, (leaf(1.0, 2.0),), raise_exception=False)
    assert gradcheck(slightly, (leaf(1.0, 2.0),), atol=1e-4)
    assert not gradcheck(slightly, (leaf(1.0, 2.0),), atol=1e-9, rtol=0.0, raise_exception=False)
    assert not gradgradcheck(lambda a: a**2 * a.detach(), (leaf(1.0, 2.0),), atol=1e-4, raise_exception=False)


@pytest.mark.parametrize(
    "f, a",
    [
        (torch.log, (-1.0, 2.0)),
        (torch.log, (0.0,)),
        (lambda a: 1 / a, (0.0, 1.0)),
        (torch.sqrt, (-4.0,)),
        (torch.sqrt, (0.0,)),
        (lambda a: a * 2, (float("inf"),)),
        (lambda a: a * 2, (float("nan"), 1.0)),
        (lambda a: (a * 1e200) ** 2, (1e200,)),
    ],
)
def test_no_number_is_false_and_never_another_error(f, a):
    for fast in (False, True):
        assert gradcheck(f, (leaf(*a),), raise_exception=False, fast_mode=fast) is False
        with pytest.raises(GradcheckError):
            gradcheck(f, (leaf(*a),), fast_mode=fast)


def test_inputs_of_several_dtypes_are_checked():
    a, b = leaf(0.5, 1.5, dtype=torch.float32), leaf(0.25, 3.0)
    right = lambda a, b: (a * b).sin() + a.double().exp()
    assert gradcheck(right, (a, b)) and gradcheck(right, (b, a))
    wrong = lambda a, b: (a * b.detach()).sin()
    assert not gradcheck(wrong, (a, b), raise_exception=False, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("forward_rule", [False, True])
def test_a_backward_that_forgets_the_incoming_gradient_of_a_number_fails(forward_rule, dtype):
    class Forgets(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            ctx.save_for_forward(a)
            return (a**2).sum()

        @staticmethod
        def backward(ctx, g):
            (a,) = ctx.saved_tensors
            return 2 * a

    class Right(Forgets):
        @staticmethod
        def backward(ctx, g):
            (a,) = ctx.saved_tensors
            return 2 * a * g

    if forward_rule:
        for kind in (Forgets, Right):
            kind.jvp = staticmethod(lambda ctx, t: (2 * ctx.saved_tensors[0] * t).sum())
    x = torch.tensor([1.0, -2.0, 3.0], dtype=dtype)
    for kind, right in ((Forgets, False), (Right, True)):
        assert gradcheck(kind.apply, (x.clone().requires_grad_(),), raise_exception=False) is right
        report = torch.check(kind.apply, [x])
        assert (report.status == "pass") is right, report
        assert right or "does not multiply by its incoming gradient" in repr(report)
    # A function of it scales what comes in. (In float32 its rounding lies at the power that is asked for.)
    assert dtype is torch.float32 or gradcheck(lambda a: 3 * Right.apply(a).sin(), (x.clone().requires_grad_(),))


@pytest.mark.parametrize("options", [{}, {"fast_mode": True}, {"atol": 1e-5}])
@pytest.mark.parametrize("size", [1e-200, 1e-160, 1e-155, 1e-150, 1e-100, 1e-20, 1e-3])
def test_numbers_near_underflow_are_judged_as_by_pytorch(size, options):
    # PyTorch says True to all of these.
    for f in (lambda a: a * a, lambda a: a**3, lambda a: a.sin() * a):
        assert gradcheck(f, (leaf(size, 2 * size),), raise_exception=False, **options)
    # What is off by more than any tolerance stays wrong.
    class Shifted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return a * a

        @staticmethod
        def backward(ctx, g):
            return g

    assert not gradcheck(Shifted.apply, (leaf(size, 2 * size),), raise_exception=False, **options)


def test_as_much_is_drawn_as_pytorch_draws():
    pair = lambda x, y: (x.sin() * y, y.exp())
    numbers = leaf(0.1, 0.55, 1.0), leaf(0.2, 1.1, 2.0)
    given = (torch.ones(3, dtype=torch.float64, requires_grad=True),) * 2
    untouched = [0.49625658988952637, 0.7682217955589294]
    calls = [
        (lambda: gradcheck(pair, numbers), untouched),
        (lambda: gradgradcheck(pair, numbers, given), untouched),
        (lambda: gradgradcheck(pair, numbers), [0.022325754165649414, 0.16885894536972046]),
        (lambda: gradgradcheck(pair, numbers, fast_mode=True), [0.022325754165649414, 0.16885894536972046]),
        (lambda: gradgradcheck(pair, numbers, gen_non_contig_grad_outputs=True), [0.41940832138061523, 0.5529070496559143]),
    ]
    for call, after in calls:
        torch.manual_seed(0)
        assert call() and torch.rand(2).tolist() == after
