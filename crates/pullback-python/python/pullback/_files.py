"""Files that are written whole or not at all."""

import contextlib
import os
import stat


@contextlib.contextmanager
def replacing(path, mode, **options):
    """A file that takes the place of `path` when everything is written, and that leaves nothing behind where something fails.

    A link stays a link: what it points to is replaced. What is no file (a terminal, a pipe) is written to.
    """
    path = os.path.realpath(os.fspath(path))
    try:
        before = os.stat(path).st_mode
    except OSError:
        before = None
    if before is not None and not stat.S_ISREG(before):
        with open(path, mode, **options) as out:
            yield out
        return
    folder, name = os.path.split(path)
    import secrets

    part = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(6)}.part")
    out = open(part, mode.replace("w", "x"), **options)
    try:
        with out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        if before is not None:
            os.chmod(part, stat.S_IMODE(before))
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise
    _sync_folder(folder)


def _sync_folder(folder):
    """The new name is on the disk too, where the system can say so."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path, text):
    """Writes a text as UTF-8."""
    with replacing(path, "w", encoding="utf-8") as out:
        out.write(text)
