"""What PyTorch's layers call beneath their names: `native_…` forms with the statistics that they keep, gradients as functions of their own, and
operations with an underscore. All of them are made of functions of the list, so every derivative follows."""

from . import _native, nn
from .autograd import forward_ad

F = nn.functional
Tensor = _native.Tensor


def _numbers(x):
    """The numbers of a tensor, without history and without a tangent."""
    return forward_ad.unpack_dual(x).primal.detach()


def _spread_of(x, dims, eps):
    """Mean and 1/√(variance + eps) over dimensions, which stay with size 1."""
    return x.mean(dims, keepdim=True), (x.var(dims, correction=0, keepdim=True) + eps).rsqrt()


def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """`nn.functional.layer_norm`, and the means and factors that it used."""
    out = F.layer_norm(input, normalized_shape, weight, bias, eps)
    mean, factor = _spread_of(_numbers(input), tuple(range(-len(normalized_shape), 0)), eps)
    return out, mean, factor


def native_group_norm(input, weight, bias, N, C, HxW, group, eps):
    """`nn.functional.group_norm`, and the means and factors that it used: of each sample and group, with gradients."""
    out = F.group_norm(input, group, weight, bias, eps)
    mean, factor = _spread_of(input.reshape(N, group, C // group * HxW), -1, eps)
    return out, mean.squeeze(-1), factor.squeeze(-1)


def _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    out = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return out, input.new_empty(0), input.new_empty(0)
    mean, factor = _spread_of(_numbers(input).transpose(0, 1).flatten(1), 1, eps)
    return out, mean.squeeze(1), factor.squeeze(1)


def native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """`nn.functional.batch_norm`, and the means and factors of training, which are empty otherwise."""
    return _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def _native_batch_norm_legit(input, weight, bias, *args):
    """As `native_batch_norm`; without the two running statistics too."""
    if args and isinstance(args[0], bool):
        args = (None, None, *args)
    return _batch_norm(input, weight, bias, *args)


def _batch_norm_with_update(input, weight, bias, running_mean, running_var, momentum, eps):
    """As `native_batch_norm` in training; last is the memory that other devices keep for the gradient, which is empty."""
    made = _batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    return (*made, input.new_empty(0, dtype=_native.uint8))


def native_dropout(input, p, train):
    """Dropout, and which elements stayed."""
    if not train or input.numel() == 0:
        return input.clone(), input.new_full(input.shape, True, dtype=_native.bool)
    stayed = input.new_empty(input.shape, dtype=_native.bool).bernoulli_(1 - p)
    return input * stayed * (0.0 if p == 1 else 1 / (1 - p)), stayed


def native_dropout_backward(grad_output, mask, scale):
    """The gradient of `native_dropout`."""
    return grad_output * mask * scale


def _wide(*tensors):
    """Halves in single precision: several steps are rounded once."""
    return tuple(t.float() if t.dtype in (_native.float16, _native.bfloat16) else t for t in tensors)


def _softmax_backward_data(grad_output, output, dim, input_dtype):
    """The gradient of a softmax with this result."""
    grad_output, output = _wide(grad_output, output)
    product = grad_output * output
    return (product - output * product.sum(dim, keepdim=True)).to(input_dtype)


def _log_softmax_backward_data(grad_output, output, dim, input_dtype):
    """The gradient of the logarithm of a softmax with this result."""
    grad_output, output = _wide(grad_output, output)
    return (grad_output - output.exp() * grad_output.sum(dim, keepdim=True)).to(input_dtype)


def _within(input, indices):
    return tuple(None if i is None else i.clamp(-n, n - 1) for i, n in zip(indices, input.shape))


def _unsafe_masked_index(input, mask, indices, fill):
    """`input[indices]` where the mask holds, and `fill` elsewhere, where an index may be out of range."""
    if input.numel() == 0:
        shape = _common_shape(mask, indices)
        return input.new_full(shape, fill)
    places = tuple(slice(None) if i is None else i for i in _within(input, indices))
    return input[places].masked_fill(mask.logical_not(), fill)


def _common_shape(mask, indices):
    import pullback

    return pullback.broadcast_shapes(mask.shape, *(i.shape for i in indices if i is not None))


def _unsafe_masked_index_put_accumulate(input, mask, indices, values):
    """A copy of `input` with values added where the mask holds, where an index may be out of range elsewhere."""
    if input.numel() == 0:
        return input.clone()
    return input.index_put(_within(input, indices), values.masked_fill(mask.logical_not(), 0), accumulate=True)


def _chunk_cat(tensors, dim, num_chunks, *, out=None):
    """Each tensor in so many chunks along a dimension, padded with zeros; the chunks of all of them side by side."""
    import pullback

    if num_chunks < 1:
        raise RuntimeError("_chunk_cat expects positive num_chunks")
    if not len(tensors):
        raise RuntimeError("_chunk_cat expects a non-empty input tensor list")
    dim = dim + tensors[0].dim() if dim < 0 else dim
    rows = []
    for t in tensors:
        size = -(-t.size(dim) // num_chunks) * num_chunks
        if size != t.size(dim):
            wide = t.new_zeros(*t.shape[:dim], size, *t.shape[dim + 1 :])
            wide.narrow(dim, 0, t.size(dim)).copy_(t)
            t = wide
        rows.append(t.reshape(*t.shape[:dim], num_chunks, -1))
    return pullback.cat(rows, dim + 1, out=out)


def max_pool2d_with_indices_backward(grad_output, self, kernel_size, stride, padding, dilation, ceil_mode, indices):
    """The gradient of a pooling that took the elements at these places."""
    import pullback

    # As in PyTorch a function of `self` too, which it does not depend on.
    plane = pullback.fill(self, 0).flatten(-2)
    return plane.scatter_add(-1, indices.flatten(-2), grad_output.flatten(-2)).reshape(self.shape)


NAMES = [name for name in dir() if callable(globals()[name]) and getattr(globals()[name], "__module__", "") == __name__ and name not in ("_numbers", "_spread_of", "_batch_norm", "_within", "_common_shape")]

for _name in NAMES:
    globals()[_name].__module__ = "pullback"
