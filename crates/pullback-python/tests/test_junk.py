"""Anything a user can pass to any function of the list gives a result or a Python exception: no abort, no panic, no hang.

Functions are called in a process of their own, so that an abort is a failed test with the call's name, and not the end of all tests.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("junk_calls.py")


@pytest.mark.parametrize("seed", [1, 2])
def test_junk(seed, tmp_path):
    log = tmp_path / "last_call.txt"
    calls = os.environ.get("PULLBACK_JUNK_CALLS", "6000")
    done = subprocess.run([sys.executable, PROGRAM, str(seed), calls, log], capture_output=True, text=True, timeout=300)
    last = log.read_text() if log.exists() else "nothing was called"
    assert done.returncode == 0, f"after {last}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert " 0 panics, 0 bad" in done.stdout


def test_a_panic_would_be_an_ordinary_exception():
    from pullback import _native

    with pytest.raises(RuntimeError, match="(?s)a panic on purpose.*bug of Pullback") as e:
        _native.panic_for_test()
    assert isinstance(e.value, Exception) and type(e.value).__name__ == "InternalError"
