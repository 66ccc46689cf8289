"""`SummaryWriter`: scalars, histograms, texts, hyperparameters and images, written to event files as they come."""

import json
import os
import socket
import time

from ... import Tensor
from . import _records as r


def _array(x):
    import numpy as np

    return x.detach().double().numpy() if isinstance(x, Tensor) else np.asarray(x)


def _number(x):
    found = _array(x).reshape(-1)
    if found.size != 1:
        raise AssertionError("scalar should be 0D")
    return float(found[0])


def _edges():
    """The buckets' ends of TensorBoard's histograms: powers of 1.1 on both sides of 0."""
    up, x = [], 1e-12
    while x < 1e20:
        up.append(x)
        x *= 1.1
    return [-x for x in reversed(up)] + [0] + up


class FileWriter:
    """An event file in a folder."""

    _count = 0

    def __init__(self, log_dir, max_queue=10, flush_secs=120, filename_suffix=""):
        self._folder = os.fspath(log_dir)
        os.makedirs(self._folder, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{FileWriter._count}{filename_suffix}"
        FileWriter._count += 1
        self._queue, self._waiting, self._seconds, self._flushed = max_queue, 0, flush_secs, time.time()
        self._file = open(os.path.join(self._folder, name), "ab")
        self._file.write(r.record(r.event(time.time(), 0, version="brain.Event:2")))
        self.flush()

    def get_logdir(self):
        """The folder."""
        return self._folder

    def add_summary(self, summary, global_step=None, walltime=None):
        """Writes a summary's bytes as an event."""
        self._file.write(r.record(r.event(time.time() if walltime is None else walltime, int(global_step or 0), summary=summary)))
        self._waiting += 1
        if self._waiting >= self._queue or time.time() - self._flushed > self._seconds:
            self.flush()

    def flush(self):
        """Has everything in the file."""
        self._file.flush()
        self._waiting, self._flushed = 0, time.time()

    def close(self):
        """Ends the file."""
        self._file.close()


class SummaryWriter:
    """Writes what TensorBoard shows into a folder, `runs/DATE_HOST` unless it is said.

        with SummaryWriter("runs/first") as writer:
            writer.add_scalar("loss", loss, step)
    """

    def __init__(self, log_dir=None, comment="", purge_step=None, max_queue=10, flush_secs=120, filename_suffix=""):
        log_dir = os.fspath(log_dir) if log_dir else os.path.join("runs", time.strftime("%b%d_%H-%M-%S") + f"_{socket.gethostname()}{comment}")
        self.log_dir, self._options = log_dir, (max_queue, flush_secs, filename_suffix)
        self.file_writer, self.all_writers = FileWriter(log_dir, *self._options), {}

    def _writer(self):
        if self.file_writer is None:
            self.file_writer = FileWriter(self.log_dir, *self._options)
        return self.file_writer

    def _add(self, tag, body, step, walltime, plugin=None, content=b""):
        self._writer().add_summary(r.value(tag, body, plugin, content), step, walltime)

    def get_logdir(self):
        """The folder."""
        return self.log_dir

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None, new_style=False, double_precision=False):
        """A number at a step."""
        self._add(tag, r.single(2, _number(scalar_value)), global_step, walltime)

    def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None):
        """Several numbers in one picture: each in a folder of its own below this one."""
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            if folder not in self.all_writers:
                self.all_writers[folder] = FileWriter(folder, *self._options)
            self.all_writers[folder].add_summary(r.value(main_tag, r.single(2, _number(value))), global_step, walltime)

    def add_histogram(self, tag, values, global_step=None, bins="tensorflow", walltime=None, max_bins=None):
        """How often numbers of which size come."""
        import numpy as np

        values = _array(values).astype(np.float64).reshape(-1)
        if values.size == 0:
            raise ValueError("The input has no element.")
        counts, limits = np.histogram(values, bins=_edges() if bins == "tensorflow" else bins)
        full = np.nonzero(counts)[0]
        start, end = (full[0], full[-1] + 1) if full.size else (0, len(counts))
        # One empty bucket below tells where the first one begins.
        counts = counts[start - 1 : end] if start > 0 else np.concatenate([[0], counts[:end]])
        body = r.histogram(values.min(), values.max(), values.size, values.sum(), values.dot(values), limits[start : end + 1], counts)
        self._add(tag, r.field(5, body), global_step, walltime)

    def add_text(self, tag, text_string, global_step=None, walltime=None):
        """A text, in Markdown."""
        self._add(tag + "/text_summary", r.field(8, r.text_tensor([text_string])), global_step, walltime, "text", r.field(1, 0))

    def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW"):
        """An image: bytes, or numbers from 0 to 1."""
        import numpy as np

        image = _array(img_tensor)
        if not isinstance(img_tensor, Tensor) and image.dtype == np.uint8 or isinstance(img_tensor, Tensor) and img_tensor.dtype.name == "uint8":
            scale = 1
        else:
            scale = 255
        if len(dataformats) != image.ndim:
            raise AssertionError(f"size of input tensor and input format are different. tensor shape: {image.shape}, input_format: {dataformats}")
        order = [dataformats.index(c) for c in "HWC" if c in dataformats]
        image = image.transpose(order)
        image = image[:, :, None] if image.ndim == 2 else image
        pixels = np.ascontiguousarray((image * scale).clip(0, 255).astype(np.uint8))
        height, width, channels = pixels.shape
        body = r.field(1, height) + r.field(2, width) + r.field(3, channels) + r.field(4, r.png(pixels))
        self._add(tag, r.field(4, body), global_step, walltime)

    def add_images(self, tag, img_tensor, global_step=None, walltime=None, dataformats="NCHW"):
        """Images beside each other."""
        import numpy as np

        images = _array(img_tensor)
        images = images.transpose([dataformats.index(c) for c in "NHWC"])
        row = np.concatenate(list(images), axis=1)
        self.add_image(tag, row if images.dtype == np.uint8 else row, global_step, walltime, "HWC")

    def add_hparams(self, hparam_dict, metric_dict, hparam_domain_discrete=None, run_name=None, global_step=None):
        """Hyperparameters, and the numbers that came of them."""
        if not isinstance(hparam_dict, dict) or not isinstance(metric_dict, dict):
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        folder = os.path.join(self.log_dir, str(time.time()) if run_name is None else run_name)
        with SummaryWriter(folder) as writer:
            for name, content in _hparams(hparam_dict, metric_dict).items():
                writer._add(f"_hparams_/{name}", b"", 0, None, "hparams", content)
            for name, value in metric_dict.items():
                writer.add_scalar(name, value, global_step)

    def add_graph(self, model, input_to_model=None, verbose=False, use_strict_trace=True):
        """Not there: graphs are shown by `pullback`'s own pictures."""
        raise NotImplementedError("add_graph is not there in Pullback: see Tensor.graph()")

    def add_figure(self, tag, figure, global_step=None, close=True, walltime=None):
        """A picture of matplotlib's."""
        import numpy as np

        figure.canvas.draw()
        self.add_image(tag, np.asarray(figure.canvas.buffer_rgba())[..., :3], global_step, walltime, "HWC")

    def flush(self):
        """Has everything in the files."""
        for writer in self._all():
            writer.flush()

    def _all(self):
        return [w for w in (self.file_writer, *self.all_writers.values()) if w is not None]

    def close(self):
        """Ends the files."""
        for writer in self._all():
            writer.close()
        self.file_writer, self.all_writers = None, {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def _value(x):
    """`google.protobuf.Value`."""
    if isinstance(x, bool):
        return r.field(4, x)
    if isinstance(x, (int, float)):
        return r.field(2, float(x))
    return r.field(3, x if isinstance(x, str) else json.dumps(x, default=str))


def _hparams(hparams, metrics):
    """The three messages of TensorBoard's page of hyperparameters: what there is, how a run began, how it ended."""
    infos = b""
    for name, x in hparams.items():
        if isinstance(x, Tensor):
            x = x.item()
            hparams = {**hparams, name: x}
        kind = 2 if isinstance(x, bool) else 3 if isinstance(x, (int, float)) else 1
        infos += r.field(4, r.field(1, name) + r.field(4, kind))
    for name in metrics:
        infos += r.field(5, r.field(1, r.field(2, name)))
    start = b"".join(r.field(1, r.field(1, name) + r.field(2, _value(x))) for name, x in hparams.items())
    return {
        "experiment": r.field(2, infos),
        "session_start_info": r.field(3, start),
        "session_end_info": r.field(4, r.field(1, 1)),
    }
