//! Stores that are damaged: an error names the key and what is wrong, and nothing is written.

use crate::place::Place;

#[test]
fn a_document_that_is_cut_short_is_corrupt() {
    let place = Place::with_group();
    let whole = place.read("g.zarr/x/.zarray");
    for length in [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        place.write("g.zarr/x/.zarray", &whole[..length]);
        for verb in ["load", "info", "digest"] {
            place.refused(&format!("{verb} g.zarr/x"), 4, &["g.zarr: x/.zarray"]);
        }
        place.refused("copy-all g.zarr new.zarr", 4, &["g.zarr: x/.zarray"]);
        place.refused("copy-all g.zarr new.zip", 4, &["g.zarr: x/.zarray"]);
    }
    place.write("g.zarr/.zgroup", b"{");
    place.refused("tree g.zarr", 4, &["g.zarr: .zgroup"]);
}

#[test]
fn attributes_that_are_cut_short_are_corrupt() {
    let place = Place::with_group();
    place.write("g.zarr/x/.zattrs", b"{\"unit\": ");
    place.refused("info g.zarr/x", 4, &["g.zarr: x/.zattrs"]);
    place.refused("copy g.zarr/x new.zarr", 4, &["g.zarr: x/.zattrs"]);
    place.refused("copy g.zarr/x new.zip", 4, &["g.zarr: x/.zattrs"]);
}

#[test]
fn a_wrong_member_is_named() {
    let place = Place::with_group();
    let document = place.text("g.zarr/x/.zarray");
    let check = |from: &str, to: &str, pointer: &str| {
        assert!(document.contains(from), "{document}");
        place.write("g.zarr/x/.zarray", document.replacen(from, to, 1).as_bytes());
        place.refused("load g.zarr/x", 4, &[&format!("g.zarr: x/.zarray#{pointer}")]);
    };
    check("\"<i4\"", "\"<q9\"", "/dtype");
    check("\"order\": \"C\"", "\"order\": \"D\"", "/order");
    check("\"zarr_format\": 2", "\"zarr_format\": 9", "/zarr_format");
    check("\"fill_value\": 0", "\"fill_value\": \"zero\"", "/fill_value");
}

/// Gives the array `x` another compressor.
fn compressor(place: &Place, compressor: &str) {
    let document = place.text("g.zarr/x/.zarray");
    let mut document: serde_json::Value = serde_json::from_str(&document).unwrap();
    document["compressor"] = serde_json::from_str(compressor).unwrap();
    place.write("g.zarr/x/.zarray", document.to_string().as_bytes());
}

#[test]
fn a_codec_that_is_not_known_is_named_and_the_array_is_still_listed() {
    let place = Place::with_group();
    compressor(&place, r#"{"id": "mystery"}"#);
    place.refused("load g.zarr/x", 4, &["g.zarr: x/.zarray", "mystery"]);
    place.refused("digest g.zarr", 4, &["g.zarr: x/.zarray", "mystery"]);
    assert!(place.done("tree g.zarr").contains("x (6,) int32"));
    assert!(
        place
            .done("info g.zarr/x")
            .contains("not known: a codec is not known")
    );
}

#[test]
fn pickle_is_refused_and_nothing_of_it_is_run() {
    let place = Place::with_group();
    // What Python would run: os.system("touch owned").
    place.write("g.zarr/x/0", b"cos\nsystem\n(S'touch owned'\ntR.");
    compressor(&place, r#"{"id": "pickle", "protocol": 5}"#);
    place.refused("load g.zarr/x", 5, &["g.zarr: x/.zarray", "pickle"]);
    place.refused("digest g.zarr", 5, &["g.zarr: x/.zarray", "pickle"]);
    place.refused(
        "copy g.zarr/x new.zarr --compressor zlib",
        5,
        &["g.zarr: x/.zarray", "pickle"],
    );
    place.refused("save new.zarr evil=evil.npy", 3, &["evil.npy"]);
    assert!(!place.path("owned").exists());
}

#[test]
fn a_numpy_file_of_objects_is_refused() {
    let place = Place::new();
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n";
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    let bytes = [
        b"\x93NUMPY\x01\x00",
        &length[..],
        header.as_bytes(),
        b"cos\nsystem\n.",
    ]
    .concat();
    place.write("o.npy", &bytes);
    place.refused(
        "save new.zarr o.npy",
        5,
        &["zarr: o.npy: objects are stored as code"],
    );
}

#[test]
fn a_chunk_that_is_cut_short_is_corrupt() {
    let place = Place::with_group();
    let whole = place.read("g.zarr/x/0");
    for length in 0..whole.len() {
        place.write("g.zarr/x/0", &whole[..length]);
        place.refused("load g.zarr/x", 4, &["array '/x', chunk [0]", "g.zarr: x/0"]);
    }
    place.refused("digest g.zarr", 4, &["g.zarr: x/0"]);
    place.refused("copy g.zarr/x new.zarr --compressor none", 4, &["g.zarr: x/0"]);
    place.refused("copy-all g.zarr new.zip --compressor none", 4, &["g.zarr: x/0"]);
}

#[test]
fn every_flipped_bit_of_a_chunk_with_a_checksum_is_found() {
    let place = Place::with_group();
    let whole = place.read("g.zarr/x/0");
    for at in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        place.write("g.zarr/x/0", &flipped);
        let run = place.run("load g.zarr/x");
        let is_harmless = run.status == 0 && run.stdout == "[0 1 2 3 4 5]\n";
        assert!(run.status == 4 || is_harmless, "bit {at}: {run:?}");
        assert!(
            is_harmless || run.stderr.contains("g.zarr: x/0"),
            "bit {at}: {run:?}"
        );
    }
}

#[test]
fn a_failed_copy_leaves_what_was_there() {
    let place = Place::with_group();
    place.done("copy-all g.zarr there.zarr");
    place.done("copy-all g.zarr there.zip");
    place.cut("g.zarr/x/0", 3);
    for dest in ["there.zarr", "there.zip"] {
        let before = place.done(&format!("digest {dest}"));
        let line = format!("copy g.zarr/x {dest} --if-exists replace --compressor none");
        place.refused(&line, 4, &["g.zarr: x/0"]);
        assert_eq!(place.done(&format!("digest {dest}")), before);
    }
}

#[test]
fn a_directory_in_the_place_of_a_chunk_is_no_missing_chunk() {
    let place = Place::with_group();
    std::fs::remove_file(place.path("g.zarr/x/0")).unwrap();
    std::fs::create_dir(place.path("g.zarr/x/0")).unwrap();
    place.refused("load g.zarr/x", 7, &["g.zarr: x/0: a folder is in the place"]);
}

#[test]
fn a_missing_chunk_is_the_fill_value() {
    let place = Place::with_group();
    std::fs::remove_file(place.path("g.zarr/x/0")).unwrap();
    assert_eq!(place.done("load g.zarr/x"), "[0 0 0 0 0 0]\n");
}

#[test]
fn an_archive_that_is_cut_short_is_corrupt() {
    let place = Place::with_group();
    place.done("copy-all g.zarr h.zip");
    let whole = place.read("h.zip");
    for length in [
        1,
        4,
        22,
        whole.len() / 4,
        whole.len() / 2,
        whole.len() - 22,
        whole.len() - 1,
    ] {
        place.write("h.zip", &whole[..length]);
        for line in [
            "load h.zip/x",
            "tree h.zip",
            "copy-all h.zip new.zarr",
            "copy-store h.zip new.zip",
        ] {
            place.refused(line, 4, &["h.zip"]);
        }
        place.refused("copy-all g.zarr h.zip --if-exists replace", 4, &["h.zip"]);
    }
}

#[test]
fn a_numpy_file_that_is_cut_short_changes_nothing() {
    let place = Place::with_group();
    let whole = place.read("x.npy");
    for length in [0, 5, 9, 40, whole.len() - 1] {
        place.write("x.npy", &whole[..length]);
        place.refused("save g.zarr a=y.npy b=x.npy", 4, &["zarr: x.npy: "]);
    }
}
