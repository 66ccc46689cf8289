"""Writes the type stubs (PEP 561) of the functions that are generated: `python stubs.py` writes, `python stubs.py --check` compares.

Reads the list from the built package (`pullback._native.signatures()`), so build it first (`maturin develop`). Modules written in
Python carry their types themselves; the stubs beside them say what the list puts there.
"""

import inspect
import keyword
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent / "python" / "pullback"
HEADER = "# Written by stubs.py from the list of functions. Do not edit.\n"
TYPES = {
    "Tensor": "_Tensor",
    "Tensor|number": "_Tensor | _Number | _Array",
    "Tensor[]": "Sequence[_Tensor]",
    "int": "_py.int | _Tensor",
    "float": "_py.float | _Tensor",
    "number": "_Number | _Tensor",
    "bool": "_py.bool",
    "str": "_py.str",
    "int[]": "_py.int | Sequence[_py.int]",
    "dtype": "_dtype",
}
# Beside other overloads a parameter says exactly what it takes: the checker tells them apart by it.
EXACT = {**TYPES, "Tensor|number": "_Tensor | _Number | _Array", "int": "_py.int", "float": "_py.float", "number": "_Number", "int[]": "_py.int | Sequence[_py.int]"}
RESULTS = {"Tensor": "_Tensor", "Tensor[]": "tuple[_Tensor, ...]", "bool": "_py.bool", "int": "_py.int", "float": "_py.float"}
COMMON = """import builtins as _py
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
"""
ALIASES = """
_Number = _py.int | _py.float | np.number[Any] | np.bool_
_Array = np.ndarray[Any, Any]
"""


def fields(text):
    """`(Tensor values, Tensor indices)`: the names."""
    return [part.split()[1] for part in text[1:-1].split(",") if " " in part.strip()] if text.startswith("(") else []


def returned(text):
    if names := fields(text):
        return f"_{'_'.join(names)}"
    if text.startswith("("):
        return f"tuple[{', '.join('_Tensor' for _ in text.split(','))}]"
    return RESULTS.get(text, "Any")


def named_results(listed):
    """A class for each kind of named result."""
    lines = []
    for text in sorted({result for _, _, overloads in listed for _, result in overloads}):
        if names := fields(text):
            lines += ["", f"class {returned(text)}(NamedTuple):", *(f"    {n}: _Tensor" for n in names)]
    return "\n".join(lines) + "\n"


def definition(name, signature, method, types=TYPES):
    """One `def`; None where Python cannot write it."""
    parameters, result = signature
    parts, starred, optional = [], False, False
    for i, (own, kind, none, variadic, keyword_only, default) in enumerate(parameters):
        if keyword.iskeyword(own):
            return None
        text = types.get(kind, "Any") + (" | None" if none else "")
        if keyword_only and not starred:
            parts.append("*")
            starred = True
        if variadic:
            parts.append(f"*{own}: {text}")
            starred = True
            continue
        if default is None and optional and not keyword_only:
            return None
        optional |= default is not None
        first = method and i == 0
        parts.append(own if first else f"{own}: {text}" + ("" if default is None else f" = {default}"))
        if first:
            parts.append("/")
    if len(parts) > 1 and parts[1] == "/":
        # A method's tensor is given by position only; Python's own way of saying so is `self`.
        del parts[1]
    return f"def {name}({', '.join(parts)}) -> {returned(result)}: ..."


def functions(listed, place, taken, indent=""):
    lines = []
    for where, name, overloads in sorted(listed):
        if where != place or name in taken or keyword.iskeyword(name):
            continue
        forms = [form for o in overloads for form in spread(o)]
        types = EXACT if len(forms) > 1 else TYPES
        made = list(dict.fromkeys(filter(None, (definition(name, o, place == "Tensor", types) for o in forms))))
        lines += [line for d in made for line in ([f"{indent}@overload", indent + d] if len(made) > 1 else [indent + d])]
    return lines


def spread(signature):
    """The forms of an overload: sizes one by one (`zeros(2, 3)`), or as one argument that may have its name."""
    parameters, result = signature
    if not any(variadic for _, _, _, variadic, _, _ in parameters):
        return [signature]
    whole = [(name, kind, none, False, only, default) for name, kind, none, _, only, default in parameters]
    return [signature, (whole, result)]


COMPARISONS = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}
MEMBERS = {
    "dtype": "_dtype", "ndim": "_py.int", "requires_grad": "_py.bool", "is_leaf": "_py.bool", "grad": "_Tensor | None", "data": "_Tensor",
    "T": "_Tensor", "mT": "_Tensor", "H": "_Tensor", "mH": "_Tensor", "__len__": "_py.int", "__bool__": "_py.bool", "__contains__": "_py.bool",
    "__int__": "_py.int", "__index__": "_py.int", "__float__": "_py.float", "__repr__": "_py.str", "__str__": "_py.str",
    "shape": "_Size", "grad_fn": "Node | None", "element_size": "_py.int", "nelement": "_py.int", "data_ptr": "_py.int", "storage_offset": "_py.int",
    "is_contiguous": "_py.bool", "is_floating_point": "_py.bool", "is_complex": "_py.bool", "is_cuda": "_py.bool", "is_sparse": "_py.bool",
    "itemsize": "_py.int", "nbytes": "_py.int", "output_nr": "_py.int", "retains_grad": "_py.bool", "retain_grad": "None", "register_hook": "RemovableHandle",
    "register_post_accumulate_grad_hook": "RemovableHandle", "is_inference": "_py.bool", "_version": "_py.int", "name": "_py.str", "graph": "_Graph",
    "__format__": "_py.str", "__iter__": "Iterator[_Tensor]", "dim": "_py.int", "numel": "_py.int", "backward": "None", "numpy": "_Array",
    "_base": "_Tensor | None", "_is_view": "_py.bool", "real": "_Tensor", "imag": "_Tensor",
}  # fmt: skip
_OPERATORS = "add sub mul truediv matmul pow floordiv mod and or xor lshift rshift".split()
GIVES_TENSOR = {f"__{r}{name}__" for name in _OPERATORS for r in ("", "r", "i")} | set(
    "__neg__ __pos__ __abs__ __invert__ __getitem__ detach requires_grad_ zero_ fill_ copy_ cpu to uniform_ normal_ new_tensor new fill_diagonal_ __reversed__ __copy__ __deepcopy__".split()
)


def native_class(cls, skip):
    """The members of a class of the extension that are not in the list."""
    lines = []
    for name, member in sorted(vars(cls).items()):
        if name in skip or name in ("__doc__", "__module__", "__new__", "__weakref__", "__dict__", "__hash__") or type(member).__name__ == "builtin_function":
            continue
        if inspect.isgetsetdescriptor(member) or isinstance(member, property):
            kind = MEMBERS.get(name, "Any")
            if isinstance(member, property) and member.fset is None:
                lines += ["    @property", f"    def {name}(self) -> {kind}: ..."]
            else:
                lines.append(f"    {name}: {kind}")
        elif callable(member):
            try:
                text = str(inspect.signature(member))
            except (ValueError, TypeError):
                text = "(self, /, *args, **kwargs)"
            result = "_Tensor" if name in GIVES_TENSOR else MEMBERS.get(name, "Any")
            if name in COMPARISONS:
                ignore = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
                lines.append(f"    def {name}(self, value: Any, /) -> _Tensor: ...{ignore}")
                continue
            if name == "__ipow__":
                text = "(self, value, /)"
                lines.append(f"    def {name}{text} -> _Tensor: ...  # type: ignore[misc]")
                continue
            if name in ("__setattr__", "__delattr__", "__getattribute__", "__dir__", "__sizeof__", "__reduce__"):
                continue
            lines.append(f"    def {name}{text} -> {result}: ...")
        else:
            lines.append(f"    {name}: Any")
    return lines


def constructor(cls):
    """`__new__`, where a class of the extension can be made by calling it."""
    if cls.__new__ is object.__new__:
        return []
    parameters = str(inspect.signature(cls))[1:-1]
    return [f"    def __new__(cls, {parameters}) -> Any: ..."]


def untyped(function):
    """The parameters of a function written in Python, with their defaults where those can be written down."""
    signature = inspect.signature(function)
    plain = (type(None), bool, int, str)
    parameters = []
    for p in signature.parameters.values():
        default = p.default if p.default is p.empty or type(p.default) in plain else ...
        parameters.append(p.replace(annotation=p.empty, default=default))
    text = str(signature.replace(parameters=parameters, return_annotation=signature.empty))
    return text.replace("Ellipsis", "...")


NATIVE = """
from pullback._native import Tensor as _Tensor
from pullback._native import dtype as _dtype
RESULTS"""


def stubs():
    """Every stub file with its text."""
    import pullback
    from pullback import _native

    listed = _native.signatures()
    global NATIVE
    classes = sorted({returned(r) for _, _, overloads in listed for _, r in overloads if fields(r)})
    NATIVE = NATIVE.replace("RESULTS", "".join(f"from pullback._native import {c} as {c}\n" for c in classes))
    tensor = native_class(_native.Tensor, {"__init_subclass__"})
    known = {line.split("(")[0].split()[-1].rstrip(":") for line in tensor} | {line.strip().split(":")[0] for line in tensor}
    text = [HEADER + COMMON + "from typing_extensions import disjoint_base, final\n\nfrom pullback._graph import Graph as _Graph\nfrom pullback._parts import Size as _Size\n" + ALIASES, f"__all__ = {_native.__all__!r}", "", "@final", "class dtype:", *(native_class(_native.dtype, COMPARISONS) or ["    ..."]), ""]
    text += ["_dtype = dtype", "", "@disjoint_base", "class Tensor:", "    def __new__(cls, *args: Any, **kwargs: Any) -> _Tensor: ...", "    def __hash__(self) -> _py.int: ...", *tensor, *functions(listed, "Tensor", known, "    "), "", "_Tensor = Tensor", named_results(listed)]
    for name, value in sorted(vars(_native).items()):
        if isinstance(value, _native.dtype):
            text.append(f"{name}: _dtype")
        elif inspect.isclass(value) and issubclass(value, BaseException):
            text += ["", f"class {name}({value.__base__.__name__}): ..."]
        elif inspect.isclass(value) and name not in ("Tensor", "dtype"):
            text += ["", "@final", f"class {name}:", *constructor(value), *(native_class(value, COMPARISONS) or ["    ..."])]
        elif inspect.isbuiltin(value):
            result = "_Tensor" if name in ("tensor", "as_tensor", "from_numpy") else "Any"
            text.append(f"def {name}{inspect.signature(value)} -> {result}: ...")
    text.append("__version__: _py.str")
    files = {"_native.pyi": "\n".join(text) + "\n"}
    for place, file in (("nn.functional", "nn/functional.pyi"), ("linalg", "linalg.pyi"), ("special", "special.pyi")):
        lines = functions(listed, place, set())
        if place == "nn.functional":
            written = sorted(n for n, f in vars(pullback.nn.functional).items() if inspect.isfunction(f) and not n.startswith("_"))
            named = {line.split("(")[0].split()[-1] for line in lines}
            lines += [f"def {n}{untyped(getattr(pullback.nn.functional, n))} -> Any: ..." for n in written if n not in named]
        if place == "linalg":
            lines = ["from pullback._native import _LinAlgError as LinAlgError", "", *lines]
        files[file] = HEADER + COMMON + NATIVE + ALIASES + "\n" + "\n".join(lines) + "\n"
    files["__init__.pyi"] = package(pullback, listed)
    return files


# What `__init__` puts on objects of these classes.
ATTRIBUTES = {"finfo": ("dtype", "bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution"), "iinfo": ("dtype", "bits", "max", "min")}


def package(pullback, listed):
    """The package itself: what its Python file defines, and the functions of the list."""
    from pullback import _native

    lines, names = [], vars(pullback)
    in_list = {name for place, name, _ in listed if place == "torch"}
    own = []
    for name, value in sorted(names.items()):
        if name.startswith("_") and name != "__version__" or name in pullback._LATER:
            continue
        if type(value).__name__ == "builtin_function":
            continue
        if inspect.ismodule(value):
            if value.__name__.startswith("pullback."):
                lines.append(f"from . import {name} as {name}")
        elif inspect.isclass(value) and value.__module__.startswith("pullback.") or inspect.isfunction(value) and value.__module__ != "pullback":
            lines.append(f"from {value.__module__} import {value.__name__} as {name}")
        elif name in vars(_native) and vars(_native)[name] is value:
            lines.append(f"from ._native import {name} as {name}")
        elif isinstance(value, _native.dtype):
            own.append(f"{name}: _dtype")
        elif inspect.isfunction(value):
            own.append(f"def {name}{inspect.signature(value)}: ...")
        elif inspect.isclass(value):
            own.append(f"class {name}:")
            members = [(n, m) for n, m in sorted(vars(value).items()) if not n.startswith("_") or n in ("__init__", "__new__")]
            for n, m in members:
                if n == "__new__":
                    own.append(f"    def {n}{inspect.signature(m.__func__)}: ...")
                elif isinstance(m, staticmethod):
                    own += ["    @staticmethod", f"    def {n}{inspect.signature(m.__func__)}: ..."]
                elif inspect.isfunction(m):
                    own.append(f"    def {n}{inspect.signature(m)}: ...")
            own += [f"    {n}: Any" for n in ATTRIBUTES.get(name, ())]
        elif value is None:
            own.append(f"{name}: None")
        elif isinstance(value, str):
            own.append(f"{name}: _py.str")
        elif isinstance(value, float):
            own.append(f"{name}: _py.float")
        else:
            own.append(f"{name}: Any")
    lines += [f"from . import {name} as {name}" for name in pullback._LATER]
    lines += [f"from .{module} import {name} as {name}" for name, module in pullback._PARTS.items()]
    taken = {line.split(" as ")[-1] for line in lines} | {line.split("(")[0].split(":")[0].split()[-1] for line in own if not line.startswith(" ")}
    body = functions(listed, "torch", taken)
    return "\n".join([HEADER + COMMON + NATIVE + "\n".join(lines), ALIASES, *own, "", *body]) + "\n"


def main():
    stale = []
    for name, text in stubs().items():
        path = PACKAGE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
    if stale:
        sys.exit(f"stale: {', '.join(stale)}; write them anew with `python stubs.py`")


if __name__ == "__main__":
    main()
