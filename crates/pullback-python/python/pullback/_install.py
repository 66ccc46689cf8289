"""Serves `import torch` with Pullback."""

import importlib.abc
import importlib.machinery
import re
import sys

ORACLE = "2.15.0"


class _Version(str):
    """A version as a text that compares by its numbers: with texts and with tuples."""

    def _numbers(self, other):
        def of(x):
            return tuple(x) if isinstance(x, (tuple, list)) else tuple(int(n) for n in re.findall(r"\d+", str(x).split("+")[0]))

        return of(str(self)), of(other)

    def __lt__(self, other):
        mine, other = self._numbers(other)
        return mine < other

    def __le__(self, other):
        mine, other = self._numbers(other)
        return mine <= other

    def __gt__(self, other):
        mine, other = self._numbers(other)
        return mine > other

    def __ge__(self, other):
        mine, other = self._numbers(other)
        return mine >= other


class _Alias(importlib.abc.Loader):
    """Gives a module of this package under another name, and leaves it as it is."""

    def __init__(self, module):
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec):
        return self.module

    def exec_module(self, module):
        module.__spec__ = self.spec


# Modules of other packages that are bound to PyTorch's insides, and what stands in for them.
_SERVED = {"safetensors.torch": "pullback.safetensors"}


class _Finder(importlib.abc.MetaPathFinder):
    """Finds `torch.x.y` as `pullback.x.y`; what is not there is an error that names what comes nearest, and the line that asked."""

    def find_spec(self, name, path=None, target=None):
        ours = _SERVED.get(name, "pullback" + name[len("torch") :] if name.startswith("torch.") else None)
        if ours is None:
            return None
        try:
            module = importlib.import_module(ours)
        except ModuleNotFoundError as e:
            if e.name is None or not ours.startswith(e.name):
                raise
            raise ModuleNotFoundError(f"No module named {name!r}{_nearest(name)}{asked_at()}", name=name) from None
        return importlib.machinery.ModuleSpec(name, _Alias(module), is_package=hasattr(module, "__path__"))


class _Named(importlib.machinery.SourceFileLoader):
    """Loads a module of this package, and gives its classes the names that PyTorch's have."""

    def exec_module(self, module):
        super().exec_module(module)
        _name_classes(module)


class _Ours(importlib.abc.MetaPathFinder):
    """Finds the modules of this package that are imported after `install_as_torch`."""

    def find_spec(self, name, path=None, target=None):
        if not name.startswith("pullback."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            spec.loader = _Named(spec.loader.name, spec.loader.path)
        return spec


def _name_classes(module):
    """`print(type(model))` says `torch.nn.modules.linear.Linear` where `torch` is this package."""
    from ._torch_names import rename

    for value in list(vars(module).values()):
        if isinstance(value, type) and f"{value.__module__}.".startswith(f"{module.__name__}."):
            rename(value)


def _nearest(name):
    """What a module's name may have meant."""
    import difflib
    import pkgutil

    import pullback

    known = [m.name.replace("pullback", "torch", 1) for m in pkgutil.walk_packages(pullback.__path__, "pullback.") if "._" not in m.name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f": there is none in Pullback; the nearest that is there is {near[0]!r}" if near else ": there is none in Pullback"


def asked_at():
    """The line of the program that is importing."""
    frame = sys._getframe(1)
    while frame is not None and ("importlib" in frame.f_code.co_filename or "pullback" in frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return "" if frame is None else f" ({frame.f_code.co_filename}, line {frame.f_lineno})"


def install_as_torch():
    """From now on `import torch` and its submodules give Pullback, in this process."""
    import pullback

    # What PyTorch's version decides is decided as for the one whose behaviour this is.
    pullback.__version__ = _Version(f"{ORACLE}+pullback.{pullback._native.__version__}")
    for name, module in list(sys.modules.items()):
        if name == "pullback" or name.startswith("pullback."):
            _name_classes(module)
            if not name.startswith("pullback._"):
                sys.modules["torch" + name[len("pullback") :]] = module
    if not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path[:0] = [_Finder(), _Ours()]
    return pullback
