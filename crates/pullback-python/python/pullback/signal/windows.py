"""PyTorch's `torch.signal.windows`: weights by which pieces of a signal fade in and out.

Every window has `M` points, at least 0, and its largest value is 1 (at even `M`, symmetric, it lies between two points). `sym=True` is the window for
filters, `sym=False` the periodic one for spectra, which is the window of `M + 1` points without its last. `dtype` is float32 or float64.
"""

from math import sqrt

from .. import abs, arange, cos, empty, exp, float32, float64, get_default_dtype, i0, linspace, minimum, ones, pi, sin, strided, tensor

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann", "kaiser", "nuttall"]


class _Made:
    """How the numbers of one window are made: its length, and what every function takes by name."""

    def __init__(self, name, M, dtype, layout, device, requires_grad):
        self.M, self.dtype = M, get_default_dtype() if dtype is None else dtype
        if M < 0:
            raise ValueError(f"{name} requires non-negative window length, got M={M}")
        if layout is not strided:
            raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
        if self.dtype not in (float32, float64):
            raise ValueError(f"{name} expects float32 or float64 dtypes, got: {self.dtype}")
        self.options = {"dtype": self.dtype, "device": device, "requires_grad": requires_grad}

    def steps(self, start, step):
        """`M` points from `start`, each `step` after the one before."""
        return linspace(start * step, (start + (self.M - 1)) * step, self.M, **self.options)

    def none(self):
        return empty((0,), **self.options)

    def one(self):
        return ones((1,), **self.options)


def exponential(M, *, center=None, tau=1.0, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """exp(-|n - center| / tau). The centre is in the middle, and may be given for `sym=False` alone; `tau` is above 0.

    >>> signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    made = _Made("exponential", M, dtype, layout, device, requires_grad)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if M == 0:
        return made.none()
    if center is None:
        center = (M if not sym and M > 1 else M - 1) / 2.0
    return exp(-abs(made.steps(-center, 1 / tau)))


def cosine(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """sin(π (n + ½) / M): half a wave."""
    made = _Made("cosine", M, dtype, layout, device, requires_grad)
    return made.none() if M == 0 else sin(made.steps(0.5, pi / (M + 1 if not sym and M > 1 else M)))


def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """exp(-(n - middle)² / (2 std²)); `std` is above 0."""
    made = _Made("gaussian", M, dtype, layout, device, requires_grad)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    if M == 0:
        return made.none()
    return exp(-(made.steps(-(M if not sym and M > 1 else M - 1) / 2.0, 1 / (std * sqrt(2))) ** 2))


def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """I₀(√(β² - k²)) / I₀(β), where `k` goes from -β to β; `beta` is not below 0."""
    made = _Made("kaiser", M, dtype, layout, device, requires_grad)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M < 2:
        return made.none() if M == 0 else made.one()
    # In the dtype of the result, so that no root of a number below 0 is taken.
    beta = tensor(beta, dtype=made.dtype, device=device)
    end = minimum(beta, -beta + (M - 1) * (2.0 * beta / (M if not sym else M - 1)))
    k = linspace((-beta).item(), end.item(), M, **made.options)
    return i0((beta * beta - k**2).sqrt()) / i0(beta)


def bartlett(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """1 - |2n/(M - 1) - 1|: a triangle."""
    made = _Made("bartlett", M, dtype, layout, device, requires_grad)
    if M < 2:
        return made.none() if M == 0 else made.one()
    step = 2 / (M if not sym else M - 1)
    return 1 - abs(linspace(-1, -1 + (M - 1) * step, M, **made.options))


def general_cosine(M, *, a, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """Σ (-1)ⁱ aᵢ cos(2π i n / (M - 1)), by the coefficients `a`."""
    made = _Made("general_cosine", M, dtype, layout, device, requires_grad)
    if M < 2:
        return made.none() if M == 0 else made.one()
    if not hasattr(a, "__iter__"):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    k = made.steps(0, 2 * pi / (M if not sym else M - 1))
    weights = tensor([(-1) ** i * w for i, w in enumerate(a)], **made.options)
    i = arange(weights.shape[0], **made.options)
    return (weights.unsqueeze(-1) * cos(i.unsqueeze(-1) * k)).sum(0)


def general_hamming(M, *, alpha=0.54, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """α - (1 - α) cos(2π n / (M - 1))."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hamming(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """`general_hamming` with α = 0.54."""
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """`general_hamming` with α = ½."""
    return general_hamming(M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def blackman(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """`general_cosine` with Blackman's coefficients 0.42, 0.5 and 0.08."""
    _Made("blackman", M, dtype, layout, device, requires_grad)
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def nuttall(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """`general_cosine` with Nuttall's four coefficients."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)
