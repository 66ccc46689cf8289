"""Optimisers: classes with PyTorch's names, options, numbers and states."""

from . import lr_scheduler
from .adam import Adam, Adamax, AdamW, NAdam, RAdam
from .adaptive import ASGD, Adadelta, Adagrad, RMSprop, Rprop
from .factored import Adafactor, Muon, SparseAdam
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .sgd import SGD


def __getattr__(name):
    from .. import _surface

    raise AttributeError(_surface.missing("pullback.optim", name))
