"""The version, and that it was built for no GPU."""

from ._native import __version__

debug = False
cuda = None
hip = None
xpu = None
git_version = "unknown"
