"""PyTorch's `torch.nn.functional`, as far as the operations go."""

import functools as _functools
import sys as _sys
from types import FunctionType as _Function

from .. import _surface
from .._overridable import overridable as _overridable
from ._attention import multi_head_attention_forward

_surface.fill(_sys.modules[__name__], "nn.functional")

linear, cross_entropy = _surface.PLACES["nn.functional"]["linear"], _surface.PLACES["nn.functional"]["cross_entropy"]


def _written(name):
    def function(input, *args, **kwargs):
        return getattr(input, name)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"As `{name[:-1]}`, in place."
    return function


for _name in ("relu_", "elu_", "selu_", "celu_", "leaky_relu_", "hardtanh_", "rrelu_", "threshold_"):
    if _name in _surface.PLACES["Tensor"]:
        globals()[_name] = _written(_name)


def _with_inplace(native, default):
    """A dropout of the list, with PyTorch's last argument: whether the result is written over the input."""

    @_functools.wraps(native)
    def dropout(input, p=0.5, training=default, inplace=False):
        result = native(input, p, training)
        return input.copy_(result) if inplace else result

    return dropout


for _name, _default in (("dropout1d", True), ("dropout2d", True), ("dropout3d", True), ("alpha_dropout", False), ("feature_alpha_dropout", False)):
    globals()[_name] = _with_inplace(globals()[_name], _default)


def _adaptive(native, dims, largest):
    """An adaptive pooling of the list, with PyTorch's `None` for a dimension that stays as it is."""

    def sizes(input, given):
        if dims == 1 or not isinstance(given, (tuple, list)):
            return given
        own = input.shape
        if len(own) <= len(given):
            raise ValueError(f"Input dimension should be at least {len(given) + 1}")
        return [d if n is None else n for n, d in zip(given, own[len(own) - len(given) :])]

    if largest:

        @_functools.wraps(native)
        def pool(input, output_size, return_indices=False):
            return native(input, sizes(input, output_size), return_indices)

    else:

        @_functools.wraps(native)
        def pool(input, output_size):
            return native(input, sizes(input, output_size))

    return pool


def _with_indices(native):
    @_functools.wraps(native)
    def pool(input, *args, **kwargs):
        kwargs["return_indices"] = True
        return native(input, *args, **kwargs)

    return pool


for _dims in (1, 2, 3):
    for _kind in ("avg", "max"):
        _name = f"adaptive_{_kind}_pool{_dims}d"
        globals()[_name] = _adaptive(globals()[_name], _dims, _kind == "max")
    for _name in (f"max_pool{_dims}d", f"adaptive_max_pool{_dims}d"):
        globals()[_name + "_with_indices"] = _with_indices(globals()[_name])
for _dims in (2, 3):
    globals()[f"fractional_max_pool{_dims}d_with_indices"] = _with_indices(globals()[f"fractional_max_pool{_dims}d"])


def native_channel_shuffle(input, groups):
    """As `channel_shuffle`."""
    return globals()["channel_shuffle"](input, groups)


def linear_cross_entropy(input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean", ignore_index=None, label_smoothing=0.0, options=None):
    """Cross-entropy of the scores that a linear layer makes, whose weight has a dimension for the classes, and more for other dimensions of the target."""
    if not 1 <= input.dim() <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}")
    width = input.shape[-1]
    if width != linear_weight.shape[-1]:
        raise RuntimeError(f"expected equal input and linear_weight last dimensions (in_features), got {width} and {linear_weight.shape[-1]}, respectively")
    shape = tuple(linear_weight.shape[:-1])
    if linear_bias is not None and tuple(linear_bias.shape) != shape:
        raise RuntimeError(f"expected linear_bias shape {shape}, got {tuple(linear_bias.shape)}")
    if len(shape) > 1 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires"
            f" batched input, (N, {width}), got unbatched input with shape {tuple(input.shape)}"
        )
    whole = (*input.shape[:-1], *shape)
    if tuple(target.shape) == whole and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    scores = linear(input, linear_weight.reshape(-1, width), bias).reshape(whole)
    return cross_entropy(scores, target, weight=weight, reduction=reduction, ignore_index=-100 if ignore_index is None else ignore_index, label_smoothing=label_smoothing)


def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"):
    """The anchor nearer to the positive than to the negative by a margin, by a distance of the user's own (the Euclidean one, unless it is given)."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    a, p, n = (t.dim() for t in (anchor, positive, negative))
    if not a == p == n:
        raise RuntimeError(f"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {a}D, positive {p}D, and negative {n}D inputs")
    distance = globals()["pairwise_distance"] if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    loss = (margin + near - far).clamp(min=0)
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def _in_place(name):
    function = globals()[name]

    @_functools.wraps(function)
    def written(input, *args, **kwargs):
        return input.copy_(function(input, *args, **kwargs))

    written.__name__ = written.__qualname__ = name + "_"
    written.__doc__ = f"As `{name}`, in place."
    return written


for _name in ("elu", "selu", "celu", "leaky_relu", "hardtanh", "rrelu", "threshold"):
    if _name + "_" not in globals():
        globals()[_name + "_"] = _in_place(_name)


for _name, _made in list(globals().items()):
    if isinstance(_made, _Function) and not _name.startswith("_"):
        globals()[_name] = _overridable(_made)


def __getattr__(name):
    raise AttributeError(_surface.missing("pullback.nn.functional", name))
