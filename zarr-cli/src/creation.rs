//! The creation options that several verbs share.

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use zarr_convenience::{
    Chunks, Creation, Location, StoreKind,
    core::{ChunkEdges, Order, ZarrFormat, codecs::CodecRegistry},
};

use crate::status;

/// What new arrays are to be.
#[derive(Debug, Args)]
#[command(next_help_heading = "Creation options")]
pub(crate) struct CreationArgs {
    /// The shape of chunks, such as 64,64; or auto; or none for one chunk; or for each dimension a length or the lengths
    /// of its chunks (Zarr V3), such as `[[31,28,31],50]`, where `[10,3]` in a list is three chunks of 10
    #[arg(long, value_name = "N,N,...")]
    chunks: Option<String>,
    /// The shape of the shards in which chunks lie (Zarr V3), or their lengths as of chunks; or none
    #[arg(long, value_name = "N,N,...")]
    shards: Option<String>,
    /// The compressor: a name, none, or a JSON object with an id
    #[arg(long, value_name = "NAME or JSON")]
    compressor: Option<String>,
    /// A filter as a JSON object with an id; may be given several times
    #[arg(long, value_name = "JSON")]
    filter: Vec<String>,
    /// What elements are that are never written, as JSON
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    fill_value: Option<String>,
    /// The order of elements in chunks
    #[arg(long, value_name = "C or F", value_parser = ["C", "F", "c", "f"])]
    order: Option<String>,
    /// What stands between the numbers in the names of chunks
    #[arg(long, value_name = ". or /")]
    dimension_separator: Option<char>,
    /// Keep filters and compressor of HDF5 files where Zarr has them, and of Zarr in HDF5 files, so that chunks are
    /// moved as they are
    #[arg(long)]
    keep_codecs: bool,
    /// Do not decode chunks that are moved as they are to see whether they are sound
    #[arg(long, conflicts_with = "untrusted")]
    trust_chunks: bool,
    /// The version of the format
    #[arg(long, value_name = "2 or 3", value_parser = ["2", "3"])]
    zarr_format: Option<String>,
}

impl CreationArgs {
    /// The options as the library takes them.
    pub(crate) fn parse(&self) -> Result<Creation> {
        let wrong = |error| status::usage(status::message(&error)).into();
        self.parse_words().map_err(wrong)
    }

    fn parse_words(&self) -> Result<Creation> {
        let filters: Vec<Value> = self
            .filter
            .iter()
            .map(|text| json(text).context("--filter"))
            .collect::<Result<_>>()?;
        let order = self.order.as_deref().map(|order| {
            if order.eq_ignore_ascii_case("f") {
                Order::F
            } else {
                Order::C
            }
        });
        let format = |text: &str| {
            if text == "3" {
                ZarrFormat::V3
            } else {
                ZarrFormat::V2
            }
        };
        Ok(Creation {
            chunks: self.chunks.as_deref().map(chunks).transpose()?,
            shards: self
                .shards
                .as_deref()
                .filter(|text| !is_json_list(text))
                .map(shards)
                .transpose()?,
            shard_edges: self
                .shards
                .as_deref()
                .filter(|text| is_json_list(text))
                .map(|text| edges(text).context("--shards"))
                .transpose()?,
            compressor: self.compressor.as_deref().map(compressor).transpose()?,
            filters: (!filters.is_empty()).then_some(Some(filters)),
            keeps_codecs: self.keep_codecs,
            trusts_chunks: self.trust_chunks,
            codecs: None,
            fill_value: self
                .fill_value
                .as_deref()
                .map(|text| json(text).context("--fill-value"))
                .transpose()?,
            order,
            dimension_separator: self.dimension_separator,
            zarr_format: self.zarr_format.as_deref().map(format),
        })
    }
}

fn json(text: &str) -> Result<Value> {
    zarr_convenience::core::metadata::json::parse(text.as_bytes()).with_context(|| format!("{text:?}"))
}

fn chunks(text: &str) -> Result<Chunks> {
    match text {
        "auto" => return Ok(Chunks::Auto),
        "none" => return Ok(Chunks::Whole),
        _ if is_json_list(text) => return edges(text).context("--chunks").map(Chunks::Edges),
        _ => {}
    }
    let length = |part: &str| match part.trim() {
        "-1" | "none" => Ok(None),
        part => part
            .parse()
            .map(Some)
            .with_context(|| format!("--chunks {text:?}: expected lengths, auto or none")),
    };
    text.split(',')
        .map(length)
        .collect::<Result<_>>()
        .map(Chunks::Shape)
}

fn is_json_list(text: &str) -> bool {
    text.trim_start().starts_with('[')
}

/// The lengths of chunks along each dimension, in the form that documents have.
fn edges(text: &str) -> Result<Vec<ChunkEdges>> {
    let value = json(text)?;
    let edges = value
        .as_array()
        .and_then(|items| items.iter().map(ChunkEdges::from_json).collect());
    let expected = || {
        format!("{text}: expected for each dimension a length, or a list of lengths and of [length, number]")
    };
    edges.with_context(expected)
}

fn shards(text: &str) -> Result<Option<Vec<u64>>> {
    if text == "none" {
        return Ok(None);
    }
    let lengths = text.split(',').map(|part| part.trim().parse());
    let lengths: Result<_, _> = lengths.collect();
    lengths
        .map(Some)
        .with_context(|| format!("--shards {text:?}: expected lengths or none"))
}

/// A compressor of HDF5 files that is no codec of Zarr.
const HDF5_ALONE: &str = "lzf";

/// Refuses a compressor that files of HDF5 alone have for copies to anything else.
pub(crate) fn check_compressor(creation: &Creation, to: &Location) -> Result<()> {
    let id = creation
        .compressor
        .as_ref()
        .and_then(|given| given.as_ref()?.get("id"));
    if id.is_some_and(|id| id == HDF5_ALONE) && to.kind() != StoreKind::OtherFile {
        let reason =
            format!("--compressor {HDF5_ALONE}: it is HDF5's, and only copies to HDF5 files can have it");
        return Err(status::usage(reason).into());
    }
    Ok(())
}

fn compressor(text: &str) -> Result<Option<Value>> {
    if text == "none" {
        return Ok(None);
    }
    if text.trim_start().starts_with('{') {
        return json(text).map(Some).context("--compressor");
    }
    let registry = CodecRegistry::default();
    if text != HDF5_ALONE && registry.find_v2(text).is_err() {
        let mut names: Vec<_> = registry
            .entries()
            .iter()
            .filter_map(|entry| Some(entry.v2?.id))
            .collect();
        names.dedup();
        names.push(HDF5_ALONE);
        bail!("--compressor {text:?}: not one of {}", names.join(", "));
    }
    Ok(Some(match text {
        "blosc" => json!({"blocksize": 0, "clevel": 5, "cname": "lz4", "id": "blosc", "shuffle": 1}),
        "zlib" | "gzip" | "bz2" => json!({"id": text, "level": 1}),
        "zstd" => json!({"id": text, "level": 0}),
        "lz4" => json!({"id": text, "acceleration": 1}),
        _ => json!({"id": text}),
    }))
}
