//! Words that make no sense, and what would do harm: one line, a status, and nothing is changed.

use std::process::Command;

use crate::place::Place;

#[test]
fn b06_an_absent_store_is_not_found() {
    let place = Place::with_arrays();
    for verb in ["load", "info", "tree", "digest"] {
        place.refused(&format!("{verb} nothing.zarr"), 3, &["nothing.zarr"]);
        place.refused(&format!("{verb} nothing.zip"), 3, &["nothing.zip"]);
    }
    for verb in ["copy", "copy-all", "copy-store"] {
        place.refused(&format!("{verb} nothing.zarr new.zarr"), 3, &["nothing.zarr"]);
        place.refused(&format!("{verb} nothing.zarr new.zip"), 3, &["nothing.zarr"]);
    }
    place.refused("save new.zarr nothing.npy", 3, &["nothing.npy"]);
}

#[test]
fn an_absent_node_is_not_found() {
    let place = Place::with_group();
    place.refused("load g.zarr/nope", 3, &["g.zarr", "nope"]);
    place.refused("tree g.zarr/x/y", 3, &["g.zarr", "x/y"]);
    place.refused("copy g.zarr/nope new.zarr", 3, &["g.zarr", "nope"]);
    place.refused("create g.zarr/nope --mode r", 3, &["g.zarr", "nope"]);
    place.write("folder/file", b"");
    place.refused("load folder", 3, &["zarr: folder: is no Zarr array or group"]);
}

#[test]
fn a_file_that_is_no_store_is_damaged_data_or_in_the_way() {
    let place = Place::with_arrays();
    place.refused("load x.npy", 4, &["x.npy"]);
    place.refused("copy-all x.npy new.zarr", 4, &["x.npy"]);
    place.refused("copy-store x.npy new.zarr", 4, &["x.npy"]);
    place.refused("save x.npy y.npy", 7, &["zarr: x.npy: is a file"]);
    place.refused("create x.npy", 7, &["zarr: x.npy: is a file"]);
    place.refused("save new.zarr damaged=x.npy/y", 6, &["x.npy/y"]);
}

#[test]
fn what_is_neither_a_file_nor_a_directory_is_refused_and_not_waited_for() {
    let place = Place::with_arrays();
    let made = Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    assert!(made.success());
    let lines = [
        "load pipe",
        "info pipe",
        "tree pipe",
        "ls pipe",
        "attrs pipe",
        "digest pipe",
        "copy pipe new.zarr",
        "copy-all pipe new.zarr",
        "copy-store pipe new.zarr",
        "save pipe x.npy",
        "create pipe --shape 3 --dtype i4",
        "consolidate pipe",
        "diff pipe pipe",
        "migrate pipe",
        "rechunk pipe new.zarr --chunks 3",
    ];
    for line in lines {
        let run = place.run(line);
        assert_ne!(run.status, 0, "{line}");
        let is_named = run.stderr.contains("opening `pipe`: it is a pipe")
            || run.stderr.contains("pipe: is neither a file nor a directory");
        assert!(is_named, "{line}: {}", run.stderr);
    }
    assert!(!place.path("new.zarr").exists());
}

#[test]
fn a_destination_that_is_there_is_a_conflict() {
    let place = Place::with_group();
    place.done("copy-all g.zarr h.zarr");
    place.done("copy-all g.zarr h.zip");
    let object = "h.zarr: an object 'y' already exists in destination '/sub'";
    place.refused("copy-all g.zarr h.zarr", 7, &[object]);
    place.refused("copy-all g.zarr h.zip", 7, &["h.zip: an object 'y'"]);
    place.refused("copy g.zarr/x h.zarr", 7, &["h.zarr: an object 'x'"]);
    place.refused("copy g.zarr/sub h.zarr --name x", 7, &["h.zarr: an array 'x'"]);
    place.refused("copy-store g.zarr h.zip", 7, &["h.zip", "'.zgroup'"]);
    place.refused("copy g.zarr/x h.zarr/x", 7, &["h.zarr", "x: is an array"]);
    place.refused(
        "copy-all g.zarr h.zarr/x --dry-run",
        7,
        &["h.zarr", "x: is an array"],
    );
    place.refused("create g.zarr", 7, &["zarr: g.zarr: contains a group"]);
    place.refused(
        "create g.zarr/x",
        7,
        &["zarr: g.zarr/x: path 'x' contains an array"],
    );
}

#[test]
fn a_copy_onto_or_into_itself_is_refused_before_anything_is_made() {
    let place = Place::with_group();
    for line in [
        "copy-all g.zarr g.zarr --if-exists replace",
        "copy-all g.zarr ./g.zarr --if-exists replace",
        "copy-all g.zarr g.zarr/sub/in",
        "copy-all g.zarr/sub g.zarr/sub",
        "copy g.zarr/x g.zarr --if-exists replace",
        "copy g.zarr/x ../g.zarr/../g.zarr --if-exists replace",
        "copy g.zarr/sub g.zarr/sub/in",
        "copy g.zarr/sub/y g.zarr --name sub --if-exists replace",
    ] {
        let here = place.path("g.zarr");
        let line = line.replace("../g.zarr/..", here.parent().unwrap().to_str().unwrap());
        place.refused(&line, 5, &["g.zarr", "cannot be copied to"]);
    }
}

#[test]
fn b05_save_does_not_destroy_what_is_no_node() {
    let place = Place::with_arrays();
    place.write("photos/cat.jpg", b"cat");
    place.refused("save photos x.npy", 5, &["photos", "`cat.jpg`"]);
    place.refused("save photos a=x.npy", 5, &["photos", "`cat.jpg`"]);
    place.done("save photos x.npy --force");
    assert!(!place.path("photos/cat.jpg").exists());
}

#[test]
fn what_would_not_fit_into_memory_is_refused() {
    let place = Place::new();
    place.done("create big.zarr --shape 1000000000000 --chunks 1000000");
    let limit = "limit 104857600";
    place.refused(
        "load big.zarr -o out.npy --memory 100M",
        5,
        &["big.zarr", "8000000000000 bytes", limit],
    );
    place.refused(
        "load big.zarr --select 0:900000000000 --memory 100M",
        5,
        &["big.zarr", limit],
    );
    place.refused(
        "load big.zarr -o out.npy",
        5,
        &["big.zarr", "8000000000000 bytes"],
    );
    assert!(!place.path("out.npy").exists());
    let part = place.done("load big.zarr --memory 1K --select 0:3");
    assert_eq!(part, "[0. 0. 0.]\n");
}

#[test]
fn of_an_array_that_is_only_shown_the_corners_are_read() {
    let place = Place::new();
    place.done("create big.zarr --shape 1000000000000 --chunks 1000000 --fill-value 0.5");
    assert_eq!(
        place.done("load big.zarr --memory 100M"),
        "[0.5 0.5 0.5 ... 0.5 0.5 0.5]\n"
    );
    let document: serde_json::Value = serde_json::from_str(&place.done("load big.zarr --json")).unwrap();
    assert_eq!(document["shape"], serde_json::json!([1_000_000_000_000_u64]));
}

#[test]
fn little_memory_is_taken_for_what_is_refused() {
    let place = Place::new();
    place.done("create big.zarr --shape 1000000000000 --chunks 1000000");
    // 512 MiB of addresses would be too few for anything near the size of the array.
    let script = "ulimit -v 524288 && exec \"$0\" load big.zarr -o out.npy --threads 1";
    let program = env!("CARGO_BIN_EXE_zarr");
    let mut shell = Command::new("sh");
    let folder = place.path("");
    let run = shell
        .args(["-c", script, program])
        .current_dir(folder)
        .output()
        .unwrap();
    let message = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(5), "{message}");
}

#[test]
fn options_that_make_no_sense_are_usage_errors() {
    let place = Place::with_group();
    place.refused(
        "create o.zarr --shape 5 --dtype bogus",
        2,
        &["dtype", "\"bogus\""],
    );
    place.refused(
        "create o.zarr --shape 5 --chunks 0",
        2,
        &["chunks [0] must be at least 1"],
    );
    place.refused("create o.zarr --shape 5 --chunks a", 2, &["--chunks \"a\""]);
    place.refused(
        "create o.zarr --shape 5 --compressor bogus",
        2,
        &["--compressor \"bogus\"", "zlib"],
    );
    place.refused("create o.zarr --shape 5 --compressor {", 2, &["--compressor"]);
    place.refused("create o.zarr --shape 5 --fill-value nope", 2, &["--fill-value"]);
    place.refused(
        "create o.zarr --shape 5 --dtype <i4 --fill-value \"one\"",
        2,
        &["fill_value"],
    );
    place.refused(
        "create o.zarr --shape 5 --dimension-separator x",
        2,
        &["dimension_separator", "'x'"],
    );
    place.refused("create o.zarr --mode q", 2, &["mode must be one of", "'q'"]);
    place.refused(
        "copy-all g.zarr o.zarr --if-exists no",
        2,
        &["if_exists must be one of", "'no'"],
    );
    place.refused(
        "copy-store g.zarr o.zarr --if-exists skip_initialized",
        2,
        &["if_exists"],
    );
    place.refused("copy-store g.zarr o.zarr --exclude (", 2, &["\"(\"", "missing )"]);
    place.refused("copy g.zarr o.zarr", 2, &["g.zarr", "--name"]);
    place.refused(
        "copy-all g.zarr/x o.zarr",
        2,
        &["g.zarr", "is no group; use copy"],
    );
    place.refused("load g.zarr --select 0", 2, &["--select"]);
    place.refused("load g.zarr/x --select 0:1,0", 2, &["g.zarr/x: too many indices"]);
    place.refused(
        "load g.zarr/x --select 9",
        2,
        &["g.zarr/x: index out of bounds", "length 6"],
    );
    place.refused("load g.zarr/x --select a", 2, &["a"]);
    place.refused("info g.zarr/..", 2, &["'..'"]);
    for line in [
        "bogus",
        "save o.zarr",
        "load g.zarr --memory x",
        "tree",
        "copy-all g.zarr",
    ] {
        let run = place.run(line);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{line}");
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    }
}
