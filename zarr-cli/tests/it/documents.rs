//! The pages of `docs/` whose commands are run, so that what they say stays true.
//!
//! A block of `console` has commands after `$ ` and what they print. The commands of a page are run one after the other
//! by a shell in one directory. A JSON document may be broken into lines on the page, and `"..."` in it stands for
//! anything.

#![cfg(unix)]

use std::{env, fs, path::Path, process::Command};

use serde_json::Value;

use crate::place::Place;

/// A command of a page, and what it prints.
struct Shown {
    command: String,
    expected: String,
}

fn shown(page: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut is_console = false;
    for line in page.lines() {
        match line {
            "```console" => is_console = true,
            "```" => is_console = false,
            _ if !is_console => {}
            _ => {
                if let Some(command) = line.strip_prefix("$ ") {
                    all.push(Shown {
                        command: command.to_owned(),
                        expected: String::new(),
                    });
                } else {
                    let shown = all.last_mut().unwrap();
                    shown.expected.extend([line, "\n"]);
                }
            }
        }
    }
    all
}

/// A directory with the files that pages begin with.
fn place() -> Place {
    let place = Place::new();
    place.npy("t.npy", &[2, 3], &[0, 1, 2, 3, 4, 5]);
    place.npy("p.npy", &[6], &[10, 11, 12, 13, 14, 15]);
    place.npy("q.npy", &[6], &[10, 11, 12, 13, 14, 99]);
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    for name in ["climate.h5", "archive.h5"] {
        fs::copy(testdata.join("climate.h5"), place.path(name)).unwrap();
    }
    place
}

/// Runs a command as a user at a terminal would see it: errors among what is printed.
fn run(place: &Place, command: &str) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_zarr")).parent().unwrap();
    let mut path = bin.as_os_str().to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .env("PATH", path)
        .current_dir(place.path(""))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a document is as shown.
fn matches(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (_, Value::String(any)) if any == "..." => true,
        (Value::Object(found), Value::Object(expected)) => {
            found.keys().eq(expected.keys())
                && found
                    .iter()
                    .zip(expected)
                    .all(|((_, found), (_, expected))| matches(found, expected))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found
                    .iter()
                    .zip(expected)
                    .all(|(found, expected)| matches(found, expected))
        }
        _ => found == expected,
    }
}

#[track_caller]
fn check(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    let page = fs::read_to_string(&file).unwrap();
    let place = place();
    for Shown { command, expected } in shown(&page) {
        if command.starts_with("h5diff ") && !run(&place, "h5diff --version").starts_with("h5diff: ") {
            // The tools of HDF5 need not be there.
            continue;
        }
        let found = run(&place, &command);
        let documents = (serde_json::from_str(&found), serde_json::from_str(&expected));
        let is_same = match documents {
            (Ok(found), Ok(expected)) => matches(&found, &expected),
            _ => found == expected,
        };
        assert!(
            is_same,
            "{name}: $ {command}\n{found}\nis not what the page shows:\n{expected}"
        );
    }
}

#[test]
fn the_ten_tasks_print_what_the_page_shows() {
    check("tasks.md");
}

#[cfg(feature = "hdf5")]
#[test]
fn the_guide_to_an_archive_prints_what_the_page_shows() {
    check("hdf5.md");
}

#[cfg(feature = "hdf5")]
#[test]
fn the_page_of_v3_prints_what_it_shows() {
    check("v3.md");
}

#[test]
fn the_documents_of_all_verbs_are_as_described() {
    check("json.md");
}

#[test]
fn every_verb_has_its_document_described() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/json.md");
    let page = fs::read_to_string(file).unwrap();
    let help = Place::new().done("--help");
    let verbs = help
        .split_once("Commands:")
        .unwrap()
        .1
        .split_once("\n\n")
        .unwrap()
        .0;
    for verb in verbs.lines().filter_map(|line| line.split_whitespace().next()) {
        let is_shown = shown(&page).iter().any(|shown| {
            shown.command.starts_with(&format!("zarr {verb} ")) && shown.command.contains(" --json")
        });
        assert!(
            is_shown || verb == "help",
            "docs/json.md does not show zarr {verb}"
        );
    }
}
