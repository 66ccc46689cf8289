"""Switches for recording, as context managers and decorators."""

import functools

from .. import _native


class _Mode:
    """A context manager that decorates functions too."""

    def __call__(self, function):
        if getattr(getattr(function, "__code__", None), "co_flags", 0) & 0x20:  # a generator

            @functools.wraps(function)
            def generator(*args, **kwargs):
                source = function(*args, **kwargs)
                sent = None
                while True:
                    with self._fresh():
                        try:
                            item = source.send(sent)
                        except StopIteration as stop:
                            return stop.value
                    sent = yield item

            return generator

        @functools.wraps(function)
        def call(*args, **kwargs):
            with self._fresh():
                return function(*args, **kwargs)

        return call

    def _fresh(self):
        return type(self)()


class no_grad(_Mode):
    """Nothing is recorded inside."""

    _on = False

    def __new__(cls, function=None):
        made = super().__new__(cls)
        return made if function is None else made(function)

    def __enter__(self):
        self._before = _native.is_grad_enabled()
        _native.set_grad_enabled(self._on)
        return self

    def __exit__(self, *_):
        _native.set_grad_enabled(self._before)


class enable_grad(no_grad):
    """Everything is recorded inside."""

    _on = True


class set_grad_enabled(_Mode):
    """Recording on or off: at once, and until the end where it is a context manager."""

    def __init__(self, mode):
        self._before = _native.is_grad_enabled()
        self.mode = bool(mode)
        _native.set_grad_enabled(self.mode)

    def __call__(self, function):
        _native.set_grad_enabled(self._before)
        return super().__call__(function)

    def __enter__(self):
        _native.set_grad_enabled(self.mode)
        return self

    def __exit__(self, *_):
        _native.set_grad_enabled(self._before)

    def _fresh(self):
        return type(self)(self.mode)

    def __str__(self):
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.mode})"

    __repr__ = __str__


class inference_mode(_Mode):
    """Nothing is recorded inside, and tensors made inside never take part in recorded work."""

    def __new__(cls, mode=True):
        if callable(mode):
            return object.__new__(cls)._set(True)(mode)
        return object.__new__(cls)._set(mode)

    def __init__(self, mode=True):
        pass

    def _set(self, mode):
        self.mode = mode
        return self

    def __enter__(self):
        self._before = _native.is_inference_mode_enabled()
        self._grad = _native.is_grad_enabled()
        _native.set_inference_mode(self.mode)
        return self

    def __exit__(self, *_):
        _native.set_inference_mode(True if self._before else None)
        _native.set_grad_enabled(self._grad)

    def _fresh(self):
        return type(self)(self.mode)
