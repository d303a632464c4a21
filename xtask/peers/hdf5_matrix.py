"""The file of the matrix: each type of HDF5 in each layout and through each filter, made by h5py.

A dataset is `TYPE/CASE`. Values are given to the library in the form that they have in the file, so that it converts
nothing, but for those with pointers, which are h5py's objects.
"""

import h5py
import hdf5plugin
import numpy as np
from h5py import h5d, h5p, h5s, h5t

LENGTH = 24
SHAPE, CHUNKS = (7, 5), (3, 2)


def number(code, values=None):
    """A number of NumPy: its type, and values that fill all of its bytes."""
    kind = np.dtype(code)
    if values is None:
        values = np.arange(LENGTH) * 37 % 101 - (0 if kind.kind == "u" else 50)
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            values = [limits.min, limits.max, *values[2:].tolist()]
        elif kind.kind == "c":
            values = values + 1j * values[::-1]
        elif kind.kind == "f":
            values = [np.nan, np.inf, -np.inf, -0.0, *(values[4:] / 8)]
    return h5t.py_create(kind, logical=True), np.array(values, kind)


def changed(base, *changes):
    """A type of HDF5 with properties set."""
    kind = base.copy()
    for name, *arguments in changes:
        getattr(kind, "set_" + name)(*arguments)
    return kind


def text(size, padding, charset, values, filler):
    kind = changed(h5t.C_S1, ("size", size), ("strpad", padding), ("cset", charset))
    filled = [value.ljust(size, filler) for value in values]
    return kind, np.array([filled[place % len(filled)] for place in range(LENGTH)], f"V{size}")


def enumeration(base, names):
    kind = h5t.enum_create(h5t.py_create(np.dtype(base)))
    for name, value in names.items():
        kind.enum_insert(name.encode(), value)
    values = list(names.values())
    return kind, np.array([values[place % len(values)] for place in range(LENGTH)], base)


def compound(size, fields):
    kind = h5t.create(h5t.COMPOUND, size)
    for name, offset, inner in fields:
        kind.insert(name.encode(), offset, inner)
    return kind


def raw(kind, size=None):
    """Bytes of all kinds as values, for types whose every byte counts."""
    size = size or kind.get_size()
    return kind, (np.arange(LENGTH * size) * 59 % 251).astype("u1").view(f"V{size}")


def objects(kind, item):
    """Values with pointers: what `item` makes of each place."""
    values = np.empty(LENGTH, kind.dtype if kind.dtype.names else object)
    for place in range(LENGTH):
        values[place] = item(place)
    return kind, values


def numbers():
    found = {}
    for code in "i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 c8 c16".split():
        for order in "<" if code[1:] == "1" else "<>":
            found[(order if code[1:] != "1" else "") + code] = number(order + code)
    longs = np.zeros(LENGTH, np.longdouble)
    longs[:] = np.arange(LENGTH) / np.longdouble(3)
    # Bytes without meaning, which are of whatever was in memory, are zero when they come back.
    longs.view("u1").reshape(-1, 16)[:, 10:] = 0
    found["long double"] = h5t.py_create(longs.dtype), longs
    found["complex long double"] = h5t.py_create(np.dtype(np.clongdouble)), longs.view(np.clongdouble).repeat(2)
    half = h5t.IEEE_F32LE.copy()
    half.set_fields(15, 7, 8, 0, 7)
    half.set_ebias(127)
    half.set_size(2)
    found["bfloat16"] = half, (np.arange(LENGTH, dtype="f4") / 4).view("<u4").__rshift__(16).astype("<u2")
    narrow = np.arange(LENGTH, dtype="<u2") * 170 % 4096
    found["12 bits of 16"] = changed(h5t.STD_U16LE, ("precision", 12)), narrow
    shifted = changed(h5t.STD_I32BE, ("precision", 12), ("offset", 4))
    found["12 bits of 32, shifted, >"] = shifted, (narrow.astype("u4") << 4).astype(">u4")
    return found


def simple():
    """Types without parts that are no numbers."""
    found = {"bool": number("?", np.arange(LENGTH) % 3 == 1)}
    found["enum of u1"] = enumeration("u1", {"CLEAR": 0, "FOG": 7, "naïve name": 255})
    found["enum of i1"] = enumeration("i1", {"LEAST": -128, "NONE": 0})
    found["enum of >i4"] = enumeration(">i4", {"LESS": -5, "MORE": 70000})
    found["enum of u8"] = enumeration("<u8", {"ZERO": 0, "LARGE": 2**63 - 1})
    for name, kind in {"8": h5t.STD_B8LE, "16 <": h5t.STD_B16LE, "32 >": h5t.STD_B32BE, "64 <": h5t.STD_B64LE}.items():
        found[f"bits, {name}"] = raw(kind)
    words = [b"abcd", b"a", b"", b"bc d"]
    found["text, zero-terminated"] = text(5, h5t.STR_NULLTERM, h5t.CSET_ASCII, words, b"\0")
    found["text, zero-padded"] = text(5, h5t.STR_NULLPAD, h5t.CSET_ASCII, [*words, b"whole"], b"\0")
    found["text, blank-padded"] = text(5, h5t.STR_SPACEPAD, h5t.CSET_ASCII, [*words, b"whole"], b" ")
    for padding, name in [(h5t.STR_NULLPAD, "zero"), (h5t.STR_SPACEPAD, "blank")]:
        words = ["für".encode(), "日本".encode(), b""]
        filler = b" " if name == "blank" else b"\0"
        found[f"UTF-8, {name}-padded"] = text(6, padding, h5t.CSET_UTF8, words, filler)
    found["opaque"] = raw(changed(h5t.create(h5t.OPAQUE, 3), ("tag", b"")))
    found["opaque, tagged"] = raw(changed(h5t.create(h5t.OPAQUE, 7), ("tag", b"image/x-odd")))
    moments = (np.arange(LENGTH) * 10**15).astype("<M8[ns]")
    moments[3] = "NaT"
    found["datetime64"] = h5t.py_create(h5py.opaque_dtype(moments.dtype), logical=True), moments.view("V8")
    spans = (np.arange(LENGTH) - 9).astype(">m8[s]")
    found["timedelta64, >"] = h5t.py_create(h5py.opaque_dtype(spans.dtype), logical=True), spans.view("V8")
    found["time, 4 <"] = raw(h5t.UNIX_D32LE)
    found["time, 8 >"] = raw(h5t.UNIX_D64BE)
    return found


def parted():
    """Compounds and arrays without pointers."""
    place = np.arange(LENGTH)
    inner = compound(8, [("x", 0, h5t.IEEE_F32LE), ("y", 4, h5t.array_create(h5t.STD_I16LE, (2,)))])
    pad = changed(h5t.C_S1, ("size", 3), ("strpad", h5t.STR_SPACEPAD))
    color, _ = enumeration("<i2", {"RED": 0, "BLUE": 42})
    truth, _ = number("?")
    layout = {"names": list("abc"), "formats": ["<i4", "<f8", "<u2"], "offsets": [0, 4, 12], "itemsize": 14}
    values = np.zeros(LENGTH, layout)
    values["a"], values["b"], values["c"] = place, place / 4, place
    found = {"compound": (h5t.py_create(values.dtype), values)}
    gaps = np.zeros(LENGTH, {"names": ["a", "b"], "formats": ["<i2", "<i4"], "offsets": [2, 8], "itemsize": 16})
    gaps["a"], gaps["b"] = place, -place
    found["compound with gaps"] = h5t.py_create(gaps.dtype), gaps
    mixed = np.zeros(LENGTH, [("a", ">i4"), ("b", "<f8"), ("c", ">u2")])
    mixed["a"], mixed["b"], mixed["c"] = -place, place / 8, place
    found["compound of both orders"] = h5t.py_create(mixed.dtype), mixed
    found["compound >"] = h5t.py_create(mixed[["a", "c"]].dtype), mixed[["a", "c"]]
    deep = compound(
        17,
        [
            ("n", 0, inner),
            ("s", 8, pad),
            ("e", 11, color),
            ("t", 13, truth),
            ("o", 14, raw(h5t.create(h5t.OPAQUE, 3))[0]),
        ],
    )
    bytes_of = [("n", [("x", "<f4"), ("y", "<i2", (2,))]), ("s", "S3"), ("e", "<i2"), ("t", "?"), ("o", "V3")]
    values = np.zeros(LENGTH, bytes_of)
    values["n"]["x"], values["n"]["y"] = place * 2, np.stack([place, -place], 1)
    values["s"], values["e"], values["t"], values["o"] = [b"ab ", b"c  "] * 12, [0, 42] * 12, place % 2, b"\1\2\3"
    found["compound, nested"] = deep, values
    rows = np.zeros(LENGTH, [("k", "<i4"), ("rows", [("x", "<f4"), ("y", ">i2")], (3,))])
    rows["k"], rows["rows"]["x"], rows["rows"]["y"] = place, place[:, None] / 2, place[:, None] * [1, 2, 3]
    found["compound with arrays of compounds"] = h5t.py_create(rows.dtype), rows
    bits = compound(5, [("b", 0, h5t.STD_B8LE), ("t", 1, h5t.UNIX_D32LE)])
    found["compound with bits and times"] = raw(bits)
    found["array"] = h5t.array_create(h5t.STD_I32BE, (2, 3)), np.arange(LENGTH * 6, dtype=">i4").view("V24")
    found["array of arrays"] = (
        h5t.array_create(h5t.array_create(h5t.STD_I16LE, (2,)), (3,)),
        np.arange(LENGTH * 6, dtype="<i2").view("V12"),
    )
    found["array of compounds"] = h5t.array_create(inner, (2,)), (np.arange(LENGTH * 16) % 120).astype("u1").view("V16")
    found["array of texts"] = h5t.array_create(pad, (2,)), np.array([b"ab abc", b"      "] * 12, "V6")
    return found


def pointing(target):
    """Types with pointers. `target` is a dataset that references lead to."""
    words = ["", "a", "bü", "long " * 9, 'tab\tline\n"quoted" \\']
    vlen = lambda kind: h5t.py_create(h5py.vlen_dtype(kind), logical=True)
    found = {}
    for charset in ("ascii", "utf-8"):
        kind = h5t.py_create(h5py.string_dtype(charset), logical=True)
        found[f"text of any length, {charset}"] = objects(
            kind, lambda place: words[place % (2 if charset == "ascii" else 5)]
        )
    kind = h5t.py_create(h5py.string_dtype(), logical=True)
    found["text that is no UTF-8"] = objects(kind, lambda place: [b"\xff\xfe", b"ok"][place % 2])
    for code in ("<i4", ">f8", "u1", "<c8", "?", "<f2", "<u8"):
        item = lambda place: np.arange(place % 4).astype(code)
        found[f"sequence of {code}"] = objects(vlen(np.dtype(code)), item)
    color = h5py.enum_dtype({"RED": 0, "BLUE": 42}, "<i2")
    found["sequence of enums"] = objects(vlen(color), lambda place: np.array([42, 0][: place % 3], "<i2"))
    pair = np.dtype([("a", "<i4"), ("b", ">f4")])
    found["sequence of compounds"] = objects(
        vlen(pair), lambda place: np.array([(1, 2), (place, 0.5)][: place % 3], pair)
    )
    text_kind = h5py.string_dtype()
    found["sequence of texts"] = objects(vlen(text_kind), lambda place: np.array(words[: place % 4], object))
    references = lambda place: np.array([target.ref, h5py.Reference()][: place % 3], h5py.ref_dtype)
    found["sequence of references"] = objects(vlen(h5py.ref_dtype), references)
    found["reference"] = objects(h5t.STD_REF_OBJ, lambda place: target.ref if place % 3 else h5py.Reference())
    regions = [target.regionref[1:3], target.regionref[np.arange(8) % 3 == 0], h5py.RegionReference()]
    found["region reference"] = objects(h5t.STD_REF_DSETREG, lambda place: regions[place % 3])
    kind = np.dtype([("k", "<i4"), ("s", text_kind)])
    found["compound with texts"] = objects(h5t.py_create(kind, logical=True), lambda place: (place, words[place % 5]))
    kind = np.dtype([("k", "<i4"), ("v", h5py.vlen_dtype(np.dtype("<f4")))])
    item = lambda place: (place, np.arange(place % 3, dtype="<f4"))
    found["compound with sequences"] = objects(h5t.py_create(kind, logical=True), item)
    kind = np.dtype([("r", h5py.ref_dtype), ("k", "<i4")])
    item = lambda place: (target.ref if place % 2 else h5py.Reference(), place)
    found["compound with references"] = objects(h5t.py_create(kind, logical=True), item)
    kind = np.dtype([("deep", [("k", "<i2"), ("s", text_kind), ("e", color)]), ("s", "S3")])
    item = lambda place: ((place, words[place % 5], 42), b"abc"[: place % 4])
    found["compound with nested texts"] = objects(h5t.py_create(kind, logical=True), item)
    return found


def chunked(*changes, shape=CHUNKS):
    """Creation properties of a dataset in chunks."""
    made = h5p.create(h5p.DATASET_CREATE)
    made.set_chunk(shape)
    return change(made, *changes)


def change(made, *changes):
    for name, *arguments in changes:
        getattr(made, "set_" + name)(*arguments)
    return made


def properties(*changes):
    return change(h5p.create(h5p.DATASET_CREATE), *changes)


def layouts():
    """By name: creation properties, lengths, what they may grow to, and how much of the values is written."""
    never, early, whole = h5d.FILL_TIME_NEVER, h5d.ALLOC_TIME_EARLY, slice(None)
    plain = (LENGTH,)
    return {
        "scalar": (properties(), (), None, whole),
        "null": (properties(), None, None, None),
        "contiguous": (properties(), plain, None, whole),
        "contiguous, unwritten": (properties(), plain, None, None),
        "contiguous, early": (properties(("alloc_time", early), ("fill_time", never)), plain, None, whole),
        "compact": (properties(("layout", h5d.COMPACT)), plain, None, whole),
        "chunked": (chunked(), SHAPE, None, whole),
        "chunked, unwritten": (chunked(), SHAPE, None, None),
        "chunked, early": (chunked(("alloc_time", early)), SHAPE, None, slice(2)),
        "may grow": (chunked(), SHAPE, (9, h5s.UNLIMITED), slice(3)),
        "may grow without limit": (chunked(), SHAPE, (h5s.UNLIMITED, h5s.UNLIMITED), slice(4)),
        "empty": (chunked(), (0, 5), (h5s.UNLIMITED, 5), None),
        "larger chunks": (chunked(shape=(10, 8)), SHAPE, (h5s.UNLIMITED, 8), whole),
        "fill value": (chunked(), SHAPE, None, slice(3)),
    }


def filters():
    """By name: what is set in the order of writing, and whether pointers go through it."""
    plugin = lambda made: (("filter", made.filter_id, h5py.h5z.FLAG_OPTIONAL, made.filter_options),)
    deflate, shuffle = ("deflate", 4), ("shuffle",)
    return {
        "deflate": ((deflate,), True),
        "shuffle": ((shuffle,), True),
        "shuffle, deflate": ((shuffle, deflate), True),
        "Fletcher-32": ((("fletcher32",),), True),
        "shuffle, deflate, Fletcher-32": ((shuffle, deflate, ("fletcher32",)), True),
        "Fletcher-32, deflate": ((("fletcher32",), deflate), True),
        "LZF": ((("filter", h5py.h5z.FILTER_LZF, h5py.h5z.FLAG_OPTIONAL),), True),
        "shuffle, LZF": ((shuffle, ("filter", h5py.h5z.FILTER_LZF, h5py.h5z.FLAG_OPTIONAL)), True),
        "szip": ((("szip", h5py.h5z.SZIP_NN_OPTION_MASK, 2),), False),
        "scaleoffset": ((("scaleoffset", h5py.h5z.SO_INT, 0),), False),
        "nbit": ((("filter", h5py.h5z.FILTER_NBIT, h5py.h5z.FLAG_OPTIONAL),), False),
        "Blosc": (plugin(hdf5plugin.Blosc(cname="lz4", shuffle=1)), False),
        "Blosc, zstd, bits": (plugin(hdf5plugin.Blosc(cname="zstd", shuffle=2)), False),
        "Blosc 2": (plugin(hdf5plugin.Blosc2(cname="zstd")), False),
        "LZ4": (plugin(hdf5plugin.LZ4()), False),
        "bitshuffle": (plugin(hdf5plugin.Bitshuffle(cname="none")), False),
        "bitshuffle, LZ4": (plugin(hdf5plugin.Bitshuffle(cname="lz4")), False),
        "bitshuffle, Zstandard": (plugin(hdf5plugin.Bitshuffle(cname="zstd")), False),
        "Zstandard": (plugin(hdf5plugin.Zstd()), False),
        "shuffle, Zstandard": ((shuffle, *plugin(hdf5plugin.Zstd())), False),
        "bzip2": (plugin(hdf5plugin.BZip2()), False),
    }


def cases():
    """All layouts, and each filter in chunks that may not and that may grow, of which some are missing."""
    yield from ((name, *case, True) for name, case in layouts().items())
    for name, (changes, takes_pointers) in filters().items():
        grown = (h5s.UNLIMITED, h5s.UNLIMITED)
        yield name, chunked(*changes), SHAPE, None, slice(None), takes_pointers
        yield name + ", may grow", chunked(*changes), SHAPE, grown, slice(3), takes_pointers


def repeated(values, count):
    """As many values, over and over."""
    return values[np.arange(count) % len(values)]


def write(dataset, kind, values, written):
    """Writes rows of a dataset; `values` are one behind the other."""
    shape = dataset.shape
    count = int(np.prod(shape, dtype=int))
    if values.dtype.hasobject:
        found = repeated(values, count).reshape(shape)
        if shape == ():
            dataset[()] = found[()]
            return
        rows = range(*written.indices(shape[0]))
        for place in np.ndindex(len(rows), *shape[1:]):
            dataset[place] = found[place]
        return
    size = kind.get_size()
    items = repeated(np.ascontiguousarray(values).view(f"V{size}"), count).reshape(shape)
    memory, space = h5s.ALL, h5s.ALL
    if shape and written != slice(None):
        items = np.ascontiguousarray(items[written])
        space = dataset.id.get_space()
        space.select_hyperslab((0,) * len(shape), items.shape)
        memory = h5s.create_simple(items.shape)
    dataset.id.write(memory, space, items, kind)


def create(group, name, kind, values, case):
    """One dataset of the matrix; what HDF5 or a filter refuses gives an error."""
    made, shape, grown, written, _ = case
    if shape is None:
        space = h5s.create(h5s.NULL)
    elif shape == ():
        space = h5s.create(h5s.SCALAR)
    else:
        space = h5s.create_simple(shape, grown)
    if name == "fill value":
        # h5py cannot make those with pointers, but for texts, and cannot read these.
        if values.dtype.hasobject:
            raise TypeError("h5py has no such fill values")
        # It gives a fill value the type of NumPy.
        made.set_fill_value(np.ascontiguousarray(values).view(f"V{kind.get_size()}")[5:6].view(kind.dtype.base))
    dataset = h5py.Dataset(h5d.create(group.id, name.encode(), kind, space, made))
    dataset.attrs["units"] = "m"
    dataset.attrs["range"] = np.array([0.5, 97])
    if written is not None:
        write(dataset, kind, values, written)
        # What a filter cannot take is found out when it is written.
        dataset.flush()
        dataset.id.get_offset()


def attributes(group, name, kind, values):
    """The type in attributes of every shape."""
    spaces = {"scalar": (), "list": (5,), "table": (2, 3), "empty": (0,), "null": None}
    for case, shape in spaces.items():
        key = f"{name}, {case}"
        space = h5s.create(h5s.NULL) if shape is None else h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR)
        made = h5py.h5a.create(group.id, key.encode(), kind, space)
        if shape is None or 0 in shape:
            continue
        count = int(np.prod(shape, dtype=int))
        if values.dtype.hasobject:
            made.write(repeated(values.astype(kind.dtype), count).reshape(shape))
        else:
            items = np.ascontiguousarray(values).view(f"V{kind.get_size()}")
            made.write(repeated(items, count).reshape(shape), kind)


def make(path):
    """Makes the file; gives the names of types, layouts and filters."""
    names = []
    with h5py.File(path, "w") as f:
        target = f.create_dataset("target", data=np.arange(40).reshape(8, 5))
        kinds = numbers() | simple() | parted() | pointing(target)
        for type_name, (kind, values) in kinds.items():
            # h5diff mistakes the order of names where a blank stands in the place of a slash.
            type_name = type_name.replace(", ", "_").replace(" ", "_")
            names.append(type_name)
            group = f.create_group(type_name)
            for case_name, *case in cases():
                if values.dtype.hasobject and not case[-1]:
                    continue
                try:
                    create(group, case_name, kind, values, case)
                except (TypeError, ValueError, OSError, RuntimeError):
                    # What HDF5, h5py or the filter does not make of this type.
                    if case_name in group:
                        del group[case_name]
            attributes(f.create_group(f"attributes/{type_name}"), type_name, kind, values)
    return {"types": names, "layouts": list(layouts()), "filters": list(filters())}
