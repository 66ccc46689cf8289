"""Asks every function of the list for 2^31 to 2^63 elements: `size_calls.py FIRST LOG [PART PARTS SHARE]`. Run by test_sizes.py.

The calls are those of the golden files, each changed in one place: an integer (alone, in a list, in a tensor) becomes huge, a tensor
becomes one number expanded to 2^40 elements, or an empty one whose other sizes are huge, or one without dimensions. The log says
which call is running; a call that takes more than some seconds of the processor's time ends the process (SIGPROF), and so does an abort.
"""

import copy
import io
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
# What adds up every element of an expanded tensor takes its time, but answers Ctrl-C (here: an alarm after a part of the time). So may these.
PATIENT = {"matmul", "backward"}
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
                yield f"{space}.{name} of {key}: {what}", getattr(SPACES[space], name), changed
    yield from objects()


def objects():
    """What is asked of tensors beside the functions of the list, and the random streams: label, function, no arguments."""
    wide = {
        "2^40": lambda: torch.ones(()).expand(1 << 40), "2^20 x 2^20": lambda: torch.ones(1, 1).expand(1 << 20, 1 << 20), "2^60": lambda: torch.ones(()).expand(1 << 60),
        "2^40 x 0": lambda: torch.zeros(1 << 40, 0), "0 x 2^40": lambda: torch.zeros(0, 1 << 40), "2^40 leaf": lambda: torch.ones(1, requires_grad=True).expand(1 << 40),
        "2^40 true": lambda: torch.ones((), dtype=torch.bool).expand(1 << 40), "2^40 long": lambda: torch.ones((), dtype=torch.int64).expand(1 << 40),
    }  # fmt: skip
    asked = {
        "list": list, "tolist": lambda t: t.tolist(), "numpy": lambda t: t.detach().numpy().shape, "repr": repr, "str": str, "format": lambda t: f"{t}", "in": lambda t: 1.0 in t,
        "bool": bool, "float": float, "item": lambda t: t.item(), "len": len, "hash": hash, "==": lambda t: t == t, "copy": copy.copy, "deepcopy": copy.deepcopy,
        "save": lambda t: torch.save(t, io.BytesIO()), "clone": lambda t: t.clone(), "double": lambda t: t.double(), "contiguous": lambda t: t.contiguous(), "nbytes": lambda t: t.nbytes,
        "dlpack": lambda t: torch.from_dlpack(t.detach()).shape, "x[mask]": lambda t: t[t > 0], "x[0]": lambda t: t[0], "x[huge]": lambda t: t[1 << 62], "x[:huge]": lambda t: t[: 1 << 62],
        "x[::huge]": lambda t: t[:: 1 << 62], "x[tensor]": lambda t: t[torch.tensor([1 << 62])], "x[...] = 0": lambda t: t.__setitem__(..., 0), "x[None]": lambda t: t[None], "x + 1": lambda t: t + 1,
        "matmul": lambda t: t @ t, "x.T": lambda t: t.T, "backward": lambda t: t.sum().backward() if t.ndim > 1 else t[:5].sum().backward(), "grad": lambda t: t.backward(torch.ones(())), "new_zeros": lambda t: t.new_zeros(1 << 50),
        "type": lambda t: t.type("torch.LongTensor"), "is_contiguous": lambda t: t.is_contiguous(), "data_ptr": lambda t: t.data_ptr(), "apply_": lambda t: t.apply_(float), "max": lambda t: t.max(), "min": lambda t: t.min(),
        "any": lambda t: t.any(), "all": lambda t: t.all(), "as_tensor": lambda t: torch.tensor(t).shape, "range": lambda t: torch.tensor(range(1 << 40)), "Tensor": lambda t: torch.Tensor(1 << 62, 3),
    }  # fmt: skip
    for kind, make in wide.items():
        for name, f in asked.items():
            if name in PATIENT and kind != "2^40" or name == "list" and kind == "2^20 x 2^20":  # a million objects: a while in a debug build
                continue
            yield f"objects.{name}: {kind}", lambda f=f, make=make: f(make()), ([], {})
    rng = torch.random.default_rng
    streams = ["random", "standard_normal", "standard_exponential", "normal", "uniform", "exponential", "integers", "choice", "permutation", "bytes", "spawn", "random_raw"]
    for name in streams:
        for n in INTS + [1 << 50, (1 << 40, 1 << 40), (1 << 50, 0)]:
            first = {"integers": (7,), "choice": (7,)}.get(name, ())
            f = lambda name=name, n=n, first=first: getattr(rng(0).bit_generator if name == "random_raw" else rng(0), name)(*first, n)
            yield f"streams.{name}: {n}", f, ([], {})
    for n in INTS:
        yield f"streams.choice: {n} without", lambda n=n: rng(0).choice(n, n, replace=False), ([], {})
        yield f"streams.choice: half of {n}", lambda n=n: rng(0).choice(n, n // 2, replace=False), ([], {})
        yield f"streams.choice: one of {n}", lambda n=n: rng(0).choice(n, 1, replace=False), ([], {})
        yield f"streams.jumped: {n}", lambda n=n: rng(0).bit_generator.jumped(n), ([], {})
        yield f"streams.manual_seed: {n}", lambda n=n: torch.manual_seed(n), ([], {})
    issue = {
        "arange": lambda: torch.arange(1 << 40), "randperm": lambda: torch.randperm(1 << 42), "normal": lambda: rng().normal(size=1 << 50), "triu": lambda: torch.ones(1).expand(1 << 20, 1 << 20).triu(),
        "bernoulli_": lambda: torch.ones(1).expand(1 << 33).bernoulli_(), "unbind": lambda: torch.zeros(1 << 30, 0).unbind(), "tril_": lambda: torch.zeros(1 << 40, 0).tril_(), "tril_indices": lambda: torch.tril_indices(10**9, 10**9),
        "max": lambda: torch.ones(1).expand(1 << 40).max(), "legendre": lambda: torch.special.legendre_polynomial_p(torch.tensor([0.5]), 10**9), "laguerre": lambda: torch.special.laguerre_polynomial_l(torch.tensor([0.5]), 1e30),
        "combinations": lambda: torch.combinations(torch.arange(100), 50), "narrow": lambda: torch.ones(3).narrow(0, (1 << 63) - 1, 1), "one_hot": lambda: torch.nn.functional.one_hot(torch.tensor([(1 << 63) - 1])),
        "pad": lambda: torch.nn.functional.pad(torch.ones(3), ((1 << 63) - 1, 2)), "stride": lambda: torch.tensor(3).stride(-1), "baddbmm": lambda: torch.baddbmm(*[torch.tensor(3.0)] * 3),
    }  # fmt: skip
    for name, f in issue.items():
        yield f"examples.{name}: as reported", f, ([], {})


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


def chosen(i, label, share):
    """Whether a call is among those that are tried: of the functions' calls one in `share`."""
    return share == 1 or label.startswith(("objects.", "streams.", "examples.")) or i * 2654435761 % (1 << 32) < (1 << 32) // share


def tried(label, f, args, kwargs):
    """Calls it, and says what no user should see."""
    try:
        look(f(*made(args), **{k: made(v) for k, v in kwargs.items()}))
    except Stopped:
        raise
    except ORDINARY as e:
        if type(e).__name__ == "InternalError":
            print(f"panic: {label}: {str(e)[:200]}", flush=True)
    except MemoryError:
        pass
    except BaseException as e:
        print(f"{type(e).__name__}: {label}: {str(e)[:200]}", flush=True)


def main(first, log, part=0, parts=1, share=1):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGVTALRM, stop)
    warnings.simplefilter("ignore")
    with open(log, "a", buffering=1) as out:
        for i, (label, f, (args, kwargs)) in enumerate(calls()):
            if i < first or i % parts != part or not chosen(i, label, share):
                continue
            out.write(f"{i} {label}\n")
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                # The alarm may also come when the call has just ended.
                signal.setitimer(signal.ITIMER_VIRTUAL, min(SECONDS / 5, 0.5))
                tried(label, f, args, kwargs)
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            except Stopped:
                if "=wide" not in label and not label.startswith("objects.") and label.split()[0].split(".")[-1].rstrip(":") not in PATIENT:
                    print(f"slow: {label}", flush=True)
    signal.setitimer(signal.ITIMER_PROF, 0)
    print("end")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
