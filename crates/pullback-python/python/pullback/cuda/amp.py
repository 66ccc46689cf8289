"""The older place of `amp` for a GPU, which is not here."""

from .. import amp as _amp
from ..amp import GradScaler, custom_bwd, custom_fwd


class autocast(_amp.autocast):
    """`amp.autocast("cuda")`, which warns and does nothing without a GPU."""

    def __init__(self, enabled=True, dtype=None, cache_enabled=True):
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)
