"""There is no accelerator here: what PyTorch without one answers."""


def is_available():
    """False."""
    return False


def device_count():
    """0."""
    return 0


def current_accelerator(check_available=False):
    """None."""
    return None


def _refused():
    raise RuntimeError("Cannot access accelerator device when none is available.")


def current_device_index():
    """Needs an accelerator: an error."""
    _refused()


current_device_idx = current_device_index


def set_device_index(device):
    """Needs an accelerator: an error."""
    _refused()


set_device_idx = set_device_index


def current_stream(device=None):
    """Needs an accelerator: an error."""
    _refused()


def synchronize(device=None):
    """Needs an accelerator: an error."""
    _refused()


def empty_cache():
    """Nothing to do."""


def memory_allocated(device_index=None, /):
    """0."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated
