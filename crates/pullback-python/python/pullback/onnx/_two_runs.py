"""Two runs of a model, with inputs of two sizes, made one graph: constants that differ are written as what they are of the sizes that vary.

Understood are sizes themselves and whole multiples of them, in lists of sizes; tensors of one number; and `arange` up to a size. What else differs was
computed in Python from the inputs, and the file would be right for the example alone.
"""

from .. import int64
from .errors import SymbolicValueError


def joined(one, two, sizes):
    """Makes the constants of the first graph good for both runs. `sizes` has for a pair of sizes, of the first and of the second run, an input's name and a
    dimension. What computes them comes first; the names of what is
    computed are returned by those of the constants.
    """
    if [n[0] for n in one.nodes] != [n[0] for n in two.nodes]:
        _refuse("which operators are computed")
    for (kind, a, _, x), (_, b, _, y) in zip(one.nodes, two.nodes):
        if a != b or x != y:
            _refuse(f"what {kind} is given")
    before, one.nodes = one.nodes, []
    replaced = {}
    for k, (a, b) in enumerate(zip(one.constants, two.constants)):
        if a.shape == b.shape and a.dtype is b.dtype and (a.equal(b) or a.is_floating_point() and a.allclose(b, equal_nan=True)):
            continue
        if k in one.reshaped and (sizes_given := _shape(a, b, one.reshaped[k], two.reshaped[k])) is not None:
            one.initializers[f"constant_{k}"] = a.new_tensor(sizes_given)
            continue
        replaced[f"constant_{k}"] = _written(one, a, b, sizes) or _refuse(f"a constant of shape {tuple(a.shape)}")
    first, one.nodes = one.nodes, before
    one.nodes = first + [(kind, [replaced.get(i, i) for i in ins], outs, attributes) for kind, ins, outs, attributes in before]
    return replaced


def _refuse(what):
    raise SymbolicValueError(f"the model computes {what} from its inputs' sizes or numbers in Python: the file would be right for the example alone")


def _shape(a, b, had, have):
    """The sizes of a `Reshape`: 0 for one that the input has in the same place, -1 for one that is left over."""
    found, left = [], 0
    if a.shape != b.shape:
        return None
    for k, (n, m) in enumerate(zip(a.tolist(), b.tolist())):
        same_place = k < len(had) and (had[k], have[k]) == (n, m)
        found.append(n if n == m else 0 if same_place else -1)
        left += found[-1] == -1 and n != m
    return found if left <= 1 and 0 not in a.tolist() else None


def _size(graph, n, m, sizes):
    """The name of a number that is `n` in one run and `m` in the other."""
    if n == m:
        return graph.constant(n, int64)
    for (had, have), (name, dim) in sizes.items():
        if had and n % had == 0 and m % have == 0 and n // had == m // have:
            found = graph.node("Gather", graph.node("Shape", name), graph.constant(dim, int64), axis=0)
            return found if n == had else graph.node("Mul", found, graph.constant(n // had, int64))
    return None


def _sizes(graph, pairs, sizes):
    """The name of a list of such numbers."""
    parts = [_size(graph, n, m, sizes) for n, m in pairs]
    if None in parts:
        return None
    return graph.node("Concat", *(graph.node("Unsqueeze", p, graph.ints(0)) for p in parts), axis=0)


def _written(graph, a, b, sizes):
    """The name of what is `a` in one run and `b` in the other; `None` where it is not understood."""
    if a.dtype is not b.dtype or a.dim() != b.dim():
        return None
    if a.shape == b.shape:
        if a.dtype is not int64 or a.dim() > 1:
            return None
        return _size(graph, a.item(), b.item(), sizes) if a.dim() == 0 else _sizes(graph, zip(a.tolist(), b.tolist()), sizes)
    if a.numel() and b.numel() and (a == a.flatten()[0]).all() and (b == a.flatten()[0]).all():
        shape = _sizes(graph, zip(a.shape, b.shape), sizes)
        return shape and graph.node("Expand", graph.constant(a.flatten()[0].reshape([1] * a.dim())), shape)
    if a.dim() == 1 and a.dtype is int64 and min(len(a), len(b)) > 1:
        start, step = a[0].item(), (a[1] - a[0]).item()
        rows = [t - start == step * t.new_tensor(range(len(t))) for t in (a, b)]
        count = _size(graph, len(a), len(b), sizes)
        if count is not None and all(r.all() for r in rows):
            end = graph.node("Add", graph.node("Mul", count, graph.constant(step, int64)), graph.constant(start, int64))
            return graph.node("Range", graph.constant(start, int64), end, graph.constant(step, int64))
    return None
