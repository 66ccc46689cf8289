"""`nn.functional.multi_head_attention_forward`: attention with several heads, over the built-in operations."""

import math
import warnings

from .. import baddbmm, bmm, bool as bool_, cat, zeros, zeros_like


def _additive(mask, name, dtype):
    """A mask as numbers to add: a bool mask hides what is true."""
    if mask is None:
        return None
    if mask.dtype == bool_:
        return zeros_like(mask, dtype=dtype).masked_fill(mask, -math.inf)
    if not mask.dtype.is_floating_point:
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return mask


def warn_of_kinds(name, mask, other_name, other):
    """Says that two masks are of different dtypes, as PyTorch does."""
    if mask is not None and other is not None and mask.dtype != other.dtype:
        warnings.warn(f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.", stacklevel=3)


def _checked(query, key, value, num_heads, key_padding_mask, attn_mask):
    """Whether there is a dimension of samples."""
    if query.dim() not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D query tensor")
    if key.dim() != query.dim() or value.dim() != query.dim():
        how = "batched" if query.dim() == 3 else "unbatched"
        raise AssertionError(
            f"For {how} ({query.dim()}-D) `query`, expected `key` and `value` to be {query.dim()}-D "
            f"but found {key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != query.dim() - 1:
        raise AssertionError(f"expected `key_padding_mask` to be {query.dim() - 1}-D but found {key_padding_mask.dim()}-D tensor instead")
    if attn_mask is not None and attn_mask.dim() not in (2, 3):
        raise AssertionError(f"expected `attn_mask` to be 2-D or 3-D but found {attn_mask.dim()}-D tensor instead")
    return query.dim() == 3


def multi_head_attention_forward(
    query,
    key,
    value,
    embed_dim_to_check,
    num_heads,
    in_proj_weight,
    in_proj_bias,
    bias_k,
    bias_v,
    add_zero_attn,
    dropout_p,
    out_proj_weight,
    out_proj_bias,
    training=True,
    key_padding_mask=None,
    need_weights=True,
    attn_mask=None,
    use_separate_proj_weight=False,
    q_proj_weight=None,
    k_proj_weight=None,
    v_proj_weight=None,
    static_k=None,
    static_v=None,
    average_attn_weights=True,
    is_causal=False,
):
    """Attention of (length, samples, width) or (length, width) inputs, and its weights where they are asked for."""
    from . import functional as F

    batched = _checked(query, key, value, num_heads, key_padding_mask, attn_mask)
    warn_of_kinds("key_padding_mask", key_padding_mask, "attn_mask", attn_mask)
    if not batched:
        query, key, value = (t.unsqueeze(1) for t in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, samples, width = query.size()
    if width != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    if tuple(key.size()[:2]) != tuple(value.size()[:2]):
        raise AssertionError(f"key's sequence and batch dims {key.size()[:2]} do not match value's {value.size()[:2]}")
    head = width // num_heads
    if head * num_heads != width:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint. You may use the Transformer module method `generate_square_subsequent_mask` to create this mask.")
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = _additive(attn_mask, "attn_mask", query.dtype)
        is_causal = is_causal and key_padding_mask is None
    key_padding_mask = _additive(key_padding_mask, "key_padding_mask", query.dtype)

    biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
    matrices = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight.chunk(3)
    q, k, v = (F.linear(t, w, b) for t, w, b in zip((query, key, value), matrices, biases))

    if attn_mask is not None:
        want = (length, key.size(0)) if attn_mask.dim() == 2 else (samples * num_heads, length, key.size(0))
        if tuple(attn_mask.size()) != want:
            raise RuntimeError(f"The shape of the {attn_mask.dim()}D attn_mask is {attn_mask.size()}, but should be {want}.")
        attn_mask = attn_mask.unsqueeze(0) if attn_mask.dim() == 2 else attn_mask

    def one_more(mask):
        return None if mask is None else F.pad(mask, (0, 1))

    if bias_k is not None:
        k, v = cat([k, bias_k.repeat(1, samples, 1)]), cat([v, bias_v.repeat(1, samples, 1)])
        attn_mask, key_padding_mask = one_more(attn_mask), one_more(key_padding_mask)

    def heads(t):
        return t.reshape(t.size(0), samples * num_heads, head).transpose(0, 1)

    q = heads(q)
    k = heads(k) if static_k is None else static_k
    v = heads(v) if static_v is None else static_v
    if add_zero_attn:
        none = zeros(samples * num_heads, 1, head, dtype=k.dtype)
        k, v = cat([k, none], dim=1), cat([v, none], dim=1)
        attn_mask, key_padding_mask = one_more(attn_mask), one_more(key_padding_mask)
    source = k.size(1)
    if key_padding_mask is not None:
        if tuple(key_padding_mask.size()) != (samples, source):
            raise AssertionError(f"expecting key_padding_mask shape of {(samples, source)}, but got {key_padding_mask.size()}")
        hidden = key_padding_mask.view(samples, 1, 1, source).expand(-1, num_heads, -1, -1).reshape(samples * num_heads, 1, source)
        attn_mask = hidden if attn_mask is None else attn_mask + hidden
    dropout_p = dropout_p if training else 0.0

    weights = None
    if need_weights:
        q = q * math.sqrt(1.0 / head)
        scores = bmm(q, k.transpose(-2, -1)) if attn_mask is None else baddbmm(attn_mask, q, k.transpose(-2, -1))
        weights = scores.softmax(dim=-1)
        if dropout_p > 0.0:
            weights = F.dropout(weights, p=dropout_p)
        output = bmm(weights, v).transpose(0, 1).reshape(length * samples, width)
        weights = weights.view(samples, num_heads, length, source)
        if average_attn_weights:
            weights = weights.mean(dim=1)
        weights = weights if batched else weights.squeeze(0)
    else:
        if attn_mask is not None:
            one = attn_mask.size(0) == 1
            attn_mask = attn_mask.unsqueeze(0) if one else attn_mask.reshape(samples, num_heads, -1, source)
        q, k, v = (t.reshape(samples, num_heads, -1, head) for t in (q, k, v))
        output = F.scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal)
        output = output.permute(2, 0, 1, 3).reshape(length * samples, width)
    output = F.linear(output, out_proj_weight, out_proj_bias).view(length, samples, -1)
    return (output if batched else output.squeeze(1)), weights
