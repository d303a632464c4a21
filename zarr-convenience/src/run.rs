//! Doing what a plan says.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use zarr_core::Workers;

use crate::{
    Action, Attributes, Budget, Cancel, CopyOptions, Creation, How, Ledger, Plan, Progress, Report, Result,
    Sink, Step, StepLedger,
};

/// Carries out a plan, with a line of the log for each step and one for the end.
///
/// With `dry_run` nothing is written.
///
/// # Errors
/// Those of the plan's failure, after the steps before it, and what may go wrong with a node.
pub fn run(plan: Plan, dest: &dyn Sink, mut options: CopyOptions<'_>) -> Result<Report> {
    let mut silent = |_: &str| ();
    let log: &mut dyn FnMut(&str) = options.log.take().unwrap_or(&mut silent);
    let ledger = options.ledger.filter(|_| !options.dry_run);
    if let Some(ledger) = ledger {
        ledger.begin(&plan.identity())?;
    }
    let job = Job {
        dest,
        total: plan.size(),
        done: AtomicU64::new(0),
        budget: Budget::new(options.memory),
        creation: &options.creation,
        workers: options.workers,
        cancel: &options.cancel,
        ledger,
        progress: options.progress,
    };
    if !options.dry_run {
        dest.begin(&plan)?;
    }
    let n_planned = plan.lost.len();
    let mut report = Report {
        lost: plan.lost,
        ..Report::default()
    };
    for (number, step) in plan.steps.into_iter().enumerate() {
        options.cancel.check()?;
        log(&step.line());
        if step.action == Action::Skip {
            report.copied.n_skipped += 1;
            continue;
        }
        if options.dry_run {
            report.lost.extend(step.attributes.lost);
            report.kept.extend(step.attributes.kept);
        } else {
            let size = step.size();
            job.step(number as u64, step, &mut report)?;
            report.copied.n_bytes_copied += size;
        }
        report.copied.n_copied += 1;
    }
    if let Some(failure) = plan.failure {
        return Err(failure);
    }
    if let Some(Attributes {
        members, lost, kept, ..
    }) = plan.root_attributes
    {
        report.lost.extend(lost);
        report.kept.extend(kept);
        if !options.dry_run {
            let how = job.how(false, None, &|_| ());
            report.lost.extend(dest.put_group(dest.root(), members, &how)?);
        }
    }
    if !options.dry_run {
        report.lost.extend(dest.finish()?);
        dest.flush()?;
    }
    // Links that are no nodes are in the plan's list, and in that of the group that keeps them; what a node loses
    // besides what is kept of it is told by both.
    let kept: HashSet<_> = report.kept.iter().map(|kept| kept.what.as_str()).collect();
    let mut number = 0;
    report.lost.retain(|lost| {
        number += 1;
        number > n_planned || !kept.contains(lost.what.as_str())
    });
    report.memory_peak = job.budget.peak();
    log(&report.copied.summary(options.dry_run));
    Ok(report)
}

/// A copy on its way.
struct Job<'a> {
    dest: &'a dyn Sink,
    total: u64,
    done: AtomicU64,
    budget: Budget,
    creation: &'a Creation,
    workers: Workers,
    cancel: &'a Cancel,
    ledger: Option<&'a Ledger>,
    progress: Option<&'a (dyn Fn(Progress<'_>) + Sync)>,
}

impl Job<'_> {
    /// Puts a node into its place.
    fn step(&self, number: u64, step: Step, report: &mut Report) -> Result<()> {
        let ledger = self.ledger.map(|ledger| ledger.step(number));
        let replaces = step.action == Action::Replace;
        let size = step.size();
        let Attributes {
            members, lost, kept, ..
        } = step.attributes;
        report.lost.extend(lost);
        report.kept.extend(kept);
        let Some(array) = &step.array else {
            // What was erased once is not erased again with what took its place.
            let is_made = ledger.is_some_and(|ledger| ledger.was_done("").is_some());
            let how = self.how(replaces && !is_made, None, &|_| ());
            report
                .lost
                .extend(self.dest.put_group(&step.target, members, &how)?);
            return ledger.map_or(Ok(()), |ledger| ledger.done());
        };
        let path = array.path().as_str();
        let start = self.done.load(Ordering::Relaxed);
        let tell = |done| self.tell(path, done, start + size);
        let how = self.how(replaces, ledger, &tell);
        let lost = self.dest.put_array(&step.target, array.as_ref(), members, &how)?;
        report.lost.extend(lost);
        ledger.map_or(Ok(()), |ledger| ledger.done())?;
        // Chunks that are missing in the source were no work.
        self.tell(path, u64::MAX, start + size);
        Ok(())
    }

    fn how<'b>(
        &'b self,
        replaces: bool,
        ledger: Option<StepLedger<'b>>,
        progress: &'b (dyn Fn(u64) + Sync),
    ) -> How<'b> {
        How {
            creation: self.creation,
            workers: self.workers,
            replaces,
            budget: &self.budget,
            cancel: self.cancel,
            ledger,
            progress,
        }
    }

    /// Says that so many bytes more are done, of those up to the end of an array.
    fn tell(&self, path: &str, size: u64, end: u64) {
        let add = |done: u64| Some(done.saturating_add(size).min(end));
        let before = self.done.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        let before = before.unwrap_or(end);
        let done = before.saturating_add(size).min(end);
        if let Some(progress) = self.progress.filter(|_| done > before) {
            progress(Progress {
                path,
                done,
                total: self.total,
            });
        }
    }
}
