"""Writes filters.json: what the filters of numcodecs make of arrays.

Run with numcodecs 0.15.2 and NumPy 2.5 on x86-64, whose casts of floats that do not fit are what they are:

    python make_filters.py

A case has the configuration as numcodecs writes it, the type and the bytes of the values, and what they encode and
decode to, all in Base64.
"""

import base64
import json
import pathlib
import warnings

import numcodecs
import numpy as np

warnings.simplefilter("ignore")

INTEGERS = ["|i1", "|u1", "<i2", ">i2", "<u2", "<i4", ">i4", ">u4", "<i8", ">i8", "<u8", ">u8"]
FLOATS = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]
COMPLEX = ["<c8", ">c8", "<c16"]
WIDE = [0, 1, -1, 0.5, 1.5, -2.5, 300.7, -300.7, 40000, 70000, 3e9, -3e9, 1e19, 2e19, -1e19, np.nan, np.inf, -np.inf, -0.0, 0.1]
TAME = [0.0, 0.1, 1 / 3, -2.5, 99.996, 0.15, 1.25, 2.35, 12, 7, 7, -0.0]
WHOLE = [0, 1, 2, 3, 5, 8, 13, 21, 100, 100, 99, 3]


def values(dtype, of):
    dtype = np.dtype(dtype)
    if dtype.kind in "iu" and of is WIDE:
        limits = np.iinfo(dtype)
        return np.array([0, 1, 7, limits.max, limits.min, 5, limits.max - 1, 100, 99], dtype)
    if dtype.kind == "c":
        return (np.array(of) + 1j * np.array(of[::-1])).astype(dtype)
    return np.array(of).astype(dtype)


def configs():
    """Configurations, each with an array that it takes."""
    for dtype in [*INTEGERS, *FLOATS, *COMPLEX]:
        yield {"id": "delta", "dtype": dtype}, values(dtype, WIDE if dtype in INTEGERS else TAME)
    for dtype, astype in [
        ("<i4", "|i1"), ("<i4", "<f4"), ("<f4", "<f8"), ("<f8", "<f4"), ("<f4", "<i2"), ("|u1", ">u4"), ("<i8", "<i2"),
        (">i4", "<i2"), ("<u8", "|i1"), ("|i1", ">f2"), ("<f2", "<f4"), ("<f8", "<u2"), ("<i2", "<c8"), ("|b1", "|i1"),
        ("<f4", "<i4"), ("<f8", "<f2"),
    ]:
        yield {"id": "delta", "dtype": dtype, "astype": astype}, values(dtype, WHOLE)
    yield {"id": "delta", "dtype": "<m8[s]"}, values("<i8", WHOLE).view("<m8[s]")
    yield {"id": "delta", "dtype": "<i8", "astype": "<i2"}, values("<i8", WHOLE).view("<M8[ns]")
    yield {"id": "delta", "dtype": "<i2"}, values("<i4", WHOLE)
    yield {"id": "delta", "dtype": ">i4"}, values("<i4", WHOLE)
    yield {"id": "delta", "dtype": "|u1"}, (np.arange(1100) * 7 % 256).astype("u1")
    yield {"id": "delta", "dtype": "|i1", "astype": "<i2"}, (np.arange(1100) * 7 % 256).astype("u1").view("i1")
    yield {"id": "delta", "dtype": "<i2", "astype": "|i1"}, (np.arange(1100) // 9).astype("<i2")

    for offset, scale, dtype, astype in [
        (0, 10, "<f8", "<i4"), (1000, 10, "<f8", "|u1"), (0.1, 10, "<f4", "<i2"), (0.1, 3, "<f2", "<f2"), (0, 1e6, "<f2", "<f4"),
        (1, 2, "<i4", "<i4"), (0.5, 10, "|i1", "<i2"), (1, 2.5, ">u2", ">i4"), (-3, -2, "<i8", ">f4"), (0, 0.5, "<u8", "<f8"),
        (1, 10, "|b1", "<i4"), (0.25, 4, ">f4", ">u2"), (2**40, 7, "<i8", "<i8"), (1e20, 1e-3, "<f4", "<f8"), (0.1, 3, "<c8", "<c16"),
        (0.1, 3, "<c16", "<c16"), (50, 100, ">f8", "<i2"), (0, 300, "<f4", "|u1"), (5, 1, "<f8", "<f8"),
    ]:
        config = {"id": "fixedscaleoffset", "offset": offset, "scale": scale, "dtype": dtype, "astype": astype}
        yield config, values(dtype, TAME if dtype[1] in "fc" else WHOLE)
    yield {"id": "fixedscaleoffset", "offset": 3, "scale": 10, "dtype": "<f4"}, (np.arange(700) / 7).astype("<f4")
    yield {"id": "fixedscaleoffset", "offset": 3, "scale": 10, "dtype": "<f4", "astype": "|u1"}, (np.arange(1100) % 200 / 10).astype("<f4")

    for digits in [0, 1, 2, 3, 5, 8, -1, -2, 1.5, 20]:
        for dtype, astype in [("<f8", "<f8"), ("<f4", "<f4"), (">f4", "<f8"), ("<f8", ">f2"), ("<f2", "<f2")]:
            if digits in (1, 2, 20) or astype == "<f8":
                yield {"id": "quantize", "digits": digits, "dtype": dtype, "astype": astype}, values(dtype, TAME)
    yield {"id": "quantize", "digits": 45, "dtype": "<f4"}, values("<f4", TAME)

    for dtype, all_bits in [("<f2", 10), ("<f4", 23), ("<f8", 52)]:
        for bits in [0, 1, 3, all_bits - 1, all_bits]:
            yield {"id": "bitround", "keepbits": bits}, values(dtype, WIDE)

    for decoded in ["|b1", *INTEGERS, *FLOATS, "<c8"]:
        for encoded in ["|b1", "|i1", "|u1", "<i2", "<u2", ">i4", "<u4", "<i8", ">u8", "<f2", ">f4", "<f8", "<c8", "<c16"]:
            # What does not fit 32 bits without a sign becomes one number in the vector part of NumPy's loop, another in its rest.
            of = [*WHOLE, -1.5, 300.7, 3e9] if encoded == "<u4" and decoded[1] in "fc" else WIDE
            yield {"id": "astype", "encode_dtype": encoded, "decode_dtype": decoded}, values(decoded, of)

    for size in [0, 1, 7, 8, 9, 64, 1001]:
        yield {"id": "packbits"}, np.arange(size) % 3 == 0
    yield {"id": "packbits"}, np.array([0, 2, 255, 1, 0], "u1")

    texts = ["male", "female", "x", "", "female"]
    for dtype in ["<U6", ">U6", "<U3"]:
        for astype in ["|u1", "|i1", "<u2", ">i4", "<f4"]:
            yield {"id": "categorize", "labels": ["female", "male"], "dtype": dtype, "astype": astype}, np.array(texts, dtype)
    yield {"id": "categorize", "labels": ["x", "", "x", "Grüße"], "dtype": "<U6"}, np.array([*texts, "Grüße"], "<U6")
    yield {"id": "categorize", "labels": [f"{n}" for n in range(300)], "dtype": "<U3", "astype": "<u2"}, np.array(["299", "0", "1000"], "<U3")


def base64_of(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def case(config, array):
    codec = numcodecs.get_codec(dict(config))
    encoded = codec.encode(array)
    return {
        "config": codec.get_config(),
        "dtype": array.dtype.str,
        "values": base64_of(array),
        "encoded": base64_of(encoded),
        "decoded": base64_of(codec.decode(numcodecs.compat.ensure_bytes(encoded))),
    }


def main():
    cases = ",\n".join(json.dumps(case(*pair), ensure_ascii=False) for pair in configs())
    head = f'"numcodecs": "{numcodecs.__version__}", "numpy": "{np.__version__}"'
    target = pathlib.Path(__file__).with_name("filters.json")
    target.write_text(f'{{{head},\n"cases": [\n{cases}\n]}}\n')
    json.loads(target.read_text())


main()
