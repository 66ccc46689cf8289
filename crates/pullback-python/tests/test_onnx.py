"""Models written as ONNX files: the bytes are read again by a few lines here, and say what they should. `ecosystem/onnx_models.py` runs 150 models by onnxruntime."""

import io
import struct
import warnings

import pytest

import pullback as torch
from pullback import nn

F = nn.functional


def fields(content):
    """The fields of a message: number, and an integer, four bytes, or bytes."""
    at, found = 0, []

    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = content[at]
            at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n - (1 << 64) if n >> 63 else n

    while at < len(content):
        key = number()
        if key & 7 == 0:
            found.append((key >> 3, number()))
        elif key & 7 == 5:
            found.append((key >> 3, struct.unpack("<f", content[at : at + 4])[0]))
            at += 4
        else:
            assert key & 7 == 2
            size = number()
            found.append((key >> 3, content[at : at + size]))
            at += size
    return found


def every(message, number):
    return [v for n, v in fields(message) if n == number]


class File:
    """What a file says."""

    def __init__(self, content):
        (graph,) = every(content, 7)
        self.opset = every(every(content, 8)[0], 2)[0]
        self.nodes = [(every(n, 4)[0].decode(), [i.decode() for i in every(n, 1)], [o.decode() for o in every(n, 2)]) for n in every(graph, 1)]
        self.kinds = [kind for kind, _, _ in self.nodes]
        self.constants = {every(t, 8)[0].decode(): (every(t, 1), every(t, 2)[0], every(t, 9)[0]) for t in every(graph, 5)}
        self.inputs, self.outputs = ({every(v, 1)[0].decode(): self.shape(v) for v in every(graph, n)} for n in (11, 12))

    @staticmethod
    def shape(described):
        (kind,) = every(every(described, 2)[0], 1)
        dims = [dict(fields(d)) for d in every(every(kind, 2)[0], 1)]
        return every(kind, 1)[0], [d[1] if 1 in d else d[2].decode() for d in dims]

    def attributes(self, content, kind):
        """The integers among the attributes of the first node of a kind."""
        (graph,) = every(content, 7)
        node = next(n for n in every(graph, 1) if every(n, 4)[0].decode() == kind)
        return {every(a, 1)[0].decode(): every(a, 8) or every(a, 3) for a in every(node, 5)}


def written(model, *args, **options):
    file = io.BytesIO()
    program = torch.onnx.export(model, args, file, **options)
    assert program.content == file.getvalue()
    return File(file.getvalue())


def test_a_linear_layer():
    layer = nn.Linear(3, 2)
    made = written(layer, torch.ones(4, 3), input_names=["x"], output_names=["y"])
    assert made.opset == 18 and made.nodes == [("Gemm", ["x", "weight", "bias"], ["y"])]
    assert made.inputs == {"x": (1, [4, 3])} and made.outputs == {"y": (1, [4, 2])}
    assert made.constants["weight"] == ([2, 3], 1, layer.weight.detach().numpy().tobytes()) and made.constants["bias"][0] == [2]


def test_a_network_for_images():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(16, 2), nn.Softmax(1))
    net.train()
    file = io.BytesIO()
    torch.onnx.export(net, torch.ones(2, 1, 8, 8), file)
    made = File(file.getvalue())
    assert net.training and made.kinds == ["Conv", "BatchNormalization", "Relu", "MaxPool", "Reshape", "Gemm", "Softmax"]
    assert made.attributes(file.getvalue(), "Conv") == {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "dilations": [1, 1], "group": [1]}
    assert "1.running_mean" in made.constants and not any("num_batches" in name for name in made.constants)


def test_sizes_that_vary():
    class Rows(nn.Module):
        def forward(self, x):
            return x.view(x.size(0), -1) + torch.arange(x.size(0)).unsqueeze(1)

    made = written(Rows(), torch.ones(2, 3, 2), dynamic_axes={"x": {0: "batch"}})
    assert made.inputs == {"x": (1, ["batch", 3, 2])} and made.outputs["output"][1] == ["output_dim_0", 6]
    assert "Range" in made.kinds and "Shape" in made.kinds
    assert list(struct.unpack("<2q", next(v for s, k, v in made.constants.values() if s == [2] and k == 7))) == [0, 6]
    made = written(Rows(), torch.ones(2, 3, 2))
    assert "Range" not in made.kinds and made.outputs["output"][1] == [2, 6]


@pytest.mark.parametrize(
    "f",
    [lambda x: x * x.size(0), lambda x: x * x.sum().item(), lambda x: x + 1 if x.sum() > 0 else x - 1 + x, lambda x: x * float(x[0, 0]), lambda x: x + torch.from_numpy(x.numpy() * 2)],
)
def test_what_python_computes_of_the_inputs_is_refused(f):
    class Model(nn.Module):
        def forward(self, x):
            return f(x)

    with pytest.raises(torch.onnx.errors.SymbolicValueError, match="in Python: the file would be right for the example alone"):
        torch.onnx.export(Model(), (torch.tensor([[1.0, 2.0], [3.0, -9.0]]),), dynamic_axes={"x": [0]})


def test_functions_without_a_counterpart_are_named():
    class Model(nn.Module):
        def forward(self, x):
            return torch.sort(x)[0]

    with pytest.raises(torch.onnx.UnsupportedOperatorError, match="Exporting the operator 'aten::sort' to ONNX opset version 18 is not supported"):
        torch.onnx.export(Model(), (torch.ones(2),))
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).train()
    written(net, torch.ones(1, 2))
    assert net.training
    with pytest.raises(torch.onnx.UnsupportedOperatorError, match="view"):
        torch.onnx.export(lambda x: x[0].add_(1), (torch.ones(2, 2) * 1,))


def test_versions_and_names(tmp_path):
    x = torch.ones(1, 3)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert written(nn.Linear(3, 2), x, opset_version=13).opset == 18
    assert "lower version" in str(said[0].message) and written(nn.Linear(3, 2), x, opset_version=20).opset == 20
    with pytest.raises(ValueError, match="Unsupported ONNX opset version: 99"):
        torch.onnx.export(nn.Linear(3, 2), x, opset_version=99)
    program = torch.onnx.export(nn.Linear(3, 2), x, tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == program.content and program.input_names == ["input"] and program.output_names == ["output"]
    assert not torch.onnx.is_in_onnx_export()

    class Two(nn.Module):
        def forward(self, a, *, b):
            return {"sum": a + b, "same": a, "twice": b + b, "again": a}

    made = written(Two(), x, kwargs={"b": x})
    assert list(made.inputs) == ["a", "b"] and list(made.outputs) == ["output_0", "output_1", "output_2", "output_3"] and made.kinds.count("Identity") == 2


def test_dtypes_of_operands():
    class Model(nn.Module):
        def forward(self, x, i):
            return i + 1.5, x > i, i // 2, x.to(torch.int64)

    made = written(Model(), torch.ones(2), torch.arange(2))
    assert [kind for kind, _ in made.outputs.values()] == [1, 9, 7, 7] and made.kinds.count("Cast") == 3
    half = written(nn.Linear(2, 2).to(torch.bfloat16), torch.ones(1, 2, dtype=torch.bfloat16))
    assert half.inputs["input"][0] == 16 and len(half.constants["weight"][2]) == 8


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "m.onnx"
    program = torch.onnx.export(nn.Linear(3, 2), torch.ones(1, 3), path)
    before = path.read_bytes()
    program.content = [program.content]
    with pytest.raises(TypeError):
        program.save(path)
    assert path.read_bytes() == before and [f.name for f in tmp_path.iterdir()] == ["m.onnx"]


@pytest.mark.parametrize(("beta", "threshold", "kinds"), [(1.0, 20.0, ["Softplus"]), (1.0, 1.5, ["Mul", "Softplus", "Div", "Greater", "Where"]), (2.0, 3.0, ["Mul", "Softplus", "Div", "Greater", "Where"])])
def test_softplus_is_a_line_from_its_threshold_on(beta, threshold, kinds):
    assert written(nn.Softplus(beta, threshold), torch.ones(3)).kinds == kinds


def test_what_has_no_counterpart_is_named_with_its_layer():
    class Sorted(nn.Module):
        def forward(self, x):
            return torch.sort(x)[0]

    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), Sorted()))
    with pytest.raises(torch.onnx.UnsupportedOperatorError, match=r"'aten::sort' .* is not supported\.\n  module: Sequential\.1\.1 \(Sorted\)"):
        torch.onnx.export(net, (torch.ones(1, 2),))
