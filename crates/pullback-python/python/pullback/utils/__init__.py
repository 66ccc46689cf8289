"""Tools around training: `utils.data`, `utils.checkpoint`; two tensors exchanged."""

import weakref as _weakref

from . import checkpoint, data


def swap_tensors(t1, t2):
    """Exchanges what two leaves are, for every handle of them: data, gradients, hooks, classes and attributes."""
    for name, t in (("t1", t1), ("t2", t2)):
        if _weakref.getweakrefs(t):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
    if type(t1) is not type(t2):
        t1.__class__, t2.__class__ = type(t2), type(t1)
    one, two = dict(t1.__dict__), dict(t2.__dict__)
    t1._swap(t2)
    for t, attributes in ((t1, two), (t2, one)):
        t.__dict__.clear()
        t.__dict__.update(attributes)
