"""The other side of `cargo xtask conformance hdf5`: makes files, and says what of their copies is not the same.

    peer_hdf5.py make DIR          # the files, in DIR/original: those of the matrix and of libraries
    peer_hdf5.py expect DIR        # DIR/expected.json: what zarr-python is to find in copies of them
    peer_hdf5.py zarr DIR WAY      # compares DIR/WAY/FILE.zarr, for each file, with what is expected
    peer_hdf5.py file DIR WAY      # compares DIR/WAY/FILE.h5 with the original, by h5py
    peer_hdf5.py h5diff DIR WAY    # the same by the program h5diff, as against a copy byte for byte

`zarr` needs zarr-python alone, of either version, all else h5py and hdf5plugin. `make` prints the names of types,
layouts and filters in `matrix.h5`, `expect` `{FILE: [PATH, ...]}`, the last three
`{"version": TEXT, "differing": {FILE: {PATH: REASON}}}`.
"""

import base64
import json
import pathlib
import struct
import sys
import urllib.parse
import warnings

import numpy as np

warnings.simplefilter("ignore")

KEPT = "_hdf5"
DIMENSIONS = "_ARRAY_DIMENSIONS"
HOUSEKEEPING = {
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "DIMENSION_LABELS",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_nc3_strict",
    "_NCProperties",
}


def originals(directory):
    return sorted(path.name for path in (directory / "original").iterdir())


def make(directory):
    import hdf5_libraries
    import hdf5_matrix

    place = directory / "original"
    place.mkdir()
    print(json.dumps(hdf5_matrix.make(place / "matrix.h5")))
    hdf5_libraries.make(place)


def expect(directory):
    import hdf5_files
    import hdf5plugin  # noqa: F401 (it registers the filters)

    expected = {}
    for name in originals(directory):
        with hdf5_files.opened(directory / "original" / name) as file:
            nodes = {}
            describe(file, file["/"], "", nodes, ())
        expected[name] = nodes
    (directory / "expected.json").write_text(json.dumps(expected))
    print(json.dumps({name: list(nodes) for name, nodes in expected.items()}))


def is_scale(thing):
    found = thing.attrs["CLASS"] if "CLASS" in thing.attrs else b""
    found = found.encode() if isinstance(found, str) else found
    return isinstance(found, bytes) and found.startswith(b"DIMENSION_SCALE")


def describe(file, thing, path, nodes, above):
    """All nodes that a copy is to have, by their paths."""
    import h5py
    import hdf5_values

    node = {"attributes": {}}
    hidden = HOUSEKEEPING | ({"CLASS", "NAME"} if is_scale(thing) else set())
    for name in filter(hdf5_values.is_text, thing.attrs):
        if name not in hidden:
            node["attributes"][name] = hdf5_values.attribute_json(file, thing, name)
    nodes[path or "/"] = node
    if isinstance(thing, h5py.Dataset):
        node["dimensions"] = dimensions(file, thing)
        try:
            node["array"] = hdf5_values.dataset_expected(file, thing)
        except (TypeError, OSError) as error:
            # What h5py cannot read is to be named as not carried over.
            node["array"] = {"unread": f"h5py: {error}"}
        return
    above = (*above, h5py.h5o.get_info(thing.id).addr)
    node["members"] = []
    for name in filter(hdf5_values.is_text, thing):
        link = thing.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            continue
        try:
            child = thing[name]
        except (KeyError, OSError, RuntimeError):
            # A link that leads nowhere, or round and round.
            continue
        is_above = isinstance(child, h5py.Group) and h5py.h5o.get_info(child.id).addr in above
        if is_above or isinstance(child, h5py.Datatype):
            continue
        node["members"].append(name)
        describe(file, child, f"{path}/{name}", nodes, above)


def dimensions(file, dataset):
    """The names of dimensions by the scales that are attached."""
    if "DIMENSION_LIST" in dataset.attrs:
        lists = dataset.attrs["DIMENSION_LIST"]
        names = [file[item[0]].name.split("/")[-1] if len(item) else None for item in lists]
        return names if any(names) else None
    return [dataset.name.split("/")[-1]] if is_scale(dataset) and dataset.ndim == 1 else None


class Report:
    """What differs in a file, by path, and what the copies told that they did not carry over."""

    def __init__(self, directory, way, name):
        self.differing = {}
        self.lost = {}
        for step in ("there", "back"):
            told = directory / way / f"{name}.{step}.json"
            for item in json.loads(told.read_text())["lost"] if told.exists() else []:
                path, at, attribute = urllib.parse.unquote(item["what"]).partition("@")
                self.lost[f"{path.rstrip('/')}/@{attribute}" if at else path] = item["reason"]

    def __call__(self, path, reason):
        """Notes a difference; the first of a path is its reason."""
        self.differing.setdefault(path or "/", reason)

    def is_lost(self, path):
        """Notes what was not carried over; whether it was not."""
        above = [path, *("/".join(path.split("/")[:count]) for count in range(2, path.count("/") + 1))]
        known = next((place for place in above if place in self.lost), None)
        # Of a name that is too long the beginning is told.
        long = (place for place, reason in self.lost.items() if "part over" in reason and path.startswith(place))
        known = known or next(long, None)
        if known:
            self(path, f"not carried over: {self.lost[known]}")
        return bool(known)


def each(directory, way, compare):
    """Compares each file's copy; gives the answer that is printed."""
    differing = {}
    for name in originals(directory):
        report = Report(directory, way, name)
        try:
            compare(name, report)
        except Exception as error:
            report("/", f"{type(error).__name__}: {error}")
        differing[name] = report.differing
    return {"differing": differing}


def read_zarr(directory, way):
    import zarr

    expected = json.loads((directory / "expected.json").read_text())
    is_v3 = way.startswith("v3")

    def compare(name, report):
        group = zarr.open_group(str(directory / way / f"{name}.zarr"), mode="r")
        for path, node in expected[name].items():
            if report.is_lost(path):
                continue
            try:
                compare_node(
                    group[path.strip("/")] if path != "/" else group, node, "3" if is_v3 else "2", path, report
                )
            except Exception as error:
                report(path, f"{type(error).__name__}: {error}".split("\n")[0])

    return {"version": f"zarr-python {zarr.__version__}", **each(directory, way, compare)}


def mask_of_v3(value, expected):
    """What stands for a missing value, as netCDF has it: of floats xarray has the bits in V3, and never a list."""
    if isinstance(value, str) and not isinstance(expected, str) and expected not in ([value],):
        value = struct.unpack("<d", base64.b64decode(value))[0]
    return [value] if isinstance(expected, list) and not isinstance(value, list) else value


def compare_node(found, node, format, path, report):
    attributes = dict(found.attrs)
    attributes.pop(KEPT, None)
    if format == "3" and "_FillValue" in attributes and "_FillValue" in node["attributes"]:
        attributes["_FillValue"] = mask_of_v3(attributes["_FillValue"], node["attributes"]["_FillValue"])
    names = attributes.pop(DIMENSIONS, None) if DIMENSIONS not in node["attributes"] else None
    for name in sorted({*attributes, *node["attributes"]}):
        if report.is_lost(f"{path.rstrip('/')}/@{name}"):
            continue
        pair = [json.dumps(where.get(name, "(none)"), sort_keys=True) for where in (node["attributes"], attributes)]
        if pair[0] != pair[1]:
            report(f"{path.rstrip('/')}/@{name}", f"{pair[1]:.80} and not {pair[0]:.80}")
    if "members" in node:
        members = sorted(name for name in node["members"] if not report.is_lost(f"{path.rstrip('/')}/{name}"))
        if sorted(found.keys()) != members:
            report(path, f"its members are {sorted(found.keys())} and not {members}")
        return
    if "unread" in node["array"]:
        report(path, node["array"]["unread"])
        return
    wanted = node["array"][format]
    if format == "3":
        names = found.metadata.dimension_names
        names = list(names) if names else None
    # An array without dimensions may say so.
    if (names or None) != node["dimensions"]:
        report(path, f"its dimensions are {names} and not {node['dimensions']}")
    if list(found.shape) != wanted["shape"]:
        report(path, f"its shape is {found.shape} and not {wanted['shape']}")
        return
    kind, values = array_found(found, wanted["type"])
    if kind != wanted["type"]:
        report(path, f"its type is {kind} and not {wanted['type']}")
    elif json.dumps(values) != json.dumps(wanted["values"]):
        report(path, f"its values are {json.dumps(values):.80} and not {json.dumps(wanted['values']):.80}")


def array_found(array, wanted):
    """The type and the values of an array, in the words of what is expected."""
    values = array[...]
    if array.dtype.hasobject or array.dtype.kind == "T":
        items = list(np.asarray(values, object).reshape(-1)) if array.shape else [np.asarray(values, object)[()]]
        if wanted == "json":
            return "json", [json.loads(item) for item in items]
        filters = [codec.codec_id for codec in array.filters or []] if hasattr(array, "_version") else []
        name = filters[0] if filters else "text" if array.dtype.kind == "T" else "bytes"
        if name == "vlen-array":
            items = [np.asarray(item) for item in ([values[()]] if array.shape == () else values.reshape(-1))]
            return name, [item.astype(item.dtype.newbyteorder("<")).tobytes().hex() for item in items]
        if name in ("vlen-bytes", "bytes"):
            return name, [bytes(item).hex() for item in items]
        return name, items
    kind = array.dtype
    found = np.asarray(values, kind)
    bare = found.astype(kind.newbyteorder("<"))
    if kind.str[1:] in ("f16", "c32"):
        bare.reshape(-1).view("u1").reshape(-1, 16)[:, 10:] = 0
    return described(kind, bool(getattr(array, "_version", 0))), bare.tobytes().hex()


def described(kind, has_order):
    """NumPy's words for a type, with `=` for the byte order where a format keeps it elsewhere."""
    if kind.names is None:
        # Numbers of one byte have no order.
        return kind.str if has_order or kind.str[0] == "|" else "=" + kind.str[1:]
    fields = []
    for name in kind.names:
        inner = kind.fields[name][0]
        base, dims = inner.subdtype or (inner, ())
        fields.append([name, described(base, has_order), *([list(dims)] if dims else [])])
    return fields


def read_file(directory, way):
    import h5py
    import hdf5_files
    import hdf5plugin  # noqa: F401 (it registers the filters)

    def compare(name, report):
        paths = directory / "original" / name, directory / way / f"{name}.h5"
        with hdf5_files.opened(paths[0]) as old, hdf5_files.opened(paths[1]) as new:
            hdf5_files.compare(old, new, report)

    versions = f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}, hdf5plugin {hdf5plugin.version}"
    return {"version": versions, **each(directory, way, compare)}


def run_h5diff(directory, way):
    import hdf5_h5diff

    compare = lambda name, report: hdf5_h5diff.compare(
        directory / "original" / name, directory / way / f"{name}.h5", report
    )
    return {"version": hdf5_h5diff.version(), **each(directory, way, compare)}


if __name__ == "__main__":
    verb, directory, *rest = sys.argv[1:]
    directory = pathlib.Path(directory)
    if verb in ("make", "expect"):
        {"make": make, "expect": expect}[verb](directory)
    else:
        print(json.dumps({"zarr": read_zarr, "file": read_file, "h5diff": run_h5diff}[verb](directory, *rest)))
