"""Peer: zarr-python 3."""
import numcodecs
import protocol
import zarr
from zarr.abc.codec import ArrayArrayCodec, ArrayBytesCodec, BytesBytesCodec
from zarr.codecs import BytesCodec
from zarr.core.metadata.v3 import RectilinearChunkGridMetadata
from zarr.registry import get_codec_class

# The library has these grids where they are asked for.
zarr.config.set({"array.rectilinear_chunks": True})


def codec(document):
    """A codec of a V3 document, by the library's own registry."""
    return get_codec_class(document["name"]).from_dict(document)


def dtype(cell):
    if cell["dtype"] == "text":
        return str
    return zarr.dtype.VariableLengthBytes() if cell["dtype"] == "bytes" else protocol.dtype(cell)


def codecs_v2(cell):
    """Filters and compressor; those of text and bytes come with their types."""
    document = cell["document"]
    filters = [numcodecs.get_codec(dict(f)) for f in document["filters"] or [] if not f["id"].startswith("vlen-")]
    configuration = document["compressor"]
    compressor = numcodecs.get_codec(dict(configuration)) if configuration else None
    if filters and cell["dtype"] in ("text", "bytes"):
        filters.insert(0, numcodecs.get_codec(dict(document["filters"][0])))
    return {"compressors": compressor, "order": cell["order"], **({"filters": filters} if filters else {})}


def codecs_v3(cell):
    """What comes before and after the codec that makes bytes, and that one where it is not the usual."""
    made = [codec(document) for document in cell["document"]["codecs"]]
    if cell["document"]["codecs"][0]["name"] == "sharding_indexed":
        return {"filters": None, "compressors": None, "serializer": made[0]}
    extra = {
        "filters": [one for one in made if isinstance(one, ArrayArrayCodec)] or None,
        "compressors": [one for one in made if isinstance(one, BytesBytesCodec)] or None,
    }
    serializer = next(one for one in made if isinstance(one, ArrayBytesCodec))
    if not isinstance(serializer, BytesCodec):
        return extra if cell["dtype"] in ("text", "bytes") else {**extra, "serializer": serializer}
    return {**extra, "serializer": BytesCodec(endian="big")} if cell["dtype"][0] == ">" else extra


def grid(cell):
    """The chunk shape, or the grid of a document whose chunks differ in length."""
    document = cell["document"].get("chunk_grid", {})
    if document.get("name") == "rectilinear":
        return RectilinearChunkGridMetadata.from_dict(document)
    return tuple(cell["chunks"])


def create(cell):
    v2 = cell["format"] == 2
    return zarr.create_array(
        cell["path"], shape=tuple(cell["shape"]), chunks=grid(cell), dtype=dtype(cell),
        zarr_format=cell["format"], fill_value=protocol.fill_value(cell),
        chunk_key_encoding={"name": "v2" if v2 else cell["document"]["chunk_key_encoding"]["name"],
                            "separator": cell["separator"]},
        **(codecs_v2(cell) if v2 else codecs_v3(cell)))


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
