//! `zarr conformance-read`: what the field's conformance suite asks of a reader.

use std::{
    io::{BufWriter, Write},
    sync::Arc,
};

use anyhow::{Context, Result};
use clap::Args;
use zarr_convenience::core::{Array, NodePath, Selection, codecs::FillValue, store::DirectoryStore};

use crate::{args::Common, locations::options};

pub(crate) const HELP: &str = "Example: zarr conformance-read --array_path=out.zarr/temperature";

#[derive(Debug, Args)]
pub(crate) struct ConformanceReadArgs {
    /// The directory of the array
    #[arg(long = "array_path", value_name = "DIR")]
    pub(crate) array_path: String,
}

/// Prints every element in C order, each on a line, in the form that a fill value has in JSON.
pub(crate) fn run(args: &ConformanceReadArgs, common: &Common) -> Result<()> {
    let store = Arc::new(DirectoryStore::open(&args.array_path)?);
    let array = Array::open(store, &NodePath::root(), &options(common))?;
    let data = array.read_data(&Selection::all())?;
    let data_type = &data.data_type;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut line = |element: &[u8]| -> Result<()> {
        let value = FillValue::new(element).to_json(data_type)?;
        writeln!(out, "{value}").context("writing")
    };
    if data_type.is_variable() {
        data.buffer.as_ref().items().try_for_each(&mut line)?;
    } else {
        let size = data_type.size().unwrap_or(1).max(1);
        data.buffer.elements.chunks_exact(size).try_for_each(&mut line)?;
    }
    out.flush().context("writing")
}
