//! An archive in the making: a temporary file beside the one whose place it will take.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{self, BufReader, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use zip::{
    CompressionMethod, ZipArchive, ZipWriter,
    write::{PreparedZipFile, SimpleFileOptions},
};

use super::{
    directory::Members,
    member::{Member, Window},
    output::Output,
};
use crate::{StoreKey, stores::temporary::Temporary};

/// From this size on a member needs zip64 fields.
const LARGE_SIZE: usize = 0xffff_ffff;

/// An archive that grows member by member.
///
/// A `ZipWriter` takes each name once, and an archive that was finished should hold each once.
/// So a value that is set again is written under a name of its own, and when all is written, the members
/// that still count are copied to a second file under their right names.
pub(super) struct Spool {
    target: PathBuf,
    temporary: Temporary,
    file: Arc<File>,
    output: Output,
    /// Taken when the archive is finished.
    writer: Option<ZipWriter<Output>>,
    is_broken: bool,
    /// The names of members that do not count any more.
    superseded: HashSet<String>,
    /// The keys whose members have another name.
    renamed: HashMap<StoreKey, String>,
    /// How many members were ever renamed, so that no two get the same name.
    n_renamed: u64,
}

impl Spool {
    /// Begins an empty archive beside `target`.
    pub(super) fn begin(target: &Path) -> io::Result<Self> {
        let (temporary, file) = Temporary::file_beside(target)?;
        let file = Arc::new(file);
        let output = Output::new(Arc::clone(&file));
        let writer = Some(ZipWriter::new(output.clone()));
        Ok(Self {
            target: target.to_owned(),
            temporary,
            file,
            output,
            writer,
            is_broken: false,
            superseded: HashSet::new(),
            renamed: HashMap::new(),
            n_renamed: 0,
        })
    }

    /// Begins an archive with the members of another, copied as they are.
    pub(super) fn continue_from(
        target: &Path,
        base: &Arc<File>,
        members: &Members,
    ) -> io::Result<(Self, Members)> {
        let mut spool = Self::begin(target)?;
        // The mode of the file is the owner's choice; where it cannot be kept, that of a new file does.
        let _ = spool.file.set_permissions(base.metadata()?.permissions());
        for (key, member) in members {
            member
                .locate(key.as_str())
                .map_err(|damage| io::Error::other(damage.at(key.as_str())))?;
        }
        let moved = spool.copy_from(base, members, &HashMap::new(), &HashSet::new())?;
        Ok((spool, moved))
    }

    /// Writes a value and says where it is.
    pub(super) fn set(
        &mut self,
        key: &StoreKey,
        is_there: bool,
        value: &[u8],
        deflates: bool,
    ) -> io::Result<Member> {
        let is_used = is_there || self.superseded.contains(key.as_str());
        let name = if is_used {
            // No key holds a control character.
            self.n_renamed += 1;
            format!("{key}\0{}", self.n_renamed)
        } else {
            key.as_str().to_owned()
        };
        let options = SimpleFileOptions::default()
            .compression_method(if deflates {
                CompressionMethod::Deflated
            } else {
                CompressionMethod::Stored
            })
            .unix_permissions(0o644)
            .large_file(value.len() >= LARGE_SIZE);
        let before = self.output.position();
        let written = self.writer().and_then(|writer| {
            Ok(writer.add_prepared_file(PreparedZipFile::from_data(&name, options, value)?)?)
        });
        if let Err(error) = written {
            // The writer has taken the entry back already, unless it could not.
            if let Some(writer) = &mut self.writer {
                let _ = writer.hide_file(&name);
            }
            self.output.rewind(before);
            return Err(error);
        }
        if is_there {
            self.supersede(key);
        }
        if is_used {
            self.renamed.insert(key.clone(), name);
        }
        let end = self.output.position();
        let start = if deflates {
            self.settle()?;
            self.data_at(before)?
        } else {
            end - value.len() as u64
        };
        let file = Arc::clone(&self.file);
        Ok(Member::written(file, start..end, deflates, value))
    }

    /// Sees to it that the members that were set can be read.
    pub(super) fn settle(&self) -> io::Result<()> {
        self.output.settle()
    }

    /// Where the data of the member begins whose local header was written at a position.
    fn data_at(&self, header: u64) -> io::Result<u64> {
        const HEADER_SIZE: u64 = 30;
        const LENGTHS_AT: u64 = 26;
        let mut lengths = [0; 4];
        self.file.read_exact_at(&mut lengths, header + LENGTHS_AT)?;
        let [a, b, c, d] = lengths;
        let (name, extra) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        Ok(header + HEADER_SIZE + u64::from(name) + u64::from(extra))
    }

    /// Leaves a member out of the finished archive.
    pub(super) fn supersede(&mut self, key: &StoreKey) {
        let name = self.renamed.remove(key);
        self.superseded
            .insert(name.unwrap_or_else(|| key.as_str().to_owned()));
    }

    /// Completes the archive; says where the members are, if they had to be copied.
    ///
    /// After an error nothing can be added any more.
    pub(super) fn complete(&mut self, members: &Members) -> io::Result<Option<Members>> {
        self.finish()?;
        if self.superseded.is_empty() {
            return Ok(None);
        }
        let mut compact = Self::begin(&self.target)?;
        let _ = compact.file.set_permissions(self.file.metadata()?.permissions());
        let names = self.renamed.iter().map(|(key, name)| (name.as_str(), key));
        let moved = compact.copy_from(&self.file, members, &names.collect(), &self.superseded)?;
        compact.finish()?;
        *self = compact;
        Ok(Some(moved))
    }

    /// Puts the completed archive in its place; where nothing may be, unless `replaces`.
    pub(super) fn publish(&mut self, replaces: bool) -> io::Result<()> {
        if replaces {
            fs::rename(self.temporary.path(), &self.target)
        } else {
            self.temporary.place(&self.target)
        }
    }

    /// The file that holds the archive.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    fn writer(&mut self) -> io::Result<&mut ZipWriter<Output>> {
        self.writer.as_mut().ok_or_else(incomplete)
    }

    /// Writes the central directory, once.
    fn finish(&mut self) -> io::Result<()> {
        let Some(writer) = self.writer.take() else {
            return if self.is_broken { Err(incomplete()) } else { Ok(()) };
        };
        self.output.make_final();
        let finished = writer
            .finish()
            .map_err(io::Error::from)
            .and_then(|mut output| output.flush());
        self.is_broken = finished.is_err();
        finished
    }

    /// Copies the members of another archive, compressed as they are, and says where they are.
    fn copy_from(
        &mut self,
        base: &Arc<File>,
        members: &Members,
        renamed: &HashMap<&str, &StoreKey>,
        superseded: &HashSet<String>,
    ) -> io::Result<Members> {
        let window = Window::new(Arc::clone(base), 0, base.metadata()?.len());
        let mut archive = ZipArchive::new(BufReader::new(window))?;
        let mut moved = Members::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index)?;
            let name = String::from_utf8(entry.name_raw().to_owned()).ok();
            if name.as_ref().is_some_and(|name| superseded.contains(name)) {
                continue;
            }
            let (start, size) = (entry.data_start(), entry.compressed_size());
            let writer = self.writer()?;
            let key = name.as_deref().and_then(|name| renamed.get(name).copied());
            match key {
                Some(key) => writer.raw_copy_file_rename(entry, key)?,
                None => writer.raw_copy_file(entry)?,
            }
            let name = key.map_or(name.as_deref(), |key| Some(key.as_str()));
            let found = name.and_then(|name| members.get_key_value(name));
            let Some((key, member)) = found.filter(|(_, member)| member.is_at(start, size)) else {
                continue;
            };
            let data_at = self.output.position() - size;
            moved.insert(
                key.clone(),
                Arc::new(member.moved(Arc::clone(&self.file), data_at)),
            );
        }
        if moved.len() != members.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "some members of the archive cannot be copied",
            ));
        }
        self.writer()?.flush()?;
        Ok(moved)
    }
}

fn incomplete() -> io::Error {
    io::Error::other("an earlier failure left the archive incomplete")
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.output.abandon();
    }
}
