//! Converts an HDF5 file into a Zarr hierarchy: `convert FILE.h5 OUT.zarr [2|3]`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal"
)]

use std::{env, process::ExitCode, sync::Arc, time::Instant};

use zarr_convenience::core::{Group, NodePath, Options, ZarrFormat, store::DirectoryStore};
use zarr_convenience::{CopyOptions, Error, Report, copy_all};
use zarr_h5bridge::Hdf5Source;

fn convert(input: &str, output: &str, format: ZarrFormat) -> Result<Report, Error> {
    let source = Hdf5Source::open(input)?;
    let store = Arc::new(DirectoryStore::create(output)?);
    let dest = Group::create(store, &NodePath::root(), format, &Options::default())?;
    copy_all(&source, &NodePath::root(), &dest, CopyOptions::default())
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [input, output, rest @ ..] = &arguments[..] else {
        eprintln!("usage: convert FILE.h5 OUT.zarr [2|3]");
        return ExitCode::from(2);
    };
    let format = if rest.first().is_some_and(|format| format == "3") {
        ZarrFormat::V3
    } else {
        ZarrFormat::V2
    };
    let start = Instant::now();
    match convert(input, output, format) {
        Ok(report) => {
            println!(
                "{}, {:.3} s",
                report.copied.summary(false),
                start.elapsed().as_secs_f64()
            );
            for lost in report.lost {
                println!("lost: {}: {}", lost.what, lost.reason);
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("convert: {error}");
            ExitCode::FAILURE
        }
    }
}
