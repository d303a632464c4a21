//! Which codecs there are.
//!
//! A constant slice of entries, each a `const` in the file of its codec.
//! Adding a codec is that file and a line in [`BUILT_IN`] and in the folder's `mod.rs`.

use serde_json::{Map, Value};

use crate::{
    Codec, CodecConfig, CodecError, CodecKind, DataType, Result, array_to_array, array_to_bytes,
    bytes_to_bytes,
};

/// All that is known of a codec before it is built.
#[derive(Debug, Clone, Copy)]
pub struct CodecEntry {
    /// The name in V3 metadata.
    pub name: &'static str,
    /// Other names that are read.
    pub aliases: &'static [&'static str],
    /// The codec's side in V2 metadata, if it has one.
    pub v2: Option<V2Codec>,
    /// The kind of the codec.
    pub kind: CodecKind,
    /// What it does, in one line.
    pub doc: &'static str,
    /// The feature of this crate that brings it; `None` for a codec that is always there.
    pub feature: Option<&'static str>,
    /// Builds it from its configuration; the registry is for codecs that hold codecs.
    pub build: fn(&Map<String, Value>, &CodecRegistry) -> Result<Codec>,
}

/// Makes the V3 configuration of a codec of its V2 one.
pub type FromV2 = fn(&Map<String, Value>, &DataType) -> Result<Map<String, Value>>;

/// How a codec stands in V2 metadata.
///
/// There the name is the member `id` and the configuration its neighbours.
#[derive(Debug, Clone, Copy)]
pub struct V2Codec {
    /// The value of `id`.
    pub id: &'static str,
    /// Makes the V3 configuration of the V2 one (without `id`).
    ///
    /// The data type is that of what the codec is given; after a codec that makes bytes it is `UInt8`.
    pub from_v2: FromV2,
    /// Makes the V2 configuration (without `id`) of the V3 one.
    pub to_v2: fn(&Map<String, Value>) -> Map<String, Value>,
}

impl V2Codec {
    /// A codec whose V2 configuration is the V3 one.
    pub const fn same(id: &'static str) -> Self {
        Self {
            id,
            from_v2: |configuration, _| Ok(configuration.clone()),
            to_v2: Clone::clone,
        }
    }
}

/// A codec, of bytes to bytes unless changed, that is known and left out of this build: its name, alias, V2 `id` and feature.
#[cfg_attr(
    all(
        feature = "blosc",
        feature = "bz2",
        feature = "gzip",
        feature = "lz4",
        feature = "lzma",
        feature = "pcodec",
        feature = "zstd"
    ),
    expect(unused_macros, reason = "every codec is part of this build")
)]
macro_rules! not_built {
    ($name:literal, $alias:literal, $v2:literal, $feature:literal) => {
        CodecEntry {
            name: $name,
            aliases: &[$alias],
            v2: Some(V2Codec::same($v2)),
            kind: CodecKind::BytesToBytes,
            doc: "not part of this build",
            feature: Some($feature),
            build: |_, _| {
                Err(CodecError::NotBuilt {
                    name: $name,
                    feature: $feature,
                })
            },
        }
    };
}

/// The codecs of this crate.
pub const BUILT_IN: &[CodecEntry] = &[
    array_to_array::astype::ENTRY,
    array_to_array::bitround::ENTRY,
    array_to_array::bitround::NUMCODECS_ENTRY,
    array_to_array::cast_value::ENTRY,
    array_to_array::delta::ENTRY,
    array_to_array::fixedscaleoffset::ENTRY,
    array_to_array::packbits::ENTRY,
    array_to_array::quantize::ENTRY,
    array_to_array::reshape::ENTRY,
    array_to_array::scale_offset::ENTRY,
    array_to_array::transpose::ENTRY,
    array_to_bytes::bytes::ENTRY,
    array_to_bytes::categorize::ENTRY,
    array_to_bytes::vlen::UTF8_ENTRY,
    array_to_bytes::vlen::BYTES_ENTRY,
    #[cfg(feature = "pcodec")]
    array_to_bytes::pcodec::ENTRY,
    #[cfg(not(feature = "pcodec"))]
    CodecEntry {
        kind: CodecKind::ArrayToBytes,
        ..not_built!("numcodecs.pcodec", "pcodec", "pcodec", "pcodec")
    },
    array_to_bytes::zfp_bare::ENTRY,
    array_to_bytes::zfpy::ENTRY,
    array_to_bytes::vlen::ARRAY_ENTRY,
    array_to_bytes::json2::ENTRY,
    array_to_bytes::msgpack2::ENTRY,
    array_to_bytes::n5_wrapper::ENTRY,
    array_to_bytes::packbits::ENTRY,
    array_to_bytes::sharding_indexed::ENTRY,
    #[cfg(feature = "blosc")]
    bytes_to_bytes::blosc::ENTRY,
    #[cfg(not(feature = "blosc"))]
    not_built!("blosc", "numcodecs.blosc", "blosc", "blosc"),
    #[cfg(feature = "bz2")]
    bytes_to_bytes::bz2::ENTRY,
    #[cfg(not(feature = "bz2"))]
    not_built!("numcodecs.bz2", "bz2", "bz2", "bz2"),
    #[cfg(feature = "gzip")]
    bytes_to_bytes::gzip::ENTRY,
    #[cfg(not(feature = "gzip"))]
    not_built!("gzip", "numcodecs.gzip", "gzip", "gzip"),
    #[cfg(feature = "lz4")]
    bytes_to_bytes::lz4::ENTRY,
    #[cfg(not(feature = "lz4"))]
    not_built!("numcodecs.lz4", "lz4", "lz4", "lz4"),
    #[cfg(feature = "lzma")]
    bytes_to_bytes::lzma::ENTRY,
    #[cfg(not(feature = "lzma"))]
    not_built!("numcodecs.lzma", "lzma", "lzma", "lzma"),
    #[cfg(feature = "gzip")]
    bytes_to_bytes::zlib::ENTRY,
    #[cfg(not(feature = "gzip"))]
    not_built!("numcodecs.zlib", "zlib", "zlib", "gzip"),
    #[cfg(feature = "zstd")]
    bytes_to_bytes::zstd::ENTRY,
    #[cfg(not(feature = "zstd"))]
    not_built!("zstd", "numcodecs.zstd", "zstd", "zstd"),
    bytes_to_bytes::base64::ENTRY,
    bytes_to_bytes::jenkins_lookup3::ENTRY,
    bytes_to_bytes::shuffle::ENTRY,
    bytes_to_bytes::checksum::CRC32C_ENTRY,
    bytes_to_bytes::checksum::NUMCODECS_CRC32C_ENTRY,
    bytes_to_bytes::checksum::CRC32_ENTRY,
    bytes_to_bytes::checksum::ADLER32_ENTRY,
    bytes_to_bytes::checksum::FLETCHER32_ENTRY,
];

/// V2 codecs that are refused whatever the options: reading would run code from the data.
const REFUSED: [&str; 1] = ["pickle"];

/// The codecs that metadata may name.
#[derive(Debug, Clone)]
pub struct CodecRegistry {
    entries: Vec<CodecEntry>,
}

impl Default for CodecRegistry {
    fn default() -> Self {
        Self {
            entries: BUILT_IN.to_vec(),
        }
    }
}

impl CodecRegistry {
    /// A registry of the given codecs; of two with the same name the later one counts.
    pub fn new(entries: impl IntoIterator<Item = CodecEntry>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }

    /// The codecs, in the order they were given.
    pub fn entries(&self) -> &[CodecEntry] {
        &self.entries
    }

    /// Finds a codec by its V3 name or an alias.
    ///
    /// # Errors
    /// [`CodecError::Unknown`], or [`CodecError::Refused`] for what is never decoded.
    pub fn find(&self, name: &str) -> Result<&CodecEntry> {
        refuse(name)?;
        let found = self
            .entries
            .iter()
            .rev()
            .find(|entry| entry.name == name || entry.aliases.contains(&name));
        found.ok_or_else(|| CodecError::Unknown {
            name: name.to_owned(),
        })
    }

    /// Finds a codec by its V2 `id`.
    ///
    /// # Errors
    /// [`CodecError::Unknown`], or [`CodecError::Refused`] for what is never decoded.
    pub fn find_v2(&self, id: &str) -> Result<(&CodecEntry, V2Codec)> {
        refuse(id)?;
        let found = self.entries.iter().rev().find_map(|entry| {
            let v2 = entry.v2.filter(|v2| v2.id == id)?;
            Some((entry, v2))
        });
        found.ok_or_else(|| CodecError::Unknown { name: id.to_owned() })
    }

    /// Whether a codec is not known, and need not be.
    pub fn ignores(&self, config: &CodecConfig) -> bool {
        config.may_be_ignored() && matches!(self.find(&config.name), Err(CodecError::Unknown { .. }))
    }

    /// Builds a codec.
    ///
    /// # Errors
    /// Those of [`CodecRegistry::find`] and of the codec's configuration.
    pub fn build(&self, config: &CodecConfig) -> Result<Codec> {
        let entry = self.find(&config.name)?;
        (entry.build)(&config.configuration, self)
    }
}

fn refuse(name: &str) -> Result<()> {
    if REFUSED
        .iter()
        .any(|refused| name == *refused || name.strip_prefix("numcodecs.") == Some(refused))
    {
        let reason = "decoding it would run code from the data";
        return Err(CodecError::Refused {
            name: name.to_owned(),
            reason,
        });
    }
    Ok(())
}
