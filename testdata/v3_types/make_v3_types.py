# peers: ts v3
"""Writes tensorstore.json, zarrs.json and zarr_python.json beside this script: V3 arrays of the registered data types.

tensorstore 0.1.86 and zarrs 0.23 write in the environment `ts` (zarrs by its peer, which lies beside the
environments), zarr-python 3.4.2 in `v3`.

A case has the document, the chunks in hexadecimal by their keys, and the elements: those that the peer was given,
little-endian, as it holds them in memory.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent
PEER = pathlib.Path(sys.prefix).parent / "target/release/zarrs-peer"
SHAPE, CHUNKS = [3, 4], [2, 3]

FLOATS = """bfloat16 float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn
    float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu""".split()
COMPLEX = ["complex_" + name for name in FLOATS if name != "float8_e4m3fn"] + ["complex_float16"]
INTEGERS = ["int2", "int4", "uint2", "uint4"]
PLAIN = """bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64
    complex128""".split()


def document(data_type, fill, codecs):
    return {
        "zarr_format": 3, "node_type": "array", "shape": SHAPE, "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": CHUNKS}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": fill, "codecs": codecs,
    }


def case(stored, elements):
    chunks = {key: bytes(value).hex() for key, value in sorted(stored.items()) if key != "zarr.json"}
    return {"document": json.loads(bytes(stored["zarr.json"])), "chunks": chunks, "elements": elements.hex()}


def tensorstore_cases():
    import ml_dtypes  # noqa: F401  its types are those of tensorstore
    import tensorstore as ts

    numbers = np.array([-2, -1, 0, 1, -1.5, 0.5, 1, 0, 1.75, -0.25, 3.3, 1]).reshape(SHAPE)
    for name in INTEGERS + FLOATS + COMPLEX + PLAIN:
        fills = [0, 1] if name in INTEGERS else [0.0, 1, "NaN", "-Infinity", 3.3, "0x05"]
        if name in PLAIN:
            fills = [True if name == "bool" else 7 if "int" in name else [1.5, -0.0] if "complex" in name else -0.0]
        for fill in fills:
            if name == "float8_e8m0fnu" and fill != "NaN":
                # Tensorstore fills with 2**-64 where its document says 1.0.
                continue
            spec = {"driver": "zarr3", "kvstore": "memory://", "metadata": {
                key: value for key, value in document(name, fill, None).items() if key != "codecs"}}
            try:
                array = ts.open(spec, create=True).result()
                values = numbers.astype(array.dtype.numpy_dtype)
                values[0, :3] = array[0, :3].read().result()
                # A chunk is left out, so that its elements are the fill value.
                values[2, 3] = array[2, 3].read().result()
                array[:2].write(values[:2]).result()
                array[2, :3].write(values[2, :3]).result()
                assert np.array_equal(array.read().result().view("u1"), values.view("u1"))
            except ValueError:
                continue
            store = {key.decode(): array.kvstore[key] for key in array.kvstore.list().result()}
            yield case(store, values.tobytes())


def zarrs_cases():
    endian = [{"name": "bytes", "configuration": {"endian": "little"}}]
    for number, name in enumerate(INTEGERS + FLOATS + COMPLEX + PLAIN):
        component = {"int2": 2, "uint2": 2, "int4": 4, "uint4": 4, "bool": 1, "complex64": 32, "complex128": 64}
        if name in PLAIN and name not in component:
            component[name] = np.dtype(name).itemsize * 8
        bits = component.get(name) or (16 if name.endswith("16") else 6 if "float6" in name else 4 if "float4" in name else 8)
        parts = 2 if name.startswith("complex") else 1
        width = (bits + 7) // 8
        random = np.random.default_rng(number)
        integers = random.integers(0, 1 << bits, (12, parts), "u8", endpoint=False) if bits < 64 else random.integers(
            0, 1 << 63, (12, parts), "u8")
        if name in ("int2", "int4"):
            integers = np.where(integers >> (bits - 1), integers | ~np.uint64((1 << bits) - 1), integers)
        elements = integers.astype("<u8").view("u1").reshape(12, parts, 8)[:, :, :width].tobytes()
        # Without a crate of small floats, zarrs has them as bits only.
        special = ["0x7fc1" if name == "bfloat16" else "0x05"] if "bfloat" in name or "float" in name and bits < 16 else [1.5]
        fills = [False] if name == "bool" else [1] if "int" in name else [special * 2] if parts == 2 else special
        if name == "complex_bfloat16":
            fills = [["0x7fc1", "0x3f80"]]
        chains = [endian, [{"name": "packbits", "configuration": {"padding_encoding": "last_byte" if bits % 8 == 0 else "first_byte"}}]]
        if name in ("int16", "uint8", "int4", "bfloat16", "complex_float8_e5m2"):
            chains.append([{"name": "packbits", "configuration": {"first_bit": 1, "last_bit": 2}}])
        for fill in fills:
            for codecs in chains:
                with tempfile.TemporaryDirectory() as directory:
                    directory = pathlib.Path(directory)
                    (directory / "data").write_bytes(elements)
                    cell = {"id": "0", "path": str(directory / "a.zarr"), "data": str(directory / "data"),
                            "document": document(name, fill, codecs), "dtype": f"|V{width * parts}", "shape": SHAPE,
                            "lengths": [[2, 1], [3, 1]], "missing": []}
                    (directory / "cells").write_text(json.dumps({"cells": [cell]}))
                    out = subprocess.run([PEER, "write", directory / "cells"], capture_output=True, text=True).stdout
                    if "written" not in json.loads(out):
                        print(name, codecs, json.loads(out), file=sys.stderr)
                        continue
                    root = directory / "a.zarr"
                    stored = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
                    lossy = "first_bit" in codecs[0].get("configuration", {})
                    yield case(stored, elements) | ({"lossy": True} if lossy else {})


def zarr_python_cases():
    import zarr

    names = "bool int8 uint16 int32 float16 float64 complex64 complex128".split()
    simple = [(f"f{i}", np.dtype(name)) for i, name in enumerate(names)]
    dtypes = [
        (np.dtype(simple), None),
        (np.dtype([("a", "<i2"), ("b", "<f8")]), (1, 2.5)),
        (np.dtype([("a", "u1"), ("p", [("x", "<f4"), ("y", "<U2")]), ("s", "S3"), ("t", "<M8[s]")]), None),
        (np.dtype([("v", "V3"), ("d", "<m8[10us]"), ("n", "<f4")]), (b"\1\2\3", -4, float("nan"))),
        (np.dtype("S5"), b"ab"), (np.dtype("<U3"), "xé"), (np.dtype("V4"), b"\1\2\3\xff"),
        (np.dtype("<M8[ns]"), "NaT"), (np.dtype("<M8[25m]"), 5), (np.dtype("<m8[D]"), 7),
    ]
    for dtype, fill in dtypes:
        for endian in "little", "big":
            store = zarr.storage.MemoryStore()
            fill_value = np.array(fill, dtype)[()] if fill is not None else None
            array = zarr.create_array(
                store, shape=SHAPE, chunks=CHUNKS, dtype=dtype, fill_value=fill_value, zarr_format=3, compressors=None,
                serializer=zarr.codecs.BytesCodec(endian=endian))
            raw = np.random.default_rng(dtype.itemsize).integers(0, 0x60, (12, dtype.itemsize), "u1")
            if dtype.names and dtype.names[0] == "f0":
                raw[:, 0] &= 1
            values = np.frombuffer(raw.tobytes(), dtype).reshape(SHAPE).copy()
            if dtype.kind == "U" or (dtype.names and "p" in dtype.names):
                text = values if dtype.kind == "U" else values["p"]["y"]
                text[...] = np.array(["a", "", "bé", "\U0001f600"] * 3).reshape(SHAPE)
            array[:2] = values[:2]
            values[2] = array[2]
            yield case({key: value.to_bytes() for key, value in store._store_dict.items()}, values.tobytes())
    for dtype, fill, values in [
        (str, "né", ["a", "", "bcd", "é", "né", "x", "y", "", "z", "né", "né", "né"]),
        ("variable_length_bytes", b"\0\1", [b"a", b"", b"\xff\0", b"c"] * 2 + [b"\0\1"] * 4),
    ]:
        store = zarr.storage.MemoryStore()
        array = zarr.create_array(store, shape=SHAPE, chunks=CHUNKS, dtype=dtype, fill_value=fill, zarr_format=3, compressors=None)
        array[:2] = np.array(values, object).reshape(SHAPE)[:2]
        assert array[...].ravel().tolist() == values[:8] + [fill] * 4
        items = [item.encode() if dtype is str else item for item in values[:8] + [fill] * 4]
        framed = b"".join(len(item).to_bytes(4, "little") + item for item in items)
        yield case({key: value.to_bytes() for key, value in store._store_dict.items()}, framed)


def write(name, cases):
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in cases)
    (HERE / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if pathlib.Path(sys.prefix).name == "ts":
    write("tensorstore.json", tensorstore_cases())
    write("zarrs.json", zarrs_cases())
else:
    write("zarr_python.json", zarr_python_cases())
