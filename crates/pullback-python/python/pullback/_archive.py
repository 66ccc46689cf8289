"""Zip archives as PyTorch writes them: every record stored as it is, aligned to 64 bytes, with a checksum.

Not for: what the records mean (`serialization.py`). A reader believes nothing: a record must lie inside the file, apart from the others, and must
be as long as it says, before a byte of memory is made for it.
"""

import re
import struct
import zlib

ALIGNMENT = 64
_LOCAL, _CENTRAL, _END, _END64, _LOCATOR64 = b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7"
_MOST32 = 0xFFFFFFFF


class Broken(RuntimeError):
    """What is read is no archive, or one that contradicts itself."""

    def __init__(self, why):
        super().__init__(f"PytorchStreamReader failed reading zip archive: {why}")


class Record:
    """One record: where its bytes lie, and the checksum they must have."""

    __slots__ = ("crc", "header", "name", "size", "start")

    def __init__(self, name, header, start, size, crc):
        self.name, self.header, self.start, self.size, self.crc = name, header, start, size, crc


class Reader:
    """The records of an archive in a file that can `seek` and `read`."""

    def __init__(self, file, begin, size):
        self.file, self.begin, self.size = file, begin, size
        self.records = {}
        found = self._directory()
        names = [r.name for r in found]
        if not names:
            raise Broken("it has no records")
        prefix = names[0].partition("/")[0] + "/"
        if not all(n.startswith(prefix) for n in names):
            raise Broken("its records are not in one folder")
        for record in found:
            self.records[record.name[len(prefix) :]] = record
        if len(self.records) != len(found):
            raise Broken("two records have one name")

    def at(self, offset, n):
        """`n` bytes of the file."""
        if offset < 0 or n < 0 or offset + n > self.size:
            raise Broken("it is truncated, or says that records lie outside of it")
        self.file.seek(self.begin + offset)
        data = self.file.read(n)
        if len(data) != n:
            raise Broken("it is truncated")
        return data

    def _end(self):
        """How many records there are, and where the list of them lies."""
        tail = self.at(max(0, self.size - 66_000), min(self.size, 66_000))
        found = tail.rfind(_END)
        if found < 0 or found + 22 > len(tail):
            raise Broken("failed finding central directory")
        at = self.size - len(tail) + found
        _, disk, start_disk, here, count, size, offset, _ = struct.unpack("<4sHHHHIIH", tail[found : found + 22])
        if at >= 20 and self.at(at - 20, 4) == _LOCATOR64:
            (at64,) = struct.unpack("<Q", self.at(at - 12, 8))
            end = self.at(at64, 56)
            if end[:4] != _END64:
                raise Broken("failed finding central directory")
            here, count, size, offset = struct.unpack("<4Q", end[24:56])
            at = at64
        if disk or start_disk or here != count or offset + size > at or count * 46 > size:
            raise Broken("its central directory contradicts itself")
        return count, size, offset

    def _directory(self):
        count, size, offset = self._end()
        data, at, found = self.at(offset, size), 0, []
        for _ in range(count):
            entry = data[at : at + 46]
            if len(entry) < 46 or entry[:4] != _CENTRAL:
                raise Broken("its central directory contradicts itself")
            _, _, flags, method, _, _, crc, packed, length, n_name, n_extra, n_comment = struct.unpack("<6H3I3H", entry[4:34])
            (header,) = struct.unpack("<I", entry[42:46])
            name, extra = data[at + 46 : at + 46 + n_name], data[at + 46 + n_name : at + 46 + n_name + n_extra]
            at += 46 + n_name + n_extra + n_comment
            if at > size:
                raise Broken("its central directory contradicts itself")
            length, packed, header = _wide(extra, length, packed, header)
            if method != 0 or flags & 1 or packed != length:
                raise Broken("a record is compressed or encrypted, which files of torch.save never are")
            found.append(self._record(name, header, length, crc))
        self._apart(found, offset)
        return found

    def _record(self, name, header, length, crc):
        local = self.at(header, 30)
        n_name, n_extra = struct.unpack("<HH", local[26:30])
        if local[:4] != _LOCAL or self.at(header + 30, n_name) != name:
            raise Broken("a record is not where the central directory says")
        try:
            text = name.decode()
        except UnicodeDecodeError:
            raise Broken("a record's name is no text") from None
        return Record(text, header, header + 30 + n_name + n_extra, length, crc)

    @staticmethod
    def _apart(records, end):
        for record, after in zip(ordered := sorted(records, key=lambda r: r.header), [*(r.header for r in ordered[1:]), end]):
            if record.start + record.size > after:
                raise Broken(f"the record {record.name!r:.100} overlaps another or lies outside of the file")

    def __contains__(self, name):
        return name in self.records

    def find(self, name):
        """The record of a name, or an error."""
        found = self.records.get(name)
        if found is None:
            raise Broken(f"file not found: {name:.100}")
        return found

    def read(self, name):
        """A record's bytes, their checksum verified."""
        record = self.find(name)
        data = self.at(record.start, record.size)
        self._verify(record, data)
        return data

    def read_into(self, name, memory):
        """A record's bytes into memory of exactly their size."""
        record = self.find(name)
        if memory.nbytes != record.size:
            raise Broken(f"the record {name:.100} has {record.size} bytes where {memory.nbytes} are to be")
        if record.start + record.size > self.size:
            raise Broken("it is truncated")
        self.file.seek(self.begin + record.start)
        if hasattr(self.file, "readinto"):
            at = 0
            while at < record.size:
                n = self.file.readinto(memory[at:])
                if not n:
                    raise Broken("it is truncated")
                at += n
        else:
            memory[:] = self.at(record.start, record.size)
        self._verify(record, memory)

    @staticmethod
    def _verify(record, data):
        if zlib.crc32(data) != record.crc:
            raise Broken(f"the checksum of the record {record.name!r:.100} is wrong: the file is damaged")


# The versions of the format that PyTorch's readers take.
_VERSIONS = range(1, 11)


def check_version(reader):
    """PyTorch's errors for archives of a version that is not known."""
    name = next((n for n in (".data/version", "version") if n in reader), None)
    if name is None:
        raise RuntimeError('Expected hasRecord("version") to be true, but got false.')
    text = reader.read(name)
    number = re.match(rb"\s*([+-]?\d{1,19})", text)
    if number is None:
        raise RuntimeError(f"Couldn't parse the version {text.decode(errors='replace').strip():.40} as Long Long.")
    version = int(number[1])
    if version < _VERSIONS.start:
        raise RuntimeError(
            f"Attempted to read a PyTorch file with version {version}, but the minimum supported version for reading is {_VERSIONS.start}. "
            "The file is too old. Please regenerate it with latest version of PyTorch to mitigate this issue."
        )
    if version >= _VERSIONS.stop:
        raise RuntimeError(
            f"Attempted to read a PyTorch file with version {version}, but the maximum supported version for reading is {_VERSIONS.stop - 1}. "
            "This installation may be too old to read it."
        )


def _wide(extra, length, packed, header):
    """Sizes and places that need 64 bits stand in the extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, n = struct.unpack("<HH", extra[at : at + 4])
        if kind == 1:
            wide = extra[at + 4 : at + 4 + n]
            values = [struct.unpack("<Q", wide[i : i + 8])[0] for i in range(0, len(wide) - 7, 8)]
            needed = [length, packed, header].count(_MOST32)
            if len(values) < needed:
                raise Broken("its central directory contradicts itself")
            values = iter(values)
            length = next(values) if length == _MOST32 else length
            packed = next(values) if packed == _MOST32 else packed
            header = next(values) if header == _MOST32 else header
        at += 4 + n
    return length, packed, header


class Writer:
    """Writes an archive, front to back, to anything with `write`."""

    def __init__(self, out, folder):
        self.out, self.folder, self.at, self.directory = out, folder, 0, []

    def _put(self, data):
        self.out.write(data)
        self.at += memoryview(data).nbytes

    def write(self, name, data):
        """One record."""
        data = memoryview(data).cast("B")
        path, crc, size, header = f"{self.folder}/{name}".encode(), zlib.crc32(data), data.nbytes, self.at
        wide = struct.pack("<HHQQ", 1, 16, size, size) if size >= _MOST32 else b""
        fill = -(self.at + 30 + len(path) + len(wide) + 4) % ALIGNMENT
        extra = wide + struct.pack("<HH", 0x4246, fill) + b"Z" * fill
        short = min(size, _MOST32)
        self._put(struct.pack("<4s5HIIIHH", _LOCAL, 45 if wide else 0, 0x0800, 0, 0, 0x21, crc, short, short, len(path), len(extra)) + path + extra)
        self._put(data)
        wides = [n for n in (size, size, header) if n >= _MOST32]
        wides = wides if size >= _MOST32 or not wides else [header]
        extra = struct.pack(f"<HH{len(wides)}Q", 1, 8 * len(wides), *wides) if wides else b""
        self.directory.append(
            struct.pack("<4s6HIIIHHHHHII", _CENTRAL, 0, 45 if wides else 0, 0x0800, 0, 0, 0x21, crc, short, short, len(path), len(extra), 0, 0, 0, 0, min(header, _MOST32)) + path + extra
        )

    def close(self):
        """The list of all records, which ends an archive."""
        start = self.at
        for entry in self.directory:
            self._put(entry)
        size, count = self.at - start, len(self.directory)
        if start >= _MOST32 or size >= _MOST32 or count >= 0xFFFF:
            here = self.at
            self._put(struct.pack("<4sQHHIIQQQQ", _END64, 44, 45, 45, 0, 0, count, count, size, start))
            self._put(struct.pack("<4sIQI", _LOCATOR64, 0, here, 1))
        self._put(struct.pack("<4sHHHHIIH", _END, 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), min(size, _MOST32), min(start, _MOST32), 0))
