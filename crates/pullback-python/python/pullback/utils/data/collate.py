"""Items put together to a batch."""

import collections.abc
import copy
import re

from ... import Tensor, as_tensor, float64, stack, tensor

_TEXT = re.compile(r"[SaUO]")


def _is_numpy(x):
    return type(x).__module__ == "numpy" and type(x).__name__ not in ("str_", "string_", "bytes_")


def default_convert(data):
    """Arrays as tensors, inside of lists, tuples and dicts too; anything else as it is."""
    if isinstance(data, Tensor):
        return data
    if _is_numpy(data):
        return data if type(data).__name__ == "ndarray" and _TEXT.search(data.dtype.str) else as_tensor(data)
    if isinstance(data, collections.abc.Mapping):
        return _like(data, {k: default_convert(v) for k, v in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(d) for d in data))
    if isinstance(data, tuple):
        return [default_convert(d) for d in data]
    if isinstance(data, collections.abc.Sequence) and not isinstance(data, (str, bytes)):
        return _like_list(data, [default_convert(d) for d in data])
    return data


def _like(data, made):
    """A mapping of the same type."""
    try:
        if isinstance(data, collections.abc.MutableMapping):
            clone = copy.copy(data)
            clone.update(made)
            return clone
        return type(data)(made)
    except TypeError:
        return made


def _like_list(data, made):
    """A sequence of the same type."""
    try:
        return type(data)(made)
    except TypeError:
        return made


def default_collate(batch):
    """A batch of items of one kind: tensors stacked, numbers and arrays as tensors, containers item by item."""
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch), 0)
    if _is_numpy(first):
        if type(first).__name__ == "ndarray":
            if _TEXT.search(first.dtype.str) is not None:
                raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {first.dtype}")
            return stack([as_tensor(b) for b in batch], 0)
        return as_tensor(list(batch)) if first.shape != () else stack([as_tensor(b) for b in batch], 0)
    if isinstance(first, float):
        return tensor(list(batch), dtype=float64)
    if isinstance(first, int):
        return tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, collections.abc.Mapping):
        return _like(first, {k: default_collate([d[k] for d in batch]) for k in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(part) for part in zip(*batch)))
    if isinstance(first, collections.abc.Sequence):
        if not all(len(item) == len(first) for item in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        made = [default_collate(part) for part in zip(*batch)]
        return made if isinstance(first, tuple) else _like_list(first, made)
    raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}")
