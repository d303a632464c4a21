"""Writes records.json beside this script: arrays of records of every kind that zarr-python 2.18.7 writes in V2.

A case has the text of the document, the chunks in hexadecimal by their keys, and the elements that zarr-python
reads back, each field little-endian; of what zarr-python has no document for there is the message instead.
Padding of aligned types is fields without names, which the library writes and reads as fields of bytes.
"""
import json
import pathlib
import warnings

import numcodecs
import numpy as np
import zarr

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent
SHAPE, CHUNKS = (3, 4), (2, 3)

INNER = np.dtype([("x", "i1"), ("y", ">i4")], align=True)
DTYPES = {
    "mixed": [("a", "<i4"), ("b", ">f8"), ("c", "|u1"), ("d", ">c8"), ("e", "<u2")],
    "swapped": [("a", ">i4"), ("b", "<f2"), ("c", ">u8")],
    "aligned": np.dtype([("a", "u1"), ("b", "<f8"), ("c", "<i2")], align=True),
    "aligned within": np.dtype([("a", "u1"), ("b", "<f4", (2,)), ("n", INNER), ("m", INNER, (2,))], align=True),
    "offsets": {"names": ["a", "b"], "formats": ["<i2", ">f4"], "offsets": [2, 8], "itemsize": 16},
    "arrays": [("a", "<i4", (2, 3)), ("b", ">f8", (2,)), ("s", "S3", (2,)), ("u", "<U2", (1, 2))],
    "nested": [("p", [("x", "<f4"), ("q", [("y", ">i2"), ("z", "<u8")])]), ("r", "?")],
    "nested arrays": [("p", [("x", "<f4"), ("y", ">i2", (2,))], (3,)), ("r", "i1")],
    "times": [("t", "<M8[ns]"), ("d", ">m8[s]"), ("day", "<M8[D]")],
    "texts": [("s", "S5"), ("u", "<U4"), ("v", "V3"), ("w", ">U2")],
    "names": [("naïve", "<i4"), ("x y", "<f2"), ("f0", "?")],
    "plain": [("a", "<i4"), ("b", "<f8"), ("s", "S2"), ("t", "<M8[s]")],
    "one": [("a", ">f8")],
}
CODECS = [
    {"compressor": None},
    {"compressor": numcodecs.Zlib(level=1), "filters": "shuffle", "order": "F"},
    {"compressor": numcodecs.Blosc(cname="lz4", shuffle=1), "fill": "bytes"},
    {"compressor": numcodecs.Zstd(level=1), "filters": [numcodecs.CRC32()], "order": "F", "fill": "bytes"},
    {"compressor": None, "fill": "zero"},
]
# What has no document, or none that the library itself reads.
REFUSED = {
    "titles": [(("The title", "a"), "<i4"), (("B", "b"), "<f8")],
    "objects": [("a", "<i4"), ("o", "O")],
    "out of order": {"names": ["a", "b"], "formats": ["<i4", "<i2"], "offsets": [4, 0], "itemsize": 8},
    "overlapping": {"names": ["a", "b"], "formats": ["<i4", "<i2"], "offsets": [0, 2], "itemsize": 4},
}


def put(dtype, into, source):
    """Gives every field its values, and leaves the bytes between them as they are."""
    if dtype.names:
        for name in dtype.names:
            field = dtype.fields[name][0]
            put(field.base, into[name], source)
    elif dtype.kind == "U":
        into[...] = source.choice(np.array(["", "a", "é", "語x"]), into.shape)
    elif dtype.kind == "b":
        into[...] = source.integers(0, 2, into.shape)
    else:
        raw = source.integers(1, 0x60, (*into.shape, dtype.itemsize)).astype("u1")
        into[...] = raw.view(dtype)[..., 0] if dtype.itemsize else 0


def values(dtype, number):
    source = np.random.default_rng(number)
    array = np.full((np.prod(SHAPE), dtype.itemsize), 0x77, "u1").view(dtype)[:, 0].reshape(SHAPE)
    put(dtype, array, source)
    return array


def text_of_bytes(store):
    return {key: bytes(value).hex() for key, value in sorted(store.items()) if key != ".zarray"}


def cases():
    for number, (name, given) in enumerate(DTYPES.items()):
        dtype = np.dtype(given)
        array = values(dtype, number)
        for at, codecs in enumerate(CODECS):
            codecs = {name: [numcodecs.Shuffle(dtype.itemsize)] if value == "shuffle" else value for name, value in codecs.items()}
            fill = {"bytes": array[0, 0], "zero": 0, None: None}[codecs.pop("fill", None)]
            store = {}
            made = zarr.create(SHAPE, chunks=CHUNKS, dtype=dtype, store=store, fill_value=fill, **codecs)
            given = np.frombuffer(array.tobytes(), made.dtype).reshape(SHAPE)
            made[:2] = given[:2]
            if fill is None:
                made[2:] = given[2:]
            found = zarr.open(store, mode="r")[...]
            elements = found.astype(found.dtype.newbyteorder("<")).tobytes()
            yield {"name": name, "document": store[".zarray"].decode(), "chunks": text_of_bytes(store), "elements": elements.hex()}
    for name, given in REFUSED.items():
        store = {}
        try:
            zarr.create(SHAPE, chunks=CHUNKS, dtype=np.dtype(given), store=store, compressor=None)
        except Exception as error:
            document = {"document": store[".zarray"].decode()} if ".zarray" in store else {}
            yield {"name": name, "refused": f"{type(error).__name__}: {error}", **document}


lines = ",\n".join(json.dumps(case) for case in cases())
(HERE / "records.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
