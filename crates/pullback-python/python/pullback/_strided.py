"""Tensors of nothing whose places in memory are given: `empty_strided`, `empty_permuted`, and `Tensor.new_empty_strided`."""

from . import _native

Tensor = _native.Tensor


def _sizes(function, name, place, given):
    """A tuple of ints, as PyTorch asks for it."""
    if isinstance(given, (tuple, list)):
        try:
            return tuple(n.__index__() for n in given)
        except AttributeError:
            pass
    raise TypeError(f"{function}(): argument '{name}' (position {place}) must be tuple of ints, not {type(given).__name__}")


def _laid(function, size, stride, dtype, device, requires_grad):
    if len(size) != len(stride):
        raise RuntimeError(f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})")
    for n in size:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(size)}")
    if any(s < 0 for s in stride):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}")
    room = 0 if 0 in size else 1 + sum((n - 1) * s for n, s in zip(size, stride))
    if max(room, *size, *stride, 0) >= 1 << 63:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}")
    row = _native_empty(room, dtype=dtype, device=device)
    if requires_grad and not row.is_floating_point():
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return row._set(row.detach(), (list(size), list(stride), 0)).requires_grad_(requires_grad)


def _native_empty(room, *, dtype, device):
    import pullback

    return pullback.empty(room, dtype=dtype, device=device)


def empty_strided(size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor of these sizes and strides, in memory of its own. Its numbers are zeros here; PyTorch leaves them to chance."""
    size, stride = _sizes("empty_strided", "size", 1, size), _sizes("empty_strided", "stride", 2, stride)
    return _laid("empty_strided", size, stride, dtype, device, requires_grad)


def empty_permuted(size, physical_layout, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor of these sizes whose dimensions lie in memory in the order given, the outermost first."""
    size, order = _sizes("empty_permuted", "size", 1, size), _sizes("empty_permuted", "physical_layout", 2, physical_layout)
    if len(size) != len(order):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; "
            f"i.e. len(size) = {len(size)} is not equal to len(physical_layout) = {len(order)}"
        )
    stride, step = [0] * len(size), 1
    for at, d in enumerate(order):
        if not 0 <= d < len(size):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {d} at index {at}).  "
                "NB: negative dims not currently supported; file an issue if you want it."
            )
    if len(set(order)) != len(order):
        raise RuntimeError("Duplicate dim not allowed")
    laid = [size[d] for d in order]
    for n in laid:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {laid}")
    for d in reversed(order):
        stride[d] = step
        step *= max(size[d], 1)
    return _laid("empty_permuted", size, stride, dtype, device, requires_grad)


def _new_empty_strided(self, size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor of these sizes and strides, of this one's dtype and device unless others are given."""
    size, stride = _sizes("new_empty_strided", "size", 1, size), _sizes("new_empty_strided", "stride", 2, stride)
    dtype, device = self.dtype if dtype is None else dtype, self.device if device is None else device
    return _laid("new_empty_strided", size, stride, dtype, device, requires_grad)


_new_empty_strided.__name__ = "new_empty_strided"
setattr(Tensor, "new_empty_strided", _new_empty_strided)
