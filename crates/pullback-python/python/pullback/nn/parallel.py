"""One module on several devices: there is one device here, so the module itself."""

from .modules.module import Module


class DataParallel(Module):
    """Holds a module and calls it: PyTorch without a GPU does the same."""

    def __init__(self, module, device_ids=None, output_device=None, dim=0):
        super().__init__()
        self.module, self.dim, self.device_ids = module, dim, []

    def forward(self, *inputs, **kwargs):
        return self.module(*inputs, **kwargs)


def data_parallel(module, inputs, device_ids=None, output_device=None, dim=0, module_kwargs=None):
    """Calls a module."""
    return module(*(inputs if isinstance(inputs, tuple) else (inputs,)), **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """Not there: a program runs in one process."""

    def __init__(self, module, *args, **kwargs):
        raise RuntimeError("DistributedDataParallel is not there in Pullback: a program runs in one process, with several threads")
