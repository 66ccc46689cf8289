"""`pullback.random.default_rng` beside NumPy's: the same calls give the same bits, types and errors."""

import copy
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullback import random

sizes = st.one_of(st.none(), st.integers(0, 7), st.lists(st.integers(0, 4), max_size=3).map(tuple))
reals = st.floats(-1e3, 1e3)
floats = st.sampled_from([np.float64, np.float32, "f4", float])
small = st.one_of(reals, st.lists(reals, min_size=3, max_size=3))
arrays = st.sampled_from([np.arange(6), np.arange(24.0).reshape(2, 3, 4), np.array(["a", "b", "c"]), np.zeros((0, 3)), np.arange(12).reshape(3, 4).T, [5, 6, 7, 8]])
seeds = st.one_of(st.integers(0, 2**200), st.lists(st.integers(0, 2**70), min_size=1, max_size=3), st.none().map(lambda _: np.random.SeedSequence(7, spawn_key=(3,))))


def call(name, *args, **kwargs):
    return lambda g: getattr(g, name)(*args, **kwargs)


def shuffled(x, axis):
    def run(g):
        own = copy.deepcopy(x)
        g.shuffle(own, axis=axis)
        return own

    return run


def into(name, dtype, order):
    def run(g):
        out = np.zeros((2, 3), dtype=dtype, order=order)
        return getattr(g, name)(out=out, dtype=dtype)

    return run


calls = st.one_of(
    st.builds(lambda n, s, d: call(n, s, dtype=d), st.sampled_from(["random", "standard_normal", "standard_exponential"]), sizes, floats),
    st.builds(lambda s, m: call("standard_exponential", s, method=m), sizes, st.sampled_from(["zig", "inv"])),
    st.builds(into, st.sampled_from(["random", "standard_normal"]), st.sampled_from([np.float32, np.float64]), st.sampled_from("CF")),
    st.builds(lambda a, b, s: call("uniform", a, b, s), small, small, st.one_of(sizes, st.just((2, 3)))),
    st.builds(lambda a, b, s: call("normal", a, b, size=s), small, small, st.one_of(sizes, st.just((2, 3)))),
    st.builds(lambda a, s: call("exponential", a, s), small, sizes),
    st.builds(lambda a, b, s, d, e: call("integers", a, b, s, dtype=d, endpoint=e), st.integers(-300, 300), st.one_of(st.none(), st.integers(-300, 300)), sizes,
              st.sampled_from(["int8", "uint8", np.int16, "uint16", np.int32, "uint32", np.int64, "uint64", bool, int, float]), st.booleans()),
    st.builds(lambda b, s: call("integers", 0, b, s), st.integers(0, 2**63), sizes),
    st.builds(lambda n: call("bytes", n), st.integers(0, 20)),
    st.builds(lambda x, a: call("permutation", x, axis=a), st.one_of(st.integers(-1, 30), arrays), st.integers(-2, 2)),
    st.builds(shuffled, arrays, st.integers(0, 1)),
    st.builds(lambda x, a: call("permuted", x, axis=a), arrays, st.one_of(st.none(), st.integers(-2, 2))),
    st.builds(lambda a, s, r, k: call("choice", a, s, replace=r, shuffle=k), st.one_of(st.integers(0, 50), arrays), sizes, st.booleans(), st.booleans()),
    st.builds(lambda a, s, r, x: call("choice", a, s, r, axis=x), st.just(np.arange(12).reshape(3, 4)), sizes, st.booleans(), st.integers(0, 1)),
    st.builds(lambda p, s, r: call("choice", len(p), s, r, p=np.array(p) / sum(p)), st.lists(st.floats(0.01, 1), min_size=1, max_size=6), sizes, st.booleans()),
    st.builds(lambda n: lambda g: [c.random(3).tolist() for c in g.spawn(n)], st.integers(0, 3)),
    st.builds(lambda n: lambda g: g.bit_generator.advance(n) and None, st.integers(-(2**70), 2**70)),
    st.builds(lambda n: lambda g: g.bit_generator.random_raw(n), sizes),
)  # fmt: skip


def outcome(f, g):
    try:
        return f(g)
    except Exception as e:
        return type(e), str(e)


@settings(max_examples=300, deadline=None)
@given(seeds, st.lists(calls, max_size=8))
def test_the_same_calls_give_the_same_bits(seed, program):
    ours, theirs = random.default_rng(seed), np.random.default_rng(copy.deepcopy(seed))
    for f in program:
        a, b = outcome(f, ours), outcome(f, theirs)
        if isinstance(b, tuple):
            assert isinstance(a, tuple) and a[0] is b[0], (a, b)
            continue
        assert type(a) is type(b), (a, b)
        if isinstance(b, np.ndarray):
            assert a.dtype == b.dtype and a.shape == b.shape and a.flags.writeable == b.flags.writeable
            assert a.tobytes() == b.tobytes(), (a, b)
        else:
            assert repr(a) == repr(b)
        assert ours.bit_generator.state == theirs.bit_generator.state


@pytest.mark.parametrize(
    "bad",
    [
        call("uniform", 1, 0), call("uniform", -1e308, 1e308), call("uniform", [1, 2], [0, 1]), call("normal", 0, -1), call("exponential", -1), call("exponential", [1, -1]),
        call("integers", 5, 5), call("integers", 0, 300, dtype=np.uint8), call("integers", -1, 3, dtype="uint8"), call("integers", 0, 2**64), call("integers", float("nan")),
        call("choice", 5, 6, replace=False), call("choice", 3, p=[0.5, 0.5]), call("choice", 2, p=[0.5, 0.6]), call("choice", 2, p=[1.5, -0.5]), call("choice", 0), call("choice", 1.5),
        call("random", -1), call("random", dtype=int), call("random", "a"), call("normal", "a"), call("permutation", 1.5), call("choice", [], 2), call("random", 2**62),
    ],
)  # fmt: skip
def test_errors_are_numpys(bad):
    (ours, words), (theirs, sentence) = outcome(bad, random.default_rng(1)), outcome(bad, np.random.default_rng(1))
    assert ours is theirs, (ours, words, theirs, sentence)
    assert words.split("(")[0].rstrip(" .") == sentence.split("(")[0].rstrip(" .") or ours in (TypeError, OverflowError), (words, sentence)


def test_states_pickles_and_numpys_own():
    ours, theirs = random.default_rng(3), np.random.default_rng(3)
    ours.random(5, dtype=np.float32)
    assert pickle.loads(pickle.dumps(ours)).random() == copy.deepcopy(ours).random() == ours.to_numpy().random()
    state = ours.bit_generator.state
    first = ours.random(4).tolist()
    ours.bit_generator.state = state
    assert ours.random(4).tolist() == first
    theirs.random(7)
    ours.bit_generator.state = theirs.bit_generator.state
    assert ours.random() == theirs.random()
    assert ours.to_numpy().poisson(3, 5).tolist() == theirs.poisson(3, 5).tolist()
    assert random.default_rng(ours) is ours and repr(ours.bit_generator.seed_seq.entropy) == "3"
    assert random.default_rng().random() != random.default_rng().random()
    with pytest.raises(AttributeError, match=r"no 'poisson' of its own: rng.to_numpy\(\).poisson"):
        ours.poisson(3)
    with pytest.raises(NotImplementedError, match="to_numpy"):
        ours.integers([1, 2], 5)
    with pytest.raises(ValueError, match="state must be for a PCG64 RNG"):
        ours.bit_generator.state = {"bit_generator": "MT19937"}
    for bad in (-1, 1.5, "a", [1.5], [-1]):
        assert outcome(random.default_rng, bad)[0] is outcome(np.random.default_rng, bad)[0], bad


def test_threads_share_a_stream():
    g, parts = random.default_rng(5), []
    threads = [threading.Thread(target=lambda: parts.append(g.random(10_000))) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    # Nobody's draws are torn, whoever came first.
    whole = np.random.default_rng(5).random(80_000).reshape(8, -1)
    assert sorted(p.tobytes() for p in parts) == sorted(w.tobytes() for w in whole)
