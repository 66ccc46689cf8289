"""Files that are written whole or not at all."""

import contextlib
import os
import tempfile


@contextlib.contextmanager
def replacing(path, mode, **options):
    """A file that takes the place of `path` when everything is written, and that leaves nothing behind where something fails."""
    path = os.fspath(path)
    handle, part = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".pullback-")
    try:
        with os.fdopen(handle, mode, **options) as out:
            yield out
        os.chmod(part, 0o644)
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


def write_text(path, text):
    """Writes a text as UTF-8."""
    with replacing(path, "w", encoding="utf-8") as out:
        out.write(text)
