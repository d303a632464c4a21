//! HDF5 files as sources and destinations: how chunks go, and which other files are read.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::place::{Place, digests};

/// A place with `g.zarr`, and the same in `f.h5`, in chunks of deflate.
fn place() -> Place {
    let place = Place::with_arrays();
    place.done("save g.zarr x=x.npy sub/y=y.npy --chunks 2");
    place.done("copy-all g.zarr f.h5");
    place
}

#[test]
fn lzf_is_a_compressor_by_its_name() {
    let place = place();
    place.done("copy-all g.zarr lzf.h5 --compressor lzf");
    let told = place.done("copy-all lzf.h5 other.h5 --keep-codecs --explain");
    assert!(told.contains("moved as they are"), "{told}");
    let told = place.done("copy-all lzf.h5 other.zarr --keep-codecs --explain");
    assert!(told.contains("hdf5.lzf"), "{told}");
    assert_eq!(digests(&place.path("lzf.h5")), digests(&place.path("g.zarr")));
    place.refused(
        "copy-all f.h5 out.zarr --compressor lzf",
        2,
        &["--compressor lzf", "only copies to HDF5 files"],
    );
    place.refused("copy-all f.h5 out.h5 --compressor lzo", 2, &["\"lzo\"", "lzf"]);
}

#[test]
fn chunks_are_moved_within_limits_as_without() {
    let place = place();
    for (name, format) in [("v2", "2"), ("v3", "3")] {
        let copy = |dest: &str, more: &str| {
            place.done(&format!(
                "copy-all f.h5 {dest} --keep-codecs --zarr-format {format} {more}"
            ))
        };
        let told = copy("none.zarr", "--explain");
        assert_eq!(
            told.matches("encoded chunks are moved as they are").count(),
            2,
            "{told}"
        );
        assert_eq!(copy("none.zarr", "--explain --untrusted"), told);
        let (whole, dest) = (format!("{name}.zarr"), format!("{name}-within.zarr"));
        copy(&whole, "");
        copy(&dest, "--untrusted");
        let files = |name: &str| {
            let at = place.path(name);
            let files = place.files().into_iter();
            let files =
                files.filter_map(|(path, bytes)| Some((path.strip_prefix(&at).ok()?.to_owned(), bytes)));
            files.collect::<Vec<_>>()
        };
        assert_eq!(files(&dest), files(&whole));
    }
}

#[test]
fn what_is_not_trusted_is_proven() {
    let place = place();
    let both = place.run("copy-all f.h5 out.zarr --keep-codecs --untrusted --trust-chunks");
    let said = "'--untrusted' cannot be used with '--trust-chunks'";
    assert!(both.status == 2 && both.stderr.contains(said), "{}", both.stderr);
    // A byte in the middle of the data of a chunk, found by its head.
    let mut bytes = place.read("f.h5");
    let head = bytes.windows(2).rposition(|pair| pair == [0x78, 0x01]).unwrap();
    bytes[head + 6] ^= 0x55;
    place.write("damaged.h5", &bytes);
    let run = place.run("copy-all damaged.h5 out.zarr --keep-codecs --untrusted --no-resume");
    assert_eq!(run.status, 4, "{}", run.stderr);
    assert!(run.stderr.contains("in `damaged.h5`, chunk ["), "{}", run.stderr);
    assert!(!place.path("out.zarr").exists());
}

/// A directory `in` with a file whose values lie in others.
fn place_with_others() -> Place {
    let place = Place::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/hdf5/virtual");
    fs::create_dir_all(place.path("in/below")).unwrap();
    for name in [
        "main.h5",
        "a.h5",
        "below/b.h5",
        "part-0.h5",
        "part-1.h5",
        "part-2.h5",
        "values.raw",
        "expected.h5",
    ] {
        fs::copy(from.join(name), place.path("in").join(name)).unwrap();
    }
    place
}

#[test]
fn values_of_other_files_are_read_where_it_is_allowed() {
    let place = place_with_others();
    let lost = "zarr: not carried over: /absent: its source `absent.h5` is not there: the fill value is in its place\n";
    for (dest, more) in [("out.zarr", "--quiet"), ("within.zarr", "--untrusted")] {
        let allowing = format!("--allow-external in {more}");
        let copied = place.run(&format!("copy-all in/main.h5 {dest} {allowing}"));
        assert_eq!((copied.status, &*copied.stderr), (0, lost));
        assert_eq!(place.run(&format!("diff in/main.h5 {dest} {allowing}")).status, 0);
        // What h5py reads.
        let (found, expected) = (digests(&place.path(dest)), digests(&place.path("in/expected.h5")));
        for (name, digest) in &expected {
            assert_eq!(found.get(name), Some(digest), "{name}");
        }
        let strict = place.run(&format!("copy-all in/main.h5 strict.zarr --strict {allowing}"));
        assert_eq!(strict.status, 1, "{}", strict.stderr);
        assert!(!place.path("strict.zarr").exists());
    }
    let told = place
        .run("copy-all in/main.h5 told.zarr -v --allow-external in")
        .stderr;
    for words in [
        "zarr: mapped: /stack: a virtual dataset, whose values are copied from `.`, `a.h5`, `below/b.h5`",
        "zarr: mapped: /raw: values in files without a format, which are copied from `values.raw`",
    ] {
        assert!(told.contains(words), "{told}");
    }
    // On the way back they are datasets of their own.
    place.done("copy-all out.zarr back.h5");
    assert_eq!(digests(&place.path("back.h5")), digests(&place.path("out.zarr")));
    let refused = place.run("copy-all in/main.h5 own.zarr");
    assert_eq!(refused.status, 0);
    assert_eq!(
        refused
            .stderr
            .matches("is another file, and none are allowed")
            .count(),
        11,
        "{}",
        refused.stderr
    );
}

#[test]
fn names_end_like_those_of_programs_that_use_hdf5() {
    let place = Place::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/sample.h5");
    place.write("in/x.h5", &fs::read(file).unwrap());
    for ending in ["h5", "hdf5", "hdf", "he5", "nc", "nc4", "h5ad", "mat"] {
        place.done(&format!("copy-all in/x.h5 out.{ending}"));
        let found = fs::read(place.path(&format!("out.{ending}"))).unwrap();
        assert!(found.starts_with(b"\x89HDF\r\n\x1a\n"), "{ending}");
    }
}

/// The form that xarray has for it in V3, without which it opens no store; elsewhere it is a number.
#[test]
fn the_value_that_stands_for_a_missing_one_has_the_form_of_each_format() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let mut n_masked = 0;
    for file in ["climate.h5", "hdf5/xarray.nc"] {
        let place = Place::new();
        fs::copy(testdata.join(file), place.path("first.h5")).unwrap();
        for line in [
            "first.h5 three.zarr --zarr-format 3",
            "three.zarr two.zarr --zarr-format 2",
            "two.zarr again.zarr --zarr-format 3",
            "three.zarr back.h5",
        ] {
            place.done(&format!("copy-all {line} --verify"));
        }
        for name in ["three.zarr", "two.zarr", "again.zarr", "back.h5"] {
            place.done(&format!("diff first.h5 {name}"));
            place.done(&format!("diff three.zarr {name}"));
        }
        for (path, bytes) in place.files() {
            let Ok(document) = serde_json::from_slice::<Value>(&bytes.unwrap_or_default()) else {
                continue;
            };
            let is_v3 = path.ends_with("zarr.json");
            let is_float = document["data_type"]
                .as_str()
                .is_some_and(|name| name.starts_with("float"));
            if let (true, true, Some(mask)) = (is_v3, is_float, document["attributes"].get("_FillValue")) {
                // A float64 of eight bytes.
                let text = mask
                    .as_str()
                    .unwrap_or_else(|| panic!("{}: {mask}", path.display()));
                assert!(text.len() == 12 && text.ends_with('='), "{text}");
                n_masked += 1;
            }
            if let (false, Some(mask)) = (is_v3, document.get("_FillValue")) {
                assert!(!mask.to_string().ends_with("=\""), "{}: {mask}", path.display());
            }
        }
    }
    assert!(n_masked > 3, "{n_masked}");
}

#[test]
fn names_of_dimensions_go_to_hdf5_and_come_back() {
    let place = Place::new();
    for name in ["x", "plain"] {
        place.done(&format!("create v.zarr/{name} --shape 2,3 --dtype int16"));
    }
    place.run_words(&["attrs", "v.zarr/x", r#"_ARRAY_DIMENSIONS=["y","x"]"#]);
    place.done("copy-all v.zarr a.zarr --zarr-format 3");
    for line in [
        "a.zarr b.h5",
        "b.h5 c.zarr --zarr-format 3",
        "b.h5 d.zarr --zarr-format 2",
    ] {
        place.done(&format!("copy-all {line} --verify"));
    }
    for name in ["a.zarr", "c.zarr", "d.zarr"] {
        place.done(&format!("diff {name} b.h5"));
    }
    let document: Value = serde_json::from_slice(&place.read("c.zarr/x/zarr.json")).unwrap();
    assert_eq!(document["dimension_names"], json!(["y", "x"]));
    assert_eq!(document["attributes"].get("_ARRAY_DIMENSIONS"), None);
    let document: Value = serde_json::from_slice(&place.read("c.zarr/plain/zarr.json")).unwrap();
    assert_eq!(document.get("dimension_names"), None);
}

/// Compounds, texts and references of any length have other forms in V2 than in V3.
#[test]
fn copies_out_of_v3_are_verified_as_diff_compares_them() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/hdf5");
    for file in ["anndata.h5ad", "types.h5"] {
        let place = Place::new();
        fs::copy(testdata.join(file), place.path("first.h5")).unwrap();
        place.done("copy-all first.h5 three.zarr --zarr-format 3");
        place.done("copy-all three.zarr back.h5 --verify");
        place.done("diff three.zarr back.h5");
        let others = place.run("diff back.h5 three.zarr --byte-order");
        assert!(!others.stdout.contains("object and object"), "{}", others.stdout);
    }
}

/// What is in the file that it goes into is open while it is read.
#[test]
fn a_copy_within_a_file_is_refused_for_what_it_is() {
    let place = Place::new();
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    fs::copy(testdata.join("sample.h5"), place.path("x.h5")).unwrap();
    let refused = place.run("copy x.h5/ocean x.h5 --name again");
    assert!(
        refused.stderr.contains("no copies within one HDF5 file"),
        "{}",
        refused.stderr
    );
    place.done("copy x.h5/ocean y.h5");
    place.done("copy y.h5/ocean x.h5 --name again --verify");
}

/// xarray opens no store of V2 in which a variable does not say that it has no dimensions, such as that of a map
/// projection.
#[test]
fn variables_of_netcdf_without_dimensions_say_so() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/hdf5");
    let place = Place::new();
    fs::copy(testdata.join("netcdf4.nc"), place.path("first.h5")).unwrap();
    for line in [
        "first.h5 two.zarr --zarr-format 2",
        "first.h5 three.zarr --zarr-format 3",
        "three.zarr again.zarr --zarr-format 2",
        "two.zarr also.zarr --zarr-format 3",
        "two.zarr back.h5",
        "three.zarr also.h5",
    ] {
        place.run(&format!("copy-all {line}"));
    }
    for name in ["two.zarr", "again.zarr"] {
        let attributes: Value = serde_json::from_slice(&place.read(&format!("{name}/sc/.zattrs"))).unwrap();
        assert_eq!(attributes["_ARRAY_DIMENSIONS"], json!([]), "{name}");
    }
    for name in [
        "two.zarr",
        "three.zarr",
        "again.zarr",
        "also.zarr",
        "back.h5",
        "also.h5",
    ] {
        let run = place.run(&format!("diff first.h5/sc {name}/sc"));
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (0, ""),
            "{name}: {}",
            run.stderr
        );
    }
}
