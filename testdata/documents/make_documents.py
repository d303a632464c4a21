# peers: v2 v3 v3x
"""Writes v2.json, v3.json, v3_nodes.json and xarray.json beside this script: documents that zarr-python makes.

zarr-python 2.18.7 makes v2.json, zarr-python 3.4.2 v3.json and v3_nodes.json, xarray xarray.json; run the script with
each.

A case of v2.json and v3.json is one line: the parameters, and the document without its line breaks and indentation.
Every little-endian data type has all its fill values; codecs, orders and separators take turns, so that each
meets each other.

A case of v3_nodes.json is an array with what V3 alone has, or a group: the parameters in the forms of V3, and the
document. In xarray.json a case is a store: the documents of its nodes, as they are.
"""
import importlib.util
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


BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
ZSTD = {"name": "zstd", "configuration": {"level": 0, "checksum": False}}
GZIP = {"name": "gzip", "configuration": {"level": 5}}
CRC32C = {"name": "crc32c"}


def shards(shape, codecs, index=(BYTES, CRC32C), location="end"):
    return {"name": "sharding_indexed", "configuration": {
        "chunk_shape": shape, "codecs": codecs, "index_codecs": list(index), "index_location": location}}


def v3_nodes():
    """The cases of v3_nodes.json: what is given to zarr-python, and what to others in the words of documents."""
    import zarr.codecs
    from zarr.registry import get_codec_class

    zarr.config.set({"array.rectilinear_chunks": True})

    def built(codec):
        return get_codec_class(codec["name"]).from_dict(codec)

    def node(shape=(6, 8), dtype="int32", fill=0, codecs=None, **given):
        """An array; `codecs` are those of the document, of which the first is the serializer."""
        store = zarr.storage.MemoryStore()
        extra = {} if codecs is None else {
            "serializer": built(codecs[0]) if codecs[0]["name"] not in ("vlen-utf8", "vlen-bytes") else "auto",
            "compressors": [built(codec) for codec in codecs[1:]] or None}
        array = zarr.create_array(
            store, shape=shape, chunks=given.get("chunks", tuple(shape)), dtype=dtype, fill_value=fill,
            shards=given.get("shards"), chunk_key_encoding=given.get("keys"),
            dimension_names=given.get("names"), attributes=given.get("attributes"), **extra)
        text = store._store_dict["zarr.json"].to_bytes().decode()
        document = json.loads(text)
        assert json.dumps(document, indent=2) == text
        filled = array.fill_value
        if isinstance(filled, (str, bytes)) and array.dtype.kind in "OT":
            fill_hex = (filled.encode() if isinstance(filled, str) else filled).hex()
        else:
            fill_hex = np.array(filled, array.dtype).tobytes().hex()
        case = {"shape": list(shape), "data_type": document["data_type"], "fill": fill_hex}
        if "edges" in given:
            case["edges"] = given["edges"]
        case |= {key: given[key] for key in ("chunks", "shards", "keys", "names", "attributes") if given.get(key) is not None}
        if codecs is not None:
            # What makes bytes of texts is chosen by the type.
            case["codecs"] = codecs[codecs[0]["name"].startswith("vlen"):]
        else:
            case["codecs"] = [ZSTD]
        return case | {"document": document}

    plain = shards([2, 2], [BYTES])
    # Shards: made by the array, by its serializer, with the index at the start, with other codecs, nested.
    for shards_of in [[4, 4], [6, 8]]:
        yield node(chunks=[2, 2], shards=shards_of)
        yield node(chunks=[2, 2], shards=shards_of, codecs=[BYTES, GZIP, CRC32C])
    for codec in [
        plain,
        shards([2, 2], [BYTES, ZSTD], location="start"),
        shards([2, 2], [BYTES, GZIP, CRC32C], [BYTES]),
        shards([2, 4], [{"name": "transpose", "configuration": {"order": [1, 0]}}, BYTES], [BYTES, CRC32C], "start"),
        shards([4, 4], [shards([2, 2], [BYTES, ZSTD])]),
        shards([4, 4], [shards([2, 2], [BYTES], [BYTES], "start"), CRC32C], location="start"),
        shards([4, 4], [shards([2, 4], [shards([1, 2], [BYTES])])]),
    ]:
        yield node(shape=(8, 8), codecs=[codec])
        yield node(shape=(16, 8), chunks=[8, 8], codecs=[codec, CRC32C])
    # All as it comes.
    yield node()
    # Data types and fill values.
    record = np.dtype([("a", "<i2"), ("b", "<f8"), ("c", "?")])
    nested = np.dtype([("x", "u1"), ("p", [("q", "<f4"), ("t", "<U2")]), ("s", "S3"), ("v", "V2"), ("d", "<M8[s]")])
    for dtype, fills, serializer in [
        (str, ["", "né", "\U0001f600\"\\\n\x7f", "0"], {"name": "vlen-utf8"}),
        ("variable_length_bytes", [b"", b"\0\1\xff", b"abc"], {"name": "vlen-bytes"}),
        ("<U1", ["", "é"], BYTES), ("<U12", ["fill", "\U0001f600"], BYTES), ("S1", [b"", b"a"], {"name": "bytes"}),
        ("S20", [b"twenty", b"\xff"], {"name": "bytes"}), ("V1", [b"\0", b"\xff"], {"name": "bytes"}),
        ("V16", [bytes(range(16))], {"name": "bytes"}),
        *[(f"<M8[{unit}]", [0, 7, "NaT"], BYTES) for unit in "Y M W D h m s ms us ns ps fs as".split()],
        *[(f"<m8[{unit}]", [0, -7, "NaT"], BYTES) for unit in "25s 10us W".split()],
        (record, [None, (1, 2.5, True), (-1, float("nan"), False)], BYTES),
        (nested, [None, (1, (0.1, "é"), b"ab", b"\1\2", 9)], BYTES),
        ("float16", [-0.0, float("nan"), float("inf"), 6e-8], BYTES), ("float32", [-0.0, 1e-45, 16777216.0, 1e20, 0.1], BYTES),
        ("float64", [-0.0, float("-inf"), 1e22, 1e16, 123456789012345680.0, 5e-324, 1.7976931348623157e308], BYTES),
        ("complex64", [complex(-0.0, 0), complex("nan+infj"), 1e-5j], BYTES),
        ("complex128", [complex(0, -0.0), complex("-inf+nanj"), 0.1 + 1e100j], BYTES),
    ]:
        for fill in fills:
            if dtype not in (str, "variable_length_bytes"):
                as_type = np.dtype(dtype)
                fill = np.zeros((), as_type)[()] if fill is None else np.array(
                    fill, "i8" if as_type.kind in "Mm" and fill != "NaT" else as_type).astype(as_type)[()]
            yield node(dtype=dtype, fill=fill, codecs=[serializer, ZSTD])
        if dtype not in (str, "variable_length_bytes"):
            yield node(dtype=dtype, fill=fill, chunks=[2, 2], shards=[4, 4], codecs=[serializer])
    # A NaN with other bits than the usual, and one with a sign: zarr-python forgets the bits, which are noted here.
    for dtype, bits in [("float16", "0xfe01"), ("float32", "0x7fc00001"), ("float64", "0xfff8000000000000")]:
        fill = np.array(int(bits, 16), f"u{np.dtype(dtype).itemsize}").view(dtype)[()]
        yield {"bits": bits} | node(dtype=dtype, fill=fill, codecs=[BYTES])
    # Names of dimensions and of chunks, and attributes.
    for names in [["y", "x"], ["y", None], [None, None], ["é\"", ""], ["x", "x"]]:
        yield node(names=names, codecs=[BYTES])
    for keys in [{"name": name, "separator": separator} for name in ("default", "v2") for separator in "./"]:
        yield node(chunks=[2, 2], keys=keys, codecs=[BYTES, GZIP])
        yield node(chunks=[2, 2], shards=[4, 8], keys=keys)
    for attributes in ATTRIBUTES:
        yield node(attributes=attributes, codecs=[BYTES])
    for shape in [(), (0,), (0, 3), (1, 1, 1, 1), (2**31, 2**40)]:
        yield node(shape=shape, chunks=[min(length, 100) or 1 for length in shape], codecs=[BYTES])
    # Chunks and shards that differ in their lengths.
    for edges in [[[1, 2, 3], [4, 4]], [[3, 3], [2, 6]], [[2, 4], [1, 1, 1, 1, 1, 3]], [2, [5, 3]]]:
        yield node(chunks=edges, edges=edges, codecs=[BYTES, ZSTD])
    for edges in [[[2, 4], [4, 4]], [[4, 2], [2, 6]]]:
        yield node(chunks=[2, 2], shards=edges, edges=edges)
    for attributes in [None, {}, *ATTRIBUTES]:
        store = zarr.storage.MemoryStore()
        zarr.create_group(store, attributes=attributes)
        text = store._store_dict["zarr.json"].to_bytes().decode()
        assert json.dumps(json.loads(text), indent=2) == text
        yield {"attributes": attributes or {}, "document": json.loads(text)}


ATTRIBUTES = [
    {"units": "K", "long_name": "Température \"à 2 m\"\n\u2028\x7f\U0001f600"},
    {"numbers": [0, -1, 2**63, -2**63, 2**64 - 1, 0.1, 1e16, 1e22, 1e-7, -0.0, 123456789012345680.0]},
    {"specials": [float("nan"), float("inf"), float("-inf")]},
    {"nested": {"a": {"b": [[], {}, [{}], None, True, False]}}, "": "empty", "node_type": "array", "shape": [1]},
    {"b": 1, "a": 2, "_FillValue": -9999, "coordinates": "lat lon"},
]


def xarray_stores():
    """The stores of xarray.json."""
    import pandas
    import xarray

    times = pandas.date_range("2024-01-31", periods=4, freq="ME")
    data = xarray.Dataset(
        {
            "t": (("time", "x"), np.arange(12.0).reshape(4, 3), {"units": "K", "valid_range": np.array([0, 50], "f4")}),
            "masked": (("time",), np.array([1, np.nan, 3, 4])),
            "packed": (("x",), np.array([0.5, 1.5, np.nan])),
            "names": (("x",), np.array(["a", "né", ""], dtype=object)),
            "codes": (("x",), np.array([b"ab", b"c", b""], "S2")),
            "flag": (("time",), np.array([True, False, True, True])),
            "scalar": ((), np.float32(2.5)), "count": ((), np.int8(-3)),
            "complex": (("x",), np.array([1 + 2j, 0, -1j])),
            "lag": (("time",), pandas.to_timedelta([1, 2, 3, 4], unit="h")),
        },
        coords={"time": times, "x": ("x", [10, 20, 30], {"axis": "X"}), "label": ("x", np.array(["p", "q", "r"]))},
        attrs={"title": "A store", "history": "made"},
    )
    encoding = {
        "masked": {"dtype": "i2", "_FillValue": -999}, "packed": {"dtype": "u1", "scale_factor": 0.5, "add_offset": 0.5,
                                                              "_FillValue": 255},
        "t": {"chunks": (1, 3), "shards": (4, 3)}, "flag": {"chunks": (2,)},
    }
    for consolidated in False, True:
        store = zarr.storage.MemoryStore()
        data.to_zarr(store, zarr_format=3, consolidated=consolidated, encoding=encoding)
        yield store
    store = zarr.storage.MemoryStore()
    tree = xarray.DataTree.from_dict({"/": data[["t"]], "/a": data[["flag"]], "/a/b": data[["scalar"]]})
    tree.to_zarr(store, zarr_format=3, consolidated=True)
    yield store


def write(name, cases):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    pathlib.Path(__file__).with_name(name).write_text(f"[\n{lines}\n]\n")


def stored_documents(store):
    documents = {}
    for key in sorted(store._store_dict):
        if key.endswith("zarr.json"):
            documents[key] = store._store_dict[key].to_bytes().decode()
    return documents


def main():
    if importlib.util.find_spec("xarray"):
        return write("xarray.json", ({"documents": stored_documents(store)} for store in xarray_stores()))
    write("v2.json" if IS_V2 else "v3.json", cases())
    if not IS_V2:
        write("v3_nodes.json", v3_nodes())


def cases():
    """The cases of v2.json or v3.json."""
    width = 4 if IS_V2 else 2
    codecs = V2_CODECS if IS_V2 else V3_CODECS
    n_cases = 0
    for dtype in DTYPES:
        for fill in fill_values(dtype):
            turn, n_cases = n_cases, n_cases + 1
            case = {"dtype": dtype, "order": "CF"[turn // len(codecs) % 2], "separator": SEPARATORS[turn % 3]}
            codec = codecs[turn % len(codecs)]
            text = (create_v2 if IS_V2 else create_v3)(case, fill, codec)
            little = None if fill is None else np.array(fill, np.dtype(dtype).newbyteorder("<")).tobytes().hex()
            case |= {"codec": codec.get_config() if codec and IS_V2 else codec, "fill": little}
            case["document"] = json.loads(text)
            assert json.dumps(case["document"], indent=width) == text
            yield case


if __name__ == "__main__":
    main()
