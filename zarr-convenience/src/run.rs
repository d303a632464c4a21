//! Doing what a plan says.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Map, Value};

use crate::{Action, CopyOptions, How, Plan, Progress, Report, Result, Sink, Source, SourceNode, Step};

/// Carries out a plan, with a line of the log for each step and one for the end.
///
/// With `dry_run` nothing is written.
///
/// # Errors
/// Those of the plan's failure, after the steps before it, and what may go wrong with a node.
pub fn run(plan: Plan, source: &dyn Source, dest: &dyn Sink, mut options: CopyOptions<'_>) -> Result<Report> {
    let mut silent = |_: &str| ();
    let log: &mut dyn FnMut(&str) = options.log.take().unwrap_or(&mut silent);
    let job = Job {
        source,
        dest,
        total: plan.size(),
        done: AtomicU64::new(0),
        options: Settings::of(&options),
    };
    let mut report = Report {
        lost: plan.lost,
        ..Report::default()
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
            job.group(&SourceNode::Group(group), dest.root(), false, &mut report)?;
        }
        dest.flush()?;
    }
    log(&report.copied.summary(options.dry_run));
    Ok(report)
}

/// The options that threads may share.
#[derive(Clone, Copy)]
struct Settings<'a> {
    creation: &'a crate::Creation,
    workers: zarr_core::Workers,
    without_attrs: bool,
    progress: Option<&'a (dyn Fn(Progress<'_>) + Sync)>,
}

impl<'a> Settings<'a> {
    fn of(options: &'a CopyOptions<'_>) -> Self {
        Self {
            creation: &options.creation,
            workers: options.workers,
            without_attrs: options.without_attrs,
            progress: options.progress,
        }
    }
}

/// A copy on its way.
struct Job<'a> {
    source: &'a dyn Source,
    dest: &'a dyn Sink,
    total: u64,
    done: AtomicU64,
    options: Settings<'a>,
}

impl Job<'_> {
    fn step(&self, step: &Step, report: &mut Report) -> Result<()> {
        let replaces = step.action == Action::Replace;
        let Some(array) = &step.array else {
            return self.group(
                &SourceNode::Group(step.source.clone()),
                &step.target,
                replaces,
                report,
            );
        };
        let attributes = self.attributes(&SourceNode::Array(Arc::clone(array)), report)?;
        let path = array.path();
        let tell = |size| self.tell(path.as_str(), size);
        let how = self.how(replaces, &tell);
        report.lost.extend(
            self.dest
                .put_array(&step.target, array.as_ref(), attributes, &how)?,
        );
        Ok(())
    }

    fn group(
        &self,
        node: &SourceNode,
        target: &zarr_core::NodePath,
        replaces: bool,
        report: &mut Report,
    ) -> Result<()> {
        let attributes = self.attributes(node, report)?;
        report.lost.extend(
            self.dest
                .put_group(target, attributes, &self.how(replaces, &|_| ()))?,
        );
        Ok(())
    }

    fn attributes(&self, node: &SourceNode, report: &mut Report) -> Result<Map<String, Value>> {
        if self.options.without_attrs {
            return Ok(Map::new());
        }
        let attributes = self.source.attributes(node)?;
        report.lost.extend(attributes.lost);
        Ok(attributes.members)
    }

    fn how<'b>(&'b self, replaces: bool, progress: &'b (dyn Fn(u64) + Sync)) -> How<'b> {
        How {
            creation: self.options.creation,
            workers: self.options.workers,
            replaces,
            progress,
        }
    }

    /// Says that so many bytes more are done.
    fn tell(&self, path: &str, size: u64) {
        let done = self
            .done
            .fetch_add(size, Ordering::Relaxed)
            .saturating_add(size)
            .min(self.total);
        if let Some(progress) = self.options.progress {
            progress(Progress {
                path,
                done,
                total: self.total,
            });
        }
    }
}
