"""What the bridge promises of values: each type of HDF5 in NumPy's and JSON's words, by the tables of docs/hdf5.md.

Written against h5py's types alone, so that it shares nothing with the bridge but the promise.
"""

import base64
import functools

import h5py
import numpy as np
from h5py import h5o, h5r, h5s, h5t

LONG_DOUBLE = 10  # bytes with a meaning, of 16


def is_text(name):
    """Whether a name is UTF-8, as all are that nodes and attributes of Zarr can have."""
    # h5py has bytes for others, or what Python has for bytes that are no text.
    return isinstance(name, str) and name.encode(errors="replace").decode() == name


def order(kind):
    return ">" if kind.get_order() == h5t.ORDER_BE else "<"


def members(kind):
    """The fields of a compound: name, offset, type."""
    names = (kind.get_member_name(place).decode() for place in range(kind.get_nmembers()))
    return [(name, kind.get_member_offset(at), kind.get_member_type(at)) for at, name in enumerate(names)]


def is_bool(kind):
    if kind.get_class() != h5t.ENUM or kind.get_size() != 1 or kind.get_nmembers() != 2:
        return False
    return {(kind.get_member_name(at), kind.get_member_value(at)) for at in range(2)} == {(b"FALSE", 0), (b"TRUE", 1)}


def complex_part(kind):
    """The type of both parts of a complex number, if the compound is one as h5py makes them."""
    found = members(kind)
    if [name for name, *_ in found] != ["r", "i"] or not found[0][2].equal(found[1][2]):
        return None
    part = found[0][2]
    size = part.get_size()
    packed = found[1][1] == size and kind.get_size() == 2 * size
    return part if packed and part.get_class() == h5t.FLOAT and ieee(part) in ("f4", "f8", "f16") else None


def ieee(kind):
    """NumPy's name of a float, without the order; None if NumPy has no such float."""
    for name, known in {"f2": h5t.IEEE_F16LE, "f4": h5t.IEEE_F32LE, "f8": h5t.IEEE_F64LE}.items():
        big = {"f2": h5t.IEEE_F16BE, "f4": h5t.IEEE_F32BE, "f8": h5t.IEEE_F64BE}[name]
        if kind.equal(known) or kind.equal(big):
            return name
    return "f16" if kind.equal(h5t.NATIVE_LDOUBLE) and kind.get_size() == 16 else None


def is_whole(kind):
    """Whether a number uses all of its bits."""
    if kind.get_class() == h5t.BITFIELD:
        # h5py does not tell how many of the bits it uses.
        return any(kind.equal(getattr(h5t, f"STD_B{8 * kind.get_size()}{end}", h5t.STD_B8LE)) for end in ("LE", "BE"))
    return kind.get_precision() == 8 * kind.get_size() and kind.get_offset() == 0


def points(kind):
    """Whether values have pointers in them."""
    group = kind.get_class()
    if group == h5t.STRING:
        return kind.is_variable_str()
    if group == h5t.COMPOUND:
        return any(points(inner) for *_, inner in members(kind))
    return points(kind.get_super()) if group == h5t.ARRAY else group in (h5t.VLEN, h5t.REFERENCE)


def tagged_time(kind):
    tag = kind.get_tag().decode(errors="replace") if kind.get_class() == h5t.OPAQUE else ""
    return tag.removeprefix("NUMPY:") if tag.startswith("NUMPY:") and kind.get_size() == 8 else None


def numpy_type(kind):
    """The type in Zarr V2 of what has no pointers, as NumPy's description of it, and its own dimensions."""
    group, size = kind.get_class(), kind.get_size()
    sign = "|" if size == 1 else order(kind) if group in (h5t.INTEGER, h5t.BITFIELD, h5t.FLOAT) else "|"
    if group == h5t.ARRAY:
        inner, dims = numpy_type(kind.get_super())
        return inner, kind.get_array_dims() + dims
    if group == h5t.ENUM:
        return ("|b1", ()) if is_bool(kind) else numpy_type(kind.get_super())
    if group == h5t.INTEGER:
        return f"{sign}{'u' if kind.get_sign() == h5t.SGN_NONE else 'i'}{size}", ()
    if group == h5t.BITFIELD and is_whole(kind):
        return f"{sign}u{size}", ()
    if group == h5t.FLOAT and ieee(kind):
        return sign + ieee(kind), ()
    if group == h5t.STRING:
        return f"|S{size}", ()
    if group == h5t.COMPOUND and complex_part(kind):
        return f"{order(complex_part(kind))}c{size}", ()
    if group == h5t.COMPOUND:
        fields = [(name, *numpy_type(inner)) for name, _, inner in members(kind)]
        return [[name, inner, *([list(dims)] if dims else [])] for name, inner, dims in fields], ()
    return tagged_time(kind) or f"|V{size}", ()


def packed(kind, found):
    """Elements, a row of bytes each, as those of `numpy_type` with numbers little-endian and no gaps."""
    group, size = kind.get_class(), kind.get_size()
    if group == h5t.ARRAY:
        inner = kind.get_super()
        parts = packed(inner, found.reshape(-1, inner.get_size()))
        return parts.reshape(len(found), size // inner.get_size() * parts.shape[1])
    if group == h5t.ENUM:
        return packed(kind.get_super(), found)
    if group == h5t.COMPOUND:
        parts = [packed(inner, found[:, at : at + inner.get_size()]) for _, at, inner in members(kind)]
        return np.concatenate(parts, 1)
    if group == h5t.STRING:
        return clean(kind, found)
    if group in (h5t.INTEGER, h5t.FLOAT, h5t.BITFIELD):
        if group == h5t.FLOAT and ieee(kind) == "f16":
            return np.where(np.arange(16) < LONG_DOUBLE, found, 0).astype("u1")
        if group == h5t.FLOAT and not ieee(kind):
            return found
        found = found[:, ::-1] if order(kind) == ">" else found
        return found if is_whole(kind) or group == h5t.FLOAT else narrow(kind, found)
    time = tagged_time(kind)
    return found[:, ::-1] if time and time[0] == ">" else found


def clean(kind, found):
    """Texts, filled up with zeros."""
    rows = found.copy()
    for row in rows:
        text = row.tobytes()
        if kind.get_strpad() == h5t.STR_NULLTERM:
            text = text.split(b"\0")[0]
        elif kind.get_strpad() == h5t.STR_SPACEPAD:
            text = text.rstrip(b" ")
        row[:] = np.frombuffer(text.ljust(len(row), b"\0"), "u1")
    return rows


def narrow(kind, found):
    """Whole numbers of some of the bits."""
    size, bits = kind.get_size(), kind.get_precision()
    numbers = np.ascontiguousarray(found).view(f"<u{size}")[:, 0].astype(object)
    is_signed = kind.get_class() == h5t.INTEGER and kind.get_sign() != h5t.SGN_NONE
    rows = []
    for number in numbers:
        number = (int(number) >> kind.get_offset()) & ((1 << bits) - 1)
        if is_signed and number >> (bits - 1):
            number -= 1 << bits
        rows.append(list(number.to_bytes(size, "little", signed=is_signed)))
    return np.array(rows, "u1").reshape(-1, size)


def bytes_json(found):
    return {"base64": base64.b64encode(found).decode()}


def text_json(found):
    try:
        found = found.encode("utf-8", "surrogateescape") if isinstance(found, str) else found
        return found.decode()
    except UnicodeDecodeError:
        return bytes_json(found)


def plain_json(kind, found):
    """A value without pointers, from its bytes in the file."""
    group, size = kind.get_class(), kind.get_size()
    if group == h5t.ARRAY:
        inner = kind.get_super()
        step = inner.get_size()
        return [plain_json(inner, found[at : at + step]) for at in range(0, size, step)]
    if group == h5t.COMPOUND and (part := complex_part(kind)) and ieee(part) != "f16":
        half = part.get_size()
        return [plain_json(part, found[:half]), plain_json(part, found[half:])]
    if group == h5t.COMPOUND:
        return {name: plain_json(inner, found[at : at + inner.get_size()]) for name, at, inner in members(kind)}
    if group == h5t.ENUM:
        return found != b"\0" if is_bool(kind) else plain_json(kind.get_super(), found)
    if group == h5t.STRING:
        text = clean(kind, np.frombuffer(found, "u1").reshape(1, -1)).tobytes()
        return text_json(text.rstrip(b"\0"))
    if group == h5t.FLOAT and ieee(kind) not in (None, "f16"):
        return float(np.frombuffer(found, order(kind) + ieee(kind))[0])
    if group in (h5t.INTEGER, h5t.BITFIELD) and is_whole(kind):
        is_signed = group == h5t.INTEGER and kind.get_sign() != h5t.SGN_NONE
        return int.from_bytes(found, "big" if order(kind) == ">" else "little", signed=is_signed)
    return bytes_json(found)


def area_json(file, reference):
    """A region reference."""
    if not reference:
        return None
    found = {"path": path_of(file, reference)}
    region = h5r.get_region(reference, file.id)
    chosen = region.get_select_type()
    if chosen == h5s.SEL_HYPERSLABS:
        blocks = region.get_select_hyper_blocklist()
        found["boxes"] = [[list(map(int, corner)) for corner in block] for block in blocks]
    elif chosen == h5s.SEL_POINTS:
        found["points"] = [list(map(int, point)) for point in region.get_select_elem_pointlist()]
    return found


PATHS = {}


def path_of(file, reference):
    """The first path of an object, in the order of names; links that lead to one object are not told apart."""
    if file.filename not in PATHS:
        found = PATHS.setdefault(file.filename, {h5o.get_info(file.id).addr: "/"})
        file.visititems(lambda path, item: found.setdefault(h5o.get_info(item.id).addr, f"/{path}") and None)
    return PATHS[file.filename][h5o.get_info(h5r.dereference(reference, file.id)).addr]


@functools.cache
def forgets_order():
    """Whether this h5py gives sequences of big-endian numbers their bytes as though they were little-endian."""
    with h5py.File("probe", "w", driver="core", backing_store=False) as file:
        probe = file.create_dataset("probe", (1,), h5py.vlen_dtype(np.dtype(">i2")))
        probe[0] = np.array([1], ">i2")
        return int(probe[:][0][0]) != 1


def sequence(kind, value):
    """The items of a sequence, as an array."""
    element, found = kind.get_super(), np.ravel(value)
    is_number = element.get_class() in (h5t.INTEGER, h5t.FLOAT) and order(element) == ">"
    return (
        found.view(found.dtype.newbyteorder(">")) if is_number and found.dtype.isnative and forgets_order() else found
    )


def value_json(file, kind, value):
    """A value as h5py has it."""
    group = kind.get_class()
    if not points(kind):
        return plain_json(kind, np.asarray(value, kind.dtype).tobytes())
    if group == h5t.STRING:
        return text_json(value)
    if group == h5t.COMPOUND:
        return {name: value_json(file, inner, value[name]) for name, _, inner in members(kind)}
    if group == h5t.VLEN:
        return [value_json(file, kind.get_super(), item) for item in sequence(kind, value)]
    if group == h5t.ARRAY:
        return [value_json(file, kind.get_super(), item) for item in np.ravel(value)]
    if kind.equal(h5t.STD_REF_DSETREG):
        return area_json(file, value)
    return path_of(file, value) if value else None


def raw_values(thing, kind):
    """The elements of a dataset or an attribute, a row of bytes each."""
    count, size = int(np.prod(thing.shape, dtype=int)), kind.get_size()
    found = np.zeros(thing.shape, f"V{size}")
    if count and isinstance(thing, h5py.h5a.AttrID):
        thing.read(found, kind)
    elif count:
        thing.read(h5s.ALL, h5s.ALL, found, kind)
    return found.reshape(-1).view("u1").reshape(count, size)


def nested(shape, items):
    """Items in C order as lists of lists."""
    if not shape:
        return next(items)
    return [nested(shape[1:], items) for _ in range(shape[0])]


def items_of(file, kind, shape, found):
    """Values with pointers, as h5py gives them, one behind the other, those of arrays within elements too."""
    if shape == ():
        # A sequence is an array of its own.
        items = [found]
    else:
        outer = np.empty(shape, object) if kind.get_class() == h5t.ARRAY else np.asarray(found)
        items = [found[place] for place in np.ndindex(outer.shape)]
    items = [value_json(file, kind, item) for item in items]
    inner = kind
    while inner.get_class() == h5t.ARRAY:
        items, inner = [item for list_ in items for item in list_], inner.get_super()
    return items, inner


def attribute_json(file, owner, name):
    """An attribute as it is in a document of Zarr."""
    attribute = h5py.h5a.open(owner.id, name.encode(errors="surrogateescape"))
    kind, shape = attribute.get_type(), attribute.shape
    if attribute.get_space().get_simple_extent_type() == h5s.NULL:
        return None
    if points(kind):
        items, _ = items_of(file, kind, shape, owner.attrs[name]) if 0 not in shape else ([], None)
    else:
        items = [plain_json(kind, row.tobytes()) for row in raw_values(attribute, kind)]
        while kind.get_class() == h5t.ARRAY:
            items, kind = [item for list_ in items for item in list_], kind.get_super()
    return nested(shape + inner_shape(attribute.get_type()), iter(items))


def inner_shape(kind):
    """The dimensions that elements have themselves."""
    return kind.get_array_dims() + inner_shape(kind.get_super()) if kind.get_class() == h5t.ARRAY else ()


NUMBERS = "?bhilqBHILQefdFD"


def dataset_expected(file, dataset):
    """What zarr-python is to find in a copy, by format: `type`, `shape` and `values`."""
    kind, shape = dataset.id.get_type(), dataset.shape
    if shape is None:
        shape = (0,)
    whole = list(shape + inner_shape(kind))
    inner = functools.reduce(lambda kind, _: kind.get_super(), range(depth(kind)), kind)
    if not points(kind):
        return fixed_expected(dataset, kind, inner, whole)
    found = [] if dataset.shape is None or 0 in shape else items_of(file, kind, shape, dataset[()])[0]
    if inner.get_class() == h5t.STRING:
        is_text = all(isinstance(item, str) for item in found)
        values = [item if isinstance(item, str) else base64.b64decode(item["base64"]).hex() for item in found]
        if not is_text:
            values = [item.encode().hex() if isinstance(old, str) else item for old, item in zip(found, values)]
        types = ("vlen-utf8", "text") if is_text else ("vlen-bytes", "bytes")
        return {format: {"type": name, "shape": whole, "values": values} for format, name in zip("23", types)}
    if inner.equal(h5t.STD_REF_OBJ):
        values = [item or "" for item in found]
        return {
            format: {"type": name, "shape": whole, "values": values}
            for format, name in [("2", "vlen-utf8"), ("3", "text")]
        }
    three = {"type": "json", "shape": whole, "values": found}
    element = inner.get_super() if inner.get_class() == h5t.VLEN else None
    if element is not None and not points(element) and np.dtype(element.dtype).char in NUMBERS and is_number(element):
        raw = np.empty(len(found), object)
        flat = dataset[()]
        raw[:] = [flat] if shape == () else [flat[place] for place in np.ndindex(*shape)] if found else []
        hexed = [sequence(inner, item).astype(element.dtype.newbyteorder("<")).tobytes().hex() for item in raw]
        return {"2": {"type": "vlen-array", "shape": whole, "values": hexed}, "3": three}
    return {"2": {**three, "type": "json2"}, "3": three}


def is_number(kind):
    group = kind.get_class()
    if group == h5t.ENUM:
        return True
    return (
        group in (h5t.INTEGER, h5t.FLOAT, h5t.BITFIELD)
        and is_whole(kind)
        or bool(group == h5t.COMPOUND and complex_part(kind))
    )


def depth(kind):
    return 1 + depth(kind.get_super()) if kind.get_class() == h5t.ARRAY else 0


def v3_type(name):
    """The type in Zarr V3; None for what it has none for: long doubles, and records with arrays in them."""
    if isinstance(name, list):
        fields = [[field, v3_type(inner), *dims] for field, inner, *dims in name]
        return fields if all(len(field) == 2 and field[1] for field in fields) else None
    if name[1:] in ("f16", "c32"):
        return None
    return name if name[1] in "SV" else name.replace("<", "=").replace(">", "=")


def fixed_expected(dataset, kind, inner, shape):
    rows = raw_values(dataset.id, kind) if dataset.shape is not None else np.zeros((0, kind.get_size()), "u1")
    two = packed(kind, rows).tobytes().hex()
    name, _ = numpy_type(inner)
    size = inner.get_size()
    v3 = v3_type(name)
    if v3 is None:
        three = {"type": f"|V{size}", "values": rows.tobytes().hex()}
    else:
        three = {"type": v3, "values": two}
    return {"2": {"type": name, "shape": shape, "values": two}, "3": {"shape": shape, **three}}
