//! What is done of a long piece of work, so that another process can continue it.
//!
//! A journal of lines in the destination, which nobody takes for a key (reliability promise W6, W9):
//!
//! | line | says |
//! |---|---|
//! | `zarr-ledger 1 BOOT` | a process began or continued; `BOOT` names the time since the system was started |
//! | `found KIND WHAT` | what of that which the plan asked for was in the destination before |
//! | `plan HASH` | the plan was made; from here on it is carried out |
//! | `begin STEP HASH` | a step begins; what was noted for it under another hash does not count |
//! | `tree STEP TOKEN` | the new tree of a step |
//! | `unit STEP NUMBER GENERATION` | a unit of work is in the store, from a source of that generation |
//! | `done STEP` | a step is complete and visible |
//! | `synced` | all that was noted so far is safe from a loss of power |
//!
//! A unit counts as done if its source is of the generation that was noted, which a store tells without reading
//! (device, number, size and times of a file). Setting a key is atomic, so what was set before the process was
//! killed is whole. After a loss of power only what was noted before the last `synced` counts.

use std::{
    collections::{HashMap, HashSet},
    fmt::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sha2::{Digest, Sha256};
use zarr_core::store::{Journal, Staged, Store, StorePrefix};

use crate::{Error, Found, Result};

const HEADER: &str = "zarr-ledger 1";
/// After so many bytes of values what is done is written down; as much is done again after a kill.
const NOTED_SIZE: u64 = 1 << 20;
/// After so many bytes of values what is done is made safe from a loss of power.
const SYNC_SIZE: u64 = 1 << 30;

/// The ledger of a piece of work on a store.
///
/// Dropped it stays, and the same work continues where it was; [`Ledger::finish`] removes it.
#[derive(Debug)]
pub struct Ledger {
    store: Arc<dyn Store>,
    name: String,
    journal: Journal,
    /// What earlier processes noted.
    before: Before,
    is_resumed: bool,
    /// What the plan found in the destination, until it is written down.
    found: Mutex<Vec<String>>,
    /// Lines about units that are not written down yet, and the bytes of their values.
    unwritten: Mutex<(String, u64)>,
    /// Bytes done since the last sync.
    unsynced: AtomicU64,
}

/// What was noted by earlier processes and still counts.
#[derive(Debug, Default)]
struct Before {
    plan: Option<String>,
    found: HashMap<String, Found>,
    steps: HashMap<u64, StepBefore>,
}

/// What was noted of a step.
#[derive(Debug, Default)]
struct StepBefore {
    hash: String,
    token: Option<u64>,
    units: HashMap<u64, u64>,
    is_done: bool,
}

impl Ledger {
    /// Opens the ledger of a piece of work on a store; `None` where the store keeps none.
    ///
    /// `work` tells the work from others: what is copied, and how.
    /// With `resumes`, what a killed process noted counts; else all is begun anew.
    ///
    /// # Errors
    /// `Conflict` when a living process does the same work; when the journal cannot be read or written.
    pub fn open(store: &Arc<dyn Store>, work: &str, resumes: bool) -> Result<Option<Self>> {
        let Some(lasting) = store.lasting() else {
            return Ok(None);
        };
        let name = hash(work.as_bytes());
        let journal = lasting.open_journal(&name)?;
        let boot = boot();
        let before = if resumes {
            Before::parse(&String::from_utf8_lossy(&journal.read()?), &boot)
        } else {
            Before::default()
        };
        // Without a plan nothing was done.
        let is_resumed = before.plan.is_some();
        let before = if is_resumed { before } else { Before::default() };
        if is_resumed {
            // The first line ends a line that was cut.
            journal.append(format!("\n{HEADER} {boot}\n").as_bytes())?;
        } else {
            journal.clear()?;
            journal.append(format!("{HEADER} {boot}\n").as_bytes())?;
        }
        Ok(Some(Self {
            store: Arc::clone(store),
            name,
            journal,
            before,
            is_resumed,
            found: Mutex::default(),
            unwritten: Mutex::default(),
            unsynced: AtomicU64::new(0),
        }))
    }

    /// Whether work is continued that another process began.
    pub const fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Begins or continues the tree that will be the store itself.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn stage_root(&self) -> Result<Option<Box<dyn Staged>>> {
        self.stage(ROOT_STEP, &StorePrefix::root())
    }

    /// What was at a path of the destination before the work began, which `ask` finds out the first time.
    pub(crate) fn found(
        &self,
        what: &str,
        ask: impl FnOnce() -> Result<Option<Found>>,
    ) -> Result<Option<Found>> {
        if self.is_resumed {
            return Ok(self.before.found.get(what).copied());
        }
        let found = ask()?;
        if let Some(kind) = found {
            let kind = match kind {
                Found::Array => "array",
                Found::Group => "group",
            };
            let line = format!("found {kind} {what}\n");
            self.found
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }
        Ok(found)
    }

    /// Notes the plan, before anything of it is done.
    ///
    /// # Errors
    /// [`Error::Copy`] when another plan was noted before: the source is not what it was.
    pub(crate) fn begin(&self, plan: &str) -> Result<()> {
        let plan = hash(plan.as_bytes());
        match &self.before.plan {
            Some(before) if *before == plan => Ok(self.store.sweep(&StorePrefix::root(), true)?),
            Some(_) => {
                let reason =
                    "what is to be copied has changed since the copy was interrupted, so it must begin anew";
                Err(Error::Copy(reason.to_owned()))
            }
            None => {
                let mut lines =
                    std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner));
                lines.push(format!("plan {plan}\n"));
                self.note(&lines.concat())
            }
        }
    }

    /// The part of the ledger that is about one step.
    pub(crate) const fn step(&self, number: u64) -> StepLedger<'_> {
        StepLedger {
            ledger: self,
            number,
            counts: false,
        }
    }

    /// Removes the ledger of work that is complete, or not to be continued.
    ///
    /// # Errors
    /// When it is still there.
    pub fn finish(self) -> Result<()> {
        Ok(self.journal.erase()?)
    }

    /// Writes a line, behind those that are not written yet.
    fn note(&self, line: &str) -> Result<()> {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut lines, _) = std::mem::take(&mut *unwritten);
        lines.push_str(line);
        Ok(self.journal.append(lines.as_bytes())?)
    }

    /// Takes a line about a unit of so many bytes, which may be written later.
    fn note_unit(&self, line: fmt::Arguments<'_>, size: u64) -> Result<()> {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = unwritten.0.write_fmt(line);
        unwritten.1 = unwritten.1.saturating_add(size);
        if unwritten.1 < NOTED_SIZE && unwritten.0.len() < 1 << 12 {
            return Ok(());
        }
        let (lines, _) = std::mem::take(&mut *unwritten);
        Ok(self.journal.append(lines.as_bytes())?)
    }

    fn stage(&self, step: u64, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        let Some(lasting) = self.store.lasting() else {
            return Ok(None);
        };
        let token = self.before.steps.get(&step).and_then(|step| step.token);
        let name = format!("{}-{step:x}", self.name);
        let staged = lasting.stage_lasting(target, &name, token)?;
        match staged.token() {
            found if found == token => staged.store().sweep(&StorePrefix::root(), true)?,
            Some(found) => self.note(&format!("tree {step} {found:016x}\n"))?,
            None => {}
        }
        Ok(Some(staged))
    }
}

/// The number of the step that makes the store itself.
const ROOT_STEP: u64 = u64::MAX;

/// The part of a ledger that is about one step.
#[derive(Debug, Clone, Copy)]
pub struct StepLedger<'a> {
    ledger: &'a Ledger,
    number: u64,
    /// Whether the units that were done before count.
    counts: bool,
}

impl StepLedger<'_> {
    fn before(&self) -> Option<&StepBefore> {
        self.ledger.before.steps.get(&self.number)
    }

    /// Whether the step, with this hash, was complete and visible.
    pub(crate) fn was_done(&self, what: &str) -> Option<Self> {
        let is_done = self
            .before()
            .is_some_and(|step| step.is_done && step.hash == what);
        is_done.then_some(Self {
            counts: true,
            ..*self
        })
    }

    /// Notes that the step is complete and visible.
    pub(crate) fn done(&self) -> Result<()> {
        self.ledger.note(&format!("done {}\n", self.number))
    }

    /// Begins the new tree of the step, or continues it; says whether it does.
    pub(crate) fn stage(&self, target: &StorePrefix) -> Result<Option<(Box<dyn Staged>, bool)>> {
        let token = self.before().and_then(|step| step.token);
        let staged = self.ledger.stage(self.number, target)?;
        Ok(staged.map(|staged| {
            let continues = token.is_some() && staged.token() == token;
            (staged, continues)
        }))
    }

    /// Whether units that were done of a step with this hash count.
    pub(crate) fn continues(&self, what: &str) -> Option<Self> {
        let is_same = self.before().is_some_and(|step| step.hash == what);
        is_same.then_some(Self {
            counts: true,
            ..*self
        })
    }

    /// Notes that the units of a step with this hash are begun.
    pub(crate) fn begin(&self, what: &str) -> Result<Self> {
        self.ledger.note(&format!("begin {} {what}\n", self.number))?;
        Ok(*self)
    }

    /// Whether a unit is in the store, from a source of whatever generation.
    pub(crate) fn has_unit(&self, unit: u64) -> bool {
        let is_noted = |step: &StepBefore| step.units.contains_key(&unit);
        self.counts && self.before().is_some_and(is_noted)
    }

    /// Whether a unit is in the store, from a source of that generation.
    pub(crate) fn has(&self, unit: u64, generation: u64) -> bool {
        let is_noted = |step: &StepBefore| step.units.get(&unit) == Some(&generation);
        self.counts && self.before().is_some_and(is_noted)
    }

    /// Writes down what was noted of units so far.
    pub(crate) fn write_down(&self) -> Result<()> {
        self.ledger.note("")
    }

    /// Notes that a unit of so many bytes is in the store.
    ///
    /// Now and then `flush` makes what is done safe from a loss of power.
    pub(crate) fn add(
        &self,
        unit: u64,
        generation: u64,
        size: u64,
        flush: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let ledger = self.ledger;
        ledger.note_unit(
            format_args!("unit {} {unit} {generation:016x}\n", self.number),
            size,
        )?;
        let unsynced = ledger
            .unsynced
            .fetch_add(size, Ordering::Relaxed)
            .saturating_add(size);
        if unsynced >= SYNC_SIZE {
            ledger.unsynced.store(0, Ordering::Relaxed);
            self.write_down()?;
            // What is noted from here on may be newer than what is flushed.
            let noted = ledger.journal.size()?;
            flush()?;
            ledger.note(&format!("synced {noted}\n"))?;
            ledger.journal.sync()?;
        }
        Ok(())
    }
}

impl Before {
    /// Reads what counts at a time since the system was started.
    fn parse(text: &str, boot: &str) -> Self {
        let (mut boots, mut safe, mut at) = (HashSet::new(), 0, 0);
        let mut lines = Vec::new();
        for line in text.split_inclusive('\n') {
            at += line.len();
            // A line that was cut says nothing.
            let Some(line) = line.strip_suffix('\n') else {
                break;
            };
            match line.split_once(' ') {
                Some(("zarr-ledger", rest)) => {
                    boots.extend(rest.strip_prefix("1 ").map(str::to_owned));
                }
                Some(("synced", noted)) => safe = noted.parse().unwrap_or(safe),
                Some((word, rest)) => lines.push((at, word, rest)),
                None => {}
            }
        }
        let is_same_boot = boots.iter().all(|found| found == boot) && !boots.is_empty();
        let mut before = Self::default();
        for (at, word, rest) in lines {
            if is_same_boot || at <= safe {
                before.take(word, rest);
            }
        }
        before
    }

    fn take(&mut self, word: &str, rest: &str) -> Option<()> {
        let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "found" => {
                let found = match first {
                    "array" => Found::Array,
                    _ => Found::Group,
                };
                self.found.insert(second.to_owned(), found);
            }
            "plan" => {
                self.plan = Some(first.to_owned());
                self.steps.retain(|step, _| *step == ROOT_STEP);
            }
            _ => {
                let step = self.steps.entry(first.parse().ok()?).or_default();
                match word {
                    "begin" if step.hash != second => {
                        let (hash, token) = (second.to_owned(), step.token);
                        *step = StepBefore {
                            hash,
                            token,
                            ..StepBefore::default()
                        };
                    }
                    "tree" => {
                        let token = u64::from_str_radix(second, 16).ok();
                        *step = StepBefore {
                            token,
                            ..StepBefore::default()
                        };
                    }
                    "unit" => {
                        let (unit, generation) = second.split_once(' ')?;
                        let generation = u64::from_str_radix(generation, 16).ok()?;
                        step.units.insert(unit.parse().ok()?, generation);
                    }
                    "done" => step.is_done = true,
                    _ => {}
                }
            }
        }
        Some(())
    }
}

/// The first 16 digits of SHA-256, which tell pieces of work apart.
pub(crate) fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One number that stands for all that tells a source from what it was before (FNV-1a); see
/// [`SourceArray::generation`](crate::SourceArray::generation).
pub fn generation_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What tells the time since the system was started from others; empty where it does not say.
fn boot() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "zarr-ledger 1 a\nfound array /x y\nplan p\nbegin 0 h\nunit 0 3 0f\nsynced 62\nunit 0 4 10\n";

    #[test]
    fn what_was_noted_counts_until_the_system_is_started_again() {
        let same = Before::parse(TEXT, "a");
        assert_eq!(same.plan.as_deref(), Some("p"));
        assert_eq!(same.found.get("/x y"), Some(&Found::Array));
        assert_eq!(same.steps[&0].units, HashMap::from([(3, 15), (4, 16)]));
        let other = Before::parse(TEXT, "b");
        assert_eq!(other.steps[&0].units, HashMap::from([(3, 15)]));
    }

    #[test]
    fn a_line_that_was_cut_says_nothing() {
        let cut = Before::parse(&TEXT[..TEXT.len() - 1], "a");
        assert_eq!(cut.steps[&0].units, HashMap::from([(3, 15)]));
        for end in 0..TEXT.len() {
            Before::parse(&TEXT[..end], "a");
        }
    }

    #[test]
    fn a_step_that_was_begun_otherwise_has_no_units() {
        let text = format!("{TEXT}begin 0 i\nunit 0 5 11\n");
        assert_eq!(
            Before::parse(&text, "a").steps[&0].units,
            HashMap::from([(5, 17)])
        );
        let same = format!("{TEXT}begin 0 h\nunit 0 5 11\n");
        assert_eq!(Before::parse(&same, "a").steps[&0].units.len(), 3);
    }
}
