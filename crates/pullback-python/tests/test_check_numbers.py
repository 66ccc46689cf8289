"""The checker on functions with numbers as arguments, of which binary fractions have no exact form: an exponent of 0.1, a bound of 0.3, a
weight of 0.7. The number that an operation computes with in one precision is another than in the next, and what its rule derives from it
(an exponent less one) is rounded once more; neither is a mistake of the gradient."""

import pytest

import pullback as torch
import pullback.nn.functional as F


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(f):
    torch.manual_seed(1)
    return f()


X = [-1.0, 1.0, 0.9999999, -1.1, -0.9, 2.5, -3.0, 1.2, -1.0000001, 0.3, 0.7, -0.2]
TARGET, LABELS = normal(3, 4, seed=5), torch.tensor([0, 2, 1])
POSITIVE = TARGET.abs() + 0.3
SIGNS = torch.where(TARGET > 0, 1.0, -1.0)

FUNCTIONS = {
    "pow.1": lambda x: x.abs() ** 0.1,
    "pow1.1": lambda x: x.abs() ** 1.1,
    "pow-.3": lambda x: x.abs() ** -0.3,
    "pow2.2": lambda x: x.abs() ** 2.2,
    "float_power": lambda x: torch.float_power(x.abs(), 0.3),
    "rpow": lambda x: 0.3**x,
    "pow t": lambda x: x.abs() ** (x * 0.1),
    "norm2.5": lambda x: torch.linalg.vector_norm(x, 2.5),
    "norm.3": lambda x: torch.linalg.vector_norm(x, 0.3),
    "norm1.1dim": lambda x: torch.linalg.vector_norm(x, 1.1, dim=1),
    "norm3": lambda x: torch.norm(x, 3.3),
    "cdist": lambda x: torch.cdist(x, TARGET.to(x.dtype), p=2.3),
    "cdist.7": lambda x: torch.cdist(x, TARGET.to(x.dtype), p=0.7),
    "pdist": lambda x: F.pdist(x, p=2.7),
    "renorm": lambda x: torch.renorm(x, 2.2, 0, 0.7),
    "normalize": lambda x: F.normalize(x, p=2.6, dim=1, eps=0.1),
    "normalize2": lambda x: F.normalize(x * 1e-9, eps=0.1),
    "pairwise": lambda x: F.pairwise_distance(x, TARGET.to(x.dtype), p=1.7, eps=0.1),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True, eps=0.1),
    "batch_norm_eval": lambda x: F.batch_norm(x, torch.zeros(4, dtype=x.dtype), torch.ones(4, dtype=x.dtype) * 0.3, eps=0.1),
    "layer_norm": lambda x: F.layer_norm(x, (4,), eps=0.1),
    "group_norm": lambda x: F.group_norm(x, 2, eps=0.1),
    "instance_norm": lambda x: F.instance_norm(x[None], eps=0.1),
    "rms_norm": lambda x: F.rms_norm(x, (4,), eps=0.1),
    "lrn": lambda x: F.local_response_norm(x[None], 2, alpha=0.1, beta=0.7, k=1.1),
    "huber": lambda x: F.huber_loss(x, TARGET.to(x.dtype), delta=0.3),
    "huber1.1": lambda x: F.huber_loss(x * 0.01, TARGET.to(x.dtype) * 0.01, delta=1.1),
    "smooth_l1": lambda x: F.smooth_l1_loss(x, TARGET.to(x.dtype), beta=0.3),
    "smooth_l1b": lambda x: F.smooth_l1_loss(x * 0.01, TARGET.to(x.dtype) * 0.01, beta=1.1),
    "gaussian_nll": lambda x: F.gaussian_nll_loss(x, TARGET.to(x.dtype), POSITIVE.to(x.dtype), eps=0.1, full=True),
    "poissonl": lambda x: F.poisson_nll_loss(x, POSITIVE.to(x.dtype) * 9, full=True),
    "multi_margin": lambda x: F.multi_margin_loss(x, LABELS, margin=0.7),
    "hinge": lambda x: F.hinge_embedding_loss(x, SIGNS.to(x.dtype), margin=0.7),
    "triplet": lambda x: F.triplet_margin_loss(x, TARGET.to(x.dtype), -x, margin=0.7, p=2.2, eps=0.1),
    "cosemb": lambda x: F.cosine_embedding_loss(x, TARGET.to(x.dtype), torch.tensor([1, -1, 1]), margin=0.1),
    "mrl": lambda x: F.margin_ranking_loss(x, TARGET.to(x.dtype), torch.ones(3, 4, dtype=x.dtype), margin=0.7),
    "ce_smooth": lambda x: F.cross_entropy(x, LABELS, label_smoothing=0.1),
    "ce_w": lambda x: F.cross_entropy(x, LABELS, weight=torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=x.dtype), label_smoothing=0.3),
    "kl": lambda x: F.kl_div(x, POSITIVE.to(x.dtype), reduction="batchmean"),
    "bcel": lambda x: F.binary_cross_entropy_with_logits(x, torch.full((3, 4), 0.3, dtype=x.dtype), pos_weight=torch.tensor(0.7, dtype=x.dtype)),
    "bce": lambda x: F.binary_cross_entropy(torch.sigmoid(x), torch.full((3, 4), 0.3, dtype=x.dtype)),
    "l1": lambda x: F.l1_loss(x, TARGET.to(x.dtype)),
    "softmargin": lambda x: F.soft_margin_loss(x, SIGNS.to(x.dtype)),
    "softshrink": lambda x: F.softshrink(x, 0.3) ** 2,
    "hardshrink": lambda x: F.hardshrink(x, 0.3) ** 2,
    "hardtanh": lambda x: F.hardtanh(x, -0.3, 0.7) * x,
    "threshold": lambda x: F.threshold(x, 0.3, 0.7) * x,
    "elu": lambda x: F.elu(x, 0.3),
    "celu": lambda x: F.celu(x, 0.3),
    "selu": F.selu,
    "leaky": lambda x: F.leaky_relu(x, 0.3),
    "rrelu": lambda x: F.rrelu(x, 0.1, 0.3),
    "gelut": lambda x: F.gelu(x, approximate="tanh"),
    "gelu": F.gelu,
    "softplus": lambda x: F.softplus(x, 0.3, 0.7),
    "softplus2": lambda x: F.softplus(x, 1.3),
    "logsigmoid": F.logsigmoid,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "mish": F.mish,
    "silu": F.silu,
    "softsign": F.softsign,
    "tanhshrink": F.tanhshrink,
    "glu": F.glu,
    "relu6": lambda x: F.relu6(x * 3),
    "std": lambda x: torch.std(x, correction=0.3),
    "var": lambda x: torch.var(x, 1, correction=0.3),
    "var_mean": lambda x: torch.var_mean(x, 1, correction=1.7)[0],
    "std dim": lambda x: x.std(0),
    "addcmul": lambda x: torch.addcmul(x, x, TARGET.to(x.dtype), value=0.3),
    "addcdiv": lambda x: torch.addcdiv(x, x, POSITIVE.to(x.dtype), value=0.3),
    "addcdiv2": lambda x: torch.addcdiv(x, TARGET.to(x.dtype), x.abs() + 1, value=0.3),
    "add": lambda x: torch.add(x, x, alpha=0.3),
    "sub": lambda x: torch.sub(x, x, alpha=0.3),
    "rsub": lambda x: torch.rsub(x, 0.3, alpha=0.7),
    "addmm": lambda x: torch.addmm(x, x, normal(4, 4).to(x.dtype), beta=0.3, alpha=0.7),
    "baddbmm": lambda x: torch.baddbmm(x[None], x[None], normal(1, 4, 4).to(x.dtype), beta=0.3, alpha=0.7),
    "addr": lambda x: torch.addr(x, x[:, 0], x[0], beta=0.3, alpha=0.7),
    "addmv": lambda x: torch.addmv(x[:, 0], x, x[0], beta=0.3, alpha=0.7),
    "lerp": lambda x: torch.lerp(x, TARGET.to(x.dtype), 0.3),
    "lerpt": lambda x: torch.lerp(x, TARGET.to(x.dtype), x.sigmoid()),
    "index_add": lambda x: x.index_add(0, torch.tensor([0, 1]), x[:2] * x[1:], alpha=0.3),
    "avg_pool": lambda x: F.avg_pool1d(x[None], 3, 1),
    "avg_pool2div": lambda x: F.avg_pool2d(x[None], 2, divisor_override=3),
    "adaptive": lambda x: F.adaptive_avg_pool1d(x[None], 3),
    "interp": lambda x: F.interpolate(x[None], scale_factor=1.7, mode="linear"),
    "interpbic": lambda x: F.interpolate(x[None, None], scale_factor=1.7, mode="bicubic"),
    "grid": lambda x: F.grid_sample(x[None, None], torch.tensor([[[[0.1, 0.3], [-0.7, 0.2]]]], dtype=x.dtype), align_corners=False),
    "gridx": lambda x: F.grid_sample(normal(1, 1, 3, 4).to(x.dtype), x.tanh().reshape(1, 2, 3, 2) * 0.9, align_corners=True),
    "affine": lambda x: F.affine_grid(x[:2, :3][None], (1, 1, 3, 3), align_corners=False),
    "sdpa": lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None], scale=0.3),
    "sdpa2": lambda x: F.scaled_dot_product_attention(x[None], x[None] * 0.3, x[None]),
    "logit": lambda x: torch.logit(x.sigmoid(), eps=0.3) * x,
    "nan_to_num": lambda x: torch.nan_to_num(torch.where(TARGET > 0, float("nan"), 1.0).to(x.dtype), nan=0.3) * x,
    "polygamma": lambda x: torch.polygamma(2, x.abs() + 0.1),
    "mvlgamma": lambda x: torch.mvlgamma(x.abs() + 2.1, 3),
    "xlogy": lambda x: torch.xlogy(x, 0.3),
    "xlogy2": lambda x: torch.xlogy(0.3, x.abs()),
    "xlog1py": lambda x: torch.special.xlog1py(0.3, x.abs()),
    "cumtrap": lambda x: torch.cumulative_trapezoid(x, dx=0.3),
    "trap": lambda x: torch.trapezoid(x, dx=0.3),
    "gradient": lambda x: torch.gradient(x, spacing=0.3)[0],
    "gradient2": lambda x: torch.gradient(x, spacing=(torch.tensor([0.1, 0.3, 0.7], dtype=x.dtype),), dim=0)[0],
    "quantile": lambda x: torch.quantile(x, 0.3),
    "nanquantile": lambda x: torch.nanquantile(x, 0.3, dim=1),
    "fmod": lambda x: torch.fmod(x, 0.3) ** 2,
    "remainder": lambda x: torch.remainder(x, 0.3) ** 2,
    "divfloor": lambda x: torch.div(x, 0.3, rounding_mode="floor") * x,
    "clamp": lambda x: x.clamp(-0.3, 0.7) * x,
    "clampmin": lambda x: x.clamp_min(0.3) ** 2,
    "where": lambda x: torch.where(x > 0, 0.3, x) * x,
    "mfill": lambda x: x.masked_fill(x > 0, 0.3) * x,
    "pad": lambda x: F.pad(x, (1, 1), value=0.3) ** 2,
    "full": lambda x: torch.full_like(x, 0.3) * x,
    "mul": lambda x: x * 0.3 - x * 0.1,
    "div": lambda x: x / 0.3,
    "rdiv": lambda x: 0.3 / x,
    "dropout": lambda x: seeded(lambda: F.dropout(x, 0.3)),
    "alpha_dropout": lambda x: seeded(lambda: F.alpha_dropout(x, 0.3)),
    "feature": lambda x: seeded(lambda: F.feature_alpha_dropout(x, 0.3)),
    "igamma": lambda x: torch.special.gammainc(torch.tensor(0.3, dtype=x.dtype), x.abs()),
    "hypot": lambda x: torch.hypot(x, torch.tensor(0.3, dtype=x.dtype)),
    "logspace": lambda x: torch.logspace(0.1, 0.7, 4, dtype=x.dtype) * x,
    "linspace": lambda x: torch.linspace(0.1, 0.7, 4, dtype=x.dtype) * x,
    "arange": lambda x: torch.arange(0, 0.4, 0.1, dtype=x.dtype) * x,
    "softmaxT": lambda x: F.softmax(x / 0.07, dim=1),
    "gumbel": lambda x: seeded(lambda: F.gumbel_softmax(x, tau=0.3)),
    "lse": lambda x: torch.logsumexp(x * 0.3, 1),
    "entr": lambda x: torch.special.entr(x.abs()),
    "erfinv": lambda x: torch.erfinv(x.tanh() * 0.7),
    "log_normal": lambda x: -(((x - 0.1) / 0.3) ** 2),
    "cov": lambda x: torch.cov(x),
    "corr": lambda x: torch.corrcoef(x),
    "matrix_exp": lambda x: torch.matrix_exp(x[:3, :3] * 0.3),
    "inv": lambda x: torch.linalg.inv(x[:3, :3] + 0.1),
    "pinv": lambda x: torch.linalg.pinv(x),
    "svdvals": lambda x: torch.linalg.svdvals(x),
    "nuc": lambda x: torch.linalg.matrix_norm(x, "nuc"),
    "cond": lambda x: torch.linalg.cond(x),
    "sum": lambda x: x.sum() * 0.1,
    "mean": lambda x: x.mean(1),
    "nanmean": lambda x: x.nanmean(1),
    "prod": lambda x: x.prod(1),
    "cumprod": lambda x: (x * 0.3).cumprod(1),
    "conv": lambda x: F.conv1d(x[None], normal(2, 3, 2).to(x.dtype)),
    "ebag": lambda x: F.embedding_bag(torch.tensor([[0, 2], [1, 1]]), x, mode="mean"),
    "bilinear": lambda x: F.bilinear(x, x, normal(2, 4, 4).to(x.dtype)),
    "trirel": lambda x: torch.tril(x, -1) * 0.1,
    "multilabel": lambda x: F.multilabel_soft_margin_loss(x, (TARGET > 0).to(x.dtype)),
    "ctc": lambda x: F.ctc_loss(x.log_softmax(1)[:, None], torch.tensor([[1]]), torch.tensor([3]), torch.tensor([1])),
    "sigmoid focal": lambda x: (0.25 * (1 - x.sigmoid()) ** 2.1 * F.softplus(-x)).mean(),
}

# Whose gradients pass where the value is held, in PyTorch too: what it says of them is so.
HELD = {
    "cosine_similarity": lambda x: F.cosine_similarity(x * 1e-3, TARGET.to(x.dtype), eps=0.1),
    "gaussian_nll_loss": lambda x: F.gaussian_nll_loss(TARGET.to(x.dtype), x, x.abs(), eps=4.05),
}


def status(f, size, dtype):
    x = (torch.tensor(X, dtype=torch.float64) * size).to(dtype).reshape(3, 4)
    report = torch.check(f, x)
    return report.status, report


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_right_gradient_is_not_accused(name, dtype):
    for size in (1.0, 1e-3):
        said, report = status(FUNCTIONS[name], size, dtype)
        assert said != "fail", f"{name} at {size}\n{report}"


def test_most_are_passed():
    """And not merely left undecided."""
    said = [status(f, 1.0, dtype)[0] for f in FUNCTIONS.values() for dtype in (torch.float32, torch.float64)]
    assert said.count("pass") > 0.95 * len(said), said.count("pass") / len(said)


@pytest.mark.parametrize("name", HELD)
def test_what_is_held_in_the_value_alone_is_found(name):
    assert status(HELD[name], 1.0, torch.float64)[0] == "fail"
