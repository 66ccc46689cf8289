"""Counterparts among ONNX's operators: the functions that layers of networks are made of. How a counterpart is called is in `_basics.py`."""

import math

from .. import Tensor, bool, full, inf, ones, tril, zeros
from . import _shapes as _shapes  # its counterparts belong to the same list
from ._basics import FOUND, counterpart, dims_of, reduced, unsupported


def _over(n, value):
    """A number for every dimension."""
    return [int(v) for v in value] if isinstance(value, (list, tuple)) else [int(value)] * n


@counterpart("linear")
def _linear(g, out, input, weight, bias=None):
    if input.dim() == 2 and not g.known(weight):
        return g.node("Gemm", g.value(input), g.value(weight), *([] if bias is None else [g.value(bias)]), transB=1)
    name = g.node("MatMul", g.value(input), g.node("Transpose", g.value(weight), perm=[1, 0]))
    return name if bias is None else g.node("Add", name, g.value(bias))


@counterpart("baddbmm")
def _baddbmm(g, out, input, batch1, batch2, *, beta=1, alpha=1, out_dtype=None):
    name, added = g.node("MatMul", g.value(batch1), g.value(batch2)), g.value(input, out.dtype)
    if alpha != 1:
        name = g.node("Mul", name, g.value(float(alpha), out.dtype))
    if beta != 1:
        added = g.node("Mul", added, g.value(float(beta), out.dtype))
    return g.node("Add", name, added)


def _batched(written, n):
    """A counterpart for inputs with a dimension of samples; one without gets it."""

    def either(g, out, input, *args, **kwargs):
        name = g.value(input)
        if input.dim() == n + 2:
            return written(g, name, input, *args, **kwargs)
        found = written(g, g.node("Unsqueeze", name, g.ints(0)), input.unsqueeze(0), *args, **kwargs)
        return g.node("Squeeze", found, g.ints(0))

    return either


def _convolution(n):
    def written(g, name, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        kernel, dilations = list(weight.shape[2:]), _over(n, dilation)
        if padding == "same":
            total = [d * (k - 1) for d, k in zip(dilations, kernel)]
            pads = [t // 2 for t in total] + [t - t // 2 for t in total]
        else:
            pads = _over(n, 0 if padding == "valid" else padding) * 2
        operands = [name, g.value(weight)] + ([] if bias is None else [g.value(bias)])
        return g.node("Conv", *operands, kernel_shape=kernel, strides=_over(n, stride), pads=pads, dilations=dilations, group=groups)

    return written


def _transposed(n):
    def written(g, name, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        operands = [name, g.value(weight)] + ([] if bias is None else [g.value(bias)])
        return g.node("ConvTranspose", *operands, kernel_shape=list(weight.shape[2:]), strides=_over(n, stride), pads=_over(n, padding) * 2, output_padding=_over(n, output_padding), dilations=_over(n, dilation), group=groups)

    return written


def _max_pool(n):
    def written(g, name, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        if return_indices:
            unsupported("the places of the largest elements of a pooling")
        kernel = _over(n, kernel_size)
        return g.node("MaxPool", name, kernel_shape=kernel, strides=_over(n, stride) if stride not in (None, [], ()) else kernel, pads=_over(n, padding) * 2, dilations=_over(n, dilation), ceil_mode=int(ceil_mode))

    return written


def _avg_pool(n):
    def written(g, name, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        if divisor_override is not None:
            unsupported("a pooling with a divisor of its own")
        kernel = _over(n, kernel_size)
        return g.node("AveragePool", name, kernel_shape=kernel, strides=_over(n, stride) if stride not in (None, [], ()) else kernel, pads=_over(n, padding) * 2, ceil_mode=int(ceil_mode), count_include_pad=int(count_include_pad))

    return written


def _adaptive_pool(n, kind):
    def written(g, name, input, output_size, return_indices=False):
        if return_indices:
            unsupported("the places of the largest elements of a pooling")
        given = output_size if isinstance(output_size, (list, tuple)) else [output_size] * n
        have = list(input.shape[2:])
        want = [h if w is None else int(w) for w, h in zip(given, have)]
        if all(w == 1 for w in want):
            return g.node(f"Global{kind}", name)
        if any(h % w for h, w in zip(have, want)):
            unsupported("an adaptive pooling whose windows are not all of one size")
        kernel = [h // w for h, w in zip(have, want)]
        return g.node(kind, name, kernel_shape=kernel, strides=kernel)

    return written


for _n in (1, 2, 3):
    for _name, _made in (
        (f"conv{_n}d", _convolution(_n)), (f"conv_transpose{_n}d", _transposed(_n)), (f"max_pool{_n}d", _max_pool(_n)), (f"avg_pool{_n}d", _avg_pool(_n)),
        (f"adaptive_avg_pool{_n}d", _adaptive_pool(_n, "AveragePool")), (f"adaptive_max_pool{_n}d", _adaptive_pool(_n, "MaxPool")),
    ):  # fmt: skip
        FOUND[_name] = _batched(_made, _n)


# Norms.


@counterpart("batch_norm")
def _batch_norm(g, out, input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05):
    if training:
        unsupported("a batch norm in training (`model.eval()` first)")
    size = input.shape[1]
    weight, bias = ones(size, dtype=input.dtype) if weight is None else weight, zeros(size, dtype=input.dtype) if bias is None else bias
    return g.node("BatchNormalization", *(g.value(v) for v in (input, weight, bias, running_mean, running_var)), epsilon=float(eps))


@counterpart("layer_norm")
def _layer_norm(g, out, input, normalized_shape, weight=None, bias=None, eps=1e-05):
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    weight = ones(shape, dtype=input.dtype) if weight is None else weight
    return g.node("LayerNormalization", g.value(input), g.value(weight), *([] if bias is None else [g.value(bias)]), axis=-len(shape), epsilon=float(eps))


@counterpart("rms_norm")
def _rms_norm(g, out, input, normalized_shape, weight=None, eps=None):
    from .. import finfo

    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    name = g.value(input)
    mean = reduced(g, "ReduceMean", g.node("Mul", name, name), list(range(-len(shape), 0)), True)
    root = g.node("Sqrt", g.node("Add", mean, g.value(finfo(input.dtype).eps if eps is None else eps, input.dtype)))
    name = g.node("Div", name, root)
    return name if weight is None else g.node("Mul", name, g.value(weight))


def _scaled(g, name, input, weight, bias):
    """Times a weight and plus a bias for each channel."""
    for kind, value in (("Mul", weight), ("Add", bias)):
        if value is not None:
            name = g.node(kind, name, g.node("Reshape", g.value(value), g.ints(-1, *[1] * (input.dim() - 2))))
    return name


@counterpart("group_norm")
def _group_norm(g, out, input, num_groups, weight=None, bias=None, eps=1e-05):
    parted = g.node("Reshape", g.value(input), g.ints(0, num_groups, -1))
    plain = [g.constant(make(num_groups, dtype=input.dtype)) for make in (ones, zeros)]
    name = g.node("InstanceNormalization", parted, *plain, epsilon=float(eps))
    return _scaled(g, g.node("Reshape", name, g.ints(0, *out.shape[1:])), input, weight, bias)


@counterpart("instance_norm")
def _instance_norm(g, out, input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-05):
    if not use_input_stats:
        return _batch_norm(g, out, input, running_mean, running_var, weight, bias, False, momentum, eps)
    size = input.shape[1]
    weight, bias = ones(size, dtype=input.dtype) if weight is None else weight, zeros(size, dtype=input.dtype) if bias is None else bias
    return g.node("InstanceNormalization", g.value(input), g.value(weight), g.value(bias), epsilon=float(eps))


@counterpart("normalize")
def _normalize(g, out, input, p=2.0, dim=1, eps=1e-12):
    size = FOUND["norm"](g, out, input, p, dim, True)
    return g.node("Div", g.value(input), g.node("Max", size, g.value(eps, input.dtype)))


@counterpart("cosine_similarity")
def _cosine_similarity(g, out, x1, x2, dim=1, eps=1e-8):
    a, b, dims = g.value(x1, out.dtype), g.value(x2, out.dtype), dims_of(x1, dim)
    sizes = [g.node("Max", reduced(g, "ReduceL2", v, dims, False), g.value(eps, out.dtype)) for v in (a, b)]
    return g.node("Div", reduced(g, "ReduceSum", g.node("Mul", a, b), dims, False), g.node("Mul", *sizes))


@counterpart("pairwise_distance")
def _pairwise_distance(g, out, x1, x2, p=2.0, eps=1e-6, keepdim=False):
    if p not in (1, 2):
        unsupported(f"a distance of order {p}")
    apart = g.node("Add", g.node("Sub", g.value(x1, out.dtype), g.value(x2, out.dtype)), g.value(eps, out.dtype))
    return reduced(g, f"ReduceL{int(p)}", apart, [-1], keepdim)


@counterpart("bilinear")
def _bilinear(g, out, input1, input2, weight, bias=None):
    name = g.node("Einsum", g.value(input1), g.value(weight), g.value(input2), equation="...i,kij,...j->...k")
    return name if bias is None else g.node("Add", name, g.value(bias))


# Lookups, activations, dropout.


@counterpart("embedding")
def _embedding(g, out, input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    return g.node("Gather", g.value(weight), g.value(input), axis=0)


def _along(kind):
    def written(g, out, input, dim=None, _stacklevel=3, dtype=None):
        dim = (0 if input.dim() in (0, 1, 3) else 1) if dim is None else dim
        return g.node(kind, g.value(input, out.dtype), axis=dim % max(input.dim(), 1))

    return written


FOUND["softmax"], FOUND["log_softmax"] = _along("Softmax"), _along("LogSoftmax")


@counterpart("softmin")
def _softmin(g, out, input, dim=None, _stacklevel=3, dtype=None):
    return g.node("Softmax", g.node("Neg", g.value(input, out.dtype)), axis=dim % max(input.dim(), 1))


@counterpart("gelu")
def _gelu(g, out, input, approximate="none"):
    x, number = g.value(input), lambda v: g.value(v, input.dtype)
    if approximate == "none":
        inner = g.node("Erf", g.node("Mul", x, number(1 / math.sqrt(2))))
    else:
        cube = g.node("Mul", g.node("Mul", g.node("Mul", x, x), x), number(0.044715))
        inner = g.node("Tanh", g.node("Mul", g.node("Add", x, cube), number(math.sqrt(2 / math.pi))))
    return g.node("Mul", g.node("Mul", x, number(0.5)), g.node("Add", inner, number(1.0)))


@counterpart("silu")
def _silu(g, out, input, inplace=False):
    x = g.value(input)
    return g.node("Mul", x, g.node("Sigmoid", x))


@counterpart("logsigmoid")
def _logsigmoid(g, out, input):
    return g.node("Neg", g.node("Softplus", g.node("Neg", g.value(input))))


@counterpart("leaky_relu")
def _leaky_relu(g, out, input, negative_slope=0.01, inplace=False):
    return g.node("LeakyRelu", g.value(input), alpha=float(negative_slope))


@counterpart("elu")
def _elu(g, out, input, alpha=1.0, inplace=False):
    return g.node("Elu", g.value(input), alpha=float(alpha))


@counterpart("celu")
def _celu(g, out, input, alpha=1.0, inplace=False):
    return g.node("Celu", g.value(input), alpha=float(alpha))


@counterpart("selu")
def _selu(g, out, input, inplace=False):
    return g.node("Selu", g.value(input))


@counterpart("hardtanh")
def _hardtanh(g, out, input, min_val=-1.0, max_val=1.0, inplace=False):
    return FOUND["clamp"](g, out, input, min_val, max_val)


@counterpart("relu6")
def _relu6(g, out, input, inplace=False):
    return FOUND["clamp"](g, out, input, 0.0, 6.0)


@counterpart("hardsigmoid")
def _hardsigmoid(g, out, input, inplace=False):
    return g.node("HardSigmoid", g.value(input), alpha=1 / 6, beta=0.5)


@counterpart("hardswish")
def _hardswish(g, out, input, inplace=False):
    return g.node("HardSwish", g.value(input))


@counterpart("softplus")
def _softplus(g, out, input, beta=1.0, threshold=20.0):
    x, number = g.value(input), lambda v: g.value(float(v), input.dtype)
    # From 20 on both are one number.
    if beta == 1 and threshold >= 20:
        return g.node("Softplus", x)
    scaled = g.node("Mul", x, number(beta))
    soft = g.node("Div", g.node("Softplus", scaled), number(beta))
    return g.node("Where", g.node("Greater", scaled, number(threshold)), x, soft)


@counterpart("tanhshrink")
def _tanhshrink(g, out, input):
    x = g.value(input)
    return g.node("Sub", x, g.node("Tanh", x))


@counterpart("prelu")
def _prelu(g, out, input, weight):
    slope = g.value(weight)
    if weight.numel() > 1 and input.dim() > 2:
        slope = g.node("Reshape", slope, g.ints(-1, *[1] * (input.dim() - 2)))
    return g.node("PRelu", g.value(input), slope)


@counterpart("glu")
def _glu(g, out, input, dim=-1):
    dim %= input.dim()
    half = input.shape[dim] // 2
    left, right = g.node("Split", g.value(input), g.ints(half, half), outputs=2, axis=dim)
    return g.node("Mul", left, g.node("Sigmoid", right))


@counterpart("threshold")
def _threshold(g, out, input, threshold, value, inplace=False):
    x = g.value(input)
    return g.node("Where", g.node("Greater", x, g.value(threshold, input.dtype)), x, g.value(value, input.dtype))


@counterpart("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "feature_alpha_dropout")
def _dropout(g, out, input, p=0.5, training=False, inplace=False, train=False):
    if (training or train) and p > 0:
        unsupported("dropout in training (`model.eval()` first)")
    return g.value(input)


@counterpart("pad")
def _pad(g, out, input, pad, mode="constant", value=None):
    kinds = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    before, after, n = [0] * input.dim(), [0] * input.dim(), len(pad) // 2
    for k in range(n):
        before[input.dim() - 1 - k], after[input.dim() - 1 - k] = pad[2 * k], pad[2 * k + 1]
    if mode == "circular" and g.opset < 19:
        unsupported("a circular pad (before opset version 19)")
    operands = [g.value(input), g.ints(*before, *after)] + ([g.value(value or 0, input.dtype)] if mode == "constant" else [])
    return g.node("Pad", *operands, mode=kinds[mode])


@counterpart("pixel_shuffle")
def _pixel_shuffle(g, out, input, upscale_factor):
    if input.dim() != 4:
        unsupported("a pixel shuffle of an input without samples")
    return g.node("DepthToSpace", g.value(input), blocksize=upscale_factor, mode="CRD")


@counterpart("pixel_unshuffle")
def _pixel_unshuffle(g, out, input, downscale_factor):
    r, (_, c, h, w) = downscale_factor, input.shape[-4:]
    parts = g.node("Reshape", g.value(input), g.ints(-1, c, h // r, r, w // r, r))
    return g.node("Reshape", g.node("Transpose", parts, perm=[0, 1, 3, 5, 2, 4]), g.ints(-1, c * r * r, h // r, w // r))


@counterpart("scaled_dot_product_attention")
def _attention(g, out, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if dropout_p > 0 or enable_gqa:
        unsupported("attention with dropout or with groups of queries")
    last = list(range(key.dim()))
    last[-1], last[-2] = last[-2], last[-1]
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    dtype = query.dtype
    scores = g.node("MatMul", g.node("Mul", g.value(query), g.value(float(scale), dtype)), g.node("Transpose", g.value(key), perm=last))
    if is_causal:
        attn_mask = tril(ones(query.shape[-2], key.shape[-2], dtype=bool))
    if isinstance(attn_mask, Tensor) and attn_mask.dtype is bool:
        scores = g.node("Where", g.value(attn_mask), scores, g.constant(full((), -inf, dtype=dtype)))
    elif attn_mask is not None:
        scores = g.node("Add", scores, g.value(attn_mask, dtype))
    return g.node("MatMul", g.node("Softmax", scores, axis=query.dim() - 1), g.value(value))


