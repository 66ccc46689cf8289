"""Functions that PyTorch has under `torch` and in `nn.functional`, with other arguments: both give the same."""

import inspect

import pytest

import pullback as torch
import pullback._twins as twins

F = torch.nn.functional


def x(*shape):
    torch.manual_seed(len(shape))
    return torch.randn(*shape)


def pairs():
    t = torch
    a, b, c = x(4, 3), x(4, 3) * 0.5 + 1, x(4, 3) - 0.3
    sign, image, line = t.tensor([1.0, -1.0, 1.0, -1.0]), x(2, 4, 6, 5), x(2, 4, 7)
    w, bias, index = x(4), x(1, 4)[0], t.tensor([[0, 2], [3, 3]])
    yield "layer_norm", t.layer_norm(a, [3], x(3), x(1, 3)[0], 1e-3), F.layer_norm(a, [3], x(3), x(1, 3)[0], 1e-3)
    yield "group_norm", t.group_norm(line, 2, w, bias, 1e-4, False), F.group_norm(line, 2, w, bias, 1e-4)
    mean, var = x(4), x(4).abs() + 1
    yield "instance_norm", t.instance_norm(line, w, bias, mean.clone(), var.clone(), True, 0.1, 1e-5, False), F.instance_norm(line, mean.clone(), var.clone(), w, bias, True, 0.1, 1e-5)
    yield "instance_norm", t.instance_norm(line, w, bias, mean, var, False, 0.1, 1e-5, False), F.instance_norm(line, mean, var, w, bias, False, 0.1, 1e-5)
    yield "embedding", t.embedding(a, index), F.embedding(index, a)
    yield "embedding", t.embedding(a, index, 2), F.embedding(index, a, padding_idx=2)
    yield "celu", t.celu(a, 0.5), F.celu(a, 0.5)
    yield "rrelu", t.rrelu(a, 0.1, 0.3), F.rrelu(a, 0.1, 0.3)
    for name in ("alpha_dropout", "feature_alpha_dropout"):
        t.manual_seed(3)
        first = getattr(t, name)(line, 0.4, True)
        t.manual_seed(3)
        yield name, first, getattr(F, name)(line, 0.4, True)
    yield "adaptive_avg_pool1d", t.adaptive_avg_pool1d(line, 3), F.adaptive_avg_pool1d(line, 3)
    yield "adaptive_max_pool1d", t.adaptive_max_pool1d(line, 3), F.adaptive_max_pool1d(line, 3, return_indices=True)
    yield "max_pool1d", t.max_pool1d(line, 3, 2, 1), F.max_pool1d(line, 3, 2, 1)
    yield "max_pool1d_with_indices", t.max_pool1d_with_indices(line, 3), F.max_pool1d(line, 3, return_indices=True)
    yield "max_pool2d", t.max_pool2d(image, [2, 3], ceil_mode=True), F.max_pool2d(image, [2, 3], ceil_mode=True)
    yield "max_pool3d", t.max_pool3d(image, 2, 1), F.max_pool3d(image, 2, 1)
    yield "native_channel_shuffle", t.native_channel_shuffle(image, 2), F.channel_shuffle(image, 2)
    bags = t.tensor([0, 1, 1])
    for number, how in enumerate(("sum", "mean", "max")):
        yield "embedding_bag", t.embedding_bag(a, index.flatten(), bags, mode=number)[0], F.embedding_bag(index.flatten(), a, bags, mode=how)
    for number, how in enumerate(("none", "mean", "sum")):
        r = {"reduction": how}
        target = (b > 1).float()
        yield "binary_cross_entropy_with_logits", t.binary_cross_entropy_with_logits(a, target, None, x(3), number), F.binary_cross_entropy_with_logits(a, target, pos_weight=x(3), **r)
        yield "cosine_embedding_loss", t.cosine_embedding_loss(a, b, sign, 0.2, number), F.cosine_embedding_loss(a, b, sign, 0.2, **r)
        yield "hinge_embedding_loss", t.hinge_embedding_loss(a[:, 0], sign, 0.5, number), F.hinge_embedding_loss(a[:, 0], sign, 0.5, **r)
        scores = image.flatten(2).log_softmax(2)
        yield "ctc_loss", t.ctc_loss(scores, t.ones(4, 1, dtype=t.int64), (2, 2, 2, 1), (1, 1, 1, 1), 0, number), F.ctc_loss(scores, t.ones(4, 1, dtype=t.int64), (2, 2, 2, 1), (1, 1, 1, 1), **r)
        yield "kl_div", t.kl_div(a, b.abs(), number), F.kl_div(a, b.abs(), **r)
        yield "kl_div", t.kl_div(a, b, number, log_target=True), F.kl_div(a, b, log_target=True, **r)
        yield "margin_ranking_loss", t.margin_ranking_loss(a[:, 0], b[:, 0], sign, 0.1, number), F.margin_ranking_loss(a[:, 0], b[:, 0], sign, 0.1, **r)
        yield "poisson_nll_loss", t.poisson_nll_loss(a, b.abs(), True, True, 1e-8, number), F.poisson_nll_loss(a, b.abs(), True, True, eps=1e-8, **r)
        yield "triplet_margin_loss", t.triplet_margin_loss(a, b, c, 0.7, swap=True, reduction=number), F.triplet_margin_loss(a, b, c, 0.7, swap=True, **r)


@pytest.mark.filterwarnings("ignore")
def test_both_give_the_same():
    seen = set()
    for name, one, other in pairs():
        seen.add(name)
        one, other = ([y] if isinstance(y, torch.Tensor) else list(y) for y in (one, other))
        assert len(one) == len(other)
        for p, q in zip(one, other):
            assert torch.equal(p, q), name
    assert seen == set(twins.NAMES)


def test_reductions_are_numbers():
    with pytest.raises(RuntimeError, match="3 is not a valid value for reduction"):
        torch.kl_div(x(2), x(2), 3)


@pytest.mark.parametrize("name", twins.NAMES)
def test_every_twin_is_found(name):
    f = getattr(torch, name)
    assert f.__module__ == "pullback" and inspect.getdoc(f) and hasattr(F, name)
