"""Times the same workloads in Pullback, PyTorch and JAX, in the same minutes, and prints one table.

    cargo build --release
    python bench/compare.py                                    whatever is installed beside this Python
    python bench/compare.py mlp_small gemm2048 --rounds 5      two workloads
    python bench/compare.py --torch ~/torch/bin/python --jax ~/jax/bin/python --json results.json

Each contestant runs each workload in a process of its own, one after the other, in several rounds; a time is the median of the rounds, and
a process reports the median of at least a second of warm steps. Ratios are taken within a round and their median is printed, since machines
grow faster and slower by the minute. What the workloads do is written in `torch_cpu.py`; `jax_cpu.py` and the program `pullback bench` follow
it line by line. Nothing of this is a test: no number decides whether a change is right.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def ask(command):
    """Runs a program; its lines, or None if it is missing or failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None


class Pullback:
    """The program of this repository."""

    name = "Pullback"

    def __init__(self, program, threads):
        self.program, self.threads = program, threads

    def there(self):
        return ask([self.program, "--version"]) is not None

    def workloads(self):
        return [line.split()[0] for line in ask([self.program, "bench", "--list"]) or [] if line.strip()]

    def run(self, workload):
        """Microseconds a step."""
        lines = ask([self.program, "bench", workload, "--threads", str(self.threads), "--json", "-"])
        return None if lines is None else json.loads("\n".join(lines))[0]["median_ns"] / 1e3


class Script:
    """A Python script that takes `THREADS NAMES...` and prints `name value us` lines."""

    def __init__(self, name, python, module, script, threads):
        self.name, self.python, self.module, self.script, self.threads = name, python, module, script, threads

    def there(self):
        find = f"import importlib.util as u, sys; sys.exit(u.find_spec({self.module!r}) is None)"
        return ask([self.python, "-c", find]) is not None

    def run(self, workload):
        lines = ask([self.python, str(HERE / self.script), str(self.threads), workload])
        for words in map(str.split, lines or []):
            if words[:1] == [workload]:
                return float(words[1])
        return None


def shown(us):
    """A time as people say it, three digits."""
    if us is None:
        return "-"
    unit, scale = next((u, s) for u, s in [("µs", 1), ("ms", 1e3), ("s", 1e6)] if us < 999.5 * s or u == "s")
    return f"{us / scale:.3g} {unit}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="workloads; all that `pullback bench --list` names if there are none")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contestant runs each workload (default 3)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads for each contestant (default: the cores)")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--pullback", default=str(target / "release" / "pullback"), help="the program (default: the release build)")
    parser.add_argument("--torch", default=sys.executable, metavar="PYTHON", help="a Python that has PyTorch")
    parser.add_argument("--jax", default=sys.executable, metavar="PYTHON", help="a Python that has JAX")
    parser.add_argument("--json", metavar="FILE", help="write every time of every round")
    args = parser.parse_args()

    ours = Pullback(args.pullback, args.threads)
    if not ours.there():
        parser.error(f"{args.pullback} does not run; build it with `cargo build --release`")
    known = ours.workloads()
    if unknown := [n for n in args.names if n not in known]:
        parser.error(f"there is no workload {unknown[0]}; there are {', '.join(known)}")
    others = [
        Script("PyTorch", args.torch, "torch", "torch_cpu.py", args.threads),
        Script("JAX", args.jax, "jax", "jax_cpu.py", args.threads),
    ]
    for missing in [o for o in others if not o.there()]:
        print(f"{missing.name}: {missing.python} does not have it, left out", file=sys.stderr)
    contestants = [ours, *(o for o in others if o.there())]

    print(f"{platform.machine()}, {os.cpu_count()} cores, {args.threads} threads, {args.rounds} rounds")
    heads = [ours.name] + [h for c in contestants[1:] for h in (c.name, "ratio")]
    print(f"{'workload':<22}" + "".join(f"{h:>11}" for h in heads), flush=True)
    everything = {}
    for name in args.names or known:
        times = {c.name: [] for c in contestants}
        for _ in range(args.rounds):
            for c in contestants:
                times[c.name].append(c.run(name))
        middle = lambda xs: statistics.median(xs) if xs else None
        cells = []
        for c in contestants:
            cells.append(shown(middle([t for t in times[c.name] if t is not None])))
            if c is not ours:
                ratio = middle([t / o for t, o in zip(times[c.name], times[ours.name]) if t is not None and o])
                cells.append("-" if ratio is None else f"{ratio:.3g}")
        everything[name] = times
        print(f"{name:<22}" + "".join(f"{c:>11}" for c in cells), flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps({"unit": "us", "threads": args.threads, "times": everything}, indent=1) + "\n")


if __name__ == "__main__":
    main()
