"""Generated configurations and inputs for every codec of numcodecs; the same seed gives the same cases.

A case is a dictionary: `codec` (the row of the table it counts for), `filters` and `compressor` (configurations as in
`.zarray`), and `array` (the values). What numcodecs makes of it decides whether it is a case at all: `peer_codecs.py`
throws away what the library itself cannot take.
"""
import random
import string
import struct

import numpy as np

SIZES = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 1000, 4095, 4097]
LARGE = [20_000, 65_537, 100_003]

INTEGERS = ["|i1", "|u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8"]
FLOATS = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]
COMPLEX = ["<c8", ">c8", "<c16", ">c16"]
TIMES = ["<M8[ns]", ">M8[D]", "<m8[s]", ">m8[10us]"]
OTHERS = ["|b1", "|S5", "<U4", ">U3", "|V6", "structured"]
NUMBERS = INTEGERS + FLOATS
ALL = NUMBERS + COMPLEX + TIMES + OTHERS

STRUCTURED = np.dtype([("a", "<i4"), ("b", "<f8"), ("c", "S3"), ("d", [("p", "<u2", (2,))])])


class Generator:
    """Draws cases for one codec."""

    def __init__(self, codec, seed):
        self.random = random.Random(f"{codec} {seed}")
        self.codec = codec
        self.drawn = 0

    def case(self):
        self.drawn += 1
        filters, compressor, array = CODECS[self.codec](self)
        return {"codec": self.codec, "filters": filters, "compressor": compressor, "array": array}

    # What every codec draws from.

    def pick(self, *choices):
        return self.random.choice(choices)

    def maybe(self, value, otherwise=None):
        return value if self.random.random() < 0.5 else otherwise

    def shape(self):
        """Mostly one dimension; every tenth case is empty, every twentieth large."""
        if self.drawn % 10 == 3:
            return (0,)
        size = self.pick(*LARGE) if self.drawn % 20 == 7 else self.pick(*SIZES)
        if self.random.random() < 0.25 and size > 3:
            rows = self.pick(2, 3)
            return (rows, size // rows)
        return (size,)

    def values(self, dtype, shape=None):
        shape = self.shape() if shape is None else shape
        count = int(np.prod(shape))
        dtype = STRUCTURED if dtype == "structured" else np.dtype(dtype)
        source = np.random.default_rng(self.random.getrandbits(32))
        return fill(source, dtype, count, self.pick("noise", "steps", "smooth", "same", "extreme")).reshape(shape)

    def bytes_to_bytes(self, config):
        """As the compressor, or as a filter before another one."""
        array = self.values(self.pick(*ALL))
        if self.random.random() < 0.3:
            return [config], self.maybe({"id": "zlib", "level": 1}), array
        return None, config, array

    def filtered(self, config, array):
        """A filter of arrays, alone or before a compressor."""
        return [config], self.maybe({"id": "zstd", "level": 1}), array


def fill(source, dtype, count, how):
    """Elements of any type of fixed size."""
    kind = dtype.kind
    if dtype.names:
        array = np.zeros(count, dtype)
        for name in dtype.names:
            field = dtype.fields[name][0]
            base, extra = (field.subdtype if field.subdtype else (field, ()))
            many = count * int(np.prod(extra))
            array[name] = fill(source, base, many, how).reshape((count, *extra))
        return array
    if kind == "b":
        return source.integers(0, 2, count).astype(dtype)
    if kind in "SU":
        letters = np.array(list(string.ascii_letters + ("" if kind == "S" else "äß語")))
        size = dtype.itemsize // (4 if kind == "U" else 1)
        lengths = source.integers(0, size + 1, count)
        texts = ["".join(source.choice(letters, length)) for length in lengths]
        return np.array(texts, dtype=dtype) if count else np.zeros(0, dtype)
    if kind == "V":
        return np.frombuffer(source.bytes(count * dtype.itemsize), dtype)
    if how == "noise":
        raw = np.frombuffer(source.bytes(count * dtype.itemsize), dtype).copy()
        return np.nan_to_num(raw) if kind in "fc" else raw
    if how == "same":
        return np.full(count, 7).astype(dtype)
    if how == "extreme" and kind in "iu":
        limits = np.iinfo(dtype)
        return source.choice(np.array([limits.min, limits.max, 0, 1], dtype), count).astype(dtype)
    if how == "extreme" and kind in "Mm":
        limits = np.array([-2**63, 2**63 - 1, 0, 1, -1], "i8")
        return source.choice(limits, count).astype("i8").astype(dtype.byteorder + "i8").view(dtype)
    if how == "extreme":
        parts = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, np.finfo(dtype).max, np.finfo(dtype).tiny])
        return source.choice(parts, count).astype(dtype)
    numbers = np.arange(count) // 3 if how == "steps" else np.cumsum(source.integers(-3, 4, count))
    if kind in "fc":
        return (numbers / 8).astype(dtype)
    return numbers.astype(dtype)


# One function a codec: configurations of filters, of the compressor, and the values.


def blosc(g):
    return g.bytes_to_bytes({
        "id": "blosc", "cname": g.pick("blosclz", "lz4", "lz4hc", "zlib", "zstd"), "clevel": g.random.randrange(10),
        "shuffle": g.pick(-1, 0, 1, 2), "blocksize": g.pick(0, 0, 256, 1000, 4096, -1)})


def lzma(g):
    form, extreme = g.pick(1, 2, 3), 1 << 31
    config = {"id": "lzma", "format": form, "check": -1, "preset": None, "filters": None}
    chains = [
        [{"id": 0x21, "preset": g.random.randrange(10)}],
        [{"id": 0x21, "dict_size": g.pick(4096, 1 << 16, 1 << 20), "lc": g.pick(0, 3), "lp": g.pick(0, 1), "pb": g.pick(0, 2)}],
        [{"id": 0x03, "dist": g.random.randrange(1, 257)}, {"id": 0x21, "preset": g.random.randrange(7)}],
        [{"id": 0x04}, {"id": 0x21, "preset": 1}],
        [{"id": g.pick(5, 6, 7, 8, 9)}, {"id": 0x03, "dist": 4}, {"id": 0x21, "mode": g.pick(1, 2), "nice_len": g.pick(16, 64), "mf": g.pick(0x03, 0x04, 0x12, 0x13, 0x14), "depth": g.pick(0, 8)}],
    ]
    if form == 1:
        config["check"] = g.pick(-1, 0, 1, 4, 10)
    if form == 3 or (form == 1 and g.maybe(True)):
        config["filters"] = g.pick(*chains)
    elif form == 2 and g.maybe(True):
        config["filters"] = [{"id": 0x4000000000000001, "preset": g.random.randrange(10)}]
    else:
        config["preset"] = g.pick(None, g.random.randrange(7), g.random.randrange(4) | extreme)
    return g.bytes_to_bytes(config)


def delta(g):
    dtype = g.pick(*NUMBERS, *COMPLEX)
    config = {"id": "delta", "dtype": dtype}
    if np.dtype(dtype).kind in "iu" and g.maybe(True):
        # Signed and unsigned numbers of 64 bits NumPy sums up in floats, which loses them.
        is_lost = lambda other: np.dtype(other).kind != np.dtype(dtype).kind and "u8" in (dtype[1:], other[1:])
        config["astype"] = g.pick(*[
            other for other in INTEGERS if np.dtype(other).itemsize >= np.dtype(dtype).itemsize and not is_lost(other)])
    array = g.values(dtype)
    # Of two that are not a number, either may be the sum.
    return g.filtered(config, np.nan_to_num(array, posinf=9, neginf=-9) if array.dtype.kind in "fc" else array)


def fixedscaleoffset(g):
    dtype = g.pick(*FLOATS, *INTEGERS)
    array = g.values("<f8")
    array = np.round(np.nan_to_num(array, posinf=9, neginf=-9) % 100, 3).astype(dtype)
    # Below zero, unsigned numbers wrap to what then does not fit, which NumPy casts in more than one way.
    offset = g.pick(0, -3) if np.dtype(dtype).kind == "u" else g.pick(0, 1, 50, -3, 0.5)
    config = {"id": "fixedscaleoffset", "offset": offset, "scale": g.pick(1, 10, 100, 0.5, 7), "dtype": dtype}
    if g.maybe(True):
        config["astype"] = g.pick("<i2", ">i2", "<i4", ">i4", "<i8", "<u2", "<f4", "<f8")
    return g.filtered(config, array)


def quantize(g):
    dtype = g.pick(*FLOATS)
    config = {"id": "quantize", "digits": g.pick(0, 1, 2, 3, 5, 8, -1, -2), "dtype": dtype}
    if g.maybe(True):
        config["astype"] = g.pick("<f2", "<f4", ">f4", "<f8", ">f8")
    return g.filtered(config, g.values(dtype))


def bitround(g):
    dtype = g.pick("<f2", "<f4", "<f8")
    limit = {2: 10, 4: 23, 8: 52}[np.dtype(dtype).itemsize]
    return g.filtered({"id": "bitround", "keepbits": g.random.randrange(limit + 1)}, g.values(dtype))


def astype(g):
    decoded = g.pick(*NUMBERS, "|b1", "<c8")
    array = g.values("<i8")
    array = (array % 100).astype(decoded)
    return g.filtered({"id": "astype", "encode_dtype": g.pick(*NUMBERS, "<c16"), "decode_dtype": decoded}, array)


def packbits(g):
    return g.filtered({"id": "packbits"}, g.values("|b1"))


def categorize(g):
    labels = g.pick(["a", "b", "c"], ["ä", "", "語語"], ["one", "two", "three", "four", "five"])
    shape = g.shape()
    texts = [g.pick(*labels, "other") for _ in range(int(np.prod(shape)))]
    dtype = g.pick("<U5", ">U5", "|O")
    config = {"id": "categorize", "labels": labels, "dtype": dtype, "astype": g.pick("|u1", "|i1", "<u2", ">i4")}
    array = np.array([text if text in labels else "" for text in texts], dtype=dtype).reshape(shape)
    return [config], g.maybe({"id": "zlib", "level": 1}), array


def shuffle(g):
    array = g.values(g.pick(*ALL))
    sizes = [size for size in (1, 2, 3, 4, 5, 8, 16, 0) if size < 2 or array.nbytes % size == 0]
    return [{"id": "shuffle", "elementsize": g.pick(*sizes)}], g.maybe({"id": "lz4"}), array


def checksum(name, places):
    def draw(g):
        config = {"id": name}
        if places and g.maybe(True):
            config["location"] = g.pick("start", "end")
        return g.bytes_to_bytes(config)
    return draw


def jenkins(g):
    return g.bytes_to_bytes({"id": "jenkins_lookup3", "initval": g.pick(0, 1, 12345, 2**32 - 1)})


def objects(g, item):
    shape = g.shape() if g.drawn % 20 != 7 else (5000,)
    array = np.empty(int(np.prod(shape)), dtype=object)
    for index in range(array.size):
        array[index] = item()
    return array.reshape(shape)


def text(g):
    return "".join(g.random.choices("abc ÄÖ語\U0001F600\n\"\\", k=g.pick(0, 1, 2, 5, 40)))


def vlen_utf8(g):
    return [{"id": "vlen-utf8"}], g.maybe({"id": "zstd", "level": 1}), objects(g, lambda: text(g))


def vlen_bytes(g):
    array = objects(g, lambda: g.random.randbytes(g.pick(0, 1, 3, 50)))
    return [{"id": "vlen-bytes"}], g.maybe({"id": "zlib", "level": 1}), array


def vlen_array(g):
    dtype = g.pick(*NUMBERS, "|b1", "<c8")
    array = objects(g, lambda: g.values(dtype, (g.pick(0, 1, 2, 9),)))
    return [{"id": "vlen-array", "dtype": dtype}], g.maybe({"id": "blosc"}), array


def json_like(g, depth=0):
    kinds = ["null", "bool", "int", "float", "text"] + (["list", "map"] if depth < 3 else [])
    kind = g.pick(*kinds)
    if kind == "list":
        return [json_like(g, depth + 1) for _ in range(g.pick(0, 1, 3))]
    if kind == "map":
        return {text(g): json_like(g, depth + 1) for _ in range(g.pick(0, 1, 3))}
    return {"null": None, "bool": g.pick(True, False), "int": g.pick(0, -1, 127, 128, 2**31, -2**63, 2**63 - 1, 2**64 - 1),
            "float": g.pick(0.5, -0.0, 1e300, 1e-7, 1e16, 3.0, float("inf")), "text": text(g)}[kind]


def typed_or_objects(g):
    if g.maybe(True):
        return g.values(g.pick(*INTEGERS, "<f4", ">f8", "|b1", "<U4"))
    return objects(g, lambda: json_like(g))


def json2(g):
    config = {"id": "json2"}
    if g.maybe(True):
        config.update({"ensure_ascii": g.pick(True, False), "sort_keys": g.pick(True, False), "indent": g.pick(None, 0, 2)})
    return [config], g.maybe({"id": "zlib", "level": 1}), typed_or_objects(g)


def msgpack2(g):
    config = {"id": "msgpack2"}
    if g.maybe(True):
        config["use_single_float"] = g.pick(True, False)
    return [config], g.maybe({"id": "zlib", "level": 1}), typed_or_objects(g)


def pcodec(g):
    dtype = g.pick("<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8")
    config = {"id": "pcodec", "level": g.random.randrange(13), "equal_pages_up_to": g.pick(1 << 18, 1000)}
    if g.maybe(True):
        config["mode_spec"] = g.pick("auto", "classic")
    if g.maybe(True):
        config.update(g.pick({"delta_spec": "none"}, {"delta_spec": "try_consecutive", "delta_encoding_order": g.random.randrange(8)}, {"delta_spec": "auto"}))
    return None, config, g.values(dtype)


def zfpy(g):
    dtype = g.pick("<i4", "<i8", "<f4", "<f8")
    mode = g.pick(2, 3, 4) if dtype[1] == "f" else g.pick(2, 3)
    config = {"id": "zfpy", "mode": mode}
    config.update({2: {"rate": g.pick(3, 8, 16.5)}, 3: {"precision": g.pick(4, 11, 24)}, 4: {"tolerance": g.pick(0, 1e-6, 1e-3, 0.5)}}[mode])
    shape = g.pick((1,), (5,), (64,), (1001,), (3, 5), (17, 9), (4, 4, 4), (5, 6, 7), (2, 3, 4, 5), (1, 1), (40, 50))
    how = g.values(dtype, shape) if dtype[1] == "i" else np.cumsum(np.nan_to_num(g.values("<f4", shape)) % 3, axis=0).astype(dtype)
    if dtype[1] == "i":
        how = (how % (1 << 20)).astype(dtype)
    return None, config, how


def n5_wrapper(g):
    array = g.values(g.pick("|i1", "|u1", "<i2", "<u4", "<i8", "<f4", "<f8"), g.pick((1,), (7,), (64,), (3, 5), (2, 3, 4), (1001,)))
    inner = g.pick(None, {"id": "gzip", "level": 1}, {"id": "zlib", "level": 5}, {"id": "bz2", "level": 1}, {"id": "blosc"})
    return None, {"id": "n5_wrapper", "dtype": array.dtype.str, "chunk_shape": list(array.shape), "compressor_config": inner}, array


def chains(g):
    """Filters in any order, of the array's type or not, and a compressor."""
    array = g.values(g.pick(*INTEGERS, "<f4", ">f8"))
    dtype = array.dtype.str
    kinds = [
        {"id": "delta", "dtype": dtype}, {"id": "shuffle", "elementsize": g.pick(1, array.dtype.itemsize)}, {"id": "crc32"},
        {"id": "delta", "dtype": "|u1"}, {"id": "zlib", "level": 1}, {"id": "fletcher32"}, {"id": "adler32"}, {"id": "lz4"},
        {"id": "astype", "encode_dtype": dtype, "decode_dtype": dtype}, {"id": "base64"}, {"id": "delta", "dtype": "|i1", "astype": "|i1"}]
    compressors = [None, {"id": "zstd", "level": 3}, {"id": "blosc"}, {"id": "bz2", "level": 1}, {"id": "crc32c"}, {"id": "delta", "dtype": "|u1"}]
    return [g.pick(*kinds) for _ in range(g.pick(1, 2, 3, 4))], g.pick(*compressors), array


CODECS = {
    "adler32": checksum("adler32", True),
    "astype": astype,
    "base64": lambda g: g.bytes_to_bytes({"id": "base64"}),
    "bitround": bitround,
    "blosc": blosc,
    "bz2": lambda g: g.bytes_to_bytes({"id": "bz2", "level": g.random.randrange(1, 10)}),
    "categorize": categorize,
    "crc32": checksum("crc32", True),
    "crc32c": checksum("crc32c", True),
    "delta": delta,
    "fixedscaleoffset": fixedscaleoffset,
    "fletcher32": checksum("fletcher32", False),
    "gzip": lambda g: g.bytes_to_bytes({"id": "gzip", "level": g.random.randrange(10)}),
    "jenkins_lookup3": jenkins,
    "json2": json2,
    "lz4": lambda g: g.bytes_to_bytes({"id": "lz4", "acceleration": g.pick(1, 2, 10, 100)}),
    "lzma": lzma,
    "msgpack2": msgpack2,
    "n5_wrapper": n5_wrapper,
    "packbits": packbits,
    "pcodec": pcodec,
    "quantize": quantize,
    "shuffle": shuffle,
    "vlen-array": vlen_array,
    "vlen-bytes": vlen_bytes,
    "vlen-utf8": vlen_utf8,
    "zfpy": zfpy,
    "zlib": lambda g: g.bytes_to_bytes({"id": "zlib", "level": g.random.randrange(-1, 10)}),
    "zstd": lambda g: g.bytes_to_bytes({"id": "zstd", "level": g.pick(-5, -1, 0, 1, 3, 9, 19, 22), "checksum": g.pick(True, False)}),
    "chains": chains,
}


def exact(array):
    """Values as they are exchanged: bytes in C order, little-endian; for objects a list of JSON."""
    array = np.asarray(array)
    if array.dtype == object or array.dtype.kind == "T":
        return [item_json(item) for item in array.ravel()]
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()


def item_json(item):
    """An object as JSON: byte strings and arrays as hexadecimal digits, floats by their bits."""
    if isinstance(item, bytes):
        return {"bytes": bytes(item).hex()}
    if isinstance(item, np.ndarray):
        return {"array": exact(item).hex()}
    if isinstance(item, float):
        return {"float": struct.pack("<d", item).hex()}
    if isinstance(item, dict):
        return {"map": [[key, item_json(value)] for key, value in item.items()]}
    if isinstance(item, (list, tuple)):
        return {"list": [item_json(value) for value in item]}
    return item
