"""PyTorch's `torch.nn.functional`, as far as the operations go."""

import functools as _functools
import sys as _sys

from .. import _surface
from ._attention import multi_head_attention_forward

_surface.fill(_sys.modules[__name__], "nn.functional")


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


def _adaptive(native, largest):
    """An adaptive pooling of the list, with PyTorch's `None` for a dimension that stays as it is."""

    def sizes(given):
        return [-1 if n is None else n for n in given] if isinstance(given, (tuple, list)) else given

    if largest:

        @_functools.wraps(native)
        def pool(input, output_size, return_indices=False):
            return native(input, sizes(output_size), return_indices)

    else:

        @_functools.wraps(native)
        def pool(input, output_size):
            return native(input, sizes(output_size))

    return pool


def _with_indices(native):
    @_functools.wraps(native)
    def pool(input, *args, **kwargs):
        kwargs["return_indices"] = True
        return native(input, *args, **kwargs)

    return pool


def _norm_pool(mean, largest, dims):
    """PyTorch's `lp_pool`: the root of windows' sums of powers."""

    def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        if norm_type == 0:
            raise ValueError(f"norm_type must be a non-zero value, but got {norm_type}")
        if norm_type == float("inf"):
            return largest(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        if norm_type == -float("inf"):
            return -largest(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        out = mean(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
        sizes = tuple(kernel_size) if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * dims
        many = 1
        for n in sizes:
            many *= n
        return (out.sign() * out.abs().relu()).mul(many).pow(1.0 / norm_type)

    lp_pool.__name__ = lp_pool.__qualname__ = f"lp_pool{dims}d"
    lp_pool.__doc__ = f"p-norms of windows over {dims} dimension{'s' if dims > 1 else ''}."
    return lp_pool


for _dims in (1, 2, 3):
    for _kind in ("avg", "max"):
        _name = f"adaptive_{_kind}_pool{_dims}d"
        globals()[_name] = _adaptive(globals()[_name], _kind == "max")
    for _name in (f"max_pool{_dims}d", f"adaptive_max_pool{_dims}d"):
        globals()[_name + "_with_indices"] = _with_indices(globals()[_name])
    globals()[f"lp_pool{_dims}d"] = _norm_pool(globals()[f"avg_pool{_dims}d"], globals()[f"max_pool{_dims}d"], _dims)


def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"):
    """The anchor nearer to the positive than to the negative by a margin, by a distance of the user's own (the Euclidean one, unless it is given)."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
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


def __getattr__(name):
    raise AttributeError(_surface.missing("pullback.nn.functional", name))
