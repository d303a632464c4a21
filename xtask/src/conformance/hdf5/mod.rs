//! Every type of HDF5 in every layout and through every filter, and files of libraries: into Zarr V2 and V3 and back.
//!
//! `xtask/peers/peer_hdf5.py` makes the files with h5py and the libraries, reads the copies with zarr-python 2 and 3,
//! and compares the files that come back with the first by h5py and by the program h5diff.

mod declared;
mod report;

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use self::report::{Finding, Names, Report};
use super::{page::Page, process};
use crate::peers::python_in;

/// How long a program may take.
const TIME_LIMIT: Duration = Duration::from_secs(1200);

const USAGE: &str = "usage: conformance hdf5 [--peers DIR] [--out FILE.md]";

/// The environment that has h5py and the libraries.
const HDF5: &str = "hdf5";

/// A way from a file to another.
pub(super) struct Way {
    /// The name of its directory; of Zarr, the environment that reads it stands first.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// The format of Zarr in between, if any.
    format: Option<&'static str>,
    /// What the copies are told besides.
    options: &'static [&'static str],
}

pub(super) const WAYS: [Way; 5] = [
    Way {
        name: "v2",
        title: "V2",
        format: Some("2"),
        options: &[],
    },
    Way {
        name: "v3",
        title: "V3",
        format: Some("3"),
        options: &[],
    },
    Way {
        name: "v2-kept",
        title: "V2, `--keep-codecs`",
        format: Some("2"),
        options: &["--keep-codecs"],
    },
    Way {
        name: "v3-kept",
        title: "V3, `--keep-codecs`",
        format: Some("3"),
        options: &["--keep-codecs"],
    },
    Way {
        name: "hdf5",
        title: "HDF5",
        format: None,
        options: &["--keep-codecs"],
    },
];

/// Runs the comparison; `Ok(false)` if anything differed that is not declared.
pub(super) fn run(arguments: &[String]) -> Result<bool> {
    let page_of = Page::parse(arguments, USAGE)?;
    let home = &page_of.home;
    for name in [HDF5, "v2", "v3"] {
        if !python_in(home, name).exists() {
            println!("skipped: the environment {name} is not there; cargo xtask peers makes it");
            return Ok(true);
        }
    }
    if Command::new("h5diff").arg("--version").output().is_err() {
        println!("skipped: the program h5diff, which comes with HDF5, is not there");
        return Ok(true);
    }
    let report = compare(home)?;
    let text = report.markdown();
    page_of.write(&text)?;
    for finding in report.undeclared() {
        println!("differs: {finding}");
    }
    println!("{}", report.totals());
    Ok(report.undeclared().next().is_none())
}

/// Makes the files, copies them on all ways and has the copies compared.
fn compare(home: &Path) -> Result<Report> {
    let zarr = crate::built_command()?;
    let place = tempfile::tempdir()?;
    let peer = Peer {
        home,
        directory: place.path(),
    };
    let names = Names::new(&peer.ask(HDF5, &["make"])?)?;
    let mut report = Report::new(names, &peer.ask(HDF5, &["expect"])?)?;
    for way in &WAYS {
        copy(&zarr, place.path(), way, report.files())?;
        let mut looks = vec![(HDF5, "file"), (HDF5, "h5diff")];
        if way.format.is_some() {
            looks.insert(0, (&way.name[..2], "zarr"));
        }
        for (environment, look) in looks {
            let found = peer.ask(environment, &[look, way.name])?;
            report.add_version(found["version"].as_str().context("no version is told")?);
            for (file, differing) in found["differing"]
                .as_object()
                .context("no differences are told")?
            {
                for (path, told) in differing.as_object().into_iter().flatten() {
                    report.add(Finding {
                        way: way.name,
                        look,
                        file: file.clone(),
                        path: path.clone(),
                        told: told.as_str().unwrap_or_default().to_owned(),
                    });
                }
            }
        }
    }
    Ok(report)
}

/// Copies every file on a way; what the command tells lies beside the copies.
fn copy<'a>(zarr: &Path, directory: &Path, way: &Way, files: impl Iterator<Item = &'a str>) -> Result<()> {
    let copies = directory.join(way.name);
    fs::create_dir(&copies)?;
    for file in files {
        let original = directory.join("original").join(file);
        let back = copies.join(format!("{file}.h5"));
        let Some(format) = way.format else {
            copy_one(
                zarr,
                &original,
                &back,
                way.options,
                &copies.join(format!("{file}.back.json")),
            )?;
            continue;
        };
        let store = copies.join(format!("{file}.zarr"));
        let there = [way.options, &["--zarr-format", format]].concat();
        copy_one(
            zarr,
            &original,
            &store,
            &there,
            &copies.join(format!("{file}.there.json")),
        )?;
        copy_one(
            zarr,
            &store,
            &back,
            way.options,
            &copies.join(format!("{file}.back.json")),
        )?;
    }
    Ok(())
}

fn copy_one(zarr: &Path, source: &Path, dest: &Path, options: &[&str], told: &Path) -> Result<()> {
    let mut command = Command::new(zarr);
    command
        .arg("copy-all")
        .args([source, dest])
        .args(options)
        .args(["--json", "--quiet"]);
    let lines = succeed(
        &mut command,
        &format!("copying {} to {}", source.display(), dest.display()),
    )?;
    Ok(fs::write(told, lines.join("\n"))?)
}

fn succeed(command: &mut Command, what: &str) -> Result<Vec<String>> {
    let ended = process::run(command, TIME_LIMIT)?;
    ensure!(
        ended.status.is_some_and(|status| status.success()),
        "{what}: {}",
        ended.complaint.trim()
    );
    Ok(ended.lines)
}

/// The script on the other side.
struct Peer<'a> {
    home: &'a Path,
    directory: &'a Path,
}

impl Peer<'_> {
    /// Runs a verb in an environment; gives what it prints.
    fn ask(&self, environment: &str, words: &[&str]) -> Result<Value> {
        let [verb, rest @ ..] = words else {
            bail!("the script has no verb")
        };
        let mut command = Command::new(python_in(self.home, environment));
        command
            .arg(crate::root()?.join("xtask/peers/peer_hdf5.py"))
            .arg(verb)
            .arg(self.directory)
            .args(rest)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let what = format!("{} in {environment}", words.join(" "));
        let lines = succeed(&mut command, &what)?;
        serde_json::from_str(&lines.join("\n")).with_context(|| format!("what {what} prints"))
    }
}
