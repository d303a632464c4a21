//! `odd.h5`, which has what no Zarr hierarchy can have as it is, and files that are damaged.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use zarr_convenience::core::codecs::DataType;
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{Group, Node, NodePath, Options, Selection, Workers, ZarrFormat, walk};
use zarr_convenience::{CopyOptions, Source, SourceNode, TreeOptions, copy_all, tree};
use zarr_h5bridge::{Hdf5Source, hdf5};

use super::bridge::{array, convert, find, source, source_array};
use super::{bytes, testdata};

fn others(source: &Hdf5Source, path: &str) -> Vec<(String, String)> {
    let members = source.members(&NodePath::new(path).unwrap()).unwrap();
    let other = |node| match node {
        SourceNode::Other { path, what } => Some((path.to_string(), what)),
        _ => None,
    };
    members.into_iter().filter_map(other).collect()
}

#[test]
fn b45_links_that_lead_to_no_node_are_shown_and_reported() {
    let source = source("odd.h5");
    let found = others(&source, "links");
    let expected = [
        ("/links/broken", "broken link to '/absent/below': "),
        ("/links/circle", "broken link to '/links/circle': too many"),
        ("/links/elsewhere", "external link to '/x' in 'absent.h5'"),
        ("/links/type", "named data type"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((path, what), (expected_path, start)) in found.iter().zip(expected) {
        assert!(path == expected_path && what.starts_with(start), "{path}: {what}");
    }
    let (dest, report) = convert(&source);
    assert!(find(&dest, "links/broken").is_none());
    assert!(report.lost.iter().any(|lost| lost.what == "/links/broken"));
    for path in [
        "data",
        "links/again",
        "links/soft",
        "links/deep/data",
        "links/soft_group/data",
    ] {
        let values = array(&dest, path).read_vec::<i32>(&Selection::all()).unwrap();
        assert_eq!(values, [0, 1, 2, 3], "{path}");
    }
}

#[test]
fn b45_a_group_within_itself_is_not_entered() {
    let source = source("odd.h5");
    let expected = [
        ("soft_top", "cycle: it is '/' again"),
        ("top", "cycle: it is '/' again"),
        ("up", "cycle: it is '/links' again"),
    ];
    for group in ["links/deep", "links/soft_group"] {
        let expected = expected.map(|(name, what)| (format!("/{group}/{name}"), what.to_owned()));
        assert_eq!(others(&source, group), expected);
    }
    let text = tree(&source, &source.root(), &TreeOptions::default()).unwrap();
    assert!(text.contains("up (cycle: it is '/links' again)"), "{text}");
    let awkward = super::bridge::source("awkward.h5");
    let found = others(&awkward, "links");
    assert!(
        found.contains(&("/links/loop".to_owned(), "cycle: it is '/links' again".to_owned())),
        "{found:?}"
    );
    let (dest, report) = convert(&awkward);
    assert_eq!(array(&dest, "index/btree").shape(), [12, 10]);
    let lost = |what: &str| {
        report
            .lost
            .iter()
            .find(|lost| lost.what == what)
            .map(|lost| &*lost.reason)
    };
    assert_eq!(
        lost("/outside/virtual"),
        Some(
            "virtual dataset, whose data lie in others: its source `absent.h5` is another file, and none are allowed"
        )
    );
    assert_eq!(
        lost("/outside/raw"),
        Some(
            "dataset whose data lie in other files: its source `absent.bin` is another file, and none are allowed"
        )
    );
}

#[test]
fn links_whose_names_no_node_can_have_are_reported() {
    let source = source("odd.h5");
    let found = others(&source, "names");
    for (path, what) in [
        ("/names/%2E%2E", "link '..', which no node can be named: "),
        ("/names/%2Ezarray", "Zarr has a document of that name"),
        ("/names/zarr%2Ejson", "Zarr has a document of that name"),
        (
            "/names/back%5Cslash",
            "link 'back\\\\slash', which no node can be named: it has a backslash",
        ),
        ("/names/not%20utf8%20%FF", "it is not UTF-8"),
        ("/names/tab%09here", "link 'tab\\there'"),
    ] {
        let is_there = found
            .iter()
            .any(|(found, shown)| found == path && shown.contains(what));
        assert!(is_there, "{path} {what}\n{found:#?}");
    }
    assert_eq!(found.len(), 7, "{found:#?}");
    let (dest, report) = convert(&source);
    for name in ["plain", "with blank", "ünï", "0.0"] {
        let value = array(&dest, &format!("names/{name}"))
            .read_vec::<i32>(&Selection::all())
            .unwrap();
        assert_eq!(value, [name.chars().count() as i32], "{name}");
    }
    assert_eq!(
        report
            .lost
            .iter()
            .filter(|lost| lost.what.starts_with("/names/"))
            .count(),
        7
    );
    let attributes = find(&dest, "names").unwrap().attributes().unwrap();
    assert_eq!(json!(attributes), json!({"back\\slash": 1, ".zarray": 2}));
    // By its own name such a link is what it is in the listing.
    assert!(source.node(&NodePath::new("names/zarr.json").unwrap()).is_ok());
}

#[test]
fn b50_records_with_gaps_are_packed() {
    let (dest, report) = convert(&source("odd.h5"));
    let record =
        |a: i16, flag: bool, b: f64| [&a.to_ne_bytes()[..], &[u8::from(flag)], &b.to_ne_bytes()].concat();
    let whole: Vec<_> = (0..7_i16)
        .flat_map(|k| record(k, k % 2 == 0, f64::from(k) / 4.0))
        .collect();
    let read = |path: &str| {
        array(&dest, path)
            .read_data(&Selection::all())
            .unwrap()
            .buffer
            .elements
    };
    assert_eq!(read("records/gaps"), whole);
    let fill = record(-1, false, 0.5);
    let partly = [&fill.repeat(3)[..], &whole[33..55], &fill.repeat(2)].concat();
    assert_eq!(read("records/gaps_partly"), partly);
    assert_eq!(
        array(&dest, "records/gaps_partly")
            .metadata()
            .fill_value_or_zero()
            .as_bytes(),
        fill
    );
    let big = [(1_i32, 2.5_f64), (3, 4.5)];
    let big: Vec<_> = big
        .iter()
        .flat_map(|(n, x)| [&n.to_ne_bytes()[..], &x.to_ne_bytes()].concat())
        .collect();
    assert_eq!(read("records/big"), big);
    let mut nested = Vec::new();
    for (name, points, c) in [
        (b"one\0", [(1_f32, 5_u16), (2.0, 6)], [1_f32, 2.0]),
        (b"four", [(3.0, 7), (4.0, 8)], [3.0, -4.0]),
    ] {
        nested.extend(name);
        for (x, n) in points {
            nested.extend(x.to_ne_bytes());
            nested.extend(n.to_ne_bytes());
        }
        nested.extend(bytes(c, f32::to_ne_bytes));
    }
    assert_eq!(read("records/nested"), nested);
    let with_text = array(&dest, "records/with_text");
    assert_eq!(with_text.data_type(), &DataType::Object);
    assert!(
        report
            .lost
            .iter()
            .all(|lost| !lost.what.starts_with("/records/with_text"))
    );
}

#[test]
fn texts_keep_their_bytes_and_attributes_lose_their_padding() {
    let (dest, report) = convert(&source("odd.h5"));
    let text = array(&dest, "texts/utf8_as_ascii")
        .read_vec::<String>(&Selection::all())
        .unwrap();
    assert_eq!(text, ["café"]);
    for (name, expected) in [
        ("nulls", b"ab\0\0\0\0cdefg\0"),
        ("zero", b"ab\0\0\0\0cdefg\0"),
        ("blanks", b"ab\0\0\0\0cdefg\0"),
    ] {
        let array = array(&dest, &format!("texts/{name}"));
        assert_eq!(array.data_type(), &DataType::FixedBytes(6));
        assert_eq!(
            array.read_data(&Selection::all()).unwrap().buffer.elements,
            expected,
            "{name}"
        );
    }
    let attributes = find(&dest, "texts").unwrap().attributes().unwrap();
    let halves: Vec<_> = attributes["half"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(serde_json::Value::as_f64)
        .collect();
    assert_eq!(
        halves[..4],
        [0.5, -2.0, 6.097_555_160_522_461e-5, 2_f64.powi(-24)]
    );
    assert_eq!(attributes["half"][4].to_string(), "Infinity");
    assert_eq!(attributes["unsigned"], json!(u64::MAX));
    assert_eq!(attributes["complexes"], json!([[1.0, 2.0], [3.0, -4.0]]));
    assert!(attributes["latin1"]["base64"].is_string() && attributes["opaque"]["base64"].is_string());
    assert!(
        attributes["pointer"]
            .as_str()
            .is_some_and(|path| path.starts_with('/'))
    );
    assert!(report.lost.iter().all(|lost| !lost.what.starts_with("/texts@")));
}

#[test]
fn texts_that_are_not_utf8_become_bytes() {
    let source = source("latin1.h5");
    let store = Arc::new(MemoryStore::new());
    let dest = Group::create(store, &NodePath::root(), ZarrFormat::V2, &Options::default()).unwrap();
    copy_all(&source, &NodePath::root(), &dest, CopyOptions::default()).unwrap();
    let copy = array(&dest, "latin1");
    assert_eq!(copy.data_type(), &DataType::Bytes);
    let file = hdf5::File::open(testdata("latin1.h5")).unwrap();
    let data = copy.read_data(&Selection::all()).unwrap();
    let found: Vec<_> = data.buffer.as_ref().items().map(<[u8]>::to_vec).collect();
    assert_eq!(
        hdf5::Values::Variable(found),
        file.dataset("latin1").unwrap().read_all().unwrap()
    );
}

#[test]
fn chunks_of_every_kind_are_decoded() {
    let source = source("odd.h5");
    let (dest, _) = convert(&source);
    let all: Vec<u32> = (0..70).map(|k| k * 3).collect();
    for name in ["partial", "fletcher"] {
        let path = format!("chunks/{name}");
        assert_eq!(
            array(&dest, &path).read_vec::<u32>(&Selection::all()).unwrap(),
            all,
            "{name}"
        );
        let array = source_array(&source, &path);
        let found = array.read(&Selection::all(), Workers::new(3)).unwrap();
        assert_eq!(found.to_vec::<u32>().unwrap(), all, "{name}");
        assert_eq!(array.stored_chunks().unwrap().unwrap().len(), 6);
    }
    // Made smaller after it was written; its chunk is now longer than it is.
    let long = array(&dest, "chunks/long");
    assert_eq!((long.shape(), long.chunk_shape()), (&[2, 5][..], &[3, 7][..]));
    let expected = [&all[..5], &all[7..12]].concat();
    assert_eq!(long.read_vec::<u32>(&Selection::all()).unwrap(), expected);
}

/// Converts a file that may be damaged; what can be seen of the copy then must be whole.
fn convert_damaged(path: &Path) -> Result<(), String> {
    let source = Hdf5Source::open(path).map_err(|error| error.to_string())?;
    let store = Arc::new(MemoryStore::new());
    let dest = Group::create(store, &NodePath::root(), ZarrFormat::V2, &Options::default()).unwrap();
    let result = copy_all(&source, &NodePath::root(), &dest, CopyOptions::default());
    let is_whole = |node: &Node| -> Result<(), zarr_convenience::core::Error> {
        if let Node::Array(copy) = node {
            let found = copy.read_data(&Selection::all())?;
            let array = source_array(&source, copy.path().as_str());
            let expected = array.read(&Selection::all(), Workers::ONE).unwrap();
            assert_eq!(found.shape, expected.shape, "{}", copy.path());
            assert!(found.buffer.as_ref().elements.len() == expected.buffer.elements.len());
            if !found.data_type.is_variable() {
                assert_eq!(found.buffer, expected.buffer, "{}", copy.path());
            }
        }
        Ok(())
    };
    walk(&dest, &mut |node| is_whole(node)).unwrap();
    result.map(drop).map_err(|error| error.to_string())
}

#[test]
fn cut_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.h5");
    let content = fs::read(testdata("odd.h5")).unwrap();
    for len in (0..content.len()).step_by(997) {
        fs::write(&path, &content[..len]).unwrap();
        assert!(convert_damaged(&path).is_err(), "{len}");
    }
}

/// Only stored chunks are damaged here: damaged metadata may keep the HDF5 library busy for ever.
#[test]
fn files_with_damaged_chunks_are_not_half_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.h5");
    let content = fs::read(testdata("sample.h5")).unwrap();
    let file = super::sample();
    for (name, is_detected) in [
        ("/atmosphere/temperature", true),
        ("/atmosphere/pressure", true),
        ("/atmosphere/surface/humidity", true),
        ("/atmosphere/surface/cover", false),
        ("/types/complex128", true),
    ] {
        let index = file.dataset(name).unwrap().chunk_index().unwrap();
        let chunk = index.get(index.len() - 1).unwrap();
        for part in 0..4 {
            let mut damaged = content.clone();
            let at = chunk.address + (chunk.size_bytes - 1) * part / 3;
            damaged[at as usize] ^= 0x24;
            fs::write(&path, &damaged).unwrap();
            let result = convert_damaged(&path);
            assert_eq!(result.is_err(), is_detected, "{name} {part} {result:?}");
            let names_it = result
                .err()
                .is_none_or(|error| error.starts_with(&format!("`{name}` in ")));
            assert!(names_it);
        }
    }
}

#[test]
fn damaged_chunks_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.h5");
    let content = fs::read(testdata("odd.h5")).unwrap();
    let file = hdf5::File::open(testdata("odd.h5")).unwrap();
    let dataset = file.dataset("/chunks/fletcher").unwrap();
    let index = dataset.chunk_index().unwrap();
    let chunk = index.get(2).unwrap();
    for byte in 0..chunk.size_bytes as usize {
        let mut damaged = content.clone();
        damaged[chunk.address as usize + byte] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        let source = Hdf5Source::open(&path).unwrap();
        let array = source_array(&source, "chunks/fletcher");
        let error = array
            .read(&Selection::all(), Workers::ONE)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("`/chunks/fletcher` in ") && error.contains(", chunk ["),
            "{error}"
        );
    }
}

#[test]
fn b24_an_attribute_called_filters_is_copied_like_any_other() {
    let (dest, _) = convert(&source("odd.h5"));
    let attributes = find(&dest, "texts").unwrap().attributes().unwrap();
    assert_eq!(attributes["filters"], json!("an attribute like any other"));
}
