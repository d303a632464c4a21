//! One member of an archive: finding, reading, inflating and checking its bytes.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    os::unix::fs::FileExt,
    sync::{Arc, OnceLock},
};

use flate2::read::DeflateDecoder;

use super::{
    archive_file::ArchiveFile,
    damage::Damage,
    directory::{u16_at, u32_at},
    records::{DEFLATED, HAS_DESCRIPTOR, LOCAL_SIGNATURE, LOCAL_SIZE, STORED},
};
use crate::{
    ByteRange, ReadBuffer, Result,
    stores::{ranges::push_filled_ranges, temporary::mixed},
};

const IS_ENCRYPTED: u16 = 1;
/// A deflated byte yields at most this many.
const RATIO_MAX: u64 = 1032;

/// Where a member is and what it should be.
#[derive(Debug)]
pub(super) struct Member {
    file: Arc<ArchiveFile>,
    /// From the local header to the end of all members.
    within: Range<u64>,
    /// Where the data begins, once the local header was read.
    data_at: OnceLock<u64>,
    pub(super) stored_size: u64,
    pub(super) size: u64,
    crc: u32,
    method: u16,
    flags: u16,
}

impl Member {
    /// What tells the value from others of its key.
    pub(super) fn generation(&self) -> io::Result<u64> {
        let archive = self.file.generation()?;
        Ok(mixed([
            archive,
            self.within.start,
            self.size,
            u64::from(self.crc),
        ]))
    }

    /// A member found in a central directory: its stored size, size and checksum, its method and flags.
    pub(super) fn listed(
        file: Arc<ArchiveFile>,
        within: Range<u64>,
        (stored_size, size, crc): (u64, u64, u32),
        (method, flags): (u16, u16),
    ) -> Self {
        Self {
            file,
            within,
            data_at: OnceLock::new(),
            stored_size,
            size,
            crc,
            method,
            flags,
        }
    }

    /// A member that was just written, deflated or not, with its data in a part of the file; its size and checksum
    /// are those of the value.
    pub(super) fn written(
        file: Arc<ArchiveFile>,
        data: Range<u64>,
        deflated: bool,
        (size, crc): (u64, u32),
    ) -> Self {
        let (data_at, stored_size) = (data.start, data.end - data.start);
        let method = if deflated { DEFLATED } else { STORED };
        let member = Self::listed(file, data, (stored_size, size, crc), (method, 0));
        member.data_at.get_or_init(|| data_at);
        member
    }

    /// The same member, whose data was copied as it is to another place.
    pub(super) fn moved(&self, file: Arc<ArchiveFile>, data_at: u64) -> Self {
        let within = data_at..data_at + self.stored_size;
        let sizes = (self.stored_size, self.size, self.crc);
        let member = Self::listed(file, within, sizes, (self.method, self.flags));
        member.data_at.get_or_init(|| data_at);
        member
    }

    /// Whether this is the member whose data begins at `data_at`; asked after [`Member::locate`].
    pub(super) fn is_at(&self, data_at: u64, stored_size: u64) -> bool {
        self.data_at.get() == Some(&data_at) && self.stored_size == stored_size
    }

    /// Finds the data, after checking that the local header says what the directory says.
    pub(super) fn locate(&self, name: &str) -> std::result::Result<u64, Damage> {
        if let Some(at) = self.data_at.get() {
            return Ok(*at);
        }
        let mut header = vec![0; LOCAL_SIZE + name.len()];
        self.file.read_exact_at(&mut header, self.within.start)?;
        let is_same = |field: usize, value: u64| {
            let stored = u64::from(u32_at(&header, field));
            // A streamed member has these after its data, a large one in an extra field.
            stored == value || stored == 0xffff_ffff || (self.flags & HAS_DESCRIPTOR != 0 && stored == 0)
        };
        let agrees = u32_at(&header, 0) == LOCAL_SIGNATURE
            && (u16_at(&header, 6) ^ self.flags) & (IS_ENCRYPTED | HAS_DESCRIPTOR) == 0
            && u16_at(&header, 8) == self.method
            && is_same(14, self.crc.into())
            && is_same(18, self.stored_size)
            && is_same(22, self.size)
            && usize::from(u16_at(&header, 26)) == name.len()
            && &header[LOCAL_SIZE..] == name.as_bytes();
        if !agrees {
            return Err(Damage::corrupt(
                "its header and the directory contradict each other",
            ));
        }
        // Cannot overflow: the span of the member was checked, and an extra field is short.
        let at = self.within.start + header.len() as u64 + u64::from(u16_at(&header, 28));
        if at + self.stored_size > self.within.end {
            return Err(Damage::corrupt("the member reaches into the directory"));
        }
        Ok(*self.data_at.get_or_init(|| at))
    }

    /// Reads ranges of the value; `verifies` compares the checksum where a range is the whole value.
    pub(super) fn read(
        &self,
        name: &str,
        ranges: &[ByteRange],
        buffer: &mut ReadBuffer,
        verifies: bool,
        what: impl Fn() -> String,
    ) -> Result<()> {
        let data_at = self
            .check_kind()
            .and_then(|()| self.locate(name))
            .map_err(|damage| damage.at(what()))?;
        let mut inflater = None;
        push_filled_ranges(self.size, ranges, buffer, &what, |range, memory| {
            let result = if self.method == STORED {
                self.copy(data_at, &range, memory)
            } else {
                self.inflate(data_at, &mut inflater, &range, memory)
            };
            if verifies
                && result.is_ok()
                && memory.len() as u64 == self.size
                && self.crc != crc32fast::hash(memory)
            {
                return Err(Damage::corrupt("the checksum of the member is wrong").at(what()));
            }
            result.map_err(|damage| damage.at(what()))
        })
    }

    fn check_kind(&self) -> std::result::Result<(), Damage> {
        if self.flags & IS_ENCRYPTED != 0 {
            return Err(Damage::Unsupported("reading an encrypted member"));
        }
        let is_possible = match self.method {
            STORED => self.stored_size == self.size,
            DEFLATED => self.size <= self.stored_size.saturating_mul(RATIO_MAX),
            _ => return Err(Damage::Unsupported("reading this method of compression")),
        };
        if is_possible {
            Ok(())
        } else {
            Err(Damage::corrupt("the sizes of the member contradict each other"))
        }
    }

    fn copy(&self, data_at: u64, range: &Range<u64>, memory: &mut [u8]) -> std::result::Result<(), Damage> {
        Ok(self.file.read_exact_at(memory, data_at + range.start)?)
    }

    /// Inflates up to the end of the range, from the beginning or from where the last range ended.
    fn inflate(
        &self,
        data_at: u64,
        inflater: &mut Option<DeflateDecoder<Window>>,
        range: &Range<u64>,
        memory: &mut [u8],
    ) -> std::result::Result<(), Damage> {
        let restart = inflater
            .as_ref()
            .is_none_or(|decoder| decoder.total_out() > range.start);
        if restart {
            let window = Window::new(Arc::clone(&self.file), data_at, data_at + self.stored_size);
            *inflater = Some(DeflateDecoder::new(window));
        }
        let Some(decoder) = inflater else { return Ok(()) };
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                Damage::corrupt("the deflated data is damaged")
            }
            _ => Damage::Io(error),
        };
        let ahead = range.start - decoder.total_out();
        io::copy(&mut decoder.by_ref().take(ahead), &mut io::sink()).map_err(failed)?;
        decoder.read_exact(memory).map_err(failed)?;
        if range.end == self.size {
            let is_more = decoder.read(&mut [0]).map_err(failed)? != 0;
            if is_more || decoder.total_in() != self.stored_size {
                return Err(Damage::corrupt("the deflated data is longer than the member"));
            }
        }
        Ok(())
    }
}

/// A part of a file as a reader, without moving the position that the file shares.
#[derive(Debug)]
pub(super) struct Window {
    file: Arc<ArchiveFile>,
    start: u64,
    position: u64,
    end: u64,
}

impl Window {
    pub(super) fn new(file: Arc<ArchiveFile>, start: u64, end: u64) -> Self {
        Self {
            file,
            start,
            position: start,
            end,
        }
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.position);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.file.read_at(&mut buffer[..wanted], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => self.start.checked_add(offset),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position
            .filter(|position| *position >= self.start)
            .ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position - self.start)
    }
}
