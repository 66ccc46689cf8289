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


def set_rng_state(new_state):
    """Puts the default generator into a state."""
    _native.set_rng_state(new_state.tolist())


class Generator:
    """A stream of its own, with PyTorch's numbers. Functions that take `generator=` draw from it."""

    def __init__(self, device="cpu"):
        from ._parts import device as place

        self.device = place(device)
        before = get_rng_state()
        _native.manual_seed(67280421310721)
        self._state, self._seed = get_rng_state(), 67280421310721
        set_rng_state(before)

    def manual_seed(self, seed):
        before = get_rng_state()
        _native.manual_seed(int(seed))
        self._state, self._seed = get_rng_state(), int(seed)
        set_rng_state(before)
        return self

    def seed(self):
        import secrets

        value = secrets.randbits(63)
        self.manual_seed(value)
        return value

    def initial_seed(self):
        return self._seed

    def get_state(self):
        return self._state.clone()

    def set_state(self, state):
        self._state = state.clone()
        return self

    def _drawing(self):
        return _Drawing(self)


    def __repr__(self):
        return f"<torch._C.Generator object at {id(self):#x}>"


class _Drawing:
    """While it lasts, the default generator is this one."""

    def __init__(self, generator):
        self.generator = generator

    def __enter__(self):
        self.before = get_rng_state()
        set_rng_state(self.generator._state)

    def __exit__(self, *_):
        self.generator._state = get_rng_state()
        set_rng_state(self.before)


class _Default(Generator):
    """The generator that functions draw from by default."""

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

    def _drawing(self):
        from contextlib import nullcontext

        return nullcontext()


default_generator = _Default()


def __getattr__(name):
    from ._surface import missing

    raise AttributeError(missing("pullback.random", name))
