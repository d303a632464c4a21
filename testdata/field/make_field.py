# peers: v2 v3
"""Writes data/ and values/ beside this script: six arrays laid out as those of the public conformance suite are.

The suite (Bisaloo/zarr-conformance-tests) has a directory an array in data/; its own arrays carry no licence, so these
are others of the same kinds. zarr-python 2.18.7 writes those of format 2, zarr-python 3.4.2 the one of format 3.
values/NAME.txt has every element in C order, one a line, as the writer reads it back.
"""
import json
import math
import pathlib
import shutil

import numpy as np
import zarr

HERE = pathlib.Path(__file__).parent
SHAPE, CHUNKS = (3, 4, 2), (2, 3, 2)


def values(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return (np.arange(24) % 3 == 0).reshape(SHAPE)
    if dtype.kind == "f":
        special = [math.nan, math.inf, -math.inf, -0.0, 0.1, 1e30, 1e-30, 2.5]
        return np.array(special + list(np.arange(16) / 3), dtype).reshape(SHAPE)
    info = np.iinfo(dtype)
    return np.array([info.min, info.max, 0, -1] + [7 ** n % 1000 for n in range(20)], dtype).reshape(SHAPE)


def form(value):
    value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def write(name, create):
    path = HERE / "data" / f"{name}.zarr"
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(exist_ok=True)
    array = create(path)
    # Of the last chunks in the first dimension nothing is stored.
    array[:2] = values(array.dtype)[:2]
    lines = [json.dumps(form(value)) for value in array[...].ravel()]
    (HERE / "values").mkdir(exist_ok=True)
    (HERE / "values" / f"{name}.txt").write_text("\n".join(lines) + "\n")


if zarr.__version__.startswith("2."):
    import numcodecs

    for name, dtype, compressor, order, fill in [
        ("bool", "?", None, "C", True),
        ("float32", "<f4", numcodecs.Zlib(), "C", 0.1),
        ("float64", "<f8", numcodecs.Zstd(), "F", "NaN"),
        ("int32", "<i4", None, "F", -1),
        ("int64", "<i8", numcodecs.Zlib(), "C", 0),
    ]:
        write(name, lambda path: zarr.create(SHAPE, chunks=CHUNKS, dtype=dtype, compressor=compressor, order=order,
                                             fill_value=fill, store=zarr.DirectoryStore(str(path))))
else:
    write("int32_v3", lambda path: zarr.create_array(
        str(path), shape=SHAPE, chunks=CHUNKS, dtype="int32", fill_value=42, zarr_format=3,
        compressors=[{"name": "zstd", "configuration": {"level": 3, "checksum": True}}]))
