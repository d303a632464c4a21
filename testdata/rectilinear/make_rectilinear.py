# peers: v3 ts
"""Writes zarr_python.json and zarrs.json beside this script: arrays in rectilinear grids, with and without shards.

zarr-python 3.4.2 writes in the environment `v3`, zarrs 0.23 in `ts` by its peer, which lies beside the environments.

A case has the document, the chunks in hexadecimal by their keys, and the elements, little-endian, as the writer was
given them; one chunk is left out.
"""
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).parent
PEER = pathlib.Path(sys.prefix).parent / "target/release/zarrs-peer"
LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
GZIP = {"name": "gzip", "configuration": {"level": 5}}
INDEX = [LITTLE, {"name": "crc32c"}]


def shards(shape, codecs, location="end"):
    return [{"name": "sharding_indexed", "configuration": {
        "chunk_shape": shape, "codecs": codecs, "index_codecs": INDEX, "index_location": location}}]


# The shape, the lengths of the chunks as documents have them, and the codecs.
GRIDS = [
    ([7, 5], [[3, 1, 3], [[2, 2], 1]], [LITTLE]),
    ([7, 5], [[[1, 2], 5], 2], [LITTLE, GZIP]),
    ([7, 5], [[4, 2, 9], [[3, 2]]], [LITTLE]),
    ([9], [[1, 1, 4, 3]], [LITTLE]),
    ([4, 3, 2], [[1, 3], 2, [[1, 2]]], [{"name": "transpose", "configuration": {"order": [2, 0, 1]}}, LITTLE]),
    ([12, 12], [[4, 8], [8, 4]], shards([2, 2], [LITTLE])),
    ([11, 12], [[4, 8], [[4, 3]]], shards([2, 4], [LITTLE, GZIP, {"name": "crc32c"}], "start")),
    ([12, 12], [[4, 8], 4], shards([4, 4], shards([2, 1], [LITTLE]))),
]
KEYS = [("default", "/"), ("default", "."), ("v2", "."), ("v2", "/")]
DTYPES = [("int32", -7), ("uint8", 9), ("float64", "NaN"), ("bool", True)]


def along(edges, length):
    """The lengths of the chunks along a dimension, of which the last ends with it."""
    if isinstance(edges, int):
        edges = [edges] * -(-length // edges)
    edges = [edge for run in edges for edge in ([run] if isinstance(run, int) else [run[0]] * run[1])]
    ends = [min(end, length) for end in itertools.accumulate(edges)]
    return [end - start for start, end in zip([0, *ends], ends) if end > start]


def cells():
    for number, (shape, edges, codecs) in enumerate(GRIDS):
        for at in (number, number + 1):
            dtype, fill = DTYPES[at % 4]
            keys, separator = KEYS[(number + at) % 4]
            document = {
                "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": dtype,
                "chunk_grid": {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": edges}},
                "chunk_key_encoding": {"name": keys, "configuration": {"separator": separator}},
                "fill_value": fill, "codecs": codecs,
            }
            numbers = np.arange(np.prod(shape)).reshape(shape)
            values = (numbers % 3 == 0 if dtype == "bool" else numbers).astype(dtype)
            lengths = [along(*pair) for pair in zip(edges, shape)]
            # The last chunk but one of the first dimension.
            missing = [len(lengths[0]) - 2] + [0] * (len(shape) - 1)
            yield document, values, lengths, missing


def regions(lengths):
    for at in itertools.product(*(range(len(one)) for one in lengths)):
        yield list(at), tuple(slice(sum(one[:i]), sum(one[:i + 1])) for i, one in zip(at, lengths))


def with_zarr_python(root, document, values, lengths, missing):
    import zarr

    zarr.config.set({"array.rectilinear_chunks": True})
    root.mkdir()
    (root / "zarr.json").write_text(json.dumps(document))
    array = zarr.open_array(root, mode="r+")
    # The document is that of the library.
    array.attrs.update({})
    for at, region in regions(lengths):
        if at != missing:
            array[region] = values[region]


def with_zarrs(root, document, values, lengths, missing):
    data, cells = root.with_name("data"), root.with_name("cells")
    data.write_bytes(values.tobytes())
    cell = {"id": "0", "path": str(root), "data": str(data), "document": document, "dtype": f"|V{values.itemsize}",
            "shape": document["shape"], "lengths": lengths, "missing": [missing]}
    cells.write_text(json.dumps({"cells": [cell]}))
    out = subprocess.run([PEER, "write", cells], capture_output=True, text=True, check=True).stdout
    assert "written" in json.loads(out), out


def case(write, document, values, lengths, missing):
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory) / "a.zarr"
        write(root, document, values, lengths, missing)
        stored = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    document = json.loads(stored.pop("zarr.json"))
    for at, region in regions(lengths):
        if at == missing:
            values[region] = np.array(document["fill_value"]).astype(values.dtype)
    chunks = {key: value.hex() for key, value in sorted(stored.items())}
    return {"document": document, "chunks": chunks, "elements": values.tobytes().hex()}


name, write = ("zarrs", with_zarrs) if pathlib.Path(sys.prefix).name == "ts" else ("zarr_python", with_zarr_python)
lines = ",\n".join(json.dumps(case(write, *cell)) for cell in cells())
(HERE / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
