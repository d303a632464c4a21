"""What numcodecs and zarr-python make of generated configurations and inputs of every codec, and of ours.

`peer_codecs.py FORMAT version` prints the versions.
`peer_codecs.py FORMAT make DIR SEED COUNT [CODEC ...]` makes COUNT cases a codec that the library itself reads back:
a folder each under DIR, and a JSON line for each on standard output. A case that the library refuses counts as refused.
`peer_codecs.py FORMAT check DIR` compares what we wrote to the folders that DIR/names lists.

A folder holds `values` (what is to be stored) and `expected` (what the library reads back), as bytes in C order,
little-endian, or for objects as a list of JSON; and `theirs`, an array of a single chunk. Where no array can hold the case (it is
empty, or the codec leaves out of documents what it needs), `theirs` is the encoded chunk alone. Ours goes to `ours`.
"""
import collections
import importlib.metadata
import json
import os
import shutil
import sys
import warnings

import codec_cases
import numcodecs
import numpy as np
import zarr

warnings.simplefilter("ignore")
IS_2 = zarr.__version__.startswith("2.")
if IS_2:
    import zarr.n5  # noqa: F401  Registers `n5_wrapper`.
else:
    # A chunk of zeros is to be encoded as any other.
    zarr.config.set({"array.write_empty_chunks": True})

# Documents of these lack what building the codec needs.
BARE = {"n5_wrapper"}


def get_codec(config):
    return numcodecs.get_codec(dict(config))


def document(case):
    """The `.zarray` of a single chunk."""
    array = case["array"]
    dtype = array.dtype
    shape = list(array.shape)

    def config(codec):
        return get_codec(codec).get_config()

    return {
        "zarr_format": 2, "shape": shape, "chunks": shape, "order": "C", "fill_value": None,
        "dtype": dtype_json(dtype),
        "filters": [config(codec) for codec in case["filters"]] if case["filters"] else None,
        "compressor": config(case["compressor"]) if case["compressor"] else None,
    }


def dtype_json(dtype):
    if dtype.names:
        fields = [(name, dtype.fields[name][0]) for name in dtype.names]
        return [[name, *([dtype_json(field.base), list(field.shape)] if field.shape else [dtype_json(field)])] for name, field in fields]
    return dtype.str


class V2Array:
    """An array of Zarr V2 in a folder."""

    @staticmethod
    def create(case, path):
        os.makedirs(path)
        with open(os.path.join(path, ".zarray"), "w") as file:
            json.dump(document(case), file)
        zarr.open_array(path, mode="r+")[...] = case["array"]

    @staticmethod
    def read(case, path):
        return zarr.open_array(path, mode="r")[...]


class V3Array:
    """An array of Zarr V3 in a folder."""

    @staticmethod
    def create(case, path):
        from zarr.abc.codec import ArrayArrayCodec, ArrayBytesCodec
        from zarr.registry import get_codec_class
        for config in case["filters"] or []:
            if any(isinstance(value, str) and value.startswith(">") for value in config.values()):
                raise ValueError("zarr-python 3 does not read what it writes through filters in big-endian order")
        filters, serializer, compressors = [], "auto", []
        for config in [*(case["filters"] or []), *([case["compressor"]] if case["compressor"] else [])]:
            configuration = {name: value for name, value in config.items() if name != "id"}
            name = f"numcodecs.{config['id']}"
            codec = get_codec_class(name).from_dict({"name": name, "configuration": configuration})
            if isinstance(codec, ArrayArrayCodec):
                filters.append(codec)
            elif isinstance(codec, ArrayBytesCodec):
                serializer = codec
            else:
                compressors.append(codec)
        array = case["array"]
        made = zarr.create_array(
            path, shape=array.shape, chunks=array.shape, dtype=array.dtype, zarr_format=3, filters=filters or None,
            serializer=serializer, compressors=compressors or None)
        made[...] = array

    @staticmethod
    def read(case, path):
        return zarr.open_array(path, mode="r")[...]


class Bare:
    """An encoded chunk in a file, as zarr-python 2 encodes and decodes it."""

    @staticmethod
    def codecs(case):
        return [get_codec(config) for config in [*(case["filters"] or []), *([case["compressor"]] if case["compressor"] else [])]]

    @staticmethod
    def create(case, path):
        chunk = case["array"]
        for codec in Bare.codecs(case):
            chunk = codec.encode(chunk)
        with open(path, "wb") as file:
            file.write(numcodecs.compat.ensure_bytes(chunk))

    @staticmethod
    def read(case, path):
        with open(path, "rb") as file:
            chunk = file.read()
        for codec in reversed(Bare.codecs(case)):
            chunk = codec.decode(chunk)
        array, chunk = case["array"], numcodecs.compat.ensure_ndarray_like(chunk)
        return (chunk if array.dtype == object else chunk.view(array.dtype)).reshape(array.shape)


FORMS = {kind.__name__: kind for kind in (V2Array, V3Array, Bare)}


def forms(case, zarr_format):
    """How the case can be stored, the best first.

    zarr-python 3 has no data type for some of what numcodecs encodes in V2; numcodecs itself is then compared.
    """
    if case["array"].size == 0 or case["codec"] in BARE:
        return [Bare] if zarr_format == 2 else []
    if zarr_format == 3:
        return [V3Array]
    return [V2Array] if IS_2 else [V2Array, Bare]


def save(path, values):
    mode = "wb" if isinstance(values, bytes) else "w"
    with open(path, mode) as file:
        file.write(values) if mode == "wb" else json.dump(values, file)


def load(path):
    with open(path, "rb") as file:
        return file.read()


def make_case(case, folder, zarr_format):
    """Makes the folder of a case; an exception is the library's refusal."""
    refusal = ValueError("zarr-python 3 has no such arrays")
    for kind in forms(case, zarr_format):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        try:
            kind.create(case, os.path.join(folder, "theirs"))
            expected = codec_cases.exact(kind.read(case, os.path.join(folder, "theirs")))
        except Exception as error:
            refusal = error
            continue
        save(os.path.join(folder, "values"), codec_cases.exact(case["array"]))
        save(os.path.join(folder, "expected"), expected)
        about = {
            "codec": case["codec"], "form": kind.__name__, "shape": list(case["array"].shape),
            "dtype": dtype_json(case["array"].dtype), "filters": case["filters"], "compressor": case["compressor"]}
        save(os.path.join(folder, "case.json"), about)
        return about
    raise refusal


def make(zarr_format, directory, seed, count, *codecs):
    for codec in [codec for codec in codecs or codec_cases.CODECS if codec in codec_cases.CODECS]:
        generator = codec_cases.Generator(codec, f"{seed} {zarr_format}")
        made, refused = 0, collections.Counter()
        while made < int(count) and generator.drawn < 4 * int(count):
            case = generator.case()
            name = f"{codec}-{generator.drawn}"
            try:
                about = make_case(case, os.path.join(directory, name), int(zarr_format))
            except Exception as error:
                refused[f"{type(error).__name__}: {error}"[:160]] += 1
                continue
            made += 1
            print(json.dumps({"name": name, **about}), flush=True)
        print(json.dumps({"codec": codec, "made": made, "refused": dict(refused)}), flush=True)


def check(_, directory):
    with open(os.path.join(directory, "names")) as file:
        names = file.read().split()
    for name in names:
        folder = os.path.join(directory, name)
        try:
            about = json.loads(load(os.path.join(folder, "case.json")))
            dtype = about["dtype"] if isinstance(about["dtype"], str) else codec_cases.STRUCTURED
            case = {**about, "array": np.empty(about["shape"], dtype)}
            found = codec_cases.exact(FORMS[about["form"]].read(case, os.path.join(folder, "ours")))
            expected = load(os.path.join(folder, "expected"))
            same = found == (expected if isinstance(found, bytes) else json.loads(expected))
            line = {} if same else {"error": "the values differ"}
        except Exception as error:
            line = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps({"name": name, **line}), flush=True)


def version(_):
    names = ["zarr", "numcodecs", "pcodec", "zfpy", "msgpack", "numpy"]
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))


if __name__ == "__main__":
    {"make": make, "check": check, "version": version}[sys.argv[2]](sys.argv[1], *sys.argv[3:])
