//! The workloads of HDF5 files.

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use zarr_convenience::{CopyOptions, Creation, Source, SourceNode, ZarrSource, copy_all};
use zarr_core::{Node, NodePath, Options, Selection, ZarrFormat};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source};

use crate::{Outcome, Timer, out_group, pinned, workers};

/// Copies a file to Zarr or back, or reads it.
///
/// Beside what the other programs offer: `to-zarr-keep` and `to-zarr3-keep` keep filters and compressor, so that chunks
/// are moved; with `to-zarr-trust`, none is seen to decode first.
pub(crate) fn run(dir: &Path, name: &str, operation: &str) -> Result<Option<Outcome>> {
    let folder = dir.join("h5");
    let file = folder.join(format!("{name}.h5"));
    let root = NodePath::root();
    let options = |creation| CopyOptions {
        workers: workers(),
        creation,
        ..CopyOptions::default()
    };
    let to_zarr = |format, creation| -> Result<u64> {
        let dest = out_group(dir, format)?;
        let report = copy_all(&Hdf5Source::open(&file)?, &root, &dest, options(creation))?;
        Ok(report.copied.n_bytes_copied)
    };
    let kept = Creation {
        keeps_codecs: true,
        ..Creation::default()
    };
    let timer = Timer::start();
    let bytes = match operation {
        "to-zarr" => to_zarr(ZarrFormat::V2, Creation::default())?,
        "to-zarr-keep" => to_zarr(ZarrFormat::V2, kept)?,
        "to-zarr3-keep" => to_zarr(ZarrFormat::V3, kept)?,
        "to-zarr-trust" => {
            let trusts_chunks = true;
            to_zarr(
                ZarrFormat::V2,
                Creation {
                    trusts_chunks,
                    ..kept
                },
            )?
        }
        "from-zarr" => {
            let path = folder.join(format!("{name}.zarr"));
            let source = ZarrSource::new(Node::open(pinned(&path)?, &root, &Options::default())?);
            let dest = Hdf5Sink::create(dir.join("out/a.h5"))?;
            let creation = Creation {
                compressor: Some(Some(json!({"id": "zlib", "level": 1}))),
                filters: Some(Some(vec![json!({"id": "shuffle"})])),
                ..Creation::default()
            };
            copy_all(&source, &root, &dest, options(creation))?
                .copied
                .n_bytes_copied
        }
        "read" => {
            let source = Hdf5Source::open(&file)?;
            let mut bytes = 0;
            for member in source.members(&root)? {
                if let SourceNode::Array(array) = member {
                    bytes += array.read(&Selection::all(), workers())?.buffer.elements.len() as u64;
                }
            }
            bytes
        }
        _ => return Ok(None),
    };
    Ok(Some(Outcome {
        time: timer.elapsed(),
        bytes,
        operations: 1,
        check: 0,
    }))
}
