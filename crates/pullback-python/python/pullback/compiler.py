"""There is nothing to compile here: what asks about it is answered, what asks for it gets its function back."""


def is_compiling():
    """False."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def disable(fn=None, recursive=True, *, reason=None):
    """The function."""
    return (lambda f: f) if fn is None else fn


def allow_in_graph(fn):
    """The function."""
    return fn


def reset():
    """Nothing to do."""


def cudagraph_mark_step_begin():
    """Nothing to do."""


def list_backends(exclude_tags=()):
    """None."""
    return []


def set_stance(*args, **kwargs):
    """A context manager that changes nothing."""
    import contextlib

    return contextlib.nullcontext()
