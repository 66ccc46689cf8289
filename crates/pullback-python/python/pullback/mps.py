"""There is no Apple GPU here: what PyTorch without one answers."""


def is_available():
    """False."""
    return False


def device_count():
    """0."""
    return 0


def manual_seed(seed):
    """Nothing to do."""


def seed():
    """Nothing to do."""


def empty_cache():
    """Needs an Apple GPU: an error."""
    raise RuntimeError("Cannot execute emptyCache() without MPS backend.")


def synchronize():
    """Needs an Apple GPU: an error."""
    raise RuntimeError("Cannot execute deviceSynchronize() without MPS backend.")


def current_allocated_memory():
    """Needs an Apple GPU: an error."""
    raise RuntimeError("Cannot execute getCurrentAllocatedMemory() without MPS backend.")
