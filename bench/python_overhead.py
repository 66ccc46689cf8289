"""What one small operation costs from Python: Pullback and PyTorch side by side, in the same minutes.

    pip install pullback torch numpy
    python bench/python_overhead.py                        one table, nanoseconds a statement
    python bench/python_overhead.py "u + v" "u.exp()"      some of the statements
    python bench/python_overhead.py --torch ~/torch/bin/python --json overhead.json

On tensors of two elements there is nothing to compute: what is measured is the way from Python's statement to the kernel and back, which
is what small models and loops over small tensors consist of. `sample_grad` is a whole step: loss and all 17 gradients of a 2-4-1 network on
one sample, as in `torch_cpu.py`.

Every statement is timed as `timeit` does it, in a loop of its own with names in local variables, and the empty loop is taken off. Each
library has a process of its own; they take turns. A turn's time is that of its best loop of twenty, since whatever else the machine does
only adds to it; what is printed is the median of the turns, and ratios are those of the medians. PyTorch runs on one thread.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys

SETUP = """
import numpy as np
u, v = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
w = torch.tensor([1.0, 2.0], requires_grad=True)
m = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
rng = np.random.default_rng(42)
X = torch.tensor(rng.uniform(-1, 1, (500, 2)).astype(np.float32))
Y = (X[:, 0] * X[:, 1] < 0).float()
param = lambda a: torch.tensor(a, dtype=torch.float32, requires_grad=True)
W1, b1, W2, b2 = param(rng.normal(0, 0.1, (4, 2))), param(np.zeros(4)), param(rng.normal(0, 0.1, (1, 4))), param(np.zeros(1))
params, x0, y0 = [W1, b1, W2, b2], X[0], Y[0]

def sample_grad():
    for p in params:
        if p.grad is not None:
            p.grad.zero_()
    h = torch.relu(W1 @ x0 + b1)
    f = (W2 @ h + b2).squeeze()
    (0.5 * (f - y0) ** 2).backward()
"""

STATEMENTS = [
    "u + v",
    "u * 2.0",
    "2.0 * u",
    "u - v",
    "u / v",
    "u ** 2",
    "-u",
    "u > v",
    "u[0]",
    "u @ v",
    "m @ u",
    "u.exp()",
    "u.sum()",
    "u.sum(0)",
    "u.mean()",
    "u.softmax(0)",
    "u.reshape(2, 1)",
    "m.t()",
    "torch.exp(u)",
    "torch.relu(u)",
    "torch.add(u, v)",
    "torch.maximum(u, v)",
    "torch.cat([u, v])",
    "torch.zeros(2)",
    "w * v",
    "(w * v).sum().backward()",
    "sample_grad()",
]


def serve(library):
    """Times the statements that come in, one a line; answers with nanoseconds, one a line."""
    import importlib
    import timeit

    torch = importlib.import_module(library)
    if library == "torch":
        torch.set_num_threads(1)
    names = {"torch": torch}
    exec(SETUP, names)
    # In local variables, as in a function: looking up globals is not what is measured.
    local = ", ".join(f"{n}={n}" for n in ["torch", "u", "v", "w", "m", "sample_grad"])
    timers = {}
    print(getattr(torch, "__version__", "?"), flush=True)
    for line in sys.stdin:
        statement, seconds = json.loads(line)
        if statement not in timers:
            scope = dict(names)
            exec(
                f"def run(n, clock, {local}):\n"
                "    turns = range(n)\n"
                "    start = clock()\n"
                "    for _ in turns:\n"
                f"        {statement}\n"
                "    return clock() - start\n",
                scope,
            )
            timers[statement] = scope["run"]
        run, clock = timers[statement], timeit.default_timer
        run(100, clock)
        n = max(10, int(seconds / 20 / max(run(200, clock) / 200, 1e-9)))
        print(json.dumps(min(run(n, clock) for _ in range(20)) / n * 1e9), flush=True)


class Library:
    """A process that times statements with one library."""

    def __init__(self, name, python, script=__file__, more=()):
        self.name, self.python = name, python
        self.version = None
        try:
            self.process = subprocess.Popen(
                [python, script, "--serve", name, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            self.version = self.process.stdout.readline().strip() or None
        except OSError:
            pass

    def time(self, statement, seconds):
        """Nanoseconds a turn."""
        print(json.dumps([statement, seconds]), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} stopped at {statement!r}")
        return json.loads(answer)

    def close(self):
        if self.version is not None:
            self.process.stdin.close()
            self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("statements", nargs="*", help="which statements; all of the table if none is given")
    parser.add_argument("--pullback", metavar="PYTHON", default=sys.executable, help="the Python that has Pullback (default: this one)")
    parser.add_argument("--torch", metavar="PYTHON", default=sys.executable, help="the Python that has PyTorch (default: this one)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each library (default: 7)")
    parser.add_argument("--seconds", type=float, default=0.05, help="seconds a statement and turn (default: 0.05)")
    parser.add_argument("--json", metavar="FILE", help="write the medians to FILE; - for stdout instead of the table")
    parser.add_argument("--serve", metavar="LIBRARY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve)
    libraries = [Library("pullback", options.pullback), Library("torch", options.torch)]
    there = [library for library in libraries if library.version is not None]
    if not there:
        raise SystemExit("neither pullback nor torch can be imported: pip install pullback torch")
    statements = options.statements or STATEMENTS
    times = {library.name: {} for library in there}
    for statement in ["pass", *statements]:
        for library in there:
            library.time(statement, options.seconds)  # warm
        rounds = [[library.time(statement, options.seconds) for library in there] for _ in range(options.rounds)]
        for library, column in zip(there, zip(*rounds)):
            times[library.name][statement] = statistics.median(column)
    for library in there:
        library.close()
    empty = {name: column.pop("pass") for name, column in times.items()}
    times = {name: {s: max(t - empty[name], 0.0) for s, t in column.items()} for name, column in times.items()}
    result = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {library.name: library.version for library in there},
        "ns": times,
    }
    if options.json == "-":
        print(json.dumps(result, indent=2))
        return
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)
    versions = ", ".join(f"{library.name} {library.version}" for library in there)
    print(f"Nanoseconds a statement on tensors of two elements. Python {platform.python_version()}, {versions}\n")
    wide = max(len(s) for s in statements)
    both = len(there) == 2
    print(f"{'':{wide}}" + "".join(f"{library.name:>12}" for library in there) + ("   times faster" if both else ""))
    for s in statements:
        row = [times[library.name][s] for library in there]
        ratio = f"{row[1] / row[0]:15.1f}" if both and row[0] > 0 else ""
        print(f"{s:{wide}}" + "".join(f"{t:12,.0f}" for t in row) + ratio)


if __name__ == "__main__":
    main()
