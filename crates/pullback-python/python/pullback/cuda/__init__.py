"""There is no GPU here: what PyTorch without one answers. Questions have answers, and what needs a GPU is PyTorch's error."""

import contextlib as _contextlib

from . import amp


class OutOfMemoryError(RuntimeError):
    """Never raised here."""


def is_available():
    """False."""
    return False


def is_initialized():
    """False."""
    return False


def device_count():
    """0."""
    return 0


def is_bf16_supported(including_emulation=True):
    """False."""
    return False


def _refused(*args, **kwargs):
    raise AssertionError("Torch not compiled with CUDA enabled")


def _needs_gpu(name):
    def function(*args, **kwargs):
        return _refused()

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Needs a GPU: an error."
    return function


init = _needs_gpu("init")
synchronize = _needs_gpu("synchronize")
current_device = _needs_gpu("current_device")
set_device = _needs_gpu("set_device")
get_device_name = _needs_gpu("get_device_name")
get_device_properties = _needs_gpu("get_device_properties")
get_device_capability = _needs_gpu("get_device_capability")
current_stream = _needs_gpu("current_stream")
default_stream = _needs_gpu("default_stream")
mem_get_info = _needs_gpu("mem_get_info")
get_rng_state = _needs_gpu("get_rng_state")
set_rng_state = _needs_gpu("set_rng_state")
utilization = _needs_gpu("utilization")


def manual_seed(seed):
    """Nothing to do."""


def manual_seed_all(seed):
    """Nothing to do."""


def seed():
    """Nothing to do."""


def seed_all():
    """Nothing to do."""


def empty_cache():
    """Nothing to do."""


def ipc_collect():
    """Nothing to do."""


def reset_peak_memory_stats(device=None):
    """Nothing to do."""


def reset_max_memory_allocated(device=None):
    """Nothing to do."""


def memory_allocated(device=None):
    """0."""
    return 0


def max_memory_allocated(device=None):
    """0."""
    return 0


def memory_reserved(device=None):
    """0."""
    return 0


def max_memory_reserved(device=None):
    """0."""
    return 0


def memory_stats(device=None):
    """No numbers."""
    return {}


def memory_summary(device=None, abbreviated=False):
    """An empty text."""
    return ""


def get_rng_state_all():
    """No states."""
    return []


def set_rng_state_all(new_states):
    """Nothing to do."""


def get_arch_list():
    """No architectures."""
    return []


def is_current_stream_capturing():
    """False."""
    return False


@_contextlib.contextmanager
def device(device):
    """A context manager: does nothing for None and -1, and needs a GPU otherwise."""
    if device not in (None, -1):
        _refused()
    yield


@_contextlib.contextmanager
def stream(stream):
    """A context manager: does nothing for None."""
    if stream is not None:
        _refused()
    yield


class Stream:
    """Needs a GPU."""

    def __init__(self, *args, **kwargs):
        _refused()


class Event:
    """A mark in time; recording one needs a GPU."""

    def __init__(self, enable_timing=False, blocking=False, interprocess=False):
        pass

    record = wait = synchronize = elapsed_time = _refused

    def query(self):
        """True: nothing was recorded."""
        return True


FloatTensor = HalfTensor = DoubleTensor = LongTensor = IntTensor = ByteTensor = BoolTensor = _needs_gpu("FloatTensor")


def __getattr__(name):
    from .._surface import missing

    raise AttributeError(missing("pullback.cuda", name))
