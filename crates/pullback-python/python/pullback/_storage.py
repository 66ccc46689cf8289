"""A tensor's memory as an object: `t.untyped_storage()`, bytes, and `t.storage()`, elements. Both show the memory and copy nothing."""

import warnings

from . import _native

_warned = False


def warn_of_typed():
    """PyTorch's warning about storages of elements, which a program hears once."""
    global _warned
    if not _warned:
        _warned = True
        text = "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. This should only matter to you if you are using storages directly.  To access UntypedStorage directly, use tensor.untyped_storage() instead of tensor.storage()"
        warnings.warn(text, stacklevel=3)


class _Row:
    """The whole memory, as one row of elements."""

    def __init__(self, tensor, bytewise):
        self._row = _native.storage_row(tensor, bytewise)
        self.device = tensor.device

    def size(self):
        return self._row.numel()

    __len__ = size

    def nbytes(self):
        return self._row.nbytes

    def element_size(self):
        return self._row.element_size()

    def data_ptr(self):
        return self._row.data_ptr()

    def tolist(self):
        return self._row.tolist()

    def fill_(self, value):
        self._row.fill_(value)
        return self

    def copy_(self, source, non_blocking=False):
        self._row.copy_(source._row)
        return self

    def clone(self):
        """The same numbers in memory of their own."""
        return type(self)(self._row.clone())

    def _as(self, dtype):
        made = TypedStorage.__new__(TypedStorage)
        _Row.__init__(made, self._row.to(dtype), False)
        made.dtype = dtype
        return made

    def float(self):
        """The elements (of bytes: each byte) as float32, in memory of their own."""
        return self._as(_native.float32)

    def double(self):
        return self._as(_native.float64)

    def long(self):
        return self._as(_native.int64)

    def int(self):
        return self._as(_native.int32)

    def byte(self):
        return self._as(_native.uint8)

    def bool(self):
        return self._as(_native.bool)

    def is_pinned(self, device="cuda"):
        return False

    def get_device(self):
        return -1

    def cpu(self):
        return self

    def is_shared(self):
        """Never: memory is not shared between processes."""
        return False

    @property
    def is_cuda(self):
        return False

    def resizable(self):
        """Never: memory has the size that it was made with."""
        return False

    def resize_(self, size):
        raise RuntimeError("Trying to resize storage that is not resizable")

    def __iter__(self):
        return iter(self.tolist())

    def __getitem__(self, index):
        if isinstance(index, slice):
            made = type(self).__new__(type(self))
            made.__dict__.update(self.__dict__)
            made._row = self._row[index]
            return made
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")
        return self._row[index].item()

    def __setitem__(self, index, value):
        self._row[index] = value

    def __repr__(self):
        return "\n".join(f" {x}" for x in self.tolist()) + f"\n[{self._name()} of size {len(self)}]"


class UntypedStorage(_Row):
    """Memory as bytes."""

    def __init__(self, tensor):
        super().__init__(tensor, True)

    def untyped(self):
        """Itself."""
        return self

    _untyped = untyped

    @classmethod
    def from_file(cls, filename, shared=False, nbytes=0):
        """A file's bytes, read when they are used; with `shared` what is written reaches the file."""
        import numpy

        row = numpy.memmap(filename, mode="r+" if shared else "c", shape=(nbytes,) if nbytes else None)
        return cls(_native.from_numpy(row))

    def _name(self):
        return f"torch.storage.UntypedStorage(device={self.device})"

    def __eq__(self, other):
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr()

    def __hash__(self):
        return hash(self.data_ptr())


class TypedStorage(_Row):
    """Memory as elements of the tensor's dtype."""

    def type(self):
        """PyTorch's name of memory of this dtype: `torch.FloatStorage`."""
        return self._row.type().removesuffix("Tensor") + "Storage"

    def __init__(self, tensor):
        super().__init__(tensor, False)
        self.dtype = tensor.dtype

    def untyped(self):
        """The same memory as bytes."""
        return UntypedStorage(self._row)

    def _name(self):
        return f"torch.storage.TypedStorage(dtype={self.dtype}, device={self.device})"


class _OfDtype(type):
    """What `isinstance(x, FloatStorage)` asks: the dtype of the elements."""

    def __instancecheck__(cls, x):
        return isinstance(x, TypedStorage) and x.dtype is cls.dtype

    def __repr__(cls):
        return f"<class 'torch.{cls.__name__}'>"


def _made(cls, *data, device=None):
    """Memory of so many elements, or of these."""
    warn_of_typed()
    if len(data) > 1:
        raise RuntimeError(f"{cls!r}.__new__ received an invalid combination of arguments. Expected one of:\n * no arguments\n * (int size)\n * (Sequence data)")
    given = data[0] if data else 0
    if isinstance(given, int) and not isinstance(given, bool):
        if given < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {given}: [{given}]")
        return TypedStorage(_native.tensor([], dtype=cls.dtype).new_zeros(given))
    if not isinstance(given, (list, tuple)) and not hasattr(given, "__array__"):
        raise TypeError(f"{cls!r}.__new__ received an invalid combination of arguments. Expected one of:\n * no arguments\n * (int size)\n * (Sequence data)")
    return TypedStorage(_native.as_tensor(given, dtype=cls.dtype).detach().reshape(-1).clone())


def _of(name, dtype):
    text = f"`torch.{name}(data)` or `torch.{name}(size)`: memory of elements of {dtype}, as a `TypedStorage`."
    return _OfDtype(name, (), {"dtype": dtype, "__new__": _made, "__doc__": text})


FloatStorage = _of("FloatStorage", _native.float32)
HalfStorage = _of("HalfStorage", _native.float16)
BFloat16Storage = _of("BFloat16Storage", _native.bfloat16)
DoubleStorage = _of("DoubleStorage", _native.float64)
LongStorage = _of("LongStorage", _native.int64)
IntStorage = _of("IntStorage", _native.int32)
ShortStorage = _of("ShortStorage", _native.int16)
CharStorage = _of("CharStorage", _native.int8)
ByteStorage = _of("ByteStorage", _native.uint8)
BoolStorage = _of("BoolStorage", _native.bool)
