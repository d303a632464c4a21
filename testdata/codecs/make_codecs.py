"""Writes numcodecs.json: what numcodecs makes of known chunks.

Run with numcodecs 0.15.2 and zarr 2.18.7:

    python make_codecs.py

Small chunks are stored whole; of large ones, the size and CRC-32 of what they encode to.
Time stamps of gzip are set to zero: ours are, and those of numcodecs are the time of day.
"""

import base64
import json
import pathlib
import zlib

import numcodecs
import numpy

LARGE = 1 << 20


def wave(size):
    """Numbers that rise slowly, with noise in their lowest byte."""
    index = numpy.arange((size + 3) // 4, dtype="u8")
    noise = (index * 2654435761 % 2**32) >> 24
    return ((index // 16 * 256 + noise) % 2**32).astype("<u4").tobytes()[:size]


def noise(size):
    index = numpy.arange((size + 3) // 4, dtype="u8")
    index = index * 0x9E3779B1 % 2**32
    index ^= index >> 15
    index = index * 0x85EBCA77 % 2**32
    index ^= index >> 13
    return index.astype("<u4").tobytes()[:size]


def steps(size):
    """Numbers that rise slowly, without noise."""
    index = numpy.arange((size + 3) // 4, dtype="u8")
    return (index // 16 * 256).astype("<u4").tobytes()[:size]


RULES = {"wave": wave, "noise": noise, "steps": steps}


def encode(config, dtype, rule, size):
    codec = numcodecs.get_codec(config)
    chunk = numpy.frombuffer(RULES[rule](size), dtype=dtype)
    encoded = bytearray(numcodecs.compat.ensure_bytes(codec.encode(chunk)))
    if config["id"] == "gzip":
        encoded[4:8] = bytes(4)
    return bytes(encoded)


def case(config, dtype, rule, size):
    encoded = encode(config, dtype, rule, size)
    entry = {"config": config, "dtype": dtype, "rule": rule, "size": size}
    if size == LARGE:
        entry["encoded_size"] = len(encoded)
        entry["encoded_crc32"] = zlib.crc32(encoded)
    else:
        entry["encoded"] = base64.b64encode(encoded).decode()
    return entry


def configs():
    """Configurations, each with a data type and the sizes of chunks."""
    empty, one, odd, page = 0, 8, 1016, 4096
    for cname in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]:
        for shuffle in [0, 1, 2]:
            config = {"id": "blosc", "cname": cname, "clevel": 5, "shuffle": shuffle, "blocksize": 0}
            yield config, "<f4", [page, LARGE] if shuffle == 1 else [odd, LARGE]
    for clevel, shuffle, blocksize, dtype in [
        (0, 1, 0, "<f4"),
        (1, -1, 0, "|u1"),
        (9, -1, 0, "<f8"),
        (5, 1, 1024, "<i2"),
        (3, 1, 0, "|V24"),
    ]:
        config = {"id": "blosc", "cname": "lz4", "clevel": clevel, "shuffle": shuffle, "blocksize": blocksize}
        yield config, dtype, [empty, 24, 1008, LARGE] if dtype != "|V24" else [0, 24, 1008]
    for level in [0, 1, 5, 6, 9]:
        yield {"id": "gzip", "level": level}, "|u1", [empty, 1, 333, LARGE]
    for level in [-1, 0, 1, 2, 3, 4, 7, 9]:
        yield {"id": "zlib", "level": level}, "|u1", [empty, 1, 333, LARGE]
    for level in [1, 5, 9]:
        yield {"id": "bz2", "level": level}, "|u1", [empty, 1, 333, LARGE]
    lzma1, lzma2, delta, x86 = 0x4000000000000001, 33, 3, 4
    for members in [
        {},
        {"format": 1, "check": -1, "preset": None, "filters": None},
        {"check": 0, "preset": 0},
        {"check": 1, "preset": 1},
        {"check": 4, "preset": 9},
        {"check": 10, "preset": 3 | 1 << 31},
        {"format": 2},
        {"format": 2, "check": 0, "preset": 2},
        {"format": 2, "filters": [{"id": lzma1, "preset": 4, "lc": 1, "lp": 2, "pb": 0}]},
        {"format": 3, "filters": [{"id": lzma2, "preset": 1}]},
        {"format": 3, "filters": [{"id": delta, "dist": 4}, {"id": lzma2, "dict_size": 65536, "mode": 1, "mf": 3}]},
        {"format": 3, "filters": [{"id": delta}, {"id": lzma1, "mf": 18, "nice_len": 16, "depth": 5}]},
        *({"format": 3, "filters": [{"id": id, "start_offset": 4096}, {"id": lzma2}]} for id in range(4, 10)),
        {"format": 3, "filters": [{"id": x86}, {"id": delta, "dist": 256}, {"id": lzma1, "mf": 19, "mode": 2}]},
    ]:
        yield {"id": "lzma", **members}, "|u1", [empty, 1, 333, page] if "filters" in members else [empty, 333, LARGE]
    for level, checksum in [(0, False), (1, True), (-3, False), (9, False), (19, True)]:
        yield {"id": "zstd", "level": level, "checksum": checksum}, "|u1", [empty, 1, 333, page, LARGE]
    yield {"id": "zstd", "level": 3}, "|u1", [333]
    for acceleration in [1, 10]:
        yield {"id": "lz4", "acceleration": acceleration}, "|u1", [empty, 1, 333, page, LARGE]
    for name in ["crc32", "crc32c", "adler32"]:
        yield {"id": name}, "|u1", [empty, 1, 333, LARGE]
        yield {"id": name, "location": "start"}, "|u1", [1, 333]
        yield {"id": name, "location": "end"}, "|u1", [1, 333]
    yield {"id": "fletcher32"}, "|u1", [1, 333, 1016, LARGE]
    for size, dtype in [(0, "|u1"), (1, "|u1"), (2, "<i2"), (4, "<f4"), (8, "<f8"), (12, "|V12"), (16, "<c16")]:
        yield {"id": "shuffle", "elementsize": size}, dtype, [empty, 48, 624]


def texts():
    items = ["", "a", "Grüße", "日本語", "👩‍🚀", "x" * 300]
    for count in [0, 1, 6]:
        for name in ["vlen-utf8", "vlen-bytes"]:
            chunk = items[:count] if name == "vlen-utf8" else [item.encode() for item in items[:count]]
            encoded = numcodecs.get_codec({"id": name}).encode(numpy.array(chunk, dtype=object))
            yield {
                "config": {"id": name},
                "items": items[:count],
                "encoded": base64.b64encode(bytes(encoded)).decode(),
            }


def main():
    # Threads would write blocks in any order.
    numcodecs.blosc.use_threads = False
    cases = []
    for config, dtype, sizes in configs():
        for size in sizes:
            rules = ["wave", "noise"] if size == 333 or size == LARGE and config["id"] in ["zlib", "blosc"] else ["wave"]
            cases.extend(case(config, dtype, rule, size) for rule in rules)
    document = {
        "numcodecs": numcodecs.__version__,
        "blosc": numcodecs.blosc.VERSION_STRING,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "cases": cases,
        "texts": list(texts()),
    }
    target = pathlib.Path(__file__).with_name("numcodecs.json")
    lines = ",\n".join(json.dumps(entry) for entry in cases)
    texts_lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in document["texts"])
    head = ", ".join(f'"{key}": "{document[key]}"' for key in ["numcodecs", "blosc", "zlib"])
    target.write_text(f'{{{head},\n"cases": [\n{lines}\n],\n"texts": [\n{texts_lines}\n]}}\n')
    json.loads(target.read_text())


if __name__ == "__main__":
    main()
