//! `zarr references`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::args::Common;

pub(crate) const HELP: &str = "\
The document is in kerchunk's format, and every verb that reads takes it as a location; fsspec opens it as well.

Example: zarr references data.h5 data.json
         zarr references data.h5 data.json --url data.h5 --strict
         zarr load data.json/ocean/sst --select 0";

#[derive(Debug, Args)]
pub(crate) struct ReferencesArgs {
    /// The HDF5 file
    pub(crate) source: String,
    /// The document to write; one that is there is replaced when the new one is complete
    pub(crate) output: PathBuf,
    /// The address of the file in the document, such as a path from the document's directory; its full path if not given
    #[arg(long)]
    url: Option<String>,
    /// Put chunks of at most so many bytes into the document
    #[arg(long, value_name = "SIZE", value_parser = crate::args::parse_size, default_value = "500")]
    inline: u64,
    /// Put at most so many bytes of an array into the document that cannot be referred to
    #[arg(long, value_name = "SIZE", value_parser = crate::args::parse_size, default_value = "1M")]
    inline_array: u64,
    /// Write nothing if anything is left out
    #[arg(long)]
    strict: bool,
}

#[cfg(not(feature = "hdf5"))]
pub(crate) fn run(args: &ReferencesArgs, _: &Common) -> Result<()> {
    let _ = (
        &args.output,
        &args.url,
        args.inline,
        args.inline_array,
        args.strict,
    );
    let reason = format!("{}: this build reads no HDF5 files", args.source);
    Err(crate::status::usage(reason).into())
}

#[cfg(feature = "hdf5")]
pub(crate) fn run(args: &ReferencesArgs, common: &Common) -> Result<()> {
    use std::{io::Write, path::Path};

    use anyhow::{Context, anyhow};
    use serde_json::json;
    use zarr_convenience::count_text;
    use zarr_h5bridge::{Hdf5Store, ReferenceOptions, write_references};

    use crate::{cancel, locations::check_hdf5, new_file::NewFile, output, status::printable};

    check_hdf5(Path::new(&args.source))?;
    let store = Hdf5Store::open(&args.source)?.allowing_external(&common.allow_external)?;
    let url = match &args.url {
        Some(url) => url.clone(),
        None => format!("file://{}", std::fs::canonicalize(&args.source)?.display()),
    };
    let options = ReferenceOptions {
        chunk_size_max: args.inline,
        array_size_max: args.inline_array,
        cancel: cancel::on_signals()?,
        ..ReferenceOptions::new(url)
    };
    let shown = args.output.display().to_string();
    let new = NewFile::beside(&args.output)?;
    let mut file = new.create().with_context(|| shown.clone())?;
    let report = write_references(&store, &options, &mut file).with_context(|| shown.clone())?;
    file.flush().with_context(|| shown.clone())?;
    if !common.quiet && !common.json || args.strict && !report.lost.is_empty() {
        for lost in &report.lost {
            let text = format!("zarr: not referred to: {}: {}", lost.what, lost.reason);
            output::notice(&printable(&text));
        }
    }
    if args.strict && !report.lost.is_empty() {
        let n = report.lost.len();
        let things = if n == 1 { "thing" } else { "things" };
        return Err(anyhow!(
            "{n} {things} cannot be referred to, and --strict was given; nothing was written"
        ));
    }
    drop(file);
    new.replace()?;
    if common.json {
        let lost = report.lost.iter();
        let lost: Vec<_> = lost
            .map(|lost| json!({"what": lost.what, "reason": lost.reason}))
            .collect();
        return output::json(&json!({
            "output": shown,
            "url": options.url,
            "n_nodes": report.n_nodes,
            "n_referred": report.n_referred,
            "n_bytes_referred": report.n_bytes_referred,
            "n_inlined": report.n_inlined,
            "n_bytes_inlined": report.n_bytes_inlined,
            "lost": lost,
        }));
    }
    output::line(&format!(
        "{} chunks referred to ({} bytes), {} in the document ({} bytes)",
        count_text(report.n_referred),
        count_text(report.n_bytes_referred),
        count_text(report.n_inlined),
        count_text(report.n_bytes_inlined),
    ))
}
