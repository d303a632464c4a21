//! The filters of HDF5, each with the codec that does the same.
//!
//! | number | filter | codec |
//! | --- | --- | --- |
//! | 1 | deflate | `numcodecs.zlib` |
//! | 2 | shuffle | `numcodecs.shuffle` |
//! | 3 | Fletcher-32 | `numcodecs.fletcher32` |
//! | 307 | bzip2 | `numcodecs.bz2` |
//! | 32000 | LZF | [`lzf`] |
//! | 32001 | Blosc | `blosc` |
//! | 32004 | LZ4 | [`lz4`] |
//! | 32008 | bitshuffle | [`bitshuffle`] |
//! | 32015 | Zstandard | `zstd` |
//!
//! Chunks are decoded by these outside of the HDF5 library. The library itself is given them too ([`register`]), for
//! what only it can read: texts and sequences of any length, whose chunks hold pointers.

mod bitshuffle;
mod lz4;
mod lzf;

use std::{
    borrow::Cow,
    sync::{Arc, Once},
};

use serde_json::{Map, Value, json};
use zarr_convenience::core::codecs::{
    BUILT_IN, BytesToBytes, Codec, CodecConfig, CodecError, CodecRegistry, Limits, bytes_to_bytes::zlib,
};

use crate::hdf5::{Filter, FilterCode, register_filters};

pub(super) const DEFLATE: i32 = 1;
pub(super) const SHUFFLE: i32 = 2;
pub(super) const FLETCHER32: i32 = 3;
pub(super) const BZIP2: i32 = 307;
pub(super) const LZF: i32 = 32000;
pub(super) const BLOSC: i32 = 32001;
pub(super) const LZ4: i32 = 32004;
pub(super) const BITSHUFFLE: i32 = 32008;
pub(super) const ZSTD: i32 = 32015;

/// Blosc's codecs, by their numbers in the filter's configuration.
const BLOSC_CODECS: [&str; 6] = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"];

/// The codec that does what a filter does.
pub(super) fn config(filter: &Filter) -> Option<CodecConfig> {
    let number = |place: usize| filter.client_data.get(place).copied();
    Some(match filter.id {
        DEFLATE => CodecConfig::of("numcodecs.zlib", json!({"level": number(0).unwrap_or(1)})),
        SHUFFLE => CodecConfig::of("numcodecs.shuffle", json!({"elementsize": number(0)?})),
        FLETCHER32 => CodecConfig::of("numcodecs.fletcher32", json!({})),
        BZIP2 => CodecConfig::of("numcodecs.bz2", json!({"level": number(0).unwrap_or(9)})),
        LZF => CodecConfig::of(lzf::NAME, json!({})),
        BLOSC => CodecConfig::of(
            "numcodecs.blosc",
            json!({
                "cname": BLOSC_CODECS.get(number(6).unwrap_or(0) as usize)?,
                "clevel": number(4).unwrap_or(5),
                "shuffle": number(5).unwrap_or(1),
                "blocksize": 0,
                "typesize": number(2).unwrap_or(1).max(1),
            }),
        ),
        LZ4 => CodecConfig::of(lz4::NAME, json!({"block_size": number(0).unwrap_or(0)})),
        BITSHUFFLE => CodecConfig::of(
            bitshuffle::NAME,
            json!({
                "element_size": number(2)?,
                "block_size": number(3).unwrap_or(0),
                "compression": number(4).unwrap_or(0),
                "level": number(5).unwrap_or(0),
            }),
        ),
        ZSTD => CodecConfig::of(
            "zstd",
            json!({"level": number(0).unwrap_or(3), "checksum": false}),
        ),
        _ => return None,
    })
}

/// The codec that a filter is in metadata of Zarr, which all other arrays of such chunks have too; its element size
/// is that of the dataset's type.
pub(super) fn stored_config(filter: &Filter, element_size: usize) -> Option<CodecConfig> {
    let mut config = config(filled_in(filter, element_size)?.as_ref())?;
    if filter.id == BLOSC {
        const SHUFFLES: [&str; 3] = ["noshuffle", "shuffle", "bitshuffle"];
        let shuffle = filter.client_data.get(5).map_or(1, |shuffle| *shuffle as usize);
        "blosc".clone_into(&mut config.name);
        config
            .configuration
            .insert("shuffle".to_owned(), (*SHUFFLES.get(shuffle)?).into());
    }
    Some(config)
}

/// The filters that do what codecs of an array do behind the one that makes bytes; `None` if HDF5 has none for one.
///
/// Elements have so many bytes, and chunks decoded.
pub(super) fn of_codecs(codecs: &[CodecConfig], element_size: usize, chunk_size: u64) -> Option<Vec<Filter>> {
    let filter = |codec: &CodecConfig| {
        let number = |name: &str| codec.configuration.get(name).and_then(Value::as_u64);
        let small = |name: &str| number(name).and_then(|number| u32::try_from(number).ok());
        let element_size = u32::try_from(element_size).ok()?;
        let (id, client_data) = match codec.name.as_str() {
            "numcodecs.zlib" | "gzip" => (DEFLATE, vec![small("level").filter(|level| *level <= 9)?]),
            "numcodecs.shuffle" if small("elementsize") == Some(element_size) => (SHUFFLE, Vec::new()),
            "numcodecs.fletcher32" => (FLETCHER32, Vec::new()),
            "numcodecs.bz2" => (BZIP2, vec![small("level")?]),
            "zstd" => (ZSTD, vec![small("level").unwrap_or(0)]),
            "blosc" => {
                let text = |name: &str| codec.configuration.get(name)?.as_str();
                let compressor = BLOSC_CODECS.iter().position(|name| text("cname") == Some(name))?;
                let shuffle = match text("shuffle")? {
                    "noshuffle" => 0,
                    "shuffle" => 1,
                    _ => 2,
                };
                // The versions of the filter and of the frames, then what the filter is told.
                let chunk_size = u32::try_from(chunk_size).ok()?;
                let compressor = u32::try_from(compressor).ok()?;
                let told = [element_size, chunk_size, small("clevel")?, shuffle, compressor];
                (BLOSC, [2, 2].into_iter().chain(told).collect())
            }
            _ => return None,
        };
        Some(Filter {
            id,
            is_optional: !matches!(id, FLETCHER32 | BLOSC),
            client_data,
            name: String::new(),
        })
    };
    codecs
        .iter()
        .skip_while(|codec| codec.name == "bytes")
        .map(filter)
        .collect()
}

/// The codec of numcodecs that does what a filter does, as documents of V2 name it.
pub(super) fn numcodecs(filter: &Filter, element_size: usize) -> Option<Value> {
    let CodecConfig {
        name, configuration, ..
    } = config(filled_in(filter, element_size)?.as_ref())?;
    let name = name.strip_prefix("numcodecs.").unwrap_or(&name);
    let members: &[&str] = match filter.id {
        DEFLATE | BZIP2 | ZSTD => &["level"],
        SHUFFLE => &["elementsize"],
        FLETCHER32 => &[],
        BLOSC => &["cname", "clevel", "shuffle", "blocksize"],
        _ => return None,
    };
    let kept = members.iter().filter_map(|member| {
        let value = configuration.get(*member)?;
        Some(((*member).to_owned(), value.clone()))
    });
    let id = [("id".to_owned(), Value::from(name))];
    Some(id.into_iter().chain(kept).collect::<Map<_, _>>().into())
}

/// A filter with what the library works out itself.
fn filled_in(filter: &Filter, element_size: usize) -> Option<Cow<'_, Filter>> {
    Some(match filter.id {
        SHUFFLE if filter.client_data.is_empty() => Cow::Owned(Filter {
            client_data: vec![u32::try_from(element_size).ok()?],
            ..filter.clone()
        }),
        _ => Cow::Borrowed(filter),
    })
}

/// Whether a filter is undone by a codec.
pub(super) fn is_decodable(filter: &Filter) -> bool {
    config(filter).is_some()
}

/// The codecs of Zarr and those that only HDF5 has; nobody compares what deflate makes, so it is encoded fast.
pub(super) fn registry() -> CodecRegistry {
    let own = [lzf::ENTRY, lz4::ENTRY, bitshuffle::ENTRY, zlib::FAST_ENTRY];
    CodecRegistry::new(BUILT_IN.iter().copied().chain(own))
}

/// The registered filters that the HDF5 library is built without.
static CODES: [FilterCode; 6] = [
    code(BZIP2, c"bzip2"),
    code(LZF, c"lzf"),
    code(BLOSC, c"blosc"),
    code(LZ4, c"lz4"),
    code(BITSHUFFLE, c"bitshuffle"),
    code(ZSTD, c"zstd"),
];

const fn code(id: i32, name: &'static std::ffi::CStr) -> FilterCode {
    FilterCode {
        id,
        name,
        decode,
        encode,
    }
}

/// Gives the filters to the HDF5 library, once.
pub(super) fn register() {
    static DONE: Once = Once::new();
    DONE.call_once(|| register_filters(&CODES));
}

fn codec(id: i32, client_data: &[u32]) -> Result<Arc<dyn BytesToBytes>, CodecError> {
    let filter = Filter {
        id,
        is_optional: false,
        client_data: client_data.to_vec(),
        name: String::new(),
    };
    let config = config(&filter).ok_or_else(|| CodecError::Unknown { name: id.to_string() })?;
    match registry().build(&config)? {
        Codec::BytesToBytes(codec) => Ok(codec),
        _ => Err(CodecError::Unknown { name: config.name }),
    }
}

fn encode(id: i32, client_data: &[u32], decoded: &[u8]) -> Option<Vec<u8>> {
    let mut encoded = Vec::new();
    codec(id, client_data)
        .and_then(|codec| codec.encode(decoded, &mut encoded))
        .ok()
        .map(|()| encoded)
}

/// Decodes without knowing how much that makes: with more room until it is enough.
fn decode(id: i32, client_data: &[u32], encoded: &[u8]) -> Option<Vec<u8>> {
    let codec = codec(id, client_data).ok()?;
    let limit = usize::try_from(Limits::DEFAULT.chunk_size_max).unwrap_or(usize::MAX);
    let mut room = encoded.len().saturating_mul(4).clamp(1 << 16, limit);
    loop {
        let mut decoded = vec![0; room];
        match codec.decode(encoded, &mut decoded) {
            Ok(size) => {
                decoded.truncate(size);
                return Some(decoded);
            }
            Err(CodecError::TooLarge { .. }) if room < limit => room = room.saturating_mul(4).min(limit),
            Err(_) => return None,
        }
    }
}
