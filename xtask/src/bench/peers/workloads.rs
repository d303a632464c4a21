//! What is compared: the operations, and who takes part in each.

/// A program that takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Ours,
    Zarrs,
    Tensorstore,
    Zarr2,
    Zarr3,
    Cp,
    Zip,
}

impl Program {
    /// All of them, in the order of tables and charts.
    pub(super) const ALL: [Self; 7] = [
        Self::Ours,
        Self::Zarrs,
        Self::Tensorstore,
        Self::Zarr2,
        Self::Zarr3,
        Self::Cp,
        Self::Zip,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "zarr-toolkit",
            Self::Zarrs => "zarrs",
            Self::Tensorstore => "tensorstore",
            Self::Zarr2 => "zarr 2",
            Self::Zarr3 => "zarr 3",
            Self::Cp => "cp -r",
            Self::Zip => "zip -0",
        }
    }

    /// Its place in [`Self::ALL`].
    pub(super) fn number(self) -> usize {
        Self::ALL.iter().position(|program| *program == self).unwrap_or(0)
    }
}

/// What an operation leaves, which is compared when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Nothing: it says what it read, which is held against this member of what is expected.
    Reading(&'static str),
    /// An array with all values.
    Array,
    /// Every key of the source, in a directory.
    Keys,
    /// Every key of the source, in an archive.
    Archive,
    /// The arrays of an HDF5 file.
    Arrays,
}

/// An operation on an input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    /// What stands above those of its kind.
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) operation: &'static str,
    pub(super) input: &'static str,
    pub(super) leaves: Leaves,
    /// The others that take part.
    pub(super) peers: &'static [Program],
}

use Leaves::{Archive, Array, Arrays, Keys, Reading};
use Program::{Cp, Tensorstore, Zarr2, Zarr3, Zarrs, Zip};

const V3: &[Program] = &[Zarrs, Tensorstore, Zarr3];
const V2: &[Program] = &[Zarrs, Tensorstore, Zarr2, Zarr3];

const fn workload(
    section: &'static str,
    (name, operation): (&'static str, &'static str),
    input: &'static str,
    leaves: Leaves,
    peers: &'static [Program],
) -> Workload {
    Workload {
        section,
        name,
        operation,
        input,
        leaves,
        peers,
    }
}

const PLAIN: &str = "V3, uncompressed";
const ZSTD: &str = "V3, zstd";
const SHARDS: &str = "V3, zstd in shards";
const BLOSC: &str = "V2, Blosc";
const STORES: &str = "Stores, nodes and files";

const READ: (&str, &str) = ("read all", "read");
const ROUNDTRIP: (&str, &str) = ("roundtrip", "roundtrip");
const CHUNKS: (&str, &str) = ("chunk by chunk", "chunks");

/// Every workload, those of a section together.
pub(super) const WORKLOADS: &[Workload] = &[
    workload(PLAIN, READ, "raw.zarr", Reading("read"), V3),
    workload(PLAIN, ROUNDTRIP, "raw.zarr", Array, V3),
    workload(PLAIN, CHUNKS, "raw.zarr", Reading("chunks"), V3),
    workload(ZSTD, READ, "zstd.zarr", Reading("read"), V3),
    workload(ZSTD, ROUNDTRIP, "zstd.zarr", Array, V3),
    workload(ZSTD, CHUNKS, "zstd.zarr", Reading("chunks"), V3),
    workload(SHARDS, READ, "shards.zarr", Reading("read"), V3),
    workload(SHARDS, ROUNDTRIP, "shards.zarr", Array, V3),
    workload(SHARDS, CHUNKS, "shards.zarr", Reading("chunks"), V3),
    workload(
        SHARDS,
        ("inner by inner chunk", "inner"),
        "shards.zarr",
        Reading("inner"),
        V3,
    ),
    workload(BLOSC, ("load", "read"), "blosc.zarr", Reading("read"), V2),
    workload(BLOSC, ("save", "save"), "blosc.zarr", Array, V2),
    workload(
        BLOSC,
        ("2 000 short rows", "slices"),
        "blosc.zarr",
        Reading("slices"),
        V2,
    ),
    workload(
        STORES,
        ("copy_store to directory", "copy-store"),
        "small.zarr",
        Keys,
        &[Zarrs, Zarr2, Cp],
    ),
    workload(
        STORES,
        ("copy_store to ZIP", "copy-store"),
        "small.zarr",
        Archive,
        &[Zarr2, Zip],
    ),
    workload(
        STORES,
        ("walk, V2", "walk"),
        "nodes-v2",
        Reading("walk"),
        &[Zarrs, Zarr2, Zarr3],
    ),
    workload(
        STORES,
        ("consolidated walk, V2", "consolidated"),
        "consolidated-v2",
        Reading("walk"),
        &[Zarr2, Zarr3],
    ),
    workload(
        STORES,
        ("consolidated walk, V3", "consolidated"),
        "consolidated-v3",
        Reading("walk"),
        &[Zarrs, Zarr3],
    ),
    workload(STORES, ("HDF5 to Zarr", "hdf5"), "slabs.h5", Arrays, &[Zarr2]),
];

impl Workload {
    /// A name that tells it from all others.
    pub(super) fn full_name(&self) -> String {
        format!("{}: {}", self.section, self.name)
    }
}
