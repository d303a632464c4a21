"""Makes virtual/ beside this script: virtual datasets and external raw data, and what h5py reads of them.

    python -m pip install h5py numpy && python testdata/hdf5/make_virtual.py
"""

import os
import pathlib
import shutil

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

UNLIMITED = h5s.UNLIMITED


def sources():
    with h5py.File("a.h5", "w") as f:
        f["x"] = np.arange(24, dtype="<i4").reshape(4, 6) * 3
        f.create_dataset("packed", data=np.arange(40, dtype=">f4") / 4, chunks=(7,), compression="gzip", shuffle=True)
        f.create_dataset("grow", data=np.arange(11, dtype="<i2"), maxshape=(None,), chunks=(4,))
        f["texts"] = np.array(["eins", "", "drei"], dtype=object)
        f["pairs"] = np.array([(1, 0.5), (2, 1.5)], dtype=[("n", "<i4"), ("v", "<f8")])
    os.makedirs("below", exist_ok=True)
    with h5py.File("below/b.h5", "w") as f:
        f["g/y"] = np.arange(24, dtype="<f4").reshape(4, 6) + 0.25
    for number in range(3):
        with h5py.File(f"part-{number}.h5", "w") as f:
            f["data/part"] = np.arange(4, dtype="<i4") + 100 * number
    np.arange(20, dtype=">i2").tofile("values.raw")


def make(f):
    f["own"] = np.arange(24, dtype="<i4").reshape(4, 6)
    f.create_dataset("own_packed", data=np.arange(30, dtype="<i4"), chunks=(8,), compression="gzip")

    def layout(name, shape, dtype, mappings, fill=None, maxshape=None):
        made = h5py.VirtualLayout(shape=shape, dtype=dtype, maxshape=maxshape)
        for to, source, part in mappings:
            made[to] = source[part]
        f.create_virtual_dataset(name, made, fillvalue=fill)

    own = h5py.VirtualSource(f["own"])
    packed = h5py.VirtualSource(f["own_packed"])
    x = h5py.VirtualSource("a.h5", "x", shape=(4, 6))
    y = h5py.VirtualSource("below/b.h5", "/g/y", shape=(4, 6))
    # In the file itself alone.
    layout("same", (3, 5), "<i4", [(np.s_[0], packed, np.s_[0:10:2]), (np.s_[1:3, 1:4], own, np.s_[0:4:3, 1:4])], -1)
    layout("stack", (3, 4, 6), "<f8", [(0, own, np.s_[:]), (1, x, np.s_[:]), (2, y, np.s_[:])])
    layout("steps", (8, 3), ">i4", [(np.s_[::2], x, np.s_[:, ::2]), (np.s_[1::2], x, np.s_[:, 1::2])])
    layout("gaps", (60,), "<f4", [(np.s_[5:45], h5py.VirtualSource("a.h5", "packed", shape=(40,)), np.s_[:])], 7.5)
    layout("nested", (2, 6), "<i2", [(np.s_[:], h5py.VirtualSource(".", "stack", shape=(3, 4, 6)), np.s_[1:3, 2])])
    layout("absent", (2, 6), "<i4", [(0, h5py.VirtualSource("absent.h5", "x", shape=(6,)), np.s_[:]), (1, x, np.s_[1])], -9)
    layout("texts", (5,), h5py.string_dtype(), [(np.s_[1:4], h5py.VirtualSource("a.h5", "texts", shape=(3,)), np.s_[:])])
    pairs = np.dtype([("n", "<i4"), ("v", "<f8")])
    layout("pairs", (4,), pairs, [(np.s_[1:3], h5py.VirtualSource("a.h5", "pairs", shape=(2,)), np.s_[:])])
    grow = h5py.VirtualSource("a.h5", "grow", shape=(5,), dtype="<i2", maxshape=(None,))
    layout("grow", (5,), "<i2", [(np.s_[0:UNLIMITED], grow, np.s_[0:UNLIMITED])], maxshape=(None,))
    # Two of every three places, of a source that has 11.
    growing(f, "grow_in_blocks", b"a.h5", b"grow", (2, 3), (11,))
    growing(f, "numbered", b"part-%b.h5", b"data/part", (4, 5), (4,), is_numbered=True)
    f.create_dataset("raw", (4, 5), ">i2", external=[("values.raw", 2, 10), ("values.raw", 0, 30)])


def growing(f, name, file, dataset, block_and_stride, source_shape, is_numbered=False):
    """A virtual dataset of blocks without end."""
    block, stride = block_and_stride
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_obj_track_times(False)
    plist.set_fill_value(np.array(-5, dtype="<i4"))
    space = h5s.create_simple((4,), (UNLIMITED,))
    space.select_hyperslab((0,), (UNLIMITED,), stride=(stride,), block=(block,))
    if is_numbered:
        source = h5s.create_simple(source_shape)
    else:
        source = h5s.create_simple(source_shape, (UNLIMITED,))
        source.select_hyperslab((0,), (1,), block=(UNLIMITED,))
    plist.set_virtual(space, file, dataset, source)
    h5d.create(f.id, name.encode(), h5t.NATIVE_INT32, h5s.create_simple((4,), (UNLIMITED,)), plist)


os.chdir(pathlib.Path(__file__).parent)
shutil.rmtree("virtual", ignore_errors=True)
os.makedirs("virtual")
os.chdir("virtual")
sources()
with h5py.File("main.h5", "w", libver="latest") as f:
    make(f)
with h5py.File("loops.h5", "w", libver="latest") as f:
    for name, source in [("itself", "itself"), ("a", "b"), ("b", "a")]:
        made = h5py.VirtualLayout(shape=(3,), dtype="<i4")
        made[:] = h5py.VirtualSource(".", source, shape=(3,))
        f.create_virtual_dataset(name, made)
    f["kept"] = np.arange(3)
# Their source is a virtual dataset of another file, whose own sources may not be read.
with h5py.File("outer.h5", "w", libver="latest") as f:
    for name, file, dataset in [("outer", "main.h5", "stack"), ("outermost", ".", "outer")]:
        made = h5py.VirtualLayout(shape=(3, 4, 6), dtype="<f8")
        made[:] = h5py.VirtualSource(file, dataset, shape=(3, 4, 6))
        f.create_virtual_dataset(name, made)
    f["kept"] = np.arange(3)
with h5py.File("main.h5", "r") as f, h5py.File("expected.h5", "w") as expected:
    for name in f:
        if f[name].is_virtual or f[name].external:
            expected.create_dataset(name, data=f[name][()], dtype=f[name].dtype)
