#!/usr/bin/env python3
"""Write array.json: what PyTorch answers where pullback-array promises the same answer.

Run:   python3 tests/golden/make_array_golden.py > tests/golden/array.json
Needs: torch 2.15 (numpy only for what torch imports)

promote  the result of torch.promote_types, a row for each pair
cast     element conversions: bit patterns in, bit patterns out
sum      a hash of the bits of sums over some dims of a strided view of pseudo-random numbers
shapes   what broadcasting, matmul and writes in place answer for two shapes: a shape, or the error's first line

Random numbers are not stored: `numbers` is written again in the test, bit for bit.
"""
import json
import struct
import sys

import torch

torch.set_num_threads(1)
DTYPES = {
    "bool": torch.bool,
    "uint8": torch.uint8,
    "int8": torch.int8,
    "int16": torch.int16,
    "uint16": torch.uint16,
    "int32": torch.int32,
    "uint32": torch.uint32,
    "int64": torch.int64,
    "uint64": torch.uint64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}
MASK = (1 << 64) - 1


def numbers(seed, n):
    """n numbers with 53 significant bits and exponents over 16 binades, by Knuth's MMIX generator."""
    out, x = [], seed
    for _ in range(n):
        x = (x * 6364136223846793005 + 1442695040888963407) & MASK
        out.append(((x >> 11) - (1 << 52)) * 2.0 ** (((x >> 33) & 15) - 60))
    return out


def pattern(x):
    """Bits of a number of its tensor's dtype, as hexadecimal digits."""
    bits = x.reshape(1).view(torch.uint8).tolist()
    return "".join("%02x" % b for b in reversed(bits))


def digest(patterns):
    """FNV-1a over the concatenated digits: enough to tell equal from different."""
    h = 0xCBF29CE484222325
    for byte in "".join(patterns).encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return "%016x" % h


def promote():
    def common(a, b):
        try:
            return str(torch.promote_types(a, b)).removeprefix("torch.")
        except RuntimeError as error:
            return "error: " + str(error).splitlines()[0]

    return [[a, b, common(DTYPES[a], DTYPES[b])] for a in DTYPES for b in DTYPES]


INTEGERS = [0, 1, -1, 2, 127, 128, 255, 256, -128, -129, 32768, 16777217, 16777219, -16777217]
INTEGERS += [2**31 - 1, -(2**31), 2**31, 2**32, 2**32 + 5, -(2**32) - 5]
# Integers whose rounding to float32 differs if it goes through float64.
INTEGERS += [2**53 + 1, -(2**53) - 1, 2**60 + 2**36 + 1, 2**60 + 3 * 2**36 - 1, -(2**60) - 2**36 - 1, 2**62 + 2**38 + 1]
INTEGERS += [2**63 - 1, -(2**63), 2**63 - 513, 2**63 - 2**38 - 1]
FLOATS = [0.0, -0.0, 0.5, -0.5, 0.999999, 1.0, -1.0, 1.5, 2.5, -2.5, 254.9, 255.0, 255.5, 256.0, 300.7, -3.7, 65535.9]
FLOATS += [2.0**31 - 1, 2.0**31, -(2.0**31), 2.0**32, 2.0**33 + 7, -(2.0**33) - 7, 2.0**53, 2.0**53 + 2, 2.0**62]
FLOATS += [1e-45, 1.1754943e-38, 5e-324, 3.4028234663852886e38, 3.4028235677973366e38, 3.5e38, -3.5e38]
FLOATS += [1 + 2.0**-24, 1 + 3 * 2.0**-24, 1 + 2.0**-24 + 2.0**-50, float("inf"), float("-inf"), float("nan")]
# No C conversion is defined for these; what PyTorch gives depends on the machine and on the vector width.
WILD = [1e19, -1e19, 2.0**63, 1e300, float("inf"), float("-inf"), float("nan")]


def fits(x, dtype):
    info = torch.iinfo(dtype)
    return info.min <= x <= info.max


def cast():
    rows = []
    for src, s in DTYPES.items():
        if s == torch.bool:
            values = [False, True]
        elif s.is_floating_point:
            values = FLOATS
        else:
            values = [x for x in INTEGERS if fits(x, s)]
        for dst, d in DTYPES.items():
            pairs = []
            for value in values:
                x = torch.tensor(value, dtype=s)
                to_integer = not d.is_floating_point and d != torch.bool and s.is_floating_point
                # C says nothing of what does not fit; PyTorch goes through int64 for uint8.
                range = torch.int64 if d == torch.uint8 else d
                if to_integer and (x.isnan() or not fits(int(x.item()) if x.isfinite() else x.item(), range)):
                    continue
                pairs.append([pattern(x), pattern(x.to(d))])
            rows.append({"from": src, "to": dst, "values": pairs})
    return rows


def halves():
    """Every half as float32, and as many floats as halves: digests of the bits, in blocks that say where a difference is."""
    rows = []
    for name in ("float16", "bfloat16"):
        every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
        wide = every.view(DTYPES[name]).float()
        wide = torch.where(wide.isnan(), torch.tensor(float("nan")), wide)  # which NaN is not promised
        for block in range(0, 2**16, 4096):
            rows.append([name, "widen", block, digest("%08x" % (b & 0xFFFFFFFF) for b in wide[block : block + 4096].view(torch.int32).tolist())])
        # All exponents with many digits: by a multiplicative hash.
        bits = [(i * 2654435761 + 97) & 0xFFFFFFFF for i in range(2**16)]
        floats = torch.tensor([b - 2**32 if b >= 2**31 else b for b in bits], dtype=torch.int32).view(torch.float32)
        narrow = torch.where(floats.isnan(), torch.tensor(0.0), floats).to(DTYPES[name])
        for block in range(0, 2**16, 4096):
            rows.append([name, "round", block, digest("%04x" % (b & 0xFFFF) for b in narrow[block : block + 4096].view(torch.int16).tolist())])
    return rows


def wild():
    """NaN and out-of-range floats as integers, as PyTorch's casts give them on x86: one element and many."""
    rows = []
    for dst in ("uint8", "int32", "int64"):
        for src in ("float32", "float64"):
            x = torch.tensor(WILD + [2.0**31, -(2.0**33) - 7], dtype=DTYPES[src])
            one = [y.to(DTYPES[dst]).item() for y in x]
            many = x.repeat_interleave(64).to(DTYPES[dst])[::64].tolist()
            values = [struct.unpack("<Q", struct.pack("<d", y))[0] for y in x.double().tolist()]
            rows.append({"from": src, "to": dst, "values": values, "one": one, "many": many})
    return rows


def contiguous(shape):
    strides, step = [], 1
    for n in reversed(shape):
        strides.insert(0, step)
        step *= max(n, 1)
    return strides


def sum_cases():
    """(sizes, strides, dims) of the views to add up."""
    totals = [*range(0, 40), 47, 48, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 500, 511, 512, 513, 1000, 1023, 1024]
    totals += [1025, 2047, 2048, 2049, 4095, 4096, 4097, 5000, 8191, 8192, 8193, 10000, 16383, 16384, 16385, 20000, 30000]
    totals += [32767, 32768, 32769, 50000, 65536]
    for n in totals:
        yield [n], [1], [0]
    for n in (1, 5, 16, 17, 64, 100, 1000, 4097):
        yield [n], [3], [0]  # every third
    for rows in (1, 2, 3, 4, 5, 7, 16, 17, 33, 100, 257, 1000):
        for cols in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 100):
            if rows * cols <= 20000:
                for dims in ([0], [1], [0, 1]):
                    yield [rows, cols], [cols, 1], dims
    for rows, cols in ((3, 5), (17, 8), (40, 33), (100, 64), (7, 300)):
        for dims in ([0], [1], [0, 1]):
            yield [rows, cols], [1, rows], dims  # transposed
            yield [rows, cols], [2 * cols + 1, 1], dims  # rows apart
            yield [rows, cols], [3 * cols, 2], dims  # every second column
            yield [rows, cols], [0, 1], dims  # expanded
            yield [rows, cols], [1, 0], dims  # expanded
    for shape in ([2, 3, 4], [5, 7, 9], [16, 20, 8], [3, 40, 33], [33, 2, 65], [4, 1, 6], [1, 5, 1], [10, 100, 12]):
        a, b, c = shape
        for dims in ([0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]):
            yield shape, contiguous(shape), dims
            yield shape, [1, a * c, a], dims  # permuted
            yield shape, [b * c, 1, b], dims  # last two exchanged
    for dims in ([1, 3], [0, 2], [0, 1, 3], [3], [2, 3], [0, 3]):
        yield [4, 6, 5, 9], contiguous([4, 6, 5, 9]), dims
    for shape, dims in (([0, 3], [0]), ([3, 0], [0]), ([3, 0], [1]), ([2, 0, 3], [1]), ([2, 0, 3], [0, 2])):
        yield shape, contiguous(shape), dims


def sums():
    rows = []
    for dtype in ("float32", "float64"):
        for i, (sizes, strides, dims) in enumerate(sum_cases()):
            extent = 1 + sum((n - 1) * s for n, s in zip(sizes, strides)) if 0 not in sizes else 0
            seed = 1000 + i
            flat = torch.tensor(numbers(seed, extent), dtype=DTYPES[dtype])
            out = flat.as_strided(sizes, strides).sum(dims)
            bits = [pattern(x) for x in out.flatten()]
            rows.append([dtype, seed, sizes, strides, dims, digest(bits)])
    return rows


def answer(run):
    try:
        return {"shape": list(run().shape)}
    except (RuntimeError, IndexError) as error:
        return {"error": str(error).splitlines()[0]}


def shapes():
    zeros = torch.zeros
    rows = []
    few = [[], [0], [1], [3], [4], [1, 3], [2, 1], [2, 3], [3, 2], [4, 3], [0, 3], [2, 0], [2, 1, 3], [5, 2, 3], [5, 1, 1]]
    for a in few:
        for b in few:
            rows.append(["add", a, b, answer(lambda: zeros(a) + zeros(b))])
            rows.append(["add_", a, b, answer(lambda: zeros(a).add_(zeros(b)))])
            rows.append(["copy_", a, b, answer(lambda: zeros(a).copy_(zeros(b)))])
            rows.append(["expand", a, b, answer(lambda: zeros(a).expand(b))])
    for a in ([2], [3], [2, 3]):
        for b in ([2], [3], [2, 3]):
            rows.append(["outer", a, b, answer(lambda: torch.outer(zeros(a), zeros(b)))])
    many = [[], [0], [1], [3], [4], [2, 3], [3, 2], [1, 3], [4, 5], [2, 0], [0, 3], [0, 0], [2, 2, 3], [2, 3, 5], [2, 4, 5]]
    many += [[3, 3, 5], [1, 3, 2], [0, 3, 4], [2, 3, 0], [5, 2, 2, 3], [5, 1, 3, 4], [1, 2, 4, 5], [2, 2, 2, 3]]
    for a in many:
        for b in many:
            rows.append(["matmul", a, b, answer(lambda: zeros(a) @ zeros(b))])
    return rows


def dtype_errors():
    rows = []
    for shape_a, shape_b in (([2], [2]), ([2, 2], [2]), ([2, 2], [2, 2]), ([3, 2, 2], [3, 2, 2]), ([3, 2, 2], [2, 2])):
        some = [d for d in DTYPES if d not in ("int16", "uint32", "uint64")]
        for a in some:
            for b in some:
                x, y = torch.zeros(shape_a, dtype=DTYPES[a]), torch.zeros(shape_b, dtype=DTYPES[b])
                rows.append([shape_a, shape_b, a, b, answer(lambda: x @ y)])
    return rows


lists = {
    "promote": promote(),
    "cast": cast(),
    "cast_beyond": wild(),
    "halves": halves(),
    "sum": sums(),
    "shapes": shapes(),
    "matmul_dtypes": dtype_errors(),
}
out = sys.stdout
out.write('{\n"torch": %s' % json.dumps(torch.__version__))
for name, rows in lists.items():
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    out.write(',\n"%s": [\n%s\n]' % (name, lines))
out.write("\n}\n")
