"""zarr-python 2 and 3 in `cargo xtask bench peers`: `bench_zarr.py OPERATION PATH ...`."""
import os
from concurrent.futures import ThreadPoolExecutor

import bench_protocol as protocol
import zarr

IS_V2 = zarr.__version__.startswith("2.")


def open_array(path):
    return zarr.open_array(path, mode="r")


def like(array, path):
    """A new array of the same kind."""
    if IS_V2:
        return zarr.open_like(array, path, mode="w")
    form = {"zarr_format": 2} if array.metadata.zarr_format == 2 else {"shards": array.shards}
    return zarr.create_array(path, shape=array.shape, chunks=array.chunks, dtype=array.dtype, fill_value=0,
                             filters=None, compressors=array.compressors, **form)


def read(tally, source):
    tally.add(open_array(source)[...])


def boxes(tally, source, edges):
    array = open_array(source)
    for region in protocol.regions(array.shape, edges(array)):
        tally.add(array[region])


def outer(array):
    return getattr(array, "shards", None) or array.chunks


def chunks(tally, source):
    boxes(tally, source, outer)


def inner(tally, source):
    boxes(tally, source, lambda array: array.chunks)


def roundtrip(tally, source, dest):
    """As many chunks at once as there are processors."""
    array = open_array(source)
    new = like(array, dest)

    def carry(region):
        new[region] = array[region]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tally.count = len(list(pool.map(carry, protocol.regions(array.shape, outer(array)))))


def save(tally, values, dest, model):
    values = protocol.values(values)
    like(open_array(model), dest)[...] = values
    tally.count = values.size


def slices(tally, source, positions):
    array = open_array(source)
    for region in protocol.slices(positions):
        tally.add(array[region])


def copy_store(tally, source, dest):
    if not dest.endswith(".zip"):
        tally.count = zarr.copy_store(zarr.DirectoryStore(source), zarr.DirectoryStore(dest))[0]
        return
    with zarr.ZipStore(dest, mode="w") as archive:
        tally.count = zarr.copy_store(zarr.DirectoryStore(source), archive)[0]


def visit(tally, root):
    """Every node; the check is the sum of the lengths of arrays."""
    tally.count = 1
    if not IS_V2:
        for _, node in root.members(max_depth=None):
            tally.count += 1
            tally.check += node.shape[0] if isinstance(node, zarr.Array) else 0
        return

    def one(node):
        tally.count += 1
        tally.check += node.shape[0] if isinstance(node, zarr.Array) else 0

    root.visitvalues(one)


def walk(tally, source):
    visit(tally, zarr.open_group(source, mode="r", **({} if IS_V2 else {"use_consolidated": False})))


def consolidated(tally, source):
    visit(tally, zarr.open_consolidated(source, mode="r"))


def hdf5(tally, source, dest):
    import h5py

    with h5py.File(source, "r") as file:
        tally.count = zarr.copy_all(file, zarr.open_group(dest, mode="w"))[0]


def read_all(tally, source):
    """Every array of a group, in the order of their names."""
    group = zarr.open_group(source, mode="r")
    for name in sorted(group.array_keys()):
        tally.add(group[name][...])


def prepare_hdf5(tally, values, dest):
    """Slabs of the values as datasets: in chunks, shuffled and deflated."""
    import h5py

    values = protocol.values(values)
    with h5py.File(dest, "w") as file:
        for at in range(4):
            slab = values[at * 32:(at + 1) * 32]
            file.create_dataset(f"slab{at}", data=slab, chunks=(32, 64, 64), compression="gzip",
                                compression_opts=1, shuffle=True)


if __name__ == "__main__":
    protocol.main({
        "read": read, "chunks": chunks, "inner": inner, "roundtrip": roundtrip, "save": save, "slices": slices,
        "copy-store": copy_store, "walk": walk, "consolidated": consolidated, "hdf5": hdf5, "read-all": read_all,
        "prepare-hdf5": prepare_hdf5,
    })
