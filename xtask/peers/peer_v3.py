"""The other side of `cargo xtask conformance v3`: makes stores with libraries that write V3, and reads their copies.

    peer_v3.py make DIR       # DIR/original/NAME.zarr; prints their names
    peer_v3.py check DIR WAY  # reads DIR/WAY/NAME.zarr or .zip by the library; prints {NAME: what differs}
"""

import json
import pathlib
import sys
import warnings

import anndata
import numpy as np
import tensorstore
import xarray
import zarr

warnings.simplefilter("ignore")


def dataset():
    times = np.array(["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], "M8[ns]")
    return xarray.Dataset(
        {
            "t": (("time", "x"), np.arange(12.0).reshape(4, 3), {"units": "K"}),
            "zeros": (("x",), np.array([0, 1, 0], "i4")), "flag": (("time",), np.array([True, False, True, True])),
            "masked": (("time",), np.array([0, np.nan, 3, 4])), "packed": (("x",), np.array([0.5, 1.5, np.nan])),
            "float_masked": (("x",), np.array([0.0, np.nan, -2.0])), "names": (("x",), np.array(["a", "né", ""], object)),
            "scalar": ((), np.float32(2.5)), "count": ((), np.int8(0)),
        },
        coords={"time": times, "x": [10, 20, 30]}, attrs={"title": "A store"},
    )


def make_xarray(place, consolidated=False):
    dataset().to_zarr(place, zarr_format=3, consolidated=consolidated, encoding={
        "masked": {"dtype": "i2", "_FillValue": -999}, "float_masked": {"_FillValue": -1.5},
        "packed": {"dtype": "u1", "scale_factor": 0.5, "add_offset": 0.5, "_FillValue": 255},
        "t": {"chunks": (1, 3), "shards": (4, 3)}})


def make_anndata(place):
    import pandas
    import scipy.sparse

    anndata.settings.zarr_write_format = 3
    anndata.AnnData(
        X=scipy.sparse.csr_matrix(np.eye(4, 3, dtype="f4")),
        obs=pandas.DataFrame({"kind": pandas.Categorical(["a", "b", "a", "c"]), "n": [0, 1, 2, 3]}, index=list("wxyz")),
        var=pandas.DataFrame(index=["g1", "g2", "g3"]), obsm={"pca": np.arange(8.0).reshape(4, 2)},
        uns={"note": "né", "numbers": np.array([0, 1])},
    ).write_zarr(place)


def make_ome(place):
    import ngff_zarr

    image = ngff_zarr.to_ngff_image(np.arange(64 * 64, dtype="u2").reshape(64, 64), dims=["y", "x"])
    scales = ngff_zarr.to_multiscales(image, scale_factors=[2], chunks=16)
    ngff_zarr.to_ngff_zarr(place, scales, version="0.5", chunks_per_shard=2)


def make_tensorstore(place):
    zarr.create_group(place)
    for name, dtype, fill in [("i", "int32", 7), ("f", "float32", "NaN"), ("c", "complex64", [0.0, 0.0]), ("b", "bool", True)]:
        shards = {"name": "sharding_indexed", "configuration": {
            "chunk_shape": [4, 4], "codecs": [{"name": "bytes"}, {"name": "gzip"}], "index_location": "start"}}
        array = tensorstore.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{place}/{name}"}, "metadata": {
            "shape": [9, 10], "data_type": dtype, "fill_value": fill, "codecs": [shards], "dimension_names": ["y", None],
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [8, 8]}}}}, create=True).result()
        array[:8].write(np.arange(80).reshape(8, 10).astype(dtype)).result()


def make_zarr_python(place):
    group = zarr.create_group(place, attributes={"title": "né", "nan": float("nan")})
    for number, dtype in enumerate("bool int8 uint16 int64 float16 float64 complex128 U3 S4 M8[s] m8[ms]".split()):
        shards = {"shards": (4, 4)} if number % 2 else {}
        array = group.create_array(f"a{number}", shape=(5, 6), chunks=(2, 2), dtype=np.dtype(dtype), attributes={"n": number}, **shards)
        array[:4] = np.arange(24).reshape(4, 6).astype("i8").astype(dtype)
    group.create_array("texts", shape=(3,), chunks=(2,), dtype=str)[:] = np.array(["a", "", "né"], object)
    group.create_array("scalar", shape=(), dtype="f4", fill_value=2.5)


MAKERS = {
    "xarray": make_xarray, "xarray consolidated": lambda place: make_xarray(place, True), "anndata": make_anndata,
    "OME-Zarr by ngff-zarr": make_ome, "tensorstore": make_tensorstore, "zarr-python": make_zarr_python,
}


def attributes_of(node):
    return {name: value for name, value in dict(node.attrs).items() if name not in ("_hdf5", "_ARRAY_DIMENSIONS", "_FillValue")}


def same_nodes(first, other):
    """Values, types and attributes, by zarr-python."""
    nodes = [("", first), *first.members(max_depth=None)]
    for path, node in nodes:
        found = other[path] if path else other
        if json.dumps(attributes_of(node), sort_keys=True) != json.dumps(attributes_of(found), sort_keys=True):
            return f"attributes of /{path}"
        if isinstance(node, zarr.Array):
            one, two = np.asarray(node[...]), np.asarray(found[...])
            texts = one.dtype.kind in "OTU" and node.dtype.kind in "OT"
            if not texts and one.dtype != two.dtype or one.shape != two.shape:
                return f"type of /{path}: {two.dtype} and not {one.dtype}"
            if (one.tolist() != two.tolist()) if texts or one.shape == () else (one.tobytes() != two.tobytes()):
                return f"values of /{path}"
    return ""


def check(name, first, found):
    other = zarr.open_group(zarr.storage.ZipStore(found, mode="r") if found.suffix == ".zip" else found, mode="r")
    differs = same_nodes(zarr.open_group(first, mode="r"), other)
    if differs:
        return differs
    if name.startswith("xarray"):
        one, two = xarray.open_zarr(first, consolidated=False).load(), xarray.open_zarr(other.store, consolidated=False).load()
        names = [key for key in one.variables if key not in two.variables or not (
            one[key].equals(two[key]) and one[key].dtype.kind == two[key].dtype.kind)]
        return f"in xarray, {', '.join(sorted(names))}" if names else ""
    if name == "anndata":
        one, two = anndata.read_zarr(first), anndata.read_zarr(other)
        same = one.obs.equals(two.obs) and one.var.equals(two.var) and (one.X != two.X).nnz == 0 and np.array_equal(
            one.obsm["pca"], two.obsm["pca"]) and two.uns["note"] == "né" and two.uns["numbers"].tolist() == [0, 1]
        return "" if same else "in anndata"
    if name.startswith("OME") and found.suffix != ".zip" and other.metadata.zarr_format == 3:
        import ngff_zarr

        scales = ngff_zarr.from_ngff_zarr(found).images
        return "" if [np.asarray(scale.data).shape for scale in scales] == [(64, 64), (32, 32)] else "in ngff-zarr"
    return ""


def main():
    verb, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    if verb == "make":
        for name, maker in MAKERS.items():
            maker(str(directory / "original" / f"{name}.zarr"))
        versions = [f"{library.__name__} {library.__version__}" for library in (zarr, xarray, anndata)]
        print(json.dumps({"stores": list(MAKERS), "versions": versions}))
        return
    found = {}
    for name in MAKERS:
        copies = [directory / sys.argv[3] / f"{name}.{ending}" for ending in ("zarr", "zip")]
        copy = next((path for path in copies if path.exists()), None)
        try:
            found[name] = check(name, directory / "original" / f"{name}.zarr", copy) if copy else "no copy"
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}".split("\n")[0][:200]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
