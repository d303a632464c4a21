"""Writes blosc-snappy.json: frames of Blosc whose inner codec is Snappy.

numcodecs is built without Snappy. Run with a library that has it, such as libblosc1 of Debian:

    BLOSC=/usr/lib/x86_64-linux-gnu/libblosc.so.1 python make_snappy.py

Without such a library the file stays as it is.
"""

import base64
import ctypes
import ctypes.util
import json
import os
import pathlib
import sys

from make_codecs import RULES

path = os.environ.get("BLOSC") or ctypes.util.find_library("blosc")
blosc = ctypes.CDLL(path) if path else None
if blosc:
    blosc.blosc_list_compressors.restype = ctypes.c_char_p
    blosc.blosc_get_version_string.restype = ctypes.c_char_p
if not blosc or b"snappy" not in blosc.blosc_list_compressors():
    sys.exit(print("no Blosc with Snappy is here: blosc-snappy.json stays as it is"))


def encode(data, shuffle, typesize, blocksize):
    out = ctypes.create_string_buffer(len(data) + 16)
    size = ctypes.c_size_t
    length = blosc.blosc_compress_ctx(
        5, shuffle, size(typesize), size(len(data)), data, out, size(len(out)), b"snappy", size(blocksize), 1
    )
    assert length > 0
    return out.raw[:length]


def cases():
    for typesize in [1, 2, 3, 4, 8, 16, 17, 255]:
        for shuffle in [0, 1, 2]:
            # Whole blocks, and a short last one whose elements are not always a multiple of eight.
            for size, blocksize in [(4096, 0), (typesize * 700 + 5, typesize * 128), (typesize * 96, typesize * 40)]:
                if 128 < size <= 6000:
                    yield "steps", size, shuffle, typesize, blocksize
    yield "wave", 4096, 1, 4, 0
    yield "noise", 3000, 1, 4, 1024
    yield "wave", 100, 1, 4, 0


lines = []
for rule, size, shuffle, typesize, blocksize in cases():
    frame = encode(RULES[rule](size), shuffle, typesize, blocksize)
    entry = {"rule": rule, "size": size, "shuffle": shuffle, "typesize": typesize, "blocksize": blocksize}
    lines.append(json.dumps({**entry, "encoded": base64.b64encode(frame).decode()}))
target = pathlib.Path(__file__).with_name("blosc-snappy.json")
version = blosc.blosc_get_version_string().decode()
target.write_text(f'{{"blosc": "{version}",\n"cases": [\n' + ",\n".join(lines) + "\n]}\n")
