"""What is asked of PyTorch and of this package alike about laws of probability. `make_laws.py` writes down what PyTorch answers (`laws.json`),
`test_distributions.py` compares. Everything is a function of the package `M` and returns plain data.
"""

import warnings

LAWS = [
    "Normal(p(0.5), p(2.0))", "Normal(p([0.5, -1.0]), p([[1.0], [2.0]]))", "Normal(0.5, 2.0)", "LogNormal(p([0.2, -0.5]), p([0.4, 0.9]))", "Laplace(p([0.5, -1.0]), p([1.0, 2.0]))", "Cauchy(p([0.5, -1.0]), p([1.0, 2.0]))",
    "HalfNormal(p([0.5, 2.0]))", "HalfCauchy(p([0.5, 2.0]))", "Uniform(p([-1.0, 0.5]), p([2.0, 3.0]))", "Exponential(p([0.5, 3.0]))", "Gumbel(p([0.5, -1.0]), p([1.0, 2.0]))", "Pareto(p([1.0, 2.0]), p([2.5, 3.5]))", "Weibull(p([1.0, 2.0]), p([0.9, 2.5]))",
    "Kumaraswamy(p([1.5, 2.0]), p([2.5, 0.8]))", "Gamma(p([0.3, 1.0, 5.0, 60.0]), p([1.0, 2.0, 0.5, 3.0]))", "Gamma(p([[2.0], [0.05]]), p([1.0, 4.0]))", "Chi2(p([0.5, 3.0, 8.0]))", "InverseGamma(p([1.5, 3.0]), p([1.0, 2.0]))", "Beta(p([0.5, 2.0, 30.0]), p([0.7, 3.0, 4.0]))", "Beta(p(0.1), p(0.2))",
    "Dirichlet(p([0.3, 1.0, 4.0]))", "Dirichlet(p([[0.3, 1.0], [20.0, 4.0]]))", "StudentT(p([1.5, 3.0, 10.0]), p(0.5), p(2.0))", "StudentT(p([0.5, 1.0, 2.0, 2.5]), p(0.5), p(2.0))", "FisherSnedecor(p([1.0, 2.0, 4.0]), p([2.0, 4.0, 4.5]))", "InverseGamma(p([0.5, 1.2, 2.5]), p(2.0))", "Pareto(p(1.0), p([0.5, 1.5, 2.5]))", "FisherSnedecor(p([3.0, 5.0]), p([5.0, 9.0]))", "ContinuousBernoulli(p([0.2, 0.5, 0.9]))", "ContinuousBernoulli(logits=p([-2.0, 0.001, 3.0]))",
    "GeneralizedPareto(f([0.1, 0.0]), f([2.0, 1.0]), f([0.3, -0.4]))", "GeneralizedPareto(f(0.0), f(1.0), M.zeros(2))", "VonMises(p([0.5, -1.0]), p([0.7, 4.0]))",
    "Bernoulli(p([0.2, 0.7]))", "Bernoulli(logits=p([-1.0, 2.0]))", "Geometric(p([0.2, 0.7]))", "Geometric(logits=p([-1.0, 2.0]))", "Categorical(p([0.2, 0.5, 0.3]))", "Categorical(logits=p([[0.2, 0.5, -0.3], [1.0, 2.0, 3.0]]))", "OneHotCategorical(p([[0.2, 0.8], [0.6, 0.4]]))", "OneHotCategoricalStraightThrough(logits=p([0.2, 0.8, 1.0]))",
    "Multinomial(5, p([0.2, 0.5, 0.3]))", "Multinomial(3, logits=p([[0.2, 0.5, -0.3], [1.0, 2.0, 3.0]]))", "Binomial(5, p([0.2, 0.9]))", "Binomial(M.tensor([3.0, 100.0, 40.0], dtype=M.float64), logits=p([0.2, -1.0, 2.0]))", "NegativeBinomial(p([3.0, 5.5]), p([0.2, 0.7]))", "NegativeBinomial(4, logits=p([-1.0, 0.5]))", "Poisson(p([0.5, 4.0, 30.0, 500.0]))",
    "RelaxedBernoulli(M.tensor(0.7, dtype=M.float64), p([0.2, 0.7]))", "RelaxedOneHotCategorical(M.tensor(0.7, dtype=M.float64), logits=p([0.2, 0.5, -0.3]))", "LogisticNormal(p([0.2, -0.5]), p([0.4, 0.9]))",
    "MultivariateNormal(p([0.5, -1.0]), p([[2.0, 0.3], [0.3, 1.0]]))", "MultivariateNormal(p([[0.5, -1.0], [0.0, 1.0]]), scale_tril=p([[1.4, 0.0], [0.3, 1.0]]))", "MultivariateNormal(p([0.5, -1.0, 2.0]), precision_matrix=p([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 3.0]]))",
    "LowRankMultivariateNormal(p([0.5, -1.0, 2.0]), p([[1.0, 0.3], [0.2, 1.0], [0.5, -0.5]]), p([0.5, 1.0, 2.0]))", "Wishart(p(4.5), p([[2.0, 0.3], [0.3, 1.0]]))", "Wishart(p([5.0, 7.0]), scale_tril=p([[1.4, 0.0], [0.3, 1.0]]).tril())", "LKJCholesky(3, p(1.5))", "LKJCholesky(2, p([0.7, 3.0]))",
    "Independent(Normal(p([0.5, -1.0]), p([1.0, 2.0])), 1)", "Independent(Bernoulli(p([[0.5, 0.2], [0.1, 0.9]])), 2)", "MixtureSameFamily(Categorical(p([0.3, 0.7])), Normal(p([0.0, 3.0]), p([1.0, 0.5])))",
    "MixtureSameFamily(Categorical(logits=p([[0.3, 0.7], [0.0, 1.0]])), Independent(Normal(p([[[0.0, 3.0], [1.0, 1.0]], [[0.5, 2.0], [1.0, -1.0]]]), p([[[1.0, 0.5], [2.0, 2.0]]])), 1))",
    "TransformedDistribution(Normal(p(0.0), p(1.0)), [T.AffineTransform(p(1.0), p(-2.0)), T.SigmoidTransform()])", "TransformedDistribution(Normal(p([0.1, 0.4]), p([1.0, 1.0])), T.StickBreakingTransform())", "TransformedDistribution(Uniform(p([0.0]), p([1.0])), [T.SigmoidTransform().inv, T.ExpTransform()])",
]  # fmt: skip

PAIRED = [
    "Bernoulli(v([0.2, 0.7]))", "Beta(v([0.5, 2.0]), v([0.7, 3.0]))", "Binomial(5, v([0.2, 0.9]))", "Categorical(v([[0.2, 0.8], [0.6, 0.4]]))", "ContinuousBernoulli(v([0.2, 0.9]))", "Dirichlet(v([0.3, 1.0, 4.0]))", "Exponential(v([0.5, 3.0]))", "Gamma(v([1.5, 3.0]), v([1.0, 2.0]))",
    "Gumbel(v([0.5, -1.0]), v([1.0, 2.0]))", "Geometric(v([0.2, 0.7]))", "HalfNormal(v([0.5, 2.0]))", "Laplace(v([0.5, -1.0]), v([1.0, 2.0]))", "LogNormal(v([0.2, -0.5]), v([0.4, 0.9]))", "Normal(v([0.3, -2.0]), v([1.5, 0.7]))", "OneHotCategorical(v([[0.2, 0.8], [0.6, 0.4]]))",
    "Pareto(v([1.0, 2.0]), v([2.5, 3.5]))", "Poisson(v([0.5, 4.0]))", "Uniform(v([0.1, 0.5]), v([0.6, 0.9]))", "Uniform(v([1.5, 2.5]), v([2.0, 3.0]))", "Cauchy(v([0.5, -1.0]), v([1.0, 2.0]))", "MultivariateNormal(v([0.5, -1.0]), v([[2.0, 0.3], [0.3, 1.0]]))", "LowRankMultivariateNormal(v([0.5, 1.0]), v([[1.0], [0.2]]), v([0.5, 1.0]))",
    "Independent(Normal(v([0.5, -1.0]), v([1.0, 2.0])), 1)", "Bernoulli(v([0.6, 0.1]))", "Gamma(v([0.5, 8.0]), v([3.0, 0.4]))", "Beta(v([3.0, 1.0]), v([1.7, 0.3]))", "MultivariateNormal(v([0.0, 2.0]), scale_tril=v([[1.0, 0.0], [-0.3, 0.6]]))", "Weibull(v([1.0, 2.0]), v([0.9, 2.5]))",
    # Once more each family, so that laws of one family differ in all that they are given; and laws whose moments are infinite.
    "Gumbel(v([1.5, 0.5]), v([0.7, 3.0]))", "Normal(v([1.3, 0.4]), v([0.5, 2.7]))", "Laplace(v([1.5, 0.3]), v([0.4, 3.0]))", "Cauchy(v([1.5, 0.3]), v([0.4, 3.0]))", "Exponential(v([2.5, 0.3]))", "Geometric(v([0.5, 0.3]))", "Poisson(v([2.5, 0.6]))",
    "Pareto(v([0.5, 0.6]), v([1.0, 2.0]))", "LogNormal(v([0.7, 0.5]), v([1.4, 0.3]))", "ContinuousBernoulli(v([0.6, 0.4]))", "Dirichlet(v([1.3, 0.2, 2.0]))", "Categorical(v([[0.5, 0.5], [1.0, 0.0]]))", "Binomial(4, v([0.5, 0.3]))", "HalfNormal(v([1.5, 0.4]))",
    "Wishart(v(4.5), v([[2.0, 0.3], [0.3, 1.0]]))", "Wishart(v(6.0), v([[1.0, -0.2], [-0.2, 3.0]]))", "MultivariateNormal(v([[0.5, -1.0]]), v([[2.0, 0.3], [0.3, 1.0]]))", "MultivariateNormal(v([0.5]), v([[2.0]]))", "LowRankMultivariateNormal(v([[0.5, 1.0]]), v([[0.3], [1.2]]), v([1.5, 0.1]))", "Normal(v([0.3, 1.0, 2.0]), v([1.0, 2.0, 3.0]))",
]  # fmt: skip

TRANSFORMS = [
    ("ExpTransform()", "v([0.5, -1.0])"), ("PowerTransform(v(2.0))", "v([0.5, 1.5])"), ("SigmoidTransform()", "v([0.5, -1.0])"), ("SoftplusTransform()", "v([0.5, -1.0])"), ("TanhTransform()", "v([0.5, -1.0])"), ("AffineTransform(v(1.0), v([2.0, -3.0]))", "v([0.5, -1.0])"), ("AffineTransform(1.0, -2.0, event_dim=1)", "v([0.5, -1.0])"),
    ("SoftmaxTransform()", "v([0.5, -1.0, 2.0])"), ("StickBreakingTransform()", "v([[0.5, -1.0, 2.0], [0.0, 0.3, -4.0]])"), ("LowerCholeskyTransform()", "v([[0.5, 9.0], [2.0, -1.0]])"), ("PositiveDefiniteTransform()", "v([[0.5, 9.0], [2.0, -1.0]])"), ("CorrCholeskyTransform()", "v([0.5, -1.0, 0.3])"),
    ("ComposeTransform([AffineTransform(0.5, 2.0), ExpTransform()])", "v([0.5, -1.0])"), ("ComposeTransform([AffineTransform(0.5, 2.0), ExpTransform()]).inv", "v([0.5, 1.0])"), ("IndependentTransform(ExpTransform(), 1)", "v([[0.5, -1.0]])"), ("ReshapeTransform((4,), (2, 2))", "v([0.5, -1.0, 2.0, 3.0])"),
    ("CatTransform([ExpTransform(), AffineTransform(1.0, 2.0)], 0, [2, 1])", "v([0.5, -1.0, 2.0])"), ("StackTransform([ExpTransform(), SigmoidTransform()], 1)", "v([[0.5, -1.0], [2.0, 0.1]])"), ("CumulativeDistributionTransform(Normal(v(0.5), v(2.0)))", "v([0.5, -1.0])"), ("AbsTransform()", "v([0.5, -1.0])"),
]  # fmt: skip

CONSTRAINTS = [
    ("boolean", "v([0.0, 1.0, 0.5])"), ("nonnegative_integer", "v([0.0, 2.0, 0.5, -1.0])"), ("positive_integer", "v([0.0, 2.0])"), ("integer_interval(1, 3)", "v([0.0, 2.0, 2.5, 4.0])"), ("real", "v([0.0, float('nan'), float('inf')])"), ("positive", "v([0.0, 1.0])"), ("nonnegative", "v([0.0, -1.0])"), ("greater_than(2)", "v([2.0, 3.0])"),
    ("greater_than_eq(2)", "v([2.0, 1.0])"), ("less_than(2)", "v([2.0, 1.0])"), ("unit_interval", "v([0.0, 1.0, 1.5])"), ("interval(-1, 2)", "v([-1.0, 2.5])"), ("half_open_interval(-1, 2)", "v([-1.0, 2.0])"), ("simplex", "v([[0.2, 0.8], [0.2, 0.7], [-0.1, 1.1]])"), ("one_hot", "v([[0.0, 1.0], [1.0, 1.0]])"), ("multinomial(3)", "v([[1.0, 2.0], [2.0, 2.0]])"),
    ("lower_triangular", "v([[1.0, 0.0], [2.0, -1.0]])"), ("lower_cholesky", "v([[1.0, 0.0], [2.0, -1.0]])"), ("corr_cholesky", "v([[1.0, 0.0], [0.6, 0.8]])"), ("square", "v([[1.0, 0.0], [0.6, 0.8]])"), ("symmetric", "v([[1.0, 0.5], [0.6, 0.8]])"), ("positive_semidefinite", "v([[[1.0, 0.5], [0.5, 0.8]], [[1.0, 2.0], [2.0, 1.0]]])"), ("positive_definite", "v([[[1.0, 0.5], [0.5, 0.8]], [[1.0, 2.0], [2.0, 1.0]]])"),
    ("real_vector", "v([[0.0, float('nan')], [1.0, 2.0]])"), ("cat([positive, unit_interval], 0, [1, 2])", "v([1.0, 0.5, 2.0])"), ("stack([positive, unit_interval], 0)", "v([[1.0, 0.5], [2.0, 0.1]])"), ("independent(positive, 1)", "v([[1.0, 0.5], [-2.0, 0.1]])"),
]  # fmt: skip


def plain(x):
    if hasattr(x, "tolist"):
        return x.tolist()
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x


def said(f):
    """A value, or the kind of error and its first line."""
    try:
        return plain(f())
    except (NotImplementedError, ValueError, RuntimeError, TypeError) as e:
        return {"error": type(e).__name__, "text": str(e).split("\n")[0].replace("pullback", "torch")}


def names(M, leaves=None):
    D = M.distributions

    def p(x, dtype=M.float64):
        made = M.tensor(x, dtype=dtype, requires_grad=True)
        leaves.append(made)
        return made

    return {**{n: getattr(D, n) for n in D.__all__}, "D": D, "T": D.transforms, "M": M, "p": p, "f": lambda x: p(x, M.float32), "v": lambda x: M.tensor(x, dtype=M.float64)}


def gradients(M, out, leaves):
    if not out.requires_grad:
        return None
    weights = M.linspace(0.5, 1.5, out.numel(), dtype=M.float64).reshape(out.shape)
    try:
        return [None if g is None else g.tolist() for g in M.autograd.grad((out * weights).sum(), leaves, allow_unused=True, retain_graph=True)]
    except RuntimeError:
        return "error"  # PyTorch writes over what a gradient needs, in some laws


def law(M, text):
    """All that a law answers."""
    warnings.simplefilter("ignore")
    leaves = []
    M.manual_seed(7)
    made = eval(text, names(M, leaves))
    out = {"repr": repr(made), "batch": list(made.batch_shape), "event": list(made.event_shape), "rsample": made.has_rsample, "enumerates": made.has_enumerate_support, "support": repr(made.support), "discrete": made.support.is_discrete}
    for name in ("mean", "mode", "variance", "stddev"):
        out[name] = said(lambda: getattr(made, name))
        out[f"{name} slopes"] = [] if isinstance(out[name], dict) else gradients(M, getattr(made, name), leaves)
    out["entropy"], out["perplexity"] = said(made.entropy), said(made.perplexity)
    out["samples"] = [plain(made.sample()), plain(made.sample((3,))), plain(made.sample(M.Size([2, 1])))]
    drawn = made.sample((2,))
    value = drawn.clone().requires_grad_(drawn.is_floating_point())
    log_prob = made.log_prob(value)
    out["log_prob"], out["log_prob slopes"] = plain(log_prob), gradients(M, log_prob, [t for t in (*leaves, value) if t.requires_grad])
    out["inside"] = plain(made.support.check(drawn))
    for name in ("cdf",):
        out[name] = said(lambda: getattr(made, name)(drawn))
    out["icdf"] = said(lambda: made.icdf(M.tensor(0.3, dtype=M.float64)))
    out["values"] = said(lambda: made.enumerate_support()) if made.has_enumerate_support else None
    if made.has_rsample:
        r = made.rsample((2,))
        out["draw"], out["draw slopes"] = plain(r), gradients(M, r, leaves)
    try:
        out["entropy slopes"] = gradients(M, made.entropy(), leaves)
    except NotImplementedError:
        pass
    bigger = made.expand(M.Size([2, *made.batch_shape]))
    out["expanded"] = [list(bigger.batch_shape), plain(bigger.sample()), plain(bigger.log_prob(drawn))]
    out["after"] = M.rand(2).tolist()
    return out


def draws(M):
    """Draws in float32, which is what most programs have."""
    D = M.distributions
    M.manual_seed(11)
    made = [D.Gamma(M.tensor([0.2, 3.0]), M.tensor([1.0, 2.0])), D.Beta(M.tensor([0.4, 3.0]), 2.0), D.Dirichlet(M.tensor([0.2, 1.0, 9.0])), D.Poisson(M.tensor([0.5, 40.0])), D.Binomial(30, M.tensor([0.1, 0.6])), D.StudentT(M.tensor([3.0])), D.Normal(M.zeros(20), 1.0),
            D.VonMises(M.tensor(0.5), M.tensor(2.0)), D.Categorical(M.ones(5)), D.Laplace(0.0, M.ones(2)), D.NegativeBinomial(3, M.tensor([0.3]))]  # fmt: skip
    out = [d.sample((4,)).tolist() for d in made]
    return out + [M.poisson(M.tensor([[1.0, 20.0]])).tolist(), M.binomial(M.tensor([5.0, 90.0]), M.tensor([0.3, 0.5])).tolist(), M.rand(1).tolist()]


def pairs(M):
    """The distance of each law from each other, where there is a formula, and its slopes by what both are given."""
    warnings.simplefilter("ignore")
    out = {}
    for i, one in enumerate(PAIRED):
        for j, other in enumerate(PAIRED):
            leaves = []
            given = names(M, leaves)
            try:
                p, q = (eval(text.replace("v(", "p("), given) for text in (one, other))
                kl = M.distributions.kl_divergence(p, q)
                out[f"{i} {j}"] = {"kl": plain(kl), "slopes": gradients(M, kl, leaves)}
            except (NotImplementedError, ValueError, RuntimeError) as e:
                out[f"{i} {j}"] = [type(e).__name__, str(e).split("\n")[0]]
    return out


def maps(M):
    """Transforms: values, inverses, derivatives, shapes."""
    out = []
    for text, x in TRANSFORMS:
        t, x = eval(text, names(M)), eval(x, names(M))
        y = t(x)
        out.append([text, plain(y), said(lambda: t.inv(y)), said(lambda: t.log_abs_det_jacobian(x, y)), said(lambda: t.domain.event_dim), said(lambda: t.codomain.event_dim), t.bijective, said(lambda: list(t.forward_shape(x.shape))), said(lambda: list(t.inverse_shape(y.shape))), said(lambda: t.sign), repr(t).split("object at")[0], t == eval(text, names(M))])
    return out


def sets(M):
    """Constraints: what lies in them, their texts, and the maps onto them."""
    D, out = M.distributions, []
    c = {n: getattr(D.constraints, n) for n in D.constraints.__all__}
    for text, x in CONSTRAINTS:
        made = eval(text, {**names(M), **c})
        out.append([text, repr(made), plain(made.check(eval(x, names(M)))), made.is_discrete, made.event_dim])
        for registry in (D.biject_to, D.transform_to):
            try:
                out.append(repr(registry(made)))
            except NotImplementedError as e:
                out.append(str(e))
    return out


MISTAKES = [
    "D.Normal(0.0, -1.0)", "D.Normal(v([0.0]), v([1.0])).log_prob(3)", "D.Normal(v([0.0]), v([1.0])).log_prob(v([float('nan')]))", "D.Normal(v([0.0, 1.0]), 1.0).log_prob(v([1.0, 2.0, 3.0]))", "D.Bernoulli(v([0.5])).log_prob(v([0.5]))", "D.Bernoulli()", "D.Bernoulli(0.5, 0.5)", "D.Categorical(v(0.5))",
    "D.Dirichlet(v(0.5))", "D.MultivariateNormal(v([0.0, 0.0]))", "D.MultivariateNormal(v(0.0), v([[1.0]]))", "D.MultivariateNormal(v([0.0, 0.0]), v([[1.0, 2.0], [2.0, 1.0]]))", "D.Independent(D.Normal(0.0, 1.0), 1)", "D.Uniform(1.0, 0.0)", "D.kl_divergence(D.Normal(0.0, 1.0), D.Poisson(1.0))", "D.Normal('a', 1.0)",
    "D.Multinomial(v([1.0]), v([0.5, 0.5]))", "D.TransformedDistribution(D.Normal(0.0, 1.0), 3)", "D.LKJCholesky(1)", "D.Binomial(v([1.0, 2.0]), 0.5).entropy()", "D.Gamma(1.0, 1.0).icdf(v(0.5))", "D.Normal(0.0, 1.0).enumerate_support()", "D.Wishart(v(0.5), v([[1.0, 0.0], [0.0, 1.0]]))", "D.MultivariateNormal(v([0.0, 0.0]), v([[1.0, 0.0], [0.0, 1.0]])).log_prob(v([1.0]))", "M.poisson(v([-1.0]))",
]  # fmt: skip


def mistakes(M):
    """Kinds of errors, and their first lines."""
    out = []
    for text in MISTAKES:
        try:
            eval(text, names(M))
            out.append([text, None])
        except Exception as e:
            out.append([text, type(e).__name__, str(e).splitlines()[0] if str(e) else ""])
    return out


def everything(M):
    return {"laws": {text: law(M, text) for text in LAWS}, "draws": draws(M), "pairs": pairs(M), "maps": maps(M), "sets": sets(M), "mistakes": mistakes(M)}
