# peers: hdf5
"""Makes stored.h5 beside this script, or in the directory given as an argument: choices of a writer that few make.

    python -m pip install h5py numpy && python testdata/hdf5/make_stored.py
"""

import pathlib
import sys

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

FILL_TIMES = {"ifset": h5d.FILL_TIME_IFSET, "alloc": h5d.FILL_TIME_ALLOC, "never": h5d.FILL_TIME_NEVER}
ALLOC_TIMES = {"early": h5d.ALLOC_TIME_EARLY, "late": h5d.ALLOC_TIME_LATE, "incr": h5d.ALLOC_TIME_INCR}


def fills(f):
    """Fill values that are no numbers, and chunks that are not there."""
    texts = f.create_dataset("text", (6,), h5py.string_dtype(), chunks=(2,), fillvalue="none")
    texts[2:4] = ["a", "b"]
    f.create_dataset("text_contiguous", (2,), h5py.string_dtype(), fillvalue="none")
    f.create_dataset("text_empty", (2,), h5py.string_dtype(), chunks=(2,), fillvalue="")
    record = np.dtype([("p", "<i4", (2,)), ("x", "<f4")])
    filled = f.create_dataset("records", (6,), record, chunks=(2,), fillvalue=np.array(([3, 4], 2.5), record))
    filled[2] = ([5, 6], 7.5)


def times(f):
    for fill_name, fill in FILL_TIMES.items():
        for alloc_name, alloc in ALLOC_TIMES.items():
            for chunks in [(3,), None]:
                if chunks is None and alloc_name == "incr":
                    continue
                pl = h5p.create(h5p.DATASET_CREATE)
                if chunks:
                    pl.set_chunk(chunks)
                pl.set_fill_time(fill)
                pl.set_alloc_time(alloc)
                pl.set_obj_track_times(alloc_name == "late")
                name = f"{fill_name}_{alloc_name}{'_chunks' if chunks else ''}"
                made = h5d.create(f.id, name.encode(), h5t.STD_I16LE, h5s.create_simple((10,)), pl)
                made.write(h5s.ALL, h5s.ALL, np.arange(10, dtype="<i2"))


def types(f):
    """Types with names, of datasets before and after them, and of attributes."""
    f["z/number"] = np.dtype("<i4")
    f["z/record"] = np.dtype([("a", "<i4"), ("b", ">f8")])
    f["z/record"].attrs["note"] = "a record"
    f.create_dataset("a/numbers", data=np.arange(4), dtype=f["z/number"])
    f.create_dataset("records", (3,), f["z/record"])
    f["records"][1] = (5, 2.5)
    f.create_dataset("text_typed", (2,), h5py.string_dtype())
    f.attrs.create("typed", 5, dtype=f["z/number"])
    f["a"].attrs.create("typed", np.zeros(2, f["z/record"].dtype), dtype=f["z/record"])


def order(f):
    """Attributes in the order of their making, references among them."""
    group = f.create_group("ordered", track_order=True)
    data = group.create_dataset("data", data=np.zeros((2, 3)), track_order=True)
    data.attrs["z"] = 1
    data.attrs["reference"] = group.ref
    data.attrs["y"] = 2
    scale = group.create_dataset("scale", data=np.arange(3.0), track_order=True)
    scale.make_scale("the scale")
    data.dims[1].attach_scale(scale)
    data.attrs["x"] = 3
    group.attrs["z"] = 1
    group.attrs["reference"] = data.ref
    group.attrs["a"] = 2


def main(directory):
    with h5py.File(directory / "stored.h5", "w") as f:
        for part in [fills, times, types, order]:
            part(f.create_group(part.__name__))


main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
