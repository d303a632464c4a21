"""Writes long_doubles.json: arrays of long doubles that zarr-python 2.18.7 has written on x86-64.

A case has the document, the chunks as bytes in hexadecimal digits with whatever NumPy left in the padding, and the
values of all elements as texts: those of both parts for complex numbers.
"""
import json
import pathlib

import numcodecs
import numpy as np
import zarr

L = np.longdouble
VALUES = [L(1), L("2.5"), L("0.1"), -L(1) / 3, L("1e4000"), L("4e-4951"), L("-0.0"), L("nan"), L("-inf"),
          L(2) ** 63 + 1]


def array(dtype):
    """The values, with all padding set to something."""
    made = np.zeros(len(VALUES), dtype)
    parts = made.view(made.real.dtype).reshape(len(VALUES), -1)
    for index in range(parts.shape[1]):
        parts[:, index] = VALUES[index:] + VALUES[:index]
    raw = made.view("u1").reshape(-1, 16)
    if made.dtype.byteorder == ">":
        raw[:, :6] = 0xA5
    else:
        raw[:, 10:] = 0xA5
    return made


def cases():
    for dtype in ["<f16", ">f16", "<c32", ">c32"]:
        is_complex = np.dtype(dtype).kind == "c"
        fills = [None, 0, 1.5, 0.1, float("nan"), float("inf")] + ([1.5 - 2j, complex("nan+infj")] if is_complex else [])
        for number, fill in enumerate(fills):
            compressor = [None, numcodecs.Zlib(1), numcodecs.Blosc()][number % 3]
            store = {}
            made = zarr.create(
                shape=len(VALUES) + 2, chunks=6, dtype=dtype, fill_value=fill, compressor=compressor, store=store,
                order="CF"[number % 2],
            )
            made[:len(VALUES)] = array(dtype)
            read = made[:]
            if fill is None:
                read = read[:len(VALUES)]
            parts = np.ascontiguousarray(read.astype(read.dtype.newbyteorder("="))).view(L)
            yield {
                "document": json.loads(store[".zarray"]),
                "chunks": {key: bytes(value).hex() for key, value in store.items() if not key.startswith(".")},
                "values": [str(part) for part in parts],
            }


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("long_doubles.json")
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases()) + "\n]\n")
