"""Maps of vectors and matrices: simplexes, correlations, covariances; and the map that a law's cumulative distribution is."""

import math

from .. import eye, finfo, ones_like, zeros_like
from ..nn import functional as F
from . import constraints
from ._transforms_of_numbers import SigmoidTransform, _Plain
from .transforms import Transform
from .utils import tril_matrix_to_vec, vec_to_tril_matrix


def _padded(x, left, right, value):
    """A vector longer by some places on either side."""
    return F.pad(x, [left, right], value=value)


class CorrCholeskyTransform(Transform):
    """n·(n−1)/2 numbers as the Cholesky factor of an n×n correlation matrix: tanh gives signed shares of what is left of each row's length."""

    domain, codomain, bijective = constraints.real_vector, constraints.corr_cholesky, True

    def _call(self, x):
        x = x.tanh()
        eps = finfo(x.dtype).eps
        x = x.clamp(min=-1 + eps, max=1 - eps)
        r = vec_to_tril_matrix(x, diag=-1)
        z = r**2
        left = (1 - z).sqrt().cumprod(-1)
        r = r + eye(r.shape[-1], dtype=r.dtype)
        return r * _padded(left[..., :-1], 1, 0, 1.0)

    def _inverse(self, y):
        left = 1 - (y * y).cumsum(-1)
        left = _padded(left[..., :-1], 1, 0, 1.0)
        t = tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(left, diag=-1).sqrt()
        return (t.log1p() - t.neg().log1p()) / 2

    def log_abs_det_jacobian(self, x, y, intermediates=None):
        left = 1 - (y * y).cumsum(-1)
        y_log_det = 0.5 * tril_matrix_to_vec(left, diag=-2).log().sum(-1) if y.shape[-1] > 1 else zeros_like(y[..., 0, 0])
        tanh_log_det = -2 * (x + F.softplus(-2 * x) - math.log(2.0)).sum(-1)
        return y_log_det + tanh_log_det

    def forward_shape(self, shape):
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        n = shape[-1]
        d = round((0.25 + 2 * n) ** 0.5 + 0.5)
        if d * (d - 1) // 2 != n:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return shape[:-1] + (d, d)

    def inverse_shape(self, shape):
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        d = shape[-1]
        return shape[:-2] + (d * (d - 1) // 2,)


class SoftmaxTransform(_Plain):
    """Numbers as a simplex, by softmax; the inverse is the logarithm."""

    bijective = False
    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x):
        probs = (x - x.max(-1, True)[0]).exp()
        return probs / probs.sum(-1, True)

    def _inverse(self, y):
        return y.log()

    def forward_shape(self, shape):
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(_Plain):
    """n numbers as a simplex of n + 1: each breaks its share off what is left of a stick."""

    domain, codomain = constraints.real_vector, constraints.simplex

    def _offset(self, x):
        return x.shape[-1] + 1 - ones_like(x).cumsum(-1)

    def _call(self, x):
        z = SigmoidTransform()(x - self._offset(x).log())
        return _padded(z, 0, 1, 1.0) * _padded((1 - z).cumprod(-1), 1, 0, 1.0)

    def _inverse(self, y):
        cut = y[..., :-1]
        offset = y.shape[-1] - ones_like(cut).cumsum(-1)
        left = (1 - cut.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return cut.log() - left.log() + offset.log()

    def log_abs_det_jacobian(self, x, y):
        x = x - self._offset(x).log()
        return (-x + F.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return shape[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape):
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return shape[:-1] + (shape[-1] - 1,)


class LowerCholeskyTransform(_Plain):
    """A square matrix as a lower triangular one with a positive diagonal: the exponential of the diagonal."""

    domain, codomain, bijective = constraints.independent(constraints.real, 2), constraints.lower_cholesky, False

    def _call(self, x):
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y):
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(_Plain):
    """A square matrix as a positive definite one, by its Cholesky factor."""

    domain, codomain, bijective = constraints.independent(constraints.real, 2), constraints.positive_definite, False

    def _call(self, x):
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y):
        from ..linalg import cholesky

        return LowerCholeskyTransform().inv(cholesky(y))


class CumulativeDistributionTransform(Transform):
    """y is the probability of at most x under a law of numbers."""

    bijective = True
    codomain = constraints.unit_interval
    sign = +1

    def __init__(self, distribution, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    @property
    def domain(self):
        return self.distribution.support

    def _call(self, x):
        return self.distribution.cdf(x)

    def _inverse(self, y):
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x, y):
        return self.distribution.log_prob(x)

    def with_cache(self, cache_size=1):
        return self if self._cache_size == cache_size else CumulativeDistributionTransform(self.distribution, cache_size=cache_size)
