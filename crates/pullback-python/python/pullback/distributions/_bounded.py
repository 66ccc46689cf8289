"""Laws on an interval, above a threshold, and of angles: ContinuousBernoulli, GeneralizedPareto, VonMises."""

import math

from .. import Size, inf, nan, no_grad, ones_like, rand, special, zeros
from ..nn import functional as F
from . import constraints
from .distribution import Distribution, ExponentialFamily
from .utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs, probs_to_logits, shape_of


class ContinuousBernoulli(ExponentialFamily):
    """The law on the numbers from 0 to 1 with density proportional to pˣ·(1−p)¹⁻ˣ."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
            if validate_args is not None and not self.arg_constraints["probs"].check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
        else:
            (self.logits,) = broadcast_all(logits)
        self._lims = lims
        super().__init__(shape_of(logits if probs is None else probs), validate_args=validate_args)

    def _expand_rest(self, new, batch_shape):
        new._lims = self._lims

    @lazy_property
    def logits(self):
        """Log odds of the parameter."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self):
        """The parameter."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @property
    def param_shape(self):
        """The shape of the parameter."""
        return (self.probs if "probs" in self.__dict__ else self.logits).size()

    def _either(self, exact, series):
        """A formula of the parameter, by a series near 1/2, where it is 0/0."""
        low, high = self._lims
        outside = (self.probs <= low) | (self.probs > high)
        away = self.probs.where(outside, low)
        return exact(away).where(outside, series(self.probs - 0.5))

    def _log_norm(self):
        return self._either(
            lambda p: ((-p).log1p() - p.log()).abs().log() - (1 - 2 * p).abs().log(),
            lambda x: math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x**2) * x**2,
        )

    @property
    def mean(self):
        return self._either(lambda p: p / (2 * p - 1) + 1 / ((-p).log1p() - p.log()), lambda x: 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x**2) * x)

    @property
    def stddev(self):
        return self.variance.sqrt()

    @property
    def variance(self):
        return self._either(lambda p: p * (p - 1) / (1 - 2 * p) ** 2 + 1 / ((-p).log1p() - p.log()) ** 2, lambda x: 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x**2) * x**2)

    def rsample(self, sample_shape=Size()):
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value):
        self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none") + self._log_norm()

    def cdf(self, value):
        self._checked(value)
        found = self._either(lambda p: (p.pow(value) * (1 - p).pow(1 - value) + p - 1) / (2 * p - 1), lambda x: value + 0 * x)
        return found.where(value < 1, 1.0).where(value > 0, 0.0)

    def icdf(self, value):
        return self._either(lambda p: ((-p + value * (2 * p - 1)).log1p() - (-p).log1p()) / (p.log() - (-p).log1p()), lambda x: value + 0 * x)

    def entropy(self):
        log0, log1 = (-self.probs).log1p(), self.probs.log()
        return self.mean * (log0 - log1) - self._log_norm() - log0

    @property
    def _natural_params(self):
        return (self.logits,)

    def _log_normalizer(self, x):
        low, high = self._lims[0] - 0.5, self._lims[1] - 0.5
        outside = (x <= low) | (x > high)
        away = x.where(outside, low)
        return (away.expm1().abs().log() - away.abs().log()).where(outside, 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0)


class GeneralizedPareto(Distribution):
    """The generalised Pareto law of what lies above a threshold."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc, scale, concentration, validate_args=None):
        shape = shape_of(loc, scale, concentration)
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(shape, validate_args=validate_args)

    def _shape(self):
        """Whether the shape is 0, and the shape with 1 in such places."""
        zero = self.concentration.isclose(self.concentration * 0)
        return zero, self.concentration.where(~zero, 1.0)

    def _z(self, x):
        return (x - self.loc) / self.scale

    def rsample(self, sample_shape=Size()):
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def log_prob(self, value):
        self._checked(value)
        (zero, c), z = self._shape(), self._z(value)
        y = 1 / c + ones_like(z)
        return -self.scale.log() - z.where(zero, y.where(y == 0, y * (c * z).log1p()))

    def log_survival_function(self, value):
        """The logarithm of the probability of more than this."""
        self._checked(value)
        (zero, c), z = self._shape(), self._z(value)
        return (-z).where(zero, -(c * z).log1p() / c)

    def log_cdf(self, value):
        """The logarithm of the probability of at most this."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value):
        return self.log_cdf(value).exp()

    def icdf(self, value):
        zero, c = self._shape()
        log_u = (-value).log1p()
        return (self.loc - self.scale * log_u).where(zero, self.loc + self.scale / c * (-c * log_u).expm1())

    @property
    def mean(self):
        valid = self.concentration < 1
        return (self.loc + self.scale / (1 - self.concentration.where(valid, 0.5))).where(valid, nan)

    @property
    def variance(self):
        valid = self.concentration < 0.5
        c = self.concentration.where(valid, 0.25)
        return (self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c))).where(valid, nan)

    def entropy(self):
        return (self.scale.log() + self.concentration + 1).expand(self._batch_shape)

    @property
    def mode(self):
        return self.loc

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        c = self.concentration
        return constraints.interval(self.loc, (self.loc - self.scale / c).where(c < 0, inf))


class VonMises(Distribution):
    """Von Mises' law of angles, from −π to π."""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc, concentration, validate_args=None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def log_prob(self, value):
        self._checked(value)
        k = self.concentration
        # I₀ scaled by e⁻ᵏ, so that large concentrations do not overflow.
        return k * ((value - self.loc).cos() - 1) - math.log(2 * math.pi) - special.i0e(k).log()

    def sample(self, sample_shape=Size()):
        with no_grad():
            shape = self._extended_shape(sample_shape)
            loc, k = self.loc.double().expand(shape), self.concentration.double()
            tau = 1 + (1 + 4 * k**2).sqrt()
            rho = (tau - (2 * tau).sqrt()) / (2 * k)
            r = ((1 + rho**2) / (2 * rho)).where(k >= 1e-5, 1 / k + k)
            k, r = k.expand(shape), r.expand(shape)
            x, done = zeros(shape, dtype=loc.dtype), zeros(shape) > 0
            while not done.all():
                u1, u2, u3 = rand((3, *shape), dtype=loc.dtype).unbind()
                z = (math.pi * u1).cos()
                f = (1 + r * z) / (r + z)
                c = k * (r - f)
                accepted = ((c * (2 - c) - u2) > 0) | ((c / u2).log() + 1 - c >= 0)
                x = ((u3 - 0.5).sign() * f.acos()).where(accepted, x)
                done = done | accepted
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        """The circular variance."""
        return 1 - special.i1e(self.concentration) / special.i0e(self.concentration)
