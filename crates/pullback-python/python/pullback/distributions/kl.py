"""`kl_divergence(p, q)`: how far one law is from another, by a table of pairs; more pairs can be registered."""

import warnings

from .. import broadcast_shapes, inf
from ._bounded import ContinuousBernoulli
from ._composed import Independent, TransformedDistribution
from ._continuous import Cauchy, Exponential, HalfNormal, Laplace, LogNormal, Normal, Uniform
from ._counts import Binomial, Poisson
from ._discrete import Bernoulli, Categorical, Geometric, OneHotCategorical
from ._gammas import Beta, Dirichlet, Gamma
from ._linalg import solve_lower
from ._multivariate import LowRankMultivariateNormal, MultivariateNormal, batch_mahalanobis, half_log_det
from ._powers import Gumbel, Pareto
from .distribution import Distribution, ExponentialFamily
from .utils import euler_constant, sum_rightmost

_TABLE = {}
_FOUND = {}
_GAP = " " * 26


def register_kl(type_p, type_q):
    """A decorator for the function of a pair of classes."""
    if not isinstance(type_p, type) and issubclass(type_p, Distribution):
        raise TypeError(f"Expected type_p to be a Distribution subclass but got {type_p}")
    if not isinstance(type_q, type) and issubclass(type_q, Distribution):
        raise TypeError(f"Expected type_q to be a Distribution subclass but got {type_q}")

    def add(function):
        _TABLE[type_p, type_q] = function
        _FOUND.clear()
        return function

    return add


class _Match:
    """A pair of classes, smaller where it is more special."""

    def __init__(self, *types):
        self.types = types

    def __lt__(self, other):
        if self.types == other.types:
            return False
        for a, b in zip(self.types, other.types):
            if not issubclass(a, b):
                return False
            if a is not b:
                break
        return True


def _dispatch(type_p, type_q):
    matches = [(p, q) for p, q in _TABLE if issubclass(type_p, p) and issubclass(type_q, q)]
    if not matches:
        return None
    left = min(_Match(*m) for m in matches).types
    right = min(_Match(*reversed(m)) for m in matches).types[::-1]
    if _TABLE[left] is not _TABLE[right]:
        names = (type_p.__name__, type_q.__name__, left[0].__name__, right[1].__name__)
        warnings.warn("Ambiguous kl_divergence({}, {}). Please register_kl({}, {})".format(*names), RuntimeWarning, stacklevel=3)
    return _TABLE[left]


def kl_divergence(p, q):
    """∫ p·ln(p/q): a number for each law of the batch."""
    key = type(p), type(q)
    if key not in _FOUND:
        _FOUND[key] = _dispatch(*key)
    if _FOUND[key] is None:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type {q.__class__.__name__}")
    return _FOUND[key](p, q)


# laws of one family


@register_kl(Bernoulli, Bernoulli)
def _(p, q):
    from ..nn.functional import softplus

    t1 = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    t1 = t1.where(q.probs != 0, inf).where(p.probs != 0, 0.0)
    t2 = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return t1 + t2.where(q.probs != 1, inf).where(p.probs != 1, 0.0)


@register_kl(Beta, Beta)
def _(p, q):
    a, b, c, d = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    t1 = c.lgamma() + d.lgamma() + (a + b).lgamma() - (c + d).lgamma() - a.lgamma() - b.lgamma()
    return t1 + (a - c) * a.digamma() + (b - d) * b.digamma() + (c + d - a - b) * (a + b).digamma()


@register_kl(Binomial, Binomial)
def _(p, q):
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return kl.where(~(p.total_count > q.total_count), inf)


@register_kl(Categorical, Categorical)
def _(p, q):
    t = p.probs * (p.logits - q.logits)
    return t.where(q.probs != 0, inf).where(p.probs != 0, 0.0).sum(-1)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _(p, q):
    return p.mean * (p.logits - q.logits) + p._log_norm() + (-p.probs).log1p() - q._log_norm() - (-q.probs).log1p()


@register_kl(Dirichlet, Dirichlet)
def _(p, q):
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    t1 = total.lgamma() - b.sum(-1).lgamma()
    return t1 - (a.lgamma() - b.lgamma()).sum(-1) + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _(p, q):
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _(p, q):
    """Bregman's divergence of the normalizers."""
    from .. import autograd

    if type(p) is not type(q):
        # The gaps in this sentence and the next are PyTorch's, whose lines go on inside of the text.
        raise NotImplementedError(f"The cross KL-divergence between different exponential families cannot {_GAP}  be computed using Bregman divergences")
    params = [x.detach().requires_grad_() for x in p._natural_params]
    others = q._natural_params
    normalizer = p._log_normalizer(*params)
    gradients = autograd.grad(normalizer.sum(), params, create_graph=True)
    result = q._log_normalizer(*others) - normalizer
    for a, b, g in zip(params, others, gradients):
        result = result - sum_rightmost((b - a) * g, len(q.event_shape))
    return result


@register_kl(Gamma, Gamma)
def _(p, q):
    a, b = p.concentration, q.concentration
    return b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma() + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def _(p, q):
    ratio = p.scale / q.scale
    shift = p.loc / q.scale - q.loc / q.scale
    return -ratio.log() + shift + ratio * euler_constant + (q.loc / q.scale + (1 + ratio).lgamma() - p.loc / q.scale).exp() - (1 + euler_constant)


@register_kl(Geometric, Geometric)
def _(p, q):
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _(p, q):
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _(p, q):
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * (-distance / p.scale).exp() - 1


def _low_rank_terms(q, covariance_root):
    """tr(Σ_q⁻¹·R·Rᵀ) by Woodbury's formula."""
    scaled = q._w.mT / q._d.unsqueeze(-2)
    inner = solve_lower(q._capacitance_tril, scaled)
    return (covariance_root.pow(2).sum(-1) / q._d).sum(-1) - (inner @ covariance_root).pow(2).sum((-2, -1))


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _(p, q):
    _same_event(p, q, "Low Rank Multivariate Normals")
    diff = q.loc - p.loc
    distance = (diff.pow(2) / q._d).sum(-1) - batch_mahalanobis(q._capacitance_tril, ((q._w.mT / q._d.unsqueeze(-2)) @ diff.unsqueeze(-1)).squeeze(-1))
    trace = _low_rank_terms(q, p._w) + _low_rank_terms(q, p._d.sqrt().diag_embed())
    return 0.5 * (q._log_det() - p._log_det() + trace + distance - p.event_shape[0])


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _(p, q):
    _same_event(p, q, "(Low Rank) Multivariate Normals")
    diff = q.loc - p.loc
    distance = (diff.pow(2) / q._d).sum(-1) - batch_mahalanobis(q._capacitance_tril, ((q._w.mT / q._d.unsqueeze(-2)) @ diff.unsqueeze(-1)).squeeze(-1))
    return 0.5 * (q._log_det() - 2 * half_log_det(p._unbroadcasted_scale_tril) + _low_rank_terms(q, p._unbroadcasted_scale_tril) + distance - p.event_shape[0])


def _trace(l, roots):
    """tr((L·Lᵀ)⁻¹·Σ R·Rᵀ)."""

    def of(r):
        batch = broadcast_shapes(l.shape[:-2], r.shape[:-2])
        return solve_lower(l.expand(batch + l.shape[-2:]), r.expand(batch + r.shape[-2:])).pow(2).sum((-2, -1))

    return sum(of(r) for r in roots)


def _same_event(p, q, what):
    if p.event_shape != q.event_shape:
        raise ValueError(f"KL-divergence between two {what} with{_GAP}different event shapes cannot be computed")


def _to_multivariate(p, q, roots, log_det_p):
    l = q.scale_tril
    return half_log_det(l) - log_det_p + 0.5 * (_trace(l, roots) + batch_mahalanobis(l, q.loc - p.loc) - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _(p, q):
    _same_event(p, q, "(Low Rank) Multivariate Normals")
    return _to_multivariate(p, q, [p.cov_factor, p.cov_diag.sqrt().diag_embed()], 0.5 * p._log_det())


@register_kl(MultivariateNormal, MultivariateNormal)
def _(p, q):
    _same_event(p, q, "Multivariate Normals")
    return _to_multivariate(p, q, [p.scale_tril], half_log_det(p._unbroadcasted_scale_tril))


@register_kl(Normal, Normal)
def _(p, q):
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(OneHotCategorical, OneHotCategorical)
def _(p, q):
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Pareto, Pareto)
def _(p, q):
    ratio = p.scale / q.scale
    kl = q.alpha * ratio.log() + (p.alpha / q.alpha).log() + q.alpha / p.alpha - 1
    return kl.where(~(p.support.lower_bound < q.support.lower_bound), inf)


@register_kl(Poisson, Poisson)
def _(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(LogNormal, LogNormal)
def _(p, q):
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _(p, q):
    kl = ((q.high - q.low) / (p.high - p.low)).log()
    return kl.where(~((q.low > p.low) | (q.high < p.high)), inf)


@register_kl(Independent, Independent)
def _(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Cauchy, Cauchy)
def _(p, q):
    t1 = ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log()
    return t1 - (4 * p.scale * q.scale).log()


from . import _kl_between  # noqa: E402 (it registers its pairs)

__all__ = ["_kl_between", "kl_divergence", "register_kl"]
