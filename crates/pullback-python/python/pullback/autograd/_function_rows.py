"""`Function` under `vmap`: by its `vmap` staticmethod, or by its own `forward` and `backward` mapped over rows (`generate_vmap_rule`)."""

from collections import namedtuple

from .. import _native
from .function import Function

VmapInfo = namedtuple("VmapInfo", ["batch_size", "randomness"])

_MORE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


def check(cls):
    """PyTorch's errors for a class that cannot be mapped."""
    if cls.setup_context is Function.setup_context:
        raise RuntimeError(
            f"In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override the setup_context staticmethod. {_MORE}"
        )
    own = cls.vmap is not Function.vmap
    if own and cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overridden vmap staticmethod. Please set "
            f"generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid ambiguity. {_MORE}"
        )
    if not own and not cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement the vmap staticmethod or set "
            f"generate_vmap_rule=True. {_MORE}"
        )


def results(cls, size, dims, args):
    """The tensors of the results, each with the rows as its first dimension."""
    if cls.vmap is not Function.vmap:
        out, places = cls.vmap(VmapInfo(size, "error"), dims, *args)
        single = not isinstance(out, (tuple, list))
        outs = (out,) if single else tuple(out)
        places = places if isinstance(places, (tuple, list)) else (places,) * len(outs)
        return [_first(x, d, size) for x, d in zip(outs, places) if isinstance(x, _native.Tensor)]
    mapped = [i for i, d in enumerate(dims) if d is not None]
    shared = [i for i, a in enumerate(args) if dims[i] is None and isinstance(a, _native.Tensor)]
    return list(_tensors(_Generated.apply(cls, size, mapped, shared, args, *(args[i] for i in mapped + shared))))


def _tensors(out):
    return [x for x in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(x, _native.Tensor)]


def _first(x, dim, size):
    if dim is None:
        return x.expand(size, *x.shape)
    return x.movedim(dim, 0)


def _filled(args, places, values):
    args = list(args)
    for place, x in zip(places, values):
        args[place] = x
    return args


class _Generated(Function):
    """A class's `forward` over rows; backward is that of one row, over rows."""

    @staticmethod
    def forward(ctx, cls, size, mapped, shared, args, *tensors):
        from .._vmap import over_rows

        ctx.cls, ctx.size, ctx.mapped, ctx.shared = cls, size, mapped, shared
        ctx.args = _filled(args, mapped + shared, [None] * len(tensors))
        ctx.save_for_backward(*tensors)
        full = _filled(ctx.args, shared, tensors[len(mapped) :])
        found = over_rows(lambda own: _tensors(cls.forward(*_filled(full, mapped, own))), tensors[: len(mapped)], size)
        return tuple(_first(x, 0 if whole else None, size) for x, whole in found)

    @staticmethod
    def backward(ctx, *grads):
        from .._vmap import over_rows
        from .grad_mode import enable_grad

        tensors = ctx.saved_tensors
        n = len(ctx.mapped)
        smooth = [i for i, t in enumerate(tensors) if t.is_floating_point() and ctx.needs_input_grad[5 + i]]

        def row(own):
            x = list(own[:n]) + list(tensors[n:])
            with enable_grad():
                fresh = [t.clone() if t.requires_grad else t.clone().requires_grad_() for t in (x[i] for i in smooth)]
                for i, t in zip(smooth, fresh):
                    x[i] = t
                out = _tensors(ctx.cls.apply(*_filled(ctx.args, ctx.mapped + ctx.shared, x)))
                pairs = [(y, g) for y, g in zip(out, own[n:]) if y.requires_grad]
                ys, gs = zip(*pairs)
                return list(_native.grad(ys, fresh, gs, create_graph=_native.is_grad_enabled(), materialize_grads=True))

        found = over_rows(row, [*tensors[:n], *grads], ctx.size)
        out = [None] * len(tensors)
        for i, (g, whole) in zip(smooth, found):
            g = _first(g, 0 if whole else None, ctx.size)
            out[i] = g if i < n else g.sum(0)
        return (None,) * 5 + tuple(out)
