"""Forward mode as the program runs, and what `gradcheck` makes of it."""

import threading

import pytest

import pullback as torch
from pullback.autograd import forward_ad as fwAD

X = torch.tensor([1.0, 2.0, 3.0])
V = torch.tensor([1.0, 0.0, 2.0])


def test_tangents_are_pushed():
    with fwAD.dual_level() as level:
        assert level == 0
        d = fwAD.make_dual(X, V)
        assert repr(d) == "tensor([1., 2., 3.], tangent=tensor([1., 0., 2.]))"
        primal, tangent = fwAD.unpack_dual((d * d).sum())
        assert (primal.item(), tangent.item()) == (14, 14)
        assert fwAD.unpack_dual(d).primal.data_ptr() == X.data_ptr()
        assert fwAD.unpack_dual(fwAD.unpack_dual(d).primal).tangent is None
        assert fwAD.unpack_dual(X).tangent is None and fwAD.unpack_dual(d.detach()).tangent is None
        with torch.no_grad():
            assert fwAD.unpack_dual(d * 2).tangent.tolist() == [2, 0, 4]
        with torch.inference_mode():
            assert fwAD.unpack_dual(d * 2).tangent is None
        z = torch.zeros(3)
        z[1:] = d[1:] * 2
        assert fwAD.unpack_dual(z).tangent.tolist() == [0, 0, 4]
    assert fwAD.unpack_dual(d).tangent is None and repr(d) == "tensor([1., 2., 3.])"

    @fwAD.dual_level()
    def decorated():
        return fwAD.unpack_dual(fwAD.make_dual(X, V).exp()).tangent

    assert decorated().tolist() == (X.exp() * V).tolist()


def test_forward_over_reverse_and_back():
    w = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    v = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
    for create_graph in (True, False):
        with fwAD.dual_level():
            d = fwAD.make_dual(w, v)
            (g,) = torch.autograd.grad((d**3).sum(), w, create_graph=create_graph)
            assert torch.allclose(fwAD.unpack_dual(g).tangent, 6 * w.detach() * v)
            tangent = fwAD.unpack_dual(d**3).tangent
            assert torch.allclose(torch.autograd.grad(tangent.sum(), w)[0], 6 * w.detach() * v)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: fwAD.make_dual(X, V), RuntimeError, "no level exists, make sure to enter_dual_level() first."),
        (lambda: fwAD.exit_dual_level(), RuntimeError, "Dual level must be a positive number."),
        (lambda: fwAD.exit_dual_level(level=3), RuntimeError, "that was not the last one that was created"),
    ],
)
def test_mistakes_without_a_level(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value)
    assert fwAD.unpack_dual(X) == (X, None)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (fwAD.enter_dual_level, RuntimeError, "Nested forward mode AD is not supported at the moment"),
        (lambda: fwAD.make_dual(X.long(), V), ValueError, "Expected primal to be floating point or complex, but got: torch.int64"),
        (lambda: fwAD.make_dual(X, V.long()), ValueError, "Expected tangent to be floating point or complex, but got: torch.int64"),
        (lambda: fwAD.make_dual(X, V[:2]), RuntimeError, "Tensor is of size [3] while the given forward gradient is of size [2]."),
        (lambda: fwAD.make_dual(fwAD.make_dual(X, V), V), RuntimeError, "already has a forward gradient at the same level 0"),
        (lambda: fwAD.make_dual(X, fwAD.make_dual(X, V)), RuntimeError, "Setting a forward grad that itself has a forward gradient"),
        (lambda: fwAD.make_dual(X, V, level=5), RuntimeError, "Invalid level given to _make_dual"),
        (lambda: fwAD.make_dual(X, None), AttributeError, "is_floating_point"),
        (lambda: fwAD.unpack_dual(X, level=5), RuntimeError, "Invalid level given to _fw_primal"),
    ],
)
def test_mistakes_in_a_level(call, kind, words):
    with fwAD.dual_level(), pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value)


def test_a_level_belongs_to_its_thread():
    seen = []

    def work():
        seen.append(fwAD.unpack_dual(d * 2).tangent)
        with fwAD.dual_level():
            seen.append(fwAD.unpack_dual(fwAD.make_dual(X, V) * 2).tangent.tolist())

    with fwAD.dual_level():
        d = fwAD.make_dual(X, V)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert fwAD.unpack_dual(d).tangent is not None
    assert seen == [None, [2, 0, 4]]


class Square(torch.autograd.Function):
    slope = 2

    @staticmethod
    def forward(ctx, a):
        ctx.save_for_forward(a)
        return a**2

    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0]

    @classmethod
    def jvp(cls, ctx, t):
        return cls.slope * t * ctx.saved_tensors[0]


class Wrong(Square):
    slope = 3


class NoForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a**2

    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0]


def test_gradcheck_checks_forward_mode():
    a, b = (torch.rand(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    check = torch.autograd.gradcheck
    assert check(lambda a, b: ((a * b).sin(), a.sum()), (a, b), check_forward_ad=True)
    assert check(Square.apply, (a,), check_forward_ad=True, check_backward_ad=False)
    with pytest.raises(torch.autograd.GradcheckError, match="Jacobian computed with forward mode mismatch for output 0 with respect to input 0"):
        check(Wrong.apply, (a,), check_forward_ad=True)
    assert not check(Wrong.apply, (a,), check_forward_ad=True, raise_exception=False)
    assert check(NoForward.apply, (a,))
    with pytest.raises(NotImplementedError, match="You must implement the jvp function"):
        check(NoForward.apply, (a,), check_forward_ad=True)
    with pytest.raises(AssertionError, match="at least one of check_forward_ad or check_backward_ad"):
        check(Square.apply, (a,), check_backward_ad=False)
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        check(Square.apply, (a.detach(),))
    assert torch.autograd.gradgradcheck(lambda a, b: (a * b).sin(), (a, b), check_fwd_over_rev=True)


def test_tolerances_are_honoured_where_given():
    class Rough(NoForward):
        @staticmethod
        def backward(ctx, g):
            return 2.0001 * g * ctx.saved_tensors[0]

    a = torch.rand(3, dtype=torch.float64, requires_grad=True)
    assert not torch.autograd.gradcheck(Rough.apply, (a,), raise_exception=False)
    assert torch.autograd.gradcheck(Rough.apply, (a,), rtol=1e-3)
    assert not torch.autograd.gradcheck(Rough.apply, (a,), atol=1e-9, rtol=1e-6, raise_exception=False)
