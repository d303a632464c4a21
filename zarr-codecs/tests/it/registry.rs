//! The table of codecs.

use std::{collections::HashSet, fmt::Write};

use serde_json::{Value, json};
use zarr_codecs::{BUILT_IN, CodecConfig, CodecEntry, CodecError, CodecKind, CodecRegistry, DataType};

#[test]
fn every_codec_is_documented_and_named_once() {
    let mut names = HashSet::new();
    for entry in BUILT_IN {
        assert!(!entry.doc.is_empty(), "{}", entry.name);
        for name in [entry.name].iter().chain(entry.aliases) {
            assert!(names.insert(*name), "`{name}` is taken");
        }
    }
}

#[test]
fn every_v2_id_is_found() {
    let registry = CodecRegistry::default();
    for entry in BUILT_IN {
        let Some(v2) = entry.v2 else { continue };
        let (found, _) = registry.find_v2(v2.id).unwrap();
        let is_numcodecs = found.name == format!("numcodecs.{}", v2.id);
        assert!(found.name == entry.name || is_numcodecs, "{}", v2.id);
    }
    assert_eq!(registry.find_v2("crc32c").unwrap().0.name, "numcodecs.crc32c");
}

#[test]
fn pickle_is_refused_by_any_name() {
    let registry = CodecRegistry::default();
    for name in ["pickle", "numcodecs.pickle"] {
        assert!(matches!(registry.find(name), Err(CodecError::Refused { .. })));
        assert!(matches!(registry.find_v2(name), Err(CodecError::Refused { .. })));
    }
}

#[test]
fn unknown_members_are_errors() {
    let registry = CodecRegistry::default();
    for entry in BUILT_IN {
        let result = registry.build(&CodecConfig::of(entry.name, json!({"no_such_member": 1})));
        let is_error = matches!(
            result,
            Err(CodecError::Config { .. } | CodecError::NotBuilt { .. })
        );
        assert!(is_error, "{}", entry.name);
    }
}

#[test]
fn configurations_of_numcodecs_in_v3_are_read() {
    let registry = CodecRegistry::default();
    for (name, configuration) in [
        (
            "numcodecs.blosc",
            json!({"cname": "zstd", "clevel": 5, "shuffle": -1, "blocksize": 0}),
        ),
        ("numcodecs.zstd", json!({"level": 3, "checksum": false})),
        ("numcodecs.gzip", json!({"level": 5})),
        ("numcodecs.zlib", json!({"level": 5})),
        ("numcodecs.lz4", json!({"acceleration": 1})),
        ("numcodecs.bz2", json!({"level": 5})),
        (
            "numcodecs.lzma",
            json!({"format": 1, "check": -1, "preset": null, "filters": null}),
        ),
        (
            "numcodecs.pcodec",
            json!({"level": 8, "delta_encoding_order": null}),
        ),
        ("numcodecs.shuffle", json!({"elementsize": 4})),
        ("numcodecs.crc32", json!({})),
        ("numcodecs.crc32c", json!({"location": "start"})),
        ("numcodecs.adler32", json!({"location": "end"})),
        ("numcodecs.fletcher32", json!({})),
    ] {
        match registry.build(&CodecConfig::of(name, configuration)) {
            Ok(_) | Err(CodecError::NotBuilt { .. }) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn v2_configurations_come_back_from_v3() {
    let registry = CodecRegistry::default();
    for v2 in [
        json!({"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 2, "blocksize": 0}),
        json!({"id": "blosc", "cname": "lz5", "clevel": 99, "shuffle": 9, "blocksize": 0}),
        json!({"id": "zstd", "level": 1}),
        json!({"id": "crc32", "location": "end"}),
        json!({"id": "crc32c"}),
        json!({"id": "lzma", "format": 3, "check": -1, "preset": null, "filters": [{"id": 33, "preset": 1}]}),
    ] {
        let mut members = v2.as_object().unwrap().clone();
        let id = members.shift_remove("id").unwrap();
        let (_, codec) = registry.find_v2(id.as_str().unwrap()).unwrap();
        let v3 = (codec.from_v2)(&members, &DataType::Float32).unwrap();
        assert_eq!(Value::from((codec.to_v2)(&v3)), Value::from(members), "{v2}");
    }
}

/// The table of the README.
fn table() -> String {
    let mut table = String::from("| V3 name | also read | V2 `id` | kind | feature | what it does |\n");
    table.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for entry in BUILT_IN {
        let CodecEntry { name, doc, .. } = entry;
        let aliases: Vec<_> = entry.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let id = entry.v2.map_or(String::new(), |v2| format!("`{}`", v2.id));
        let kind = match entry.kind {
            CodecKind::ArrayToArray => "array to array",
            CodecKind::ArrayToBytes => "array to bytes",
            CodecKind::BytesToBytes => "bytes to bytes",
        };
        let feature = entry
            .feature
            .map_or(String::new(), |feature| format!("`{feature}`"));
        let aliases = aliases.join(", ");
        writeln!(
            table,
            "| `{name}` | {aliases} | {id} | {kind} | {feature} | {doc} |"
        )
        .unwrap();
    }
    table
}

#[test]
fn the_table_of_the_readme_is_up_to_date() {
    let is_whole = BUILT_IN.iter().all(|entry| entry.doc != "not part of this build");
    let readme = include_str!("../../README.md");
    assert!(
        !is_whole || readme.contains(&table()),
        "put this into README.md:\n\n{}",
        table()
    );
}

#[test]
#[cfg(not(feature = "blosc"))]
fn a_codec_that_is_left_out_says_which_feature_brings_it() {
    let result = CodecRegistry::default().build(&CodecConfig::of("blosc", json!({})));
    assert!(matches!(
        result,
        Err(CodecError::NotBuilt {
            name: "blosc",
            feature: "blosc"
        })
    ));
}
