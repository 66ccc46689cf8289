"""`__torch_function__`: who answers a call, with what, and that all is as before when nobody does. PyTorch's own prints are in `scripts/overriding_functions.txt`."""

import copy
import io
import pickle
import threading

import pytest

import pullback as torch
from pullback.overrides import (
    BaseTorchFunctionMode,
    TorchFunctionMode,
    get_ignored_functions,
    get_overridable_functions,
    get_testing_overrides,
    handle_torch_function,
    has_torch_function,
    has_torch_function_unary,
    has_torch_function_variadic,
    is_tensor_like,
    is_tensor_method_or_property,
    resolve_name,
    wrap_torch_function,
)


class Plain(torch.Tensor):
    """A subclass that says nothing."""


class Seen(torch.Tensor):
    """A subclass that notes what it is asked."""

    calls = []  # noqa: RUF012

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append(resolve_name(func))
        return super().__torch_function__(func, types, args, kwargs)


class Duck:
    """No tensor, and answers with what it was asked."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return resolve_name(func), len(args), kwargs


class Silent:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


class Log(TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.calls.append(resolve_name(func))
        return func(*args, **(kwargs or {}))


def test_results_are_of_the_subclass():
    x = torch.arange(6.0).reshape(2, 3).as_subclass(Plain)
    made = [x + 1, 1 + x, torch.ones(2, 3) * x, x @ x.T, -x, x[0], x.T, x.sum(), torch.exp(x), torch.cat([torch.ones(1, 3), x]), x.max(1).values, x.data, x.clone(), x.to(torch.float64)]
    made += [*x, *x.split(1), torch.nn.functional.relu(x), torch.nn.functional.linear(x, torch.ones(2, 3)), torch.einsum("ij->j", x), x > 1, torch.zeros_like(x), x.requires_grad_()]
    assert all(type(m) is Plain for m in made)
    assert type(x.shape) is torch.Size and type(x.tolist()) is list and type(x.detach().numpy()).__name__ == "ndarray" and type(x.sum().item()) is float
    assert repr(torch.ones(2).as_subclass(Plain)) == "Plain([1., 1.])" == str(torch.ones(2).as_subclass(Plain))
    lines = repr(torch.ones(2, 2).as_subclass(Plain)).split("\n")
    assert lines == ["Plain([[1., 1.],", "       [1., 1.]])"]
    (x * 2).sum().backward()
    assert torch.equal(x.grad.as_subclass(torch.Tensor), torch.full((2, 3), 2.0))
    y = x.detach()
    y += 1
    y[0] = 7
    assert type(y) is Plain and y.as_subclass(torch.Tensor)[0].tolist() == [7.0, 7.0, 7.0]
    assert hash(y) == hash(y) and y in {y: 1}


def test_subclasses_keep_what_they_are():
    x = torch.ones(2).as_subclass(Plain)
    x.tag = "mine"
    for y in (copy.deepcopy(x), copy.copy(x), pickle.loads(pickle.dumps(x))):
        assert type(y) is Plain and y.tag == "mine"
    file = io.BytesIO()
    torch.save(x, file)
    file.seek(0)
    assert type(torch.load(file, weights_only=False)) is Plain

    class Own(torch.Tensor):
        def __add__(self, other):
            return "own", super().__add__(other)

        @property
        def shape(self):
            return "none"

    y = torch.ones(2).as_subclass(Own)
    assert (y + 1)[0] == "own" and type((y + 1)[1]) is Own and y.shape == "none" and torch.add(y, 1).size() == (2,)


def test_what_is_asked():
    x = torch.ones(2).as_subclass(Seen)
    Seen.calls.clear()
    _ = x + 1, torch.ones(2) - x, 1 - x, x.shape, x.size(), x[0], torch.stack([x]), torch.ones(2).mul(x), torch.nn.functional.softmax(x, 0), x == 1
    assert Seen.calls == [
        "torch.Tensor.add", "torch.Tensor.sub", "torch.Tensor.__rsub__", "torch.Tensor.shape.__get__", "torch.Tensor.size", "torch.Tensor.__getitem__", "torch.stack", "torch.Tensor.mul", "torch.nn.functional.softmax", "torch.Tensor.eq",
    ]  # fmt: skip
    with torch._C.DisableTorchFunctionSubclass():
        assert type(x + 1) is torch.Tensor
    assert len(Seen.calls) == 10


def test_the_default_minds_classes_that_are_none_of_its_own():
    with pytest.raises(TypeError, match="Multiple dispatch failed for 'torch.add'"):
        torch.add(torch.ones(1).as_subclass(Plain), torch.ones(1).as_subclass(Seen))

    class Lower(Plain):
        pass

    assert type(torch.add(torch.ones(1).as_subclass(Plain), torch.ones(1).as_subclass(Lower))) is Lower


def test_what_is_no_tensor():
    d, x = Duck(), torch.ones(2)
    assert torch.add(x, d) == ("torch.add", 2, {}) and torch.mean(input=d) == ("torch.mean", 0, {"input": d}) and torch.add(x, x, alpha=d)[0] == "torch.add"
    assert torch.cat([x, d])[0] == "torch.cat" and x.add(d)[0] == "torch.Tensor.add" and torch.einsum("i", d)[0] == "torch.einsum"
    assert (x + d)[0] == (d + x)[0] == "torch.Tensor.add" and (x - d)[0] == "torch.Tensor.sub" and (d - x)[0] == "torch.Tensor.__rsub__" and (x @ d)[0] == "torch.Tensor.matmul"
    assert (x == d)[0] == "torch.Tensor.eq" and (x**d)[0] == "torch.Tensor.pow" and torch.nn.functional.dropout1d(d)[0] == "torch.nn.functional.dropout1d"
    assert torch.nn.Linear(2, 2)(d)[0] == "torch.nn.functional.linear"
    with pytest.raises(TypeError, match="Multiple dispatch failed for 'torch.add'"):
        torch.add(x, Silent())
    with pytest.raises(TypeError, match="no implementation found for 'torch.einsum'"):
        torch.einsum("i", Silent())
    with pytest.raises(TypeError, match="unsupported operand"):
        x + Silent()
    with pytest.raises(TypeError):
        torch.add(x, object())


def test_errors_of_answers_come_out_as_they_are():
    class Failing:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise KeyError("mine")

    for call in (lambda: torch.add(Failing(), 1), lambda: torch.ones(1) + Failing(), lambda: torch.einsum("i", Failing())):
        with pytest.raises(KeyError, match="mine"):
            call()


def test_modes():
    x = torch.ones(2)
    with Log() as log:
        y = torch.zeros(2) + x
        _ = y.shape, y.sum().item(), torch.tensor(1), y[0], torch.einsum("i->", x), torch.nn.functional.relu(x)
    assert log.calls == [
        "torch.zeros", "torch.Tensor.add", "torch.Tensor.shape.__get__", "torch.Tensor.sum", "torch.Tensor.item", "torch.tensor", "torch.Tensor.__getitem__", "torch.einsum", "torch.nn.functional.relu",
    ]  # fmt: skip
    _ = x + 1, torch.ones(1)
    assert len(log.calls) == 9 and "__add__" in vars(torch.Tensor) and type(vars(torch.Tensor)["__add__"]).__name__ == "wrapper_descriptor"


def test_modes_are_asked_from_the_innermost():
    order = []

    class Named(TorchFunctionMode):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def __torch_function__(self, func, types, args=(), kwargs=None):
            order.append(self.name)
            return func(*args, **(kwargs or {}))

    with Named("outer"), Named("inner"):
        torch.ones(1)
    assert order == ["inner", "outer"]

    class Answers(BaseTorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return "mine" if func is torch.add else super().__torch_function__(func, types, args, kwargs)

    with Answers():
        assert torch.add(torch.ones(1), 1) == "mine" and torch.mul(torch.ones(1), 3).item() == 3.0
        with pytest.raises(ZeroDivisionError):
            1 / 0  # noqa: B018
    with Log() as log, torch._C.DisableTorchFunction():
        torch.ones(1)
    assert not log.calls


def test_a_mode_is_one_threads():
    with Log() as log:
        thread = threading.Thread(target=lambda: torch.ones(2) + torch.ones(2))
        thread.start()
        thread.join()
    assert not log.calls


def test_a_function_of_ones_own():
    def twice(a):
        if has_torch_function_unary(a):
            return handle_torch_function(twice, (a,), a)
        return a * 2

    assert twice(torch.ones(1)).item() == 2.0 and twice(Duck()) == (None, 1, {})

    @wrap_torch_function(lambda a, b: (a, b))
    def both(a, b):
        return a + b

    assert both(1, 2) == 3 and both(1, Duck())[1] == 2
    with pytest.raises(TypeError, match="no implementation found"):
        both(Silent(), 2)


def test_questions():
    x, p = torch.ones(1), torch.nn.Parameter(torch.ones(1))
    assert is_tensor_like(x) and is_tensor_like(p) and is_tensor_like(Duck()) and not is_tensor_like(3) and not is_tensor_like([x])
    assert not has_torch_function((x, p, 3)) and has_torch_function((x, Duck())) and has_torch_function_variadic(3, Duck()) and not has_torch_function_variadic(x, p)
    assert resolve_name(torch.Tensor.add) == "torch.Tensor.add" and resolve_name(torch.add) == "torch.add" and resolve_name(torch.Tensor.shape.__get__) == "torch.Tensor.shape.__get__" and resolve_name(print) is None
    assert is_tensor_method_or_property(torch.Tensor.add) and not is_tensor_method_or_property(torch.add)
    found = get_overridable_functions()
    assert torch.add in found[torch] and torch.Tensor.add in found[torch.Tensor] and torch.nn.functional.relu in found[torch.nn.functional] and torch.zeros in get_ignored_functions()
    assert torch.zeros not in found[torch] and get_testing_overrides()[torch.add](1, 2) == -1


def test_parameters_of_a_subclass():
    p = torch.nn.Parameter(torch.ones(2, 2).as_subclass(Plain))
    layer = torch.nn.Linear(2, 2)
    layer.weight = p
    assert type(p) is Plain and isinstance(p, torch.nn.Parameter) and p.requires_grad and p.is_leaf and "weight" in dict(layer.named_parameters())
    assert type(layer(torch.ones(1, 2))) is Plain and not isinstance(torch.ones(1), torch.nn.Parameter) and not isinstance(torch.ones(1).as_subclass(Plain), torch.nn.Parameter)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert torch.allclose(layer.weight.as_subclass(torch.Tensor), torch.full((2, 2), 0.5))
    assert type(p * 2) is Plain and type(layer.bias * 2) is torch.Tensor
