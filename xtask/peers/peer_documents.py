"""What libraries of Zarr V3 make of generated documents of every codec and data type, and of ours.

`peer_documents.py LIBRARY version` prints the versions; LIBRARY is `zarrs`, `tensorstore` or `zarr`.
`peer_documents.py LIBRARY make DIR SEED COUNT [CODEC ...]` makes COUNT cases a codec that the library itself reads back,
and `peer_documents.py LIBRARY check DIR` compares what we wrote, with the lines and the folders of `peer_codecs.py`.

A library has two functions: `write` creates the array of a document and gives it its values, `read` gives the elements
as they lie in memory, little-endian, or a list of texts or byte strings. Both take a list, so that the peer program of
zarrs, which lies beside the environment of Python, is started once for all.
"""
import collections
import concurrent.futures
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import warnings

import codec_documents
import numpy as np

warnings.simplefilter("ignore")
ZARRS = pathlib.Path(sys.prefix).parent / "target/release/zarrs-peer"
SHARED = ["bytes", "transpose", "sharding_indexed", "blosc", "gzip", "zstd", "crc32c"]


def of_each(name, cases):
    """The results of a function of this file for each case; an exception is a result.

    It runs in a process of its own, which takes another's place where the library ended that.
    """
    child, results = None, []
    for case in cases:
        child = child or concurrent.futures.ProcessPoolExecutor(1)
        try:
            results.append(child.submit(globals()[name], case).result())
        except concurrent.futures.BrokenExecutor:
            results.append(RuntimeError("the library ended the process"))
            child = None
        except Exception as error:
            results.append(RuntimeError(f"{type(error).__name__}: {error}"))
    if child:
        child.shutdown()
    return results


def elements(values):
    """An array as its elements lie in memory."""
    values = np.asarray(values)
    if values.dtype == object or values.dtype.kind == "T":
        return values.ravel().tolist()
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"))).tobytes()


def as_array(case, dtype):
    shape = case["document"]["shape"]
    if isinstance(case["values"], list):
        array = np.empty(len(case["values"]), object)
        array[:] = case["values"]
        return array.reshape(shape)
    return np.frombuffer(case["values"], dtype.newbyteorder("<")).reshape(shape)


def tensorstore_open(case, **more):
    import tensorstore as ts
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": case["path"] + "/"}, **more}
    return ts.open(spec, create=bool(more), open=not more, context=ts.Context({"file_io_sync": False})).result()


def tensorstore_write(case):
    kept = {name: value for name, value in case["document"].items() if name not in ("zarr_format", "node_type", "attributes")}
    # Without this a chunk of fill values is left out.
    array = tensorstore_open(case, metadata=kept, store_data_equal_to_fill_value=True)
    array.write(as_array(case, np.dtype(array.dtype.numpy_dtype))).result()


def tensorstore_read(case):
    return elements(tensorstore_open(case).read().result())


def zarr_write(case):
    import zarr
    codecs = case["document"]["codecs"]
    if not case["document"]["shape"] and codecs[0]["name"] == "scale_offset" and codecs[1]["configuration"]["endian"] == "big":
        raise ValueError("zarr-python 3 does not read what it writes through filters in big-endian order")
    zarr.config.set({"array.write_empty_chunks": True})
    os.makedirs(case["path"])
    (pathlib.Path(case["path"]) / "zarr.json").write_text(json.dumps(case["document"]))
    array = zarr.open_array(case["path"], mode="r+")
    array[...] = as_array(case, array.dtype)


def zarr_read(case):
    import zarr
    array = zarr.open_array(case["path"], mode="r")
    return elements(np.asarray(array[...], array.dtype))


class Tensorstore:
    rows = SHARED
    packages = ["tensorstore", "ml_dtypes", "numpy"]
    write = staticmethod(lambda cases: of_each("tensorstore_write", cases))
    read = staticmethod(lambda cases: of_each("tensorstore_read", cases))


class Zarr:
    rows = [*SHARED, "scale_offset", "vlen-utf8", "vlen-bytes"]
    packages = ["zarr", "numpy"]
    write = staticmethod(lambda cases: of_each("zarr_write", cases))
    read = staticmethod(lambda cases: of_each("zarr_read", cases))


class Zarrs:
    rows = list(codec_documents.CODECS)
    packages = []

    @staticmethod
    def run(verb, cases, more):
        """One answer a case; a program that dies is started again behind the case at which it died."""
        cells = []
        for number, case in enumerate(cases):
            shape, is_texts = case["document"]["shape"], case["size"] is None
            dtype = ("text" if case["document"]["data_type"] == "string" else "bytes") if is_texts else f"|V{case['size']}"
            cells.append({"id": str(number), "path": case["path"], "dtype": dtype, "shape": shape, "document": case["document"],
                          "lengths": [[length] for length in shape], "missing": [], **more(case)})
        answers = []
        while len(answers) < len(cells):
            file = pathlib.Path(cells[0]["path"] + ".cells")
            file.write_text(json.dumps({"cells": cells[len(answers):]}))
            ended = subprocess.run([ZARRS, verb, file], capture_output=True, text=True)
            lines = [json.loads(line) for line in ended.stdout.splitlines()]
            answers.extend(RuntimeError(line.get("refused") or line.get("error")) if "refused" in line or "error" in line else line
                           for line in lines)
            if len(answers) < len(cells):
                answers.append(RuntimeError(f"the process died: {ended.returncode}"))
        return answers

    @staticmethod
    def write(cases):
        def more(case):
            data, values = case["path"] + ".data", case["values"]
            if isinstance(values, list):
                items = [item.encode() if isinstance(item, str) else item for item in values]
                values = b"".join(len(item).to_bytes(4, "little") + item for item in items)
            save(data, values)
            return {"data": data}
        return Zarrs.run("write", cases, more)

    @staticmethod
    def read(cases):
        answers = Zarrs.run("read", cases, lambda case: {"into": case["path"] + ".read"})
        return [answer if isinstance(answer, Exception) else Zarrs.values(case) for case, answer in zip(cases, answers)]

    @staticmethod
    def values(case):
        data = load(case["path"] + ".read")
        if case["size"] is not None:
            return data
        items = []
        while data:
            end = 4 + int.from_bytes(data[:4], "little")
            items.append(data[4:end].decode() if case["document"]["data_type"] == "string" else data[4:end])
            data = data[end:]
        return items


LIBRARIES = {"zarrs": Zarrs, "tensorstore": Tensorstore, "zarr": Zarr}


def exchanged(values):
    """Values as they are exchanged: bytes, or a list of JSON."""
    if isinstance(values, bytes):
        return values
    return [{"bytes": item.hex()} if isinstance(item, bytes) else item for item in values]


def save(path, values):
    if isinstance(values, bytes):
        pathlib.Path(path).write_bytes(values)
    else:
        pathlib.Path(path).write_text(json.dumps(values))


def load(path):
    return pathlib.Path(path).read_bytes()


def try_cases(library, cases, folder):
    """Writes and reads cases; their values as the library has them, or its refusal."""
    for case in cases:
        case["folder"] = os.path.join(folder, case["name"])
        case["path"] = os.path.join(case["folder"], "theirs")
        os.makedirs(case["folder"])
    answers = library.write(cases)
    good = [number for number, answer in enumerate(answers) if not isinstance(answer, Exception)]
    for number, values in zip(good, library.read([cases[number] for number in good]) if good else []):
        answers[number] = values
    return answers


def message(error, directory):
    """A refusal without what differs from case to case."""
    text = str(error).split(" [", 1)[0].replace('Error parsing object member "metadata": Error parsing object member ', "")
    return text.replace(directory, "DIR")[:160]


def known_types(library, directory):
    """The data types that the library knows, and its words for the others."""
    generator = codec_documents.Documents("", "")
    types, known, refused = [*generator.types, *generator.texts], [], collections.Counter()
    cases = [{**generator.made(kind, [generator.to_bytes(kind)], shape=[3]), "name": f"type-{at}"} for at, kind in enumerate(types)]
    for kind, answer in zip(types, try_cases(library, cases, directory)):
        if isinstance(answer, Exception):
            refused[message(answer, directory)] += 1
        else:
            known.append(kind)
    return known, refused


def make(library, directory, seed, count, *codecs):
    library, count = LIBRARIES[library], int(count)
    types, unknown = known_types(library, directory)
    for codec in [codec for codec in codecs or library.rows if codec in library.rows]:
        generator = codec_documents.Documents(codec, f"{seed} {library.__name__}", types)
        made, refused = 0, collections.Counter(unknown if codec == "bytes" else ())
        while made < count and generator.drawn < 4 * count:
            cases = []
            while len(cases) < count - made and generator.drawn < 4 * count:
                case = generator.case()
                cases.append({**case, "name": f"{codec}-{generator.drawn}"})
            for case, values in zip(cases, try_cases(library, cases, directory)):
                if isinstance(values, Exception):
                    refused[message(values, directory)] += 1
                    continue
                document = case["document"]
                save(os.path.join(case["folder"], "values"), exchanged(case["values"]))
                save(os.path.join(case["folder"], "expected"), exchanged(values))
                about = {"name": case["name"], "codec": codec, "form": "document", "shape": document["shape"],
                         "dtype": document["data_type"], "codecs": document["codecs"], "size": case["size"],
                         **({"refused": case["refused"]} if "refused" in case else {})}
                save(os.path.join(case["folder"], "case.json"), {**about, "document": document})
                made += 1
                print(json.dumps(about), flush=True)
        print(json.dumps({"codec": codec, "made": made, "refused": refused}), flush=True)


def check(library, directory):
    cases = []
    for name in (pathlib.Path(directory) / "names").read_text().split():
        folder = os.path.join(directory, name)
        cases.append({**json.loads(load(os.path.join(folder, "case.json"))), "path": os.path.join(folder, "ours"), "folder": folder})
    for case, found in zip(cases, LIBRARIES[library].read(cases) if cases else []):
        if isinstance(found, Exception):
            line = {"error": str(found)[:300]}
        else:
            expected = load(os.path.join(case["folder"], "expected"))
            same = found == expected if isinstance(found, bytes) else exchanged(found) == json.loads(expected)
            line = {} if same else {"error": "the values differ"}
        print(json.dumps({"name": case["name"], **line}), flush=True)


def version(library):
    parts = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES[library].packages]
    if library == "zarrs":
        parts.append(subprocess.run([ZARRS, "version"], capture_output=True, text=True, check=True).stdout.strip())
    print(", ".join(parts))


if __name__ == "__main__":
    {"make": make, "check": check, "version": version}[sys.argv[2]](sys.argv[1], *sys.argv[3:])
