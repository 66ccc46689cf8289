"""Tensors whose array or shape is replaced, against PyTorch's answers (`replace/golden.json`, written by `replace/make_golden.py`)."""

import gc
import json
import sys
import threading
from pathlib import Path

import weakref

import pytest

import pullback as torch

HERE = Path(__file__).resolve().parent / "replace"
sys.path.insert(0, str(HERE))
import cases  # noqa: E402

GOLDEN = json.loads((HERE / "golden.json").read_text())
# Where Pullback means to differ, by the beginning of a case's name.
DIFFERENT = {
    "saved: data": "what was saved keeps the old numbers; PyTorch reads the new ones",
    "saved: set_": "an error at once, since gradients would end there; PyTorch's comes with backward",
    "base_of_a_view: set_": "as above",
    "detached: set_": "memory that a tensor leaves was not written",
    "leaf: set_(tensor, -1": "the offset is looked at first",
    "view: data of another dtype": "the gradient of another shape is refused in other words",
    "retained": "the gradient kept has the shape that the tensor has",
}


@pytest.fixture(scope="module")
def found():
    return json.loads(json.dumps(dict(cases.outcomes(torch))))


@pytest.mark.parametrize("name", GOLDEN)
def test_as_pytorch(found, name):
    if reason := next((why for case, why in DIFFERENT.items() if name.startswith(case)), None):
        pytest.skip(reason)
    assert found[name] == GOLDEN[name]


def test_all_cases_have_answers(found):
    assert set(found) == set(GOLDEN)


def test_views_of_memory_outlive_its_tensor():
    """NumPy, DLPack and storages hold the memory, and not the tensor, which may be given other memory."""
    numpy = pytest.importorskip("numpy")
    for n in (1, 100, 5_000, 1_000_000):
        x = torch.ones(n)
        array, storage, capsule = x.numpy(), x.storage(), numpy.from_dlpack(x)
        x.data = torch.zeros(2, dtype=torch.float64)
        gc.collect()
        others = [torch.full((n,), 7.0) for _ in range(4)]
        assert array.sum() == n and capsule.sum() == n and sum(storage.tolist()) == n
        assert x.numpy().tolist() == [0.0, 0.0] and len(others) == 4


def test_storages_and_tensors_share():
    x, y = torch.arange(6.0), torch.zeros(1)
    y.set_(x.untyped_storage(), 2, (2, 2))
    y.fill_(9)
    assert x.tolist() == [0, 1, 9, 9, 9, 9]
    x.storage()[0] = 5.0
    assert x[0] == 5


def test_a_loop_of_replacements_keeps_no_memory():
    resource = pytest.importorskip("resource")
    w = torch.zeros(1 << 20, requires_grad=True)
    x = torch.zeros(3)

    def turn(n):
        for i in range(n):
            w.data = w.data * 1.0
            x.resize_(1 + i % 50)
            x.data = x.data
            x.unsqueeze_(0).squeeze_()

    turn(20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    turn(400)
    # 400 arrays of 4 MB would be 1.6 GB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_threads_that_replace_and_read():
    x, wrong, done = torch.ones(20_000), [], threading.Event()

    def read():
        while not done.is_set():
            try:
                total = x.double().sum().item()
            except RuntimeError:
                continue
            if total not in (20_000, 6):
                wrong.append(total)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for t in readers:
        t.start()
    for i in range(500):
        x.data = torch.full((2,), 3.0, dtype=torch.float64) if i % 2 else torch.ones(20_000)
    done.set()
    for t in readers:
        t.join()
    assert not wrong


def test_what_is_recorded_or_transformed_sees_the_change():
    def f(x):
        y = x * 2
        y.unsqueeze_(0).t_()
        return (y * y).sum()

    x = torch.arange(4.0)
    assert torch.func.grad(f)(x).tolist() == (8 * x).tolist()
    tangent = torch.ones(4)
    assert torch.func.jvp(f, (x,), (tangent,))[1] == (8 * x).sum()
    assert torch.autograd.gradcheck(f, torch.arange(4.0, dtype=torch.float64).requires_grad_())


def test_swapping_refuses_weak_references():
    a, b = torch.ones(2, requires_grad=True), torch.zeros(3, requires_grad=True)
    weak = weakref.ref(a)
    with pytest.raises(RuntimeError, match="Cannot swap t1 because it has weakref associated with it"):
        torch.utils.swap_tensors(a, b)
    with pytest.raises(RuntimeError, match="Cannot swap t2 because it has weakref associated with it"):
        torch.utils.swap_tensors(b, a)
    del weak
    torch.utils.swap_tensors(a, b)
    assert a.tolist() == [0.0, 0.0, 0.0] and b.tolist() == [1.0, 1.0]


def test_swapping_refuses_what_would_be_wrong():
    w = torch.ones(2, requires_grad=True)
    for bad in (w * 2, torch.ones(3)[1:]):
        with pytest.raises(RuntimeError, match="Cannot swap"):
            torch.utils.swap_tensors(torch.ones(2), bad)
