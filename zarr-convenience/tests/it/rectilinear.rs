//! Chunks of different lengths, copied from and to chunks of any other kind.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::{
    Chunks, CopyOptions, Creation, DiffOptions, ZarrSource, copy,
    core::{
        Array, ArrayBuilder, ChunkEdges, Group, Node, NodePath, Options, Selection, SelectionItem, Workers,
        ZarrFormat,
        codecs::{ByteOrder, DataType},
        store::{MemoryStore, Store},
    },
    diff, plan_rechunk, rechunk,
};

const SHAPE: [u64; 2] = [37, 20];

fn edges(json: &Value) -> Vec<ChunkEdges> {
    let items = json.as_array().unwrap().iter();
    items.map(|item| ChunkEdges::from_json(item).unwrap()).collect()
}

/// Ways to cut the array: chunks, and shards if there are any.
fn layouts() -> Vec<Creation> {
    let chunks = |json: Value| Creation {
        chunks: Some(Chunks::Edges(edges(&json))),
        shards: Some(None),
        ..Creation::default()
    };
    let inner = |shape: [u64; 2]| Some(Chunks::Shape(shape.map(Some).to_vec()));
    let shards = |shape: [u64; 2], json: Value| Creation {
        chunks: inner(shape),
        shard_edges: Some(edges(&json)),
        ..Creation::default()
    };
    vec![
        Creation {
            chunks: inner([10, 6]),
            shards: Some(None),
            ..Creation::default()
        },
        chunks(json!([[[5, 3], 10, 1, 11], [7, 2, 11]])),
        chunks(json!([[[1, 37]], 9])),
        // It reaches beyond the array, and the last chunk lies behind it.
        chunks(json!([[20, 30, 4], [[3, 7]]])),
        shards([2, 3], json!([[8, [6, 3], 12], [3, 18]])),
        Creation {
            chunks: inner([5, 4]),
            shards: Some(Some(vec![20, 8])),
            ..Creation::default()
        },
    ]
}

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

fn group() -> Group {
    Group::create(store(), &NodePath::root(), ZarrFormat::V3, &Options::default()).unwrap()
}

/// An array of which some chunks were never written.
fn array(creation: &Creation) -> Array {
    let builder = ArrayBuilder::new(SHAPE.to_vec(), DataType::Int32).format(ZarrFormat::V3);
    let builder = creation
        .apply(builder, &SHAPE, &DataType::Int32, ByteOrder::Little)
        .unwrap();
    let group = group();
    let array = builder
        .create(
            Arc::clone(group.store()),
            &NodePath::new("a").unwrap(),
            &Options::default(),
        )
        .unwrap();
    let parts = [(0..9, 0..20), (12..13, 4..5), (30..37, 11..20)];
    for (number, (rows, columns)) in parts.into_iter().enumerate() {
        let n = (rows.end - rows.start) * (columns.end - columns.start);
        let values: Vec<i32> = (1..=n as i32).map(|n| n + 1000 * number as i32).collect();
        let items = [rows, columns].map(|range| SelectionItem::range(range.start, range.end));
        array.write_vec(&Selection::new(items.to_vec()), &values).unwrap();
    }
    array
}

fn values(array: &Array) -> Vec<i32> {
    array.read_vec(&Selection::all()).unwrap()
}

fn options(creation: &Creation, workers: usize) -> CopyOptions<'static> {
    CopyOptions {
        creation: creation.clone(),
        name: Some("b".to_owned()),
        workers: Workers::new(workers),
        ..CopyOptions::default()
    }
}

fn opened(dest: &Group) -> Array {
    Array::open(
        Arc::clone(dest.store()),
        &NodePath::new("b").unwrap(),
        &Options::default(),
    )
    .unwrap()
}

#[test]
fn copies_between_all_layouts_are_equal() {
    for from in layouts() {
        let from = array(&from);
        let source = ZarrSource::new(Node::Array(from.clone()));
        for to in layouts() {
            for workers in [1, 3] {
                let dest = group();
                let report = copy(&source, &source.root(), &dest, options(&to, workers));
                report.unwrap();
                let copied = opened(&dest);
                let (grids, about) = (
                    [&from, &copied].map(|array| array.metadata().chunk_grid.clone()),
                    format!("{:?} to {to:?}", from.metadata().chunk_grid),
                );
                assert_eq!(values(&copied), values(&from), "{about}");
                if grids[0] == grids[1] {
                    assert_eq!(
                        copied.stored_chunks().unwrap(),
                        from.stored_chunks().unwrap(),
                        "{about}"
                    );
                }
                let other = ZarrSource::new(Node::Array(copied));
                let (one, two) = (source.root(), other.root());
                let difference = diff((&source, &one), (&other, &two), &DiffOptions::default());
                assert!(difference.unwrap().is_same(), "{about}");
            }
        }
    }
}

#[test]
fn any_layout_is_rechunked_in_one_pass_and_in_two() {
    for from in layouts() {
        let from = array(&from);
        for to in layouts() {
            for (memory, is_enough) in [(1 << 30, true), (12 << 10, false)] {
                let Ok(plan) = plan_rechunk(&from, &to, true, memory) else {
                    assert!(!is_enough);
                    continue;
                };
                let dest = group();
                rechunk(&from, &plan, &dest, None, options(&to, 2)).unwrap();
                assert_eq!(values(&opened(&dest)), values(&from), "{plan:?}");
            }
        }
    }
}

#[test]
fn differences_are_found_where_they_are() {
    let layouts = layouts();
    let (one, two) = (array(&layouts[1]), array(&layouts[4]));
    let at = Selection::new([SelectionItem::Index(36), SelectionItem::Index(7)]);
    two.write_vec(&at, &[5]).unwrap();
    let (one, two) = (
        ZarrSource::new(Node::Array(one)),
        ZarrSource::new(Node::Array(two)),
    );
    let report = diff((&one, &one.root()), (&two, &two.root()), &DiffOptions::default()).unwrap();
    assert_eq!(report.differences.n, 1);
    let line = report.differences.shown[0].to_string();
    assert!(
        line.contains("1 of 740 values differs, first at [36, 7]: 0 and 5"),
        "{line}"
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |creation: &Creation, format: ZarrFormat| {
        let builder = ArrayBuilder::new(SHAPE.to_vec(), DataType::Int32).format(format);
        let builder = creation
            .apply(builder, &SHAPE, &DataType::Int32, ByteOrder::Little)
            .map_err(|error| error.to_string());
        builder.and_then(|builder| {
            let path = NodePath::new("a").unwrap();
            let made = builder.create(store(), &path, &Options::default());
            made.map(drop).map_err(|error| error.to_string())
        })
    };
    let chunks = |json: Value| Creation {
        chunks: Some(Chunks::Edges(edges(&json))),
        ..Creation::default()
    };
    let short = refused(&chunks(json!([[30, 6], 20])), ZarrFormat::V3).unwrap_err();
    assert!(short.contains("dimension 0"), "{short}");
    let v2 = refused(&chunks(json!([[30, 7], 20])), ZarrFormat::V2).unwrap_err();
    assert!(v2.contains("Zarr V2"), "{v2}");
    let few = refused(&chunks(json!([[30, 7]])), ZarrFormat::V3).unwrap_err();
    assert!(few.contains("dimensions"), "{few}");
    let both = Creation {
        shards: Some(Some(vec![60, 20])),
        ..chunks(json!([[30, 7], 20]))
    };
    let both = refused(&both, ZarrFormat::V3).unwrap_err();
    assert!(both.contains("shards"), "{both}");
    let uneven = Creation {
        chunks: Some(Chunks::Shape(vec![Some(5), Some(5)])),
        shard_edges: Some(edges(&json!([[30, 7], 20]))),
        ..Creation::default()
    };
    let uneven = refused(&uneven, ZarrFormat::V3).unwrap_err();
    assert!(uneven.contains("do not divide"), "{uneven}");
}
