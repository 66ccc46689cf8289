"""Types of arguments, for annotations."""

import numbers

from ._native import Tensor, dtype
from ._parts import Size, device

Number = numbers.Number
Device = device
