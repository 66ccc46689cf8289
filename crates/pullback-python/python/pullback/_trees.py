"""Nested tuples, lists and dicts of tensors, as PyTorch's functional API takes them."""

from ._native import Tensor


def flatten(tree):
    """The leaves of a tree, and what it takes to put it together again."""
    if isinstance(tree, (tuple, list)):
        parts = [flatten(t) for t in tree]
        leaves = [x for part in parts for x in part[0]]
        kind = type(tree)
        rebuilds = [(len(part[0]), part[1]) for part in parts]

        def rebuild(values):
            out, at = [], 0
            for n, make in rebuilds:
                out.append(make(values[at : at + n]))
                at += n
            return kind(*out) if hasattr(kind, "_fields") else kind(out)

        return leaves, rebuild
    if isinstance(tree, dict):
        keys = list(tree)
        leaves, rebuild_list = flatten([tree[k] for k in keys])
        return leaves, lambda values: type(tree)(zip(keys, rebuild_list(values)))
    return [tree], lambda values: values[0]


def words(tree):
    """The structure of a tree, with a star for each leaf."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{k!r}: {words(v)}" for k, v in tree.items()) + "}"
    if isinstance(tree, (tuple, list)):
        inside = ", ".join(words(t) for t in tree)
        return f"[{inside}]" if isinstance(tree, list) else f"({inside}{',' if len(tree) == 1 else ''})"
    return "*"


def is_tensor(x):
    return isinstance(x, Tensor)
