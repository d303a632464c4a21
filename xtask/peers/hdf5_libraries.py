"""Files as real libraries write them, and files that are odd in ways that no library needs, each by a function of its
name. Beside them those of `testdata/`."""

import pathlib
import shutil

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

ENDINGS = {".h5", ".nc", ".h5ad", ".mat"}
MADE = {}


def made_as(name):
    """Registers the function that makes a file."""

    def register(make):
        MADE[name] = make
        return make

    return register


def make(folder):
    """Makes all files in a folder."""
    for name, maker in MADE.items():
        maker(str(folder / name))
    data = pathlib.Path(__file__).parents[2] / "testdata"
    for path in sorted([*data.glob("*"), *data.glob("hdf5/*")]):
        if path.suffix in ENDINGS:
            shutil.copyfile(path, folder / f"testdata-{path.name}")


@made_as("odd-userblock.h5")
def userblock(path):
    with h5py.File(path, "w", userblock_size=1024) as f:
        f["whole"] = np.arange(50)
        f.create_dataset("chunks", data=np.arange(100), chunks=(9,), compression="gzip", shuffle=True)
        f["text"] = "behind the block"


@made_as("odd-latest.h5")
def latest(path):
    """Every index of chunks that the newest format has, and many attributes and links."""
    with h5py.File(path, "w", libver="latest") as f:
        table = np.arange(1000).reshape(100, 10)
        f.create_dataset("single", data=table, chunks=(100, 10))
        f.create_dataset("single filtered", data=table, chunks=(100, 10), compression="gzip")
        f.create_dataset("fixed", data=table, chunks=(7, 3))
        f.create_dataset("fixed filtered", data=table, chunks=(7, 3), compression="gzip", fletcher32=True)
        f.create_dataset("extensible", data=table, chunks=(7, 3), maxshape=(None, 10))
        f.create_dataset("tree", data=table, chunks=(7, 3), maxshape=(None, None), compression="gzip")
        implicit = h5p.create(h5p.DATASET_CREATE)
        implicit.set_chunk((7, 3))
        implicit.set_alloc_time(h5d.ALLOC_TIME_EARLY)
        h5d.create(f.id, b"implicit", h5t.STD_I64LE, h5s.create_simple((100, 10)), implicit)
        f["implicit"][:50] = table[:50]
        for place in range(60):
            f.attrs[f"attribute {place}"] = np.arange(place)
            f.create_group(f"many/{place}")
        f.attrs["large"] = np.arange(100_000)
        f.attrs["long"] = "z" * 300_000
        f["dense"] = 1
        for place in range(30):
            f["dense"].attrs[f"a{place}"] = f"text {place}"


@made_as("odd-attributes.h5")
def attributes(path):
    with h5py.File(path, "w") as f:
        for name, value in {
            "with/slash": 1,
            "ünï": 2,
            "empty text": "",
            "nan": np.nan,
            "infinities": [np.inf, -np.inf],
            "least": np.int64(-(2**63)),
            "most": np.uint64(2**64 - 1),
            "tiny": np.float32(1e-45),
            "third": 1 / 3,
            "bytes": np.bytes_(b"abc"),
            "many bytes": np.array([b"a", b"bcd"]),
            "texts": ["a", "", "ü"],
            "void": np.void(b"\1\2\3"),
            "empty": h5py.Empty("<i4"),
            "empty text type": h5py.Empty("S5"),
            "zero": np.zeros((0, 3), "<i2"),
            "one": np.zeros(1),
            "deep": np.zeros((1, 2, 1, 3), "i1"),
            "60 KB": np.arange(7500),
            "newline": 'a\nb\t"c"\\\0'[:-1],
            "_ARRAY_DIMENSIONS": ["x"],
            "null text": "null",
        }.items():
            f.attrs[name] = value
        f.attrs["self"] = f.ref
        for place in reversed(range(40)):
            f.create_dataset(f"d{place}", data=place).attrs["units"] = "m"
        group = f.create_group("tracked", track_order=True)
        for name in "zebra", "ant", "mole":
            group.attrs[name] = name
            group[name] = name


@made_as("odd-links.h5")
def links(path):
    with h5py.File(path, "w") as f:
        data = f.create_dataset("a/b/c/data", data=np.arange(3))
        f["hard"], f["hard group"] = data, f["a/b"]
        f["soft"], f["relative"], f["broken"] = (h5py.SoftLink(to) for to in ("/a/b/c/data", "a/b", "/none"))
        f["external"] = h5py.ExternalLink("absent.h5", "/x")
        f["a/b/up"] = f["a"]
        f["a/b/soft up"] = h5py.SoftLink("/a")
        f["loop"] = h5py.SoftLink("/loop")
        for name in [
            "ünï côdé",
            "with space",
            ".hidden",
            "a.b",
            "CAPS",
            "caps",
            "0",
            "c",
            "tab\tname",
            "back\\slash",
            "n" * 200,
        ]:
            f["names/" + name] = 1
        f["types/number"] = np.dtype("<i4")
        f["types/record"] = np.dtype([("a", "<i4"), ("b", "<f8")])
        f["types/number"].attrs["note"] = 1
        f.create_dataset("typed", data=np.arange(4), dtype=f["types/number"])
        f.create_dataset("typed record", (2,), f["types/record"])
        f.attrs.create("typed", 5, dtype=f["types/number"])


@made_as("odd-order.h5")
def order(path):
    with h5py.File(path, "w", track_order=True) as f:
        for name in "zma":
            f[name] = name
            f.attrs[name] = name
        group = f.create_group("sorted", track_order=False)
        for name in "zma":
            group[name] = 1
        data = f.create_dataset("data", data=np.arange(9), chunks=(2,), track_order=True)
        for place in reversed(range(20)):
            data.attrs[f"a{place}"] = place


@made_as("odd-pages.h5")
def pages(path):
    with h5py.File(path, "w", fs_strategy="page", fs_persist=True, fs_page_size=4096) as f:
        f["whole"] = np.arange(1000)
        f.create_dataset("chunks", data=np.arange(100), chunks=(9,))


@made_as("odd-swmr.h5")
def swmr(path):
    with h5py.File(path, "w", libver="latest") as f:
        data = f.create_dataset("data", (0,), "<f4", maxshape=(None,), chunks=(8,))
        f.swmr_mode = True
        data.resize((20,))
        data[:] = np.arange(20)


@made_as("odd-chunks.h5")
def chunks(path):
    with h5py.File(path, "w") as f:
        masked = f.create_dataset("masked", (20,), "<i4", chunks=(10,), compression="gzip", shuffle=True)
        masked.id.write_direct_chunk((0,), np.arange(10, dtype="<i4").tobytes(), filter_mask=3)
        masked[10:] = 7
        f.create_dataset("ones", data=np.arange(10), chunks=(1,))
        f.create_dataset("large", data=np.ones(3), maxshape=(None,), chunks=(1000,))
        f.create_dataset("dimensions", (1,) * 20, "i1")
        f.create_dataset("five", data=np.arange(720).reshape(2, 3, 4, 5, 6), chunks=(1, 2, 3, 4, 5))
        f.create_dataset("untracked", data=np.arange(5), track_times=False)
        for name, value, kind in [
            ("nan", np.nan, "<f2"),
            ("complex", 1 + 2j, "<c16"),
            ("true", True, "?"),
            ("all", 2**64 - 1, "<u8"),
            ("big", 258, ">i4"),
            ("text", b"none", "S4"),
            ("enum", 3, h5py.enum_dtype({"A": 3}, "<i4")),
        ]:
            f.create_dataset(f"fill {name}", (5,), kind, chunks=(2,), fillvalue=value)
        grown = f.create_dataset("shrunk", data=np.arange(100), maxshape=(None,), chunks=(9,), compression="gzip")
        grown.resize((31,))


@made_as("odd-references.h5")
def references(path):
    with h5py.File(path, "w") as f:
        data, group = f.create_dataset("data", data=np.arange(20).reshape(4, 5)), f.create_group("group")
        record = np.dtype([("o", h5py.ref_dtype), ("r", h5py.regionref_dtype), ("k", "<i2")])
        records = f.create_dataset("records", (3,), record)
        records[0] = (data.ref, data.regionref[1:3, 2:4], 1)
        records[1] = (group.ref, data.regionref[np.eye(4, 5) > 0], 2)
        f.create_dataset("regions", (2,), h5py.regionref_dtype)[0] = data.regionref[::2, ::3]
        f.create_dataset(
            "objects", data=np.array([[data.ref, group.ref]], h5py.ref_dtype), chunks=(1, 1), compression="gzip"
        )
        own = f.create_dataset("itself", (), h5py.ref_dtype)
        own[()] = own.ref
        f.attrs.create("lists", np.array([data.ref, f.ref], h5py.ref_dtype), dtype=h5py.ref_dtype)
        f.attrs.create("region", data.regionref[0], dtype=h5py.regionref_dtype)


@made_as("odd-texts.h5")
def texts(path):
    with h5py.File(path, "w") as f:
        f["long"] = "x" * 3_000_000
        f["long fixed"] = np.array([b"y" * 70_000, b"z"])
        f.create_dataset(
            "many", data=[f"name {place}" for place in range(20_000)], dtype=h5py.string_dtype(), chunks=(1000,)
        )
        f.create_dataset(
            "table", data=np.array([["a", "b"], ["c", ""]], object), dtype=h5py.string_dtype(), chunks=(1, 2)
        )
        f["json"], f["empty"], f["blank"] = '{"a": 1}', "", "  "


@made_as("netcdf4.nc")
def netcdf(path):
    import netCDF4

    with netCDF4.Dataset(path, "w") as n:
        for name, length in {"time": None, "lat": 4, "lon": 5, "nv": 2, "member": None}.items():
            n.createDimension(name, length)
        n.title, n.number = "odd", np.int16(3)
        n.setncattr_string("texts", ["a", "b"])
        time = n.createVariable("time", "f8", ("time",))
        time.units, time[:] = "days since 2000-01-01", np.arange(3)
        n.createVariable("lat", "f4", ("lat",))[:] = np.arange(4)
        packed = n.createVariable(
            "packed", "i2", ("time", "lat", "lon"), zlib=True, shuffle=True, fletcher32=True, fill_value=-99
        )
        packed.scale_factor, packed[:] = 0.1, np.arange(60).reshape(3, 4, 5) / 10
        n.createVariable("zstd", "f4", ("lat", "lon"), compression="zstd")[:] = 1.5
        n.createVariable("big", ">i4", ("lat",), endian="big")[:] = 5
        n.createVariable("unfilled", "i4", ("lat",), fill_value=False)[:2] = 1
        n.createVariable("names", str, ("lat",))[:] = np.array(["a", "bb", "ü", ""], object)
        n.createVariable("growing names", str, ("member", "lat"))[1, 2] = "only"
        n.createVariable("characters", "S1", ("lat", "nv"))[:] = np.array([[b"a", b"b"]] * 4)
        inner = n.createCompoundType(np.dtype([("u", "f4"), ("v", "f4", (2,))]), "wind")
        outer = n.createCompoundType(np.dtype([("k", "i4"), ("w", inner.dtype)]), "station")
        n.createVariable("stations", outer, ("lat",))[:] = np.zeros(4, outer.dtype)
        ragged = n.createVariable("ragged", n.createVLType(np.int32, "ragged_t"), ("member",))
        ragged[0], ragged[3] = np.arange(3, dtype="i4"), np.arange(2, dtype="i4")
        cloud = n.createEnumType(np.uint8, "cloud_t", {"clear": 0, "fog": 1, "missing": 255})
        n.createVariable("cloud", cloud, ("lat",), fill_value=255)[:] = [0, 1, 0, 255]
        n.createVariable("scalar", "f8", ())[:] = 3.0
        below = n.createGroup("below/deeper")
        below.createDimension("z", 3)
        below.createVariable("z", "i4", ("z",))[:] = range(3)
        below.createVariable("field", "f8", ("z", "lat"), zlib=True)[:] = 1
        # A variable called like a dimension without being its coordinate.
        below.createVariable("lon", "i4", ("z", "lon"))[:] = 2


@made_as("netcdf4-classic.nc")
def netcdf_classic(path):
    import netCDF4

    with netCDF4.Dataset(path, "w", format="NETCDF4_CLASSIC") as n:
        n.createDimension("x", 6)
        n.createDimension("y", 5)
        n.Conventions = "CF-1.5"
        n.createVariable("crs", "S1").setncatts(
            {"grid_mapping_name": "latitude_longitude", "GeoTransform": "0 1 0 0 0 -1 "}
        )
        band = n.createVariable("band", "i2", ("y", "x"), zlib=True, fill_value=-1)
        band.valid_range, band[:] = np.array([0, 254], "i2"), 3
        n.createVariable("x", "f8", ("x",))[:] = range(6)


@made_as("xarray-netcdf4.nc")
def xarray_netcdf4(path):
    xarray_dataset().to_netcdf(path, engine="netcdf4", unlimited_dims=["time"], encoding={"t": {"zlib": True}})


@made_as("xarray-h5netcdf.nc")
def xarray_h5netcdf(path):
    dataset = xarray_dataset().assign(complex=("x", np.array([1j, 2, 3])), truths=("x", [True, False, True]))
    dataset.to_netcdf(
        path, engine="h5netcdf", invalid_netcdf=True, encoding={"t": {"zlib": True, "chunksizes": (2, 3)}}
    )


def xarray_dataset():
    import pandas as pd
    import xarray as xr

    return xr.Dataset(
        {
            "t": (("time", "x"), np.arange(15, dtype="f4").reshape(5, 3), {"units": "K"}),
            "names": ("x", np.array(["a", "b", "cc"], object)),
            "spans": ("time", pd.to_timedelta(range(5), "h")),
        },
        coords={"time": pd.date_range("2000-01-01", periods=5), "x": [1, 2, 3], "scalar": 5},
        attrs={"list": [1, 2], "text": "x"},
    )


def frame():
    import pandas as pd

    columns = {"a": range(10), "b": np.arange(10) / 3, "c": list("abcdefghij"), "d": pd.date_range("2000", periods=10)}
    return pd.DataFrame({**columns, "e": [True] * 10})


@made_as("pandas-fixed.h5")
def pandas_fixed(path):
    import pandas as pd

    frame().to_hdf(path, key="frame", mode="w")
    frame()["a"].to_hdf(path, key="series")
    pd.DataFrame({"x": [1, 2], "s": ["a", None]}).to_hdf(path, key="packed", complevel=5, complib="zlib")


@made_as("pandas-table.h5")
def pandas_table(path):
    import pandas as pd

    frame().to_hdf(path, key="frame", mode="w", format="table", data_columns=True)
    frame().to_hdf(path, key="packed", format="table", complevel=9, complib="blosc")
    frame().assign(kind=pd.Categorical(list("aabbccddee"))).to_hdf(path, key="categories", format="table")
    frame().set_index(["a", "c"]).to_hdf(path, key="levels", format="table")


@made_as("pytables.h5")
def pytables(path):
    import tables as tb

    class Inner(tb.IsDescription):
        x = tb.Float32Col(pos=0)
        y = tb.Int16Col(shape=(2,), pos=1)

    class Row(tb.IsDescription):
        name = tb.StringCol(8)
        i = tb.Int64Col()
        nest = Inner()
        b = tb.BoolCol()
        t = tb.Time64Col()
        e = tb.EnumCol(["r", "g"], "r", "uint8")
        c = tb.ComplexCol(itemsize=16)

    with tb.open_file(path, "w", title="all of PyTables") as f:
        table = f.create_table("/", "table", Row, filters=tb.Filters(complevel=5, complib="blosc:zstd"))
        for place in range(30):
            row = table.row
            row["name"], row["i"], row["nest/x"] = f"n{place}", place, place / 2
            row.append()
        table.flush()
        table.cols.i.create_index()
        for name, atom, items in [
            ("numbers", tb.Int32Atom(), [[1, 2], [3]]),
            ("objects", tb.ObjectAtom(), [{"a": 1}]),
            ("bytes", tb.VLStringAtom(), [b"hello"]),
            ("texts", tb.VLUnicodeAtom(), ["hé"]),
            ("truths", tb.BoolAtom(), [[True, False]]),
        ]:
            array = f.create_vlarray("/", name, atom)
            for item in items:
                array.append(item)
        f.create_earray("/", "growing", tb.Float64Atom(), (0, 3)).append(np.ones((4, 3)))
        f.create_earray("/", "growing texts", tb.StringAtom(5), (0,)).append([b"a", b"bb"])
        f.create_carray("/", "bzip2", obj=np.arange(100).reshape(10, 10), filters=tb.Filters(5, "bzip2"))
        f.create_carray("/", "lzo", obj=np.arange(100).reshape(10, 10), filters=tb.Filters(5, "lzo"))
        f.create_carray("/", "parts", tb.Float32Atom(shape=(2, 2)), (5,))
        f.create_array("/", "array", [1, 2, 3], "title")
        group = f.create_group("/", "group")
        f.create_soft_link(group, "soft", "/array")
        f.create_hard_link(group, "hard", "/array")
        f.create_external_link(group, "external", "absent.h5:/array")
        f.root._v_attrs.pickled, f.root._v_attrs.none = {"a": [1, 2]}, None


@made_as("anndata.h5ad")
def anndata_sparse(path):
    annotated().write_h5ad(path)


@made_as("anndata-gzip.h5ad")
def anndata_gzip(path):
    annotated().write_h5ad(path, compression="gzip")


@made_as("anndata-lzf.h5ad")
def anndata_lzf(path):
    annotated().write_h5ad(path, compression="lzf")


def annotated():
    import anndata
    import pandas as pd
    import scipy.sparse as sp

    cells, genes = [f"c{place}" for place in range(20)], [f"g{place}" for place in range(10)]
    columns = {
        "kind": pd.Categorical(list("ab") * 10, ordered=True),
        "name": cells,
        "n": range(20),
        "b": [True, False] * 10,
        "maybe": pd.array([1, None] * 10, dtype="Int64"),
        "perhaps": pd.array([True, None] * 10, dtype="boolean"),
    }
    counts = sp.random(20, 10, density=0.3, format="csr", dtype="f4", random_state=1)
    found = anndata.AnnData(counts, obs=pd.DataFrame(columns, index=cells), var=pd.DataFrame(index=genes))
    found.raw = found
    found.obsm["X_pca"], found.obsm["frame"] = np.ones((20, 3)), pd.DataFrame({"q": range(20)}, index=cells)
    found.obsp["near"] = sp.random(20, 20, density=0.1, format="csr", random_state=2)
    found.layers["columns"], found.layers["dense"] = counts.tocsc(), counts.toarray()
    record = np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")])
    found.uns["x"] = {"y": np.array(["a", "b"]), "z": 1, "w": "text", "record": record, "none": None, "empty": {}}
    return found


@made_as("matlab.mat")
def matlab(path):
    import hdf5storage

    structs = np.array([(1, 2.0), (3, 4.0)], [("p", "i4"), ("q", "f8")])
    values = {
        "x": np.arange(12.0).reshape(3, 4),
        "s": "hello",
        "st": {"a": 1.0, "b": np.arange(3), "c": "q"},
        "cell": np.array([1, "two", np.arange(3)], object),
        "l": np.array([True, False]),
        "c": np.array([1 + 2j]),
        "e": np.array([]),
        "i8": np.int8(5),
        "structs": structs,
    }
    hdf5storage.savemat(path, values, format="7.3", store_python_metadata=False)


@made_as("hdf5storage.h5")
def hdf5storage_python(path):
    import hdf5storage

    values = {"a": [1, "x", {"b": 2}], "t": (1, 2), "n": None, "u": np.array(["ab", "ü"]), "f": np.float16(2)}
    hdf5storage.write(values, path="/data", filename=path, matlab_compatible=False, store_python_metadata=True)
