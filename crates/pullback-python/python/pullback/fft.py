"""PyTorch's `torch.fft`, as far as it needs no complex numbers: halves exchanged, and the frequencies of a transform's bins."""

from . import _surface


def _halves(input, dim, sign):
    dims = tuple(range(input.dim())) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if not dims:
        return input.clone()
    sizes = [input.size(d) for d in dims]
    return input.roll([n // 2 if sign > 0 else (n + 1) // 2 for n in sizes], dims)


def fftshift(input, dim=None):
    """The two halves along each dimension exchanged, so that frequency 0 lies in the middle."""
    return _halves(input, dim, 1)


def ifftshift(input, dim=None):
    """The inverse of `fftshift`."""
    return _halves(input, dim, -1)


def _checked(n, out, made):
    return made if out is None else out.resize_(made.shape).copy_(made)


def fftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of the bins of a transform of `n` numbers that lie `d` apart."""
    import pullback

    if dtype is not None and not dtype.is_floating_point:
        raise RuntimeError("fftfreq requires a floating point or complex dtype")
    half = (n - 1) // 2
    places = pullback.cat([pullback.arange(0, half + 1), pullback.arange(-(n // 2), 0)]).to(dtype or pullback.get_default_dtype())
    return _checked(n, out, places * (1.0 / (n * d))).requires_grad_(requires_grad)


def rfftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of the bins of a transform of `n` real numbers that lie `d` apart: those that are not negative."""
    import pullback

    if dtype is not None and not dtype.is_floating_point:
        raise RuntimeError("rfftfreq requires a floating point or complex dtype")
    places = pullback.arange(0, n // 2 + 1).to(dtype or pullback.get_default_dtype())
    return _checked(n, out, places * (1.0 / (n * d))).requires_grad_(requires_grad)


_COMPLEX = {f"{i}{r}fft{n}" for i in ("", "i") for r in ("", "r", "h") for n in ("", "2", "n")}


def __getattr__(name):
    if name in _COMPLEX:
        raise AttributeError(f"module 'pullback.fft' has no attribute {name!r}: there are no complex numbers")
    raise AttributeError(_surface.missing("pullback.fft", name))
