"""Methods of `Tensor` that are best written in Python: copies and pickles, devices, other libraries' protocols."""

import builtins as _builtins
import operator

from . import _native, _pickles
from ._graph import graph
from ._native import Tensor

_convert = Tensor.__dict__["to"]


def __reduce_ex__(self, protocol):
    return _pickles.reduce_tensor(self)


def __deepcopy__(self, memo):
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    made = self.detach().clone().requires_grad_(self.requires_grad)
    if self.grad is not None:
        made.grad = self.grad.detach().clone()
    memo[id(self)] = made
    return made


def to(self, *args, **kwargs):
    """The tensor in another dtype, or as another tensor has it; the device is always the CPU."""
    dtype, copy = kwargs.pop("dtype", None), kwargs.pop("copy", False)
    other = kwargs.pop("other", None)
    for name in ("device", "non_blocking", "memory_format"):
        if name == "device" and kwargs.get(name) is not None:
            _device(kwargs[name])
        kwargs.pop(name, None)
    if kwargs:
        raise TypeError(f"to() got an unexpected keyword argument '{next(iter(kwargs))}'")
    flags = []
    for arg in args:
        if isinstance(arg, _native.dtype):
            dtype = arg
        elif isinstance(arg, Tensor):
            other = arg
        elif isinstance(arg, bool):
            flags.append(arg)
        elif arg is not None:
            _device(arg)
    if len(flags) > 1:
        copy = flags[1]
    if other is not None:
        dtype = other.dtype
    if dtype is None or dtype is self.dtype:
        return self.clone() if copy else self
    return _convert.__get__(self)(dtype)


def _device(x):
    """The device that was asked for, if tensors can lie there."""
    from ._parts import device

    asked = x if isinstance(x, device) else device(x)
    if asked.type != "cpu":
        raise RuntimeError(f"device '{asked}' is not there: Pullback computes on the CPU")
    return asked


def cpu(self, *args, **kwargs):
    """The tensor: it is on the CPU already."""
    return self


def cuda(self, *args, **kwargs):
    """There is no GPU here."""
    raise AssertionError("Torch not compiled with CUDA enabled")


def type(self, dtype=None, non_blocking=False):
    """The type's name, or the tensor in another dtype."""
    if dtype is None:
        names = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "uint8": "Byte", "bool": "Bool"}
        return f"torch.{names.get(self.dtype.name, self.dtype.name)}Tensor"
    if isinstance(dtype, str):
        from . import _legacy

        known = getattr(_legacy, dtype.removeprefix("torch."), None)
        if known is None or not dtype.endswith("Tensor"):
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = known
    return self.to(getattr(dtype, "dtype", dtype))


def __array_wrap__(self, array, context=None, return_scalar=False):
    """What NumPy's functions of a tensor return: a tensor again."""
    return _native.from_numpy(array.astype("uint8") if array.dtype == "bool" else array)


def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
    """A tensor of data, in this tensor's dtype by default."""
    return _native.tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


def is_same_size(self, other):
    """Whether the shapes are equal."""
    return self.shape == other.shape


def is_set_to(self, other):
    """Whether both show the same elements of the same memory."""
    return self.data_ptr() == other.data_ptr() and self.shape == other.shape and self.stride() == other.stride()


def is_pinned(self, device=None):
    """Never: there is no GPU."""
    return False


def is_nonzero(self):
    """Whether the one element is not zero."""
    return self.__bool__()


def is_shared(self):
    """Never: memory is not shared between processes."""
    return False


def share_memory_(self):
    """Not there: memory is not shared between processes."""
    raise NotImplementedError("share_memory_ is not there: memory is not shared between processes here; give NumPy arrays in shared memory to from_numpy")


def _elementwise(self, name, others, callable):
    for t in (self, *others):
        if t.requires_grad:
            raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
    convert = float if self.is_floating_point() else (bool if self.dtype is _native.bool else operator.index)
    rows = [t.expand(self.shape).reshape(-1).tolist() for t in (self, *others)]
    made = _native.tensor([convert(callable(*row)) for row in zip(*rows)], dtype=self.dtype)
    return self.copy_(made.reshape(self.shape))


def apply_(self, callable):
    """Puts `callable(x)` in the place of every element, one after the other: slow, and without gradients."""
    return _elementwise(self, "apply_", (), callable)


def _checked(self, name, **others):
    for position, (key, t) in enumerate(others.items(), 1):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}(): argument '{key}' (position {position}) must be Tensor, not {_builtins.type(t).__name__}")
        if t.dtype is not self.dtype:
            raise TypeError(f"{name}: expected {self.type()} for '{key}' (got {t.type()})")
    return others.values()


def map_(self, tensor, callable):
    """Puts `callable(x, y)` in the place of every element `x`, `y` from another tensor."""
    return _elementwise(self, "map_", _checked(self, "map_", other=tensor), callable)


def map2_(self, x, y, callable):
    """As `map_`, with two other tensors."""
    return _elementwise(self, "map2_", _checked(self, "map2_", x=x, y=y), callable)


def get_device(self):
    """-1: the CPU."""
    return -1


def untyped_storage(self):
    """The memory, as something that knows its address."""
    return _Storage(self)


class _Storage:
    def __init__(self, tensor):
        self._tensor = tensor

    def data_ptr(self):
        return self._tensor.data_ptr() - self._tensor.storage_offset() * self._tensor.element_size()


for _name, _method in list(globals().items()):
    if callable(_method) and not _name.startswith(("_rebuild", "_native", "_device", "_Storage", "_convert", "_elementwise", "_checked", "Tensor")):
        setattr(Tensor, _name, _method)


class _NotThere:
    """A method of PyTorch's that cannot be here, and what to write instead."""

    def __init__(self, name, instead):
        self._text = f"a tensor's shape is fixed here, so there is no {name!r}: write {instead}"

    def __get__(self, tensor, _=None):
        raise AttributeError(self._text)


for _name in ("t", "transpose", "squeeze", "unsqueeze", "swapaxes", "swapdims", "as_strided"):
    setattr(Tensor, f"{_name}_", _NotThere(f"{_name}_", f"x = x.{_name}(…)"))
Tensor.resize_ = _NotThere("resize_", "x = x.new_empty(…), or reshape")
