//! `rechunk`: an array in other chunks, within a budget of memory.
//!
//! One pass reads boxes that cover whole chunks of either side, so that no chunk is decoded twice. Where such boxes
//! do not fit the budget (rows to columns), two passes go through an array on disk, whose chunks are short enough
//! that each pass has boxes which fit:
//!
//! ```text
//! source 1000 x 1  ->  1 x 1000 destination       boxes of 1000 x 1000
//! source 1000 x 1  ->  40 x 40  ->  1 x 1000      boxes of 1000 x 40, then of 40 x 1000
//! ```

use std::sync::Arc;

use zarr_core::{Array, ArrayBuilder, Node, NodePath, Options, store::MemoryStore};

use crate::{
    Action, Between, Chunks, CopyOptions, Creation, Error, Place, Report, Result, Sink, SourceArray,
    SourceNode, ZarrSource, boxes::Boxes, copy, plan_copy, run,
};

/// A reading and writing of all elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RechunkPass {
    /// The shape of the chunks (or shards) that are written.
    pub chunk_shape: Vec<u64>,
    /// The bytes of all elements, which are written once.
    pub n_bytes: u64,
    /// The bytes of the chunks that are decoded, which are more where chunks of one side reach across those of the other.
    pub n_bytes_read: u64,
    /// The most bytes that the buffers of one thread take.
    pub memory: u64,
}

/// How an array comes into other chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RechunkPlan {
    /// One or two.
    pub passes: Vec<RechunkPass>,
    /// The most bytes that buffers may take.
    pub memory: u64,
}

/// Plans to bring an array of Zarr into other chunks with buffers of at most `memory` bytes; nothing is written.
///
/// `streams` says whether the destination takes a shard in [pieces](zarr_core::store::Capabilities::pieces), as
/// directories do.
///
/// # Errors
/// [`Error::Argument`] for chunks that make no sense, and when not even two passes fit the budget.
pub fn plan_rechunk(source: &Array, creation: &Creation, streams: bool, memory: u64) -> Result<RechunkPlan> {
    let target = prepared(source, creation)?;
    let from = array_of(source.clone())?;
    let single = pass(from.as_ref(), (&target, streams), memory);
    if let Ok(pass) = single {
        return Ok(RechunkPlan {
            passes: vec![pass],
            memory,
        });
    }
    // Chunks in between are the fewer the longer they are; buffers take several times as much as one of them.
    let mut needed = u64::MAX;
    for share in [8, 32, u64::MAX] {
        let between = prepared(source, &of_chunks(&between(source, &target, memory / share)))?;
        let first = pass(from.as_ref(), (&between, true), memory);
        let second = pass(array_of(between)?.as_ref(), (&target, streams), memory);
        match (first, second) {
            (Ok(first), Ok(second)) => {
                let passes = vec![first, second];
                return Ok(RechunkPlan { passes, memory });
            }
            (first, second) => {
                let of_both = first.err().max(second.err());
                needed = needed.min(of_both.unwrap_or(u64::MAX));
            }
        }
    }
    Err(Error::Argument(format!(
        "{memory} bytes of memory are too few for these chunks, which need {needed}"
    )))
}

/// Brings an array into other chunks as planned; what lies between two passes goes into a temporary directory, unless
/// another one is given.
///
/// Work that was interrupted is continued if it has the [ledger](CopyOptions::ledger) and the directory it had before.
/// Nothing is read or written if the destination keeps what it has.
///
/// # Errors
/// Those of [`copy`], of which this is one or two.
pub fn rechunk(
    source: &Array,
    plan: &RechunkPlan,
    dest: &dyn Sink,
    between: Option<&Between>,
    options: CopyOptions<'_>,
) -> Result<Report> {
    // What lies between two passes has no name of its own.
    let own_name = Some(source.path().name()).filter(|name| !name.is_empty() && !dest.is_place());
    let mut options = CopyOptions {
        name: options.name.or_else(|| own_name.map(str::to_owned)),
        memory: Some(plan.memory),
        ..options
    };
    let from = ZarrSource::new(Node::Array(source.clone()));
    let [first, _] = &plan.passes[..] else {
        return copy(&from, &from.root(), dest, options);
    };
    // Other than each of the passes, a way without what lies between need not fit.
    options.memory = None;
    let mut planned = plan_copy(&from, &from.root(), dest, &options)?;
    options.memory = Some(plan.memory);
    if planned.failure.is_some() || planned.steps.iter().all(|step| step.action == Action::Skip) {
        return run(planned, dest, options);
    }
    let temporary;
    let between = if let Some(between) = between {
        between
    } else {
        temporary = Between::temporary()?;
        &temporary
    };
    let (store, root) = (between.store(), NodePath::root());
    let place = Place::new(
        Arc::clone(store),
        root.clone(),
        source.metadata().format,
        Options::default(),
    );
    let first = CopyOptions {
        creation: of_chunks(&first.chunk_shape),
        workers: options.workers,
        memory: options.memory,
        ledger: between.ledger(),
        cancel: options.cancel.clone(),
        progress: options.progress,
        ..CopyOptions::default()
    };
    let first = copy(&from, &from.root(), &place, first)?;
    let between = array_of(Array::open(Arc::clone(store), &root, source.options())?)?;
    for step in &mut planned.steps {
        step.array = Some(Arc::clone(&between));
    }
    let mut report = run(planned, dest, options)?;
    report.memory_peak = report.memory_peak.max(first.memory_peak);
    Ok(report)
}

/// The chunks of the array between two passes: those of both sides, made longer up to a size in bytes, and of these
/// the shorter one along each dimension.
fn between(source: &Array, target: &Array, size_max: u64) -> Vec<u64> {
    let item_size = target.data_type().size().unwrap_or(1).max(1) as u64;
    let grown = |chunk_shape: &[u64]| {
        let mut lengths: Vec<_> = chunk_shape.to_vec();
        let mut size = lengths
            .iter()
            .fold(item_size, |size, length| size.saturating_mul(*length));
        for (length, whole) in lengths.iter_mut().zip(source.shape()).rev() {
            let factor = (size_max / size.max(1)).min(whole.div_ceil(*length)).max(1);
            *length *= factor;
            size = size.saturating_mul(factor);
        }
        lengths
    };
    let read = source
        .inner_chunk_shape()
        .unwrap_or_else(|| source.chunk_shape().to_vec());
    let lengths = grown(&read).into_iter().zip(grown(target.chunk_shape()));
    lengths
        .zip(source.shape())
        .map(|((read, written), whole)| read.min(written).min(*whole).max(1))
        .collect()
}

fn of_chunks(chunk_shape: &[u64]) -> Creation {
    Creation {
        chunks: Some(Chunks::Shape(chunk_shape.iter().copied().map(Some).collect())),
        shards: Some(None),
        ..Creation::default()
    }
}

/// The handle of an array like another one that is stored nowhere.
fn prepared(source: &Array, creation: &Creation) -> Result<Array> {
    let byte_order = source.metadata().codecs.byte_order();
    let builder = creation.apply(
        ArrayBuilder::like(source),
        source.shape(),
        source.data_type(),
        byte_order,
    )?;
    let array = builder.prepare(Arc::new(MemoryStore::new()), &NodePath::root(), source.options())?;
    array.chunk_codec()?;
    Ok(array)
}

fn array_of(array: Array) -> Result<Arc<dyn SourceArray>> {
    match ZarrSource::new(Node::Array(array)).root() {
        SourceNode::Array(array) => Ok(array),
        _ => Err(Error::Argument("only arrays have chunks".to_owned())),
    }
}

/// A pass in which few chunks are decoded twice; else the memory that it would take.
fn pass(
    source: &dyn SourceArray,
    (target, streams): (&Array, bool),
    memory: u64,
) -> Result<RechunkPass, u64> {
    let boxes = Boxes::new(source, (target, streams), Some(memory));
    if !boxes.are_covering() || boxes.memory() > memory {
        return Err(Boxes::covering(source, (target, streams)).memory());
    }
    let item_size = target.data_type().size().unwrap_or(1) as u64;
    Ok(RechunkPass {
        chunk_shape: target.chunk_shape().to_vec(),
        n_bytes: target.n_elements().saturating_mul(item_size),
        n_bytes_read: boxes.n_bytes_read(),
        memory: boxes.memory(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zarr_core::{Group, Selection, ZarrFormat, codecs::DataType, store::Store};

    fn columns() -> Array {
        let builder = ArrayBuilder::new(vec![400, 400], DataType::Float64).chunk_shape(vec![400, 1]);
        let array = builder
            .create(
                Arc::new(MemoryStore::new()),
                &NodePath::new("a").unwrap(),
                &Options::default(),
            )
            .unwrap();
        let values: Vec<f64> = (0..160_000).map(f64::from).collect();
        array.write_vec(&Selection::all(), &values).unwrap();
        array
    }

    #[test]
    fn columns_become_rows_in_one_pass_or_in_two() {
        let source = columns();
        for (memory, n_passes) in [(1 << 30, 1), (1 << 20, 2)] {
            let plan = plan_rechunk(&source, &of_chunks(&[1, 400]), true, memory).unwrap();
            assert_eq!(plan.passes.len(), n_passes);
            assert!(plan.passes.iter().all(|pass| pass.memory <= memory), "{plan:?}");
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
            let root = NodePath::root();
            let dest = Place::new(
                Arc::clone(&store),
                root.clone(),
                ZarrFormat::V2,
                Options::default(),
            );
            let options = CopyOptions {
                creation: of_chunks(&[1, 400]),
                ..CopyOptions::default()
            };
            rechunk(&source, &plan, &dest, None, options).unwrap();
            let made = Array::open(store, &root, &Options::default()).unwrap();
            assert_eq!(made.chunk_shape(), [1, 400]);
            assert_eq!(
                made.read_vec::<f64>(&Selection::all()).unwrap(),
                source.read_vec::<f64>(&Selection::all()).unwrap()
            );
        }
    }

    #[test]
    fn in_a_group_the_array_has_its_own_name_after_two_passes_too() {
        let source = columns();
        for memory in [1 << 30, 1 << 20] {
            let plan = plan_rechunk(&source, &of_chunks(&[1, 400]), true, memory).unwrap();
            let (store, options) = (Arc::new(MemoryStore::new()), Options::default());
            let dest = Group::create(store, &NodePath::root(), ZarrFormat::V2, &options).unwrap();
            let mut lines = Vec::new();
            let mut log = |line: &str| lines.push(line.to_owned());
            let options = CopyOptions {
                creation: of_chunks(&[1, 400]),
                log: Some(&mut log),
                ..CopyOptions::default()
            };
            rechunk(&source, &plan, &dest, None, options).unwrap();
            assert_eq!(lines[0], "copy /a (400, 400) float64");
            let made = dest.get("a").unwrap();
            assert!(matches!(made, Node::Array(array) if array.chunk_shape() == [1, 400]));
        }
    }

    #[test]
    fn too_little_memory_is_said_beforehand() {
        let error = plan_rechunk(&columns(), &of_chunks(&[1, 400]), true, 1000).unwrap_err();
        assert!(error.to_string().contains("too few"), "{error}");
    }
}
