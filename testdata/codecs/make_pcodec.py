# peers: v2 v3
"""Writes pcodec-0.json or pcodec-1.json: what the pcodec of that version makes of known numbers.

Run with numcodecs 0.15.2 and pcodec 0.3.6, and with numcodecs 0.17.1 and pcodec 1.1.0:

    python make_pcodec.py
"""

import base64
import importlib.metadata
import json
import pathlib

import numcodecs
import numpy
from make_codecs import RULES

VERSION = importlib.metadata.version("pcodec")


def case(members, dtype, rule, count):
    config = {"id": "pcodec", **members}
    dtype = numpy.dtype(dtype)
    numbers = numpy.frombuffer(RULES[rule](count * dtype.itemsize), dtype)
    encoded = numcodecs.get_codec(config).encode(numbers)
    return {
        "config": config,
        "dtype": dtype.str,
        "rule": rule,
        "count": count,
        "encoded": base64.b64encode(encoded).decode(),
    }


def cases():
    for dtype in ["<u2", "<u4", "<u8", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8", "<M8[s]", "<m8[ns]"]:
        for count in [0, 1, 300]:
            yield case({}, dtype, "wave", count)
        yield case({"level": 3}, dtype, "noise", 40)
    none = "none" if VERSION.startswith("0") else "no_op"
    for members in [
        {"level": 0},
        {"level": 12, "mode_spec": "classic"},
        {"delta_spec": none},
        {"delta_spec": "try_consecutive", "delta_encoding_order": 2},
        {"delta_spec": "try_lookback"},
        {"delta_encoding_order": 7},
        {"equal_pages_up_to": 100, "paging_spec": "equal_pages_up_to"},
    ]:
        for dtype in ["<i4", "<f8"]:
            yield case(members, dtype, "wave", 700)


lines = ",\n".join(json.dumps(entry) for entry in cases())
target = pathlib.Path(__file__).with_name(f"pcodec-{VERSION.split('.')[0]}.json")
target.write_text(f'{{"numcodecs": "{numcodecs.__version__}", "pcodec": "{VERSION}",\n"cases": [\n{lines}\n]}}\n')
