"""How modules convert their parameters: switches that PyTorch keeps here."""

_overwrite = False
_swap = False


def set_overwrite_module_params_on_conversion(value):
    """Whether `Module.to(dtype)` and its kin make new parameters instead of giving those there are other data."""
    global _overwrite
    _overwrite = value


def get_overwrite_module_params_on_conversion():
    """Whether conversions of modules make new parameters."""
    return _overwrite


def set_swap_module_params_on_conversion(value):
    """Whether conversions of modules exchange parameters with new ones (`utils.swap_tensors`)."""
    global _swap
    _swap = value


def get_swap_module_params_on_conversion():
    """Whether conversions of modules exchange parameters with new ones."""
    return _swap
