"""tensorstore in `cargo xtask bench peers`: `bench_tensorstore.py OPERATION PATH ...`."""
import json
import os

import bench_protocol as protocol
import tensorstore as ts

# Nobody else flushes files to the disk. The cache has room for the indexes of shards, not for chunks of 32 MiB.
CONTEXT = ts.Context({"file_io_sync": False, "cache_pool": {"total_bytes_limit": 1 << 20}})


def spec(path, model=None):
    is_v3 = os.path.exists(os.path.join(model or path, "zarr.json"))
    return {"driver": "zarr3" if is_v3 else "zarr", "kvstore": {"driver": "file", "path": path + "/"},
            "recheck_cached_data": "open"}


def open_array(path):
    return ts.open(spec(path), context=CONTEXT, open=True, read=True).result()


def like(model, path):
    """A new array of the same kind."""
    made = spec(path, model)
    with open(os.path.join(model, "zarr.json" if made["driver"] == "zarr3" else ".zarray")) as file:
        document = json.load(file)
    for name in ("zarr_format", "node_type", "attributes"):
        document.pop(name, None)
    return ts.open(made | {"metadata": document}, context=CONTEXT, create=True).result()


def read(tally, source):
    tally.add(open_array(source).read().result())


def boxes(tally, source, edges):
    array = open_array(source)
    for region in protocol.regions(array.shape, edges(array)):
        tally.add(array[region].read().result())


def chunks(tally, source):
    boxes(tally, source, lambda array: array.chunk_layout.write_chunk.shape)


def inner(tally, source):
    boxes(tally, source, lambda array: array.chunk_layout.read_chunk.shape)


def roundtrip(tally, source, dest):
    """The library copies chunk by chunk, as many at once as it likes."""
    array = open_array(source)
    like(source, dest).write(array).result()
    tally.count = len(list(protocol.regions(array.shape, array.chunk_layout.write_chunk.shape)))


def save(tally, values, dest, model):
    values = protocol.values(values)
    like(model, dest).write(values).result()
    tally.count = values.size


def slices(tally, source, positions):
    array = open_array(source)
    for region in protocol.slices(positions):
        tally.add(array[region].read().result())


if __name__ == "__main__":
    protocol.main({"read": read, "chunks": chunks, "inner": inner, "roundtrip": roundtrip, "save": save,
                   "slices": slices})
