"""`func.vmap`: a function of one row as a function of all rows.

The function runs once, on the first row, and is written down; its operations then run on whole batches, each by its own rule
(`map_rows`, in Rust). Derivatives inside of it are operations like others, and all that runs on batches may be differentiated, so transforms nest in
any order. Where the library itself looks at numbers that differ from row to row, the function runs once for each row instead.
"""

import functools
import warnings

from . import _trees
from ._native import Tensor, get_rng_state, map_rows, set_rng_state


def _name(f):
    if hasattr(f, "__name__"):
        return f.__name__
    return f"functools.partial({_name(f.func)}, ...)" if isinstance(f, functools.partial) else repr(f)


def _is_node(tree):
    return isinstance(tree, (tuple, list, dict))


def _spread(dims, tree):
    """`dims` for every leaf of a tree; None where the structures do not go together."""
    if not _is_node(tree):
        return None if _is_node(dims) else [dims]
    if not _is_node(dims):
        return [dims] * len(_trees.flatten(tree)[0])
    if type(dims) is not type(tree) and not (isinstance(dims, tuple) and isinstance(tree, tuple)) or len(dims) != len(tree):
        return None
    if isinstance(tree, dict):
        if dims.keys() != tree.keys():
            return None
        pairs = [(dims[k], tree[k]) for k in tree]
    else:
        pairs = list(zip(dims, tree))
    parts = [_spread(d, t) for d, t in pairs]
    return None if any(p is None for p in parts) else [d for part in parts for d in part]


def _checked_inputs(f, in_dims, args):
    where = f"vmap({_name(f)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(f"{where}expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got: {type(in_dims)}.")
    if not args:
        raise ValueError(
            f"vmap({_name(f)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with no inputs. "
            "The latter is unsupported."
        )
    leaves, rebuild = _trees.flatten(args)
    dims = _spread(in_dims, args)
    if dims is None:
        raise ValueError(f"{where}in_dims is not compatible with the structure of `inputs`.")
    sizes = []
    for x, d in zip(leaves, dims):
        if d is None:
            continue
        if not isinstance(d, int):
            raise ValueError(f"{where}Got in_dim={d} for an input but in_dim must be either an integer dimension or None.")
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{where}Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor arguments, "
                "please use None as the respective in_dim"
            )
        if not -x.dim() <= d < x.dim():
            raise ValueError(
                f"{where}Got in_dim={d} for some input, but that input is a Tensor of dimensionality {x.dim()} so expected in_dim to satisfy "
                f"-{x.dim()} <= in_dim < {x.dim()}."
            )
        sizes.append(x.shape[d])
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(n != sizes[0] for n in sizes):
        raise ValueError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped dimension")
    return leaves, rebuild, dims, sizes[0]


_named = set()


def _warn(slow):
    """PyTorch's warning for operations that ran row by row, once for each."""
    for name in slow:
        if name not in _named:
            _named.add(name)
            warnings.warn(
                f"There is a performance drop because we have not yet implemented the batching rule for aten::{name}. Please file us an issue on GitHub "
                "so that we can prioritize its implementation.",
                UserWarning,
                stacklevel=4,
            )


def over_rows(f, rows, size, randomness="same", start=None):
    """What `f`, which takes a list of tensors and gives one, gives for all rows: of each tensor in `rows` the first dimension counts `size` of them.
    For each result a tensor and whether its first dimension counts rows. `start` is the generator's state before, where rows may draw."""
    found = map_rows(f, rows, size, randomness)
    if found is not None:
        _warn(found[1])
        return found[0]
    import pullback

    results = []
    for i in range(size):
        if start is not None and (i == 0 or randomness == "same"):
            set_rng_state(start.tolist())
        results.append(f([x.select(0, i) for x in rows]))
    return [(pullback.stack(column), True) for column in zip(*results)]


def _placed(f, value, batched, dim, size):
    """A result with the rows where they are wanted."""
    if dim is None:
        if batched:
            raise ValueError(f"vmap({_name(f)}, ...): `{_name(f)}` can not return a BatchedTensor when out_dim is None")
        return value
    if not batched:
        value = value.expand(size, *value.shape)
    if not -value.dim() <= dim < value.dim():
        raise IndexError(f"Dimension out of range (expected to be in range of [-{value.dim()}, {value.dim() - 1}], but got {dim})")
    return value if dim == 0 else value.movedim(0, dim)


class _Results:
    """The structure of what a function gave, and what is no tensor in it."""

    def __init__(self, f, out_dims):
        self.f, self.out_dims, self.flat, self.rebuild, self.places = f, out_dims, None, None, None

    def tensors(self, result):
        f, out_dims = self.f, self.out_dims
        self.flat, self.rebuild = _trees.flatten(result)
        single = isinstance(out_dims, tuple) and len(out_dims) == 1 and isinstance(result, Tensor)
        self.places = _spread(out_dims[0] if single else out_dims, result)
        if self.places is None:
            raise ValueError(f"vmap({_name(f)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of `outputs`.")
        for value, dim in zip(self.flat, self.places):
            if dim is not None and not isinstance(value, Tensor):
                raise ValueError(
                    f"vmap({_name(f)}, ...): `{_name(f)}` must only return Tensors, got type {type(value)}. Did you mean to set out_dims= to None for output?"
                )
        return [x for x in self.flat if isinstance(x, Tensor)]

    def placed(self, found, size):
        found = iter(found)
        return [_placed(self.f, *next(found), dim, size) if isinstance(x, Tensor) else x for x, dim in zip(self.flat, self.places)]


def _mapped(f, leaves, rebuild, dims, size, kwargs, out_dims, randomness):
    """One chunk: the results in order, and the structure they have."""
    results = _Results(f, out_dims)
    mapped = [i for i, d in enumerate(dims) if d is not None]

    def row(own):
        args = list(leaves)
        for i, x in zip(mapped, own):
            args[i] = x
        return results.tensors(f(*rebuild(args), **kwargs))

    rows = [leaves[i] if dims[i] == 0 else leaves[i].movedim(dims[i], 0) for i in mapped]
    found = over_rows(row, rows, size, randomness, get_rng_state() if randomness != "error" else None)
    return results.placed(found, size), results


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """`func` over every row of the arguments: along `in_dims` (an int for all, or a tuple or tree with None for arguments that stay whole),
    results stacked along `out_dims`. `randomness`: "error", "different" or "same" numbers in every row. `chunk_size`: how many rows at
    once, where memory for all is too much.

    `func` runs once for all rows: `.item()`, `if` and whatever else asks for one number of a row is PyTorch's error.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        for d in _trees.flatten(out_dims)[0]:
            if d is not None and not isinstance(d, int):
                raise ValueError(
                    f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of ints representing "
                    "where in the outputs the vmapped dimension should appear."
                )
        leaves, rebuild, dims, size = _checked_inputs(func, in_dims, args)
        if chunk_size is None or chunk_size >= size:
            values, results = _mapped(func, leaves, rebuild, dims, size, kwargs, out_dims, randomness)
            return results.rebuild(values)
        return _in_chunks(func, leaves, rebuild, dims, size, kwargs, out_dims, randomness, chunk_size)

    return wrapped


def _in_chunks(func, leaves, rebuild, dims, size, kwargs, out_dims, randomness, chunk_size):
    import pullback

    start = get_rng_state() if randomness == "same" else None
    parts = []
    for at in range(0, size, chunk_size):
        if start is not None:
            set_rng_state(start.tolist())
        n = min(chunk_size, size - at)
        own = [x if d is None else x.narrow(d, at, n) for x, d in zip(leaves, dims)]
        values, results = _mapped(func, own, rebuild, dims, n, kwargs, out_dims, randomness)
        parts.append(values)
    joined = [
        pullback.cat(column, dim) if isinstance(column[0], Tensor) and dim is not None else column[0] for column, dim in zip(zip(*parts), results.places)
    ]
    return results.rebuild(joined)
