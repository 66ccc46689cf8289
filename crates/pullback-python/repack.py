"""A wheel with every file packed as small as deflate allows: what people download, some four percent smaller, and read by every `pip`.

    pip install zopfli
    python crates/pullback-python/repack.py target/wheels/pullback-*.whl

Writes in the wheel's place, whole or not at all. Takes a minute. Files, their order, dates and modes stay, and so do the hashes in `RECORD`, which are
those of the files themselves.
"""

import os
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import zopfli.zlib


def packed(data):
    """A raw deflate stream of the bytes: without the header of two bytes and the checksum of four that zlib puts around it."""
    return zopfli.zlib.compress(data, numiterations=15)[2:-4]


def header(info, size, name):
    """What stands before a file's bytes."""
    date = (info.date_time[0] - 1980) << 9 | info.date_time[1] << 5 | info.date_time[2]
    time = info.date_time[3] << 11 | info.date_time[4] << 5 | info.date_time[5] // 2
    return struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0x800, 8, time, date, info.CRC, size, info.file_size, len(name), 0) + name


def listed(info, size, name, at):
    """What stands of a file in the list at the end."""
    date = (info.date_time[0] - 1980) << 9 | info.date_time[1] << 5 | info.date_time[2]
    time = info.date_time[3] << 11 | info.date_time[4] << 5 | info.date_time[5] // 2
    made = info.create_system << 8 | 20
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", made, 20, 0x800, 8, time, date, info.CRC, size, info.file_size, len(name), 0, 0, 0, 0, info.external_attr, at) + name


def repack(path):
    """Writes a wheel anew; says how many bytes it had and has."""
    out, ends = bytearray(), bytearray()
    with zipfile.ZipFile(path) as wheel:
        for info in wheel.infolist():
            body, name, at = packed(wheel.read(info)), info.filename.encode(), len(out)
            out += header(info, len(body), name) + body
            ends += listed(info, len(body), name, at)
        count = len(wheel.infolist())
    out += ends + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(ends), len(out), 0)
    new = path.with_suffix(".new")
    new.write_bytes(out)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(new) as made:
        assert made.testzip() is None and made.namelist() == old.namelist()
        assert all(zlib.crc32(made.read(i)) == i.CRC == j.CRC and i.external_attr == j.external_attr for i, j in zip(made.infolist(), old.infolist()))
    before = path.stat().st_size
    os.replace(new, path)
    return before, len(out)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    for given in sys.argv[1:]:
        print(given, "{:,} -> {:,} bytes".format(*repack(Path(given))))
