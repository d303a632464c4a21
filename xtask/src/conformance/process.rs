//! Runs a program for a limited time.

use std::io::{BufRead, BufReader, Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long a program is given to do nothing more than end.
const PAUSE: Duration = Duration::from_millis(5);

/// What a program did.
pub(super) struct Ended {
    /// The lines it printed; one cut short by its end is among them.
    pub(super) lines: Vec<String>,
    /// What it said on its other output.
    pub(super) complaint: String,
    /// How it ended; `None` if it was ended because its time was over.
    pub(super) status: Option<ExitStatus>,
}

/// Runs the program until it ends, at most as long as the limit says.
pub(super) fn run(command: &mut Command, limit: Duration) -> Result<Ended> {
    let deadline = Instant::now() + limit;
    let mut complaints = tempfile::tempfile()?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(complaints.try_clone()?)
        .spawn()?;
    let output = child.stdout.take().context("a pipe was asked for")?;
    let (sender, receiver) = channel();
    // The thread ends with the output; it is not waited for, as others may hold the output open.
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut lines = Vec::new();
    let left = || deadline.saturating_duration_since(Instant::now());
    while let Ok(line) = receiver.recv_timeout(left()) {
        lines.push(line);
    }
    let status = wait(&mut child, deadline)?;
    let mut complaint = Vec::new();
    complaints.rewind()?;
    complaints.read_to_end(&mut complaint)?;
    Ok(Ended {
        lines,
        complaint: String::from_utf8_lossy(&complaint).into_owned(),
        status,
    })
}

/// Waits until the deadline and then ends the program.
fn wait(child: &mut Child, deadline: Instant) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Ended {
        run(Command::new("sh").args(["-c", script]), limit).expect("a shell starts")
    }

    #[test]
    fn lines_and_complaints_are_kept() {
        let ended = shell("echo a; echo b; echo no >&2; exit 3", Duration::from_secs(60));
        assert_eq!(ended.lines, ["a", "b"]);
        assert_eq!(ended.complaint, "no\n");
        assert_eq!(ended.status.unwrap().code(), Some(3));
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        for script in ["echo a; exec sleep 60", "echo a; exec sleep 60 >&-"] {
            let started = Instant::now();
            let ended = shell(script, Duration::from_millis(200));
            assert_eq!(ended.lines, ["a"]);
            assert!(ended.status.is_none());
            assert!(started.elapsed() < Duration::from_secs(30));
        }
    }
}
