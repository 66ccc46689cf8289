"""Calls functions of the list with junk, so many times: `junk_calls.py SEED CALLS LOG`. Run by test_junk.py.

The log holds the call in progress. Every call must end within a few seconds with a result or an ordinary exception.
"""

import faulthandler
import random
import sys
import time

import numpy as np

import pullback as torch
from pullback import _surface

ORDINARY = (TypeError, ValueError, IndexError, RuntimeError, OverflowError, MemoryError, NotImplementedError, AttributeError, KeyError, ZeroDivisionError, BufferError, AssertionError)


class Odd:
    """Says that it is a number and is none."""

    def __index__(self):
        raise ValueError("no index")

    def __float__(self):
        return float("nan")


def junk(r, depth=0):
    nan = float("nan")
    plain = [
        None, True, False, 0, 1, -1, 2, 3, -2, 7, 1 << 20, -(1 << 20), 1 << 31, 1 << 40, -(1 << 40), (1 << 63) - 1, -(1 << 63), 1 << 64, 10**30,
        0.0, -0.0, 0.5, 1e-310, 1e300, nan, float("inf"), -float("inf"), 1j, "", "mean", "abc", "ij,jk->ik", "é" * 40, b"x",
        [], (), {}, [[]], [1, [2]], [[1, 2], [3]], [nan], [None], ["a"], (1, 2), [1 << 40, 1 << 40], (-1, -1), [0, 1], range(3), slice(0, 1), ...,
        float, int, object(), Odd(), len, torch.float32, torch.int64, torch.bool, np.float32(2), np.int64(-5), np.bool_(True), np.float64(nan),
        np.arange(3.0), np.arange(6).reshape(2, 3), np.zeros((0, 2)), np.array("a"), np.array([1j]), np.arange(4.0)[::-1], np.array([None]),
    ]  # fmt: skip
    tensors = [
        lambda: torch.tensor(2.0), lambda: torch.tensor(3), lambda: torch.zeros(0), lambda: torch.zeros(3, 0, 2), lambda: torch.ones(3), lambda: torch.rand(2, 3),
        lambda: torch.rand(3, 3, dtype=torch.float64), lambda: torch.rand(2, 3, requires_grad=True), lambda: torch.ones(3, requires_grad=True) * 2,
        lambda: torch.tensor([nan, float("inf"), -1.0]), lambda: torch.tensor([0, 5, -7]), lambda: torch.tensor([1 << 62, -(1 << 63)]), lambda: torch.tensor([True, False, True]),
        lambda: torch.rand(2, 3, 4).transpose(0, 2), lambda: torch.ones(1).expand(4, 5), lambda: torch.rand(4, 6)[::2, 1::2], lambda: torch.tensor([1, 2], dtype=torch.uint8),
        lambda: torch.rand(1, 2, 1, 3, 1), lambda: torch.rand(2, 2, dtype=torch.float64).requires_grad_(),
    ]  # fmt: skip
    pick = r.random()
    if pick < 0.5:
        return r.choice(tensors)()
    if pick < 0.6 and depth < 2:
        return [junk(r, depth + 1) for _ in range(r.randrange(4))]
    if pick < 0.8:
        return r.choice([-2, -1, 0, 1, 2, 3])
    return r.choice(plain)


def show(x):
    if isinstance(x, torch.Tensor):
        return f"<{x.dtype} {tuple(x.shape)} {x.stride()}>"
    if isinstance(x, (list, tuple)):
        return "[" + ", ".join(map(show, x)) + "]"
    return repr(x)[:60]


def main(seed, count, log):
    r = random.Random(seed)
    torch.manual_seed(seed)
    functions = [(place, name, f) for place, names in _surface.PLACES.items() for name, f in sorted(names.items())]
    methods = [name for name in dir(torch.Tensor) if name not in ("register_hook", "register_post_accumulate_grad_hook", "__class__", "__init_subclass__", "__subclasshook__", "__new__", "__init__", "__setattr__", "__delattr__", "__dir__")]
    calls, results, panics, bad, at = 0, 0, 0, [], 0
    r.shuffle(functions)
    with open(log, "w") as out:
        while calls < count:
            if r.random() < 0.15:
                name, x = r.choice(methods), junk(r)
                if not isinstance(x, torch.Tensor):
                    calls += 1
                    continue
                place, f = "object", lambda *a, **k: getattr(x, name)(*a, **k) if callable(getattr(x, name)) else None
            else:
                place, name, f = functions[at % len(functions)]
                at += 1
            args = [junk(r) for _ in range(r.randrange(5))]
            names = ["dim", "keepdim", "dtype", "out", "device", "generator", "requires_grad", "alpha", "size", "reduction", "input", "nonsense"]
            kwargs = {k: junk(r) for k in r.sample(names, r.choice([0, 0, 0, 1, 2]))}
            call = f"{place}.{name}({', '.join(map(show, args))}, {', '.join(f'{k}={show(v)}' for k, v in kwargs.items())})"
            out.seek(0)
            out.truncate()
            out.write(call)
            out.flush()
            faulthandler.dump_traceback_later(60, exit=True)
            start = time.monotonic()
            try:
                y = f(*args, **kwargs)
                results += 1
                if isinstance(y, torch.Tensor) and y.numel() < 1000:
                    repr(y)
                    if y.requires_grad and y.numel():
                        y.sum().backward()
            except ORDINARY as e:
                if type(e).__name__ == "InternalError":
                    panics += 1
                    bad.append(f"{call}: panicked: {str(e)[:300]}")
            except BaseException as e:
                bad.append(f"{call}: {type(e).__name__}: {str(e)[:300]}")
            faulthandler.cancel_dump_traceback_later()
            took = time.monotonic() - start
            if took > 20:
                bad.append(f"{call}: took {took:.1f} s")
            calls += 1
    for text in bad[:20]:
        print(text)
    print(f"{calls} calls, {results} with a result, {panics} panics, {len(bad)} bad")
    sys.exit(bool(bad))


if __name__ == "__main__":
    import resource
    import warnings

    # No call may take the machine's memory with it: beyond this, an allocation fails as it does on a small machine.
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
