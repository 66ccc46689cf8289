"""Asks every function of the list for 2^31 to 2^63 elements: `size_calls.py FIRST LOG [PART PARTS]`. Run by test_sizes.py.

The calls are those of the golden files, each changed in one place: an integer (alone, in a list, in a tensor) becomes huge, a tensor
becomes one number expanded to 2^40 elements, or an empty one whose other sizes are huge, or one without dimensions. The log says
which call is running; a call that takes more than some seconds of the processor's time ends the process (SIGPROF), and so does an abort.
"""

import copy
import json
import os
import resource
import signal
import sys
import warnings

import pullback as torch
from test_golden import FILES, SPACES, value

INTS = [1 << 31, 1 << 40, 1 << 62, (1 << 63) - 1, -(1 << 63), -(1 << 40)]
SECONDS = float(os.environ.get("PULLBACK_SIZE_SECONDS", "10"))
MEMORY = 2 << 30
# What adds up every element of an expanded tensor takes its time, but answers Ctrl-C (here: an alarm after a part of the time).
PATIENT = set()
ORDINARY = (TypeError, ValueError, IndexError, RuntimeError, OverflowError, NotImplementedError, AttributeError, ZeroDivisionError)


def places(v, path=()):
    """Where the integers and the tensors of an argument list are."""
    if isinstance(v, list):
        for i, x in enumerate(v):
            yield from places(x, (*path, i))
    elif isinstance(v, dict) and "tensor" in v:
        yield path, "tensor"
    elif isinstance(v, dict) and "float" not in v and "dtype" not in v:
        for k, x in v.items():
            yield from places(x, (*path, k))
    elif isinstance(v, int) and not isinstance(v, bool):
        yield path, "int"


def put(v, path, x):
    if not path:
        return x
    v = copy.copy(v)
    v[path[0]] = put(v[path[0]], path[1:], x)
    return v


def get(v, path):
    for k in path:
        v = v[k]
    return v


def wide(v, shape):
    """One number of a tensor's dtype, expanded."""
    dtype = getattr(torch, v["tensor"][0])
    return {"made": lambda: torch.ones((), dtype=dtype).expand(shape)}


def empty(v, shape):
    return {"made": lambda: torch.zeros(shape, dtype=getattr(torch, v["tensor"][0]))}


def filled(v, n):
    return {"made": lambda: torch.full(v["tensor"][1], n, dtype=torch.int64)}


def shapes(shape):
    """Shapes of as many dimensions with 2^40 elements, and empty ones with huge other dimensions."""
    big = [[1 << 40 if i == k else n for i, n in enumerate(shape)] for k in range(len(shape))]
    none = [[0 if i == k else 1 << 40 if i == (k + 1) % len(shape) else n for i, n in enumerate(shape)] for k in range(len(shape))]
    if len(shape) > 1:
        big.append([1 << 20, 1 << 20, *[1] * (len(shape) - 2)])
        big.append([*[1] * (len(shape) - 2), 1 << 20, 1 << 20])
    return big, none


def made(v):
    if isinstance(v, list):
        return [made(x) for x in v]
    if isinstance(v, dict) and "made" in v:
        return v["made"]()
    return value(v, [], {"at": 0, "list": range(100)})


def changes(args):
    """Argument lists with one change each, and what was changed."""
    found = list(places(args))
    for path, kind in found:
        v = get(args, path)
        if kind == "int":
            for n in INTS:
                yield f"{path}={n}", put(args, path, n)
            continue
        shape = v["tensor"][1]
        yield f"{path}=0-d", put(args, path, wide(v, []))
        if v["tensor"][0] in ("int64", "int32"):
            for n in INTS[1:]:
                yield f"{path} holds {n}", put(args, path, filled(v, n))
        big, none = shapes(shape)
        big.append([1 << 60])
        none += [[1 << 40, 0], [1 << 30, 0, 1 << 30]]
        for make, list_ in ((wide, big), (empty, none)):
            for s in list_:
                yield f"{path}={make.__name__} {s}", put(args, path, make(v, s))
                alike = [p for p, k in found if k == "tensor" and p != path and get(args, p)["tensor"][1] == shape]
                if alike and path < alike[0]:
                    both = put(args, path, make(v, s))
                    for p in alike:
                        both = put(both, p, make(get(args, p), s))
                    yield f"{path} and others={make.__name__} {s}", both
    ints = [path for path, kind in found if kind == "int"]
    if len(ints) > 1:
        for n in INTS:
            all_ = args
            for path in ints:
                all_ = put(all_, path, n)
            yield f"all integers={n}", all_


def calls():
    """Every call, as a label, a function and its arguments; two argument lists of each function and of each number of arguments."""
    for path in FILES:
        seen = {}
        for key, case in json.loads(path.read_text())["cases"].items():
            space, name = case["at"]
            arguments = [case["args"], case.get("kwargs", {})]
            shape = (space, name, str([(p, k) for p, k in places(arguments)]))
            seen[shape] = seen.get(shape, 0) + 1
            if seen[shape] > 1 or "error" in case:
                continue
            for what, changed in changes(arguments):
                yield f"{key} {space}.{name}: {what}", getattr(SPACES[space], name), changed


class Stopped(BaseException):
    """Ctrl-C, as it were."""


def stop(*_):
    raise Stopped


def look(y):
    """What a user does with a result: its shape, its text."""
    for t in y if isinstance(y, (tuple, list)) else [y]:
        if isinstance(t, torch.Tensor):
            repr(t)
            break


def main(first, log, part=0, parts=1):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGVTALRM, stop)
    warnings.simplefilter("ignore")
    panics = 0
    with open(log, "a", buffering=1) as out:
        for i, (label, f, (args, kwargs)) in enumerate(calls()):
            if i < first or i % parts != part:
                continue
            out.write(f"{i} {label}\n")
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS / 5)
                look(f(*made(args), **{k: made(v) for k, v in kwargs.items()}))
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            except Stopped:
                if label.split()[1].split(".")[-1].rstrip(":") not in PATIENT:
                    print(f"slow: {label}", flush=True)
            except ORDINARY as e:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                if type(e).__name__ == "InternalError":
                    panics += 1
                    print(f"panic: {label}: {str(e)[:200]}", flush=True)
            except MemoryError:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            except BaseException as e:
                print(f"{type(e).__name__}: {label}: {str(e)[:200]}", flush=True)
    signal.setitimer(signal.ITIMER_PROF, 0)
    print("end")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
