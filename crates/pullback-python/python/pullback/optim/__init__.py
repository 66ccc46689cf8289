"""Optimisers: classes with PyTorch's names, options, numbers and states."""

from . import lr_scheduler, swa_utils
from .adam import Adam, Adamax, AdamW, NAdam, RAdam
from .adaptive import ASGD, Adadelta, Adagrad, RMSprop, Rprop
from .factored import Adafactor, Muon, SparseAdam
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .sgd import SGD


def _place_each():
    """PyTorch has a file for each optimiser, of which other programs import."""
    import sys

    from . import adam, adaptive

    for file, names in ((adam, "adamw adamax nadam radam"), (adaptive, "asgd adadelta adagrad rmsprop rprop")):
        for name in names.split():
            globals()[name] = sys.modules[f"{__name__}.{name}"] = file


_place_each()


def __getattr__(name):
    from .. import _surface

    raise AttributeError(_surface.missing("pullback.optim", name))
