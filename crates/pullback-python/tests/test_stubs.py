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
torch.sofmax(x)
torch.exp(x, wrong=1)
"""
    )
    done = subprocess.run([sys.executable, "-m", "mypy", "--follow-imports=silent", program], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    errors = [line for line in done.stdout.splitlines() if "error" in line]
    assert 'Revealed type is "pullback._native.Tensor"' in done.stdout
    assert len(errors) == 3 and 'no attribute "sofmax"' in errors[0] and '"wrong"' in errors[1], done.stdout
