"""Laws of vectors with covariances, of covariance matrices and of correlations."""

import math
import warnings

from .. import Size, Tensor, arange, broadcast_shapes, cat, cholesky_inverse, eye, finfo, linalg, randn, tril_indices, zeros
from . import constraints
from ._continuous import standard_normal
from ._gammas import Beta, Chi2
from ._linalg import precision_to_scale_tril, solve_lower
from .distribution import Distribution, ExponentialFamily
from .utils import lazy_property


def batch_mv(matrix, vector):
    """Matrix times vector."""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def batch_mahalanobis(factor, x):
    """xᵀ·(L·Lᵀ)⁻¹·x."""
    batch = broadcast_shapes(factor.shape[:-2], x.shape[:-1])
    l = factor.expand(batch + factor.shape[-2:])
    return solve_lower(l, x.expand(batch + x.shape[-1:]).unsqueeze(-1)).squeeze(-1).pow(2).sum(-1)


def half_log_det(factor):
    """ln of the product of the diagonal."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class MultivariateNormal(Distribution):
    """The normal law of vectors, of a covariance, a precision or a Cholesky factor."""

    arg_constraints = {"loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = {k: v for k, v in (("scale_tril", scale_tril), ("covariance_matrix", covariance_matrix), ("precision_matrix", precision_matrix)) if v is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch_shape = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))
        self.loc = loc.expand(batch_shape + (-1,))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = {"scale_tril": lambda m: m, "covariance_matrix": linalg.cholesky, "precision_matrix": precision_to_scale_tril}[name](matrix)

    def _expand_rest(self, new, batch_shape):
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril

    @lazy_property
    def scale_tril(self):
        """The Cholesky factor of the covariance."""
        return self._unbroadcasted_scale_tril.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self):
        """The covariance."""
        return (self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT).expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self):
        """The inverse of the covariance."""
        return cholesky_inverse(self._unbroadcasted_scale_tril).expand(self._batch_shape + self._event_shape + self._event_shape)

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape=Size()):
        return self.loc + batch_mv(self._unbroadcasted_scale_tril, standard_normal(self._extended_shape(sample_shape), self.loc.dtype))

    def log_prob(self, value):
        self._checked(value)
        m = batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + m) - half_log_det(self._unbroadcasted_scale_tril)

    def entropy(self):
        h = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + half_log_det(self._unbroadcasted_scale_tril)
        return h.expand(self._batch_shape)


class LowRankMultivariateNormal(Distribution):
    """The normal law of vectors of covariance W·Wᵀ + diag(D)."""

    arg_constraints = {"loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2), "cov_diag": constraints.independent(constraints.positive, 1)}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            batch = broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as e:
            raise ValueError(f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}") from e
        self.loc, self.cov_diag = loc.expand(batch + event_shape), cov_diag.expand(batch + event_shape)
        self.cov_factor = cov_factor.expand(batch + cov_factor.shape[-2:])
        self._w, self._d = cov_factor, cov_diag
        # I + Wᵀ·D⁻¹·W, as large as the rank.
        scaled = cov_factor.mT / cov_diag.unsqueeze(-2)
        k = scaled @ cov_factor
        self._capacitance_tril = linalg.cholesky(k + eye(k.shape[-1], dtype=k.dtype))
        super().__init__(batch, event_shape, validate_args=validate_args)

    def _expand_rest(self, new, batch_shape):
        new._w, new._d, new._capacitance_tril = self._w, self._d, self._capacitance_tril

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        return (self._w.pow(2).sum(-1) + self._d).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        """The Cholesky factor of the covariance."""
        return linalg.cholesky(self._w @ self._w.mT + self._d.diag_embed()).expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self):
        """The covariance."""
        return (self._w @ self._w.mT + self._d.diag_embed()).expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self):
        """The inverse of the covariance, by Woodbury's formula."""
        scaled = self._w.mT / self._d.unsqueeze(-2)
        l = self._capacitance_tril.expand(broadcast_shapes(self._capacitance_tril.shape[:-2], scaled.shape[:-2]) + self._capacitance_tril.shape[-2:])
        a = solve_lower(l, scaled)
        return (self._d.reciprocal().diag_embed() - a.mT @ a).expand(self._batch_shape + self._event_shape + self._event_shape)

    def rsample(self, sample_shape=Size()):
        shape = self._extended_shape(sample_shape)
        of_factor = standard_normal(shape[:-1] + self._w.shape[-1:], self.loc.dtype)
        of_diagonal = standard_normal(shape, self.loc.dtype)
        return self.loc + batch_mv(self._w, of_factor) + self._d.sqrt() * of_diagonal

    def _log_det(self):
        return 2 * half_log_det(self._capacitance_tril) + self._d.log().sum(-1)

    def log_prob(self, value):
        self._checked(value)
        diff = value - self.loc
        m = (diff.pow(2) / self._d).sum(-1) - batch_mahalanobis(self._capacitance_tril, batch_mv(self._w.mT / self._d.unsqueeze(-2), diff))
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_det() + m)

    def entropy(self):
        h = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_det())
        return h.expand(self._batch_shape)


class Wishart(ExponentialFamily):
    """Wishart's law of covariance matrices."""

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    arg_constraints = {"covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky, "df": constraints.greater_than(0)}

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        given = {k: v for k, v in (("scale_tril", scale_tril), ("covariance_matrix", covariance_matrix), ("precision_matrix", precision_matrix)) if v is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        p = matrix.shape[-1]
        df = df if isinstance(df, Tensor) else matrix.new_ones(()) * df
        batch = broadcast_shapes(matrix.shape[:-2], df.shape)
        if df.le(p - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {p - 1}.")
        setattr(self, name, matrix.expand(batch + (-1, -1)))
        self.df = df.expand(batch)
        self.arg_constraints = {**type(self).arg_constraints, "df": constraints.greater_than(p - 1)}
        if self.df.lt(p).any():
            warnings.warn("Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.", stacklevel=2)
        super().__init__(batch, Size((p, p)), validate_args=validate_args)
        self._batch_dims = [-(x + 1) for x in range(len(self._batch_shape))]
        self._unbroadcasted_scale_tril = {"scale_tril": lambda m: m, "covariance_matrix": linalg.cholesky, "precision_matrix": precision_to_scale_tril}[name](matrix)
        self._dist_chi2 = Chi2(self.df.unsqueeze(-1) - arange(p, dtype=matrix.dtype).expand(batch + (-1,)))

    def _expand_rest(self, new, batch_shape):
        p = self._event_shape[-1]
        new._batch_dims, new._unbroadcasted_scale_tril, new.arg_constraints = [-(x + 1) for x in range(len(batch_shape))], self._unbroadcasted_scale_tril, self.arg_constraints
        new._dist_chi2 = self._dist_chi2.expand(batch_shape + (p,))

    @lazy_property
    def scale_tril(self):
        """The Cholesky factor of the scale."""
        return self._unbroadcasted_scale_tril.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self):
        """The scale."""
        return (self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self):
        """The inverse of the scale."""
        return cholesky_inverse(self._unbroadcasted_scale_tril).expand(self._batch_shape + self._event_shape)

    @property
    def mean(self):
        return self.df.reshape(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def mode(self):
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        return factor.where(factor > 0, math.nan).reshape(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def variance(self):
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self.df.reshape(self._batch_shape + (1, 1)) * (v.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _bartlett(self, sample_shape):
        p = self._event_shape[-1]
        diagonal = self._dist_chi2.rsample(sample_shape).sqrt().clamp(min=finfo(self._unbroadcasted_scale_tril.dtype).eps).diag_embed()
        rows, columns = tril_indices(p, p, -1)
        below = randn(Size(sample_shape) + self._batch_shape + (p * (p - 1) // 2,), dtype=diagonal.dtype)
        noise = diagonal.reshape(diagonal.shape[:-2] + (p * p,)).index_copy(-1, rows * p + columns, below).reshape(diagonal.shape)
        chol = self._unbroadcasted_scale_tril @ noise
        return chol @ chol.mT

    def rsample(self, sample_shape=Size(), max_try_correction=None):
        """Draws. As in PyTorch the first ones are drawn anew where they are as they should be, and then those that are not."""
        sample = self._bartlett(Size(sample_shape))
        again = self._over_batch(self.support.check(sample))
        for _ in range(10 if max_try_correction is None else max_try_correction):
            if not again.any():
                break
            new = self._bartlett(again[again].shape)
            sample[again] = new
            again[again.clone()] = self._over_batch(~self.support.check(new))
        return sample

    def _over_batch(self, mask):
        return mask.amax(self._batch_dims) if self._batch_shape else mask

    @property
    def _natural_params(self):
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x, y):
        p = self._event_shape[-1]
        return (y + (p + 1) / 2) * (p * math.log(2) - linalg.slogdet(-2 * x).logabsdet) + (y + (p + 1) / 2).mvlgamma(p)

    def log_prob(self, value):
        self._checked(value)
        n, p = self.df, self._event_shape[-1]
        l = self._unbroadcasted_scale_tril
        batch = broadcast_shapes(l.shape[:-2], value.shape[:-2])
        inner = solve_lower(l.expand(batch + l.shape[-2:]), value.expand(batch + value.shape[-2:]))
        trace = linalg.solve_triangular(l.mT, inner, upper=True).diagonal(dim1=-2, dim2=-1).sum(-1)
        log_det = 2 * half_log_det(linalg.cholesky(value))
        return -n * (p * math.log(2) / 2 + half_log_det(l)) - (n / 2).mvlgamma(p) + (n - p - 1) / 2 * log_det - trace / 2

    def entropy(self):
        n, p = self.df, self._event_shape[-1]
        half = ((n.unsqueeze(-1) - arange(p, dtype=n.dtype)) / 2).digamma().sum(-1)
        scale = (p + 1) * (p * math.log(2) / 2 + half_log_det(self._unbroadcasted_scale_tril))
        return scale + (n / 2).mvlgamma(p) - (n - p - 1) / 2 * half + n * p / 2


class LKJCholesky(Distribution):
    """The law of Lewandowski, Kurowicka and Joe of Cholesky factors of correlation matrices."""

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim, concentration=1.0, validate_args=None):
        from .utils import broadcast_all

        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        offset = arange(dim - 1, dtype=self.concentration.dtype)
        offset = cat([zeros((1,), dtype=offset.dtype), offset])
        marginal = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(offset + 0.5, marginal.unsqueeze(-1) - 0.5 * offset)
        super().__init__(self.concentration.size(), Size((dim, dim)), validate_args)

    def _expand_rest(self, new, batch_shape):
        new.dim, new._beta = self.dim, self._beta.expand(batch_shape + (self.dim,))

    def sample(self, sample_shape=Size()):
        from .. import no_grad

        with no_grad():
            y = self._beta.sample(sample_shape).unsqueeze(-1)
            normal = randn(self._extended_shape(sample_shape), dtype=y.dtype).tril(-1)
            sphere = normal / linalg.norm(normal, dim=-1, keepdim=True)
            sphere[..., 0, :] = 0.0
            w = y.sqrt() * sphere
            diagonal = (1 - (w**2).sum(-1)).clamp(min=finfo(w.dtype).tiny).sqrt()
            return w + diagonal.diag_embed()

    def log_prob(self, value):
        self._checked(value)
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = arange(2, self.dim + 1, dtype=self.concentration.dtype)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - order
        m = self.dim - 1
        alpha = self.concentration + 0.5 * m
        normalizer = 0.5 * m * math.log(math.pi) + (alpha - 0.5).mvlgamma(m) - alpha.lgamma() * m
        return (order * diagonal.log()).sum(-1) - normalizer

