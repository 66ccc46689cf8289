"""Laws of probability: draws in PyTorch's stream, densities, moments, and gradients through draws.

    from pullback.distributions import Normal, kl_divergence

    law = Normal(0.0, 1.0)
    law.log_prob(law.sample((3,)))

Each law stands in the module where PyTorch has it, too (`distributions.normal.Normal`).
"""

import sys as _sys
import types as _types

from . import constraints, transforms, utils
from ._bounded import ContinuousBernoulli, GeneralizedPareto, VonMises
from ._composed import Independent, MixtureSameFamily, TransformedDistribution
from ._continuous import Cauchy, Exponential, HalfCauchy, HalfNormal, Laplace, LogNormal, Normal, Uniform
from ._counts import Binomial, Multinomial, NegativeBinomial, Poisson
from ._discrete import Bernoulli, Categorical, Geometric, OneHotCategorical, OneHotCategoricalStraightThrough
from ._gammas import Beta, Chi2, Dirichlet, FisherSnedecor, Gamma, InverseGamma, StudentT
from ._multivariate import LKJCholesky, LowRankMultivariateNormal, MultivariateNormal, Wishart
from ._powers import Gumbel, Kumaraswamy, Pareto, Weibull
from ._relaxed import LogisticNormal, RelaxedBernoulli, RelaxedOneHotCategorical
from .constraint_registry import biject_to, transform_to
from .distribution import Distribution, ExponentialFamily
from .kl import kl_divergence, register_kl
from .transforms import *

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ContinuousBernoulli", "Dirichlet", "Distribution", "Exponential", "ExponentialFamily",
    "FisherSnedecor", "Gamma", "GeneralizedPareto", "Geometric", "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "InverseGamma", "Kumaraswamy",
    "LKJCholesky", "Laplace", "LogNormal", "LogisticNormal", "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial", "MultivariateNormal",
    "NegativeBinomial", "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough", "Pareto", "Poisson", "RelaxedBernoulli", "RelaxedOneHotCategorical",
    "StudentT", "TransformedDistribution", "Uniform", "VonMises", "Weibull", "Wishart", "biject_to", "kl_divergence", "register_kl", "transform_to",
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform", "CumulativeDistributionTransform", "ExpTransform",
    "IndependentTransform", "LowerCholeskyTransform", "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform", "SigmoidTransform", "SoftplusTransform",
    "TanhTransform", "SoftmaxTransform", "StackTransform", "StickBreakingTransform", "Transform", "identity_transform",
]  # fmt: skip


def _place_each():
    from . import _relaxed
    from ._places import file_of

    laws = {n: c for n, c in globals().items() if isinstance(c, type) and issubclass(c, Distribution) and c is not Distribution}
    laws.update(LogitRelaxedBernoulli=_relaxed.LogitRelaxedBernoulli, ExpRelaxedCategorical=_relaxed.ExpRelaxedCategorical)
    for name, law in laws.items():
        path = f"{__name__}.{file_of(name)}"
        module = _sys.modules.setdefault(path, _types.ModuleType(path, f"Where PyTorch has {name}."))
        setattr(module, name, law)
        law.__module__ = path  # so texts and pickles name the place that PyTorch has
        globals()[path.rpartition(".")[2]] = module


_place_each()
