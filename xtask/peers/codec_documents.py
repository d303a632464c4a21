"""Generated `zarr.json` documents for every codec and data type of Zarr V3; the same seed gives the same cases.

A case is a dictionary: `codec` (the row of the table it counts for), `document`, `values` (bytes of the elements in C
order, little-endian, as they lie in memory; a list of texts or byte strings where they are of any length) and `size`
(bytes of an element, or None). An array has a single chunk, or a single shard.
"""
import json
import math

import numpy as np
from codec_cases import LARGE, SIZES, Generator, fill

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
FLOATS = ["float16", "float32", "float64"]
COMPLEX = ["complex64", "complex128", "complex_float32", "complex_float64"]
NUMPY = {"bool": "?", "complex_float32": "complex64", "complex_float64": "complex128"}

# Bits of the numbers that NumPy does not have; complex ones are two of them.
NARROW = {
    "int2": 2, "uint2": 2, "int4": 4, "uint4": 4, "bfloat16": 16, "float4_e2m1fn": 4, "float6_e2m3fn": 6, "float6_e3m2fn": 6,
    "float8_e3m4": 8, "float8_e4m3": 8, "float8_e4m3b11fnuz": 8, "float8_e4m3fnuz": 8, "float8_e5m2": 8, "float8_e5m2fnuz": 8,
    "float8_e8m0fnu": 8,
}
NARROW_COMPLEX = ["complex_float16", "complex_bfloat16"] + [f"complex_{name}" for name in NARROW if name[:5] == "float"]
# Of this one zarrs has no complex form.
NARROW["float8_e4m3fn"] = 8

TIMES = [{"name": f"numpy.{kind}64", "configuration": {"unit": unit, "scale_factor": factor}}
         for kind in ("datetime", "timedelta") for unit, factor in [("ns", 1), ("D", 1), ("s", 10)]]
FIXED = ["r8", "r24"] + [{"name": name, "configuration": {"length_bytes": size}} for name, size in [
    ("fixed_length_utf32", 12), ("null_terminated_bytes", 5), ("raw_bytes", 4)]]
STRUCTS = [{"name": "struct", "configuration": {"fields": [{"name": name, "data_type": kind} for name, kind in fields]}}
           for fields in [
               [("a", "int32"), ("b", "float64")],
               [("flag", "bool"), ("s", FIXED[3]), ("t", TIMES[0]), ("u", FIXED[2]), ("z", "complex64")],
               [("p", {"name": "struct", "configuration": {"fields": [{"name": "x", "data_type": "uint16"}]}}), ("q", "float16")]]]
NUMBERS = INTEGERS + FLOATS + COMPLEX
TYPES = ["bool", *NUMBERS, *NARROW, *NARROW_COMPLEX, *TIMES, *FIXED, *STRUCTS]
TEXTS = ["string", "bytes", "variable_length_bytes"]


def name_of(data_type):
    return data_type if isinstance(data_type, str) else data_type["name"]


def fields(data_type):
    return [(field["name"], field["data_type"]) for field in data_type["configuration"]["fields"]]


def numpy_type(data_type):
    """The NumPy type of what NumPy has, else None."""
    name = name_of(data_type)
    if name == "struct":
        return np.dtype([(field, numpy_type(kind)) for field, kind in fields(data_type)])
    if name.startswith("numpy."):
        configuration = data_type["configuration"]
        return np.dtype(f"<{'M' if 'date' in name else 'm'}8[{configuration['scale_factor']}{configuration['unit']}]")
    if name == "fixed_length_utf32":
        return np.dtype(f"<U{data_type['configuration']['length_bytes'] // 4}")
    if name in ("null_terminated_bytes", "raw_bytes"):
        return np.dtype(f"{'S' if name[0] == 'n' else 'V'}{data_type['configuration']['length_bytes']}")
    if name[0] == "r" and name[1:].isdigit():
        return np.dtype(f"V{int(name[1:]) // 8}")
    if name in NARROW or name in NARROW_COMPLEX or name in TEXTS:
        return None
    return np.dtype(NUMPY.get(name, name))


def fill_value(data_type):
    """A fill value that everybody knows: zero or empty."""
    name = name_of(data_type)
    if name == "struct":
        return {field: fill_value(kind) for field, kind in fields(data_type)}
    if name.startswith("complex_") and name in NARROW_COMPLEX and "16" not in name:
        return ["0x00", "0x00"]
    if name.startswith("complex"):
        return [0.0, 0.0]
    if name in NARROW and "int" not in name:
        return 0.0 if name == "bfloat16" else "0x00"
    if name == "raw_bytes" or (name[0] == "r" and name[1:].isdigit()):
        size = numpy_type(data_type).itemsize
        return [0] * size if name[1:].isdigit() else "A" * (-(-size // 3) * 4 - (-size % 3)) + "=" * (-size % 3)
    if name in ("string", "fixed_length_utf32", "null_terminated_bytes"):
        return ""
    if name in TEXTS:
        # Base64 of no bytes.
        return ""
    return False if name == "bool" else 0.0 if name.startswith("float") else 0


def endian(data_type, order):
    """The codec `bytes`, without an order where that has no meaning."""
    kind = numpy_type(data_type)
    one_byte = (kind is not None and (kind.itemsize == 1 or kind.kind in "SV" and not kind.names)) or (
        kind is None and not name_of(data_type).endswith("16"))
    return {"name": "bytes"} if one_byte else {"name": "bytes", "configuration": {"endian": order}}


class Documents(Generator):
    """Draws cases for one codec, of the types that a library knows."""

    def __init__(self, codec, seed, types=(*TYPES, *TEXTS)):
        super().__init__(codec, seed)
        self.types = [kind for kind in TYPES if kind in types]
        self.texts = [kind for kind in TEXTS if kind in types]

    def known(self, *types):
        """One of these types, if the library knows any of them."""
        return self.pick(*[kind for kind in types if kind in self.types])

    def case(self):
        self.drawn += 1
        return {"codec": self.codec, **CODECS[self.codec](self)}

    def shape(self):
        """Of up to four dimensions; every twentieth case is large, every thirtieth has no dimensions."""
        if self.drawn % 30 == 11:
            return []
        size = self.pick(*LARGE) if self.drawn % 20 == 7 else self.pick(*SIZES)
        count = self.pick(1, 1, 2, 3, 4)
        shape = []
        for _ in range(count - 1):
            factor = self.pick(*[factor for factor in (1, 2, 3, 4, 5, 7) if size % factor == 0])
            shape.append(factor)
            size //= factor
        shape.append(size)
        self.random.shuffle(shape)
        return shape

    def values(self, data_type, shape):
        """The elements of an array, and the bytes of one of them."""
        count, source = math.prod(shape), np.random.default_rng(self.random.getrandbits(32))
        name, kind = name_of(data_type), numpy_type(data_type)
        if name in TEXTS:
            def one():
                text = "".join(self.random.choices("abc ÄÖ語\U0001F600\n", k=self.pick(0, 1, 2, 5, 40)))
                return text if name == "string" else text.encode("utf-16")
            return [one() for _ in range(min(count, 5000))], None
        if kind is not None:
            array = fill(source, kind, count, self.pick("noise", "steps", "smooth", "same", "extreme"))
            return np.ascontiguousarray(array).tobytes(), kind.itemsize
        parts = 2 if name.startswith("complex") else 1
        bits = NARROW.get(name.removeprefix("complex_"), 16)
        numbers = source.integers(0, 1 << bits, count * parts)
        if name in ("int2", "int4"):
            numbers = np.where(numbers >> (bits - 1), numbers - (1 << bits), numbers)
        width = -(-bits // 8)
        return numbers.astype("<i8").view("u1").reshape(-1, 8)[:, :width].tobytes(), width * parts

    def made(self, data_type, codecs, shape=None, values=None):
        """A case of these codecs."""
        shape = self.shape() if shape is None else shape
        if name_of(data_type) in TEXTS and math.prod(shape) > 5000:
            shape = [5000]
        values, size = self.values(data_type, shape) if values is None else (values.tobytes(), values.itemsize)
        document = {
            "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": data_type,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": fill_value(data_type), "codecs": codecs, "attributes": {},
        }
        return {"document": document, "values": values, "size": size}

    def to_bytes(self, data_type):
        """A codec that makes bytes of such elements."""
        if name_of(data_type) in TEXTS:
            return {"name": "vlen-utf8" if data_type == "string" else "vlen-bytes"}
        return endian(data_type, self.pick("little", "big"))

    def compressor(self):
        return self.pick({"name": "gzip", "configuration": {"level": 1}}, {"name": "crc32c"}, zstd(self), blosc(self))

    def after_bytes(self, *codecs):
        """Codecs of bytes, behind elements of any type."""
        data_type = self.pick(*self.types, *self.texts)
        more = [self.compressor()] if self.random.random() < 0.2 else []
        return self.made(data_type, [self.to_bytes(data_type), *codecs, *more])

    def before_bytes(self, data_type, *codecs, **given):
        """Codecs of arrays, before those of bytes."""
        more = [self.compressor()] if self.random.random() < 0.3 else []
        return self.made(data_type, [*codecs, endian(data_type, self.pick("little", "big")), *more], **given)


def named(name, **configuration):
    return {"name": name, "configuration": configuration} if configuration else {"name": name}


def zstd(g):
    return named("zstd", level=g.pick(-5, 0, 1, 3, 9), checksum=g.pick(True, False))


def blosc(g):
    shuffle = g.pick("noshuffle", "shuffle", "bitshuffle")
    more = {} if shuffle == "noshuffle" and g.maybe(True) else {"typesize": g.pick(1, 2, 4, 8, 16)}
    return named("blosc", cname=g.pick("blosclz", "lz4", "lz4hc", "zlib", "zstd"), clevel=g.random.randrange(10), shuffle=shuffle,
                 blocksize=g.pick(0, 0, 256, 4096), **more)


def plain_bytes(g):
    data_type = g.types[g.drawn % len(g.types)]
    return g.made(data_type, [endian(data_type, g.pick("little", "big"))])


def transpose(g):
    data_type, shape = g.pick(*g.types), g.shape()
    order = list(range(len(shape)))
    g.random.shuffle(order)
    return g.before_bytes(data_type, named("transpose", order=order), shape=shape)


def reshape(g):
    """Dimensions joined, cut, given by their length or left to be found."""
    data_type, shape, target, at = g.pick(*g.types), g.shape(), [], 0
    is_found = False
    while at < len(shape):
        many = g.pick(*range(1, len(shape) - at + 1))
        joined, at = list(range(at, at + many)), at + many
        length = math.prod(shape[dimension] for dimension in joined)
        kind = g.pick("joined", "joined", "length", "found", "cut")
        if kind == "found" and not is_found:
            target.append(-1)
            is_found = True
        elif kind == "cut" and length % 2 == 0:
            target.extend([2, length // 2])
        else:
            target.append(joined if kind == "joined" else length)
    if not shape:
        target = g.pick([], [1], [-1], [1, 1])
    return g.before_bytes(data_type, named("reshape", shape=target), shape=shape)


def bitround(name):
    def draw(g):
        kinds = FLOATS if name != "bitround" else [
            *INTEGERS, *FLOATS, *COMPLEX, "bfloat16", "complex_float16", "complex_bfloat16", *TIMES]
        data_type = g.known(*kinds)
        case = g.before_bytes(data_type, named(name, keepbits=g.pick(1, 2, 3, 5, 7)))
        kind = numpy_type(data_type)
        if kind is not None and kind.kind in "imM":
            # Of the largest numbers zarrs makes negative ones.
            bits = np.frombuffer(case["values"], f"<i{kind.itemsize}")
            half = np.iinfo(bits.dtype).max // 2
            case["values"] = np.where(bits > half, bits - half, bits).tobytes()
        elif kind is None:
            # What is no number zarrs may turn into one.
            case["values"] = (np.frombuffer(case["values"], "<u2") & 0xbfff).tobytes()
        return case
    return draw


def fixedscaleoffset(g):
    data_type, shape = g.pick("float32", "float64", "int16", "int32", "uint8", "uint16"), g.shape()
    source = np.random.default_rng(g.random.getrandbits(32))
    values = source.integers(3, 100, math.prod(shape)).astype(data_type)
    kind = np.dtype(data_type).newbyteorder("<").str
    more = {"astype": g.pick("<i4", "<f4", "<i2")} if g.maybe(True) else {}
    return g.before_bytes(data_type, named("numcodecs.fixedscaleoffset", offset=g.pick(0, 1, 3), scale=g.pick(1, 2, 10), dtype=kind, **more),
                          shape=shape, values=values)


def packbits(g):
    data_type = g.known("bool", *INTEGERS, *FLOATS, *COMPLEX, *NARROW, *NARROW_COMPLEX, *TIMES)
    configuration = {}
    if g.maybe(True):
        configuration["padding_encoding"] = g.pick("none", "first_byte", "last_byte")
    if data_type in INTEGERS and g.maybe(True):
        bits = int(data_type.lstrip("uint"))
        first = g.random.randrange(bits)
        configuration.update({"first_bit": first, "last_bit": g.random.randrange(first, bits)})
    more = [g.compressor()] if g.maybe(True) else []
    return g.made(data_type, [named("packbits", **configuration), *more])


def pcodec(g):
    data_type = g.pick(*INTEGERS[2:], *FLOATS)
    configuration = {"level": g.random.randrange(13), "mode_spec": g.pick("auto", "classic"), "paging_spec": "equal_pages_up_to",
                     "equal_pages_up_to": g.pick(1 << 18, 1000)}
    order = g.pick(None, *range(8))
    configuration.update({"delta_spec": g.pick("auto", "none") if order is None else "try_consecutive", "delta_encoding_order": order})
    return g.made(data_type, [named("numcodecs.pcodec", **configuration)])


def smooth(g, data_type, shape):
    """Numbers that zfp takes: finite, and integers below their limits."""
    source = np.random.default_rng(g.random.getrandbits(32))
    numbers = np.cumsum(source.integers(-3, 4, math.prod(shape)))
    kind = np.dtype(data_type)
    if kind.kind == "f":
        return (numbers / 8).astype(kind)
    limits = np.iinfo(kind)
    return np.clip(numbers, limits.min // 2, limits.max // 2).astype(kind)


def zfp(g):
    data_type, shape = g.pick("int8", "uint8", "int16", "uint16", "int32", "int64", "float32", "float64"), g.shape()
    if np.dtype(data_type).itemsize < 4 and data_type[0] == "f":
        data_type = "float32"
    mode = g.pick("reversible", "fixed_rate", "fixed_precision", "expert", *["fixed_accuracy"] * (data_type[0] == "f"))
    more = {"reversible": {}, "fixed_rate": {"rate": g.pick(3, 8, 16.5)}, "fixed_precision": {"precision": g.pick(4, 11, 24)},
            "fixed_accuracy": {"tolerance": g.pick(1e-6, 1e-3, 0.5)},
            "expert": g.pick({"minbits": 1, "maxbits": 500, "maxprec": 20, "minexp": -1074}, {"minbits": 64, "maxbits": 64, "maxprec": 64, "minexp": -1074})}[mode]
    return g.made(data_type, [named("zfp", mode=mode, **more)], shape=shape, values=smooth(g, data_type, shape))


def zfpy(g):
    data_type, shape = g.pick("int32", "int64", "float32", "float64"), g.shape()
    mode = g.pick(2, 3, 4) if data_type[0] == "f" else g.pick(2, 3)
    more = {2: {"rate": g.pick(3, 8, 16.5)}, 3: {"precision": g.pick(4, 11, 24)}, 4: {"tolerance": g.pick(1e-6, 1e-3, 0.5)}}[mode]
    return g.made(data_type, [named("numcodecs.zfpy", mode=mode, **more)], shape=shape, values=smooth(g, data_type, shape))


def texts(g):
    data_type = g.pick(*[kind for kind in g.texts if (kind == "string") == (g.codec == "vlen-utf8")])
    return g.made(data_type, [{"name": g.codec}, *([g.compressor()] if g.maybe(True) else [])])


def sharding(g, depth=0):
    """Shards, of shards too, with the index at either end and with other codecs."""
    data_type = g.pick(*g.types, *g.texts)
    shape = [g.pick(1, 2, 4, 6) * g.pick(1, 2, 3) for _ in range(g.pick(1, 2, 3))]
    codecs, outer = [], shape
    inner = [g.pick(*[part for part in range(1, length + 1) if length % part == 0]) for length in outer]
    chain = [g.to_bytes(data_type), *([g.compressor()] if g.maybe(True) else [])]
    if g.maybe(True) and len(shape) > 1:
        chain.insert(0, named("transpose", order=list(range(len(shape)))[::-1]))
    if g.random.random() < 0.4:
        innermost = [g.pick(*[part for part in range(1, length + 1) if length % part == 0]) for length in inner]
        chain = [shard(g, innermost, chain)]
    codecs.append(shard(g, inner, chain))
    return g.made(data_type, codecs, shape=shape)


def shard(g, chunk_shape, codecs):
    index = [named("bytes", endian=g.pick("little", "big"))] + ([{"name": "crc32c"}] if g.random.random() < 0.8 else [])
    return named("sharding_indexed", chunk_shape=chunk_shape, codecs=codecs, index_codecs=index, index_location=g.pick("start", "end"))


def shuffle(g):
    data_type = g.known(*NUMBERS, *TIMES)
    size = numpy_type(data_type).itemsize
    return g.made(data_type, [g.to_bytes(data_type), named("numcodecs.shuffle", elementsize=g.pick(1, size)), g.compressor()])


def fletcher32(g):
    """Of elements of fixed size, which tells whether there is an odd byte."""
    data_type = g.pick(*g.types)
    more = [g.compressor()] if g.maybe(True) else []
    return g.made(data_type, [g.to_bytes(data_type), {"name": "numcodecs.fletcher32"}, *more])


def scale_offset(g):
    data_type, shape = g.pick(*INTEGERS[2:], *FLOATS), g.shape()
    source = np.random.default_rng(g.random.getrandbits(32))
    values = source.integers(3, 100, math.prod(shape)).astype(data_type)
    return g.before_bytes(data_type, named("scale_offset", offset=g.pick(0, 1, 3), scale=g.pick(1, 2, 10)), shape=shape, values=values)


def cast_value(g):
    shape = g.shape()
    data_type, target = g.pick(("int32", "int8"), ("int64", "uint8"), ("float64", "float32"), ("float32", "int16"), ("uint8", "float64"))
    source = np.random.default_rng(g.random.getrandbits(32))
    values = source.integers(0, 100, math.prod(shape)).astype(data_type)
    case = g.before_bytes(data_type, named("cast_value", data_type=target), shape=shape, values=values)
    codecs = case["document"]["codecs"]
    codecs[1] = endian(target, "little")
    return case


def chains(g):
    """Several codecs of arrays, and several of bytes."""
    data_type, shape = g.pick("int32", "float32", "float64", "uint16"), g.shape()
    order = list(range(len(shape)))
    g.random.shuffle(order)
    arrays = [named("transpose", order=order), named("reshape", shape=[sorted(order)] if shape else [])]
    if data_type[0] == "f":
        arrays.append(named("bitround", keepbits=g.pick(3, 7)))
    packs = [named("gzip", level=5), zstd(g), blosc(g), {"name": "crc32c"}, named("numcodecs.shuffle", elementsize=1),
             {"name": "numcodecs.adler32"}, named("numcodecs.zlib", level=1), named("numcodecs.bz2", level=1)]
    chosen = [named("transpose", order=order)] if g.maybe(True) else []
    chosen += g.random.sample(arrays[1:], g.pick(*range(len(arrays))))
    codecs = [*chosen, endian(data_type, g.pick("little", "big")), *g.random.sample(packs, g.pick(1, 2, 3, 4))]
    return g.made(data_type, codecs, shape=shape)


def foreign(name):
    """Codecs of one library alone, which we refuse by name."""
    def draw(g):
        data_type = "string" if "vlen" in name else "int32"
        bare = endian(data_type, "little")
        index = [named("bytes", endian="little")]
        chain = {
            "zarrs.gdeflate": [bare, named(name, level=5)], "zarrs.squeeze": [{"name": name}, bare],
            "zarrs.vlen": [named(name, index_codecs=index, data_codecs=[{"name": "bytes"}], index_data_type="uint64", index_location="start")],
            "zarrs.vlen_v2": [{"name": name}],
        }[name]
        return {**g.made(data_type, chain), "refused": name}
    return draw


CODECS = {
    "bytes": plain_bytes,
    "transpose": transpose,
    "reshape": reshape,
    "bitround": bitround("bitround"),
    "numcodecs.bitround": bitround("numcodecs.bitround"),
    "numcodecs.fixedscaleoffset": fixedscaleoffset,
    "scale_offset": scale_offset,
    "cast_value": cast_value,
    "packbits": packbits,
    "numcodecs.pcodec": pcodec,
    "zfp": zfp,
    "numcodecs.zfpy": zfpy,
    "vlen-utf8": texts,
    "vlen-bytes": texts,
    "sharding_indexed": sharding,
    "blosc": lambda g: g.after_bytes(blosc(g)),
    "gzip": lambda g: g.after_bytes(named("gzip", level=g.random.randrange(10))),
    "zstd": lambda g: g.after_bytes(zstd(g)),
    "crc32c": lambda g: g.after_bytes({"name": "crc32c"}),
    "numcodecs.zlib": lambda g: g.after_bytes(named("numcodecs.zlib", level=g.random.randrange(10))),
    "numcodecs.bz2": lambda g: g.after_bytes(named("numcodecs.bz2", level=g.random.randrange(1, 10))),
    "numcodecs.adler32": lambda g: g.after_bytes({"name": "numcodecs.adler32"}),
    "numcodecs.fletcher32": fletcher32,
    "numcodecs.shuffle": shuffle,
    "chains": chains,
    **{name: foreign(name) for name in ("zarrs.gdeflate", "zarrs.squeeze", "zarrs.vlen", "zarrs.vlen_v2")},
}


if __name__ == "__main__":
    for codec in CODECS:
        print(json.dumps(Documents(codec, "1").case()["document"]))
