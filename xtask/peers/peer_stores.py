"""What the job `stores` has Python do: make hierarchies here and in a bucket, and compare arrays.

    peer_stores.py make-local DIR      zarr-python 2: DIR/v2.zarr, and DIR/expected/NAME.npy for each array
    peer_stores.py make-s3 DIR         zarr-python 3: a bucket, and in it python.zarr with the arrays of DIR/expected
    peer_stores.py check-s3 DIR NAME   zarr-python 3: the arrays of NAME in the bucket equal those of DIR/expected
    peer_stores.py check-npy DIR FILE NAME
    peer_stores.py make-databases DIR  zarr-python 2: DIR/python.sqldb, python.lmdb and python.dat with those arrays
    peer_stores.py check-databases DIR zarr-python 2: the arrays of ours.sqldb, ours.lmdb and ours.dat equal them
"""
import dbm.dumb
import pathlib
import sys
import warnings

import numpy as np
import zarr

warnings.simplefilter("ignore")
BUCKET = "zarr-toolkit"


def arrays():
    random = np.random.default_rng(7)
    yield "small", np.arange(20, dtype="<i4").reshape(4, 5), (2, 3)
    yield "deep/floats", random.normal(size=(60, 70)), (16, 16)
    yield "deep/big-endian", random.integers(-9, 9, (30, 11)).astype(">i2"), (7, 4)
    yield "bytes", random.integers(0, 255, 300_000).astype("|u1"), (10_000,)
    yield "nothing", np.zeros((9, 9), "<f4"), (3, 3)


def expected(folder):
    files = sorted(pathlib.Path(folder, "expected").rglob("*.npy"))
    return {str(f.relative_to(pathlib.Path(folder, "expected")).with_suffix("")): np.load(f) for f in files}


def make_local(folder):
    root = zarr.group(store=zarr.DirectoryStore(f"{folder}/v2.zarr"), overwrite=True)
    root.attrs["title"] = "local"
    for name, data, chunks in arrays():
        plain = None if name == "bytes" else "default"
        root.create_dataset(name, data=data, chunks=chunks, compressor=plain, write_empty_chunks=False)
        file = pathlib.Path(folder, "expected", f"{name}.npy")
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, data)


def databases(folder, name):
    path = f"{folder}/{name}"
    yield zarr.SQLiteStore(f"{path}.sqldb")
    yield zarr.LMDBStore(f"{path}.lmdb", map_size=1 << 28, writemap=False)
    yield zarr.DBMStore(path, open=dbm.dumb.open)


def make_databases(folder):
    for store in databases(folder, "python"):
        root = zarr.group(store=store)
        root.attrs["title"] = "database"
        for name, data, chunks in arrays():
            root.create_dataset(name, data=data, chunks=chunks)
        store.close()


def check_databases(folder):
    for store in databases(folder, "ours"):
        root = zarr.open_group(store=store, mode="r")
        assert root.attrs["title"] == "database"
        for path, data in expected(folder).items():
            check_equal(root[path][...], data, path)
        print(f"{type(store).__name__}: {len(expected(folder))} arrays are equal")
        store.close()


def make_s3(folder):
    import boto3

    boto3.client("s3").create_bucket(Bucket=BUCKET)
    for zarr_format in (2, 3):
        root = zarr.open_group(f"s3://{BUCKET}/python{zarr_format}.zarr", mode="w", zarr_format=zarr_format)
        for name, data in expected(folder).items():
            chunks = tuple(max(1, n // 3) for n in data.shape)
            root.create_array(name, data=data, chunks=chunks)


def check_s3(folder, name):
    root = zarr.open_group(f"s3://{BUCKET}/{name}", mode="r")
    for path, data in expected(folder).items():
        check_equal(root[path][...], data, path)
    print(f"{name}: {len(expected(folder))} arrays are equal")


def check_npy(folder, file, name):
    check_equal(np.load(file), expected(folder)[name], name)


def check_equal(found, data, name):
    # The order of bytes is that of the file, not of the values.
    same_type = found.dtype.newbyteorder("=") == data.dtype.newbyteorder("=")
    assert same_type and np.array_equal(found, data), name


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    {
        "make-local": make_local,
        "make-s3": make_s3,
        "check-s3": check_s3,
        "check-npy": check_npy,
        "make-databases": make_databases,
        "check-databases": check_databases,
    }[verb](*rest)
