"""Compares two HDF5 files by the program h5diff.

It says of some objects that it cannot compare them (`Not comparable`), and where it cannot read them nothing at all but
by its exit status. So it is asked the same of a copy of the original, byte for byte: what it says of the file that came
back must be what it says of that.
"""

import collections
import os
import re
import shutil
import subprocess
import tempfile

import hdf5plugin

PROGRAM = "h5diff"
OBJECT = re.compile(r"^(?:dataset|group|datatype|link|external link|soft link) *: <(.*)> and <")
ATTRIBUTE = re.compile(r"^attribute: <(.*) of <(.*)>> and <")


def run(*arguments):
    environment = {**os.environ, "HDF5_PLUGIN_PATH": hdf5plugin.PLUGINS_PATH}
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, errors="replace", env=environment
    )


def version():
    return run("--version").stdout.strip().replace("Version ", "")


def told(old, new):
    """What h5diff tells by path."""
    found, path = collections.defaultdict(list), ""
    for line in run("-v", old, new).stdout.splitlines():
        if match := OBJECT.match(line):
            path = match[1]
        elif match := ATTRIBUTE.match(line):
            path = f"{match[2].rstrip('/')}/@{match[1]}"
        elif line.strip():
            found[path].append(line)
    return found


def compare(old, new, report):
    with tempfile.NamedTemporaryFile(suffix=".h5") as same:
        shutil.copyfile(old, same.name)
        wanted, found = told(old, same.name), told(old, new)
        # What stands before the first object is the list of all.
        for path in {**wanted, **found}.keys() - {""}:
            if report.is_lost(path):
                continue
            lines = found.get(path, [])
            if lines != wanted.get(path, []):
                report(path, "; ".join(" ".join(line.split()) for line in lines[:4]) or "it is not compared")
        statuses = [run(old, other).returncode for other in (same.name, new)]
        if statuses[0] != statuses[1] and not report.differing:
            report("/", f"exit status {statuses[1]} and not {statuses[0]}")
