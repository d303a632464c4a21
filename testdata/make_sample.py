"""Makes sample.h5 and awkward.h5 beside this script, or in the directory given as an argument.

sample.h5 is shaped like the climate files people have: CF attributes, dimension scales, compressed fields,
packed integers, and one dataset of every kind of type and layout.
awkward.h5 has the newer chunk indexes, links of every kind, and data that live outside the file.

All values come from `wave`, which the tests compute again in Rust. Needs h5py and numpy:

    python -m pip install h5py numpy && python testdata/make_sample.py
"""

import pathlib
import sys

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t


def wave(shape, step, modulus):
    """The number at place k, counted in C order, is (k * step) % modulus."""
    count = int(np.prod(shape, dtype=np.int64))
    return (np.arange(count, dtype=np.int64) * step % modulus).reshape(shape)


def creation():
    """Creation properties for what h5py cannot make itself, without the time of day."""
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_obj_track_times(False)
    return properties


def add_attributes(target):
    """One attribute of each kind that people write."""
    target.attrs["title"] = "Sample of a climate file: température"
    target.attrs["institution"] = np.bytes_(b"Fixed Bytes")
    target.attrs["version"] = 7
    target.attrs["level"] = np.int8(-3)
    target.attrs["mass"] = 5.5
    target.attrs["factor"] = np.float32(0.25)
    target.attrs["valid"] = np.bool_(True)
    target.attrs["phase"] = np.complex128(1.5 - 2.5j)
    target.attrs["counts"] = np.array([1, -2, 3], dtype="<i4")
    target.attrs["grid"] = np.arange(6, dtype=">i2").reshape(2, 3)
    target.attrs["range"] = np.array([1.5, np.nan, -np.inf])
    target.attrs["flags"] = np.array([True, False, True])
    target.attrs["names"] = ["alpha", "βeta", ""]
    target.attrs["codes"] = np.array([b"ab", b"c", b"defg"], dtype="S4")
    target.attrs["empty_list"] = np.array([], dtype="f8")
    target.attrs["empty_text"] = ""
    target.attrs["nothing"] = h5py.Empty("f4")


def add_coordinates(file, libver_note):
    file.attrs["Conventions"] = "CF-1.8"
    file.attrs["history"] = libver_note
    time = file.create_dataset("time", data=np.arange(10, dtype="<i4") * 3, maxshape=(None,), chunks=(8,))
    time.attrs["units"] = "days since 2000-01-01 00:00:00"
    time.attrs["calendar"] = "standard"
    lat = file.create_dataset("lat", data=np.arange(12) * 2.5 - 13.75)
    lat.attrs["units"] = "degrees_north"
    lat.attrs["standard_name"] = "latitude"
    lon = file.create_dataset("lon", data=(np.arange(18) * 20).astype("<f4"))
    lon.attrs["units"] = "degrees_east"
    lon.attrs["standard_name"] = "longitude"
    for name in ("time", "lat", "lon"):
        file[name].make_scale(name)


def attach(file, dataset, names):
    for axis, name in enumerate(names):
        dataset.dims[axis].label = name
        dataset.dims[axis].attach_scale(file[name])


def add_fields(file):
    shape, chunks = (10, 12, 18), (4, 5, 7)
    air = file.create_group("atmosphere")
    temperature = air.create_dataset(
        "temperature",
        data=(wave(shape, 7, 1009) / 8 + 200).astype("<f4"),
        chunks=chunks, maxshape=(None, 12, 18), compression="gzip", compression_opts=4, shuffle=True,
        fillvalue=np.float32(-999),
    )
    temperature.attrs["units"] = "K"
    temperature.attrs["standard_name"] = "air_temperature"
    temperature.attrs["_FillValue"] = np.float32(-999)
    attach(file, temperature, ("time", "lat", "lon"))

    pressure = air.create_dataset(
        "pressure",
        data=(wave(shape, 13, 4001) - 2000).astype(">i2"),
        chunks=chunks, compression="gzip", compression_opts=1, shuffle=True, fillvalue=np.int16(-32768),
    )
    pressure.attrs["units"] = "hPa"
    pressure.attrs["scale_factor"] = 0.05
    pressure.attrs["add_offset"] = 950.0
    pressure.attrs["_FillValue"] = np.array([-32768], dtype=">i2")
    attach(file, pressure, ("time", "lat", "lon"))

    surface = air.create_group("surface")
    surface.attrs["comment"] = "two levels down"
    surface.create_dataset(
        "humidity", data=(wave(shape[1:], 5, 101) / 128).astype(">f4"), chunks=(5, 7),
        compression="gzip", fletcher32=True,
    )
    surface.create_dataset("cover", data=wave(shape[1:], 3, 251).astype("u1"), chunks=(12, 6))
    surface.create_dataset("height", data=wave(shape[1:], 11, 8191).astype("<u2"), chunks=(5, 7), compression="lzf")
    surface.create_dataset("slope", data=wave(shape[1:], 9, 64).astype("<i4"), chunks=(5, 7), scaleoffset=0)

    ocean = file.create_group("ocean")
    ocean.create_dataset("sst", data=(wave(shape[1:], 17, 307) / 16).astype(">f8"))

    partial = file.create_group("partial")
    field = partial.create_dataset(
        "field", shape=(20, 20), dtype="<i4", chunks=(6, 6), compression="gzip", fillvalue=-1
    )
    field[0:6, 0:6] = wave((6, 6), 1, 1000)
    field[12:18, 6:12] = wave((6, 6), 2, 1000)
    field[19, 19] = 77
    partial.create_dataset("unwritten", shape=(9, 4), dtype="<f8", chunks=(4, 4), fillvalue=np.nan)
    partial.create_dataset("unallocated", shape=(5,), dtype="<i2", fillvalue=9)
    mixed = partial.create_dataset("mixed", shape=(8,), dtype="<i4", chunks=(4,), compression="gzip", shuffle=True)
    mixed[0:4] = wave((4,), 1, 1000)
    # The second chunk skips all filters, which its filter mask says.
    mixed.id.write_direct_chunk((4,), np.arange(100, 104, dtype="<i4").tobytes(), filter_mask=0b11)


def add_stations(file):
    group = file.create_group("stations", track_order=True)
    names = ["Zürich", "", "Oslo", "a longer name, with a comma", "東京"]
    group.create_dataset("name", data=names, dtype=h5py.string_dtype())
    group.create_dataset(
        "note", data=["first", "second", "third"], shape=(3,), chunks=(2,), maxshape=(None,),
        dtype=h5py.string_dtype("ascii"), compression="gzip",
    )
    group.create_dataset("code", data=np.array([b"ZRH", b"", b"OSL", b"ABCDEF", b"TYO"], dtype="S6"))
    group.create_dataset("label", data=np.array(["é1".encode(), "ñ2".encode()], dtype=h5py.string_dtype("utf-8", 5)))
    group.create_dataset("active", data=np.array([True, False, True, True, False]))
    kind = h5py.enum_dtype({"land": 0, "sea": 1, "ice": 7}, basetype="u1")
    group.create_dataset("kind", data=np.array([0, 1, 7, 1, 0], dtype="u1"), dtype=kind)
    record = np.zeros(3, dtype=[("id", "<i4"), ("tag", "S3"), ("position", "<f4", (2,)), ("value", ">f8")])
    record["id"] = [1, 2, 3]
    record["tag"] = [b"a", b"bc", b"def"]
    record["position"] = np.arange(6).reshape(3, 2) / 4
    record["value"] = [0.5, -1.5, 1e300]
    group.create_dataset("record", data=record)

    compact = creation()
    compact.set_layout(h5d.COMPACT)
    space = h5s.create_simple((5,))
    dataset = h5d.create(group.id, b"number", h5t.STD_I64LE, space, dcpl=compact)
    dataset.write(h5s.ALL, h5s.ALL, wave((5,), 1_000_003, 1 << 40))


def add_types(file):
    group = file.create_group("types")
    add_attributes(group)
    group.create_dataset("scalar", data=np.float64(2.75))
    group.create_dataset("scalar_text", data="one text", dtype=h5py.string_dtype())
    group.create_dataset("null", data=h5py.Empty("f4"))
    group.create_dataset("empty", shape=(0, 3), dtype="<i4")
    group.create_dataset("empty_chunked", shape=(0,), dtype="<f4", maxshape=(None,), chunks=(16,))
    group.create_dataset("int8", data=(wave((6,), 50, 256) - 128).astype("i1"))
    group.create_dataset("int64", data=(wave((6,), 1, 100) - (1 << 62)).astype(">i8"))
    group.create_dataset("uint64", data=np.uint64((1 << 64) - 1) - np.arange(6, dtype="<u8"))
    group.create_dataset("uint32", data=wave((6,), 715_827_882, 1 << 32).astype(">u4"))
    group.create_dataset("float16", data=(wave((6,), 3, 7) / 4).astype("<f2"))
    parts = wave((6,), 5, 11)
    group.create_dataset("complex64", data=(parts + 1j * (parts - 4)).astype("<c8"))
    group.create_dataset("complex128", data=(parts / 2 - 1j * parts).astype(">c16"), chunks=(4,), compression="gzip")
    group.create_dataset("opaque", data=np.array([b"ab\0de", b"\0\1\2\3\4"], dtype="V5"))
    series = group.create_dataset("series", shape=(3,), dtype=h5py.vlen_dtype("<i4"))
    for row in range(3):
        series[row] = np.arange(row) * 10
    group.create_dataset("pointer", data=file["lat"].ref, dtype=h5py.ref_dtype)
    group["named"] = np.dtype("<i4")
    space = h5s.create_simple((4,))
    bits = h5d.create(group.id, b"bits", h5t.STD_B8LE, space, dcpl=creation())
    bits.write(h5s.ALL, h5s.ALL, np.array([1, 2, 4, 255], dtype="u1"), mtype=h5t.NATIVE_B8)
    box = h5t.array_create(h5t.STD_I16LE, (2, 2))
    boxes = h5d.create(group.id, b"boxes", box, h5s.create_simple((3,)), dcpl=creation())
    boxes.write(h5s.ALL, h5s.ALL, wave((3, 2, 2), 1, 100).astype("<i2"), mtype=box)


def make_sample(path):
    with h5py.File(path, "w") as file:
        add_coordinates(file, "made by make_sample.py")
        add_fields(file)
        add_stations(file)
        add_types(file)


def make_awkward(path):
    # The file proper starts behind a block of 512 bytes that belongs to the user.
    with h5py.File(path, "w", libver="latest", userblock_size=512) as file:
        data = wave((12, 10), 3, 509).astype("<i4")
        index = file.create_group("index")
        index.create_dataset("single", data=data, chunks=(12, 10), compression="gzip")
        index.create_dataset("fixed", data=data, chunks=(5, 4), compression="gzip")
        index.create_dataset("extensible", data=data, chunks=(5, 4), maxshape=(None, 10))
        index.create_dataset("btree", data=data, chunks=(5, 4), maxshape=(None, None), compression="gzip")
        early = creation()
        early.set_chunk((5, 4))
        early.set_alloc_time(h5d.ALLOC_TIME_EARLY)
        implicit = h5d.create(index.id, b"implicit", h5t.STD_I32LE, h5s.create_simple((12, 10)), dcpl=early)
        implicit.write(h5s.ALL, h5s.ALL, data)

        file.create_dataset("data", data=np.arange(4, dtype="<i4"))
        links = file.create_group("links")
        links["again"] = file["data"]
        links["loop"] = links
        links["soft"] = h5py.SoftLink("/data")
        links["relative"] = h5py.SoftLink("soft")
        links["broken"] = h5py.SoftLink("/absent")
        links["circle"] = h5py.SoftLink("/links/circle")
        links["elsewhere"] = h5py.ExternalLink("absent.h5", "/x")
        links["detour"] = h5py.SoftLink("elsewhere")

        outside = file.create_group("outside")
        outside.create_dataset("raw", shape=(4,), dtype="<i4", external=[("absent.bin", 0, 16)])
        virtual = creation()
        virtual.set_layout(h5d.VIRTUAL)
        virtual.set_virtual(h5s.create_simple((4,)), b"absent.h5", b"data", h5s.create_simple((4,)))
        h5d.create(outside.id, b"virtual", h5t.STD_I32LE, h5s.create_simple((4,)), dcpl=virtual)

        ordered = file.create_group("ordered", track_order=True)
        for name in ("zebra", "ant", "mole"):
            ordered.create_group(name)
            ordered.attrs[name] = len(name)
        dense = file.create_group("dense")
        for number in range(20):
            dense.attrs[f"attribute_{number:02}"] = number * number


def main():
    here = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    make_sample(here / "sample.h5")
    make_awkward(here / "awkward.h5")


if __name__ == "__main__":
    main()
