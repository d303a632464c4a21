//! Texts that name something: data types, keys, selections, regular expressions.

use std::{path::Component, path::Path, sync::Arc};

use zarr_convenience::{
    PatternFlags,
    core::{
        Array, ArrayBuilder, NodePath, Selection,
        codecs::DataType,
        metadata::{data_type_to_v2, v2_data_type},
        store::{MemoryStore, StoreKey, StorePrefix},
    },
    pattern,
};

use crate::{Target, array::options};

pub(crate) const DATA_TYPE: Target = Target {
    name: "data_type",
    run: |data| {
        let Ok(value) = serde_json::from_slice(data) else {
            return;
        };
        let Ok((data_type, order)) = v2_data_type(&value) else {
            return;
        };
        let Some(written) = data_type_to_v2(&data_type, order) else {
            return;
        };
        let (again, _) = v2_data_type(&written).expect("what was written can be read");
        assert_eq!(again, data_type, "{value} is written as {written}");
    },
    seeds: || {
        let texts = [
            "\"<i2\"",
            "\">f8\"",
            "\"|b1\"",
            "\"<M8[25ns]\"",
            "\"<U7\"",
            "\"|S3\"",
            "\"|V5\"",
            "\"|O\"",
            "[[\"a\",\"<i4\"],[\"b\",\"|u1\",[2,3]],[\"c\",[[\"d\",\">c16\"]]]]",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    },
};

pub(crate) const KEY: Target = Target {
    name: "key",
    run: |data| {
        let Ok(text) = str::from_utf8(data) else {
            return;
        };
        if let Ok(key) = StoreKey::new(text) {
            check_below(key.as_str());
        }
        if let Ok(prefix) = StorePrefix::new(text) {
            check_below(prefix.as_str());
        }
        if let Ok(path) = NodePath::new(text) {
            // A path may be so long that no key is left for its document.
            if let Ok(key) = path.key(".zarray") {
                check_below(key.as_str());
            }
            assert_eq!(
                NodePath::new(path.as_str()).ok().as_ref(),
                Some(&path),
                "{text:?}"
            );
        }
    },
    seeds: || {
        ["a/b/0.0", "c/0/1", "a:b/.zarray", "é/ x/", "/a//b/"]
            .map(|text| text.as_bytes().to_vec())
            .to_vec()
    },
};

/// A key leads to a place below the root of a directory, whatever the system.
fn check_below(key: &str) {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    assert!(Path::new(key).components().all(is_plain), "{key:?}");
    for (number, part) in key.split('/').enumerate() {
        let is_drive =
            number == 0 && matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic());
        assert!(
            part != ".." && part != "." && !is_drive && !part.contains(['\\', '\0']),
            "{key:?}"
        );
    }
}

pub(crate) const SELECTION: Target = Target {
    name: "selection",
    run: |data| {
        let Ok(selection) = str::from_utf8(data)
            .map_err(drop)
            .and_then(|text| Selection::parse(text).map_err(drop))
        else {
            return;
        };
        let text = selection.to_string();
        let again = Selection::parse(&text);
        assert_eq!(
            again.ok().as_ref(),
            Some(&selection),
            "{text:?} is what is written of it"
        );
        let array = numbers();
        let Ok(values) = array.read_data(&selection) else {
            return;
        };
        let resolved = selection
            .resolve(array.shape(), &[4, 4])
            .expect("what is read can be found");
        assert_eq!(resolved.result_shape(), values.shape, "{text:?}");
        assert_eq!(
            values.buffer.elements.len() as u64,
            2 * values.n_elements(),
            "{text:?}"
        );
        array
            .write_data(&selection, &values)
            .expect("what was read can be written");
    },
    seeds: || {
        let texts = [
            "0:10, ..., -1",
            "[4, 0, 4], :",
            "::2, 1:9:3",
            "[true, false, true, true, false, true]",
            "..., 3",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    },
};

/// An array of 6 x 10 numbers.
fn numbers() -> Array {
    let builder = ArrayBuilder::new(vec![6, 10], DataType::Int16).chunk_shape(vec![4, 4]);
    let array = builder.create(Arc::new(MemoryStore::new()), &NodePath::root(), &options());
    array.expect("memory takes an array")
}

pub(crate) const PATTERN: Target = Target {
    name: "pattern",
    run: |data| {
        if let Ok(text) = str::from_utf8(data)
            && let Ok(pattern) = pattern(text, PatternFlags::default())
        {
            let _ = pattern.is_match("foo/bar/0.12");
        }
    },
    seeds: || {
        let texts = [
            r"(?x) / \d+ (\.\d+)* \Z  # chunks",
            "^foo/(?P<a>[^/]{2,3}?)$",
            r"[\w\-\]a-z]+|\.z(array|attrs)",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    },
};
