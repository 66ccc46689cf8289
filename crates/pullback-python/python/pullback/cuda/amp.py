"""The older place of `amp` for a GPU, which is not here."""

import warnings

from .. import amp as _amp


def _deprecated(name):
    warnings.warn(f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}('cuda', args...)` instead.", FutureWarning, stacklevel=3)


def custom_fwd(fwd=None, *, cast_inputs=None):
    """`amp.custom_fwd` for a GPU."""
    _deprecated_for("custom_fwd")
    return _amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd):
    """`amp.custom_bwd` for a GPU."""
    _deprecated_for("custom_bwd")
    return _amp.custom_bwd(bwd, device_type="cuda")


def _deprecated_for(name):
    warnings.warn(f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}(args..., device_type='cuda')` instead.", FutureWarning, stacklevel=3)


class autocast(_amp.autocast):
    """`amp.autocast("cuda")`, which warns and does nothing without a GPU."""

    def __init__(self, enabled=True, dtype=None, cache_enabled=True):
        _deprecated("autocast")
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(_amp.GradScaler):
    """`amp.GradScaler("cuda")`, which warns and does nothing without a GPU."""

    def __init__(self, init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000, enabled=True):
        _deprecated("GradScaler")
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
