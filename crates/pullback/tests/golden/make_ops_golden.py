"""Writes ops.json beside itself: what PyTorch computes for each operation, values and gradients, edge values included.

Every case is {"op", "attrs", "in": [tensor…], "out": tensor, "g": tensor, "grads": [tensor or null…]}; a tensor is
[dtype, shape, bits], the bits as hexadecimal digits (8 for float32, 16 for float64, 2 for bool), integers as a list.

Run: python make_ops_golden.py    (needs torch; written with torch 2.15.0 on an AMD processor, default threads)
"""
import itertools, json, math, pathlib, struct
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
torch.manual_seed(20240229)
INF, NAN = math.inf, math.nan
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1e-30, -1e-30, 1e-42, 80.0, -90.0, 1e30, INF, -INF, NAN]
GRADIENTS = [1.0, -1.0, 0.5, INF, -INF, NAN, 0.0, -0.0]
cases = []


def pack(t):
    if t is None:
        return None
    t = t.detach().contiguous()
    name = str(t.dtype).removeprefix("torch.")
    flat = t.flatten().tolist()
    if t.dtype == torch.float32:
        bits = "".join(struct.pack(">f", x).hex() for x in flat)
    elif t.dtype == torch.float64:
        bits = "".join(struct.pack(">d", x).hex() for x in flat)
    elif t.dtype == torch.bool:
        bits = "".join("01" if x else "00" for x in flat)
    else:
        bits = flat
    return [name, list(t.shape), bits]


def case(op, f, inputs, g=None, **attrs):
    """One run; gradients by `g` (random if not given) of every floating input."""
    x = [t.detach().clone() for t in inputs]
    for t in x:
        if t.is_floating_point():
            t.requires_grad_(True)
    y = f(*x)
    out = {"op": op, "attrs": attrs, "in": [pack(t) for t in x], "out": pack(y)}
    if y.requires_grad and y.is_floating_point():
        if g is None:
            g = torch.randn(y.shape, dtype=torch.float64).to(y.dtype)
        g = g.to(y.dtype).expand(y.shape).contiguous()
        leaves = [t for t in x if t.requires_grad]
        grads = iter(torch.autograd.grad(y, leaves, g, allow_unused=True))
        out["g"] = pack(g)
        out["grads"] = [pack(next(grads)) if t.requires_grad else None for t in x]
    cases.append(out)


def floats(values, dtype):
    return torch.tensor(values, dtype=dtype)


def randn(*shape, dtype):
    return torch.randn(shape, dtype=torch.float64).to(dtype)


for d in (torch.float32, torch.float64):
    unary = {
        "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh,
        "sigmoid": torch.sigmoid, "relu": torch.relu, "abs": torch.abs, "neg": torch.neg, "floor": torch.floor,
        "sign": torch.sign, "clone": torch.clone,
    }
    for name, f in unary.items():
        case(name, f, [floats(EDGES, d)], g=floats(1.0, d))
        case(name, f, [randn(40, dtype=d) * 3])
        case(name, f, [randn(3, 5, dtype=d).abs() + 0.1])
        case(name, f, [floats(0.75, d)])
        case(name, f, [torch.zeros(0, 3, dtype=d)])
        x, g = zip(*itertools.product([1.5, -0.75, 0.0, -0.0, 2.0], GRADIENTS))
        case(name, f, [floats(x, d)], g=floats(g, d))
    for e in (0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, -0.5, 1.5, -2.5, 4.0, 7.0):
        case("pow", lambda x: x ** e, [floats(EDGES, d)], g=floats(1.0, d), exponent=e)
        case("pow", lambda x: x ** e, [randn(24, dtype=d).abs() + 0.05], exponent=e)
        case("pow", lambda x: x ** e, [randn(24, dtype=d)], exponent=e)

    binary = {
        "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum,
        "gt": torch.gt, "ge": torch.ge, "lt": torch.lt, "le": torch.le, "eq": torch.eq, "ne": torch.ne,
        "add_scaled": lambda a, b: torch.add(a, b, alpha=-0.75),
    }
    few = [0.0, -0.0, 1.0, -2.5, 1e-30, INF, -INF, NAN]
    a, b = (floats(v, d) for v in zip(*itertools.product(few, few)))
    shapes = [((6,), (6,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (4,)), ((3,), ()), ((), ()), ((0, 3), (3,)), ((2, 1, 3), (1, 2, 1))]
    for name, f in binary.items():
        attrs = {"alpha": -0.75} if name == "add_scaled" else {}
        case(name, f, [a, b], g=floats(1.0, d), **attrs)
        for sa, sb in shapes:
            case(name, f, [randn(*sa, dtype=d), randn(*sb, dtype=d)], **attrs)
        x, g = zip(*itertools.product([1.5, -0.75, 0.0], GRADIENTS))
        case(name, f, [floats(x, d), floats(1.5, d).expand(len(x))], g=floats(g, d), **attrs)
    backward = torch.ops.aten.threshold_backward
    # PyTorch differentiates it by its first operand; the second gets nothing.
    case("threshold_backward", lambda g, y: backward(g, y.detach(), 0), [a, b], g=floats(1.0, d))
    case("threshold_backward", lambda g, y: backward(g, y.detach(), 0), [randn(3, 4, dtype=d), randn(3, 4, dtype=d)])

    tied = floats([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [-0.0, 0.0, -1.0], [NAN, 1.0, NAN], [INF, -INF, INF]], d)
    for dims, keep in (([0], False), ([1], True), ([0, 1], False)):
        case("amax", lambda x: torch.amax(x, dims, keep), [tied], dims=dims, keepdim=keep)
        case("amax", lambda x: torch.amax(x, dims, keep), [randn(4, 5, dtype=d)], dims=dims, keepdim=keep)
        for shape in ((2, 3), (5, 37), (40, 3)):
            x = randn(*shape, dtype=d)
            case("sum", lambda x: torch.sum(x, dims, keep), [x], dims=dims, keepdim=keep)
            case("mean", lambda x: torch.mean(x, dims, keep), [x], dims=dims, keepdim=keep)
        case("sum", lambda x: torch.sum(x, dims, keep), [tied], dims=dims, keepdim=keep)
        case("mean", lambda x: torch.mean(x, dims, keep), [tied], dims=dims, keepdim=keep)
    case("mean", lambda x: torch.mean(x, [0], False), [torch.zeros(0, 3, dtype=d)], dims=[0], keepdim=False)
    case("sum", lambda x: torch.sum(x, [1], True), [torch.zeros(2, 0, dtype=d)], dims=[1], keepdim=True)
    for sa, sb in (((2, 3), (3, 2)), ((4, 2), (2,)), ((3,), (3, 2)), ((3,), (3,)), ((2, 2, 3), (3, 2)), ((2, 2, 1), (2, 1, 3)),
                   ((2,), (3, 2, 1)), ((2, 1, 2, 2), (3, 2, 1)), ((2, 2, 3), (3,)), ((2, 0), (0, 3)), ((0, 2), (2, 3))):
        case("matmul", torch.matmul, [randn(*sa, dtype=d), randn(*sb, dtype=d)])
    case("outer", torch.outer, [randn(3, dtype=d), randn(4, dtype=d)])
    case("outer", torch.outer, [floats([0.0, -1.0, INF], d), floats([-0.0, 2.0, NAN], d)])
    spread = floats([[0.0, 1000.0, -1000.0], [-INF, 1.0, 2.0], [-INF, -INF, -INF], [NAN, 0.0, 1.0], [INF, 0.0, 1.0]], d)
    for name, f in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        for dim in (0, 1):
            case(name, lambda x: f(x, dim), [randn(3, 4, dtype=d)], dim=dim)
            case(name, lambda x: f(x, dim), [spread], g=floats([1.0, -2.0, 0.5], d), dim=dim)
        case(name, lambda x: f(x, 0), [floats(2.0, d)], dim=0)
        case(name, lambda x: f(x, 1), [torch.zeros(0, 3, dtype=d)], dim=1)
    odd = floats([0.0, -0.0, INF, -INF, NAN, 1.5], d).reshape(2, 3)
    for x in (odd, randn(2, 3, dtype=d)):
        case("reshape", lambda x: x.reshape(3, 2), [x], shape=[3, 2])
        case("permute", lambda x: x.permute(1, 0), [x], dims=[1, 0])
        case("expand", lambda x: x.expand(4, 2, 3), [x], shape=[4, 2, 3])
        case("select", lambda x: x.select(1, 2), [x], dim=1, index=2)
        case("slice", lambda x: x[:, 0:3:2], [x], dim=1, start=0, end=3, step=2)
        case("slice_backward", lambda x: torch.zeros(2, 7, dtype=d).slice_scatter(x, 1, 1, 7, 2), [x],
             shape=[2, 7], dim=1, start=1, step=2)
        case("cat", lambda a, b: torch.cat([a, b], 1), [x, randn(2, 2, dtype=d)], dim=1)
        case("take", torch.take, [x, torch.tensor([5, 0, 5, -1])])
        case("put", lambda v, i: torch.zeros(2, 3, dtype=d).put(i, v, accumulate=True), [x.flatten(), torch.tensor([5, 0, 5, 1, 1, 2])], shape=[2, 3])
        mask = torch.tensor([[True, False, True], [False, True, False]])
        case("where", torch.where, [mask, x, randn(3, dtype=d)], g=floats([[INF, -INF, NAN]], d))
        case("copy_", lambda a, b: (a * 1).copy_(b), [x, randn(3, dtype=d)])
        for dim in (0, 1):
            case("argmax", lambda x: torch.argmax(x, dim, True), [x], dim=dim, keepdim=True)
            case("argmax", lambda x: torch.argmax(x, dim), [tied], dim=dim, keepdim=False)
            for down in (False, True):
                case("argsort", lambda x: torch.argsort(x, stable=True, dim=dim, descending=down), [tied], dim=dim, descending=down)
        case("detach", torch.Tensor.detach, [x])
        for to in (torch.float32, torch.float64):
            case("to", lambda x: x.to(to), [x], dtype=str(to).removeprefix("torch."))
    case("to", lambda x: x.to(torch.float32), [floats([1e300, 1 + 2**-24, 1 + 2**-23 + 2**-25, 1e-46, -1e-40], d)], dtype="float32")
    case("to", lambda x: x.to(torch.int64), [floats([1.9, -1.9, 0.0, 2.5e9], d)], dtype="int64")
    case("to", lambda x: x.to(torch.bool), [floats([1.9, -0.0, 0.0, NAN], d)], dtype="bool")

lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
(HERE / "ops.json").write_text(f'{{"torch": "{torch.__version__}", "cases": [\n{lines}\n]}}\n')
print(len(cases), "cases")
