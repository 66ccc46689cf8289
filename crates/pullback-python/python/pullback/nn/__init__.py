"""Modules, their parameters, losses, and the functions behind them."""

from . import functional, init, modules, parallel, parameter, utils
from .modules import *
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter


def __getattr__(name):
    from .. import _surface

    raise AttributeError(_surface.missing("pullback.nn", name))
