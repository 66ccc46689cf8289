"""A module's state: parameters and persistent buffers by path, taken out and put back."""

from collections import OrderedDict, namedtuple

from ... import Tensor, no_grad
from ..parameter import Parameter, is_lazy
from . import _hooks

EXTRA = "_extra_state"


class _IncompatibleKeys(namedtuple("_IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` did not find, and what it had no place for."""

    __slots__ = ()

    def __repr__(self):
        return "<All keys matched successfully>" if not (self.missing_keys or self.unexpected_keys) else super().__repr__()

    __str__ = __repr__


class State:
    """The part of `Module` that state dicts are made of."""

    def get_extra_state(self):
        """What belongs to the state beside tensors; a module that has such a thing writes this and `set_extra_state`."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be called.")

    def set_extra_state(self, state):
        """Takes back what `get_extra_state` gave."""
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be called.")

    def _has_extra_state(self):
        return type(self).get_extra_state is not State.get_extra_state

    def register_state_dict_post_hook(self, hook):
        """Has `hook(module, state_dict, prefix, local_metadata)` called when the state was taken."""
        return _hooks._add(self._state_dict_hooks, hook)

    _register_state_dict_hook = register_state_dict_post_hook

    def register_state_dict_pre_hook(self, hook):
        """Has `hook(module, prefix, keep_vars)` called before the state is taken."""
        return _hooks._add(self._state_dict_pre_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook):
        """Has `hook(module, state_dict, prefix, local_metadata, strict, missing, unexpected, errors)` called before a state is loaded."""
        return _hooks._add(self._load_state_dict_pre_hooks, (hook, True))

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        return _hooks._add(self._load_state_dict_pre_hooks, (hook, with_module))

    def register_load_state_dict_post_hook(self, hook):
        """Has `hook(module, incompatible_keys)` called when a state was loaded."""
        return _hooks._add(self._load_state_dict_post_hooks, hook)

    def _own_state(self):
        """This module's own parameters and persistent buffers by name."""
        kept = {k: v for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set}
        return {k: v for k, v in (*self._parameters.items(), *kept.items()) if v is not None}

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, value in self._own_state().items():
            destination[prefix + name] = value if keep_vars or is_lazy(value) else value.detach()
        if self._has_extra_state():
            destination[prefix + EXTRA] = self.get_extra_state()

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """Parameters and persistent buffers by path; they share memory with the module."""
        if args:
            given = list(args) + [destination, prefix, keep_vars][len(args) :]
            destination, prefix, keep_vars = given
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            result = hook(self, destination, prefix, metadata)
            destination = destination if result is None else result
        return destination

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        for hook, with_module in self._load_state_dict_pre_hooks.values():
            own = (self,) if with_module else ()
            hook(*own, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = self._own_state()
        for name, value in own.items():
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            self._take(name, value, key, state_dict[key], assign, error_msgs)
        if self._has_extra_state():
            if prefix + EXTRA in state_dict:
                self.set_extra_state(state_dict[prefix + EXTRA])
            elif strict:
                missing_keys.append(prefix + EXTRA)
        elif strict and prefix + EXTRA in state_dict:
            unexpected_keys.append(prefix + EXTRA)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != prefix + EXTRA:
                    first, *more = key[len(prefix) :].split(".")
                    if first not in (self._modules if more else own):
                        unexpected_keys.append(key)

    def _take(self, name, value, key, given, assign, errors):
        if not isinstance(given, Tensor):
            errors.append(f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint but received {type(given)}')
            return
        if given.dim() == 1 and given.numel() == 1 and value.dim() == 0:
            given = given[0]
        if given.shape != value.shape:
            errors.append(f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in current model is {value.shape}.")
            return
        try:
            with no_grad():
                if assign:
                    is_parameter = name in self._parameters
                    if is_parameter and not isinstance(given, Parameter):
                        given = Parameter(given, value.requires_grad)
                    (self._parameters if is_parameter else self._buffers)[name] = given
                else:
                    value.copy_(given)
        except Exception as e:
            errors.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are {value.size()} and whose dimensions in the checkpoint are {given.size()}, an exception occurred : {e.args}.'
            )

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copies a state's tensors into this module's; with `assign` puts them in place of them.

        Strict: names that are missing here or there are errors. Nothing is lost on the way: what does not fit is listed whole.
        """
        if not hasattr(state_dict, "items"):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing, unexpected, errors = [], [], []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata

        def load(module, local, prefix=""):
            local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
            if assign:
                local_metadata["assign_to_params_buffers"] = assign
            module._load_from_state_dict(local, prefix, local_metadata, True, missing, unexpected, errors)
            for name, child in module._modules.items():
                if child is not None:
                    below = prefix + name + "."
                    load(child, {k: v for k, v in local.items() if k.startswith(below)}, below)
            found = _IncompatibleKeys(missing, unexpected)
            for hook in module._load_state_dict_post_hooks.values():
                if hook(module, found) is not None:
                    raise AssertionError("Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, if incompatible_keys need to be modified, it should be done inplace.")

        load(self, state_dict)
        if strict:
            if unexpected:
                errors.insert(0, "Unexpected key(s) in state_dict: {}. ".format(", ".join(f'"{k}"' for k in unexpected)))
            if missing:
                errors.insert(0, "Missing key(s) in state_dict: {}. ".format(", ".join(f'"{k}"' for k in missing)))
        if errors:
            raise RuntimeError("Error(s) in loading state_dict for {}:\n\t{}".format(type(self).__name__, "\n\t".join(errors)))
        return _IncompatibleKeys(missing, unexpected)
