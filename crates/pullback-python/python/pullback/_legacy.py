"""`torch.FloatTensor` and its kin: tensors of one dtype, from before dtypes were arguments.

They make tensors of data or of sizes, stand for their dtype in `x.type(...)`, and are what `isinstance` asks about. They are not classes of
tensors: every tensor is a `Tensor`.
"""

from . import _native
from ._parts import Size


class _OfDtype(type):
    """What `isinstance(x, FloatTensor)` asks: the dtype."""

    def __instancecheck__(cls, x):
        return isinstance(x, _native.Tensor) and x.dtype is cls.dtype

    def __repr__(cls):
        return f"<class 'torch.{cls.__name__}'>"


def _made(cls, *data, device=None):
    """Elements of this dtype: of sizes, of one sequence, array or tensor, or none."""
    if data and isinstance(data[0], _native.Tensor) and data[0].dim() > 0 or len(data) == 1 and hasattr(data[0], "__array__"):
        if isinstance(data[0], _native.Tensor) and data[0].dtype is not cls.dtype:
            raise TypeError(f"expected a tensor of {cls.dtype} (got {data[0].dtype})")
        return _native.as_tensor(data[0], dtype=cls.dtype).detach().clone()
    if len(data) == 1 and isinstance(data[0], (list, tuple)) and not isinstance(data[0], Size):
        return _native.tensor(data[0], dtype=cls.dtype)
    return _native.Tensor(*data, device=device).to(cls.dtype)


def _of(name, dtype):
    text = f"`torch.{name}(data)` or `torch.{name}(*sizes)`: a tensor of {dtype}."
    return _OfDtype(name, (), {"dtype": dtype, "__new__": _made, "__doc__": text})


FloatTensor = _of("FloatTensor", _native.float32)
HalfTensor = _of("HalfTensor", _native.float16)
BFloat16Tensor = _of("BFloat16Tensor", _native.bfloat16)
DoubleTensor = _of("DoubleTensor", _native.float64)
LongTensor = _of("LongTensor", _native.int64)
IntTensor = _of("IntTensor", _native.int32)
ShortTensor = _of("ShortTensor", _native.int16)
CharTensor = _of("CharTensor", _native.int8)
ByteTensor = _of("ByteTensor", _native.uint8)
BoolTensor = _of("BoolTensor", _native.bool)
