"""There is no Intel GPU here: what PyTorch without one answers."""


def is_available():
    """False."""
    return False


def device_count():
    """0."""
    return 0


def manual_seed(seed):
    """Nothing to do."""


def manual_seed_all(seed):
    """Nothing to do."""


def empty_cache():
    """Nothing to do."""


def synchronize(device=None):
    """Needs an Intel GPU: an error."""
    raise AssertionError("Torch not compiled with XPU enabled")
