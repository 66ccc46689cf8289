"""Which class or function of PyTorch's files is which here, and under which name of PyTorch's one of ours is written.

For whole modules and optimisers (`load(f, weights_only=False)`), and for what `save` writes. What `weights_only` allows is in `_pickle_calls.py`.
"""

import importlib
import pickle

from . import _rebuild
from ._native import Tensor

# Modules of networks that stand in another file there.
_FILES = {
    "Flatten": "flatten", "Unflatten": "flatten", "PixelShuffle": "pixelshuffle", "PixelUnshuffle": "pixelshuffle", "ChannelShuffle": "channelshuffle",
    "CosineSimilarity": "distance", "PairwiseDistance": "distance", "GroupNorm": "normalization", "LocalResponseNorm": "normalization",
    "InstanceNorm1d": "instancenorm", "InstanceNorm2d": "instancenorm", "InstanceNorm3d": "instancenorm", "MultiheadAttention": "activation",
    "Fold": "fold", "Unfold": "fold", "Upsample": "upsampling", "UpsamplingBilinear2d": "upsampling", "UpsamplingNearest2d": "upsampling",
    "LinearCrossEntropyLoss": "loss", "LinearCrossEntropyOptions": "linear_cross_entropy_options",
}  # fmt: skip
_OPTIMIZERS = {"Adafactor": "", "Muon": "", "SparseAdam": ".sparse_adam", "Optimizer": ".optimizer"}
# Classes that stand in other places there.
_OTHERS = {
    "pullback.random.Generator": "torch._C", "pullback._storage.TypedStorage": "torch.storage", "pullback._storage.UntypedStorage": "torch.storage",
    "pullback.nn.parallel.DataParallel": "torch.nn.parallel.data_parallel", "pullback.autograd.Variable": "torch.autograd.variable",
    "pullback.autograd.detect_anomaly": "torch.autograd.anomaly_mode", "pullback.autograd.set_detect_anomaly": "torch.autograd.anomaly_mode",
    "pullback.distributions.distribution.ExponentialFamily": "torch.distributions.exp_family",
}  # fmt: skip
# Functions that PyTorch has no Python for: files name the module of C++ in which they are, and those of `torch` itself by a class.
_COMPILED = {"torch._C._nn": "nn.functional", "torch._C._special": "special", "torch._C._linalg": "linalg", "torch._C._fft": "fft"}
_FUNCTIONS = {f: path for path, f in _rebuild.FUNCTIONS.items() if f is not _rebuild.refused}


def _split(path):
    module, _, name = path.rpartition(".")
    return module, name


class VariableFunctionsClass:
    """Has the functions of `torch` as attributes: what files call `torch._C._VariableFunctionsClass`."""

    def __getattr__(self, name):
        for place in ("pullback", "pullback.nn.functional"):
            function = getattr(importlib.import_module(place), name, None)
            if callable(function):
                return function
        raise pickle.UnpicklingError(f"the file needs torch.{name}, which is not there in Pullback")


def _compiled(module, name):
    """A function that a file names as one of PyTorch's modules of C++, or None."""
    if module == "torch._C" and name == "_VariableFunctionsClass":
        return VariableFunctionsClass()
    if module not in _COMPILED:
        return None
    short = name.removeprefix(module.rpartition("_")[2] + "_")
    short = {"log_sigmoid": "logsigmoid"}.get(short, short)
    return getattr(importlib.import_module(f"pullback.{_COMPILED[module]}"), short, None)


# Classes that were given PyTorch's name, and the module of this package that they stand in.
_renamed = {}


def rename(cls):
    """Has a class of this package call itself by the module that it has in PyTorch, where PyTorch has it."""
    own, place = cls.__module__, written(cls)
    if place is None or not own.startswith("pullback"):
        return
    try:
        cls.__module__ = place[0]
    except TypeError:
        # A class of the native part that cannot be changed.
        return
    _renamed.setdefault(cls, own)


def module_of(cls):
    """The module of this package that a class stands in; for others, that of the class."""
    return _renamed.get(cls, cls.__module__)


def written(obj):
    """The module and name under which PyTorch finds a class or function of this package; None for everything else."""
    module, name = getattr(obj, "__module__", None) or "", getattr(obj, "__qualname__", "")
    if isinstance(obj, type):
        module = module_of(obj)
    if obj is Tensor:
        return "torch", "Tensor"
    if obj in _FUNCTIONS:
        return _split(_FUNCTIONS[obj])
    if not module.startswith("pullback"):
        return None
    if f"{module}.{name}" in _OTHERS:
        return _OTHERS[f"{module}.{name}"], name
    if module.startswith("pullback.nn.modules."):
        if getattr(obj, "cls_to_become", None) is not None:
            # Beside the layer that it becomes.
            return written(obj.cls_to_become)[0], name
        file = _FILES.get(name) or ("padding" if "Pad" in name and name[-1] == "d" else module.rpartition(".")[2])
        return f"torch.nn.modules.{file}", name
    if module.startswith("pullback.optim.") and module != "pullback.optim.swa_utils":
        if not issubclass(obj, importlib.import_module("pullback.optim.optimizer").Optimizer):
            return "torch.optim.lr_scheduler", name
        return f"torch.optim{_OPTIMIZERS.get(name, '.' + name.lower())}", name
    if module.startswith("pullback.distributions._"):
        from .distributions._places import file_of

        return f"torch.distributions.{file_of(name)}", name
    if any(part.startswith("_") for part in module.split(".")):
        return ("torch", name) if name in vars(importlib.import_module("pullback")) else None
    return "torch" + module[len("pullback") :], name


def found(module, name):
    """What a name of PyTorch's is here."""
    path = f"{module}.{name}"
    if path in _rebuild.FUNCTIONS:
        return _rebuild.FUNCTIONS[path]
    if module == "torch" and name in _rebuild.LEGACY or path == "torch.storage.UntypedStorage":
        return _rebuild.StorageType(name)
    if module == "torch" and name in (*_rebuild.OTHER_STORAGES, *_rebuild.OTHER_DTYPES):
        _rebuild.NotHere(name).refuse()
    compiled = _compiled(module, name)
    if compiled is not None:
        return compiled
    ours = "pullback" + module[len("torch") :]
    for place in (ours, "pullback.nn.modules" if ours.startswith("pullback.nn.") else "pullback.optim" if ours.startswith("pullback.optim.") else None):
        if place is None:
            continue
        try:
            owner = importlib.import_module(place)
        except ImportError:
            continue
        for part in name.split("."):
            owner = getattr(owner, part, None)
        if owner is not None:
            return owner
    raise pickle.UnpicklingError(f"the file needs {path}, which is not there in Pullback")


def builtin_place(obj):
    """Where PyTorch has a function of the list, as (module, name); None where it is none."""
    if type(obj).__name__ != "builtin_function":
        return None
    place, name = obj.__reduce__()[1]
    if place == "Tensor":
        return None
    return ("torch" if place == "torch" else f"torch.{place}"), name


