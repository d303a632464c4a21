# peers: v2 v3
"""Writes v2.json and v3.json beside this script: the documents that zarr-python makes of known parameters.

zarr-python 2.18.7 makes v2.json, zarr-python 3.4.2 v3.json; run the script with each.

A case is one line: the parameters, and the document without its line breaks and indentation.
Every little-endian data type has all its fill values; codecs, orders and separators take turns, so that each
meets each other.
"""
import json
import pathlib
import warnings

import numcodecs
import numpy as np
import zarr

warnings.simplefilter("ignore")
IS_V2 = zarr.__version__.startswith("2.")
SHAPE, CHUNKS = (5, 4), (2, 3)
DTYPES = """|b1 |i1 |u1 <i2 >i2 <u2 >u2 <i4 >i4 <u4 >u4 <i8 >i8 <u8 >u8 <f2 >f2 <f4 >f4 <f8 >f8 <c8 >c8 <c16 >c16
    |S5 <U4 >U4 |V6 <M8[ns] >M8[ns] <M8[s] <M8[D] <M8[10s] <m8[ns] >m8[ns] <m8[s]""".split()
# zarr-python 2 makes 0.0 of -0.0.
FLOATS = ["nan", "inf", "-inf", 0.1, 1.5, 1e-5, 65504.0] + ([] if IS_V2 else [-0.0])
COMPLEXES = [1.5 - 1j, 0.1 + 2j, complex("nan+1j")]
SEPARATORS = [None, ".", "/"]
V2_CODECS = [
    None,
    numcodecs.Blosc(),
    numcodecs.Blosc(cname="zstd", clevel=9, shuffle=2, blocksize=1024),
    numcodecs.Zlib(level=1),
    numcodecs.GZip(level=5),
    numcodecs.Zstd(level=3),
    numcodecs.LZ4(),
    numcodecs.BZ2(level=1),
]
V3_CODECS = [
    [],
    [{"name": "zstd", "configuration": {"level": 0, "checksum": False}}],
    [{"name": "gzip", "configuration": {"level": 5}}],
    [{"name": "blosc", "configuration": {
        "typesize": 4, "cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "blocksize": 0}}],
    [{"name": "crc32c"}],
    [{"name": "zstd", "configuration": {"level": 3, "checksum": True}}, {"name": "crc32c"}],
    [{"name": "numcodecs.zlib", "configuration": {"level": 1}}],
    [{"name": "numcodecs.bz2", "configuration": {"level": 1}}],
]


def fill_values(dtype):
    """The fill values of a data type, as NumPy scalars; None is no fill value, which only version 2 has."""
    dtype = np.dtype(dtype)
    values = [np.zeros((), dtype)[()]]
    if dtype.kind in "iu":
        values += [42, np.iinfo(dtype).min, np.iinfo(dtype).max]
    elif dtype.kind == "f":
        values += FLOATS + ([1e300, 5e-324] if dtype.itemsize == 8 else [])
    elif dtype.kind == "c":
        values += COMPLEXES
    else:
        values += {"b": [True], "S": [b"fill", b"\xff\0a"], "U": ["né", "\U0001f600\"\\"],
                   "V": [np.void(b"\1\2\3\4\5\xff")], "m": [42, "NaT"], "M": [42, "NaT"]}[dtype.kind]
    with np.errstate(all="ignore"):
        scalars = [np.array(value, "i8").astype(dtype)[()] if type(value) is int and dtype.kind in "mM"
                   else np.array(value).astype(dtype)[()] for value in values]
    return ([None] if IS_V2 else []) + (scalars[:2] if dtype.byteorder == ">" else scalars)


def create_v2(case, fill, codec):
    store = zarr.MemoryStore()
    extra = {"dimension_separator": case["separator"]} if case["separator"] else {}
    zarr.create(SHAPE, chunks=CHUNKS, dtype=case["dtype"], compressor=codec, fill_value=fill, order=case["order"],
                store=store, **extra)
    return store[".zarray"].decode()


def create_v3(case, fill, codec):
    from zarr.codecs import BytesCodec, TransposeCodec
    from zarr.registry import get_codec_class
    store = zarr.storage.MemoryStore()
    extra = {"serializer": BytesCodec(endian="big")} if case["dtype"][0] == ">" else {}
    if case["order"] == "F":
        extra["filters"] = [TransposeCodec(order=(1, 0))]
    if case["separator"]:
        extra["chunk_key_encoding"] = {"name": "default", "separator": case["separator"]}
    zarr.create_array(store, shape=SHAPE, chunks=CHUNKS, dtype=np.dtype(case["dtype"]), fill_value=fill,
                      compressors=[get_codec_class(c["name"]).from_dict(c) for c in codec] or None, **extra)
    return store._store_dict["zarr.json"].to_bytes().decode()


def main():
    width = 4 if IS_V2 else 2
    codecs = V2_CODECS if IS_V2 else V3_CODECS
    cases = []
    for dtype in DTYPES:
        for fill in fill_values(dtype):
            turn = len(cases)
            case = {"dtype": dtype, "order": "CF"[turn // len(codecs) % 2], "separator": SEPARATORS[turn % 3]}
            codec = codecs[turn % len(codecs)]
            text = (create_v2 if IS_V2 else create_v3)(case, fill, codec)
            little = None if fill is None else np.array(fill, np.dtype(dtype).newbyteorder("<")).tobytes().hex()
            case |= {"codec": codec.get_config() if codec and IS_V2 else codec, "fill": little}
            case["document"] = json.loads(text)
            assert json.dumps(case["document"], indent=width) == text
            cases.append(json.dumps(case, separators=(",", ":")))
    name = "v2.json" if IS_V2 else "v3.json"
    lines = ",\n".join(cases)
    pathlib.Path(__file__).with_name(name).write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
