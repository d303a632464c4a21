//! Files of unknown origin: the command runs itself, in a process with limits.

use std::process::ExitCode;
#[cfg(feature = "hdf5")]
use std::{fs, path::PathBuf, process::Command, time::Duration};

#[cfg(feature = "hdf5")]
use anyhow::Context;
use anyhow::Result;
#[cfg(feature = "hdf5")]
use zarr_convenience::{Error, StoreKind};
#[cfg(feature = "hdf5")]
use zarr_h5bridge::{ChildLimits, run_child};

use crate::{args::Cli, commands};
#[cfg(feature = "hdf5")]
use crate::{
    args::{CopyAllArgs, NodeArgs, Verb},
    cancel,
    locations::locate,
    new_file,
    progress::Display,
};

/// Does what the words say: here, or, if they say so and this is not that process yet, in one with limits.
pub(crate) fn run(cli: &Cli) -> Result<ExitCode> {
    let untrusted = &cli.common.confinement;
    if untrusted.untrusted && untrusted.confined.is_none() {
        run_confined(cli)
    } else {
        commands::run(cli).map(ExitCode::from)
    }
}

#[cfg(not(feature = "hdf5"))]
fn run_confined(_: &Cli) -> Result<ExitCode> {
    let reason = "this build reads no HDF5 files, and has no --untrusted";
    Err(crate::status::usage(reason.to_owned()).into())
}

#[cfg(feature = "hdf5")]
fn run_confined(cli: &Cli) -> Result<ExitCode> {
    let places = read_places(&cli.verb);
    if places.is_empty() {
        return commands::run(cli).map(ExitCode::from);
    }
    let files = files(&places);
    let what = if files.is_empty() {
        places.iter().map(|(text, _)| (*text).to_owned()).collect()
    } else {
        files
            .iter()
            .map(|file| file.display().to_string())
            .collect::<Vec<_>>()
    };
    let size = files.iter().filter_map(|file| fs::metadata(file).ok());
    let size = size.fold(0_u64, |sum, file| sum.saturating_add(file.len()));
    let untrusted = &cli.common.confinement;
    let mut limits = ChildLimits::for_size(size);
    if let Some(seconds) = untrusted.untrusted_time {
        limits = ChildLimits::new(limits.memory, Duration::from_secs(seconds));
    }
    limits.memory = untrusted.untrusted_memory;
    let display = Display::new(&cli.common);
    let how = match display {
        Display::Bar(_) => "events",
        Display::None | Display::Json(_) => "plain",
    };
    let mut program = Command::new(std::env::current_exe().context("finding this program")?);
    program
        .args(["--confined", how])
        .args(std::env::args_os().skip(1));
    let cancel = cancel::on_signals()?;
    let what = what.join(" and ");
    let ended = run_child(&what, program, &limits, &cancel, &mut |line| {
        display.pass_on(line);
    });
    display.clear();
    let status = ended.map_err(|error| {
        remove_debris(&cli.verb);
        with_option(error, &limits)
    })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Names the option that sets the limit which was reached.
#[cfg(feature = "hdf5")]
fn with_option(error: Error, limits: &ChildLimits) -> Error {
    match error {
        Error::Refused { what, reason } => {
            let size = limits.memory.to_string();
            let option = if reason.contains(&size) {
                "--untrusted-memory"
            } else {
                "--untrusted-time"
            };
            Error::Refused {
                what,
                reason: format!("{reason}, limit: {option}"),
            }
        }
        error => error,
    }
}

/// The locations that a verb reads, each with the path that was given apart from it.
#[cfg(feature = "hdf5")]
fn read_places(verb: &Verb) -> Vec<(&str, Option<&str>)> {
    fn node(node: &NodeArgs) -> (&str, Option<&str>) {
        (&node.location, node.path.as_deref())
    }
    match verb {
        Verb::Load(args) => vec![node(&args.node)],
        Verb::Info(args) | Verb::Digest(args) => vec![node(args)],
        Verb::Ls(args) => vec![node(&args.node)],
        Verb::Tree(args) => vec![node(&args.node)],
        Verb::Migrate(args) => vec![node(&args.node)],
        Verb::Attrs(args) => vec![(&args.location, args.path.as_deref())],
        Verb::Copy(args) => vec![(&args.all.source, args.all.source_path.as_deref())],
        Verb::CopyAll(args) => vec![(&args.source, args.source_path.as_deref())],
        // Here the path is not that of a node, and what is read is the store.
        Verb::CopyStore(args) => vec![(&args.source, Some(""))],
        Verb::References(args) => vec![(&args.source, Some(""))],
        Verb::Rechunk(args) => vec![(&args.source, None)],
        Verb::Diff(args) => vec![
            (&args.a, args.a_path.as_deref()),
            (&args.b, args.b_path.as_deref()),
        ],
        _ => Vec::new(),
    }
}

/// Those that are files which are no archives.
#[cfg(feature = "hdf5")]
fn files(places: &[(&str, Option<&str>)]) -> Vec<PathBuf> {
    let locations = places.iter().filter_map(|(text, path)| locate(text, *path).ok());
    locations
        .filter(|location| location.kind() == StoreKind::OtherFile)
        .map(|location| location.store)
        .collect()
}

/// Removes the new file that a process left under its temporary name when it was ended.
#[cfg(feature = "hdf5")]
fn remove_debris(verb: &Verb) {
    let copy = |all: &CopyAllArgs| {
        let location = locate(&all.dest, all.dest_path.as_deref()).ok()?;
        (location.kind() == StoreKind::OtherFile).then_some(location.store)
    };
    let file = match verb {
        Verb::Copy(args) => copy(&args.all),
        Verb::CopyAll(args) => copy(args),
        Verb::Load(args) => args.output.clone(),
        Verb::References(args) => Some(args.output.clone()),
        _ => None,
    };
    if let Some(file) = file {
        new_file::remove_left(&file);
    }
}
