"""Views of views made and written in every mode: one line says what each situation comes to.

Run by the tests on pullback and by `make_views.py` on PyTorch; knows nothing of either.
"""

import contextlib
import itertools


def situations(torch):
    """Key and outcome of every situation."""
    modes = {"grad": contextlib.nullcontext, "no_grad": torch.no_grad, "inference": torch.inference_mode}
    bases = {
        "plain": lambda: torch.ones(4, 3),
        "leaf": lambda: torch.ones(4, 3, requires_grad=True),
        "result": lambda: torch.ones(4, 3, requires_grad=True) * 2,
    }
    views = {
        "slice": lambda t: t[1:3],
        "t": lambda t: t.t(),
        "detach": lambda t: t.detach(),
        "unbind": lambda t: t.unbind(0)[0],
        "view_as": lambda t: t.view_as(t),
    }
    weight = lambda: torch.full((), 3.0, requires_grad=True)
    writes = {
        "mul_": lambda v, b: v.mul_(2),
        "mul_ by a leaf": lambda v, b: v.mul_(weight()),
        "zero_": lambda v, b: v.zero_(),
        "requires_grad_": lambda v, b: v.requires_grad_(),
        "requires_grad_(False)": lambda v, b: v.requires_grad_(False),
        "mul_ of the base": lambda v, b: b.mul_(2),
        "mul_ of the base by a leaf": lambda v, b: b.mul_(weight()),
    }
    places = itertools.product(bases, modes, views, [None, *modes], ["grad", "no_grad"], writes)
    for base, made, view, again, written, write in places:
        key = f"{base}, {view} in {made}, slice in {again}, {write} in {written}"
        yield key, outcome(
            bases[base], modes[made], views[view], again and modes[again], modes[written], writes[write]
        )


def said(error):
    return f"{type(error).__name__}: {str(error).splitlines()[0]}"


def outcome(make, made, view, again, written, write):
    base = make()
    with made():
        x = view(base)
    if again is not None:
        with again():
            x = x[:1]
    parts = [described(x)]
    try:
        with written():
            write(x, base)
        parts += [described(x), described(base)]
        y = (x * 1.0).sum() + (base * 1.0).sum()
        if y.requires_grad:
            y.backward()
            parts.append("backward")
    except RuntimeError as error:
        parts.append(said(error))
    return " | ".join(parts)


def described(t):
    node = t.grad_fn
    name = None if node is None else type(node).__name__
    return f"requires_grad {t.requires_grad}, leaf {t.is_leaf}, {name}, view {t._is_view()}, base {t._base is not None}"
