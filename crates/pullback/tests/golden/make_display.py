"""Writes display.json beside itself: what PyTorch prints for tensors of many dtypes, shapes and magnitudes.

"cases": one list for each printed tensor, [dtype, shape, values, view, options, grad, text]. `values` are the
little-endian bytes of the elements in hexadecimal, or {"walk": unit} for the exact numbers
((i * 7919 + 13) % 2003 - 1001) * unit in order. `view` names what is done to the tensor before it is printed (see
VIEWS), `options` are arguments of set_printoptions, `grad` is whether it requires a gradient.

"names": an expression over x and y of shape [2, 3] and others, and the name of its node; the test has the same list
of expressions in Rust.

Run: python make_display.py    (needs numpy and torch; written with torch 2.15.0)
"""
import json, math, pathlib, random, struct
import numpy as np, torch

pick = random.Random(20261123)
HERE = pathlib.Path(__file__).parent
NUMPY = {"bool": np.bool_, "uint8": np.uint8, "int32": np.int32, "int64": np.int64, "float32": np.float32, "float64": np.float64}
FLOATS = ["float32", "float64"]
VIEWS = {
    "": lambda t: t,
    "t": lambda t: t.transpose(0, 1),
    "reversed dims": lambda t: t.permute(*range(t.ndim - 1, -1, -1)),
    "every second": lambda t: t[..., ::2],
    "repeated": lambda t: t.expand(3, *t.shape),
    "row 1": lambda t: t[1],
    "column 1": lambda t: t[..., 1],
}
cases = []


def add(dtype, shape, values, view="", options={}, grad=False):
    n = math.prod(shape)
    if isinstance(values, dict):
        array = ((np.arange(n, dtype=np.int64) * 7919 + 13) % 2003 - 1001).astype(np.float64) * values["walk"]
        array = array.astype(NUMPY[dtype])
    else:
        array = np.array(values, dtype=NUMPY[dtype])
        values = array.tobytes().hex()
    tensor = VIEWS[view](torch.from_numpy(array.reshape(shape).copy()))
    if grad:
        tensor = tensor.detach().requires_grad_(True)
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**options)
    text = str(tensor)
    assert text == repr(tensor)
    options = {k: "inf" if v == math.inf else v for k, v in options.items()}
    cases.append([dtype, list(shape), values, view, options, grad, text])
    torch.set_printoptions(profile="default")


def magnitude(low, high):
    return math.copysign(10 ** pick.uniform(low, high), pick.choice([1, -1]))


inf, nan = math.inf, math.nan

# One number: every magnitude at which the style may change, ties, signs of zero, extremes.
for dtype in FLOATS:
    for x in [0.0, -0.0, 1.0, -1.0, 0.5, 3.14159265, 1e-4, 9.9999e-5, 1.0001e-4, 1e8, 100000001.0, 100000008.0, 99999999.0, 1e10, 123456.789,
              inf, -inf, nan, -nan, 1e-38, 3.4e38, 1e-45, 0.03125, 0.09375, 0.00005, 0.00015, 2.5, 1e16, 0.99996, 9999.99996]:
        add(dtype, (), [x])
for x in [5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1e100, 1e-100]:
    add("float64", (), [x])
for dtype, numbers in {"bool": [0, 1], "uint8": [0, 255], "int32": [0, -(2**31), 2**31 - 1], "int64": [0, -(2**63), 2**63 - 1, 42]}.items():
    for x in numbers:
        add(dtype, (), [x])

# Short vectors in which each element decides something for all.
for dtype in FLOATS:
    for vector in [[1, 2, 3], [1, 2.5, 3], [1, 1000], [1, 1001], [1, 1000.5], [0.001, 1], [0.00099, 1], [1, inf], [1, -inf, nan], [0, 0], [0, -0.0, nan],
                   [nan, nan], [inf, 1.5], [-1, 0.5, nan], [0, 1e-5], [1e8, 1], [1e8 + 8, 1e8], [1e-4, 1e-3], [0, 1e9], [1e9, -inf], [1e-7, inf, nan, 0],
                   [100, 2], [-100, 2], [0, -inf], [123456, 0.5], [99999, 100.5], [1e5, 99999.5], [0.1, 0.2, 0.30000001], [1 / 3, 2 / 3], [1], [-0.0]]:
        add(dtype, (len(vector),), vector, grad=pick.random() < 0.2)

# Empty tensors.
for dtype in NUMPY:
    for shape in [(0,), (0, 3), (2, 0), (0, 0, 1), (1, 0, 2, 3)]:
        if dtype in FLOATS or pick.random() < 0.6:
            add(dtype, shape, [], grad=dtype in FLOATS and pick.random() < 0.4)

# All ranks, all dtypes, many magnitudes.
shapes = [(1,), (2,), (7,), (40,), (1, 1), (2, 3), (3, 2), (4, 15), (1, 30), (5, 1), (2, 2, 2), (1, 3, 2), (2, 1, 1, 3), (2, 2, 2, 2), (1, 2, 1, 2, 2), (2, 1, 2, 1, 1)]
ranges = [(-1, 1), (-2, 0.5), (-6, 6), (0, 3), (3, 7), (7, 12), (-12, -3), (-4, -3.5), (-30, 30)]
for round_ in range(130):
    dtype = pick.choice(["float32"] * 4 + ["float64"] * 4 + ["int64", "int32", "uint8", "bool"])
    shape = pick.choice(shapes)
    n = math.prod(shape)
    if dtype in FLOATS:
        low, high = pick.choice(ranges)
        values = [magnitude(low, high) for _ in range(n)]
        if pick.random() < 0.25:
            values = [float(round(v)) for v in values]
        if pick.random() < 0.3:
            values[pick.randrange(n)] = pick.choice([inf, -inf, nan, 0.0, -0.0])
    elif dtype == "bool":
        values = [pick.random() < 0.5 for _ in range(n)]
    else:
        info = np.iinfo(NUMPY[dtype])
        size = 10 ** pick.uniform(0.5, 19)
        values = [max(info.min, min(info.max, int(pick.uniform(-size, size)))) for _ in range(n)]
    views = ["", "", "repeated"] if len(shape) < 3 else [""]
    if len(shape) > 1:
        views += ["t", "reversed dims", "every second"]
        views += ["row 1"] * (shape[0] > 1) + ["column 1"] * (shape[-1] > 1)
    options = {}
    if pick.random() < 0.5:
        options = {
            k: v
            for k, v in {
                "precision": pick.choice([0, 1, 2, 3, 6, 8, 10, 17, 30]),
                "linewidth": pick.choice([1, 10, 20, 40, 79, 120, 1000]),
                "sci_mode": pick.choice([True, False]),
                "threshold": pick.choice([0, 1, 3, 10]),
                "edgeitems": pick.choice([0, 1, 2, 5]),
                "profile": pick.choice(["short", "full", "default"]),
            }.items()
            if pick.random() < 0.4
        }
    add(dtype, shape, values, pick.choice(views), options, grad=dtype in FLOATS and pick.random() < 0.25)

# Zeros alone keep their style whatever is asked for; nothing but edges; infinite threshold.
for options in [{"sci_mode": True}, {"precision": 0}, {"edgeitems": 0}, {"edgeitems": 0, "threshold": 0}, {"threshold": 0}, {"threshold": math.inf, "linewidth": 30}]:
    for dtype in ["float32", "float64", "int64"]:
        add(dtype, (), [0], options=options)
        add(dtype, (3,), [0, 0, 0], options=options)
        add(dtype, (2, 2), [1, 2, 3, 4], options=options)

# Large tensors, by their edges.
for dtype, unit in {"float32": 0.5, "float64": 2.0**-20, "int64": 1, "int32": 3, "bool": 1}.items():
    for shape in [(1000,), (1001,), (2003,), (7, 200), (6, 200), (200, 6), (200, 7), (40, 50), (1, 2000), (2000, 1), (3, 20, 30)]:
        if shape not in [(1000,), (6, 200), (200, 6)] or dtype == "float32":
            add(dtype, shape, {"walk": unit}, pick.choice(["", "t"]) if len(shape) == 2 else "")
add("float32", (8, 9, 20), {"walk": 1}, grad=True)
add("float64", (11, 3, 8, 9), {"walk": 0.25}, options={"edgeitems": 1})
add("float32", (3, 8, 2, 7, 4), {"walk": 0.125}, options={"edgeitems": 1, "precision": 1})
add("float32", (2, 2, 2, 2, 70), {"walk": 1e-3})
add("float32", (40, 40), {"walk": 1}, "repeated")
add("float32", (40, 41), {"walk": 1}, "every second", {"threshold": 500, "edgeitems": 2})
add("float32", (30, 40), {"walk": 1}, options={"profile": "short"})
add("float32", (12, 100), {"walk": 1}, options={"profile": "full", "linewidth": 400})
add("float32", (1100,), {"walk": 1}, options={"edgeitems": 40})
add("int64", (1100,), {"walk": 1}, options={"edgeitems": 0})
add("int64", (11, 110), {"walk": 1}, options={"edgeitems": 0})

# Suffixes at the end of the line: the width at which they break it.
for n in range(7, 12):
    add("float64", (n,), [0.5] * n, grad=True)
    add("float64", (2, n), [0.5] * 2 * n, grad=True)
    add("float32", (n,), [0.5] * n, grad=True)

# Names of nodes.
x, y = (torch.arange(6.0).reshape(2, 3) / 7 + k for k in (0.1, 0.2))
x, y = x.requires_grad_(True), y.requires_grad_(True)
v, w, s = (t.detach().requires_grad_(True) for t in (x[0], x[:, 0], x[0, 0]))
of = lambda *shape: torch.ones(shape, requires_grad=True)
F = torch.nn.functional
NAMES = """
x+y x+1 1+x x-y x-1 1-x 1-s x*y x*2 2*x x/y x/2 2/x -x x**2 x.square() x.add(y,alpha=2)
x.exp() x.log() x.sqrt() x.sin() x.cos() x.tanh() x.sigmoid() x.relu() x.abs() torch.maximum(x,y) x.floor() x.sign()
x.sum() x.sum(0) x.sum((0,1),keepdim=True) s.sum() x.mean() x.mean(1) x.amax(0) x.softmax(0) x.log_softmax(1) torch.outer(v,w)
v@v x@v w@x x@y.t() of(4,2,3)@x.t() x@of(4,3,2) x.detach()@of(4,3,2) of(1,3)@of(4,3,2) x@of(4,3,1) v@of(4,3,2) of(4,2,3)@v of(4,2,3)@of(4,3,2) of(4,1,2,3)@of(5,3,2)
x.reshape(6) x.reshape(3,2) x.t().reshape(6) x.unsqueeze(1) x.unsqueeze(-1) of(2,1).squeeze() of(1,1).squeeze() of(2,1,3).reshape(3,2)
x.t() of(2,3,4).transpose(1,2) of(2,3,4).permute(2,0,1) of(1,3).expand(2,3) x.select(0,1) x.narrow(1,0,2) x[:,::2] torch.cat([x,y])
torch.where(x>0,x,y) torch.where(x>0,x,0) x.clone() x.double() x.take(torch.tensor([0]))
""".split()
names = {e: type(eval(e).grad_fn).__name__ for e in NAMES}


def after(make, write, look):
    b = make()
    views = {"row": b[0], "transposed": b.t(), "columns": b[:, 1:]} if b.requires_grad else {}
    write(b)
    return type(look(b, views).grad_fn).__name__


for write, f in {
    "b.add_(1)": lambda b: b.add_(1), "b.mul_(y)": lambda b: b.mul_(y), "b.copy_(y)": lambda b: b.copy_(y), "b.fill_(1)": lambda b: b.fill_(1),
    "b[0]=1": lambda b: b.__setitem__(0, 1.0), "b[1]=v": lambda b: b.__setitem__(1, v), "b[0].mul_(2)": lambda b: b[0].mul_(2),
}.items():
    for look, g in {"b": lambda b, _: b, "old row": lambda _, v: v["row"], "old transposed": lambda _, v: v["transposed"], "old columns": lambda _, v: v["columns"],
                    "new row": lambda b, _: b[0]}.items():
        names[f"{write}; {look}"] = after(lambda: x * 2, f, g)
assert all(name != "NoneType" for name in names.values())

lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
head = json.dumps({"torch": torch.__version__, "names": names}, indent=0)[:-2]
(HERE / "display.json").write_text(f'{head},\n"cases": [\n{lines}\n]}}\n')
print(len(cases), "cases,", len(names), "names,", (HERE / "display.json").stat().st_size, "bytes")
