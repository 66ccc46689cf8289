"""How pickles hold tensors: their memory as bytes, and where in it their elements lie, so that strides and shared memory come back.

What reads and writes files is in `serialization.py`.
"""

import contextlib
import pickle
import sys
import threading

from . import _native

DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool")


def rebuild_tensor(data, dtype, shape, requires_grad):
    """A tensor from its elements' bytes: how older pickles hold tensors."""
    import numpy as np

    if dtype not in DTYPES or dtype == "bfloat16" or not isinstance(data, (bytes, bytearray)) or not isinstance(shape, tuple):
        raise pickle.UnpicklingError("a tensor is pickled as its bytes, the name of its dtype, its shape, and whether it requires a gradient")
    flat = np.frombuffer(data, np.uint8) if dtype == "bool" else np.frombuffer(data, np.dtype(dtype).newbyteorder("<"))
    count = 1
    for n in shape:
        if type(n) is not int or n < 0:
            raise pickle.UnpicklingError(f"a tensor's sizes are numbers that are not negative: {shape!r:.100}")
        count *= n
    if count != flat.size:
        raise pickle.UnpicklingError(f"a tensor of shape {shape!r:.100} has not {flat.size} elements")
    flat = flat != 0 if dtype == "bool" else flat.astype(dtype)  # a copy in memory that is ours
    made = _native.from_numpy(flat).reshape(shape)
    return made.requires_grad_() if requires_grad is True else made


class Memory:
    """A tensor's memory in a pickle: tensors that share it hold one of these, and so share it when they are read."""

    __slots__ = ("row", "tensor")

    def __init__(self, row, tensor=None):
        self.row, self.tensor = row, tensor  # bytes, and whose they are: an address is another's as soon as the tensor is gone

    def __reduce__(self):
        return rebuild_memory, (self.row.numpy().tobytes(),)


def rebuild_memory(data):
    """Memory from its bytes: how pickles hold it."""
    import numpy as np

    from . import empty

    if not isinstance(data, (bytes, bytearray)):
        raise pickle.UnpicklingError("memory is pickled as its bytes")
    row = empty(len(data), dtype=_native.uint8)
    if data:
        row.numpy()[:] = np.frombuffer(data, np.uint8)
    return Memory(row)


def rebuild_view(memory, dtype, shape, stride, offset, requires_grad):
    """A tensor over memory that others may share: how pickles hold tensors."""
    integers = all(type(n) is int and 0 <= n < 1 << 63 for n in (*shape, *stride, offset)) if type(shape) is type(stride) is tuple else False
    if type(memory) is not Memory or not integers or dtype not in DTYPES:
        raise pickle.UnpicklingError("a tensor is pickled as its memory, the name of its dtype, its sizes, strides and first place, and whether it requires a gradient")
    try:
        made = _native.strided(memory.row, getattr(_native, dtype), shape, stride, offset)
    except (RuntimeError, ValueError, IndexError) as e:
        raise pickle.UnpicklingError(f"a tensor reaches outside its memory: {e}") from None
    return made.requires_grad_() if requires_grad is True else made


# Memories that the `save` under way has met, by their addresses; there is none for a pickle of Python's own, in which, as in PyTorch,
# each tensor has its memory to itself.
_saving = threading.local()


@contextlib.contextmanager
def sharing():
    """While it lasts, tensors that share memory do so in the pickle too."""
    before = getattr(_saving, "memories", None)
    _saving.memories = {}
    try:
        yield
    finally:
        _saving.memories = before


def _memory_of(t):
    known, at = getattr(_saving, "memories", None), t.untyped_storage().data_ptr()
    if known is not None and at in known:
        return known[at]
    made = Memory(_native.storage_row(t, True), t)
    if known is not None and made.row.numel():
        known[at] = made
    return made


def rebuild_class(kind, function, args, state):
    """A tensor of a subclass: how pickles hold them."""
    if not (isinstance(kind, type) and issubclass(kind, _native.Tensor)):
        raise pickle.UnpicklingError(f"a tensor's class is one of tensors: {kind!r:.100}")
    made = _native.Tensor.__new__(kind, function(*args))
    for name, value in state.items():
        setattr(made, name, value)
    return made


def reduce_tensor(t):
    """What a pickle holds of a tensor."""
    if t.dtype.name not in DTYPES:
        raise pickle.PicklingError(f"a tensor of dtype {t.dtype} cannot be pickled: bring it to float64 first")
    if sys.byteorder == "big":
        array = t.detach().numpy()
        return rebuild_tensor, (array.astype(array.dtype.newbyteorder("<")).tobytes(), t.dtype.name, tuple(t.shape), t.requires_grad)
    t = t if min(t.stride(), default=0) >= 0 else t.detach().clone()
    return rebuild_view, (_memory_of(t), t.dtype.name, tuple(t.shape), t.stride(), t.storage_offset(), t.requires_grad)
