"""Tensors whose places in memory are given: `empty_strided`, `empty_permuted`, `new_empty_strided`, `as_strided_`; and memory made by dtype."""

import pytest

import pullback as torch


@pytest.mark.parametrize(
    "size, stride, room",
    [((2, 3), (1, 2), 6), ((2, 3), (4, 2), 9), ((0, 3), (3, 1), 0), ((), (), 1), ((2, 3), (0, 0), 1), ((4,), (3,), 10)],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool, torch.bfloat16])
def test_empty_strided(size, stride, room, dtype):
    for t in (
        torch.empty_strided(size, stride, dtype=dtype),
        torch.ones(2, dtype=dtype).new_empty_strided(list(size), list(stride)),
        torch.ones(2).new_empty_strided(size, stride, dtype=dtype),
    ):
        assert tuple(t.shape) == size and t.stride() == stride and t.dtype is dtype and t.storage_offset() == 0
        assert not t._is_view() and t.untyped_storage().nbytes() == room * dtype.itemsize
    assert torch.empty_strided(size, stride, device="meta").stride() == stride


def test_errors_of_empty_strided():
    for args, kind, text in [
        (((2, 3), (1,)), RuntimeError, r"dimensionality of sizes \(2\) must match dimensionality of strides \(1\)"),
        (((2, 3), (1, -1)), RuntimeError, r"Storage size calculation overflowed with sizes=\[2, 3\] and strides=\[1, -1\]"),
        (((-2, 3), (1, 1)), RuntimeError, r"Trying to create tensor with negative dimension -2: \[-2, 3\]"),
        ((2, 1), TypeError, r"empty_strided\(\): argument 'size' \(position 1\) must be tuple of ints, not int"),
        (((1 << 62, 1 << 62), (1 << 62, 1 << 62)), RuntimeError, "Storage size calculation overflowed"),
        (((1 << 40, 1 << 20), (1 << 20, 1)), RuntimeError, "."),
    ]:
        with pytest.raises(kind, match=text):
            torch.empty_strided(*args)
    with pytest.raises(RuntimeError, match="Only Tensors of floating point"):
        torch.empty_strided((2,), (1,), dtype=torch.int64, requires_grad=True)
    assert torch.empty_strided((2,), (1,), requires_grad=True).requires_grad


def test_empty_permuted():
    t = torch.empty_permuted((2, 3, 4), (0, 2, 1))
    assert t.shape == (2, 3, 4) and t.stride() == (12, 1, 3) and not t._is_view()
    for args, text in [
        (((2, 3, 4), (0, 2)), r"len\(size\) = 3 is not equal to len\(physical_layout\) = 2"),
        (((2, 3, 4), (0, 2, 2)), "Duplicate dim not allowed"),
        (((2, 3, 4), (0, 2, 5)), r"expected to be between 0 and 2, but got 5 at index 2"),
        (((2, -3, 4), (0, 2, 1)), r"negative dimension -3: \[2, 4, -3\]"),
    ]:
        with pytest.raises(RuntimeError, match=text):
            torch.empty_permuted(*args)


def test_as_strided_in_place():
    x = torch.arange(6.0)
    handle = x.detach()
    assert x.as_strided_((2, 2), (1, 2), 1) is x
    assert x.tolist() == [[1.0, 3.0], [2.0, 4.0]] and x.stride() == (1, 2) and x.storage_offset() == 1
    assert handle.shape == (6,)
    x.zero_()
    assert handle.tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 5.0]
    with pytest.raises(RuntimeError):
        torch.arange(6.0).as_strided_((20, 2), (1, 2), 1)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        torch.arange(6.0, requires_grad=True).as_strided_((2, 2), (1, 2))
    w = torch.arange(6.0, requires_grad=True)
    y = w * 2
    y.as_strided_((2, 2), (1, 2))
    assert type(y.grad_fn).__name__ == "AsStridedBackward1"
    y.sum().backward()
    assert w.grad.tolist() == [2.0, 2.0, 2.0, 2.0, 0.0, 0.0]
    with torch.no_grad():
        w.as_strided_((2,), (3,))
    assert w.is_leaf and w.tolist() == [0.0, 3.0]


KINDS = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16, "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_memory_made_by_dtype(name):
    kind, dtype = getattr(torch, name), KINDS[name]
    made = kind([1, 2, 0])
    assert made.tolist() == ([True, True, False] if dtype is torch.bool else [1, 2, 0])
    assert isinstance(made, kind) and isinstance(made, torch.TypedStorage) and made.dtype is dtype and len(made) == 3
    assert made.type() == f"torch.{name}" and repr(kind) == f"<class 'torch.{name}'>"
    assert isinstance(torch.ones(2, dtype=dtype).storage(), kind)
    others = [other for other in KINDS if other != name]
    assert not any(isinstance(made, getattr(torch, other)) for other in others)
    assert len(kind(3)) == 3 and len(kind()) == 0
    for bad in (-1, "a"):
        with pytest.raises((RuntimeError, TypeError)):
            kind(bad)
    with pytest.raises(RuntimeError, match="invalid combination of arguments"):
        kind([1], 2)
