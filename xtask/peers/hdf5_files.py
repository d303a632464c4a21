"""Compares two HDF5 files by h5py: all that one can tell of them but where in the file things lie."""

import contextlib
import json
import shutil
import tempfile

import h5py
import hdf5_values
import numpy as np
from h5py import h5a, h5d, h5o, h5s, h5t


@contextlib.contextmanager
def opened(path):
    """A file, as a copy that may be written: HDF5 2.0 writes where it reads texts that have a fill value."""
    with tempfile.NamedTemporaryFile(suffix=".h5") as copy:
        shutil.copyfile(path, copy.name)
        with h5py.File(copy.name, "r+") as file:
            yield file


def compare(old, new, report):
    """Reports by path what the new file has otherwise than the old one."""
    comparison = Comparison(old, new, report)
    made = [file.id.get_create_plist() for file in (old, new)]
    space = [(plist.get_file_space_strategy(), plist.get_file_space_page_size()) for plist in made]
    comparison.same("/", "file space", *([item] for item in space))
    comparison.groups.append(("", old["/"], new["/"]))
    # Level by level, so that an object is known by its shortest path.
    for group in comparison.groups:
        comparison.group(*group)


class Comparison:
    def __init__(self, old, new, report):
        self.files = old, new
        self.report = report
        # Objects that were compared, and those of the new file that they are.
        self.seen = {}
        self.groups = []

    def group(self, path, old, new):
        made = [item.id.get_create_plist() for item in (old, new)]
        self.same(
            path,
            "creation order",
            *([(plist.get_link_creation_order(), plist.get_attr_creation_order())] for plist in made),
        )
        members = [name for name in old if self.is_kept(path, "/", name)]
        self.same(path, "members in their order", members, list(new))
        self.attributes(path, old, new)
        for name in members:
            self.link(f"{path}/{name}", name, old, new)

    def is_kept(self, path, mark, name):
        """Whether the new file is to have a member or an attribute."""
        if not hdf5_values.is_text(name):
            self.report(path + mark + ascii(name), "not carried over: its name is not UTF-8")
            return False
        return not self.report.is_lost(path + mark + name)

    def link(self, path, name, old, new):
        links = [group.get(name, getlink=True) for group in (old, new)]
        if links[1] is None:
            self.report(path, "it is not there")
            return
        words = [(type(link).__name__, getattr(link, "path", None), getattr(link, "filename", None)) for link in links]
        if not self.same(path, "link", *words) or not isinstance(links[0], h5py.HardLink):
            return
        a, b = old[name], new[name]
        addresses = [h5o.get_info(item.id).addr for item in (a, b)]
        if addresses[0] in self.seen:
            self.same(path, "object that it leads to", self.seen[addresses[0]], addresses[1])
            return
        self.seen[addresses[0]] = addresses[1]
        self.same(path, "number of links to it", *(h5o.get_info(item.id).rc for item in (a, b)))
        if not self.same(path, "kind", type(a).__name__, type(b).__name__):
            return
        if isinstance(a, h5py.Group):
            self.groups.append((path, a, b))
        elif isinstance(a, h5py.Dataset):
            self.dataset(path, a, b)
        else:
            self.same(path, "type", a.id, b.id, lambda x, y: x.equal(y))
            self.attributes(path, a, b)

    def dataset(self, path, old, new):
        kinds = [item.id.get_type() for item in (old, new)]
        self.same_type(path, *kinds)
        self.same(path, "shape", (old.shape, old.maxshape), (new.shape, new.maxshape))
        made = [item.id.get_create_plist() for item in (old, new)]
        for name, words in PROPERTIES.items():
            self.same(path, words, *(getattr(plist, "get_" + name)() for plist in made))
        self.same(path, "filters", *(steps(plist, kind) for plist, kind in zip(made, kinds)))
        self.same(path, "chunks", *(chunks(item) for item in (old, new)))
        self.same(path, "fill value", *(fill(plist, kind, item) for plist, kind, item in zip(made, kinds, (old, new))))
        self.attributes(path, old, new)
        if old.shape is not None and 0 not in old.shape and old.shape == new.shape:
            self.values(path, [item.id for item in (old, new)], kinds, lambda place: (old, new)[place][()])

    def attributes(self, path, old, new):
        names = [list(item.attrs) for item in (old, new)]
        names[0] = [name for name in names[0] if self.is_kept(path, "/@", name)]
        self.same(path, "attributes in their order", *names)
        for name in names[0]:
            if name not in names[1]:
                continue
            inner = f"{path}/@{name}"
            found = [h5a.open(item.id, name.encode(errors="surrogateescape")) for item in (old, new)]
            kinds = [item.get_type() for item in found]
            self.same_type(inner, *kinds)
            spaces = [(item.get_space().get_simple_extent_type(), item.shape) for item in found]
            if self.same(inner, "shape", *spaces) and spaces[0][0] != h5s.NULL and 0 not in spaces[0][1]:
                self.values(inner, found, kinds, lambda place: (old, new)[place].attrs[name])

    def values(self, path, things, kinds, read):
        if not kinds[0].equal(kinds[1]):
            return
        if not hdf5_values.points(kinds[0]):
            rows = [hdf5_values.raw_values(thing, kind) for thing, kind in zip(things, kinds)]
            if not np.array_equal(*rows):
                # Bytes without a meaning may differ: gaps in compounds, what is behind the end of a text.
                packed = [hdf5_values.packed(kind, row) for kind, row in zip(kinds, rows)]
                self.same(path, "values", *(item.tobytes().hex() for item in packed))
            return
        found = []
        for place in range(2):
            items, _ = hdf5_values.items_of(self.files[place], kinds[place], things[place].shape, read(place))
            found.append(json.dumps(items))
        self.same(path, "values", *found)

    def same_type(self, path, old, new):
        self.same(path, "type", old, new, lambda x, y: x.equal(y))
        self.same(path, "name of its type", *(name_of(kind) for kind in (old, new)))

    def same(self, path, what, old, new, test=lambda old, new: old == new):
        if test(old, new):
            return True
        shown = [shown_of(item) for item in (old, new)]
        self.report(path, f"its {what}: {shown[1]:.100} and not {shown[0]:.100}")
        return False


PROPERTIES = {
    "layout": "layout",
    "fill_time": "time of filling",
    "alloc_time": "time of allocation",
    "attr_creation_order": "order of attributes",
    "obj_track_times": "times",
}


def shown_of(item):
    if isinstance(item, h5t.TypeID):
        try:
            return str(item.dtype)
        except TypeError:
            return str(item)
    return str(item)


def name_of(kind):
    return h5py.Datatype(kind).name if kind.committed() else None


def steps(plist, kind):
    """The filters, without their names, which are those of the library that wrote them."""
    found = [plist.get_filter(place)[:3] for place in range(plist.get_nfilters())]
    # Shuffle has the size of an element, which of pointers is that of the writer's memory.
    return [step[:2] if step[0] == h5py.h5z.FILTER_SHUFFLE and hdf5_values.points(kind) else step for step in found]


def chunks(dataset):
    """The chunk shape, and which chunks are stored."""
    if dataset.chunks is None or dataset.shape is None:
        return dataset.chunks
    stored = []
    dataset.id.chunk_iter(lambda chunk: stored.append(tuple(chunk.chunk_offset)))
    return dataset.chunks, sorted(stored)


def fill(plist, kind, dataset):
    """Whether and how the fill value was chosen, and what it is."""
    chosen = plist.fill_value_defined()
    if chosen != h5d.FILL_VALUE_USER_DEFINED:
        return chosen
    try:
        found = np.asarray(dataset.fillvalue)
    except (TypeError, ValueError, RuntimeError, OSError):
        return chosen
    return chosen, found.tolist() if found.dtype.hasobject else found.tobytes()
