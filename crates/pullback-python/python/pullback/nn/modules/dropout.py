"""Dropouts as modules: random zeros in training, nothing in evaluation."""

from .. import functional as F
from .module import Module


def _made(name, function, about):
    """A dropout that calls `function`."""

    def __init__(self, p=0.5, inplace=False):
        Module.__init__(self)
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input):
        return function(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"

    body = {"__init__": __init__, "forward": forward, "extra_repr": extra_repr, "__doc__": about, "__module__": __name__, "__constants__": ["p", "inplace"]}
    return type(name, (Module,), body)


Dropout = _made("Dropout", F.dropout, "Each element is zero with probability `p`; the others are scaled up.")
Dropout1d = _made("Dropout1d", F.dropout1d, "Whole channels of sequences are zero with probability `p`.")
Dropout2d = _made("Dropout2d", F.dropout2d, "Whole channels of images are zero with probability `p`.")
Dropout3d = _made("Dropout3d", F.dropout3d, "Whole channels of volumes are zero with probability `p`.")
AlphaDropout = _made("AlphaDropout", F.alpha_dropout, "Dropout that keeps mean and variance of self-normalising networks.")
FeatureAlphaDropout = _made("FeatureAlphaDropout", F.feature_alpha_dropout, "As `AlphaDropout`, of whole channels.")
