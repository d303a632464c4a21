//! Doing what a plan says.
//!
//! Each array is copied in units of whole destination chunks, so that no two threads write one key.
//! Its document is stored after its chunks, or, where something is replaced and the store can, the whole
//! array takes the place of the old node in one step.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use zarr_core::{
    Array, Group, Node, NodePath, Selection, Workers, ZarrFormat, create_parents, store::Staged,
};

use crate::{
    Action, CopyOptions, Creation, Plan, Progress, Report, Result, Source, SourceArray, SourceNode, Step,
    open::clear,
};

/// The bytes of values in one unit of work, about: enough to keep a thread busy, little enough to count.
const UNIT_SIZE: u64 = 4 << 20;

/// Carries out a plan, with a line of the log for each step and one for the end.
///
/// With `dry_run` nothing is written.
///
/// # Errors
/// Those of the plan's failure, after the steps before it, and what may go wrong with a node.
pub fn run(plan: Plan, source: &dyn Source, dest: &Group, mut options: CopyOptions<'_>) -> Result<Report> {
    let total = plan.size();
    let mut report = Report {
        lost: plan.lost,
        ..Report::default()
    };
    let mut silent = |_: &str| ();
    let log: &mut dyn FnMut(&str) = options.log.take().unwrap_or(&mut silent);
    let job = Job {
        source,
        dest,
        total,
        done: AtomicU64::new(0),
        workers: options.workers,
        creation: &options.creation,
        without_attrs: options.without_attrs,
        progress: options.progress,
    };
    for step in &plan.steps {
        log(&step.line());
        if step.action == Action::Skip {
            report.copied.n_skipped += 1;
            continue;
        }
        if !options.dry_run {
            job.step(step, &mut report)?;
            report.copied.n_bytes_copied += step.size();
        }
        report.copied.n_copied += 1;
    }
    if let Some(failure) = plan.failure {
        return Err(failure);
    }
    if !options.dry_run {
        if let Some(group) = plan.attributes_of {
            copy_attributes(
                source,
                &SourceNode::Group(group),
                &Node::Group(dest.clone()),
                &mut report,
            )?;
        }
        dest.store().flush()?;
    }
    log(&report.copied.summary(options.dry_run));
    Ok(report)
}

/// Adds the attributes of a node to those of a copy.
fn copy_attributes(source: &dyn Source, node: &SourceNode, copy: &Node, report: &mut Report) -> Result<()> {
    let attributes = source.attributes(node)?;
    report.lost.extend(attributes.lost);
    if attributes.members.is_empty() {
        return Ok(());
    }
    let mut members = copy.attributes()?;
    members.extend(attributes.members);
    match copy.clone() {
        Node::Array(mut array) => array.set_attributes(members)?,
        Node::Group(mut group) => group.set_attributes(members)?,
    }
    Ok(())
}

/// A copy on its way.
struct Job<'a> {
    source: &'a dyn Source,
    dest: &'a Group,
    total: u64,
    done: AtomicU64,
    workers: Workers,
    creation: &'a Creation,
    without_attrs: bool,
    progress: Option<&'a (dyn Fn(Progress<'_>) + Sync)>,
}

impl Job<'_> {
    fn step(&self, step: &Step, report: &mut Report) -> Result<()> {
        match &step.array {
            Some(array) => self.copy_array(step, array, report),
            None => self.copy_group(step, report),
        }
    }

    fn format(&self) -> ZarrFormat {
        self.creation.zarr_format.unwrap_or(self.dest.metadata().format)
    }

    fn copy_group(&self, step: &Step, report: &mut Report) -> Result<()> {
        let store = self.dest.store();
        if step.action == Action::Replace {
            clear(store.as_ref(), &step.target)?;
        }
        let options = self.dest.options();
        let group = match Node::find(store, &step.target, options, None)? {
            Some(Node::Group(group)) => group,
            _ => Group::create(Arc::clone(store), &step.target, self.format(), options)?,
        };
        let node = SourceNode::Group(step.source.clone());
        if !self.without_attrs {
            copy_attributes(self.source, &node, &Node::Group(group), report)?;
        }
        Ok(())
    }

    fn copy_array(&self, step: &Step, source: &Arc<dyn SourceArray>, report: &mut Report) -> Result<()> {
        let store = self.dest.store();
        create_parents(store, &step.target, self.format(), self.dest.options())?;
        let staged = match step.action {
            Action::Replace => store.stage(step.target.prefix())?,
            Action::Copy | Action::Skip => None,
        };
        if let Some(staged) = staged {
            self.write_array(source, &staged.store(), &NodePath::root(), report)?;
            return Ok(Staged::publish(staged)?);
        }
        // Chunks that a killed copy left there would be taken for ours.
        clear(store.as_ref(), &step.target)?;
        self.write_array(source, store, &step.target, report)
    }

    /// Writes chunks, then attributes, then the document.
    fn write_array(
        &self,
        source: &Arc<dyn SourceArray>,
        store: &Arc<dyn zarr_core::store::Store>,
        path: &NodePath,
        report: &mut Report,
    ) -> Result<()> {
        let node = SourceNode::Array(Arc::clone(source));
        let attributes = if self.without_attrs {
            crate::Attributes::default()
        } else {
            self.source.attributes(&node)?
        };
        report.lost.extend(attributes.lost);
        let builder = source
            .builder()?
            .format(self.format())
            .attributes(attributes.members.clone());
        let builder =
            self.creation
                .apply(builder, source.shape(), source.data_type(), source.byte_order())?;
        let options = self.dest.options();
        let mut target = builder.prepare(Arc::clone(store), path, options)?;
        self.copy_values(source.as_ref(), &target)?;
        if target.metadata().format == ZarrFormat::V2 && !attributes.members.is_empty() {
            target.set_attributes(attributes.members)?;
        }
        Ok(target.write_metadata()?)
    }

    fn copy_values(&self, source: &dyn SourceArray, target: &Array) -> Result<()> {
        if target.n_elements() == 0 {
            return Ok(());
        }
        let stored = source.stored_chunks()?;
        if let (Some(from), Some(stored)) = (source.as_zarr(), &stored)
            && has_equal_chunks(from, target)
        {
            return self.move_chunks(from, target, stored);
        }
        let is_sparse = source.chunk_shape() == Some(target.chunk_shape())
            && stored
                .as_ref()
                .is_some_and(|stored| (stored.len() as u64) < target.n_chunks());
        let units = if is_sparse {
            Units::of_chunks(source, target)
        } else {
            Units::new(source, target)
        };
        let target = target
            .clone()
            .with_options(|options| options.workers = Workers::ONE);
        self.workers.for_each(units.len(), &|number| {
            let selection = units.selection(number);
            let (start, shape) = units.region(number);
            if stored
                .as_ref()
                .is_none_or(|stored| units.is_stored(&start, &shape, stored))
            {
                let data = source.read(&selection, Workers::ONE)?;
                target.write_data(&selection, &data)?;
            }
            self.tell(source.path(), units.size(&shape));
            Ok(())
        })
    }

    /// Moves chunks as they are stored: nothing is decoded, and missing chunks stay missing.
    fn move_chunks(&self, from: &Array, target: &Array, stored: &HashSet<Vec<u64>>) -> Result<()> {
        let chunks: Vec<_> = stored.iter().collect();
        let item_size = from.data_type().size().unwrap_or(1) as u64;
        let size: u64 = from
            .chunk_shape()
            .iter()
            .fold(item_size, |size, length| size.saturating_mul(*length));
        self.workers.for_each(chunks.len(), &|number| {
            if let Some(encoded) = from.read_encoded_chunk(chunks[number])? {
                target.write_encoded_chunk(chunks[number], &encoded)?;
            }
            self.tell(from.path(), size);
            Ok(())
        })
    }

    fn tell(&self, path: &NodePath, size: u64) {
        let done = self
            .done
            .fetch_add(size, Ordering::Relaxed)
            .saturating_add(size)
            .min(self.total);
        if let Some(progress) = self.progress {
            progress(Progress {
                path: path.as_str(),
                done,
                total: self.total,
            });
        }
    }
}

/// Whether the stored chunks of one array are those of another.
fn has_equal_chunks(a: &Array, b: &Array) -> bool {
    let (a, b) = (a.metadata(), b.metadata());
    a.shape == b.shape
        && a.data_type == b.data_type
        && a.chunk_grid == b.chunk_grid
        && a.codecs.list() == b.codecs.list()
        && a.fill_value_or_zero() == b.fill_value_or_zero()
}

/// The parts in which an array is copied: boxes of whole destination chunks.
struct Units {
    array_shape: Vec<u64>,
    /// The shape of a part.
    unit_shape: Vec<u64>,
    /// The number of parts in each dimension.
    counts: Vec<u64>,
    source_chunk: Option<Vec<u64>>,
    item_size: u64,
}

impl Units {
    fn new(source: &dyn SourceArray, target: &Array) -> Self {
        let array_shape = target.shape().to_vec();
        let item_size = target.data_type().size().unwrap_or(1).max(1) as u64;
        let source_chunk = source.chunk_shape().map(<[u64]>::to_vec);
        let mut unit_shape = target.chunk_shape().to_vec();
        // As long as the source's chunks, so that few of them are decoded twice.
        for (dimension, unit) in unit_shape.iter_mut().enumerate() {
            let chunk = source_chunk
                .as_ref()
                .map_or(1, |chunk| chunk[dimension])
                .min(array_shape[dimension]);
            *unit = chunk.div_ceil(*unit).max(1).saturating_mul(*unit);
        }
        // Long along the last dimensions, which lie together, until a unit is worth its trouble.
        for dimension in (0..unit_shape.len()).rev() {
            let size: u64 = unit_shape
                .iter()
                .zip(&array_shape)
                .fold(item_size, |size, (unit, length)| {
                    size.saturating_mul((*unit).min(*length))
                });
            let times = (UNIT_SIZE / size.max(1)).min(array_shape[dimension].div_ceil(unit_shape[dimension]));
            if times > 1 {
                unit_shape[dimension] *= times;
            }
        }
        Self::of_shape(source, target, unit_shape)
    }

    /// One part a chunk, so that chunks that were never written stay so.
    fn of_chunks(source: &dyn SourceArray, target: &Array) -> Self {
        Self::of_shape(source, target, target.chunk_shape().to_vec())
    }

    fn of_shape(source: &dyn SourceArray, target: &Array, unit_shape: Vec<u64>) -> Self {
        let array_shape = target.shape().to_vec();
        let counts = array_shape
            .iter()
            .zip(&unit_shape)
            .map(|(length, unit)| length.div_ceil(*unit))
            .collect();
        Self {
            array_shape,
            unit_shape,
            counts,
            source_chunk: source.chunk_shape().map(<[u64]>::to_vec),
            item_size: target.data_type().size().unwrap_or(1).max(1) as u64,
        }
    }

    fn len(&self) -> usize {
        self.counts.iter().product::<u64>() as usize
    }

    /// First element and shape of a part.
    fn region(&self, number: usize) -> (Vec<u64>, Vec<u64>) {
        let mut number = number as u64;
        let mut start = vec![0; self.counts.len()];
        for dimension in (0..start.len()).rev() {
            start[dimension] = number % self.counts[dimension] * self.unit_shape[dimension];
            number /= self.counts[dimension];
        }
        let shape = start.iter().zip(&self.unit_shape).zip(&self.array_shape);
        let shape = shape
            .map(|((start, unit), length)| (*unit).min(length - start))
            .collect();
        (start, shape)
    }

    fn selection(&self, number: usize) -> Selection {
        let (start, shape) = self.region(number);
        Selection::region(&start, &shape)
    }

    fn size(&self, shape: &[u64]) -> u64 {
        shape
            .iter()
            .fold(self.item_size, |size, length| size.saturating_mul(*length))
    }

    /// Whether a part has values, and not only the fill value.
    fn is_stored(&self, start: &[u64], shape: &[u64], stored: &HashSet<Vec<u64>>) -> bool {
        let Some(chunk) = &self.source_chunk else {
            return true;
        };
        let ranges: Vec<_> = (0..start.len())
            .map(|dimension| {
                let end = start[dimension] + shape[dimension];
                start[dimension] / chunk[dimension]..end.div_ceil(chunk[dimension])
            })
            .collect();
        if ranges.iter().all(|range| range.end - range.start == 1) {
            let coords: Vec<_> = ranges.iter().map(|range| range.start).collect();
            return stored.contains(&coords);
        }
        stored.iter().any(|coords| {
            coords
                .iter()
                .zip(&ranges)
                .all(|(coord, range)| range.contains(coord))
        })
    }
}
