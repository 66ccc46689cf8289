"""Packages of PyTorch's ecosystem on Pullback: an environment of their own, one program each, PyTorch's output beside it.

    python3 run.py PACKAGE_PATH      PACKAGE_PATH has the built package `pullback` (as in a wheel)

The environment is `target/ecosystem` and is kept. Not a part of the verdict: it needs the network. `docs/ecosystem.md` says what ran.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[3] / "target" / "ecosystem"
PYTHON = HOME / ("Scripts" if os.name == "nt" else "bin") / "python"
# None of them may bring PyTorch along.
PACKAGES = ["numpy", "packaging", "einops==0.8.2", "torchdiffeq==0.2.5", "torchmetrics==1.9.0", "lightning-utilities==0.15.3", "typing_extensions", "safetensors==0.8.0", "scipy"]
PACKAGES += ["onnx==1.23.2", "onnxruntime==1.32.0", "protobuf", "flatbuffers", "ml_dtypes"]


def main():
    if not PYTHON.exists():
        venv.create(HOME, with_pip=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", "--no-deps", *PACKAGES], check=True)
    failed = 0
    for program in sorted(HERE.glob("*_*.py")):
        done = subprocess.run([PYTHON, "-m", "pullback", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": sys.argv[1]}, cwd=HERE)
        same = done.returncode == 0 and done.stdout == program.with_suffix(".txt").read_text()
        failed += not same
        print("ran" if same else "failed", program.stem, "" if same else (done.stderr or done.stdout)[-500:])
    return failed


if __name__ == "__main__":
    sys.exit(main())
