# peers: hdf5
"""Makes unwritten.h5 beside this script, or in the directory given as an argument: datasets in chunks of two, of which
only the first chunk was written, of types whose fill values documents of Zarr do not all hold; and compounds of both
byte orders.

    python -m pip install h5py numpy && python testdata/hdf5/make_unwritten.py
"""

import pathlib
import sys

import h5py
import numpy as np

folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
CHUNKED = {"shape": (5,), "chunks": (2,)}
text = h5py.string_dtype()

with h5py.File(folder / "unwritten.h5", "w") as f:
    numbers = f.create_dataset("numbers", dtype=h5py.vlen_dtype("<i4"), **CHUNKED)
    numbers[0], numbers[1] = [1, 2], [3]
    texts = f.create_dataset("texts", dtype=h5py.vlen_dtype(text), **CHUNKED)
    texts[0] = np.array(["a", ""], object)
    record = np.dtype([("k", "<i2"), ("s", text), ("r", h5py.ref_dtype), ("v", h5py.vlen_dtype("<f4"))])
    records = f.create_dataset("records", dtype=record, **CHUNKED)
    records[0] = (7, "seven", f.ref, np.array([0.5], "<f4"))
    f.create_dataset("raw", dtype=text, **CHUNKED)[:1] = [b"\xff"]
    third = np.array([1, 1], np.longdouble) / 3
    # Bytes without a meaning are of whatever was in memory.
    third.view("u1").reshape(-1, 16)[:, 10:] = 0
    f.create_dataset("long", dtype=np.longdouble, fillvalue=third[:1].reshape(()), **CHUNKED)[:2] = third

    shifted = h5py.h5t.STD_I32BE.copy()
    shifted.set_precision(12)
    shifted.set_offset(4)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((2,))
    plist.set_fill_value(np.array(-5, "<i4"))
    h5py.h5d.create(f.id, b"shifted", shifted, h5py.h5s.create_simple((5,)), plist)
    f["shifted"][:2] = [2047, -2048]

    mixed = np.dtype([("a", "<u2"), ("n", [("x", ">f4"), ("y", "<i2")], (2,)), ("b", ">i4")])
    values = np.zeros(2, mixed)
    values["a"], values["b"] = [1, 2], [-1, 70000]
    values["n"]["x"], values["n"]["y"] = [[0.5, 1], [2, 4]], [[1, 2], [3, 4]]
    f.create_dataset("mixed", data=values, chunks=(1,))
