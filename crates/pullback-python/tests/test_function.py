"""`autograd.Function`: functions with a gradient of the user's own."""

import pytest

import pullback as torch


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * x * factor

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        assert ctx.needs_input_grad == (True, False)
        return 2 * x * g * ctx.factor, None


def test_forward_backward_and_second_order():
    x = torch.tensor([3.0], requires_grad=True)
    y = Square.apply(x, 2.0)
    assert y.item() == 18 and "SquareBackward" in repr(y)
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    (h,) = torch.autograd.grad(g, x)
    assert g.item() == 12 and h.item() == 4


def test_several_results_and_setup_context():
    class Two(torch.autograd.Function):
        @staticmethod
        def forward(a, b):
            return a * b, a + b

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g1, g2):
            a, b = ctx.saved_tensors
            return g1 * b + g2, g1 * a + g2

    a, b = (torch.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    p, s = Two.apply(a, b)
    (p + 10 * s).backward()
    assert (a.grad.item(), b.grad.item()) == (13, 12)


def test_mark_dirty_keeps_the_object():
    class AddOne(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.add_(1)

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = torch.tensor(1.0, requires_grad=True)
    h = x * 1
    assert AddOne.apply(h) is h and h.item() == 2
    h.backward()
    assert x.grad.item() == 5


def test_mark_non_differentiable():
    class Sorted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            values, indices = x.sort()
            ctx.mark_non_differentiable(indices)
            ctx.save_for_backward(indices)
            return values, indices

        @staticmethod
        def backward(ctx, g, _):
            (indices,) = ctx.saved_tensors
            return torch.zeros_like(g).scatter(0, indices, g)

    x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
    v, i = Sorted.apply(x)
    assert v.requires_grad and not i.requires_grad
    (v * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [3, 1, 2]


def wrong(result):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return result(g)

    return Wrong


@pytest.mark.parametrize(
    ("result", "error", "words"),
    [
        (lambda g: (g, g), RuntimeError, "returned an incorrect number of gradients (expected 1, got 2)"),
        (lambda g: torch.zeros(7), RuntimeError, "returned an invalid gradient at index 0 - got [7] but expected shape compatible with [2]"),
        (lambda g: 1 / 0, ZeroDivisionError, "division by zero"),
        (lambda g: "text", (RuntimeError, TypeError), ""),
    ],
)
def test_wrong_backwards(result, error, words):
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(error) as caught:
        wrong(result).apply(x).sum().backward()
    assert words in str(caught.value)


def test_a_function_cannot_be_made():
    with pytest.raises(RuntimeError, match="should not be instantiated"):
        Square()
    with pytest.raises(NotImplementedError):

        class Half(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x / 2

        Half.apply(torch.ones(1, requires_grad=True)).backward()


def test_once_differentiable():
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 3

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return g * 3

    x = torch.ones(2, requires_grad=True)
    F.apply(x).sum().backward()
    assert x.grad.tolist() == [3, 3]
