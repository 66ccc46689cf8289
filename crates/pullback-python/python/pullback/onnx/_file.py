"""Models as bytes of ONNX files: the few messages of ONNX's protocol buffers that a model is made of, written by hand.

A message is a list of fields; a field begins with a number (its number in the message's definition times 8, plus how it is written) and is an integer of
7 bits a byte, four bytes, or a length and so many bytes. The numbers are those of `onnx.proto3`.
"""

import struct

# Numbers of elements' types (`TensorProto.DataType`).
TYPES = {
    "float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11, "uint32": 12, "uint64": 13, "bfloat16": 16,
}  # fmt: skip
_FLOAT, _INT, _STRING, _FLOATS, _INTS = 1, 2, 3, 6, 7


def _number(n):
    """An integer, 7 bits a byte; one below 0 as the 64 bits of its complement."""
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def integer(field, n):
    return _number(field << 3) + _number(n)


def single(field, x):
    return _number(field << 3 | 5) + struct.pack("<f", x)


def data(field, content):
    content = content.encode() if isinstance(content, str) else content
    return _number(field << 3 | 2) + _number(len(content)) + content


def attribute(name, value):
    """An attribute of a node: a float, an integer, a text, or a list of integers or floats."""
    if isinstance(value, float):
        content = single(2, value) + integer(20, _FLOAT)
    elif isinstance(value, int):
        content = integer(3, int(value)) + integer(20, _INT)
    elif isinstance(value, str):
        content = data(4, value) + integer(20, _STRING)
    elif all(isinstance(v, int) for v in value):
        content = b"".join(integer(8, v) for v in value) + integer(20, _INTS)
    else:
        content = b"".join(single(7, float(v)) for v in value) + integer(20, _FLOATS)
    return data(1, name) + content


def node(kind, name, inputs, outputs, attributes):
    parts = [data(1, i) for i in inputs] + [data(2, o) for o in outputs] + [data(3, name), data(4, kind)]
    return b"".join(parts + [data(5, attribute(k, v)) for k, v in attributes.items()])


def tensor(name, value):
    """A tensor's numbers, row by row, lowest byte first."""
    from .. import int16

    content = value.detach().contiguous()
    # NumPy has no bfloat16.
    raw = (content.view(int16) if content.dtype.name == "bfloat16" else content).numpy()
    raw = raw.astype(raw.dtype.newbyteorder("<")).tobytes()
    return b"".join(integer(1, n) for n in content.shape) + integer(2, TYPES[content.dtype.name]) + data(8, name) + data(9, raw)


def described(name, value, dims):
    """An input or output: its type and its sizes, of which those in `dims` have a name in place of a number."""
    sizes = b"".join(data(1, data(2, dims[k]) if k in dims else integer(1, n)) for k, n in enumerate(value.shape))
    return data(1, name) + data(2, data(1, integer(1, TYPES[value.dtype.name]) + data(2, sizes)))


def model(graph, opset, producer, version, doc=""):
    """A file: the graph (its fields, joined), which version of ONNX's operators it uses, and who wrote it."""
    parts = [integer(1, 8 if opset < 19 else 9 if opset < 21 else 10), data(2, producer), data(3, version)]
    return b"".join(parts + ([data(6, doc)] if doc else []) + [data(7, graph), data(8, integer(2, opset))])
