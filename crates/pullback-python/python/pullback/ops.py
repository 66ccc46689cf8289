"""PyTorch's `torch.ops`: operations by the names that its C++ has for them, `ops.aten.NAME` with or without the name of an overload.

They are the functions of the same name of this package. What is an operation there and a composition here stands below."""

import sys as _sys


def _safe_softmax(self, dim, dtype=None):
    """A softmax in which rows that are -∞ throughout become 0."""
    blind = (self == -float("inf")).all(dim, keepdim=True)
    return self.masked_fill(blind, 0).softmax(dim, dtype=dtype).masked_fill(blind, 0)


def _scaled_dot_product_flash_attention_for_cpu(query, key, value, dropout_p=0.0, is_causal=False, *, attn_mask=None, scale=None):
    """Attention, and the logarithms of the sums that each query's weights were divided by."""
    import pullback

    out = pullback.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale)
    scores = query.detach() @ key.detach().mT * (query.size(-1) ** -0.5 if scale is None else scale)
    if is_causal:
        scores = scores.masked_fill(pullback.ones(scores.shape[-2:], dtype=pullback.bool).tril().logical_not(), -float("inf"))
    elif attn_mask is not None:
        scores = scores + attn_mask
    return out, scores.logsumexp(-1)


class _Operation:
    """An operation, and all of its overloads."""

    def __init__(self, name, function):
        self.__name__, self._function = name, function

    def __call__(self, *args, **kwargs):
        return self._function(*args, **kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __repr__(self):
        return f"<OpOverloadPacket(op='aten.{self.__name__}')>"


class _Names:
    """`ops.aten`."""

    def __getattr__(self, name):
        import pullback

        own = globals().get(name) if name in ("_safe_softmax", "_scaled_dot_product_flash_attention_for_cpu") else None
        for place in (pullback, pullback.nn.functional, pullback.linalg, pullback.special, pullback.Tensor):
            own = own or getattr(place, name, None)
        if not callable(own) or isinstance(own, type(_sys)):
            raise AttributeError(f"'_OpNamespace' 'aten' object has no attribute {name!r}")
        return _Operation(name, own)


aten = _Names()
