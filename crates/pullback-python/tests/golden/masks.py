"""What is asked of PyTorch and of this package alike about `masked` and `signal.windows`. `make_masks.py` writes down what PyTorch answers (`masks.json`),
`test_masks.py` compares. Everything is a function of the package `M` and returns plain data.
"""

REDUCTIONS = [
    ("sum", {}), ("prod", {}), ("amax", {}), ("amin", {}), ("mean", {}), ("logsumexp", {}), ("norm", {}), ("norm", {"ord": 1}), ("norm", {"ord": -float("inf")}), ("norm", {"ord": float("inf")}),
    ("var", {}), ("std", {}), ("var", {"unbiased": False}), ("var", {"correction": 2}), ("std", {"correction": 0}), ("var", {"unbiased": True, "correction": 1}),
]  # fmt: skip
ALONG = [("argmax", {}), ("argmin", {}), ("median", {}), ("cumsum", {}), ("cumprod", {}), ("softmax", {}), ("log_softmax", {}), ("softmin", {}), ("normalize", {"ord": 2.0}), ("normalize", {"ord": 1, "eps": 2.0})]
WINDOWS = {
    "bartlett": [{}], "blackman": [{}], "cosine": [{}], "exponential": [{}, {"tau": 2.5}, {"tau": 0}, {"center": 1.0}, {"center": 1.0, "sym": False}], "gaussian": [{}, {"std": 3.0}, {"std": -1.0}],
    "general_cosine": [{"a": [0.5, 0.3, 0.2]}, {"a": []}, {"a": 3}], "general_hamming": [{}, {"alpha": 0.3}], "hamming": [{}], "hann": [{}], "kaiser": [{}, {"beta": 3.0}, {"beta": 0.0}, {"beta": -2.0}], "nuttall": [{}],
}  # fmt: skip


def plain(x):
    return [str(x.dtype), list(x.shape), rounded(x.tolist())]


def rounded(x):
    """Numbers with twelve digits, which is more than is compared."""
    return [rounded(v) for v in x] if isinstance(x, list) else float(f"{x:.12g}") if isinstance(x, float) else x


def answer(ask):
    """What a call answers: the result, or PyTorch's error."""
    try:
        return ask()
    except Exception as e:  # the kind and the sentence are what is compared
        return [type(e).__name__, str(e)]


def inputs(M):
    x = M.sin(M.arange(24, dtype=M.float64) * 1.7).reshape(2, 3, 4)
    mask = (M.arange(24) * 7 % 5 < 3).reshape(2, 3, 4)
    mask[1, 1] = False
    return x, mask


def masks(M):
    full = inputs(M)[1]
    return [None, full, full[0], full[:, :1], full[0, :, :1], M.zeros(2, 3, 4, dtype=M.bool), full.int(), M.ones(1, 2, 3, 4, dtype=M.bool)]


def reduced(M, name, options, dim, keepdim, mask):
    x = inputs(M)[0].requires_grad_()
    out = getattr(M.masked, name)(x, dim=dim, keepdim=keepdim, mask=mask, **options)
    return [plain(out), plain(M.autograd.grad(out.sum(), x)[0])]


def reductions(M):
    return [[answer(lambda: reduced(M, name, options, dim, keepdim, mask)) for dim in (None, 1, (0, -1), (), (0, 0), 5) for keepdim in (False, True) for mask in masks(M)] for name, options in REDUCTIONS]


def along(M):
    def one(name, options, dim, mask):
        x = inputs(M)[0].requires_grad_()
        out = getattr(M.masked, name)(x, dim=dim, mask=mask, **options)
        return [plain(out), plain(M.autograd.grad((out * out).sum(), x)[0]) if out.requires_grad else None]

    return [[answer(lambda: one(name, options, dim, mask)) for dim in (0, -1, 3) for mask in masks(M)] for name, options in ALONG]


def integers(M):
    x, mask = inputs(M)
    out = []
    for dtype in ("int64", "int32", "uint8", "bool", "float32", "float16"):
        given = (x * 5).abs().to(getattr(M, dtype))
        for name in ("sum", "prod", "amax", "amin", "mean", "median", "var", "std", "argmax", "cumsum", "cumprod", "logsumexp"):
            dim = {"dim": 1} if name in ("cumsum", "cumprod") else {}
            out.append([answer(lambda: plain(getattr(M.masked, name)(given, mask=m, **dim, **more))) for m in (None, mask, mask[0]) for more in ({}, {"dtype": M.float32})])
    return out


def pairs(M):
    x, mask = inputs(M)
    out = []
    for a, b in ((None, None), (mask, None), (mask, ~mask), (mask[0], mask)):
        p, q = x.clone().requires_grad_(), (x * 2).requires_grad_()
        made = M.masked.logaddexp(p, q, input_mask=a, other_mask=b)
        out.append([plain(made), *(plain(g) for g in M.autograd.grad(made[0].sum(), (p, q)))])
    return out


def windows(M):
    out = []
    for name, many in WINDOWS.items():
        for options in many:
            for size in (0, 1, 2, 5, 8, -1):
                for sym in (True, False):
                    for dtype in (M.float32, M.float64, M.float16):
                        given = {"sym": sym, "dtype": dtype, **options}
                        out.append(answer(lambda: plain(getattr(M.signal.windows, name)(size, **given))))
    return out


def older_windows(M):
    out = []
    for name in ("bartlett", "blackman", "hamming", "hann", "kaiser"):
        make = getattr(M, f"{name}_window")
        for size in (0, 1, 2, 5, 8):
            for periodic in (True, False):
                out.append([plain(make(size, periodic=periodic, dtype=dtype)) for dtype in (M.float32, M.float64)])
    return [out, plain(M.hamming_window(5, True, 0.3, 0.6)), plain(M.kaiser_window(6, False, 4.0)), answer(lambda: M.hann_window(-1)), M.hann_window(3, requires_grad=True).is_leaf]


def everything(M):
    return {f.__name__: f(M) for f in (reductions, along, integers, pairs, windows, older_windows)}
