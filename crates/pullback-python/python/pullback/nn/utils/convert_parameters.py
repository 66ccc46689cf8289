"""All parameters as one vector, and back."""

from ... import Tensor, cat, no_grad


def parameters_to_vector(parameters):
    """One vector of all parameters' elements, in order."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec, parameters):
    """Writes a vector's elements into parameters, in order."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    at = 0
    with no_grad():
        for p in parameters:
            p.copy_(vec[at : at + p.numel()].view_as(p))
            at += p.numel()
