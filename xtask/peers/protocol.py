"""What the Python peers share: the cells, the values, one JSON line a cell. README.md has the protocol."""
import hashlib
import importlib.metadata
import itertools
import json
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")


class Refused(Exception):
    """The library does not know the combination."""


def refusing(call, *args, **kwargs):
    """The result of a call that creates or opens an array; its exception is a refusal in the library's words."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        raise Refused(message(error)) from error


def message(error):
    return f"{type(error).__name__}: {error}"


def dtype(cell):
    """The data type: of NumPy's text, of a list of fields, or `object` for `text` and `bytes` of any length."""
    given = cell["dtype"]
    if isinstance(given, list):
        return np.dtype([tuple(field) for field in given])
    return np.dtype(object if given in ("text", "bytes") else given)


def fill_value(cell):
    """The fill value as a NumPy scalar, or None."""
    if cell["fill_hex"] is None:
        return None
    value = bytes.fromhex(cell["fill_hex"])
    if cell["dtype"] in ("text", "bytes"):
        return value.decode() if cell["dtype"] == "text" else value
    return np.frombuffer(value, dtype(cell))[0]


def values(cell):
    if cell["dtype"] not in ("text", "bytes"):
        return np.fromfile(cell["data"], dtype(cell)).reshape(cell["shape"])
    with open(cell["data"], "rb") as file:
        data, items = file.read(), []
    while data:
        length = int.from_bytes(data[:4], "little")
        item, data = data[4:4 + length], data[4 + length:]
        items.append(item.decode() if cell["dtype"] == "text" else item)
    array = np.empty(len(items), object)
    array[:] = items
    return array.reshape(cell["shape"])


def regions(cell):
    """The slices of every chunk that is to be written, cut off at the edge of the array."""
    lengths = cell["lengths"]
    for at in itertools.product(*(range(len(along)) for along in lengths)):
        if list(at) not in cell["missing"]:
            yield tuple(slice(sum(along[:i]), sum(along[:i + 1])) for i, along in zip(at, lengths))


def digest(array):
    """SHA-256 of the elements in C order, each little-endian; those of any length behind their length of 32 bits."""
    array = np.asarray(array)
    if array.dtype == object or array.dtype.kind == "T":
        items = [item.encode() if isinstance(item, str) else bytes(item) for item in array.ravel()]
        return hashlib.sha256(b"".join(len(item).to_bytes(4, "little") + item for item in items)).hexdigest()
    return hashlib.sha256(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()).hexdigest()


def reading(array, dtype=None):
    """The answer for an array; a scalar of a string has lost its length, so the type can be given."""
    array = np.asarray(array, dtype)
    text = "|O" if array.dtype.kind == "T" else array.dtype.str
    return {"sha256": digest(array), "dtype": text, "shape": list(array.shape)}


def main(read, write, *packages):
    if sys.argv[1:] == ["version"]:
        print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in (*packages, "numpy")))
        return
    verb, path = sys.argv[1:]
    with open(path) as file:
        cells = json.load(file)["cells"]
    for cell in cells:
        started = time.perf_counter()
        try:
            line = read(cell) if verb == "read" else (write(cell), {"written": True})[1]
        except Refused as error:
            line = {"refused": str(error)}
        except Exception as error:
            line = {"error": message(error)}
        line = {"id": cell["id"], **line, "seconds": time.perf_counter() - started}
        print(json.dumps(line), flush=True)
