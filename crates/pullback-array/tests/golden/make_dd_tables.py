#!/usr/bin/env python3
"""Write src/dd/tables.rs: the constants of the double-double module, from mpmath.

Run from the crate's directory:  python3 tests/golden/make_dd_tables.py | rustfmt > src/dd/tables.rs
Needs: pip install mpmath
"""
import struct
from mpmath import mp, mpf, pi, log, exp, sin, cos, sqrt, e, factorial, bernoulli, floor

mp.prec = 2400


def bits(x):
    return "0x%016x" % struct.unpack("<Q", struct.pack("<d", x))[0]


def rnd(x):
    """Nearest f64 of an mpf."""
    return float(mp.mpf(x))


def parts(x, n):
    out = []
    for _ in range(n):
        h = rnd(x)
        out.append(h)
        x = x - mpf(h)
    return out


def dd(x):
    h, l = parts(x, 2)
    return f"dd({bits(h)}, {bits(l)})"


def raw(x, n):
    return "[" + ", ".join(f"f64::from_bits({bits(v)})" for v in parts(x, n)) + "]"


def short(x, nbits):
    """x cut to nbits significant bits (towards zero), as an mpf."""
    m, ex = mp.frexp(x)
    return mp.ldexp(floor(mp.ldexp(m, nbits)), int(ex) - nbits)


print("//! Constants of the double-double module, written by tests/golden/make_dd_tables.py.")
print("//!")
print("//! Every entry is the exact value rounded to a pair (or triple) of `f64`; nothing here is tuned")
print("//! by hand and nothing here computes.")
print()
print("use super::Dd;")
print()
print("const fn dd(hi: u64, lo: u64) -> Dd { Dd { hi: f64::from_bits(hi), lo: f64::from_bits(lo) } }")


def scalar(name, doc, x):
    print(f"/// {doc}")
    print(f"pub(super) const {name}: Dd = {dd(x)};")


def table(name, doc, xs):
    print(f"/// {doc}")
    print(f"pub(super) const {name}: [Dd; {len(xs)}] = [{', '.join(dd(x) for x in xs)}];")


scalar("PI", "Archimedes' constant.", +pi)
scalar("FRAC_PI_2", "pi / 2.", pi / 2)
scalar("FRAC_PI_4", "pi / 4.", pi / 4)
scalar("TAU", "2 pi.", 2 * pi)
scalar("FRAC_1_PI", "1 / pi.", 1 / pi)
scalar("FRAC_2_SQRT_PI", "2 / sqrt(pi).", 2 / sqrt(pi))
scalar("E", "Euler's number.", +e)
scalar("LN_2", "ln 2.", log(2))
scalar("LN_10", "ln 10.", log(10))
scalar("LOG2_E", "1 / ln 2.", 1 / log(2))
scalar("LOG10_E", "1 / ln 10.", 1 / log(10))
scalar("LOG10_2", "log10 2.", log(2) / log(10))
scalar("SQRT_2", "sqrt 2.", sqrt(mpf(2)))
scalar("FRAC_1_SQRT_2", "1 / sqrt 2.", 1 / sqrt(mpf(2)))
scalar("HALF_LN_TAU", "ln(2 pi) / 2.", log(2 * pi) / 2)

l = log(2) / 16
a = short(l, 38)
b = short(l - a, 38)
c = l - a - b
print("/// ln 2 / 16 = A + B + C; A and B have 38 bits, so their multiples by 15-bit integers are exact.")
print(f"pub(super) const LN2_16: [f64; 3] = [{', '.join(f'f64::from_bits({bits(rnd(v))})' for v in (a, b, c))}];")

table("EXP2_16", "2^(j/16), j = 0..16.", [mpf(2) ** (mpf(j) / 16) for j in range(16)])
table("INV_FACT", "1 / n!, n = 0..19.", [1 / factorial(n) for n in range(19)])
table("INV_INT", "1 / n, n = 1..13 at index n - 1.", [mpf(1) / n for n in range(1, 14)])
table("SIN_8", "sin(j/8), j = 0..7.", [sin(mpf(j) / 8) for j in range(7)])
table("COS_8", "cos(j/8), j = 0..7.", [cos(mpf(j) / 8) for j in range(7)])
print("/// tan((2 j + 1)/16), the switch points between the centres j/8 and (j + 1)/8.")
ts = [mp.tan(mpf(2 * j + 1) / 16) for j in range(6)]
print(f"pub(super) const TAN_MID: [f64; {len(ts)}] = [{', '.join(f'f64::from_bits({bits(rnd(v))})' for v in ts)}];")
logs = [-log(mpf(i) / 32) for i in range(23, 46)]
print("/// -ln(i/32) in three parts, i = 23..46 at index i - 23.")
print(f"pub(super) const NEG_LN_32: [[f64; 3]; {len(logs)}] = [{', '.join(raw(x, 3) for x in logs)}];")
table("ERF_SERIES", "(-1)^n / (n! (2 n + 1)), n = 0..27.", [(-1) ** n / (factorial(n) * (2 * n + 1)) for n in range(27)])
h = mpf(11) / 32
table("ERFC_WEIGHT", "exp(-(11 n / 32)^2), n = 1..27 at index n - 1.", [exp(-(n * h) ** 2) for n in range(1, 27)])
table("STIRLING", "B_2n / (2n (2n - 1)), n = 1..17 at index n - 1.", [bernoulli(2 * n) / (2 * n * (2 * n - 1)) for n in range(1, 17)])
N = 24
words = []
x = 2 / pi
for _ in range(N):
    x = mp.ldexp(x, 64)
    w = int(floor(x))
    words.append(w)
    x -= w
print("/// The bits of 2/pi after the binary point, 64 to a word.")
print(f"pub(super) const TWO_OVER_PI: [u64; {N}] = [{', '.join('0x%016x' % w for w in words)}];")
