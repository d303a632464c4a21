"""What zarr-python, xarray and tensorstore make of the consolidated metadata that `zarr consolidate` writes.

    python consolidated_readers.py ZARR FOLDER

ZARR is the command, FOLDER an empty directory to work in. It needs zarr and xarray; with zarr 3 also tensorstore, and
then format 3 is tried as well. Arrays are written, named, consolidated and copied by the command, to a directory and to
an archive; each is opened with `zarr.open_consolidated` and `xarray.open_zarr(consolidated=True)`, and values,
attributes and names of dimensions must be those that were saved. What xarray consolidates must be fresh for the
command.
"""

import json
import os
import subprocess
import sys

import numpy
import xarray
import zarr

COMMAND, FOLDER = sys.argv[1:]
IS_V3 = zarr.__version__.startswith("3")
VALUES = numpy.arange(24, dtype="f4").reshape(2, 3, 4)
STEPS = numpy.arange(4, dtype="i4")
NAMES = {"t": ["a", "b", "x"], "x": ["x"], "deep/t": ["a", "b", "x"]}


def run(*words):
    done = subprocess.run([COMMAND, *words], check=True, cwd=FOLDER, capture_output=True, text=True)
    return done.stdout


def store(name):
    path = os.path.join(FOLDER, name)
    return zarr.storage.ZipStore(path, mode="r") if name.endswith(".zip") else path


def options(zarr_format):
    return {"zarr_format": zarr_format} if IS_V3 else {}


def write(name, zarr_format):
    numpy.save(os.path.join(FOLDER, "t.npy"), VALUES)
    numpy.save(os.path.join(FOLDER, "x.npy"), STEPS)
    run("save", name, "t=t.npy", "x=x.npy", "deep/t=t.npy", "--zarr-format", str(zarr_format))
    for node, names in NAMES.items():
        attributes = ['units="K"']
        if zarr_format == 2:
            attributes.append("_ARRAY_DIMENSIONS=" + json.dumps(names))
        else:
            path = os.path.join(FOLDER, name, node, "zarr.json")
            with open(path) as file:
                document = json.load(file)
            document["dimension_names"] = names
            with open(path, "w") as file:
                json.dump(document, file)
        run("attrs", f"{name}/{node}", *attributes)
    run("attrs", name, 'title="ours"')
    run("consolidate", name)


def check(name, zarr_format):
    group = zarr.open_consolidated(store(name), mode="r", **options(zarr_format))
    assert dict(group.attrs) == {"title": "ours"}
    for node in ("t", "deep/t"):
        assert numpy.array_equal(group[node][:], VALUES), node
        assert group[node].attrs["units"] == "K", node
    if IS_V3:
        known = group.metadata.consolidated_metadata.flattened_metadata
        assert sorted(known) == ["deep", "deep/t", "t", "x"], known
    # The fill value 0 would mask zeros.
    how = {"mask_and_scale": False, **options(zarr_format)}
    dataset = xarray.open_zarr(store(name), consolidated=True, **how)
    assert dataset.attrs == {"title": "ours"}
    assert dataset["t"].dims == ("a", "b", "x")
    assert numpy.array_equal(dataset["t"].values, VALUES)
    assert numpy.array_equal(dataset["x"].values, STEPS)


def check_tensorstore(name, zarr_format):
    import tensorstore

    driver = "zarr" if zarr_format == 2 else "zarr3"
    for node in ("t", "deep/t"):
        kvstore = {"driver": "file", "path": os.path.join(FOLDER, name, node)}
        array = tensorstore.open({"driver": driver, "kvstore": kvstore}).result()
        assert numpy.array_equal(array.read().result(), VALUES), node


def check_theirs(name, zarr_format):
    dataset = xarray.Dataset({"t": (("a", "b", "x"), VALUES)}, coords={"x": STEPS})
    dataset.to_zarr(store(name), consolidated=True, **options(zarr_format))
    found = json.loads(run("info", name, "--json"))["consolidated"]
    assert found["fresh"] and found["is_complete"], found
    assert "t (2, 3, 4) float32" in run("tree", name, "--consolidated", "must")


for zarr_format in [2, 3] if IS_V3 else [2]:
    name = f"ours{zarr_format}.zarr"
    write(name, zarr_format)
    run("copy-store", name, f"copy{zarr_format}.zarr")
    run("copy-store", name, f"copy{zarr_format}.zip")
    for found in (name, f"copy{zarr_format}.zarr", f"copy{zarr_format}.zip"):
        check(found, zarr_format)
    if IS_V3:
        check_tensorstore(name, zarr_format)
    check_theirs(f"theirs{zarr_format}.zarr", zarr_format)
    print(f"zarr {zarr.__version__}, xarray {xarray.__version__}, format {zarr_format}: all the same")
