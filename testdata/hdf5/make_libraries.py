# peers: hdf5
"""Makes files as real libraries write them, beside this script or in the directory given as an argument.

python -m pip install h5py hdf5plugin netCDF4 tables pandas anndata xarray h5netcdf hdf5storage
python testdata/hdf5/make_libraries.py
"""

import os
import pathlib
import sys

import h5py
import numpy as np

os.chdir(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)


def base(shape=(30, 20), dt="<i4"):
    return (np.arange(np.prod(shape)) % 97).reshape(shape).astype(dt)


def long_doubles(dt):
    """Two numbers, whose bytes without meaning are zero, as they are when they come back."""
    numbers = np.array([1, 2.5], dt)
    numbers.view("u1").reshape(-1, 16)[:, 10:] = 0
    return numbers


with h5py.File("layouts.h5", "w") as f:
    x = base()
    f["contig"] = x
    f["scalar"] = 3.5
    f["zero"] = np.zeros((0, 3), "i4")
    f.create_dataset("contig_unwritten", shape=(5, 6), dtype="f8", fillvalue=2.5)
    f.create_dataset("unlim", data=x, maxshape=(None, 40), chunks=(8, 8))
    f.create_dataset("unlim0", shape=(0, 4), maxshape=(None, 4), chunks=(8, 4), dtype="i2")
    f.create_dataset("bigchunk", data=x[:3], chunks=(10, 20), maxshape=(None, 20))
    f.create_dataset("sparse", shape=(100, 100), chunks=(10, 10), dtype="i2", fillvalue=-3)[33:44, 12] = 9
    f.create_dataset("null", data=h5py.Empty("f4"))
    f.create_dataset("nulls", data=h5py.Empty(h5py.string_dtype()))
    pl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    pl.set_layout(h5py.h5d.COMPACT)
    d = h5py.h5d.create(f.id, b"compact", h5py.h5t.NATIVE_INT16, h5py.h5s.create_simple((5,)), pl)
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(5, dtype="i2"))
    pl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    pl.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    pl.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    d = h5py.h5d.create(f.id, b"nofill", h5py.h5t.NATIVE_INT16, h5py.h5s.create_simple((5,)), pl)
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(5, dtype="i2"))
    f.create_dataset("external", shape=(10,), dtype="i4", external=[("ext.raw", 0, 40)])[:] = np.arange(10)
    v = h5py.VirtualLayout(shape=(2, 30, 20), dtype="i4")
    v[0] = h5py.VirtualSource(".", "contig", shape=(30, 20))
    v[1] = h5py.VirtualSource("absent.h5", "x", shape=(30, 20))
    f.create_virtual_dataset("virtual", v, fillvalue=-1)
    f.create_dataset("many", data=np.arange(2**12).reshape((2,) * 12), chunks=(1,) * 6 + (2,) * 6)
with h5py.File("types.h5", "w") as f:
    for t in "<i1 <i2 >i2 <i4 >i4 <i8 >i8 u1 <u2 >u2 >u8 <f2 >f2 <f4 >f4 <f8 >f8 <c8 >c8 <c16 ? S3".split():
        n = t.replace("<", "le_").replace(">", "be_").replace("?", "bool")
        a = np.array([b"abc", b"a", b""]).astype("S3") if t == "S3" else np.array([0, 1, 5]).astype(t)
        f[n] = a
        f.attrs[n] = a
        f.attrs[n + "_s"] = a[1]
        f.create_dataset(n + "_c", data=a, chunks=(2,), compression="gzip")
    f["longdouble"] = long_doubles("longdouble")
    f.attrs["ld"] = long_doubles("longdouble")
    f["clongdouble"] = long_doubles("clongdouble")
    f.create_dataset("c4", data=np.array([(1, 2)], [("r", "<f2"), ("i", "<f2")]))
    bf = h5py.h5t.IEEE_F32LE.copy()
    bf.set_fields(15, 7, 8, 0, 7)
    bf.set_size(2)
    bf.set_ebias(127)
    d = h5py.h5d.create(f.id, b"bf16", bf, h5py.h5s.create_simple((3,)))
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 2, 0.5], "f4"))
    e = h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 42}, basetype="i2")
    f.create_dataset("enum", data=np.array([0, 42, 1], "i2"), dtype=e)
    f.attrs.create("enum", np.array([0, 42], "i2"), dtype=e)
    f.attrs.create("enum_s", 1, dtype=e)
    f["vstr"] = np.array(["aa", "bbü", ""], dtype=h5py.string_dtype())
    f["vstr_s"] = "hello"
    f.attrs["vstr"] = "hello"
    f.attrs["vstra"] = ["a", "bü"]
    f["vascii"] = np.array(["a"], dtype=h5py.string_dtype("ascii"))
    f.attrs.create("vascii", "abc", dtype=h5py.string_dtype("ascii"))
    f.create_dataset(
        "vstr_c", data=np.array(["aa", "b", "ccc"], dtype=h5py.string_dtype()), chunks=(2,), compression="gzip"
    )
    f.create_dataset("vstr_none", shape=(3,), dtype=h5py.string_dtype(), chunks=(2,))
    f.create_dataset("vbytes", data=np.array([b"\xff\xfe", b"a"], dtype=h5py.string_dtype()))
    f.attrs["bytes"] = np.bytes_(b"\xff\xfe")
    f.create_dataset("fix_utf8", shape=(2,), dtype=h5py.string_dtype("utf-8", 4))[:] = np.array(
        [b"ab", "ü".encode()], h5py.string_dtype("utf-8", 4)
    )
    f.attrs.create(
        "fix_utf8", np.array("ü".encode(), h5py.string_dtype("utf-8", 4)), dtype=h5py.string_dtype("utf-8", 4)
    )
    for pad, nm in ((h5py.h5t.STR_SPACEPAD, b"spacepad"), (h5py.h5t.STR_NULLTERM, b"nullterm")):
        t = h5py.h5t.C_S1.copy()
        t.set_size(5)
        t.set_strpad(pad)
        d = h5py.h5d.create(f.id, nm, t, h5py.h5s.create_simple((2,)))
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([b"ab   ", b"cde  "] if nm == b"spacepad" else [b"ab", b"cde"], "S5"), t)
        a = h5py.h5a.create(f.id, nm, t, h5py.h5s.create(h5py.h5s.SCALAR))
        a.write(np.array(b"xy", "S5"))
    f.create_dataset(
        "vlen", data=np.array([np.arange(3), np.arange(0), np.arange(5)], dtype=object), dtype=h5py.vlen_dtype("i4")
    )
    f.attrs.create("vlen", np.array([np.arange(3), np.arange(1)], dtype=object), dtype=h5py.vlen_dtype("i4"))
    f.create_dataset(
        "vlenf_c",
        data=np.array([np.arange(3.0), np.arange(0.0)], dtype=object),
        dtype=h5py.vlen_dtype("<f8"),
        chunks=(1,),
        compression="gzip",
    )
    ct = np.dtype([("a", "<i4"), ("b", "<f8"), ("s", "S3")])
    f.create_dataset("comp", data=np.array([(1, 2.5, b"ab"), (3, 4, b"c")], ct))
    f.attrs["comp"] = np.array([(1, 2.5, b"ab")], ct)
    f.attrs["comp0"] = np.array((1, 2.5, b"ab"), ct)
    ct = np.dtype([("a", ">i4"), ("n", [("x", "<f4"), ("y", "<i2", (2, 3))]), ("b", "?"), ("c", "<c8")])
    z = np.zeros(4, ct)
    z["a"] = range(4)
    z["n"]["y"][2] = 7
    f.create_dataset("nested", data=z, chunks=(3,), compression="gzip", shuffle=True)
    f.create_dataset("comp_enum", data=np.zeros(3, [("e", "i2"), ("f", "f4")]), dtype=np.dtype([("e", e), ("f", "f4")]))
    ct = np.dtype([("s", h5py.string_dtype()), ("v", "<i4")])
    z = np.zeros(2, ct)
    z["s"] = ["one", "two"]
    f.create_dataset("comp_vstr", data=z)
    f.create_dataset(
        "comp_vlen",
        data=np.array([(1, np.arange(3))], np.dtype([("a", "i4"), ("v", object)])),
        dtype=np.dtype([("a", "i4"), ("v", h5py.vlen_dtype("f4"))]),
    )
    f.create_dataset(
        "comp_pad",
        data=np.zeros(3, np.dtype({"names": ["a", "b"], "formats": ["<i2", "<i4"], "offsets": [2, 8], "itemsize": 16})),
    )
    f.create_dataset("arr", data=np.arange(12).reshape(2, 2, 3), dtype=np.dtype(("<i4", (3,)))) if 0 else None
    at = h5py.h5t.array_create(h5py.h5t.STD_I32LE, (2, 3))
    d = h5py.h5d.create(f.id, b"arrtype", at, h5py.h5s.create_simple((4,)))
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(24, dtype="<i4").reshape(4, 2, 3), at)
    f.create_dataset("void", data=np.array([b"abc", b"def"], "V3"))
    f.attrs["void"] = np.void(b"abc")
    f.create_dataset("dt", data=np.array(["2020-01-01", "NaT"], "M8[s]").astype(h5py.opaque_dtype("M8[s]")))
    t = h5py.h5t.STD_B16LE
    d = h5py.h5d.create(f.id, b"bits", t, h5py.h5s.create_simple((2,)))
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 300], "u2"), t)
    t = h5py.h5t.UNIX_D32LE
    d = h5py.h5d.create(f.id, b"time", t, h5py.h5s.create_simple((2,)))
    f.create_dataset(
        "refs",
        data=np.array([f["comp"].ref, f["enum"].ref, h5py.Reference()], dtype=h5py.ref_dtype),
        dtype=h5py.ref_dtype,
    )
    f.attrs["ref"] = f["comp"].ref
    f.attrs.create("refs", [f["comp"].ref, f["enum"].ref], dtype=h5py.ref_dtype)
    f.create_dataset(
        "regrefs", data=np.array([f["le_i4"].regionref[0:2]], dtype=h5py.regionref_dtype), dtype=h5py.regionref_dtype
    )
    f.attrs["rr"] = f["le_i4"].regionref[0:2]
    f.create_dataset("comp_ref", data=np.array([(f["comp"].ref, 3)], np.dtype([("r", h5py.ref_dtype), ("i", "i4")])))
    f.attrs["empty"] = h5py.Empty("f4")
    f.attrs["emptys"] = h5py.Empty(h5py.string_dtype())
    f.attrs["zlen"] = np.zeros((0, 2), "i2")
    f.attrs["emptystr"] = ""
    f.attrs["nan"] = np.float32("nan")
    f.attrs["inf"] = np.inf
    f.attrs["i64"] = np.int64(2**62)
    f.attrs["2d"] = np.arange(6, dtype="<i2").reshape(2, 3)
    f["fillS"] = np.array([b"x"])
    f.create_dataset("fillnan", shape=(4,), chunks=(2,), dtype="f4", fillvalue=np.nan)
    f.create_dataset(
        "fillcomp",
        shape=(4,),
        chunks=(2,),
        dtype=[("a", "i4"), ("b", "f4")],
        fillvalue=np.array((3, 4), [("a", "i4"), ("b", "f4")]),
    )
    f["i128"] = np.array([b"0123456789abcdef"], "V16")
with h5py.File("links.h5", "w") as f:
    f["a/b/data"] = np.arange(5)
    f["a/alias"] = f["a/b/data"]
    f["a/soft"] = h5py.SoftLink("/a/b/data")
    f["a/rel"] = h5py.SoftLink("b/data")
    f["a/broken"] = h5py.SoftLink("/nope")
    f["ext"] = h5py.ExternalLink("layouts.h5", "/contig")
    f["a/softgrp"] = h5py.SoftLink("/a/b")
    f["grpalias"] = f["a/b"]
    f["a/b/up"] = f["a"]
    f["loop1"] = h5py.SoftLink("/loop2")
    f["loop2"] = h5py.SoftLink("/loop1")
    f["selfsoft"] = h5py.SoftLink("/")
    f["mytype"] = np.dtype([("a", "i4")])
    f["mytype"].attrs["note"] = "hi"
    f.create_dataset("typed", data=np.zeros(3, [("a", "i4")]), dtype=f["mytype"])
    f["enumtype"] = h5py.enum_dtype({"A": 0, "B": 1})
    f["weird name ü"] = 1
    f["dot.name"] = 2
with h5py.File("scales.h5", "w", track_order=True) as f:
    f["temp"] = base((4, 5), "f4")
    f["x"] = np.arange(4.0)
    f["y"] = np.arange(5.0)
    f["x"].make_scale("x")
    f["y"].make_scale("why")
    f["temp"].dims[0].attach_scale(f["x"])
    f["temp"].dims[1].attach_scale(f["y"])
    f["temp"].dims[0].label = "lab"
    f["temp"].attrs["units"] = "K"
    f["temp"].attrs["valid"] = np.array([1, 2], "f4")
import netCDF4

with netCDF4.Dataset("netcdf4.nc", "w") as n:
    n.createDimension("time", None)
    n.createDimension("lat", 4)
    n.createDimension("lon", 5)
    n.createDimension("nv", 2)
    n.title = "t"
    n.setncattr("num", np.int16(3))
    n.setncattr_string("strs", ["a", "b"])
    t = n.createVariable("time", "f8", ("time",))
    t.units = "days since 2000-01-01"
    t[:] = np.arange(3)
    n.createVariable("lat", "f4", ("lat",))[:] = np.arange(4)
    n.createVariable("lon", "f4", ("lon",))[:] = np.arange(5)
    v = n.createVariable(
        "temp", "i2", ("time", "lat", "lon"), zlib=True, complevel=4, shuffle=True, fletcher32=True, fill_value=-99
    )
    v.scale_factor = 0.1
    v[:] = np.ma.masked_greater(base((3, 4, 5), "f4"), 90) / 10
    s = n.createVariable("names", str, ("lat",))
    s[:] = np.array(["a", "bb", "ü", ""], dtype=object)
    c = n.createVariable("char", "S1", ("lat", "nv"))
    c[:] = np.array([[b"a", b"b"]] * 4, "S1")
    g = n.createGroup("sub")
    g.createDimension("z", 3)
    g.createVariable("z", "i4", ("z",))[:] = range(3)
    g.createVariable("q", "f8", ("z", "lat"), zlib=True)[:] = 1
    ct = n.createCompoundType(np.dtype([("r", "f4"), ("k", "i4")]), "ct")
    n.createVariable("cv", ct, ("lat",))[:] = np.zeros(4, [("r", "f4"), ("k", "i4")])
    vt = n.createVLType(np.int32, "vl")
    vv = n.createVariable("vlv", vt, ("lat",))
    vv[0] = np.arange(3, dtype="i4")
    en = n.createEnumType(np.uint8, "cloud", {"clear": 0, "fog": 1})
    n.createVariable("ev", en, ("lat",), fill_value=0)[:] = [0, 1, 0, 1]
    n.createVariable("sc", "f8", ())[:] = 3.0
import tables

with tables.open_file("tables.h5", "w") as t:

    class P(tables.IsDescription):
        name = tables.StringCol(16)
        i = tables.Int64Col()
        f = tables.Float32Col(shape=(2, 3))
        e = tables.EnumCol(["r", "g", "b"], "g", base="uint8")
        b = tables.BoolCol()

        class nest(tables.IsDescription):
            x = tables.Float64Col()
            t = tables.Time64Col()

    tb = t.create_table("/", "tab", P, "title", chunkshape=16)
    r = tb.row
    for k in range(10):
        r["name"] = f"n{k}"
        r["i"] = k
        r.append()
    tb.flush()
    t.create_array("/", "arr", np.arange(5))
    t.create_earray("/", "ea", tables.Float32Atom(), (0, 3), chunkshape=(8, 3)).append(np.ones((4, 3), "f4"))
    vl = t.create_vlarray("/", "vl", tables.Int32Atom(), chunkshape=8)
    vl.append([1, 2, 3])
    vl.append([4])
    vs = t.create_vlarray("/", "vs", tables.VLUnicodeAtom(), chunkshape=8)
    vs.append("hé")
    ob = t.create_vlarray("/", "ob", tables.ObjectAtom(), chunkshape=8)
    ob.append({"a": 1})
    t.create_carray("/", "ca", tables.Float64Atom(), (10, 10), filters=tables.Filters(5, "blosc"))
    t.create_carray("/", "ca3", tables.Float64Atom(), (10, 10), filters=tables.Filters(5, "lzo"))[:] = 3
    t.create_carray("/", "ca4", tables.BoolAtom(), (10, 10), filters=tables.Filters(5, "bzip2"))[:] = True
    t.create_carray("/", "cat", tables.Time64Atom(), (10,))
    t.root._v_attrs.pick = {"x": 1}
    t.root._v_attrs.arr = np.arange(3)
    t.create_group("/", "g", "gt")
    t.create_array("/", "c128", np.ones(3, "c16"))
    t.create_soft_link("/", "sl", "/arr")
import pandas as pd

df = pd.DataFrame({"a": np.arange(5), "b": list("abcde"), "c": pd.date_range("2020", periods=5), "d": np.arange(5.0)})
for m in ("table",):
    df.to_hdf("pandas.h5", key=m, mode="w", format=m, index=False)
import anndata, scipy.sparse as sp

ad = anndata.AnnData(sp.random(20, 10, 0.3, format="csr", dtype="f4", random_state=1))
ad.obs["cat"] = pd.Categorical(["a", "b"] * 10)
ad.obs["s"] = [f"s{i}" for i in range(20)]
ad.obs["nb"] = pd.array([True, None] * 10, dtype="boolean")
ad.obsm["X"] = np.ones((20, 2))
ad.uns["d"] = {"k": 1, "s": "x", "l": np.array(["a", "b"])}
ad.layers["d"] = np.ones((20, 10), "f4")
ad.write_h5ad("anndata.h5ad", compression="gzip")
import xarray as xr

ds = xr.Dataset(
    {
        "t": (("time", "x"), base((4, 3), "f4")),
        "s": (("x",), np.array(["a", "b", "c"], dtype=object)),
        "b": (("x",), np.array([True, False, True])),
        "dt": (("x",), pd.date_range("2020", periods=3)),
    },
    coords={"time": pd.date_range("2020", periods=4), "x": [1, 2, 3]},
    attrs={"a": 1, "l": [1, 2, 3]},
)
ds.to_netcdf("xarray.nc", engine="netcdf4", encoding={"t": {"zlib": True}})
import hdf5storage

hdf5storage.write(
    {
        "a": np.arange(6.0).reshape(2, 3),
        "s": "text",
        "c": [1, "two", np.arange(3)],
        "st": {"x": 1, "y": "z"},
        "cplx": np.array([1 + 2j]),
        "b": True,
        "e": np.zeros((0, 0)),
    },
    path=".",
    filename="matlab.mat",
    matlab_compatible=True,
    truncate_existing=True,
)
