"""Makes old.h5, new.h5, vlen.h5 and outside.h5 beside this script, or in the directory given as an argument.

They are whole and small: what is malformed in the tests is made of the first three by changing some of their bytes. old.h5
has the structures of the first versions of HDF5, which have no checksums, and new.h5 those of later ones.
outside.h5 leads to the file other.h5 and the file other.raw, which are not there, in every way that HDF5 has.

    python -m pip install h5py numpy && python testdata/hostile/make_hostile.py
"""

import pathlib
import sys

import h5py
import numpy as np

TEXTS = ["one", "two", "", "a text that is longer", "five", "six"]


def fill(file):
    file.attrs["title"] = "whole"
    file["flat"] = np.arange(6, dtype="<i4").reshape(2, 3)
    numbers = np.arange(40, dtype="<i4").reshape(5, 8) % 7
    file.create_dataset("packed", data=numbers, chunks=(2, 4), compression="gzip", shuffle=True, fletcher32=True)
    file.create_dataset("deflated", data=numbers, chunks=(4, 8), compression="gzip")
    file.create_dataset("texts", data=TEXTS, dtype=h5py.string_dtype())
    sequences = np.empty(3, dtype=object)
    sequences[:] = [np.arange(n, dtype="<i2") for n in range(1, 4)]
    file.create_dataset("sequences", data=sequences, dtype=h5py.vlen_dtype("<i2"))
    group = file.create_group("group")
    group["inner"] = np.arange(3, dtype="<f8")
    for number in range(6):
        group.attrs[f"attribute_{number}"] = number
    file["references"] = np.array([group.ref, file["flat"].ref], dtype=h5py.ref_dtype)
    regions = file.create_dataset("regions", (1,), dtype=h5py.regionref_dtype)
    regions[0] = file["flat"].regionref[0:1, 1:3]
    file["records"] = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "<i2"), ("b", "<f4")])
    names = file.create_group("names")
    names["aXb"] = np.int8(7)


def compact(file):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((4,))
    dataset = h5py.h5d.create(file.id, b"compact", h5py.h5t.STD_I16LE, space, dcpl=properties)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(4, dtype="<i2"))


def main(directory):
    with h5py.File(directory / "old.h5", "w", libver="earliest") as file:
        fill(file)
        compact(file)
        file["soft"] = h5py.SoftLink("/group/inner")
        # Links of their own messages, with the length of their names.
        linked = file.create_group("linked", track_order=True)
        linked["aXb"] = np.int8(7)
    with h5py.File(directory / "new.h5", "w", libver="latest") as file:
        fill(file)
        compact(file)
        # One of each kind of index of chunks.
        file.create_dataset("single", data=np.arange(4), chunks=(4,))
        file.create_dataset("grown", data=np.arange(8), chunks=(2,), maxshape=(None,))
        file.create_dataset("grown_both", data=np.ones((4, 4)), chunks=(2, 2), maxshape=(None, None))
        # Enough members for a heap and a tree of their own.
        crowd = file.create_group("crowd")
        for number in range(10):
            crowd[f"member_{number}"] = number
    with h5py.File(directory / "vlen.h5", "w", libver="earliest") as file:
        file.create_dataset("texts", data=TEXTS, dtype=h5py.string_dtype(), chunks=(6,), compression="gzip")
    with h5py.File(directory / "outside.h5", "w") as file:
        file["link"] = h5py.ExternalLink("other.h5", "/secret")
        file["soft"] = h5py.SoftLink("/link")
        file.create_dataset("raw", (4,), dtype="S4", external=[("other.raw", 0, 16)])
        layout = h5py.VirtualLayout((4,), dtype="S4")
        layout[:] = h5py.VirtualSource("other.h5", "secret", (4,))
        file.create_virtual_dataset("virtual", layout)
        file["kept"] = np.arange(3, dtype="<i4")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
