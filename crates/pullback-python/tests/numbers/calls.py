"""Functions that take a number beside a tensor, and numbers that its dtype may not hold. For PyTorch and for Pullback alike."""

NAN, INF = float("nan"), float("inf")
NUMBERS = [
    -1, -255, -256, -300, 255, 256, 300, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1,
    True, 1.5, -0.5, -1.0, 255.5, 256.0, 2.0**31, 2.0**63, -(2.0**63), NAN, INF, -INF, 1e300, -1e300, 3.5e38, 3.4028234663852886e38,
]  # fmt: skip
DTYPES = ["uint8", "int32", "int64", "bool", "float32", "float64"]


def assigned(x, index, n):
    x = x.clone()
    x[index] = n
    return x


# What makes and fills tensors, what takes a factor, what keeps elements between bounds, arithmetic, comparisons.
FUNCTIONS = {
    "tensor": lambda torch, x, n: torch.tensor(n, dtype=x.dtype),
    "tensor of a list": lambda torch, x, n: torch.tensor([[1, n], [0, 1]], dtype=x.dtype),
    "as_tensor": lambda torch, x, n: torch.as_tensor([n], dtype=x.dtype),
    "new_tensor": lambda torch, x, n: x.new_tensor([n]),
    "full": lambda torch, x, n: torch.full((2,), n, dtype=x.dtype),
    "full_like": lambda torch, x, n: torch.full_like(x, n),
    "new_full": lambda torch, x, n: x.new_full((2,), n),
    "scalar_tensor": lambda torch, x, n: torch.scalar_tensor(n, dtype=x.dtype),
    "fill_": lambda torch, x, n: x.clone().fill_(n),
    "fill_ of nothing": lambda torch, x, n: x[:0].clone().fill_(n),
    "masked_fill": lambda torch, x, n: x.masked_fill(x > 0, n),
    "masked_fill_": lambda torch, x, n: x.clone().masked_fill_(x > 0, n),
    "index_fill": lambda torch, x, n: x.index_fill(0, torch.tensor([1]), n),
    "index_fill_": lambda torch, x, n: x.clone().index_fill_(0, torch.tensor([1]), n),
    "scatter": lambda torch, x, n: x.scatter(0, torch.tensor([1]), n),
    "scatter_": lambda torch, x, n: x.clone().scatter_(0, torch.tensor([1]), n),
    "constant_pad_nd": lambda torch, x, n: torch.constant_pad_nd(x, (1, 0), n),
    "pad": lambda torch, x, n: torch.nn.functional.pad(x, (1, 0), value=n),
    "where": lambda torch, x, n: torch.where(x > 0, x, n),
    "where, the other way": lambda torch, x, n: torch.where(x > 0, n, x),
    "x[1] =": lambda torch, x, n: assigned(x, 1, n),
    "x[:] =": lambda torch, x, n: assigned(x, slice(None), n),
    "x[tensor] =": lambda torch, x, n: assigned(x, torch.tensor([0, 2]), n),
    "x[mask] =": lambda torch, x, n: assigned(x, x > 0, n),
    "add, alpha": lambda torch, x, n: torch.add(x, x, alpha=n),
    "sub, alpha": lambda torch, x, n: torch.sub(x, x, alpha=n),
    "rsub, alpha": lambda torch, x, n: torch.rsub(x, x, alpha=n),
    "add_, alpha": lambda torch, x, n: x.clone().add_(x, alpha=n),
    "addcmul": lambda torch, x, n: torch.addcmul(x, x, x, value=n),
    "addmv, beta": lambda torch, x, n: torch.addmv(x, x.repeat(3, 1), x, beta=n),
    "addmv, alpha": lambda torch, x, n: torch.addmv(x, x.repeat(3, 1), x, alpha=n),
    "addmm, beta": lambda torch, x, n: torch.addmm(x, x.repeat(3, 1), x.repeat(3, 1), beta=n),
    "lerp": lambda torch, x, n: torch.lerp(x, x, n),
    "clamp, min": lambda torch, x, n: x.clamp(min=n),
    "clamp, max": lambda torch, x, n: x.clamp(max=n),
    "clamp_min": lambda torch, x, n: x.clamp_min(n),
    "clamp_max_": lambda torch, x, n: x.clone().clamp_max_(n),
    "clamp of nothing": lambda torch, x, n: x[:0].clamp(max=n),
    "hardtanh, min": lambda torch, x, n: torch.nn.functional.hardtanh(x, n, 1e6 if x.dtype.is_floating_point else 2**62),
    "hardtanh, max": lambda torch, x, n: torch.nn.functional.hardtanh(x, -1e6 if x.dtype.is_floating_point else -(2**62), n),
    "threshold": lambda torch, x, n: torch.nn.functional.threshold(x, n, 1),
    "threshold, value": lambda torch, x, n: torch.nn.functional.threshold(x, 1, n),
    "linspace": lambda torch, x, n: torch.linspace(0, n, 2, dtype=x.dtype),
    "pow": lambda torch, x, n: x.pow(n),
    "pow_": lambda torch, x, n: x.clone().pow_(n),
    "number ** x": lambda torch, x, n: n**x,
    "+": lambda torch, x, n: x + n,
    "-": lambda torch, x, n: x - n,
    "number - x": lambda torch, x, n: n - x,
    "*": lambda torch, x, n: x * n,
    "add_": lambda torch, x, n: x.clone().add_(n),
    "mul_": lambda torch, x, n: x.clone().mul_(n),
    "&": lambda torch, x, n: x & n,
    "^": lambda torch, x, n: x ^ n,
    "/": lambda torch, x, n: x / n,
}

# PyTorch 2.15 wraps the number; here the integers are compared.
COMPARISONS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def tensor(torch, dtype):
    return torch.tensor([0, 1, 3], dtype=getattr(torch, dtype))


def outcome(torch, function, dtype, n):
    """The elements and the dtype of a result, or the exception."""
    try:
        y = FUNCTIONS[function](torch, tensor(torch, dtype), n)
    except Exception as e:
        return [type(e).__name__, str(e).split("\n")[0]]
    return [str(y.dtype)[6:], [v if v == v and abs(v) != INF else str(v) for v in y.reshape(-1).tolist()]]
