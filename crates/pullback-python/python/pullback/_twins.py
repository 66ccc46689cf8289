"""Functions that PyTorch has twice: under `torch` as its C++ has them, and in `nn.functional` with other arguments. These are the former, made of
the latter. A reduction is a number there: 0 for none, 1 for the mean, 2 for the sum."""

from . import nn
from ._overridable import overridable

F = nn.functional
REDUCTIONS = ("none", "mean", "sum")


def _reduction(number):
    if not 0 <= number < len(REDUCTIONS):
        raise RuntimeError(f"{number} is not a valid value for reduction")
    return REDUCTIONS[number]


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True):
    """`nn.functional.layer_norm`."""
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05, cudnn_enabled=True):
    """`nn.functional.group_norm`."""
    return F.group_norm(input, num_groups, weight, bias, eps)


def instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled):
    """`nn.functional.instance_norm`, with the arguments in the order of PyTorch's C++."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """`nn.functional.embedding`: rows of the weight, which comes first here."""
    return F.embedding(indices, weight, None if padding_idx < 0 else padding_idx, None, 2.0, scale_grad_by_freq, sparse)


def celu(input, alpha=1.0):
    """`nn.functional.celu`."""
    return F.celu(input, alpha)


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, generator=None):
    """`nn.functional.rrelu`."""
    return F.rrelu(input, lower, upper, training)


def alpha_dropout(input, p, train):
    """`nn.functional.alpha_dropout`."""
    return F.alpha_dropout(input, p, train)


def feature_alpha_dropout(input, p, train):
    """`nn.functional.feature_alpha_dropout`."""
    return F.feature_alpha_dropout(input, p, train)


def adaptive_avg_pool1d(input, output_size):
    """`nn.functional.adaptive_avg_pool1d`."""
    return F.adaptive_avg_pool1d(input, output_size)


def adaptive_max_pool1d(input, output_size):
    """`nn.functional.adaptive_max_pool1d`, with the places of what is largest."""
    return tuple(F.adaptive_max_pool1d(input, output_size, return_indices=True))


def max_pool1d(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    """`nn.functional.max_pool1d`."""
    return F.max_pool1d(input, kernel_size, stride if stride != () else None, padding, dilation, ceil_mode)


def max_pool1d_with_indices(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    """`nn.functional.max_pool1d`, with the places of what is largest."""
    return tuple(F.max_pool1d(input, kernel_size, stride if stride != () else None, padding, dilation, ceil_mode, return_indices=True))


def max_pool2d(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    """`nn.functional.max_pool2d`."""
    return F.max_pool2d(input, kernel_size, stride if stride != () else None, padding, dilation, ceil_mode)


def max_pool3d(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    """`nn.functional.max_pool3d`."""
    return F.max_pool3d(input, kernel_size, stride if stride != () else None, padding, dilation, ceil_mode)


def binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=1):
    """`nn.functional.binary_cross_entropy_with_logits`."""
    return F.binary_cross_entropy_with_logits(input, target, weight, reduction=_reduction(reduction), pos_weight=pos_weight)


def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=1):
    """`nn.functional.cosine_embedding_loss`."""
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_reduction(reduction))


def hinge_embedding_loss(input, target, margin=1.0, reduction=1):
    """`nn.functional.hinge_embedding_loss`."""
    return F.hinge_embedding_loss(input, target, margin, reduction=_reduction(reduction))


def kl_div(input, target, reduction=1, *, log_target=False):
    """`nn.functional.kl_div`, whose mean is that of all elements."""
    return F.kl_div(input, target, reduction=_reduction(reduction), log_target=log_target)


def margin_ranking_loss(input1, input2, target, margin=0.0, reduction=1):
    """`nn.functional.margin_ranking_loss`."""
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=_reduction(reduction))


def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """`nn.functional.poisson_nll_loss`."""
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_reduction(reduction))


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-06, swap=False, reduction=1):
    """`nn.functional.triplet_margin_loss`."""
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=_reduction(reduction))


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction=1, zero_infinity=False):
    """`nn.functional.ctc_loss`."""
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, _reduction(reduction), zero_infinity)


def embedding_bag(weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None):
    """`nn.functional.embedding_bag` of the weight, which comes first here, with the bag of each index, the bags' sizes, and what is kept for the gradient."""
    kind = ("sum", "mean", "max")[mode]
    out = F.embedding_bag(indices, weight, offsets, None, 2.0, scale_grad_by_freq, kind, sparse, per_sample_weights, include_last_offset, padding_idx)
    count = out.size(0)
    begins = offsets[:count].to(indices.dtype)
    bag = (begins.unsqueeze(0) <= _arange(indices).unsqueeze(1)).sum(1, dtype=indices.dtype) - 1
    kept = indices.new_ones(indices.shape) if padding_idx is None else (indices != padding_idx % weight.size(0)).to(indices.dtype)
    sizes = indices.new_zeros(count).index_add(0, bag, kept) if count else indices.new_zeros(0)
    if kind == "max":
        return out, bag, sizes, _winners(weight, indices, bag, kept, count)
    sizes = sizes if kind == "mean" else indices.new_zeros(count)
    return out, bag, sizes, sizes.clone()


def native_channel_shuffle(input, groups):
    """`nn.functional.channel_shuffle`."""
    return F.channel_shuffle(input, groups)


def _arange(like):
    return like.new_ones(like.shape).cumsum(0, dtype=like.dtype) - 1


def _winners(weight, indices, bag, kept, count):
    """The rows that the largest elements of each bag are in."""
    rows = weight.detach()[indices].masked_fill((kept == 0).unsqueeze(1), -float("inf"))
    owner = bag.long().unsqueeze(1).expand(rows.shape)
    most = rows.new_full((count, rows.size(1)), -float("inf")).scatter_reduce(0, owner, rows, "amax")
    place = _arange(indices).long().unsqueeze(1).expand(rows.shape)
    won = (rows == most.gather(0, owner)) & (kept != 0).unsqueeze(1)
    first = place.masked_fill(won.logical_not(), indices.numel())
    first = first.new_full(most.shape, indices.numel()).scatter_reduce(0, owner, first, "amin")
    found = indices.new_zeros(indices.numel() + 1).index_copy(0, _arange(indices).long(), indices) if indices.numel() else indices.new_zeros(1)
    return found[first]


NAMES = [name for name in dir() if callable(globals()[name]) and not name.startswith("_") and name != "overridable"]

for _name in NAMES:
    globals()[_name].__module__ = "pullback"
    globals()[_name] = overridable(globals()[_name])
