"""Nested containers as a list of leaves and what builds them again, under PyTorch's names."""

from collections import OrderedDict, defaultdict, deque, namedtuple

_KINDS = {}


class TreeSpec:
    """How leaves are built into a container: its class, what is kept of it, and the specs of its parts. A leaf's has none."""

    def __init__(self, type, context, children_specs):
        self.type, self.context, self.children_specs = type, context, list(children_specs)
        self.num_leaves = sum(c.num_leaves for c in self.children_specs) if type is not None else 1

    def __eq__(self, other):
        return isinstance(other, TreeSpec) and (self.type, self.context, self.children_specs) == (other.type, other.context, other.children_specs)

    def __hash__(self):
        return hash(self.num_leaves)

    def is_leaf(self):
        """Whether it is that of a leaf."""
        return self.type is None

    def unflatten(self, leaves):
        """The container of leaves."""
        return tree_unflatten(leaves, self)

    def __repr__(self):
        return "*" if self.type is None else f"TreeSpec({self.type.__name__}, {self.context}, {self.children_specs})"


class LeafSpec(TreeSpec):
    """A leaf's."""

    def __init__(self):
        super().__init__(None, None, [])


def register_pytree_node(cls, flatten_fn, unflatten_fn, **options):
    """Has a class be a container: `flatten_fn(x)` gives its parts and a context, `unflatten_fn(parts, context)` builds it."""
    _KINDS[cls] = (flatten_fn, unflatten_fn)


_register_pytree_node = register_pytree_node


def _is_namedtuple(cls):
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def _kind(x):
    cls = type(x)
    if cls in _KINDS:
        return cls
    return namedtuple if _is_namedtuple(cls) else None


def _dict(make):
    return (lambda d: (list(d.values()), list(d)), lambda parts, keys: make(zip(keys, parts)))


_KINDS.update({
    list: (lambda x: (list(x), None), lambda parts, _: list(parts)),
    tuple: (lambda x: (list(x), None), lambda parts, _: tuple(parts)),
    dict: _dict(dict),
    OrderedDict: _dict(OrderedDict),
    defaultdict: (lambda d: (list(d.values()), (d.default_factory, list(d))), lambda parts, c: defaultdict(c[0], zip(c[1], parts))),
    deque: (lambda d: (list(d), d.maxlen), lambda parts, n: deque(parts, maxlen=n)),
    namedtuple: (lambda x: (list(x), type(x)), lambda parts, cls: cls(*parts)),
})  # fmt: skip
SUPPORTED_NODES = _KINDS


def tree_flatten(tree, is_leaf=None):
    """The leaves, and the spec that builds the tree of them."""
    kind = None if is_leaf is not None and is_leaf(tree) else _kind(tree)
    if kind is None:
        return [tree], LeafSpec()
    parts, context = _KINDS[kind][0](tree)
    leaves, specs = [], []
    for part in parts:
        found, spec = tree_flatten(part, is_leaf)
        leaves += found
        specs.append(spec)
    return leaves, TreeSpec(kind, context, specs)


def tree_unflatten(leaves, treespec):
    """The tree of leaves."""
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten(leaves, treespec): `leaves` has length {len(leaves)} but the spec refers to a pytree that holds {treespec.num_leaves} items ({treespec}).")
    if treespec.is_leaf():
        return leaves[0]
    parts, at = [], 0
    for spec in treespec.children_specs:
        parts.append(tree_unflatten(leaves[at : at + spec.num_leaves], spec))
        at += spec.num_leaves
    return _KINDS[treespec.type][1](parts, treespec.context)


def tree_leaves(tree, is_leaf=None):
    """The leaves."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree, is_leaf=None):
    """The spec."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func, tree, *rests, is_leaf=None):
    """The tree with `func` of each leaf, and of those in the same places of other trees."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [_flat_as(rest, spec) for rest in rests]
    return tree_unflatten([func(*xs) for xs in zip(leaves, *others)], spec)


def _flat_as(tree, spec):
    if spec.is_leaf():
        return [tree]
    parts, _ = _KINDS[spec.type][0](tree)
    if len(parts) != len(spec.children_specs):
        raise ValueError(f"Node arity mismatch; expected {len(spec.children_specs)}, but got {len(parts)}.")
    return [leaf for part, child in zip(parts, spec.children_specs) for leaf in _flat_as(part, child)]


def tree_map_(func, tree, *rests, is_leaf=None):
    """Calls `func` of each leaf, and gives the tree."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(kind, func, tree=None, is_leaf=None):
    """The tree with `func` of each leaf of a class."""
    matches = kind if callable(kind) and not isinstance(kind, type) else lambda x: isinstance(x, kind)
    return tree_map(lambda x: func(x) if matches(x) else x, tree, is_leaf=is_leaf)


def tree_any(predicate, tree, is_leaf=None):
    """Whether it holds of a leaf."""
    return any(map(predicate, tree_leaves(tree, is_leaf)))


def tree_all(predicate, tree, is_leaf=None):
    """Whether it holds of all leaves."""
    return all(map(predicate, tree_leaves(tree, is_leaf)))
