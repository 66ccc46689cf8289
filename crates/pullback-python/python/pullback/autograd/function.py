"""Functions with a gradient of their own: `Function`, with `forward` and `backward` (and `setup_context`, `jvp`) as static methods."""

import functools
import weakref

from .. import _native

Tensor = _native.Tensor


class FunctionCtx:
    """What `forward` keeps for `backward`."""

    def __init__(self):
        self._saved, self._dirty, self._constant, self._materialize = (), (), (), True
        self.needs_input_grad = ()

    def save_for_backward(self, *tensors):
        """Keeps inputs, results or other tensors, checked for writes in place until backward."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument is of type {type(t).__name__}")
        self._saved = tensors

    def save_for_forward(self, *tensors):
        """Keeps tensors for `jvp`."""
        self._saved = tensors

    def mark_dirty(self, *tensors):
        """Says that inputs were written in place; they must be returned."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors):
        """Says that results have no gradient."""
        self._constant = tensors

    def set_materialize_grads(self, value):
        """Whether gradients that did not arrive are zeros (the default) or `None`."""
        self._materialize = value

    @property
    def saved_tensors(self):
        """What was kept, with its history."""
        return tuple(self._saved)


class _Call:
    """One application: the native side calls back here."""

    def __init__(self, cls, args, places, named):
        self.cls, self.args, self.places, self.named, self.ctx = cls, args, places, named, FunctionCtx()
        self.saved_count, self.saved, self.dirty, self.constant = 0, (), (), ()
        self.shape = None

    def forward(self, tensors, needs):
        args = list(self.args)
        for place, t in zip(self.places, tensors):
            args[place] = t
        wanted = [False] * len(args)
        for place, need in zip(self.places, needs):
            wanted[place] = need
        ctx = self.ctx
        ctx.needs_input_grad = tuple(wanted)
        if self.cls.setup_context is not Function.setup_context:
            out = self.cls.forward(*args)
            self.cls.setup_context(ctx, tuple(args), out)
        else:
            out = self.cls.forward(ctx, *args, **self.named)
        self.single = not isinstance(out, (tuple, list))
        items = (out,) if self.single else tuple(out)
        self.template = [None if isinstance(x, Tensor) else (x,) for x in items]
        results = [x for x in items if isinstance(x, Tensor)]
        if not results:
            raise TypeError(f"{self.cls.__name__}.forward: expected Tensor or tuple of Tensors as result, got {type(out).__name__}")
        self.result_places = [i for i, x in enumerate(items) if isinstance(x, Tensor)]
        self.given = results
        kept = [t for t in ctx._saved if t is not None]
        self.kept_places = [i for i, t in enumerate(ctx._saved) if t is not None]
        self.kept_length = len(ctx._saved)
        self.saved, self.saved_count = kept, len(kept)
        # Results are new tensors to backward; everything else is the very object that was kept, while it lives.
        self.objects = [None if any(t is r for r in results) else weakref.ref(t) for t in kept]
        self.dirty, self.constant = ctx._dirty, ctx._constant
        return results

    def forward_done(self):
        # The engine holds them from now on; held here they would keep results alive that hold this.
        self.saved = self.dirty = self.constant = self.given = ()
        self.ctx._saved = self.ctx._dirty = self.ctx._constant = ()
        self.args = [None if i in self.places else a for i, a in enumerate(self.args)]

    @property
    def backward_needs(self):
        return len(self.result_places), bool(self.ctx._materialize)

    def _restored(self, saved):
        full = [None] * self.kept_length
        for place, t, ref in zip(self.kept_places, saved, self.objects):
            known = None if ref is None else ref()
            full[place] = known if known is not None and _same(known, t) else t
        return tuple(full)

    def batched(self, size, tensors, mapped):
        """The results for a batch: tensors whose first dimension counts rows where `mapped` says so."""
        from . import _function_rows

        args, dims = list(self.args), [None] * len(self.args)
        for place, t, whole in zip(self.places, tensors, mapped):
            args[place], dims[place] = t, 0 if whole else None
        return _function_rows.results(self.cls, size, tuple(dims), args)

    def backward(self, saved, grads):
        ctx = self.ctx
        full = [None] * len(self.template)
        for place, g in zip(self.result_places, grads):
            full[place] = g
        ctx._saved = self._restored(saved)
        try:
            out = self.cls.backward(ctx, *full)
        finally:
            ctx._saved = ()
        out = out if isinstance(out, (tuple, list)) else (out,)
        n = len(self.args)
        if len(out) > n and all(g is None for g in out[n:]):
            out = out[:n]
        if len(out) != n:
            raise RuntimeError(f"function {self.cls.__name__}Backward returned an incorrect number of gradients (expected {n}, got {len(out)})")
        for place, g in enumerate(out):
            if g is not None and not isinstance(g, Tensor):
                raise TypeError(f"function {self.cls.__name__}Backward: expected a Tensor or None as gradient {place}, got {type(g).__name__}")
        return [out[place] for place in self.places]

    def jvp(self, saved, tangents):
        full = [None] * len(self.args)
        for place, t in zip(self.places, tangents):
            full[place] = t
        self.ctx._saved = self._restored(saved)
        try:
            out = self.cls.jvp(self.ctx, *full)
        finally:
            self.ctx._saved = ()
        return list(out) if isinstance(out, (tuple, list)) else [out]


def _same(a, b):
    """Whether two objects show the same elements with the same history."""
    return a.is_set_to(b) and a._version == b._version and _native.gradient_node(a) is _native.gradient_node(b)


class Function:
    """Subclass it, write `forward` and `backward` as static methods, and call `apply`."""

    def __init__(self, *args, **kwargs):
        raise RuntimeError(f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke them on the class itself.")

    @staticmethod
    def forward(*args, **kwargs):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        raise NotImplementedError("You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD.")

    @staticmethod
    def jvp(ctx, *grad_inputs):
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with forward mode AD.")

    generate_vmap_rule = False

    @staticmethod
    def vmap(info, in_dims, *args):
        raise NotImplementedError("To use autograd.Function with vmap, you must either override the vmap staticmethod or set generate_vmap_rule=True.")

    @classmethod
    def apply(cls, *args, **kwargs):
        """The results of `forward`, with `backward` as their gradient."""
        if any(isinstance(a, Tensor) and _native.differs_by_row(a) for a in args):
            from . import _function_rows

            _function_rows.check(cls)
        if kwargs and cls.setup_context is not Function.setup_context:
            import inspect

            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, {}
        places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        if cls.backward is Function.backward and hasattr(cls, "vjp"):
            cls.backward = cls.vjp
        call = _Call(cls, list(args), places, kwargs)
        found = _native.apply_function(cls.__name__, call, [args[i] for i in places])
        # Inputs that come back (written in place, or as they are) are the caller's own objects.
        own = {id_: a for id_, a in ((_native.identity(args[i]), args[i]) for i in places)}
        found = [own.get(_native.identity(t), t) for t in found]
        out = [None if slot is None else slot[0] for slot in call.template]
        for place, t in zip(call.result_places, found):
            out[place] = t
        return out[0] if call.single else tuple(out)


def once_differentiable(function):
    """For `backward`: its gradients cannot be differentiated again."""

    @functools.wraps(function)
    def call(ctx, *grads):
        from .grad_mode import no_grad

        with no_grad():
            return function(ctx, *grads)

    return call


InplaceFunction = Function
