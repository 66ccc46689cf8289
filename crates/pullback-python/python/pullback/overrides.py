"""PyTorch's `torch.overrides`: classes that answer the package's functions in their stead by `__torch_function__`, and modes that answer all of them.

A subclass of `Tensor` answers by `Tensor.__torch_function__` unless it says otherwise: the function runs, and its tensors come back as objects of the
subclass. A class that is no tensor may answer too. Who answers: the mode switched on last, then the arguments from left to right, subclasses before their
base classes; who returns `NotImplemented` leaves it to the next.

Methods and properties of the extension's class know nothing of this. Subclasses get those of `_Overridable` instead, which is put between them and `Tensor`
when they are made; while a mode is on, `Tensor` itself has them.
"""

import functools
import inspect
import sys
import threading
import types as _types

from . import _native
from ._native import Tensor
from ._overridable import once
from ._overridable_names import (
    PLAIN,
    get_default_nowrap_functions,
    get_ignored_functions,
    get_overridable_functions,
    get_testing_overrides,
    is_tensor_method_or_property,
    resolve_name,
)
from ._parts import Size, no_torch_function

__all__ = [
    "BaseTorchFunctionMode", "TorchFunctionMode", "enable_reentrant_dispatch", "get_default_nowrap_functions", "get_ignored_functions", "get_overridable_functions", "get_testing_overrides",
    "handle_torch_function", "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic", "is_tensor_like", "is_tensor_method_or_property", "redispatch_function", "resolve_name",
    "wrap_torch_function",
]  # fmt: skip

_NOBODY = object()
_own = threading.local()


def _modes():
    """The modes that are on in this thread, the innermost last."""
    found = getattr(_own, "modes", None)
    if found is None:
        found = _own.modes = []
    return found


class _silenced:
    """A context manager: the classes of arguments answer nothing; with `modes=True`, modes neither."""

    def __init__(self, modes=False):
        self.modes = modes

    def __enter__(self):
        _native.silence_classes(1)
        if self.modes:
            self.put_by, _own.modes = _modes(), []
            _native.count_modes(0)
        return self

    def __exit__(self, *error):
        _native.silence_classes(-1)
        if self.modes:
            _own.modes = self.put_by
            _native.count_modes(len(self.put_by))


class _outer:
    """A context manager: the innermost mode is off, and those around it are on."""

    def __enter__(self):
        self.mode = _modes().pop()
        _native.count_modes(len(_modes()))
        return self.mode

    def __exit__(self, *error):
        _modes().append(self.mode)
        _native.count_modes(len(_modes()))


def _all(args, kwargs):
    """Every argument, and what lists of them hold."""
    for a in (*args, *kwargs.values()) if kwargs else args:
        if type(a) in (list, tuple):
            yield from a
        else:
            yield a


def _overriding(arguments):
    """One argument of each class that overrides functions, in the order in which they are asked."""
    if _native.silence_classes(0):
        return []
    found = []
    for a in arguments:
        kind = type(a)
        if kind is Tensor or any(type(f) is kind for f in found) or getattr(kind, "__torch_function__", no_torch_function) is no_torch_function:
            continue
        at = next((i for i, f in enumerate(found) if issubclass(kind, type(f))), len(found))
        found.insert(at, a)
    return found


def _answer(function, args, kwargs, arguments=None):
    """What the modes and the arguments' classes answer; `_NOBODY` where there is nobody to ask."""
    found = _overriding(_all(args, kwargs) if arguments is None else arguments)
    if not found and not _modes():
        return _NOBODY
    types = tuple(map(type, found))
    if _modes():
        with _outer() as mode:
            given = mode.__torch_function__(function, types, args, kwargs)
        if given is not NotImplemented:
            return given
        if not found:
            return _NOBODY
    for a in found:
        given = a.__torch_function__(function, types, args, kwargs)
        if given is not NotImplemented:
            return given
    raise _nobody_answers(function, types)


def _nobody_answers(function, types):
    """PyTorch's error: that of its compiled functions, or that of those in Python."""
    name = resolve_name(function) or f"{getattr(function, '__module__', None)}.{getattr(function, '__name__', function)}"
    if isinstance(function, _types.FunctionType):
        return TypeError(f"no implementation found for '{name}' on types that implement __torch_function__: {list(types)}")
    kinds = "\n".join(f"  - tensor subclass {t}" for t in types)
    return TypeError(f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned NotImplemented:\n\n{kinds}")


def _as_class(made, cls):
    """Tensors of a result as objects of a class."""
    if isinstance(made, Tensor):
        return made if isinstance(made, cls) else Tensor.__new__(cls, made)
    if isinstance(made, (tuple, list)) and type(made) is not Size:
        parts = [_as_class(m, cls) for m in made]
        return type(made)._make(parts) if hasattr(made, "_make") else type(made)(parts)
    return made


# The functions that run for classes, in each thread.
_running = threading.local()


def _ordinary(cls, func, types, args, kwargs):
    """`Tensor.__torch_function__`: the function runs, and its tensors are objects of the class."""
    running = _running.__dict__.setdefault("functions", [])
    # A function that asks again while it runs is none of this package, where classes are silenced: it does not know these tensors.
    if not all(issubclass(cls, t) for t in types) or func in running:
        return NotImplemented
    running.append(func)
    try:
        with _silenced():
            made = func(*args, **(kwargs or {}))
    finally:
        running.pop()
    return made if cls is Tensor or func in get_default_nowrap_functions() else _as_class(made, cls)


# Methods and properties in the way of those of the extension's class.

_OPERATORS = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__rsub__": "sub", "__isub__": "sub_", "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul_",
    "__truediv__": "div", "__rtruediv__": "div", "__itruediv__": "div_", "__matmul__": "matmul", "__rmatmul__": "matmul", "__pow__": "pow", "__rpow__": "pow", "__ipow__": "pow_",
    "__mod__": "remainder", "__rmod__": "remainder", "__imod__": "remainder_", "__neg__": "neg", "__abs__": "abs",
    "__eq__": "eq", "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge",
}  # fmt: skip
_SWAPPED = {"__radd__", "__rmul__"}
_BINARY = "add sub mul truediv matmul pow mod floordiv and or xor lshift rshift".split()
_REFLECTED = frozenset(f"__r{n}__" for n in _BINARY)
_MAY_REFUSE = frozenset(f"__{r}{n}__" for n in _BINARY for r in ("", "r", "i")) | {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}


def _call(function, args, kwargs):
    given = _answer(function, args, kwargs)
    return function(*args, **kwargs) if given is _NOBODY else given


def _operation(name, tensor, other):
    """The function and the arguments of an operator of two operands."""
    if name in _REFLECTED and isinstance(other, Tensor):
        # Python asks the right operand first where its class says more than the left one's.
        plain = "__" + name[3:]
        return getattr(Tensor, _OPERATORS.get(plain, plain)), (other, tensor)
    function = _OPERATORS.get(name, name) if name not in _REFLECTED or name in _SWAPPED else name
    return getattr(Tensor, function), (tensor, other)


def _operand(tensor, other, name):
    """What an operator gives beside an object that is no tensor and overrides functions."""
    function, args = _operation(name, tensor, other)
    try:
        return _answer(function, args, {})
    except TypeError:  # so that Python asks the other operand, and else says which operator it was
        return NotImplemented


def _method(name, function):
    """A method, or an operator, that asks its arguments' classes first."""
    if name in _MAY_REFUSE:

        def operator(self, other, *modulus):
            called, args = _operation(name, self, other)
            try:
                return _call(called, args, {})
            except TypeError:
                return NotImplemented

        return functools.wraps(function, updated=())(operator)
    listed = getattr(Tensor, _OPERATORS[name]) if name in _OPERATORS else function

    def method(self, *args, **kwargs):
        return _call(listed, (self, *args), kwargs)

    return functools.wraps(function, updated=())(method)


def _rows(self):
    """The rows, one after the other."""
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


def _property(member):
    def changed(how):
        return lambda self, *value: _call(how, (self, *value), {})

    writable = isinstance(member, property) and member.fset is not None or inspect.isgetsetdescriptor(member)
    return property(changed(member.__get__), changed(member.__set__) if writable else None, changed(member.__delete__) if writable else None, member.__doc__)


@once
def _members():
    """Every method and property that looks at its arguments' classes. Functions of the list do so themselves."""
    made = {}
    for name, member in vars(Tensor).items():
        if name in PLAIN or name.startswith("_") and not name.startswith("__") and name not in ("_version", "_base"):
            continue
        if type(member).__name__ == "builtin_function":
            continue
        if isinstance(member, property) or inspect.isgetsetdescriptor(member):
            made[name] = _property(member)
        elif callable(member):
            made[name] = _rows if name == "__iter__" else _method(name, member)
    return made


@once
def _between():
    """The class between `Tensor` and its subclasses."""
    _native.watch_overrides(True)
    own = {"__slots__": (), "__module__": "torch", "_between": True, **_members()}
    own["__str__"] = lambda self: self.__repr__()
    # A class that says what is equal says what numbers objects, which is what it was.
    own["__hash__"] = Tensor.__hash__
    return type("_Overridable", (Tensor,), own)


def _prepare(cls):
    """Lets a new subclass of `Tensor` answer for its objects."""
    if "_between" in vars(cls) or cls.__torch_function__ is no_torch_function or issubclass(cls, _between()):
        return
    cls.__bases__ = tuple(_between() if base is Tensor else base for base in cls.__bases__)


class _Watched:
    """A member of `Tensor` while a mode is on; on the class itself it is the one that was there."""

    def __init__(self, name, kept, member):
        self.name, self.kept, self.member = name, kept, member

    def __get__(self, tensor, cls=None):
        return self.kept if tensor is None else self.member.__get__(tensor, cls)


class _WatchedProperty(_Watched):
    def __set__(self, tensor, value):
        self.member.__set__(tensor, value)

    def __delete__(self, tensor):
        self.member.__delete__(tensor)


_lock, _on, _kept = threading.RLock(), 0, []
# What makes tensors and is no function of the list.
_MAKERS = ("tensor", "as_tensor", "asarray")


def _maker(function):
    @functools.wraps(function)
    def made(*args, **kwargs):
        return _call(function, args, kwargs)

    made.kept = function
    return made


def _switch_on():
    package = sys.modules["pullback"]
    for name, member in _members().items():
        was = vars(Tensor)[name]
        _kept.append((Tensor, name, was))
        setattr(Tensor, name, (_WatchedProperty if isinstance(member, property) else _Watched)(name, was, member))
    for name in _MAKERS:
        _kept.append((package, name, getattr(package, name)))
        setattr(package, name, _maker(getattr(package, name)))


class TorchFunctionMode:
    """A context manager that answers every function of the package, in the thread that entered it, by `__torch_function__(func, types, args, kwargs)`.

    Inside of that method the mode is off, so that it may call `func` itself. Modes may be nested: the innermost is asked, and what it calls goes to the next.

        class Log(TorchFunctionMode):
            def __torch_function__(self, func, types, args=(), kwargs=None):
                print(resolve_name(func))
                return func(*args, **(kwargs or {}))
    """

    def __init__(self):
        pass

    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError

    def __enter__(self):
        global _on
        with _lock:
            _on += 1
            if _on == 1:
                _native.watch_overrides(True)
                _switch_on()
        _modes().append(self)
        _native.count_modes(len(_modes()))
        return self

    def __exit__(self, *error):
        global _on
        _modes().pop()
        _native.count_modes(len(_modes()))
        with _lock:
            _on -= 1
            if not _on:
                while _kept:
                    place, name, was = _kept.pop()
                    setattr(place, name, was)
                _native.watch_overrides(False)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def has_torch_function(relevant_args):
    """Whether a mode is on or an argument's class overrides functions; tensors and parameters themselves do not."""
    return bool(_modes()) or bool(_overriding(relevant_args))


def has_torch_function_unary(x):
    """`has_torch_function((x,))`."""
    return _native.overrides_functions(x)


def has_torch_function_variadic(*args):
    """`has_torch_function(args)`."""
    return has_torch_function(args)


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    """What the modes and the classes of `relevant_args` answer to a call of a function with arguments; a `TypeError` where nobody does.

        def mine(a):
            if has_torch_function_unary(a):
                return handle_torch_function(mine, (a,), a)
            return a + 0
    """
    given = _answer(public_api, args, kwargs, relevant_args)
    if given is _NOBODY:
        raise _nobody_answers(public_api, ())
    return given


def wrap_torch_function(dispatcher):
    """A decorator: the function is answered by the arguments that `dispatcher`, called as it is, names."""

    def decorated(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return wrapped

    return decorated


def is_tensor_like(inp):
    """Whether an object is a tensor, or of a class that has `__torch_function__`."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def redispatch_function(func, types, args, kwargs=None):
    """The function as it is, while the classes of its arguments answer nothing."""
    with _silenced():
        return func(*args, **(kwargs or {}))


class enable_reentrant_dispatch:
    """A context manager: functions inside are asked about as outside of any answer."""

    def __enter__(self):
        self.silenced = _native.silence_classes(0)
        _native.silence_classes(-self.silenced)
        return self

    def __exit__(self, *error):
        _native.silence_classes(self.silenced)
