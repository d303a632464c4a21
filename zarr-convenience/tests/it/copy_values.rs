//! Values survive every copy, whatever the formats, chunks and stores; chunks that agree are moved.

use std::{io, path::Path, sync::Arc};

use proptest::prelude::*;
use serde_json::json;
use zarr_convenience::{
    Chunks, CopyOptions, Creation, IfExists,
    core::{
        Array, ArrayBuilder, Group, NodePath, Options, Order, Selection, ZarrFormat,
        codecs::{DataType, FillValue},
        metadata::V2Codecs,
        store::{
            DirectoryStore, Store, ZipStore,
            testing::{Fault, FaultyStore},
        },
    },
};

use crate::help::{
    PlainStore, array, copy_all_logged, copy_logged, digests, empty_array, example, group, group_in, keys,
    memory, path, text, values,
};

const FORMATS: [ZarrFormat; 2] = [ZarrFormat::V2, ZarrFormat::V3];

fn stores(folder: &Path) -> [Arc<dyn Store>; 3] {
    [
        memory(),
        Arc::new(DirectoryStore::create(folder.join("d.zarr")).unwrap()),
        Arc::new(ZipStore::create(folder.join("z.zip")).unwrap()),
    ]
}

#[test]
fn values_are_the_same_between_formats_and_stores() {
    let expected = digests(example().store());
    for (first, second) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let mut from = example();
        for store in stores(folder.path()) {
            for format in [FORMATS[first], FORMATS[second]] {
                let to = group_in(&memory(), format);
                copy_all_logged(&from, &to, CopyOptions::default()).1.unwrap();
                from = to;
            }
            let to = group_in(&store, FORMATS[second]);
            copy_all_logged(&from, &to, CopyOptions::default()).1.unwrap();
            assert_eq!(digests(&store), expected, "{store:?}");
            from = to;
        }
    }
}

#[test]
fn b25_texts_of_any_length_are_copied() {
    let (from, to) = (group(), group_in(&memory(), ZarrFormat::V3));
    let words = ["", "a", "Größe", "\u{1f30a}"].map(str::to_owned);
    let array = ArrayBuilder::new(vec![4], DataType::String)
        .chunk_shape(vec![3])
        .create(Arc::clone(from.store()), &path("words"), &Options::default())
        .unwrap();
    array.write_vec(&Selection::all(), &words).unwrap();
    let (lines, _) = copy_all_logged(&from, &to, CopyOptions::default());
    assert_eq!(
        lines,
        [
            "copy /words (4,) object",
            "all done: 1 copied, 0 skipped, 32 bytes copied"
        ]
    );
    assert_eq!(digests(to.store()), digests(from.store()));
}

#[test]
fn b25_missing_chunks_stay_missing() {
    let from = group();
    let array = empty_array(&from, "x", 50);
    array
        .write_vec(&Selection::region(&[20], &[10]), &[3_i64; 10])
        .unwrap();
    for creation in [
        Creation::default(),
        Creation {
            compressor: Some(None),
            ..Default::default()
        },
        Creation {
            zarr_format: Some(ZarrFormat::V3),
            ..Default::default()
        },
    ] {
        let to = group();
        let options = CopyOptions {
            creation: creation.clone(),
            ..Default::default()
        };
        copy_all_logged(&from, &to, options).1.unwrap();
        let copy = Array::open(Arc::clone(to.store()), &path("x"), &Options::default()).unwrap();
        assert_eq!(copy.stored_chunks().unwrap(), [[2]], "{creation:?}");
        assert_eq!(values(to.store(), "x"), values(from.store(), "x"));
    }
}

#[test]
fn b25_encoded_chunks_are_moved_unchanged_when_layouts_agree() {
    let (from, to) = (group(), group());
    array(&from, "x", 25);
    // What no codec could decode arrives as it is: it was not decoded.
    crate::help::set(from.store().as_ref(), "x/1", b"no chunk at all");
    copy_all_logged(&from, &to, CopyOptions::default()).1.unwrap();
    assert_eq!(keys(to.store().as_ref()), keys(from.store().as_ref()));
}

#[test]
fn b25_codecs_order_fill_value_and_separator_are_kept() {
    let (from, to) = (group(), group());
    ArrayBuilder::new(vec![6, 6], DataType::Int32)
        .chunk_shape(vec![2, 3])
        .order(Order::F)
        .separator('/')
        .fill_value(Some(FillValue::new((-7_i32).to_ne_bytes())))
        .v2_codecs(V2Codecs {
            filters: Some(vec![json!({"id": "shuffle", "elementsize": 4})]),
            compressor: Some(json!({"id": "zlib", "level": 3})),
        })
        .create(Arc::clone(from.store()), &path("x"), &Options::default())
        .unwrap();
    copy_all_logged(&from, &to, CopyOptions::default()).1.unwrap();
    assert_eq!(
        text(to.store().as_ref(), "x/.zarray"),
        text(from.store().as_ref(), "x/.zarray")
    );
}

#[test]
fn creation_options_win_over_the_source() {
    let (from, to) = (group(), group());
    array(&from, "x", 25);
    let creation = Creation {
        chunks: Some(Chunks::Shape(vec![Some(4)])),
        compressor: Some(Some(json!({"id": "zlib", "level": 9}))),
        fill_value: Some(json!(5)),
        ..Default::default()
    };
    let options = CopyOptions {
        creation,
        ..Default::default()
    };
    copy_all_logged(&from, &to, options).1.unwrap();
    let document: serde_json::Value = serde_json::from_str(&text(to.store().as_ref(), "x/.zarray")).unwrap();
    assert_eq!(document["chunks"], json!([4]));
    assert_eq!(document["compressor"], json!({"id": "zlib", "level": 9}));
    assert_eq!(document["fill_value"], json!(5));
    assert_eq!(values(to.store(), "x"), values(from.store(), "x"));
}

#[test]
fn missing_chunks_keep_their_values_under_another_fill_value() {
    let (from, to) = (group(), group());
    let source = empty_array(&from, "x", 30);
    source
        .write_vec(&Selection::region(&[10], &[10]), &[3_i64; 10])
        .unwrap();
    for chunks in [None, Some(Chunks::Each(4))] {
        let creation = Creation {
            chunks,
            fill_value: Some(json!(5)),
            ..Default::default()
        };
        let options = CopyOptions {
            creation,
            if_exists: IfExists::Replace,
            ..Default::default()
        };
        copy_all_logged(&from, &to, options).1.unwrap();
        assert_eq!(values(to.store(), "x"), values(from.store(), "x"));
    }
}

#[test]
fn progress_ends_with_all_bytes() {
    let (from, to) = (example(), group());
    let last = std::sync::Mutex::new((0, 0));
    let progress = |progress: zarr_convenience::Progress<'_>| {
        let mut last = last.lock().unwrap();
        *last = (progress.done.max(last.0), progress.total);
    };
    let options = CopyOptions {
        progress: Some(&progress),
        ..Default::default()
    };
    copy_all_logged(&from, &to, options).1.unwrap();
    assert_eq!(*last.lock().unwrap(), (960, 960));
}

/// Copies over an array of other values in a store that fails at a call.
fn copy_with_fault(inner: &Arc<dyn Store>, fault: Fault) -> (u64, bool) {
    let from = group();
    array(&from, "n", 30);
    let faulty = FaultyStore::new(Arc::clone(inner), fault);
    let calls = faulty.clone();
    let Ok(to) = Group::open(Arc::new(faulty), &NodePath::root(), &Options::default()) else {
        return (calls.calls(), false);
    };
    let creation = Creation {
        compressor: Some(None),
        ..Default::default()
    };
    let options = CopyOptions {
        if_exists: IfExists::Replace,
        creation,
        ..Default::default()
    };
    let done = copy_logged(&from, "n", &to, options).1;
    (calls.calls(), done.is_ok())
}

#[test]
fn a_copy_over_an_array_that_fails_at_any_call_leaves_the_old_one_or_the_new_one() {
    for exchanges in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let store = |number: u64| -> Arc<dyn Store> {
            if exchanges {
                Arc::new(DirectoryStore::create(folder.path().join(number.to_string())).unwrap())
            } else {
                Arc::<PlainStore>::default()
            }
        };
        let prepared = |number| {
            let inner = store(number);
            let old = group_in(&inner, ZarrFormat::V2);
            array(&old, "n", 20);
            array(&old, "other", 10);
            inner
        };
        let (n_calls, is_done) = copy_with_fault(&prepared(0), Fault::once(u64::MAX, io::ErrorKind::Other));
        assert!(is_done);
        let (old, new): (Vec<i64>, Vec<i64>) = ((1..=20).collect(), (1..=30).collect());
        for call in 0..n_calls {
            for fault in [Fault::once(call, io::ErrorKind::StorageFull), Fault::stop(call)] {
                let inner = prepared(call + 1);
                let (_, is_done) = copy_with_fault(&inner, fault);
                let found = digests(&inner).contains_key("/n").then(|| values(&inner, "n"));
                match found {
                    Some(found) if is_done => assert_eq!(found, new, "call {call}"),
                    Some(found) => assert!(found == old || found == new, "call {call}: {found:?}"),
                    None => assert!(!exchanges && !is_done, "call {call}: the old array is gone"),
                }
                assert_eq!(values(&inner, "other").len(), 10);
                let _ = std::fs::remove_dir_all(folder.path().join((call + 1).to_string()));
            }
        }
        assert!(n_calls > 5, "{n_calls}");
    }
}

#[derive(Debug, Clone)]
struct Layout {
    chunks: Vec<u64>,
    order: Order,
    format: ZarrFormat,
    compressed: bool,
}

fn layout(dimensions: usize) -> impl Strategy<Value = Layout> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (prop::collection::vec(1..7_u64, dimensions), flags).prop_map(|(chunks, (order, format, compressed))| {
        Layout {
            chunks,
            order: if order { Order::C } else { Order::F },
            format: FORMATS[usize::from(format)],
            compressed,
        }
    })
}

fn case() -> impl Strategy<Value = (Vec<u64>, Layout, Layout, Vec<bool>)> {
    prop::collection::vec(0..9_u64, 0..4).prop_flat_map(|shape| {
        let n = shape.len();
        let written = prop::collection::vec(any::<bool>(), 8);
        (Just(shape), layout(n), layout(n), written)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_copy_in_other_chunks_has_the_values_of_a_plain_model((shape, from, to, written) in case()) {
        let source = group_in(&memory(), from.format);
        let n_elements: u64 = shape.iter().product();
        let mut model = vec![-1_i32; n_elements as usize];
        let mut builder = ArrayBuilder::new(shape.clone(), DataType::Int32)
            .chunk_shape(from.chunks.clone())
            .order(from.order)
            .fill_value(Some(FillValue::new((-1_i32).to_ne_bytes())))
            .format(from.format);
        if !from.compressed {
            builder = builder.v2_codecs(V2Codecs { filters: None, compressor: None });
        }
        let array = builder
            .create(Arc::clone(source.store()), &path("a"), &Options::default())
            .unwrap();
        // Some rows are written, others were never.
        let row = shape.iter().skip(1).product::<u64>() as usize;
        for index in 0..shape.first().copied().unwrap_or(1) {
            if !written[index as usize % written.len()] || n_elements == 0 {
                continue;
            }
            let values: Vec<_> = (0..row as i32).map(|value| value + 1000 * index as i32).collect();
            model[index as usize * row..][..row].copy_from_slice(&values);
            let selection = match shape.split_first() {
                None => Selection::all(),
                Some((_, rest)) => {
                    let start: Vec<_> = std::iter::once(index).chain(rest.iter().map(|_| 0)).collect();
                    let lengths: Vec<_> = std::iter::once(1).chain(rest.iter().copied()).collect();
                    Selection::region(&start, &lengths)
                }
            };
            array.write_vec(&selection, &values).unwrap();
        }
        let dest = group_in(&memory(), to.format);
        let creation = Creation {
            chunks: Some(Chunks::Shape(to.chunks.iter().copied().map(Some).collect())),
            compressor: (!to.compressed).then_some(None),
            order: Some(to.order),
            ..Default::default()
        };
        let options = CopyOptions { creation, ..Default::default() };
        copy_all_logged(&source, &dest, options).1.unwrap();
        let copy = Array::open(Arc::clone(dest.store()), &path("a"), &Options::default()).unwrap();
        prop_assert_eq!(copy.chunk_shape(), &to.chunks[..]);
        prop_assert_eq!(copy.metadata().format, to.format);
        prop_assert_eq!(copy.read_vec::<i32>(&Selection::all()).unwrap(), model);
    }
}
