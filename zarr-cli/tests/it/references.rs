//! Documents of references, written and read by the command.

use std::{fs, path::Path};

use crate::place::Place;

fn place(name: &str) -> Place {
    let place = Place::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata")
        .join(name);
    place.write("in/x.h5", &fs::read(path).unwrap());
    place
}

#[test]
fn a_document_is_a_location() {
    let place = place("climate.h5");
    let told = place.done("references in/x.h5 in/x.json");
    assert!(told.contains("chunks referred to"), "{told}");
    assert_eq!(
        place.done("diff in/x.h5 in/x.json"),
        place.done("diff in/x.h5 in/x.h5")
    );
    assert_eq!(place.done("tree in/x.json"), place.done("tree in/x.h5"));
    let load = "load in/x.json/atmosphere/temperature --select 0,0,:4";
    assert_eq!(place.done(load), place.done(&load.replace("json", "h5")));
    assert!(
        place
            .done("info in/x.json/atmosphere/temperature")
            .contains("zlib")
    );
    place.done("copy-all in/x.json out.zarr");
    assert_eq!(place.done("digest out.zarr"), place.done("digest in/x.h5"));
    place.done("copy-store in/x.json raw.zarr");
    assert_eq!(place.done("digest raw.zarr"), place.done("digest in/x.h5"));
    place.refused(
        "create in/x.json/new --shape 3",
        5,
        &["in/x.json", "not supported"],
    );
    // Within limits as well.
    assert_eq!(
        place.done("digest in/x.json --untrusted"),
        place.done("digest in/x.h5")
    );
    let again = place.text("in/x.json");
    place.done("references in/x.h5 in/x.json --untrusted");
    assert_eq!(place.text("in/x.json"), again);
}

#[test]
fn references_stay_beneath_the_document_unless_allowed() {
    let place = place("climate.h5");
    place.done("references in/x.h5 x.json");
    place.done("references in/x.h5 apart.json --url in/x.h5");
    assert_eq!(place.done("digest x.json"), place.done("digest in/x.h5"));
    assert_eq!(place.done("digest apart.json"), place.done("digest in/x.h5"));
    fs::create_dir(place.path("docs")).unwrap();
    fs::rename(place.path("x.json"), place.path("docs/x.json")).unwrap();
    place.refused("digest docs/x.json", 5, &["docs/x.json: ", "lies outside"]);
    assert_eq!(
        place.done("digest docs/x.json --allow-external in"),
        place.done("digest in/x.h5")
    );
    place.write(
        "far.json",
        br#"{"version": 1, "refs": {".zarray": ["s3://bucket/secret", 0, 10]}}"#,
    );
    place.refused("info far.json", 5, &["far.json: .zarray", "s3://"]);
}

#[test]
fn values_of_other_files_are_in_the_document_where_these_are_allowed() {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/hdf5/virtual");
    for name in [
        "main.h5",
        "a.h5",
        "below/b.h5",
        "part-0.h5",
        "part-1.h5",
        "values.raw",
    ] {
        place.write(&format!("in/{name}"), &fs::read(folder.join(name)).unwrap());
    }
    place.done("references in/main.h5 without.json --quiet");
    place.refused("info without.json/stack", 3, &["stack"]);
    place.done("references in/main.h5 with.json --allow-external in --quiet");
    for name in ["stack", "raw", "numbered", "same"] {
        let load = format!("load with.json/{name} --allow-external in");
        let file = format!("load in/main.h5/{name} --allow-external in");
        assert_eq!(place.done(&load), place.done(&file), "{name}");
    }
}

#[test]
fn what_is_left_out_is_told_and_strict_writes_nothing() {
    let place = place("hostile/outside.h5");
    let run = place.run("references in/x.h5 x.json --json");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let lost: Vec<_> = told["lost"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lost| &lost["what"])
        .collect();
    assert_eq!(lost, ["/link", "/raw", "/soft", "/virtual"]);
    assert_eq!((&told["n_nodes"], &told["n_inlined"]), (&2.into(), &1.into()));
    let run = place.run("references in/x.h5 y.json");
    assert!(
        run.stderr
            .contains("zarr: not referred to: /virtual: virtual dataset"),
        "{}",
        run.stderr
    );
    let strict = place.run("references in/x.h5 z.json --strict");
    assert_eq!(strict.status, 1, "{}", strict.stderr);
    assert!(
        strict.stderr.contains("4 things cannot be referred to"),
        "{}",
        strict.stderr
    );
    let names: Vec<_> = place
        .files()
        .into_keys()
        .filter(|path| path.to_string_lossy().contains("z.json"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
    place.refused("references far.h5 x.json", 3, &["far.h5"]);
    place.write("no.h5", b"no HDF5");
    place.refused("references no.h5 x.json", 4, &["no.h5"]);
}

#[test]
fn a_document_that_is_wrong_names_the_member() {
    let place = Place::new();
    place.write("x.json", br#"{"version": 1, "refs": {"a/../b": "x"}}"#);
    place.refused("tree x.json", 4, &["x.json", "/refs/a/../b"]);
    place.write("x.json", br#"{"version": 1, "gen": [{"key": "a"}], "refs": {}}"#);
    place.refused("tree x.json", 4, &["x.json", "/gen"]);
}
