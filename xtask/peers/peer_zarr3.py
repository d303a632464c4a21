"""Peer: zarr-python 3."""
import numcodecs
import numpy as np
import protocol
import zarr
from zarr.codecs import BytesCodec, TransposeCodec
from zarr.registry import get_codec_class


def codec(document):
    """A codec of a V3 document, by the library's own registry."""
    return get_codec_class(document["name"]).from_dict(document)


def create(cell):
    v2 = cell["format"] == 2
    document = cell["document"]
    extra = {}
    if v2:
        configuration = document["compressor"]
        extra["compressors"] = numcodecs.get_codec(dict(configuration)) if configuration else None
        extra["order"] = cell["order"]
    else:
        after = [codec(c) for c in document["codecs"] if c["name"] not in ("transpose", "bytes")]
        extra["compressors"] = after or None
        if any(c["name"] == "transpose" for c in document["codecs"]):
            extra["filters"] = [TransposeCodec(order=tuple(reversed(range(len(cell["shape"])))))]
        if cell["dtype"][0] == ">":
            extra["serializer"] = BytesCodec(endian="big")
    return zarr.create_array(
        cell["path"], shape=tuple(cell["shape"]), chunks=tuple(cell["chunks"]), dtype=np.dtype(cell["dtype"]),
        zarr_format=cell["format"], fill_value=protocol.fill_value(cell),
        chunk_key_encoding={"name": "v2" if v2 else "default", "separator": cell["separator"]}, **extra)


def read(cell):
    array = protocol.refusing(zarr.open_array, cell["path"], mode="r", zarr_format=cell["format"])
    return protocol.reading(array[...], array.dtype)


def write(cell):
    array = protocol.refusing(create, cell)
    values = protocol.values(cell)
    for region in protocol.regions(cell):
        array[region] = values[region]


if __name__ == "__main__":
    protocol.main(read, write, "zarr", "numcodecs")
