"""Counterparts among ONNX's operators: numbers element by element, and reductions. Shapes and places are in `_shapes.py`, the layers of networks in `_layers.py`.

A counterpart takes the graph, the result that the run gave (its dtype and shape), and the function's own arguments; it writes nodes and returns the name of
the result.
"""

import math

from .. import Tensor, bool, int64, result_type
from . import _file
from .errors import UnsupportedOperatorError

FOUND = {}


def counterpart(*names):
    def noted(function):
        for name in names:
            FOUND[name] = function
        return function

    return noted


def unsupported(what):
    raise UnsupportedOperatorError(f"Exporting {what} to ONNX is not supported.")


def cast(g, name, have, want):
    return name if have is want else g.node("Cast", name, to=_file.TYPES[want.name])


def dims_of(x, dim):
    """The dimensions a reduction is over; `None` for all."""
    if dim is None or isinstance(dim, (tuple, list)) and not dim:
        return None
    return [d % max(x.dim(), 1) for d in ((dim,) if isinstance(dim, int) else dim)]


# One operator of ONNX for one function.

_UNARY = {
    "neg": "Neg", "negative": "Neg", "abs": "Abs", "absolute": "Abs", "__abs__": "Abs", "__neg__": "Neg", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos", "atan": "Atan", "sinh": "Sinh", "cosh": "Cosh",
    "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh", "tanh": "Tanh", "sigmoid": "Sigmoid", "expit": "Sigmoid", "erf": "Erf", "floor": "Floor", "ceil": "Ceil", "round": "Round", "sign": "Sign", "reciprocal": "Reciprocal", "relu": "Relu", "softsign": "Softsign",
    "logical_not": "Not", "isnan": "IsNaN", "isinf": "IsInf", "bitwise_not": "Not", "__invert__": "Not", "mish": "Mish",
}  # fmt: skip


def _unary(kind):
    def written(g, out, input, *options, **named):
        # A float of an integer is computed as a float.
        dtype = input.dtype if kind in ("IsNaN", "IsInf", "Not") else out.dtype
        return g.node(kind, g.value(input, dtype))

    return written


for _name, _kind in _UNARY.items():
    FOUND[_name] = _unary(_kind)

_ARITHMETIC = {"mul": "Mul", "multiply": "Mul", "pow": "Pow", "maximum": "Max", "minimum": "Min", "true_divide": "Div", "matmul": "MatMul", "mm": "MatMul", "bmm": "MatMul", "mv": "MatMul", "dot": "MatMul"}
_COMPARED = {"eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual"}
_LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor", "__and__": "And", "__or__": "Or", "__xor__": "Xor"}


def _arithmetic(kind):
    def written(g, out, input, other):
        return g.node(kind, g.value(input, out.dtype), g.value(other, out.dtype))

    return written


def _compared(kind):
    def written(g, out, input, other):
        dtype = result_type(input, other)
        return g.node(kind, g.value(input, dtype), g.value(other, dtype))

    return written


def _logical(kind):
    def written(g, out, input, other):
        if out.dtype is not bool:
            unsupported(f"bits of integers ({kind.lower()})")
        return g.node(kind, g.value(input, bool), g.value(other, bool))

    return written


for _table, _made in ((_ARITHMETIC, _arithmetic), (_COMPARED, _compared), (_LOGICAL, _logical)):
    for _name, _kind in _table.items():
        FOUND[_name] = _made(_kind)


@counterpart("ne", "not_equal")
def _ne(g, out, input, other):
    return g.node("Not", FOUND["eq"](g, out, input, other))


@counterpart("add", "sub", "subtract", "__radd__")
def _add(g, out, input, other, *, alpha=1, kind="Add"):
    right = g.value(other, out.dtype)
    if alpha != 1:
        right = g.node("Mul", right, g.value(alpha, out.dtype))
    return g.node(kind, g.value(input, out.dtype), right)


FOUND["sub"] = FOUND["subtract"] = lambda g, out, input, other, *, alpha=1: _add(g, out, input, other, alpha=alpha, kind="Sub")
FOUND["__rsub__"] = FOUND["rsub"] = lambda g, out, input, other, alpha=1: _add(g, out, other, input, alpha=alpha, kind="Sub")
FOUND["__rpow__"] = lambda g, out, input, other: FOUND["pow"](g, out, other, input)
FOUND["__rmatmul__"] = lambda g, out, input, other: FOUND["matmul"](g, out, other, input)


@counterpart("div", "divide", "floor_divide", "__floordiv__")
def _div(g, out, input, other, *, rounding_mode=None):
    left, right = g.value(input, out.dtype), g.value(other, out.dtype)
    if rounding_mode == "floor" and not out.is_floating_point():
        # A quotient of integers is cut off at the point; without the rest, whose sign is the divisor's, nothing is.
        left = g.node("Sub", left, g.node("Mod", left, right, fmod=0))
    name = g.node("Div", left, right)
    if rounding_mode is None or not out.is_floating_point():
        return name
    return g.node("Floor", name) if rounding_mode == "floor" else g.node("Mul", g.node("Floor", g.node("Abs", name)), g.node("Sign", name))


FOUND["floor_divide"] = FOUND["__floordiv__"] = lambda g, out, input, other: _div(g, out, input, other, rounding_mode="floor")
FOUND["__rtruediv__"] = lambda g, out, input, other: _div(g, out, other, input)


@counterpart("square")
def _square(g, out, input):
    name = g.value(input, out.dtype)
    return g.node("Mul", name, name)


@counterpart("rsqrt")
def _rsqrt(g, out, input):
    return g.node("Reciprocal", g.node("Sqrt", g.value(input, out.dtype)))


@counterpart("log1p")
def _log1p(g, out, input):
    return g.node("Log", g.node("Add", g.value(input, out.dtype), g.value(1.0, out.dtype)))


@counterpart("expm1")
def _expm1(g, out, input):
    return g.node("Sub", g.node("Exp", g.value(input, out.dtype)), g.value(1.0, out.dtype))


@counterpart("log2", "log10")
def _log2(g, out, input, base=math.log(2.0)):
    return g.node("Mul", g.node("Log", g.value(input, out.dtype)), g.value(1.0 / base, out.dtype))


FOUND["log10"] = lambda g, out, input: _log2(g, out, input, math.log(10.0))


@counterpart("remainder")
def _remainder(g, out, input, other):
    if not out.is_floating_point():
        return g.node("Mod", g.value(input, out.dtype), g.value(other, out.dtype), fmod=0)
    a, b = g.value(input, out.dtype), g.value(other, out.dtype)
    return g.node("Sub", a, g.node("Mul", g.node("Floor", g.node("Div", a, b)), b))


@counterpart("fmod")
def _fmod(g, out, input, other):
    return g.node("Mod", g.value(input, out.dtype), g.value(other, out.dtype), fmod=1)


@counterpart("clamp", "clip", "clamp_min", "clamp_max")
def _clamp(g, out, input, min=None, max=None):
    name = g.value(input, out.dtype)
    if min is not None:
        name = g.node("Max", name, g.value(min, out.dtype))
    return name if max is None else g.node("Min", name, g.value(max, out.dtype))


FOUND["clamp_max"] = lambda g, out, input, max: _clamp(g, out, input, None, max)


@counterpart("where")
def _where(g, out, condition, input, other):
    if isinstance(condition, Tensor) and condition.dtype is not bool:
        condition, input = input, condition  # the method: `input.where(condition, other)`
    return g.node("Where", g.value(condition, bool), g.value(input, out.dtype), g.value(other, out.dtype))


@counterpart("masked_fill")
def _masked_fill(g, out, input, mask, value):
    return g.node("Where", g.value(mask, bool), g.value(value, out.dtype), g.value(input))


@counterpart("addmm", "addbmm")
def _addmm(g, out, input, mat1, mat2, *, beta=1, alpha=1):
    return g.node("Gemm", g.value(mat1), g.value(mat2), g.value(input, out.dtype), alpha=float(alpha), beta=float(beta))


@counterpart("einsum")
def _einsum(g, out, equation, *operands):
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    return g.node("Einsum", *(g.value(o, out.dtype) for o in operands), equation=equation)


# Dtypes, and what changes nothing.


@counterpart("to", "float", "double", "half", "bfloat16", "long", "int", "bool", "type_as", "short", "byte", "char", "type", "cpu")
def _to(g, out, input, *options, **named):
    return g.value(input, out.dtype)


@counterpart("clone", "contiguous", "detach", "data", "alias", "view_as_real_", "resolve_conj", "resolve_neg", "copy_to_host", "real")
def _same(g, out, input, *options, **named):
    return g.value(input)


# Reductions.

_REDUCED = {"sum": "ReduceSum", "mean": "ReduceMean", "prod": "ReduceProd", "amax": "ReduceMax", "amin": "ReduceMin", "logsumexp": "ReduceLogSumExp"}


def reduced(g, kind, name, dims, keepdim):
    return g.node(kind, name, *([] if dims is None else [g.ints(*dims)]), keepdims=int(keepdim))


def _reduction(kind):
    def written(g, out, input, dim=None, keepdim=False, *, dtype=None, axis=None):
        return reduced(g, kind, g.value(input, out.dtype), dims_of(input, dim if axis is None else axis), keepdim)

    return written


for _name, _kind in _REDUCED.items():
    FOUND[_name] = _reduction(_kind)


@counterpart("max", "min")
def _max(g, out, input, dim=None, keepdim=False, kind="Max"):
    if isinstance(dim, Tensor):
        return g.node(kind, g.value(input, out.dtype), g.value(dim, out.dtype))
    if dim is None:
        return reduced(g, f"Reduce{kind}", g.value(input), None, False)
    name = g.value(input)
    return reduced(g, f"Reduce{kind}", name, dims_of(input, dim), keepdim), g.node(f"Arg{kind}", name, axis=dims_of(input, dim)[0], keepdims=int(keepdim))


FOUND["min"] = lambda g, out, input, dim=None, keepdim=False: _max(g, out, input, dim, keepdim, "Min")


@counterpart("argmax", "argmin")
def _argmax(g, out, input, dim=None, keepdim=False, kind="ArgMax"):
    name = g.value(input)
    if dim is None:
        return g.node(kind, g.node("Reshape", name, g.ints(-1)), axis=0, keepdims=0)
    return g.node(kind, name, axis=dims_of(input, dim)[0], keepdims=int(keepdim))


FOUND["argmin"] = lambda g, out, input, dim=None, keepdim=False: _argmax(g, out, input, dim, keepdim, "ArgMin")


@counterpart("any", "all")
def _any(g, out, input, dim=None, keepdim=False, kind="ReduceMax"):
    return cast(g, reduced(g, kind, g.value(input.bool() if not g.known(input) else input, int64), dims_of(input, dim), keepdim), int64, bool)


FOUND["all"] = lambda g, out, input, dim=None, keepdim=False: _any(g, out, input, dim, keepdim, "ReduceMin")


@counterpart("var", "std")
def _var(g, out, input, dim=None, unbiased=None, keepdim=False, *, correction=1, root=False):
    if isinstance(dim, type(True)):
        dim, unbiased = None, dim
    correction = correction if unbiased is None else int(unbiased)
    dims, name = dims_of(input, dim), g.value(input)
    over = list(range(input.dim())) if dims is None else dims
    rest = g.node("Sub", name, reduced(g, "ReduceMean", name, over, True))
    many = math.prod(input.shape[d] for d in over)
    total = reduced(g, "ReduceSum", g.node("Mul", rest, rest), over, keepdim)
    spread = g.node("Div", total, g.value(float(many - correction), out.dtype))
    return g.node("Sqrt", spread) if root else spread


FOUND["std"] = lambda g, out, *args, **kwargs: _var(g, out, *args, root=True, **kwargs)


@counterpart("norm", "vector_norm")
def _norm(g, out, input, p=2, dim=None, keepdim=False, dtype=None, ord=None):
    p = ord if ord is not None else p
    kinds = {2: "ReduceL2", "fro": "ReduceL2", 1: "ReduceL1"}
    if p not in kinds:
        unsupported(f"a norm of order {p}")
    return reduced(g, kinds[p], g.value(input, out.dtype), dims_of(input, dim), keepdim)


@counterpart("cumsum")
def _cumsum(g, out, input, dim, *, dtype=None):
    return g.node("CumSum", g.value(input, out.dtype), g.constant(dim % max(input.dim(), 1), int64))


@counterpart("topk")
def _topk(g, out, input, k, dim=-1, largest=True, sorted=True):
    return tuple(g.node("TopK", g.value(input), g.ints(k), outputs=2, axis=dim % input.dim(), largest=int(largest), sorted=int(sorted)))
