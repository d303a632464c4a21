//! Virtual datasets and external raw data: `hdf5/virtual/main.h5`, and in `expected.h5` what h5py reads of them.

use std::fs;
use std::path::{Path, PathBuf};

use zarr_convenience::core::{NodePath, Selection, Workers};
use zarr_convenience::{Fate, Source, SourceNode};
use zarr_h5bridge::Hdf5Source;

use super::bridge::{array, convert, find, source, source_array};
use super::testdata;

const NAMES: [&str; 13] = [
    "absent",
    "gaps",
    "grow",
    "grow_in_blocks",
    "nested",
    "numbered",
    "pairs",
    "raw",
    "same",
    "stack",
    "steps",
    "texts",
    "own",
];

fn allowing(path: &Path, directory: &Path) -> Hdf5Source {
    let source = Hdf5Source::open(path).unwrap();
    source.allowing_external(&[directory.to_owned()]).unwrap()
}

fn main_file() -> Hdf5Source {
    let folder = testdata("hdf5/virtual");
    allowing(&folder.join("main.h5"), &folder)
}

/// The members that are no arrays, each with the reason.
fn others(source: &Hdf5Source) -> Vec<(String, String)> {
    let members = source.members(&NodePath::root()).unwrap();
    let other = |node| match node {
        SourceNode::Other { path, what } => Some((path.name().to_owned(), what)),
        _ => None,
    };
    members.into_iter().filter_map(other).collect()
}

#[test]
fn values_are_those_that_h5py_reads() {
    let (found, expected) = (main_file(), source("hdf5/virtual/expected.h5"));
    for name in NAMES.into_iter().filter(|name| *name != "own") {
        let (found, expected) = (source_array(&found, name), source_array(&expected, name));
        assert_eq!(found.shape(), expected.shape(), "{name}");
        let read = |array: &dyn zarr_convenience::SourceArray| {
            let data = array.read(&Selection::all(), Workers::new(2)).unwrap();
            (
                data.data_type.clone(),
                data.buffer.elements.len(),
                format!("{:?}", data.buffer),
            )
        };
        assert_eq!(read(found.as_ref()), read(expected.as_ref()), "{name}");
    }
}

#[test]
fn parts_are_those_of_the_whole() {
    let (found, expected) = (main_file(), source("hdf5/virtual/expected.h5"));
    let boxes: [(&str, &[u64], &[u64]); 9] = [
        ("stack", &[0, 1, 2], &[3, 2, 3]),
        ("stack", &[2, 3, 5], &[1, 1, 1]),
        ("steps", &[1, 1], &[4, 2]),
        ("gaps", &[3], &[4]),
        ("gaps", &[50], &[5]),
        ("nested", &[1, 2], &[1, 3]),
        ("numbered", &[3], &[8]),
        ("grow_in_blocks", &[4], &[10]),
        ("raw", &[0, 3], &[3, 2]),
    ];
    for (name, start, shape) in boxes {
        let selection = Selection::region(start, shape);
        let read = |source: &Hdf5Source| {
            let data = source_array(source, name).read(&selection, Workers::ONE).unwrap();
            data.buffer.elements
        };
        assert_eq!(read(&found), read(&expected), "{name} {start:?}");
    }
}

#[test]
fn other_files_are_refused_unless_their_directory_is_named() {
    let own = source("hdf5/virtual/main.h5");
    let refused = others(&own);
    let names: Vec<_> = refused.iter().map(|(name, _)| name.as_str()).collect();
    let expected = NAMES.into_iter().filter(|name| !["same", "own"].contains(name));
    assert_eq!(names, expected.collect::<Vec<_>>());
    for (name, what) in &refused {
        let start = if name == "raw" {
            "dataset whose data lie in other files: "
        } else {
            "virtual dataset, whose data lie in others: "
        };
        assert!(
            what.starts_with(start) && what.contains("none are allowed"),
            "{name}: {what}"
        );
    }
    let (dest, report) = convert(&own);
    assert!(find(&dest, "stack").is_none());
    assert_eq!(
        array(&dest, "same").read_vec::<i32>(&Selection::all()).unwrap()[..5],
        [0, 2, 4, 6, 8]
    );
    assert_eq!(report.lost.len(), refused.len());
}

/// The files in a directory of their own, with others beside it.
fn apart() -> (tempfile::TempDir, PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().join("in");
    fs::create_dir_all(folder.join("below")).unwrap();
    for name in [
        "main.h5",
        "a.h5",
        "below/b.h5",
        "part-0.h5",
        "part-1.h5",
        "part-2.h5",
        "values.raw",
    ] {
        fs::copy(testdata("hdf5/virtual").join(name), folder.join(name)).unwrap();
    }
    (top, folder)
}

#[cfg(unix)]
#[test]
fn a_link_to_beyond_the_directory_is_refused() {
    let (top, folder) = apart();
    fs::rename(folder.join("a.h5"), top.path().join("a.h5")).unwrap();
    std::os::unix::fs::symlink("../a.h5", folder.join("a.h5")).unwrap();
    let main = folder.join("main.h5");
    let refused = others(&allowing(&main, &folder));
    let stack = refused.iter().find(|(name, _)| name == "stack").unwrap();
    assert!(
        stack.1.contains("`a.h5` lies beyond the directories"),
        "{}",
        stack.1
    );
    assert!(others(&allowing(&main, top.path())).is_empty());
}

#[cfg(unix)]
#[test]
fn a_refused_source_of_a_source_ends_nothing_but_its_array() {
    let (top, folder) = apart();
    fs::copy(testdata("hdf5/virtual/outer.h5"), folder.join("outer.h5")).unwrap();
    let source = allowing(&folder.join("outer.h5"), &folder);
    let (dest, report) = convert(&source);
    assert!(report.lost.is_empty(), "{:?}", report.lost);
    let values = |name: &str| array(&dest, name).read_vec::<f64>(&Selection::all()).unwrap();
    assert_eq!(values("outermost"), values("outer"));

    fs::rename(folder.join("a.h5"), top.path().join("a.h5")).unwrap();
    std::os::unix::fs::symlink("../a.h5", folder.join("a.h5")).unwrap();
    let (dest, report) = convert(&allowing(&folder.join("outer.h5"), &folder));
    let lost: Vec<_> = report.lost.iter().map(|lost| &*lost.what).collect();
    assert_eq!(lost, ["/outer", "/outermost"]);
    for lost in &report.lost {
        let reason = &lost.reason;
        assert!(
            reason.contains("`/stack` in ") && reason.contains("`a.h5` lies beyond"),
            "{reason}"
        );
    }
    let kept = array(&dest, "kept").read_vec::<i64>(&Selection::all()).unwrap();
    assert_eq!(kept, [0, 1, 2]);
}

#[test]
fn what_is_not_there_is_the_fill_value_and_told() {
    let (_top, folder) = apart();
    fs::remove_file(folder.join("part-1.h5")).unwrap();
    let source = allowing(&folder.join("main.h5"), &folder);
    let (dest, report) = convert(&source);
    let lost: Vec<_> = report
        .lost
        .iter()
        .map(|lost| (&*lost.what, &*lost.reason))
        .collect();
    assert_eq!(
        lost,
        [(
            "/absent",
            "its source `absent.h5` is not there: the fill value is in its place"
        )]
    );
    assert_eq!(
        array(&dest, "absent").read_vec::<i32>(&Selection::all()).unwrap(),
        [-9, -9, -9, -9, -9, -9, 18, 21, 24, 27, 30, 33]
    );
    // Numbers end with the first that is not there.
    assert_eq!(array(&dest, "numbered").shape(), [4]);
    let mapped: Vec<_> = report
        .kept
        .iter()
        .filter(|kept| {
            kept.fate == Fate::Mapped && kept.reason.contains("which are copied from `values.raw`")
                || kept
                    .reason
                    .contains("a virtual dataset, whose values are copied from")
        })
        .map(|kept| &*kept.what)
        .collect();
    let expected: Vec<_> = NAMES
        .into_iter()
        .filter(|name| !["own", "absent"].contains(name))
        .map(|name| format!("/{name}"))
        .collect();
    assert_eq!(mapped, expected);
}

#[test]
fn a_file_that_ends_early_is_an_error() {
    let (_top, folder) = apart();
    fs::write(folder.join("values.raw"), [0; 20]).unwrap();
    let source = allowing(&folder.join("main.h5"), &folder);
    let error = source_array(&source, "raw")
        .read(&Selection::all(), Workers::ONE)
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("`/raw`") && error.contains("`values.raw` ends before its values do"),
        "{error}"
    );
    fs::write(folder.join("a.h5"), b"no HDF5").unwrap();
    let error = source_array(&source, "steps")
        .read(&Selection::all(), Workers::ONE)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`/steps`") && error.contains("a.h5` is not an HDF5 file"),
        "{error}"
    );
}

#[test]
fn datasets_that_are_their_own_sources_are_refused() {
    let source = source("hdf5/virtual/loops.h5");
    let refused = others(&source);
    let names: Vec<_> = refused.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b", "itself"]);
    assert!(
        refused
            .iter()
            .all(|(_, what)| what.contains("a source of itself")),
        "{refused:?}"
    );
}
