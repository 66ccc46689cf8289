"""`python -m pullback script.py args…`: runs a PyTorch script with `torch` served by Pullback; `-m module` runs a module."""

import os
import re
import runpy
import sys
import traceback


USAGE = """usage: python -m pullback SCRIPT [ARGUMENT...]
       python -m pullback -m MODULE [ARGUMENT...]

Runs a PyTorch script or module with `torch` served by Pullback."""


def main():
    by_module = sys.argv[1:2] == ["-m"]
    if by_module:
        del sys.argv[1]
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(USAGE)
        sys.exit(0 if len(sys.argv) > 1 else 2)
    script = sys.argv[1]
    if not by_module and script.startswith("-"):
        _refuse(f"there is no option {script!r}")
    if not by_module and not os.path.exists(script):
        _refuse(f"there is no file {script!r}")
    from pullback import install_as_torch

    install_as_torch()
    sys.argv = sys.argv[1:]
    try:
        if by_module:
            runpy.run_module(script, run_name="__main__", alter_sys=True)
        else:
            # As Python itself does it: a program's neighbours come first.
            sys.path[0] = os.path.dirname(os.path.abspath(script))
            runpy.run_path(script, run_name="__main__")
    except ImportError as e:
        _explain(e, script)
        raise


def _refuse(why):
    """Ends the program as for a wrong use of it."""
    print(f"python -m pullback: {why}\n\n{USAGE}", file=sys.stderr)
    sys.exit(2)


def _explain(error, script):
    """Says of a name that could not be imported what comes nearest, and where it was asked for."""
    from pullback._surface import missing

    found = re.match(r"cannot import name '(\w+)' from '((?:pullback|torch)[\w.]*)'", str(error))
    if not found:
        return
    line = next((f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == script), None)
    text = missing(found[2].replace("torch", "pullback", 1), found[1])
    error.msg = f"{text.replace('pullback', 'torch')} ({script}, line {line})" if line else text


if __name__ == "__main__":
    main()
