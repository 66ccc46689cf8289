"""Laws of probability against PyTorch's answers to the same questions (`golden/laws.py`, `golden/laws.json`): draws from the same seed are its own numbers.

Gradients of gamma, beta and Dirichlet draws agree to three digits: PyTorch's are approximated, and these are not (a test below holds them to
differences of the distribution function).
"""

import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import pullback as torch
from pullback import distributions as D

GOLDEN = Path(__file__).resolve().parent / "golden"
sys.path.insert(0, str(GOLDEN))
import laws  # noqa: E402

ANSWERS = json.loads((GOLDEN / "laws.json").read_text())
# By what PyTorch's own numbers are off: a polynomial for Bessel's function, logarithms of factorials in float32.
LOOSE = {"VonMises": 1e-6, "Multinomial": 3e-7}


# Draws' slopes are approximated there, and trigamma, a slope of digamma, is good to eight digits.
SLOPES = {"draw slopes": 3e-3, "slopes": 1e-6}


def differs(got, want, tolerance, path=""):
    """Where two answers differ, or None. Where PyTorch fails on itself, anything is right."""
    if want == "error":
        return None
    if isinstance(want, dict) and isinstance(got, dict):
        return next((d for k in want if (d := differs(got.get(k), want[k], SLOPES.get(k, tolerance), f"{path}.{k}"))), None)
    if isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            return f"{path}: {len(got)} and {len(want)} items"
        return next((d for i, (x, y) in enumerate(zip(got, want)) if (d := differs(x, y, tolerance, f"{path}[{i}]"))), None)
    if isinstance(want, (int, float)) and isinstance(got, (int, float)) and not isinstance(got, bool):
        same = got == want or (got != got and want != want) or abs(got - want) <= tolerance * max(1, abs(got), abs(want))
        return None if same else f"{path}: {got!r} and {want!r}"
    if isinstance(want, str) and isinstance(got, str):
        return None if " ".join(got.split()) == " ".join(want.split()) else f"{path}: {got!r} and {want!r}"
    return None if got == want else f"{path}: {got!r} and {want!r}"


def through_json(x):
    return json.loads(json.dumps(x))


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("text", laws.LAWS)
def test_laws(text):
    tolerance = 1e-5 if "f(" in text else LOOSE.get(text.partition("(")[0], 1e-9)
    assert differs(through_json(laws.law(torch, text)), ANSWERS["laws"][text], tolerance) is None


@pytest.mark.parametrize("what", ["draws", "pairs", "maps", "sets", "mistakes"])
def test_whole(what):
    found = differs(through_json(getattr(laws, what)(torch)), ANSWERS[what], 1e-5 if what == "draws" else 1e-9)
    assert found is None, found


def test_every_law_is_asked_about():
    asked = " ".join(laws.LAWS)
    assert [n for n in D.__all__ if isinstance(getattr(D, n), type) and issubclass(getattr(D, n), D.Distribution) and n not in asked and n not in ("Distribution", "ExponentialFamily")] == []
    assert all(n in " ".join(t for t, _ in laws.TRANSFORMS) or n in ("Transform", "identity_transform") for n in D.transforms.__all__)


def gamma_cdf(a, x):
    from pullback.distributions import _samplers

    return _samplers.gamma_cdf(a, x)


@pytest.mark.parametrize("a", [0.01, 0.3, 1.0, 2.5, 30.0, 900.0])
def test_gamma_draws_move_as_their_distribution_function_says(a):
    from pullback.distributions import _samplers

    x = np.array([a * f for f in (0.2, 0.7, 1.0, 1.3, 3.0)]) if a < 100 else a + math.sqrt(a) * np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    h = 1e-4 * a
    by_alpha = (8 * (gamma_cdf(a + h, x) - gamma_cdf(a - h, x)) - (gamma_cdf(a + 2 * h, x) - gamma_cdf(a - 2 * h, x))) / (12 * h)
    density = np.exp((a - 1) * np.log(x) - x - math.lgamma(a))
    got, want = _samplers.gamma_slope(np.full_like(x, a), x), -by_alpha / density
    seen = density * x > 1e-4
    assert np.allclose(got[seen], want[seen], rtol=1e-5), (got, want)


def test_dirichlet_draws_move_as_those_of_beta_laws():
    from pullback.distributions import _samplers

    def cdf(x, a, b):
        t = (np.arange(200_000) + 0.5) / 200_000 * x
        return (t ** (a - 1) * (1 - t) ** (b - 1)).mean(-1) * x * math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))

    for a, b, x in ((2.0, 3.0, 0.3), (2.0, 3.0, 0.8), (5.0, 1.5, 0.9), (1.5, 8.0, 0.05), (40.0, 60.0, 0.45)):
        h = 1e-4
        want = -(cdf(x, a + h, b) - cdf(x, a - h, b)) / (2 * h) / (x ** (a - 1) * (1 - x) ** (b - 1) * math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))) / (1 - x)
        got = _samplers.dirichlet_slope(np.array([x]), np.array([a]), np.array([a + b]))[0]
        assert got == pytest.approx(want, rel=1e-4)


def test_draws_have_their_moments():
    torch.manual_seed(0)
    for law in (D.Gamma(0.3, 2.0), D.Gamma(7.0, 2.0), D.Beta(0.5, 0.8), D.Poisson(3.0), D.Poisson(60.0), D.Binomial(12, torch.tensor(0.3)), D.Binomial(200, torch.tensor(0.7)), D.StudentT(9.0), D.Gumbel(1.0, 2.0), D.NegativeBinomial(4.0, torch.tensor(0.4))):
        drawn = law.sample((3000,)).double()
        error = (law.variance / 3000).sqrt().item()
        assert abs(drawn.mean().item() - law.mean.item()) < 5 * error, law
        assert drawn.var().item() == pytest.approx(law.variance.item(), rel=0.25), law


def test_values_of_poisson_and_binomial_take_their_dtype_and_generator():
    g = torch.Generator().manual_seed(3)
    first = torch.poisson(torch.tensor([3.0, 50.0], dtype=torch.float64), generator=g)
    assert first.dtype is torch.float64
    assert torch.poisson(torch.tensor([3.0, 50.0], dtype=torch.float64), generator=g.manual_seed(3)).tolist() == first.tolist()
    rate = torch.tensor([3.0], requires_grad=True)
    torch.poisson(rate).sum().backward()
    assert rate.grad.tolist() == [0.0]
    with pytest.raises(RuntimeError):
        torch.poisson(torch.tensor([-1.0]))
    assert torch.binomial(torch.tensor([5.0, 5.0, 0.0]), torch.tensor([0.0, 1.0, 0.5])).tolist() == [0.0, 5.0, 0.0]


def test_laws_of_the_user():
    class Triangle(D.Distribution):
        arg_constraints = {"top": D.constraints.positive}
        support = D.constraints.nonnegative

        def __init__(self, top, validate_args=None):
            self.top = torch.as_tensor(top)
            super().__init__(self.top.shape, validate_args=validate_args)

    class Mine(D.Normal):
        pass

    assert repr(Triangle(2.0)) == "Triangle(top: 2.0)"
    for f in (lambda t: t.mean, lambda t: t.log_prob(torch.ones(1)), lambda t: t.sample(), lambda t: t.entropy(), lambda t: t.expand((2,))):
        with pytest.raises(NotImplementedError):
            f(Triangle(2.0))
    assert type(Mine(0.0, 1.0).expand((2,))) is Mine

    @D.register_kl(Mine, Mine)
    def _(p, q):
        return torch.tensor(42.0)

    assert D.kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0)) == 42.0 and D.kl_divergence(Mine(0.0, 1.0), D.Normal(0.0, 1.0)) == 0.0


def test_checks_can_be_turned_off():
    assert D.Normal(0.0, -1.0, validate_args=False).scale == -1.0
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError):
        D.Normal(0.0, -1.0)


def test_the_modules_of_pytorch_are_there():
    from pullback.distributions.log_normal import LogNormal
    from pullback.distributions.multivariate_normal import MultivariateNormal
    from pullback.distributions.normal import Normal
    from pullback.distributions.relaxed_categorical import ExpRelaxedCategorical

    assert (Normal, LogNormal, MultivariateNormal) == (D.Normal, D.LogNormal, D.MultivariateNormal) and ExpRelaxedCategorical


def test_maps_keep_their_last_pair():
    t = D.ExpTransform(cache_size=1)
    x = torch.ones(2)
    y = t(x)
    assert t(x) is y and t.inv(y) is x and t.inv.inv is t
    with pytest.raises(ValueError, match="cache_size must be 0 or 1"):
        D.ExpTransform(2)


def test_a_model_learns_by_draws():
    torch.manual_seed(0)
    loc, scale = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    target, o = D.Normal(3.0, 0.5), torch.optim.Adam([loc, scale], lr=0.1)
    for _ in range(150):
        o.zero_grad()
        q = D.Normal(loc, scale.exp())
        x = q.rsample((32,))
        (q.log_prob(x) - target.log_prob(x)).mean().backward()
        o.step()
    assert loc.item() == pytest.approx(3.0, abs=0.1) and scale.exp().item() == pytest.approx(0.5, abs=0.1)
