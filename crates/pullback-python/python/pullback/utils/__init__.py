"""Tools around training: `utils.data`."""

from . import data
