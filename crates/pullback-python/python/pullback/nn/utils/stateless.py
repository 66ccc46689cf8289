"""A module called with other tensors in the place of its own."""

import contextlib


def _places(module):
    """Where each parameter and buffer of a module is held, by path."""
    found = {}
    for path, owner in module.named_modules(remove_duplicate=False):
        for held in (owner._parameters, owner._buffers):
            for name, value in held.items():
                if value is not None:
                    found[f"{path}.{name}" if path else name] = (held, name)
    return found


@contextlib.contextmanager
def _replaced(module, tensors, tie_weights, strict):
    places = _places(module)
    unexpected = [k for k in tensors if k not in places]
    missing = [k for k in places if k not in tensors]
    if strict and (missing or unexpected):
        parts = [f"{what} key(s): {', '.join(map(repr, names))}." for what, names in (("Unexpected", unexpected), ("Missing", missing)) if names]
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(parts))
    # A name that the module does not have is let pass where it is not to be strict, as in PyTorch.
    tensors = {k: t for k, t in tensors.items() if k in places}
    before = {k: held[name] for k, (held, name) in places.items()}
    new = dict(tensors)
    if tie_weights:
        for k, tensor in tensors.items():
            for other, value in before.items():
                if value is before[k]:
                    new.setdefault(other, tensor)
    try:
        for k, tensor in new.items():
            held, name = places[k]
            held[name] = tensor
        yield
    finally:
        for k in new:
            held, name = places[k]
            held[name] = before[k]


def functional_call(module, parameters_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """What `module(*args, **kwargs)` gives with the tensors of a dict (or of several, one after the other) in the place of its own.

    The module is as before afterwards. Tensors that are one in the module stay one unless `tie_weights=False`.
    """
    if isinstance(parameters_and_buffer_dicts, dict):
        tensors = parameters_and_buffer_dicts
    elif isinstance(parameters_and_buffer_dicts, (list, tuple)):
        if not all(isinstance(d, dict) for d in parameters_and_buffer_dicts):
            raise ValueError("Expected all elements of parameters_and_buffer_dicts to be dictionaries")
        names = [k for d in parameters_and_buffer_dicts for k in d]
        repeated = {k for k in names if names.count(k) > 1}
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        tensors = {k: v for d in parameters_and_buffer_dicts for k, v in d.items()}
    else:
        raise ValueError(f"Expected parameters_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(parameters_and_buffer_dicts)}")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, tensors, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def stack_module_state(models):
    """The parameters and the buffers of several modules of one kind, each stacked along a new first dimension."""
    from ... import stack

    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    kind = type(models[0])
    if not all(type(m) is kind for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(all_):
        made = {}
        for name, first in all_[0].items():
            together = stack([d[name].detach() for d in all_])
            made[name] = together.requires_grad_(first.requires_grad)
        return made

    return stacked([dict(m.named_parameters()) for m in models]), stacked([dict(m.named_buffers()) for m in models])
