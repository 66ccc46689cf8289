"""`autograd.graph`: nodes, edges, hooks over several tensors, callbacks after a backward."""

import gc
import weakref

import pytest

import pullback as torch
from pullback.autograd import graph


def test_multi_grad_hooks():
    a, b = (torch.rand(2, 3, requires_grad=True) for _ in range(2))
    c, d = a * b, a * b
    seen = []
    handle = graph.register_multi_grad_hook((a, b, c, d), lambda grads: seen.append([g is not None for g in grads]))
    c.sum().backward(retain_graph=True)
    c.sum().backward(inputs=(a,), retain_graph=True)
    (c + d).sum().backward(retain_graph=True)
    torch.autograd.grad(c.sum(), b, retain_graph=True)
    assert seen == [[True, True, True, False], [True, False, True, False], [True, True, True, True], [False, True, True, False]]
    handle.remove()
    c.sum().backward(retain_graph=True)
    assert len(seen) == 4
    first = []
    with graph.register_multi_grad_hook((c, a), first.append, mode="any"):
        c.sum().backward(retain_graph=True)
        c.sum().backward(retain_graph=True)
    assert [g.tolist() for g in first] == [torch.ones(2, 3).tolist()] * 2
    with pytest.raises(ValueError, match="Expects mode to be one of \\('all', 'any'\\) but got some"):
        graph.register_multi_grad_hook((a,), print, mode="some")
    with pytest.raises(RuntimeError, match="not possible to get the gradient edge"):
        graph.register_multi_grad_hook((torch.ones(1),), print)


def test_callbacks_after_a_backward():
    t = torch.rand(3, requires_grad=True)
    order = []

    def hook(_):
        graph.queue_callback(lambda: (order.append("done"), graph.queue_callback(lambda: order.append("and more"))))
        order.append("hook")

    handle = t.register_hook(hook)
    t.sum().backward()
    assert order == ["hook", "done", "and more"]
    with pytest.raises(RuntimeError, match="Final callbacks can only be installed during backward pass."):
        graph.queue_callback(print)
    handle.remove()

    def failing(_):
        graph.queue_callback(lambda: order.append("never"))
        raise KeyError("own")

    t.register_hook(failing)
    with pytest.raises(KeyError):
        t.sum().backward()
    assert "never" not in order


def test_edges_stand_for_their_tensors():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    h = x * 3
    edge, leaf = graph.get_gradient_edge(h), graph.get_gradient_edge(x)
    assert edge.node == h.grad_fn and edge.output_nr == 0 and leaf.node.name() == "torch::autograd::AccumulateGrad"
    assert isinstance(edge.node, graph.Node) and h.grad_fn.next_functions[0][0] == leaf.node
    y = (h**2).sum()
    found = torch.autograd.grad(y, [edge, leaf], retain_graph=True)
    assert [g.tolist() for g in found] == [[6, 12], [18, 36]]
    assert torch.autograd.grad(y, edge)[0].tolist() == [6, 12]
    with pytest.raises(RuntimeError, match="not possible to get the gradient edge"):
        graph.get_gradient_edge(torch.ones(1))


def test_metadata_stays_with_its_node():
    y = torch.ones(2, requires_grad=True) * 2
    y.grad_fn.metadata["mine"] = [1]
    assert y.grad_fn.metadata == {"mine": [1]}
    assert (y + 1).grad_fn.metadata == {}
    alive = y.grad_fn.metadata["mine"]

    class Thing:
        pass

    thing = Thing()
    y.grad_fn.metadata["thing"] = thing
    seen = weakref.ref(thing)
    del thing, y, alive
    gc.collect()
    assert seen() is None


def test_writes_that_nobody_saw():
    x = torch.ones(2, requires_grad=True)
    y = x * 1
    z = (y**2).sum()
    before = y._version
    graph.increment_version(y)
    graph.increment_version([y, y])
    assert y._version == before + 3
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_what_is_not_there_says_so():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        graph.nonsense  # noqa: B018


def test_nodes_are_of_classes_with_pytorchs_names():
    x = torch.ones(4).requires_grad_()
    y = x * 1
    y[:2].mul_(2)
    for node, short, long in (
        (x.exp().grad_fn, "ExpBackward0", "ExpBackward0"),
        (y.grad_fn, "CopySlices", "torch::autograd::CopySlices"),
        (x.exp().grad_fn.next_functions[0][0], "AccumulateGrad", "torch::autograd::AccumulateGrad"),
    ):
        assert type(node).__name__ == short and node.name() == long and isinstance(node, graph.Node)
        assert repr(node).startswith(f"<{short} object at 0x")
    assert y.grad_fn is y.grad_fn and y.grad_fn == y.grad_fn and repr(y).endswith("grad_fn=<CopySlices>)")
    with pytest.raises(AttributeError, match="'ExpBackward0' object has no attribute 'variable'"):
        x.exp().grad_fn.variable  # noqa: B018


def leaf_of(node):
    while node.next_functions:
        node = node.next_functions[0][0]
    return node.variable


def test_leaves_are_found_from_their_graphs():
    made = torch.ones(3, requires_grad=True)
    later = torch.ones(3).requires_grad_()
    module = torch.nn.Linear(3, 3)
    attribute = torch.ones(3)
    attribute.requires_grad = True
    for x in (made, later, attribute, module.weight, module.bias, torch.tensor([1.0, 2.0], requires_grad=True)):
        assert leaf_of((x * 2).sum().grad_fn) is x
    y = (torch.ones(2, requires_grad=True) * 3).sum()
    leaf = leaf_of(y.grad_fn)  # nobody else has it
    y.backward()
    assert leaf.tolist() == [1.0, 1.0] and leaf.is_leaf and leaf.requires_grad and leaf.grad.tolist() == [3.0, 3.0]


def test_kept_values_have_the_names_of_arguments():
    x = torch.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
    cases = {
        "_saved_self": (x.pow(2), x),
        "_saved_result": (x.exp(), x.exp()),
        "_saved_mat2": (x @ x.detach(), x),
        "_saved_other": (x * x.detach(), x),
    }
    for name, (y, value) in cases.items():
        node = y.grad_fn
        assert name in dir(node) and torch.equal(getattr(node, name), value), name
    assert x.sin().grad_fn._saved_self is x and (x * x.detach()).grad_fn._saved_other is not x
    assert torch.equal((x * 2).sin().grad_fn._saved_self, x * 2)
    # With its history.
    kept = (x * 2).sin().grad_fn._saved_self
    assert type(kept.grad_fn).__name__ == "MulBackward0"
    y = x.pow(2)
    with pytest.raises(AttributeError, match="'PowBackward0' object has no attribute '_saved_nothing'"):
        y.grad_fn._saved_nothing
    y.sum().backward()
    with pytest.raises(RuntimeError, match="or directly access saved tensors after they have already been freed"):
        y.grad_fn._saved_self
