"""Under which file's name PyTorch has a law or a transform: it has a module for each law."""

FILES = {
    "HalfCauchy": "half_cauchy", "HalfNormal": "half_normal", "LogNormal": "log_normal", "LogisticNormal": "logistic_normal", "LKJCholesky": "lkj_cholesky",
    "LowRankMultivariateNormal": "lowrank_multivariate_normal", "MixtureSameFamily": "mixture_same_family", "MultivariateNormal": "multivariate_normal",
    "NegativeBinomial": "negative_binomial", "OneHotCategorical": "one_hot_categorical", "OneHotCategoricalStraightThrough": "one_hot_categorical",
    "RelaxedBernoulli": "relaxed_bernoulli", "RelaxedOneHotCategorical": "relaxed_categorical", "StudentT": "studentT", "TransformedDistribution": "transformed_distribution",
    "VonMises": "von_mises", "ContinuousBernoulli": "continuous_bernoulli", "FisherSnedecor": "fishersnedecor", "GeneralizedPareto": "generalized_pareto",
    "InverseGamma": "inverse_gamma", "ExponentialFamily": "exp_family",
    "LogitRelaxedBernoulli": "relaxed_bernoulli", "ExpRelaxedCategorical": "relaxed_categorical",
}  # fmt: skip


def file_of(name):
    """The last part of the name of PyTorch's module that a class of this package stands in."""
    return "transforms" if name.endswith("Transform") else FILES.get(name, name.lower())
