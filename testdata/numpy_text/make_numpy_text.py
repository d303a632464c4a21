"""Prints arrays with NumPy and keeps the texts: `numpy_text.json` holds dtype, shape, bytes and text of each.

Of arrays that NumPy summarises, only the elements that it shows are kept. Bytes without dimensions are left out:
NumPy 2 prints `np.bytes_(b'ab')`, where `b'ab'` is meant.
"""

import json
import pathlib

import numpy as np

rng = np.random.default_rng(7)
nan, inf = np.nan, np.inf

REALS = [
    [0.0],
    [-0.0, 0.5],
    [1.0, 2.5, 3.25, -4.0],
    [1e8],
    [99999999.0, 1.0],
    [123456.0, 999.0],
    [1e-4, 1e-5],
    [0.0001, 0.05],
    [1e-3, 1.0],
    [1e-3, 1.1],
    [1 / 3, 2 / 3, 1e2],
    [1 / 3, 2 / 3, 1e-7],
    [123456789.123, 1e-300],
    [1e300, -1e-300, nan],
    [nan],
    [inf],
    [-inf],
    [nan, inf, 1.0],
    [nan, -inf, 1.25],
    [-inf, 1e10],
    [nan, nan, 100000.5],
    [0.1, 0.2, 0.30000000000000004],
    [1e16, 1.0],
    [65504.0, 1.0],
    [5.0, 1000.0],
    [5.0, 999.5],
    [1e22, 1e23, 5e-324],
]

arrays = []


def add(array):
    array = np.asarray(array)
    arrays.append(array)


with np.errstate(over="ignore"):
    for dtype in ["<f2", "<f4", "<f8", "<f16"]:
        for values in REALS:
            add(np.array(values, dtype=dtype))
            add(np.array(values, dtype=dtype)[0])
        add(np.arange(24, dtype=dtype).reshape(2, 3, 4) / 8)
        add(rng.standard_normal((4, 5)).astype(dtype))
        add(np.linspace(0, 1, 2000, dtype=dtype))
    for dtype in ["<c8", "<c16", "<c32"]:
        for values in REALS:
            numbers = np.array(values, dtype=dtype)
            numbers.imag = numbers.real[::-1]
            add(numbers)
            add(numbers[0])
        add(np.array([1 + 2j, -1.5 - 0.25j, complex(nan, -inf), complex(-0.0, -0.0)], dtype=dtype))

for dtype in ["|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8"]:
    info = np.iinfo(dtype)
    add(np.array([info.min, 0, info.max], dtype=dtype))
    add(np.array(info.max, dtype=dtype))
    add((np.arange(2000) % 100).astype(dtype))
add(np.array([True, True]))
add(np.array([True, False]))
add(np.array(True))
add(np.zeros((30, 40), dtype="<i4"))
add(np.arange(1200, dtype="<i8").reshape(2, 3, 200))
add(np.arange(60, dtype="<i8"))

for unit in ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "25s", "10Y"]:
    add(np.array([0, 1, -1, 2000], dtype=f"<M8[{unit}]"))
    add(np.array([0, "NaT"], dtype=f"<M8[{unit}]"))
    add(np.array(7, dtype=f"<M8[{unit}]"))
    add(np.array([0, 1, -1000], dtype=f"<m8[{unit}]"))
    add(np.array([1, "NaT", -100000000], dtype=f"<m8[{unit}]"))
    add(np.array(7, dtype=f"<m8[{unit}]"))
add(np.array(["NaT"], dtype="<M8[D]"))
add(np.array("NaT", dtype="<M8[D]"))
add(np.array("NaT", dtype="<m8[D]"))

add(np.array([b"ab", b"c'd", b"\x00x", b"\xff\\"], dtype="|S4"))
add(np.array(["ab", "c'd", "é", "\n\"'"], dtype="<U4"))
add(np.array("é'", dtype="<U4"))
add(np.array([b"ab\x00\xff", b"1234"], dtype="|V4"))
add(np.array(b"ab\x00\xff", dtype="|V4"))
add(np.array(["word" * 5] * 12, dtype="<U20"))

record = np.dtype([("a", "<i4"), ("x", "<f8"), ("name", "|S3")])
add(np.array([(1, 2.5, b"ab"), (-300, 1e-5, b"c")], dtype=record))
add(np.array((1, 2.5, b"ab"), dtype=record))
add(np.array([(1,), (20,)], dtype=[("a", "<i4")]))
add(np.array((1,), dtype=[("a", "<i4")]))
nested = np.dtype([("p", [("x", "<f4"), ("y", "<f4")]), ("t", "<M8[D]"), ("m", "<i2", (2, 2)), ("b", "?")])
add(np.array([((1, 2.5), "2020-01-01", [[1, 2], [3, 4]], True), ((nan, -1), "NaT", [[-1, 0], [0, 0]], False)], dtype=nested))
add(np.array(((1, 2.5), "2020-01-01", [[1, 2], [3, 4]], True), dtype=nested))
add(np.zeros(1500, dtype=record))

add(np.zeros((0,), dtype="<f4"))
add(np.zeros((3, 0), dtype="<f4"))
add(np.arange(10000, dtype="<f8") / 7)
add(np.where(np.arange(3000) == 1500, 1e30, 1.0))


def row(array):
    dtype = array.dtype
    if dtype.fields:
        descr = json.loads(json.dumps(dtype.descr))
    else:
        descr = dtype.str
    shown = array
    if array.size > 1000:
        edges = [[*range(3), *range(n - 3, n)] if n > 6 else range(n) for n in array.shape]
        shown = array[np.ix_(*edges)]
    data = shown.tobytes()
    return {"dtype": descr, "shape": array.shape, "bytes": data.hex(), "text": str(array)}


rows = [row(array) for array in arrays]
path = pathlib.Path(__file__).with_name("numpy_text.json")
text = ",\n".join(json.dumps(row) for row in rows)
path.write_text(f'{{"numpy": "{np.__version__}", "arrays": [\n{text}\n]}}\n')
