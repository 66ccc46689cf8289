"""Every form of indexing against NumPy, which PyTorch follows: reading, writing, and gradients through both."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as torch

settings.register_profile("quick", max_examples=150, deadline=None, derandomize=True)
settings.load_profile("quick")


@st.composite
def keys(draw):
    """A shape, and a key that fits it: integers, slices forward, None, ellipsis, masks and one group of index lists."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    key, at, ellipsis = [], 0, False
    advanced = None
    count = draw(st.integers(0, len(shape)))
    while at < count:
        kind = draw(st.sampled_from(["int", "slice", "slice", "none", "ellipsis", "list", "mask"]))
        n = shape[at]
        if kind == "none":
            key.append(None)
            if len(key) > 6:
                break
            continue
        if kind == "ellipsis":
            if ellipsis or advanced:
                kind = "slice"
            else:
                ellipsis = True
                key.append(Ellipsis)
                # The rest is counted from the end.
                at += len(shape) - count
                count = len(shape)
                continue
        if kind == "int":
            key.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            bound = st.none() | st.integers(-n - 2, n + 2)
            key.append(slice(draw(bound), draw(bound), draw(st.none() | st.integers(1, 3))))
        elif kind == "list":
            advanced = advanced or draw(st.integers(1, 3))
            key.append(draw(st.lists(st.integers(-n, n - 1), min_size=advanced, max_size=advanced)))
        else:
            if advanced:
                continue
            mask = draw(st.lists(st.booleans(), min_size=n, max_size=n))
            advanced = max(1, sum(mask))
            if sum(mask) == 0:
                mask[0] = True
            key.append(np.array(mask))
        at += 1
    return shape, key


def both(key):
    """The key for NumPy, where integers beside index lists are index lists too, and for tensors."""
    ours = tuple(torch.tensor(k) if isinstance(k, np.ndarray) else k for k in key)
    return tuple(key), ours


@given(keys())
def test_reading(drawn):
    shape, key = drawn
    a = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    theirs, ours = both(key)
    # NumPy counts integers as index lists where there are lists; PyTorch does not.
    mixed = any(isinstance(k, (list, np.ndarray)) for k in key) and any(isinstance(k, int) for k in key)
    if mixed:
        return
    x = torch.from_numpy(a.copy()).requires_grad_()
    expected, got = a[theirs], x[ours]
    np.testing.assert_array_equal(got.detach().numpy(), expected)
    if got.numel():
        (g,) = torch.autograd.grad(got.sum(), x)
        counted = np.zeros_like(a)
        np.add.at(counted, theirs, 1.0)
        np.testing.assert_array_equal(g.numpy(), counted)


@given(keys(), st.booleans())
def test_writing(drawn, whole):
    shape, key = drawn
    theirs, ours = both(key)
    if any(isinstance(k, (list, np.ndarray)) for k in key) and any(isinstance(k, int) for k in key):
        return
    a = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    x = torch.tensor(a)
    if whole:
        value = np.float32(-1)
        a[theirs] = value
        x[ours] = -1
    else:
        value = -np.arange(a[theirs].size, dtype=np.float32).reshape(a[theirs].shape) - 1
        if any(isinstance(k, list) for k in key):
            # One place may be named twice: one value, so that the order does not matter.
            value = np.full(value.shape, -2, dtype=np.float32)
        a[theirs] = value
        x[ours] = torch.tensor(value)
    np.testing.assert_array_equal(x.numpy(), a)


def test_forms_that_numpy_has_not():
    x = torch.arange(12).reshape(3, 4)
    assert x[torch.tensor(1)].tolist() == [4, 5, 6, 7]
    assert x[True].shape == (1, 3, 4) and x[False].shape == (0, 3, 4)
    assert x[:, [1, 1]].shape == (3, 2)
    assert x[[0, 2], [1, 3]].tolist() == [1, 11]
    assert x[torch.tensor([[0], [2]]), torch.tensor([1, 3])].tolist() == [[1, 3], [9, 11]]
    assert x[x > 9].tolist() == [10, 11]
    assert x[[]].shape == (0, 4)
    assert x[np.array([0, 1])].shape == (2, 4) and x[np.int64(1), 2].item() == 6
    assert x[..., -1].tolist() == [3, 7, 11] and x[None, ..., None].shape == (1, 3, 4, 1)
    assert [row.tolist() for row in x] == x.tolist()
    assert 5 in x and 50 not in x


def test_views_share_and_copies_do_not():
    x = torch.zeros(3, 4)
    x[1] = 1
    x[:, 2] += 5
    assert x.sum().item() == 4 + 15
    x[[0]][0, 0] = 99
    assert x[0, 0] == 0
    x[0][0] = 7
    assert x[0, 0] == 7


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (3, IndexError),
        (-4, IndexError),
        ((0, 0, 0), IndexError),
        (slice(None, None, -1), ValueError),
        (slice(None, None, 0), ValueError),
        ("a", (IndexError, TypeError)),
        (1.5, (IndexError, TypeError)),
        ([0, 5], IndexError),
        (1 << 80, (IndexError, OverflowError, TypeError)),
        (float("nan"), (IndexError, TypeError)),
        ([[0, 1], [1, 2, 0]], IndexError),
        (slice("a", None), TypeError),
        ({}, (IndexError, TypeError)),
    ],
)
def test_keys_that_are_none(key, error):
    with pytest.raises(error):
        torch.zeros(3, 4)[key]
    with pytest.raises(error):
        torch.zeros(3, 4)[key] = 1


def test_a_mask_of_another_shape():
    with pytest.raises(IndexError, match="The shape of the mask \\[2\\] at index 0 does not match the shape of the indexed tensor \\[3\\] at index 0"):
        torch.zeros(3)[torch.tensor([True, False])]
