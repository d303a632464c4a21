//! Files that go into Zarr and come back: what the second file has is what the first had.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{Group as ZarrGroup, Node, NodePath, Options, ZarrFormat};
use zarr_convenience::{CopyOptions, Creation, Report, Sink, Source, ZarrSource, copy_all};
use zarr_h5bridge::hdf5::{
    Attribute, Dataset, File, FileSpace, Group, Item, Layout, LinkKind, Name, Object, Referent, Strategy,
    Values,
};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source};

use super::testdata;

/// Copies a file into Zarr and back; gives the reports of both ways.
fn there_and_back(file: &Path, format: ZarrFormat, back: &Path) -> (Report, Report) {
    let source = Hdf5Source::open(file)
        .unwrap()
        .keeping_originals()
        .for_format(format);
    let store = Arc::new(MemoryStore::new());
    let group = ZarrGroup::create(store, &NodePath::root(), format, &Options::default()).unwrap();
    let options = || CopyOptions {
        creation: Creation {
            zarr_format: None,
            ..Creation::default()
        },
        ..CopyOptions::default()
    };
    let there = copy_all(&source, &NodePath::root(), &group, options()).unwrap();
    let zarr = ZarrSource::new(Node::Group(group));
    let sink = Hdf5Sink::create(back).unwrap();
    let back = copy_all(&zarr, &NodePath::root(), &sink, options()).unwrap();
    sink.flush().unwrap();
    (there, back)
}

/// What a dataset is, but for where it lies.
fn described(dataset: &Dataset) -> String {
    let mut info = dataset.info().clone();
    if let Layout::Contiguous { address } = &mut info.layout {
        *address = None;
    }
    for filter in &mut info.filters {
        filter.name.clear();
    }
    let named_type = info
        .named_type
        .take()
        .map(|address| dataset.file().path_of(address));
    format!("{info:?} {named_type:?}")
}

/// Values with paths in the place of addresses.
fn shown(file: &File, values: Option<Values>) -> String {
    fn resolve(file: &File, item: &mut Item) {
        match item {
            Item::Sequence(items) | Item::Parts(items) => {
                for item in items {
                    resolve(file, item);
                }
            }
            Item::Reference(Some(target)) => {
                if let Referent::Address(address) = target.object {
                    target.object = Referent::Path(file.path_of(address).unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    match values {
        Some(Values::Mixed(mut items)) => {
            for item in &mut items {
                resolve(file, item);
            }
            format!("{items:?}")
        }
        other => format!("{other:?}"),
    }
}

fn check_attributes(
    path: &str,
    files: [&File; 2],
    names: &[Vec<Name>; 2],
    read: [&dyn Fn(&Name) -> Attribute; 2],
) {
    assert_eq!(names[0], names[1], "{path}");
    for name in &names[0] {
        let [a, b] = [read[0](name), read[1](name)];
        assert_eq!(
            (
                &a.datatype,
                a.space.shape(),
                a.named_type.map(|at| files[0].path_of(at))
            ),
            (
                &b.datatype,
                b.space.shape(),
                b.named_type.map(|at| files[1].path_of(at))
            ),
            "{path}@{name}"
        );
        assert_eq!(
            shown(files[0], a.values),
            shown(files[1], b.values),
            "{path}@{name}"
        );
    }
}

fn check_group(a: &Group, b: &Group, skipped: &[&str], above: &mut Vec<u64>) {
    let path = a.path();
    let files = [a.file(), b.file()];
    check_attributes(
        path,
        files,
        &[a.attribute_names().unwrap(), b.attribute_names().unwrap()],
        [&|name| a.attribute(name).unwrap(), &|name| {
            b.attribute(name).unwrap()
        }],
    );
    assert_eq!(a.tracks_order().unwrap(), b.tracks_order().unwrap(), "{path}");
    let is_kept = |name: &Name| !skipped.contains(&format!("{}/{name}", path.trim_end_matches('/')).as_str());
    let links = |group: &Group| {
        let mut links = group.links().unwrap();
        links.retain(|link| is_kept(&link.name));
        links
    };
    let (links_a, links_b) = (links(a), links(b));
    let names =
        |links: &[zarr_h5bridge::hdf5::Link]| links.iter().map(|link| link.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&links_a), names(&links_b), "{path}");
    for (a_link, b_link) in links_a.iter().zip(&links_b) {
        let name = &a_link.name;
        match (&a_link.kind, &b_link.kind) {
            (
                LinkKind::Hard { address: x, object },
                LinkKind::Hard {
                    address: y,
                    object: other,
                },
            ) => {
                assert_eq!(object, other, "{path}/{name}");
                assert_eq!(files[0].path_of(*x), files[1].path_of(*y), "{path}/{name}");
                if above.contains(x) {
                    continue;
                }
                above.push(*x);
                match [a.open(name).unwrap(), b.open(name).unwrap()] {
                    [Object::Group(a), Object::Group(b)] => check_group(&a, &b, skipped, above),
                    [Object::Dataset(a), Object::Dataset(b)] => {
                        assert_eq!(described(&a), described(&b), "{path}/{name}");
                        if !matches!(a.info().layout, Layout::Virtual | Layout::External) {
                            let [x, y] = [&a, &b].map(|dataset| dataset.read_all().ok());
                            assert!(shown(files[0], x) == shown(files[1], y), "{path}/{name}");
                        }
                        check_attributes(
                            a.path(),
                            files,
                            &[a.attribute_names().unwrap(), b.attribute_names().unwrap()],
                            [&|name| a.attribute(name).unwrap(), &|name| {
                                b.attribute(name).unwrap()
                            }],
                        );
                    }
                    [Object::NamedType(a), Object::NamedType(b)] => {
                        assert_eq!(a.datatype(), b.datatype(), "{path}/{name}");
                    }
                    _ => panic!("{path}/{name} is something else"),
                }
            }
            (a, b) => assert_eq!(a, b, "{path}/{name}"),
        }
    }
}

#[track_caller]
fn check(name: &str, skipped: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let back = folder.path().join(format!("{format:?}.h5"));
        let (there, _) = there_and_back(&testdata(name), format, &back);
        let lost: Vec<_> = there.lost.iter().map(|lost| lost.what.as_str()).collect();
        assert_eq!(lost, skipped, "{name} {format:?}: {:?}", there.lost);
        let [a, b] = [&testdata(name), &back].map(|path| File::open(path).unwrap());
        check_group(&a.root().unwrap(), &b.root().unwrap(), skipped, &mut Vec::new());
    }
}

#[test]
fn types_of_all_kinds_come_back() {
    check("hdf5/types.h5", &[]);
}

#[test]
fn links_come_back() {
    check("hdf5/links.h5", &[]);
}

#[test]
fn layouts_come_back() {
    check("hdf5/layouts.h5", &["/external", "/virtual"]);
}

#[test]
fn filters_come_back() {
    check("hdf5/filters.h5", &["/blosc2_f", "/blosc2_i"]);
}

#[test]
fn files_of_libraries_come_back() {
    for name in [
        "netcdf4.nc",
        "xarray.nc",
        "anndata.h5ad",
        "pandas.h5",
        "matlab.mat",
        "scales.h5",
        "tables.h5",
    ] {
        check(&format!("hdf5/{name}"), &[]);
    }
}

#[test]
fn times_fills_named_types_and_the_order_of_attributes_come_back() {
    check("hdf5/stored.h5", &[]);
}

/// In V2 the chunks of objects that were never written are written; values and types are the same.
#[test]
fn what_was_never_written_comes_back() {
    check("hdf5/unwritten.h5", &[]);
}

/// A file with what MATLAB writes in front of one.
fn with_user_block(folder: &Path) -> (std::path::PathBuf, Vec<u8>) {
    let mut bytes = std::fs::read(testdata("hdf5/chunks.h5")).unwrap();
    let text = b"MATLAB 7.3 MAT-file, Platform: GLNXA64";
    bytes[..text.len()].copy_from_slice(text);
    bytes[508..512].copy_from_slice(b"\0\x02IM");
    let path = folder.join("matlab.mat");
    std::fs::write(&path, &bytes).unwrap();
    bytes.truncate(512);
    (path, bytes)
}

#[test]
fn what_lies_in_front_of_a_file_does_so_again() {
    let folder = tempfile::tempdir().unwrap();
    let (file, block) = with_user_block(folder.path());
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let back = folder.path().join(format!("{format:?}.h5"));
        let (there, back_again) = there_and_back(&file, format, &back);
        assert!(there.lost.is_empty() && back_again.lost.is_empty());
        assert!(
            there
                .kept
                .iter()
                .any(|kept| kept.reason.contains("a user block of 512 bytes")),
            "{:?}",
            there.kept
        );
        assert_eq!(std::fs::read(&back).unwrap()[..512], block);
        let (a, b) = (File::open(&file).unwrap(), File::open(&back).unwrap());
        assert_eq!(a.user_block(512).unwrap(), b.user_block(512).unwrap());
    }
}

#[test]
fn a_user_block_that_has_no_place_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = with_user_block(folder.path());
    let lost = |report: Report| -> Vec<_> { report.lost.into_iter().map(|lost| lost.reason).collect() };

    // Nothing of HDF5 is kept.
    let source = Hdf5Source::open(&file).unwrap();
    let memory = || {
        ZarrGroup::create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            ZarrFormat::V3,
            &Options::default(),
        )
    };
    let plain = copy_all(
        &source,
        &NodePath::root(),
        &memory().unwrap(),
        CopyOptions::default(),
    )
    .unwrap();
    assert!(lost(plain).contains(&"a user block of 512 bytes".to_owned()));

    // It goes into a file that is there.
    let there = folder.path().join("there.h5");
    std::fs::copy(testdata("hdf5/chunks.h5"), &there).unwrap();
    let sink = Hdf5Sink::open(&there)
        .unwrap()
        .at(&NodePath::new("new").unwrap())
        .unwrap();
    let source = source.keeping_originals();
    let report = copy_all(&source, &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    assert!(
        lost(report)
            .iter()
            .any(|reason| reason.contains("only a new file gets one")),
    );

    // So it does where the node that it is kept with is the root of both.
    let empty = folder.path().join("empty.h5");
    Hdf5Sink::create(&empty).unwrap().flush().unwrap();
    let sink = Hdf5Sink::open(&empty).unwrap();
    let report = copy_all(&source, &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    let found: Vec<_> = report.lost.iter().map(|lost| &*lost.what).collect();
    assert_eq!(found, ["/"]);
    assert!(report.kept.iter().any(|kept| kept.what == "/"));
}

#[test]
fn how_a_file_manages_its_room_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let copied = |space: serde_json::Value, name: &str| {
        let group = ZarrGroup::create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            ZarrFormat::V3,
            &Options::default(),
        );
        let group = group.unwrap();
        let attributes = [("_hdf5".to_owned(), json!({"file_space": space}))];
        group.set_attributes(attributes.into_iter().collect()).unwrap();
        let path = folder.path().join(name);
        let sink = Hdf5Sink::create(&path).unwrap();
        let source = ZarrSource::new(Node::Group(group));
        copy_all(&source, &NodePath::root(), &sink, CopyOptions::default()).unwrap();
        sink.flush().unwrap();
        path
    };
    let pages = json!({"strategy": "pages", "persists": true, "threshold": 9, "page_size": 8192});
    let path = copied(pages.clone(), "pages.h5");
    let space = FileSpace {
        strategy: Strategy::Pages,
        persists: true,
        threshold: 9,
        page_size: 8192,
    };
    assert_eq!(File::open(&path).unwrap().space().unwrap(), Some(space));
    let source = Hdf5Source::open(&path).unwrap().keeping_originals();
    let attributes = source.attributes(&source.root()).unwrap();
    assert_eq!(attributes.members["_hdf5"]["file_space"], pages);
    // What no file can have is left out.
    for (name, value) in [
        ("page_size", json!(100)),
        ("strategy", json!("other")),
        ("threshold", json!(-1)),
    ] {
        let mut wrong = pages.clone();
        wrong[name] = value;
        let path = copied(wrong, &format!("{name}.h5"));
        assert_eq!(
            File::open(&path).unwrap().space().unwrap(),
            Some(FileSpace::USUAL)
        );
    }
}
