//! Stores far away: as many requests are in flight as they want, so that the whole takes little more than the requests
//! times the latency over their number.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use zarr_convenience::{
    Chunks, CopyOptions, CopyStoreOptions, Creation, OpenConsolidated, ZarrSource, consolidate_metadata,
    copy_store,
    core::{
        Array, ArrayBuilder, Error as CoreError, Group, NodePath, Options, Selection, Workers, ZarrFormat,
        codecs::DataType,
        store::{Store, testing::DistantStore},
        walk,
    },
    plan_copy_all,
};

use crate::help::{copy_all_logged, digests, group_in, memory, path};

/// Long beside what a busy machine adds to a request.
const LATENCY: Duration = Duration::from_millis(16);
const IN_FLIGHT: usize = 16;
const N_CHUNKS: u64 = 1024;
const ATTEMPTS: usize = 5;

fn far(inner: &Arc<dyn Store>) -> Arc<DistantStore> {
    Arc::new(DistantStore::new(Arc::clone(inner), LATENCY, IN_FLIGHT))
}

fn options() -> Options {
    Options {
        workers: Workers::new(2),
        ..Options::default()
    }
}

/// Does something with new stores until it takes at most 1.3 times what it must; a busy machine may need some attempts.
///
/// `run` gives the stores that it asked, and since when.
fn assert_fast(what: &str, run: impl Fn() -> (Vec<Arc<DistantStore>>, Duration)) {
    let mut told = Vec::new();
    for _ in 0..ATTEMPTS {
        let (stores, took) = run();
        let n_requests: u64 = stores.iter().map(|store| store.n_requests()).sum();
        let most = stores.iter().map(|store| store.n_in_flight_max()).max().unwrap();
        assert!(n_requests >= N_CHUNKS / 2, "{what}: {n_requests} requests");
        assert!(most <= IN_FLIGHT, "{what}: {most} in flight");
        let must = LATENCY.as_secs_f64() * n_requests as f64 / IN_FLIGHT as f64;
        let times = took.as_secs_f64() / must;
        told.push(format!("{n_requests} requests, {most} in flight: {times:.2}"));
        if times <= 1.3 {
            return;
        }
    }
    panic!("{what}: {told:?}");
}

/// Opens an array far away, then reads; the time is that of the read.
fn read(inner: &Arc<dyn Store>, selection: &str, expected: &[i32]) -> (Vec<Arc<DistantStore>>, Duration) {
    let array = Array::open(Arc::clone(inner), &path("a"), &options()).unwrap();
    let store = far(inner);
    let array = array.in_store(Arc::<DistantStore>::clone(&store));
    let start = Instant::now();
    let values = array
        .read_vec::<i32>(&Selection::parse(selection).unwrap())
        .unwrap();
    let took = start.elapsed();
    assert_eq!(values, expected);
    (vec![store], took)
}

/// A group with an array of 1 024 chunks, or of half as many shards of 8 chunks.
fn hierarchy(is_sharded: bool) -> (Arc<dyn Store>, Vec<i32>) {
    let inner = memory();
    let group = group_in(&inner, ZarrFormat::V3);
    let mut builder = ArrayBuilder::new(vec![N_CHUNKS, 16], DataType::Int32).format(ZarrFormat::V3);
    builder = if is_sharded {
        builder.chunk_shape(vec![1, 4]).shard_shape(vec![2, 16])
    } else {
        builder.chunk_shape(vec![1, 16])
    };
    let array = group.create_array("a", builder, false).unwrap();
    let values: Vec<i32> = (0..N_CHUNKS as i32 * 16).collect();
    array.write_vec(&Selection::all(), &values).unwrap();
    (inner, values)
}

#[test]
fn a_whole_array_is_read() {
    let (inner, values) = hierarchy(false);
    assert_fast("load", || read(&inner, ":", &values));
}

#[test]
fn a_slice_of_shards_is_read() {
    let (inner, values) = hierarchy(true);
    let column: Vec<i32> = values.chunks(16).map(|row| row[5]).collect();
    assert_fast("a slice of shards", || read(&inner, ":,5", &column));
}

#[test]
fn many_nodes_are_walked_and_consolidated() {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let inner = memory();
        let root = group_in(&inner, format);
        for number in 0..N_CHUNKS {
            let builder = ArrayBuilder::new(vec![8], DataType::Int8).chunk_shape(vec![2]);
            root.create_array(&format!("a{number}"), builder, false).unwrap();
        }
        assert_fast("walk", || {
            let store = far(&inner);
            let root =
                Group::open(Arc::<DistantStore>::clone(&store), &NodePath::root(), &options()).unwrap();
            let (mut n_nodes, start) = (0, Instant::now());
            walk::<CoreError>(&root, &mut |_| {
                n_nodes += 1;
                Ok(())
            })
            .unwrap();
            assert_eq!(n_nodes, N_CHUNKS);
            (vec![store], start.elapsed())
        });
        assert_fast("consolidate", || {
            let store = far(&inner);
            let how = OpenConsolidated {
                options: options(),
                ..OpenConsolidated::default()
            };
            let asked: Arc<dyn Store> = Arc::<DistantStore>::clone(&store);
            let start = Instant::now();
            consolidate_metadata(&asked, &NodePath::root(), &how).unwrap();
            (vec![store], start.elapsed())
        });
    }
}

/// Copies from far away to far away; the copy is compared with what was copied.
fn copied(inner: &Arc<dyn Store>, creation: &Creation) -> (Vec<Arc<DistantStore>>, Duration) {
    let to = memory();
    group_in(&to, ZarrFormat::V3);
    let stores = vec![far(inner), far(&to)];
    let groups: Vec<Group> = stores
        .iter()
        .map(|store| Group::open(Arc::<DistantStore>::clone(store), &NodePath::root(), &options()).unwrap())
        .collect();
    let how = CopyOptions {
        creation: creation.clone(),
        workers: Workers::new(2),
        ..CopyOptions::default()
    };
    let start = Instant::now();
    copy_all_logged(&groups[0], &groups[1], how).1.unwrap();
    let took = start.elapsed();
    assert_eq!(digests(&to), digests(inner));
    (stores, took)
}

#[test]
fn chunks_are_moved_and_recoded() {
    let (inner, _) = hierarchy(false);
    assert_fast("chunks as they are", || copied(&inner, &Creation::default()));
    let other = Creation {
        chunks: Some(Chunks::Shape(vec![Some(2), Some(16)])),
        ..Creation::default()
    };
    assert_fast("chunks of another shape", || copied(&inner, &other));
    let shards = Creation {
        chunks: Some(Chunks::Shape(vec![Some(1), Some(16)])),
        shards: Some(Some(vec![128, 16])),
        ..Creation::default()
    };
    assert_fast("shards", || copied(&inner, &shards));
}

#[test]
fn keys_are_copied() {
    let (inner, _) = hierarchy(false);
    assert_fast("keys", || {
        let to = memory();
        let stores = vec![far(&inner), far(&to)];
        let [from, into] =
            [0, 1].map(|index| -> Arc<dyn Store> { Arc::<DistantStore>::clone(&stores[index]) });
        let how = CopyStoreOptions {
            workers: Workers::new(2),
            ..CopyStoreOptions::default()
        };
        let start = Instant::now();
        copy_store(&from, &into, how).unwrap();
        let took = start.elapsed();
        assert_eq!(digests(&to), digests(&inner));
        (stores, took)
    });
}

#[test]
fn of_chunks_that_are_read_at_once_no_more_are_in_memory_than_is_granted() {
    let inner = memory();
    // All chunks are in one folder, so nothing but chunks is asked for at the same time.
    let group = group_in(&inner, ZarrFormat::V2);
    let builder = ArrayBuilder::new(vec![16, 1 << 12], DataType::Int32).chunk_shape(vec![1, 1 << 12]);
    let array = group.create_array("a", builder, false).unwrap();
    let values: Vec<i32> = (0..16 << 12).collect();
    array.write_vec(&Selection::all(), &values).unwrap();
    let n_in_flight = |memory: Option<u64>| {
        let store = far(&inner);
        let from = Group::open(Arc::<DistantStore>::clone(&store), &NodePath::root(), &options()).unwrap();
        let to = group_in(&crate::help::memory(), ZarrFormat::V2);
        let how = || CopyOptions {
            creation: Creation {
                chunks: Some(Chunks::Shape(vec![Some(16), Some(1 << 12)])),
                ..Creation::default()
            },
            workers: Workers::new(2),
            memory,
            ..CopyOptions::default()
        };
        let source = ZarrSource::new(zarr_convenience::core::Node::Group(from.clone()));
        let plan = plan_copy_all(&source, from.path(), &to, &how()).unwrap();
        let unit_memory = plan.steps[0].route.as_ref().unwrap().unit_memory;
        let report = copy_all_logged(&from, &to, how()).1.unwrap();
        assert_eq!(digests(to.store()), digests(&inner));
        if let Some(limit) = memory {
            assert!(report.memory_peak <= limit, "{} of {limit}", report.memory_peak);
        }
        (unit_memory, store.n_in_flight_max())
    };
    let (unit_memory, n_free) = n_in_flight(None);
    assert!(n_free > 4, "{n_free}");
    assert_eq!(n_in_flight(Some(unit_memory)).1, 1);
}
