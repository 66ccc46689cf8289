"""The type stubs are those of the list, and mypy's stubtest finds them true."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

CRATE = Path(__file__).resolve().parent.parent


def test_the_committed_stubs_are_those_of_the_list():
    spec = importlib.util.spec_from_file_location("stubs", CRATE / "stubs.py")
    stubs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stubs)
    for name, text in stubs.stubs().items():
        assert (stubs.PACKAGE / name).read_text() == text, f"{name} is stale: python crates/pullback-python/stubs.py"


def test_stubtest(tmp_path):
    pytest.importorskip("mypy.stubtest")
    command = [sys.executable, "-m", "mypy.stubtest", "pullback", "--concise", "--mypy-config-file", CRATE / "tests" / "mypy.ini"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_program_is_typed(tmp_path):
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text(
        """
import pullback as torch
import pullback.nn.functional as F

x = torch.tensor([1.0], requires_grad=True)
y: torch.Tensor = (torch.sum(x, 0, keepdim=True) * 2 + 1).exp()
w = torch.zeros(2, 3, dtype=torch.float64, device="cpu", requires_grad=True)
reveal_type(F.relu(x - 1) @ w)
n: int = x.numel()
reveal_type(w.max(0).values)
reveal_type(torch.max(w))
reveal_type(torch.topk(x, 1))
reveal_type(w.shape)
reveal_type(torch.split(w, [1, 1]))
reveal_type(w.reshape(3, 2).view((6,)).expand(2, 6))
reveal_type(torch.zeros(size=(2, 3)))
reveal_type(torch.var_mean(w, dim=0))
reveal_type(w.graph())
values, places = torch.sort(w, dim=0, descending=True)
reveal_type(places)
loss = ((w - 1) ** 2).mean()
loss.backward()
with torch.no_grad():
    w -= 0.1 * w.grad if w.grad is not None else 0
torch.sofmax(x)
torch.exp(x, wrong=1)
torch.var(w, dim="a")
torch.max(w, dim=0, keepdims=True)
w.reshape("a")
"""
    )
    done = subprocess.run([sys.executable, "-m", "mypy", "--follow-imports=silent", program], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    errors = [line for line in done.stdout.splitlines() if "error" in line]
    revealed = [line.split('"')[1] for line in done.stdout.splitlines() if "Revealed type" in line]
    t = "pullback._native.Tensor"
    named = f"tuple[{t}, {t}, fallback=pullback._native._values_indices]"
    assert revealed == [t, t, t, named, "pullback._parts.Size", f"tuple[{t}, ...]", t, t, f"tuple[{t}, {t}]", "pullback._graph.Graph", t], revealed
    assert 'no attribute "sofmax"' in errors[0] and '"wrong"' in errors[1], done.stdout
    assert '"var"' in errors[2] and '"max"' in errors[3] and '"max"' in errors[4] and '"reshape"' in errors[5], done.stdout
