"""Functions as nobody should write them, and everybody does: each answer of the checker is one that a strict reader would give. Views, writes,
state, random draws, exceptions, no numbers, hooks, switched gradients, and `Function`s with rules of every kind of wrong."""

import numpy as np
import pytest

import pullback as torch
from pullback.autograd import Function, gradcheck, gradgradcheck


def P(n=3, dtype=torch.float64, seed=0):
    return torch.tensor(np.random.default_rng(seed).normal(size=n) + 2.5, dtype=dtype)


cases = {}


def case(expect, n=3, dtype=None, inputs=None, **kw):
    def deco(f):
        cases[f.__name__] = (f, expect, inputs if inputs is not None else lambda: [P(n, dtype or torch.float64)], kw)
        return f
    return deco


W = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
calls = {"n": 0}


@case({"pass", "raises"})
def inplace_input(a):
    a = a.clone()
    a.mul_(2)
    return a.sin()


@case({"raises"})
def inplace_leaf(a):
    a.mul_(2)
    return a.sin()


@case({"unknown"})
def inplace_nograd(a):
    with torch.no_grad():
        a.mul_(2)
    return a.sin()


@case({"fail"})
def inplace_data(a):
    b = a.clone()
    b.data.mul_(a.data)
    return b.sin()


@case({"unknown", "raises"})
def global_state(a):
    calls["n"] += 1
    return a * calls["n"]


@case({"pass"})
def random_seeded(a):
    torch.manual_seed(0)
    return a * torch.rand(3, dtype=torch.float64)


@case({"pass"})
def dropout_seeded(a):
    torch.manual_seed(0)
    return torch.nn.functional.dropout(a * 1.0, 0.5)


def third():
    k = {"n": 0}

    def raises_third(a):
        k["n"] += 1
        if k["n"] == 3:
            raise RuntimeError("third")
        return a.sin()
    return raises_third


cases["raises_third"] = (third(), {"raises"}, lambda: [P()], {})


@case({"unknown", "raises"})
def none(a):
    a.sin()


@case({"pass"})
def hook_ident(a):
    b = a * 2
    b.register_hook(lambda g: None)
    return b.sin()


@case({"fail"})
def hook_double(a):
    b = a * 2
    b.register_hook(lambda g: g * 2)
    return b.sin()


@case({"fail"})
def no_grad_inside(a):
    with torch.no_grad():
        b = a.sin()
    return a * b


@case({"unknown", "fail"})
def all_no_grad(a):
    with torch.no_grad():
        return a.sin()


@case({"pass"})
def double_back(a):
    y = (a ** 3).sum()
    g, = torch.autograd.grad(y, a, create_graph=True)
    return g.sin()


@case({"fail"})
def double_back_nograph(a):
    y = (a ** 3).sum()
    g, = torch.autograd.grad(y, a)
    return g * a


@case({"fail", "unknown", "raises"})
def backward_inside(a):
    b = a.detach().requires_grad_()
    (b ** 2).sum().backward()
    return a * b.grad


@case({"fail", "unknown"})
def toggles(a):
    b = a.detach().requires_grad_(True)
    return (b * b).sum()


@case({"fail"})
def toggles_half(a):
    b = a.detach().requires_grad_(True)
    return (b * a).sum()


@case({"pass"})
def max_detach(a):
    m = a.detach().max()
    return (a - m).exp().sum().log() + m


@case({"pass"})
def deletes(a):
    b = a.sin()
    del a
    return b


@case({"raises"})
def view_inplace(a):
    b = a.clone()
    b[0] = b[1] * b[2]
    return b.sum()


@case({"pass"})
def module(a):
    torch.manual_seed(1)
    l = torch.nn.Linear(3, 2).double()
    return l(a)


class Wrong(Function):

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 2

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * x


class Shape(Function):

    @staticmethod
    def forward(ctx, x):
        return x ** 2

    @staticmethod
    def backward(ctx, g):
        return torch.ones(7, dtype=torch.float64)


class NoneBack(Function):

    @staticmethod
    def forward(ctx, x):
        return x ** 2

    @staticmethod
    def backward(ctx, g):
        return None


class Raises(Function):

    @staticmethod
    def forward(ctx, x):
        return x ** 2

    @staticmethod
    def backward(ctx, g):
        raise ValueError("mine")


class Only64(Function):

    @staticmethod
    def forward(ctx, x):
        if x.dtype not in (torch.float64, torch.float32):
            raise ZeroDivisionError("only doubles")
        ctx.save_for_backward(x)
        return x ** 2

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return 2 * g * x


@case({"pass"})
def fn_only64(a):
    return Only64.apply(a)


class Two(Function):

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x ** 2, x.sin())

    @staticmethod
    def backward(ctx, g, h):
        x, = ctx.saved_tensors
        return 2 * g * x + h * x.cos()


@case({"pass"})
def fn_two(a):
    y, z = Two.apply(a)
    return y * z


class Captured(Function):

    @staticmethod
    def forward(ctx, x, box):
        ctx.box = box
        ctx.save_for_backward(x)
        return x * box[0].detach()

    @staticmethod
    def backward(ctx, g):
        return (g * ctx.box[0].detach(), None)


class Extra(Function):

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return (g * 2, None, None)


@case({"raises"})
def keyboard(a):
    raise KeyboardInterrupt


@case({"raises"})
def sysexit(a):
    raise SystemExit(3)


# Those of one line: what is expected, the function, its inputs.
LINES = {
    "view": ({"pass"}, lambda a: a, lambda: [P()]),
    "view_slice": ({"pass"}, lambda a: a[1:], lambda: [P()]),
    "view_t": ({"pass"}, lambda a: a.view(3, 1).t(), lambda: [P()]),
    "random_draw": ({"unknown", "raises"}, lambda a: a * torch.rand(3, dtype=torch.float64), lambda: [P()]),
    "nan_value": ({"raises"}, lambda a: (a - 100).log(), lambda: [P()]),
    "inf_value": ({"raises"}, lambda a: a / 0, lambda: [P()]),
    "nan_grad": ({"fail", "raises"}, lambda a: torch.where(a > 0, a, (a - a).sqrt() * a), lambda: [P()]),
    "integer": ({"unknown"}, lambda a: a.long(), lambda: [P()]),
    "boolean": ({"unknown"}, lambda a: a > 0, lambda: [P()]),
    "empty": ({"unknown"}, lambda a: a.sum(), lambda: [torch.zeros(0, dtype=torch.float64)]),
    "empty_result": ({"unknown"}, lambda a: a[:0], lambda: [P()]),
    "zero_d": ({"pass"}, lambda a: a.exp(), lambda: [torch.tensor(1.5, dtype=torch.float64)]),
    "expanded": ({"pass"}, lambda a: a.exp(), lambda: [torch.tensor([1.5], dtype=torch.float64).expand(4)]),
    "noncontig": ({"pass"}, lambda a: a.exp(), lambda: [torch.arange(6, dtype=torch.float64).reshape(2, 3).t() + 0]),
    "strided": ({"pass"}, lambda a: a.log(), lambda: [(torch.arange(12, dtype=torch.float64) + 1)[::2]]),
    "mixed": ({"pass"}, lambda a, b: a * b, lambda: [P(3), P(3, torch.float32)]),
    "with_index": ({"pass"}, lambda a, i: a[i] * a, lambda: [P(3), torch.tensor([0, 2, 1])]),
    "container": ({"unknown", "raises"}, lambda a: {"x": a.sin()}, lambda: [P()]),
    "tup": ({"pass"}, lambda a: (a.sin(), a.cos()), lambda: [P()]),
    "number": ({"unknown", "raises"}, lambda a: float(a.sum()), lambda: [P()]),
    "nparr": ({"unknown", "raises"}, lambda a: a.detach().numpy(), lambda: [P()]),
    "captures": ({"unknown"}, lambda a: (W * W).sum(), lambda: [P()]),
    "captures_and_uses": ({"pass"}, lambda a: (W * a).sum(), lambda: [P()]),
    "item_factor": ({"fail"}, lambda a: a * a[0].item(), lambda: [P()]),
    "numpy_factor": ({"fail"}, lambda a: a * torch.tensor(np.sin(a.detach().numpy())), lambda: [P()]),
    "branch": ({"pass"}, lambda a: a.sin() if a[0].item() > 0 else a.cos(), lambda: [P()]),
    "changes_shape": ({"pass", "raises"}, lambda a: a[a > 2.0].sin(), lambda: [P()]),
    "ste": ({"fail"}, lambda a: a + (a.round() - a).detach(), lambda: [P()]),
    "out_arg": ({"pass"}, lambda a: torch.stack([a, a.sin()]).sum(0), lambda: [P()]),
    "fn_wrong": ({"fail"}, lambda a: Wrong.apply(a), lambda: [P()]),
    "fn_shape": ({"raises"}, lambda a: Shape.apply(a), lambda: [P()]),
    "fn_none": ({"fail"}, lambda a: NoneBack.apply(a), lambda: [P()]),
    "fn_raises": ({"raises"}, lambda a: Raises.apply(a), lambda: [P()]),
    "fn_captured": ({"fail"}, lambda a: Captured.apply(a, [a]), lambda: [P()]),
    "f32": ({"pass"}, lambda a: (a.sin() * a).sum(), lambda: [P(3, torch.float32)]),
    "half": ({"unknown"}, lambda a: a.sin(), lambda: [torch.ones(3, dtype=torch.float16) + 1]),
    "sort_": ({"pass"}, lambda a: a.sort().values * torch.arange(3, dtype=torch.float64), lambda: [P()]),
    "relu0": ({"pass", "unknown"}, lambda a: a.relu(), lambda: [torch.zeros(3, dtype=torch.float64)]),
    "sqrt0_inf": ({"raises"}, lambda a: 1 / a.sqrt(), lambda: [torch.zeros(3, dtype=torch.float64)]),
    "sqrt0": ({"unknown", "fail", "raises"}, lambda a: a.sqrt(), lambda: [torch.zeros(3, dtype=torch.float64)]),
}
for _name, (_expected, _f, _inputs) in LINES.items():
    cases[_name] = (_f, _expected, _inputs, {})


@pytest.mark.parametrize("name", cases)
def test_the_answer(name):
    f, expected, inputs, _ = cases[name]
    try:
        answer = torch.check(f, inputs()).status
    except BaseException:
        answer = "raises"
    assert answer in expected


@pytest.mark.parametrize("f", [lambda a: None, lambda a: 1.5, lambda a: {"x": a}, lambda a: a.detach().numpy()])
def test_what_is_no_tensor_is_an_error_in_both_orders(f):
    for check in (gradcheck, gradgradcheck):
        with pytest.raises(AttributeError):
            check(f, (P().requires_grad_(),))


def test_what_was_raised_in_32_digits_is_said_with_its_place():
    report = torch.check(fn_only64, [P()])
    line = Only64.forward.__code__.co_firstlineno
    text = repr(report)
    assert "ZeroDivisionError: only doubles, raised at" in text and f"{__file__}:" in text and ("forward of Only64" in text)
    assert any((f"{__file__}:{line + k}" in text for k in range(4)))


def test_forward_mode_that_was_not_tested_is_said():
    assert "forward mode was not tested" in repr(torch.check(fn_two, [P()]))


def test_a_function_that_writes_into_its_inputs_is_told_so():
    assert "writes into its input x0" in repr(torch.check(inplace_nograd, [P()]))


@pytest.mark.parametrize("mode", ["full", "fast"])
@pytest.mark.parametrize("size", [1e-300, 1e-250, 1e-200, 1e-160, 1e-150, 1e-100, 1.0, 1e+100, 1e+150])
def test_a_detached_factor_is_no_pass_at_any_scale(size, mode):
    a = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64) * size
    assert torch.check(lambda a: a * a, [a], mode=mode).status != "fail"
    assert torch.check(lambda a: a * a.detach(), [a], mode=mode).status != "pass"
    assert torch.check(lambda a: a * a, [a], grad=[4 * a], mode=mode).status != "pass"
