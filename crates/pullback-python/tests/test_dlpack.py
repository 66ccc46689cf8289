"""DLPack both ways: whose memory it is, how long it lives, and what capsules are worth that are consumed twice or never."""

import itertools
import ctypes
import gc
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as torch

DTYPES = [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_]
capsule_name = ctypes.pythonapi.PyCapsule_GetName
capsule_name.restype, capsule_name.argtypes = ctypes.c_char_p, [ctypes.py_object]


class Producer:
    """An array that only speaks DLPack, and notes how it was asked."""

    def __init__(self, array, old=False):
        self.array, self.old, self.asked = array, old, []

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        self.asked.append(options)
        if self.old and options:
            raise TypeError("__dlpack__() got an unexpected keyword argument 'max_version'")
        return self.array.__dlpack__(**options)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_memory_is_shared_both_ways(dtype, old):
    a = np.ones((2, 3), dtype=dtype)
    t = torch.from_dlpack(Producer(a, old))
    assert t.dtype.name == a.dtype.name and t.shape == a.shape and t.data_ptr() == a.ctypes.data
    a[0, 1] = 0
    assert t[0, 1].item() == 0
    back = np.from_dlpack(t)
    assert back.dtype == a.dtype and back.ctypes.data == a.ctypes.data
    t[1, 1] = 0
    assert a[1, 1] == 0 and back[1, 1] == 0


@given(st.permutations([0, 1, 2]), st.integers(1, 3), st.integers(0, 2))
def test_layouts_are_kept(order, step, start):
    a = np.arange(120.0).reshape(4, 5, 6).transpose(order)[:, start:, ::step]
    t = torch.from_dlpack(a)
    assert np.shares_memory(t.numpy(), a)
    np.testing.assert_array_equal(t.numpy(), a)
    b = np.from_dlpack(t[1:, :, 1:] if t.shape[2] > 1 else t)
    np.testing.assert_array_equal(b, a[1:, :, 1:] if a.shape[2] > 1 else a)
    assert np.shares_memory(b, a)


@pytest.mark.parametrize("a", [np.array(3.0), np.zeros((0, 3)), np.zeros((2, 0), dtype=np.int64), np.array(True), np.ones((1, 4, 1))[:, ::2]])
def test_empty_0d_and_single(a):
    t = torch.from_dlpack(a)
    b = np.from_dlpack(t)
    assert t.shape == a.shape == b.shape and b.dtype == a.dtype
    np.testing.assert_array_equal(b, a)


def test_the_producer_may_go_first():
    a = np.arange(4.0)
    alive = weakref.ref(a)
    t = torch.from_dlpack(a)
    u = t[1:]
    del a, t
    gc.collect()
    assert alive() is not None and u.tolist() == [1, 2, 3]
    b = np.from_dlpack(u)
    del u
    gc.collect()
    assert b.tolist() == [1, 2, 3] and alive() is not None
    del b
    gc.collect()
    assert alive() is None
    t = torch.arange(1000.0)
    b = np.from_dlpack(t)
    del t
    gc.collect()
    assert b.sum() == 499500


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_capsules_are_consumed_once(version):
    a = np.arange(3.0)
    alive = weakref.ref(a)
    name = b"dltensor_versioned" if version else b"dltensor"
    t = torch.from_dlpack(a)
    del a
    capsule = t.__dlpack__(max_version=version)
    assert capsule_name(capsule) == name
    u = torch.from_dlpack(capsule)
    assert capsule_name(capsule) == b"used_" + name
    with pytest.raises(RuntimeError, match="received an invalid capsule. Note that DLTensor capsules can be consumed only once"):
        torch.from_dlpack(capsule)
    del t, capsule
    gc.collect()
    assert u.tolist() == [0, 1, 2] and alive() is not None
    never = u.__dlpack__(max_version=version)
    del u
    gc.collect()
    assert alive() is not None
    del never
    gc.collect()
    assert alive() is None


def test_versions_and_copies():
    t = torch.arange(3.0)
    assert capsule_name(t.__dlpack__(max_version=(0, 8))) == b"dltensor"
    assert capsule_name(t.__dlpack__(max_version=(2, 0), stream=-1, dl_device=(1, 0), copy=False)) == b"dltensor_versioned"
    own = np.from_dlpack(t, copy=True)
    t[0] = 9
    assert own[0] == 0 and t.__dlpack_device__() == (1, 0)
    a = np.arange(3.0)
    u = torch.from_dlpack(a, copy=True)
    a[0] = 9
    assert u[0].item() == 0
    fixed = np.arange(3.0)
    fixed.flags.writeable = False
    v = torch.from_dlpack(fixed)
    v += 1
    assert fixed.tolist() == [0, 1, 2] and v.tolist() == [1, 2, 3]
    assert torch.from_dlpack(fixed, copy=False).data_ptr() == fixed.ctypes.data


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: torch.ones(2, requires_grad=True).__dlpack__(), BufferError, "Can't export tensors that require gradient, use tensor.detach()"),
        (lambda: torch.ones(2).__dlpack__(stream=1), AssertionError, "stream should be None on cpu."),
        (lambda: torch.ones(2).__dlpack__(dl_device=(2, 0)), BufferError, "on the CPU"),
        (lambda: torch.ones(2).__dlpack__(nonsense=1), TypeError, "nonsense"),
        (lambda: torch.ones(2).to(torch.float64x2).__dlpack__(), BufferError, "DLPack has no dtype for float64x2"),
        (lambda: torch.from_dlpack(3), RuntimeError, "invalid capsule"),
        (lambda: torch.from_dlpack(torch.ones(2), device="cuda"), RuntimeError, "computes on the CPU"),
        (lambda: torch.from_dlpack(np.zeros(2, dtype=np.complex64)), TypeError, "dtype complex64 is not there"),
        (lambda: torch.from_dlpack(np.zeros(2, dtype=np.complex128)), TypeError, "dtype complex128 is not there"),
        (lambda: torch.from_dlpack(np.array(["a"])), BufferError, "DLPack only supports"),
        (lambda: torch.from_dlpack(np.arange(3.0)[::-1]), ValueError, "stride is negative"),
    ],
)
def test_what_cannot_be_shared(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value)
    gc.collect()


def test_other_devices_and_errors_of_the_producer():
    class Gpu(Producer):
        def __dlpack_device__(self):
            return (2, 0)

    class Broken(Producer):
        def __dlpack__(self, **options):
            raise KeyError("own")

    with pytest.raises(BufferError, match="device of kind 2"):
        torch.from_dlpack(Gpu(np.ones(2)))
    with pytest.raises(KeyError, match="own"):
        torch.from_dlpack(Broken(np.ones(2)))


def test_memory_does_not_grow():
    def resident():
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * 4096

    t = torch.zeros(100_000)
    for _ in range(2):
        before = resident()
        for _ in range(300):
            np.from_dlpack(t, copy=True)
            torch.from_dlpack(np.zeros(100_000))
            t.__dlpack__()
            t.__dlpack__(max_version=(1, 0), copy=True)
    assert resident() - before < 20_000_000


def test_the_last_owner_may_be_another_thread():
    a = np.arange(5.0)
    alive = weakref.ref(a)
    box = [torch.from_dlpack(a)]
    del a
    thread = threading.Thread(target=box.clear)
    thread.start()
    thread.join()
    gc.collect()
    assert alive() is None


def test_capsules_and_tensors_may_outlive_everything():
    program = "import numpy as np, pullback as t, sys\nsys.kept = [t.ones(3).__dlpack__(), t.from_dlpack(np.ones(3)), np.from_dlpack(t.ones(3))]\nprint('done')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr


def test_pytorch():
    other = pytest.importorskip("torch")
    if other is torch:
        pytest.skip("torch is Pullback here")
    theirs = other.arange(6.0).reshape(2, 3).T
    ours = torch.from_dlpack(theirs)
    theirs[0, 0] = 7
    assert ours[0, 0].item() == 7 and ours.stride() == theirs.stride()
    back = other.from_dlpack(ours * 1)
    assert back.tolist() == ours.tolist()
    again = other.utils.dlpack.from_dlpack(ours.__dlpack__())
    again[1, 1] = -1
    assert theirs[1, 1].item() == -1


def test_strides_come_over_as_they_are():
    """Those of dimensions of one element too, whose memory cannot tell them."""
    shapes = [(1, 7), (7, 1), (3, 1, 5), (1, 1), (1, 1, 1), (2, 1, 1), ()]
    for shape in shapes:
        for order in itertools.permutations(range(len(shape))):
            for t in (torch.ones(shape).permute(order), torch.ones([n + 2 for n in shape])[tuple(slice(0, n) for n in shape)].permute(order)):
                there = np.from_dlpack(t)
                assert torch.from_dlpack(t).stride() == t.stride(), (shape, order)
                assert torch.from_dlpack(there).stride() == t.stride(), (shape, order)
                assert torch.from_numpy(there).stride() == t.stride(), (shape, order)
                assert tuple(s // 4 for s in t.numpy().strides) == t.stride(), (shape, order)
