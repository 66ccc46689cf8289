"""Pairs of different families for `kl_divergence`: infinite where the first law lies where the second does not."""

import math

from .. import full_like, inf
from ._bounded import ContinuousBernoulli
from ._continuous import Exponential, Laplace, Normal, Uniform
from ._counts import Binomial, Poisson
from ._discrete import Bernoulli
from ._gammas import Beta, Gamma
from ._powers import Gumbel, Pareto
from .kl import register_kl
from .utils import euler_constant


def _infinite(x):
    return full_like(x, inf)


def _x_log_x(x):
    return x.xlogy(x)


def _register_infinite(pairs):
    for p, q in pairs:
        register_kl(p, q)(lambda p, q: _infinite(_size_of(p)))


def _size_of(p):
    for name in ("loc", "concentration", "rate", "probs", "concentration1", "scale", "low"):
        if hasattr(p, name):
            return getattr(p, name)
    return p.mean


_register_infinite([
    (Bernoulli, Poisson),
    *((Beta, q) for q in (Pareto,)), *((ContinuousBernoulli, q) for q in (Pareto,)),
    *((Exponential, q) for q in (Beta, ContinuousBernoulli, Pareto, Uniform)), *((Gamma, q) for q in (Beta, ContinuousBernoulli, Pareto, Uniform)),
    *((Gumbel, q) for q in (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)), *((Laplace, q) for q in (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    *((Normal, q) for q in (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)), *((Pareto, q) for q in (Beta, ContinuousBernoulli, Uniform)), *((Poisson, q) for q in (Bernoulli, Binomial)),
])  # fmt: skip


@register_kl(Bernoulli, Poisson)
def _(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, ContinuousBernoulli)
def _(p, q):
    return -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._log_norm()


@register_kl(Beta, Exponential)
def _(p, q):
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Beta, Gamma)
def _(p, q):
    a, b = p.concentration1, p.concentration1 + p.concentration0
    mean_log = a.digamma() - b.digamma()
    return -p.entropy() - (q.concentration * q.rate.log() - q.concentration.lgamma() + (q.concentration - 1) * mean_log - q.rate * p.mean)


def _to_normal(variance, p, q):
    """−H(p) plus the mean of −ln q, for a normal law q."""
    return -p.entropy() + 0.5 * (q.scale**2 * 2 * math.pi).log() + (variance + (p.mean - q.loc).pow(2)) / (2 * q.scale**2)


@register_kl(Beta, Normal)
def _(p, q):
    distance = (q.loc - p.mean).pow(2)
    return -p.entropy() + 0.5 * (q.scale**2 * 2 * math.pi).log() + (p.variance + distance) / (2 * q.scale**2)


@register_kl(Beta, Uniform)
def _(p, q):
    return (-p.entropy() + (q.high - q.low).log()).where(~((q.low > p.support.lower_bound) | (q.high < p.support.upper_bound)), inf)


@register_kl(ContinuousBernoulli, Exponential)
def _(p, q):
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(ContinuousBernoulli, Normal)
def _(p, q):
    t1 = 0.5 * (math.log(2.0 * math.pi) + (q.loc / q.scale).square()) + q.scale.log()
    return t1 - p.entropy() + (p.variance + p.mean.square() - 2.0 * q.loc * p.mean) / (2.0 * q.scale.square())


@register_kl(ContinuousBernoulli, Uniform)
def _(p, q):
    return (-p.entropy() + (q.high - q.low).log()).where(~((q.low > p.support.lower_bound) | (q.high < p.support.upper_bound)), inf)


@register_kl(Exponential, Gamma)
def _(p, q):
    ratio = q.rate / p.rate
    return -q.concentration * ratio.log() + ratio + q.concentration.lgamma() + q.concentration * euler_constant - (1 + euler_constant)


@register_kl(Exponential, Gumbel)
def _(p, q):
    by_scale, loc = p.rate * q.scale, q.loc / q.scale
    return by_scale.log() - 1 + (loc + (by_scale / (by_scale + 1)).log()).exp() - loc + by_scale.reciprocal()


@register_kl(Exponential, Normal)
def _(p, q):
    return _to_normal(p.variance, p, q)


@register_kl(Gamma, Exponential)
def _(p, q):
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Gamma, Gumbel)
def _(p, q):
    beta, loc, a = p.rate * q.scale, q.loc / q.scale, p.concentration
    return (a - 1) * a.digamma() - a.lgamma() - a + beta.log() + a / beta + loc.exp() * (1 + beta.reciprocal()).pow(-a) - loc


@register_kl(Gamma, Normal)
def _(p, q):
    return _to_normal(p.variance, p, q)


@register_kl(Gumbel, Normal)
def _(p, q):
    return _to_normal(p.variance, p, q)


@register_kl(Laplace, Normal)
def _(p, q):
    return _to_normal(p.variance, p, q)


@register_kl(Normal, Gumbel)
def _(p, q):
    mean, variance, loc = p.loc / q.scale, (p.scale / q.scale).pow(2), q.loc / q.scale
    return mean - loc + (-mean + 0.5 * variance + loc).exp() - 0.5 * (1 + math.log(2 * math.pi)) - (p.scale / q.scale).log()


@register_kl(Normal, Laplace)
def _(p, q):
    d = p.loc - q.loc
    z = d / p.scale
    mean_distance = math.sqrt(2 / math.pi) * p.scale * (-0.5 * z.pow(2)).exp() + d * (math.sqrt(0.5) * z).erf()
    return -p.entropy() + (2 * q.scale).log() + mean_distance / q.scale


@register_kl(Pareto, Exponential)
def _(p, q):
    by_scale = p.scale * q.rate
    kl = (p.alpha / by_scale).log() - (1 + p.alpha.reciprocal()) + p.alpha * by_scale / (p.alpha - 1)
    return kl.where(p.alpha > 1, inf)


@register_kl(Pareto, Gamma)
def _(p, q):
    mean_log = p.scale.log() + p.alpha.reciprocal()
    kl = -p.entropy() - (q.concentration * q.rate.log() - q.concentration.lgamma() + (q.concentration - 1) * mean_log - q.rate * p.alpha * p.scale / (p.alpha - 1))
    return kl.where(p.alpha > 1, inf)


@register_kl(Pareto, Normal)
def _(p, q):
    # Not by the variance, whose own infinities would make slopes of the places that are infinite here.
    share, double = p.scale / (p.alpha - 1), 2 * q.scale.pow(2)
    kl = (math.sqrt(2 * math.pi) * q.scale * p.alpha / p.scale).log() - p.alpha.reciprocal() - 1
    kl = kl + (p.alpha * share.pow(2) / (p.alpha - 2) + (p.alpha * share - q.loc).pow(2)) / double
    return kl.where(p.alpha > 2, inf)


@register_kl(Uniform, Beta)
def _(p, q):
    width = p.high - p.low
    mean_log = (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    mean_log1 = (_x_log_x(1 - p.low) - _x_log_x(1 - p.high) - width) / width
    a, b = q.concentration1, q.concentration0
    kl = a.lgamma() + b.lgamma() - (a + b).lgamma() - (b - 1) * mean_log1 - width.log() - (a - 1) * mean_log
    return kl.where(~((p.high > q.support.upper_bound) | (p.low < q.support.lower_bound)), inf)


@register_kl(Uniform, ContinuousBernoulli)
def _(p, q):
    kl = -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._log_norm()
    return kl.where(~((p.high > q.support.upper_bound) | (p.low < q.support.lower_bound)), inf)


@register_kl(Uniform, Exponential)
def _(p, q):
    kl = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return kl.where(~(p.low < q.support.lower_bound), inf)


@register_kl(Uniform, Gamma)
def _(p, q):
    width = p.high - p.low
    mean_log = (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    kl = -width.log() - q.concentration * q.rate.log() + q.concentration.lgamma() - (q.concentration - 1) * mean_log + q.rate * (p.high + p.low) / 2
    return kl.where(~(p.low < q.support.lower_bound), inf)


@register_kl(Uniform, Gumbel)
def _(p, q):
    # The mean of z + e⁻ᶻ over z from a to b, where z = (x − loc)/scale.
    a, b = (p.low - q.loc) / q.scale, (p.high - q.loc) / q.scale
    return (q.scale / (p.high - p.low)).log() + 0.5 * (a + b) + ((-a).exp() - (-b).exp()) / (b - a)


@register_kl(Uniform, Normal)
def _(p, q):
    width = p.high - p.low
    return (math.sqrt(2 * math.pi) * q.scale / width).log() + (width.pow(2) / 12 + ((p.high + p.low) / 2 - q.loc).pow(2)) / (2 * q.scale.pow(2))


@register_kl(Uniform, Pareto)
def _(p, q):
    width = p.high - p.low
    mean_log = (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    kl = -width.log() - q.alpha.log() - q.alpha * q.scale.log() + (q.alpha + 1) * mean_log
    return kl.where(~(p.low < q.support.lower_bound), inf)
