"""Writes src/numpy/tables_normal.rs and src/numpy/tables_exponential.rs.

Reads a JSON copy of NumPy's numpy/random/src/distributions/ziggurat_constants.h (name -> list of the C literals)
and writes each literal's bit pattern, rounded exactly as a C compiler rounds it: a literal with the suffix `f` goes
from decimal to float in one rounding, a literal without it in a float array goes through double.

Run: python ziggurat_tables.py numpy_ziggurat.json ../src/numpy
"""
import json, pathlib, struct, sys
from fractions import Fraction

data = json.loads(pathlib.Path(sys.argv[1]).read_text())
out = pathlib.Path(sys.argv[2])


def f64_bits(text):
    return struct.unpack("<Q", struct.pack("<d", float(text)))[0]


def f32_bits(text):
    if not text.endswith("f"):
        return struct.unpack("<I", struct.pack("<f", float(text)))[0]
    exact = Fraction(text[:-1])
    near = struct.unpack("<I", struct.pack("<f", float(text[:-1])))[0]
    value = lambda b: Fraction(struct.unpack("<f", struct.pack("<I", b))[0])
    # Ties to even: the second key prefers the even pattern.
    return min((near - 1, near, near + 1), key=lambda b: (abs(value(b) - exact), b & 1))


def rows(values, digits, per_line):
    texts = [f"0x{v:0{digits}x}" for v in values]
    return "\n".join("    " + ", ".join(texts[i : i + per_line]) + "," for i in range(0, len(texts), per_line))


def array(name, doc, kind, values):
    if kind == "u64":
        return f"/// {doc}\n#[rustfmt::skip]\npub(super) static {name}: [u64; 256] = [\n{rows(values, 16, 5)}\n];\n"
    if kind == "u32":
        return f"/// {doc}\n#[rustfmt::skip]\npub(super) static {name}: [u32; 256] = [\n{rows(values, 8, 9)}\n];\n"
    if kind == "f64":
        return f"/// {doc}\n#[rustfmt::skip]\npub(super) static {name}: [f64; 256] = f64s([\n{rows(values, 16, 5)}\n]);\n"
    return f"/// {doc}\n#[rustfmt::skip]\npub(super) static {name}: [f32; 256] = f32s([\n{rows(values, 8, 9)}\n]);\n"


def write(path, what, letter, constants):
    text = f"""//! Bit patterns of NumPy's ziggurat tables for the {what} distribution. Data only, no code.
//!
//! Written by `tools/ziggurat_tables.py` from `numpy/random/src/distributions/ziggurat_constants.h` (BSD-3-Clause, see
//! NOTICE); not edited by hand. Floats are kept as bits so that no decimal conversion stands between NumPy and us.

use super::ziggurat::{{f32s, f64s}};

"""
    ints = lambda name: [int(v, 16) for v in data[name]]
    text += array("K_F64", "Acceptance thresholds, double.", "u64", ints(f"k{letter}_double")) + "\n"
    text += array("W_F64", "Widths, double.", "f64", [f64_bits(v) for v in data[f"w{letter}_double"]]) + "\n"
    text += array("F_F64", "Densities, double.", "f64", [f64_bits(v) for v in data[f"f{letter}_double"]]) + "\n"
    text += array("K_F32", "Acceptance thresholds, float.", "u32", ints(f"k{letter}_float")) + "\n"
    text += array("W_F32", "Widths, float.", "f32", [f32_bits(v) for v in data[f"w{letter}_float"]]) + "\n"
    text += array("F_F32", "Densities, float.", "f32", [f32_bits(v) for v in data[f"f{letter}_float"]])
    for name, key, doc in constants:
        if name.endswith("F32"):
            text += f"\n/// {doc}\npub(super) const {name}: f32 = f32::from_bits(0x{f32_bits(data[key]):08x});\n"
        else:
            text += f"\n/// {doc}\npub(super) const {name}: f64 = f64::from_bits(0x{f64_bits(data[key]):016x});\n"
    (out / path).write_text(text)


write("tables_normal.rs", "normal", "i", [
    ("R_F64", "ziggurat_nor_r", "Where the tail begins, double."),
    ("INV_R_F64", "ziggurat_nor_inv_r", "One over it, double."),
    ("R_F32", "ziggurat_nor_r_f", "Where the tail begins, float."),
    ("INV_R_F32", "ziggurat_nor_inv_r_f", "One over it, float."),
])
write("tables_exponential.rs", "exponential", "e", [
    ("R_F64", "ziggurat_exp_r", "Where the tail begins, double."),
    ("R_F32", "ziggurat_exp_r_f", "Where the tail begins, float."),
])
