//! Where the `zip` crate writes an archive: a file that can be read meanwhile.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Many small members go into the file in one piece.
const BUFFER_SIZE: usize = 256 * 1024;

/// A buffered writer at a position of its own; its clones are the same writer.
#[derive(Debug, Clone)]
pub(super) struct Output(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    file: Arc<File>,
    /// Where the buffer belongs.
    start: u64,
    buffer: Vec<u8>,
    /// The end of all that was written.
    end: u64,
    mode: Mode,
}

/// What happens to what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Written,
    /// Written up to the first error, then dropped.
    Final,
    Dropped,
}

impl Output {
    pub(super) fn new(file: Arc<File>) -> Self {
        Self(Arc::new(Mutex::new(State {
            file,
            start: 0,
            buffer: Vec::with_capacity(BUFFER_SIZE),
            end: 0,
            mode: Mode::Written,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the next byte goes.
    pub(super) fn position(&self) -> u64 {
        self.state().position()
    }

    /// Forgets all that was written from `position` on.
    pub(super) fn rewind(&self, position: u64) {
        let mut state = self.state();
        state.end = position;
        if let Some(kept) = position.checked_sub(state.start) {
            // What was written before is not in the file yet.
            state.buffer.truncate(kept as usize);
            return;
        }
        state.buffer.clear();
        state.start = position;
        // What stays behind the end is overwritten or cut later; it only takes room.
        let _ = state.file.set_len(position);
    }

    /// Sees to it that what was written is in the file.
    pub(super) fn settle(&self) -> io::Result<()> {
        self.state().write_buffer()
    }

    /// From now on an error is reported once, and what is written after it is dropped.
    ///
    /// A `ZipWriter` that failed to finish tries again when it is dropped and would complain on stderr.
    pub(super) fn make_final(&self) {
        self.state().mode = Mode::Final;
    }

    /// From now on nothing is written any more.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.mode = Mode::Dropped;
        state.buffer.clear();
    }
}

impl State {
    fn position(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.mode != Mode::Dropped
            && let Err(error) = self.file.write_all_at(bytes, self.start)
        {
            if self.mode == Mode::Final {
                self.mode = Mode::Dropped;
            }
            return Err(error);
        }
        self.start += bytes.len() as u64;
        self.end = self.end.max(self.start);
        Ok(())
    }

    /// After an error the buffer is what it was: members that were set before are in it.
    fn write_buffer(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.write(&buffer);
        if result.is_ok() {
            buffer.clear();
        }
        self.buffer = buffer;
        result
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        if state.buffer.len() + bytes.len() > BUFFER_SIZE {
            state.write_buffer()?;
        }
        if bytes.len() >= BUFFER_SIZE {
            state.write(bytes)?;
        } else {
            state.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.state().write_buffer()
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut state = self.state();
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => state.position().checked_add_signed(offset),
            SeekFrom::End(offset) => state.end.max(state.position()).checked_add_signed(offset),
        };
        let position = position.ok_or(io::ErrorKind::InvalidInput)?;
        if position != state.position() {
            state.write_buffer()?;
            state.start = position;
        }
        Ok(position)
    }
}
