"""Functions of functions: `grad`, `grad_and_value`, `vjp`, `jvp`, `linearize`, `jacrev`, `jacfwd`, `hessian`, `vmap`, to any nesting.

They are made of the engine's reverse mode: inside of each, the arguments are fresh tensors tied to the ones outside, so that an outer
derivative sees through. `jvp` is reverse mode of reverse mode, which is linear in its cotangent.
"""

import functools
import threading

from . import _trees
from ._native import is_grad_enabled as _is_grad_enabled
from ._native import reaches_others as _reaches_others
from .autograd import grad as _grad
from ._vmap import over_rows, vmap
from .autograd.grad_mode import enable_grad as _enable_grad

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "stack_module_state", "vjp", "vmap"]


class _Depth(threading.local):
    """How many derivatives this thread is inside of."""

    now = 0


_depth = _Depth()


class _level:
    """Inside, derivatives are recorded for the derivative around them."""

    def __enter__(self):
        self._recording = _depth.now > 0 or _is_grad_enabled()
        _depth.now += 1
        self._grad = _enable_grad()
        self._grad.__enter__()
        return self

    def keeps(self, outs, leaves):
        """Whether derivatives are to have a history: somebody outside differentiates, or what came out hangs on more than `leaves`."""
        if _depth.now > 1:
            return True
        return self._recording and _reaches_others([x for x in outs if _trees.is_tensor(x)], leaves)

    def __exit__(self, *error):
        _depth.now -= 1
        self._grad.__exit__(*error)


def _fresh(x):
    """A tensor with the value of `x` that this level differentiates by, and that outer levels see through."""
    if not _trees.is_tensor(x):
        raise RuntimeError(f"expected a Tensor to differentiate by, got {type(x).__name__}")
    if not x.is_floating_point():
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    # A clone and not a detached tensor: whoever records this run sees where the values come from.
    return x.clone() if x.requires_grad else x.clone().requires_grad_()


def _zeros(x):
    """Zeros like `x`, and not x·0, which is NaN at infinities."""
    import pullback

    return pullback.zeros_like(x.detach())


def _done(x, keep=False):
    """A result on its way out: without history where nothing outside wants it."""
    return x if keep or _depth.now > 0 or not _trees.is_tensor(x) else x.detach()


def _positions(argnums, n):
    many = isinstance(argnums, tuple)
    if not many and not isinstance(argnums, int):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    found = []
    for wanted in argnums if many else (argnums,):
        if not isinstance(wanted, int):
            raise RuntimeError(f"argnum must be int, got: {type(wanted)}")
        if not -n <= wanted < n:
            raise RuntimeError(f"Got argnum={wanted}, but only {n} positional inputs")
        found.append(wanted % n)
    if not found:
        raise RuntimeError("argnums must be non-empty")
    if len(set(found)) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {tuple(found)}")
    return many, found


def _with_aux(y, api, has_aux):
    """What a function returned, and what it returned beside that."""
    if not has_aux:
        return y, None
    if not (isinstance(y, tuple) and len(y) == 2):
        raise RuntimeError(f"{api}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return y


def _all_done(aux, keep):
    """The auxiliary output on its way out: with the history that somebody outside wants, and no other."""
    found, rebuild = _trees.flatten(aux)
    return rebuild([_done(x, keep) for x in found])


def _tensors(y, api):
    """The tensors of a function's output, and how to put others in their places."""
    outs, rebuild = _trees.flatten(y)
    if not outs or len(outs) == 1 and outs[0] is None:
        raise RuntimeError(f"{api}: Expected f to be a function that has non-empty output (got output = {outs})")
    for out in outs:
        if not _trees.is_tensor(out):
            raise RuntimeError(f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(out)}")
    return outs, rebuild


def _floating(outs):
    for out in outs:
        if not out.is_floating_point():
            raise RuntimeError(f"vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype {out.dtype}")


def _stacked(rows, out, x, dim=0):
    """The derivatives of an output's elements (or by an argument's, for `dim` -1) as one tensor of both shapes."""
    import pullback

    if not rows:
        return pullback.zeros((*out.shape, *x.shape), dtype=x.dtype if dim == 0 else out.dtype)
    return pullback.stack(rows, dim).reshape((*out.shape, *x.shape))


def _pick(args, argnums):
    """The arguments with fresh tensors in the chosen places; those tensors; how to put their gradients together."""
    many, places = (True, range(len(args))) if argnums is None else _positions(argnums, len(args))
    args, leaves, rebuilds = list(args), [], []
    for place in places:
        found, rebuild = _trees.flatten(args[place])
        found = [_fresh(x) for x in found]
        args[place] = rebuild(found)
        rebuilds.append((len(found), rebuild))
        leaves += found

    def together(values):
        out, at = [], 0
        for n, rebuild in rebuilds:
            out.append(rebuild(values[at : at + n]))
            at += n
        return tuple(out) if many else out[0]

    return args, leaves, together


def grad_and_value(f, argnums=0, has_aux=False):
    """The gradient of a function with a 0-d result, and its value."""

    @functools.wraps(f)
    def call(*args, **kwargs):
        with _level() as level:
            args, leaves, together = _pick(args, argnums)
            y, aux = _with_aux(f(*args, **kwargs), "grad_and_value(f)(*args)", has_aux)
            if not _trees.is_tensor(y):
                raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(y)}")
            if y.dim() != 0:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{y.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            keep = level.keeps([y], leaves)
            found = _grad_or_zeros([y], leaves, [None], keep)
            kept = has_aux and level.keeps(_trees.flatten(aux)[0], leaves)
        found = together([_done(g, keep) for g in found])
        return (found, (_done(y, keep), _all_done(aux, kept))) if has_aux else (found, _done(y, keep))

    return call


def grad(f, argnums=0, has_aux=False):
    """The gradient of a function with a 0-d result."""
    both = grad_and_value(f, argnums, has_aux)

    @functools.wraps(f)
    def call(*args, **kwargs):
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return call


def _grad_or_zeros(outputs, inputs, seeds, again, keep=False):
    rooted = [(y, s) for y, s in zip(outputs, seeds) if y.requires_grad]
    if not rooted:
        return [_zeros(x) for x in inputs]
    ys, ss = zip(*rooted)
    return list(_grad(ys, inputs, ss, retain_graph=keep or again, create_graph=again, materialize_grads=True))


def vjp(f, *primals, has_aux=False):
    """The value, and a function of cotangents that gives vᵀJ for every argument."""
    with _level() as level:
        args, leaves, together = _pick(primals, None)
        y, aux = _with_aux(f(*args), "vjp(f, *primals)", has_aux)
        outs, rebuild = _tensors(y, "vjp(f, *primals)")
        _floating(outs)
        keep = level.keeps(outs, leaves)
        kept = has_aux and level.keeps(_trees.flatten(aux)[0], leaves)

    def pull(cotangents, retain_graph=True, create_graph=None):
        seeds, _ = _trees.flatten(cotangents)
        if len(seeds) != len(outs) or type(cotangents) is not type(y) and not _trees.is_tensor(y):
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. "
                f"cotangents: {_trees.words(cotangents)}, primal output: {_trees.words(y)}"
            )
        with _level():
            found = _grad_or_zeros(outs, leaves, seeds, True, keep=retain_graph)
        wanted = (keep or any(s.requires_grad for s in seeds if s is not None)) and create_graph is not False
        return together([_done(g, wanted) for g in found])

    value = rebuild([_done(o, keep) for o in outs])
    return (value, pull, _all_done(aux, kept)) if has_aux else (value, pull)


def jvp(f, primals, tangents, *, strict=False, has_aux=False):
    """The value, and J·v for a tangent of every argument."""
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError("jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    flat = _trees.flatten(primals)[0]
    directions = _trees.flatten(tangents)[0]
    if not flat:
        raise RuntimeError("jvp(f, primals, tangents): Expected primals to contain at least one Tensor.")
    for x in flat:
        if _trees.is_tensor(x) and not x.is_floating_point():
            raise ValueError(f"Expected primal to be floating point or complex, but got: {x.dtype}")
    with _level() as level:
        args, leaves, _ = _pick(primals, None)
        if len(directions) != len(leaves):
            raise RuntimeError(
                "jvp(f, primals, tangents): Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 tensors, "
                f"tangents also must be. Got primals with structure {_trees.words(primals)} and tangents with structure {_trees.words(tangents)}"
            )
        for d, x in zip(directions, leaves):
            if d.shape != x.shape:
                raise RuntimeError(
                    "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. "
                    f"Tensor is of size {list(x.shape)} while the given forward gradient is of size {list(d.shape)}."
                )
        y, aux = _with_aux(f(*args), "jvp(f, primals, tangents)", has_aux)
        outs, rebuild = _tensors(y, "jvp(f, primals, tangents)")
        kept = has_aux and level.keeps(_trees.flatten(aux)[0], leaves)
        keep = level.keeps(outs, leaves) or level._recording and any(d.requires_grad for d in directions)
        along = []
        for out in outs:
            if not out.requires_grad:
                if strict:
                    raise RuntimeError(
                        "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with strict=True."
                    )
                along.append(_zeros(out))
                continue
            # Reverse mode is linear in its cotangent u; its transpose is forward mode.
            u = _zeros(out).requires_grad_()
            back = _grad((out,), leaves, (u,), create_graph=True, materialize_grads=True)
            reached = [(g, d) for g, d in zip(back, directions) if g.requires_grad]
            if not reached:
                along.append(_zeros(out))
                continue
            gs, ds = zip(*reached)
            (forward,) = _grad(gs, (u,), ds, retain_graph=True, create_graph=keep, materialize_grads=True)
            along.append(forward)
    value, dots = rebuild([_done(o, keep) for o in outs]), rebuild([_done(d, keep) for d in along])
    return (value, dots, _all_done(aux, kept)) if has_aux else (value, dots)


def linearize(func, *primals):
    """The value of `func`, and a function of tangents that gives J·v there without running `func` again."""
    with _level():
        args, leaves, _ = _pick(primals, None)
        outs, rebuild = _trees.flatten(func(*args))
        # As in `jvp`: reverse mode is linear in its cotangent, and its transpose is forward mode.
        linear = []
        for out in outs:
            u = _zeros(out).requires_grad_()
            back = _grad((out,), leaves, (u,), retain_graph=True, create_graph=True, materialize_grads=True) if out.requires_grad else ()
            linear.append((u, back))

    def forward(*tangents):
        directions, _ = _trees.flatten(tangents)
        if len(directions) != len(leaves) or any(d.shape != x.shape for d, x in zip(directions, leaves)):
            raise RuntimeError("linearize: expected tangents with the structure and the shapes of the primals")
        found = []
        for u, back in linear:
            reached = [(g, d) for g, d in zip(back, directions) if g.requires_grad]
            if not reached:
                found.append(_zeros(u))
                continue
            with _level():
                gs, ds = zip(*reached)
                (dot,) = _grad(gs, (u,), ds, retain_graph=True, create_graph=_depth.now > 1, materialize_grads=True)
            found.append(_done(dot))
        return rebuild(found)

    return rebuild([_done(o) for o in outs]), forward


def _rows_of(out, leaves, keep, chunk_size=None):
    """The Jacobian of one output by each of `leaves`: its gradient along every element, as one batch or several."""
    import pullback

    n = out.numel()
    if n == 1:
        found = _grad_or_zeros([out], leaves, [pullback.ones_like(out.detach())], keep, keep=True)
        return [g.reshape((*out.shape, *x.shape)) for g, x in zip(found, leaves)]
    step = n if chunk_size is None else chunk_size
    parts = []
    for at in range(0, n, max(step, 1)):
        size = min(step, n - at)
        units = pullback.zeros(size, n, dtype=out.dtype)
        units.diagonal(at).fill_(1.0)

        def row(own):
            return _grad_or_zeros([out], leaves, own, keep, keep=True)

        found = over_rows(row, [units.reshape(size, *out.shape)], size)
        parts.append([g if whole else g.expand(size, *g.shape) for g, whole in found])
    if not parts:
        return [_stacked([], out, x) for x in leaves]
    joined = parts[0] if len(parts) == 1 else [pullback.cat(column) for column in zip(*parts)]
    return [g.reshape((*out.shape, *x.shape)) for g, x in zip(joined, leaves)]


def jacrev(f, argnums=0, *, has_aux=False, chunk_size=None, _preallocate_and_copy=False):
    """The Jacobian by reverse mode: for each output, its shape followed by the argument's."""
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(f)
    def call(*args, **kwargs):
        with _level() as level:
            args, leaves, together = _pick(args, argnums)
            y, aux = _with_aux(f(*args, **kwargs), "vjp(f, *primals)", has_aux)
            outs, rebuild = _tensors(y, "vjp(f, *primals)")
            _floating(outs)
            keep = level.keeps(outs, leaves)
            kept = has_aux and level.keeps(_trees.flatten(aux)[0], leaves)
            jacobians = [_rows_of(out, leaves, keep, chunk_size) for out in outs]
        done = rebuild([together([_done(j, keep) for j in js]) for js in jacobians])
        return (done, _all_done(aux, kept)) if has_aux else done

    return call


def _columns(rows, x):
    """Derivatives along each element of `x`, stacked, as one tensor of the output's shape and then `x`'s."""
    out = rows.shape[1:]
    if not x.numel():
        return rows.new_zeros((*out, *x.shape))
    return rows.movedim(0, -1).reshape((*out, *x.shape))


def jacfwd(f, argnums=0, has_aux=False, *, randomness="error"):
    """The Jacobian by forward mode, a column at a time."""

    @functools.wraps(f)
    def call(*args, **kwargs):
        import pullback

        many, places = _positions(argnums, len(args))
        trees = [_trees.flatten(args[place]) for place in places]
        jacobians, shapes, aux, rebuild = [], None, None, None
        for place, (leaves, again) in zip(places, trees):
            for at, x in enumerate(leaves):

                def along(x, place=place, leaves=leaves, again=again, at=at):
                    inner = list(args)
                    inner[place] = again([*leaves[:at], x, *leaves[at + 1 :]])
                    return f(*inner, **kwargs)

                if not _trees.is_tensor(x):
                    raise RuntimeError(f"jvp(f, primals, tangents): Expected primals to only contain Tensors, got {type(x)}")
                kept = []

                def push(own, along=along, x=x, kept=kept):
                    found = jvp(along, (x,), (own[0],), has_aux=has_aux)
                    outs, again = _trees.flatten(found[1])
                    kept[:] = [again, found[2] if has_aux else None]
                    return outs

                # One row more for an argument without elements: the output's shape is asked for.
                n = max(x.numel(), 1)
                units = pullback.eye(n, dtype=x.dtype) if x.numel() else pullback.zeros(1, 0, dtype=x.dtype)
                found = over_rows(push, [units.reshape(n, *x.shape)], n, randomness)
                rebuild, aux = kept
                shapes = [y[0] if whole else y for y, whole in found]
                whole = [y if batched else y.expand(n, *y.shape) for y, batched in found]
                jacobians.append([_columns(y, x) for y in whole])
        if not jacobians:
            raise RuntimeError("jvp(f, primals, tangents): Expected primals to contain at least one Tensor.")
        parts = []
        for i in range(len(shapes)):
            of_output, start, whole = [js[i] for js in jacobians], 0, []
            for leaves, again in trees:
                whole.append(again(of_output[start : start + len(leaves)]))
                start += len(leaves)
            parts.append(tuple(whole) if many else whole[0])
        done = rebuild(parts)
        return (done, aux) if has_aux else done

    return call


def hessian(f, argnums=0):
    """The Hessian of a function with a 0-d result: the Jacobian of its gradient."""
    return jacfwd(jacrev(f, argnums), argnums)


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """What a module gives with other tensors in the place of its own: `nn.utils.stateless` has more."""
    from .nn.utils.stateless import functional_call as call

    return call(module, parameter_and_buffer_dicts, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models):
    """The parameters and the buffers of several modules of one kind, each stacked along a new first dimension."""
    from .nn.utils.stateless import stack_module_state as stacked

    return stacked(models)


def __getattr__(name):
    from . import _surface

    raise AttributeError(_surface.missing("pullback.func", name))
