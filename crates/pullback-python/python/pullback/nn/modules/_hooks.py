"""Hooks of modules and the call that runs them: before and after `forward`, and when gradients pass."""

import os
from collections import OrderedDict
from itertools import chain

from ... import Tensor
from ..._trees import flatten
from ...autograd import Function
from . import _node_hooks

_GLOBAL = {kind: OrderedDict() for kind in ("forward_pre", "forward", "backward_pre", "backward")}
# The same four, as every call asks for them.
_FORWARD_PRE, _FORWARD, _BACKWARD_PRE, _BACKWARD = _GLOBAL.values()


class Handle:
    """Takes a hook away again."""

    _next = 0

    def __init__(self, *places):
        self.id = Handle._next
        Handle._next += 1
        self._places = places

    def remove(self):
        """Takes the hook away; a second call does nothing."""
        for place in self._places:
            place.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.remove()


def _add(hooks, hook, prepend=False):
    handle = Handle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_forward_pre_hook(hook):
    """Has `hook(module, args)` called before every module's `forward`."""
    return _add(_GLOBAL["forward_pre"], (hook, False))


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Has `hook(module, args, output)` called after every module's `forward`."""
    return _add(_GLOBAL["forward"], (hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook):
    """Has `hook(module, grad_output)` called when gradients reach any module's result."""
    return _add(_GLOBAL["backward_pre"], hook)


def register_module_full_backward_hook(hook):
    """Has `hook(module, grad_input, grad_output)` called when gradients have passed any module."""
    return _add(_GLOBAL["backward"], hook)


class _Through(Function):
    """Tensors unchanged, as one node: what gradients of a module's arguments or results pass together."""

    @staticmethod
    def forward(ctx, *tensors):
        return tensors if len(tensors) != 1 else tensors[0]

    @staticmethod
    def backward(ctx, *grads):
        return grads if len(grads) != 1 else grads[0]


class _Passing:
    """One call of a module whose gradients hooks want to see."""

    def __init__(self, module, before, after):
        self.module, self.before, self.after = module, before, after
        self.grad_outputs = self.inputs = None
        self.blank = ()

    def _joined(self, values):
        leaves, rebuild = flatten(values)
        at = [i for i, x in enumerate(leaves) if isinstance(x, Tensor) and x.is_floating_point()]
        tensors = [leaves[i] for i in at]
        if not any(t.requires_grad for t in tensors):
            return None
        new = _Through.apply(*tensors)
        new = new if isinstance(new, tuple) else (new,)
        for i, t in zip(at, new):
            leaves[i] = t
        return new[0].grad_fn, rebuild(leaves), at, len(leaves)

    def arguments(self, args):
        found = self._joined(args)
        if found is None:
            # No gradient passes the arguments: hooks are told so, one None for each.
            self.blank = (None,) * len(flatten(args)[0])
            return args
        node, args, at, n = found
        self.inputs = True

        def hook(grad_input, _):
            full = [None] * n
            for i, g in zip(at, grad_input):
                full[i] = g
            full = tuple(full)
            for f in self.after:
                out = f(self.module, full, self.grad_outputs)
                if out is not None:
                    full = (out,) if isinstance(out, Tensor) else tuple(out)
            self.grad_outputs = None
            return tuple(full[i] for i in at)

        node.register_hook(hook)
        return args

    def results(self, out):
        found = self._joined(out)
        if found is None:
            return out
        node, out, at, n = found

        def before(grads):
            full = [None] * n
            for i, g in zip(at, grads):
                full[i] = g
            full = tuple(full)
            for f in self.before:
                new = f(self.module, full)
                if new is not None:
                    full = (new,) if isinstance(new, Tensor) else tuple(new)
            self.grad_outputs = full
            if not self.inputs:
                for f in self.after:
                    if f(self.module, self.blank, full) is not None:
                        raise RuntimeError("Backward hook for Modules where no input requires gradient should always return None or None for all gradients.")
            return tuple(full[i] for i in at)

        node.register_prehook(before)
        return out


_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _name_module(module, error):
    """Has an error of a module of this package say where that module stands in the one that was called: `Net.layers.2 (Linear)`."""
    trail = getattr(error, "_modules", None)
    if trail is None:
        place = error.__traceback__
        while place.tb_next is not None:
            place = place.tb_next
        known = os.path.abspath(place.tb_frame.f_code.co_filename).startswith(_PACKAGE) and error.args and type(error.args[0]) is str and not isinstance(error, KeyError)
        try:
            trail = error._modules = [error.args[0]] if known else []
        except AttributeError:
            return
    if not trail:
        return
    trail.append(module)
    path = []
    for outer, inner in zip(trail[:1:-1], trail[-2:0:-1]):
        path += [next((name for name, m in outer.named_modules() if m is inner), type(inner).__name__)]
    if path:
        error.args = (f"{trail[0]}\n  module: {'.'.join([type(module).__name__, *path])} ({type(trail[1]).__name__})", *error.args[1:])


class Hooks:
    """The part of `Module` that is called and that hooks hang on."""

    def _start_hooks(self):
        for name in ("_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_pre_hooks", "_state_dict_hooks", "_state_dict_pre_hooks",
                     "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"):  # fmt: skip
            object.__setattr__(self, name, OrderedDict())

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Has `hook(module, args)` called before `forward`; what it returns replaces the arguments."""
        return _add(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Has `hook(module, args, output)` called after `forward`; what it returns replaces the result."""
        return _add(self._forward_hooks, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Has `hook(module, grad_output)` called when gradients reach the result; what it returns replaces them."""
        return _add(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Has `hook(module, grad_input, grad_output)` called when gradients have passed; what it returns replaces `grad_input`."""
        _node_hooks.choose(self, True)
        return _add(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook):
        """Has `hook(module, grad_input, grad_output)` called with the gradients of the node that the result comes from. For older programs."""
        _node_hooks.choose(self, False)
        return _add(self._backward_hooks, hook)

    def __call__(self, *args, **kwargs):
        # The dict is asked once: an attribute of a class with `__getattr__` costs several times what a key does.
        own = self.__dict__
        try:
            if (
                "_forward_hooks" not in own  # `__init__` was not called: the longer way says so
                or own["_forward_hooks"] or own["_forward_pre_hooks"] or own["_backward_hooks"] or own["_backward_pre_hooks"]
                or _FORWARD or _FORWARD_PRE or _BACKWARD or _BACKWARD_PRE
            ):  # fmt: skip
                return self._call_with_hooks(args, kwargs)
            return self.forward(*args, **kwargs)
        except Exception as e:
            _name_module(self, e)
            raise

    def _call_with_hooks(self, args, kwargs):
        called = set()
        try:
            for hook, with_kwargs in chain(_GLOBAL["forward_pre"].values(), list(self._forward_pre_hooks.values())):
                new = hook(self, args, kwargs) if with_kwargs else hook(self, args)
                if new is None:
                    continue
                if not with_kwargs:
                    args = new if isinstance(new, tuple) else (new,)
                elif isinstance(new, tuple) and len(new) == 2:
                    args, kwargs = new
                else:
                    raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {new}.")
            before = [*_GLOBAL["backward_pre"].values(), *self._backward_pre_hooks.values()]
            own = list(self._backward_hooks.values())
            of_node = own if self.__dict__.get("_is_full_backward_hook") is False else []
            after = [*_GLOBAL["backward"].values(), *([] if of_node else own)]
            passing = _Passing(self, before, after) if before or after else None
            if passing:
                args = passing.arguments(args)
            out = self.forward(*args, **kwargs)
            for key, (hook, with_kwargs, _) in self._after():
                called.add(key)
                new = hook(self, args, kwargs, out) if with_kwargs else hook(self, args, out)
                out = out if new is None else new
            out = passing.results(out) if passing else out
            if of_node:
                _node_hooks.hang(self, of_node, args, out)
            return out
        except Exception:
            for key, (hook, with_kwargs, always) in self._after():
                if always and key not in called:
                    hook(self, args, kwargs, None) if with_kwargs else hook(self, args, None)
            raise

    def _after(self):
        return [*_GLOBAL["forward"].items(), *self._forward_hooks.items()]
