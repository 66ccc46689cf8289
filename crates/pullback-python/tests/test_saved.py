"""Files in PyTorch's formats: those that PyTorch wrote (`saved/make.py`) are read, those written here are read by PyTorch where it is installed, and
files that contradict themselves are errors, soon and in little memory.

What pickles may hold is in `test_pickles.py`.
"""

import io
import pickle
import random
import resource
import struct
import sys
import time
import zipfile
from pathlib import Path

import pytest

import pullback as torch
from pullback import nn

SAVED = Path(__file__).resolve().parent / "saved"
sys.path.insert(0, str(SAVED))
import make  # noqa: E402

ERRORS = (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, TypeError, NotImplementedError)


def same(a, b, path=""):
    assert type(a) is type(b), path
    if isinstance(a, torch.Tensor):
        assert a.dtype is b.dtype and a.shape == b.shape and a.stride() == b.stride() and a.storage_offset() == b.storage_offset(), path
        assert a.requires_grad == b.requires_grad and a.is_meta == b.is_meta and (a.is_meta or torch.equal(a, b)), path
        assert {k: v for k, v in vars(a).items()} == {k: v for k, v in vars(b).items()}, path
    elif isinstance(a, dict):
        assert list(a) == list(b), path
        for k in a:
            same(a[k], b[k], f"{path}.{k}")
        assert getattr(a, "_metadata", None) == getattr(b, "_metadata", None)
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b)):
            same(x, y, f"{path}[{i}]")
    else:
        assert a == b, path


def saved(obj, **options):
    out = io.BytesIO()
    torch.save(obj, out, **options)
    return out.getvalue()


def loaded(data, **options):
    return torch.load(io.BytesIO(data), **options)


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("name", ["plain.pt", "plain_legacy.pt"])
def test_files_of_pytorch(name, weights_only):
    got, want = torch.load(SAVED / name, weights_only=weights_only), make.plain(torch)
    if "legacy" in name:
        del want["meta"]
    same(got, want)
    first, turned = got["views"][:2]
    turned[0, 0, 0] = 7.0
    assert first[0, 0, 0] == 7.0, "what shared memory goes on sharing"


def test_a_file_is_mapped_into_memory_on_demand():
    got = torch.load(SAVED / "plain.pt", mmap=True)
    same(got, make.plain(torch))
    got["views"][0].zero_()
    same(torch.load(str(SAVED / "plain.pt")), make.plain(torch))
    for f, error, text in ((io.BytesIO(), ValueError, "f must be a file path"), (SAVED / "plain_legacy.pt", RuntimeError, "mmap can only be used")):
        with pytest.raises(error, match=text):
            torch.load(f, mmap=True)


def test_whole_modules_of_pytorch():
    got = torch.load(SAVED / "modules.pt", weights_only=False)
    assert repr(got["net"]) == repr(make.network(torch)) and repr(got["rest"]) == repr(make.recurrent(torch))
    assert torch.allclose(got["net"](got["x"]), got["y"], rtol=0, atol=1e-6)
    for part, x in (("lstm", torch.ones(2, 1, 3)), ("gru", torch.ones(2, 1, 2)), ("emb", torch.tensor([1])), ("layer", torch.ones(2, 1, 4))):
        got["rest"][part](x)
    got["net"].train()(got["x"]).sum().backward()
    again = loaded(saved(got["net"]), weights_only=False)
    assert repr(again) == repr(got["net"]) and type(again[0]) is nn.Conv2d
    with pytest.raises(pickle.UnpicklingError, match=r"Unsupported global: GLOBAL torch.nn.modules.container.Sequential was not an allowed global"):
        torch.load(SAVED / "modules.pt")


def test_a_module_of_pytorch_with_hooks():
    got, want = torch.load(SAVED / "hooked.pt", weights_only=False), make.hooked(torch)
    x = torch.ones(1, 2)
    assert torch.allclose(got(x), want(x)) and sorted(got.state_dict()) == sorted(want.state_dict())
    with torch.no_grad():
        got.weight_g.mul_(2)
        assert torch.allclose(got(x) - got.bias, 2 * (want(x) - want.bias))
    again = loaded(saved(got), weights_only=False)
    assert torch.equal(again(x), got(x))


FUNCTIONS = {
    "torch._C._nn gelu": nn.functional.gelu, "torch._C._nn log_sigmoid": nn.functional.logsigmoid, "torch._C._special special_expit": torch.special.expit, "torch._C._linalg linalg_det": torch.linalg.det,
    "torch._C._fft fft_fftfreq": torch.fft.fftfreq, "torch.nn.functional relu": nn.functional.relu, "relu": torch.relu, "conv2d": torch.conv2d, "tanh": torch.tanh, "celu": torch.celu,
}  # fmt: skip


@pytest.mark.parametrize("path", FUNCTIONS)
def test_functions_that_pytorch_has_in_c(path):
    """An activation kept in a module is written as PyTorch's pickle says it: by its module, or as an attribute of a class."""

    def file(path):
        place = f"c{path.replace(' ', chr(10))}\n" if " " in path else f"c__builtin__\ngetattr\nctorch._C\n_VariableFunctionsClass\nV{path}\n\x86R"
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("x/data.pkl", b"\x80\x02" + place.encode("latin-1") + b".")
            archive.writestr("x/version", b"3\n")
        return out.getvalue()

    assert loaded(file(path), weights_only=False) is FUNCTIONS[path]
    with pytest.raises(pickle.UnpicklingError):
        loaded(file(path), weights_only=True)
    with pytest.raises(pickle.UnpicklingError, match="not there in Pullback"):
        loaded(file(path + "zzz"), weights_only=False)


def test_layers_with_a_function_of_pytorch_go_both_ways(tmp_path):
    theirs = pytest.importorskip("torch")
    for activation in ("gelu", "relu", "tanh"):
        kept = activation if activation != "tanh" else theirs.tanh
        theirs.save(theirs.nn.TransformerEncoderLayer(4, 2, 8, activation=kept), tmp_path / "x.pt")
        got = torch.load(tmp_path / "x.pt", weights_only=False)
        x = torch.randn(3, 2, 4)
        torch.save(got, tmp_path / "y.pt")
        back = theirs.load(tmp_path / "y.pt", weights_only=False)
        assert torch.allclose(got.eval()(x), torch.from_numpy(back.eval()(theirs.from_numpy(x.numpy())).detach().numpy()), atol=1e-5)


def test_a_state_of_pytorch_is_loaded():
    net = make.network(torch)
    for p in net.parameters():
        torch.nn.init.zeros_(p)
    state = torch.load(SAVED / "state_legacy.pt")
    assert repr(net.load_state_dict(state)) == "<All keys matched successfully>"
    whole = torch.load(SAVED / "modules.pt", weights_only=False)
    assert torch.allclose(net(whole["x"]), whole["y"], rtol=0, atol=1e-6)


def test_optimizers_of_pytorch_resume():
    before, after = torch.load(SAVED / "optimizers.pt"), torch.load(SAVED / "optimizers_after.pt")
    fresh = make.optimizers(torch)
    for name, kept in before.items():
        params, optimizer = fresh[name]
        for p, value in zip(params, kept["params"]):
            p.data.copy_(value.detach())
        optimizer.load_state_dict(kept["state"])
        for _ in range(3):
            optimizer.step(make.closure(optimizer, params))
        for p, want in zip(params, after[name]):
            assert torch.allclose(p, want, rtol=1e-4, atol=1e-5), name


@pytest.mark.parametrize("name", ["complex", "float8", "sparse"])
@pytest.mark.parametrize("weights_only", [True, False])
def test_what_is_not_here_says_so(name, weights_only):
    with pytest.raises(pickle.UnpicklingError, match="not there in Pullback"):
        torch.load(SAVED / f"not_here_{name}.pt", weights_only=weights_only)


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}])
def test_what_is_written_is_read_again_and_by_pytorch(tmp_path, options):
    path, obj = tmp_path / "x.pt", make.plain(torch)
    torch.save(obj, path, **options)
    same(torch.load(path), obj)
    same(torch.load(path, weights_only=False), obj)
    theirs = pytest.importorskip("torch")
    if options.get("pickle_protocol"):
        return  # PyTorch reads protocol 2 alone with weights_only
    got, want = theirs.load(path), make.plain(theirs)
    assert list(got) == list(want) and got["plain"] == want["plain"] and got["kinds"] == want["kinds"] and got["state"]._metadata == want["state"]._metadata
    for kind in ("dtypes", "views", "shapes", "parameters"):
        for a, b in zip(got[kind], want[kind]):
            assert a.dtype == b.dtype and a.stride() == b.stride() and a.storage_offset() == b.storage_offset() and a.requires_grad == b.requires_grad and theirs.equal(a, b), kind
    assert type(got["parameters"][2]) is theirs.nn.Parameter and got["parameters"][2].tag == 3 and got["attribute"].note == "mine"
    got["views"][1][0, 0, 0] = 7.0
    assert got["views"][0][0, 0, 0] == 7.0


def test_modules_and_optimizers_written_here_are_read_by_pytorch(tmp_path):
    theirs = pytest.importorskip("torch")
    net = make.network(torch)
    torch.save({"net": net, "rest": make.recurrent(torch), "state": net.state_dict(), "optimizers": {n: o.state_dict() for n, (p, o) in make.optimizers(torch).items()}}, tmp_path / "x.pt")
    got = theirs.load(tmp_path / "x.pt", weights_only=False)
    x = torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4)
    assert theirs.allclose(got["net"](theirs.tensor(x.tolist())), theirs.tensor(net(x).tolist()), atol=1e-6)
    make.network(theirs).load_state_dict(got["state"])
    torch.save(make.hooked(torch), tmp_path / "hooked.pt")
    hooked, ours = theirs.load(tmp_path / "hooked.pt", weights_only=False), make.hooked(torch)
    assert theirs.allclose(hooked(theirs.ones(1, 2)), theirs.tensor(ours(torch.ones(1, 2)).tolist()))
    for part, shape in (("lstm", (2, 1, 3)), ("gru", (2, 1, 2)), ("layer", (2, 1, 4))):
        ours, x = make.recurrent(torch)[part](torch.ones(shape)), got["rest"][part](theirs.ones(shape))
        a, b = (y[0] if isinstance(y, tuple) else y for y in (ours, x))
        assert theirs.allclose(theirs.tensor(a.tolist()), b, atol=1e-6), part
    for name, (params, optimizer) in make.optimizers(theirs).items():
        optimizer.load_state_dict(got["optimizers"][name])
        optimizer.step(make.closure(optimizer, params))


def test_one_memory_seen_as_two_dtypes():
    a = torch.arange(4, dtype=torch.int32)
    got, floats = loaded(saved([a, a.view(torch.float32)]))
    got[0] = 0x3F800000
    assert floats[0] == 1.0


def test_storages_are_objects_too():
    a = torch.arange(4.0)
    t, typed, untyped = loaded(saved([a, a.storage(), a.untyped_storage()]))
    assert typed.tolist() == a.tolist() and untyped.nbytes() == 16
    typed[0] = 5.0
    assert t[0] == 5.0


class Point:
    def __init__(self, x):
        self.x = x


class Slotted:
    __slots__ = ("x",)


def test_classes_that_are_called_safe(tmp_path):
    from pullback import serialization as s

    obj = {"point": Point(torch.ones(2)), "slotted": Slotted()}
    obj["slotted"].x = 3
    torch.save(obj, tmp_path / "x.pt")
    assert sorted(s.get_unsafe_globals_in_checkpoint(tmp_path / "x.pt")) == [f"{__name__}.Point", f"{__name__}.Slotted"]
    with pytest.raises(pickle.UnpicklingError, match="add_safe_globals"):
        torch.load(tmp_path / "x.pt")
    with s.safe_globals([Point, (Slotted, f"{__name__}.Slotted")]):
        got = torch.load(tmp_path / "x.pt")
        assert len(s.get_safe_globals()) == 2
    assert got["point"].x.tolist() == [1.0, 1.0] and got["slotted"].x == 3 and s.get_safe_globals() == []
    s.add_safe_globals([Point])
    s.clear_safe_globals()
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "x.pt")


def test_numpy_numbers_load_when_called_safe():
    import numpy as np
    from pullback import serialization as s

    data = saved({"n": np.float64(2.5)})
    with pytest.raises(pickle.UnpicklingError, match="scalar"):
        loaded(data)
    scalar = np.float64(0).__reduce__()[0]
    with s.safe_globals([(scalar, "numpy.core.multiarray.scalar"), (scalar, "numpy._core.multiarray.scalar"), np.dtype, type(np.dtype("float64"))]):
        assert loaded(data)["n"] == 2.5


def on_cuda(data):
    """The same file with its storages tagged `cuda:0`, as PyTorch writes them with a GPU."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in archive.namelist():
            content = archive.read(name)
            made.writestr(name, content.replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0") if name.endswith("data.pkl") else content)
    return out.getvalue()


def test_map_location():
    data = on_cuda(saved(torch.arange(3.0)))
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device but torch.cuda.is_available"):
        loaded(data)
    seen = []
    for place in ("cpu", torch.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: seen.append((location, storage.nbytes())) or storage):
        assert loaded(data, map_location=place).tolist() == [0.0, 1.0, 2.0]
    assert seen == [("cuda:0", 12)]
    assert loaded(data, map_location="meta").is_meta
    with pytest.raises(RuntimeError, match="CUDA"):
        loaded(data, map_location="cuda")


def test_objects_with_read_and_write_and_other_picklers(tmp_path):
    class OnlyRead:
        def __init__(self, data):
            self.read = io.BytesIO(data).read

    assert torch.load(OnlyRead(saved([1]))) == [1]
    with open(tmp_path / "x.pt", "w+b") as f:
        f.write(b"before")
        torch.save([torch.ones(1)], f)
        f.seek(6)
        assert torch.load(f)[0].tolist() == [1.0]
    assert loaded(saved([torch.ones(1)], pickle_module=pickle), pickle_module=pickle)[0].tolist() == [1.0]
    for call in (lambda: torch.save(1, 3), lambda: torch.load(3)):
        with pytest.raises(AttributeError):
            call()


# files that contradict themselves


def refused(data, seconds=2.0, megabytes=64):
    """An error, soon, and in little memory."""
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ERRORS):
        loaded(data)
        pytest.fail("was loaded")
    assert time.process_time() - start < seconds
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < megabytes << 10


def archive(records, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in records.items():
            made.writestr(f"archive/{name}", content)
    return out.getvalue()


def records(obj):
    made = zipfile.ZipFile(io.BytesIO(saved(obj)))
    return {name.partition("/")[2]: made.read(name) for name in made.namelist()}


def test_archives_are_true_zip_files():
    made = zipfile.ZipFile(io.BytesIO(saved([torch.arange(100.0), torch.ones(2)])))
    assert made.testzip() is None and made.read("archive/version") == b"3\n"
    for info in made.infolist():
        at = info.header_offset + 30 + len(info.filename) + struct.unpack("<H", saved_extra(made, info))[0]
        assert at % 64 == 0
    assert loaded(archive(records([torch.arange(3)])))[0].tolist() == [0, 1, 2]


def saved_extra(made, info):
    made.fp.seek(info.header_offset + 28)
    return made.fp.read(2)


def test_truncated_at_any_byte():
    for data in (saved({"a": torch.arange(5.0), "b": [1, "x"]}), (SAVED / "state_legacy.pt").read_bytes(), saved([torch.ones(3)], _use_new_zipfile_serialization=False)):
        for cut in range(len(data)):
            with pytest.raises(ERRORS):
                loaded(data[:cut])


def test_any_changed_byte_is_an_error_or_a_value():
    r = random.Random(3)
    for data in ((SAVED / "plain.pt").read_bytes(), (SAVED / "plain_legacy.pt").read_bytes(), saved({"w": torch.nn.Parameter(torch.ones(3))})):
        for _ in range(400):
            broken = bytearray(data)
            for _ in range(r.randrange(1, 4)):
                broken[r.randrange(len(broken))] = r.randrange(256)
            start = time.process_time()
            try:
                loaded(bytes(broken))
            except ERRORS:
                pass
            assert time.process_time() - start < 2


def test_a_changed_byte_of_a_tensor_is_found():
    data = bytearray(saved(torch.arange(1000.0)))
    data[data.index(struct.pack("<ff", 500.0, 501.0))] ^= 1
    with pytest.raises(RuntimeError, match="checksum"):
        loaded(bytes(data))


def pickled(*parts):
    return b"\x80\x02" + b"".join(parts) + b"."


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s


def number(n):
    size = (n.bit_length() + 8) // 8
    return b"\x8a" + bytes([size]) + n.to_bytes(size, "little", signed=True)


def stored(kind=b"ctorch\nFloatStorage\n", key=b"0", location=b"cpu", count=3):
    return b"(" + text(b"storage") + kind + text(key) + text(location) + number(count) + b"tQ"


def rebuilt(storage, offset=0, size=(3,), stride=(1,), rest=b"\x89ccollections\nOrderedDict\n)R"):
    numbers = lambda values: b"(" + b"".join(map(number, values)) + b"t"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(size) + numbers(stride) + rest + b"tR"


def test_hostile_archives():
    good = records(torch.arange(3.0))
    assert loaded(archive({**good, "data.pkl": pickled(rebuilt(stored()))})).tolist() == [0.0, 1.0, 2.0]
    for body in (
        rebuilt(stored(count=4)), rebuilt(stored(count=1 << 60)), rebuilt(stored(count=-1)), rebuilt(stored(key=b"1")), rebuilt(stored(key=b"../../x")), rebuilt(stored(location=b"nowhere")),
        rebuilt(stored(), offset=1), rebuilt(stored(), size=(1 << 40,)), rebuilt(stored(), size=(1 << 62, 1 << 62), stride=(0, 0)), rebuilt(stored(), stride=(1, 1)), rebuilt(stored(), stride=(1 << 61,)),
        rebuilt(stored(), size=(-3,)), rebuilt(stored(), offset=-1), rebuilt(stored(), size=(1 << 70,)), rebuilt(stored(kind=b"ctorch\nNoStorage\n")), rebuilt(stored(kind=b"cos\nsystem\n")), rebuilt(stored(kind=b"ctorch\nTensor\n")),
        rebuilt(stored(kind=b"ctorch\nComplexFloatStorage\n")), rebuilt(b"N"), rebuilt(stored(), rest=b"K\x01N"), b"K\x01Q", text(b"storage") + b"Q", b"(" + text(b"x") + b"tQ", b"ctorch\nTensor\n(" + number(1 << 40) + b"tR",
        b"ctorch.nn.parameter\nParameter\n)R", b"ctorch.nn.parameter\nParameter\n)\x81", b"ctorch._utils\n_rebuild_parameter\n(K\x01\x88N" + b"tR", b"ctorch._utils\n_rebuild_sparse_tensor\n)R", b"ctorch.serialization\nload\n.",
        b"ctorch._tensor\n_rebuild_from_type_v2\n(" + b"ctorch._tensor\n_rebuild_from_type_v2\nctorch\nTensor\n)}tR", b"ctorch\nfloat32\n)R", b"cbuiltins\nset\n(]]aatR", b"c_codecs\nencode\n(" + text(b"x") + text(b"rot13") + b"tR",
        b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n(ctorch\nfloat32\n(" + number(-1) + b"t)\x89tR", b"]q\0h\0a" * 3 + b"Q", b"]" * 50_000 + b"R", b"}" + b")" + b"\x85" * 50_000 + b"K\x01s",
        rebuilt(stored()) + b"}" + text(b"shape") + b"K\x01sb", rebuilt(stored()) + b"}" + text(b"__class__") + b"K\x01sb", rebuilt(stored()) + b"K\x01b",
    ):  # fmt: skip
        refused(archive({**good, "data.pkl": pickled(body)}))
    refused(archive({k: v for k, v in good.items() if k != "data.pkl"}))
    refused(archive({**good, "data/0": b""}))
    refused(archive({**good, "data/0": bytes(40_000_000)}, zipfile.ZIP_DEFLATED))
    refused(archive({**good, "byteorder": b"middle"}))
    refused(archive({**good, "constants.pkl": b""}))
    refused(b"PK\3\4" + bytes(1000))
    refused(b"PK\3\4" + b"PK\5\6" * 200_000)
    refused(b"ustar".rjust(262, b"\0") + bytes(300))


def test_things_that_stand_for_much_more_than_their_bytes():
    """What is copied or hashed again and again, out of the memo."""
    good = records(torch.arange(3.0))
    thousand = b"(" + b"K\1" * 1000 + b"tq\1"
    for body in (
        b"(" + text(b"x" * 100_000) + text(b"latin1") + b"tq\0]c_codecs\nencode\nq\1" + b"h\1h\0Ra" * 20_000 + b"0",
        thousand + b"0(" + b"h\1" * 1000 + b"tq\2" + b"0(" + b"h\2" * 1000 + b"tq\3" + b"}h\3K\1s",
        thousand + b"\x85q\2]ctorch\nSize\nq\3" + b"h\3h\2Ra" * 20_000,
    ):
        refused(archive({**good, "data.pkl": pickled(body)}))


def test_records_that_overlap_or_lie_elsewhere():
    data = bytearray(saved([torch.arange(3.0), torch.arange(3.0) + 1]))
    entries = [i for i in range(len(data)) if data[i : i + 4] == b"PK\1\2"]
    for at in entries:
        for place, value in ((42, 0), (42, len(data)), (42, 0xFFFFFFF0), (20, 1 << 20), (24, 1 << 20), (24, 0xFFFFFFFF), (10, 8), (28, 0xFFFF), (30, 0xFFFF), (16, 1)):
            broken = bytearray(data)
            old = struct.unpack("<I" if place not in (10, 28, 30) else "<H", broken[at + place : at + place + (4 if place not in (10, 28, 30) else 2)])[0]
            if old == value:
                continue
            broken[at + place : at + place + (4 if place not in (10, 28, 30) else 2)] = struct.pack("<I" if place not in (10, 28, 30) else "<H", value)
            try:
                loaded(bytes(broken))
            except ERRORS:
                continue
            assert place == 16, "a record whose checksum nobody needs may be wrong"
    end = data.index(b"PK\5\6")
    for place, value in ((8, 0), (10, 0xFFFF), (12, 0xFFFFFFFF), (16, 0), (16, 0xFFFFFFF0), (4, 1)):
        broken = bytearray(data)
        form = "<H" if place < 12 else "<I"
        broken[end + place : end + place + struct.calcsize(form)] = struct.pack(form, value)
        refused(bytes(broken))


def test_hostile_files_of_the_older_format():
    import pickle as p

    head = p.dumps(0x1950A86A20F9469CFC6C, 2) + p.dumps(1001, 2) + p.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}, 2)
    old = lambda body, keys=("0",), tail=struct.pack("<q", 3) + bytes(12): head + pickled(body) + p.dumps(list(keys), 2) + tail
    whole = lambda **o: rebuilt(stored(**o).replace(b"tQ", b"NtQ"))
    assert loaded(old(whole())).tolist() == [0.0, 0.0, 0.0]
    for data in (
        old(whole(count=1 << 60)), old(whole(count=1 << 20)), old(whole(), keys=()), old(whole(), keys=("1",)), old(whole(), keys=("0", "0")), old(whole(), tail=b""), old(whole(), tail=struct.pack("<q", 4) + bytes(16)),
        old(whole(), tail=struct.pack("<q", -1)), old(whole(kind=b"cos\nsystem\n")), head, head + b"garbage", old(whole(), keys=[1 << 70]), old(rebuilt(stored())), old(stored(count=3).replace(b"tQ", b"(K\0K\0K\0ttQ")),
        p.dumps(0x1950A86A20F9469CFC6C, 2) + p.dumps(1002, 2) + p.dumps({}, 2),
    ):  # fmt: skip
        refused(data)


def test_the_order_of_bytes_is_that_of_the_file():
    import numpy as np

    turned = records(torch.arange(3.0))
    turned["byteorder"], turned["data/0"] = b"big", np.arange(3, dtype=">f4").tobytes()
    if sys.byteorder == "little":
        assert loaded(archive(turned)).tolist() == [0.0, 1.0, 2.0]


def test_large_archives_need_64_bits(monkeypatch):
    """With the border between 32 and 64 bits brought down, the same code writes and reads the long form."""
    from pullback import _archive

    obj = {"a": torch.arange(1000.0), "b": torch.ones(3), "c": [torch.zeros(5, dtype=torch.int8)]}
    monkeypatch.setattr(_archive, "_MOST32", 0x200)
    same(loaded(saved(obj)), obj)
