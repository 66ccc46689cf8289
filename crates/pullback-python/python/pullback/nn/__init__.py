"""Functions of networks. Modules and optimisers follow."""

from . import functional


def __getattr__(name):
    from .. import _surface

    raise AttributeError(_surface.missing("pullback.nn", name) + " (modules and optimisers are not there yet: write them with tensors and the functions of pullback.nn.functional)")
