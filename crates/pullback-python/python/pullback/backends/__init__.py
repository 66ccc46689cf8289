"""Which libraries compute: none of PyTorch's. Switches can be set, and change nothing."""

import contextlib as _contextlib
import sys as _sys
import types as _types


class _Backend(_types.ModuleType):
    """A library that is not here, with the switches that programs set."""

    def __init__(self, name, **switches):
        super().__init__(f"{__name__}.{name}", f"`backends.{name}`: not here. Switches can be set, and change nothing.")
        self.__dict__.update(switches)
        _sys.modules[self.__name__] = self

    @staticmethod
    def is_available():
        """False."""
        return False

    is_built = is_available

    @staticmethod
    def version():
        """None."""
        return None

    @_contextlib.contextmanager
    def flags(self, **switches):
        """A context manager with switches set."""
        before = {name: getattr(self, name, None) for name in switches}
        self.__dict__.update(switches)
        try:
            yield
        finally:
            self.__dict__.update(before)


cudnn = _Backend("cudnn", enabled=True, benchmark=False, deterministic=False, allow_tf32=True, benchmark_limit=None)
cuda = _Backend("cuda", matmul=_types.SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True))
mps = _Backend("mps")
mkl = _Backend("mkl")
mkldnn = _Backend("mkldnn", enabled=True)
openmp = _Backend("openmp")
quantized = _Backend("quantized", engine="none", supported_engines=["none"])
opt_einsum = _Backend("opt_einsum", enabled=False, strategy=None)
cpu = _Backend("cpu")


def _capability():
    """The widest vectors that PyTorch knows by a name: here always the portable ones."""
    return "DEFAULT"


def _sdp(*switches):
    """A context manager that changes nothing."""
    return _contextlib.nullcontext()


setattr(cpu, "get_cpu_capability", _capability)
for _name in ("flash", "mem_efficient", "math", "cudnn"):
    setattr(cuda, f"{_name}_sdp_enabled", lambda: False)
    setattr(cuda, f"enable_{_name}_sdp", lambda enabled: None)
setattr(cuda, "sdp_kernel", _sdp)
