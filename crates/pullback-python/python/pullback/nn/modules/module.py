"""`Module`: what holds parameters, buffers and other modules, and computes.

This file has registration, the call, and walking the tree. State dicts are in `_state`, hooks in `_hooks`; both are parts of the
one class that users see.
"""

from ... import Tensor
from ..parameter import Buffer, Parameter, forget_gradients
from ._hooks import (
    Handle,
    Hooks,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from ._state import State


def _name_fits(module, kind, name, taken):
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
    if "." in name:
        raise KeyError(f'{kind} name can\'t contain "."' if kind != "module" else f'module name can\'t contain ".", got: {name}')
    if name == "":
        raise KeyError(f'{kind} name can\'t be empty string ""' if kind != "module" else 'module name can\'t be empty string ""')
    if hasattr(module, name) and name not in taken:
        raise KeyError(f"attribute '{name}' already exists")


class Module(State, Hooks):
    """The base class of all modules: assign parameters and modules as attributes, and write `forward`.

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden = nn.Linear(2, 4)
                self.out = nn.Linear(4, 1)

            def forward(self, x):
                return self.out(torch.relu(self.hidden(x)))
    """

    dump_patches = False
    _version = 1
    call_super_init = False

    def __init__(self, *args, **kwargs):
        if not self.call_super_init and kwargs:
            raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if not self.call_super_init and args:
            raise TypeError(f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given")
        put = super().__setattr__
        put("training", True)
        put("_parameters", {})
        put("_buffers", {})
        put("_non_persistent_buffers_set", set())
        put("_modules", {})
        self._start_hooks()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *input):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # registration

    def register_parameter(self, name, param):
        """Adds a parameter, or with None a place for one."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        _name_fits(self, "parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign '{_type_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)")
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        """Adds a tensor that is no parameter; persistent ones are part of the state."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        _name_fits(self, "buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{_type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)")
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_module(self, name, module):
        """As `add_module`."""
        self.add_module(name, module)

    def add_module(self, name, module):
        """Adds a module, or with None a place for one."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_type_name(module)} is not a Module subclass")
        _name_fits(self, "module", name, self._modules)
        self._modules[name] = module

    def __setattr__(self, name, value):
        parameters = self.__dict__.get("_parameters")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, self.__dict__, self._buffers, self._modules, self._non_persistent_buffers_set)
            return self.register_parameter(name, value)
        if parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(f"cannot assign '{_type_name(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)")
            return self.register_parameter(name, value)
        modules = self.__dict__.get("_modules")
        if isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, self.__dict__, self._parameters, self._buffers, self._non_persistent_buffers_set)
            modules[name] = value
            return None
        if modules is not None and name in modules:
            if value is not None:
                raise TypeError(f"cannot assign '{_type_name(value)}' as child module '{name}' (torch.nn.Module or None expected)")
            modules[name] = value
            return None
        buffers = self.__dict__.get("_buffers")
        if isinstance(value, Buffer) or (buffers is not None and name in buffers):
            if buffers is None:
                raise AttributeError("cannot assign buffers before Module.__init__() call")
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"cannot assign '{_type_name(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)")
            if isinstance(value, Buffer):
                self._forget(name, self.__dict__, self._parameters, self._modules)
                return self.register_buffer(name, value, value.persistent)
            buffers[name] = value
            return None
        return super().__setattr__(name, value)

    @staticmethod
    def _forget(name, *places):
        for place in places:
            place.discard(name) if isinstance(place, set) else place.pop(name, None)

    def __getattr__(self, name):
        own = self.__dict__
        try:
            if name in (held := own["_parameters"]) or name in (held := own["_modules"]) or name in (held := own["_buffers"]):
                return held[name]
        except KeyError:
            pass  # `__init__` was not called, or not yet
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        for place in (self._parameters, self._modules, self._buffers):
            if name in place:
                del place[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self):
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted({n for n in names if not n[:1].isdigit()})

    def __setstate__(self, state):
        self.__dict__.update(state)
        fresh = Module()
        for name, value in fresh.__dict__.items():
            self.__dict__.setdefault(name, value)
        # Modules that PyTorch pickled keep what is said of a hook apart from it.
        own = self.__dict__
        for kind, more in (("_forward_pre_hooks", ("_with_kwargs",)), ("_forward_hooks", ("_with_kwargs", "_always_called"))):
            said = [own.pop(kind + end, {}) for end in more]
            for key, hook in own[kind].items():
                Handle._next = max(Handle._next, key + 1)
                if not isinstance(hook, tuple):
                    own[kind][key] = (hook, *(key in s for s in said))

    # the tree

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """This module and all below it, with their paths."""
        memo = set() if memo is None else memo
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            yield prefix, self
            for name, module in self._modules.items():
                if module is not None:
                    yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self):
        """This module and all below it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self):
        """The modules directly below, with their names, each once."""
        memo = set()
        for name, module in self._modules.items():
            if module is not None and module not in memo:
                memo.add(module)
                yield name, module

    def children(self):
        """The modules directly below, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(self, members, prefix="", recurse=True, remove_duplicate=True):
        memo = set()
        owners = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in owners:
            for name, value in members(module):
                if value is None or id(value) in memo:
                    continue
                if remove_duplicate:
                    memo.add(id(value))
                yield (f"{path}.{name}" if path else name), value

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """All parameters with their paths, in the order in which they were made."""
        yield from self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """All parameters, each once."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """All buffers with their paths."""
        yield from self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """All buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target):
        """The module at a path such as `layers.0.linear`."""
        found = self
        for name in target.split(".") if target else []:
            if not hasattr(found, name):
                raise AttributeError(f"{type(found).__name__} has no attribute `{name}`")
            found = getattr(found, name)
            if not isinstance(found, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return found

    def set_submodule(self, target, module, strict=False):
        """Puts a module at a path."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        setattr(parent, name, module)

    def get_parameter(self, target):
        """The parameter at a path."""
        return self._get(target, "_parameters", "nn.Parameter")

    def get_buffer(self, target):
        """The buffer at a path."""
        return self._get(target, "_buffers", "buffer")

    def _get(self, target, place, kind):
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise AttributeError(f"{type(owner).__name__} has no attribute `{name}`")
        if name not in getattr(owner, place):
            raise AttributeError(f"`{name}` is not an {kind}" if kind[0] == "n" else f"`{name}` is not a {kind}")
        return getattr(owner, name)

    # what is done to all

    def apply(self, fn):
        """Calls `fn` on every module below, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, recurse=True):
        """Gives every parameter and its gradient the data that `fn` makes of it, and puts `fn` of every buffer in its place. Parameters
        stay the objects they are, so that an optimizer made before goes on with them."""
        from ... import __future__, no_grad
        from ...utils import swap_tensors

        if recurse:
            for module in self.children():
                module._apply(fn)
        swap = __future__.get_swap_module_params_on_conversion()
        new_objects = __future__.get_overwrite_module_params_on_conversion()
        for name, param in self._parameters.items():
            if param is None:
                continue
            with no_grad():
                made, grad = fn(param), param.grad
                made_grad = None if grad is None else fn(grad)
            if swap and made is not param:
                param.grad = None
                swap_tensors(param, type(param)(made, param.requires_grad))
            elif new_objects and not swap:
                param = self._parameters[name] = Parameter(made, param.requires_grad)
            else:
                param.data = made
            if grad is None:
                continue
            if swap or new_objects:
                param.grad = made_grad.requires_grad_(grad.requires_grad)
            else:
                grad.data = made_grad
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Converts floating parameters and buffers to a dtype, or moves everything to a device."""
        from ... import device, float32, zeros

        for place in (*args, *kwargs.values()):
            if isinstance(place, (str, device)) and device(place).type == "meta":
                self._apply(lambda t: t.to("meta"))
            elif isinstance(place, (str, device)) and any(t.is_meta for t in (*self.parameters(), *self.buffers())):
                raise NotImplementedError(
                    "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when moving module from meta to a different device."
                )
        dtype = zeros(0, dtype=float32).to(*args, **{k: v for k, v in kwargs.items() if k != "memory_format"}).dtype
        given = any(not isinstance(a, (bool, str)) and not hasattr(a, "type") for a in (*args, *kwargs.values())) or any(isinstance(a, Tensor) for a in args)
        if not given:
            return self
        if not dtype.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def to_empty(self, *, device, recurse=True):
        """Parameters and buffers of the same shapes on a device, with numbers that do not matter."""
        from ... import empty_like

        return self._apply(lambda t: empty_like(t, device=device), recurse)

    def type(self, dst_type):
        """Converts all parameters and buffers to a dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self):
        """Converts floating parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self):
        """Converts floating parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self):
        """Converts floating parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self):
        """Converts floating parameters and buffers to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def cpu(self):
        """This module: everything is on the CPU."""
        return self

    def cuda(self, device=None):
        """There is no GPU here."""
        raise AssertionError("Torch not compiled with CUDA enabled")

    def share_memory(self):
        """This module; memory is shared between threads, not between processes."""
        return self

    def train(self, mode=True):
        """Sets this module and all below it to training, or with False to evaluation."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """As `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Has gradients gathered for all parameters, or for none."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forgets the gradients of all parameters, or sets them to zero."""
        forget_gradients(self.parameters(), set_to_none)

    def compile(self, *args, **kwargs):
        """Nothing to do: there is nothing to compile here."""

    # words

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """What stands between the brackets of this module's line."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        extras = extra.split("\n") if extra else []
        if len(extras) == 1 and not lines:
            return f"{self._get_name()}({extras[0]})"
        if not (extras or lines):
            return f"{self._get_name()}()"
        return f"{self._get_name()}(\n  " + "\n  ".join(extras + lines) + "\n)"


def _type_name(x):
    kind = type(x)
    if isinstance(x, Tensor) and kind is Tensor:
        return "torch.FloatTensor" if x.dtype.is_floating_point and x.element_size() == 4 else x.type()
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
