"""Tensors: making, operators, dtypes, printing, copies, and what is raised when something is wrong."""

import copy
import pickle

import numpy as np
import pytest

import pullback as torch


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1, torch.int64, ()),
        (1.5, torch.float32, ()),
        (True, torch.bool, ()),
        ([], torch.float32, (0,)),
        ([[], []], torch.float32, (2, 0)),
        ([1, 2.5], torch.float32, (2,)),
        ([True, 2], torch.int64, (2,)),
        (((1, 2), (3, 4)), torch.int64, (2, 2)),
        (np.arange(3.0), torch.float64, (3,)),
        (np.float32(2), torch.float32, ()),
        (np.int32([[1], [2]]), torch.int32, (2, 1)),
        ([np.float64(1), 2], torch.float64, (2,)),
        (np.uint8([1]), torch.uint8, (1,)),
    ],
)
def test_data_becomes_a_tensor(data, dtype, shape):
    t = torch.tensor(data)
    assert (t.dtype, t.shape) == (dtype, shape)
    assert isinstance(t.shape, torch.Size)
    np.testing.assert_array_equal(t.numpy(), np.asarray(data).astype(t.numpy().dtype))


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ([[1, 2], [3]], ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
        ([1, [2]], TypeError, ""),
        ("abc", TypeError, "new(): invalid data type 'str'"),
        (object(), RuntimeError, "Could not infer dtype of object"),
        (None, RuntimeError, "Could not infer dtype of NoneType"),
        (np.array(["a"]), TypeError, "can't convert np.ndarray"),
        (1 << 70, ValueError, "Overflow when unpacking long long"),
    ],
)
def test_data_that_is_none(data, error, words):
    with pytest.raises(error) as caught:
        torch.tensor(data)
    assert words in str(caught.value)


def test_operators_take_numbers_and_arrays_on_both_sides():
    x, a = torch.tensor([1.0, 2.0, 4.0]), np.array([2.0, 4.0, 8.0], dtype=np.float32)
    y = a.copy()
    xs = x.numpy().copy()
    for f in (
        lambda p, q: p + q,
        lambda p, q: p - q,
        lambda p, q: p * q,
        lambda p, q: p / q,
        lambda p, q: p**q,
        lambda p, q: p // q,
        lambda p, q: p % q,
        lambda p, q: p < q,
        lambda p, q: p >= q,
        lambda p, q: p == q,
    ):
        for other in (2, 2.0, np.float64(2), a):
            expected = np.float32(other) if not isinstance(other, np.ndarray) else y
            for left, right, want in ((x, other, f(xs, expected)), (other, x, f(expected, xs))):
                got = f(left, right)
                assert isinstance(got, torch.Tensor), (type(left), type(right))
                np.testing.assert_allclose(got.numpy(), want, rtol=1e-6)
                assert got.dtype in (torch.float32, torch.bool)


def test_in_place_operators_keep_the_object():
    x = torch.ones(3)
    same = x
    x += 1
    x *= torch.tensor([1.0, 2.0, 3.0])
    x -= 1
    x /= 2
    x **= 2
    assert x is same
    assert x.tolist() == [0.25, 2.25, 6.25]
    with pytest.raises(RuntimeError):
        i = torch.ones(2, dtype=torch.int64)
        i += 0.5


def test_scalars_leave_as_pythons_own():
    assert torch.tensor(3).item() == 3 and type(torch.tensor(3).item()) is int
    assert type(torch.tensor(3.0).item()) is float and type(torch.tensor(True).item()) is bool
    assert float(torch.tensor([2.5])) == 2.5 and int(torch.tensor(2.9)) == 2
    assert [0, 1, 2, 3][torch.tensor(2)] == 2
    assert f"{torch.tensor(3.14159):.2f}" == "3.14"
    with pytest.raises(RuntimeError, match="a Tensor with 2 elements cannot be converted to Scalar"):
        torch.zeros(2).item()
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
        bool(torch.zeros(2))
    with pytest.raises(TypeError, match="len\\(\\) of a 0-d tensor"):
        len(torch.tensor(1))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: torch.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
        (lambda: torch.tensor([1, 2]), "tensor([1, 2])"),
        (lambda: torch.tensor([True, False]), "tensor([ True, False])"),
        (lambda: torch.zeros(2, 0), "tensor([], size=(2, 0))"),
        (lambda: torch.zeros(0, dtype=torch.int64), "tensor([], dtype=torch.int64)"),
        (lambda: torch.tensor([1.0], dtype=torch.float64), "tensor([1.], dtype=torch.float64)"),
        (lambda: torch.tensor([float("nan"), float("inf"), -float("inf")]), "tensor([nan, inf, -inf])"),
        (lambda: torch.tensor(1.0, requires_grad=True), "tensor(1., requires_grad=True)"),
        (lambda: torch.tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
        (lambda: torch.tensor([1e-8, 1.0]), "tensor([1.0000e-08, 1.0000e+00])"),
        (lambda: torch.eye(2), "tensor([[1., 0.],\n        [0., 1.]])"),
        (lambda: torch.arange(2000), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
        (lambda: torch.zeros(2).shape, "torch.Size([2])"),
        (lambda: torch.zeros(2).dtype, "torch.float32"),
        (lambda: torch.zeros(2).device, "device(type='cpu')"),
        (lambda: torch.max(torch.tensor([[1.0, 3.0]]), 1), "torch.return_types.max(\nvalues=tensor([3.]),\nindices=tensor([1]))"),
    ],
)
def test_printing(make, text):
    assert repr(make()) == text


def test_print_options():
    torch.set_printoptions(precision=2)
    assert repr(torch.tensor([1 / 3])) == "tensor([0.33])"
    torch.set_printoptions(profile="default")
    assert repr(torch.tensor([1 / 3])) == "tensor([0.3333])"


def test_the_default_dtype_is_what_floats_become():
    torch.set_default_dtype(torch.float64)
    for t in (torch.tensor(1.5), torch.zeros(2), torch.rand(2), torch.arange(0, 1, 0.5), torch.linspace(0, 1, 3), torch.tensor(1).sin(), torch.tensor([1]) * 1.5, torch.tensor([1]) / 2):
        assert t.dtype is torch.float64
    assert repr(torch.tensor([1.5])) == "tensor([1.5000], dtype=torch.float64)".replace(", dtype=torch.float64", "")
    assert repr(torch.zeros(1, dtype=torch.float32)) == "tensor([0.], dtype=torch.float32)"
    with pytest.raises(TypeError, match="only floating-point types are supported as the default type"):
        torch.set_default_dtype(torch.int64)


def test_what_is_not_there_says_so_and_names_the_nearest():
    with pytest.raises(AttributeError, match="no attribute 'sofmax'.*'softmax'"):
        torch.sofmax
    with pytest.raises(AttributeError):
        torch.zeros(1).no_such_method
    with pytest.raises((RuntimeError, AssertionError)):
        torch.zeros(1).to("cuda")
    assert torch.cuda.is_available() is False


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: torch.zeros(2, 3) @ torch.zeros(2, 3), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
        (lambda: torch.zeros(2) + torch.zeros(3), RuntimeError, "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0"),
        (lambda: torch.zeros(2).sum(3), IndexError, "Dimension out of range (expected to be in range of [-1, 0], but got 3)"),
        (lambda: torch.zeros(6).view(4), RuntimeError, "shape '[4]' is invalid for input of size 6"),
        (lambda: torch.zeros(2, requires_grad=True).numpy(), RuntimeError, "Can't call numpy() on Tensor that requires grad."),
        (lambda: torch.zeros(-1), RuntimeError, "zeros: Dimension size must be non-negative."),
        (lambda: torch.ones(-1), RuntimeError, "Trying to create tensor with negative dimension -1: [-1]"),
        (lambda: torch.relu(3), TypeError, "relu(): argument 'input'"),
        (lambda: torch.sum(), TypeError, ""),
        (lambda: torch.cat([]), (RuntimeError, ValueError), "expected a non-empty list of Tensors"),
        (lambda: torch.tensor([1], requires_grad=True), RuntimeError, "Only Tensors of floating point and complex dtype can require gradients"),
        (lambda: torch.zeros(3)[5], IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
        (lambda: torch.zeros(3)["a"], TypeError, "new(): invalid data type 'str'"),
        (lambda: torch.zeros(2, device="cuda"), RuntimeError, "device 'cuda' is not there"),
    ],
)
def test_errors_have_pytorchs_types_and_sentences(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_copies_and_pickles():
    x = torch.arange(6.0).reshape(2, 3).t()
    for made in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), copy.copy(x).clone()):
        assert torch.equal(made, x) and made.dtype is x.dtype
        made[0, 0] = 9
        assert x[0, 0] == 0
    w = torch.ones(2, requires_grad=True)
    assert pickle.loads(pickle.dumps(w)).requires_grad and copy.deepcopy(w).requires_grad
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(w * 2)
    for d in (torch.float32, torch.int64, torch.bool):
        assert pickle.loads(pickle.dumps(d)) == d


def test_save_and_load(tmp_path):
    path = tmp_path / "state.pt"
    torch.save({"w": torch.arange(3.0), "step": 7}, path)
    state = torch.load(path)
    assert state["step"] == 7 and state["w"].tolist() == [0, 1, 2]
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


def test_random_numbers_are_pytorchs():
    torch.manual_seed(0)
    assert repr(torch.randn(3)) == "tensor([ 1.5410, -0.2934, -2.1788])"
    state = torch.get_rng_state()
    a = torch.rand(5)
    torch.set_rng_state(state)
    assert torch.equal(a, torch.rand(5))
    g = torch.Generator().manual_seed(0)
    before = torch.get_rng_state()
    assert repr(torch.randn(3, generator=g)) == "tensor([ 1.5410, -0.2934, -2.1788])"
    assert torch.equal(before, torch.get_rng_state())


def test_numpys_streams():
    ours, numpys = torch.random.default_rng(7), np.random.default_rng(7)
    np.testing.assert_array_equal(np.asarray(ours.normal(size=4)), numpys.normal(size=4))


def test_functions_say_what_they_are():
    assert "Formula" in torch.exp.__doc__ and "exp(input)" in torch.exp.__doc__
    assert torch.exp.__name__ == "exp" and torch.Tensor.exp.__qualname__ == "Tensor.exp"
    assert "sum" in repr(torch.zeros(1).sum)


def test_assert_close():
    torch.testing.assert_close(torch.ones(2), torch.ones(2) + 1e-7)
    with pytest.raises(AssertionError, match="Mismatched elements: 1 / 2"):
        torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]))


def test_finfo_and_iinfo():
    assert torch.finfo(torch.float32).eps == np.finfo(np.float32).eps
    assert torch.iinfo(torch.int32).max == 2**31 - 1
    with pytest.raises(TypeError):
        torch.finfo(torch.int64)


def test_normalised_channels_lie_row_by_row():
    """What follows a batch norm views its result, and dropout draws in the order of memory."""
    for shape in ((8, 4), (4, 3, 5), (4, 3, 2, 5)):
        x = torch.randn(shape)
        assert torch.nn.functional.batch_norm(x, None, None, training=True).view(shape[0], -1).shape[0] == shape[0]
    images = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    assert torch.nn.functional.batch_norm(images, None, None, training=True).stride() == images.stride()
