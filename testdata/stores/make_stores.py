# peers: v2
"""Writes beside this script what the stores of zarr-python 2.18.7 make of one small hierarchy."""
import dbm.dumb
import pathlib
import shutil
import warnings

import numpy as np
import zarr

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent


def fill(store):
    root = zarr.group(store=store)
    root.array("a_b", np.arange(4, dtype="<i2"), chunks=2, compressor=None)
    root.create_group("aXb")
    foo = root.create_group("foo")
    foo.attrs["title"] = "ä"
    foo.array("bar", np.arange(8, dtype="|u1").reshape(2, 4), chunks=(2, 2), compressor=None)
    store.flush() if hasattr(store, "flush") else None
    store.close()


for name in ["python.sqldb", "python.dir", "python.dat", "python.bak"]:
    (HERE / name).unlink(missing_ok=True)
shutil.rmtree(HERE / "python.lmdb", ignore_errors=True)
fill(zarr.SQLiteStore(str(HERE / "python.sqldb")))
fill(zarr.LMDBStore(str(HERE / "python.lmdb"), map_size=1 << 20, writemap=False))
fill(zarr.DBMStore(str(HERE / "python"), open=dbm.dumb.open))
(HERE / "python.lmdb/lock.mdb").unlink()
(HERE / "python.bak").unlink(missing_ok=True)
