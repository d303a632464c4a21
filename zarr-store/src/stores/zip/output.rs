//! The file that an archive in the making is written to, and read from meanwhile.

use std::{io, os::unix::fs::FileExt, sync::Arc};

use super::archive_file::ArchiveFile;

/// Many small members go into the file in one piece.
const BUFFER_SIZE: usize = 256 * 1024;

/// Appends to a file, buffered, at a position of its own.
#[derive(Debug)]
pub(super) struct Output {
    file: Arc<ArchiveFile>,
    /// Where the buffer belongs.
    start: u64,
    buffer: Vec<u8>,
}

impl Output {
    pub(super) fn new(file: Arc<ArchiveFile>) -> Self {
        Self {
            file,
            start: 0,
            buffer: Vec::with_capacity(BUFFER_SIZE),
        }
    }

    pub(super) fn file(&self) -> &Arc<ArchiveFile> {
        &self.file
    }

    /// Where the next byte goes.
    pub(super) fn position(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// What was appended before is then kept.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER_SIZE {
            self.settle()?;
        }
        if bytes.len() >= BUFFER_SIZE {
            self.file.write_all_at(bytes, self.start)?;
            self.start += bytes.len() as u64;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Forgets all that was appended from `position` on.
    pub(super) fn rewind(&mut self, position: u64) {
        if let Some(kept) = position.checked_sub(self.start) {
            // What was appended before is not in the file yet.
            self.buffer.truncate(kept as usize);
            return;
        }
        self.buffer.clear();
        self.start = position;
        // What stays behind the end is overwritten or cut later; it only takes room.
        let _ = self.file.set_len(position);
    }

    /// Sees to it that what was appended is in the file.
    ///
    /// # Errors
    /// The buffer is then what it was: members that were set before are in it.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.start)?;
        self.start += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
