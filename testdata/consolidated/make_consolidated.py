# peers: v3
"""Writes consolidated.json: hierarchies of both formats, and their consolidated metadata as zarr-python 3 writes them."""

import json
import pathlib
import tempfile
import warnings

import zarr

warnings.simplefilter("ignore")


def documents(root):
    names = ("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata")
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.name in names}


def hierarchy(root, zarr_format):
    group = zarr.open_group(root, mode="w", zarr_format=zarr_format)
    group.attrs["title"] = "Größe"
    for name in ["b", "B/deep/er", "a", "a b", "zz/empty"]:
        group.create_group(name)
    group["b"].attrs.update({"list": [1, 2.5, {"x": None}], "text": "a\nb"})
    for name, more in [("b/x", {"dtype": "<f4", "fill_value": float("nan")}), ("B/deep/er/y", {"dtype": "i8"}), ("Z", {"dtype": "u1", "attributes": {"unit": "m"}})]:
        array = group.create_array(name, shape=(4, 2), chunks=(2, 2), **more)
        array[:2] = 1


def made(zarr_format):
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        hierarchy(root, zarr_format)
        before = documents(root)
        zarr.consolidate_metadata(root, zarr_format=zarr_format)
        whole = documents(root)
        key = "zarr.json" if zarr_format == 3 else ".zmetadata"
        if zarr_format == 2:
            return {"documents": before, "whole": whole[key]}
        (root / "zarr.json").write_text(before["zarr.json"])
        zarr.consolidate_metadata(root, path="B", zarr_format=3)
        return {"documents": before, "whole": whole[key], "group": (root / "B/zarr.json").read_text()}


path = pathlib.Path(__file__).parent / "consolidated.json"
path.write_text(json.dumps({"zarr": zarr.__version__, "v2": made(2), "v3": made(3)}, indent=1) + "\n")
