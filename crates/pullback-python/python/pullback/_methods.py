"""Methods of `Tensor` that are best written in Python: copies and pickles, devices, other libraries' protocols."""

import builtins as _builtins
import copy
import operator
import warnings

from . import _native, _parts, _pickled
from ._graph import graph
from ._native import Tensor

_convert = Tensor.__dict__["to"]


def __reduce_ex__(self, protocol):
    made = _pickled.reduce_tensor(self)
    if _builtins.type(self) is not Tensor:
        return _pickled.rebuild_class, (_builtins.type(self), *made, dict(_native.attributes(self) or {}))
    return (*made, dict(own)) if (own := _native.attributes(self)) else made


def _as(self, made):
    """A tensor as an object of the class of `self`."""
    return made if _builtins.type(self) is Tensor else Tensor.__new__(_builtins.type(self), made)


def __copy__(self):
    made = _as(self, self.data).requires_grad_(self.requires_grad)
    for name, value in (_native.attributes(self) or {}).items():
        setattr(made, name, value)
    return made


def __deepcopy__(self, memo):
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    if id(self) in memo:
        return memo[id(self)]
    # Tensors over one memory go on sharing: the memory is copied once, whole.
    memory = ("memory", self.untyped_storage().data_ptr())
    if memory not in memo:
        memo[memory] = _native.storage_row(self, True).clone()
    laid = _native.strided(memo[memory], self.dtype, self.shape, self.stride(), self.storage_offset())
    made = _as(self, laid).requires_grad_(self.requires_grad)
    memo[id(self)] = made
    if self.grad is not None:
        made.grad = copy.deepcopy(self.grad, memo)
    for name, value in (_native.attributes(self) or {}).items():
        setattr(made, name, copy.deepcopy(value, memo))
    return made


def to(self, *args, **kwargs):
    """The tensor in another dtype, or as another tensor has it; the device is always the CPU."""
    dtype, copy = kwargs.pop("dtype", None), kwargs.pop("copy", False)
    other, format = kwargs.pop("other", None), kwargs.pop("memory_format", None)
    place = kwargs.pop("device", None)
    place = None if place is None else _device(place)
    kwargs.pop("non_blocking", None)
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
            place = _device(arg)
    if len(flags) > 1:
        copy = flags[1]
    if other is not None:
        dtype, place = other.dtype, other.device
    if dtype is None or dtype is self.dtype:
        made = self.clone() if copy else self
    else:
        made = _convert.__get__(self)(dtype)
    if place is not None and place.type != made.device.type:
        made = made._to_meta() if place.type == "meta" else made.cpu()
    return made if format is None else _parts.formatted(made, format, "to")


def _device(x):
    """The device that was asked for, if tensors can lie there."""
    from ._parts import device

    asked = x if isinstance(x, device) else device(x)
    if asked.type not in ("cpu", "meta"):
        raise RuntimeError(f"device '{asked}' is not there: Pullback computes on the CPU")
    return asked


def cpu(self, memory_format=None):
    """The tensor: it is on the CPU already, or nowhere."""
    if self.is_meta:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    return self if memory_format is None else _parts.formatted(self, memory_format, "cpu")


def cuda(self, *args, **kwargs):
    """There is no GPU here."""
    raise AssertionError("Torch not compiled with CUDA enabled")


def type(self, dtype=None, non_blocking=False):
    """The type's name, or the tensor in another dtype."""
    if dtype is None:
        return f"torch.{self.dtype.scalar_type}Tensor"
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


_COPY = "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or sourceTensor.detach().clone().requires_grad_(True), rather than tensor.new_tensor(sourceTensor)."


def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
    """A tensor of data, in this tensor's dtype by default."""
    if isinstance(data, Tensor):
        warnings.warn(_COPY, stacklevel=2)
        made = _native.as_tensor(data.detach().clone(), dtype=dtype or self.dtype, device=device)
        if requires_grad and not made.is_floating_point():
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        return made.requires_grad_(requires_grad)
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
    """The memory, as bytes."""
    from ._storage import UntypedStorage

    return UntypedStorage(self)


def storage(self):
    """The memory, as elements of the tensor's dtype."""
    from ._storage import TypedStorage, warn_of_typed

    warn_of_typed()
    return TypedStorage(self)


def set_(self, source=None, storage_offset=None, size=None, stride=None):
    """Shows the memory of a tensor or a storage, whole or from an offset with a size; without a source, no memory."""
    from ._storage import TypedStorage, UntypedStorage

    if source is None:
        return self._set(self.detach().new_empty(0))
    if isinstance(source, UntypedStorage):
        source = _native.storage_as(source._row, self.dtype)
    elif isinstance(source, TypedStorage):
        source = source._row
    elif not isinstance(source, Tensor):
        raise TypeError(f"set_() received an invalid combination of arguments - got ({_builtins.type(source).__name__})")
    if size is None:
        return self._set(source)
    size = tuple(size) if hasattr(size, "__len__") else (size,)
    if stride is None:
        stride = [1] * len(size)
        for at in range(len(size) - 2, -1, -1):
            stride[at] = stride[at + 1] * max(size[at + 1], 1)
    if (storage_offset or 0) < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {storage_offset}")
    if len(size) != len(stride):
        raise RuntimeError(f"mismatch in length of strides and shape: {len(size)} sizes and {len(stride)} strides")
    return self._set(source, (size, stride, storage_offset or 0))


def new(self, *args, device=None):
    """A tensor of this one's dtype: of sizes, or of data."""
    if len(args) == 1 and isinstance(args[0], Tensor):
        if args[0].dtype is not self.dtype:
            raise TypeError(f"expected a tensor of {self.dtype} (got one of {args[0].dtype})")
        return args[0].view_as(args[0])
    if len(args) == 1 and not isinstance(args[0], (_builtins.int, _parts.Size)):
        if not hasattr(args[0], "__len__"):
            raise TypeError(f"new(): data must be a sequence (got {_builtins.type(args[0]).__name__})")
        return _native.tensor(args[0], dtype=self.dtype)
    return self.new_zeros(args[0] if len(args) == 1 and isinstance(args[0], tuple) else args or (0,))


def __reversed__(self):
    return self if self.dim() == 0 else self.flip(0)


def fill_diagonal_(self, fill_value, wrap=False):
    """Fills the main diagonal, in place; `wrap` begins it anew below its end in tall matrices."""
    if self.dim() < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.dim() > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    if self.dim() > 2:
        index = _native.tensor(list(range(self.size(0))), dtype=_native.int64)
        self[(index,) * self.dim()] = fill_value
        return self
    rows, columns = self.shape
    block = columns + 1
    for top in range(0, rows, block) if wrap and columns else (0,):
        self[top : top + block].diagonal().fill_(fill_value)
    return self


def narrow_copy(self, dim, start, length):
    """As `narrow`, in memory of its own."""
    return self.narrow(dim, start, length).clone()


def to_dense(self, dtype=None, *, masked_grad=None):
    """The tensor, which is dense; in another dtype, if one is given."""
    return self if dtype is None else self.to(dtype)


def __rdiv__(self, other):
    """A number or a tensor divided by this tensor: Python 2's name."""
    return self.reciprocal() * other


for _name, _method in list(globals().items()):
    if callable(_method) and not _name.startswith(("_rebuild", "_native", "_device", "_Storage", "_convert", "_elementwise", "_checked", "_as", "_real", "_imag", "Tensor")):
        setattr(Tensor, _name, _method)


def _real(self):
    """The tensor: it has no imaginary part."""
    return self


def _imag(self):
    """There are no complex numbers, and PyTorch gives real ones no imaginary part."""
    raise TypeError("imag is not implemented for tensors with non-complex dtypes.")


setattr(Tensor, "is_cpu", property(lambda self: not self.is_meta, doc="Whether it has numbers, which are on the CPU."))


def _as_subclass(self, cls):
    """The tensor as an object of a subclass, over the same memory."""
    return Tensor.__new__(cls, self)


setattr(Tensor, "as_subclass", _as_subclass)
setattr(Tensor, "real", property(_real))
setattr(Tensor, "imag", property(_imag))


# What a tensor here never is. Properties in PyTorch, and methods.
for _name in "is_quantized is_mkldnn is_nested is_xpu is_sparse_csr is_ipu is_mps is_maia is_vulkan is_xla is_mtia is_hpu volatile".split():
    setattr(Tensor, _name, property(lambda self: False, doc="Never so here."))


def _never(self):
    """Never so here."""
    return False


for _name in ("is_conj", "is_neg", "is_distributed"):
    setattr(Tensor, _name, _never)


def _is_signed(self):
    """Whether the dtype has numbers below 0."""
    return self.dtype.name not in ("bool", "uint8")


def _dim_order(self, ambiguity_check=False):
    """The dimensions from the one whose neighbours lie furthest apart to the one whose neighbours lie side by side."""
    return tuple(sorted(range(self.dim()), key=lambda k: -self.stride()[k]))


for _name, _method in (("is_signed", _is_signed), ("dim_order", _dim_order)):
    setattr(Tensor, _name, _method)

# Removed in PyTorch too.
for _name in ("cholesky", "qr", "solve", "lstsq", "symeig"):

    def _removed(self, *args, _name=_name, **kwargs):
        """Removed in PyTorch too: the error says what took its place."""
        from . import _removed

        return getattr(_removed, _name)(self, *args, **kwargs)

    setattr(Tensor, _name, _removed)


def _own(self, name):
    """An attribute of the user's own."""
    found = _native.attributes(self)
    if found is not None and name in found:
        return found[name]
    raise AttributeError(f"'{_builtins.type(self).__name__}' object has no attribute {name!r}", name=name, obj=self)


# Python asks it where the class has no such name.
setattr(Tensor, "__getattr__", _own)


def _torch_function(cls, func, types, args=(), kwargs=None):
    """How a subclass answers functions unless it says otherwise: they run, and their tensors are objects of the subclass."""
    from . import overrides

    return overrides._ordinary(cls, func, types, args, kwargs)


def _init_subclass(cls, **options):
    super(Tensor, cls).__init_subclass__(**options)
    if cls.__torch_function__ is not _parts.no_torch_function:
        from . import overrides

        overrides._prepare(cls)


# What Python's own errors call the class.
setattr(Tensor, "__name__", "Tensor")
setattr(Tensor, "__torch_function__", classmethod(_torch_function))
setattr(Tensor, "__init_subclass__", classmethod(_init_subclass))
