"""What the functions are called that `__torch_function__` is asked about, and which they are; who is asked is in `overrides.py`."""

import inspect
import types

from ._native import Tensor
from ._overridable import once

# What Python asks of classes and objects themselves, what PyTorch asks nobody about, and what only calls others of these.
PLAIN = frozenset(
    "__new__ __init__ __init_subclass__ __class__ __dict__ __weakref__ __doc__ __module__ __hash__ __setattr__ __delattr__ __getattribute__ __getattr__ __dir__ __delitem__ "
    "__torch_function__ __array_priority__ __array_wrap__ __reduce_ex__ __reduce__ __copy__ __deepcopy__ __setstate__ __dlpack__ __dlpack_device__ __array_interface__ __str__ __pos__ "
    "as_subclass".split()
)  # fmt: skip


@once
def _index():
    """The functions that may be answered, by namespace, and the name of each."""
    import pullback

    found, names = {}, {}
    for place, space in (("torch", pullback), ("torch.nn.functional", pullback.nn.functional), ("torch.nn.init", pullback.nn.init), ("torch.Tensor", Tensor), ("torch.linalg", pullback.linalg), ("torch.special", pullback.special)):
        for name in dir(space):
            member = inspect.getattr_static(space, name)
            member = getattr(member, "kept", member)  # while a mode is on
            of_class = space is Tensor
            if of_class and (name in PLAIN or getattr(object, name, None) is member) or not of_class and (name.startswith("__") or not name[0].islower() and name[0] != "_"):
                continue
            if of_class and (isinstance(member, property) or inspect.isgetsetdescriptor(member)):
                names[member.__get__], names[member.__set__] = f"{place}.{name}.__get__", f"{place}.{name}.__set__"
                found.setdefault(member, []).append(member.__get__)
            elif callable(member) and not isinstance(member, (type, types.ModuleType)):
                function = getattr(space, name)
                function = getattr(function, "kept", function)
                names.setdefault(function, f"{place}.{name}")
                if of_class or name not in _IGNORED and not name.startswith("_") and not name.endswith("_"):
                    found.setdefault(space, []).append(function)
    return found, names


# Functions that take no tensors, or make them of nothing: only modes are asked about these.
_IGNORED = frozenset(
    "arange as_tensor asarray broadcast_shapes can_cast compile empty empty_permuted empty_strided eye from_dlpack from_numpy frombuffer full get_default_dtype get_num_threads "
    "get_rng_state initial_seed is_grad_enabled is_inference_mode_enabled is_storage is_tensor linspace logspace manual_seed normal ones promote_types rand randint randn randperm range "
    "seed set_default_device set_default_dtype set_flush_denormal set_num_threads set_printoptions set_rng_state tensor tril_indices triu_indices typename use_deterministic_algorithms vmap zeros".split()
)  # fmt: skip


def get_overridable_functions():
    """The functions that may be answered, by the module or class they are in."""
    return _index()[0]


def get_ignored_functions():
    """Functions of the package that arguments' classes are not asked about."""
    import pullback

    return {getattr(pullback, name) for name in _IGNORED if hasattr(pullback, name)}


def get_testing_overrides():
    """For every function that may be answered, one with its parameters that returns -1."""
    return {f: lambda *args, **kwargs: -1 for many in get_overridable_functions().values() for f in many}


@once
def get_default_nowrap_functions():
    """Functions whose results `Tensor.__torch_function__` gives back as they are."""
    return {Tensor._base.__get__, Tensor.grad.__get__}


def resolve_name(f):
    """What a function given to `__torch_function__` is called, such as `torch.Tensor.add`; `None` for others."""
    try:
        return _index()[1].get(f)
    except TypeError:  # what has no hash is no function of the package
        return None


def is_tensor_method_or_property(func):
    """Whether a function given to `__torch_function__` is a method of `Tensor`, or reads a property."""
    return (resolve_name(func) or "").startswith("torch.Tensor.") or getattr(func, "__name__", "") == "__get__"
