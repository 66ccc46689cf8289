"""A model's run as a graph of ONNX's operators: a mode sees every function that is called, and its counterpart writes nodes.

What does not depend on the inputs is a constant. A run with other inputs, larger where a size is said to vary, must give the same graph: so sizes and numbers
that a program computed from its inputs in Python are found, which would be wrong in the file.
"""

from .. import Tensor, bool, cat, tensor
from ..overrides import TorchFunctionMode, resolve_name
from . import _file
from .errors import OnnxExporterError, UnsupportedOperatorError

# Questions whose answers are no tensors, and tensors made by a shape alone.
ASKED = frozenset(
    "size shape dim ndim dtype device numel nelement stride is_floating_point is_complex is_contiguous requires_grad is_leaf grad grad_fn data_ptr __len__ is_nested layout is_cuda is_meta "
    "is_sparse is_quantized is_cpu _version _base element_size itemsize nbytes storage_offset type is_same_size __repr__ __str__ __format__ names is_mps is_xpu is_inference get_device "
    "zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_empty new_tensor is_tensor result_type requires_grad_ retain_grad register_hook output_nr".split()
)
# What takes numbers out of tensors: right in the file where the numbers are the same for every input.
TAKEN = frozenset("item tolist numpy __bool__ __float__ __int__ __index__ __array__ __contains__ equal allclose is_nonzero".split())


# Tensors made by sizes alone: with `whole`, what is computed of them is written too, since the sizes may vary.
MADE = frozenset("zeros ones full arange empty zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_empty".split())


class Graph:
    """Nodes in the order in which they compute, and the names of values."""

    def __init__(self, opset):
        self.opset, self.nodes, self.initializers, self.constants = opset, [], {}, []
        self.names, self.alive, self.given, self.count, self.reshaped = {}, [], {}, 0, {}

    def name(self, value, name):
        """From now on a tensor's value has a name."""
        self.alive.append(value)
        self.names[id(value)] = name

    def known(self, value):
        return isinstance(value, Tensor) and id(value) in self.names

    def fresh(self, kind):
        self.count += 1
        return f"/{kind}_{self.count}"

    def node(self, kind, *inputs, outputs=1, **attributes):
        """Writes a node; returns the name of its result, or the names of several."""
        names = [f"{self.fresh(kind)}_output_{k}" for k in range(outputs)]
        self.nodes.append((kind, list(inputs), names, {k: v for k, v in attributes.items() if v is not None}))
        return names[0] if outputs == 1 else names

    def constant(self, value, dtype=None, name=None):
        """The name of a tensor, a number, or a list of integers that is a part of the file."""
        if not isinstance(value, Tensor):
            value = tensor(value, dtype=dtype)
        if name is None:
            name = f"constant_{len(self.constants)}"
            self.constants.append(value)
        self.initializers[name] = value
        return name

    def ints(self, *values):
        from .. import int64

        return self.constant([int(v) for v in values], int64)

    def value(self, x, dtype=None):
        """The name of a tensor, or of a number, as an operand of a dtype."""
        if not isinstance(x, Tensor):
            return self.constant(x, dtype)
        if self.known(x):
            name = self.names[id(x)]
        elif id(x) in self.given:
            name = self.given[id(x)]
            self.initializers[name] = x
        else:
            return self.constant(x if dtype is None else x.to(dtype))
        return name if dtype is None or x.dtype is dtype else self.node("Cast", name, to=_file.TYPES[dtype.name])

    def same_shape(self, input, sizes):
        """The sizes that a tensor is given; where they vary they may be those it has already."""
        self.reshaped[len(self.constants)] = tuple(input.shape)
        return self.ints(*sizes)


class Tracing(TorchFunctionMode):
    """While it is on, every function that reads what depends on the inputs is written into a graph."""

    def __init__(self, graph, counterparts, whole=False):
        super().__init__()
        self.graph, self.counterparts, self.whole = graph, counterparts, whole

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, graph = kwargs or {}, self.graph
        path = resolve_name(func) or getattr(func, "__name__", str(func))
        name = path.removesuffix(".__get__").rsplit(".", 1)[-1]
        if self.whole and name in MADE:
            made = func(*args, **kwargs)
            graph.name(made, graph.constant(made))
            return made
        if not any(graph.known(a) or self.whole and isinstance(a, Tensor) for a in _every((args, kwargs))):
            return func(*args, **kwargs)
        if name in ASKED or name in TAKEN:
            return func(*args, **kwargs)
        plain = name.removesuffix("_") if not name.startswith("__") else name
        found = self.counterparts.get(plain)
        if found is None:
            inner = getattr(func, "__wrapped__", None)
            if inner is None or name == "einsum":
                raise UnsupportedOperatorError(f"Exporting the operator 'aten::{name}' to ONNX opset version {graph.opset} is not supported.")
            with self:
                return inner(*args, **kwargs)
        written = args[0] if plain != name and args and isinstance(args[0], Tensor) else None
        if written is not None and (written._base is not None):
            raise UnsupportedOperatorError(f"Exporting the operator 'aten::{name}' on a view to ONNX opset version {graph.opset} is not supported.")
        # What is written in place is read before.
        operands = {id(a): graph.names[id(a)] for a in _every((args, kwargs)) if graph.known(a)}
        out = func(*args, **kwargs)
        graph.names.update(operands)
        names = found(graph, out, *args, **kwargs)
        if isinstance(out, Tensor):
            graph.name(out, names)
        else:
            for value, name in zip(out, names):
                graph.name(value, name)
        return out


def _every(tree):
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from _every(part)
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from _every(part)
    else:
        yield tree


def flat(tree):
    """The tensors of what a model takes or gives, in order."""
    return [t for t in _every(tree) if isinstance(t, Tensor)]


def traced(model, args, kwargs, names, parameters, opset, counterparts, whole):
    """The graph of one run, the names of its results, and the results. `whole`: what does not depend on the inputs' numbers is written too."""
    graph = Graph(opset)
    graph.given = {id(p): name for p, name in parameters}
    for value, name in zip(flat((args, kwargs)), names):
        graph.name(value, name)
    with Tracing(graph, counterparts, whole):
        out = model(*args, **kwargs)
    results = flat(out)
    if not results:
        raise OnnxExporterError("the model returns no tensors")
    return graph, [graph.value(r) for r in results], results


def apart(tree, met=None):
    """Arguments of which no two are one object, so that each has a name."""
    met = set() if met is None else met
    if isinstance(tree, dict):
        return {k: apart(v, met) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        parts = [apart(v, met) for v in tree]
        return type(tree)._make(parts) if hasattr(tree, "_make") else type(tree)(parts)
    if not isinstance(tree, Tensor):
        return tree
    made = tree.detach() if id(tree) in met else tree
    met.add(id(made))
    return made


def other_inputs(tree, more):
    """Inputs of the same kinds with other numbers, and with so many rows more where a dimension varies. `more` has those for each tensor in order."""
    rest = iter(more)

    def changed(x):
        if isinstance(x, dict):
            return {k: changed(v) for k, v in x.items()}
        if isinstance(x, (list, tuple)):
            parts = [changed(v) for v in x]
            return type(x)._make(parts) if hasattr(x, "_make") else type(x)(parts)
        if not isinstance(x, Tensor):
            return x
        for dim, rows in sorted(next(rest).items()):
            x = cat([x, *[x.narrow(dim, 0, 1)] * rows], dim)
        x = x.detach().flip(list(range(x.dim())))
        return x * 0.75 + 0.125 if x.is_floating_point() else ~x if x.dtype is bool else x

    return changed(tree)
