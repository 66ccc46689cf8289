"""Functions of networks. Modules and optimisers follow."""

from . import functional
