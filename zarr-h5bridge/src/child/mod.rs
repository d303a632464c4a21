//! Reading files of unknown origin in a process of their own.
//!
//! The HDF5 library can crash on files made to harm, loop for ever, or ask for all memory there is. In a process with
//! limits that is the end of the process alone, and an error here that names the file and the cause.

mod limits;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use zarr_convenience::{Cancel, Error, Result};

/// What a process may take that reads a file of unknown origin.
///
/// A process that needs more is ended, or gets an error from the system and reports it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildLimits {
    /// The bytes of memory that it may hold, stacks and what its allocators keep included.
    pub memory: u64,
    /// How long it may live, by the clock; the process that waits for it ends it then.
    pub time: Duration,
    /// How long it may compute, all threads together; the system ends it then, whoever waits.
    pub cpu_time: Duration,
}

impl ChildLimits {
    /// Limits of memory and time, where each processor may compute all the time.
    pub fn new(memory: u64, time: Duration) -> Self {
        let n_processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            memory,
            time,
            cpu_time: time.saturating_mul(u32::try_from(n_processors).unwrap_or(u32::MAX)),
        }
    }

    /// Limits for files of so many bytes in all: 4 GiB of memory, a minute, and a second more for each MiB.
    pub fn for_size(size: u64) -> Self {
        Self::new(4 << 30, Duration::from_secs(60 + (size >> 20)))
    }
}

/// The longest line of a child that is passed on whole.
const LINE_SIZE_MAX: u64 = 1 << 16;
/// How often a child is looked after that says nothing.
const PAUSE: Duration = Duration::from_millis(10);
/// How long what a child said last is waited for, where its end does not end the pipe.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What Rust's library says before it ends a process that gets no memory.
const NO_MEMORY: &str = "memory allocation of ";
/// The status of a program of Rust that panicked.
const PANICKED: i32 = 101;

/// Runs a program that reads `what` (in the words of errors) in a process with limits, and waits for its end.
///
/// `program` says what is run, and where its input and output go. What it writes to standard error is given to `heard`
/// line by line, so that the caller decides what a terminal gets to see of it. The process has no core dumps, gets no
/// signals that are meant for the caller's group, and on Linux does not outlive the thread that called.
/// When `cancel` is told to stop, the program is sent `SIGTERM`, once, and waited for.
///
/// A program that is ended has lost what it had not published: what it was writing is as after any kill.
///
/// # Errors
/// [`Error::Source`] when a signal ended the program or it panicked, as on a file made to harm; [`Error::Refused`] when
/// it needed more than a limit, and on systems that have no such limits; [`Error::File`] when it cannot be started.
/// That it ended with another status than 0 is no error here.
///
/// # Examples
/// ```
/// # #[cfg(target_os = "linux")] {
/// use std::{process::Command, time::Duration};
/// use zarr_convenience::Cancel;
/// use zarr_h5bridge::{ChildLimits, run_child};
///
/// let limits = ChildLimits::new(1 << 30, Duration::from_secs(1));
/// let run = |line: &str| {
///     let mut program = Command::new("sh");
///     program.args(["-c", line]);
///     run_child("x.h5", program, &limits, &Cancel::default(), &mut |line| eprintln!("{line}"))
/// };
/// // In earnest this would be: zarr copy-all x.h5 x.zarr
/// assert!(run("exit 0").unwrap().success());
/// let error = run("kill -SEGV $$").unwrap_err().to_string();
/// assert!(error.starts_with("x.h5: ") && error.contains("SIGSEGV"), "{error}");
/// assert!(run("sleep 100").unwrap_err().to_string().contains("longer than 1 s"));
/// # }
/// ```
pub fn run_child(
    what: &str,
    mut program: Command,
    limits: &ChildLimits,
    cancel: &Cancel,
    heard: &mut dyn FnMut(&str),
) -> Result<ExitStatus> {
    let failed = |action, source| Error::File {
        what: format!("the process that reads {what}"),
        action,
        source,
    };
    program.stderr(Stdio::piped());
    limits::put_on(&mut program, limits).map_err(|source| failed("limiting", source))?;
    let start = Instant::now();
    let mut child = program.spawn().map_err(|source| failed("starting", source))?;
    let (sender, lines) = channel();
    if let Some(output) = child.stderr.take() {
        // It ends when the child has: nobody else has that end of the pipe.
        thread::spawn(move || pass_on(output, &sender));
    }
    let mut watch = Watch {
        limits,
        start,
        is_told: false,
        is_late: false,
    };
    let mut ran_out_of_memory = false;
    let mut hear = |line: &str| {
        if line.starts_with(NO_MEMORY) {
            ran_out_of_memory = true;
        } else {
            heard(line);
        }
    };
    let status = loop {
        match lines.recv_timeout(PAUSE) {
            Ok(line) => hear(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(PAUSE),
        }
        watch.look_after(&mut child, cancel);
        if let Some(status) = child.try_wait().map_err(|source| failed("waiting for", source))? {
            break status;
        }
    };
    // What it said last may still be on its way; a process of its own making that has the pipe is not waited for.
    let end = Instant::now() + LAST_WORDS;
    while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
        hear(&line);
    }
    let over = |reason: String| {
        Err(Error::Refused {
            what: what.to_owned(),
            reason,
        })
    };
    let end = limits::End::of(status);
    if watch.is_late {
        return over(format!("reading it took longer than {} s", limits.time.as_secs()));
    }
    if end.is_cpu_time {
        let seconds = limits.cpu_time.as_secs();
        return over(format!("reading it took more than {seconds} s of computing"));
    }
    if ran_out_of_memory && !status.success() {
        let size = limits.memory;
        return over(format!("reading it took more than {size} bytes of memory"));
    }
    let reason = match (end.signal, status.code()) {
        (Some(signal), _) => format!("{signal} ended the process that read it"),
        (None, Some(PANICKED)) => "the process that read it panicked".to_owned(),
        _ => return Ok(status),
    };
    Err(Error::Source {
        what: what.to_owned(),
        reason,
    })
}

/// What is known of a child while it is waited for.
struct Watch<'a> {
    limits: &'a ChildLimits,
    start: Instant,
    /// Whether it was told to stop.
    is_told: bool,
    /// Whether it was ended because its time was over.
    is_late: bool,
}

impl Watch<'_> {
    fn look_after(&mut self, child: &mut Child, cancel: &Cancel) {
        if !self.is_told && cancel.check().is_err() {
            limits::ask_to_stop(child);
            self.is_told = true;
        }
        if !self.is_late && self.start.elapsed() > self.limits.time {
            // One that has ended by itself is found by the wait that follows.
            self.is_late = matches!(child.try_wait(), Ok(None)) && limits::end(child);
        }
    }
}

/// Sends what is written to a pipe, line by line, until it is closed or nobody listens.
fn pass_on(output: impl Read, sender: &Sender<String>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while let Ok(1..) = output.by_ref().take(LINE_SIZE_MAX).read_until(b'\n', &mut line) {
        let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
        if sender.send(text).is_err() {
            return;
        }
        line.clear();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
