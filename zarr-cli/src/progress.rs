//! How far a verb has come, on standard error.

use std::{
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use zarr_convenience::{Progress, count_text};

use crate::{
    args::{Common, Confined, ProgressKind},
    output,
};

/// Shows progress while it lives.
pub(crate) enum Display {
    None,
    Bar(ProgressBar),
    /// The time of the last line.
    Json(Mutex<Option<Instant>>),
}

impl Display {
    pub(crate) fn new(common: &Common) -> Self {
        if common.confinement.confined == Some(Confined::Events) {
            return Self::Json(Mutex::new(None));
        }
        let is_bar = match common.progress {
            ProgressKind::None => false,
            ProgressKind::Json => return Self::Json(Mutex::new(None)),
            ProgressKind::Auto => std::io::stderr().is_terminal() && !common.quiet,
            ProgressKind::Bar => true,
        };
        if !is_bar {
            return Self::None;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        let template = "{bar:30} {bytes:>10} of {total_bytes}  {bytes_per_sec}  {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if !std::io::stderr().is_terminal() {
            // Asked for by name, the bar is also shown where it cannot redraw itself: once at the end.
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self::Bar(bar)
    }

    /// Whether anybody sees it.
    pub(crate) const fn is_shown(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Shows how far the work has come; may be called from several threads.
    pub(crate) fn show(&self, progress: Progress<'_>) {
        match self {
            Self::None => {}
            Self::Bar(bar) => {
                bar.set_length(progress.total);
                bar.set_position(progress.done);
                bar.set_message(crate::status::printable(progress.path));
            }
            Self::Json(last) => {
                if is_due(last, progress.done >= progress.total) {
                    let Progress { path, done, total } = progress;
                    let event = json!({"event": "progress", "path": path, "done": done, "total": total});
                    output::notice(&event.to_string());
                }
            }
        }
    }

    /// Shows how many nodes and values were compared; how many there are is not known before.
    pub(crate) fn show_compared(&self, n_nodes: u64, n_elements: u64) {
        match self {
            Self::None => {}
            Self::Bar(bar) => {
                if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                    bar.set_style(style);
                }
                let (n_nodes, n_elements) = (count_text(n_nodes), count_text(n_elements));
                bar.set_message(format!("{n_nodes} nodes and {n_elements} values compared"));
                bar.tick();
            }
            Self::Json(last) => {
                if is_due(last, false) {
                    let event = json!({"event": "progress", "n_nodes": n_nodes, "n_elements": n_elements});
                    output::notice(&event.to_string());
                }
            }
        }
    }

    /// Shows what another process tells of its progress; anything else it says is printed as a line of its own.
    #[cfg(feature = "hdf5")]
    pub(crate) fn pass_on(&self, line: &str) {
        let event = match self {
            Self::Bar(_) => serde_json::from_str::<serde_json::Value>(line).ok(),
            Self::None | Self::Json(_) => None,
        };
        let event = event.filter(|event| event["event"] == "progress");
        let number = |event: &serde_json::Value, name: &str| event[name].as_u64();
        match (event, self) {
            (Some(event), _) => {
                if let (Some(path), Some(done), Some(total)) = (
                    event["path"].as_str(),
                    number(&event, "done"),
                    number(&event, "total"),
                ) {
                    self.show(Progress { path, done, total });
                } else if let (Some(n_nodes), Some(n_elements)) =
                    (number(&event, "n_nodes"), number(&event, "n_elements"))
                {
                    self.show_compared(n_nodes, n_elements);
                }
            }
            (None, Self::Bar(bar)) => bar.suspend(|| output::notice(&crate::status::printable(line))),
            (None, _) => output::notice(&crate::status::printable(line)),
        }
    }

    /// Takes what was shown from the screen.
    pub(crate) fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }

    /// Leaves the last state on the screen.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            if bar.is_hidden() {
                let bytes = bar.position();
                let seconds = bar.elapsed().as_secs_f64();
                output::notice(&format!("{} in {seconds:.1} s", indicatif::HumanBytes(bytes)));
            }
            bar.finish_with_message("");
        }
    }
}

/// Whether it is time for another line.
fn is_due(last: &Mutex<Option<Instant>>, is_end: bool) -> bool {
    const INTERVAL: Duration = Duration::from_millis(200);
    let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let is_due = is_end || last.is_none_or(|last| last.elapsed() >= INTERVAL);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}
