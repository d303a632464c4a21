//! A dry run changes no byte anywhere, and says beforehand what the copy will say: lines, counts and errors.
//!
//! `ZARR_PROPERTY_CASES` says how many cases, `ZARR_PROPERTY_SEED` which is the first; `cargo xtask properties` sets
//! them. A failure names the seed of its case, which repeats it alone with one case.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use fastrand::Rng;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use zarr_convenience::{
    Chunks, Copied, CopyOptions, CopyStoreOptions, Creation, Error, IfExists, Lost, OpenConsolidated,
    PatternFlags, Report, ZarrSource, consolidate_metadata, copy, copy_all, copy_store,
    core::{
        Array, ArrayBuilder, ArrayData, Group, Node, NodePath, Options, Order, Selection, ZarrFormat,
        codecs::{ChunkBuffer, DataType, FillValue, TimeUnit},
        metadata::V2Codecs,
        store::{DirectoryStore, Store, ZipStore},
    },
    pattern, plan_copy, plan_copy_all, plan_copy_store,
};

use crate::help::{Keys, group_in, keys, memory, path, set};

/// Names that both sides choose from, so that they clash.
const NAMES: [&str; 6] = ["a", "b", "shape", "c d", "f", "x.y"];
const IF_EXISTS: [IfExists; 4] = [
    IfExists::Raise,
    IfExists::Replace,
    IfExists::Skip,
    IfExists::SkipInitialized,
];

/// A generator of random choices.
struct Random(Rng);

impl Random {
    fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end)
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    fn lengths(&mut self, n: u64, first: u64, end: u64) -> Vec<u64> {
        (0..n).map(|_| first + self.below(end - first)).collect()
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_a_copy_will_say() {
    let first = setting("ZARR_PROPERTY_SEED", 0);
    let mut ends = BTreeMap::new();
    for seed in first..first + setting("ZARR_PROPERTY_CASES", 400) {
        match catch_unwind(AssertUnwindSafe(|| check(&mut Random::new(seed)))) {
            Ok(end) => *ends.entry(end).or_insert(0) += 1,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                resume_unwind(Box::new(format!("case with seed {seed}: {text}")));
            }
        }
    }
    // Neither all of them fail nor none.
    assert!(ends.len() > 1, "{ends:?}");
}

/// A store to copy from or into.
struct Side {
    store: Arc<dyn Store>,
    folder: Option<TempDir>,
    /// Where the group is that copies go into, or the node that is copied.
    at: NodePath,
}

impl Side {
    fn new(random: &mut Random, is_source: bool) -> Self {
        let format = random.pick(&[ZarrFormat::V2, ZarrFormat::V3]);
        let folder = TempDir::new().unwrap();
        let (store, folder): (Arc<dyn Store>, _) = match random.below(4) {
            0 => (memory(), None),
            1 => (
                Arc::new(ZipStore::create(folder.path().join("s.zip")).unwrap()),
                Some(folder),
            ),
            _ => (
                Arc::new(DirectoryStore::create(folder.path().join("s.zarr")).unwrap()),
                Some(folder),
            ),
        };
        let root = group_in(&store, format);
        let mut nodes = vec![NodePath::root()];
        grow(random, &root, 3, &mut nodes);
        if random.one_in(3) {
            consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
        }
        if random.one_in(12) && is_source {
            spoil(random, store.as_ref());
        }
        store.flush().unwrap();
        let at = random.pick(&nodes);
        Self { store, folder, at }
    }

    /// The group that was chosen, or the root.
    fn group(&self) -> Group {
        let open = |path: &NodePath| Group::open(Arc::clone(&self.store), path, &Options::default());
        open(&self.at).or_else(|_| open(&NodePath::root())).unwrap()
    }

    /// All that is there, as the store and the file system show it.
    fn all(&self) -> (Keys, BTreeMap<PathBuf, Vec<u8>>) {
        let mut files = BTreeMap::new();
        if let Some(folder) = &self.folder {
            add_files(folder.path(), &mut files);
        }
        (keys(self.store.as_ref()), files)
    }
}

fn add_files(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_files(&path, files);
            files.insert(path, Vec::new());
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
}

/// Makes random nodes below a group.
fn grow(random: &mut Random, group: &Group, depth: u64, nodes: &mut Vec<NodePath>) {
    if random.one_in(2) {
        group.attrs().update(attributes(random)).unwrap();
    }
    for name in NAMES {
        if !random.one_in(3) {
            continue;
        }
        let at = group.path().join(name).unwrap();
        if depth > 0 && random.one_in(2) {
            let format = group.metadata().format;
            let below = Group::create(Arc::clone(group.store()), &at, format, &Options::default()).unwrap();
            grow(random, &below, depth - 1, nodes);
        } else {
            grow_array(random, group, &at);
        }
        nodes.push(at);
    }
}

fn attributes(random: &mut Random) -> Map<String, Value> {
    let values = [
        json!(1),
        json!("K"),
        json!([1.5, null]),
        json!({"f": {}}),
        json!(true),
    ];
    let names = ["f", "self", "filters", "unit"];
    let chosen = names.iter().filter(|_| random.one_in(2)).collect::<Vec<_>>();
    let chosen = chosen
        .into_iter()
        .map(|name| ((*name).to_owned(), random.pick(&values)));
    chosen.collect()
}

/// Makes a random array, some of whose chunks are missing.
fn grow_array(random: &mut Random, group: &Group, at: &NodePath) {
    let is_v2 = group.metadata().format == ZarrFormat::V2;
    let second = TimeUnit { unit: "s", scale: 1 };
    let mut types = vec![
        DataType::Bool,
        DataType::Int8,
        DataType::Int64,
        DataType::Float32,
        DataType::Complex64,
        DataType::String,
        DataType::Bytes,
    ];
    if is_v2 {
        types.extend([
            DataType::FixedBytes(3),
            DataType::FixedUtf32(2),
            DataType::DateTime64(second),
        ]);
    }
    let (data_type, n) = (random.pick(&types), random.below(3));
    let shape = random.lengths(n, 0, 7);
    let mut builder = ArrayBuilder::new(shape.clone(), data_type.clone())
        .format(group.metadata().format)
        .chunk_shape(random.lengths(n, 1, 5));
    if random.one_in(2) {
        builder = builder
            .order(random.pick(&[Order::C, Order::F]))
            .separator(random.pick(&['.', '/']));
    }
    if random.one_in(2) && !data_type.is_variable() {
        let compressors = [
            Value::Null,
            json!({"id": "zlib", "level": 1}),
            json!({"id": "gzip", "level": 5}),
        ];
        let compressor = Some(random.pick(&compressors)).filter(|compressor| !compressor.is_null());
        let filters = (data_type == DataType::Int64 && is_v2 && random.one_in(2))
            .then(|| vec![json!({"id": "delta", "dtype": "<i8"})]);
        builder = builder.v2_codecs(V2Codecs { filters, compressor });
    }
    if random.one_in(3) && data_type == DataType::Int64 {
        builder = builder.fill_value(Some(FillValue::new(7_i64.to_ne_bytes())));
    }
    let array = builder
        .create(Arc::clone(group.store()), at, &Options::default())
        .unwrap();
    if random.one_in(2) {
        array.set_attributes(attributes(random)).unwrap();
    }
    if shape.contains(&0) || random.one_in(4) {
        return;
    }
    let start: Vec<_> = shape.iter().map(|length| random.below(*length)).collect();
    let size: Vec<_> = shape.iter().zip(&start).map(|(length, at)| length - at).collect();
    write(random, &array, &Selection::region(&start, &size), size);
}

fn write(random: &mut Random, array: &Array, selection: &Selection, shape: Vec<u64>) {
    let n = shape.iter().product::<u64>() as usize;
    let data_type = array.data_type().clone();
    match data_type {
        DataType::String => array.write_vec(selection, &vec!["text".to_owned(); n]).unwrap(),
        DataType::Bytes => array.write_vec(selection, &vec![vec![1_u8, 0, 2]; n]).unwrap(),
        _ => {
            let size = n * data_type.size().unwrap();
            // Zeros and ones are elements of every type.
            let mut elements = vec![0; size];
            let first = elements.iter_mut().step_by(data_type.size().unwrap().max(1));
            first.for_each(|byte| *byte = random.below(2) as u8);
            let buffer = ChunkBuffer {
                elements,
                heap: Vec::new(),
            };
            let data = ArrayData {
                shape,
                data_type,
                buffer,
            };
            array.write_data(selection, &data).unwrap();
        }
    }
}

/// Damages a document.
fn spoil(random: &mut Random, store: &dyn Store) {
    let all = keys(store);
    let is_document = |key: &&String| {
        key.rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with(".z") || name == "zarr.json")
    };
    let documents: Vec<_> = all
        .keys()
        .filter(is_document)
        .filter(|key| key.contains('/'))
        .collect();
    if !documents.is_empty() {
        let document = random.pick(&documents);
        set(
            store,
            document,
            random.pick(&[&b"{"[..], b"[]", b"{\"zarr_format\": 2}"]),
        );
    }
}

fn creation(random: &mut Random) -> Creation {
    let mut creation = Creation::default();
    if random.one_in(3) {
        let chunks = [
            Chunks::Auto,
            Chunks::Whole,
            Chunks::Each(2),
            Chunks::Each(0),
            Chunks::Shape(vec![Some(3), None]),
        ];
        creation.chunks = Some(random.pick(&chunks));
    }
    if random.one_in(3) {
        let compressors = [
            None,
            Some(json!({"id": "zlib", "level": 1})),
            Some(json!({"id": "nothing"})),
        ];
        creation.compressor = Some(random.pick(&compressors));
    }
    if random.one_in(4) {
        creation.zarr_format = Some(random.pick(&[ZarrFormat::V2, ZarrFormat::V3]));
    }
    if random.one_in(6) {
        creation.fill_value = Some(random.pick(&[json!(0), json!(null), json!("x"), json!(300)]));
    }
    if random.one_in(6) {
        creation.dimension_separator = Some(random.pick(&['.', '/', '-']));
        creation.order = Some(random.pick(&[Order::C, Order::F]));
    }
    creation
}

/// How a run ended.
#[derive(Debug, PartialEq)]
struct End {
    lines: Vec<String>,
    /// Nodes or keys copied and skipped, and what could not be carried over.
    done: Result<(u64, u64, Vec<Lost>), String>,
}

impl End {
    fn new(mut lines: Vec<String>, done: Result<Report, Error>) -> (Self, u64) {
        let mut n_bytes = 0;
        let done = done.map(|Report { copied, lost, .. }| {
            n_bytes = copied.n_bytes_copied;
            // The last line tells the counts, and is another one in a dry run.
            let last = lines.pop().unwrap();
            assert!(copied.summary(last.starts_with("dry run")) == last, "{last}");
            (copied.n_copied, copied.n_skipped, lost)
        });
        let done = done.map_err(|error| chain(&error));
        (Self { lines, done }, n_bytes)
    }
}

/// An error with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Checks a case; says how it ended.
fn check(random: &mut Random) -> String {
    let (from, to) = (Side::new(random, true), Side::new(random, false));
    let seed = random.0.u64(..);
    let before = (from.all(), to.all());
    let run = |dry_run: bool| -> (End, u64, Option<u64>) {
        let mut random = Random::new(seed);
        if random.one_in(4) {
            copy_keys(&mut random, &from, &to, dry_run)
        } else {
            copy_nodes(&mut random, &from, &to, dry_run)
        }
    };
    let (foretold, no_bytes, planned) = run(true);
    assert!(
        before == (from.all(), to.all()),
        "something was changed: {foretold:?}"
    );
    assert_eq!(no_bytes, 0);
    let (came_true, n_bytes, _) = run(false);
    assert_eq!(foretold, came_true);
    assert!(before.0 == from.all(), "the source was changed");
    if came_true.done.is_ok() {
        assert_eq!(planned, Some(n_bytes));
    }
    let verb = came_true.lines.first().map_or("nothing", |_| "some");
    let end = came_true.done.map_or("an error", |_| "done");
    format!("{verb}, {end}")
}

fn copy_nodes(random: &mut Random, from: &Side, to: &Side, dry_run: bool) -> (End, u64, Option<u64>) {
    let mut lines = Vec::new();
    let mut log = |line: &str| lines.push(line.to_owned());
    let dest = to.group();
    let names = [
        None,
        None,
        None,
        Some("new"),
        Some("a"),
        Some("a/b/new"),
        Some("/"),
        Some("a//b"),
    ];
    let name = random.pick(&names).map(str::to_owned);
    let options = || CopyOptions {
        name: name.clone(),
        dry_run,
        ..CopyOptions::default()
    };
    let mut options = options();
    options.shallow = random.one_in(4);
    options.without_attrs = random.one_in(4);
    options.if_exists = random.pick(&IF_EXISTS);
    options.creation = creation(random);
    options.memory = random.pick(&[None, None, None, Some(1), Some(200_000)]);
    let is_all = random.one_in(2);
    let node = match Node::open(Arc::clone(&from.store), &from.at, &Options::default()) {
        Ok(node) if !is_all || matches!(node, Node::Group(_)) => node,
        _ => Node::Group(from_root(from)),
    };
    let source = ZarrSource::new(node);
    let root = source.root();
    let plan = if is_all {
        plan_copy_all(&source, root.path(), &dest, &options)
    } else {
        plan_copy(&source, &root, &dest, &options)
    };
    let planned = plan.ok().map(|plan| plan.size());
    options.log = Some(&mut log);
    let done = if is_all {
        copy_all(&source, root.path(), &dest, options)
    } else {
        copy(&source, &root, &dest, options)
    };
    let (end, n_bytes) = End::new(lines, done);
    (end, n_bytes, planned)
}

fn from_root(from: &Side) -> Group {
    Group::open(Arc::clone(&from.store), &NodePath::root(), &Options::default()).unwrap()
}

fn copy_keys(random: &mut Random, from: &Side, to: &Side, dry_run: bool) -> (End, u64, Option<u64>) {
    let mut lines = Vec::new();
    let mut log = |line: &str| lines.push(line.to_owned());
    let patterns = |random: &mut Random, texts: &[&str]| {
        let chosen: Vec<_> = texts.iter().filter(|_| random.one_in(3)).collect();
        let patterns = chosen
            .into_iter()
            .map(|text| pattern(text, PatternFlags::default()).unwrap());
        patterns.collect()
    };
    let options = CopyStoreOptions {
        source_path: if random.one_in(2) {
            from.at.clone()
        } else {
            NodePath::root()
        },
        dest_path: path(random.pick(&["", "", "a", "new", "a/b"])),
        excludes: patterns(random, &["0", r"\.zattrs$", "^a"]),
        includes: patterns(random, &["b", "1"]),
        if_exists: random.pick(&IF_EXISTS),
        memory: random.pick(&[None, None, Some(60)]),
        dry_run,
        ..CopyStoreOptions::default()
    };
    let planned = plan_copy_store(&from.store, &to.store, &options)
        .ok()
        .and_then(|plan| plan.size());
    let options = CopyStoreOptions {
        log: Some(&mut log),
        ..options
    };
    let done = copy_store(&from.store, &to.store, options);
    let report = |copied: Copied| Report {
        copied,
        ..Report::default()
    };
    let (end, n_bytes) = End::new(lines, done.map(report));
    (end, n_bytes, planned)
}

#[test]
fn a_plan_names_the_way_of_each_array_and_why() {
    let store = memory();
    let from = group_in(&store, ZarrFormat::V2);
    crate::help::array(&from, "x", 30);
    let to = group_in(&memory(), ZarrFormat::V2);
    let source = ZarrSource::new(Node::Group(from));
    let explain = |creation: Creation| {
        let options = CopyOptions {
            creation,
            ..CopyOptions::default()
        };
        let plan = plan_copy_all(&source, &NodePath::root(), &to, &options).unwrap();
        assert_eq!(plan.size(), 240);
        plan.steps[0].explanation()
    };
    assert_eq!(
        explain(Creation::default()),
        "/x -> /x: encoded chunks are moved as they are, because chunk shape, codecs and fill value agree; \
         3 units of (10,)"
    );
    let creation = Creation {
        chunks: Some(Chunks::Each(4)),
        ..Creation::default()
    };
    assert_eq!(
        explain(creation),
        "/x -> /x: values are decoded and encoded anew, because chunks of (10,) become chunks of (4,); \
         1 unit of (36,)"
    );
    let creation = Creation {
        compressor: Some(None),
        ..Creation::default()
    };
    assert_eq!(
        explain(creation),
        "/x -> /x: values are decoded and encoded anew, because the codecs differ: bytes, blosc become bytes; \
         3 units of (10,)"
    );
    assert_eq!(keys(to.store().as_ref()).len(), 1);
}
