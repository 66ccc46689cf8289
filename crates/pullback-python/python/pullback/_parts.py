"""What the native side makes objects of: sizes, devices, named results, graph nodes. Printed as PyTorch prints them."""

from collections import namedtuple as _namedtuple


class Size(tuple):
    """The shape of a tensor."""

    __slots__ = ()

    def __repr__(self):
        return f"torch.Size([{', '.join(map(repr, self))}])"

    __str__ = __repr__

    def numel(self):
        n = 1
        for size in self:
            n *= size
        return n

    def __reduce__(self):
        return Size, (tuple(self),)

    def __add__(self, other):
        return Size(tuple(self) + tuple(other))

    def __getitem__(self, index):
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item


_DEVICES = "cpu cuda ipu xpu mkldnn opengl opencl ideep hip ve fpga maia xla lazy vulkan mps meta hpu mtia privateuseone".split()


class layout:
    """How a tensor's elements lie: always with strides."""

    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return self._name


strided = layout("torch.strided")


class device:
    """Where a tensor lies. Every kind can be named, as programs do before they ask; tensors lie on the CPU only."""

    __slots__ = ("type", "index")

    def __init__(self, type="cpu", index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int):
            type, index = "cuda", type
        elif ":" in type:
            type, number = type.split(":", 1)
            if not number.isdecimal():
                raise RuntimeError(f"Invalid device string: '{type}:{number}'")
            index = int(number)
        if type not in _DEVICES:
            raise RuntimeError(f"Expected one of {', '.join(_DEVICES)} device type at start of device string: {type}")
        self.type, self.index = type, index

    def __repr__(self):
        return f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other):
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __reduce__(self):
        return device, (self.type, self.index)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


_types = {}


def return_type(name, fields, values):
    """`torch.return_types.NAME`: a tuple with names."""
    made = _types.get((name, tuple(fields)))
    if made is None:

        def show(self):
            inside = ",\n".join(f"{f}={getattr(self, f)!r}" for f in self._fields)
            return f"torch.return_types.{name}(\n{inside})"

        made = type(name, (_namedtuple(name, fields),), {"__slots__": (), "__repr__": show, "__module__": "torch.return_types"})
        _types[name, tuple(fields)] = made
    return made(*values)


def dtype_named(name):
    """The dtype of a name: how pickles hold dtypes."""
    from . import _native

    return getattr(_native, name)


def bug_text(self):
    """What the exception says that stands for a panic of the native side."""
    text = " ".join(str(a) for a in self.args)
    return text if "bug of Pullback" in text else f"{text}\nThis is a bug of Pullback, not of your program: please report it with the call that led here."


def to_int(x):
    """`int(x)` of a float, with Python's errors for what is not finite."""
    return int(x)


class Node:
    """The operation that a tensor came from."""

    def __init__(self, name):
        self._name = name

    def name(self):
        return self._name

    def __repr__(self):
        return f"<{self._name} object at {id(self):#x}>"
