"""Makes the files in `golden/pt` with PyTorch, and `expected.json`, which says what is in them.

    python crates/pullback/tests/golden/make_pt.py

Reads `written.pt` besides, which the library wrote (`PULLBACK_WRITE=1 cargo test -p pullback --test io pt::`), as `torch.load(weights_only=True)` does.
"""

import io
import json
import pathlib
import zipfile
from collections import OrderedDict

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent / "pt"
DTYPES = "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split()


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("hidden", torch.ones(2), persistent=False)
        self.register_buffer("none", None)
        self.register_parameter("absent", None)
        self.note = {"anything": [1, 2]}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(), nn.ReLU(), Block())
        self.head = nn.Linear(3, 1, bias=False)
        self.tied = self.head.weight
        self.parent = [self]  # a ring that nobody has to walk


def tensor(x):
    values = x.detach().double() if x.dtype not in (torch.int64, torch.uint64) else x.to(torch.int64)
    return {"dtype": str(x.dtype).removeprefix("torch."), "shape": list(x.shape), "strides": list(x.stride()), "values": [repr(float(v)) for v in values.flatten().tolist()], "grad": x.requires_grad}


def every_dtype():
    return {name: torch.tensor([[0, 1, 3], [100, 0, 2]]).to(getattr(torch, name)) for name in DTYPES}


def views():
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return OrderedDict(
        base=base, turned=base.t(), row=base[1], column=base[:, 2], same=base, wide=base[:1].expand(3, 4), empty=torch.zeros(0, 4), scalar=torch.tensor(2.5),
        leaf=torch.ones(2, requires_grad=True), parameter=nn.Parameter(torch.full((2,), 3.0)), fixed=nn.Parameter(torch.ones(1), requires_grad=False),
    )  # fmt: skip


def nested():
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    optim = torch.optim.Adam(model.parameters(), 0.1)
    model(torch.ones(1, 2)).sum().backward()
    optim.step()
    return {
        "model": model.state_dict(), "optimizer": optim.state_dict(), "epoch": 3, "loss": 0.5, "name": "é, λ", "nothing": None, "yes": True,
        "list": [1, [2, (3,)], torch.ones(1)], "bytes": b"\x00\xffa", "large": 2**70, "small": -(2**40), "size": torch.Size([2, 3]), "dtype": torch.float16,
        "device": torch.device("cpu"), "set": {1}, 7: "seven",
    }  # fmt: skip


def flat(x, name=""):
    """What `pt::load_state` names."""
    inside = lambda key: f"{name}.{key}" if name else str(key)
    if isinstance(x, torch.Tensor):
        return {name: tensor(x)}
    pairs = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, (list, tuple)) else ()
    return {k: v for key, y in pairs for k, v in flat(y, inside(key)).items()}


def again(path, out, change=lambda name, data: data, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", compression) as new:
        for info in old.infolist():
            new.writestr(zipfile.ZipInfo(info.filename), change(info.filename, old.read(info)), compression)


def main():
    HERE.mkdir(exist_ok=True)
    torch.manual_seed(1)
    net = Net()
    net.parent = []
    whole = {name: tensor(x) for name, x in net.state_dict(keep_vars=True).items()}
    net.parent = [net]
    expected = {}
    for name, value, want in [
        ("dtypes", every_dtype(), None), ("views", views(), None), ("nested", nested(), None), ("module", net, whole), ("list", [torch.ones(2)], None),
    ]:  # fmt: skip
        torch.save(value, HERE / f"{name}.pt")
        expected[name] = want or flat(value)
        if name in ("views", "nested", "module"):
            torch.save(value, HERE / f"{name}_legacy.pt", _use_new_zipfile_serialization=False)
            expected[f"{name}_legacy"] = expected[name]
    (HERE / "expected.json").write_text(json.dumps(expected, indent=0))
    again(HERE / "list.pt", HERE / "refused_big.pt", lambda name, data: b"big" if name.endswith("byteorder") else data)
    again(HERE / "list.pt", HERE / "refused_compressed.pt", compression=zipfile.ZIP_DEFLATED)
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), out)
    (HERE / "refused_script.pt").write_bytes(out.getvalue())
    written = HERE / "written.pt"
    if written.exists():
        check(torch.load(written, weights_only=True))
    for path in sorted(HERE.iterdir()):
        print(path.name, path.stat().st_size)


def check(all):
    assert list(all) == ["tensors", "epoch", "lr", "name", "flags", "bytes", "large", "dtype"], list(all)
    t = all["tensors"]
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    for name, want in {"base": base, "turned": base.t(), "row": base[1], "same": base}.items():
        assert t[name].equal(want) and t[name].stride() == want.stride(), name
    assert t["same"] is t["base"] and t["row"].untyped_storage().data_ptr() == t["base"].untyped_storage().data_ptr()
    assert t["leaf"].requires_grad and not t["base"].requires_grad
    for name in DTYPES:
        want = [0.0, 1.0, 1.0] if name == "bool" else [0.0, 1.0, 3.0]
        assert t[name].dtype is getattr(torch, name) and t[name].double().tolist() == want, name
    assert all["epoch"] == 3 and all["lr"] == 0.1 and all["name"] == "é" and all["flags"] == [True, None, (1, -5)]
    assert all["bytes"] == b"\x00\xffa" and all["large"] == 2**70 and all["dtype"] is torch.float16
    print("written.pt is read by torch.load(weights_only=True)")


if __name__ == "__main__":
    main()
