"""Records scenarios with zarr-python 2.18: each step is carried out, and what it comes to is written beside it.

    python record.py                        writes own.json, gaps.json and families.json from the scenarios
                                            in scenarios.py, gaps.py and families.py
    python record.py --check FILE [ID ...]  carries out the steps of a recorded file again, and compares

Needs zarr 2.18.7, numcodecs 0.15 and h5py; the form is that of the recorded runs that
`cargo xtask conformance transcripts` replays.
"""

import dbm.dumb, hashlib, io, json, math, os, re, sys, tempfile, traceback, warnings, zipfile
import numpy as np
import zarr, numcodecs
from zarr.util import normalize_storage_path

DOCUMENTS = (".zarray", ".zgroup", ".zattrs", ".zmetadata")


def scalar(v):
    """A value of a step, as Python has it."""
    if isinstance(v, dict):
        if "float" in v: return float(v["float"].replace("Infinity", "inf"))
        if "text" in v: return v["text"].encode()
        if "hex" in v: return bytes.fromhex(v["hex"])
        if "complex" in v:
            re, im = (scalar({"float": p}) if isinstance(p, str) else p for p in v["complex"])
            return complex(re, im)
        if "json" in v: return v["json"]
        if "np" in v: return np.dtype(v["np"]).type(scalar(v["value"]))
        if "tuple" in v: return tuple(scalar(x) for x in v["tuple"])
        if "object" in v: return object()
    return v


def dtype(d):
    if isinstance(d, dict) and "h5_string" in d:
        import h5py
        return h5py.string_dtype()
    if isinstance(d, list): return [tuple(dtype(x) if i == 1 else (tuple(x) if isinstance(x, list) else x) for i, x in enumerate(f)) for f in d]
    if d == "str": return str
    if d == "bytes": return bytes
    return d


def leaves(v, tuples):
    if isinstance(v, list):
        inner = [leaves(x, tuples) for x in v]
        return tuple(inner) if tuples and v and not isinstance(v[0], list) else inner
    return scalar(v)


def is_array(v):
    return isinstance(v, dict) and any(k in v for k in ("arange", "data", "full"))


class Session:
    def __init__(self):
        self.vars, self.log = {}, None

    def var(self, target):
        name, _, member = target.partition(":")
        value = self.vars[name]
        return value[member] if ":" in target else value

    def array(self, v):
        if isinstance(v, dict) and "var" in v: return self.var(v["var"])
        if "arange" in v: a = np.arange(*v["arange"], dtype=v.get("dtype"))
        elif "full" in v: a = np.full(v["shape"], scalar(v["full"]), dtype=dtype(v.get("dtype")))
        else:
            d = dtype(v.get("dtype"))
            a = np.array(leaves(v["data"], isinstance(d, list)), dtype=d)
        if "shape" in v: a = a.reshape(v["shape"])
        return np.asarray(a, order=v.get("order"))

    def store(self, v):
        if v is None: return None
        if "var" in v: return self.vars[v["var"]]
        if "value" in v: return v["value"]
        if "pathlike" in v:
            import pathlib
            return pathlib.Path(v["pathlike"])
        return v.get("path", v.get("url"))

    def creation(self, step, names):
        made = {}
        for k in names:
            if k not in step: continue
            v = step[k]
            if k in ("compressor", "object_codec") and isinstance(v, dict): v = numcodecs.get_codec(dict(v))
            elif k == "filters" and v is not None: v = [numcodecs.get_codec(dict(f)) for f in v]
            elif k == "data": v = self.array(v) if isinstance(v, dict) else v
            elif k == "dtype": v = dtype(v)
            elif k in ("fill_value", "fillvalue"): v = scalar(v)
            elif k in ("shape", "chunks", "maxshape") and isinstance(v, list): v = tuple(v)
            made[k] = v
        return made

    def options(self, step, *taken):
        return self.creation(step, [k for k in step if k not in ("op", "as", "target", "store", "path", *taken)])

    # What a value looks like in a file.
    def shown(self, v):
        if isinstance(v, (zarr.Array, zarr.Group, zarr.convenience.LazyLoader)): return {"repr": repr(v)}
        if isinstance(v, np.ndarray) or isinstance(v, np.generic): return array_json(np.asarray(v))
        return v

    def bind(self, step, value):
        if "as" in step: self.vars[step["as"]] = value
        return self.shown(value)


def element(v):
    if isinstance(v, (bool, np.bool_)): return bool(v)
    if isinstance(v, (np.datetime64, np.timedelta64)): return int(v.astype("i8"))
    if isinstance(v, (complex, np.complexfloating)): return [element(v.real), element(v.imag)]
    if isinstance(v, (float, np.floating)):
        f = float(v)
        return "NaN" if math.isnan(f) else ("Infinity" if f > 0 else "-Infinity") if math.isinf(f) else f
    if isinstance(v, (int, np.integer)): return int(v)
    if isinstance(v, (bytes, np.bytes_)): return bytes(v).hex()
    if isinstance(v, np.void) and v.dtype.names: return [element(v[n]) for n in v.dtype.names]
    if isinstance(v, np.void): return v.tobytes().hex()
    if isinstance(v, np.ndarray): return array_json(v) if v.ndim else element(v[()])
    return v if v is None or isinstance(v, (str, list, dict)) else str(v)


def dtype_json(d):
    if d.names: return [[n, dtype_json(d.fields[n][0].base)] + ([list(d.fields[n][0].shape)] if d.fields[n][0].shape else []) for n in d.names]
    return d.str


def array_json(a):
    found = {"dtype": dtype_json(a.dtype), "shape": list(a.shape)}
    if a.size > 64 and a.dtype != object:
        flat = a.reshape(-1)
        found.update(first=[element(x) for x in flat[:3]], last=[element(x) for x in flat[-3:]],
                     sha256_c_order_bytes=hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest())
    else:
        # Items of object arrays keep their kind: bytes are marked, texts are not.
        leaf = lambda v: {"hex": v.hex()} if a.dtype == object and isinstance(v, bytes) else element(v)
        nested = lambda x: leaf(x[()]) if x.ndim == 0 else [nested(y) if isinstance(y, np.ndarray) and y.dtype == a.dtype else leaf(y) for y in x]
        found["data"] = nested(a)
    return found


def attribute_json(v):
    if isinstance(v, float): return element(v)
    if isinstance(v, dict): return {str(k): attribute_json(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)): return [attribute_json(x) for x in v]
    return v


def bytes_json(key, v):
    if isinstance(v, dict): return attribute_json(v)
    b = bytes(v) if not isinstance(v, np.ndarray) else v.tobytes()
    if key.rsplit("/", 1)[-1] in DOCUMENTS:
        try: return {"text": b.decode()}
        except UnicodeDecodeError: pass
    return {"hex": b.hex()}


def selection(v):
    if isinstance(v, list): return tuple(selection(x) for x in v)
    if isinstance(v, dict):
        if "slice" in v: return slice(*v["slice"])
        if "ints" in v: return v["ints"] if v.get("list") else np.array(v["ints"])
        if "bools" in v: return v["bools"] if v.get("list") else np.array(v["bools"])
        if "null" in v: return None
        if "float" in v: return float(v["float"])
    return Ellipsis if v == "..." else v


OPS = {}
def op(f):
    OPS[f.__name__.rstrip("_")] = f
    return f

@op
def mkdir(s, step): os.makedirs(step["path"], exist_ok=True)
@op
def write_file(s, step):
    os.makedirs(os.path.dirname(step["path"]) or ".", exist_ok=True)
    open(step["path"], "w").write(step["text"])
@op
def file_text(s, step): return open(step["path"]).read()
@op
def file_hex(s, step): return open(step["path"], "rb").read().hex()
@op
def file_size(s, step): return os.path.getsize(step["path"])
@op
def exists(s, step): return os.path.exists(step["path"])
@op
def ls(s, step):
    return sorted(os.path.relpath(os.path.join(d, f), step["path"]) for d, _, fs in os.walk(step["path"]) for f in fs)
@op
def zip_entries(s, step):
    return [{"name": i.filename, "method": {0: "stored", 8: "deflated"}[i.compress_type], "unix_mode": oct(i.external_attr >> 16 & 0o777),
             "size": i.file_size, "compressed_size": i.compress_size} for i in zipfile.ZipFile(step["path"]).infolist()]

def opener(name):
    def run(s, step):
        options = s.options(step, "mode")
        if "mode" in step: options["mode"] = step["mode"]
        if "path" in step: options["path"] = step["path"]
        return s.bind(step, getattr(zarr, name)(s.store(step.get("store")), **options))
    return run
for name in ("open", "open_array", "open_group", "group"): OPS[name] = opener(name)
@op
def create(s, step):
    return s.bind(step, zarr.create(store=s.store(step.get("store")), **({"path": step["path"]} if "path" in step else {}), **s.options(step)))
@op
def array(s, step):
    options = s.options(step)
    return s.bind(step, zarr.array(options.pop("data"), store=s.store(step.get("store")), **({"path": step["path"]} if "path" in step else {}), **options))
@op
def save(s, step): zarr.save(s.store(step["store"]), *map(s.array, step.get("args", [])), **{k: s.array(v) for k, v in step.get("arrays", {}).items()}, **({"path": step["path"]} if "path" in step else {}))
@op
def save_group(s, step): zarr.save_group(s.store(step["store"]), *map(s.array, step.get("args", [])), **{k: s.array(v) for k, v in step.get("arrays", {}).items()}, **({"path": step["path"]} if "path" in step else {}))
@op
def save_array(s, step): zarr.save_array(s.store(step["store"]), s.array(step["arr"]), **({"path": step["path"]} if "path" in step else {}), **s.options(step, "arr"))
@op
def load(s, step): return s.bind(step, zarr.load(s.store(step["store"]), **({"path": step["path"]} if "path" in step else {})))
@op
def loader_get(s, step): return s.shown(s.vars[step["loader"]][step["key"]])
@op
def loader_info(s, step):
    l = s.vars[step["loader"]]
    return {"repr": repr(l), "len": len(l), "names": list(l)}
@op
def loader_items(s, step): return {k: s.shown(v) for k, v in s.vars[step["loader"]].items()}
@op
def loader_contains(s, step): return [k in s.vars[step["loader"]] for k in step["keys"]]
@op
def loader_same_object(s, step):
    l = s.vars[step["loader"]]
    return l[step["key"]] is l[step["key"]]

def copying(run):
    def do(s, step):
        log, lines, stream = step.get("log"), [], io.StringIO()
        target = None
        if log == "capture": target, s.log = lines.append, lines
        elif log == "stream": target = stream
        elif isinstance(log, dict) and "path" in log: target = log["path"]
        elif isinstance(log, dict) and "bad" in log: target = log["bad"]
        try: return list(run(s, step, target))
        finally:
            if log == "stream": s.log = stream.getvalue()
            elif isinstance(log, dict) and "path" in log and os.path.exists(log["path"]): s.log = open(log["path"]).read()
    return do
def given(step, *names): return {n: step[n] for n in names if n in step}
OPS["copy"] = copying(lambda s, t, log: zarr.copy(s.var(t["source"]), s.var(t["dest"]), log=log, **given(t, "name", "shallow", "without_attrs", "if_exists", "dry_run"), **s.options(t.get("create_kws", {}))))
OPS["copy_all"] = copying(lambda s, t, log: zarr.copy_all(s.var(t["source"]), s.var(t["dest"]), log=log, **given(t, "shallow", "without_attrs", "if_exists", "dry_run"), **s.options(t.get("create_kws", {}))))
OPS["copy_store"] = copying(lambda s, t, log: zarr.copy_store(s.vars[t["source"]], s.vars[t["dest"]], log=log, **given(t, "source_path", "dest_path", "excludes", "includes", "flags", "if_exists", "dry_run")))
@op
def tree(s, step): return str(zarr.tree(s.var(step["target"]), **given(step, "expand", "level")))
@op
def tree_ascii(s, step): return bytes(zarr.tree(s.var(step["target"]), **given(step, "expand", "level"))).decode()
@op
def consolidate_metadata(s, step): return s.bind(step, zarr.consolidate_metadata(s.store(step["store"]), **given(step, "metadata_key", "path")))
@op
def open_consolidated(s, step):
    chunk = {"chunk_store": s.store(step["chunk_store"])} if "chunk_store" in step else {}
    return s.bind(step, zarr.open_consolidated(s.store(step["store"]), **given(step, "metadata_key", "mode", "path"), **chunk))
@op
def repr_(s, step): return repr(s.var(step["target"]))
@op
def info(s, step): return repr(s.var(step["target"]).info)
@op
def get_store(s, step):
    store = s.var(step["target"]).store
    s.vars[step["as"]] = store
    return {"store_class": type(store).__name__}

@op
def new_store(s, step):
    kind, sep = step["kind"], given(step, "dimension_separator")
    items = {k: scalar(v) for k, v in step.get("items", {}).items()}
    if kind == "memory": store = zarr.MemoryStore(**sep)
    elif kind == "kv": store = zarr.storage.KVStore(dict(items))
    elif kind == "mapping": store = dict(items)
    elif kind == "directory": store = zarr.DirectoryStore(step["path"], **sep)
    elif kind == "nested": store = zarr.NestedDirectoryStore(step["path"], **sep)
    elif kind == "zip": store = zarr.ZipStore(step["path"], compression=zipfile.ZIP_DEFLATED if step.get("deflate") else zipfile.ZIP_STORED, **given(step, "mode"), **sep)
    elif kind == "sqlite": store = zarr.SQLiteStore(step["path"])
    elif kind == "dbm": store = zarr.DBMStore(step["path"], open=dbm.dumb.open)
    elif kind == "lmdb": store = zarr.LMDBStore(step["path"])
    elif kind == "lru": store = zarr.LRUStoreCache(s.vars[step["base"]], max_size=step.get("max_size"))
    elif kind == "fs": store = zarr.storage.FSStore(step["path"], **given(step, "mode"), **sep)
    elif kind == "temp": store = zarr.storage.TempStore(**sep)
    elif kind == "consolidated": store = zarr.storage.ConsolidatedMetadataStore(s.vars[step["base"]], **given(step, "metadata_key"))
    else: raise NotImplementedError(kind)
    if kind not in ("kv", "mapping"):
        for k, v in items.items(): store[k] = v
    if "as" in step: s.vars[step["as"]] = store
    if "as" not in step: return None
    if kind == "mapping": return {k: {"hex": v.hex()} for k, v in store.items()}
    return {"store_class": type(store).__name__}
@op
def store_set(s, step): s.vars[step["store"]][step["key"]] = scalar(step["value"])
@op
def store_get(s, step):
    shown = bytes_json(step["key"], s.vars[step["store"]][step["key"]])
    text = bytes.fromhex(shown["hex"]) if "hex" in shown else b""
    return {"text": text.decode()} if text and all(32 <= b < 127 for b in text) else shown
@op
def store_del(s, step): del s.vars[step["store"]][step["key"]]
@op
def store_contains(s, step): return [k in s.vars[step["store"]] for k in step["keys"]]
@op
def store_keys(s, step): return sorted(s.vars[step["store"]].keys())
@op
def store_len(s, step): return len(s.vars[step["store"]])
@op
def store_listdir(s, step): return list(zarr.storage.listdir(s.vars[step["store"]], step.get("path", "")))
@op
def store_getsize(s, step): return zarr.storage.getsize(s.vars[step["store"]], step.get("path", ""))
@op
def store_rename(s, step): zarr.storage.rename(s.vars[step["store"]], step["src"], step["dst"])
@op
def store_rmdir(s, step): zarr.storage.rmdir(s.vars[step["store"]], step.get("path", ""))
@op
def store_clear(s, step): s.vars[step["store"]].clear()
@op
def store_close(s, step): s.vars[step["store"]].close()
@op
def store_flush(s, step): s.vars[step["store"]].flush()
@op
def store_equal(s, step): return s.vars[step["a"]] == s.vars[step["b"]]
@op
def store_docs(s, step):
    store, found = s.vars[step["store"]], {}
    for k in sorted(store.keys()):
        v = bytes_json(k, store[k])
        found[k] = v if "hex" not in v or step.get("chunks", True) else {"nbytes": len(v["hex"]) // 2}
    return found

@op
def g_create_group(s, step): return s.bind(step, s.var(step["target"]).create_group(step["name"], **given(step, "overwrite")))
@op
def g_require_group(s, step): return s.bind(step, s.var(step["target"]).require_group(step["name"], **given(step, "overwrite")))
@op
def g_create_dataset(s, step): return s.bind(step, s.var(step["target"]).create_dataset(step["name"], **s.options(step, "name")))
@op
def g_require_dataset(s, step):
    options = s.options(step, "name")
    return s.bind(step, s.var(step["target"]).require_dataset(step["name"], options.pop("shape"), **options))
@op
def g_get(s, step): return s.bind(step, s.var(step["target"])[step["name"]])
@op
def g_contains(s, step): return [n in s.var(step["target"]) for n in step["names"]]
@op
def g_members(s, step):
    g = s.var(step["target"])
    return {"names": list(g), "len": len(g), "groups": list(g.group_keys()), "arrays": list(g.array_keys()), "arrays_recursive": list(g.array_keys(recurse=True))}
@op
def g_del(s, step): del s.var(step["target"])[step["name"]]
@op
def g_set(s, step): s.var(step["target"])[step["name"]] = s.array(step["value"])
@op
def g_move(s, step): s.var(step["target"]).move(step["source"], step["dest"])
@op
def g_visit(s, step):
    seen = []
    s.var(step["target"]).visit(lambda n: seen.append(n))
    return seen
@op
def g_props(s, step):
    g = s.var(step["target"])
    return {"name": g.name, "path": g.path, "basename": g.basename, "read_only": g.read_only}
@op
def attrs(s, step): return attribute_json(s.var(step["target"]).attrs.asdict())
@op
def attrs_get(s, step): return attribute_json(s.var(step["target"]).attrs[step["key"]])
@op
def attrs_set(s, step): s.var(step["target"]).attrs[step["key"]] = scalar(step["value"])
@op
def attrs_del(s, step): del s.var(step["target"]).attrs[step["key"]]
@op
def attrs_update(s, step): s.var(step["target"]).attrs.update({k: scalar(v) for k, v in step["values"].items()})
@op
def attrs_put(s, step): s.var(step["target"]).attrs.put({k: scalar(v) for k, v in step["values"].items()})

@op
def a_read(s, step): return s.shown(np.asarray(s.var(step["target"])[selection(step.get("sel", "..."))]))
@op
def a_write(s, step):
    v = step["value"]
    s.var(step["target"])[selection(step.get("sel", "..."))] = s.array(v) if is_array(v) else scalar(v)
def indexed(name):
    def run(s, step):
        a = getattr(s.var(step["target"]), name)
        if "value" in step:
            v = step["value"]
            a[selection(step["sel"])] = s.array(v) if is_array(v) else scalar(v)
            return None
        return s.shown(np.asarray(a[selection(step["sel"])]))
    return run
for name in ("oindex", "vindex", "blocks"): OPS["a_" + name] = indexed(name)
@op
def a_props(s, step):
    a = s.var(step["target"])
    fill = a.fill_value
    if fill is not None and a.dtype != object: fill = array_json(np.asarray(fill, dtype=a.dtype))
    return {"shape": list(a.shape), "chunks": list(a.chunks), "dtype": dtype_json(a.dtype), "order": a.order, "fill_value": fill,
            "compressor": a.compressor and a.compressor.get_config(), "filters": a.filters and [f.get_config() for f in a.filters],
            "read_only": a.read_only, "nchunks": a.nchunks, "nchunks_initialized": a.nchunks_initialized,
            "dimension_separator": a._dimension_separator or ".", "name": a.name, "path": a.path, "nbytes": a.nbytes}
@op
def a_resize(s, step): s.var(step["target"]).resize(*step["shape"])
@op
def a_append(s, step): return list(s.var(step["target"]).append(s.array(step["data"]), **given(step, "axis")))
@op
def a_hexdigest(s, step): return s.var(step["target"]).hexdigest(**given(step, "hash"))
@op
def normalize_path(s, step): return normalize_storage_path(step["value"])

def coded(v):
    return numcodecs.get_codec(dict(v))
@op
def codec_encode(s, step):
    made = coded(step["codec"]).encode(s.array(step["data"]))
    return {"hex": (made.tobytes() if isinstance(made, np.ndarray) else bytes(made)).hex()}
@op
def codec_decode(s, step):
    made = coded(step["codec"]).decode(bytes.fromhex(step["hex"]))
    return array_json(made) if isinstance(made, np.ndarray) else {"hex": bytes(made).hex()}
@op
def codec_config(s, step): return coded(step["codec"]).get_config()
@op
def codec_repr(s, step): return repr(coded(step["codec"]))
@op
def json_document(s, step): return zarr.util.json_dumps(step["value"]).decode()
@op
def normalize_chunks(s, step):
    found = []
    for chunks, shape, *rest in step["cases"]:
        try: found.append(list(zarr.util.normalize_chunks(tuple(chunks) if isinstance(chunks, list) else chunks, tuple(shape), *(rest or [8]))))
        except Exception as error: found.append({"error": f"{type(error).__name__}: {error}"})
    return found
@op
def guess_chunks(s, step): return [list(zarr.util.guess_chunks(tuple(shape), size)) for shape, size in step["cases"]]
@op
def attrs_asdict_mutate(s, step): s.var(step["target"]).attrs.asdict()[step["key"]] = step["value"]
@op
def lru_invalidate(s, step): getattr(s.vars[step["store"]], "invalidate_" + step["what"] if "what" in step else "invalidate")()
@op
def lru_state(s, step):
    c = s.vars[step["store"]]
    return {"hits": c.hits, "misses": c.misses, "cached_keys": list(c._values_cache), "current_size": c._current_size}

# HDF5
@op
def h5_open(s, step):
    import h5py
    f = h5py.File(step["path"], step.get("mode", "a"), **given(step, "track_order"))
    s.vars[step["as"]] = f
    return {"h5": repr(f)}
@op
def h5_close(s, step): s.vars[step["target"]].close()
@op
def h5_group(s, step): return {"h5": repr(s.var(step["target"]).create_group(step["name"]))}
@op
def h5_dataset(s, step):
    options = s.options(step, "name", "empty")
    if step.get("empty"):
        import h5py
        options = {"data": h5py.Empty(step.get("dtype", "f4"))}
    return {"h5": repr(s.var(step["target"]).create_dataset(step["name"], **options))}
@op
def h5_softlink(s, step):
    import h5py
    s.var(step["target"])[step["name"]] = h5py.SoftLink(step.get("to", step.get("path")))
@op
def h5_attr_set(s, step):
    v = step["value"]
    s.var(step["target"]).attrs[step["key"]] = s.array(v) if is_array(v) else scalar(v)
@op
def h5_attrs(s, step): return {k: s.shown(v) for k, v in s.var(step["target"]).attrs.items()}
@op
def h5_names(s, step): return list(s.var(step["target"]))
@op
def h5_props(s, step):
    d = s.var(step["target"])
    return {"shape": list(d.shape), "dtype": dtype_json(d.dtype), "chunks": d.chunks and list(d.chunks), "compression": d.compression,
            "compression_opts": d.compression_opts, "shuffle": d.shuffle, "fletcher32": d.fletcher32,
            "fillvalue": array_json(np.asarray(d.fillvalue)), "maxshape": list(d.maxshape), "scaleoffset": d.scaleoffset}
@op
def h5_read(s, step): return array_json(np.asarray(s.var(step["target"])[()]))


def origin(error):
    if type(error) in (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError) or type(error).__module__ in ("zlib", "_lzma", "binascii"): return "runtime"
    frames = [f.filename for f in traceback.extract_tb(error.__traceback__)]
    last = frames[-1]
    for name in ("h5py", "numcodecs", "zarr"):
        if f"/{name}/" in last: return name
    return "runtime"


def record(steps):
    """The results of steps, carried out in an empty directory."""
    home, results = os.getcwd(), []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        s = Session()
        try:
            for step in steps:
                s.log = None
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    try: result = {"ok": OPS[step["op"]](s, step)}
                    except Exception as error:
                        kind = type(error)
                        module = "" if kind.__module__ == "builtins" else kind.__module__ + "."
                        result = {"error": {"class": module + kind.__name__, "message": re.sub("at 0x[0-9a-f]+>", "at 0x0>", str(error).replace(os.getcwd(), "<cwd>")), "origin": origin(error)}}
                if s.log is not None: result["log"] = s.log
                # When Python collects a database of an earlier scenario is chance.
                caught = [w for w in caught if w.category is not ResourceWarning]
                if caught: result["warnings"] = [{"category": w.category.__name__, "message": str(w.message)} for w in caught]
                results.append(json.loads(json.dumps(result, default=element)))
        finally: os.chdir(home)
    return results


def check(path, ids):
    same = wrong = 0
    for scenario in json.load(open(path)):
        if ids and scenario["id"] not in ids: continue
        for n, (step, expected, got) in enumerate(zip(scenario["steps"], scenario["expected"], record(scenario["steps"])), 1):
            if step["op"] not in OPS: continue
            strip = lambda r: {k: {m: x for m, x in v.items() if m in ("class",)} if k == "error" else v for k, v in r.items() if k != "warnings"}
            if strip(expected) == strip(got): same += 1
            else:
                wrong += 1
                print(scenario["id"], n, step["op"], "\n  recorded", str(strip(expected))[:300], "\n  now     ", str(strip(got))[:300])
    print(same, "steps are as recorded,", wrong, "are not")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.argv[1:2] == ["--check"]: check(sys.argv[2], sys.argv[3:])
    else:
        import families, gaps, scenarios
        for name, listed in [("own.json", scenarios.SCENARIOS), ("gaps.json", gaps.SCENARIOS), ("families.json", families.SCENARIOS)]:
            recorded = [{**scenario, "expected": record(scenario["steps"])} for scenario in listed]
            with open(os.path.join(here, name), "w") as out:
                out.write("[\n" + ",\n".join(json.dumps(r, ensure_ascii=True) for r in recorded) + "\n]\n")
