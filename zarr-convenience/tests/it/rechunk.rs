//! Arrays in other chunks: what a plan says is what happens, and what was interrupted is continued.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use tempfile::TempDir;
use zarr_convenience::{
    Between, Cancel, Chunks, CopyOptions, Creation, Error, IfExists, Ledger, Place, Progress, RechunkPlan,
    Report,
    core::{
        Array, ArrayBuilder, NodePath, Options, Selection, Workers, ZarrFormat,
        codecs::DataType,
        metadata::V2Codecs,
        store::{CountingStore, DirectoryStore, Store},
    },
    plan_rechunk, rechunk,
};

use crate::help::memory;

/// Room for the documents of an array, which are read and written besides its values.
const DOCUMENTS: u64 = 8 << 10;

fn root() -> NodePath {
    NodePath::root()
}

fn compressed(builder: ArrayBuilder, compressor: Option<Value>) -> ArrayBuilder {
    builder.v2_codecs(V2Codecs {
        compressor,
        filters: None,
    })
}

/// An array of 400 x 400 numbers, uncompressed, at the root of a store whose calls are counted.
fn source(chunks: [u64; 2]) -> (Arc<CountingStore>, Array) {
    let store = Arc::new(CountingStore::new(memory()));
    let builder = ArrayBuilder::new(vec![400, 400], DataType::Float64).chunk_shape(chunks.to_vec());
    let array = compressed(builder, None)
        .create(Arc::<CountingStore>::clone(&store), &root(), &Options::default())
        .unwrap();
    let values: Vec<f64> = (0..160_000).map(f64::from).collect();
    array.write_vec(&Selection::all(), &values).unwrap();
    (store, array)
}

fn into(chunks: [u64; 2], shards: Option<[u64; 2]>) -> Creation {
    Creation {
        chunks: Some(Chunks::Shape(chunks.map(Some).to_vec())),
        shards: shards.map(|shards| Some(shards.to_vec())),
        zarr_format: shards.map(|_| ZarrFormat::V3),
        ..Creation::default()
    }
}

fn place(store: &Arc<dyn Store>) -> Place {
    Place::new(Arc::clone(store), root(), ZarrFormat::V2, Options::default())
}

fn values(store: &Arc<dyn Store>) -> Vec<f64> {
    let array = Array::open(Arc::clone(store), &root(), &Options::default()).unwrap();
    array.read_vec(&Selection::all()).unwrap()
}

/// The bytes of the files below a folder that are no documents.
fn chunk_bytes(folder: &Path) -> u64 {
    let mut size = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            size += chunk_bytes(&entry.path());
        } else if !name.to_str().unwrap().starts_with(['.', 'z']) {
            size += entry.metadata().unwrap().len();
        }
    }
    size
}

#[test]
fn what_a_plan_says_is_what_happens() {
    let n_bytes = 400 * 400 * 8;
    let (rows, columns) = ([1, 400], [400, 1]);
    for (from_chunks, to, limit, n_passes) in [
        (columns, into(rows, None), 1 << 30, 1),
        (columns, into(rows, None), 1 << 20, 2),
        (columns, into(rows, None), 1 << 17, 2),
        ([100, 100], into([80, 50], None), 1 << 20, 1),
        ([40, 400], into([10, 10], Some([200, 200])), 1 << 23, 1),
        ([400, 10], into([10, 10], Some([20, 400])), 1 << 20, 2),
    ] {
        let what = format!("{from_chunks:?} {to:?} {limit}");
        let (counted, array) = source(from_chunks);
        let plan = plan_rechunk(&array, &to, false, limit).unwrap();
        assert_eq!(plan.passes.len(), n_passes, "{what}");
        let folder = TempDir::new().unwrap();
        let between = || Between::beside(&folder.path().join("b"), "work", true).unwrap();
        let expected: Vec<f64> = (0..160_000).map(f64::from).collect();
        for n_threads in [1, 3] {
            let before = counted.counts();
            let dest = Arc::new(CountingStore::new(memory()));
            let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&dest);
            let options = CopyOptions {
                creation: to.clone(),
                workers: Workers::new(n_threads),
                ..CopyOptions::default()
            };
            let report = rechunk(&array, &plan, &place(&store), Some(&between()), options).unwrap();
            assert!(values(&store) == expected, "{what}");
            let written = dest.counts().bytes_set;
            let indices = if to.shards.is_some() {
                16 * 1600 + 4 * 40
            } else {
                0
            };
            assert!(
                (n_bytes..n_bytes + DOCUMENTS + indices).contains(&written),
                "{what}: {written}"
            );
            let planned = plan.passes.iter().map(|pass| pass.memory).max().unwrap();
            let peak = report.memory_peak;
            assert!(
                peak <= planned * n_threads as u64 && peak <= limit,
                "{what}: {peak} of {planned}"
            );
            assert!(peak >= planned / 4, "{what}: {peak} of {planned}");
            assert!(plan.passes.iter().all(|pass| pass.n_bytes == n_bytes), "{what}");
            // What was between is whole, so the second time nothing is read.
            let read = counted.counts().bytes_got - before.bytes_got;
            let once = if n_passes == 1 || n_threads == 1 {
                n_bytes
            } else {
                0
            };
            let most = once * plan.passes[0].n_bytes_read / n_bytes + DOCUMENTS;
            assert!((once..most).contains(&read), "{what}: {read} of {most}");
            if n_passes == 2 {
                assert_eq!(chunk_bytes(folder.path()), n_bytes, "{what}");
            }
        }
        between().finish().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{what}");
    }
}

#[test]
fn chunks_that_are_decoded_twice_are_counted() {
    let store = Arc::new(CountingStore::new(memory()));
    let builder = ArrayBuilder::new(vec![9, 8], DataType::UInt8).chunk_shape(vec![2, 8]);
    let array = compressed(builder, Some(json!({"id": "zlib", "level": 1})))
        .create(Arc::<CountingStore>::clone(&store), &root(), &Options::default())
        .unwrap();
    array.write_vec(&Selection::all(), &[7_u8; 72]).unwrap();
    // Chunks 0-1, 2-3, 4-5, 6-7 and 8 of the source, for rows 0-2, 3-5 and 6-8: two, two and two of them.
    let to = into([3, 8], None);
    let plan = plan_rechunk(&array, &to, true, 1 << 30).unwrap();
    // Small arrays are one unit, unless memory is short.
    let tight = plan_rechunk(&array, &to, true, 2 * plan.passes[0].memory).unwrap();
    assert_eq!((plan.passes[0].n_bytes, plan.passes[0].n_bytes_read), (72, 72));
    assert_eq!(tight.passes[0].n_bytes_read, (4 + 4 + 3) * 8);
    let n_gets = |plan: &RechunkPlan| {
        let before = store.counts().gets;
        let options = CopyOptions {
            creation: to.clone(),
            workers: Workers::ONE,
            ..CopyOptions::default()
        };
        rechunk(&array, plan, &place(&memory()), None, options).unwrap();
        store.counts().gets - before
    };
    // Chunks are asked for once a unit that needs them: five of them, or six.
    assert_eq!(n_gets(&tight), n_gets(&plan) + 1);
}

/// Two passes into `to`, stopped after so much of the values of each.
struct Job<'a> {
    array: &'a Array,
    plan: &'a RechunkPlan,
    folder: &'a Path,
    creation: Creation,
}

impl Job<'_> {
    fn run(&self, stop_after: u64, if_exists: IfExists) -> Result<Report, Error> {
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(self.folder.join("to.zarr")).unwrap());
        let between = Between::beside(&self.folder.join("to.zarr.rechunk"), "work", true).unwrap();
        let ledger = Ledger::open(&store, "work", true).unwrap().unwrap();
        let (cancel, done) = (Cancel::default(), AtomicU64::new(0));
        let progress = |_: Progress<'_>| {
            if done.fetch_add(1, Ordering::Relaxed) + 1 >= stop_after {
                cancel.cancel();
            }
        };
        let options = CopyOptions {
            if_exists,
            creation: self.creation.clone(),
            workers: Workers::ONE,
            ledger: Some(&ledger),
            cancel: cancel.clone(),
            progress: Some(&progress),
            ..CopyOptions::default()
        };
        let result = rechunk(self.array, self.plan, &place(&store), Some(&between), options);
        if result.is_ok() {
            ledger.finish().unwrap();
            between.finish().unwrap();
        }
        result
    }
}

#[test]
fn two_passes_that_were_stopped_are_continued() {
    let (counted, array) = source([400, 1]);
    let creation = into([1, 400], None);
    let plan = plan_rechunk(&array, &creation, true, 1 << 18).unwrap();
    assert_eq!(plan.passes.len(), 2);
    let n_bytes = plan.passes[0].n_bytes;
    let folder = TempDir::new().unwrap();
    let job = Job {
        array: &array,
        plan: &plan,
        folder: folder.path(),
        creation,
    };
    let (mut n_stops, mut read) = (0, 0);
    loop {
        let before = counted.counts().bytes_got;
        // Later each time until a pass is done, of which either has 40 units; those that are done count.
        let result = job.run(5 * (n_stops % 9 + 1), IfExists::Raise);
        read += counted.counts().bytes_got - before;
        match result {
            Err(Error::Cancelled) => n_stops += 1,
            other => {
                other.unwrap();
                break;
            }
        }
        assert!(n_stops < 50, "it gets on");
    }
    assert!(n_stops > 5, "{n_stops}");
    // Of the source nothing is read twice, and nothing at all in the second pass.
    assert!(read < n_bytes + n_bytes / 4, "{read} of {n_bytes} bytes");
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::open(folder.path().join("to.zarr")).unwrap());
    assert_eq!(values(&store), array.read_vec::<f64>(&Selection::all()).unwrap());
    let names = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["to.zarr"], "nothing is left");
}

#[test]
fn what_changed_in_the_source_meanwhile_is_read_again() {
    let folder = TempDir::new().unwrap();
    let from: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path().join("from.zarr")).unwrap());
    let (_, array) = source([400, 1]);
    let array = ArrayBuilder::like(&array)
        .create(from, &root(), &Options::default())
        .unwrap();
    array.write_vec(&Selection::all(), &[1.0_f64]).unwrap();
    let creation = into([1, 400], None);
    let plan = plan_rechunk(&array, &creation, true, 1 << 18).unwrap();
    let work = TempDir::new().unwrap();
    let job = Job {
        array: &array,
        plan: &plan,
        folder: work.path(),
        creation,
    };
    assert!(job.run(50, IfExists::Raise).is_err());
    let n_done = chunk_bytes(&work.path().join("to.zarr"));
    assert!(
        (1..plan.passes[1].n_bytes).contains(&n_done),
        "stopped in the second pass"
    );
    array
        .write_vec(&Selection::region(&[0, 3], &[400, 1]), &[2.0_f64; 400])
        .unwrap();
    job.run(u64::MAX, IfExists::Raise).unwrap();
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::open(work.path().join("to.zarr")).unwrap());
    assert_eq!(values(&store), array.read_vec::<f64>(&Selection::all()).unwrap());
}

#[test]
fn an_array_in_the_way_is_noticed_before_the_first_pass() {
    let (counted, array) = source([400, 1]);
    let creation = into([1, 400], None);
    let plan = plan_rechunk(&array, &creation, true, 1 << 18).unwrap();
    let store = memory();
    let builder = ArrayBuilder::new(vec![1], DataType::Int8);
    builder
        .create(Arc::clone(&store), &root(), &Options::default())
        .unwrap();
    let before = counted.counts().gets;
    let run = |if_exists| {
        let options = CopyOptions {
            if_exists,
            creation: creation.clone(),
            ..CopyOptions::default()
        };
        rechunk(&array, &plan, &place(&store), None, options)
    };
    let error = run(IfExists::Raise).unwrap_err();
    assert!(
        error.to_string().contains("already at the destination '/'"),
        "{error}"
    );
    assert_eq!(run(IfExists::Skip).unwrap().copied.n_skipped, 1);
    assert_eq!(counted.counts().gets, before);
    run(IfExists::Replace).unwrap();
    assert_eq!(values(&store).len(), 160_000);
}
