"""Mixed precision on the CPU: products and convolutions in bfloat16 or float16 where `autocast` says so, and scaling of losses."""

from .autocast_mode import (
    autocast,
    custom_bwd,
    custom_fwd,
    get_autocast_dtype,
    is_autocast_available,
    is_autocast_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
)
from .grad_scaler import GradScaler
