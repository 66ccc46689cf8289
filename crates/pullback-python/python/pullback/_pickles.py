"""An unpickler that makes tensors, numbers, texts and their containers, and nothing else.

Python's own unpickler calls whatever a file names, so a file from a stranger is a program. This one reads the pickle itself: a closed
list of instructions, of classes, and of what may be a key. Nothing in a file can make it call anything else, allocate more
than the file is long (but for the objects that its bytes stand for), or recurse. Classes that the user calls safe are added to the list.

Not for: files, archives and their memory (`serialization.py`), and what tensors are made of (`_rebuild.py`).
"""

import pickle
import struct
from collections import Counter, OrderedDict

from . import _native, _rebuild
from ._parts import Size, device
from ._pickled import DTYPES, rebuild_memory, rebuild_tensor, rebuild_view

_MARK = object()


def _dtype_named(name):
    if name not in (*DTYPES, "float64x2"):
        raise pickle.UnpicklingError(f"there is no dtype {name!r:.100}")
    return getattr(_native, name)


def _complex(*parts):
    if not all(type(x) in (int, float) for x in parts):
        raise pickle.UnpicklingError("a complex number is made of two numbers")
    return complex(*parts)


def _size(sizes):
    if type(sizes) is not tuple or not all(type(n) is int for n in sizes):
        raise pickle.UnpicklingError("a Size is made of integers")
    return Size(sizes)


def _device(*where):
    if not all(type(x) in (str, int, type(None)) for x in where):
        raise pickle.UnpicklingError("a device is a name and a number")
    return device(*where)


def _ordered():
    return OrderedDict()


def _bytearray(data=b""):
    if type(data) is not bytes:
        raise pickle.UnpicklingError("a bytearray is made of bytes")
    return bytearray(data)


def _counter(counts=None):
    if counts is not None and (type(counts) is not dict or not all(type(n) is int for n in counts.values())):
        raise pickle.UnpicklingError("a Counter is made of numbers")
    return Counter(counts)


def _parameter(data, requires_grad):
    from .nn.parameter import rebuild_parameter

    if not isinstance(data, _native.Tensor) or type(requires_grad) is not bool:
        raise pickle.UnpicklingError("a parameter is pickled as a tensor, and whether it requires a gradient")
    return rebuild_parameter(data, requires_grad)


def _set(items=()):
    if type(items) not in (list, tuple):
        raise pickle.UnpicklingError("a set is made of a list")
    return set(map(_key, items))


def _frozenset(items=()):
    return frozenset(_set(items))


def _encode(text, encoding="latin1"):
    if type(text) is not str or encoding not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise pickle.UnpicklingError("bytes are pickled as a text and its encoding")
    return text.encode(encoding)


def _bytes(*empty):
    if empty:
        raise pickle.UnpicklingError("bytes are pickled as a text and its encoding")
    return b""


def _from_type(func, new_type, args, state):
    if not isinstance(func, _Callable) or func.call not in _rebuild.FUNCTIONS.values() or func.call is _rebuild.from_type or not isinstance(new_type, _Callable):
        raise pickle.UnpicklingError("a tensor of a subclass is pickled as a function, the subclass, arguments and attributes")
    return _rebuild.from_type(func.call, new_type.call, args, state)


# What a file may call, by the names that `save` and PyTorch write, and what is called then. What is no function is a value.
_CALLS = {
    "pullback._pickles.rebuild_tensor": rebuild_tensor,
    "pullback._pickled.rebuild_tensor": rebuild_tensor,
    "pullback._pickled.rebuild_memory": rebuild_memory,
    "pullback._pickled.rebuild_view": rebuild_view,
    "pullback._parts.dtype_named": _dtype_named,
    "pullback._parts.Size": _size,
    "pullback._parts.device": _device,
    "pullback.nn.parameter.rebuild_parameter": _parameter,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _counter,
    "builtins.complex": _complex,
    "builtins.bytearray": _bytearray,
    "builtins.set": _set,
    "builtins.frozenset": _frozenset,
    "builtins.bytes": _bytes,
    "_codecs.encode": _encode,
    **_rebuild.FUNCTIONS,
    **{f"pullback._rebuild.{f.__name__}": f for f in _rebuild.FUNCTIONS.values()},
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "pullback._rebuild.from_type": _from_type,
    "torch.Size": _size,
    "torch.device": _device,
    "torch.Tensor": _native.Tensor,
    "torch.storage.UntypedStorage": _rebuild.StorageType("UntypedStorage"),
    **{f"torch.{name}": _rebuild.StorageType(name) for name in _rebuild.LEGACY},
    **{f"torch.{name}": _rebuild.NotHere(name) for name in (*_rebuild.OTHER_STORAGES, *_rebuild.OTHER_DTYPES)},
    **{f"torch.{name}": getattr(_native, name) for name in DTYPES},
}
# Modules that had other names in Python 2, whose names old protocols write.
_OLD_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


def known(path):
    """What a name in a file stands for; None for what is not on the list."""
    if path == "torch.nn.parameter.Parameter":
        from .nn.parameter import Parameter

        return Parameter
    return _CALLS.get(path)


class _Callable:
    """Stands on the unpickler's stack for one of `_CALLS`: there is nothing in it that a file could change."""

    __slots__ = ("call",)

    def __init__(self, call):
        self.call = call


def _refused(name):
    return pickle.UnpicklingError(
        "Weights only load failed. This file can still be loaded, to do so you have two options, do those steps only if you trust the source of the checkpoint.\n"
        "\t(1) `load(f, weights_only=False)` reads it by Python's own unpickler, which runs whatever code the file names.\n"
        f"\t(2) Unsupported global: GLOBAL {name} was not an allowed global by default. Please use `torch.serialization.add_safe_globals([{name}])` "
        f"or the `torch.serialization.safe_globals([{name}])` context manager to allowlist this global if you trust this class/function."
    )


def _key(x):
    """What may be a key or an element of a set: no hash recurses in C, takes long, or meets many others."""
    _checked_key(x, 0, [1000])
    return x


def _checked_key(x, depth, left):
    left[0] -= 1
    if type(x) is int and -(1 << 64) < x < 1 << 64 or type(x) in (str, float, bool, type(None), bytes, complex, device, _native.dtype):
        return
    if type(x) not in (tuple, frozenset, Size) or depth >= 8 or len(x) > left[0]:
        raise pickle.UnpicklingError(f"Weights only load failed. A {type(x).__name__} is no key that is loaded")
    for item in x:
        _checked_key(item, depth + 1, left)


class Reader:
    """Reads one pickle from bytes.

    `persistent(id)` gives what is stored outside of the pickle; `allowed` has names of classes and functions that the user calls safe.
    """

    def __init__(self, data, persistent=None, allowed=None, encoding="utf-8"):
        self.data, self.at = memoryview(data), 0
        self.stack, self.memo = [], {}
        self.persistent, self.allowed, self.encoding = persistent, allowed or {}, encoding
        # What is copied while a file is read is no more than a few times the file.
        self.left = 16 * len(self.data) + 1_000_000

    def charge(self, n):
        self.left -= n
        if self.left < 0:
            raise pickle.UnpicklingError("Weights only load failed. The file stands for much more than its length")

    def take(self, n):
        if n < 0 or n > len(self.data) - self.at:
            raise pickle.UnpicklingError("pickle data was truncated")
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self):
        end = bytes(self.data[self.at : self.at + 1000]).find(b"\n")
        text = bytes(self.take(end + 1))[:-1] if end >= 0 else self.take(-1)
        return text.decode()

    def old_text(self, view):
        """A text of Python 2."""
        return bytes(view) if self.encoding == "bytes" else bytes(view).decode(self.encoding)

    def pop(self):
        top = self.stack.pop() if self.stack else _MARK
        if top is _MARK:
            raise pickle.UnpicklingError("unexpected MARK found, or nothing at all")
        return top

    def popped(self, n):
        return [self.pop() for _ in range(n)][::-1]

    def value(self):
        """The top, which is a whole value and no name of something to call."""
        top = self.pop()
        self.plain(top)
        return top

    @staticmethod
    def plain(x):
        if isinstance(x, _Callable):
            raise pickle.UnpicklingError("Weights only load failed. A function or class as a value is not loaded")

    def to_mark(self):
        at = len(self.stack) - 1
        while at >= 0 and self.stack[at] is not _MARK:
            at -= 1
        if at < 0:
            raise pickle.UnpicklingError("could not find MARK")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def top(self, kind):
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise pickle.UnpicklingError("Weights only load failed. Elements are added to what is no container")
        return self.stack[-1]

    def add(self, items):
        # The list of an object that is made by calling stays empty: only lists of the file's own grow.
        for x in items:
            self.plain(x)
        self.top(list).extend(items)

    def put(self, items):
        if len(items) % 2:
            raise pickle.UnpicklingError("odd number of items for SET ITEMS")
        into = self.top(dict)
        if type(into) not in (dict, OrderedDict, Counter):
            raise pickle.UnpicklingError(f"Can only SETITEM for dict, collections.OrderedDict, collections.Counter, but got {type(into)}")
        for k, v in zip(items[::2], items[1::2]):
            self.plain(v)
            into[_key(k)] = v

    def find(self, module, name):
        path = f"{_OLD_MODULES.get(module, module)}.{name}" if type(module) is type(name) is str else ""
        found = known(path)
        if found is None:
            found = self.allowed.get(path)
        if found is None:
            raise _refused(f"{module!s:.100}.{name!s:.100}")
        if isinstance(found, _rebuild.NotHere):
            found.refuse()
        return _Callable(found) if callable(found) else found

    def called(self):
        function, args = self.popped(2)
        if not isinstance(function, _Callable) or type(args) is not tuple or isinstance(function.call, type) and function.call not in self.allowed.values():
            raise pickle.UnpicklingError("Weights only load failed. Something is called that is not on the list")
        self.charge(sum(len(x) for x in args if hasattr(x, "__len__") and not isinstance(x, _native.Tensor)))
        return self.checked(function.call, args)

    def checked(self, function, args):
        allowed = self.allowed.values()
        args = tuple(x.call if isinstance(x, _Callable) and x.call in allowed else x for x in args)
        try:
            return function(*args)
        except TypeError as e:
            raise pickle.UnpicklingError(f"Weights only load failed. {e}") from None

    def made(self):
        """A new object of a class that the user calls safe."""
        kind, args = self.popped(2)
        if not isinstance(kind, _Callable) or kind.call not in self.allowed.values() or not isinstance(kind.call, type) or type(args) is not tuple:
            raise pickle.UnpicklingError("Weights only load failed. Can only create new object for classes allowlisted via `add_safe_globals`")
        return self.checked(kind.call.__new__, (kind.call, *args))

    def stored(self):
        """What is stored outside of the pickle: the memory of tensors."""
        name = self.value()
        if self.persistent is None or not isinstance(name, (tuple, int)) or isinstance(name, tuple) and (not name or name[0] not in ("storage", b"storage", "module")):
            raise pickle.UnpicklingError("Weights only load failed. Only persistent_load of storage is allowed")
        return self.persistent(name)

    def memoized(self, at):
        if not self.stack or self.stack[-1] is _MARK:
            raise pickle.UnpicklingError("nothing to memoize")
        self.memo[at] = self.stack[-1]

    def recalled(self, at):
        if at not in self.memo:
            raise pickle.UnpicklingError(f"Memo value not found at index {at}")
        return self.memo[at]

    def load(self):
        """The value of the pickle."""
        try:
            return self._load()
        except (UnicodeDecodeError, UnicodeEncodeError, OverflowError, struct.error, KeyError, AttributeError) as e:
            raise pickle.UnpicklingError(f"Weights only load failed. {e}") from None

    def _load(self):
        while True:
            code = bytes(self.take(1))
            if code == pickle.STOP:
                found = self.value()
                return found
            step = _STEPS.get(code)
            if step is None:
                raise pickle.UnpicklingError(f"Weights only load failed. Unsupported operand {code[0]}: `save` does not write it")
            step(self)


def _push(make):
    return lambda r: r.stack.append(make(r))


def _sized(form, make):
    return _push(lambda r: make(r.take(r.number(form))))


def _text(view):
    return bytes(view).decode("utf-8", "surrogatepass")


def _long(view):
    return int.from_bytes(view, "little", signed=True)


def _tuple(n):
    def step(r):
        r.stack.append(tuple(r.popped(n)))

    return step


def _build(r):
    """Attributes of a tensor, or of a state dict: names of the user's own, and none that means something to tensors; and the state of an
    object whose class the user calls safe."""
    state = r.value()
    if r.stack and type(r.stack[-1]) in r.allowed.values():
        return _set_state(r.stack[-1], state)
    t = r.top(OrderedDict if r.stack and type(r.stack[-1]) is OrderedDict else _native.Tensor)
    if type(state) is not dict or any(type(k) is not str or hasattr(type(t), k) for k in state):
        raise pickle.UnpicklingError("Weights only load failed. Attributes are a dict of names of the user's own")
    r.charge(len(state))
    for name, value in state.items():
        setattr(t, name, value)


def _set_state(made, state):
    """As Python's unpickler does it."""
    if hasattr(made, "__setstate__"):
        return made.__setstate__(state)
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        made.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(made, name, value)


def _protocol(r):
    version = r.number("<B")
    if version > pickle.HIGHEST_PROTOCOL:
        raise pickle.UnpicklingError(f"unsupported pickle protocol: {version}")


_STEPS = {
    pickle.PROTO: _protocol,
    pickle.FRAME: lambda r: r.number("<Q"),
    pickle.MARK: lambda r: r.stack.append(_MARK),
    pickle.POP: lambda r: r.stack.pop() if r.stack else r.pop(),
    pickle.POP_MARK: lambda r: r.to_mark(),
    pickle.NONE: _push(lambda r: None),
    pickle.NEWTRUE: _push(lambda r: True),
    pickle.NEWFALSE: _push(lambda r: False),
    pickle.BININT: _push(lambda r: r.number("<i")),
    pickle.BININT1: _push(lambda r: r.number("<B")),
    pickle.BININT2: _push(lambda r: r.number("<H")),
    pickle.LONG1: _sized("<B", _long),
    pickle.LONG4: _sized("<i", _long),
    pickle.BINFLOAT: _push(lambda r: r.number(">d")),
    pickle.SHORT_BINUNICODE: _sized("<B", _text),
    pickle.BINUNICODE: _sized("<I", _text),
    pickle.BINUNICODE8: _sized("<Q", _text),
    pickle.SHORT_BINBYTES: _sized("<B", bytes),
    pickle.BINBYTES: _sized("<I", bytes),
    pickle.BINBYTES8: _sized("<Q", bytes),
    pickle.BYTEARRAY8: _sized("<Q", bytearray),
    pickle.EMPTY_LIST: _push(lambda r: []),
    pickle.EMPTY_TUPLE: _push(lambda r: ()),
    pickle.EMPTY_DICT: _push(lambda r: {}),
    pickle.EMPTY_SET: _push(lambda r: set()),
    pickle.APPEND: lambda r: r.add([r.value()]),
    pickle.APPENDS: lambda r: r.add(r.to_mark()),
    pickle.SETITEM: lambda r: r.put([r.value(), r.value()][::-1]),
    pickle.SETITEMS: lambda r: r.put(r.to_mark()),
    pickle.ADDITEMS: lambda r: (lambda items: r.top(set).update(map(_key, items)))(r.to_mark()),
    pickle.FROZENSET: _push(lambda r: frozenset(map(_key, r.to_mark()))),
    pickle.TUPLE: _push(lambda r: tuple(r.to_mark())),
    pickle.TUPLE1: _tuple(1),
    pickle.TUPLE2: _tuple(2),
    pickle.TUPLE3: _tuple(3),
    pickle.GLOBAL: _push(lambda r: r.find(r.line(), r.line())),
    pickle.STACK_GLOBAL: _push(lambda r: r.find(*r.popped(2))),
    pickle.REDUCE: _push(lambda r: r.called()),
    pickle.NEWOBJ: _push(lambda r: r.made()),
    pickle.BINPERSID: _push(lambda r: r.stored()),
    pickle.SHORT_BINSTRING: _push(lambda r: r.old_text(r.take(r.number("<B")))),
    pickle.BINSTRING: _push(lambda r: r.old_text(r.take(r.number("<i")))),
    pickle.BUILD: _build,
    pickle.MEMOIZE: lambda r: r.memoized(len(r.memo)),
    pickle.BINPUT: lambda r: r.memoized(r.number("<B")),
    pickle.LONG_BINPUT: lambda r: r.memoized(r.number("<I")),
    pickle.BINGET: _push(lambda r: r.recalled(r.number("<B"))),
    pickle.LONG_BINGET: _push(lambda r: r.recalled(r.number("<I"))),
}
