"""What surrounds training: mixed precision, profiles, questions about devices, TorchScript's names, event files."""

import glob
import json
import os
import struct
import sys
import warnings
import zlib

import numpy as np
import pytest

import pullback as torch
from pullback import nn

# autocast


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))


def test_products_are_computed_in_bfloat16_under_autocast():
    m, x = net(), torch.ones(2, 1, 4, 4)
    plain = m(x)
    with torch.autocast("cpu") as context:
        assert torch.is_autocast_enabled("cpu") and torch.is_autocast_cpu_enabled() and not torch.is_autocast_enabled() and context.fast_dtype is torch.bfloat16
        out = m(x)
        assert out.dtype is torch.bfloat16 and (x @ x).dtype is torch.bfloat16 and torch.bmm(x[0], x[0]).dtype is torch.bfloat16 and (x + x).dtype is torch.float32
        loss = nn.functional.mse_loss(out, torch.zeros(2, 3))
        assert loss.dtype is torch.float32
        assert (x.double() @ x.double()).dtype is torch.float64  # as in PyTorch
        assert torch.cat([x, x.bfloat16()]).dtype is torch.float32
        with torch.autocast("cpu", enabled=False):
            assert (x @ x).dtype is torch.float32 and not torch.is_autocast_enabled("cpu")
        with torch.amp.autocast("cpu", dtype=torch.float16):
            assert (x @ x).dtype is torch.float16 and torch.get_autocast_dtype("cpu") is torch.float16
        assert (x @ x).dtype is torch.bfloat16
    loss.backward()
    assert all(p.grad.dtype is torch.float32 for p in m.parameters())
    assert torch.allclose(out.float(), plain, atol=0.05) and (x @ x).dtype is torch.float32 and not torch.is_autocast_enabled("cpu")

    @torch.autocast("cpu")
    def f(x):
        return x @ x

    assert f(x).dtype is torch.bfloat16
    assert type(torch.matmul).__name__ == "builtin_function", "nothing is left in the way"


def test_autocast_agrees_with_pytorch():
    theirs = pytest.importorskip("torch")
    x = np.linspace(-1, 1, 36, dtype=np.float32).reshape(2, 3, 6)
    for text in ("M.matmul(x, x.mT)", "x @ x.mT", "M.bmm(x, x.mT)", "F.linear(x, x[0])", "x.softmax(-1)", "x.exp()", "x + x", "F.mse_loss(x, x * 2)", "x.prod()", "F.conv1d(x, x)", "F.cross_entropy(x[0], M.tensor([0, 1, 2]))", "F.layer_norm(x, (6,))", "x.sum()", "F.l1_loss(x.bfloat16(), x)", "M.stack([x, x.bfloat16()])", "F.gelu(x)", "M.einsum('bij,bkj->bik', x, x)", "M.baddbmm(x @ x.mT, x, x.mT)"):
        got = []
        for M in (torch, theirs):
            with M.autocast("cpu"):
                got.append(eval(text, {"M": M, "F": M.nn.functional, "x": M.from_numpy(x.copy())}))
        if "einsum" in text:
            continue  # composed of operations that are not asked about here
        assert str(got[0].dtype) == str(got[1].dtype), text
        assert np.allclose(got[0].double().numpy(), got[1].double().numpy(), rtol=0.02, atol=0.02), text


def test_autocast_of_what_is_not_here_warns():
    with pytest.warns(UserWarning, match="CUDA is not available or torch_xla is imported. Disabling autocast."), torch.autocast("cuda"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32
    with pytest.warns(UserWarning, match="the target dtype is not supported"), torch.autocast("cpu", dtype=torch.float64):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32
    with pytest.raises(RuntimeError, match="unsupported autocast device_type 'no'"):
        torch.autocast("no")


def test_functions_of_ones_own_under_autocast():
    class Double(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx, x):
            assert x.dtype is torch.float32
            return x @ x

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            return grad

    with torch.autocast("cpu"):
        assert Double.apply(torch.ones(2, 2, dtype=torch.bfloat16)).dtype is torch.float32


def test_the_scaler_skips_steps_with_infinite_gradients():
    p = nn.Parameter(torch.ones(2))
    o, s = torch.optim.SGD([p], lr=1.0), torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
    for bad, scale, value in ((False, 4.0, 0.0), (True, 2.0, 0.0), (False, 2.0, -1.0), (False, 4.0, -2.0)):
        o.zero_grad()
        s.scale((p * (float("inf") if bad else 1.0)).sum()).backward()
        s.unscale_(o)
        assert bad or p.grad.tolist() == [1.0, 1.0]
        s.step(o)
        s.update()
        assert (s.get_scale(), p[0].item()) == (scale, value)
    other = torch.amp.GradScaler("cpu")
    other.load_state_dict(s.state_dict())
    assert other.get_scale() == 4.0 and other.state_dict() == s.state_dict()
    s.scale(p.sum()).backward()
    s.unscale_(o)
    with pytest.raises(RuntimeError, match=r"unscale_\(\) has already been called"):
        s.unscale_(o)
    with pytest.warns(UserWarning, match="GradScaler is enabled, but CUDA is not available.  Disabling."):
        off = torch.amp.GradScaler()
    assert off.scale(p) is p and off.get_scale() == 1.0 and off.state_dict() == {} and not off.is_enabled()
    off.step(o), off.update()


# profiles


def test_a_profile_counts_calls_times_and_memory(tmp_path):
    from pullback.profiler import ProfilerActivity, profile, record_function

    m, x = net(), torch.ones(2, 1, 4, 4)
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True, profile_memory=True) as prof:
        with record_function("forward"):
            y = m(x)
        (y * y + 1).sum().backward()
    found = {e.key: e for e in prof.key_averages()}
    assert found["aten::linear"].count == found["aten::conv2d"].count == 1 and found["aten::linear"].self_cpu_memory_usage == 24
    assert found["forward"].cpu_time_total >= found["aten::linear"].cpu_time_total > 0 and found["forward"].self_cpu_time_total < found["forward"].cpu_time_total
    table = prof.key_averages(group_by_input_shape=True).table(sort_by="self_cpu_time_total", row_limit=3)
    assert "Self CPU time total" in table and "# of Calls" in table and "CPU Mem" in table and "Input Shapes" in table and len(table.splitlines()) == 8
    prof.export_chrome_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert {"forward", "aten::linear", "aten::mul"} <= {e["name"] for e in events} and all(e["ph"] == "X" and e["dur"] >= 0 for e in events)
    with pytest.raises(AttributeError, match="nothing"):
        prof.key_averages().table(sort_by="nothing")
    assert type(torch.matmul).__name__ == "builtin_function"


def test_profiles_by_a_schedule(tmp_path):
    from pullback.profiler import ProfilerAction, profile, schedule, tensorboard_trace_handler

    plan = schedule(wait=1, warmup=1, active=2, repeat=2)
    A = ProfilerAction
    assert [plan(i) for i in range(9)] == [A.NONE, A.WARMUP, A.RECORD, A.RECORD_AND_SAVE] * 2 + [A.NONE]
    seen = []
    with profile(schedule=plan, on_trace_ready=lambda p: seen.append([e.name for e in p.events()])) as prof:
        for i in range(9):
            torch.ones(2).exp() if i % 2 else torch.ones(2).sin()
            prof.step()
    assert seen == [["aten::ones", "aten::sin", "aten::ones", "aten::exp"]] * 2
    with profile(on_trace_ready=tensorboard_trace_handler(str(tmp_path / "log"))):
        torch.ones(2).exp()
    assert len(os.listdir(tmp_path / "log")) == 1
    with torch.autograd.profiler.profile() as old:
        torch.ones(2).exp()
    assert "aten::exp" in str(old)


# what is not here


def test_questions_about_devices():
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0 and not torch.cuda.is_initialized() and torch.cuda.memory_allocated() == 0
    assert not torch.accelerator.is_available() and torch.accelerator.current_accelerator() is None and torch.accelerator.device_count() == 0
    assert not torch.backends.mps.is_available() and not torch.mps.is_available() and not torch.xpu.is_available() and not torch.backends.cudnn.is_available()
    torch.cuda.manual_seed_all(1), torch.cuda.empty_cache(), torch.mps.manual_seed(1), torch.xpu.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True
    with torch.backends.cudnn.flags(enabled=False):
        assert torch.backends.cudnn.enabled is False
    assert torch.backends.cudnn.enabled is True
    for f in (torch.cuda.synchronize, torch.cuda.current_device, lambda: torch.cuda.get_device_name(0), torch.cuda.Stream, lambda: torch.ones(1).cuda()):
        with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
            f()
    with pytest.raises(RuntimeError):
        torch.accelerator.synchronize()
    with pytest.raises(RuntimeError, match="without MPS backend"):
        torch.mps.synchronize()
    assert torch.version.cuda is None and torch.version.__version__
    assert torch.get_default_device() == torch.device("cpu")
    torch.set_default_device("meta")
    try:
        assert torch.zeros(2).is_meta and torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device("cpu")
    assert not torch.zeros(2).is_meta
    with pytest.raises(RuntimeError):
        torch.set_default_device("cuda")


def test_torchscript_gives_back_what_it_is_given():
    from pullback import jit

    jit._seen.clear()
    f = lambda x: x + 1
    with pytest.warns(UserWarning, match="torch.jit.script gives its argument back"):
        assert jit.script(f) is f
    with pytest.warns(UserWarning, match="torch.jit.trace gives"):
        assert jit.trace(f, torch.ones(1)) is f
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jit.script(f) is f and jit.ignore(f) is f and jit.unused(f) is f and jit.export(f) is f and not jit.is_scripting()
    for refused in (lambda: jit.load("x"), lambda: jit.save(f, "x"), lambda: torch.hub.load("a/b", "c"), lambda: torch.hub.load_state_dict_from_url("http://x")):
        with pytest.raises(RuntimeError, match="not there in Pullback"):
            refused()
    assert not torch.compiler.is_compiling() and torch.compiler.disable(f) is f


# event files


def fields(data):
    """A message's fields by number."""
    found, at = {}, 0

    def varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        elif kind == 2:
            n = varint()
            value = data[at : at + n]
            at += n
        else:
            n = 8 if kind == 1 else 4
            (value,) = struct.unpack("<d" if kind == 1 else "<f", data[at : at + n])
            at += n
        found.setdefault(key >> 3, []).append(value)
    return found


def events(folder):
    """The values of an event file, its checksums verified."""
    from pullback.utils.tensorboard import _records

    (path,) = glob.glob(os.path.join(folder, "events.out.tfevents.*"))
    data, at, out = open(path, "rb").read(), 0, []
    while at < len(data):
        (n,) = struct.unpack("<Q", data[at : at + 8])
        for start, length in ((at, 8), (at + 12, n)):
            assert data[start + length : start + length + 4] == _records._masked(data[start : start + length])
        out.append(fields(data[at + 12 : at + 12 + n]))
        at += 16 + n
    assert out[0][3] == [b"brain.Event:2"]
    return [(e.get(2, [0])[0], fields(fields(e[5][0])[1][0])) for e in out[1:]]


def test_event_files(tmp_path):
    from pullback.utils.tensorboard import SummaryWriter, _records

    assert _records.crc32c(b"123456789") == 0xE3069283
    with SummaryWriter(tmp_path / "run") as w:
        w.add_scalar("loss", torch.tensor(0.5), 3)
        w.add_scalar("loss", 0.25, 1 << 40)
        w.add_histogram("weights", torch.tensor([-1.0, 0.0, 2.0, 2.0]), 1)
        w.add_text("note", "hello", 2)
        w.add_image("picture", torch.ones(3, 2, 4), 1)
        w.add_scalars("both", {"a": 1, "b": 2}, 7)
        w.add_hparams({"lr": 0.1, "deep": True, "name": "x"}, {"accuracy": 0.9}, run_name="trial")
        with pytest.raises(AssertionError, match="scalar should be 0D"):
            w.add_scalar("x", torch.ones(2))
    found = events(tmp_path / "run")
    assert [(step, v[1][0]) for step, v in found] == [(3, b"loss"), (1 << 40, b"loss"), (1, b"weights"), (2, b"note/text_summary"), (1, b"picture")]
    assert found[0][1][2] == [0.5] and found[1][1][2] == [0.25]
    h = fields(found[2][1][5][0])
    assert [h[i][0] for i in (1, 2, 3, 4, 5)] == [-1.0, 2.0, 4.0, 3.0, 9.0]
    limits, counts = (np.frombuffer(h[i][0]) for i in (6, 7))
    assert counts.sum() == 4 and len(limits) == len(counts) and limits[-1] >= 2 and counts[-1] == 2
    assert b"hello" in found[3][1][8][0] and b"text" in found[3][1][9][0]
    image = fields(found[4][1][4][0])
    assert (image[1], image[2], image[3]) == ([2], [4], [3]) and image[4][0].startswith(b"\x89PNG")
    png = image[4][0]
    at = png.index(b"IDAT")
    assert zlib.decompress(png[at + 4 : at + 4 + struct.unpack(">I", png[at - 4 : at])[0]]) == (b"\0" + b"\xff" * 12) * 2
    assert events(tmp_path / "run" / "both_b")[0][1][2] == [2.0]
    trial = events(tmp_path / "run" / "trial")
    assert [v[1][0] for _, v in trial] == [b"_hparams_/experiment", b"_hparams_/session_start_info", b"_hparams_/session_end_info", b"accuracy"]


def test_the_package_is_light():
    """What is rarely used is imported when it is asked for."""
    import subprocess

    program = "import sys, pullback; print([m for m in sys.modules if m.startswith('pullback.') and m.split('.')[1] in ('distributions', 'amp', 'profiler', 'jit', 'cuda', 'backends') or 'tensorboard' in m])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_trees():
    from collections import OrderedDict, namedtuple

    from pullback.utils import _pytree as p

    Pair = namedtuple("Pair", "a b")
    tree = {"x": [1, (2, 3)], "y": Pair(4, OrderedDict(z=5)), "w": None}
    leaves, spec = p.tree_flatten(tree)
    assert leaves == [1, 2, 3, 4, 5, None] and p.tree_unflatten(leaves, spec) == tree and spec == p.tree_structure(tree) and spec.num_leaves == 6
    assert p.tree_map(lambda a, b: (a, b), [1, 2], [3, 4]) == [(1, 3), (2, 4)] and p.tree_map_only(int, lambda x: -x, [1, "a"]) == [-1, "a"]
    assert p.tree_leaves([[1], [2]], is_leaf=lambda x: x == [1]) == [[1], 2]
    for f in (lambda: p.tree_unflatten([1], spec), lambda: p.tree_map(lambda a, b: a, [1, 2], [1])):
        with pytest.raises(ValueError):
            f()
    assert not torch.distributed.is_available() and torch._C._log_api_usage_once("x") is None


def _works(i, folder, fail):
    if fail and i == 1:
        raise SystemExit(3)
    open(os.path.join(folder, str(i)), "w").write(str(torch.full((2,), float(i)).sum().item()))


def test_processes(tmp_path):
    from pullback import multiprocessing as mp

    mp.spawn(_works, (str(tmp_path), False), nprocs=2, start_method="fork")
    assert sorted(os.listdir(tmp_path)) == ["0", "1"] and (tmp_path / "1").read_text() == "2.0"
    with pytest.raises(RuntimeError, match="process 1 terminated with exit code 3"):
        mp.spawn(_works, (str(tmp_path), True), nprocs=2, start_method="fork")
    with pytest.raises(RuntimeError, match="not there in Pullback"):
        torch.distributed.init_process_group()


def test_types_of_results_with_names():
    """The names are PyTorch 2.15's."""
    names = {
        "max": ("values", "indices"), "sort": ("values", "indices"), "topk": ("values", "indices"), "kthvalue": ("values", "indices"), "aminmax": ("min", "max"),
        "linalg_eigh": ("eigenvalues", "eigenvectors"), "linalg_svd": ("U", "S", "Vh"), "linalg_qr": ("Q", "R"), "svd": ("U", "S", "V"), "slogdet": ("sign", "logabsdet"),
        "linalg_lstsq": ("solution", "residuals", "rank", "singular_values"), "frexp": ("mantissa", "exponent"), "histogram": ("hist", "bin_edges"),
        "histogramdd": ("hist", "bin_edges"), "lu_unpack": ("P", "L", "U"), "linalg_inv_ex": ("inverse", "info"), "mode": ("values", "indices"),
    }  # fmt: skip
    for name, fields in names.items():
        assert getattr(torch.return_types, name)._fields == fields, name
    x = torch.eye(2) + 1
    found = torch.max(x, 0)
    assert type(found) is torch.return_types.max and type(torch.linalg.svd(x)) is torch.return_types.linalg_svd and type(x.sort()) is torch.return_types.sort
    made = torch.return_types.max((1, 2))
    assert made.values == 1 and repr(made) == "torch.return_types.max(\nvalues=1,\nindices=2)"
    for wrong in ((1, 2), ((1,),)):
        with pytest.raises(TypeError):
            torch.return_types.max(*wrong)
    for missing in ("relu", "sum", "nothing"):
        assert not hasattr(torch.return_types, missing)
