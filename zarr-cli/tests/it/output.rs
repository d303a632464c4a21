//! What is printed where: help, JSON, progress, closed pipes, full disks.

use std::{fs::OpenOptions, process::Stdio};

use serde_json::Value;

use crate::place::Place;

const VERBS: [&str; 10] = [
    "save",
    "load",
    "create",
    "info",
    "tree",
    "copy",
    "copy-all",
    "copy-store",
    "digest",
    "codecs",
];

#[test]
fn the_help_of_every_verb_has_an_example() {
    let place = Place::new();
    let verbs = place.done("--help");
    for verb in VERBS {
        assert!(verbs.contains(&format!("\n  {verb} ")), "{verbs}");
        let help = place.done(&format!("{verb} --help"));
        assert!(help.contains(&format!("Example: zarr {verb}")), "{help}");
    }
    assert!(place.done("--version").starts_with("zarr "));
}

#[test]
fn json_is_one_document_on_standard_output() {
    let place = Place::with_group();
    let json = |line: &str| -> Value {
        let text = place.done(&format!("{line} --json"));
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(json("tree g.zarr")["members"][1]["shape"], serde_json::json!([6]));
    assert_eq!(json("digest g.zarr")[0]["path"], "/sub/y");
    assert_eq!(json("load g.zarr/x")["text"], "[0 1 2 3 4 5]");
    assert_eq!(json("load g.zarr")["arrays"], serde_json::json!(["x"]));
    assert_eq!(json("info g.zarr/x")["n_chunks"], 1);
    assert_eq!(json("info g.zarr")["members"][1]["path"], "/x");
    assert_eq!(json("create c.zarr")["path"], "/");
    assert_eq!(json("copy g.zarr/x c.zarr")["n_bytes_copied"], 24);
    assert_eq!(json("copy-all g.zarr d.zarr --dry-run")["dry_run"], true);
    assert_eq!(json("copy-store g.zarr e.zarr")["n_copied"], 6);
    assert!(json("codecs").as_array().unwrap().len() > 10);
}

#[test]
fn progress_goes_to_standard_error_one_document_a_line() {
    let place = Place::with_group();
    let run = place.run("copy-all g.zarr h.zarr --progress json");
    assert_eq!(run.stdout, "all done: 3 copied, 0 skipped, 48 bytes copied\n");
    let last: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(
        (last["done"].as_u64(), last["total"].as_u64()),
        (Some(48), Some(48))
    );
}

/// A pipe that nobody reads any more.
fn closed_pipe() -> Stdio {
    let mut reader = std::process::Command::new("true")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let pipe = reader.stdin.take().unwrap();
    reader.wait().unwrap();
    Stdio::from(pipe)
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_the_work_is_done() {
    let place = Place::with_group();
    for line in [
        "tree g.zarr",
        "info g.zarr/x",
        "load g.zarr/x",
        "digest g.zarr",
        "codecs",
        "create c.zarr",
        "copy-all g.zarr h.zarr --log -",
        "--help",
    ] {
        let words: Vec<_> = line.split_whitespace().collect();
        let run = place.command(&words).stdout(closed_pipe()).output().unwrap();
        let message = String::from_utf8(run.stderr).unwrap();
        assert_eq!((run.status.code(), message.as_str()), (Some(0), ""), "{line}");
    }
    assert_eq!(place.done("digest h.zarr"), place.done("digest g.zarr"));
}

#[test]
fn an_error_that_nobody_reads_does_not_change_the_status() {
    let place = Place::new();
    let mut command = place.command(&["tree", "nothing.zarr"]);
    let status = command.stderr(closed_pipe()).status().unwrap();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn a_full_disk_under_standard_output_is_an_error() {
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        return;
    };
    let place = Place::with_group();
    let run = place.command(&["tree", "g.zarr"]).stdout(full).output().unwrap();
    let message = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(6), "{message}");
    assert!(
        message.starts_with("zarr: writing to standard output failed: "),
        "{message}"
    );
}

#[test]
fn names_cannot_command_a_terminal() {
    let place = Place::with_group();
    let line = ["info", "g.zarr"];
    place.write(
        "g.zarr/.zattrs",
        b"{\"bell\": \"\\u0007\\u001b[2J\", \"\\u001b]0;x\": 1}",
    );
    let run = place.run_words(&line);
    assert!(
        !run.stdout.replace('\n', "").contains(char::is_control),
        "{:?}",
        run.stdout
    );
    let run = place.run_words(&["info", "g.zarr/\u{1b}[2J"]);
    assert!(run.status != 0 && !run.stderr.trim_end().contains(char::is_control));
}

#[test]
fn b48_a_log_is_named_by_the_path_of_its_file_and_closed_whole() {
    let place = Place::with_group();
    place.done("copy-all g.zarr h.zarr --log log.txt");
    let text = place.text("log.txt");
    assert!(
        text.ends_with("all done: 3 copied, 0 skipped, 48 bytes copied\n"),
        "{text}"
    );
}

#[test]
fn a_dry_run_leaves_the_file_of_its_log_alone() {
    let place = Place::with_group();
    for command in ["copy-all", "copy-store"] {
        for log in ["new.txt", "old.txt"] {
            place.write("old.txt", b"old");
            let before = place.files();
            let printed = place.done(&format!("{command} g.zarr h.zarr --dry-run --log {log}"));
            assert!(printed.contains("dry run: "), "{printed}");
            assert!(printed.lines().count() > 1, "{printed}");
            place.assert_files(&before);
        }
    }
}
