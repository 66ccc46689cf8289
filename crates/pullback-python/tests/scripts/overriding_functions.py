"""Classes that answer functions in their stead, of tensors and of none, and modes: the examples people write after PyTorch's page on `__torch_function__`."""

import functools

import torch


class LoggingTensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if kwargs is None:
            kwargs = {}
        if func is torch.Tensor.add or func is torch.add:
            print("add called")
        return super().__torch_function__(func, types, args, kwargs)


x = LoggingTensor([1.0, 2.0])
print(type(x), x + 1, torch.add(x, x), type(x[0]), x.shape)
print(repr(x), str(x), type(x.sum()), type(torch.ones(2) * x), x.mean().item())


class MetadataTensor:
    def __init__(self, data, metadata=None, **kwargs):
        self._t = torch.as_tensor(data, **kwargs)
        self._metadata = metadata

    def __repr__(self):
        return f"Metadata:\n{self._metadata}\n\ndata:\n{self._t}"

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if kwargs is None:
            kwargs = {}
        metadatas = tuple(a._metadata for a in args if hasattr(a, "_metadata"))
        args = [getattr(a, "_t", a) for a in args]
        assert len(metadatas) > 0
        return MetadataTensor(func(*args, **kwargs), metadata=metadatas[0])


m = MetadataTensor([[1, 2], [3, 4]], metadata={"owner": "Ministry"})
t = torch.tensor([[1, 2], [1, 2]])
print(torch.add(t, m))
print(torch.mul(t, m))
print(t + m)
HANDLED = {}


def implements(f):
    def dec(g):
        functools.update_wrapper(g, f)
        HANDLED[f] = g
        return g

    return dec


class ScalarTensor(object):
    def __init__(self, N, value):
        self._N = N
        self._value = value

    def __repr__(self):
        return f"ScalarTensor(N={self._N}, value={self._value})"

    def tensor(self):
        return self._value * torch.eye(self._N)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if kwargs is None:
            kwargs = {}
        if func not in HANDLED or not all(issubclass(t, (torch.Tensor, ScalarTensor)) for t in types):
            return NotImplemented
        return HANDLED[func](*args, **kwargs)


@implements(torch.mean)
def mean(input):
    return float(input._value) / input._N


@implements(torch.nn.functional.relu)
def relu(input, inplace=False):
    return ScalarTensor(input._N, max(input._value, 0))


@implements(torch.einsum)
def es(eq, *ops):
    return "einsum of " + eq


d = ScalarTensor(5, 2)
print(torch.mean(d), torch.nn.functional.relu(d), torch.einsum("ii", d))
try:
    torch.add(d, d)
except TypeError as e:
    print(str(e)[:40])


class T2(torch.Tensor):
    def my(self):
        return self * 2


a = torch.ones(2).as_subclass(T2)
print(a.my(), type(a.my().my()), type(a.grad), isinstance(a, torch.Tensor), type(a.numpy()))
p = torch.nn.Parameter(a)
print(type(p), isinstance(p, torch.nn.Parameter), p.requires_grad)
l = torch.nn.Linear(2, 2)
l.weight = torch.nn.Parameter(torch.ones(2, 2).as_subclass(T2))
print(type(l(torch.ones(1, 2))), [n for n, _ in l.named_parameters()])
from torch.overrides import TorchFunctionMode, resolve_name, is_tensor_like, has_torch_function, handle_torch_function


class Log(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        print(resolve_name(func))
        return func(*args, **(kwargs or {}))


with Log():
    torch.ones(2) + 1
    torch.nn.functional.linear(torch.ones(1, 2), torch.ones(2, 2)).sum()
print(is_tensor_like(d), is_tensor_like(a), is_tensor_like(3), has_torch_function((a,)), has_torch_function((torch.ones(1), p * 1 if False else 2)))
s = torch.stack([a, a])
print(type(s), type(torch.cat([torch.ones(1), a])), type(s.max(0)), type(s.max(0).values), type(list(a)[0]), type(torch.split(s, 1)[0]))
a[0] = 5
a += 1
print(a, type(a), type(a.T), a.dtype, a == 6, type(a.data), type(a.clone().detach()))
with torch._C.DisableTorchFunctionSubclass():
    print(type(a + 1))
