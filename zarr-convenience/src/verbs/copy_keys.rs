//! Copying keys as a plan says: chunks first, on many threads, then documents from the deepest level up.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use zarr_core::{
    Workers, ZarrFormat,
    codecs::Limits,
    store::{ByteRange, ReadBuffer, Store, StoreKey},
    without_inline,
};

use super::key_documents::{KeyDocuments, Role};
use crate::{
    Budget, Copied, CopyStoreOptions, Error, Progress, Result, count_text,
    ledger::hash,
    units::{Crew, Units, memory_in},
};

/// What a copy of keys will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPlan {
    /// The keys, by code point.
    pub steps: Vec<KeyStep>,
    /// What the documents among them entail.
    pub documents: Option<KeyDocuments>,
}

/// What is done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAction {
    /// It is copied.
    Copy,
    /// It is left as it is in the destination.
    Skip,
    /// It is left out, and removed from the destination: consolidated metadata that would be wrong there.
    Drop,
}

/// One key of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStep {
    /// The key in the source.
    pub from: StoreKey,
    /// The key in the destination.
    pub to: StoreKey,
    /// What is done with it.
    pub action: KeyAction,
    /// The bytes of its value; `None` where nothing depends on them before it is copied.
    pub size: Option<u64>,
}

impl KeyStep {
    /// The line of the log: `copy foo/.zarray -> bar/foo/.zarray`.
    pub fn line(&self) -> String {
        let mut line = String::new();
        self.push_line(&mut line);
        line
    }

    fn push_line(&self, text: &mut String) {
        text.push_str(match self.action {
            KeyAction::Copy => "copy ",
            KeyAction::Skip | KeyAction::Drop => "skip ",
        });
        text.push_str(self.from.as_str());
        if self.from != self.to {
            text.extend([" -> ", self.to.as_str()]);
        }
    }
}

impl KeyPlan {
    /// The bytes to be copied; `None` if those of a key are not known.
    pub fn size(&self) -> Option<u64> {
        self.copied()
            .try_fold(0, |sum: u64, step| Some(sum.saturating_add(step.size?)))
    }

    /// The bytes of the largest value that is copied, as far as they are known.
    pub(crate) fn largest(&self) -> u64 {
        let sizes = self.copied().filter_map(|step| step.size);
        sizes.max().unwrap_or_default()
    }

    /// The keys that are copied.
    pub(crate) fn copied(&self) -> impl Iterator<Item = &KeyStep> {
        self.steps.iter().filter(|step| step.action == KeyAction::Copy)
    }

    /// Corrects the sizes of documents that are not copied as they are, where sizes are known.
    pub(super) fn measure_changed(&mut self, source: &dyn Store, workers: Workers) -> Result<()> {
        let may_change = |step: &KeyStep| step.size.is_some() && self.may_change(step);
        let numbers: Vec<_> = (0..self.steps.len())
            .filter(|number| may_change(&self.steps[*number]))
            .collect();
        let changed = Mutex::new(Vec::new());
        let asked = workers.for_answers(source);
        asked.for_each(numbers.len(), &|index| {
            let number = numbers[index];
            if let Some(document) = without_inline(source, &self.steps[number].from)? {
                let mut changed = changed.lock().unwrap_or_else(PoisonError::into_inner);
                changed.push((number, document.len() as u64));
            }
            Ok::<_, Error>(())
        })?;
        for (number, size) in changed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.steps[number].size = Some(size);
        }
        Ok(())
    }

    /// Whether what a key has in the destination may differ from what it has in the source.
    fn may_change(&self, step: &KeyStep) -> bool {
        let is_whole = self.documents.as_ref().is_none_or(|documents| documents.is_whole);
        !is_whole && step.action == KeyAction::Copy && Role::of(&step.from) == Role::Node(ZarrFormat::V3)
    }

    /// Reads the value that a key is to have in the destination; says whether the source has it.
    pub(crate) fn read(&self, source: &dyn Store, step: &KeyStep, buffer: &mut ReadBuffer) -> Result<bool> {
        if self.may_change(step)
            && let Some(document) = without_inline(source, &step.from)?
        {
            buffer.clear();
            buffer.push_ranges(&document.into(), &[ByteRange::All], || {
                source.describe(step.from.as_str())
            })?;
            return Ok(true);
        }
        Ok(source.get_ranges(&step.from, &[ByteRange::All], buffer)?)
    }

    /// How the keys are copied, and what else is done, a line each.
    pub fn explanation(&self) -> Vec<String> {
        let of = |wanted: &dyn Fn(&KeyStep) -> bool| {
            let steps = self.steps.iter().filter(|step| wanted(step));
            steps.fold((0_u64, 0_u64), |(n, size), step| {
                (n + 1, size.saturating_add(step.size.unwrap_or_default()))
            })
        };
        let mut lines = Vec::new();
        let mut tell = |(n, size): (u64, u64), what: &str| {
            if n > 0 {
                let keys = if n == 1 { "key" } else { "keys" };
                lines.push(format!(
                    "{} {keys} of {} bytes: {what}",
                    count_text(n),
                    count_text(size)
                ));
            }
        };
        let copies = |step: &KeyStep, late: bool| step.action == KeyAction::Copy && is_late(step) == late;
        tell(
            of(&|step| copies(step, false)),
            "copied as they are, on all threads",
        );
        tell(
            of(&|step| copies(step, true)),
            "documents, copied when all other keys are there, the deepest first",
        );
        tell(
            of(&|step| step.action == KeyAction::Skip),
            "skipped, because the destination has them",
        );
        tell(
            of(&|step| step.action == KeyAction::Drop),
            "skipped, because they are consolidated metadata",
        );
        lines.extend(self.documents.iter().flat_map(KeyDocuments::explanation));
        lines
    }
}

/// Below so many keys, threads cost more than they save.
const KEYS_WORTH_THREADS: usize = 512;

/// Finds the sizes of keys, as many at once as the store likes to be asked.
pub(super) fn sizes(
    source: &Arc<dyn Store>,
    keys: &[StoreKey],
    workers: Workers,
) -> Result<Vec<Option<u64>>> {
    let sizes: Vec<_> = keys.iter().map(|_| AtomicU64::new(0)).collect();
    let workers = match workers.requests(source.as_ref()) {
        0 | 1 if keys.len() < KEYS_WORTH_THREADS => Workers::ONE,
        0 | 1 => workers,
        requests_max => workers.for_requests(requests_max, 0),
    };
    workers.for_each(keys.len(), &|index| {
        let size = source.size(&keys[index])?.unwrap_or_default();
        sizes[index].store(size, Ordering::Relaxed);
        Ok::<_, Error>(())
    })?;
    Ok(sizes.into_iter().map(|size| Some(size.into_inner())).collect())
}

/// Carries out a plan, with a line of the log for each key and one for the end.
///
/// With `dry_run` nothing is written.
///
/// # Errors
/// When a store fails, when it is told to stop, and [`Error::Vanished`] when the source has lost a key since it was planned.
pub fn run_keys(
    plan: &KeyPlan,
    source: &Arc<dyn Store>,
    dest: &Arc<dyn Store>,
    mut options: CopyStoreOptions<'_>,
) -> Result<Copied> {
    let mut silent = |_: &str| ();
    let is_logged = options.log.is_some();
    let log: &mut dyn FnMut(&str) = options.log.take().unwrap_or(&mut silent);
    let mut copied = Copied::default();
    for step in &plan.steps {
        if is_logged {
            log(&step.line());
        }
        let count = match step.action {
            KeyAction::Copy => &mut copied.n_copied,
            KeyAction::Skip | KeyAction::Drop => &mut copied.n_skipped,
        };
        *count += 1;
    }
    if !options.dry_run {
        copied.n_bytes_copied = copy(plan, source, dest, &options)?;
        dest.flush()?;
    }
    log(&copied.summary(options.dry_run));
    Ok(copied)
}

/// Copies the keys; gives the bytes of their values.
fn copy(
    plan: &KeyPlan,
    source: &Arc<dyn Store>,
    dest: &Arc<dyn Store>,
    options: &CopyStoreOptions<'_>,
) -> Result<u64> {
    let budget = Budget::new(options.memory);
    let largest = plan.largest();
    let requests = |store: &Arc<dyn Store>| options.workers.requests(store.as_ref());
    let wanted = requests(source).max(requests(dest));
    let unit_memory = memory_in(dest.as_ref(), largest);
    let workers = budget.affordable(options.workers.for_requests(wanted, largest), unit_memory);
    let (done, tell) = (AtomicU64::new(0), options.progress);
    let total = plan.size().unwrap_or_default();
    let mut ledger = None;
    if let Some(whole) = options.ledger {
        let mut lines = String::new();
        for step in &plan.steps {
            step.push_line(&mut lines);
            lines.push('\n');
        }
        whole.begin(&lines)?;
        let (step, hash) = (whole.step(0), hash(lines.as_bytes()));
        ledger = match step.continues(&hash) {
            None => Some(step.begin(&hash)?),
            counted => counted,
        };
    }
    if let Some(documents) = &plan.documents {
        documents.outdate(&plan.steps, dest.as_ref(), options.workers)?;
    }
    for (workers, steps) in stages(plan, dest, workers) {
        let progress = |index: usize, size: u64| {
            let done = done.fetch_add(size, Ordering::Relaxed) + size;
            if let Some(tell) = tell {
                let (_, KeyStep { from, .. }) = steps[index];
                tell(Progress {
                    path: from.as_str(),
                    done,
                    total,
                });
            }
        };
        let crew = Crew {
            budget: &budget,
            cancel: &options.cancel,
            ledger,
            progress: &progress,
        };
        let keys = Keys {
            plan,
            source,
            dest,
            steps: &steps,
            sizes: steps.iter().map(|_| AtomicU64::new(NOT_COPIED)).collect(),
            buffers: Mutex::default(),
        };
        crew.for_each(workers, &keys)?;
    }
    if let Some(documents) = &plan.documents {
        documents.make_groups(dest)?;
    }
    Ok(done.into_inner())
}

/// The most bytes of a value, which may be a shard.
const VALUE_SIZE_MAX: u64 = Limits::DEFAULT.encoded_size_max(true);

/// In the place of the size of a value that was not copied.
const NOT_COPIED: u64 = u64::MAX;

/// A key and its place in the plan.
type Numbered<'a> = (usize, &'a KeyStep);

/// The keys in the order in which they must be there, those of a stage at the same time.
fn stages<'a>(
    plan: &'a KeyPlan,
    dest: &Arc<dyn Store>,
    workers: Workers,
) -> Vec<(Workers, Vec<Numbered<'a>>)> {
    let steps = plan.steps.iter().enumerate();
    let steps = steps.filter(|(_, step)| step.action == KeyAction::Copy);
    if dest.capabilities().deferred {
        // Where all keys are seen at once, they lie in their order.
        return vec![(workers, steps.collect())];
    }
    // Chunks, then documents: members come before the groups that they are in.
    let mut stages: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for (number, step) in steps {
        let depth = step.to.as_str().matches('/').count();
        let stage = if is_late(step) { usize::MAX - depth } else { 0 };
        stages.entry(stage).or_default().push((number, step));
    }
    stages.into_values().map(|steps| (workers, steps)).collect()
}

/// Whether a key makes nodes visible.
fn is_late(step: &KeyStep) -> bool {
    matches!(Role::of(&step.from), Role::Node(_) | Role::Consolidated)
}

/// Keys that are copied.
struct Keys<'a> {
    plan: &'a KeyPlan,
    source: &'a Arc<dyn Store>,
    dest: &'a Arc<dyn Store>,
    steps: &'a [Numbered<'a>],
    /// The bytes of the values that were copied, or [`NOT_COPIED`].
    sizes: Vec<AtomicU64>,
    /// Buffers that no thread has in use.
    buffers: Mutex<Vec<ReadBuffer>>,
}

impl Units for Keys<'_> {
    fn len(&self) -> usize {
        self.steps.len()
    }

    fn size(&self, index: usize) -> Result<u64> {
        let step = self.steps[index].1;
        match self.sizes[index].load(Ordering::Relaxed) {
            NOT_COPIED => match step.size {
                Some(size) => Ok(size),
                None => Ok(self.source.size(&step.from)?.unwrap_or_default()),
            },
            size => Ok(size),
        }
    }

    fn known_size(&self, index: usize) -> Result<Option<u64>> {
        Ok(self.steps[index].1.size)
    }

    fn number(&self, index: usize) -> u64 {
        self.steps[index].0 as u64
    }

    fn generation(&self, index: usize) -> Result<Option<u64>> {
        Ok(self.source.generation(&self.steps[index].1.from)?)
    }

    fn dest(&self) -> &Arc<dyn Store> {
        self.dest
    }

    fn run(&self, index: usize, budget: &Budget, waiting: Option<&Arc<dyn Store>>) -> Result<()> {
        self.run_noted(index, budget, waiting).map(drop)
    }

    /// Most stores tell the generation of a value when it is read; others are asked before.
    fn run_noted(
        &self,
        index: usize,
        budget: &Budget,
        waiting: Option<&Arc<dyn Store>>,
    ) -> Result<Option<u64>> {
        let step = self.steps[index].1;
        let is_told = self.source.capabilities().generations;
        let asked = if is_told { None } else { self.generation(index)? };
        let buffers = || self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = buffers().pop();
        let mut buffer = taken.unwrap_or_default();
        buffer.set_limit(budget.limit().unwrap_or(u64::MAX).min(VALUE_SIZE_MAX));
        let expected = step.size.unwrap_or_default();
        let _held = budget.hold(expected);
        if !self.plan.read(self.source.as_ref(), step, &mut buffer)? {
            // A copy that lacks a value without saying so would pass for a whole one.
            return Err(Error::Vanished {
                what: self.source.describe(step.from.as_str()),
            });
        }
        let value = buffer.part(0);
        let size = value.len() as u64;
        let _more = budget.hold(size.saturating_sub(expected));
        waiting.unwrap_or(self.dest).set(&step.to, value)?;
        self.sizes[index].store(size, Ordering::Relaxed);
        let generation = buffer.generation();
        buffers().push(buffer);
        // Without either it counts as not done.
        Ok(generation.or(asked))
    }

    fn flush(&self) -> Result<()> {
        Ok(self.dest.flush()?)
    }
}
