"""Gradients of gradients and tangents, PyTorch's beside ours. Not a test: `test_against_torch.py` uses it where PyTorch is installed.

What PyTorch does not differentiate is not compared."""

import numpy as np
import torch as theirs

import pullback as pb


class Side:
    """A package, the results of one call of it, and the tensors that they are functions of."""

    def __init__(self, package, results, inputs):
        self.package, self.inputs = package, inputs
        self.outs = [t for t in results if isinstance(t, package.Tensor) and t.requires_grad]

    def grads(self, outs, wanted, seeds, again=False):
        return self.package.autograd.grad(outs, wanted, seeds, allow_unused=True, create_graph=again)

    def tensors(self, arrays):
        return [self.package.tensor(a, requires_grad=True) for a in arrays]


def seeds(tensors):
    return [np.cos(np.arange(t.numel())).reshape(tuple(t.shape)).astype(numbers(t).dtype) for t in tensors]


def numbers(t):
    t = t.detach()
    return (t.float() if str(t.dtype) == "torch.bfloat16" else t).numpy(force=True)


def differ(what, mine, want, far):
    """The first of several tensors that is not as PyTorch's; one that is missing is zero."""
    for k, (a, b) in enumerate(zip(mine, want)):
        if a is None and b is None:
            continue
        shape = tuple((b if a is None else a).shape)
        a, b = (np.zeros(shape) if g is None else numbers(g) for g in (a, b))
        if found := far(a, b, False):
            return f"{what} {k}: {found}"
    return None


def second(want, mine, far):
    """Gradients of gradients, by the inputs and by the gradients that came in."""
    if not want.outs or len(want.outs) != len(mine.outs):
        return None
    came = seeds(want.outs)
    their_seeds, our_seeds = want.tensors(came), mine.tensors(came)
    try:
        first = want.grads(want.outs, want.inputs, their_seeds, True)
        rooted = [k for k, g in enumerate(first) if g is not None and g.requires_grad]
        if not rooted:
            return None
        again = seeds([first[k] for k in rooted])
        expected = want.grads([first[k] for k in rooted], [*want.inputs, *their_seeds], [theirs.tensor(a) for a in again])
    except Exception:
        return None
    own = mine.grads(mine.outs, mine.inputs, our_seeds, True)
    pairs = [(own[k], pb.tensor(a)) for k, a in zip(rooted, again) if own[k] is not None and own[k].requires_grad]
    found = mine.grads([g for g, _ in pairs], [*mine.inputs, *our_seeds], [a for _, a in pairs]) if pairs else [None] * len(expected)
    return differ("second order", found, expected, far)


def dual(x, package):
    """An argument whose tensors have tangents."""
    if isinstance(x, package.Tensor):
        if not x.requires_grad:
            return x
        tangent = np.sin(1 + np.arange(x.numel())).reshape(tuple(x.shape)).astype(numbers(x).dtype)
        return package.autograd.forward_ad.make_dual(x.detach(), package.tensor(tangent))
    if isinstance(x, (list, tuple)):
        return type(x)(dual(v, package) for v in x)
    return {k: dual(v, package) for k, v in x.items()} if isinstance(x, dict) else x


def tangents(package, f, args, kwargs, flat):
    forward_ad = package.autograd.forward_ad
    with forward_ad.dual_level():
        out = flat(f(*dual(args, package), **dual(kwargs, package)))
        found = [forward_ad.unpack_dual(t).tangent if isinstance(t, package.Tensor) else None for t in out]
        return [None if t is None else t.clone() for t in found]


def forward(their_f, our_f, sample, ours, flat, far):
    """The results' tangents."""
    args, kwargs = (sample.input, *sample.args), dict(sample.kwargs)
    try:
        want = tangents(theirs, their_f, args, kwargs, flat)
    except Exception:
        return None
    if all(t is None for t in want):
        return None
    return differ("tangent", tangents(pb, our_f, ours(args), ours(kwargs), flat), want, far)
