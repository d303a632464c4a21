"""Peer: zarr-python 2."""
import numcodecs
import protocol
import zarr


def compressor(cell):
    configuration = cell["document"]["compressor"]
    return numcodecs.get_codec(dict(configuration)) if configuration else None


def filters(cell):
    return [numcodecs.get_codec(dict(filter)) for filter in cell["document"]["filters"] or []] or None


def read(cell):
    array = protocol.refusing(zarr.open_array, cell["path"], mode="r")
    return protocol.reading(array[...])


def write(cell):
    array = protocol.refusing(
        lambda: zarr.create(
            tuple(cell["shape"]), chunks=tuple(cell["chunks"]), dtype=protocol.dtype(cell), compressor=compressor(cell),
            filters=filters(cell), fill_value=protocol.fill_value(cell), order=cell["order"], dimension_separator=cell["separator"],
            store=zarr.DirectoryStore(cell["path"], dimension_separator=cell["separator"])))
    values = protocol.values(cell)
    for region in protocol.regions(cell):
        array[region] = values[region]


if __name__ == "__main__":
    protocol.main(read, write, "zarr", "numcodecs")
