"""Tensors that a module owns: parameters, which are trained, and buffers, which are only kept."""

from typing import Any

from .. import Tensor, empty
from .._parts import no_torch_function


class _Kind(type):
    """The class of `Parameter`: objects of subclasses of `Tensor` of the user's are parameters where they say so."""

    def __repr__(cls):
        return "<class 'torch.nn.parameter.Parameter'>" if cls is Parameter else super().__repr__()

    def __instancecheck__(cls, instance):
        if type(instance) is Tensor:
            return False
        return super().__instancecheck__(instance) or cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_Kind):
    """A tensor that a module counts among its parameters when it is assigned to one of its attributes.

    It shares the memory of `data` and is a leaf; gradients are gathered in its `.grad` unless `requires_grad=False`. Of a tensor of a class that overrides
    functions (`__torch_function__`) it makes one of that class, which counts as a parameter.
    """

    __torch_function__ = no_torch_function

    def __new__(cls, data=None, requires_grad=True):
        data = empty(0) if data is None else data
        if not isinstance(data, Tensor):
            raise AttributeError(f"'{type(data).__name__}' object has no attribute 'detach'")
        if requires_grad and not data.is_floating_point():
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        if type(data).__torch_function__ is not no_torch_function and type(data) is not Tensor:
            made = data.detach().requires_grad_(requires_grad)
            if type(made) is not type(data):
                raise RuntimeError(f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns an instance of the same type, but return type {type(made).__name__} was found instead.")
            made._is_param = True
            return made
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

    __torch_function__ = no_torch_function

    def __new__(cls, data=None, *, persistent=True):
        data = empty(0) if data is None else data
        made = Tensor.__new__(cls, data.detach()).requires_grad_(data.requires_grad)
        made.persistent = persistent
        return made

    def __init__(self, data=None, *, persistent=True):
        pass


def forget_gradients(parameters, set_to_none=True):
    """Takes the gradients away, or sets them to zero; one with a graph is replaced by zeros without."""
    if set_to_none:
        for p in parameters:
            p.grad = None
        return
    for p in parameters:
        if p.grad is None:
            continue
        if p.grad.grad_fn is not None:
            p.grad = p.grad.detach().zero_()
        else:
            p.grad.requires_grad_(False).zero_()


class UninitializedTensorMixin:
    """What a parameter or buffer is that waits for its shape: it has none, and `materialize` gives it one."""

    cls_to_become: Any = Tensor
    __torch_function__ = no_torch_function

    def materialize(self, shape, device=None, dtype=None):
        """Gives it a shape, and numbers that do not matter."""
        self.data = empty(shape, device=device, dtype=dtype or self.data.dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` when trying to load an uninitialized parameter "
            "into an initialized one. Call `forward` to initialize the parameters before accessing their attributes."
        )

    def share_memory_(self):
        raise RuntimeError("Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters before calling `module.share_memory()`.")

    def __repr__(self):
        return f"<{self.__class__.__name__}>"

    __str__ = __repr__

    def __reduce_ex__(self, protocol):
        return self.__class__, (self.requires_grad,)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, None, self.data.dtype)
        return memo[id(self)]


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[override]
    """A parameter that waits for its shape."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        return Tensor.__new__(cls, empty(0, device=device, dtype=dtype)).requires_grad_(requires_grad)

    def __init__(self, requires_grad=True, device=None, dtype=None):
        pass


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[override]
    """A buffer that waits for its shape."""

    cls_to_become = Buffer

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        made = Tensor.__new__(cls, empty(0, device=device, dtype=dtype)).requires_grad_(requires_grad)
        made.persistent = persistent
        return made

    def __init__(self, requires_grad=False, device=None, dtype=None, persistent=True):
        pass


def is_lazy(param):
    """Whether a parameter or buffer still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)
