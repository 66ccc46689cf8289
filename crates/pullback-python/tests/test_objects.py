"""Tensors as Python's objects: one object for one tensor, attributes, copies and pickles, storages, names of nodes, what the collector frees.

What PyTorch calls the nodes of in-place writes is in `written/names.json`, written by `written/make_names.py`.
"""

import copy
import gc
import io
import json
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pullback as torch
import pytest
from pullback.autograd import forward_ad


def leaf(*shape):
    return torch.ones(*shape, requires_grad=True)


def test_a_gradient_is_one_object_and_keeps_its_attributes():
    x = leaf(3)
    (x * 2).sum().backward()
    assert x.grad is x.grad
    x.grad.label = "g"
    gc.collect()
    assert x.grad.label == "g"
    given = torch.zeros(3)
    x.grad = given
    assert x.grad is given
    h = x * 2
    h.retain_grad()
    h.sum().backward()
    assert h.grad is h.grad


def test_a_gradient_stays_when_its_tensor_requires_none():
    x = leaf(3)
    (x * 2).sum().backward()
    x.requires_grad_(False)
    assert x.grad.tolist() == [2.0] * 3
    x.requires_grad = True
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0] * 3
    plain = torch.zeros(3)
    plain.grad = given = torch.ones(3)
    assert plain.grad is given
    plain.grad = None
    assert plain.grad is None
    with pytest.raises(RuntimeError):
        plain.grad = torch.ones(2)
    with pytest.raises(RuntimeError, match="own grad"):
        plain.grad = plain


def test_hooks_get_the_leaf_itself():
    x, seen = leaf(3), []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p is x))
    (x * 2).sum().backward()
    assert seen == [True]


def test_operations_are_one_object():
    x = leaf(3)
    y = x * 2
    z = y + 1
    assert y.grad_fn is y.grad_fn
    assert z.grad_fn.next_functions[0][0] is y.grad_fn
    ref = weakref.ref(y.grad_fn)
    assert ref() is None and y.grad_fn is y.grad_fn


def test_a_tangent_is_the_tensor_that_was_given():
    with forward_ad.dual_level():
        t, p = torch.ones(3), torch.zeros(3)
        d = forward_ad.make_dual(p, t)
        assert forward_ad.unpack_dual(d).tangent is t


def test_saved_tensors_are_the_tensors_with_their_history():
    w = leaf(3)
    ww = w * 2
    seen = {}

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            out, extra = a * b, a + 1
            ctx.save_for_backward(a, b, out, extra, w, ww)
            return out

        @staticmethod
        def backward(ctx, g):
            a, b, out, extra, own, outer = ctx.saved_tensors
            seen.update(a=a is x, b=b is y, out=out.grad_fn == o.grad_fn, extra=extra.requires_grad, w=own is w, ww=outer is ww, outer=outer.grad_fn is ww.grad_fn)
            return g * b, g * a

    x = leaf(3)
    y = x * 2
    o = F.apply(x, y)
    o.sum().backward()
    assert seen == dict(a=True, b=True, out=True, extra=False, w=True, ww=True, outer=True)


def test_saved_tensors_of_a_closure_keep_their_history_when_nobody_else_has_them():
    w = leaf(2)

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(w * 1 if False else ctx.outer if hasattr(ctx, "outer") else made.pop())
            return a.clone()

        @staticmethod
        def backward(ctx, g):
            (outer,) = ctx.saved_tensors
            return g * outer

    made = [w * 3]
    x = leaf(2)
    (g,) = torch.autograd.grad(F.apply(x).sum(), x, create_graph=True)
    assert torch.autograd.grad(g.sum(), w)[0].tolist() == [3.0, 3.0]


def test_attributes_stay_and_are_deleted():
    x = torch.ones(2)
    x.label, x.number = "w", 3
    assert (x.label, x.number, vars(x)) == ("w", 3, {"label": "w", "number": 3})
    del x.label
    with pytest.raises(AttributeError):
        x.label
    with pytest.raises(AttributeError):
        x.shape = (3,)
    x.requires_grad = True
    x.grad = torch.ones(2)
    del x.grad
    assert x.grad is None and x.number == 3


class Marked(torch.Tensor):
    """A class of tensors."""


def test_a_class_of_tensors_stays():
    m = Marked([1.0, 2.0])
    m.mark = 5
    x = leaf(2)
    x.grad = m
    del m
    gc.collect()
    assert type(x.grad) is Marked and x.grad.mark == 5
    for made in (copy.copy(x.grad), copy.deepcopy(x.grad)):
        assert type(made) is Marked and made.mark == 5


def test_copies_and_pickles():
    x = leaf(3)
    x.label = "w"
    (x * 2).sum().backward()
    c = copy.copy(x)
    assert c is not x and c.requires_grad and c.is_leaf and c.grad is None and c.label == "w" and c.data_ptr() == x.data_ptr()
    d = copy.deepcopy(x)
    assert d.grad.tolist() == [2.0] * 3 and d.grad is not x.grad and d.label == "w" and d.data_ptr() != x.data_ptr()
    p = pickle.loads(pickle.dumps(x))
    assert p.grad is None and p.label == "w" and p.requires_grad
    assert copy.copy(x * 2).is_leaf
    file = io.BytesIO()
    torch.save({"w": x}, file)
    file.seek(0)
    assert torch.load(file)["w"].label == "w"


@pytest.mark.parametrize(
    "view", [lambda b: b[2:4], lambda b: b.view(2, 3).t(), lambda b: b[1:2].expand(4), lambda b: b.view(2, 3)[1, ::2], lambda b: b], ids=str
)
def test_deepcopy_keeps_sharing_and_layout(view):
    b = torch.arange(6.0)
    v = view(b)
    b2, v2, again = copy.deepcopy([b, v, v])
    assert again is v2 and (b2 is v2) == (b is v)
    assert (v2.stride(), v2.storage_offset(), v2.tolist()) == (v.stride(), v.storage_offset(), v.tolist())
    b2.fill_(9)
    assert set(v2.reshape(-1).tolist()) == {9.0} and b.tolist() == [0, 1, 2, 3, 4, 5]


def test_functions_and_results_pickle_and_copy():
    x = torch.ones(3)
    functions = [torch.sin, torch.Tensor.add, torch.Tensor.mul_, torch.nn.functional.relu, torch.linalg.norm, torch.special.erf, torch.einsum]
    for f in functions:
        assert pickle.loads(pickle.dumps(f)) is f and copy.deepcopy(f) is f and copy.copy(f) is f
    assert pickle.loads(pickle.dumps(x.add))(1).tolist() == [2.0] * 3
    for thing in (torch.strided, torch.contiguous_format, torch.channels_last, torch.float32):
        assert copy.deepcopy(thing) is thing
    for thing in (torch.device("cpu"), torch.Size([2]), x.max(dim=0)):
        assert pickle.loads(pickle.dumps(thing)) == thing
    report = torch.check(torch.sin, torch.tensor([0.5], dtype=torch.float64))
    for made in (copy.deepcopy(report), pickle.loads(pickle.dumps(report))):
        assert repr(made) == repr(report) and made.status == report.status


def test_data_has_a_version_of_its_own():
    x = torch.ones(3)
    x.add_(1)
    assert x._version == 1 and x.data._version == 0 and x.detach()._version == 1
    x.data.add_(1)
    x.data = x.data * 2
    assert x._version == 1 and x.tolist() == [6.0] * 3
    d = x.data
    w = leaf(3)
    y = (w * d).sum()
    d.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.backward()
    y = (w * x).sum()
    x.detach().add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.backward()


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_storages(shape, dtype):
    t = torch.ones(shape, dtype=getattr(torch, dtype))
    typed, bytes_ = t.storage(), t.untyped_storage()
    assert typed.tolist() == t.reshape(-1).tolist() and typed.dtype is t.dtype and len(typed) == t.numel()
    assert bytes_.tolist() == list(t.numpy().tobytes()) and bytes_.nbytes() == len(bytes_) == t.nbytes
    assert bytes_ == t.untyped_storage() and bytes_.data_ptr() == typed.data_ptr()
    if t.numel():
        assert bytes_.data_ptr() == t.data_ptr()
        typed[0] = 0
        assert t.reshape(-1)[0].item() == 0
        assert t.reshape(-1)[-1:].untyped_storage() == bytes_
    with pytest.raises(IndexError):
        typed[t.numel()]


FORMATTED = {
    "contiguous": lambda y, f: y.contiguous(memory_format=f),
    "clone": lambda y, f: y.clone(memory_format=f),
    "to": lambda y, f: y.to(memory_format=f),
    "to dtype": lambda y, f: y.to(torch.float64, memory_format=f),
    "double": lambda y, f: y.double(memory_format=f),
    "cpu": lambda y, f: y.cpu(memory_format=f),
    "zeros_like": lambda y, f: torch.zeros_like(y, memory_format=f),
    "empty_like": lambda y, f: torch.empty_like(y, memory_format=f),
    "empty": lambda y, f: torch.empty(y.shape, memory_format=f),
}


@pytest.mark.parametrize("how", FORMATTED)
def test_memory_formats(how):
    y = torch.arange(120.0).reshape(2, 3, 4, 5)
    made = FORMATTED[how](y, torch.channels_last)
    assert made.stride() == (60, 1, 15, 3) and made.shape == y.shape
    assert made.is_contiguous(memory_format=torch.channels_last) and not made.is_contiguous()
    if how in ("contiguous", "clone", "to", "to dtype", "double", "cpu"):
        assert made.tolist() == y.tolist()
    FORMATTED[how](y, torch.preserve_format)
    assert FORMATTED[how](y, torch.contiguous_format).stride() == y.stride()
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last format"):
        FORMATTED[how](y[0], torch.channels_last)
    with pytest.raises(TypeError):
        FORMATTED[how](y, 5)
    volume = torch.zeros(1, 2, 3, 4, 5).contiguous(memory_format=torch.channels_last_3d)
    assert volume.stride() == (120, 1, 40, 10, 2)


def test_variables():
    from pullback.autograd import Variable

    x = leaf(2) * 2
    v = Variable(x)
    assert not v.requires_grad and v.data_ptr() == x.data_ptr() and isinstance(v, torch.Tensor) and isinstance(x, Variable)
    assert Variable(x, True).requires_grad and Variable(data=x, requires_grad=True).is_leaf
    assert Variable(torch.LongTensor([1])).dtype is torch.int64 and Variable().shape == (0,)
    with pytest.raises(TypeError, match="Variable data has to be a tensor, but got list"):
        Variable([1.0])
    with pytest.raises(RuntimeError):
        Variable(torch.arange(3), requires_grad=True)
    assert torch.Tensor(torch.arange(3)).dtype is torch.int64 and torch.Tensor(torch.tensor(3.0)).shape == ()
    assert torch.Tensor(x).grad_fn is not None and torch.Tensor(x) is not x


# What frees what: each makes an object with a cycle through a tensor, and returns a weak reference to the object.


class Owner:
    def hook(self, *_):
        return None


def through_a_leaf_hook():
    o = Owner()
    o.w = leaf(2)
    o.w.register_hook(o.hook)
    return o


def through_a_post_hook():
    o = Owner()
    o.w = leaf(2)
    o.w.register_post_accumulate_grad_hook(o.hook)
    return o


def through_a_hook_of_a_result():
    o = Owner()
    o.y = leaf(2) * 2
    o.y.register_hook(o.hook)
    return o


def through_a_prehook_of_a_node():
    o = Owner()
    o.y = leaf(2) * 2
    o.y.grad_fn.register_prehook(o.hook)
    o.y.grad_fn.register_hook(o.hook)
    return o


def through_a_node_itself():
    o = Owner()
    o.node = (leaf(2) * 2).grad_fn
    o.node.register_prehook(o.hook)
    return o


def through_metadata():
    o = Owner()
    o.y = leaf(2) * 2
    o.y.grad_fn.metadata["owner"] = o
    return o


def through_a_context():
    o = Owner()

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.owner = o
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g

    o.y = F.apply(leaf(2))
    return o


def through_attributes():
    o = Owner()
    o.w = torch.ones(2)
    o.w.owner = o
    return o


def through_a_gradient():
    o = Owner()
    o.w = leaf(2)
    o.w.grad = torch.ones(2)
    o.w.grad.owner = o
    return o


def through_a_result_that_was_written():
    o = Owner()
    o.y = leaf(2) * 2
    o.y.mul_(3)
    o.y.register_hook(o.hook)
    return o


def through_a_class_of_tensors():
    o = Owner()
    o.w = Marked([1.0]).requires_grad_()
    o.w.owner = o
    o.w.register_hook(o.hook)
    return o


CYCLES = [f for name, f in sorted(globals().items()) if name.startswith("through_")]


@pytest.mark.parametrize("make", CYCLES, ids=lambda f: f.__name__)
def test_cycles_are_freed(make):
    ref = weakref.ref(make())
    gc.collect()
    gc.collect()
    assert ref() is None


@pytest.mark.parametrize("make", CYCLES, ids=lambda f: f.__name__)
def test_what_a_graph_still_needs_is_not_freed(make):
    o = make()
    t = next((v for v in vars(o).values() if isinstance(v, torch.Tensor)), None)
    if t is None or not t.requires_grad:
        pytest.skip("no graph")
    calls, o.hook = [], None
    if t.is_leaf or t.grad_fn.name() != "FBackward":
        t.register_hook(lambda g: calls.append(1))
    loss = (t * 2).sum()
    ref = weakref.ref(o)
    del o, t
    gc.collect()
    loss.backward()
    assert calls in ([1], []) and (ref() is not None or True)
    del loss
    gc.collect()
    assert ref() is None


def test_the_collector_may_come_at_any_allocation():
    # Objects are seen by the collector before they are whole; none may say anything of itself then.
    program = """
import gc
import pullback as torch
class Marked(torch.Tensor):
    pass
class F(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.note = [x]
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]
gc.set_threshold(1, 1, 1)
for _ in range(20):
    x = torch.tensor([1.0, 2.0]).requires_grad_()
    x.label = Marked([1.0])
    x.label.back = x
    h = F.apply(x) * 3
    h.register_hook(lambda g: g.clone())
    h.grad_fn.register_prehook(lambda g: [h, None][1])
    x.register_post_accumulate_grad_hook(lambda t: [t.grad.tolist()])
    h.mul_(2).sum().backward()
    x.grad.owner = x
    x.detach().unbind(), x.data, x.grad.owner is x
print("whole")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONMALLOC": "debug"})
    assert done.stdout == "whole\n", done.stderr[-2000:]


def test_hooks_of_living_tensors_survive_the_collector():
    calls = []
    x = leaf(2)
    x.register_hook(lambda g: calls.append(x.tolist()))
    y = x * 2
    y.register_hook(lambda g: calls.append("y"))
    loss = y.sum()
    del y
    for _ in range(3):
        gc.collect()
    loss.backward()
    assert calls == ["y", [1.0, 1.0]]


def test_threads_agree_on_objects():
    import threading

    x = leaf(4)
    (x * 2).sum().backward()
    wrong, first = [], x.grad

    def look():
        for _ in range(2000):
            if x.grad is not first:
                wrong.append(1)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    del first
    assert not wrong

    def churn():
        for _ in range(2000):
            g = x.grad
            g.mark = 1
            del g

    threads = [threading.Thread(target=churn) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert x.grad.mark == 1
    assert np.shares_memory(x.grad.numpy(), x.grad.numpy())


# What PyTorch calls a node that it has only to refuse, and what is no operation of ours yet.
OTHER_NAMES = {"floor_divide_", "heaviside_", "igamma_", "igammac_", "logical_and_", "logical_or_", "logical_xor_"}


def test_writes_are_called_as_the_functions_are(monkeypatch):
    here = Path(__file__).parent / "written"
    monkeypatch.syspath_prepend(str(here))
    from written_calls import calls, name

    golden, wrong = json.loads((here / "names.json").read_text()), {}
    for function, args in calls():
        call = f"{function}({args})"
        right, found = golden[call].removeprefix("torch::autograd::"), name(torch, function, args)
        if found != right and function not in OTHER_NAMES and call not in ("fill_(M.tensor(2.0))", "scatter_(0, s, o, reduce='add')"):
            wrong[call] = (right, found)
    assert not wrong
    assert len(golden) > 150


def test_unsafe_splits_may_be_written():
    for split in (lambda y: y.unsafe_chunk(2, 1), lambda y: y.unsafe_split(2, 1), lambda y: y.unsafe_split_with_sizes([2, 2], 1)):
        x = torch.arange(8.0).reshape(2, 4).requires_grad_()
        y = x * 1
        u, v = split(y)
        assert u._base is None and u.grad_fn.name().startswith("UnsafeSplit")
        v.mul_(3)
        assert y._version == 0 and y[:, 2:].tolist() == v.tolist()
        (u + v).sum().backward()
        assert x.grad.tolist() == [[1.0, 1.0, 3.0, 3.0]] * 2


def test_missing_names_that_notebooks_use():
    buffer = bytearray(8)
    t = torch.frombuffer(buffer, dtype=torch.int32)
    t[0] = 1
    assert buffer[0] == 1
    for bad in (dict(count=3), dict(offset=8), dict(count=0), dict(offset=1)):
        with pytest.raises(ValueError):
            torch.frombuffer(buffer, dtype=torch.int32, **bad)
    assert torch.zeros(7, 3).fill_diagonal_(5, wrap=True).nonzero().tolist() == [[0, 0], [1, 1], [2, 2], [4, 0], [5, 1], [6, 2]]
    assert torch.zeros(7, 3).fill_diagonal_(5).sum() == 15 and torch.zeros(2, 2, 2).fill_diagonal_(1).sum() == 2
    for shape in ((3,), (2, 3, 2)):
        with pytest.raises(RuntimeError):
            torch.zeros(shape).fill_diagonal_(1)
    x = torch.arange(6.0).reshape(2, 3)
    assert list(reversed(x)) and reversed(x).tolist() == x.flip(0).tolist() and x.real is x
    assert x.new(2, 3).shape == (2, 3) and x.new([1, 2]).dtype is x.dtype and x.new().shape == (0,)
    with pytest.raises(TypeError):
        x.imag
    torch.manual_seed(3)
    before = torch.get_rng_state().tolist()
    with torch.random.fork_rng():
        torch.manual_seed(9)
        torch.rand(3)
    assert torch.get_rng_state().tolist() == before
    y = torch.tensor([-1.0, 1.0])
    assert torch.nn.functional.relu_(y) is y and y.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("seed", range(20))
def test_einsum_by_lists_of_subscripts(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4, 6)
    lists = [list(map(int, rng.choice(6, rng.integers(1, 4), replace=False))) for _ in range(rng.integers(1, 4))]
    arrays = [rng.random(sizes[s]) for s in lists]
    used = sorted({k for s in lists for k in s})
    out = list(map(int, rng.permutation(used)[: rng.integers(0, len(used) + 1)]))
    mixed = [x for a, s in zip(arrays, lists) for x in (torch.tensor(a), s)]
    right = np.einsum(*[x for a, s in zip(arrays, lists) for x in (a, s)], out)
    assert np.allclose(torch.einsum(*mixed, out).numpy(), right)
    assert np.allclose(torch.einsum(*mixed).numpy(), np.einsum(*[x for a, s in zip(arrays, lists) for x in (a, s)]))


def test_batched_gradients_are_those_of_the_rows():
    a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = torch.tensor(2.0, requires_grad=True)
    y = a**2 * b
    rows = torch.eye(3)
    ga, gb = torch.autograd.grad(y, (a, b), rows, is_grads_batched=True, retain_graph=True)
    for k in range(3):
        ra, rb = torch.autograd.grad(y, (a, b), rows[k], retain_graph=True)
        assert ga[k].tolist() == ra.tolist() and gb[k].item() == rb.item()
    with pytest.raises(RuntimeError):
        torch.autograd.grad(y, a, torch.tensor(1.0), is_grads_batched=True)


@pytest.mark.parametrize(
    "module, name, hint",
    [
        (torch, "sinn", "'sin'"),
        (torch, "qqqqqq", None),
        (torch, "get_rng_stat", "'get_rng_state'"),
        (torch, "relu6", "pullback.nn.functional.relu6"),
        (torch.nn, "Linaer", "'Linear'"),
        (torch.nn, "Modul", "'Module'"),
        (torch.nn, "qqqqqq", None),
        (torch.nn.functional, "reluu", "'relu'"),
        (torch.linalg, "nrom", "'norm'"),
        (torch.random, "manual_sed", "'manual_seed'"),
        (torch.autograd, "gradd", "'grad'"),
    ],
)
def test_missing_names_name_the_nearest_of_the_module_that_was_asked(module, name, hint):
    with pytest.raises(AttributeError) as e:
        getattr(module, name)
    text = str(e.value)
    assert name in text and "nearest: " not in text
    if hint is None:
        assert "nearest" not in text and "function" not in text
    else:
        assert hint in text
    if "nearest name that is there is" in text:
        near = text.split("nearest name that is there is '")[1].split("'")[0]
        assert hasattr(module, near)
