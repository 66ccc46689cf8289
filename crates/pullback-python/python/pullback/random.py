"""Random streams: PyTorch's default generator, and NumPy's `default_rng`, each to the bit."""

import contextlib

from . import _native


def manual_seed(seed):
    """Starts the default generator's stream, as `torch.manual_seed` does."""
    _native.manual_seed(int(seed))
    return default_generator


def default_rng(seed=None):
    """NumPy's `default_rng(seed)`: the same numbers for the same seed, to the bit."""
    from ._numpy_random import default_rng as made

    return made(seed)


def seed():
    """Starts the default generator from the system's randomness; returns the seed."""
    import secrets

    value = secrets.randbits(63)
    _native.manual_seed(value)
    return value


def initial_seed():
    """The seed that the default generator's stream began with."""
    return _native.initial_seed()


def get_rng_state():
    """The default generator's state, as PyTorch's bytes."""
    return _native.get_rng_state()


@contextlib.contextmanager
def fork_rng(devices=None, enabled=True, *args, **kwargs):
    """A context manager: what is drawn inside leaves the default generator as it was."""
    before = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if enabled:
            set_rng_state(before)


def _bytes(state):
    if not isinstance(state, _native.Tensor):
        raise TypeError(f"expected a torch.ByteTensor, but got {type(state).__name__}")
    if state.dtype != _native.uint8:
        raise TypeError("RNG state must be a torch.ByteTensor")
    return state.numpy().tobytes()


def set_rng_state(new_state):
    """Puts the default generator into a state."""
    _native.set_rng_state(_bytes(new_state))


class Generator:
    """A stream of its own, with PyTorch's numbers. Functions that take `generator=` draw from it."""

    def __init__(self, device="cpu"):
        from ._parts import device as place

        self.device = place(device)
        self._stream = _native.TorchStream()

    def manual_seed(self, seed):
        self._stream.manual_seed(int(seed))
        return self

    def seed(self):
        import secrets

        value = secrets.randbits(63)
        self.manual_seed(value)
        return value

    def initial_seed(self):
        return self._stream.initial_seed()

    def get_state(self):
        return self._stream.get_state()

    def set_state(self, state):
        self._stream.set_state(_bytes(state))
        return self

    def clone_state(self):
        """Another generator in the same state."""
        return Generator(self.device).set_state(self.get_state())

    def graphsafe_get_state(self):
        return self.clone_state()

    def graphsafe_set_state(self, state):
        return self.set_state(state.get_state())

    def __reduce__(self):
        return _restored, (str(self.device), self.get_state())

    def __repr__(self):
        return f"<torch._C.Generator object at {id(self):#x}>"


def _restored(device, state):
    return Generator(device).set_state(state)


class _Default(Generator):
    """The generator that functions draw from by default."""

    _stream = None

    def __init__(self):
        from ._parts import device as place

        self.device = place("cpu")

    def manual_seed(self, seed):
        return manual_seed(seed)

    def seed(self):
        return seed()

    def initial_seed(self):
        return initial_seed()

    def get_state(self):
        return get_rng_state()

    def set_state(self, state):
        set_rng_state(state)
        return self


default_generator = _Default()


def __getattr__(name):
    from ._surface import missing

    raise AttributeError(missing("pullback.random", name))
