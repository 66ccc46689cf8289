"""Tensors that a module owns: parameters, which are trained, and buffers, which are only kept."""

from .. import Tensor, empty


class Parameter(Tensor):
    """A tensor that a module counts among its parameters when it is assigned to one of its attributes.

    It shares the memory of `data` and is a leaf; gradients are gathered in its `.grad` unless `requires_grad=False`.
    """

    def __new__(cls, data=None, requires_grad=True):
        data = empty(0) if data is None else data
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter(): argument 'data' must be Tensor, not {type(data).__name__}")
        return Tensor.__new__(cls, data.detach()).requires_grad_(requires_grad)

    def __init__(self, data=None, requires_grad=True):
        pass

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    __str__ = __repr__

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        made = type(self)(self.detach().clone(), self.requires_grad)
        made.__dict__.update(self.__dict__)
        if self.grad is not None:
            made.grad = self.grad.detach().clone()
        memo[id(self)] = made
        return made

    def __reduce_ex__(self, protocol):
        state = dict(self.__dict__) or None
        if type(self) is Parameter:
            return rebuild_parameter, (self.detach(), self.requires_grad), state
        return _rebuild, (type(self), self.detach(), self.requires_grad), state

    def __setstate__(self, state):
        self.__dict__.update(state)


def rebuild_parameter(data, requires_grad):
    """A parameter as pickles hold it."""
    return Parameter(data, requires_grad)


def _rebuild(kind, data, requires_grad):
    return kind(data, requires_grad)


class Buffer(Tensor):
    """A tensor that a module counts among its buffers when it is assigned to one of its attributes."""

    def __new__(cls, data=None, *, persistent=True):
        data = empty(0) if data is None else data
        made = Tensor.__new__(cls, data.detach()).requires_grad_(data.requires_grad)
        made.persistent = persistent
        return made

    def __init__(self, data=None, *, persistent=True):
        pass


def forget_gradients(parameters, set_to_none=True):
    """Takes the gradients away, or sets them to zero; one with a graph is replaced by zeros without."""
    for p in parameters:
        if p.grad is None:
            continue
        if set_to_none:
            p.grad = None
        elif p.grad.grad_fn is not None:
            p.grad = p.grad.detach().zero_()
        else:
            p.grad.requires_grad_(False).zero_()


def is_lazy(param):
    """Whether a parameter still waits for its shape: never, since there are no lazy modules here."""
    return False
