"""The pickler behind `save`: it writes what PyTorch's `torch.load` reads, under PyTorch's names.

Python's own pickler in C would look every name up in the module that it names, and there may be no PyTorch; so this is the one in Python, with the
names given by `_torch_names.py`. What tensors are made of again is in `_rebuild.py`.
"""

import codecs
import io
import pickle
from collections import OrderedDict

from . import _native, _parts, _rebuild, _torch_names
from ._native import Tensor
from ._pickled import DTYPES
from ._storage import TypedStorage, UntypedStorage


class _Global:
    """A name that is written as it is."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):
        raise TypeError("a name in a pickle")


def _named(path):
    return _Global(*path.rpartition(".")[::2])


_V2, _V3, _META = (_named(f"torch._utils._rebuild_{kind}") for kind in ("tensor_v2", "tensor_v3", "meta_tensor_no_storage"))
_PARAMETER, _WITH_STATE = _named("torch._utils._rebuild_parameter"), _named("torch._utils._rebuild_parameter_with_state")
_FROM_TYPE, _UNTYPED = _named("torch._tensor._rebuild_from_type_v2"), _named("torch.storage.UntypedStorage")
_STORAGES = {dtype: _Global("torch", name) for dtype, name in _rebuild.STORAGE_OF.items()}


class Memories:
    """The memories that are met while something is pickled: by address, each with its key, its bytes, and the dtype it was met with."""

    def __init__(self, legacy=False):
        self.by_address, self.rows, self.legacy = {}, [], legacy

    def of(self, tensor):
        """`(key, dtype it was first met with)` of a tensor's memory."""
        address = tensor.untyped_storage().data_ptr() if tensor.untyped_storage().nbytes() else ("empty", id(tensor))
        if address not in self.by_address:
            # The tensor is kept: an address is another's as soon as it is gone.
            self.by_address[address] = (str(len(self.rows)), tensor.dtype.name)
            row = _native.storage_row(tensor, True)
            self.rows.append((row.numel() // (tensor.element_size() if tensor.dtype.name in _STORAGES else 1), row, tensor))
        return self.by_address[address]


class _Stored:
    """A memory in the pickle: its id."""

    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count


def _reduced_tensor(t, memories):
    """A tensor as PyTorch pickles it, without class and attributes."""
    if t.is_meta:
        return _META, (t.dtype, tuple(t.shape), t.stride(), t.requires_grad)
    if t.dtype.name not in DTYPES:
        raise pickle.PicklingError(f"a tensor of dtype {t.dtype} cannot be pickled: bring it to float64 first")
    if min(t.stride(), default=0) < 0:
        t = t.detach().clone().requires_grad_(t.requires_grad)
    key, first = memories.of(t)
    size = t.untyped_storage().nbytes()
    place = (t.storage_offset(), tuple(t.shape), t.stride(), t.requires_grad, OrderedDict())
    if first in _STORAGES and first == t.dtype.name:
        return _V2, (_Stored(_STORAGES[first], key, size // t.element_size()), *place)
    # The memory is seen as two dtypes, or as one that has no class of storages.
    kind = (_STORAGES[first], size // getattr(_native, first).itemsize) if first in _STORAGES else (_UNTYPED, size)
    return _V3, (_Stored(kind[0], key, kind[1]), *place, t.dtype)


def _reduced(t, memories):
    from .nn.parameter import Buffer, Parameter

    kind, state = type(t), dict(_native.attributes(t) or {})
    if kind is Parameter:
        data = (t.detach(), t.requires_grad, OrderedDict())
        return (_WITH_STATE, (*data, state)) if state else (_PARAMETER, data)
    function, args = _reduced_tensor(t, memories)
    if kind is Buffer:
        kind = Tensor
        state.pop("persistent", None)
    return (_FROM_TYPE, (function, kind, args, state)) if state or kind is not Tensor else (function, args)


def _with_hooks(module, protocol):
    """A module whose hooks are as PyTorch keeps them: what is said of a hook stands apart from it. `Module.__setstate__` puts both together."""
    made = module.__reduce_ex__(protocol)
    state = dict(made[2])
    for kind, ends in (("_forward_pre_hooks", ("_with_kwargs",)), ("_forward_hooks", ("_with_kwargs", "_always_called"))):
        hooks = state.get(kind, {})
        state[kind] = OrderedDict((key, hook[0]) for key, hook in hooks.items())
        for i, end in enumerate(ends, 1):
            state[kind + end] = OrderedDict((key, True) for key, hook in hooks.items() if hook[i])
    return (*made[:2], state, *made[3:])


class Writing:
    """Mixed with a pickler: tensors, dtypes, devices and classes of this package under PyTorch's names, memories kept outside."""

    memories = None

    def persistent_id(self, obj):
        if type(obj) is _Stored:
            return self._id(obj.kind, obj.key, obj.count)
        if isinstance(obj, (TypedStorage, UntypedStorage)):
            key, _ = self.memories.of(obj._row)
            typed = isinstance(obj, TypedStorage) and obj.dtype.name in _STORAGES
            return self._id(_STORAGES[obj.dtype.name] if typed else _UNTYPED, key, obj.size() if typed else obj.nbytes())
        return None

    def _id(self, kind, key, count):
        if not self.memories.legacy:
            return "storage", kind, key, "cpu", count
        # PyTorch reads no storages without a dtype from its older format.
        return "storage", _STORAGES["uint8"] if kind is _UNTYPED else kind, key, "cpu", count, None

    def reducer_override(self, obj):
        if isinstance(obj, Tensor):
            return _reduced(obj, self.memories)
        if isinstance(obj, _Global):
            return obj.name
        if isinstance(obj, _native.dtype):
            return f"{obj.name}"
        if isinstance(obj, _parts.layout):
            return _named("torch.serialization._get_layout"), (str(obj),)
        if isinstance(obj, _parts.memory_format) or _torch_names.builtin_place(obj):
            return "name"
        hooks = getattr(obj, "__dict__", {})
        if hooks.get("_forward_hooks") or hooks.get("_forward_pre_hooks"):
            return _with_hooks(obj, self.proto)
        return NotImplemented

    def save_global(self, obj, name=None):
        if isinstance(obj, _Global):
            place = obj.module, obj.name
        elif isinstance(obj, _native.dtype):
            place = "torch", obj.name
        elif isinstance(obj, _parts.memory_format):
            place = "torch", str(obj).removeprefix("torch.")
        else:
            place = _torch_names.builtin_place(obj) or (_torch_names.written(obj) if name is None else None)
        if place is None:
            if "<locals>" in (inside := getattr(obj, "__qualname__", "")):
                raise AttributeError(f"Can't pickle local object {inside!r}")
            return super().save_global(obj, name)
        self.write(pickle.GLOBAL + f"{place[0]}\n{place[1]}\n".encode())
        self.memoize(obj)
        return None


class _Pickler(Writing, pickle._Pickler):
    dispatch = {**pickle._Pickler.dispatch, bytes: lambda self, obj: _save_bytes(self, obj)}


def _save_bytes(pickler, obj):
    """Bytes of no length as all others: PyTorch's `weights_only` does not know the name that Python would write."""
    if obj or pickler.proto >= 3:
        return pickle._Pickler.dispatch[bytes](pickler, obj)
    return pickler.save_reduce(codecs.encode, ("", "latin1"), obj=obj)


def pickled(obj, pickle_module, protocol, legacy=False):
    """The pickle of an object, and the memories of its tensors in the order of their keys: how many elements, and the bytes."""
    kind = _Pickler
    if pickle_module is not pickle and pickle_module is not None:
        own = pickle_module.Pickler
        kind = type("Pickler", (Writing, own), {}) if issubclass(own, pickle._Pickler) else None
    out, memories = io.BytesIO(), Memories(legacy)
    if kind is None:
        from ._pickled import sharing

        with sharing():
            pickle_module.dump(obj, out, protocol)
    else:
        pickler = kind(out, protocol)
        pickler.memories = memories
        pickler.dump(obj)
    return out.getvalue(), [(count, row) for count, row, _ in memories.rows]
