"""Modules that learn their input's size at the first call: their parameters wait for a shape until then."""

from itertools import chain

from ... import empty, int64, no_grad, tensor
from ..parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from . import batchnorm, conv, linear


def _materialize(held, name, shape):
    """Gives a parameter its shape; in the place of a buffer comes an ordinary tensor."""
    with no_grad():
        if isinstance(held[name], UninitializedBuffer):
            held[name] = empty(shape, dtype=held[name].data.dtype)
        else:
            held[name].materialize(shape)


class LazyModuleMixin:
    """Mixed with a module whose `initialize_parameters(*args)` gives its parameters their shapes, from the arguments of the first call.

    After it the module is of the class `cls_to_become`.
    """

    cls_to_become = None
    _inferred = ""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)

    def _lazy_load_hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        for held in (self._parameters, self._buffers):
            for name, value in held.items():
                given = state_dict.get(prefix + name)
                if value is not None and given is not None and is_lazy(value) and not is_lazy(given):
                    _materialize(held, name, given.shape)

    def initialize_parameters(self, *args, **kwargs):
        """Gives the parameters their shapes."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {self.__class__.__name__}")

    def has_uninitialized_params(self):
        """Whether a parameter or buffer still waits."""
        return any(is_lazy(p) for p in chain(self._parameters.values(), self._buffers.values()))

    def _infer_parameters(self, module, args, kwargs=None):
        self.initialize_parameters(*args, **(kwargs or {}))
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        self._initialize_hook.remove()
        self._load_hook.remove()
        del self._initialize_hook, self._load_hook
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become

    def reset_parameters(self):
        """Draws the parameters anew, once they have shapes."""
        if not self.has_uninitialized_params() and getattr(self, self._inferred) != 0:
            super().reset_parameters()


class LazyLinear(LazyModuleMixin, linear.Linear):
    """A fully connected layer that learns `in_features` at the first call."""

    cls_to_become = linear.Linear
    _inferred = "in_features"

    def __init__(self, out_features, bias=True, device=None, dtype=None):
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def initialize_parameters(self, input):
        if self.has_uninitialized_params():
            with no_grad():
                self.in_features = input.shape[-1]
                self.weight.materialize((self.out_features, self.in_features))
                if self.bias is not None:
                    self.bias.materialize((self.out_features,))
                self.reset_parameters()
        if self.in_features == 0:
            if input.shape[-1] != self.weight.shape[-1]:
                raise AssertionError(f"The in_features inferred from input: {input.shape[-1]} is not equal to in_features from self.weight: {self.weight.shape[-1]}")
            self.in_features = input.shape[-1]


class _LazyConv(LazyModuleMixin):
    def __init__(self, out_channels, kernel_size, *args, bias=True, device=None, dtype=None, **kwargs):
        args = list(args)
        # `bias` may stand among the other arguments.
        if len(args) > self._bias_at:
            bias = args[self._bias_at]
            args[self._bias_at] = False
        else:
            kwargs["bias"] = False
        super().__init__(0, 0, kernel_size, *args, **kwargs)
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    _bias_at = 4
    _inferred = "in_channels"

    def initialize_parameters(self, input, *args, **kwargs):
        if not self.has_uninitialized_params():
            return
        n = self._dims
        if input.dim() not in (n + 1, n + 2):
            raise RuntimeError(f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {self.__class__.__name__}, but got input of size: {input.shape}")
        self.in_channels = input.shape[1] if input.dim() == n + 2 else input.shape[0]
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        shape = (self.in_channels, self.out_channels // self.groups) if self.transposed else (self.out_channels, self.in_channels // self.groups)
        with no_grad():
            self.weight.materialize((*shape, *self.kernel_size))
            if self.bias is not None:
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()


class LazyConv1d(_LazyConv, conv.Conv1d):
    """A convolution over one dimension that learns `in_channels` at the first call."""

    cls_to_become = conv.Conv1d


class LazyConv2d(_LazyConv, conv.Conv2d):
    """A convolution over two dimensions that learns `in_channels` at the first call."""

    cls_to_become = conv.Conv2d


class LazyConv3d(_LazyConv, conv.Conv3d):
    """A convolution over three dimensions that learns `in_channels` at the first call."""

    cls_to_become = conv.Conv3d


class LazyConvTranspose1d(_LazyConv, conv.ConvTranspose1d):
    """The transpose of a convolution over one dimension that learns `in_channels` at the first call."""

    cls_to_become = conv.ConvTranspose1d


class LazyConvTranspose2d(_LazyConv, conv.ConvTranspose2d):
    """The transpose of a convolution over two dimensions that learns `in_channels` at the first call."""

    cls_to_become = conv.ConvTranspose2d


class LazyConvTranspose3d(_LazyConv, conv.ConvTranspose3d):
    """The transpose of a convolution over three dimensions that learns `in_channels` at the first call."""

    cls_to_become = conv.ConvTranspose3d


class _LazyNorm(LazyModuleMixin):
    _inferred = "num_features"

    def __init__(self, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *, bias=True):
        super().__init__(0, eps, momentum, False, False)
        self.affine, self.track_running_stats = affine, track_running_stats
        own = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**own)
            if bias:
                self.bias = UninitializedParameter(**own)
        if track_running_stats:
            for name in ("running_mean", "running_var"):
                self._buffers[name] = UninitializedBuffer(**own)
            self._buffers["num_batches_tracked"] = tensor(0, dtype=int64)

    def initialize_parameters(self, input):
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        for held in (self._parameters, self._buffers):
            for name, value in held.items():
                if value is not None and is_lazy(value):
                    _materialize(held, name, (self.num_features,))
        with no_grad():
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, batchnorm.BatchNorm1d):
    """`BatchNorm1d` that learns `num_features` at the first call."""

    cls_to_become = batchnorm.BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, batchnorm.BatchNorm2d):
    """`BatchNorm2d` that learns `num_features` at the first call."""

    cls_to_become = batchnorm.BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, batchnorm.BatchNorm3d):
    """`BatchNorm3d` that learns `num_features` at the first call."""

    cls_to_become = batchnorm.BatchNorm3d


class _LazyInstanceNorm(_LazyNorm):
    def __init__(self, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None):
        super().__init__(eps, momentum, affine, track_running_stats, device, dtype)


class LazyInstanceNorm1d(_LazyInstanceNorm, batchnorm.InstanceNorm1d):
    """`InstanceNorm1d` that learns `num_features` at the first call."""

    cls_to_become = batchnorm.InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm, batchnorm.InstanceNorm2d):
    """`InstanceNorm2d` that learns `num_features` at the first call."""

    cls_to_become = batchnorm.InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm, batchnorm.InstanceNorm3d):
    """`InstanceNorm3d` that learns `num_features` at the first call."""

    cls_to_become = batchnorm.InstanceNorm3d
