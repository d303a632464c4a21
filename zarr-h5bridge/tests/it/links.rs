use zarr_h5bridge::hdf5::{Dataspace, Error, Layout, LinkKind, Name, Object, ObjectKind};

use super::{awkward, sample};

fn names(path: &str) -> Vec<String> {
    let links = sample().group(path).unwrap().links().unwrap();
    links.iter().map(|link| link.name.to_string()).collect()
}

#[test]
fn links_are_listed_as_h5py_lists_them() {
    assert_eq!(
        names("/"),
        [
            "atmosphere",
            "lat",
            "lon",
            "ocean",
            "partial",
            "stations",
            "time",
            "types"
        ]
    );
    let made = [
        "name", "note", "code", "label", "active", "kind", "record", "number",
    ];
    assert_eq!(names("/stations"), made);
    let ordered = awkward().group("ordered").unwrap().links().unwrap();
    assert_eq!(
        ordered.iter().map(|link| &link.name).collect::<Vec<_>>(),
        ["zebra", "ant", "mole"]
    );
}

#[test]
fn links_of_every_kind_are_told_apart() {
    let file = awkward();
    let group = file.group("/links").unwrap();
    let links = group.links().unwrap();
    let kind = |name: &str| links.iter().find(|link| link.name == name).unwrap().kind.clone();
    let data = file.dataset("/data").unwrap().address().unwrap();
    assert_eq!(
        kind("again"),
        LinkKind::Hard {
            address: data,
            object: ObjectKind::Dataset
        }
    );
    let own = group.address().unwrap();
    assert_eq!(
        kind("loop"),
        LinkKind::Hard {
            address: own,
            object: ObjectKind::Group
        }
    );
    assert_eq!(
        kind("soft"),
        LinkKind::Soft {
            target: Name::from("/data")
        }
    );
    assert_eq!(
        kind("relative"),
        LinkKind::Soft {
            target: Name::from("soft")
        }
    );
    assert_eq!(
        kind("broken"),
        LinkKind::Soft {
            target: Name::from("/absent")
        }
    );
    let (file, path) = (Name::from("absent.h5"), Name::from("/x"));
    assert_eq!(kind("elsewhere"), LinkKind::External { file, path });

    let types = sample().group("/types").unwrap().links().unwrap();
    let named = types.iter().find(|link| link.name == "named").unwrap();
    assert!(matches!(
        named.kind,
        LinkKind::Hard {
            object: ObjectKind::NamedType,
            ..
        }
    ));
    assert!(matches!(
        sample().object("/types/named").unwrap(),
        Object::NamedType(_)
    ));
}

#[test]
fn soft_links_are_followed_inside_the_file_only() {
    let file = awkward();
    let group = file.group("/links").unwrap();
    let Object::Dataset(dataset) = group.open(&Name::from("relative")).unwrap() else {
        panic!()
    };
    assert_eq!(dataset.path(), "/links/relative");
    assert_eq!(
        dataset.address().unwrap(),
        file.dataset("/data").unwrap().address().unwrap()
    );
    assert!(matches!(
        group.open(&Name::from("broken")),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        group.open(&Name::from("circle")),
        Err(Error::Library { .. })
    ));
    assert!(matches!(
        group.open(&Name::from("elsewhere")),
        Err(Error::Outside { .. })
    ));
    assert!(matches!(
        group.open(&Name::from("detour")),
        Err(Error::Outside { .. })
    ));
    assert!(matches!(
        file.object("/links/elsewhere/deeper"),
        Err(Error::Outside { .. })
    ));
}

#[test]
fn external_links_are_refused_even_where_the_file_exists() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("awkward.h5");
    std::fs::copy(super::testdata("awkward.h5"), &copy).unwrap();
    std::fs::copy(super::testdata("sample.h5"), folder.path().join("absent.h5")).unwrap();
    std::fs::write(folder.path().join("absent.bin"), [7; 16]).unwrap();
    let file = zarr_h5bridge::hdf5::File::open(copy).unwrap();
    assert!(matches!(
        file.object("/links/elsewhere"),
        Err(Error::Outside { .. })
    ));
    assert!(matches!(
        file.dataset("/outside/raw").unwrap().read_all(),
        Err(Error::Outside { .. })
    ));
    assert!(matches!(
        file.dataset("/outside/virtual").unwrap().read_all(),
        Err(Error::Outside { .. })
    ));
}

#[test]
fn data_outside_of_the_file_are_described() {
    let file = awkward();
    let info = |path: &str| file.dataset(path).unwrap().info().clone();
    assert_eq!(info("/outside/raw").layout, Layout::External);
    assert_eq!(info("/outside/virtual").layout, Layout::Virtual);
    let space = Dataspace::Simple {
        shape: vec![4],
        max_shape: vec![Some(4)],
    };
    assert_eq!(info("/outside/virtual").space, space);
}

#[test]
fn paths_lead_to_objects_or_are_not_found() {
    let file = sample();
    assert_eq!(file.root().unwrap().path(), "/");
    assert_eq!(
        file.group("atmosphere/surface/").unwrap().path(),
        "/atmosphere/surface"
    );
    for path in ["/absent", "/absent/deeper", "/lat/deeper", "a\0b"] {
        let error = file.object(path).unwrap_err();
        assert!(
            matches!(error, Error::NotFound { .. } | Error::Library { .. }),
            "{path:?}: {error:?}"
        );
    }
    assert!(matches!(file.object("/absent"), Err(Error::NotFound { .. })));
    assert!(matches!(
        file.group("/lat"),
        Err(Error::WrongKind { found: "dataset", .. })
    ));
    assert!(matches!(
        file.dataset("/ocean"),
        Err(Error::WrongKind { found: "group", .. })
    ));
}

#[test]
fn names_that_are_paths_open_nothing() {
    let root = sample().root().unwrap();
    for name in ["", "ocean/sst", "/", "..", "a\0"] {
        assert!(
            matches!(root.open(&Name::from(name)), Err(Error::NotFound { .. })),
            "{name:?}"
        );
    }
}
