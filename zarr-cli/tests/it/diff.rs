//! `zarr diff`: what it prints and how it ends.

use serde_json::{Value, json};

use crate::place::Place;

#[test]
fn nothing_is_said_of_what_is_the_same() {
    let place = Place::with_group();
    place.done("copy-all g.zarr h.zip --zarr-format 3 --chunks 1 --order F --compressor none");
    assert_eq!(place.done("diff g.zarr h.zip"), "");
    assert_eq!(place.done("diff g.zarr/x h.zip/x"), "");
    assert_eq!(place.done("diff g.zarr h.zip --a-path sub/y --b-path sub/y"), "");
}

#[test]
fn what_differs_is_printed_and_the_status_is_1() {
    let place = Place::with_group();
    place.done("copy-all g.zarr h.zarr");
    place.npy("z.npy", &[6], &[0, 1, 7, 3, 4, 8]);
    place.done("save h.zarr/x z.npy --chunks 2");
    place.done("save h.zarr/more x.npy");
    place.write("h.zarr/.zattrs", br#"{"title": "Sea"}"#);
    let run = place.run("diff g.zarr h.zarr");
    let expected = "/: attribute \"title\": only in B: \"Sea\"\n\
                    /more: only in B: array (6,) int32\n\
                    /x: 2 of 6 values differ, first at [2]: 2 and 7\n";
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (1, expected, "")
    );
    let run = place.run("diff g.zarr h.zarr --limit 1");
    let expected =
        "/: attribute \"title\": only in B: \"Sea\"\n... and 2 more; --limit N lists more of them\n";
    assert_eq!((run.status, run.stdout.as_str()), (1, expected));
    assert_eq!(place.run("diff g.zarr h.zarr --first").stdout.lines().count(), 1);
    assert_eq!(
        place.run("diff g.zarr h.zarr --structure-only").stdout,
        "/more: only in B: array (6,) int32\n"
    );
    assert_eq!(place.done("diff g.zarr/x h.zarr/x --atol 5"), "");
    assert_eq!(place.done("diff g.zarr/x h.zarr/x --without-values"), "");
}

#[test]
fn the_document_has_what_the_text_has() {
    let place = Place::with_group();
    place.npy("z.npy", &[6], &[0, 1, 7, 3, 4, 8]);
    place.done("save h.zarr x=z.npy extra=x.npy");
    let run = place.run("diff g.zarr h.zarr --json");
    assert_eq!(run.status, 1);
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    let expected = json!({
        "same": false,
        "n_nodes": 2,
        "n_elements": 6,
        "n_differences": 3,
        "differences": [
            {"path": "/extra", "kind": "only", "side": "b", "node": "array (6,) int32"},
            {"path": "/sub", "kind": "only", "side": "a", "node": "group"},
            {"path": "/x", "kind": "values", "n_different": 2, "n_elements": 6, "index": [2], "a": 2, "b": 7},
        ],
        "not_compared": [],
        "n_failures": 0,
        "failures": [],
    });
    assert_eq!(found, expected);
}

#[test]
fn trouble_has_a_status_of_its_own() {
    let place = Place::with_group();
    place.refused("diff g.zarr none.zarr", 3, &["none.zarr"]);
    place.refused("diff g.zarr g.zarr --rtol=-1", 2, &["rtol"]);
    place.done("copy-all g.zarr h.zarr --compressor none");
    place.write("h.zarr/x/0", b"short");
    place.write("h.zarr/.zattrs", br#"{"title": "Sea"}"#);
    let run = place.run("diff g.zarr h.zarr");
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (4, "/: attribute \"title\": only in B: \"Sea\"\n")
    );
    assert!(
        run.stderr.starts_with("zarr: /x: ") && run.stderr.lines().count() == 1,
        "{}",
        run.stderr
    );
}

#[test]
fn names_and_values_cannot_command_a_terminal() {
    let place = Place::with_group();
    place.done("create h.zarr");
    place.write("h.zarr/.zattrs", b"{\"\\u001b]0;x\": \"\\u001b[2J\"}");
    let run = place.run("diff g.zarr h.zarr");
    assert!(
        !run.stdout.replace('\n', "").contains(char::is_control),
        "{:?}",
        run.stdout
    );
}

#[test]
fn progress_is_told_in_nodes_and_values() {
    let place = Place::with_group();
    place.done("copy-all g.zarr h.zarr");
    let run = place.run("diff g.zarr h.zarr --progress json");
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    let told: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(
        told,
        serde_json::json!({"event": "progress", "n_nodes": 4, "n_elements": 12})
    );
    assert_eq!(place.done("diff g.zarr h.zarr"), "");
}
