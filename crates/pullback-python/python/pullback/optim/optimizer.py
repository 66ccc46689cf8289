"""What all optimisers share: groups of parameters with their options, state by parameter, saving and resuming.

An optimiser writes `_step(group)`: it asks `one_pass` to step all parameters of the group at once, and where that says that it
did nothing, it goes through its formula by tensor operations. Options such as `foreach` and `fused`, which only choose between implementations of the same
formula, are taken and kept.
"""

import functools
import warnings
from collections import OrderedDict, defaultdict
from copy import deepcopy
from itertools import chain

from .. import Tensor, enable_grad
from .._native import is_grad_enabled
from .._native import optimizer_step as one_pass  # noqa: F401
from .._native import set_grad_enabled as set_recording
from ..nn.modules._hooks import Handle
from ..nn.parameter import forget_gradients


class _Required:
    def __repr__(self):
        return "<required parameter>"


required = _Required()
_GLOBAL_PRE, _GLOBAL_POST = OrderedDict(), OrderedDict()


def _add(hooks, hook):
    handle = Handle(hooks)
    hooks[handle.id] = hook
    return handle


def register_optimizer_step_pre_hook(hook):
    """Has `hook(optimizer, args, kwargs)` called before every step of every optimiser."""
    return _add(_GLOBAL_PRE, hook)


def register_optimizer_step_post_hook(hook):
    """Has `hook(optimizer, args, kwargs)` called after every step of every optimiser."""
    return _add(_GLOBAL_POST, hook)


def _asked(optimizer, step, args, kwargs):
    """The arguments of a step as the hooks before it want them."""
    for hook in chain(_GLOBAL_PRE.values(), optimizer._optimizer_step_pre_hooks.values()):
        result = hook(optimizer, args, kwargs)
        if result is not None:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {result}.")
            args, kwargs = result
    return args, kwargs


def _with_hooks(step):
    @functools.wraps(step)
    def wrapper(self, *args, **kwargs):
        if _GLOBAL_PRE or self._optimizer_step_pre_hooks:
            args, kwargs = _asked(self, step, args, kwargs)
        out = step(self, *args, **kwargs)
        if _GLOBAL_POST or self._optimizer_step_post_hooks:
            for hook in chain(self._optimizer_step_post_hooks.values(), _GLOBAL_POST.values()):
                hook(self, args, kwargs)
        return out

    wrapper.hooked = True
    return wrapper


class Optimizer:
    """The base class of all optimisers."""

    def __init__(self, params, defaults):
        self.defaults = defaults
        self._start_hooks()
        if isinstance(params, Tensor):
            raise TypeError(f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {params.type()}")
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def _start_hooks(self):
        for name in ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks", "_optimizer_state_dict_pre_hooks", "_optimizer_state_dict_post_hooks",
                     "_optimizer_load_state_dict_pre_hooks", "_optimizer_load_state_dict_post_hooks"):  # fmt: skip
            setattr(self, name, OrderedDict())

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        step = cls.__dict__.get("step")
        if step is not None and not getattr(step, "hooked", False):
            cls.step = _with_hooks(step)

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        if "_optimizer_step_pre_hooks" not in self.__dict__:
            self._start_hooks()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self):
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n" + "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
        return text + ")"

    # hooks

    def register_step_pre_hook(self, hook):
        """Has `hook(optimizer, args, kwargs)` called before each step."""
        return _add(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Has `hook(optimizer, args, kwargs)` called after each step."""
        return _add(self._optimizer_step_post_hooks, hook)

    def _hook(self, place, hook, prepend):
        handle = _add(place, hook)
        if prepend:
            place.move_to_end(handle.id, last=False)
        return handle

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Has `hook(optimizer)` called before the state is taken."""
        return self._hook(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Has `hook(optimizer, state_dict)` called with the state."""
        return self._hook(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Has `hook(optimizer, state_dict)` called before a state is loaded."""
        return self._hook(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Has `hook(optimizer)` called when a state was loaded."""
        return self._hook(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # groups and gradients

    def add_param_group(self, param_group):
        """Adds parameters with options of their own."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets will change between runs. Please use a list instead.")
        params = list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names and len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        if names:
            param_group["param_names"] = names
            params = [p[1] for p in params]
        param_group["params"] = params
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(param).__module__ + '.' if type(param).__module__ != 'builtins' else ''}{type(param).__name__}")
            if not self.defaults.get("differentiable", None) and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(params) != len({id(p) for p in params}):
            warnings.warn("optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; see github.com/pytorch/pytorch/issues/40967 for more information", stacklevel=3)
        if any(("param_names" in param_group) != ("param_names" in group) for group in self.param_groups):
            raise ValueError(f"all optimizer param groups should be with/without names. cannot add param group {'with' if 'param_names' in param_group else 'without'} names to the optimizer")
        taken = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in taken for p in params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none=True):
        """Forgets the gradients of all parameters, or sets them to zero."""
        forget_gradients(chain.from_iterable(g["params"] for g in self.param_groups), set_to_none)

    def step(self, closure=None):
        """Moves the parameters by their gradients. A closure computes the loss, and its gradients, first."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        # As `no_grad`, whose object costs as much as the step of a small layer. A step that is differentiated is recorded.
        before = is_grad_enabled()
        set_recording(self.defaults.get("differentiable", False))
        try:
            for group in self.param_groups:
                self._step(group)
        finally:
            set_recording(before)
        return loss

    step = _with_hooks(step)

    def _step(self, group):
        raise NotImplementedError

    def _read(self, group, kept):
        """What a formula reads of the state: a copy where slopes pass through the step, since the next step writes over the state."""
        return kept.clone() if group.get("differentiable") else kept

    def _ready(self, group):
        """The parameters of a group that have a gradient, and the gradients, turned round for `maximize`."""
        found = []
        for p in group["params"]:
            grad = p.grad
            if grad is not None:
                found.append((p, -grad if group.get("maximize") else grad))
        return found

    # state

    def state_dict(self):
        """State and options; parameters are numbers in the order of the groups."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers = {}
        for p in chain.from_iterable(g["params"] for g in self.param_groups):
            numbers.setdefault(id(p), len(numbers))
        groups = [{**{k: v for k, v in g.items() if k != "params"}, "params": [numbers[id(p)] for p in g["params"]]} for g in self.param_groups]
        state = {(numbers[id(k)] if isinstance(k, Tensor) else k): v for k, v in self.state.items()}
        made = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            result = hook(self, made)
            made = made if result is None else result
        return made

    def load_state_dict(self, state_dict):
        """Takes back what `state_dict` gave, for parameters in the same order."""
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            result = hook(self, state_dict)
            state_dict = state_dict if result is None else result
        given = deepcopy(state_dict["param_groups"])
        if len(given) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(self.param_groups, given)):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        params = list(chain.from_iterable(g["params"] for g in self.param_groups))
        by_number = dict(zip(chain.from_iterable(g["params"] for g in given), params))

        def fitted(value, param, key=None):
            if isinstance(value, Tensor):
                if key == "step" or not param.is_floating_point():
                    return value.clone()
                return value.to(param.dtype).clone()
            if isinstance(value, dict):
                return {k: fitted(v, param, k) for k, v in value.items()}
            if isinstance(value, (list, tuple)):
                return type(value)(fitted(v, param) for v in value)
            return value

        state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in by_number:
                state[by_number[key]] = fitted(value, by_number[key])
            else:
                state[key] = value
        groups = []
        for own, new in zip(self.param_groups, given):
            new["params"] = own["params"]
            if "param_names" in own and "param_names" not in new:
                new["param_names"] = own["param_names"]
            groups.append(new)
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)


def not_negative(name, value, below=None):
    """PyTorch's sentence for an option out of range."""
    if not 0.0 <= value or (below is not None and not value < below):
        raise ValueError(f"Invalid {name}: {value}")


def check_betas(betas):
    """Both betas lie in [0, 1)."""
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_lr(lr):
    """A learning rate is a number, or a tensor of one element, and not negative."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    not_negative("learning rate", lr)
