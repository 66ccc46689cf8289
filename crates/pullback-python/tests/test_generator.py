"""Generators: streams of their own, whatever else draws meanwhile."""

import copy
import pickle
import threading

import pytest

import pullback as torch


def made(seed):
    return torch.Generator().manual_seed(seed)


def test_a_generator_leaves_the_default_one_alone():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    own = torch.rand(2, generator=made(42))
    assert own.tolist() == torch.tensor([0.88226926, 0.91500396]).tolist()
    assert torch.rand(2).equal(expected)
    torch.manual_seed(1)
    assert torch.rand(2, generator=torch.default_generator).equal(expected)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g)), lambda g: g.clone_state()])
def test_copies_go_on_where_the_original_stands(again):
    g = made(7)
    torch.randn(5, generator=g)  # a number of a pair waits
    h = again(g)
    assert h.initial_seed() == 7
    assert torch.randn(5, generator=h).equal(torch.randn(5, generator=g))


def test_each_thread_draws_from_its_own():
    def drawn(g):
        return torch.cat([torch.rand(30_000, generator=g) for _ in range(4)])

    found = [None] * 4

    def work(i):
        found[i] = drawn(generators[i])

    generators = [made(i) for i in range(4)]
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(x.equal(drawn(made(i))) for i, x in enumerate(found))


@pytest.mark.parametrize("put", [torch.set_rng_state, lambda state: made(3).set_state(state)])
def test_what_is_no_state_is_an_error(put):
    with pytest.raises(TypeError, match="expected a torch.ByteTensor, but got list"):
        put([1])
    with pytest.raises(TypeError, match="RNG state must be a torch.ByteTensor"):
        put(torch.zeros(3))
    with pytest.raises(RuntimeError, match="5056"):
        put(torch.zeros(5, dtype=torch.uint8))
    with pytest.raises(TypeError):
        torch.rand(2, generator=3)
