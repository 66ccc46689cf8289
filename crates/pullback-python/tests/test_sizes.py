"""No size, however large, ends or holds up the process: every call of size_calls.py gives a result or an ordinary exception, under a limit
of memory and of time (of the processor's, so that a busy machine is no fault). In a build with overflow checks, panics are counted too."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("size_calls.py")
PARTS = 2
SHARE = os.environ.get("PULLBACK_SIZE_SHARE", "12")  # one call in so many; 1 for all of them
MOST = 30  # faults that are looked for before giving up


@pytest.mark.parametrize("part", range(PARTS))
def test_every_function_with_huge_sizes(part, tmp_path):
    log, first, faults = tmp_path / "calls.txt", 0, []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROGRAM.parent), *sys.path])}
    most = int(os.environ.get("PULLBACK_SIZE_FAULTS", MOST))
    while len(faults) < most:
        command = [sys.executable, PROGRAM, str(first), log, str(part), str(PARTS), SHARE]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=1200)
        faults += [line for line in done.stdout.splitlines() if line != "end"]
        if done.stdout.endswith("end\n"):
            break
        at, _, label = log.read_text().splitlines()[-1].partition(" ")
        how = "no end" if done.returncode == -signal.SIGPROF else f"ended with {done.returncode}"
        faults.append(f"{how}: {label}: {done.stderr[-200:] if how != 'no end' else ''}")
        first = int(at) + 1
    assert not faults, f"{len(faults)} calls:\n" + "\n".join(faults)
    assert len(log.read_text().splitlines()) > 500
