"""TensorBoard's event files: records with checksums, and the messages in them, written by hand as protocol buffers.

https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto says what the fields are.
"""

import struct
import zlib

_POLYNOMIAL = 0x82F63B78
_TABLE = []
for _n in range(256):
    for _ in range(8):
        _n = (_n >> 1) ^ (_POLYNOMIAL if _n & 1 else 0)
    _TABLE.append(_n)


def crc32c(data):
    """Castagnoli's checksum."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data):
    """A record of bytes: their length and themselves, each with a checksum."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def varint(n):
    """A number in pieces of seven bits."""
    n &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append(n & 0x7F | (0x80 if n > 0x7F else 0))
        n >>= 7
        if not n:
            return bytes(out)


def field(number, value):
    """A field: an int, bytes, a text, a double (a Python float), or a list of doubles."""
    if isinstance(value, bool) or isinstance(value, int):
        return varint(number << 3) + varint(int(value))
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, str):
        value = value.encode()
    elif isinstance(value, list):
        value = struct.pack(f"<{len(value)}d", *value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def single(number, value):
    """A field of single precision."""
    return varint(number << 3 | 5) + struct.pack("<f", value)


def event(wall_time, step, *, summary=None, version=None):
    """An event: the file's version, or a summary."""
    out = field(1, float(wall_time))
    if step:
        out += field(2, int(step))
    if version is not None:
        out += field(3, version)
    if summary is not None:
        out += field(5, summary)
    return out


def value(tag, body, plugin=None, content=b""):
    """A summary's value: a tag, what is said of it, and for which part of TensorBoard it is."""
    metadata = b"" if plugin is None else field(9, field(1, field(1, plugin) + (field(2, content) if content else b"")))
    return field(1, field(1, tag) + body + metadata)


def histogram(smallest, largest, count, total, squares, limits, counts):
    """A histogram: its moments, and the buckets' upper ends and counts."""
    return field(1, float(smallest)) + field(2, float(largest)) + field(3, float(count)) + field(4, float(total)) + field(5, float(squares)) + field(6, list(map(float, limits))) + field(7, list(map(float, counts)))


def text_tensor(texts):
    """A tensor of texts."""
    return field(1, 7) + field(2, field(2, field(1, len(texts)))) + b"".join(field(8, t) for t in texts)


def png(pixels):
    """An image of bytes, shape (height, width, 1, 3 or 4), as PNG."""
    height, width, channels = pixels.shape
    kind = {1: 0, 3: 2, 4: 6}[channels]

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + pixels[i].tobytes() for i in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
