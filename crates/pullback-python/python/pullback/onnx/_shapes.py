"""Counterparts among ONNX's operators: shapes, and elements by their places. How a counterpart is called is in `_basics.py`."""

from .. import Tensor, dtype, int64
from ._basics import FOUND, counterpart, dims_of, unsupported


def reshaped(g, out, input):
    return g.node("Reshape", g.value(input), g.same_shape(input, out.shape))


@counterpart("reshape", "view", "view_as", "reshape_as", "unflatten", "flatten", "ravel")
def _reshape(g, out, input, *sizes, **named):
    if isinstance(sizes[0] if sizes else None, dtype):
        unsupported("a view of memory in another dtype")
    return reshaped(g, out, input)


def _permuted(g, input, order):
    return g.node("Transpose", g.value(input), perm=[d % input.dim() for d in order])


def _swapped(g, out, input, dim0, dim1):
    order = list(range(input.dim()))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return _permuted(g, input, order)


def _permute(g, out, input, *dims):
    return _permuted(g, input, dims[0] if len(dims) == 1 and isinstance(dims[0], (list, tuple)) else dims)


def _moved(g, out, input, source, destination):
    source, destination = ([d % input.dim() for d in ((x,) if isinstance(x, int) else x)] for x in (source, destination))
    order = [d for d in range(input.dim()) if d not in source]
    for to, d in sorted(zip(destination, source)):
        order.insert(to, d)
    return _permuted(g, input, order)


for _name in ("transpose", "swapaxes", "swapdims"):
    FOUND[_name] = _swapped
FOUND["permute"], FOUND["movedim"], FOUND["moveaxis"] = _permute, _moved, _moved
FOUND["t"] = FOUND["T"] = FOUND["H"] = lambda g, out, input: _permuted(g, input, reversed(range(input.dim())))
FOUND["mT"] = FOUND["mH"] = lambda g, out, input: _swapped(g, out, input, -1, -2)


@counterpart("squeeze")
def _squeeze(g, out, input, dim=None):
    dims = [k for k, n in enumerate(input.shape) if n == 1] if dim is None else [d for d in dims_of(input, dim) if input.shape[d] == 1]
    return g.node("Squeeze", g.value(input), g.ints(*dims)) if dims else g.value(input)


@counterpart("unsqueeze")
def _unsqueeze(g, out, input, dim):
    return g.node("Unsqueeze", g.value(input), g.ints(dim % out.dim()))


@counterpart("expand", "expand_as", "broadcast_to")
def _expand(g, out, input, *sizes, **named):
    first = out.dim() - input.dim()
    return g.node("Expand", g.value(input), g.ints(*(1 if k >= first and n == input.shape[k - first] else n for k, n in enumerate(out.shape))))


@counterpart("repeat", "tile")
def _repeat(g, out, input, *sizes):
    sizes = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)) else sizes
    name = g.value(input)
    if len(sizes) > input.dim():
        name = g.node("Unsqueeze", name, g.ints(*range(len(sizes) - input.dim())))
    return g.node("Tile", name, g.ints(*[1] * (input.dim() - len(sizes)), *sizes))


@counterpart("cat", "concat", "concatenate")
def _cat(g, out, tensors, dim=0, axis=None):
    return g.node("Concat", *(g.value(t, out.dtype) for t in tensors), axis=(dim if axis is None else axis) % out.dim())


@counterpart("stack")
def _stack(g, out, tensors, dim=0):
    rows = [g.node("Unsqueeze", g.value(t, out.dtype), g.ints(dim % out.dim())) for t in tensors]
    return g.node("Concat", *rows, axis=dim % out.dim())


@counterpart("split", "chunk", "tensor_split", "split_with_sizes")
def _split(g, out, input, sizes, dim=0):
    dim %= input.dim()
    made = g.node("Split", g.value(input), g.ints(*(o.shape[dim] for o in out)), outputs=len(out), axis=dim)
    return made if len(out) > 1 else [made]


@counterpart("unbind")
def _unbind(g, out, input, dim=0):
    return [g.node("Gather", g.value(input), g.constant(k, int64), axis=dim % input.dim()) for k in range(len(out))]


@counterpart("narrow")
def _narrow(g, out, input, dim, start, length):
    dim %= input.dim()
    start = int(start) % max(input.shape[dim], 1)
    return g.node("Slice", g.value(input), g.ints(start), g.ints(start + length), g.ints(dim))


@counterpart("select")
def _select(g, out, input, dim, index):
    return g.node("Gather", g.value(input), g.constant(int(index), int64), axis=dim % input.dim())


@counterpart("index_select")
def _index_select(g, out, input, dim, index):
    return g.node("Gather", g.value(input), g.value(index), axis=dim % input.dim())


@counterpart("gather")
def _gather(g, out, input, dim, index, *, sparse_grad=False):
    return g.node("GatherElements", g.value(input), g.value(index), axis=dim % input.dim())


@counterpart("__getitem__")
def _getitem(g, out, input, key):
    items = list(key) if isinstance(key, tuple) else [key]
    counted = sum(1 for i in items if i is not None and i is not Ellipsis)
    fill = [slice(None)] * (input.dim() - counted)
    at = next((k for k, i in enumerate(items) if i is Ellipsis), len(items))
    items = items[:at] + fill + items[at + 1 :]
    name, dim, cut, one, new, place, lists = g.value(input), 0, [], [], [], 0, []
    for item in items:
        if item is None:
            new.append(place)
            place += 1
            continue
        if isinstance(item, slice):
            if item != slice(None):
                start, stop, step = item.indices(input.shape[dim])
                stop = stop if item.stop is not None else 2**63 - 1
                cut.append((start if item.start is None or item.start >= 0 else item.start, item.stop if item.stop is not None and item.stop < 0 else stop, dim, step))
            place += 1
        elif isinstance(item, Tensor) and item.dtype in (int64,) or isinstance(item, int) and not isinstance(item, type(True)):
            (lists if isinstance(item, Tensor) and item.dim() else one).append((dim, item))
            place += item.dim() if isinstance(item, Tensor) else 0
        else:
            unsupported(f"an index of type {type(item).__name__}")
        dim += 1
    if len(lists) > 1:
        unsupported("an index of several tensors")
    if cut:
        starts, stops, dims, steps = zip(*cut)
        name = g.node("Slice", name, g.ints(*starts), g.ints(*stops), g.ints(*dims), g.ints(*steps))
    for dim, item in sorted(lists + one, key=lambda found: -found[0]):
        name = g.node("Gather", name, g.value(item, int64), axis=dim)
    return g.node("Unsqueeze", name, g.ints(*new)) if new else name if name != g.value(input) else g.node("Identity", name)


@counterpart("tril", "triu")
def _tril(g, out, input, diagonal=0, upper=0):
    return g.node("Trilu", g.value(input), g.constant(diagonal, int64), upper=upper)


FOUND["triu"] = lambda g, out, input, diagonal=0: _tril(g, out, input, diagonal, 1)


@counterpart("flip")
def _flip(g, out, input, *dims):
    dims = dims_of(input, dims[0] if len(dims) == 1 and isinstance(dims[0], (list, tuple)) else dims)
    n = len(dims)
    return g.node("Slice", g.value(input), g.ints(*[-1] * n), g.ints(*[-(2**63) + 1] * n), g.ints(*dims), g.ints(*[-1] * n))

