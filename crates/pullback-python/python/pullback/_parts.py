"""What the native side makes objects of: sizes, devices, named results, graph nodes. Printed as PyTorch prints them."""

import functools
import operator
from collections import namedtuple as _namedtuple


class _Named(type):
    """The class of classes that print as PyTorch's, whose objects programs meet everywhere: what they are pickled as stays."""

    def __repr__(cls):
        return f"<class 'torch.{cls.__name__}'>" if cls.__module__ == __name__ else super().__repr__()


class Size(tuple, metaclass=_Named):
    """The shape of a tensor."""

    __slots__ = ()

    def __new__(cls, sizes=(), /):
        return tuple.__new__(cls, [_size(n, k) for k, n in enumerate(sizes)])

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
        if not isinstance(other, tuple):
            raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to torch.Size")
        return size_of(tuple(self) + tuple(other))

    def __radd__(self, other):
        return size_of(tuple(other) + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times):
        if not hasattr(times, "__index__"):
            raise TypeError(f"can't multiply sequence by non-int of type '{type(times).__name__}'")
        return size_of(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __getitem__(self, index):
        item = tuple.__getitem__(self, index)
        return size_of(item) if isinstance(index, slice) else item


def _size(n, k):
    if type(n) is int:
        return n
    try:
        return operator.index(n)
    except TypeError:
        raise TypeError(f"torch.Size() takes an iterable of 'int' (item {k} is '{type(n).__name__}')") from None


# A `Size` of a tuple that is known to hold integers, without a look at them.
size_of = functools.partial(tuple.__new__, Size)


_DEVICES = "cpu cuda ipu xpu mkldnn opengl opencl ideep hip ve fpga maia xla lazy vulkan mps meta hpu mtia privateuseone".split()


class layout:
    """How a tensor's elements lie: always with strides."""

    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return self._name


    def __reduce__(self):
        return self._name.removeprefix("torch.")


strided = layout("torch.strided")


class memory_format:
    """In which order elements lie: rows one after the other, or the channels of images innermost."""

    def __init__(self, name, rank=None):
        self._name, self._rank = name, rank

    def __repr__(self):
        return f"torch.{self._name}"

    def __reduce__(self):
        return self._name

    def _order(self, ndim):
        """The dimensions from the outermost to the innermost."""
        if ndim != self._rank:
            raise RuntimeError(f"required rank {self._rank} tensor to use {self._name} format")
        return [0, *range(2, ndim), 1]


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last", 4)
channels_last_3d = memory_format("channels_last_3d", 5)


def _format(format, function):
    if not isinstance(format, memory_format):
        raise TypeError(f"{function}(): argument 'memory_format' must be torch.memory_format, not {type(format).__name__}")
    return format


def formatted(tensor, format, function):
    """The tensor with its elements in an order; itself where they lie so."""
    if _format(format, function) is preserve_format:
        return tensor
    if format is contiguous_format:
        return tensor.contiguous()
    format._order(tensor.dim())  # or its error
    return tensor if lies_as(tensor, format) else tensor._copied(format._name)


def lies_as(tensor, format):
    """Whether the elements lie in an order, without gaps."""
    if _format(format, "is_contiguous")._rank is None:
        return tensor.is_contiguous()
    return tensor.dim() == format._rank and tensor.permute(format._order(tensor.dim())).is_contiguous()


class device(metaclass=_Named):
    """Where a tensor lies. Every kind can be named, as programs do before they ask; tensors lie on the CPU, or have no numbers ("meta")."""

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
        if self.type == "meta":
            from . import _native

            _native.enter_meta(True)
        return self

    def __exit__(self, *_):
        if self.type == "meta":
            from . import _native

            _native.enter_meta(False)


_types = {}


def return_class(name, fields):
    """`torch.return_types.NAME`, a tuple with names, which is made of a sequence."""
    made = _types.get((name, tuple(fields)))
    if made is None:

        def new(cls, values):
            if not isinstance(values, (tuple, list)):
                raise TypeError("constructor requires a sequence")
            if len(values) != len(fields):
                raise TypeError(f"torch.return_types.{name}() takes a {len(fields)}-sequence ({len(values)}-sequence given)")
            return tuple.__new__(cls, values)

        def show(self):
            inside = ",\n".join(f"{f}={getattr(self, f)!r}" for f in self._fields)
            return f"torch.return_types.{name}(\n{inside})"

        def reduced(self):
            return return_type, (name, fields, tuple(self))

        members = {"__slots__": (), "__new__": new, "__repr__": show, "__reduce__": reduced, "__module__": "torch.return_types"}
        made = type(name, (_namedtuple(name, fields),), members)
        _types[name, tuple(fields)] = made
    return made


def return_type(name, fields, values):
    """A result with names."""
    return return_class(name, fields)(tuple(values))


def no_torch_function(func, types, args=(), kwargs=None):
    """The `__torch_function__` of classes that do not override functions; called, it is the function without overrides."""
    from . import overrides

    with overrides._silenced(modes=True):
        return func(*args, **(kwargs or {}))


def shown(tensor, text):
    """The text of a tensor of a subclass, which begins with the name of the class; parameters are shown as tensors are."""
    kind = type(tensor)
    if kind.__torch_function__ is no_torch_function:
        return text
    return kind.__name__ + text.removeprefix("tensor").replace("\n" + " " * len("tensor("), "\n" + " " * (len(kind.__name__) + 1))


def dtype_named(name):
    """The dtype of a name: how pickles hold dtypes."""
    from . import _native

    return getattr(_native, name)


def bug_text(self):
    """What the exception says that stands for a panic of the native side."""
    text = " ".join(str(a) for a in self.args)
    return text if "bug of Pullback" in text else f"{text}\nThis is a bug of Pullback, not of your program: please report it with the call that led here."


def function_named(place, name):
    """A function of the list: how pickles hold them."""
    from . import _surface

    return _surface.PLACES[place][name]


def batched_grad(outputs, inputs, grad_outputs, *, retain_graph, create_graph, allow_unused, materialize_grads):
    """`autograd.grad` for each row of the gradients that come in, the results stacked."""
    from . import _native
    from ._vmap import over_rows

    one = isinstance(grad_outputs, _native.Tensor)
    seeds = (grad_outputs,) if one or grad_outputs is None else tuple(grad_outputs)
    sizes = {g.size(0) for g in seeds if g is not None and g.dim() > 0}
    if len(sizes) != 1 or any(g is not None and g.dim() == 0 for g in seeds):
        raise RuntimeError("grad: with is_grads_batched=True, every one of grad_outputs has a first dimension more than its output, all of the same size")
    (n,) = sizes
    keep = create_graph if retain_graph is None else retain_graph
    mapped = [i for i, g in enumerate(seeds) if g is not None]
    places = []

    def row(own):
        given = [None] * len(seeds)
        for i, g in zip(mapped, own):
            given[i] = g
        found = _native.grad(outputs, inputs, given, keep, create_graph, allow_unused, materialize_grads)
        places[:] = [g is not None for g in found]
        return [g for g in found if g is not None]

    found = iter(over_rows(row, [seeds[i] for i in mapped], n))
    rows = ((g if whole else g.expand(n, *g.shape)) for g, whole in found)
    return tuple(next(rows) if there else None for there in places)


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
