"""There are no groups of processes here: what PyTorch built without them answers."""


def is_available():
    """False."""
    return False


def is_initialized():
    """False."""
    return False


def is_torchelastic_launched():
    """False."""
    return False


def _refused(*args, **kwargs):
    raise RuntimeError("torch.distributed is not there in Pullback: a program runs in one process, with several threads")


def init_process_group(*args, **kwargs):
    """Refused."""
    _refused()


def destroy_process_group(group=None):
    """Refused."""
    _refused()


def get_rank(group=None):
    """Refused."""
    _refused()


def get_world_size(group=None):
    """Refused."""
    _refused()


def barrier(*args, **kwargs):
    """Refused."""
    _refused()


def all_reduce(tensor, *args, **kwargs):
    """Refused."""
    _refused()


def broadcast(tensor, *args, **kwargs):
    """Refused."""
    _refused()
