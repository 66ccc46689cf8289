"""Memory shared with NumPy and others, both ways, and who keeps it alive."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as torch


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])
def test_numpy_and_back(dtype):
    a = np.ones((2, 3), dtype=dtype)
    t = torch.from_numpy(a)
    assert t.dtype.name == a.dtype.name and t.shape == a.shape
    a[0, 0] = 0
    assert t[0, 0].item() == 0
    b = t.numpy()
    t[1, 1] = 0
    assert a[1, 1] == 0 and b[1, 1] == 0
    assert b.dtype == a.dtype and t.data_ptr() == a.ctypes.data == b.ctypes.data


@given(st.permutations([0, 1, 2]), st.integers(1, 3), st.integers(0, 2))
def test_layouts_are_kept(order, step, start):
    a = np.arange(120.0).reshape(4, 5, 6).transpose(order)[:, start:, ::step]
    t = torch.from_numpy(a)
    np.testing.assert_array_equal(t.numpy(), a)
    assert t.stride() == tuple(s // 8 for s in a.strides)
    assert np.shares_memory(t.numpy(), a)
    np.testing.assert_array_equal((t * 2).numpy(), a * 2)
    t += 1
    assert a.flat[0] == t[0, 0, 0].item()


def test_what_cannot_be_shared():
    with pytest.raises(ValueError, match="negative"):
        torch.from_numpy(np.arange(3.0)[::-1])
    with pytest.raises(TypeError, match="expected np.ndarray \\(got list\\)"):
        torch.from_numpy([1, 2])
    for bad in (np.array(["a"]), np.array([1j]), np.array([object()])):
        with pytest.raises(TypeError):
            torch.from_numpy(bad)
    assert torch.tensor(np.arange(3.0)[::-1]).tolist() == [2, 1, 0]


def test_memory_lives_as_long_as_someone_looks():
    a = np.arange(4.0)
    alive = weakref.ref(a)
    t = torch.from_numpy(a)[1:]
    del a
    gc.collect()
    assert alive() is not None and t.tolist() == [1, 2, 3]
    view = t.numpy()
    del t
    gc.collect()
    assert view.tolist() == [1, 2, 3]
    del view
    gc.collect()
    assert alive() is None


def test_arrays_of_tensors():
    x = torch.arange(3.0)
    assert np.asarray(x).tolist() == [0, 1, 2] and np.array(x).dtype == np.float32
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.sum(x.numpy()) == 3
    assert torch.as_tensor(x) is x
    a = np.zeros(2)
    torch.as_tensor(a)[0] = 1
    assert a[0] == 1
    torch.tensor(a)[1] = 1
    assert a[1] == 0


def test_dlpack_both_ways():
    a = np.arange(3.0)
    t = torch.from_dlpack(a)
    a[0] = 7
    assert t[0].item() == 7
    b = np.from_dlpack(t)
    t[1] = 8
    assert b.tolist() == [7, 8, 2]
    with pytest.raises((RuntimeError, BufferError), match="require gradient"):
        np.from_dlpack(torch.ones(2, requires_grad=True))


def test_empty_and_0d():
    assert torch.from_numpy(np.zeros((0, 3))).shape == (0, 3)
    assert torch.zeros(2, 0).numpy().shape == (2, 0)
    a = np.array(3.0)
    t = torch.from_numpy(a)
    t += 1
    assert a == 4 and t.shape == ()


def test_writes_from_numpy_reach_what_was_saved():
    a = np.ones(2, dtype=np.float32)
    w = torch.ones(2, requires_grad=True)
    (w * torch.from_numpy(a)).sum().backward()
    assert w.grad.tolist() == [1, 1]


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", ">i4", ">i8", ">u2"])
def test_the_other_byte_order_is_refused_and_never_read_as_it_stands(dtype):
    a = np.arange(1, 4).astype(dtype)
    for call in (torch.from_numpy, torch.tensor, torch.as_tensor):
        for data in (a, a.reshape(3, 1), a[::2], a[:1].reshape(())):
            with pytest.raises(ValueError, match="byte order different from the native byte order"):
                call(data)
    # Beside a tensor, and as part of a list, numbers are what they are.
    assert (torch.zeros(3, dtype=torch.float64) + a).tolist() == [1, 2, 3]
    assert torch.tensor([a, a]).tolist() == [[1, 2, 3]] * 2
    assert torch.tensor([a[0], a[2]]).tolist() == [1, 3]
    assert torch.tensor(np.array([1, 0], dtype=">u1").astype(">b1")).tolist() == [True, False]


READS = {
    "tolist": lambda t: t.tolist(),
    "items": lambda t: [x.item() for x in t.flatten()],
    "repr": repr,
    "clone": lambda t: t.clone().numpy().view(np.uint8),
    "contiguous": lambda t: t.t().contiguous(),
    "not": lambda t: ~t,
    "and": lambda t: t & t.flip(0),
    "or": lambda t: t | t.flip(1),
    "xor": lambda t: t ^ t.flip(0),
    "eq": lambda t: t == t.flip(0),
    "equal": lambda t: torch.equal(t, ~~t),
    "sum": lambda t: t.sum(0),
    "any": lambda t: t.any(1),
    "all": lambda t: t.all(0),
    "count_nonzero": lambda t: t.count_nonzero(),
    "cumsum": lambda t: t.cumsum(1),
    "max": lambda t: t.max(),
    "argmax": lambda t: t.to(torch.uint8).argmax(1),
    "sort": lambda t: t.sort(1)[0],
    "unique": lambda t: torch.unique(t),
    "where": lambda t: torch.where(t, torch.ones(()), torch.zeros(())),
    "masked_fill": lambda t: torch.zeros(t.shape).masked_fill(t, 3.0),
    "masked_select": lambda t: torch.arange(t.numel()).reshape(t.shape)[t],
    "nonzero": lambda t: t.nonzero(),
    "index_select": lambda t: t.index_select(0, torch.tensor([1, 0])),
    "gather": lambda t: t.gather(1, torch.zeros(t.shape, dtype=torch.int64)),
    "cat": lambda t: torch.cat([t, t]),
    "stack": lambda t: torch.stack([t, t]),
    "roll": lambda t: t.roll(1, 0),
    "expand": lambda t: t[:, :1].expand(-1, 3).clone(),
    "add": lambda t: t + 1,
    "mul": lambda t: t * 2.5,
    **{str(d): lambda t, d=d: t.to(d) for d in (torch.uint8, torch.int32, torch.int64, torch.float32, torch.float64)},
}


def told(x):
    return x.tolist() if hasattr(x, "tolist") else x


@pytest.mark.parametrize("name", READS)
def test_every_byte_of_a_bool_but_0_is_true(name):
    bytes_ = np.array([2, 0, 255, 1, 0, 128, 3, 0, 1, 64, 0, 7], dtype=np.uint8)
    for make in (torch.from_numpy, torch.from_dlpack, torch.as_tensor, torch.tensor):
        for shape, turn in (((3, 4), False), ((4, 3), True)):
            strange, plain = bytes_.copy().view(np.bool_).reshape(shape), (bytes_ != 0).reshape(shape)
            strange, plain = (strange.T, plain.T) if turn else (strange, plain)
            got, expected = READS[name](make(strange)), READS[name](torch.from_numpy(plain.copy()))
            assert told(got) == told(expected)


def test_bytes_that_are_written_into_a_bool_later():
    a = np.zeros(4, dtype=np.bool_)
    t = torch.from_numpy(a)
    a.view(np.uint8)[:] = [5, 0, 254, 1]
    assert t.tolist() == [True, False, True, True] and t.sum().item() == 3
    # Our own memory, lent out.
    own = torch.zeros(4, dtype=torch.bool)
    own.numpy().view(np.uint8)[:] = [5, 0, 254, 1]
    assert own.tolist() == [True, False, True, True] and own.sum().item() == 3
    own &= t
    assert own.numpy().view(np.uint8).tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_, np.float16, np.int16])
def test_numpys_numbers_are_not_read_after_they_are_gone(kind):
    # Their array interface shows memory of an array that is gone when it was asked for.
    for make in (torch.as_tensor, torch.tensor, torch.asarray):
        made = [make(kind(i)) for i in range(40)]
        assert [t.item() for t in made] == [kind(i).item() for i in range(40)]
        assert torch.stack(made).tolist() == [kind(i).item() for i in range(40)]
    assert (torch.zeros(3, dtype=torch.float64) + kind(1)).tolist() == [1, 1, 1]
    assert torch.tensor([kind(i) for i in range(9)]).tolist() == [kind(i).item() for i in range(9)]
