"""What is raised where a model is not written: PyTorch's `torch.onnx.errors`."""


class OnnxExporterError(RuntimeError):
    """A model that cannot be written."""


class UnsupportedOperatorError(OnnxExporterError):
    """A function that has no counterpart among ONNX's operators here."""


class SymbolicValueError(OnnxExporterError):
    """A size or a number that the program computed from its inputs, so that the file would be right for the example alone."""
