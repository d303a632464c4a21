//! What each verb does and prints when all is well.

use crate::place::{Place, npy};

/// The values of `x.npy` and of `y.npy`, as `digest` has them.
const HEX: &str = "cd9a54ed1f18bf97db08914e280ea7349e11ca2c4885a4d8052552ceba84208d";

#[test]
fn save_prints_nothing_and_load_shows_what_was_saved() {
    let place = Place::with_arrays();
    assert_eq!(place.done("save a.zarr x.npy"), "");
    assert_eq!(place.done("load a.zarr"), "[0 1 2 3 4 5]\n");
    assert_eq!(place.done("save b.zip y.npy"), "");
    assert_eq!(place.done("load b.zip"), "[[0 1 2]\n [3 4 5]]\n");
}

#[test]
fn several_arrays_are_saved_as_a_group_with_names() {
    let place = Place::with_arrays();
    place.done("save g.zarr x.npy y.npy deep/z=x.npy");
    let tree = "/\n ├── arr_0 (6,) int32\n ├── arr_1 (2, 3) int32\n └── deep\n     └── z (6,) int32\n";
    assert_eq!(place.done("tree g.zarr"), tree);
    assert_eq!(place.done("load g.zarr"), "<LazyLoader: arr_0, arr_1>\n");
}

#[test]
fn save_below_a_group_keeps_its_neighbours() {
    let place = Place::with_group();
    place.done("save g.zarr/sub/y x.npy");
    place.done("save g.zarr --path new/z y.npy");
    let tree = "/\n ├── new\n │   └── z (2, 3) int32\n ├── sub\n │   └── y (6,) int32\n └── x (6,) int32\n";
    assert_eq!(place.done("tree g.zarr"), tree);
}

#[test]
fn a_loaded_array_is_the_same_numpy_file() {
    let place = Place::with_arrays();
    place.done("save a.zarr y.npy --chunks 1,2 --order F --zarr-format 3");
    assert_eq!(place.done("load a.zarr -o out.npy"), "");
    let header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }";
    let out = place.read("out.npy");
    assert!(out.starts_with(&[b"\x93NUMPY\x01\x00\x76\x00", header.as_bytes()].concat()));
    assert_eq!(out[128..], npy(&[2, 3], &[0, 1, 2, 3, 4, 5])[out_offset()..]);
}

/// Where the elements begin in what [`npy`] makes.
fn out_offset() -> usize {
    npy(&[2, 3], &[]).len()
}

#[test]
fn a_group_is_loaded_into_an_archive_that_saves_the_same() {
    let place = Place::with_group();
    place.done("load g.zarr -o out.npz");
    place.done("save h.zarr out.npz");
    assert_eq!(place.done("digest h.zarr"), place.done("digest g.zarr"));
}

#[test]
fn an_archive_of_more_than_may_be_read_is_refused() {
    let place = Place::new();
    place.done("create a.zarr/x --shape 4000000 --dtype |u1 --chunks 4000000");
    place.done("load a.zarr -o out.npz");
    place.refused(
        "save b.zarr out.npz --memory 2M",
        5,
        &["out.npz", "x.npy", "2097152"],
    );
    place.done("save b.zarr out.npz --memory 8M");
}

#[test]
fn a_member_of_an_archive_that_cannot_be_saved_is_named() {
    let place = Place::with_group();
    place.done("load g.zarr -o out.npz");
    let mut archive = place.read("out.npz");
    while let Some(start) = archive.windows(5).position(|bytes| bytes == b"x.npy") {
        archive[start] = b'/';
    }
    place.write("out.npz", &archive);
    place.refused("save h.zarr out.npz", 7, &["out.npz", "/.npy"]);
}

#[test]
fn a_part_is_selected_as_numpy_would() {
    let place = Place::with_group();
    let select = |expression| {
        let run = place.run_words(&["load", "g.zarr/sub/y", "--select", expression]);
        (run.status, run.stdout)
    };
    assert_eq!(select("0"), (0, "[0 1 2]\n".to_owned()));
    assert_eq!(select("-1, ::2"), (0, "[3 5]\n".to_owned()));
    assert_eq!(select("..., -1"), (0, "[2 5]\n".to_owned()));
    assert_eq!(select("1, 0:2"), (0, "[3 4]\n".to_owned()));
    assert_eq!(select("0:2, 0:3:2"), (0, "[[0 2]\n [3 5]]\n".to_owned()));
    assert_eq!(select("[1, 0], :"), (0, "[[3 4 5]\n [0 1 2]]\n".to_owned()));
    assert_eq!(select("[1, 0], [2, 1]"), (0, "[5 1]\n".to_owned()));
}

#[test]
fn create_prints_what_it_made() {
    let place = Place::new();
    let line = "create a.zarr/e --shape 10,20 --dtype <i2 --chunks 5,20 --fill-value -1";
    assert_eq!(place.done("create a.zarr"), "<zarr.hierarchy.Group '/'>\n");
    assert_eq!(place.done(line), "<zarr.core.Array '/e' (10, 20) int16>\n");
    assert_eq!(place.done("create a.zarr/sub"), "<zarr.hierarchy.Group '/sub'>\n");
    assert_eq!(place.done("load a.zarr/e --select 0,0:3"), "[-1 -1 -1]\n");
}

#[test]
fn info_tells_what_an_array_is() {
    let place = Place::with_group();
    let info = "\
Name               : /x
Type               : array
Shape              : (6,)
Chunks             : (6,)
Data type          : int32
Order              : C
Fill value         : 0
Codecs             : bytes {\"endian\":\"little\"}, numcodecs.zlib {\"level\":1}
Zarr format        : 2
Chunks initialized : 1/1
Logical bytes      : 24
Stored bytes       : ";
    let found = place.done("info g.zarr/x");
    assert!(found.starts_with(info), "{found}");
    assert!(
        found.ends_with("Protection         : every chunk has a checksum\n"),
        "{found}"
    );
}

#[test]
fn info_tells_what_a_group_is() {
    let place = Place::with_group();
    place.write("g.zarr/.zattrs", br#"{"title": "Sea", "n": 3}"#);
    let info = "\
Name        : /
Type        : group
Members     : 2
Arrays      : 1
Groups      : 1
Array names : x
Group names : sub
Attributes  : title = \"Sea\"
            : n = 3
";
    assert_eq!(place.done("info g.zarr"), info);
}

#[test]
fn tree_is_drawn_to_a_level_and_with_ascii() {
    let place = Place::with_group();
    let all = "/\n +-- sub\n |   +-- y (2, 3) int32\n +-- x (6,) int32\n";
    assert_eq!(place.done("tree g.zarr --ascii"), all);
    assert_eq!(
        place.done("tree g.zarr --level 1"),
        "/\n ├── sub\n └── x (6,) int32\n"
    );
    assert_eq!(place.done("tree g.zarr --level 0"), "/\n");
    assert_eq!(place.done("tree g.zarr --level -3"), "/\n");
    assert_eq!(place.done("tree g.zarr/sub"), "sub\n └── y (2, 3) int32\n");
    assert_eq!(place.done("tree g.zarr/x"), "x (6,) int32\n");
}

#[test]
fn digest_depends_on_values_alone() {
    let place = Place::with_group();
    let digests = format!("{HEX}  int32 (2, 3)  /sub/y\n{HEX}  int32 (6,)  /x\n");
    assert_eq!(place.done("digest g.zarr"), digests);
    place.done("copy-all g.zarr h.zip --zarr-format 3 --chunks 1 --order F --compressor none");
    assert_eq!(place.done("digest h.zip"), digests);
    place.done("create empty.zarr");
    assert_eq!(place.done("digest empty.zarr"), "");
}

#[test]
fn codecs_are_listed_with_both_names() {
    let text = Place::new().done("codecs");
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("V3 name                  V2 id        what it does")
    );
    assert!(
        text.contains("\nnumcodecs.zlib           zlib         "),
        "{text}"
    );
}

#[test]
fn consolidate_writes_the_document_and_prints_the_group() {
    let place = Place::with_group();
    assert_eq!(place.done("consolidate g.zarr"), "<zarr.hierarchy.Group '/'>\n");
    assert!(place.text("g.zarr/.zmetadata").contains("\"sub/y/.zarray\": {"));
    place.done("consolidate g.zarr --metadata-key other");
    assert_eq!(place.text("g.zarr/other"), place.text("g.zarr/.zmetadata"));
}

#[test]
fn b01_consolidating_keeps_what_is_in_an_archive() {
    let place = Place::with_arrays();
    place.done("save b.zip x=x.npy");
    let digest = place.done("digest b.zip");
    assert_eq!(place.done("consolidate b.zip"), "<zarr.hierarchy.Group '/'>\n");
    assert_eq!(place.done("digest b.zip"), digest);
}

#[test]
fn consolidate_refuses_what_is_no_hierarchy() {
    let place = Place::with_group();
    place.refused("consolidate none.zarr", 3, &["none.zarr"]);
    place.refused("consolidate none.zip", 3, &["none.zip"]);
    place.refused("consolidate g.zarr --metadata-key x/.zarray", 2, &["x/.zarray"]);
    place.done("create three.zarr --zarr-format 3");
    place.refused(
        "consolidate three.zarr --metadata-key x.json",
        2,
        &["format 3", "x.json"],
    );
    place.write("g.zarr/x/.zattrs", b"{");
    place.refused("consolidate g.zarr", 4, &["x/.zattrs"]);
}

#[test]
fn documents_go_to_the_other_format_and_back() {
    let place = Place::with_group();
    let digest = place.done("digest g.zarr");
    assert_eq!(
        place.done("migrate g.zarr --dry-run"),
        "2 arrays and 2 groups would be given documents of Zarr V3\n"
    );
    place.done("migrate g.zarr");
    let has = |name: &str| place.files().keys().any(|path| path.ends_with(name));
    assert!(has("g.zarr/x/zarr.json") && !has(".zarray") && !has(".zgroup"));
    assert_eq!(place.done("digest g.zarr"), digest);
    place.done("migrate g.zarr --to 2");
    assert!(has("g.zarr/x/.zarray") && !has("zarr.json"));
    assert_eq!(place.done("digest g.zarr"), digest);
}

#[test]
fn a_migration_is_rolled_back_or_finished() {
    let place = Place::with_group();
    let files = |place: &Place| {
        let mut files = place.files();
        files.retain(|_, content| content.is_some());
        files
    };
    let before = files(&place);
    let tree = place.done("tree g.zarr");
    place.refused(
        "migrate g.zarr --rollback",
        5,
        &["nothing is kept of a migration"],
    );
    place.done("migrate g.zarr");
    assert!(place.path("g.zarr/.zarr-migration").exists());
    // The journal is no node, no chunk and no difference.
    assert_eq!(place.done("tree g.zarr"), tree);
    assert_eq!(place.done("ls g.zarr"), "sub/\nx\n");
    place.done("copy-store g.zarr copy.zarr --verify");
    place.done("diff g.zarr copy.zarr");
    assert_eq!(
        place.done("migrate copy.zarr --rollback --json"),
        "{\"rolled_back\":4}\n"
    );
    place.done("diff g.zarr copy.zarr");
    place.done("rm copy.zarr");
    // Beside other nodes it would tell of what is not there.
    place.done("save more.zarr z=x.npy");
    place.done("copy-store g.zarr more.zarr --dest-path g");
    place.done("migrate more.zarr/g --rollback");
    place.done("copy-store g.zarr part.zarr --exclude ^sub");
    assert!(!place.path("part.zarr/.zarr-migration").exists());
    place.done("rm more.zarr part.zarr");
    assert_eq!(
        place.done("migrate g.zarr --rollback"),
        "4 nodes have the documents again that they had\n"
    );
    assert!(files(&place) == before);
    place.done("migrate g.zarr");
    assert_eq!(
        place.done("migrate g.zarr --finish --json"),
        "{\"finished\":true}\n"
    );
    place.refused("migrate g.zarr --finish", 5, &["nothing is kept of a migration"]);
    place.refused(
        "migrate g.zarr --rollback",
        5,
        &["nothing is kept of a migration"],
    );
    for line in ["--rollback --to 2", "--finish --rollback", "--rollback --dry-run"] {
        assert_eq!(place.run(&format!("migrate g.zarr {line}")).status, 2);
    }
}

#[test]
fn what_blocks_a_migration_is_named() {
    let place = Place::with_arrays();
    place.done("save g.zarr x=x.npy --zarr-format 3");
    let refused = place.run("migrate g.zarr --to 2");
    assert_eq!(refused.status, 5);
    assert!(refused.stderr.contains("/x: "), "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("chunk keys of V3 have no form in Zarr V2"),
        "{}",
        refused.stderr
    );
}

#[test]
fn shards_are_made_and_told() {
    let place = Place::with_arrays();
    place.done("save a.zarr y.npy --zarr-format 3 --chunks 1,1 --shards 2,3");
    assert_eq!(place.done("load a.zarr"), "[[0 1 2]\n [3 4 5]]\n");
    let info: serde_json::Value = serde_json::from_str(&place.done("info a.zarr --json")).unwrap();
    assert_eq!(info["chunks"], serde_json::json!([1, 1]));
    assert_eq!(info["shards"], serde_json::json!([2, 3]));
    assert!(place.done("info a.zarr").contains("Shards"));
    assert_eq!(place.run("save b.zarr y.npy --shards 2,3").status, 2);
    assert_eq!(
        place
            .run("save b.zarr y.npy --zarr-format 3 --chunks 2,2 --shards 2,3")
            .status,
        2
    );
}

#[test]
fn every_element_is_printed_for_suites_of_tests() {
    let place = Place::with_arrays();
    place.done("save a.zarr y.npy");
    assert_eq!(
        place.done("conformance-read --array_path=a.zarr"),
        "0\n1\n2\n3\n4\n5\n"
    );
}

#[test]
fn an_array_is_brought_into_other_chunks() {
    let place = Place::with_arrays();
    place.done("save a.zarr y=y.npy --chunks 2,1");
    let plan = place.done("rechunk a.zarr/y b.zarr --chunks 1,3 --dry-run --memory 1M");
    assert!(
        plan.starts_with("pass 1 of 1: reads 24 and writes 24 bytes, chunks (1, 3), peak memory "),
        "{plan}"
    );
    let done = place.done("rechunk a.zarr/y b.zarr --chunks 1,3");
    assert_eq!(done, "all done: 1 copied, 0 skipped, 24 bytes copied\n");
    assert_eq!(place.done("digest b.zarr"), place.done("digest a.zarr"));
    let info: serde_json::Value = serde_json::from_str(&place.done("info b.zarr/y --json")).unwrap();
    assert_eq!(info["chunks"], serde_json::json!([1, 3]));
    place.done("rechunk a.zarr/y c.zarr --zarr-format 3 --chunks 1,1 --shards 2,3");
    assert_eq!(place.done("load c.zarr/y"), "[[0 1 2]\n [3 4 5]]\n");
    assert_eq!(place.run("rechunk a.zarr/y d.zarr").status, 2);
    assert_eq!(place.run("rechunk a.zarr d.zarr --chunks 1").status, 2);
}

#[test]
fn an_array_without_a_name_takes_the_place_it_is_copied_to() {
    let place = Place::with_arrays();
    place.done("save a.zarr y.npy --chunks 2,1");
    let digest = place.done("digest a.zarr");
    for (line, dest) in [
        ("copy a.zarr b.zarr", "b.zarr"),
        ("copy a.zarr b.zip --verify", "b.zip"),
        (
            "copy a.zarr v3.zarr --zarr-format 3 --chunks 1,3 --verify",
            "v3.zarr",
        ),
        ("rechunk a.zarr c.zarr --chunks 1,3", "c.zarr"),
        ("rechunk a.zarr c.zip --chunks 1,3", "c.zip"),
    ] {
        let done = place.done(line);
        assert_eq!(done, "all done: 1 copied, 0 skipped, 24 bytes copied\n", "{line}");
        assert_eq!(place.done(&format!("digest {dest}")), digest, "{line}");
        place.refused(line, 7, &["an object is already at the destination '/'"]);
        place.done(&format!("{line} --if-exists replace"));
        assert_eq!(place.done(&format!("digest {dest}")), digest, "{line}");
        let skipped = place.done(&format!("{line} --if-exists skip"));
        assert_eq!(
            skipped, "all done: 0 copied, 1 skipped, 0 bytes copied\n",
            "{line}"
        );
    }
    assert_eq!(place.done("tree b.zarr"), place.done("tree a.zarr"));
    let explained = place.done("copy a.zarr new.zarr --explain --chunks 1,3");
    assert!(explained.starts_with("/ -> /: "), "{explained}");
    assert!(!place.path("new.zarr").exists());
    // Groups are not replaced, and there a name is needed.
    place.done("create g.zarr");
    for line in [
        "copy a.zarr g.zarr",
        "rechunk a.zarr g.zarr --chunks 1,3",
        "copy a.zarr f.h5",
    ] {
        place.refused(
            &format!("{line} --if-exists replace"),
            2,
            &["has no name", "--name"],
        );
    }
    place.done("copy a.zarr g.zarr --name y");
    place.done("copy a.zarr g.zarr/deep/z");
    assert_eq!(place.done("load g.zarr/y"), place.done("load g.zarr/deep/z"));
    place.refused("copy a.zarr g.zarr/y/below", 7, &["an array"]);
    place.refused("copy a.zarr a.zarr", 5, &["cannot be copied to"]);
    place.done("copy g.zarr/y e.zarr");
    assert_eq!(place.done("ls e.zarr"), "y\n");
}

#[cfg(unix)]
#[test]
fn links_stay_and_pipes_and_devices_get_what_is_written() {
    let place = Place::with_group();
    place.done("load g.zarr/x -o expected.npy");
    place.write("kept.npy", b"old");
    std::os::unix::fs::symlink("kept.npy", place.path("link.npy")).unwrap();
    place.done("load g.zarr/x -o link.npy");
    assert!(place.path("link.npy").is_symlink());
    assert_eq!(place.read("kept.npy"), place.read("expected.npy"));
    place.done("load g.zarr -o group.npz");
    std::os::unix::fs::symlink("group.npz", place.path("link.npz")).unwrap();
    place.done("load g.zarr -o link.npz");
    assert!(place.path("link.npz").is_symlink());
    // Whoever reads a pipe gets all of it, and the pipe stays.
    let pipe = place.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    place.done("load g.zarr/x -o pipe");
    assert_eq!(reader.join().unwrap(), place.read("expected.npy"));
    assert!(!pipe.metadata().unwrap().is_file());
    let output = place.command(&["load", "g.zarr/x", "-o", "-"]).output().unwrap();
    assert_eq!(output.stdout, place.read("expected.npy"));
    let refused = place.run("load g.zarr -o pipe");
    assert_eq!(
        (refused.status, &*refused.stderr),
        (7, "zarr: pipe: not a file\n")
    );
}

#[test]
fn a_group_does_not_go_into_a_file_of_one_array() {
    Place::with_group().refused("load g.zarr -o a.npy", 2, &[".npz"]);
}
