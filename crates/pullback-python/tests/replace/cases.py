"""What happens to tensors whose array or shape is replaced, case by case, in whatever library is given: `outcomes(torch)` gives a name and
what came out for each. `make_golden.py` asks PyTorch, `test_replace.py` asks Pullback.
"""

import contextlib

CHANGES = {
    "unsqueeze_(0)": lambda x, t: x.unsqueeze_(0),
    "unsqueeze_(-1)": lambda x, t: x.unsqueeze_(-1),
    "unsqueeze_(5)": lambda x, t: x.unsqueeze_(5),
    "squeeze_()": lambda x, t: x.squeeze_(),
    "squeeze_(1)": lambda x, t: x.squeeze_(1),
    "squeeze_((0, 1))": lambda x, t: x.squeeze_((0, 1)),
    "transpose_": lambda x, t: x.transpose_(0, 1),
    "transpose_ keywords": lambda x, t: x.transpose_(dim0=-1, dim1=0),
    "transpose_(0, 7)": lambda x, t: x.transpose_(0, 7),
    "swapaxes_": lambda x, t: x.swapaxes_(axis0=0, axis1=1),
    "swapdims_": lambda x, t: x.swapdims_(0, 1),
    "t_": lambda x, t: x.t_(),
    "resize_(2, 3)": lambda x, t: x.resize_(2, 3),
    "resize_((1, 4))": lambda x, t: x.resize_((1, 4)),
    "resize_(0)": lambda x, t: x.resize_(0),
    "resize_(())": lambda x, t: x.resize_(()),
    "resize_ to the same": lambda x, t: x.resize_(x.shape),
    "resize_ keywords": lambda x, t: x.resize_((2, 2), memory_format=t.contiguous_format),
    "resize_(-1)": lambda x, t: x.resize_(-1),
    "resize_(2.5)": lambda x, t: x.resize_(2.5),
    "resize_as_": lambda x, t: x.resize_as_(t.ones(2, 2, dtype=t.int64)),
    "resize_as_(3)": lambda x, t: x.resize_as_(3),
    "set_()": lambda x, t: x.set_(),
    "set_(tensor)": lambda x, t: x.set_(t.arange(4.0)),
    "set_(tensor of another dtype)": lambda x, t: x.set_(t.ones(4, dtype=t.int64)),
    "set_(storage)": lambda x, t: x.set_(t.arange(4.0).untyped_storage()),
    "set_(storage, offset, size)": lambda x, t: x.set_(t.arange(4.0).untyped_storage(), 1, (2,)),
    "set_(storage, offset, size, stride)": lambda x, t: x.set_(t.arange(4.0).untyped_storage(), 1, (2, 2), (1, 1)),
    "set_(tensor, offset, size, stride)": lambda x, t: x.set_(t.arange(4.0), 1, (2,), (1,)),
    "set_(tensor, -1, …)": lambda x, t: x.set_(t.arange(4.0), -1, (2,), (1,)),
    "data": lambda x, t: set_data(x, t.arange(4.0).reshape(2, 2)),
    "data of another dtype": lambda x, t: set_data(x, t.arange(4.0, dtype=t.float64)),
    "data of integers": lambda x, t: set_data(x, t.arange(4)),
    "data of a part": lambda x, t: set_data(x, t.arange(6.0).reshape(3, 2)[1:]),
    "data of a number": lambda x, t: set_data(x, 5),
    "data of itself": lambda x, t: set_data(x, x),
    "data of its own": lambda x, t: set_data(x, x.data),
    "data deleted": lambda x, t: delattr(x, "data"),
}


def set_data(x, data):
    x.data = data
    return x


def seen(x):
    """All that can be seen of a tensor; strides of single elements mean nothing."""
    node = x.grad_fn and x.grad_fn.name()
    return [list(x.shape), [s for s, n in zip(x.stride(), x.shape) if n > 1], x.storage_offset(), x._version, x.requires_grad, node, x.is_leaf, str(x.dtype).split(".")[-1], x.tolist()]


def matrix(t):
    return t.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])


def plain(change, t):
    x = matrix(t)
    same = change(x, t) is x
    return [same, seen(x)]


def row(change, t):
    x = t.arange(6.0)[:3].unsqueeze(0)
    change(x, t)
    return seen(x)


def leaf(change, t):
    return seen(change(matrix(t).requires_grad_(), t))


def leaf_without_grad(change, t):
    w = matrix(t).requires_grad_()
    with t.no_grad():
        change(w, t)
    (w * w).sum().backward()
    return [seen(w), w.grad.tolist()]


def result(change, t):
    w = matrix(t).requires_grad_()
    x = w * 1
    change(x, t)
    out = seen(x)
    (x * x).sum().backward()
    return [out, w.grad.tolist()]


def view(change, t):
    w = matrix(t).requires_grad_()
    y = w * 1
    x = y[0:2]
    change(x, t)
    out = [seen(x), seen(y)]
    (x * x).sum().backward()
    return [out, w.grad.tolist()]


def base_of_a_view(change, t):
    w = matrix(t).requires_grad_()
    y = w * 1
    x = y[0:2]
    change(y, t)
    out = [seen(x), seen(y)]
    (x * x).sum().backward()
    return [out, w.grad.tolist()]


def saved(change, t):
    w = matrix(t).requires_grad_()
    x = w * 1
    y = (x * x).sum()
    change(x, t)
    y.backward()
    return w.grad.tolist()


def detached(change, t):
    x = matrix(t)
    d = x.detach()
    change(x, t)
    return [seen(x), seen(d)]


def written_later(change, t):
    w = matrix(t).requires_grad_()
    x = w * 1
    part = x[1]
    change(x, t)
    x.mul_(3)
    (x * x).sum().backward()
    return [seen(x), part.tolist(), w.grad.tolist()]


SITUATIONS = [plain, row, leaf, leaf_without_grad, result, view, base_of_a_view, saved, detached, written_later]


def whole_programs(t):
    """Small programs, each with its name."""

    def trained():
        layer = t.nn.Linear(2, 1)
        with t.no_grad():
            for p in layer.parameters():
                p.fill_(0.5)
        before = list(layer.parameters())
        sgd = t.optim.SGD(layer.parameters(), lr=0.1)
        for dtype in (t.float32, t.float64, t.float32):
            layer.to(dtype)
            loss = layer(t.ones(3, 2, dtype=dtype)).sum()
            sgd.zero_grad()
            loss.backward()
            sgd.step()
        same = all(a is b for a, b in zip(before, layer.parameters()))
        return [same, [seen(p) for p in layer.parameters()], [str(p.grad.dtype).split(".")[-1] for p in layer.parameters()]]

    def gradients_convert():
        layer = t.nn.Linear(2, 1)
        layer(t.ones(1, 2)).sum().backward()
        layer.double()
        return [[str(p.grad.dtype).split(".")[-1], p.grad.tolist()] for p in layer.parameters()]

    def overwritten():
        t.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            layer = t.nn.Linear(2, 1)
            before = list(layer.parameters())
            layer.double()
            return [a is b for a, b in zip(before, layer.parameters())]
        finally:
            t.__future__.set_overwrite_module_params_on_conversion(False)

    def swapped():
        a, b = t.ones(2, requires_grad=True), t.zeros(3, 1)
        (a * a).sum().backward()
        a.note = "a"
        t.utils.swap_tensors(a, b)
        return [seen(a), seen(b), a.grad, b.grad.tolist(), hasattr(a, "note"), b.note]

    def hooks_stay():
        w, calls = t.ones(2, requires_grad=True), []
        w.register_hook(lambda g: calls.append(g.tolist()))
        w.data = t.ones(3)
        (w * 2).sum().backward()
        return [calls, w.grad.tolist()]

    def a_chain_of_changes():
        w = t.arange(6.0).requires_grad_()
        x = w * 2
        x.unsqueeze_(0)
        x.t_().squeeze_().unsqueeze_(-1).transpose_(0, 1)
        x.mul_(x.detach() + 1)
        (x * t.arange(6.0)).sum().backward()
        return [seen(x), w.grad.tolist()]

    def old_graph():
        w = t.ones(3, requires_grad=True)
        y = (w * 2).sum()
        w.data = t.ones(3, dtype=t.float64)
        y.backward()
        return w.grad.tolist()

    def numpy_keeps_memory():
        x = t.arange(4.0)
        a = x.numpy()
        x.data = t.zeros(2)
        del x
        return [t.arange(4.0).tolist(), a.tolist()]

    def integers():
        x = t.arange(1, 22).resize_(3, 7)
        y = t.ones(2, dtype=t.int64)
        return [seen(x), seen(y.unsqueeze_(0)), seen(y)]

    def retained():
        w = t.ones(3, requires_grad=True)
        x = w * 2
        x.retain_grad()
        x.unsqueeze_(0)
        (x * x).sum().backward()
        return [x.grad.tolist(), w.grad.tolist()]

    here = locals()
    return {name: f for name, f in here.items() if callable(f)}


def outcome(f):
    with contextlib.suppress(ImportError):
        try:
            return f()
        except Exception as e:  # noqa: BLE001
            text = str(e).split("\n")[0]
            return [type(e).__name__, text.split("by an inplace operation")[0]]


def outcomes(torch):
    for situation in SITUATIONS:
        for name, change in CHANGES.items():
            yield f"{situation.__name__}: {name}", outcome(lambda: situation(change, torch))
    for name, program in whole_programs(torch).items():
        yield name, outcome(program)
