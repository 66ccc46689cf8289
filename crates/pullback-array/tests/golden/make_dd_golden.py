#!/usr/bin/env python3
"""Write dd.json: arguments and results of the double-double functions, from mpmath.

Run:   python3 tests/golden/make_dd_golden.py > tests/golden/dd.json
       python3 tests/golden/make_dd_golden.py 3000 7 > more.json   (rows per function, seed)
Needs: pip install mpmath

A row is one string of 16-digit hexadecimal f64 bit patterns: the high and low part of each
argument, then of the result, which is the exact value rounded to a pair.
"""
import json
import math
import random
import struct
import sys

from mpmath import mp, mpf

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 90
random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1971)
PREC = 500
mp.prec = PREC


def bits(x):
    return "%016x" % struct.unpack("<Q", struct.pack("<d", x))[0]


def pair(x):
    hi = float(x)
    if hi == 0 or math.isinf(hi):
        return hi, 0.0
    return hi, float(x - mpf(hi))


def dd(x):
    """The value of the pair nearest to x, as an mpf."""
    hi, lo = pair(mpf(x))
    return mpf(hi) + mpf(lo)


def wide(lo, hi, sign=True):
    """A full pair with its exponent (base 2) uniform between lo and hi."""
    e = random.randint(lo, hi)
    x = mp.ldexp(mpf(random.getrandbits(160)) / mpf(2) ** 160 + 1, e)
    kind = random.random()
    if kind < 0.1:
        x = mpf(float(x))  # a plain f64
    elif kind < 0.2:
        x = mpf(float(x)) * (1 + mp.ldexp(mpf(random.getrandbits(53)), -53 - random.randint(54, 200)))
    x = dd(x)
    return -x if sign and random.random() < 0.5 else x


def near(centre, lo=-110, hi=-3):
    return dd(mpf(centre) + wide(lo, hi))


def uniform(a, b):
    return dd(mpf(a) + (mpf(b) - mpf(a)) * random.getrandbits(200) / mpf(2) ** 200)


def pick(*makers):
    return lambda: random.choice(makers)()


def one(x):
    return lambda: (x(),)


def both(x, y):
    return lambda: (x(), y())


def at_pi():
    """Next to a multiple of pi/2, small or large."""
    n = random.randint(1, 1 << random.choice([1, 4, 20, 50, 100]))
    x = dd(n * mp.pi / 2)
    return x if random.random() < 0.5 else dd(x * (1 + mp.ldexp(mpf(1), -random.randint(20, 100))))


def huge_angle():
    return wide(50, 1000)


def integer():
    return mpf(random.randint(-40, 40))


def cancelling():
    a = wide(-50, 50)
    return a, dd(-a * (1 + wide(-107, -1)))


def pow_pair():
    x = pick(lambda: wide(-300, 300, False), lambda: near(1), lambda: uniform(0.5, 2))()
    limit = 700 / max(abs(mp.log(x)), mpf(2) ** -200)
    return x, dd(uniform(-1, 1) * min(limit, mpf(10) ** 60))


def on_circle():
    y, x = wide(-300, 300), wide(-300, 300)
    kind = random.random()
    if kind < 0.6:
        x, y = wide(-30, 30), wide(-30, 30)
    if kind < 0.2:
        y = dd(abs(x) * (1 + wide(-100, -3)))
    return y, x


def near_centre():
    """Next to the tangents of j/8."""
    return dd(mp.tan(mpf(random.randint(-6, 6)) / 8) + wide(-100, -5))


ANGLES = pick(at_pi, at_pi, lambda: uniform(-7, 7), lambda: wide(-300, 50), huge_angle)
POSITIVE = pick(lambda: near(1), lambda: near(1, -12, -1), lambda: uniform(0.4, 3), lambda: wide(-950, 1000, False))
SMALL = pick(lambda: wide(-300, -1), lambda: wide(-12, 3), lambda: uniform(-3, 3))
EXPS = pick(lambda: wide(-200, -1), lambda: uniform(-3, 3), lambda: uniform(-660, 709), lambda: uniform(-744, -660))
UNIT = pick(
    lambda: uniform(-1, 1),
    lambda: wide(-300, -2),
    lambda: dd(random.choice([-1, 1]) * (1 - abs(wide(-107, -2)))),
)

FUNCTIONS = {
    "add": (pick(cancelling, both(lambda: wide(-60, 60), lambda: wide(-60, 60))), lambda a, b: a + b),
    "sub": (pick(cancelling, both(lambda: wide(-60, 60), lambda: wide(-60, 60))), lambda a, b: a - b),
    "mul": (pick(both(lambda: wide(-400, 400), lambda: wide(-400, 400)),
                 both(lambda: wide(-1020, -400), lambda: wide(300, 1000))), lambda a, b: a * b),
    "div": (pick(both(lambda: wide(-400, 400), lambda: wide(-400, 400)),
                 both(lambda: wide(-900, 1010), lambda: wide(-5, 1000))), lambda a, b: a / b),
    "rem": (pick(both(lambda: wide(-10, 200), lambda: wide(-30, 50)),
                 both(lambda: wide(900, 1020), lambda: wide(-30, 1000))),
            lambda a, b: a - b * mp.sign(a / b) * mp.floor(abs(a / b))),
    "sqrt": (one(lambda: wide(-960, 1020, False)), mp.sqrt),
    "cbrt": (one(lambda: wide(-960, 1020)), lambda x: mp.sign(x) * mp.cbrt(abs(x))),
    "hypot": (pick(both(lambda: wide(-900, 1000), lambda: wide(-900, 1000)),
                   both(lambda: wide(-30, 30), lambda: wide(-30, 30))), lambda a, b: mp.sqrt(a * a + b * b)),
    "exp": (one(EXPS), mp.exp),
    "exp2": (one(pick(lambda: uniform(-1074, 1023), lambda: uniform(-3, 3), lambda: wide(-120, -1))), lambda x: mpf(2) ** x),
    "expm1": (one(pick(EXPS, lambda: wide(-12, -1))), mp.expm1),
    "ln": (one(POSITIVE), mp.log),
    "log2": (one(POSITIVE), lambda x: mp.log(x) / mp.log(2)),
    "log10": (one(POSITIVE), lambda x: mp.log(x) / mp.log(10)),
    "ln_1p": (one(pick(lambda: dd(POSITIVE() - 1), lambda: wide(-300, -1),
                       lambda: dd(abs(wide(-107, -1)) - 1))), lambda x: mp.log(1 + x)),
    "powf": (pow_pair, lambda x, y: x ** y),
    "powi": (both(lambda: wide(-15, 15), integer), lambda x, y: x ** int(y)),
    "sin": (one(ANGLES), mp.sin),
    "cos": (one(ANGLES), mp.cos),
    "tan": (one(ANGLES), mp.tan),
    "asin": (one(UNIT), mp.asin),
    "acos": (one(UNIT), mp.acos),
    "atan": (one(pick(lambda: wide(-300, 300), lambda: uniform(-2, 2), near_centre)), mp.atan),
    "atan2": (on_circle, mp.atan2),
    "sinh": (one(pick(SMALL, lambda: uniform(-709, 709))), mp.sinh),
    "cosh": (one(pick(SMALL, lambda: uniform(-709, 709))), mp.cosh),
    "tanh": (one(pick(SMALL, lambda: uniform(-45, 45))), mp.tanh),
    "asinh": (one(pick(SMALL, lambda: wide(-60, 1000))), mp.asinh),
    "acosh": (one(pick(lambda: dd(1 + abs(wide(-106, 3))), lambda: wide(1, 1000, False))), mp.acosh),
    "atanh": (one(UNIT), mp.atanh),
    "erf": (one(pick(lambda: wide(-300, -1), lambda: uniform(-10, 10), lambda: uniform(0.7, 0.8))), mp.erf),
    "erfc": (one(pick(lambda: wide(-100, -1), lambda: uniform(-10, 27.2), lambda: uniform(0.7, 9.5),
                      lambda: uniform(25, 27.2))), mp.erfc),
    "lgamma": (one(pick(lambda: uniform(0, 40), lambda: uniform(-30, 0), lambda: wide(-50, 900, False))),
               lambda x: mp.loggamma(x).real),
    "digamma": (one(pick(lambda: uniform(0, 40), lambda: uniform(-30, 0), lambda: wide(-50, 900, False))), mp.digamma),
}


def rows(make, function, hard):
    seen = set()
    tries = 0
    while len(seen) < COUNT and tries < 50 * COUNT:
        tries += 1
        args = make()
        # Enough bits for the whole part of a large angle or the sum of far-off terms.
        mp.prec = hard
        try:
            value = mpf(function(*args))
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        finally:
            size = mp.prec
            mp.prec = PREC
        mp.prec = size
        hi, lo = pair(value)
        mp.prec = PREC
        if math.isnan(hi) or math.isinf(hi) or hi == 0.0:
            continue
        seen.add("".join(bits(p) for x in args for p in pair(x)) + bits(hi) + bits(lo))
    return sorted(seen)


def main():
    table = {}
    for name, (make, function) in FUNCTIONS.items():
        hard = {"rem": 2500, "expm1": 1200, "cosh": 500}.get(name, 1500 if name in ("sin", "cos", "tan", "add", "sub", "hypot", "ln_1p") else 600)
        table[name] = rows(make, function, hard)
        print(name, len(table[name]), file=sys.stderr)
    json.dump(table, sys.stdout, indent=0)
    print()


main()
