"""Maps side by side along a dimension: of neighbouring pieces, or one for each place."""

import functools
import operator

from .. import cat as _cat
from .. import stack as _stack
from . import constraints
from .transforms import Transform
from .utils import sum_rightmost


class _Pieces(Transform):
    """Maps side by side along a dimension."""

    def __init__(self, tseq, dim, cache_size):
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        if cache_size:
            tseq = [t.with_cache(cache_size) for t in tseq]
        super().__init__(cache_size=cache_size)
        self.transforms, self.dim = list(tseq), dim

    @property
    def bijective(self):
        return all(t.bijective for t in self.transforms)

    def _joined(self, parts):
        raise NotImplementedError

    def _call(self, x):
        return self._joined([t(piece) for t, piece in zip(self.transforms, self._split(x))])

    def _inverse(self, y):
        return self._joined([t.inv(piece) for t, piece in zip(self.transforms, self._split(y))])


class CatTransform(_Pieces):
    """Maps of neighbouring pieces along a dimension."""

    def __init__(self, tseq, dim=0, lengths=None, cache_size=0):
        super().__init__(tseq, dim, cache_size)
        self.lengths = list([1] * len(self.transforms) if lengths is None else lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError("as many lengths as transforms are needed")

    @property
    def event_dim(self):
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self):
        """The length of all pieces together."""
        return sum(self.lengths)

    def with_cache(self, cache_size=1):
        return self if self._cache_size == cache_size else CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _split(self, x):
        if not -x.dim() <= self.dim < x.dim() or x.size(self.dim) != self.length:
            raise AssertionError(f"the value has not {self.length} places in dimension {self.dim}")
        return x.split(self.lengths, self.dim)

    def _joined(self, parts):
        return _cat(parts, self.dim)

    def log_abs_det_jacobian(self, x, y):
        found = []
        for t, a, b in zip(self.transforms, self._split(x), self._split(y)):
            part = t.log_abs_det_jacobian(a, b)
            found.append(sum_rightmost(part, self.event_dim - t.event_dim) if t.event_dim < self.event_dim else part)
        dim = self.dim - x.dim() if self.dim >= 0 else self.dim
        dim += self.event_dim
        return _cat(found, dim) if dim < 0 else functools.reduce(operator.add, found)

    @constraints.dependent_property()
    def domain(self):
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property()
    def codomain(self):
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_Pieces):
    """A map for each place along a dimension."""

    def __init__(self, tseq, dim=0, cache_size=0):
        super().__init__(tseq, dim, cache_size)

    def with_cache(self, cache_size=1):
        return self if self._cache_size == cache_size else StackTransform(self.transforms, self.dim, cache_size)

    def _split(self, x):
        if not -x.dim() <= self.dim < x.dim() or x.size(self.dim) != len(self.transforms):
            raise AssertionError(f"the value has not {len(self.transforms)} places in dimension {self.dim}")
        return x.unbind(self.dim)

    def _joined(self, parts):
        return _stack(parts, self.dim)

    def log_abs_det_jacobian(self, x, y):
        return _stack([t.log_abs_det_jacobian(a, b) for t, a, b in zip(self.transforms, self._split(x), self._split(y))], self.dim)

    @constraints.dependent_property()
    def domain(self):
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property()
    def codomain(self):
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
