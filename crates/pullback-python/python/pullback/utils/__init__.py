"""Tools around training: `utils.data`, `utils.checkpoint`, `utils.tensorboard`; two tensors exchanged."""

import weakref

from . import checkpoint, data


def swap_tensors(t1, t2):
    """Exchanges what two leaves are, for every handle of them: data, gradients, hooks, classes and attributes. The objects
    stay; as in PyTorch, none may have a weak reference."""
    for name, t in (("t1", t1), ("t2", t2)):
        # Those of the package itself have a callback of their own.
        if any(r.__callback__ is not id for r in weakref.getweakrefs(t)):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
    if type(t1) is not type(t2):
        t1.__class__, t2.__class__ = type(t2), type(t1)
    one, two = dict(t1.__dict__), dict(t2.__dict__)
    t1._swap(t2)
    for t, attributes in ((t1, two), (t2, one)):
        t.__dict__.clear()
        t.__dict__.update(attributes)


def __getattr__(name):
    if name in ("tensorboard", "_pytree"):
        import importlib

        return importlib.import_module(f".{name}", __name__)
    from .._surface import missing

    raise AttributeError(missing("pullback.utils", name))
