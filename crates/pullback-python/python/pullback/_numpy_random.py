"""`pullback.random.default_rng`: NumPy's `Generator` over PCG64, drawn here, equal to NumPy's to the bit.

Arguments, results, errors and states are NumPy's. What is not there says so; `to_numpy()` gives NumPy's own generator at the same
place of the stream.
"""

import operator

import numpy as np

from ._native import Stream

_INTEGERS = {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"}


def _words(n):
    """An integer as words of 32 bits, the lowest first."""
    n = operator.index(n)
    if n < 0:
        raise ValueError("expected non-negative integer")
    words = []
    while n or not words:
        words.append(n & 0xFFFFFFFF)
        n >>= 32
    return words


def _seeded(seed):
    """The arguments that make a stream of a seed."""
    if seed is None:
        return None, True, []
    if isinstance(seed, np.random.SeedSequence):
        parts, single, _ = _seeded(seed.entropy)
        return parts, single, list(seed.spawn_key)
    if isinstance(seed, (bool, np.bool_)):
        return [_words(int(seed))], True, []
    if isinstance(seed, (int, np.integer)):
        return [_words(seed)], True, []
    if isinstance(seed, (str, float, np.floating)):
        raise TypeError(f"SeedSequence expects int or sequence of ints for entropy not {seed}")
    if isinstance(seed, (np.random.BitGenerator, np.random.Generator)):
        raise TypeError("default_rng takes seeds here; to go on with NumPy's stream, set bit_generator.state")
    parts = []
    for part in np.asarray(seed, dtype=object).ravel() if isinstance(seed, np.ndarray) else seed:
        if not isinstance(part, (int, np.integer)):
            raise TypeError(f"SeedSequence expects int or sequence of ints for entropy not {seed}")
        parts.append(_words(part))
    return parts, False, []


def _shape(size):
    """A size as a shape, and how many elements it has."""
    if size is None:
        return None, 1
    shape = tuple(operator.index(n) for n in size) if np.iterable(size) else (operator.index(size),)
    n = 1
    for extent in shape:
        if extent < 0:
            raise ValueError("negative dimensions are not allowed")
        n *= extent
    if n > np.iinfo(np.intp).max // 8:
        raise ValueError("array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.")
    return shape, n


def _array(raw, dtype, shape):
    found = np.frombuffer(raw, dtype=dtype)
    return found.reshape(shape) if shape is not None else found


def _is_single(dtype, name):
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"Unsupported dtype {dtype!r} for {name}")
    return bool(dtype == np.float32)


class BitGenerator:
    """What `bit_generator` is: the state of the stream, and steps over it."""

    def __init__(self, stream):
        self._stream = stream

    @property
    def state(self):
        """The state, as NumPy's PCG64 writes it."""
        state, inc, has, half = self._stream.state()
        return {"bit_generator": "PCG64", "state": {"state": state, "inc": inc}, "has_uint32": int(has), "uinteger": half}

    @state.setter
    def state(self, value):
        if not isinstance(value, dict):
            raise TypeError("state must be a dict")
        if value.get("bit_generator", "") != "PCG64":
            raise ValueError("state must be for a PCG64 RNG")
        words = value["state"]
        self._stream.set_state(words["state"], words["inc"], bool(value["has_uint32"]), value["uinteger"])

    @property
    def seed_seq(self):
        """NumPy's seed sequence with the same entropy."""
        entropy, key, spawned = self._stream.seed_sequence()
        n = sum(word << 32 * i for i, word in enumerate(entropy))
        same = _words(n) == entropy
        return np.random.SeedSequence(n if same else entropy, spawn_key=tuple(key), n_children_spawned=spawned)

    def random_raw(self, size=None, output=True):
        """Words of 64 bits as the bit generator makes them."""
        shape, n = _shape(size)
        found = _array(self._stream.random_raw(n), np.uint64, shape)
        if not output:
            return None
        return int(found[0]) if size is None else found

    def advance(self, delta):
        """Moves ahead as if so many words had been drawn."""
        self._stream.advance(operator.index(delta) % (1 << 128))
        return self

    def jumped(self, jumps=1):
        """A bit generator far ahead on the same stream."""
        return BitGenerator(self._stream.jumped(operator.index(jumps) % (1 << 128)))

    def spawn(self, n_children):
        """Independent bit generators."""
        return [BitGenerator(s) for s in self._stream.spawn(n_children)]


class NumPyGenerator:
    """NumPy's `Generator`. Made by `default_rng`."""

    def __init__(self, bit_generator):
        self._bits, self._stream = bit_generator, bit_generator._stream

    @property
    def bit_generator(self):
        """State and steps."""
        return self._bits

    def to_numpy(self):
        """NumPy's own generator, at the same place of the stream."""
        bits = np.random.PCG64(self._bits.seed_seq)
        bits.state = self._bits.state
        return np.random.Generator(bits)

    def spawn(self, n_children):
        """Independent generators; a later call gives others."""
        return [NumPyGenerator(bits) for bits in self._bits.spawn(n_children)]

    def _floats(self, draw, name, size, dtype, out):
        """Floats of one law without parameters."""
        single = _is_single(dtype, name)
        if out is not None:
            if not isinstance(out, np.ndarray) or out.dtype != np.dtype(dtype):
                raise TypeError(f"Supplied output array has wrong type. Expected {np.dtype(dtype)}, got {getattr(out, 'dtype', type(out))}")
            if not (out.flags.c_contiguous or out.flags.f_contiguous) or not out.flags.writeable:
                raise ValueError("Supplied output array is not contiguous, writable or aligned.")
            if size is not None and _shape(size)[0] != out.shape:
                raise ValueError("size must match out.shape when used together")
            # In the order of the memory, as NumPy fills it.
            memory = out if out.flags.c_contiguous else out.T
            memory[...] = _array(draw(out.size, single), out.dtype, memory.shape)
            return out
        shape, n = _shape(size)
        found = _array(draw(n, single), np.dtype(dtype), shape)
        return float(found[0]) if size is None else found

    def random(self, size=None, dtype=np.float64, out=None):
        """Uniform numbers in [0, 1)."""
        return self._floats(self._stream.random, "random", size, dtype, out)

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        """Normal numbers with mean 0 and deviation 1."""
        return self._floats(self._stream.standard_normal, "standard_normal", size, dtype, out)

    def standard_exponential(self, size=None, dtype=np.float64, method="zig", out=None):
        """Exponential numbers with mean 1."""
        draw = self._stream.standard_exponential
        return self._floats(lambda n, single: draw(n, single, method != "zig"), "standard_exponential", size, dtype, out)

    def _law(self, scalar, standard, check, combine, size, *parameters):
        """Floats of a law with parameters: numbers, or arrays that are broadcast."""
        parameters = [np.asarray(p, dtype=np.float64) for p in parameters]
        if all(p.ndim == 0 for p in parameters):
            shape, n = _shape(size)
            found = _array(scalar(*(p.item() for p in parameters), n), np.float64, shape)
            return float(found[0]) if size is None else found
        check(*parameters)
        shape = np.broadcast_shapes(*(p.shape for p in parameters))
        if size is not None:
            wanted, _ = _shape(size)
            if np.broadcast_shapes(wanted, shape) != wanted:
                raise ValueError(f"Output size {wanted} is not compatible with broadcast dimensions of inputs {shape}.")
            shape = wanted
        n = int(np.prod(shape))
        return combine(_array(standard(n), np.float64, shape), *parameters)

    def uniform(self, low=0.0, high=1.0, size=None):
        """Uniform numbers in [low, high)."""

        def check(low, high):
            with np.errstate(over="ignore", invalid="ignore"):
                span = high - low
            if not np.all(np.isfinite(span)):
                raise OverflowError("Range exceeds valid bounds")
            if np.any(np.signbit(span)):
                raise ValueError("high - low < 0")

        return self._law(self._stream.uniform, lambda n: self._stream.random(n, False), check, lambda u, low, high: low + (high - low) * u, size, low, high)

    def normal(self, loc=0.0, scale=1.0, size=None):
        """Normal numbers with this mean and deviation."""

        def check(loc, scale):
            if np.any(np.signbit(scale) & ~np.isnan(scale)):
                raise ValueError("scale < 0")

        return self._law(self._stream.normal, lambda n: self._stream.standard_normal(n, False), check, lambda z, loc, scale: loc + scale * z, size, loc, scale)

    def exponential(self, scale=1.0, size=None):
        """Exponential numbers with this mean."""

        def check(scale):
            if np.any(np.signbit(scale) & ~np.isnan(scale)):
                raise ValueError("scale < 0")

        return self._law(self._stream.exponential, lambda n: self._stream.standard_exponential(n, False, False), check, lambda e, scale: scale * e, size, scale)

    def integers(self, low, high=None, size=None, dtype=np.int64, endpoint=False):
        """Integers from `low` (or 0) up to `high`, without it unless `endpoint`."""
        if high is None:
            low, high = 0, low
        kind = np.dtype(dtype)
        if kind.name not in _INTEGERS or not kind.isnative:
            raise TypeError(f"Unsupported dtype {kind!r} for integers")
        if np.ndim(low) or np.ndim(high):
            raise NotImplementedError("integers: bounds are numbers here; for arrays of bounds use rng.to_numpy().integers(low, high)")
        shape, n = _shape(size)
        found = _array(self._stream.integers(_bound(low), _bound(high), bool(endpoint), n, kind.name), kind, shape)
        if size is not None:
            return found
        return dtype(found[0]) if dtype is int or dtype is bool else found[0]

    def bytes(self, length):
        """Random bytes."""
        if operator.index(length) < 0:
            raise ValueError("negative dimensions are not allowed")
        return bytes(self._stream.bytes(length))

    def _order(self, n, rows=None):
        found = np.frombuffer(self._stream.orders(n, 1 if rows is None else rows), dtype=np.int64)
        return found if rows is None else found.reshape(rows, n)

    def permutation(self, x, axis=0):
        """The numbers below `x` in random order, or an array's parts along an axis."""
        if isinstance(x, (int, np.integer)):
            return self._order(int(x))
        x = np.asarray(x)
        axis = np.lib.array_utils.normalize_axis_index(axis, x.ndim)
        return np.take(x, self._order(x.shape[axis]), axis=axis)

    def shuffle(self, x, axis=0):
        """Puts an array's parts, or a list's, into random order, in place."""
        if isinstance(x, np.ndarray):
            if not x.flags.writeable:
                raise ValueError("assignment destination is read-only")
            axis = np.lib.array_utils.normalize_axis_index(axis, x.ndim)
            if x.size:
                x[...] = np.take(x, self._order(x.shape[axis]), axis=axis)
            return
        if axis != 0:
            raise NotImplementedError("Axis argument is only supported on ndarray objects")
        order = self._order(len(x))
        items = [x[i] for i in range(len(x))]
        for place, i in enumerate(order):
            x[place] = items[i]

    def permuted(self, x, *, axis=None, out=None):
        """Every slice along an axis in a random order of its own; without an axis, all elements."""
        x = np.asarray(x)
        if out is None:
            out = x.copy(order="K")
        else:
            if not isinstance(out, np.ndarray):
                raise TypeError("out must be a numpy array")
            if out.shape != x.shape:
                raise ValueError("out must have the same shape as x")
            np.copyto(out, x, casting="safe")
        if axis is None:
            flat = out.ravel(order="K")
            flat = flat[self._order(flat.size)]
            fortran = out.flags.f_contiguous and not out.flags.c_contiguous
            out[...] = flat.reshape(out.shape, order="F" if fortran else "C")
            return out
        rows = np.moveaxis(out, np.lib.array_utils.normalize_axis_index(axis, out.ndim), -1)
        n = rows.shape[-1]
        if out.size:
            orders = self._order(n, out.size // n).reshape(rows.shape)
            rows[...] = np.take_along_axis(rows, orders, axis=-1)
        return out

    def choice(self, a, size=None, replace=True, p=None, axis=0, shuffle=True):
        """Elements drawn from `a` (or from the numbers below it), with or without replacement, by probabilities or uniformly."""
        given, a = a, np.asarray(a)
        if a.ndim == 0:
            try:
                count = operator.index(a.item())
            except TypeError as e:
                raise ValueError(f"a must be a sequence or an integer, not {type(given)}") from e
        else:
            count = a.shape[axis]
        shape, n = _shape(size)
        if count <= 0 and n:
            raise ValueError("a must be a positive integer unless no samples are taken" if a.ndim == 0 else "a cannot be empty unless no samples are taken")
        single = False
        if p is not None:
            single = getattr(p, "dtype", None) == np.float32
            p = np.asarray(p, dtype=np.float64)
            if p.ndim != 1:
                raise ValueError("p must be 1-dimensional")
            p = p.tolist()
        raw = self._stream.choice(count, n, bool(replace), p, bool(shuffle), bool(single))
        found = _array(raw, np.int64, shape)
        if size is None:
            found = int(found[0])
        if a.ndim == 0:
            return found
        taken = np.take(a, found, axis=axis)
        return taken if size is None or isinstance(taken, np.ndarray) else np.asarray(taken)

    def __getattr__(self, name):
        if not name.startswith("_") and hasattr(np.random.Generator, name):
            raise AttributeError(f"pullback.random has no {name!r} of its own: rng.to_numpy().{name}(…) draws NumPy's, from the same place of the stream")
        raise AttributeError(f"'NumPyGenerator' object has no attribute {name!r}")

    def __reduce__(self):
        return _rebuild, (self._bits.seed_seq, self._bits.state)

    def __repr__(self):
        return f"Generator(PCG64) at {id(self):#X}"

    __str__ = lambda self: "Generator(PCG64)"


def _bound(x):
    if isinstance(x, (float, np.floating)):
        if x != x or x in (float("inf"), -float("inf")):
            raise ValueError("cannot convert float NaN to integer" if x != x else "cannot convert float infinity to integer")
        return int(x)
    if isinstance(x, np.ndarray):
        return _bound(x.item())
    return min(max(operator.index(x), -(1 << 100)), 1 << 100)


def _rebuild(sequence, state):
    made = default_rng(sequence)
    made.bit_generator.state = state
    return made


def default_rng(seed=None):
    """NumPy's `default_rng(seed)`: the same numbers for the same seed, to the bit. A generator is given back as it is."""
    if isinstance(seed, NumPyGenerator):
        return seed
    if isinstance(seed, BitGenerator):
        return NumPyGenerator(seed)
    return NumPyGenerator(BitGenerator(Stream(*_seeded(seed))))
