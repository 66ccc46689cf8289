"""Event files that TensorBoard shows."""

from .writer import FileWriter, SummaryWriter
