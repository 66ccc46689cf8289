"""PyTorch's `torch.onnx`: a model as an ONNX file, which other programs run.

`export` runs the model once and writes down the operators of ONNX that stand for what was called; a second run, with other numbers and with other sizes
where they may vary, must give the same graph. Operators are those of version 18; functions without a counterpart are an error that names them.
"""

from __future__ import annotations

import inspect as _inspect
import os as _os
import warnings as _warnings

from . import errors
from .errors import OnnxExporterError, SymbolicValueError, UnsupportedOperatorError

__all__ = ["errors", "ONNXProgram", "OnnxExporterError", "UnsupportedOperatorError", "export", "is_in_onnx_export"]
_OPSET, _NEWEST = 18, 23
_exporting = False


def is_in_onnx_export():
    """Whether a model is being written."""
    return _exporting


class ONNXProgram:
    """What `export` gives: the bytes of a file, and the names of what goes in and out."""

    def __init__(self, content, input_names, output_names):
        self.content, self.input_names, self.output_names = content, input_names, output_names

    def save(self, destination):
        """Writes the file, to a path (whole or not at all) or to what has `write`."""
        from .._files import replacing

        if hasattr(destination, "write"):
            destination.write(self.content)
            return
        with replacing(destination, "wb") as file:
            file.write(self.content)

    @property
    def model_proto(self):
        """The file as an object of the package `onnx`, which has to be installed."""
        import onnx  # type: ignore[import-not-found]

        return onnx.load_model_from_string(self.content)

    def __repr__(self):
        return f"ONNXProgram(inputs={self.input_names}, outputs={self.output_names}, bytes={len(self.content)})"


def export(
    model,
    args=(),
    f=None,
    *,
    kwargs=None,
    verbose=None,
    input_names=None,
    output_names=None,
    opset_version=None,
    dynamo=True,
    external_data=False,
    dynamic_shapes=None,
    dynamic_axes=None,
    export_params=True,
    keep_initializers_as_inputs=False,
    do_constant_folding=True,
    training=None,
    **options,
):
    """Runs a model on example arguments and writes it as an ONNX file.

    `args` is a tensor or a tuple (a dict at its end has the arguments by name, as `kwargs` does); `f` a path or a file, without which only the
    `ONNXProgram` is given back. `input_names` and `output_names` name tensors in order. `dynamic_axes` says which sizes may vary, `{"x": {0: "batch"}}` or
    `{"x": [0]}`; `dynamic_shapes` says the same by argument. All else has the example's size. The model is written as it is in evaluation.

    Raises `UnsupportedOperatorError` for a function without a counterpart and `SymbolicValueError` where the program computes with sizes that may vary, or with
    numbers taken out of the inputs, in Python: the file would be right for the example alone.

    >>> onnx.export(nn.Linear(3, 2), torch.ones(1, 3), "linear.onnx", input_names=["x"], dynamic_axes={"x": {0: "batch"}})
    """
    from .. import Tensor, no_grad
    from . import _layers, _trace, _two_runs

    if opset_version is not None and opset_version > _NEWEST:
        raise ValueError(f"Unsupported ONNX opset version: {opset_version}")
    if opset_version is not None and opset_version < _OPSET:
        _warnings.warn(f"Setting ONNX exporter to use operator set version {_OPSET} because the requested opset_version {opset_version} is a lower version than we have implementations for.", stacklevel=2)
    opset = max(opset_version or _OPSET, _OPSET)
    args = (args,) if isinstance(args, Tensor) or not isinstance(args, (tuple, list)) else tuple(args)
    kwargs = dict(kwargs or {})
    if args and isinstance(args[-1], dict) and not kwargs:
        args, kwargs = args[:-1], dict(args[-1])
    args, kwargs = _trace.apart((args, kwargs))
    given = _trace.flat((args, kwargs))
    names = _input_names(model, args, kwargs, list(input_names or ()), len(given))
    varying = _varying(names, given, dynamic_axes, dynamic_shapes, list(output_names or ()))
    parameters = [(p, n) for n, p in [*model.named_parameters(), *model.named_buffers()]] if hasattr(model, "named_parameters") else []

    # Every size that varies grows by another number, by which it is known again.
    grown = {own: k for k, own in enumerate(dict.fromkeys(own for dims in varying.values() for own in dims.values()), 1)}
    more = [{d: grown[own] for d, own in varying.get(n, {}).items()} for n in names]
    other_args, other_kwargs = _trace.other_inputs((args, kwargs), more)
    sizes = {(x.shape[d], x.shape[d] + rows): (n, d) for n, x, dims in zip(names, given, more) for d, rows in dims.items()}

    def run(whole):
        one, results, outs = _trace.traced(model, args, kwargs, names, parameters, opset, _layers.FOUND, whole)
        two, _, others = _trace.traced(model, other_args, other_kwargs, names, parameters, opset, _layers.FOUND, whole)
        replaced = _two_runs.joined(one, two, sizes)
        return one, [replaced.get(r, r) for r in results], outs, others

    global _exporting
    was, _exporting = getattr(model, "training", False), True
    try:
        if was:
            model.eval()
        with no_grad():
            try:
                graph, results, outs, other_outs = run(False)
            except SymbolicValueError:
                if not sizes:
                    raise
                graph, results, outs, other_outs = run(True)
    finally:
        _exporting = False
        if was:
            model.train()
    finals = list(output_names or ())[: len(results)]
    finals += [f"output_{k}" if len(results) > 1 else "output" for k in range(len(finals), len(results))]
    content = _written(graph, names, given, varying, results, finals, outs, other_outs, dynamic_axes, type(model).__name__, opset)
    program = ONNXProgram(content, names, finals)
    if f is not None:
        program.save(_os.fspath(f) if not hasattr(f, "write") else f)
    return program


def _input_names(model, args, kwargs, chosen, many):
    """A name for each tensor: the one that was given, or that of the argument."""
    from . import _trace

    try:
        parameters = [p for p in _inspect.signature(model.forward if hasattr(model, "forward") else model).parameters.values()]
    except (TypeError, ValueError):
        parameters = []
    found = []
    for k, a in enumerate(args):
        own = parameters[min(k, len(parameters) - 1)].name if parameters else "input"
        inside = len(_trace.flat(a))
        found += [own if inside == 1 else f"{own}_{i}" for i in range(inside)]
    for own, a in kwargs.items():
        inside = len(_trace.flat(a))
        found += [own if inside == 1 else f"{own}_{i}" for i in range(inside)]
    names = (chosen + found[len(chosen) :])[:many]
    if len(chosen) > many:
        raise ValueError(f"{len(chosen)} names for {many} inputs")
    return [n if names.index(n) == k else f"{n}_{k}" for k, n in enumerate(names)]


def _varying(names, given, axes, shapes, outputs):
    """For each input's name the dimensions that may vary, with their names."""
    found = {}
    for name, dims in (axes or {}).items():
        if name in names:
            found[name] = {d: f"{name}_dim_{d}" for d in dims} if not isinstance(dims, dict) else dict(dims)
        elif name not in outputs:
            _warnings.warn(f"Provided key {name} for dynamic axes is not a valid input/output name", stacklevel=3)
    if shapes is not None and not axes:
        spec = [shapes[k] for k in shapes] if isinstance(shapes, dict) else list(shapes)
        for name, dims in zip(names, spec):
            if dims:
                pairs = dims.items() if isinstance(dims, dict) else enumerate(dims)
                found[name] = {d: n if isinstance(n, str) else getattr(n, "__name__", None) or f"{name}_dim_{d}" for d, n in pairs if n is not None}
    for name, value in zip(names, given):
        if name in found:
            found[name] = {d % max(value.dim(), 1): n for d, n in found[name].items()}
    return found


def _written(graph, names, given, varying, results, finals, outs, other_outs, axes, title, opset):
    """The bytes of the file."""
    from .. import __version__
    from . import _file

    nodes, made = list(graph.nodes), {}
    # A result has its own name; one that is an input, a constant or another result is copied.
    taken = set(names) | set(graph.initializers)
    for result, final in zip(results, finals):
        if result in taken or result in made:
            nodes.append(("Identity", [made.get(result, result)], [final], {}))
        else:
            made[result] = final
    renamed = [(kind, [made.get(i, i) for i in ins], [made.get(o, o) for o in out], attributes) for kind, ins, out, attributes in nodes]
    needed, kept = set(finals), []
    for node in reversed(renamed):
        if needed & set(node[2]):
            needed |= set(node[1])
            kept.append(node)
    parts = [_file.data(1, _file.node(kind, f"/{kind}_{k}", ins, out, attributes)) for k, (kind, ins, out, attributes) in enumerate(reversed(kept))]
    parts.append(_file.data(2, title))
    parts += [_file.data(5, _file.tensor(name, value)) for name, value in graph.initializers.items() if name in needed]
    parts += [_file.data(11, _file.described(name, value, varying.get(name, {}))) for name, value in zip(names, given)]
    for final, out, other in zip(finals, outs, other_outs):
        own = (axes or {}).get(final, {})
        own = own if isinstance(own, dict) else {}
        dims = {d: own.get(d, f"{final}_dim_{d}") for d in range(out.dim()) if out.shape[d] != other.shape[d]}
        parts.append(_file.data(12, _file.described(final, out, dims)))
    return _file.model(b"".join(parts), opset, "pullback", str(__version__))
