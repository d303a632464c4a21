# peers: v3
"""Writes v3.json beside this script: chunks of the codecs that only V3 has, and of the names `numcodecs.*` in V3.

zarr-python 3.4.2 writes those of scale_offset and numcodecs, cast_value_rs 0.5.1 casts (it is no part of the peers;
where it is not installed, its cases are kept as they are), zfpy 1.0.1 makes streams without a header.

A case has the data type, the shape of the chunk, the codecs, the chunk in hexadecimal, and the elements that the
writer reads back, little-endian. Of cast_value it has no chunk but what the elements are cast to; `null` is an error.
"""
import json
import pathlib
import warnings

import numpy as np
import zarr
import zarr.codecs.numcodecs as nc
import zfpy

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent
SHAPE = (4, 6)


def values(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return (np.arange(24) % 3 == 0).reshape(SHAPE)
    return (np.arange(24) * 3 - 4 * (dtype.kind != "u")).astype(dtype).reshape(SHAPE)


def chains():
    for codec in [
        nc.Blosc(), nc.Blosc(cname="zstd", shuffle=2, clevel=3), nc.LZ4(), nc.Zstd(level=1), nc.Zlib(), nc.GZip(level=3),
        nc.BZ2(), nc.LZMA(), nc.Shuffle(elementsize=4), nc.CRC32(), nc.CRC32C(), nc.Adler32(), nc.Fletcher32(),
        nc.JenkinsLookup3(), nc.JenkinsLookup3(initval=5),
    ]:
        yield "float32", {"compressors": [codec]}
    for dtype, codec in [
        ("float32", nc.Delta(dtype="<f4")), ("int16", nc.Delta(dtype="<i2", astype="<i4")), ("float32", nc.BitRound(keepbits=3)),
        ("float64", nc.FixedScaleOffset(offset=1, scale=2, dtype="<f8", astype="<i2")),
        ("float32", nc.Quantize(digits=2, dtype="<f4")), ("float32", nc.AsType(encode_dtype="<f8", decode_dtype="<f4")),
        ("bool", nc.PackBits()),
    ]:
        yield dtype, {"filters": [codec], "compressors": None}
    for codec in [nc.PCodec(), nc.PCodec(level=3), nc.ZFPY(mode=4, tolerance=0.1), nc.ZFPY(mode=2, rate=12)]:
        yield "float64", {"serializer": codec, "compressors": None}
    scale = lambda **configuration: {"filters": [{"name": "scale_offset", "configuration": configuration}], "compressors": None}
    for dtype in ["int8", "int16", "uint32", "int64", "uint64"]:
        yield dtype, scale(offset=-5 if dtype[0] == "i" else 0, scale=1 if dtype == "int8" else 7)
    for dtype in ["float16", "float32", "float64"]:
        yield dtype, scale(offset=5, scale=0.1)
        yield dtype, scale(offset=0.3, scale=3)


def zarr_cases():
    for dtype, parameters in chains():
        store = zarr.storage.MemoryStore()
        array = zarr.create_array(store, shape=SHAPE, chunks=SHAPE, dtype=dtype, zarr_format=3, **parameters)
        array[...] = values(dtype)
        document = json.loads(store._store_dict["zarr.json"].to_bytes())
        yield {"data_type": dtype, "shape": SHAPE, "codecs": document["codecs"],
               "chunk": store._store_dict["c/0/0"].to_bytes().hex(), "elements": array[...].tobytes().hex()}


def zfp_cases():
    modes = [({"mode": "reversible"}, {}), ({"mode": "fixed_accuracy", "tolerance": 0.05}, {"tolerance": 0.05}),
             ({"mode": "fixed_rate", "rate": 11}, {"rate": 11}), ({"mode": "fixed_precision", "precision": 13}, {"precision": 13})]
    for dtype in ["int32", "int64", "float32", "float64"]:
        for configuration, parameters in modes:
            if dtype[0] == "i" and "tolerance" in parameters:
                continue
            for shape in [(24,), (4, 6), (2, 3, 4), (2, 3, 2, 2)]:
                array = values(dtype).reshape(shape)
                if dtype[0] == "f":
                    array = (np.sin(array / 5) * 3).astype(dtype)
                whole = zfpy.compress_numpy(array, write_header=True, **parameters)
                bare = zfpy.compress_numpy(array, write_header=False, **parameters)
                yield {"data_type": dtype, "shape": shape, "codecs": [{"name": "zfp", "configuration": configuration}],
                       "chunk": bare.hex(), "elements": zfpy.decompress_numpy(whole).tobytes().hex()}


def cast_cases():
    from cast_value_rs import cast_array

    inf, nan = float("inf"), float("nan")
    numbers = [0.0, -0.0, 0.1, 0.5, -0.5, 1.5, 2.5, -2.5, 126.5, 127.5, 255.5, 300.7, -1.2, 16777217.0, 65519.0, 65520.0, 1e20,
               -1e20, 1e-60, 1e300, 3.40282356e38, 3.4028235677973366e38, inf, -inf, nan]
    integers = [0, 1, -1, 127, 128, -128, -129, 255, 256, 2049, 2051, 70000, 16777217, 16777219, -16777217, 2**53 + 1, 2**62 + 1, 2**63 - 1]
    roundings = ["nearest-even", "towards-zero", "towards-positive", "towards-negative", "nearest-away"]
    for source, targets in [
        ("float64", ["int8", "uint8", "int32", "int64", "uint64", "float32", "float16"]), ("float32", ["float16", "int16", "float64"]),
        ("int64", ["int8", "uint8", "int32", "uint64", "float16", "float32", "float64"]), ("uint8", ["int8", "float16"]),
    ]:
        with np.errstate(all="ignore"):
            elements = np.unique(np.array(numbers if source[0] == "f" else integers, "f8" if source[0] == "f" else "i8").astype(source))
        for target in targets:
            for rounding in roundings:
                for mode in [None, "clamp"] + ["wrap"] * ("int" in target):
                    result = []
                    for element in elements:
                        try:
                            cast = cast_array(np.array([element]), target_dtype=np.dtype(target), rounding_mode=rounding,
                                              out_of_range_mode=mode, scalar_map_entries=None)
                            result.append(cast.tobytes().hex())
                        except (ValueError, OverflowError):
                            result.append(None)
                    configuration = {"data_type": target, "rounding": rounding} | ({"out_of_range": mode} if mode else {})
                    yield {"data_type": source, "configuration": configuration, "elements": elements.tobytes().hex(), "cast": result}


def write(name, cases):
    lines = ",\n".join(json.dumps(one) for one in cases)
    (HERE / name).write_text(f"[\n{lines}\n]\n")


write("v3.json", [*zarr_cases(), *zfp_cases()])
try:
    write("cast_value.json", cast_cases())
except ModuleNotFoundError:
    print("cast_value_rs is not installed, cast_value.json stays as it is")
