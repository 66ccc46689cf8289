"""Files in the safetensors format: written, read, exchanged with the library of that name where it is installed, and refused where they lie."""

import json
import os
import random

import pytest

import pullback as torch
from pullback import nn
from pullback import safetensors as st


def tensors():
    dtypes = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
    return {**{f"t{i}": torch.tensor([0, 1, 2]).to(d) for i, d in enumerate(dtypes)}, "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "matrix": torch.arange(6.0).reshape(2, 3)}


def test_what_is_written_is_read(tmp_path):
    want, path = tensors(), tmp_path / "x.safetensors"
    st.save_file(want, path, metadata={"format": "pt"})
    for got in (st.load_file(path), st.load(st.save(want))):
        assert sorted(got) == sorted(want)
        for name, t in want.items():
            assert got[name].dtype is t.dtype and got[name].shape == t.shape and torch.equal(got[name], t)
    with st.safe_open(path, framework="pt") as f:
        assert f.metadata() == {"format": "pt"} and f.get_slice("matrix")[:, 1].tolist() == [1.0, 4.0] and f.get_slice("matrix").get_shape() == [2, 3]
        with pytest.raises(st.SafetensorError, match="does not contain"):
            f.get_tensor("nothing")
    assert st.load(st.save({})) == {}


def test_bytes_are_those_of_the_format():
    data = st.save({"a": torch.tensor([1.0])})
    n = int.from_bytes(data[:8], "little")
    assert json.loads(data[8 : 8 + n]) == {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}} and n % 8 == 0 and data[8 + n :] == b"\0\0\x80?"


def test_models_with_shared_weights(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)
            self.b.weight = self.a.weight

    one, two = Tied(), Tied()
    st.save_model(one, tmp_path / "m.safetensors")
    assert st.load_model(two, tmp_path / "m.safetensors") == ([], [])
    assert torch.equal(one.a.weight, two.b.weight) and torch.equal(one.b.bias, two.b.bias)
    with pytest.raises(RuntimeError, match="Missing key"):
        st.load_model(nn.Sequential(nn.Linear(2, 2)), tmp_path / "m.safetensors")


def test_mistakes(tmp_path):
    a = torch.arange(6.0)
    for tensors_, error, text in (({"a": a, "b": a[2:]}, RuntimeError, "share memory"), ({"a": a.reshape(2, 3).t()}, ValueError, "non contiguous"), ({"a": 3}, ValueError, "expected torch.Tensor"), ([a], ValueError, "Expected a dict")):
        with pytest.raises(error, match=text):
            st.save_file(tensors_, tmp_path / "x")
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        st.load_file(tmp_path / "nothing")


def made(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_hostile_files():
    entry = lambda **o: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **o}
    assert st.load(made({"a": entry()}, bytes(4)))["a"].tolist() == [0.0]
    for data in (
        b"", b"\1", b"\xff" * 8, (1 << 62).to_bytes(8, "little"), made(b"[]"), made(b"{"), made(b"\xff"), made(b"[" * 100_000), made({"a": 3}), made({"a": entry()}), made({"a": entry()}, bytes(5)), made({"a": entry(shape=[2])}, bytes(4)),
        made({"a": entry(shape=[-1])}, bytes(4)), made({"a": entry(shape=[1 << 62, 1 << 62])}, bytes(4)), made({"a": entry(data_offsets=[4, 0])}, bytes(4)), made({"a": entry(data_offsets=[0, 4, 4])}, bytes(4)), made({"a": entry(dtype="F8_E5M2")}, bytes(4)),
        made({"a": entry(), "b": entry()}, bytes(4)), made({"a": entry(data_offsets=[4, 8])}, bytes(8)), made({"a": entry(shape=[True])}, bytes(4)), made(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        made({"__metadata__": {"a": 1}}), made({"a": {**entry(), "more": 1}}, bytes(4)), made({"a": entry(shape="1")}, bytes(4)),
    ):  # fmt: skip
        with pytest.raises(st.SafetensorError):
            st.load(data)
    whole, r = st.save({"a": torch.ones(3), "b": torch.zeros(2, dtype=torch.int8)}), random.Random(0)
    for cut in range(len(whole)):
        with pytest.raises(st.SafetensorError):
            st.load(whole[:cut])
    for _ in range(500):
        broken = bytearray(whole)
        broken[r.randrange(len(broken))] = r.randrange(256)
        try:
            st.load(bytes(broken))
        except st.SafetensorError:
            pass


def test_files_are_exchanged_with_the_library(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    import numpy as np

    library.save_file({"x": np.arange(6, dtype=np.float32).reshape(2, 3), "y": np.array([True, False])}, tmp_path / "theirs")
    got = st.load_file(tmp_path / "theirs")
    assert got["x"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] and got["y"].tolist() == [True, False]
    st.save_file({k: v for k, v in tensors().items() if v.dtype is not torch.bfloat16}, tmp_path / "ours")
    back = library.load_file(tmp_path / "ours")
    assert back["matrix"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] and back["t1"].dtype == np.float64


def test_programs_written_for_the_library_run(tmp_path, python):
    pytest.importorskip("safetensors")
    program = tmp_path / "program.py"
    program.write_text(
        f"""
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
save_file({{"a": torch.arange(6.0).reshape(2, 3)}}, {str(tmp_path / "x")!r})
print(load_file({str(tmp_path / "x")!r})["a"].sum())
with safe_open({str(tmp_path / "x")!r}, framework="pt", device="cpu") as f:
    print(list(f.keys()), f.get_slice("a")[1], f.get_tensor("a").shape)
"""
    )
    assert python("-m", "pullback", program) == "tensor(15.)\n['a'] tensor([3., 4., 5.]) torch.Size([2, 3])\n"
