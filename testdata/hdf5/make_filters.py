# peers: hdf5
"""Makes filters.h5 beside this script, or in the directory given as an argument: one dataset for each filter.

Each dataset `NAME_i` holds 26 x 37 numbers `<i2`, the k-th being k * 7 % 251, and each `NAME_f` a quarter of them as `<f4`,
in chunks of 16 x 16; `texts_NAME` hold the texts of the numbers k * 7 % 251 for k below 40, in chunks of 16.

    python -m pip install h5py hdf5plugin numpy && python testdata/hdf5/make_filters.py
"""

import pathlib
import sys

import h5py
import hdf5plugin
import numpy as np

SHAPE = (26, 37)
PLAIN = {
    "lzf": {"compression": "lzf"},
    "lzf_shuffle": {"compression": "lzf", "shuffle": True},
    "blosc": hdf5plugin.Blosc(),
    "blosc_zstd_bits": hdf5plugin.Blosc(cname="zstd", clevel=3, shuffle=2),
    "blosc_lz4hc": hdf5plugin.Blosc(cname="lz4hc"),
    "blosc_blosclz": hdf5plugin.Blosc(cname="blosclz", shuffle=0),
    "lz4": hdf5plugin.LZ4(),
    "lz4_blocks": hdf5plugin.LZ4(nbytes=300),
    "bits": hdf5plugin.Bitshuffle(cname="none"),
    "bits_lz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "bits_zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "bits_blocks": hdf5plugin.Bitshuffle(nelems=64, cname="lz4"),
    "zstd": hdf5plugin.Zstd(),
    "zstd_shuffle": {**hdf5plugin.Zstd(clevel=9), "shuffle": True},
    "bzip2": hdf5plugin.BZip2(),
    "all": {**hdf5plugin.LZ4(), "shuffle": True, "fletcher32": True},
    "blosc2": hdf5plugin.Blosc2(),
}


def main(directory):
    numbers = (np.arange(SHAPE[0] * SHAPE[1]) * 7 % 251).reshape(SHAPE)
    texts = [str(k * 7 % 251) for k in range(40)]
    path = directory / "filters.h5"
    with h5py.File(path, "w", track_order=False) as file:
        for name, filters in PLAIN.items():
            for letter, values in (("i", numbers.astype("<i2")), ("f", (numbers / 4).astype("<f4"))):
                file.create_dataset(f"{name}_{letter}", data=values, chunks=(16, 16), track_times=False, **filters)
            if name in ("lzf", "lz4", "zstd", "bzip2"):
                kind = h5py.string_dtype()
                file.create_dataset(
                    f"texts_{name}", data=texts, dtype=kind, chunks=(16,), track_times=False, **filters
                )


main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
