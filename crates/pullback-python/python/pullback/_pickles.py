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
from ._pickle_calls import OLD_MODULES, Named, key, known
from ._pickled import rebuild_tensor  # noqa: F401 (older pickles name it here)

_MARK = object()


def _refused(name):
    return pickle.UnpicklingError(
        "Weights only load failed. This file can still be loaded, to do so you have two options, do those steps only if you trust the source of the checkpoint.\n"
        "\t(1) `load(f, weights_only=False)` reads it by Python's own unpickler, which runs whatever code the file names.\n"
        f"\t(2) Unsupported global: GLOBAL {name} was not an allowed global by default. Please use `torch.serialization.add_safe_globals([{name}])` "
        f"or the `torch.serialization.safe_globals([{name}])` context manager to allowlist this global if you trust this class/function."
    )


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
        if isinstance(x, Named):
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
            into[key(k)] = v

    def find(self, module, name):
        path = f"{OLD_MODULES.get(module, module)}.{name}" if type(module) is type(name) is str else ""
        found = known(path)
        if found is None:
            found = self.allowed.get(path)
        if found is None:
            raise _refused(f"{module!s:.100}.{name!s:.100}")
        if isinstance(found, _rebuild.NotHere):
            found.refuse()
        return Named(found) if callable(found) else found

    def called(self):
        function, args = self.popped(2)
        if not isinstance(function, Named) or type(args) is not tuple or isinstance(function.call, type) and function.call not in self.allowed.values():
            raise pickle.UnpicklingError("Weights only load failed. Something is called that is not on the list")
        self.charge(sum(len(x) for x in args if hasattr(x, "__len__") and not isinstance(x, _native.Tensor)))
        return self.checked(function.call, args)

    def checked(self, function, args):
        allowed = self.allowed.values()
        args = tuple(x.call if isinstance(x, Named) and x.call in allowed else x for x in args)
        try:
            return function(*args)
        except TypeError as e:
            raise pickle.UnpicklingError(f"Weights only load failed. {e}") from None

    def made(self):
        """A new object of a class that the user calls safe."""
        kind, args = self.popped(2)
        if not isinstance(kind, Named) or kind.call not in self.allowed.values() or not isinstance(kind.call, type) or type(args) is not tuple:
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
    pickle.ADDITEMS: lambda r: (lambda items: r.top(set).update(map(key, items)))(r.to_mark()),
    pickle.FROZENSET: _push(lambda r: frozenset(map(key, r.to_mark()))),
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
