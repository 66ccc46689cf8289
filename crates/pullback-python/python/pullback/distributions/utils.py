"""What the laws share: parameters brought to one shape, probabilities as logits and back, attributes computed when first asked for."""

import functools
from numbers import Number

from .. import Size, Tensor, broadcast_tensors, finfo, get_default_dtype, tensor
from ..nn import functional as F

euler_constant = 0.57721566490153286060


def broadcast_all(*values):
    """Tensors, or numbers and tensors, as tensors of one shape; numbers take the dtype of the first tensor."""
    if not all(isinstance(v, (Tensor, Number)) for v in values):
        raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__.")
    tensors = [v for v in values if isinstance(v, Tensor)]
    dtype = tensors[0].dtype if tensors else get_default_dtype()
    return broadcast_tensors(*(v if isinstance(v, Tensor) else tensor(v, dtype=dtype) for v in values))


def shape_of(*values):
    """The shape that the law has for these arguments: none where all are numbers."""
    found = next((v for v in values if not isinstance(v, Number)), None)
    return Size() if found is None else broadcast_all(*values)[0].shape


def sum_rightmost(value, dim):
    """The sum over the last `dim` dimensions."""
    return value if dim == 0 else value.reshape(value.shape[:-dim] + (-1,)).sum(-1)


def clamp_probs(probs):
    """Probabilities apart from 0 and 1 by the dtype's epsilon."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits, is_binary=False):
    """Probabilities of log odds, or of unnormalised log probabilities."""
    return logits.sigmoid() if is_binary else F.softmax(logits, -1)


def probs_to_logits(probs, is_binary=False):
    """Log odds, or log probabilities."""
    p = clamp_probs(probs)
    return p.log() - (-p).log1p() if is_binary else p.log()


class lazy_property:
    """An attribute that is computed when it is first asked for, with gradients recorded, and then kept."""

    def __init__(self, wrapped):
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)

    def __get__(self, instance, obj_type=None):
        from .. import enable_grad

        if instance is None:
            return _OfClass(self.wrapped)
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class _OfClass(lazy_property, property):
    """What the class shows of a `lazy_property`: a property with its words."""

    def __init__(self, wrapped):
        property.__init__(self, wrapped)


def tril_matrix_to_vec(mat, diag=0):
    """The elements at and below a diagonal, row by row."""
    from .. import tril_indices

    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec, diag=0):
    """The square matrix with these elements at and below a diagonal, and zeros elsewhere."""
    from .. import tril_indices, zeros

    count = vec.shape[-1]
    n = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * count + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(n) - n:
        raise ValueError(f"The size of last dimension is {count} which cannot be expressed as the lower triangular part of a square D x D matrix.")
    n = round(n)
    rows, columns = tril_indices(n, n, diag)
    flat = zeros(*vec.shape[:-1], n * n, dtype=vec.dtype)
    return flat.index_copy(-1, rows * n + columns, vec).reshape(*vec.shape[:-1], n, n)
