"""Writes zfpy.json: what numcodecs and zfpy make of known arrays.

Run with numcodecs 0.15.2 and zfpy 1.0.1:

    python make_zfpy.py

Small streams are stored whole; of all, the size and CRC-32 of the stream and the CRC-32 of what it decodes to.
Mode 5 is what numcodecs fails to ask for; zfpy itself is asked instead.
"""

import base64
import importlib.metadata
import json
import pathlib
import zlib

import numcodecs
import numpy
import zfpy

SMALL = 400

SHAPES = [(1,), (10,), (64,), (3,), (5, 6), (8, 4), (1, 7), (5, 4, 6), (4, 4, 4), (3, 2, 5, 4), (4, 5, 1, 3)]
LARGE = [(1000,), (40, 30), (16, 12, 20), (9, 8, 7, 10)]


def noise(count):
    index = numpy.arange(count, dtype="u8")
    index = index * 0x9E3779B1 % 2**32
    index ^= index >> 15
    index = index * 0x85EBCA77 % 2**32
    index ^= index >> 13
    return index.astype("<u4")


def wave(count, dtype):
    """A parabola with noise in its last digits; for floats, so many 64ths."""
    index = numpy.arange(count, dtype="i8")
    numbers = (index - count // 2) ** 2 % 100_000 + (noise(count) >> 27)
    return numbers.astype(dtype) / numpy.dtype(dtype).type(64) if dtype[1] == "f" else numbers.astype(dtype)


def special(count, dtype):
    """A wave in which every fifth number is a strange one."""
    limits = numpy.finfo(dtype)
    strange = [numpy.nan, numpy.inf, -0.0, limits.tiny / 4, limits.max, -numpy.inf, 0.0, -limits.max]
    numbers = wave(count, dtype)
    for index in range(0, count, 5):
        numbers[index] = strange[index // 5 % len(strange)]
    return numbers


def bits(count, dtype):
    """Any bits at all."""
    return noise(count * numpy.dtype(dtype).itemsize // 4).view(dtype)


RULES = {"wave": wave, "special": special, "bits": bits}


def encode(config, array):
    if config["mode"] == 5:
        return zfpy.compress_numpy(array)
    return bytes(numcodecs.get_codec({"id": "zfpy", **config}).encode(array))


def case(config, dtype, shape, rule):
    array = RULES[rule](int(numpy.prod(shape)), dtype).reshape(shape)
    encoded = encode(config, array)
    decoded = numcodecs.get_codec({"id": "zfpy"}).decode(encoded)
    assert decoded.shape == shape and decoded.dtype == dtype
    entry = {
        "config": config,
        "dtype": dtype,
        "shape": shape,
        "rule": rule,
        "encoded_size": len(encoded),
        "encoded_crc32": zlib.crc32(encoded),
        "decoded_crc32": zlib.crc32(decoded.tobytes()),
    }
    if len(encoded) <= SMALL:
        entry["encoded"] = base64.b64encode(encoded).decode()
    return entry


def configs(dtype):
    yield {"mode": 5}
    yield {"mode": 4, "tolerance": -1}
    yield {"mode": 2, "rate": 8}
    yield {"mode": 2, "rate": 19.3}
    yield {"mode": 3, "precision": 7}
    yield {"mode": 3, "precision": 40}
    if dtype[1] == "f":
        yield {"mode": 4, "tolerance": 0.01}
        yield {"mode": 4, "tolerance": 3}
        yield {"mode": 4, "tolerance": 0}
        yield {"mode": 4, "tolerance": 1e300}


def cases():
    shapes = 0
    for dtype in ["<i4", "<i8", "<f4", "<f8"]:
        for config in configs(dtype):
            for rule in ["wave", "special", "bits"] if dtype[1] == "f" else ["wave", "bits"]:
                # Bits that overflow are undefined in the library, and no two builds of it need agree.
                if rule == "bits" and dtype[1] == "i" and config["mode"] not in [4, 5]:
                    continue
                yield case(config, dtype, SHAPES[shapes % len(SHAPES)], rule)
                yield case(config, dtype, LARGE[shapes % len(LARGE)], rule)
                shapes += 1


def main():
    lines = ",\n".join(json.dumps(entry) for entry in cases())
    target = pathlib.Path(__file__).with_name("zfpy.json")
    versions = {"numcodecs": numcodecs.__version__, "zfpy": importlib.metadata.version("zfpy")}
    head = ", ".join(f'"{name}": "{version}"' for name, version in versions.items())
    target.write_text(f'{{{head},\n"cases": [\n{lines}\n]}}\n')
    json.loads(target.read_text())


main()
