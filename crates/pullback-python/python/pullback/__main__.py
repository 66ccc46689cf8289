"""`python -m pullback script.py args…`: runs a PyTorch script with `torch` served by Pullback."""

import runpy
import sys


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print("usage: python -m pullback SCRIPT [ARGUMENT...]\n\nRuns a PyTorch script with `torch` served by Pullback.")
        sys.exit(0 if len(sys.argv) > 1 else 2)
    from pullback import install_as_torch

    install_as_torch()
    script = sys.argv[1]
    sys.argv = sys.argv[1:]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
