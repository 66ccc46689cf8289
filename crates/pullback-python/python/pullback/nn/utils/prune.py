"""Parameters of which some elements are held at zero: by size, at random, or by a mask of one's own.

A pruned parameter `name` becomes an attribute computed before each call from the parameter `name_orig` and the buffer `name_mask`.
"""

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable

from ... import cat, norm, ones_like, rand, rand_like, topk, zeros_like
from ..parameter import Parameter


class BasePruningMethod(ABC):
    """A way to choose the elements; `compute_mask` is what a subclass writes."""

    _tensor_name = None
    PRUNING_TYPE = ""

    def __call__(self, module, inputs):
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t, default_mask):
        """Which elements stay, of those that stay in `default_mask`."""

    def apply_mask(self, module):
        """The parameter with its mask."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask, original = getattr(module, self._tensor_name + "_mask"), getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(cls, module, name, *args, importance_scores=None, **kwargs):
        """Prunes a module's parameter, after what it was pruned by before."""
        before = [(key, hook) for key, (hook, _) in module._forward_pre_hooks.items() if isinstance(hook, BasePruningMethod) and hook._tensor_name == name]
        if len(before) > 1:
            raise AssertionError(f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a PruningContainer.")
        method = cls(*args, **kwargs)
        method._tensor_name = name
        for key, hook in before:
            del module._forward_pre_hooks[key]
            container = hook if isinstance(hook, PruningContainer) else PruningContainer(hook)
            container._tensor_name = name
            container.add_pruning_method(method)
            method = container
        original = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != original.shape:
            raise AssertionError(f"importance_scores should have the same shape as parameter {name} of {module}")
        scores = original if importance_scores is None else importance_scores
        if not before:
            del module._parameters[name]
            module.register_parameter(name + "_orig", original)
            default = ones_like(original.detach())
        else:
            default = getattr(module, name + "_mask").detach().clone()
        try:
            mask = method.compute_mask(scores, default_mask=default)
            module.register_buffer(name + "_mask", mask)
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if not before:
                module._parameters.pop(name + "_orig", None)
                module.register_parameter(name, original)
            raise
        return method

    def prune(self, t, default_mask=None, importance_scores=None):
        """A tensor with the elements that do not stay at zero."""
        if importance_scores is not None and importance_scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        scores = t if importance_scores is None else importance_scores
        return t * self.compute_mask(scores, default_mask=ones_like(t) if default_mask is None else default_mask)

    def remove(self, module):
        """Has the parameter be one again, with zeros where it was pruned."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight = self.apply_mask(module)
        name = self._tensor_name
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, original if isinstance(original, Parameter) else Parameter(original))


class PruningContainer(BasePruningMethod):
    """Several methods one after the other."""

    def __init__(self, *args):
        self._pruning_methods = ()
        for method in args[0] if len(args) == 1 and isinstance(args[0], Iterable) else args:
            self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method):
        """One more."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'")
        self._pruning_methods += (method,)

    def __len__(self):
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, idx):
        return self._pruning_methods[idx]

    def compute_mask(self, t, default_mask):
        method = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype)
        if method.PRUNING_TYPE == "unstructured":
            place = mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError('Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.')
            dim = method.dim + t.dim() if method.dim < 0 else method.dim
            if dim < 0:
                raise IndexError(f"Index is out of bounds for tensor with dimensions {t.dim()}")
            kept = mask.sum(dim=[d for d in range(t.dim()) if d != dim]) != 0
            place = [slice(None)] * t.dim()
            place[dim] = kept
            place = tuple(place)
        elif method.PRUNING_TYPE == "global":
            place = (slice(None),) * t.dim()
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        new = mask.clone()
        new[place] = method.compute_mask(t[place], default_mask=mask[place]).to(new.dtype)
        return new


class Identity(BasePruningMethod):
    """Keeps every element, and has the module look pruned."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        return default_mask


class _Unstructured(BasePruningMethod):
    """Single elements, wherever they stand: a share, or a number of them."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def _chosen(self, t, n):
        """Which `n` elements go, by their places in `t` laid out row by row."""
        raise NotImplementedError

    def compute_mask(self, t, default_mask):
        n = _number_of(self.amount, t.nelement())
        mask = default_mask.clone()
        if n:
            mask.view(-1)[self._chosen(t, n)] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Elements at random: a share, or a number of them."""

    def _chosen(self, t, n):
        return topk(rand_like(t).view(-1), k=n).indices


class L1Unstructured(_Unstructured):
    """The smallest elements."""

    def _chosen(self, t, n):
        return topk(t.abs().reshape(-1), k=n, largest=False).indices


class RandomStructured(BasePruningMethod):
    """Slices along a dimension at random."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount, dim=-1):
        _check_amount(amount)
        self.amount, self.dim = amount, dim

    def compute_mask(self, t, default_mask):
        _check_structured(t, self.dim)
        size = t.shape[self.dim]
        n = _number_of(self.amount, size)
        if n == 0:
            return default_mask
        scores = rand(size)
        kept = scores > scores.kthvalue(k=n).values
        mask = zeros_like(t)
        place = [slice(None)] * t.dim()
        place[self.dim] = kept
        mask[tuple(place)] = 1
        return mask * default_mask.to(dtype=mask.dtype)


class LnStructured(BasePruningMethod):
    """The slices along a dimension that have the smallest norms."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount, n, dim=-1):
        _check_amount(amount)
        self.amount, self.n, self.dim = amount, n, dim

    def compute_mask(self, t, default_mask):
        _check_structured(t, self.dim)
        size = t.shape[self.dim]
        n = _number_of(self.amount, size)
        if n == 0:
            return default_mask
        dims = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        norms = norm(t, p=self.n, dim=dims)
        kept = topk(norms, k=size - n, largest=True).indices
        mask = zeros_like(t)
        place = [slice(None)] * t.dim()
        place[self.dim] = kept
        mask[tuple(place)] = 1
        return mask * default_mask.to(dtype=mask.dtype)


class CustomFromMask(BasePruningMethod):
    """The elements of a mask."""

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        if default_mask.shape != self.mask.shape:
            raise AssertionError("default_mask and self.mask must have the same shape")
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module, name):
    """Has a parameter look pruned and loses nothing."""
    Identity.apply(module, name)
    return module


def random_unstructured(module, name, amount):
    """Prunes elements at random."""
    RandomUnstructured.apply(module, name, amount=amount)
    return module


def l1_unstructured(module, name, amount, importance_scores=None):
    """Prunes the smallest elements."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name, amount, dim):
    """Prunes slices at random."""
    RandomStructured.apply(module, name, amount=amount, dim=dim)
    return module


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    """Prunes the slices of the smallest norms."""
    LnStructured.apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module, name, mask):
    """Prunes what a mask has zeros for."""
    CustomFromMask.apply(module, name, mask=mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    """Prunes elements of several parameters, `(module, name)` each, chosen among all of them together."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    parameters = list(parameters)
    flat = cat([scores.get((m, name), getattr(m, name)).detach().reshape(-1) for m, name in parameters])
    default = cat([getattr(m, name + "_mask", ones_like(getattr(m, name).detach())).reshape(-1) for m, name in parameters])
    method = pruning_method(**kwargs)
    method._tensor_name = "temp_name"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of type {method.PRUNING_TYPE}')
    container = PruningContainer()
    container._tensor_name = "temp_name"
    container.add_pruning_method(method)
    mask, at = container.compute_mask(flat, default), 0
    for module, name in parameters:
        param = getattr(module, name)
        custom_from_mask(module, name, mask=mask[at : at + param.numel()].view_as(param))
        at += param.numel()


def remove(module, name):
    """Has a pruned parameter be one again, with zeros where it was pruned."""
    for key, (hook, _) in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module):
    """Whether a module, or one below it, is pruned."""
    return any(isinstance(hook, BasePruningMethod) for m in module.modules() for hook, _ in m._forward_pre_hooks.values())


def _check_amount(amount):
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if isinstance(amount, numbers.Integral) and amount < 0 or not isinstance(amount, numbers.Integral) and not 0.0 <= float(amount) <= 1.0:
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _number_of(amount, size):
    if isinstance(amount, numbers.Integral):
        if amount > size:
            raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
        return amount
    return round(amount * size)


def _check_structured(t, dim):
    if len(t.shape) <= 1:
        raise ValueError(f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {t.shape} with {len(t.shape)} dims")
    if dim >= t.dim():
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")

