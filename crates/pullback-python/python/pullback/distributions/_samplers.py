"""Draws of gamma, Dirichlet, Poisson and binomial laws in PyTorch's stream, and how gamma and Dirichlet draws follow their parameters.

Each draw takes as many numbers from the generator as PyTorch's does, one element after the other, so the same seed gives the same draws. The
algorithms are Marsaglia and Tsang (2000) for gamma, Hörmann's transformed rejection (1993) for Poisson and binomial. A draw x of a law
with distribution function F(x; α) moves with dx/dα = −(∂F/∂α)/(∂F/∂x); F's derivative is a series of positive terms or a continued fraction.
"""

import math

import numpy as np

from .. import float64, from_numpy, no_grad, rand, randn
from ..autograd import Function


class _Stream:
    """Numbers of a generator, one by one, as doubles."""

    def __init__(self, generator):
        self.options = {} if generator is None else {"generator": generator}

    def uniform(self):
        return rand(1, dtype=float64, **self.options).item()

    def normal(self):
        return randn(1, dtype=float64, **self.options).item()


def _each(draw, dtype, *parameters):
    """A draw for each element, in the order of memory; results in the dtype."""
    shape = parameters[0].shape
    rows = [p.detach().double().contiguous().reshape(-1).tolist() for p in parameters]
    return from_numpy(np.array([draw(*row) for row in zip(*rows)], dtype=np.float64)).reshape(shape).to(dtype)


# These two are numbers of single precision in PyTorch's program.
_THIRD, _SQUEEZE = float(np.float32(1) / np.float32(3)), float(np.float32(0.0331))


def _gamma(stream, alpha):
    scale = 1.0
    if alpha < 1.0:
        if alpha == 0.0:
            return 0.0
        scale = (1 - stream.uniform()) ** (1.0 / alpha)
        alpha += 1.0
    if not alpha < math.inf:
        return alpha
    d = alpha - _THIRD
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        y = 0.0
        while y <= 0:
            x = stream.normal()
            y = 1.0 + c * x
        v = y * y * y
        u = 1 - stream.uniform()
        xx = x * x
        if u < 1.0 - _SQUEEZE * xx * xx or math.log(u) < 0.5 * xx + d * (1.0 - v + math.log(v)):
            return scale * d * v


def _poisson(stream, rate):
    if not rate >= 0.0 or rate == math.inf:
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    if rate == 0:
        return 0.0
    if rate < 10:
        limit, product, found = math.exp(-rate), 1.0, 0
        while True:
            product *= stream.uniform()
            if product <= limit:
                return float(found)
            found += 1
    root, log_rate = math.sqrt(rate), math.log(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = stream.uniform() - 0.5
        v = stream.uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43) if us else -1
        if us >= 0.07 and v <= v_r:
            return float(k)
        if k < 0 or us < 0.013 and v > us:
            continue
        if math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b) <= -rate + k * log_rate - math.lgamma(k + 1):
            return float(k)


def _stirling_rest(k):
    """ln k! less Stirling's formula."""
    table = (0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
             0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287)  # fmt: skip
    if k <= 9:
        return table[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def _binomial_by_waiting(stream, count, prob):
    total, successes = 0.0, 0
    logp1 = math.log1p(-prob)
    while True:
        u = stream.uniform()
        total += math.ceil(math.log(u) / logp1) if u > 0 else count + 1
        if total > count:
            return float(successes)
        successes += 1


def _binomial_by_rejection(stream, count, prob):
    deviation = math.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    c = count * prob + 0.5
    v_r = 0.92 - 4.2 / b
    r = prob / (1 - prob)
    alpha = (2.83 + 5.1 / b) * deviation
    m = math.floor((count + 1) * prob)
    while True:
        u = stream.uniform() - 0.5
        v = stream.uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + c) if us else -1
        if us >= 0.07 and v <= v_r:
            return float(k)
        if k < 0 or k > count:
            continue
        v = math.log(v * alpha / (a / (us * us) + b)) if v > 0 else -math.inf
        bound = (m + 0.5) * math.log((m + 1) / (r * (count - m + 1))) + (count + 1) * math.log((count - m + 1) / (count - k + 1))
        bound += (k + 0.5) * math.log(r * (count - k + 1) / (k + 1))
        bound += _stirling_rest(m) + _stirling_rest(count - m) - _stirling_rest(k) - _stirling_rest(count - k)
        if v <= bound:
            return float(k)


def _binomial(stream, count, prob):
    if math.isnan(count) or math.isnan(prob):
        return math.nan
    if count <= 0.0 or prob <= 0.0:
        return 0.0
    if prob >= 1.0:
        return count
    if prob > 0.5:
        return count - _binomial(stream, count, 1.0 - prob)
    draw = _binomial_by_rejection if count * prob >= 10.0 else _binomial_by_waiting
    return draw(stream, count, prob)


def poisson(input, generator=None):
    """A draw of Poisson's law for each rate of `input`, in its dtype. No gradient: zero is sent back."""
    stream = _Stream(generator)
    return _Constant.apply(input, lambda rates: _each(lambda r: _poisson(stream, r), input.dtype, rates))


def binomial(count, prob, generator=None):
    """A draw of the binomial law for each count and probability, in their dtype. No gradient: zero is sent back."""
    if count.dtype is not prob.dtype:
        raise RuntimeError(f"Found dtype {str(prob.dtype).removeprefix('torch.')} but expected {str(count.dtype).removeprefix('torch.')}")
    from .. import broadcast_tensors

    stream = _Stream(generator)
    count, prob = broadcast_tensors(count, prob)
    with no_grad():
        return _each(lambda n, p: _binomial(stream, n, p), prob.dtype, count, prob)


class _Constant(Function):
    """Draws that do not move with their parameters."""

    @staticmethod
    def forward(ctx, input, draw):
        return draw(input)

    @staticmethod
    def backward(ctx, grad):
        return grad * 0, None


class _StandardGamma(Function):
    @staticmethod
    def forward(ctx, alpha, stream):
        least = np.finfo("float64" if alpha.dtype is float64 else "float32").tiny
        made = _each(lambda a: _gamma(stream, a), float64, alpha).clamp(min=float(least)).to(alpha.dtype)
        ctx.save_for_backward(alpha, made)
        return made

    @staticmethod
    def backward(ctx, grad):
        alpha, x = ctx.saved_tensors
        return grad * _as_tensor(gamma_slope(_numbers(alpha), _numbers(x)), alpha), None


def standard_gamma(alpha, generator=None):
    """Draws of Gamma(alpha, 1), with gradients to alpha."""
    return _StandardGamma.apply(alpha, _Stream(generator))


class _Dirichlet(Function):
    @staticmethod
    def forward(ctx, alpha, stream):
        draws = _each(lambda a: _gamma(stream, a), float64, alpha)
        made = (draws / draws.sum(-1, True)).to(alpha.dtype)
        if alpha.dtype is not float64:
            made = made.clamp(min=float(np.finfo("float32").tiny), max=1 - float(np.finfo("float32").eps) / 2)
        ctx.save_for_backward(alpha, made)
        return made

    @staticmethod
    def backward(ctx, grad):
        alpha, x = ctx.saved_tensors
        a = _numbers(alpha)
        slope = _as_tensor(dirichlet_slope(_numbers(x), a, np.broadcast_to(a.sum(-1, keepdims=True), a.shape)), alpha)
        return slope * (grad - (x * grad).sum(-1, True)), None


def sample_dirichlet(alpha, generator=None):
    """Draws of Dirichlet(alpha), with gradients to alpha."""
    return _Dirichlet.apply(alpha, _Stream(generator))


def _numbers(t):
    return t.detach().double().contiguous().numpy()


def _as_tensor(array, like):
    return from_numpy(np.ascontiguousarray(array)).to(like.dtype)


def _psi(x):
    return from_numpy(np.ascontiguousarray(x, dtype=np.float64)).digamma().numpy()


def _series(first, ratio, slope_of_ratio):
    """Σ of terms t₀ = first, tₙ₊₁ = tₙ·ratio(n), and its derivative, where d ln ratio(n) = slope_of_ratio(n)."""
    term, slope = first, np.zeros_like(first)
    total, total_slope = first.copy(), np.zeros_like(first)
    for n in range(200_000):
        r = ratio(n)
        slope = slope + slope_of_ratio(n)
        term = term * r
        total += term
        total_slope += term * slope
        if not (np.abs(term) * (1 + np.abs(slope)) > 1e-17 * np.abs(total)).any():
            break
    return total, total_slope


def gamma_slope(alpha, x):
    """dx/dα of a draw of Gamma(α, 1), float64 arrays of one shape."""
    alpha, x = np.broadcast_arrays(alpha, x)
    out = np.empty(alpha.shape)
    with np.errstate(all="ignore"):
        low = x <= alpha + 1
        out[low] = _gamma_slope_low(alpha[low], x[low])
        out[~low] = _gamma_slope_high(alpha[~low], x[~low])
    return out


def _gamma_slope_low(a, x):
    # F/f = x·Σ xⁿ/(a)ₙ₊₁.
    first = x / a
    total, slope = _series(first, lambda n: x / (a + n + 1), lambda n: -1 / (a + n + 1))
    slope = slope - total / a
    return -((np.log(x) - _psi(a)) * total + slope)


def _gamma_slope_high(a, x):
    # (1 − F)/f is x times Legendre's continued fraction, worked out with its derivative.
    tiny = 1e-300
    b, db = x + 1 - a, -np.ones_like(a)
    c, dc = np.full_like(a, 1 / tiny), np.zeros_like(a)
    d = 1 / b
    dd = -db * d * d
    h, dh = d.copy(), dd.copy()
    for i in range(1, 100_000):
        an, dan = -i * (i - a), np.full_like(a, float(i))
        b = b + 2
        u, du = an * d + b, dan * d + an * dd + db
        v, dv = b + an / c, db + dan / c - an * dc / (c * c)
        d, dd = 1 / u, -du / (u * u)
        c, dc = v, dv
        step, dstep = d * c, dd * c + d * dc
        h, dh = h * step, dh * step + h * dstep
        if not (np.abs(step - 1) + np.abs(dstep) > 1e-16).any():
            break
    return x * ((np.log(x) - _psi(a)) * h + dh)


def gamma_cdf(alpha, x):
    """The probability that a draw of Gamma(α, 1) is at most x, float64 arrays."""
    alpha, x = np.broadcast_arrays(np.asarray(alpha, float), np.asarray(x, float))
    out = np.empty(alpha.shape)
    with np.errstate(all="ignore"):
        low = x <= alpha + 1
        a, y = alpha[low], x[low]
        total, _ = _series(y / a, lambda n: y / (a + n + 1), lambda n: np.zeros_like(a))
        out[low] = np.where(y > 0, total * np.exp((a - 1) * np.log(y) - y - _lgamma(a)), 0.0)
        a, y = alpha[~low], x[~low]
        out[~low] = np.where(y < np.inf, 1 - np.exp(a * np.log(y) - y - _lgamma(a)) * _fraction(a, y), 1.0)
    return np.where(np.isnan(x) | np.isnan(alpha), np.nan, out)


class _GammaProbability(Function):
    @staticmethod
    def forward(ctx, alpha, x):
        ctx.save_for_backward(alpha, x)
        return _as_tensor(gamma_cdf(_numbers(alpha), _numbers(x)), x)

    @staticmethod
    def backward(ctx, grad):
        alpha, x = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            raise NotImplementedError("the derivative for 'igamma: input' is not implemented.")
        return None, grad * ((alpha - 1) * x.log() - x - alpha.lgamma()).exp()


def gamma_probability(alpha, x):
    """The probability that a draw of Gamma(alpha, 1) is at most x, with a gradient to x."""
    from .. import broadcast_tensors

    return _GammaProbability.apply(*broadcast_tensors(alpha, x))


def _lgamma(x):
    return from_numpy(np.ascontiguousarray(x, dtype=np.float64)).lgamma().numpy()


def _fraction(a, x):
    b, c = x + 1 - a, np.full_like(a, 1e300)
    d = 1 / b
    h = d.copy()
    for i in range(1, 100_000):
        an = -i * (i - a)
        b = b + 2
        d = 1 / (an * d + b)
        c = b + an / c
        h = h * (d * c)
        if not (np.abs(d * c - 1) > 1e-16).any():
            break
    return h


def dirichlet_slope(x, alpha, total):
    """(dx/dα)/(1 − x) of a draw x of Beta(α, total − α) with total − α held, float64 arrays of one shape."""
    beta = total - alpha
    out = np.empty(x.shape)
    with np.errstate(all="ignore"):
        low = x <= alpha / total
        a, b, y = alpha[low], beta[low], x[low]
        # F/f = x(1−x)/a·Σ (a+b)ₙ/(a+1)ₙ·xⁿ.
        s, ds = _series(y * (1 - y) / a, lambda n: (a + b + n) / (a + 1 + n) * y, lambda n: 1 / (a + b + n) - 1 / (a + 1 + n))
        ds = ds - s / a
        out[low] = -((np.log(y) + _psi(a + b) - _psi(a)) * s + ds) / (1 - y)
        a, b, y = alpha[~low], beta[~low], x[~low]
        z = 1 - y
        s, ds = _series(y * z / b, lambda n: (a + b + n) / (b + 1 + n) * z, lambda n: 1 / (a + b + n))
        out[~low] = ((np.log(y) + _psi(a + b) - _psi(a)) * s + ds) / z
    return out


__all__ = ["binomial", "gamma_probability", "poisson", "sample_dirichlet", "standard_gamma"]
