"""PyTorch's `torch.masked`: reductions and normalisations over the elements that a mask lets through.

Every function takes `mask=`, a tensor of bools that broadcasts to the input (True: the element counts); without it all elements count. What is masked out
is replaced by the number that changes nothing in the operation (0 for a sum, 1 for a product, -inf for a maximum), and the plain function does the rest, so
gradients are those of plain functions, and zero where the mask is False. There is no `MaskedTensor` here.
"""

import builtins as _builtins

from .. import (
    _surface,
    bool,
    float32,
    iinfo,
    inf,
    int8,
    int16,
    int32,
    int64,
    linalg,
    maximum,
    nan,
    nanmedian,
    nn,
    ones,
    uint8,
    where,
)
from .. import logaddexp as _logaddexp
from .. import logsumexp as _logsumexp

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean", "median", "norm", "normalize", "prod",
    "softmax", "softmin", "std", "sum", "var",
]  # fmt: skip
_SMALL = (uint8, bool, int8, int16, int32)


def _extreme(name, input, largest):
    """The largest or the smallest number of a dtype."""
    if input.is_floating_point():
        return inf if largest else -inf
    if input.dtype is bool:
        raise NotImplementedError(f"identity of {name} on {input.dtype} input")
    return iinfo(input.dtype).max if largest else iinfo(input.dtype).min


def _identity(name, input, ord=None):
    """The number that an element masked out is replaced by."""
    if name == "sum":
        return 0
    if name == "prod":
        return 1
    if name in ("amax", "argmax", "logaddexp", "logsumexp"):
        return _extreme(name, input, False)
    if name in ("amin", "argmin"):
        return _extreme(name, input, True)
    if name == "norm":
        return inf if ord == -inf else 0
    return nan


def _mask_of(input, mask):
    """The mask in the shape of the input, as bools."""
    if mask.shape != input.shape:
        if mask.dim() > input.dim():
            raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
        mask = mask.expand(input.shape)
    return mask.to(bool)


def _combined(name, input, mask, ord=None):
    if mask is None:
        return input
    return where(_mask_of(input, mask), input, input.new_full((), _identity(name, input, ord)))


def _dims(dim, ndim):
    """The dimensions meant, sorted; all of them for `None` and `()`."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    ndim, found = _builtins.max(ndim, 1), []
    for d in (dim,) if isinstance(dim, int) else dim:
        if d in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -ndim <= d < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {d})")
        found.append(d)
    return tuple(sorted(d % ndim for d in found))


def _wide(input, dtype):
    """The dtype of a sum: int64 for narrower integers."""
    return dtype or (int64 if input.dtype in _SMALL else input.dtype)


def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Sum of the elements that the mask lets through, over dimensions or all of them; 0 where there are none. Integers are summed in int64.

    >>> masked.sum(tensor([1., 2., 3.]), mask=tensor([True, False, True]))
    tensor(4.)
    """
    dims = _dims(dim, input.dim())
    return _combined("sum", input, mask).sum(dims, _builtins.bool(keepdim), dtype=_wide(input, dtype))


def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Product of the elements that the mask lets through, over dimensions or all of them; 1 where there are none."""
    dims = _dims(dim, input.dim())
    result = _combined("prod", input, mask).to(_wide(input, dtype))
    for d in reversed(dims):
        result = result.prod(d, _builtins.bool(keepdim))
    return result


def cumsum(input, dim, *, dtype=None, mask=None):
    """Running sums along a dimension; elements masked out add nothing."""
    dtype, dims = dtype or input.dtype, _dims(dim, input.dim())
    return _combined("sum", input, mask).cumsum(dims[0], dtype=dtype).to(dtype)


def cumprod(input, dim, *, dtype=None, mask=None):
    """Running products along a dimension; elements masked out count as 1."""
    dtype, dims = dtype or input.dtype, _dims(dim, input.dim())
    return _combined("prod", input, mask).cumprod(dims[0], dtype=dtype).to(dtype)


def amax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The largest of the elements that the mask lets through; -inf, or an integer's smallest, where there are none."""
    return _combined("amax", input, mask).amax(_dims(dim, input.dim()), _builtins.bool(keepdim)).to(dtype or input.dtype)


def amin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The smallest of the elements that the mask lets through; inf, or an integer's largest, where there are none."""
    return _combined("amin", input, mask).amin(_dims(dim, input.dim()), _builtins.bool(keepdim)).to(dtype or input.dtype)


def argmax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The place of the largest element that the mask lets through, along a dimension or in the flattened input."""
    return _combined("argmax", input, mask).argmax(dim, _builtins.bool(keepdim)).to(dtype or input.dtype)


def argmin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The place of the smallest element that the mask lets through, along a dimension or in the flattened input."""
    return _combined("argmin", input, mask).argmin(dim, _builtins.bool(keepdim)).to(dtype or input.dtype)


def _count(input, dim, keepdim, mask):
    if mask is None:
        return ones(input.shape, dtype=int64).sum(_dims(dim, input.dim()), keepdim)
    return _mask_of(input, mask).sum(dim=dim, keepdim=keepdim)


def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Mean of the elements that the mask lets through; nan where there are none."""
    source, dtype = ("Input", input.dtype) if dtype is None else ("Optional", dtype)
    if not dtype.is_floating_point:
        raise ValueError(f"mean(): Could not infer output dtype. {source} dtype must be either a floating point or complex dtype. Got: {dtype}")
    count = _count(input, dim, _builtins.bool(keepdim), mask)
    return sum(input, dim, keepdim=keepdim, dtype=dtype, mask=mask) / count


def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    """The middle one of the elements that the mask lets through along a dimension (the lower of two); nan where there are none."""
    given = input if input.is_floating_point() else input.to(float32)
    dims = _dims(dim, input.dim())
    found = nanmedian(_combined("median", given, mask), dims[0], keepdim)[0]
    if given is input:
        return found
    if found.isnan().any():
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return found.to(dtype or input.dtype)


def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """ln of the sum of e to the elements that the mask lets through; -inf where there are none."""
    dims = _dims(dim, input.dim())
    return _logsumexp(_combined("logsumexp", input, mask), dims, keepdim).to(dtype or input.dtype)


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """ln(eˣ + eʸ), element by element; an element masked out counts as -inf."""
    return _logaddexp(_combined("logaddexp", input, input_mask), _combined("logaddexp", other, other_mask)).to(dtype or input.dtype)


def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The vector norm of an order of the elements that the mask lets through; 0 where there are none, inf for the order -inf."""
    return linalg.vector_norm(_combined("norm", input, mask, ord), ord, _dims(dim, input.dim()), _builtins.bool(keepdim), dtype=dtype or input.dtype)


def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    """The elements divided by the norm along a dimension of those that the mask lets through, at least `eps`; 0 where masked out."""
    size = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _combined("sum", input, mask) / maximum(size, size.new_full([], eps))


def _spread(input, dim, unbiased, correction, keepdim, dtype, mask):
    """The mean square distance from the mean."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 1.0 if unbiased is None or unbiased else 0.0
    dtype = dtype or (input.dtype if input.is_floating_point() else float32)
    computed = dtype if dtype.is_floating_point else float32
    count = _count(input, dim, True, mask)
    x = input - sum(input, dim, keepdim=True, dtype=dtype, mask=mask) / count
    total = sum(x * x, dim, keepdim=keepdim, dtype=computed, mask=mask)
    count = count if keepdim else count.reshape(total.shape)
    if correction != 0:
        count = count.to(computed) - float(correction)
        count = maximum(count, count.new_zeros([]))
    return (total / count).to(dtype)


def var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """Variance of the elements that the mask lets through, divided by their number less `correction` (1 unless it is given); nan where there are none."""
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """Square root of `var`."""
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask).sqrt()


def softmax(input, dim, *, dtype=None, mask=None):
    """Softmax along a dimension of the elements that the mask lets through; 0 where masked out, nan in rows that are masked out whole."""
    dims = _dims(dim, input.dim())
    return nn.functional.softmax(_combined("amax", input, mask), dims[0], dtype=dtype or input.dtype)


def log_softmax(input, dim, *, dtype=None, mask=None):
    """ln of `softmax`; -inf where masked out."""
    dims = _dims(dim, input.dim())
    return nn.functional.log_softmax(_combined("amax", input, mask), dims[0], dtype=dtype or input.dtype)


def softmin(input, dim, *, dtype=None, mask=None):
    """Softmax of the elements with the other sign."""
    dims = _dims(dim, input.dim())
    return nn.functional.softmin(_combined("amin", input, mask), dims[0], dtype=dtype or input.dtype)


def is_masked_tensor(obj, /):
    """Whether an object is a tensor with a mask of its own: there are none here."""
    return False


def __getattr__(name):
    raise AttributeError(_surface.missing("pullback.masked", name))
