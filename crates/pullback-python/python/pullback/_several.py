"""A function of several results as one of a single row of numbers, for the checker. Of which arrays these are, `_black_box` knows."""

from . import _trees


class Joined:
    """A function with one array as its result: several, in tuples and lists, become one row of all their real numbers.

    Arrays of integers, and None, have no derivative and are left out. What holds anything else is returned as it is.
    """

    def __init__(self, f, world):
        self.f, self.world = f, world

    def __call__(self, *inputs):
        result = self.f(*inputs)
        if not self.are_several(result):
            return result
        return self.world.join([x.reshape(-1) for x in _trees.flatten(result)[0] if self.is_real(x)])

    def are_several(self, result):
        """Whether a result holds arrays, and one of real numbers."""
        if not isinstance(result, (tuple, list)):
            return False
        leaves = [x for x in _trees.flatten(result)[0] if x is not None]
        return all(self.world.is_array(x) for x in leaves) and any(self.is_real(x) for x in leaves)

    def apart(self, result, row):
        """A row of numbers in the structure that `f` returned, `result`; None where it has no real numbers."""
        leaves, rebuild = _trees.flatten(result)
        values, at = [], 0
        for x in leaves:
            if not self.is_real(x):
                values.append(None)
                continue
            n = x.reshape(-1).shape[0]
            values.append(self.world.cast(row[at : at + n].reshape(x.shape), x))
            at += n
        return rebuild(values)

    def is_real(self, x):
        """Whether something is an array of real numbers."""
        return self.world.is_array(x) and self.world.is_real(x)
