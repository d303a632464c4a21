"""Writes objects.json: what numcodecs makes of values of object arrays, and of numbers written as values.

Run with numcodecs 0.15.2 and msgpack:

    python make_objects.py

Values stand as JSON, bytes as {"$bytes": hexadecimal digits}, maps with other keys than texts as {"$map": pairs},
arrays of vlen-array as their little-endian bytes.
"""

import base64
import json
import pathlib

import numcodecs
import numpy

LONG = "long text, " * 30
BIG = 2**64

PLAIN = [
    None, True, False, 0, -1, 127, 128, 255, 256, 65535, 65536, 2**32, 2**63, 2**64 - 1, -32, -33, -128, -129, -32769,
    -(2**31) - 1, -(2**63), 1.5, -0.0, 1e16, 1e-7, 1e300, float("nan"), float("inf"), float("-inf"), "", "a", "Grüße",
    "日本語 👩‍🚀", "\x00\x1f\x7f\"\\/\n", LONG, [], {}, [[], [None]], {"b": [1, {"a": "x"}], "a": {}}, ["x"] * 20,
    {str(key): key for key in range(20)}, list(range(70000))[::7000],
]  # fmt: skip
WITH_BYTES = [b"", b"\x00\xff", b"x" * 300, {"k": b"v"}, {1: "one", b"k": 2}]
WITH_KEYS = [{1: 2, 10: 3, 9: 4}, {True: 1}, {None: 1}, {1.5: 2, 2: 3}, BIG, -(BIG**3)]


def shown(value):
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, numpy.ndarray):
        return {"$bytes": value.astype(value.dtype.newbyteorder("<")).tobytes().hex()}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: shown(item) for key, item in value.items()}
        return {"$map": [[shown(key), shown(item)] for key, item in value.items()]}
    return value


def objects(items, shape=None):
    array = numpy.empty(len(items), dtype=object)
    for index, item in enumerate(items):
        array[index] = item
    return array.reshape(shape or len(items))


def case(config, items, shape=None):
    codec = numcodecs.get_codec(config)
    encoded = numcodecs.compat.ensure_bytes(codec.encode(objects(items, shape)))
    return {
        "config": config,
        "shape": list(objects(items, shape).shape),
        "items": [shown(item) for item in items],
        "encoded": base64.b64encode(encoded).decode(),
    }


def number_case(config, array):
    encoded = numcodecs.compat.ensure_bytes(numcodecs.get_codec(config).encode(array))
    return {
        "config": config,
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "elements": base64.b64encode(array.tobytes()).decode(),
        "encoded": base64.b64encode(encoded).decode(),
    }


def cases():
    json2 = {"id": "json2"}
    for items, shape in [(PLAIN, None), (PLAIN[:6], (2, 3)), (PLAIN[:8], (2, 2, 2)), ([], None), (["x"], ()), ([], (2, 0))]:
        yield case(json2, items, shape)
    yield case(json2, WITH_KEYS)
    for changes in [
        {"indent": 2},
        {"indent": 0},
        {"indent": "\t"},
        {"indent": 1, "separators": [",", ":"]},
        {"separators": [", ", ": "]},
        {"ensure_ascii": False},
        {"sort_keys": False},
        {"encoding": "utf-16-be"},
        {"encoding": "utf-16"},
        {"encoding": "utf-32"},
        {"encoding": "latin-1"},
        {"encoding": "ascii", "strict": False, "check_circular": False, "skipkeys": True},
    ]:
        yield case({**json2, **changes}, PLAIN)
    yield case({**json2, "allow_nan": False}, PLAIN[:20])
    msgpack2 = {"id": "msgpack2"}
    for items, shape in [(PLAIN, None), (PLAIN[:6], (2, 3)), ([], None), ([], (2, 0)), (PLAIN[:20], (20, 1))]:
        yield case(msgpack2, items, shape)
    yield case(msgpack2, WITH_BYTES)
    yield case({**msgpack2, "use_single_float": True}, [1.5, 0.0, -2.0, float("inf")])
    yield case({**msgpack2, "use_bin_type": False}, PLAIN)
    yield case({**msgpack2, "use_bin_type": False, "raw": True}, [b"", b"ab", b"x" * 300, 5])
    for dtype in ["<i2", ">i2", "|u1", "<f8", ">f4", "<U2", "|S3", "|b1", "<M8[s]"]:
        arrays = [numpy.array(part).astype("i8").astype(dtype) for part in [[1, 3, 5], [], [4]]]
        arrays = [part.astype(dtype) for part in arrays]
        yield case({"id": "vlen-array", "dtype": dtype}, [*arrays, None])


def number_cases():
    for config in [{"id": "json2"}, {"id": "msgpack2"}]:
        for dtype in ["<i4", "|i1", "<u8", "<f2", "<f4", "<f8", "|b1", "<U3", "<M8[ns]", "<m8[25ns]"]:
            array = numpy.arange(6).astype(dtype)
            yield number_case(config, array.reshape(2, 3))
            yield number_case(config, array[:0])
        yield number_case(config, numpy.array([-1.5, float("nan"), float("inf"), 1e30, 0.1, -0.0], dtype="<f4"))
        yield number_case(config, numpy.array(["2020-01-01", "NaT"], dtype="<M8[ns]"))
    yield number_case({"id": "msgpack2"}, numpy.array([b"", b"abc"], dtype="|S3"))
    yield number_case({"id": "msgpack2"}, numpy.array([b"ab", b"abc"], dtype="|V3"))
    yield number_case({"id": "json2"}, numpy.array(7, dtype="<i4"))


def main():
    document = {
        "numcodecs": numcodecs.__version__,
        "objects": list(cases()),
        "numbers": list(number_cases()),
    }
    path = pathlib.Path(__file__).with_name("objects.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


main()
