"""Writes golden_numpy.json and golden_torch.json beside itself: many seeds, sizes and arguments, drawn by NumPy and PyTorch.

Every case is {"seed", "calls": [{"fn", "args", ...}], "crc"/"data"}: long results are kept as the CRC-32 of their bytes, short
ones in full as hexadecimal bytes. Calls of one case share a generator, so what a draw leaves behind is tested as well.
(numpy_generator.json and torch_generator.json hold one call per line of Python and came from elsewhere in the project.)

Run: python make_golden.py    (needs numpy and torch; written with numpy 2.4.6 and torch 2.15.0 on an AMD processor)
"""
import json, pathlib, random, warnings, zlib
import numpy as np, torch
import torch.nn.functional as F

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent
pick = random.Random(20240229)


def packed(array):
    """Little-endian bytes of an array, whole if short, as a checksum if long."""
    array = np.ascontiguousarray(array)
    raw = array.tobytes()
    head = {"dtype": str(array.dtype), "len": int(array.size)}
    return head | ({"hex": raw.hex()} if len(raw) <= 64 else {"crc": zlib.crc32(raw)})


def run(call, thunk):
    try:
        return call | {"value": packed(thunk())}
    except Exception as e:
        return call | {"error": str(e).split("\n")[0], "kind": type(e).__name__}


# ---- NumPy ----

INTS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


def numpy_call(rng):
    """A random call as (description, thunk)."""
    n = pick.choice([0, 1, 2, 3, 7, 16, 33, 100, 1000, 5001] * 3 + [100_003])
    kind = pick.choice(
        "random random_f32 uniform normal standard_normal standard_normal_f32 exponential exponential_f32 inv inv_f32 scale "
        "integers integers integers integers permutation shuffle rows permuted choice choice_distinct choice_p choice_p_distinct "
        "raw advance jumped spawn bytes state".split())
    a, b = sorted(pick.choice([-1e3, -2.5, -1.0, 0.0, 0.1, 1.0, 3.0, 1e-3, 1e200, 7.25]) for _ in range(2))
    if kind == "random":
        return {"n": n}, lambda: rng.random(n)
    if kind == "random_f32":
        return {"n": n}, lambda: rng.random(n, dtype=np.float32)
    if kind == "uniform":
        return {"low": a, "high": b, "n": n}, lambda: rng.uniform(a, b, n)
    if kind == "normal":
        s = abs(b)
        return {"loc": a, "scale": s, "n": n}, lambda: rng.normal(a, s, n)
    if kind == "standard_normal":
        return {"n": n}, lambda: rng.standard_normal(n)
    if kind == "standard_normal_f32":
        return {"n": n}, lambda: rng.standard_normal(n, dtype=np.float32)
    if kind == "exponential":
        return {"n": n}, lambda: rng.standard_exponential(n)
    if kind == "exponential_f32":
        return {"n": n}, lambda: rng.standard_exponential(n, dtype=np.float32)
    if kind == "inv":
        return {"n": n}, lambda: rng.standard_exponential(n, method="inv")
    if kind == "inv_f32":
        return {"n": n}, lambda: rng.standard_exponential(n, dtype=np.float32, method="inv")
    if kind == "scale":
        s = abs(b)
        return {"scale": s, "n": n}, lambda: rng.exponential(s, n)
    if kind == "integers":
        if pick.random() < 0.08:
            low, high, end = pick.choice([(0, 1, False), (0, 2, False), (1, 1, True), (0, 1, True), (0, 3, False), (1, 1, False)])
            return {"dtype": "bool", "low": str(low), "high": str(high), "endpoint": end, "n": n}, lambda: rng.integers(low, high, n, dtype=bool, endpoint=end)
        dt = pick.choice(INTS)
        lo, hi = np.iinfo(dt).min, np.iinfo(dt).max
        low, high = pick.choice([
            (lo, hi + 1), (0, hi), (lo, hi), (0, 1), (0, 10), (0, 2**32), (0, 2**32 - 1), (0, 2**32 + 1), (5, 5), (lo - 1, 5), (0, hi + 2),
            tuple(sorted((pick.randint(lo, hi), pick.randint(lo, hi) + 1))), (pick.randint(0, 20), pick.randint(20, 60)),
            (0, pick.randint(1, 2**pick.randint(1, 64)))])
        end = pick.random() < 0.3
        return ({"dtype": np.dtype(dt).name, "low": str(low), "high": str(high), "endpoint": end, "n": n},
                lambda: rng.integers(low, high, n, dtype=dt, endpoint=end))
    if kind == "permutation":
        return {"n": n}, lambda: rng.permutation(n)
    if kind == "shuffle":
        def go():
            x = np.arange(n); rng.shuffle(x); return x
        return {"n": n}, go
    if kind == "rows":
        return {"n": n, "row": 3}, lambda: rng.permutation(np.arange(3 * n).reshape(n, 3))
    if kind == "permuted":
        return {"n": n, "row": 5}, lambda: rng.permuted(np.arange(5 * n).reshape(n, 5), axis=1)
    if kind == "choice":
        pop = pick.choice([1, 5, 100, 10**6, 2**33])
        return {"pop": pop, "n": n}, lambda: rng.choice(pop, n)
    if kind == "choice_distinct":
        pop, size = pick.choice([(5, 5), (100, 10), (100, 99), (9999, 500), (10000, 9999), (10001, 200), (10001, 201), (10001, 5000), (10001, 10001),
                                 (20000, 399), (20000, 401), (20000, 1001), (20000, 999), (3, 4), (50, 0), (2**34, 3), (1, 1)])
        shuffle = pick.random() < 0.6
        return {"pop": pop, "n": size, "shuffle": shuffle}, lambda: rng.choice(pop, size, replace=False, shuffle=shuffle)
    if kind in ("choice_p", "choice_p_distinct"):
        k = pick.choice([1, 2, 3, 10, 200])
        w = [pick.choice([0.0, 0.5, 1.0, pick.random()]) for _ in range(k)]
        w[0] += 0.25
        t = sum(w)
        p = [x / t for x in w]
        distinct = kind.endswith("distinct")
        size = pick.choice([0, 1, 2, k // 2, k]) if distinct else n
        return ({"p": [x.hex() for x in p], "n": size, "distinct": distinct, "k": k},
                lambda: rng.choice(k, size, replace=not distinct, p=p))
    if kind == "raw":
        return {"n": n}, lambda: rng.bit_generator.random_raw(n)
    if kind == "advance":
        d = pick.choice([0, 1, 5, 2**40, 2**127 + 3, -7])
        return {"delta": str(d % 2**128)}, lambda: (rng.bit_generator.advance(d), np.zeros(0))[1]
    if kind == "jumped":
        j = pick.choice([1, 2, 10, 2**60])
        return {"jumps": str(j)}, lambda: np.random.Generator(rng.bit_generator.jumped(j)).random(5)
    if kind == "spawn":
        k = pick.choice([1, 2, 3])
        return {"k": k}, lambda: np.concatenate([np.concatenate([g.random(2)] + [h.random(1) for h in g.spawn(2)]) for g in rng.spawn(k)])
    if kind == "bytes":
        return {"n": n}, lambda: np.array(bytearray(rng.bytes(n)), dtype=np.uint8)
    if kind == "state":
        def go():
            s = rng.bit_generator.state
            text = [s["state"]["state"], s["state"]["inc"], s["has_uint32"], s["uinteger"]]
            return np.array([(v >> (64 * i)) & (2**64 - 1) for v in text for i in (0, 1)], dtype=np.uint64)
        return {}, go
    raise KeyError(kind)


def numpy_cases():
    seeds = [pick.randint(0, 2**pick.choice([3, 16, 31, 32, 33, 63, 64, 65, 100, 128, 160, 300])) for _ in range(150)]
    seeds += [[pick.randint(0, 2**pick.choice([4, 33, 70])) for _ in range(pick.randint(0, 7))] for _ in range(60)]
    cases = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        calls = []
        for _ in range(12):
            described, thunk = named(numpy_call, rng)
            calls.append(run(described, thunk))
        cases.append({"seed": [str(s) for s in seed] if isinstance(seed, list) else str(seed), "calls": calls})
    return cases


def named(make, rng):
    """The picker chooses the kind inside `make`: catch it on its way."""
    chosen = []
    original = pick.choice
    def spy(options):
        value = original(options)
        if isinstance(value, str) and not chosen:
            chosen.append(value)
        return value
    pick.choice = spy
    try:
        described, thunk = make(rng)
    finally:
        pick.choice = original
    return {"fn": chosen[0]} | described, thunk


# ---- PyTorch ----

DTYPES = {"float32": torch.float32, "float64": torch.float64}
ALL = DTYPES | {"int8": torch.int8, "int16": torch.int16, "int32": torch.int32, "int64": torch.int64, "uint8": torch.uint8, "bool": torch.bool}


def torch_call(g):
    kind = pick.choice(
        "rand randn randn randn uniform normal serial log_normal randint randint random random_from randperm bernoulli bernoulli_each dropout exponential "
        "geometric cauchy multinomial multinomial multinomial xavier_uniform xavier_normal kaiming_uniform kaiming_normal trunc_normal "
        "linear conv2d embedding orthogonal epoch epoch_global sampler state words".split())
    n = pick.choice([0, 1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 100, 623, 624, 625, 1000, 5001] * 4 + [140_001])
    name = pick.choice(["float32", "float64"]); dt = DTYPES[name]
    any_name = pick.choice(list(ALL)); any_dt = ALL[any_name]
    empty = lambda d=None: torch.empty(n, dtype=d or dt)
    out = lambda t: t.detach().numpy()
    a, b = sorted(pick.choice([-1e3, -2.5, -1.0, 0.0, 0.1, 1.0, 3.0, 1e-3, 7.25]) for _ in range(2))
    base = {"dtype": name, "n": n}
    shape = pick.choice([(6, 5), (5, 6), (1, 1), (3, 4), (64, 33), (8, 3, 3, 3), (16, 4, 5), (0, 3), (3, 0), (2, 100)])
    p = pick.choice([0.0, 0.1, 0.3, 0.5, 0.9, 1.0, pick.random()])
    if kind == "rand":
        return base, lambda: out(torch.rand(n, dtype=dt, generator=g))
    if kind == "randn":
        return base, lambda: out(torch.randn(n, dtype=dt, generator=g))
    if kind == "uniform":
        if pick.random() < 0.2:  # So narrow that many draws round up to the end.
            a, b = (1000.0, 1000.0001) if name == "float32" else (1e6, 1e6 + 3e-10)
        return base | {"a": a, "b": b}, lambda: out(empty().uniform_(a, b, generator=g))
    if kind == "normal":
        s = abs(b)
        return base | {"a": a, "b": s}, lambda: out(empty().normal_(a, s, generator=g))
    if kind == "serial":
        s = abs(b)
        return base | {"a": a, "b": s}, lambda: out(torch.empty(2 * n, dtype=dt)[::2].normal_(a, s, generator=g))
    if kind == "log_normal":
        s = abs(b) / 100 + 0.1
        return base | {"a": a / 100, "b": s}, lambda: out(empty().log_normal_(a / 100, s, generator=g))
    if kind in ("randint", "random_from"):
        low, high = pick.choice([(0, 10), (0, 2), (-5, 7), (0, 127), (0, 128), (0, 256), (0, 2**28), (0, 2**28 - 1), (0, 2**28 + 1), (0, 2**32), (0, 2**40),
                                 (-2**63, 2**63 - 1), (2**24 - 1, 2**24 + 3), (-2**24 - 5, -2**24 - 1), (2**60, 2**60 + 5), (5, 5), (5, 3), (0, 2**62), (7, 8),
                                 tuple(sorted((pick.randint(-2**62, 2**62), pick.randint(-2**62, 2**62))))])
        call = {"dtype": any_name, "n": n, "low": str(low)}
        if kind == "randint":
            return call | {"high": str(high)}, lambda: out(torch.randint(low, high, (n,), dtype=any_dt, generator=g))
        low = pick.choice([low, -2**63, 5, -5, 0])
        return call | {"low": str(low)}, lambda: out(empty(any_dt).random_(low, None, generator=g))
    if kind == "random":
        return {"dtype": any_name, "n": n}, lambda: out(empty(any_dt).random_(generator=g))
    if kind == "randperm":
        return {"n": n}, lambda: out(torch.randperm(n, generator=g))
    if kind == "bernoulli":
        return {"dtype": any_name, "n": n, "p": p}, lambda: out(empty(any_dt).bernoulli_(p, generator=g))
    if kind == "bernoulli_each":
        ps = [pick.choice([0.0, 0.25, 1.0, pick.random()]) for _ in range(min(n, 40))]
        return {"dtype": name, "p": ps}, lambda: out(torch.bernoulli(torch.tensor(ps, dtype=dt), generator=g))
    if kind == "dropout":
        def go():
            torch.default_generator.set_state(g.get_state())
            value = F.dropout(torch.ones(n, dtype=dt), p)
            g.set_state(torch.default_generator.get_state())
            return out(value)
        return base | {"p": p}, go
    if kind == "exponential":
        lam = pick.choice([1.0, 0.5, 3.0, 1e-3, 0.0, -1.0])
        return base | {"p": lam}, lambda: out(empty().exponential_(lam, generator=g))
    if kind == "geometric":
        q = pick.choice([0.1, 0.5, 0.99, 1.0, 0.0, 0.3])
        small = pick.choice(["float32", "float64", "int64", "int32"])
        return {"dtype": small, "n": n, "p": q}, lambda: out(empty(ALL[small]).geometric_(q, generator=g))
    if kind == "cauchy":
        s = pick.choice([1.0, 0.5, 3.0, 0.0])
        return base | {"a": a, "b": s}, lambda: out(empty().cauchy_(a, s, generator=g))
    if kind == "multinomial":
        rows = pick.choice([None, None, 1, 3])
        cats = pick.choice([1, 2, 5, 17, 100, 1000, 3000])
        k = pick.choice([1, 1, 2, 5, cats // 2, cats, cats // 70, cats + 1, 0])
        zeros = pick.choice([0.0, 0.0, 0.6])
        repl = pick.random() < 0.4
        total = (rows or 1) * cats
        seed = pick.randint(0, 2**31); rs = np.random.default_rng(seed)
        probs = rs.random(total); mask = rs.random(total) < zeros; probs[mask] = 0.0
        t = torch.tensor(probs, dtype=dt).reshape([cats] if rows is None else [rows, cats])
        return ({"dtype": name, "shape": list(t.shape), "p_seed": seed, "zeros": zeros, "k": k, "replacement": repl},
                lambda: out(torch.multinomial(t, k, repl, generator=g)))
    init = torch.nn.init
    if kind in ("xavier_uniform", "xavier_normal"):
        gain = pick.choice([1.0, 2.0, 5 / 3, 2**0.5])
        return {"dtype": name, "shape": shape, "gain": gain}, lambda: out(getattr(init, kind + "_")(torch.empty(shape, dtype=dt), gain, generator=g))
    if kind in ("kaiming_uniform", "kaiming_normal"):
        slope = pick.choice([0.0, 0.01, 5**0.5, 1.0]); mode = pick.choice(["fan_in", "fan_out", "Fan_Out"])
        non = pick.choice(["leaky_relu", "relu", "tanh", "selu", "linear", "sigmoid", "conv2d"])
        return ({"dtype": name, "shape": shape, "a": slope, "mode": mode, "nonlinearity": non},
                lambda: out(getattr(init, kind + "_")(torch.empty(shape, dtype=dt), slope, mode, non, generator=g)))
    if kind == "trunc_normal":
        args = pick.choice([(0.0, 1.0, -2.0, 2.0), (0.0, 0.02, -2.0, 2.0), (0.0, 0.02, -0.04, 0.04), (1.0, 2.0, 0.0, 1.5), (0.0, 1.0, 2.0, 3.0), (0.0, 1.0, -0.1, 0.1),
                            (5.0, 1.0, 0.0, 2.0), (-3.0, 0.7, -1.0, 4.0), (0.3, 1.3, 0.2, 0.5)])
        return {"dtype": name, "shape": shape, "args": args}, lambda: out(init.trunc_normal_(torch.empty(shape, dtype=dt), *args, generator=g))
    def with_global(make):
        torch.default_generator.set_state(g.get_state())
        value = make()
        g.set_state(torch.default_generator.get_state())
        return value
    join = lambda parts: np.concatenate([out(t).reshape(-1) for t in parts if t is not None])
    if kind == "linear":
        i, o, bias = pick.choice([0, 1, 5, 64]), pick.choice([1, 3, 50]), pick.random() < 0.8
        return {"dtype": name, "in": i, "out": o, "bias": bias}, lambda: with_global(lambda: join([(l := torch.nn.Linear(i, o, bias, dtype=dt)).weight, l.bias]))
    if kind == "conv2d":
        i, o, groups, bias = *pick.choice([(2, 3, 1), (4, 6, 2), (8, 8, 8), (3, 4, 2), (4, 3, 2)]), pick.random() < 0.8
        k = pick.choice([(1, 1), (3, 3), (5, 2)])
        return ({"dtype": name, "in": i, "out": o, "groups": groups, "kernel": k, "bias": bias},
                lambda: with_global(lambda: join([(l := torch.nn.Conv2d(i, o, k, groups=groups, bias=bias, dtype=dt)).weight, l.bias])))
    if kind == "embedding":
        i, o, pad = pick.choice([1, 5, 70]), pick.choice([1, 3, 16]), pick.choice([None, 0, -1, 3])
        return {"dtype": name, "in": i, "out": o, "padding": pad}, lambda: with_global(lambda: out(torch.nn.Embedding(i, o, padding_idx=pad, dtype=dt).weight))
    if kind == "orthogonal":
        gain = pick.choice([1.0, 2.0])
        shape = pick.choice([(6, 5), (5, 6), (3, 4), (8, 3, 2, 2), (1, 7), (7, 1), (0, 3)])
        def go():
            value = out(init.orthogonal_(torch.empty(shape, dtype=dt), gain, generator=g))
            raise_values.append([float(v) for v in value.reshape(-1)])
            return np.zeros(0, dtype=np.float32)
        return {"dtype": name, "shape": shape, "gain": gain}, go
    loader = lambda gen: torch.utils.data.DataLoader(range(n), batch_size=7, shuffle=True, generator=gen)
    batches = lambda gen: np.concatenate([out(b) for _ in range(2) for b in loader(gen)])
    if kind == "epoch":
        return {"n": n}, lambda: batches(g)
    if kind == "epoch_global":
        return {"n": n}, lambda: with_global(lambda: batches(None))
    if kind == "sampler":
        repl, count = pick.random() < 0.5, pick.choice([1, 5, 32, 33, 100, 0])
        return ({"n": n, "replacement": repl, "count": count},
                lambda: np.array(list(torch.utils.data.RandomSampler(range(n), repl, count, generator=g)), dtype=np.int64))
    if kind == "state":
        return {}, lambda: out(g.get_state())
    if kind == "words":
        return {"n": n}, lambda: out(torch.empty(n, dtype=torch.int64).random_(generator=g))
    raise KeyError(kind)


raise_values = []


def torch_cases():
    seeds = [pick.randint(0, 2**pick.choice([3, 16, 31, 32, 33, 63, 64]) - 1) for _ in range(250)]
    cases = []
    for seed in seeds:
        g = torch.Generator().manual_seed(seed)
        calls = []
        for _ in range(12):
            described, thunk = named(torch_call, g)
            before = g.get_state()
            call = run(described, thunk)
            if "error" in call:
                # PyTorch may have drawn for the elements before the bad one; here an error draws nothing.
                g.set_state(before)
            if raise_values:
                call["near"] = raise_values.pop()
            calls.append(call)
        blob = g.get_state().numpy().tobytes()
        cases.append({"seed": str(seed), "calls": calls, "state_crc": zlib.crc32(blob)})
    return cases


def states():
    """Whole states for reading: after some words, and with a normal number waiting."""
    found = []
    for seed, words, normals in [(0, 0, 0), (42, 5, 1), (2**40 + 3, 624, 3), (7, 1000, 5)]:
        g = torch.Generator().manual_seed(seed)
        torch.empty(words, dtype=torch.int32).random_(generator=g)
        torch.randn(normals, generator=g)
        blob = g.get_state().numpy().tobytes()
        found.append({"blob": blob.hex(), "randn_3": packed(torch.randn(3, generator=g).numpy()), "rand_700": packed(torch.rand(700, generator=g).numpy())})
    return found


def main():
    made = {"numpy": np.__version__, "torch": torch.__version__}
    dump = lambda value: json.dumps(value, separators=(",", ":"))
    for name, cases in [("golden_numpy", numpy_cases()), ("golden_torch", torch_cases()), ("golden_states", states())]:
        lines = ",\n".join(dump(case) for case in cases)
        (HERE / f"{name}.json").write_text(f'{{"made_with":{dump(made)},"cases":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
