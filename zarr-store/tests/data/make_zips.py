"""Writes the archives of this directory, with Python's zipfile.

Run in this directory: python3 make_zips.py
"""

import struct
import warnings
import zipfile

WHEN = (2020, 1, 2, 3, 4, 6)
CHUNK = bytes(range(256)) * 20


def add(archive, name, value, method=zipfile.ZIP_STORED):
    info = zipfile.ZipInfo(name, WHEN)
    info.compress_type = method
    info.external_attr = 0o644 << 16
    archive.writestr(info, value)


def plain(path, mode="w"):
    with zipfile.ZipFile(path, mode) as archive:
        add(archive, ".zgroup", b'{"zarr_format": 2}')
        add(archive, "foo/0.0", CHUNK)
        add(archive, "foo/0.1", b"")


def change(source, target, old, new, count=1):
    data = open(source, "rb").read()
    assert data.count(old) >= count, (source, old)
    open(target, "wb").write(data.replace(old, new))


plain("plain.zip")

with zipfile.ZipFile("mixed.zip", "w") as archive:
    add(archive, "foo/", b"")
    add(archive, "foo/deflated", CHUNK, zipfile.ZIP_DEFLATED)
    add(archive, "foo/\u00e4 b", b"odd name")
    add(archive, "foo/empty", b"", zipfile.ZIP_DEFLATED)
    add(archive, "../evil", b"outside")
    add(archive, "/absolute", b"outside")
    add(archive, "foo/bz2", CHUNK, zipfile.ZIP_BZIP2)
    link = zipfile.ZipInfo("foo/link", WHEN)
    link.create_system = 3
    link.external_attr = 0o120777 << 16
    archive.writestr(link, "/etc/passwd")
    archive.comment = b"a comment, even with PK\x05\x06 in it"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    with zipfile.ZipFile("duplicate.zip", "w") as archive:
        add(archive, "foo/0", b"first")
        add(archive, "foo/1", b"other")
        add(archive, "foo/0", b"second")

open("junk.zip", "wb").write(b"#!/bin/sh\nexit 0\n" * 9)
plain("junk.zip", "a")

open("prefixed.zip", "wb").write(b"junk" * 50 + open("plain.zip", "rb").read())


class Streamed:
    """A file that cannot seek, so that sizes follow the data."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


with open("streamed.zip", "wb") as file, zipfile.ZipFile(Streamed(file), "w") as archive:
    add(archive, "foo/0", CHUNK, zipfile.ZIP_DEFLATED)
    add(archive, "foo/1", b"stored")

with zipfile.ZipFile("zip64.zip", "w") as archive:
    info = zipfile.ZipInfo("foo/0", WHEN)
    with archive.open(info, "w", force_zip64=True) as member:
        member.write(CHUNK)

with zipfile.ZipFile("empty.zip", "w"):
    pass

# Damaged archives.
change("plain.zip", "bad_value.zip", CHUNK[:200], CHUNK[:100] + b"!" + CHUNK[101:200])
data = open("plain.zip", "rb").read()
at = data.index(b"PK\x03\x04", 4)
open("bad_local_name.zip", "wb").write(data[:at] + data[at:].replace(b"foo/0.0", b"foo/9.9", 1))
open("bad_method.zip", "wb").write(data[: at + 8] + struct.pack("<H", 8) + data[at + 10 :])
end = data.rindex(b"PK\x05\x06")


def with_end(name, field, form, *values):
    tail = bytearray(data[end:])
    struct.pack_into(form, tail, field, *values)
    open(name, "wb").write(data[:end] + bytes(tail))


with_end("bad_count.zip", 8, "<HH", 2, 2)
with_end("bad_offset.zip", 16, "<I", 0x7FFFFFFF)
with_end("bad_size.zip", 12, "<I", 7)
with_end("disks.zip", 4, "<H", 1)
with_end("no_zip64.zip", 16, "<I", 0xFFFFFFFF)
open("two_ends.zip", "wb").write(data + data[end:])
open("stray_end.zip", "wb").write(data + b"PK\x05\x06" + bytes(18))

# A zip64 locator that points beyond the file, and a record that claims 2^62 members.
locator = struct.pack("<IIQI", 0x07064B50, 0, 1 << 60, 1)
full = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
open("zip64_beyond.zip", "wb").write(data[:end] + locator + full)
record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 1 << 62, 1 << 62, 60, 4)
locator = struct.pack("<IIQI", 0x07064B50, 0, end, 1)
open("zip64_many.zip", "wb").write(data[:end] + record + locator + full)

# Two members that share bytes, and one that claims to inflate to a tebibyte.
directory = data.index(b"PK\x01\x02")
third = data.rindex(b"PK\x01\x02")
entries = bytearray(data[directory:end])
struct.pack_into("<I", entries, third - directory + 42, 10)
open("overlap.zip", "wb").write(data[:directory] + bytes(entries) + data[end:])
data = bytearray(open("mixed.zip", "rb").read())
at = data.index(b"foo/deflated", data.index(b"PK\x01\x02"))
struct.pack_into("<I", data, at - 46 + 24, 0xFFFFFFFE)
struct.pack_into("<I", data, data.index(b"foo/deflated") - 30 + 22, 0xFFFFFFFE)
open("bomb.zip", "wb").write(data)
data = bytearray(open("plain.zip", "rb").read())
for signature, field in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)]:
    struct.pack_into("<H", data, data.index(signature) + field, 1)
open("encrypted.zip", "wb").write(data)
