"""`compile`: there is nothing to compile here, so functions come back as they are, and modules in the shell that PyTorch puts around them.

Programs see that shell: names in `state_dict` begin with `_orig_mod.`, and `compiled._orig_mod` is the module.
"""

from . import nn

_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")


class OptimizedModule(nn.Module):
    """A module around another one, which it calls and whose attributes it has."""

    _own = {"_orig_mod", "_super_module_initialized", "__dict__"}

    def __init__(self, mod):
        # First of all: whoever asks for an attribute meanwhile is sent on to the module.
        object.__setattr__(self, "_orig_mod", mod)
        self._super_module_initialized = False
        super().__init__()
        self._super_module_initialized = True
        del self.__dict__["_orig_mod"]
        self._modules["_orig_mod"] = mod

    def forward(self, *args, **kwargs):
        return self._orig_mod(*args, **kwargs)

    def __len__(self):
        if hasattr(type(self._orig_mod), "__len__"):
            return len(self._orig_mod)
        raise TypeError(f"{type(self._orig_mod).__name__} does not support len()")

    def __bool__(self):
        # As objects without a length are, so that `model or default` does not ask for one.
        return not hasattr(type(self._orig_mod), "__len__") or len(self._orig_mod) > 0

    def __reduce__(self):
        return type(self), (self._orig_mod,)

    @property
    def training(self):
        """That of the module."""
        return self._orig_mod.training

    @training.setter
    def training(self, value):
        # What every module begins with is no change of this one's.
        if self._super_module_initialized:
            self._orig_mod.training = value

    def __getattr__(self, name):
        if name == "_orig_mod":
            return self.__dict__["_modules"]["_orig_mod"]
        return getattr(self._orig_mod, name)

    def __setattr__(self, name, value):
        if hasattr(type(self), name) or name in self._own:
            return super().__setattr__(name, value)
        return setattr(self._orig_mod, name, value)

    def __delattr__(self, name):
        if hasattr(type(self), name) or name in self._own:
            return super().__delattr__(name)
        return delattr(self._orig_mod, name)

    def __dir__(self):
        theirs = self._orig_mod.__dir__()
        return theirs + [name for name in super().__dir__() if name not in theirs]


def compile(model=None, *, fullgraph=False, dynamic=None, backend=None, mode=None, options=None, name=None, disable=False, recompile_limit=None,
            isolate_recompiles=False, dynamic_shapes=None):  # fmt: skip
    """A function as it is, a module in an `OptimizedModule`; without either, a decorator. Options are looked at and have no effect."""
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if model is None:
        return lambda model: compile(model, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options, disable=disable)
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if isinstance(model, nn.Module) and not disable:
        return model if isinstance(model, OptimizedModule) else OptimizedModule(model)
    return model
