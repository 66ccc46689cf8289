"""`save` and `load`: objects with tensors as files, and an unpickler that makes what `save` writes and nothing else.

Python's own unpickler calls whatever a file names, so a file from a stranger is a program. `load` reads the pickle itself: a closed
list of instructions, of classes, and of what may be a key. Nothing in a file can make it call anything else, allocate more
than the file is long (but for the objects that its bytes stand for), or recurse.
"""

import contextlib
import io
import os
import pickle
import struct
from collections import Counter, OrderedDict

from . import _native
from ._parts import Size, device
from ._pickled import DTYPES, rebuild_memory, rebuild_tensor, rebuild_view, reduce_tensor, sharing

PROTOCOL = 4
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


# What a file may call, by the names that `save` writes, and what is called then.
_CALLS = {
    ("pullback._pickles", "rebuild_tensor"): rebuild_tensor,
    ("pullback._pickled", "rebuild_tensor"): rebuild_tensor,
    ("pullback._pickled", "rebuild_memory"): rebuild_memory,
    ("pullback._pickled", "rebuild_view"): rebuild_view,
    ("pullback._parts", "dtype_named"): _dtype_named,
    ("pullback._parts", "Size"): _size,
    ("pullback._parts", "device"): _device,
    ("pullback.nn.parameter", "rebuild_parameter"): _parameter,
    ("collections", "OrderedDict"): _ordered,
    ("collections", "Counter"): _counter,
    ("builtins", "complex"): _complex,
    ("builtins", "bytearray"): _bytearray,
}


class _Callable:
    """Stands on the unpickler's stack for one of `_CALLS`: there is nothing in it that a file could change."""

    __slots__ = ("call",)

    def __init__(self, call):
        self.call = call


def _refused(name):
    return pickle.UnpicklingError(
        "Weights only load failed. The file holds more than tensors, numbers, texts and their lists, tuples, sets and dicts. "
        f"Unsupported global: GLOBAL {name} was not an allowed global by default.\n"
        "  help: `load(f, weights_only=False)` reads it by Python's own unpickler, which runs whatever code the file names: "
        "only for files from sources that are trusted"
    )


def _key(x, depth=0):
    """What may be a key or an element of a set: a hash of deeply nested tuples would recurse in C."""
    if type(x) in (str, int, float, bool, type(None), bytes, complex, device, _native.dtype):
        return x
    if type(x) in (tuple, frozenset, Size) and depth < 8:
        for item in x:
            _key(item, depth + 1)
        return x
    raise pickle.UnpicklingError(f"Weights only load failed. A {type(x).__name__} is no key that is loaded")


class _Reader:
    """Reads one pickle from bytes."""

    def __init__(self, data):
        self.data, self.at = memoryview(data), 0
        self.stack, self.memo = [], {}

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
            self.plain(self.stack[at])
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
        self.top(list).extend(items)

    def put(self, items):
        if len(items) % 2:
            raise pickle.UnpicklingError("odd number of items for SET ITEMS")
        into = self.top(dict)
        for k, v in zip(items[::2], items[1::2]):
            into[_key(k)] = v

    def find(self, module, name):
        found = _CALLS.get((module, name)) if type(module) is type(name) is str else None
        if found is None:
            raise _refused(f"{module!s:.100}.{name!s:.100}")
        return _Callable(found)

    def called(self):
        function, args = self.popped(2)
        if not isinstance(function, _Callable) or type(args) is not tuple:
            raise pickle.UnpicklingError("Weights only load failed. Something is called that is not on the list")
        try:
            return function.call(*args)
        except TypeError as e:
            raise pickle.UnpicklingError(f"Weights only load failed. {e}") from None

    def memoized(self, at):
        if not self.stack or self.stack[-1] is _MARK:
            raise pickle.UnpicklingError("nothing to memoize")
        self.memo[at] = self.stack[-1]

    def recalled(self, at):
        if at not in self.memo:
            raise pickle.UnpicklingError(f"Memo value not found at index {at}")
        return self.memo[at]

    def load(self):
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
        items = r.popped(n)
        for x in items:
            r.plain(x)
        r.stack.append(tuple(items))

    return step


def _build(r):
    """Attributes of a tensor, or of a state dict: names of the user's own, and none that means something to tensors."""
    state = r.value()
    t = r.top(OrderedDict if r.stack and type(r.stack[-1]) is OrderedDict else _native.Tensor)
    if type(state) is not dict or any(type(k) is not str or hasattr(type(t), k) for k in state):
        raise pickle.UnpicklingError("Weights only load failed. Attributes are a dict of names of the user's own")
    for name, value in state.items():
        setattr(t, name, value)


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
    pickle.BUILD: _build,
    pickle.MEMOIZE: lambda r: r.memoized(len(r.memo)),
    pickle.BINPUT: lambda r: r.memoized(r.number("<B")),
    pickle.LONG_BINPUT: lambda r: r.memoized(r.number("<I")),
    pickle.BINGET: _push(lambda r: r.recalled(r.number("<B"))),
    pickle.LONG_BINGET: _push(lambda r: r.recalled(r.number("<I"))),
}


def save(obj, f, pickle_module=pickle, pickle_protocol=PROTOCOL, **options):
    """Pickles an object with tensors to a file, whole or not at all: what was there before stays until all is written.

    `f` is a path or an object with `write`. `load` reads back tensors, numbers, texts and their lists, tuples, sets and dicts;
    what else is in `obj` is pickled too, and needs `load(f, weights_only=False)`.
    """
    from ._files import replacing

    protocol = min(max(pickle_protocol, PROTOCOL), pickle.HIGHEST_PROTOCOL)
    if hasattr(f, "write"):
        made = io.BytesIO()
        with sharing():
            pickle_module.dump(obj, made, protocol)
        f.write(made.getbuffer())
        return
    parent = os.path.dirname(os.path.abspath(os.fspath(f)))
    if not os.path.isdir(parent):
        raise RuntimeError(f"Parent directory {parent} does not exist.")
    with replacing(f, "wb") as out, sharing():
        pickle_module.dump(obj, out, protocol)


def load(f, map_location=None, pickle_module=None, *, weights_only=True, mmap=None, **options):
    """Reads what `save` wrote: tensors, numbers, texts and their lists, tuples, sets and dicts.

    With `weights_only=False` the file is read by Python's own unpickler, which executes whatever code the file names: do that only
    with files from sources that are trusted. PyTorch's own files (zip archives) are not read yet.
    """
    if map_location is not None and not callable(map_location) and not isinstance(map_location, dict):
        from ._methods import _device as on_cpu

        on_cpu(map_location)
    if weights_only is None or weights_only:
        if pickle_module is not None:
            raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
        return _checked(f)
    with contextlib.nullcontext(f) if hasattr(f, "read") else open(f, "rb") as source:
        return (pickle_module or pickle).load(source, **options)


def _checked(f):
    if hasattr(f, "read"):
        start = f.tell() if hasattr(f, "tell") and hasattr(f, "seek") else None
        data = f.read()
        if not isinstance(data, (bytes, bytearray)):
            raise TypeError(f"load() reads bytes: a file opened in binary mode, not one whose read() returns {type(data).__name__}")
    else:
        start = None
        with open(f, "rb") as source:
            data = source.read()
    if not data:
        raise EOFError("Ran out of input")
    if data[:4] == b"PK\3\4":
        raise RuntimeError("this is a zip archive, PyTorch's own format, which is not read yet\n  help: `pullback.save` writes what `pullback.load` reads")
    reader = _Reader(data)
    try:
        found = reader.load()
    except (UnicodeDecodeError, OverflowError, struct.error) as e:
        raise pickle.UnpicklingError(f"Weights only load failed. {e}") from None
    if start is not None:
        f.seek(start + reader.at)  # several objects may stand in one file, one after the other
    return found
