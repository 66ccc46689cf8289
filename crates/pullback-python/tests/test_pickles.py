"""`save` and `load`: what is written comes back, files are whole or absent, and a hostile file runs nothing."""

import copy
import io
import os
import pickle
import random
import struct
import subprocess
import sys
from collections import OrderedDict

import pytest

import pullback as torch

ERRORS = (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, TypeError, MemoryError)


def saved(obj):
    out = io.BytesIO()
    torch.save(obj, out)
    return out.getvalue()


def loaded(data):
    return torch.load(io.BytesIO(data))


def everything():
    shared = torch.arange(4.0)
    recursive = [1]
    recursive.append(recursive)
    return {
        "dtypes": [torch.tensor([0, 1, 2]).to(d) for d in (torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool)],
        "shapes": [torch.zeros(s) for s in ((), (0,), (2, 0, 3), (1, 2, 3))],
        "views": torch.arange(24.0).reshape(2, 3, 4).transpose(0, 2)[::2],
        "leaf": torch.ones(2, requires_grad=True),
        "state": OrderedDict([("w", torch.ones(1)), ("b", torch.zeros(1))]),
        "plain": [None, True, False, 0, 255, 256, 1 << 20, -(1 << 40), 1 << 200, 0.5, float("inf"), "", "ä\ud800", b"x" * 300, bytearray(b"y"), 1j, (), (1,), (1, 2, 3, 4)],
        "sets": [{1, "a"}, frozenset([(1, 2), None]), set()],
        (1, "key"): torch.Size([2, 3]),
        "kinds": [torch.float32, torch.device("cpu")],
        "long": list(range(3000)),
        "wide": {f"k{i}": i for i in range(3000)},
        "twice": [shared, shared],
        "recursive": recursive,
    }


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert a.dtype is b.dtype and a.shape == b.shape and a.requires_grad == b.requires_grad and torch.equal(a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for k in a:
            if k != "recursive":
                same(a[k], b[k])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    else:
        assert a == b


def test_what_is_saved_comes_back(tmp_path):
    obj = everything()
    for made in (loaded(saved(obj)), torch.load(io.BytesIO(saved(obj)), weights_only=False)):
        same(obj, made)
        assert made["twice"][0] is made["twice"][1] and made["recursive"][1] is made["recursive"]
    torch.save(obj, tmp_path / "all.pt")
    same(obj, torch.load(tmp_path / "all.pt", map_location="cpu", weights_only=True))
    same(obj, torch.load(tmp_path / "all.pt", weights_only=False))
    several = io.BytesIO(pickle.dumps(1) + pickle.dumps("two"))
    assert torch.load(several) == 1 and torch.load(several) == "two"
    made = loaded(saved(torch.zeros(2)))
    made[0] = 1  # memory of its own, that can be written
    for protocol in range(4, pickle.HIGHEST_PROTOCOL + 1):
        same(obj, loaded(pickle.dumps(obj, protocol)))


def where(t):
    """What a tensor is apart from its numbers."""
    return tuple(t.shape), t.stride(), t.storage_offset(), t.untyped_storage().nbytes(), t.requires_grad


def laid_out():
    a = torch.arange(24.0).reshape(2, 3, 4)
    views = [a, a.transpose(0, 2), a[:, 1], a[1:, ::2, 1:3], a[1, 2, 3], a[0, :0], torch.ones(1).expand(5), a.as_strided((2, 2), (1, 1), 3)]
    return views + [v.to(torch.uint8) for v in views] + [a.to(torch.int32).view(torch.float32), a.flip(0).requires_grad_()]


@pytest.mark.parametrize("copied", (lambda x: loaded(saved(x)), lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy))
def test_strides_and_places_come_back(copied):
    for t in laid_out():
        made = copied(t)
        assert torch.equal(t, made) and where(t) == where(made)
    a = torch.arange(6.0)
    assert copied(a[1:4]).untyped_storage().data_ptr() != a.untyped_storage().data_ptr()


@pytest.mark.parametrize("copied", (lambda x: loaded(saved(x)), lambda x: torch.load(io.BytesIO(saved(x)), weights_only=False), copy.deepcopy))
def test_what_shares_memory_goes_on_sharing(copied):
    a = torch.arange(6, dtype=torch.int32)
    other = torch.arange(6, dtype=torch.int32)
    made, row, turned, floats, apart = copied((a, a[2:4], a.view(2, 3).t(), a.view(torch.float32), other))
    made[2] = 0x3F800000
    assert row.tolist() == [0x3F800000, 3] and turned[2, 0] == 0x3F800000 and floats[2] == 1.0 and apart[2] == 2
    assert a[2] == 2
    state = copied({"w": torch.nn.Parameter(torch.ones(2, 2)), "twice": [a, a]})
    assert type(state["w"]) is torch.nn.Parameter and state["twice"][0] is state["twice"][1]
    # A pickle of Python's own has each tensor's memory apart, as in PyTorch.
    first, second = pickle.loads(pickle.dumps((a, a[2:4])))
    first[2] = 7
    assert second[0] == 2


def test_older_pickles_of_elements_are_read():
    from pullback._pickles import rebuild_tensor

    class Old:
        def __reduce__(self):
            return rebuild_tensor, (b"\0\0\x80?" * 2, "float32", (2, 1), True)

    for made in (loaded(pickle.dumps(Old(), 4)), pickle.loads(pickle.dumps(Old(), 4))):
        assert made.tolist() == [[1.0], [1.0]] and made.requires_grad


class Call:
    def __init__(self, function, *args):
        self.made = function, args

    def __reduce__(self):
        return self.made


class Slots:
    """A class of the user's."""


def hostile(tmp_path):
    touched = str(tmp_path / "touched")
    for function, *args in [
        (os.system, f"touch {touched}"),
        (eval, f"open({touched!r}, 'w')"),
        (exec, f"open({touched!r}, 'w')"),
        (open, touched, "w"),
        (subprocess.call, ["touch", touched]),
        (getattr, "text", "upper"),
        (__import__, "os"),
        (pickle.loads, pickle.dumps(1)),
        (bytearray, 1 << 40),
        (type, "C", (), {}),
    ]:
        yield pickle.dumps(Call(function, *args), 4)
        yield pickle.dumps({"w": torch.ones(2), "x": [Call(function, *args)]}, 4)
        for protocol in (0, 1, 2):
            yield pickle.dumps(Call(function, *args), protocol)
    yield pickle.dumps(Slots(), 4)
    yield pickle.dumps(Slots, 4)
    name = lambda module, name: b"c" + module + b"\n" + name + b"\n"
    rebuild, size, ordered = name(b"pullback._pickles", b"rebuild_tensor"), name(b"pullback._parts", b"Size"), name(b"collections", b"OrderedDict")
    yield name(b"pullback._pickles", b"load") + b"X\x01\0\0\0x\x85R."
    yield name(b"pullback._pickles", b"os.system") + b"X\x04\0\0\0true\x85R."
    yield name(b"pullback", b"load") + b"."
    yield rebuild + b"."  # a function as a value
    yield rebuild + b"N}X\x08\0\0\0__code__Ns\x86b."  # and its attributes
    yield size + b"N}X\x05\0\0\0numelK\x01s\x86b."
    yield ordered + b"]K\x01a\x85R."
    yield b"(" + size + b"K\x01l."
    yield name(b"pullback._parts", b"dtype_named") + b"X\x06\0\0\0Tensor\x85R."
    yield size + b"X\x03\0\0\0abc\x85R."
    # Tensors that are none.
    from pullback._pickled import rebuild_memory, rebuild_view

    memory = Call(rebuild_memory, b"\0" * 8)
    for args in (
        (memory, "float32", (3,), (1,), 0, False),
        (memory, "float32", (2,), (1,), 1, False),
        (memory, "float32", (2,), (-1,), 1, False),
        (memory, "float32", (-2,), (1,), 0, False),
        (memory, "float32", (2,), (1, 1), 0, False),
        (memory, "float32", (2,), (1 << 62,), 0, False),
        (memory, "float32", (1 << 62, 1 << 62), (0, 0), 0, False),
        (memory, "float32", (1 << 70,), (0,), 0, False),
        (memory, "float64x2", (1,), (1,), 0, False),
        (memory, "Tensor", (1,), (1,), 0, False),
        (memory, ["float32"], (1,), (1,), 0, False),
        (memory, "float32", [1], (1,), 0, False),
        (memory, "float32", (True,), (1,), 0, False),
        (memory, "int64", (1,), (1,), 0, True),
        (torch.ones(2), "float32", (1,), (1,), 0, False),
        (b"\0" * 8, "float32", (1,), (1,), 0, False),
    ):
        yield pickle.dumps(Call(rebuild_view, *args), 4)
    yield pickle.dumps(Call(rebuild_memory, 1 << 40), 4)
    yield pickle.dumps(Call(rebuild_memory, "text"), 4)
    shape = lambda *n: b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", x) for x in n) + b"t"
    tensor = lambda data, dtype, sizes: rebuild + b"(" + data + b"X" + struct.pack("<I", len(dtype)) + dtype + sizes + b"\x88tR."
    eight = b"C\x08" + b"\0" * 8
    yield tensor(eight, b"float32", shape(1 << 61, 8))
    yield tensor(eight, b"float32", shape(-2, -1))
    yield tensor(eight, b"float32", shape(1 << 40))
    yield tensor(eight, b"object", shape(1))
    yield tensor(eight, b"O", shape(1))
    yield tensor(b"C\x07" + b"\0" * 7, b"float32", shape(1))
    yield tensor(b"C\x00", b"float32", shape(0, 1 << 62, 1 << 62))
    yield tensor(b"K\x05", b"float32", shape(5))
    # Lengths that the file has not got, and numbers of places.
    for code in (b"B", b"T", b"X"):
        yield code + b"\xff\xff\xff\x7f" + b"abc."
    for code in (b"\x8e", b"\x8d", b"\x96"):
        yield b"\x80\x05" + code + struct.pack("<Q", 1 << 60) + b"abc."
        yield b"\x80\x05" + code + b"\xff" * 8 + b"abc."
    yield b"\x8b\xff\xff\xff\x7f."
    yield b"\x8b\xff\xff\xff\xff."
    yield b"\x80\x04\x95" + b"\xff" * 8 + b"j\xff\xff\xff\xff."
    yield b"K\x01r\xff\xff\xff\x7fh\x05."
    # Nested tuples as a key, whose hash would recurse.
    yield b"}" + b")" + b"\x85" * 200_000 + b"K\x01s."
    yield b"(" + b")" + b"\x85" * 200_000 + b"\x91."
    yield b"}]K\x01s."
    yield b"\x8f(]\x90."
    # No order in it.
    yield b"."
    yield b"(."
    yield b"0."
    yield b"1."
    yield b"a."
    yield b"s."
    yield b"t."
    yield b"R."
    yield b"\x93."
    yield b"(K\x01R."
    yield b"]K\x01(a."
    yield b"}(K\x01u."
    yield b"}(u"
    yield b"c"
    yield b"c\n\n."
    yield b"cos\nsystem"
    yield b"\x80\xff."
    yield b"q\0."
    yield b"PK\3\4" + b"\0" * 100


def test_a_hostile_file_is_an_error_and_runs_nothing(tmp_path):
    for data in hostile(tmp_path):
        with pytest.raises(ERRORS):
            loaded(data)
            pytest.fail(f"was loaded: {data[:80]!r}")
    assert os.listdir(tmp_path) == []
    assert torch.zeros(2).shape.numel() == 2  # nothing of the package was changed
    with pytest.raises(pickle.UnpicklingError, match="Unsupported global: GLOBAL .*system was not an allowed global") as e:
        loaded(pickle.dumps(Call(os.system, "true"), 4))
    assert "weights_only=False" in str(e.value)
    assert torch.load(io.BytesIO(pickle.dumps(Call(len, "abc"))), weights_only=False) == 3
    with pytest.raises(EOFError):
        loaded(b"")
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "nothing.pt")
    with pytest.raises(RuntimeError, match="explicit pickle_module"):
        torch.load(io.BytesIO(saved(1)), pickle_module=pickle, weights_only=True)
    with pytest.raises(TypeError, match="binary mode"):
        torch.load(io.StringIO("x"))


def test_deep_nesting_needs_no_stack():
    made = loaded(b"]" * 100_000 + b"a" * 99_999 + b".")
    for _ in range(99_999):
        (made,) = made
    assert made == []


def test_any_change_to_a_file_is_an_error_or_a_value():
    data = saved({k: v for k, v in everything().items() if k not in ("long", "wide")})
    for cut in range(0, len(data), 7):
        with pytest.raises(ERRORS):
            loaded(data[:cut])
    r = random.Random(1)
    for _ in range(1500):
        broken = bytearray(data)
        for _ in range(r.randrange(1, 4)):
            broken[r.randrange(len(broken))] = r.randrange(256)
        try:
            loaded(bytes(broken))
        except ERRORS:
            pass


def test_saving_is_whole_or_not_at_all(tmp_path):
    path = tmp_path / "state.pt"
    torch.save([1], path)
    os.chmod(path, 0o640)
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        torch.save([torch.ones(3), lambda: 0], path)
    assert torch.load(path) == [1] and os.listdir(tmp_path) == ["state.pt"]
    out = io.BytesIO()
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        torch.save([torch.ones(3), lambda: 0], out)
    assert out.getvalue() == b""
    link = tmp_path / "link.pt"
    link.symlink_to(path)
    torch.save([2], link)
    assert link.is_symlink() and torch.load(path) == [2] and path.stat().st_mode & 0o777 == 0o640
    torch.save([3], os.devnull)
    assert not os.path.isfile(os.devnull)
    with pytest.raises(RuntimeError, match="Parent directory .* does not exist"):
        torch.save([1], tmp_path / "no" / "such" / "state.pt")


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "state.pt"
    torch.save("before", path)
    program = (
        "import os, sys, pullback as torch\n"
        "class Dies:\n"
        "    def __reduce__(self): os._exit(9)\n"
        f"torch.save([torch.zeros(100000), Dies()], {str(path)!r})\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 9
    assert torch.load(path) == "before"
