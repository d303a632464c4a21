"""Makes odd.h5 and latin1.h5 beside this script, or in the directory given as an argument: what no Zarr hierarchy can have as it is.

Links that lead nowhere, elsewhere or back up; names that no node can have; records with gaps and of mixed byte order;
texts that are not what they claim to be; chunks that skip filters because they reach beyond the dataset.

    python -m pip install h5py numpy && python testdata/make_odd.py
"""

import ctypes
import pathlib
import sys

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t


def creation():
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_obj_track_times(False)
    return properties


def add_links(file):
    links = file.create_group("links")
    deep = links.create_group("deep")
    deep["data"] = file["data"]
    deep["up"] = links
    deep["top"] = file["/"]
    deep["soft_top"] = h5py.SoftLink("/")
    links["again"] = file["data"]
    links["soft"] = h5py.SoftLink("/data")
    links["soft_group"] = h5py.SoftLink("deep")
    links["broken"] = h5py.SoftLink("/absent/below")
    links["circle"] = h5py.SoftLink("/links/circle")
    links["elsewhere"] = h5py.ExternalLink("absent.h5", "/x")
    links["type"] = np.dtype("<i4")


def add_names(file):
    names = file.create_group("names")
    for name in ("plain", "with blank", "ünï", "0.0", "back\\slash", ".zarray", "zarr.json", "tab\there", "é" * 200):
        names.create_dataset(name, data=np.int32(len(name)))
    h5d.create(names.id, b"not utf8 \xff", h5t.STD_I32LE, h5s.create(h5s.SCALAR), dcpl=creation())
    h5d.create(names.id, b"..", h5t.STD_I32LE, h5s.create(h5s.SCALAR), dcpl=creation())
    names.attrs["back\\slash"] = 1
    names.attrs[".zarray"] = 2


def add_records(file):
    records = file.create_group("records")
    gaps = np.dtype(
        {"names": ["a", "flag", "b"], "formats": ["<i2", "?", "<f8"], "offsets": [2, 5, 16], "itemsize": 32}
    )
    data = np.zeros(7, dtype=gaps)
    data["a"], data["flag"], data["b"] = np.arange(7), np.arange(7) % 2 == 0, np.arange(7) / 4
    fill = np.zeros((), dtype=gaps)
    fill["a"], fill["b"] = -1, 0.5
    records.create_dataset("gaps", data=data, chunks=(3,), compression="gzip", fillvalue=fill)
    part = records.create_dataset("gaps_partly", shape=(7,), dtype=gaps, chunks=(3,), fillvalue=fill)
    part[3:5] = data[3:5]
    big = np.array([(1, 2.5), (3, 4.5)], dtype=[("n", ">i4"), ("x", ">f8")])
    records.create_dataset("big", data=big)
    inner = np.dtype([("x", "<f4"), ("n", ">u2")])
    nested = np.zeros(2, dtype=[("name", "S4"), ("points", inner, (2,)), ("c", "<c8")])
    nested["name"] = [b"one", b"four"]
    nested["points"]["x"] = [[1, 2], [3, 4]]
    nested["points"]["n"] = [[5, 6], [7, 8]]
    nested["c"] = [1 + 2j, 3 - 4j]
    records.create_dataset("nested", data=nested)
    records.create_dataset("with_text", shape=(2,), dtype=[("n", "<i4"), ("text", h5py.string_dtype())])


def write_text(group, name, data):
    """Stores bytes as text of any length that claims to be ASCII."""
    ascii_text = h5t.C_S1.copy()
    ascii_text.set_size(h5t.VARIABLE)
    dataset = h5d.create(group.id, name, ascii_text, h5s.create_simple((1,)), dcpl=creation())
    h5py.Dataset(dataset)[0] = data


def add_texts(file):
    texts = file.create_group("texts")
    write_text(texts, b"utf8_as_ascii", "café".encode())
    for name, padding in ((b"nulls", h5t.STR_NULLPAD), (b"zero", h5t.STR_NULLTERM), (b"blanks", h5t.STR_SPACEPAD)):
        text = h5t.C_S1.copy()
        text.set_size(6)
        text.set_strpad(padding)
        dataset = h5d.create(texts.id, name, text, h5s.create_simple((2,)), dcpl=creation())
        dataset.write(h5s.ALL, h5s.ALL, np.array([b"ab", b"cdefg"], dtype="S6"), mtype=h5t.py_create(np.dtype("S6")))
    texts.attrs["latin1"] = np.bytes_(b"caf\xe9")
    texts.attrs["opaque"] = np.void(b"\1\2")
    texts.attrs["half"] = np.array([0.5, -2, 6.1e-5, 5.96e-8, np.inf, np.nan], dtype="<f2")
    texts.attrs["unsigned"] = np.uint64((1 << 64) - 1)
    texts.attrs["complexes"] = np.array([1 + 2j, 3 - 4j], dtype="<c8")
    texts.attrs["pointer"] = file["data"].ref
    texts.attrs["filters"] = "an attribute like any other"


def add_chunks(file):
    chunks = file.create_group("chunks")
    data = (np.arange(70, dtype="<u4") * 3).reshape(10, 7)
    partial = creation()
    partial.set_chunk((4, 4))
    partial.set_deflate(4)
    # h5py has no name for this call, so it is looked up in the library that h5py has loaded.
    dont_filter_partial_chunks = 2
    library = ctypes.CDLL(h5py.h5p.__file__)
    if library.H5Pset_chunk_opts(ctypes.c_int64(partial.id), ctypes.c_uint(dont_filter_partial_chunks)) < 0:
        raise RuntimeError("H5Pset_chunk_opts failed")
    dataset = h5d.create(chunks.id, b"partial", h5t.STD_U32LE, h5s.create_simple((10, 7)), dcpl=partial)
    dataset.write(h5s.ALL, h5s.ALL, data)
    chunks.create_dataset("long", data=data[:3], chunks=(3, 7), maxshape=(None, None)).resize((2, 5))
    chunks.create_dataset(
        "fletcher", data=data, chunks=(4, 4), shuffle=True, compression="gzip", fletcher32=True, fillvalue=9
    )


def make_odd(path):
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("data", data=np.arange(4, dtype="<i4"))
        add_links(file)
        add_names(file)
        add_records(file)
        add_texts(file)
        add_chunks(file)


def make_latin1(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("before", data=np.arange(4, dtype="<i4"))
        write_text(file, b"latin1", b"caf\xe9")


if __name__ == "__main__":
    here = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    make_odd(here / "odd.h5")
    make_latin1(here / "latin1.h5")
