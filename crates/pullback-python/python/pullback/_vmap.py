"""`func.vmap`: a function of one row as a function of all rows.

It runs the function once for each row and stacks the results: right, differentiable and to any nesting, and as slow as a loop, since it
is one. Where speed counts, write the batch into the operations (`@`, broadcasting, `einsum`).
"""

import functools

from . import _trees
from ._native import Tensor, get_rng_state, set_rng_state


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


def _rows(leaves, rebuild, dims, size):
    """The arguments of each row; one of zeros where there are no rows, to learn what the function returns."""
    import pullback

    if size == 0:
        zero = [x if d is None else pullback.zeros([n for k, n in enumerate(x.shape) if k != d % x.dim()], dtype=x.dtype) for x, d in zip(leaves, dims)]
        yield rebuild(zero)
    for i in range(size):
        yield rebuild([x if d is None else x.select(d, i) for x, d in zip(leaves, dims)])


def _run(f, args, kwargs, randomness):
    """One row; 'error' turns random draws away."""
    if randomness != "error":
        return f(*args, **kwargs)
    before = get_rng_state()
    out = f(*args, **kwargs)
    if not bool((get_rng_state() == before).all()):
        set_rng_state(before.tolist())
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags on vmap "
            "or perform the randomness operation out of vmap"
        )
    return out


def _joined(f, values, dim, size):
    import pullback

    if dim is None:
        first = values[0]
        if isinstance(first, Tensor) and any(v is not first and not pullback.equal(v, first) for v in values[1:]):
            raise ValueError(f"vmap({_name(f)}, ...): `{_name(f)}` can not return a BatchedTensor when out_dim is None")
        return first
    for v in values:
        if not isinstance(v, Tensor):
            raise ValueError(
                f"vmap({_name(f)}, ...): `{_name(f)}` must only return Tensors, got type {type(v)}. Did you mean to set out_dims= to None for output?"
            )
    whole = pullback.stack(values, dim)
    return whole if size else whole.narrow(dim, 0, 0)


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """`func` over every row of the arguments: along `in_dims` (an int for all, or a tuple or tree with None for arguments that stay whole),
    results stacked along `out_dims`. `randomness`: "error", "different" or "same" numbers in every row.

    Runs `func` once for each row, so it costs what a loop costs; `chunk_size` changes nothing. Unlike PyTorch's it allows `.item()`,
    `if` and everything else that Python can do with one row.
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
        start = get_rng_state() if randomness == "same" else None
        results = []
        for row in _rows(leaves, rebuild, dims, size):
            if start is not None:
                set_rng_state(start.tolist())
            results.append(_run(func, row, kwargs, randomness))
        flat, shape = zip(*(_trees.flatten(r) for r in results))
        single = isinstance(out_dims, tuple) and len(out_dims) == 1 and isinstance(results[0], Tensor)
        places = _spread(out_dims[0] if single else out_dims, results[0])
        if places is None or any(len(row) != len(flat[0]) for row in flat):
            raise ValueError(f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of `outputs`.")
        return shape[0]([_joined(func, list(column), d, size) for column, d in zip(zip(*flat), places)])

    return wrapped
