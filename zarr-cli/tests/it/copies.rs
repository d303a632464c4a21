//! `copy`, `copy-all` and `copy-store`: counts, logs, dry runs.

use crate::place::Place;

#[test]
fn copy_all_prints_the_summary_or_the_log_with_the_summary() {
    let place = Place::with_group();
    let summary = "all done: 3 copied, 0 skipped, 48 bytes copied\n";
    assert_eq!(place.done("copy-all g.zarr a.zarr"), summary);
    let log = format!("copy /sub\ncopy /sub/y (2, 3) int32\ncopy /x (6,) int32\n{summary}");
    assert_eq!(place.done("copy-all g.zarr b.zarr --log -"), log);
    assert_eq!(place.done("copy-all g.zarr c.zarr --log log.txt"), summary);
    assert_eq!(place.text("log.txt"), log);
}

#[test]
fn a_dry_run_prints_what_would_be_done_and_writes_nothing() {
    let place = Place::with_group();
    place.done("copy-all g.zarr there.zarr");
    let before = place.files();
    let log = "copy /sub\ncopy /sub/y (2, 3) int32\ncopy /x (6,) int32\ndry run: 3 copied, 0 skipped\n";
    let skips = "copy /sub\nskip /sub/y (2, 3) int32\nskip /x (6,) int32\ndry run: 1 copied, 2 skipped\n";
    assert_eq!(place.done("copy-all g.zarr new.zarr --dry-run --log -"), log);
    assert_eq!(place.done("copy-all g.zarr new.zip --dry-run --log -"), log);
    assert_eq!(place.done("copy-all g.zarr there.zarr/in --dry-run --log -"), log);
    assert_eq!(
        place.done("copy-all g.zarr there.zarr --dry-run --log - --if-exists replace"),
        log
    );
    assert_eq!(
        place.done("copy-all g.zarr there.zarr --dry-run --log - --if-exists skip"),
        skips
    );
    place.assert_files(&before);
}

#[test]
fn copy_takes_a_name() {
    let place = Place::with_group();
    let line = "copy g.zarr/x k.zarr --name deep/n --zarr-format 3 --log -";
    let log = "copy /x (6,) int32\nall done: 1 copied, 0 skipped, 24 bytes copied\n";
    assert_eq!(place.done(line), log);
    assert_eq!(place.done("tree k.zarr"), "/\n └── deep\n     └── n (6,) int32\n");
    assert!(place.path("k.zarr/zarr.json").exists());
}

#[test]
fn copy_into_a_group_of_a_store_that_is_there_keeps_the_rest() {
    let place = Place::with_group();
    place.done("copy g.zarr/sub g.zarr --name again");
    place.done("copy g.zarr/sub g.zarr/other");
    let tree = "/\n ├── again\n │   └── y (2, 3) int32\n ├── other\n │   └── sub\n │       └── y (2, 3) int32\n \
                ├── sub\n │   └── y (2, 3) int32\n └── x (6,) int32\n";
    assert_eq!(place.done("tree g.zarr"), tree);
}

#[test]
fn shallow_and_without_attrs_leave_out() {
    let place = Place::with_group();
    place.write("g.zarr/.zattrs", br#"{"title": "Sea"}"#);
    place.write("g.zarr/x/.zattrs", br#"{"unit": "K"}"#);
    let line = "copy-all g.zarr a.zarr --shallow --without-attrs --log -";
    let log = "copy /x (6,) int32\nall done: 1 copied, 0 skipped, 24 bytes copied\n";
    assert_eq!(place.done(line), log);
    assert!(!place.path("a.zarr/.zattrs").exists() && !place.path("a.zarr/x/.zattrs").exists());
    place.done("copy-all g.zarr b.zarr");
    assert!(place.text("b.zarr/.zattrs").contains("Sea"));
    assert!(place.text("b.zarr/x/.zattrs").contains('K'));
}

#[test]
fn if_exists_says_what_happens_to_what_is_there() {
    let place = Place::with_group();
    place.done("save new.zarr x=y.npy");
    place.done("copy-all g.zarr d.zarr");
    let run = |what: &str| place.done(&format!("copy-all new.zarr d.zarr --if-exists {what} --log -"));
    assert_eq!(
        run("skip"),
        "skip /x (2, 3) int32\nall done: 0 copied, 1 skipped, 0 bytes copied\n"
    );
    assert_eq!(
        run("skip_initialized"),
        "skip /x (2, 3) int32\nall done: 0 copied, 1 skipped, 0 bytes copied\n"
    );
    assert_eq!(
        run("replace"),
        "copy /x (2, 3) int32\nall done: 1 copied, 0 skipped, 24 bytes copied\n"
    );
    assert_eq!(place.done("load d.zarr/x"), "[[0 1 2]\n [3 4 5]]\n");
    assert_eq!(place.done("load d.zarr/sub/y"), "[[0 1 2]\n [3 4 5]]\n");
}

#[test]
fn copy_store_moves_keys_as_they_are() {
    let place = Place::with_group();
    let log =
        "copy .zgroup\ncopy sub/.zgroup\ncopy sub/y/.zarray\ncopy sub/y/0.0\ncopy x/.zarray\ncopy x/0\n";
    let found = place.done("copy-store g.zarr a.zip --log -");
    assert!(
        found.starts_with(&format!("{log}all done: 6 copied, 0 skipped, ")),
        "{found}"
    );
    place.done("copy-store a.zip b.zarr");
    for key in [".zgroup", "sub/y/.zarray", "sub/y/0.0", "x/.zarray", "x/0"] {
        let (from, to) = (format!("g.zarr/{key}"), format!("b.zarr/{key}"));
        assert_eq!(place.read(&from), place.read(&to), "{key}");
    }
}

#[test]
fn copy_store_selects_keys_and_moves_them_to_a_path() {
    let place = Place::with_group();
    let line = "copy-store g.zarr a.zarr --source-path sub --dest-path there --exclude 0.0 --log - --dry-run";
    let log = "copy sub/.zgroup -> there/.zgroup\ncopy sub/y/.zarray -> there/y/.zarray\ndry run: 2 copied, 0 skipped\n";
    assert_eq!(place.done(line), log);
    assert!(!place.path("a.zarr").exists());
    let line = "copy-store g.zarr a.zarr --exclude y --include zarray --log -";
    assert!(place.done(line).starts_with(
        "copy .zgroup\ncopy sub/.zgroup\ncopy sub/y/.zarray\ncopy x/.zarray\ncopy x/0\nall done: 5 copied"
    ));
}

#[test]
fn copy_store_skips_or_replaces_keys_that_are_there() {
    let place = Place::with_group();
    place.done("copy-store g.zarr a.zarr");
    place.done("save g.zarr/x y.npy --chunks 6");
    let skipped = "all done: 0 copied, 6 skipped, 0 bytes copied\n";
    place.done("copy-store g.zarr/x a.zarr/x --if-exists replace");
    assert_eq!(place.done("load a.zarr/x"), "[[0 1 2]\n [3 4 5]]\n");
    place.done("copy-store a.zarr b.zip");
    let line = "copy-store a.zarr b.zip --if-exists skip --exclude 0/0$";
    let found = place.done(line);
    assert!(found.starts_with("all done: 0 copied, "), "{found} {skipped}");
}

#[test]
fn copy_store_makes_groups_above_and_leaves_out_consolidated_metadata_that_would_be_wrong() {
    let place = Place::with_group();
    place.done("consolidate g.zarr");
    place.done("copy-store g.zarr a.zarr --dest-path deep/copy");
    assert_eq!(
        place.read("a.zarr/deep/copy/.zmetadata"),
        place.read("g.zarr/.zmetadata")
    );
    let tree = "/\n └── deep\n     └── copy\n         ├── sub\n         │   └── y (2, 3) int32\n         └── x (6,) int32\n";
    assert_eq!(place.done("tree a.zarr"), tree);
    let line = "copy-store g.zarr b.zarr --exclude ^sub/ --log -";
    let log = place.done(line);
    assert!(
        log.starts_with(
            "copy .zgroup\nskip .zmetadata\ncopy x/.zarray\ncopy x/0\nall done: 3 copied, 1 skipped, "
        ),
        "{log}"
    );
    assert!(!place.path("b.zarr/.zmetadata").exists());
    assert_eq!(place.done("diff g.zarr/x b.zarr/x"), "");
}

#[test]
fn copy_store_explains_what_it_would_do_and_does_nothing() {
    let place = Place::with_group();
    place.done("consolidate g.zarr");
    let size = |names: &[&str]| {
        names
            .iter()
            .map(|name| place.read(&format!("g.zarr/{name}")).len())
            .sum::<usize>()
    };
    let (values, documents) = (size(&["x/0"]), size(&[".zgroup", "x/.zarray"]));
    let before = place.files();
    let line = "copy-store g.zarr b.zarr --exclude ^sub/ --dest-path copy --explain";
    let consolidated = size(&[".zmetadata"]);
    let consolidated = format!("{},{:03}", consolidated / 1000, consolidated % 1000);
    let expected = format!(
        "1 key of {values} bytes: copied as they are, on all threads\n\
         2 keys of {documents} bytes: documents, copied when all other keys are there, the deepest first\n\
         1 key of {consolidated} bytes: skipped, because they are consolidated metadata\n\
         /: made a group, because it is above the copy\n\
         consolidated metadata: left out and removed, because what they tell of would not be just what is there\n\
         in all {} bytes to copy\n",
        values + documents
    );
    assert_eq!(place.done(line), expected);
    place.assert_files(&before);
}

#[cfg(unix)]
#[test]
fn copy_store_follows_links_out_of_its_source_only_when_told() {
    let place = Place::with_group();
    place.write("elsewhere/0", b"1");
    std::os::unix::fs::symlink("../elsewhere", place.path("g.zarr/link")).unwrap();
    place.refused(
        "copy-store g.zarr a.zarr",
        7,
        &["g.zarr: link", "a link leads out of the store"],
    );
    place.refused(
        "copy-store g.zarr a.zarr --dry-run",
        7,
        &["a link leads out of the store"],
    );
    place.done("copy-store g.zarr a.zarr --follow-symlinks");
    assert_eq!(place.read("a.zarr/link/0"), b"1");
}

#[cfg(feature = "hdf5")]
#[test]
fn chunks_of_hdf5_are_kept_and_moved_where_that_is_asked_for() {
    let place = Place::new();
    let testdata = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    std::fs::copy(testdata.join("hdf5/chunks.h5"), place.path("a.h5")).unwrap();
    let explained = place.done("copy a.h5/gzip b.zarr --keep-codecs --explain");
    let line = "/gzip -> /gzip: encoded chunks are moved as they are, because chunk shape, codecs and fill value \
                agree; 6 units of (16, 16)";
    assert_eq!(explained.lines().next(), Some(line));
    place.done("copy a.h5/gzip b.zarr --keep-codecs");
    assert!(place.text("b.zarr/gzip/.zarray").contains("\"id\": \"zlib\""));
    let json: serde_json::Value =
        serde_json::from_str(&place.done("copy a.h5/gzip c.zarr --explain --json")).unwrap();
    assert_eq!(json["steps"][0]["way"], "recode");
    place.done("copy b.zarr/gzip back.h5 --trust-chunks");
    assert_eq!(place.done("diff a.h5/gzip back.h5/gzip"), "");
}
