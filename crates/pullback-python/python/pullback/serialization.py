"""`save` and `load`: files in PyTorch's own formats, the zip archive and the older one, read and written.

Files made here load in PyTorch with `weights_only=True`, and files made there load here. What a file may hold is in `_pickles.py` (nothing that
runs), how tensors are written in `_writing.py`, how archives are made in `_archive.py`.
"""

import contextlib
import io
import os
import pickle
import sys
import threading

from . import _native, _rebuild, _torch_names
from ._archive import Broken, Reader, Writer, check_version
from ._parts import device
from ._pickle_calls import known as _known
from ._pickles import Reader as _Unpickler
from ._storage import UntypedStorage

DEFAULT_PROTOCOL = 2
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_LEGACY_BEGIN = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


class SourceChangeWarning(Warning):
    """There for programs that name it: sources are not stored."""


# classes and functions that the user calls safe

_safe = []
_lock = threading.Lock()


def _path(entry):
    return entry[1] if isinstance(entry, tuple) else f"{entry.__module__}.{entry.__qualname__}"


def add_safe_globals(safe_globals):
    """Has `load` make objects of these classes and call these functions; an entry may be `(object, "path.in.the.file")`."""
    with _lock:
        _safe.extend(entry for entry in safe_globals if entry not in _safe)


def get_safe_globals():
    """What was added by `add_safe_globals`."""
    return list(_safe)


def clear_safe_globals():
    """Takes all of it away."""
    with _lock:
        _safe.clear()


@contextlib.contextmanager
def safe_globals(safe_globals):
    """As `add_safe_globals`, while the context lasts."""
    before = get_safe_globals()
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        with _lock:
            _safe[:] = before


def _allowed():
    return {_path(entry): entry[0] if isinstance(entry, tuple) else entry for entry in _safe}


def get_unsafe_globals_in_checkpoint(f):
    """The names in a file that `load(f, weights_only=True)` would refuse, without running anything."""
    import pickletools

    with _opened(f) as file:
        data = file.read()
    if not data.startswith(b"PK\3\4"):
        raise ValueError("Expected input to be a checkpoint returned by torch.save")
    found, texts, allowed = [], [], _allowed()
    for op, arg, _ in pickletools.genops(Reader(io.BytesIO(data), 0, len(data)).read("data.pkl")):
        if isinstance(arg, str) and "UNICODE" in op.name:
            texts.append(arg)
        name = arg.replace(" ", ".") if op.name == "GLOBAL" else ".".join(texts[-2:]) if op.name == "STACK_GLOBAL" else None
        if name is not None and not _known(name) and name not in allowed and name not in found:
            found.append(name)
    return found


# save


def save(obj, f, pickle_module=pickle, pickle_protocol=DEFAULT_PROTOCOL, _use_new_zipfile_serialization=True, _disable_byteorder_record=False):
    """Writes an object with tensors to a file in PyTorch's format, whole or not at all: what was there before stays until all is written.

    `f` is a path or an object with `write`. `load` reads back tensors, numbers, texts and their lists, tuples, sets and dicts, here and in PyTorch;
    what else is in `obj` is pickled too, and needs `load(f, weights_only=False)`.
    """
    from ._files import replacing
    from ._writing import pickled

    write = _write_archive if _use_new_zipfile_serialization else _write_legacy
    if not hasattr(f, "write") and not isinstance(f, (str, os.PathLike)):
        raise AttributeError(f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, not {type(f).__name__}")
    if not hasattr(f, "write"):
        parent = os.path.dirname(os.path.abspath(os.fspath(f)))
        if not os.path.isdir(parent):
            raise RuntimeError(f"Parent directory {parent} does not exist.")
    data, rows = pickled(obj, pickle_module, min(max(pickle_protocol, DEFAULT_PROTOCOL), pickle.HIGHEST_PROTOCOL), not _use_new_zipfile_serialization)
    if hasattr(f, "write"):
        return write(f, "archive", data, rows)
    with replacing(f, "wb") as out:
        write(out, os.path.splitext(os.path.basename(os.fspath(f)))[0] or "archive", data, rows)
    return None


def _write_archive(out, folder, data, rows):
    archive = Writer(out, folder)
    archive.write("data.pkl", data)
    archive.write(".format_version", b"1")
    archive.write(".storage_alignment", b"64")
    archive.write("byteorder", sys.byteorder.encode())
    for key, (_, row) in enumerate(rows):
        archive.write(f"data/{key}", row.numpy())
    archive.write("version", b"3\n")
    archive.write(".data/serialization_id", str(int.from_bytes(os.urandom(20), "little") % 10**40).zfill(40).encode())
    archive.close()


def _write_legacy(out, folder, data, rows):
    """The format from before PyTorch 1.6: its pickle says None after each storage's size, and the bytes come last."""
    if sys.byteorder != "little":
        raise RuntimeError("the older format is written on little-endian machines only")
    about = {"protocol_version": _PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    for value in (_MAGIC, _PROTOCOL, about):
        out.write(pickle.dumps(value, 2))
    out.write(data)
    out.write(pickle.dumps([str(key) for key in range(len(rows))], 2))
    for count, row in rows:
        out.write(count.to_bytes(8, "little"))
        out.write(memoryview(row.numpy()).cast("B"))


# load


def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args):
    """Reads what `save` wrote, here or in PyTorch: tensors, numbers, texts and their lists, tuples, sets and dicts.

    With `weights_only=False` the file is read by Python's own unpickler, which executes whatever code the file names: do that only
    with files from sources that are trusted. `map_location` says where the tensors of a device go that is not here, and `mmap=True`
    reads a file's tensors when they are used; their checksums are not looked at then.
    """
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    if not (hasattr(f, "read") or isinstance(f, (str, os.PathLike))):
        raise AttributeError(f"'{type(f).__name__}' object has no attribute 'read'. You can only torch.load from a file that is seekable.")
    loading = _Loading(_places(map_location), pickle_module or pickle, weights_only, pickle_load_args)
    with _opened(f) as file:
        begin = file.tell()
        start = file.read(512)
        if isinstance(start, str):
            raise TypeError("load() reads bytes: a file opened in binary mode, not one whose read() returns str")
        file.seek(0, os.SEEK_END)
        size = file.tell() - begin
        file.seek(begin)
        if not start:
            raise EOFError("Ran out of input")
        if start.startswith(b"PK\3\4"):
            memory = _mapped(f) if mmap else None
            return loading.archive(Reader(file, begin, size), memory)
        if mmap:
            raise RuntimeError("mmap can only be used with files saved with `torch.save(_use_new_zipfile_serialization=True), please torch.save your checkpoint with this option in order to use mmap.")
        if start[257:262] == b"ustar":
            raise RuntimeError("Cannot load a file in the legacy .tar format: load it with an older PyTorch and save it anew")
        data = file.read()
        found, used = loading.legacy(data) if start.startswith(_LEGACY_BEGIN) else loading.plain(data)
        file.seek(begin + used)  # several objects may stand in one file, one after the other
        return found


@contextlib.contextmanager
def _opened(f):
    if hasattr(f, "read"):
        if not (hasattr(f, "seek") and hasattr(f, "tell")):
            f = io.BytesIO(f.read())
        yield f
    else:
        with open(f, "rb") as file:
            yield file


def _mapped(path):
    import numpy

    return numpy.memmap(path, mode="c")


def _places(map_location):
    """`map_location` as a function of a storage and its device: the device to go to."""
    if callable(map_location):
        return lambda storage, location: _placed(map_location(storage, location), location)
    if isinstance(map_location, dict):
        return lambda storage, location: _here(map_location.get(location, location))
    if map_location is not None:
        place = _here(str(device(map_location)))
        return lambda storage, location: place
    return lambda storage, location: _here(location)


def _placed(result, location):
    return _here(location) if result is None else getattr(result, "device", None) or device("cpu")


def _here(location):
    place = device(location)
    if place.type == "cuda":
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running on a CPU-only machine, "
            "please use torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
        )
    if place.type not in ("cpu", "meta"):
        raise RuntimeError(f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {location})")
    return place


def _empty(n):
    from . import empty

    return empty(n, dtype=_native.uint8)


class _Loading:
    """One call of `load`: what was asked, and the storages that were met."""

    def __init__(self, places, pickle_module, weights_only, options):
        self.places, self.pickle, self.weights_only, self.options = places, pickle_module, weights_only, options
        self.storages, self.allowed = {}, _allowed() if weights_only else {}

    def unpickled(self, data, persistent):
        """The object of a pickle, and how many bytes it took."""
        if self.weights_only:
            reader = _Unpickler(data, persistent, self.allowed, self.options.get("encoding", "utf-8"))
            return reader.load(), reader.at
        source, own = io.BytesIO(data), self.pickle.Unpickler

        def find(reader, module, name):
            return _torch_names.found(module, name) if module.partition(".")[0] == "torch" else own.find_class(reader, module, name)

        kind = type("Unpickler", (own,), {"persistent_load": lambda reader, saved: persistent(saved), "find_class": find})
        return kind(source, **{"encoding": "utf-8", **self.options}).load(), source.tell()

    def plain(self, data):
        """A pickle without memories outside: what earlier versions of this package wrote."""
        return self.unpickled(data, None)

    # the archive

    def archive(self, reader, memory):
        """The object of an archive."""
        if "constants.pkl" in reader:
            raise RuntimeError("this is an archive of TorchScript, which is not read: save the state dict of the module with PyTorch")
        check_version(reader)
        order = reader.read("byteorder") if "byteorder" in reader else b"little"
        if order not in (b"little", b"big"):
            raise ValueError(f"Unknown endianness type: {order!r:.20}")
        swap = order.decode() != sys.byteorder

        def persistent(saved):
            _, kind, key, location, count = _saved_id(saved, 5)
            if key not in self.storages:
                size = _size(kind, count)
                record = reader.find(f"data/{key}")
                if record.size != size:
                    raise Broken(f"the record data/{key} has {record.size} bytes where {size} are to be")
                if memory is not None and record.size and not swap:
                    row = _native.from_numpy(memory[reader.begin + record.start : reader.begin + record.start + record.size])
                else:
                    row = _empty(size)
                    if size:
                        reader.read_into(f"data/{key}", memoryview(row.numpy()))
                self.storages[key] = self.placed(row, kind, location, swap)
            return _rebuild.storage_of_bytes(*self.storages[key], kind.dtype)

        return self.unpickled(reader.read("data.pkl"), persistent)[0]

    def placed(self, row, kind, location, swap):
        """The bytes of a storage, and the device that they are to be on."""
        _swapped(row, kind, swap)
        return row, self.places(UntypedStorage(row), location)

    # the older format

    def legacy(self, data):
        """The object of a file in the format from before PyTorch 1.6: pickles, then the bytes of all storages."""
        view, at, head = memoryview(data), 0, []
        for _ in range(3):
            value, used = _plain(view[at:])
            at += used
            head.append(value)
        if head[0] != _MAGIC:
            raise RuntimeError("Invalid magic number; corrupt file?")
        if head[1] != _PROTOCOL:
            raise RuntimeError(f"Invalid protocol version: {head[1]}")
        swap = isinstance(head[2], dict) and head[2].get("little_endian", True) is not (sys.byteorder == "little")
        rows, left = {}, [len(data)]

        def persistent(saved):
            if saved and saved[0] in ("module", b"module"):
                return saved[1] if isinstance(saved, tuple) and len(saved) > 1 else None
            _, kind, key, location, count, piece = _saved_id(saved, 6)
            size = _size(kind, count)
            if key not in rows:
                left[0] -= size
                if left[0] < 0:
                    raise pickle.UnpicklingError("Weights only load failed. The file is truncated: a storage is longer than what is left of it")
                rows[key] = (_empty(size), kind, self.places(UntypedStorage(_empty(0)), location))
            if piece is not None:
                raise pickle.UnpicklingError("the file holds storages that are pieces of others, as PyTorch wrote them before 0.4: save it anew with PyTorch")
            row, _, place = rows[key]
            return _rebuild.storage_of_bytes(row, place, kind.dtype)

        found, used = self.unpickled(view[at:], persistent)
        at += used
        keys, used = _plain(view[at:])
        at += used
        if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(rows):
            raise pickle.UnpicklingError("the storages of the file are not those of its tensors")
        for key in keys:
            row, kind, _ = rows[str(key)]
            count, size = int.from_bytes(view[at : at + 8], sys.byteorder if not swap else "big"), row.numel()
            if len(view) - at - 8 < size or _size(kind, count) != size:
                raise EOFError("the file is truncated, or its storages have other sizes than its tensors")
            if size:
                memoryview(row.numpy())[:] = view[at + 8 : at + 8 + size]
            _swapped(row, kind, swap)
            at += 8 + size
        return found, at


def _swapped(row, kind, swap):
    """Has a storage's bytes in this machine's order."""
    if swap and kind.dtype is not None and kind.dtype.itemsize > 1:
        numbers = row.numpy().view(f"u{kind.dtype.itemsize}")
        numbers[:] = numbers.byteswap()


def _plain(data):
    """A pickle of numbers and texts."""
    reader = _Unpickler(data)
    return reader.load(), reader.at


def _saved_id(saved, n):
    """The parts of a storage's id, checked."""
    saved = tuple(x.decode("ascii") if isinstance(x, bytes) else x for x in saved) if isinstance(saved, tuple) else saved
    if not isinstance(saved, tuple) or len(saved) < n or saved[0] != "storage":
        raise pickle.UnpicklingError("Weights only load failed. A storage's id is its class, key, device and size")
    _, kind, key, location, count = saved[:5]
    if not isinstance(kind, _rebuild.StorageType) or not isinstance(key, (str, int)) or not isinstance(location, str) or type(count) is not int or count < 0:
        raise pickle.UnpicklingError("Weights only load failed. A storage's id is its class, key, device and size")
    return "storage", kind, str(key), location, count, *saved[5:n]


def _size(kind, count):
    return count * (1 if kind.dtype is None else kind.dtype.itemsize)


def get_default_load_endianness():
    """None: a file's own order is used."""
    return None
