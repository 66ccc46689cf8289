"""Files of tensors in the safetensors format: a header of names, dtypes, shapes and places, and the bytes. Nothing in such a file runs.

The functions are those of `safetensors.torch`: `save_file`, `load_file`, `save`, `load`, `save_model`, `load_model`, and `safe_open`.
https://github.com/huggingface/safetensors says what the format is.
"""

import json
import os

from . import _native
from ._native import Tensor

_NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL",
    "uint16": "U16", "uint32": "U32", "uint64": "U64",
}  # fmt: skip
_DTYPES = {name: dtype for dtype, name in _NAMES.items()}
_LONGEST = 100_000_000


class SafetensorError(Exception):
    """A file that is none, or that contradicts itself; tensors that cannot be written."""


def _pairs(items):
    found = {}
    for name, value in items:
        if name in found:
            raise SafetensorError(f"Error while deserializing header: the name {name!r:.100} comes twice")
        found[name] = value
    return found


def _entry(name, info):
    if not isinstance(info, dict) or set(info) != {"dtype", "shape", "data_offsets"}:
        raise SafetensorError(f"Error while deserializing header: invalid JSON in header: {name!r:.100}")
    dtype, shape, offsets = info["dtype"], info["shape"], info["data_offsets"]
    if dtype not in _DTYPES:
        raise SafetensorError(f"the file holds a tensor of dtype {dtype!r:.20}, which is not there in Pullback")
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2 or not all(type(n) is int and 0 <= n < 1 << 63 for n in (*shape, *offsets)):
        raise SafetensorError(f"Error while deserializing header: invalid shape or offsets of {name!r:.100}")
    size = getattr(_native, _DTYPES[dtype]).itemsize
    for n in shape:
        size *= n
    if offsets[1] - offsets[0] != size:
        raise SafetensorError(f"Error while deserializing header: the tensor {name!r:.100} of shape {shape} has not {offsets[1] - offsets[0]} bytes")
    return _DTYPES[dtype], tuple(shape), offsets[0], size


def _header(read, size):
    """The entries by name, the metadata, and where the bytes begin; `read(n)` gives the next bytes of a file of a size."""
    if size < 8:
        raise SafetensorError("Error while deserializing header: header too small")
    n = int.from_bytes(read(8), "little")
    if n > _LONGEST:
        raise SafetensorError("Error while deserializing header: header too large")
    if n > size - 8:
        raise SafetensorError("Error while deserializing header: invalid header length")
    try:
        found = json.loads(read(n).decode(), object_pairs_hook=_pairs)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise SafetensorError("Error while deserializing header: invalid JSON in header") from None
    if not isinstance(found, dict):
        raise SafetensorError("Error while deserializing header: invalid JSON in header")
    metadata = found.pop("__metadata__", None)
    if metadata is not None and not (isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values())):
        raise SafetensorError("Error while deserializing header: metadata is a dict of texts")
    entries, end = {name: _entry(name, info) for name, info in found.items()}, 0
    for name, (_, _, start, length) in sorted(entries.items(), key=lambda e: (e[1][2], e[1][3])):
        if start != end:
            raise SafetensorError(f"Error while deserializing header: the tensor {name!r:.100} overlaps another, or lies apart")
        end = start + length
    if end != size - 8 - n:
        raise SafetensorError("Error while deserializing header: incomplete metadata, file not fully covered")
    return entries, metadata, 8 + n


def _tensor(entry, data):
    from . import empty

    dtype, shape, _, size = entry
    row = empty(size, dtype=_native.uint8)
    if size:
        memoryview(row.numpy())[:] = data
    strides, step = [], 1
    for n in reversed(shape):
        strides.insert(0, step)
        step *= max(n, 1)
    return _native.strided(row, getattr(_native, dtype), shape, tuple(strides), 0)


def _bytes(name, t):
    if not isinstance(t, Tensor):
        raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(t)}")
    if t.dtype.name not in _NAMES:
        raise SafetensorError(f"a tensor of dtype {t.dtype} has no place in the format: bring it to float64 first")
    if not t.is_contiguous():
        raise ValueError(f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. Call `.contiguous()` on it, or save a copy.")
    t = t.detach()
    return memoryview(_native.storage_row(t, True).numpy())[t.storage_offset() * t.element_size() :][: t.nbytes]


def _parts(tensors, metadata):
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    if metadata is not None and not all(isinstance(v, str) for v in metadata.values()):
        raise SafetensorError("metadata is a dict of texts")
    spans = sorted((t.data_ptr(), t.data_ptr() + t.nbytes, name) for name, t in tensors.items() if isinstance(t, Tensor) and t.numel())
    for (_, end, name), (start, _, other) in zip(spans, spans[1:]):
        if start < end:
            raise RuntimeError(f"Some tensors share memory, this will lead to duplicate memory on disk and potential differences when loading them again: {[{name, other}]}. Save copies, or use save_model.")
    # Larger elements come first, so that each lies at a multiple of its size.
    order = sorted(tensors, key=lambda name: (-getattr(tensors[name], "element_size", lambda: 0)(), name))
    header, data, at = {} if metadata is None else {"__metadata__": dict(metadata)}, [], 0
    for name in order:
        part = _bytes(name, tensors[name])
        header[name] = {"dtype": _NAMES[tensors[name].dtype.name], "shape": list(tensors[name].shape), "data_offsets": [at, at + part.nbytes]}
        data.append(part)
        at += part.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little") + text, *data]


def save(tensors, metadata=None):
    """A dict of tensors as bytes."""
    return b"".join(_parts(tensors, metadata))


def save_file(tensors, filename, metadata=None):
    """Writes a dict of tensors to a file, whole or not at all."""
    from ._files import replacing

    parts = _parts(tensors, metadata)
    with replacing(filename, "wb") as out:
        for part in parts:
            out.write(part)


def load(data):
    """The tensors of bytes."""
    import io

    view, source = memoryview(data), io.BytesIO(data)
    entries, _, begin = _header(source.read, len(view))
    return {name: _tensor(entry, view[begin + entry[2] : begin + entry[2] + entry[3]]) for name, entry in sorted(entries.items())}


def load_file(filename, device="cpu"):
    """The tensors of a file."""
    with safe_open(filename, framework="pt", device=device) as f:
        return {name: f.get_tensor(name) for name in f.keys()}


class safe_open:
    """A file whose tensors are read one by one.

        with safe_open("model.safetensors", framework="pt") as f:
            for name in f.keys():
                f.get_tensor(name)
    """

    def __init__(self, filename, framework="pt", device="cpu"):
        from ._methods import _device

        if framework not in ("pt", "torch", "pytorch"):
            raise SafetensorError(f"framework {framework} is invalid")
        self._device = _device(device)
        self._file = open(os.fspath(filename), "rb")
        try:
            size = os.fstat(self._file.fileno()).st_size
            self._entries, self._metadata, self._begin = _header(self._file.read, size)
        except BaseException:
            self._file.close()
            raise

    def keys(self):
        """The names."""
        return sorted(self._entries)

    def offset_keys(self):
        """The names in the order of their bytes."""
        return sorted(self._entries, key=lambda name: self._entries[name][2])

    def metadata(self):
        """The texts beside the tensors."""
        return self._metadata

    def get_tensor(self, name):
        """A tensor."""
        if name not in self._entries:
            raise SafetensorError(f"File does not contain tensor {name}")
        entry = self._entries[name]
        self._file.seek(self._begin + entry[2])
        data = self._file.read(entry[3])
        if len(data) != entry[3]:
            raise SafetensorError("the file is truncated")
        return _tensor(entry, data).to(self._device)

    def get_slice(self, name):
        """A tensor that is taken by its index."""
        return _Slice(self.get_tensor(name))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()


class _Slice:
    def __init__(self, tensor):
        self._tensor = tensor

    def get_shape(self):
        """The shape."""
        return list(self._tensor.shape)

    def get_dtype(self):
        """The dtype's name in the file."""
        return _NAMES[self._tensor.dtype.name]

    def __getitem__(self, index):
        return self._tensor[index]


def save_model(model, filename, metadata=None, force_contiguous=True):
    """Writes a module's state; what shares memory is written once, under its first name."""
    state, names, metadata = {}, {}, dict(metadata or {})
    for name, t in model.state_dict().items():
        place = (t.data_ptr(), t.shape, t.stride(), t.dtype) if t.numel() else name
        if place in names:
            metadata[name] = names[place]
            continue
        names[place] = name
        state[name] = t.contiguous() if force_contiguous else t
    save_file(state, filename, metadata)


def load_model(model, filename, strict=True, device="cpu"):
    """Loads what `save_model` wrote: the names that are missing, and those that the module does not have."""
    with safe_open(filename, framework="pt", device=device) as f:
        state, shared = {name: f.get_tensor(name) for name in f.keys()}, f.metadata() or {}
    for name, first in shared.items():
        if first in state and name not in state:
            state[name] = state[first]
    missing, unexpected = model.load_state_dict(state, strict=False)
    if strict and (missing or unexpected):
        raise RuntimeError(f"Error(s) in loading state_dict for {type(model).__name__}:" + "".join(f"\n    Missing key(s): {missing}" if missing else "") + "".join(f"\n    Unexpected key(s): {unexpected}" if unexpected else ""))
    return missing, unexpected
