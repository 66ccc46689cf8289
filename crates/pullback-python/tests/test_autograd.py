"""Backward, `grad`, hooks, modes: the engine as Python sees it, and exceptions and memory on the way."""

import gc
import weakref

import numpy as np
import pytest

import pullback as torch


def leaf(*values, dtype=None):
    return torch.tensor(list(values), dtype=dtype, requires_grad=True)


def test_backward_and_grad():
    x = leaf(1.0, 2.0)
    (x**2).sum().backward()
    assert x.grad.tolist() == [2, 4]
    (x**2).sum().backward()
    assert x.grad.tolist() == [4, 8]
    x.grad = None
    assert x.grad is None
    y = x**3
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert g.tolist() == [3, 12] and h.tolist() == [6, 12] and x.grad is None
    y = x * 2
    torch.autograd.backward([y], [torch.tensor([1.0, 10.0])])
    assert x.grad.tolist() == [2, 20]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: (x * 2).backward(), "grad can be implicitly created only for scalar outputs"),
        (lambda x: torch.zeros(1).sum().backward(), "element 0 of tensors does not require grad and does not have a grad_fn"),
        (lambda x: torch.autograd.grad(x.sum(), leaf(1.0)), "The differentiated Tensor at index 0 appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior."),
        (lambda x: [s.backward() for s in [x.exp().sum()] * 2], "Trying to backward through the graph a second time"),
        (lambda x: x.add_(1), "a leaf Variable that requires grad is being used in an in-place operation."),
        (lambda x: (x * 2).backward(torch.ones(3)), "Mismatch in shape: grad_output[0] has a shape of torch.Size([3]) and output[0] has a shape of torch.Size([2])."),
        (lambda x: setattr((x * 2), "requires_grad", False), "you can only change requires_grad flags of leaf variables"),
        (lambda x: torch.zeros(2).register_hook(print), "cannot register a hook on a tensor that doesn't require gradient"),
    ],
)
def test_mistakes_have_pytorchs_sentences(call, words):
    with pytest.raises(RuntimeError) as caught:
        call(leaf(1.0, 2.0))
    assert words in str(caught.value)


def test_values_written_after_they_were_saved():
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y**2
    y += 1
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        z.sum().backward()


def test_in_place_on_views():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    y[1:].mul_(10)
    y[0] = y[2] * 3
    y.sum().backward()
    assert y.tolist() == [180, 40, 60] and x.grad.tolist() == [0, 20, 80]


def test_hooks():
    x = leaf(1.0, 2.0)
    h = x * 2
    seen = []
    h.register_hook(lambda g: seen.append(g.clone()))
    handle = h.register_hook(lambda g: g * 10)
    h.retain_grad()
    done = []
    x.register_post_accumulate_grad_hook(lambda t: done.append(t.grad.tolist()))
    h.sum().backward(retain_graph=True)
    assert seen[0].tolist() == [1, 1] and x.grad.tolist() == [20, 20] and h.grad.tolist() == [10, 10] and done == [[20, 20]]
    handle.remove()
    x.grad = None
    h.sum().backward()
    assert x.grad.tolist() == [2, 2]
    y = x * x
    got = []
    y.grad_fn.register_hook(lambda inputs, outputs: got.append((len(inputs), len(outputs))))
    y.sum().backward()
    assert got == [(2, 1)] and y.grad_fn.name() == "MulBackward0"
    assert y.grad_fn.next_functions[0][0].name() == "AccumulateGrad" or "AccumulateGrad" in repr(y.grad_fn.next_functions)


class Own(Exception):
    pass


def test_exceptions_arrive_as_they_are():
    x = leaf(1.0)
    raised = Own("mine", 7)

    def hook(g):
        raise raised

    h = x * 2
    h.register_hook(hook)
    with pytest.raises(Own) as caught:
        h.sum().backward()
    assert caught.value is raised and caught.value.args == ("mine", 7)
    assert "hook" in [frame.name for frame in caught.traceback]
    # Nothing stays behind: the next mistake is its own.
    with pytest.raises(RuntimeError, match="size of tensor a"):
        torch.zeros(2) + torch.zeros(3)
    h = x * 2
    h.register_hook(lambda g: "no tensor")
    with pytest.raises((TypeError, RuntimeError)):
        h.sum().backward()


def test_backward_inside_of_a_hook():
    x, inner = leaf(2.0), leaf(3.0)
    y = x * x

    def hook(g):
        # As in PyTorch, hooks run as the backward does: without recording.
        assert not torch.is_grad_enabled()
        with torch.enable_grad():
            (inner * inner).sum().backward()
        return g + inner.grad

    y.register_hook(hook)
    y.sum().backward()
    assert inner.grad.tolist() == [6] and x.grad.tolist() == [28]
    assert torch.is_grad_enabled()


def test_modes():
    x = leaf(1.0)
    with torch.no_grad():
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()

    @torch.no_grad()
    def inside(t):
        return t * 2

    @torch.no_grad
    def bare(t):
        return t * 2

    assert not inside(x).requires_grad and not bare(x).requires_grad
    with torch.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    torch.set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        1 / 0
    assert torch.is_grad_enabled()
    with torch.inference_mode():
        y = torch.ones(2)
        assert y.is_inference() and not torch.is_grad_enabled()
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        (x * y[0]).sum().backward()

    @torch.no_grad()
    def numbers():
        for _ in range(2):
            yield torch.is_grad_enabled()

    assert list(numbers()) == [False, False] and torch.is_grad_enabled()


def test_anomaly_mode():
    x = leaf(0.0)
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="returned nan values in its 0th output"):
        (x.sqrt() * 0).sum().backward()


def test_detach_data_and_requires_grad():
    x = leaf(1.0, 2.0)
    d = x.detach()
    d[0] = 5
    assert x[0].item() == 5 and not d.requires_grad and d.is_leaf
    x.data = torch.tensor([7.0, 8.0])
    assert x.tolist() == [7, 8] and x.requires_grad
    x.data -= 1
    assert x.tolist() == [6, 7]


def alive(make):
    """Whether what `make` returns a weak reference to is still there after a collection."""
    reference = make()
    gc.collect()
    return reference() is not None


def test_memory_returns_to_its_baseline():
    def graph():
        x = leaf(1.0)
        y = (x * x).exp()
        y.sum().backward()
        return weakref.ref(y)

    def saved_output_of_a_function():
        class F(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx, g):
                return g * ctx.saved_tensors[0]

        y = F.apply(leaf(1.0))
        return weakref.ref(y)

    def second_order():
        x = leaf(1.0)
        (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        g.sum().backward()
        return weakref.ref(x)

    for make in (graph, saved_output_of_a_function, second_order):
        assert not alive(make), make.__name__


def test_a_million_operations_in_a_row():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.sum().backward()
    assert x.grad.tolist() == [1]
    del y


def test_second_order_through_everything_at_once():
    x = torch.tensor(np.linspace(0.3, 0.9, 6).reshape(2, 3), requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: (t.softmax(1) @ t.T).tanh().sum(), (x,))
    assert torch.autograd.gradgradcheck(lambda t: (t.sin() * t.T.reshape(2, 3)).sum(), (x,))
    with pytest.raises(RuntimeError):
        torch.autograd.gradcheck(lambda t: t * t.detach(), (x,))
