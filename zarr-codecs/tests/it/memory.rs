//! What damaged chunks can make a decoder allocate.
//!
//! The allocator of these tests counts for each thread; what C libraries ask of theirs is not seen.
//! There it is bounded by their own settings: the level of bzip2, the block of Blosc, the dictionary of LZMA.

#![expect(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ptr,
};

use serde_json::{Value, json};
use zarr_codecs::{
    ChunkBuffer, ChunkRef, Codec, CodecConfig, CodecRegistry, DataType, FillValue, testing::each_damage,
    testing::spec,
};

use crate::fixtures::{build, data_type, document, number_type, stored};

/// What a decoder may have at once beside the memory for what it decodes.
const ALLOWANCE: usize = 4 << 20;

/// Encoded bytes up to which damage is tried.
const ENCODED_MAX: usize = 700;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
    /// The most bytes of one allocation, of which larger ones fail.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(more: usize, less: usize) {
    // Threads that end may allocate when their counters are gone.
    let _ = NOW.try_with(|now| {
        now.set(now.get().saturating_add(more).saturating_sub(less));
        MOST.with(|most| most.set(most.get().max(now.get())));
    });
}

// SAFETY: all calls are handed to the system's allocator as they are.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if LARGEST.try_with(|largest| layout.size() > largest.get()) == Ok(true) {
            return ptr::null_mut();
        }
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most bytes that were allocated at once while something ran, beyond those before.
fn most_allocated(run: impl FnOnce()) -> usize {
    let before = NOW.get();
    MOST.set(before);
    run();
    MOST.get() - before
}

#[test]
fn the_allocator_counts() {
    let most = most_allocated(|| drop(vec![1_u8; 12_345]));
    assert!((12_345..13_000).contains(&most), "{most}");
}

#[test]
fn fill_values_of_long_texts_cost_what_documents_say() {
    let record = |length: u32| {
        let text = json!({"name": "null_terminated_bytes", "configuration": {"length_bytes": length}});
        json!({"name": "struct", "configuration": {"fields": [
            {"name": "a", "data_type": text}, {"name": "b", "data_type": "uint8"},
        ]}})
    };
    let text = json!({"name": "fixed_length_utf32", "configuration": {"length_bytes": 64 << 20}});
    for (data_type, value) in [
        (text, json!("x")),
        (record(60 << 20), json!({"a": "eA==", "b": 0})),
    ] {
        let data_type = DataType::from_json(&data_type).unwrap();
        let most = most_allocated(|| {
            let fill_value = FillValue::from_json(&value, &data_type).unwrap();
            assert_eq!(Some(fill_value.size()), data_type.size());
        });
        assert!(most < 4096, "{most} bytes for {value} of {data_type}");
    }
    let data_type = DataType::from_json(&record(60 << 20)).unwrap();
    let error = FillValue::from_json(&json!({"a": "eA==", "b": 1}), &data_type).unwrap_err();
    assert!(error.to_string().contains("1048576 bytes"), "{error}");
}

/// Runs where memory of more than `largest` bytes is refused, which ends the process of who does not reckon with it.
fn with_largest<T>(largest: usize, run: impl FnOnce() -> T) -> T {
    LARGEST.set(largest);
    let outcome = run();
    LARGEST.set(usize::MAX);
    outcome
}

#[test]
fn chunks_that_no_memory_is_left_for_are_errors() {
    const LENGTH: usize = 1 << 20;
    let numbers = |name: &str, configuration: Value| (name.to_owned(), configuration, DataType::Float64);
    for (name, configuration, data_type) in [
        numbers("numcodecs.zfpy", json!({"mode": 5})),
        numbers("zfp", json!({"mode": "reversible"})),
        numbers("n5_wrapper", json!({"compressor_config": null})),
        numbers("numcodecs.delta", json!({"dtype": "<f8"})),
        numbers("cast_value", json!({"data_type": "float32"})),
        numbers("scale_offset", json!({"scale": 2.0})),
        numbers("transpose", json!({"order": [0]})),
        ("packbits".into(), json!({}), DataType::Bool),
        ("vlen-utf8".into(), json!({}), DataType::String),
        (
            "numcodecs.categorize".into(),
            json!({"labels": ["a"], "dtype": "<U4"}),
            DataType::FixedUtf32(4),
        ),
    ] {
        let config = CodecConfig::new(name.as_str(), configuration.as_object().unwrap().clone());
        let codec = CodecRegistry::default().build(&config).unwrap();
        let size = data_type.size().unwrap();
        let spec = spec(&[LENGTH as u64], data_type);
        let elements = vec![0; LENGTH * size];
        let (mut encoded, mut decoded) = (Vec::new(), ChunkBuffer::default());
        let chunk = ChunkRef {
            elements: &elements,
            heap: &[],
        };
        match &codec {
            Codec::ArrayToArray(codec) => codec.encode(&elements, &spec, &mut encoded).unwrap(),
            Codec::ArrayToBytes(codec) => codec.encode(chunk, &spec, &mut encoded).unwrap(),
            Codec::BytesToBytes(_) => unreachable!("a codec of elements"),
        }
        let mut decode = || match &codec {
            Codec::ArrayToArray(codec) => codec.decode(&encoded, &spec, &mut decoded.elements),
            Codec::ArrayToBytes(codec) => codec.decode(&encoded, &spec, &mut decoded),
            Codec::BytesToBytes(_) => unreachable!("a codec of elements"),
        };
        let error = with_largest(LENGTH / 4, &mut decode).unwrap_err().to_string();
        assert!(error.contains("no room"), "{name}: {error}");
        decode().unwrap();
    }
}

/// Labels are short, the elements that they stand for need not be.
#[test]
fn many_labels_of_long_texts_cost_what_they_say() {
    const SIZE: usize = 4_000_000;
    let labels: Vec<_> = (0..100).map(|label| label.to_string()).collect();
    let config = json!({"id": "categorize", "labels": labels, "dtype": "<U1000000", "astype": "|u1"});
    let data_type = DataType::FixedUtf32(1_000_000);
    let Some(Codec::ArrayToBytes(codec)) = build(&config, &data_type) else {
        unreachable!("the codec makes bytes of an array")
    };
    let spec = spec(&[2], data_type);
    let (mut encoded, mut decoded) = (Vec::new(), ChunkBuffer::default());
    let most = most_allocated(|| codec.decode(&[100, 1], &spec, &mut decoded).unwrap());
    assert!(most <= 2 * SIZE + ALLOWANCE, "{most}");
    let most = most_allocated(|| codec.encode(decoded.as_ref(), &spec, &mut encoded).unwrap());
    assert!(most <= ALLOWANCE, "{most}");
    assert_eq!(encoded, [100, 1]);
}

#[test]
fn damaged_chunks_of_bytes_cost_no_memory() {
    for case in document("numcodecs.json")["cases"].as_array().unwrap() {
        let Some(encoded) = stored(case).filter(|encoded| encoded.len() <= ENCODED_MAX) else {
            continue;
        };
        let data_type = data_type(case["dtype"].as_str().unwrap());
        let Some(Codec::BytesToBytes(codec)) = build(&case["config"], &data_type) else {
            continue;
        };
        let mut out = vec![0; case["size"].as_u64().unwrap() as usize + 8];
        each_damage(&encoded, |damaged, damage| {
            let most = most_allocated(|| drop(codec.decode(damaged, &mut out)));
            assert!(most <= ALLOWANCE, "{most} bytes after {damage:?}: {case}");
        });
    }
}

#[test]
fn damaged_chunks_of_numbers_cost_no_memory() {
    for name in ["pcodec-0.json", "pcodec-1.json"] {
        for case in document(name)["cases"].as_array().unwrap() {
            let encoded = stored(case).unwrap();
            let data_type = number_type(case["dtype"].as_str().unwrap());
            let Some(Codec::ArrayToBytes(codec)) = build(&case["config"], &data_type) else {
                continue;
            };
            let spec = spec(&[case["count"].as_u64().unwrap()], data_type);
            let mut out = ChunkBuffer::default();
            each_damage(&encoded[..encoded.len().min(ENCODED_MAX)], |damaged, damage| {
                out.clear();
                let most = most_allocated(|| drop(codec.decode(damaged, &spec, &mut out)));
                assert!(most <= ALLOWANCE, "{most} bytes after {damage:?}: {case}");
            });
        }
    }
}
