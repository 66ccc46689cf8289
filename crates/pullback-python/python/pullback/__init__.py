"""Automatic differentiation with PyTorch's semantics, exact random streams, and gradients that are checked.

    import pullback as torch

Names, arguments, defaults and errors are PyTorch's. What is not there raises an error that says so.
"""

import builtins as _builtins
from builtins import range as _python_range
import math as _math
import sys as _sys

from . import _native
from ._native import (
    Tensor,
    __version__,
    as_tensor,
    bfloat16,
    bool,
    dtype,
    float16,
    float32,
    float64,
    float64x2,
    from_numpy,
    get_default_dtype,
    get_num_threads,
    int8,
    int16,
    int32,
    int64,
    is_grad_enabled,
    set_default_dtype,
    set_num_threads,
    tensor,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ._parts import Size, channels_last, channels_last_3d, contiguous_format, device, layout, memory_format, preserve_format, strided

half = float16
float = float32
double = float64
long = int64
short = int16
int = int32
pi, e, inf, nan = _math.pi, _math.e, _math.inf, _math.nan
newaxis = None

from . import _surface

_surface.fill(_sys.modules[__name__])

from . import autograd, linalg, random, special, types
from . import _methods
from ._legacy import BFloat16Tensor, BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor, ShortTensor
from ._native import is_inference_mode_enabled, is_warn_always_enabled, set_printoptions, set_warn_always
from ._storage import (
    BFloat16Storage,
    BoolStorage,
    ByteStorage,
    CharStorage,
    DoubleStorage,
    FloatStorage,
    HalfStorage,
    IntStorage,
    LongStorage,
    ShortStorage,
    TypedStorage,
    UntypedStorage,
)
from ._strided import empty_permuted, empty_strided
from .autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state


def is_tensor(x):
    """Whether `x` is a tensor."""
    return isinstance(x, Tensor)


def is_floating_point(x):
    """Whether the dtype of `x` is a floating one."""
    return x.is_floating_point()


def is_complex(x):
    """Whether the dtype of `x` is complex: never."""
    return False


def zero_(x):
    """Sets every element to zero, in place."""
    return x.zero_()


def fill_(x, value):
    """Sets every element to a number, in place."""
    return x.fill_(value)


def broadcast_shapes(*shapes):
    """The shape that several broadcast to."""
    made = [(s,) if isinstance(s, _builtins.int) else tuple(s) for s in shapes]
    rank = _builtins.max(map(len, made), default=0)
    result = [1] * rank
    for shape in made:
        for i, n in enumerate(shape, rank - len(shape)):
            if n < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension ({n}): ({n})")
            if n not in (1, result[i]):
                if result[i] != 1:
                    raise RuntimeError("Shape mismatch: objects cannot be broadcast to a single shape")
                result[i] = n
    return Size(result)


def result_type(tensor1, tensor2):
    """The dtype that an operation on two tensors or numbers has."""
    return _native.result_type(tensor1, tensor2)


def promote_types(type1, type2):
    """The smallest dtype that both dtypes go into."""
    return _native.promote_types(type1, type2)


def can_cast(from_, to):
    """Whether a result of one dtype may be written into another."""
    return _native.can_cast(from_, to)


def is_nonzero(input):
    """Whether the one element is not zero."""
    if not isinstance(input, Tensor):
        raise TypeError(f"is_nonzero(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input.__bool__()


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=None):
    """A tensor of any data, over the same memory where it can be; `copy=True` never shares, `copy=False` never copies."""
    dtype = dtype if dtype is None or isinstance(dtype, _native.dtype) else tensor([], dtype=dtype).dtype
    if copy is False and not (isinstance(obj, Tensor) or hasattr(obj, "__array_interface__") or hasattr(obj, "__dlpack__")):
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    if isinstance(obj, Tensor):
        found = obj
    elif is_storage(obj):
        found = obj._row
    elif hasattr(obj, "__dlpack__") and not hasattr(obj, "__array_interface__"):
        found = from_dlpack(obj)
    else:
        found = as_tensor(obj, device=device)
    if dtype is not None and found.dtype is not dtype:
        if copy is False:
            names = [t.type().removeprefix("torch.").removesuffix("Tensor") for t in (found, found.new_zeros(0, dtype=dtype))]
            raise ValueError(f"can't alias tensor with dtype '{names[0]}' into dtype '{names[1]}'.")
        found = found.to(dtype)
    elif copy:
        found = found.clone()
    if requires_grad is False and found.requires_grad:
        return found.detach()
    if requires_grad and not found.is_floating_point():
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return found.requires_grad_() if requires_grad and not found.requires_grad else found


def numel(x):
    """Number of elements."""
    return x.numel()


def typename(x):
    """The type of an object, with its module."""
    return "torch.Tensor" if isinstance(x, Tensor) else f"{type(x).__module__}.{type(x).__qualname__}"


class finfo:
    """What a floating dtype can represent."""

    def __init__(self, dtype=None):
        import numpy

        self.dtype = get_default_dtype() if dtype is None else dtype
        if not self.dtype.is_floating_point:
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{self.dtype}'")
        if self.dtype is bfloat16:
            self.bits, self.eps, self.max, self.min = 16, 2.0**-7, (2 - 2.0**-7) * 2.0**127, (2.0**-7 - 2) * 2.0**127
            self.tiny = self.smallest_normal = 2.0**-126
            self.resolution = 0.01
            return
        info = numpy.finfo(self.dtype.name)
        self.bits, self.eps, self.max, self.min = info.bits, info.eps.item(), info.max.item(), info.min.item()
        self.tiny = self.smallest_normal = info.tiny.item()
        self.resolution = info.resolution.item()

    def __repr__(self):
        return f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype.name})"


class iinfo:
    """What an integer dtype can represent."""

    def __init__(self, dtype):
        import numpy

        if dtype.is_floating_point or dtype is bool:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{dtype}'")
        info = numpy.iinfo(dtype.name)
        self.dtype, self.bits, self.max, self.min = dtype, info.bits, info.max, info.min

    def __repr__(self):
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype.name})"


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor over memory that another library exports by DLPack; `copy=True` makes it independent.

    Memory that its owner calls read-only is copied, unless `copy=False` says that nobody will write to it.
    """
    if device is not None:
        _methods._device(device)
    return _native.from_dlpack(ext_tensor, copy)


def is_storage(x):
    """Whether `x` is a tensor's memory."""
    return isinstance(x, (TypedStorage, UntypedStorage))


def imag(input):
    """There are no complex numbers, and PyTorch gives real ones no imaginary part."""
    return input.imag


def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """A tensor over the memory of an object that has a buffer, such as `bytearray`."""
    import numpy

    size = memoryview(buffer).nbytes
    if size == 0:
        raise ValueError("both buffer length (0) and count (-1) must not be 0" if count < 0 else f"both buffer length (0) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({size} bytes) - 1")
    if count < 0 and (size - offset) % dtype.itemsize:
        raise ValueError(f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a multiple of element size ({dtype.itemsize})")
    if count > 0 and offset + count * dtype.itemsize > size:
        raise ValueError(f"requested buffer length ({count} * {dtype.itemsize} bytes) after offset ({offset} bytes) must not be greater than actual buffer length ({size} bytes)")
    if count == 0:
        raise ValueError(f"both buffer length ({size}) and count (0) must not be 0")
    return from_numpy(numpy.frombuffer(buffer, dtype=dtype.name, count=count, offset=offset)).requires_grad_(requires_grad)


_einsum = einsum


def einsum(*args, out=None):
    """Einstein's sum: an equation and operands, or operands each with a list of its subscripts (numbers below 52), and last the result's."""
    if not args or len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts list")
    if not isinstance(args[0], Tensor):
        equation, *operands = args
        # Operands may come as one list.
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = operands[0]
        return _einsum(equation, *operands, out=out)

    def written(subscripts):
        return "".join("..." if s is Ellipsis else _letter(s) for s in subscripts)

    operands, lists = args[0 : len(args) // 2 * 2 : 2], args[1::2]
    equation = ",".join(map(written, lists))
    if len(args) % 2:
        equation += "->" + written(args[-1])
    return _einsum(equation, *operands, out=out)


def _letter(subscript):
    if not 0 <= subscript < 52:
        raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return chr(ord("A") + subscript) if subscript < 26 else chr(ord("a") + subscript - 26)


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Nothing to do: results never depend on the number of threads."""


def set_num_interop_threads(n):
    """Nothing to do: operations run one after the other."""


def set_float32_matmul_precision(precision):
    """Nothing to do: products are computed in full."""


from ._overridable import overridable as _overridable

for _name in ("einsum", "fill_", "imag", "is_complex", "is_floating_point", "is_nonzero", "numel", "result_type", "zero_"):
    globals()[_name] = _overridable(globals()[_name])

from . import __future__, fft, nn  # these use all of the above
from ._twins import (
    adaptive_avg_pool1d,
    adaptive_max_pool1d,
    alpha_dropout,
    binary_cross_entropy_with_logits,
    celu,
    cosine_embedding_loss,
    ctc_loss,
    embedding,
    embedding_bag,
    feature_alpha_dropout,
    group_norm,
    hinge_embedding_loss,
    instance_norm,
    kl_div,
    layer_norm,
    margin_ranking_loss,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool3d,
    native_channel_shuffle,
    poisson_nll_loss,
    rrelu,
    triplet_margin_loss,
)


from ._beneath import (
    _batch_norm_with_update,
    _chunk_cat,
    _log_softmax_backward_data,
    _native_batch_norm_legit,
    _softmax_backward_data,
    _unsafe_masked_index,
    _unsafe_masked_index_put_accumulate,
    max_pool2d_with_indices_backward,
    native_batch_norm,
    native_dropout,
    native_dropout_backward,
    native_group_norm,
    native_layer_norm,
)
from ._bins import histogramdd, range_ as range, segment_reduce

_segment_reduce = segment_reduce


def adjoint(input):
    """The last two dimensions exchanged: there are no complex numbers to conjugate."""
    return input.adjoint()


def detach(input):
    """The same numbers without history."""
    return input.detach()


def detach_(input):
    """Takes the history away from a tensor."""
    return input.detach_()


def as_strided_(input, size, stride, storage_offset=None):
    """`as_strided`, in place."""
    return input.as_strided_(size, stride, storage_offset)


def resize_as_(input, the_template, *, memory_format=None):
    """Resizes a tensor to the shape of another."""
    return input.resize_as_(the_template)


def get_device(input):
    """-1: the CPU."""
    return input.get_device()


def is_conj(input):
    """Never: there are no complex numbers."""
    return False


def is_neg(input):
    """Never: no tensor is a negated view."""
    return False


def is_distributed(input):
    """Never: there is one process."""
    return False


def is_signed(input):
    """Whether the dtype has numbers below 0."""
    return input.is_signed()


def is_inference(input):
    """Whether a tensor was made in inference mode."""
    return input.is_inference()


def is_same_size(input, other):
    """Whether two tensors have the same shape."""
    return input.shape == other.shape


def _over(name):
    """A function of `nn.functional` whose result is written over its first argument."""

    def written(input, *args, **kwargs):
        return input.copy_(getattr(_sys.modules[__name__], name)(input, *args, **kwargs))

    written.__name__ = written.__qualname__ = name + "_"
    written.__doc__ = f"As `{name}`, in place."
    return written


celu_, rrelu_, alpha_dropout_, feature_alpha_dropout_, dropout_, feature_dropout_ = map(_over, ("celu", "rrelu", "alpha_dropout", "feature_alpha_dropout", "dropout", "feature_dropout"))


def embedding_renorm_(weight, indices, max_norm, norm_type):
    """Shortens the rows of a table that indices name, in place."""
    with no_grad():
        nn.functional.embedding(indices.reshape(-1), weight, max_norm=max_norm, norm_type=norm_type)
    return weight


def norm_except_dim(v, pow=2, dim=0):
    """The norm over all dimensions but one, which the others stay beside with size 1; over all of them for -1."""
    if dim == -1:
        return v.norm(pow)
    others = [d for d in _python_range(v.dim()) if d != dim % v.dim()]
    return v.norm(pow, others, keepdim=True) if others else v.norm(pow, dim, keepdim=True) if v.dim() > 1 else v.abs()


def poisson(input, generator=None):
    """A draw of Poisson's law for each rate, in PyTorch's stream. The gradient is zero."""
    from .distributions import _samplers

    return _samplers.poisson(input, generator)


def binomial(count, prob, generator=None):
    """A draw of the binomial law for each count and probability, in PyTorch's stream."""
    from .distributions import _samplers

    return _samplers.binomial(count, prob, generator)


def _standard_gamma(input, generator=None):
    from .distributions import _samplers

    return _samplers.standard_gamma(input, generator)


def _sample_dirichlet(input, generator=None):
    from .distributions import _samplers

    return _samplers.sample_dirichlet(input, generator)


def get_float32_matmul_precision():
    """Products are computed in full."""
    return "highest"


def are_deterministic_algorithms_enabled():
    """Whether results never change from run to run: they never do."""
    return True


def get_num_interop_threads():
    """One: operations run one after the other."""
    return 1


def set_flush_denormal(mode):
    """False: tiny numbers are kept."""
    return False


def set_default_device(device):
    """Where tensors of nothing are made from now on: the CPU, or "meta"."""
    place = _methods._device("cpu" if device is None else device)
    if (place.type == "meta") != (get_default_device().type == "meta"):
        _native.enter_meta(place.type == "meta")


def get_default_device():
    """Where tensors of nothing are made."""
    return empty(0).device


def is_autocast_enabled(device_type=None):
    """Whether `autocast` is at work for a device."""
    from . import amp

    return amp.is_autocast_enabled(device_type)


def is_autocast_cpu_enabled():
    """Whether `autocast` is at work for the CPU."""
    return is_autocast_enabled("cpu")


def get_autocast_dtype(device_type):
    """The dtype of `autocast`."""
    from . import amp

    return amp.get_autocast_dtype(device_type)


def get_autocast_cpu_dtype():
    """The dtype of `autocast` on the CPU."""
    return get_autocast_dtype("cpu")


# Modules that are imported when they are first used, and what is taken out of them.
_LATER = ("accelerator", "amp", "backends", "compiler", "cuda", "distributed", "distributions", "func", "hub", "jit", "masked", "mps", "multiprocessing", "onnx", "ops", "optim", "overrides", "profiler", "return_types", "safetensors", "serialization", "signal", "testing", "utils", "version", "xpu")
_PARTS = {"autocast": "amp", "GradScaler": "amp", "OutOfMemoryError": "cuda", "load": "serialization", "save": "serialization", "check": "_check", "compile": "_compiled", "install_as_torch": "_install", "vmap": "_vmap"}
_PARTS |= {f"{_name}_window": "_windows" for _name in ("bartlett", "blackman", "hamming", "hann", "kaiser")}
_PARTS |= {"svd_lowrank": "_lowrank", "pca_lowrank": "_lowrank"}
_PARTS |= dict.fromkeys(("cholesky", "qr", "solve", "lstsq", "symeig", "eig", "matrix_rank"), "_removed")
_PARTS |= dict.fromkeys(("nuclear_norm", "frobenius_norm", "set_default_tensor_type", "spmm"), "_older")


def __getattr__(name):
    import importlib

    if name in _LATER or name == "_C":
        return importlib.import_module(f".{name}", __name__)
    if name in _PARTS:
        return getattr(importlib.import_module(f".{_PARTS[name]}", __name__), name)
    raise AttributeError(_surface.missing("pullback", name))
