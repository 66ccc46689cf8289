"""Points and segments counted and reduced: `histogramdd`, `segment_reduce`; and `range`, which PyTorch keeps for old programs."""

import warnings

from . import _native, _parts

Tensor = _native.Tensor


def _edges(x, bins, range):
    """The edges of bins along each dimension: those given, or so many of one width."""
    import pullback

    n = x.size(-1)
    if isinstance(bins, int):
        bins = [bins] * n
    if len(bins) and isinstance(bins[0], Tensor):
        if len(bins) != n:
            raise RuntimeError(f"torch.histogramdd: expected {n} sequences of bin edges for a {n}-dimensional histogram but got {len(bins)}")
        for d, edges in enumerate(bins):
            if edges.dtype is not x.dtype:
                raise RuntimeError(
                    "torch.histogramdd: input tensor and bins tensors should have the same dtype, "
                    f"but got input with dtype {_named(x)} and bins for dimension {d} with dtype {_named(edges)}"
                )
            if edges.dim() != 1:
                raise RuntimeError(f"torch.histogramdd: bins tensor should have one dimension, but got {edges.dim()} dimensions in the bins tensor for dimension {d}")
            if edges.numel() == 0:
                raise RuntimeError(f"torch.histogramdd: bins tensor should have at least 1 element, but got {edges.numel()} elements in the bins tensor for dimension {d}")
        return [edges.detach().clone() for edges in bins]
    if len(bins) != n:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    for d, count in enumerate(bins):
        if count <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {count} for dimension {d}")
    if range is None:
        ends = [None] * n
    else:
        if len(range) != 2 * n:
            raise RuntimeError(f"torch.histogramdd: for a {n}-dimensional histogram range should have {2 * n} elements, but got {len(range)}")
        ends = [tuple(range[2 * d : 2 * d + 2]) for d in _python_range(n)]
        for d, (low, high) in enumerate(ends):
            if low > high:
                raise RuntimeError(f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {d}")
    if x.numel() == 0:
        ends = [(0.0, 1.0) if end is None else end for end in ends]
    columns = x.detach().reshape(-1, n)
    return [pullback.histogram(columns[:, d].contiguous(), count, range=end).bin_edges for d, (count, end) in enumerate(zip(bins, ends))]


_python_range = range


def _named(x):
    return x.type().removeprefix("torch.").removesuffix("Tensor").lower()


def histogramdd(input, bins, range=None, weight=None, density=False):
    """How many points, or how much weight, lie in each of the bins that edges along every dimension make. The last dimension is a point's.

    The bins of a dimension are so many of one width, over the data or a `range` of two numbers each, or between edges that are given. `density`
    divides by the whole and by each bin's size. The result has no gradient."""
    import pullback

    if input.dim() < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    if not input.is_floating_point():
        name = input.type().removeprefix("torch.").removesuffix("Tensor")
        raise NotImplementedError(f'"histogramdd" not implemented for \'{name}\'')
    if weight is not None:
        if weight.shape != input.shape[:-1]:
            raise RuntimeError(
                "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension, "
                f"but got input with shape {list(input.shape)} and weight with shape {list(weight.shape)}"
            )
        if weight.dtype is not input.dtype:
            raise RuntimeError(
                f"torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but got input({_named(input)}), and weight({_named(weight)})"
            )
    edges = _edges(input, bins, range)
    points = input.detach().reshape(-1, input.size(-1))
    shape = [e.numel() - 1 for e in edges]
    place, inside = pullback.zeros(points.size(0), dtype=_native.int64), pullback.ones(points.size(0), dtype=_native.bool)
    for d, e in enumerate(edges):
        x = points[:, d].contiguous()
        inside &= (x >= e[0]) & (x <= e[-1])
        # The last bin has its right edge too.
        at = (pullback.searchsorted(e, x, right=True) - 1).clamp(min=0, max=max(shape[d] - 1, 0))
        place = place * shape[d] + at
    weights = pullback.ones(points.size(0), dtype=input.dtype) if weight is None else weight.detach().reshape(-1)
    hist = pullback.zeros(_product(shape), dtype=input.dtype).index_add(0, place[inside], weights[inside]).reshape(shape)
    if density:
        hist = hist / hist.sum()
        for d, e in enumerate(edges):
            hist = hist / e.diff().reshape([-1 if k == d else 1 for k in _python_range(len(edges))])
    return _parts.return_type("histogramdd", ["hist", "bin_edges"], (hist, tuple(edges)))


def _product(numbers):
    total = 1
    for n in numbers:
        total *= n
    return total


def _segments(data, lengths, offsets, axis):
    """The lengths of segments: what is given, or differences of offsets."""
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if lengths is not None and lengths.dtype not in (_native.int32, _native.int64) or offsets is not None and offsets.dtype not in (_native.int32, _native.int64):
        raise RuntimeError("segment_reduce(): lengths and offsets must be of integer type.")
    return offsets.diff(dim=axis) if lengths is None else lengths


def segment_reduce(data, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None):
    """Neighbouring elements along a dimension reduced, segment by segment: `max`, `mean`, `min`, `sum` or `prod`. What segments there are say their
    `lengths`, or the `offsets` that they begin at, with the end of the last one."""
    import pullback

    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if axis < 0:
        axis += data.dim()
    if not unsafe and lengths is not None and bool((lengths < 0).any()):
        raise RuntimeError("lengths contains negative value!")
    if reduce not in ("max", "mean", "min", "sum", "prod"):
        raise RuntimeError(f"unsupported reduction given! {reduce}")
    lengths = _segments(data, lengths, offsets, axis)
    if not unsafe and axis == 0 and data.dim() and bool((lengths.sum(-1) != data.size(axis)).any()):
        raise RuntimeError("Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when !unsafe.")
    head, tail = data.shape[:axis], data.shape[axis + 1 :]
    rows, count, size = _product(head), lengths.size(axis), data.size(axis)
    each = lengths.reshape(rows, count).to(_native.int64)
    # What lies beyond the last segment is in one that is cut off.
    rest = size - each.sum(1, keepdim=True)
    owner = pullback.arange(rows * (count + 1)).repeat_interleave(pullback.cat([each, rest], 1).flatten())
    flat = data.reshape(rows * size, _product(tail))
    start = {"max": -float("inf"), "min": float("inf"), "prod": 1.0}.get(reduce, 0.0) if initial is None else float(initial)
    made = data.new_full((rows * (count + 1), flat.size(1)), start)
    owner = owner.unsqueeze(1).expand(flat.shape)
    if reduce in ("sum", "mean"):
        made = made.scatter_add(0, owner, flat)
    elif reduce == "prod":
        made = made.scatter_reduce(0, owner, flat, "prod", include_self=True)
    else:
        far = data.new_full(made.shape, -float("inf") if reduce == "max" else float("inf"))
        found = far.scatter_reduce(0, owner, flat, "a" + reduce, include_self=True)
        made = pullback.where(found >= made if reduce == "max" else found <= made, found, made)
    made = made.reshape(rows, count + 1, -1)[:, :count]
    if reduce == "mean":
        many = each.unsqueeze(2).to(made.dtype)
        made = made / many.clamp(min=1)
        if initial is None:
            made = made.masked_fill(many == 0, float("nan"))
    return made.reshape(*head, count, *tail)


def range_(start, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """Numbers from `start` to `end`, with the end, in steps: `torch.range`, which PyTorch warns of."""
    import pullback

    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with Python's range builtin. "
        "Instead, use torch.arange, which produces values in [start, end).",
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (step > 0 and end >= start or step < 0 and end <= start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    dtype = pullback.get_default_dtype() if dtype is None else dtype
    count = int((end - start) / step) + 1
    whole = not dtype.is_floating_point
    made = pullback.arange(count, dtype=_native.int64 if whole else _native.float64, device=device)
    made = (made * (int(step) if whole else float(step)) + (int(start) if whole else float(start))).to(dtype)
    if out is not None:
        return out.resize_(made.shape).copy_(made)
    return made.requires_grad_(requires_grad)


range_.__name__ = range_.__qualname__ = "range"
for _function in (histogramdd, segment_reduce, range_):
    _function.__module__ = "pullback"
