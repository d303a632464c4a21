//! An archive in the making: a temporary file beside the one whose place it will take.

use std::{
    fs::{self, File},
    io::{self, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use flate2::{Compression, write::DeflateEncoder};

use super::{
    archive_file::ArchiveFile,
    damage::Damage,
    directory::{Directory, Entry, Members, find_directory, for_each_entry, u16_at, u32_at},
    member::Member,
    output::Output,
    records::{LOCAL_SIGNATURE, LOCAL_SIZE, Record, push_end, without_zip64},
};
use crate::{
    StoreKey,
    stores::{sync::sync_file, temporary::Temporary},
};

/// Members of other archives are copied in pieces of so many bytes.
const PIECE_SIZE: u64 = 256 << 10;

/// A value as it will be in the archive.
pub(super) struct Encoded<'a> {
    value: &'a [u8],
    crc: u32,
    deflated: Option<Vec<u8>>,
}

impl<'a> Encoded<'a> {
    /// Works out the checksum of a value, and deflates it if that is wanted.
    pub(super) fn new(value: &'a [u8], deflates: bool) -> io::Result<Self> {
        let deflate = || {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(value)?;
            encoder.finish()
        };
        Ok(Self {
            value,
            crc: crc32fast::hash(value),
            deflated: deflates.then(deflate).transpose()?,
        })
    }
}

/// An archive that grows member by member.
///
/// A value that is set again gets another member. Where members do not count any more when all is written, those that
/// do are copied to a second file, so that each name stands once in an archive that is finished.
pub(super) struct Spool {
    target: PathBuf,
    temporary: Temporary,
    output: Output,
    /// The entries of the members, in the order of these.
    directory: Vec<u8>,
    n_entries: u64,
    has_superseded: bool,
    state: State,
    /// Records on their way to the file.
    records: Vec<u8>,
}

/// How far an archive has come.
enum State {
    Growing,
    Finished(Directory),
}

impl Spool {
    /// Begins an empty archive beside `target`.
    pub(super) fn begin(target: &Path) -> io::Result<Self> {
        let (temporary, file) = Temporary::file_beside(target)?;
        Ok(Self {
            target: target.to_owned(),
            temporary,
            output: Output::new(Arc::new(file.into())),
            directory: Vec::new(),
            n_entries: 0,
            has_superseded: false,
            state: State::Growing,
            records: Vec::new(),
        })
    }

    /// Begins an archive with the members of another, copied as they are.
    pub(super) fn continue_from(
        target: &Path,
        base: &Arc<ArchiveFile>,
        members: &Members,
    ) -> io::Result<(Self, Members)> {
        let mut spool = Self::begin(target)?;
        // The mode of the file is the owner's choice; where it cannot be kept, that of a new file does.
        let _ = spool
            .output
            .file()
            .set_permissions(base.metadata()?.permissions());
        for (key, member) in members {
            member
                .locate(key.as_str())
                .map_err(|damage| io::Error::other(damage.at(key.as_str())))?;
        }
        let directory = find_directory(base)?;
        let moved = spool.copy_from(base, &directory, members)?;
        Ok((spool, moved))
    }

    /// Writes a value and says where it is.
    pub(super) fn add(&mut self, key: &StoreKey, encoded: &Encoded<'_>) -> io::Result<Member> {
        let name = key.as_str().as_bytes();
        let data = encoded.deflated.as_deref().unwrap_or(encoded.value);
        let (size, crc) = (encoded.value.len() as u64, encoded.crc);
        let is_deflated = encoded.deflated.is_some();
        let record = Record::of_value(name, is_deflated, (data.len() as u64, size, crc));
        let at = self.add_record(&record, name, (&[], &[], &[]), |output| output.append(data))?;
        let file = Arc::clone(self.output.file());
        Ok(Member::written(file, at, is_deflated, (size, crc)))
    }

    /// Adds a member with a name, the extra fields of its header, those of its entry and its comment, and data that
    /// are appended; says where these are.
    fn add_record(
        &mut self,
        record: &Record,
        name: &[u8],
        (in_header, in_entry, comment): (&[u8], &[u8], &[u8]),
        append_data: impl FnOnce(&mut Output) -> io::Result<()>,
    ) -> io::Result<Range<u64>> {
        if !matches!(self.state, State::Growing) {
            return Err(io::Error::other(
                "the archive is complete and could not take its place; it must be flushed before it is changed",
            ));
        }
        let Self { output, records, .. } = self;
        let start = output.position();
        let append = || {
            records.clear();
            record.push_header(name, in_header, records);
            output.append(records)?;
            let data_at = output.position();
            append_data(output)?;
            let end = output.position();
            records.clear();
            record.push_descriptor(records);
            output.append(records)?;
            Ok(data_at..end)
        };
        let appended = append();
        if appended.is_err() {
            output.rewind(start);
            return appended;
        }
        record.push_entry(name, (in_entry, comment), start, &mut self.directory);
        self.n_entries += 1;
        appended
    }

    /// Sees to it that the members that were set can be read.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        self.output.settle()
    }

    /// Says that a member does not count any more.
    pub(super) fn supersede(&mut self) {
        self.has_superseded = true;
    }

    /// Completes the archive with the members that count; says where they are, if they had to be copied.
    ///
    /// # Errors
    /// All members are then as they were, and it can be tried again.
    pub(super) fn complete(&mut self, members: &Members) -> io::Result<Option<Members>> {
        self.finish()?;
        let State::Finished(directory) = &self.state else {
            return Ok(None);
        };
        if !self.has_superseded {
            return Ok(None);
        }
        let file = self.output.file();
        let mut compact = Self::begin(&self.target)?;
        let _ = compact
            .output
            .file()
            .set_permissions(file.metadata()?.permissions());
        let moved = compact.copy_from(file, directory, members)?;
        compact.finish()?;
        *self = compact;
        Ok(Some(moved))
    }

    /// Puts the completed archive in its place; where nothing may be, unless `replaces`.
    ///
    /// It is synced before if `syncs` says so, and if it replaces another: after a loss of power there is the old one or
    /// the new one, never a part of it.
    pub(super) fn publish(&mut self, replaces: bool, syncs: bool) -> io::Result<()> {
        if syncs || replaces {
            sync_file(self.output.file())?;
        }
        if replaces {
            fs::rename(self.temporary.path(), &self.target)
        } else {
            self.temporary.place(&self.target)
        }
    }

    /// The file that holds the archive.
    pub(super) fn file(&self) -> Arc<ArchiveFile> {
        Arc::clone(self.output.file())
    }

    /// Writes the central directory, once.
    fn finish(&mut self) -> io::Result<()> {
        if !matches!(self.state, State::Growing) {
            return Ok(());
        }
        let (start, size) = (self.output.position(), self.directory.len());
        let directory = Directory {
            start,
            end: start + size as u64,
            entries: self.n_entries,
            junk: 0,
        };
        push_end(&directory, &mut self.directory);
        let appended = self.output.append(&self.directory);
        if let Err(error) = appended.and_then(|()| self.output.settle()) {
            // What is there of it will be overwritten by one that is no smaller and begins no earlier.
            self.output.rewind(start);
            self.directory.truncate(size);
            return Err(error);
        }
        self.directory = Vec::new();
        self.state = State::Finished(directory);
        Ok(())
    }

    /// Copies the members of another archive as they are, but for those of keys that have another member or none, and
    /// says where they are.
    fn copy_from(
        &mut self,
        base: &Arc<ArchiveFile>,
        directory: &Directory,
        members: &Members,
    ) -> io::Result<Members> {
        let mut moved = Members::new();
        let mut piece = Vec::new();
        for_each_entry(base, directory, &mut |entry| {
            let key = entry.key();
            let (data_at, extra) = match header_of(base, directory, &entry) {
                // If it counts it will be missed.
                Err(_) if key.is_some() => return Ok(()),
                other => other?,
            };
            let counted = key.as_ref().and_then(|key| members.get(key));
            let counted = counted.filter(|member| member.is_at(data_at, entry.stored_size));
            if key.is_some() && counted.is_none() {
                return Ok(());
            }
            let (in_entry, comment) = entry.extra_and_comment();
            let in_entry = without_zip64(in_entry);
            let record = Record::of_entry(&entry.fixed, entry.stored_size, entry.size);
            let data = data_at..data_at + entry.stored_size;
            let at = self.add_record(&record, &entry.name, (&extra, &in_entry, comment), |output| {
                append_part(base, data, output, &mut piece)
            })?;
            if let (Some(key), Some(member)) = (key, counted) {
                moved.insert(key, Arc::new(member.moved(self.file(), at.start)));
            }
            Ok::<_, io::Error>(())
        })?;
        if moved.len() != members.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "some members of the archive cannot be copied",
            ));
        }
        Ok(moved)
    }
}

/// Where the data of a member begin, and the extra fields that its header has besides zip64.
fn header_of(file: &File, directory: &Directory, entry: &Entry) -> Result<(u64, Vec<u8>), Damage> {
    let (start, _) = entry.span(directory)?;
    let mut header = [0; LOCAL_SIZE];
    file.read_exact_at(&mut header, start)?;
    let (name_size, extra_size) = (u16_at(&header, 26), u16_at(&header, 28));
    let extra_at = start + LOCAL_SIZE as u64 + u64::from(name_size);
    let data_at = extra_at + u64::from(extra_size);
    let is_within = data_at
        .checked_add(entry.stored_size)
        .is_some_and(|end| end <= directory.start);
    if u32_at(&header, 0) != LOCAL_SIGNATURE || !is_within {
        let name = String::from_utf8_lossy(&entry.name);
        return Err(Damage::corrupt(format!("member {name:?} has no header")));
    }
    let mut extra = vec![0; extra_size.into()];
    file.read_exact_at(&mut extra, extra_at)?;
    Ok((data_at, without_zip64(&extra)))
}

/// Appends a part of another file.
fn append_part(file: &File, part: Range<u64>, output: &mut Output, piece: &mut Vec<u8>) -> io::Result<()> {
    let mut at = part.start;
    while at < part.end {
        let size = (part.end - at).min(PIECE_SIZE);
        piece.resize(size as usize, 0);
        file.read_exact_at(piece, at)?;
        output.append(piece)?;
        at += size;
    }
    Ok(())
}
