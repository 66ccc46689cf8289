"""`autocast`: which functions compute in fewer digits, which in float32, and which in the widest dtype of their operands; PyTorch's lists for the CPU."""

import functools
import threading
import warnings

from .. import Tensor, bfloat16, float16, float32, float64
from .._intercept import aside, installed

LOWER = frozenset(
    "matmul mm bmm addmm addbmm baddbmm mv linear prelu scaled_dot_product_attention conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d multi_dot chain_matmul vecdot lstm rnn_tanh rnn_relu "
    "rnn_tanh_cell rnn_relu_cell".split()
)
FLOAT = frozenset(
    "avg_pool3d binary_cross_entropy cosine_embedding_loss hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss nll_loss "
    "poisson_nll_loss prod quantile nanquantile smooth_l1_loss soft_margin_loss trace triplet_margin_loss cdist cumprod binary_cross_entropy_with_logits gaussian_nll_loss "
    "cholesky inv solve svd qr eigh lstsq matrix_rank det slogdet matrix_norm vector_norm".split()
)
WIDEST = frozenset("cat stack concat concatenate hstack vstack index_copy".split())
_own = threading.local()


def _state(name, default):
    return getattr(_own, name, default)


def _cast(x, dtype):
    if isinstance(x, Tensor):
        return x.to(dtype) if x.is_floating_point() and x.dtype not in (float64, dtype) else x
    if isinstance(x, (list, tuple)):
        return type(x)(_cast(v, dtype) for v in x) if type(x) in (list, tuple) else x
    return x


def _tensors(x):
    if isinstance(x, Tensor):
        yield x
    elif isinstance(x, (list, tuple)):
        for v in x:
            yield from _tensors(v)


def _dtype_for(name, dtype, args):
    if name in LOWER:
        return dtype
    if name in FLOAT:
        return float32
    if name in WIDEST:
        found = {t.dtype for t in _tensors(args) if t.is_floating_point()}
        return float32 if len(found) > 1 and float32 in found else None
    return None


class autocast:
    """A context manager, or a decorator: products and convolutions of float32 tensors are computed in `dtype` (bfloat16, unless it is said).

    `device_type="cpu"` works; another one warns that it is not here and does nothing.
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device, self.fast_dtype = device_type, dtype or _state("dtype", bfloat16)
        self._enabled = enabled
        if device_type != "cpu":
            if device_type not in ("cuda", "xpu", "mps", "hpu", "mtia", "xla", "meta"):
                raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
            if enabled:
                text = f"User provided device_type of '{device_type}', but {device_type.upper()} is not available. Disabling"
                warnings.warn(text if device_type != "cuda" else "CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
            self._enabled = False
        elif enabled and self.fast_dtype not in (bfloat16, float16):
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\nCPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.", stacklevel=2
            )
            self._enabled = False
        self._entered = []

    def _handle(self, name, function, args, kwargs):
        with aside() as outer:
            dtype = _dtype_for(name, self.fast_dtype, args) if self._enabled else None
            if dtype is not None:
                args, kwargs = tuple(_cast(x, dtype) for x in args), {k: _cast(x, dtype) for k, x in kwargs.items()}
            if outer is not None and not isinstance(getattr(outer, "__self__", None), autocast):
                return outer(name, function, args, kwargs)
            return function(*args, **kwargs)

    def __enter__(self):
        if self.device == "cpu":
            context = installed(self._handle)
            context.__enter__()
            self._entered.append((context, _state("enabled", False), _state("now", None)))
            _own.enabled, _own.now = self._enabled, self.fast_dtype
        return self

    def __exit__(self, *error):
        if self.device == "cpu":
            context, _own.enabled, _own.now = self._entered.pop()
            context.__exit__(*error)

    def __call__(self, function):
        @functools.wraps(function)
        def called(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return called


def is_autocast_available(device_type):
    """Whether there is a list for a device: for the CPU."""
    return device_type == "cpu"


def is_autocast_enabled(device_type=None):
    """Whether `autocast` is at work for a device (for a GPU, where none is named)."""
    return device_type == "cpu" and _state("enabled", False)


def get_autocast_dtype(device_type):
    """The dtype of `autocast`."""
    if device_type != "cpu":
        return float16
    return _state("now", None) or _state("dtype", bfloat16)


def set_autocast_dtype(device_type, dtype):
    """The dtype that `autocast` has where nothing else is said."""
    if device_type == "cpu":
        _own.dtype = dtype


def set_autocast_enabled(device_type, enabled):
    """Not there: use `autocast` as a context manager."""
    raise NotImplementedError("set_autocast_enabled is not there in Pullback: write `with torch.autocast(device_type):`")


def custom_fwd(fwd=None, *, device_type="cpu", cast_inputs=None):
    """A decorator for the `forward` of a `Function`: with `cast_inputs` it runs in that dtype and without autocast."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(*args, **kwargs):
        args[0]._dtype, args[0]._fwd_used_autocast = get_autocast_dtype(device_type), False
        if cast_inputs is None or not is_autocast_enabled(device_type):
            args[0]._fwd_used_autocast = is_autocast_enabled(device_type)
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(*(_cast(x, cast_inputs) for x in args), **{k: _cast(x, cast_inputs) for k, x in kwargs.items()})

    return forward


def custom_bwd(bwd=None, *, device_type="cpu"):
    """A decorator for the `backward` of a `Function`: it runs under the autocast that its `forward` ran under."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(*args, **kwargs):
        with autocast(device_type, dtype=args[0]._dtype, enabled=args[0]._fwd_used_autocast):
            return bwd(*args, **kwargs)

    return backward
