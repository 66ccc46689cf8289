"""Windows under `torch` itself, of an older kind than those of `signal.windows`: `periodic` ones unless it says otherwise, computed in the dtype asked for."""

import math

from . import arange, empty, get_default_dtype, i0, ones, tensor


def _window(name, length, periodic, made, options):
    """The window of so many points; a periodic one is that of one more, without its last."""
    dtype, grad = options.pop("dtype", None) or get_default_dtype(), options.pop("requires_grad", False)
    for plain in ("layout", "pin_memory"):
        options.pop(plain, None)
    if not dtype.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    if length == 0:
        found = empty(0, dtype=dtype, **options)
    elif length == 1:
        found = ones(1, dtype=dtype, **options)
    else:
        found = made(arange(length + bool(periodic), dtype=dtype, **options), length + bool(periodic) - 1)[:length]
    return found.requires_grad_() if grad else found


def hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, **options):
    """α - β cos(2π n / N)."""
    return _window("hamming_window", window_length, periodic, lambda n, last: n.mul(2 * math.pi / last).cos().mul(-beta).add(alpha), options)


def hann_window(window_length, periodic=True, **options):
    """½ - ½ cos(2π n / N)."""
    return _window("hann_window", window_length, periodic, lambda n, last: n.mul(2 * math.pi / last).cos().mul(-0.5).add(0.5), options)


def blackman_window(window_length, periodic=True, **options):
    """0.42 - ½ cos(2π n / N) + 0.08 cos(4π n / N)."""

    def made(n, last):
        x = n.mul(math.pi / last)
        return x.mul(4).cos().mul(0.08) - x.mul(2).cos().mul(0.5) + 0.42

    return _window("blackman_window", window_length, periodic, made, options)


def bartlett_window(window_length, periodic=True, **options):
    """1 - |2n/N - 1|: a triangle."""

    def made(n, last):
        x = n.mul(2 / last)
        half = (last >> 1) + 1
        x[half:] = x[half:].mul(-1).add(2)
        return x

    return _window("bartlett_window", window_length, periodic, made, options)


def kaiser_window(window_length, periodic=True, beta=12.0, **options):
    """I₀(β √(1 - (2n/N - 1)²)) / I₀(β)."""

    def made(n, last):
        x = n.float() if n.dtype.itemsize < 4 else n
        return (i0((1 - (x * (2 / last) - 1) ** 2).clamp(min=0).sqrt() * beta) / i0(tensor(float(beta), dtype=x.dtype))).to(n.dtype)

    return _window("kaiser_window", window_length, periodic, made, options)
