"""The scenarios that record.py carries out: variations of what the recorded file of the project covers."""

ARANGE = lambda n, dtype="<i8", **k: {"arange": [0, n], "dtype": dtype, **k}
V = lambda name: {"var": name}
P = lambda path: {"path": path}
SCENARIOS = []


def add(id, description, *steps, **more):
    SCENARIOS.append({"id": id, "area": id.split("-")[0], "description": description, **more, "steps": list(steps)})


def o(op, **k):
    return {"op": op, **k}


STORE = o("new_store", kind="memory", **{"as": "s"})
GROUP = o("group", store=V("s"), **{"as": "g"})
DST = o("group", **{"as": "dst"})
SAMPLE = [
    STORE, GROUP,
    o("attrs_set", target="g", key="title", value="root"),
    o("g_create_group", target="g", name="foo"),
    o("attrs_set", target="g:foo", key="n", value=[1, 2.5, "x", None, {"k": True}]),
    o("g_create_dataset", target="g", name="foo/bar/baz", data=ARANGE(10), chunks=4),
    o("attrs_set", target="g:foo/bar/baz", key="units", value="m"),
    o("g_create_dataset", target="g", name="spam", data=ARANGE(12, "<f4", shape=[3, 4]), chunks=[2, 2], fill_value=9, order="F"),
    o("attrs_set", target="g:spam", key="a", value=1),
]

# open: every mode on nothing, an array, a group.
for n, mode in enumerate(["r", "r+", "a", "w", "w-", "x"]):
    for what in ("nothing", "array", "group"):
        start = {"nothing": [], "array": [o("create", store=V("s"), path="p", shape=3)], "group": [o("group", store=V("s"), path="p")]}[what]
        for kind in ("open", "open_array", "open_group"):
            shape = {"shape": 4, "chunks": 2} if kind == "open_array" else {}
            add(f"open-{mode}-{what}-{kind}", f"{kind} in mode {mode} where there is {what}",
                STORE, *start, o(kind, store=V("s"), mode=mode, path="p", **shape), o("store_keys", store="s"),
                **({"quirk": "B10"} if (kind, what) == ("open_array", "nothing") and mode.startswith("r") else {}))
add("open-shape-1", "a shape makes open an array", STORE, o("open", store=V("s"), path="a", shape=[2, 3], chunks=[1, 3], dtype="<u2", fill_value=5, order="F"), o("store_docs", store="s"))
add("open-parents-1", "an array above a new array", STORE, o("create", store=V("s"), path="a", shape=1), o("open", store=V("s"), mode="w", path="a/b", shape=2), o("store_keys", store="s"))
add("open-parents-2", "an array above a new group, without overwriting", STORE, o("create", store=V("s"), path="a", shape=1), o("open_group", store=V("s"), mode="a", path="a/b"), o("store_keys", store="s"))
add("open-version-1", "format numbers", o("open", store=P("q"), zarr_version=2), o("open_array", store=P("q"), zarr_version=3, shape=1), o("open_group", store=P("q"), zarr_version=4))
add("open-options-1", "options of an array for a group", o("open", store=P("q"), mode="w", dtype="i4"))
add("open-zip-1", "names that end like archives", o("open", store=P("a.ZIP"), mode="w"), o("exists", path="a.ZIP/.zgroup"), o("open", store=P("b.zip"), mode="w"), o("exists", path="b.zip"))
add("open-scheme-1", "an address of an unknown kind", o("open", store={"url": "zzz://a"}, mode="r"))
for n, path in enumerate(["a/b", "/a//b/", "a\\b", ".", "a/../b", "...", "a b", "\u00e9"]):
    add(f"open-path-{n}", "paths are normalised", STORE, o("open", store=V("s"), mode="a", path=path), o("store_keys", store="s"))

# save and load.
for n, data in enumerate([{"data": [1, 2]}, {"data": [1.5, 2]}, {"data": [True, False]}, {"data": ["a", "bcd"]}, {"data": 7}, {"data": [[1, 2], [3, 4]]}]):
    add(f"save-kinds-{n}", "what Python makes of lists", o("save", store=P("d"), args=[data]), o("load", store=P("d")), o("file_text", path="d/.zarray"))
add("save-path-1", "below a path, in a group that is there", o("save", store=P("d"), arrays={"a": ARANGE(2)}), o("save", store=P("d"), path="x/y", args=[ARANGE(3)]), o("ls", path="d"), o("load", store=P("d"), path="x/y"), o("load", store=P("d"), path="/x", **{"as": "l"}), o("loader_info", loader="l"))
add("save-names-1", "a name twice", o("save_group", store=P("d"), args=[ARANGE(2)], arrays={"arr_0": ARANGE(3), "z/y": ARANGE(1)}), o("load", store=P("d"), **{"as": "l"}), o("loader_get", loader="l", key="arr_0"), o("loader_info", loader="l"))
add("save-none-1", "nothing to save", o("save", store=P("d")), o("exists", path="d"))
add("save-zip-1", "archives", o("save", store=P("a.zip"), arrays={"a": ARANGE(3), "b": ARANGE(2)}), o("load", store=P("a.zip"), **{"as": "l"}), o("loader_info", loader="l"), o("loader_get", loader="l", key="b"), o("load", store=P("none.zip")))
add("save-options-1", "spellings of options", o("save_array", store=P("d"), arr=ARANGE(4), compression="zlib", compression_opts=7, fillvalue=3), o("file_text", path="d/.zarray"), o("save_array", store=P("e"), arr=ARANGE(4), compression="gzip"), o("file_text", path="e/.zarray"), o("save_array", store=P("f"), arr=ARANGE(4), compression="none", shuffle=True), o("file_text", path="f/.zarray"), o("save_array", store=P("h"), arr=ARANGE(4), compression="nope"), o("save_array", store=P("i"), arr=ARANGE(4), compression=5), o("save_array", store=P("j"), arr=ARANGE(4), compressor="zlib"))
add("save-options-2", "mappings and lists of codec options", o("save_array", store=P("d"), arr=ARANGE(4), compression="blosc", compression_opts={"cname": "zstd", "clevel": 3}), o("file_text", path="d/.zarray"), o("save_array", store=P("e"), arr=ARANGE(4), compression="zlib", compression_opts=[3]), o("file_text", path="e/.zarray"), o("save_array", store=P("f"), arr=ARANGE(4), compression="default"), o("file_text", path="f/.zarray"))
add("save-bad-1", "what is no store", o("save", store={"value": 5}, args=[ARANGE(1)]), o("load", store={"value": 5}))
add("save-chunks-1", "the chunks of an array that is given", STORE, o("array", data=ARANGE(10), chunks=3, store=V("s"), path="a", **{"as": "a"}), o("save", store=P("d"), args=[{"var": "a"}]), o("file_text", path="d/.zarray"))
add("load-nothing-1", "names that are not there", o("save", store=P("d"), arrays={"a": ARANGE(2)}), o("load", store=P("d"), path="zz"), o("load", store=P("d"), **{"as": "l"}), o("loader_get", loader="l", key="zz"), o("loader_contains", loader="l", keys=["a", "/a", "b"]), o("loader_same_object", loader="l", key="a"))
add("load-items-1", "the items of loaders", o("save", store=P("d"), arrays={"b": ARANGE(2), "a": ARANGE(3, "<f4")}), o("load", store=P("d"), **{"as": "l"}), o("loader_items", loader="l"), o("group", store=P("e")), o("load", store=P("e"), **{"as": "m"}), o("loader_items", loader="m"))
add("load-items-2", "the items of a loader with a group", o("save", store=P("d"), arrays={"a": ARANGE(2), "g/b": ARANGE(3)}), o("load", store=P("d"), **{"as": "l"}), o("loader_items", loader="l"), quirk="B07")

# copy.
for mode in ["raise", "replace", "skip", "skip_initialized", "nope"]:
    add(f"copy-exists-array-{mode}", "an array that is there", *SAMPLE, DST, o("g_create_dataset", target="dst", name="spam", shape=3, dtype="i1"), o("copy", source="g:spam", dest="dst", if_exists=mode, log="capture"), o("a_props", target="dst:spam"))
    add(f"copy-exists-array-dry-{mode}", "an array that is there, without doing anything", *SAMPLE, DST, o("g_create_dataset", target="dst", name="spam", shape=3, dtype="i1"), o("copy", source="g:spam", dest="dst", if_exists=mode, log="capture", dry_run=True), o("a_props", target="dst:spam"))
    if mode != "nope":
        add(f"copyall-exists-{mode}", "members that are there", *SAMPLE, DST, o("g_create_dataset", target="dst", name="foo/bar/baz", data=ARANGE(10), chunks=5), o("copy_all", source="g", dest="dst", if_exists=mode, log="stream"), o("g_members", target="dst"), o("attrs", target="dst"))
add("copy-names-1", "names in the destination", *SAMPLE, DST, o("copy", source="g:foo", dest="dst", name="a/b", log="capture"), o("copy", source="g:spam", dest="dst:a", name="/top", log="capture"), o("copy", source="g", dest="dst", log="capture"), o("copy", source="g", dest="dst", name="all", log={"path": "l.txt"}), o("file_text", path="l.txt"), o("tree", target="dst"))
add("copy-flags-1", "shallow, and without attributes", *SAMPLE, DST, o("copy", source="g", dest="dst", name="r", shallow=True, log="capture"), o("copy", source="g:foo", dest="dst", without_attrs=True, log="capture"), o("attrs", target="dst:foo"), o("attrs", target="dst:r"), o("tree", target="dst"))
add("copy-create-1", "other options of the copy", *SAMPLE, DST, o("copy", source="g:spam", dest="dst", name="a", create_kws={"chunks": [3, 4], "order": "C", "fill_value": 1}), o("a_props", target="dst:a"), o("a_read", target="dst:a"), o("copy", source="g:spam", dest="dst", name="b", create_kws={"compressor": {"id": "zlib", "level": 2}}), o("a_props", target="dst:b"), o("copy", source="g:spam", dest="dst", name="c", create_kws={"filters": [{"id": "crc32"}]}), o("a_props", target="dst:c"), o("copy", source="g:spam", dest="dst", name="d", create_kws={"dtype": "i4"}), o("copy", source="g:spam", dest="dst", name="e", create_kws={"dimension_separator": "/"}), o("a_read", target="dst:e"), o("copy", source="g:spam", dest="dst", name="f", create_kws={"write_empty_chunks": False}), o("a_read", target="dst:f"))
add("copy-log-1", "logs that are none", *SAMPLE, DST, o("copy", source="g:spam", dest="dst", log={"bad": 5}), o("copy", source="g:spam", dest="dst", name="b", log={"path": "no/such/folder/l.txt"}), o("copy_all", source="g", dest="dst", if_exists="skip", log={"path": "l.txt"}), o("file_text", path="l.txt"), o("copy", source="g:spam", dest="dst:spam", log="capture"))
add("copy-large-1", "commas in numbers", STORE, GROUP, o("g_create_dataset", target="g", name="a", shape=[1000, 200], chunks=[500, 200], dtype="i2"), DST, o("copy", source="g:a", dest="dst", log="capture"), o("copy", source="g:a", dest="dst", name="b", log="capture", dry_run=True))
add("copyall-empty-1", "nothing in the source", DST, o("group", **{"as": "e"}), o("copy_all", source="e", dest="dst", log="capture"), o("copy_all", source="e", dest="dst", dry_run=True, log="capture"))
add("copyall-shallow-1", "only arrays", *SAMPLE, DST, o("copy_all", source="g", dest="dst", shallow=True, log="capture"), o("g_members", target="dst"))
add("copyall-array-1", "the source is an array", *SAMPLE, DST, o("copy_all", source="g:spam", dest="dst", log="capture"), quirk="B46")

# copy_store.
KEYS = o("new_store", kind="kv", items={k: {"text": k * 2} for k in ["foo", "bar/baz", "bar/qux", "Bar/z", "a.b"]}, **{"as": "k"})
TO = o("new_store", kind="kv", **{"as": "t"})
for n, options in enumerate([dict(), dict(source_path="bar"), dict(source_path="/bar/", dest_path="x//y"), dict(excludes="ba"), dict(excludes=["^bar", "foo$"], includes="qux"), dict(includes="foo"), dict(excludes="BA", flags=2), dict(excludes="(unclosed"), dict(excludes="."), dict(dry_run=True), dict(if_exists="nope"), dict(if_exists="skip_initialized"), dict(source_path="foo"), dict(source_path="none"), dict(excludes="b.r"), dict(excludes=["b a r # a comment"], flags=64), dict(excludes="^a\\.b$")]):
    add(f"copystore-options-{n}", f"with {options}", KEYS, TO, o("copy_store", source="k", dest="t", log="capture", **options), o("store_keys", store="t"))
for mode in ["raise", "replace", "skip"]:
    add(f"copystore-exists-{mode}", "a key that is there", KEYS, o("new_store", kind="kv", items={"Bar/z": {"text": "old"}}, **{"as": "t"}), o("copy_store", source="k", dest="t", if_exists=mode, log="stream"), o("store_docs", store="t"))
add("copystore-log-1", "a log file", KEYS, TO, o("copy_store", source="k", dest="t", log={"path": "l.txt"}), o("file_text", path="l.txt"), o("copy_store", source="k", dest="t", log={"bad": 5}))

# tree.
for level in [None, -1, 0, 1, 2, 3]:
    add(f"tree-level-{level}", "levels", *SAMPLE, o("tree", target="g", **({} if level is None else {"level": level})), o("tree_ascii", target="g:foo", **({} if level is None else {"level": level})))
add("tree-types-1", "texts of types", STORE, GROUP, *[o("g_create_dataset", target="g", name=f"t{n:02}", shape=[1] * (n % 3), dtype=d) for n, d in enumerate(["?", "<i2", ">i2", "|u1", "<f2", ">f8", "<c8", ">c16", "S3", "<U4", ">U4", "|V5", "<M8[D]", ">M8[ns]", "<m8[10s]", [["a", "<i4"], ["b", ">f8"], ["c", "S2"], ["d", [["p", "<f4"], ["q", "?"]]], ["e", "<i2", [2, 3]]]])], o("tree", target="g"), o("tree", target="g:t03"))
add("tree-names-1", "names in their order", STORE, GROUP, *[o("g_create_group", target="g", name=n) for n in ["b", "B", "10", "9", "a.b", "a b", "a/c", "\u00e9", "_"]], o("tree", target="g"), o("tree_ascii", target="g"))

# consolidated metadata.
add("consolidate-key-1", "another key", *SAMPLE, o("consolidate_metadata", store=V("s"), metadata_key="meta/all"), o("store_keys", store="s"), o("open_consolidated", store=V("s")), o("open_consolidated", store=V("s"), metadata_key="meta/all", **{"as": "c"}), o("tree", target="c"))
add("consolidate-path-1", "nodes by paths", *SAMPLE, o("consolidate_metadata", store=V("s"), path="foo", **{"as": "c"}), o("repr", target="c"), o("open_consolidated", store=V("s"), path="spam", **{"as": "a"}), o("a_read", target="a"), o("open_consolidated", store=V("s"), path="none"), o("g_contains", target="c", names=["bar", "/spam", "zz"]))
add("consolidate-chunks-1", "chunks in another store", *SAMPLE, o("consolidate_metadata", store=V("s")), o("new_store", kind="memory", **{"as": "t"}), o("store_set", store="t", key="x", value={"text": "x"}), o("open_consolidated", store=V("s"), chunk_store=V("t"), **{"as": "c"}), o("a_read", target="c:foo/bar/baz"), o("a_write", target="c:foo/bar/baz", value=5), o("a_read", target="g:foo/bar/baz"), o("store_keys", store="t"), o("a_props", target="c:foo/bar/baz"))
add("consolidate-document-1", "the document", *SAMPLE, o("consolidate_metadata", store=V("s")), o("store_get", store="s", key=".zmetadata"), o("attrs", target="g:foo"))
add("consolidate-dir-1", "in a directory", o("save", store=P("d"), arrays={"a": ARANGE(3), "b/c": ARANGE(2)}), o("consolidate_metadata", store=P("d"), **{"as": "c"}), o("ls", path="d"), o("a_read", target="c:b/c"), o("open_consolidated", store=P("d"), mode="r", **{"as": "r"}), o("a_write", target="r:a", value=1), o("a_append", target="c:a", data=ARANGE(1)), o("attrs_update", target="c", values={"x": 1}), o("attrs_del", target="c", key="x"), o("g_require_group", target="c", name="new"), o("g_require_dataset", target="c", name="a", shape=3, dtype="<i8"))
add("consolidate-array-1", "a root that is an array", STORE, o("array", data=ARANGE(4), store=V("s"), chunks=2), o("consolidate_metadata", store=V("s"), **{"as": "c"}), o("a_read", target="c"), o("store_keys", store="s"))
add("consolidate-resave-1", "saving again removes the document", o("save", store=P("d"), arrays={"a": ARANGE(3)}), o("consolidate_metadata", store=P("d")), o("save", store=P("d"), arrays={"b": ARANGE(3)}), o("ls", path="d"))
add("consolidate-format-1", "numbers of the format", STORE, *[x for f in ["1.0", "\"1\"", "null", "0"] for x in (o("store_set", store="s", key=".zmetadata", value={"text": "{\"zarr_consolidated_format\": %s, \"metadata\": {\".zgroup\": {\"zarr_format\": 2}}}" % f}), o("open_consolidated", store=V("s")))])
add("consolidate-copy-1", "copies from and with the document", *SAMPLE, o("consolidate_metadata", store=V("s"), **{"as": "c"}), DST, o("copy_all", source="c", dest="dst", log="capture"), o("a_read", target="dst:spam"), o("new_store", kind="memory", **{"as": "t"}), o("copy_store", source="s", dest="t", log="capture"), o("open_consolidated", store=V("t"), **{"as": "d"}), o("tree", target="d"))

# archives.
add("zip-modes-1", "modes of archives", *[x for m in ["w", "a", "r"] for x in (o("new_store", kind="zip", path="a.zip", mode=m, **{"as": "z" + m}), o("store_set", store="z" + m, key="k" + m, value={"text": m}), o("store_close", store="z" + m), o("store_get", store="z" + m, key="kw"))], o("zip_entries", path="a.zip"))
add("zip-deflate-1", "deflated arrays", o("new_store", kind="zip", path="a.zip", deflate=True, **{"as": "z"}), o("array", data=ARANGE(100), store=V("z"), chunks=50, compressor=None), o("store_close", store="z"), o("load", store=P("a.zip")), o("store_close", store="z"))
add("zip-size-1", "sizes and lists", o("new_store", kind="zip", path="a.zip", mode="w", **{"as": "z"}), o("store_set", store="z", key="a/b", value={"text": "xyz"}), o("store_set", store="z", key="a/c/d", value={"text": "x"}), o("store_getsize", store="z", path="a"), o("store_listdir", store="z", path="a"), o("store_listdir", store="z"), o("store_len", store="z"), o("store_get", store="z", key="zz"), o("store_flush", store="z"), o("store_get", store="z", key="a/b"))

# attributes and groups.
add("attrs-values-1", "values of attributes", STORE, GROUP, *[o("attrs_set", target="g", key=f"k{n}", value=v) for n, v in enumerate([1, -0.0, 1e300, 1e-7, 123456789012345678901234567890, "\u2028\ud83d\ude00\"\\", [], {}, [[1], {"a": None}], True, None, {"float": "NaN"}, {"np": "f4", "value": 0.1}, {"np": "i2", "value": 3}])], o("attrs", target="g"), o("store_get", store="s", key=".zattrs"))
add("attrs-bad-1", "values that cannot be stored", STORE, GROUP, o("attrs_set", target="g", key="a", value=1), o("attrs_set", target="g", key="b", value={"hex": "00"}), o("attrs_set", target="g", key="c", value={"complex": [1, 2]}), o("attrs", target="g"), o("store_get", store="s", key=".zattrs"))
add("group-move-1", "moves", *SAMPLE, o("g_move", target="g", source="foo/bar", dest="x/y"), o("tree", target="g"), o("g_move", target="g", source="nope", dest="z"), o("g_move", target="g", source="spam", dest="x"), o("a_read", target="g:x/y/baz"), o("g_visit", target="g"))
add("group-require-1", "what is required", *SAMPLE, o("g_require_group", target="g", name="foo/new"), o("g_require_group", target="g", name="spam"), o("g_require_group", target="g", name="spam", overwrite=True), o("g_require_dataset", target="g", name="n", shape=3, dtype="i4"), o("g_require_dataset", target="g", name="n", shape=3, dtype="i8", exact=True), o("g_require_dataset", target="g", name="n", shape=3), o("g_require_dataset", target="g", name="foo", shape=3), o("g_create_group", target="g", name="foo"), o("g_create_group", target="g", name="n/x"))
add("group-set-1", "arrays given to a group", *SAMPLE, o("g_set", target="g", name="spam", value=ARANGE(2)), o("g_set", target="g", name="foo", value=ARANGE(2)), o("tree", target="g"), o("g_get", target="g", name="zz"), o("g_del", target="g", name="zz"), o("info", target="g"), o("g_props", target="g:foo"))

# arrays.
add("index-basic-1", "basic selections", STORE, o("array", data=ARANGE(24, shape=[2, 3, 4]), chunks=[1, 2, 3], store=V("s"), **{"as": "a"}), *[o("a_read", target="a", sel=s) for s in [0, -1, [1, 2, 3], ["...", 0], [{"slice": [1, None, None]}, {"slice": [None, None, 2]}, -1], {"slice": [5, 1, None]}, [], "...", 2, -3, [0, 0, 0, 0], [{"slice": [None, None, -1]}], [{"null": 1}], ["...", "..."]]], o("a_write", target="a", sel=[0, {"slice": [0, 2]}, 1], value={"data": [7, 8], "dtype": "<i8"}), o("a_write", target="a", sel=[1], value=3), o("a_write", target="a", sel=[0, 0], value={"data": [1, 2], "dtype": "<i8"}), o("a_read", target="a"))
add("array-digest-1", "digests", STORE, o("array", data=ARANGE(12, shape=[3, 4]), chunks=[2, 2], store=V("s"), **{"as": "a"}), o("a_hexdigest", target="a"), o("attrs_set", target="a", key="x", value=1), o("a_hexdigest", target="a"))
add("array-resize-1", "shapes that change", STORE, o("array", data=ARANGE(12, shape=[3, 4]), chunks=[2, 2], store=V("s"), **{"as": "a"}), o("a_resize", target="a", shape=[2, 5]), o("a_read", target="a"), o("store_keys", store="s"), o("a_resize", target="a", shape=[4, None]), o("a_read", target="a"), o("a_resize", target="a", shape=[4]), o("a_append", target="a", data={"full": 1, "shape": [4, 1], "dtype": "<i8"}, axis=1), o("a_append", target="a", data={"full": 1, "shape": [3, 3], "dtype": "<i8"}), o("a_props", target="a"))
for n, (dtype, fill) in enumerate([("<i4", -1), (">u2", 65535), ("<u1", 256), ("<f8", {"float": "NaN"}), ("<f4", {"float": "-Infinity"}), ("<f8", 0), ("?", 1), ("S3", {"text": "ab"}), ("S3", {"text": "abcdef"}), ("<U3", "x\u00e9"), ("<U3", 5), ("|V3", {"hex": "616263"}), ("<c8", {"complex": [1, "NaN"]}), ("<i8", None), ("<M8[D]", 5), ("<m8[s]", 0), ("<i4", 1.9), ("<i4", "7")]):
    add(f"format-fill-{n}", f"fill value {fill} of {dtype}", STORE, o("create", store=V("s"), shape=2, dtype=dtype, fill_value=fill, compressor=None, **{"as": "a"}), o("store_docs", store="s"), *([o("a_read", target="a")] if fill is not None else []))
for n, chunks in enumerate([True, False, None, 3, [3], [3, 2], [-1, 2], [None, 2], -1, [1, 2, 3], 100]):
    add(f"format-chunks-{n}", f"chunks {chunks}", STORE, o("create", store=V("s"), shape=[10, 4], chunks=chunks, **{"as": "a"}), o("a_props", target="a"))

# HDF5.
H5 = [o("h5_open", path="a.h5", **{"as": "h"}), o("h5_group", target="h", name="foo"), o("h5_attr_set", target="h:foo", key="t", value="text"), o("h5_dataset", target="h", name="foo/a", data=ARANGE(10), chunks=[4], compression="gzip", compression_opts=3, fillvalue=7), o("h5_attr_set", target="h:foo/a", key="n", value=5), o("h5_dataset", target="h", name="b", data=ARANGE(6, "<f4", shape=[2, 3]))]
add("hdf5-read-1", "a file into Zarr", *H5, DST, o("copy_all", source="h", dest="dst", log="capture"), o("tree", target="dst"), o("a_props", target="dst:foo/a"), o("attrs", target="dst:foo"), o("a_read", target="dst:b"), o("tree", target="h"), o("tree", target="h", level=1), o("copy", source="h:foo", dest="dst", if_exists="skip", log="capture"), o("copy", source="h:foo/a", dest="dst", name="c", create_kws={"chunks": [5], "compressor": {"id": "zlib", "level": 1}}), o("a_props", target="dst:c"))
add("hdf5-write-1", "Zarr into a file", *SAMPLE, o("attrs_set", target="g:foo", key="n", value=[1, 2]), o("h5_open", path="d.h5", **{"as": "h"}), o("copy_all", source="g", dest="h", without_attrs=False, log="capture", if_exists="replace"), o("tree", target="h"), o("h5_props", target="h:spam"), o("h5_read", target="h:spam"), o("h5_names", target="h"), o("copy", source="g:spam", dest="h", log="capture"), o("copy", source="g:spam", dest="h", if_exists="skip", log="capture"), o("copy", source="g:spam", dest="h", if_exists="replace", log="capture"), o("copy", source="g:spam", dest="h", if_exists="skip_initialized", log="capture"), o("copy", source="g:spam", dest="h", name="n", create_kws={"compression": None, "compression_opts": None}), o("h5_props", target="h:n"), o("copy", source="g:spam", dest="h", name="m", create_kws={"compression": "gzip", "compression_opts": 9}), o("h5_props", target="h:m"))
add("hdf5-types-1", "types of a file", o("h5_open", path="a.h5", **{"as": "h"}), *[o("h5_dataset", target="h", name=n, data=d) for n, d in {"i1": ARANGE(3, "|i1"), "u8": ARANGE(3, "<u8"), "f2": ARANGE(3, "<f2"), "be": ARANGE(3, ">f8"), "c8": {"data": [1, 2], "dtype": "<c8"}, "s": {"data": [{"text": "ab"}, {"text": ""}], "dtype": "|S4"}, "r": {"data": [[1, 2.5]], "dtype": [["x", "<i2"], ["y", "<f8"]]}, "z": {"full": 3, "shape": [], "dtype": "<i4"}}.items()], o("tree", target="h"), DST, o("copy_all", source="h", dest="dst", log="capture"), *[o("a_read", target="dst:" + n) for n in ["i1", "u8", "f2", "be", "c8", "s", "r", "z"]])
add("hdf5-between-1", "a file into a file", *H5, o("h5_open", path="d.h5", **{"as": "d"}), o("copy", source="h:foo", dest="d", log="capture"), o("h5_props", target="d:foo/a"), o("h5_read", target="d:foo/a"), o("copy", source="h:foo", dest="d", name="bar", dry_run=True, log="capture"), o("h5_names", target="d"), o("h5_attrs", target="d:foo"))
