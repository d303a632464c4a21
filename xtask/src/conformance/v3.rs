//! Stores of libraries that write V3, copied on several ways and opened again by those libraries.
//!
//! `xtask/peers/peer_v3.py` makes the stores and reads the copies.

use std::{fmt::Write as _, fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{page::Page, process};
use crate::peers::python_in;

const USAGE: &str = "usage: conformance v3 [--peers DIR] [--out FILE.md]";
const TIME_LIMIT: Duration = Duration::from_secs(600);
/// The environment that has the libraries.
const ENVIRONMENT: &str = "v3x";

/// A way: its directory, its title, the ending of what is made, what copies are told, and of copies back if there are.
struct Way {
    name: &'static str,
    title: &'static str,
    ending: &'static str,
    there: &'static [&'static str],
    back: Option<&'static [&'static str]>,
}

const WAYS: [Way; 6] = [
    Way {
        name: "v3",
        title: "V3, without shards",
        ending: "zarr",
        there: &["--zarr-format", "3", "--shards", "none"],
        back: None,
    },
    Way {
        name: "zip",
        title: "V3 in ZIP",
        ending: "zip",
        there: &["--zarr-format", "3"],
        back: None,
    },
    Way {
        name: "v2",
        title: "V2",
        ending: "zarr",
        there: &["--zarr-format", "2"],
        back: None,
    },
    Way {
        name: "null",
        title: "V2, `--fill-value null`",
        ending: "zarr",
        there: &["--zarr-format", "2", "--fill-value", "null"],
        back: None,
    },
    Way {
        name: "v2back",
        title: "V2 and back",
        ending: "zarr",
        there: &["--zarr-format", "2"],
        back: Some(&["--zarr-format", "3"]),
    },
    Way {
        name: "hdf5",
        title: "HDF5 and back",
        ending: "h5",
        there: &[],
        back: Some(&["--zarr-format", "3"]),
    },
];

/// What is known to differ: words of what is told, the way, and why.
const DECLARED: [(&str, &[&str], &str); 3] = [
    (
        "in xarray, ",
        &["v2"],
        "of V2 xarray takes every element that equals the fill value for a missing one: `--fill-value null` makes copies without it",
    ),
    (
        "attributes of /",
        &["hdf5"],
        "an attribute that is an object with lists has no form in HDF5, and the copy names it",
    ),
    (
        "not <U3",
        &["hdf5"],
        "texts of fixed length are texts of any length in HDF5, and come back so",
    ),
];

/// Runs the comparison; `Ok(false)` if anything differed that is not declared.
pub(super) fn run(arguments: &[String]) -> Result<bool> {
    let page_of = Page::parse(arguments, USAGE)?;
    let home = &page_of.home;
    if !python_in(home, ENVIRONMENT).exists() {
        println!("skipped: the environment {ENVIRONMENT} is not there; cargo xtask peers makes it");
        return Ok(true);
    }
    let zarr = crate::built_command()?;
    let place = tempfile::tempdir()?;
    let place = place.path();
    fs::create_dir(place.join("original"))?;
    let made = ask(home, &["make".as_ref(), place.as_os_str()])?;
    let names = made["stores"].as_array().context("no stores are told")?;
    let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
    let mut found = Vec::new();
    for way in &WAYS {
        fs::create_dir(place.join(way.name))?;
        for name in &names {
            copy(&zarr, place, way, name).with_context(|| format!("{}: {name}", way.title))?;
        }
        found.push(ask(
            home,
            &["check".as_ref(), place.as_os_str(), way.name.as_ref()],
        )?);
    }
    let (text, undeclared) = page(&names, &made["versions"], &found);
    page_of.write(&text)?;
    for line in &undeclared {
        println!("differs: {line}");
    }
    println!(
        "{} stores, {} ways, {} differences not declared",
        names.len(),
        WAYS.len(),
        undeclared.len()
    );
    Ok(undeclared.is_empty())
}

fn copy(zarr: &Path, place: &Path, way: &Way, name: &str) -> Result<()> {
    let original = place.join("original").join(format!("{name}.zarr"));
    let there = place.join(way.name).join(format!(
        "{name}.{}",
        if way.back.is_some() {
            format!("there.{}", way.ending)
        } else {
            way.ending.to_owned()
        }
    ));
    copy_one(zarr, &original, &there, way.there)?;
    way.back.map_or(Ok(()), |options| {
        copy_one(
            zarr,
            &there,
            &place.join(way.name).join(format!("{name}.zarr")),
            options,
        )
    })
}

fn copy_one(zarr: &Path, source: &Path, dest: &Path, options: &[&str]) -> Result<()> {
    let mut command = Command::new(zarr);
    command
        .arg("copy-all")
        .args([source, dest])
        .args(options)
        .arg("--quiet");
    succeed(&mut command).map(drop)
}

fn ask(home: &Path, words: &[&std::ffi::OsStr]) -> Result<Value> {
    let mut command = Command::new(python_in(home, ENVIRONMENT));
    command
        .arg(crate::root()?.join("xtask/peers/peer_v3.py"))
        .args(words)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(serde_json::from_str(&succeed(&mut command)?.join("\n"))?)
}

fn succeed(command: &mut Command) -> Result<Vec<String>> {
    let ended = process::run(command, TIME_LIMIT)?;
    ensure!(
        ended.status.is_some_and(|status| status.success()),
        "{}",
        ended.complaint.trim()
    );
    Ok(ended.lines)
}

/// The number of the declaration that what is told is under, from 1.
fn declared(way: &str, told: &str) -> Option<usize> {
    let is_meant = |(words, ways, _): &(&str, &[&str], &str)| told.contains(words) && ways.contains(&way);
    DECLARED.iter().position(is_meant).map(|place| place + 1)
}

/// The page, and what is not declared.
fn page(names: &[&str], versions: &Value, found: &[Value]) -> (String, Vec<String>) {
    let (mut text, mut undeclared) = (HEAD.to_owned(), Vec::new());
    let versions: Vec<_> = versions
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let titles: Vec<_> = WAYS.iter().map(|way| way.title).collect();
    let _ = writeln!(
        text,
        "{}.\n\n| store of | {} |\n|---|{}",
        versions.join("; "),
        titles.join(" | "),
        "---|".repeat(WAYS.len())
    );
    for name in names {
        let cells = WAYS
            .iter()
            .zip(found)
            .map(|(way, found)| match found[*name].as_str() {
                Some("") => "=".to_owned(),
                told => {
                    let told = told.unwrap_or("nothing is told");
                    declared(way.name, told).map_or_else(
                        || {
                            undeclared.push(format!("{}: {name}: {told}", way.title));
                            "!".to_owned()
                        },
                        |number| number.to_string(),
                    )
                }
            });
        let _ = writeln!(text, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    text.push('\n');
    for (place, (_, _, reason)) in DECLARED.iter().enumerate() {
        let _ = writeln!(text, "{}. {reason}", place + 1);
    }
    (text, undeclared)
}

const HEAD: &str = "\
# V3 as others write it

`cargo xtask conformance v3 --out docs/conformance-v3.md` makes this page.
Libraries write stores of V3, which are copied and opened again.

zarr-python 3 reads the same types, values and attributes in every copy; xarray opens its copies and finds equal variables; anndata and ngff-zarr read theirs.
`=` is the same; a number is one of the list below.

";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_stands_in_its_cell_and_is_told() {
        let mut found = vec![json!({"a": ""}); WAYS.len()];
        found[2] = json!({"a": "in xarray, zeros"});
        found[4] = json!({"a": "values of /x"});
        let (text, undeclared) = page(&["a"], &json!(["zarr 3"]), &found);
        assert!(text.contains("| a | = | = | 1 | = | ! | = |"), "{text}");
        assert_eq!(undeclared, ["V2 and back: a: values of /x"]);
    }
}
