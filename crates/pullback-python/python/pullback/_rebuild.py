"""What files of PyTorch's call to make tensors, under PyTorch's names (`torch._utils._rebuild_tensor_v2` and its kin).

Every function checks what it is given, since files are not to be believed. `_torch_names.py` says which name means which.
"""

import pickle

from . import _native
from ._native import Tensor
from ._storage import TypedStorage, UntypedStorage

LEGACY = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "LongStorage": "int64",
    "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip
STORAGE_OF = {dtype: name for name, dtype in LEGACY.items()}
OTHER_STORAGES = ("ComplexFloatStorage", "ComplexDoubleStorage", "QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage")
OTHER_DTYPES = ("complex32", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2", "qint8", "quint8", "qint32", "quint4x2", "quint2x4")


class StorageType:
    """Stands for a class of storages while a file is read."""

    __slots__ = ("dtype", "name")

    def __init__(self, name):
        self.name = name
        self.dtype = None if name == "UntypedStorage" else getattr(_native, LEGACY[name])


class NotHere:
    """Stands for a dtype or a class of storages that there is none of here: a file that uses it is an error that says so."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def refuse(self):
        raise pickle.UnpicklingError(f"the file holds {self.name}, which is not there in Pullback: convert it with PyTorch before it is saved")


def storage_of_bytes(row, place, dtype):
    """A storage over bytes, of a dtype or without one; tensors made of it go to a device."""
    made = UntypedStorage(row) if dtype is None else TypedStorage.__new__(TypedStorage)
    if dtype is not None:
        made._row, made.dtype = _native.storage_as(row, dtype), dtype
    made.device = place
    return made


def _refused(why):
    return pickle.UnpicklingError(f"Weights only load failed. {why}")


def _whole(*numbers):
    return all(type(n) is int and 0 <= n < 1 << 63 for n in numbers)


def _tensor(storage, dtype, offset, size, stride, requires_grad):
    if not isinstance(storage, (TypedStorage, UntypedStorage)) or not isinstance(size, tuple) or not isinstance(stride, tuple):
        raise _refused("A tensor is made of a storage, its first place, its sizes and its strides")
    if len(size) != len(stride) or len(size) > 64 or not _whole(offset, *size, *stride):
        raise _refused("A tensor's sizes and strides are as many numbers that are not negative")
    try:
        made = _native.strided(_native.storage_row(storage._row, True), dtype, tuple(size), tuple(stride), offset)
    except (RuntimeError, ValueError, IndexError, OverflowError) as e:
        raise _refused(f"A tensor reaches outside its storage: {str(e).splitlines()[0]}") from None
    if storage.device.type != made.device.type:
        made = made.to(storage.device)
    return _requiring(made, requires_grad)


def _requiring(made, requires_grad):
    if type(requires_grad) is not bool:
        raise _refused("Whether a tensor requires a gradient is True or False")
    return made.requires_grad_() if requires_grad else made


def tensor_v1(storage, storage_offset, size, stride):
    """As the oldest files have it."""
    return tensor_v2(storage, storage_offset, size, stride, False, None)


def tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None):
    """A tensor of the storage's dtype."""
    if not isinstance(storage, TypedStorage):
        raise _refused("A tensor is made of a storage with a dtype")
    return _tensor(storage, storage.dtype, storage_offset, size, stride, requires_grad)


def tensor_v3(storage, storage_offset, size, stride, requires_grad, backward_hooks, dtype, metadata=None):
    """A tensor of a dtype over bytes."""
    if not isinstance(dtype, _native.dtype):
        raise _refused("A tensor is made of a storage and a dtype")
    return _tensor(storage, dtype, storage_offset, size, stride, requires_grad)


def meta_tensor(dtype, size, stride, requires_grad):
    """A tensor without numbers."""
    from . import empty

    if not isinstance(dtype, _native.dtype) or not isinstance(size, tuple) or not _whole(*size):
        raise _refused("A meta tensor is made of a dtype and sizes")
    return _requiring(empty(size, dtype=dtype, device="meta"), requires_grad)


def parameter(data, requires_grad, backward_hooks=None):
    """A parameter over a tensor."""
    from .nn.parameter import Parameter

    if not isinstance(data, Tensor) or type(requires_grad) is not bool:
        raise _refused("A parameter is pickled as a tensor, and whether it requires a gradient")
    if requires_grad and not data.is_floating_point():
        raise _refused("Only floating tensors require gradients")
    return Parameter(data, requires_grad)


def parameter_with_state(data, requires_grad, backward_hooks, state):
    """A parameter with attributes of the user's own."""
    return with_state(parameter(data, requires_grad), state)


def uninitialized(kind, dtype, requires_grad):
    """A parameter that waits for its shape."""
    from .nn import parameter as p

    return p.UninitializedParameter(requires_grad, dtype=dtype)


def with_state(made, state):
    """Gives a tensor attributes: names of the user's own, and none that means something to tensors."""
    if isinstance(state, tuple) and len(state) == 2:
        state = {**(state[0] or {}), **(state[1] or {})}
    for name, value in (state or {}).items():
        if type(name) is not str or hasattr(type(made), name) and name != "_is_hf_initialized":
            raise _refused("Attributes are a dict of names of the user's own")
        setattr(made, name, value)
    return made


def from_type(func, new_type, args, state):
    """A tensor of a subclass, or with attributes."""
    from .nn.parameter import Parameter

    if not callable(func) or not isinstance(new_type, type) or not issubclass(new_type, Tensor) or type(args) is not tuple:
        raise _refused("A tensor of a subclass is pickled as a function, the subclass, arguments and attributes")
    made = func(*args)
    if not isinstance(made, Tensor):
        raise _refused("A tensor of a subclass is made of a tensor")
    if type(made) is not new_type:
        required = made.requires_grad
        made = parameter(made.detach(), required) if new_type is Parameter else Tensor.__new__(new_type, made.detach()).requires_grad_(required)
    return with_state(made, state)


def layout(name):
    """How elements lie: only with strides."""
    from . import strided

    if name != "torch.strided":
        raise pickle.UnpicklingError(f"tensors of layout {name!r:.100} are not there in Pullback")
    return strided


def refused(*args):
    """What there are no tensors of here: sparse, quantised, nested ones and those of wrapper classes."""
    raise pickle.UnpicklingError("the file holds a sparse, quantised or nested tensor, which are not there in Pullback: convert it with PyTorch (to_dense, dequantize) before it is saved")


# What PyTorch's files call, in the module `torch._utils` unless it says otherwise.
FUNCTIONS = {
    "torch._utils._rebuild_tensor": tensor_v1,
    "torch._utils._rebuild_tensor_v2": tensor_v2,
    "torch._utils._rebuild_tensor_v3": tensor_v3,
    "torch._utils._rebuild_meta_tensor_no_storage": meta_tensor,
    "torch._utils._rebuild_parameter": parameter,
    "torch._utils._rebuild_parameter_with_state": parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": from_type,
    "torch.serialization._get_layout": layout,
    **{f"torch._utils._rebuild_{kind}": refused for kind in ("sparse_tensor", "sparse_csr_tensor", "nested_tensor", "qtensor", "wrapper_subclass", "device_tensor_from_numpy", "device_tensor_from_cpu_tensor", "xla_tensor")},
}
