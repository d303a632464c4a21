# peers: hdf5
"""Makes chunks.h5 beside this script, or in the directory given as an argument: chunks stored in every way.

The file starts with a user block of 512 bytes, so that no address in it is what it would be without one.
Each dataset holds 26 x 37 values, the k-th being made of k * 7 % 251, most in chunks of 16 x 16. Of `sparse` only the
chunks at (0, 0) and (16, 32) were written. In `masked` the chunk at (0, 16) went through no filter and that at (16, 0)
through all but the second.

    python -m pip install h5py numpy && python testdata/hdf5/make_chunks.py
"""

import pathlib
import sys

import h5py
import numpy as np

SHAPE = (26, 37)
CHUNKS = (16, 16)
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
numbers = (np.arange(SHAPE[0] * SHAPE[1]) * 7 % 251).reshape(SHAPE)
GZIP = {"chunks": CHUNKS, "compression": "gzip", "compression_opts": 4}
SHUFFLE = {**GZIP, "shuffle": True}

with h5py.File(folder / "chunks.h5", "w", userblock_size=512) as f:
    i2, f8 = numbers.astype("<i2"), (numbers / 4).astype(">f8")
    f.create_dataset("gzip", data=i2, **GZIP)
    f.create_dataset("shuffle", data=i2, **SHUFFLE)
    f.create_dataset("fletcher", data=i2, fletcher32=True, **SHUFFLE)
    f.create_dataset("big", data=f8, fletcher32=True, **SHUFFLE)
    f.create_dataset("plain", data=i2, chunks=CHUNKS)
    f.create_dataset("checked", data=i2, chunks=CHUNKS, fletcher32=True)
    f.create_dataset("shuffled", data=i2, chunks=CHUNKS, shuffle=True)
    f.create_dataset("lzf", data=i2, chunks=CHUNKS, compression="lzf")
    f.create_dataset("growing", data=i2, maxshape=(None, 100), **GZIP)
    f.create_dataset("contiguous", data=f8)
    f.create_dataset("unwritten", SHAPE, "<i2", fillvalue=9)

    sparse = f.create_dataset("sparse", SHAPE, "<i2", fillvalue=7, **SHUFFLE)
    sparse[:16, :16] = i2[:16, :16]
    sparse[16:, 32:] = i2[16:, 32:]

    masked = f.create_dataset("masked", data=i2, **SHUFFLE)
    chunk = np.zeros(CHUNKS, "<i2")
    chunk[...] = i2[:16, 16:32]
    masked.id.write_direct_chunk((0, 16), chunk.tobytes(), filter_mask=0b11)
    chunk[:10] = i2[16:, :16]
    shuffled = chunk.view("u1").reshape(-1, 2).T.tobytes()
    masked.id.write_direct_chunk((16, 0), shuffled, filter_mask=0b10)

    record = np.zeros(SHAPE, [("number", "<i4"), ("quarter", "<f8")])
    record["number"], record["quarter"] = numbers, numbers / 4
    f.create_dataset("record", data=record, **SHUFFLE)
    form = {"names": ["number", "quarter"], "formats": ["<i4", ">f8"], "offsets": [4, 16], "itemsize": 32}
    gaps = np.zeros(SHAPE, np.dtype(form))
    gaps["number"], gaps["quarter"] = numbers, numbers / 4
    f.create_dataset("gaps", data=gaps, **SHUFFLE)
    f.create_dataset("text", data=np.char.mod("%d", numbers).astype("S4"), **GZIP)
    f.create_dataset("truth", data=numbers % 2 == 1, **GZIP)
    pairs = f.create_dataset("pairs", SHAPE, np.dtype(("<i2", (2,))), **SHUFFLE)
    pairs[...] = np.stack([i2, -i2], -1)
