"""Writes casts.json: what numcodecs' AsType makes of values of every type of number and time, in every other.

Run with numcodecs 0.15.2 and NumPy 2.5 on x86-64, whose casts of floats that do not fit are what they are.

`values` has the bytes of the values by type, in hexadecimal digits; `casts` what they are cast to, by type and type,
or null where the cast is refused. The padding of long doubles is zero.
"""
import json
import pathlib
import warnings

import numcodecs
import numpy as np

warnings.simplefilter("ignore")

INTEGERS = "|i1 <i2 <i4 <i8 |u1 <u2 <u4 <u8".split()
FLOATS = "<f2 <f4 <f8 <f16".split()
COMPLEXES = "<c8 <c16 <c32".split()
TIMES = "<M8[Y] <M8[M] <M8[W] <M8[D] <M8[h] <M8[s] <M8[10s] <M8[ms] <M8[ns]".split()
TIMES += [name.replace("M8", "m8") for name in TIMES]
L = np.longdouble
WIDE = [0, 1, -1, 0.5, -1.5, 300.7, -300.7, 40000, -40000, 70000, 3e9, -3e9, 1e19, 2e19, -1e19, np.nan, np.inf, -np.inf,
        -0.0, 0.1, 65519.999, 6e-8, 1e300, L("1e400"), L(1) / 3, L(2) ** 63 + 1, L(2) ** 64 - 1, L(2) ** 64]
COUNTS = [0, 1, -1, 59, -59, 86399, 86401, -86401, 123456789, -987654321, np.iinfo("i8").min]


def values(name):
    dtype = np.dtype(name)
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.array([0, 1, limits.max, limits.min, 7, limits.max - 1, 100, limits.max // 2 + 1], dtype)
    if dtype.kind == "f":
        return np.array(WIDE, L).astype(dtype)
    if dtype.kind == "c":
        both = np.zeros(len(WIDE), "<c32")
        both.real, both.imag = np.array(WIDE, L), np.array(WIDE[::-1], L)
        return both.astype(dtype)
    return np.array(COUNTS, "<i8").view(dtype)


def stored(array):
    """The bytes of an array, without what happens to be in the padding of long doubles."""
    data = np.frombuffer(array.tobytes(), "u1").copy()
    if array.dtype.name in ("float128", "complex256"):
        data.reshape(-1, 16)[:, 10:] = 0
    return data.tobytes().hex()


def cast(array, name):
    try:
        return stored(numcodecs.AsType(encode_dtype=name, decode_dtype=array.dtype.str).encode(array))
    except (OverflowError, TypeError, ValueError):
        return None


if __name__ == "__main__":
    NUMBERS = ["|b1", *INTEGERS, *FLOATS, *COMPLEXES]
    SOME_TIMES = ["<M8[s]", "<m8[s]"]
    pairs = [(a, b) for a in NUMBERS + SOME_TIMES for b in NUMBERS + SOME_TIMES]
    pairs += [(a, b) for a in TIMES for b in TIMES if (a, b) not in pairs]
    document = {"values": {}, "casts": {}}
    for source, target in pairs:
        array = values(source)
        document["values"][source] = stored(array)
        document["casts"].setdefault(source, {})[target] = cast(array, target)
    path = pathlib.Path(__file__).with_name("casts.json")
    path.write_text(json.dumps(document, indent=0) + "\n")
