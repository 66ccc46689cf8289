"""What the tests share: runs of scripts in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def python():
    """Runs Python with these arguments and returns what it printed; what it said about errors, where it failed."""

    def run(*args, cwd=HERE, check=True, timeout=120):
        done = subprocess.run(
            [sys.executable, *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=timeout, env={**os.environ, "PYTHONIOENCODING": "utf-8"}
        )
        if check:
            assert done.returncode == 0, done.stderr[-2000:]
            return done.stdout
        return done

    return run


@pytest.fixture(autouse=True)
def ordinary():
    """Every test starts with PyTorch's defaults."""
    import pullback

    pullback.set_default_dtype(pullback.float32)
    pullback.set_printoptions(profile="default")
    yield
    pullback.set_default_dtype(pullback.float32)
