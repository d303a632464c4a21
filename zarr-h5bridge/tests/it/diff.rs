//! HDF5 files compared with Zarr hierarchies and with each other.

use std::sync::Arc;

use zarr_convenience::{
    CopyOptions, Creation, DiffOptions, DiffReport, Source, SourceNode, ZarrSource, copy_all,
    core::{Group, Node, NodePath, Options, Selection, ZarrFormat, store::MemoryStore},
    diff,
};
use zarr_h5bridge::Hdf5Source;

use super::testdata;

fn converted(file: &Hdf5Source, format: ZarrFormat) -> Group {
    let group = Group::create(
        Arc::new(MemoryStore::new()),
        &NodePath::root(),
        format,
        &Options::default(),
    )
    .unwrap();
    let options = CopyOptions {
        creation: Creation {
            zarr_format: Some(format),
            ..Creation::default()
        },
        ..CopyOptions::default()
    };
    copy_all(file, &NodePath::root(), &group, options).unwrap();
    group
}

fn compare(a: (&dyn Source, &SourceNode), b: &Group) -> DiffReport {
    let b = ZarrSource::new(Node::Group(b.clone()));
    let report = diff(a, (&b, &b.root()), &DiffOptions::default()).unwrap();
    assert_eq!(report.failures.n, 0, "{:?}", report.failures);
    report
}

#[test]
fn a_file_is_the_same_as_its_conversion_to_either_format() {
    let file = Hdf5Source::open(testdata("climate.h5")).unwrap();
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let report = compare((&file, &file.root()), &converted(&file, format));
        assert_eq!(report.differences.n, 0, "{:?}", report.differences);
        assert!(report.n_nodes > 20 && report.n_elements > 100_000, "{report:?}");
    }
}

#[test]
fn one_changed_number_is_found() {
    let file = Hdf5Source::open(testdata("climate.h5")).unwrap();
    let zarr = converted(&file, ZarrFormat::V2);
    let Node::Array(array) = zarr.get("atmosphere/temperature").unwrap() else {
        panic!("no array")
    };
    let at: Vec<_> = array.shape().iter().map(|length| length - 1).collect();
    let last = Selection::region(&at, &vec![1; at.len()]);
    let mut data = array.read_data(&last).unwrap();
    data.buffer.elements[0] ^= 1;
    array.write_data(&last, &data).unwrap();
    let report = compare((&file, &file.root()), &zarr);
    assert_eq!(report.differences.n, 1);
    let text = report.differences.shown[0].to_string();
    let expected = format!("{}: 1 of ", array.path());
    assert!(
        text.starts_with(&expected) && text.contains(&format!("first at {at:?}: ")),
        "{text}"
    );
}

#[test]
fn what_zarr_cannot_hold_is_on_one_side_alone() {
    let file = Hdf5Source::open(testdata("sample.h5")).unwrap();
    let report = compare((&file, &file.root()), &converted(&file, ZarrFormat::V2));
    let lines: Vec<_> = report.differences.shown.iter().map(ToString::to_string).collect();
    let named = "/types/named: only in A: named data type";
    assert!(lines.iter().any(|found| found == named), "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains("only in A")), "{lines:#?}");
}

#[test]
fn a_file_is_the_same_as_itself_but_for_what_cannot_be_compared() {
    for name in ["sample.h5", "awkward.h5", "odd.h5"] {
        let file = Hdf5Source::open(testdata(name)).unwrap();
        let report = diff(
            (&file, &file.root()),
            (&file, &file.root()),
            &DiffOptions::default(),
        )
        .unwrap();
        assert_eq!(report.differences.n, 0, "{name}: {:?}", report.differences);
        assert!(report.not_compared.n > 0, "{name}");
    }
}

#[test]
fn links_types_and_texts_that_are_kept_are_no_differences() {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        for name in ["links.h5", "stored.h5", "types.h5", "netcdf4.nc"] {
            let file = Hdf5Source::open(testdata(&format!("hdf5/{name}"))).unwrap();
            let file = file.keeping_originals().for_format(format);
            let zarr = converted(&file, format);
            let report = compare((&file, &file.root()), &zarr);
            assert_eq!(report.differences.n, 0, "{name}: {:?}", report.differences);
        }
    }
}

#[test]
fn a_link_whose_group_lost_what_was_kept_is_a_difference() {
    let file = Hdf5Source::open(testdata("hdf5/links.h5"))
        .unwrap()
        .keeping_originals();
    let zarr = converted(&file, ZarrFormat::V2);
    assert!(zarr.attributes().unwrap().contains_key("_hdf5"));
    zarr.set_attributes(<_>::default()).unwrap();
    let report = compare((&file, &file.root()), &zarr);
    let lines: Vec<_> = report.differences.shown.iter().map(ToString::to_string).collect();
    assert!(lines.iter().any(|line| line.contains("only in A")), "{lines:#?}");
}
