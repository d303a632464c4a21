//! The workloads of HDF5 files.

use std::path::Path;

use anyhow::Result;
use zarr_convenience::{CopyOptions, Source, SourceNode, copy_all};
use zarr_core::{NodePath, Selection, ZarrFormat};
use zarr_h5bridge::Hdf5Source;

use crate::{Outcome, Timer, out_group, workers};

/// Copies a file to Zarr, or reads it.
pub(crate) fn run(dir: &Path, name: &str, operation: &str) -> Result<Option<Outcome>> {
    let file = dir.join("h5").join(format!("{name}.h5"));
    let root = NodePath::root();
    let timer = Timer::start();
    let bytes = match operation {
        "to-zarr" => {
            let dest = out_group(dir, ZarrFormat::V2)?;
            let how = CopyOptions {
                workers: workers(),
                ..CopyOptions::default()
            };
            copy_all(&Hdf5Source::open(&file)?, &root, &dest, how)?
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
