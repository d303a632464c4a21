"""Writes example.n5: arrays with every compression of N5 that zarr-python names.

Run with zarr-python 2.18.7:

    python make_n5.py
"""

import pathlib
import shutil
import warnings

import numcodecs
import numpy
import zarr

COMPRESSORS = {
    "raw": None,
    "gzip": numcodecs.GZip(1),
    "zlib": numcodecs.Zlib(1),
    "bzip2": numcodecs.BZ2(1),
    "blosc": numcodecs.Blosc(),
    "xz": numcodecs.LZMA(),
    "zstd": numcodecs.Zstd(1),
}


def main():
    warnings.simplefilter("ignore")
    path = pathlib.Path(__file__).with_name("example.n5")
    shutil.rmtree(path, ignore_errors=True)
    group = zarr.open_group(zarr.N5Store(str(path)), mode="w")
    group.attrs["title"] = "an example"
    values = numpy.arange(35, dtype="<i2").reshape(5, 7)
    for name, compressor in COMPRESSORS.items():
        group.array(name, values, chunks=(3, 4), compressor=compressor)
    group.create_group("below").attrs["note"] = 1


main()
