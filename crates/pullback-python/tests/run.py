"""Builds the wheel into a virtual environment of its own, and runs every check of the Python package there.

    python3 crates/pullback-python/tests/run.py            build, install, pytest
    python3 crates/pullback-python/tests/run.py --probe    only make the environment; fails where Python or the network is missing

The environment is `target/python` and is kept: a second run installs nothing. It holds no PyTorch; `test_against_torch.py` runs where
the package is installed beside it.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CRATE = HERE.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", CRATE.parent.parent / "target"))
HOME = TARGET / "python"
BIN = HOME / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
TOOLS = ["maturin>=1.9,<2", "numpy>=1.24", "pytest>=8", "hypothesis>=6", "mypy>=1.10"]


def environment():
    """Makes the environment where it is not there yet."""
    done = HOME / "installed.txt"
    if done.exists() and done.read_text() == "\n".join(TOOLS):
        return
    if sys.version_info < (3, 10):
        sys.exit("Python 3.10 or later is needed")
    venv.create(HOME, with_pip=True, clear=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--timeout", "30", "--retries", "1", *TOOLS], check=True)
    done.write_text("\n".join(TOOLS))


def main():
    environment()
    if "--probe" in sys.argv[1:]:
        return 0
    paths = {"VIRTUAL_ENV": str(HOME), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    env = {**os.environ, **paths, "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("PYTHONPATH", None)

    def step(*command, cwd=CRATE):
        print("$", *command, flush=True)
        return subprocess.run([BIN / command[0], *command[1:]], cwd=cwd, env=env).returncode

    wheels = HOME / "wheels"
    for old in wheels.glob("*.whl"):
        old.unlink()
    if step("maturin", "build", "-q", "--locked", "--profile", "checked", "--out", str(wheels)):
        return 1
    (wheel,) = wheels.glob("*.whl")
    if step("python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--force-reinstall", str(wheel)):
        return 1
    return step("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE), *sys.argv[1:], cwd=HOME)


if __name__ == "__main__":
    sys.exit(main())
