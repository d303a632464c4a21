//! The end record and the central directory: which members an archive has, and where.
//!
//! ```text
//! [junk] member.. | directory | [zip64 record (56+) | zip64 locator (20)] | end record (22) | comment
//! ```
//!
//! An archive may come from anywhere, so each number is held against the size of the file before it is
//! used, and the records must follow each other without a gap.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

use super::{
    archive_file::ArchiveFile,
    damage::Damage,
    member::{Member, Window},
    records::LOCAL_SIZE,
};
use crate::StoreKey;

type Result<T> = std::result::Result<T, Damage>;

pub(super) type Members = BTreeMap<StoreKey, Arc<Member>>;

pub(super) const END_SIGNATURE: u32 = 0x0605_4b50;
pub(super) const END_SIZE: usize = 22;
const COMMENT_SIZE_MAX: usize = 0xffff;
pub(super) const LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
const LOCATOR_SIZE: u64 = 20;
pub(super) const END64_SIGNATURE: u32 = 0x0606_4b50;
pub(super) const END64_SIZE: u64 = 56;
pub(super) const ENTRY_SIGNATURE: u32 = 0x0201_4b50;
pub(super) const ENTRY_SIZE: usize = 46;
const ENTRIES_MAX: u64 = 1 << 24;
const DIRECTORY_SIZE_MAX: u64 = 1 << 30;
/// The host that writes Unix modes, and the mode of a link.
pub(super) const UNIX: u8 = 3;
const MODE_KIND: u32 = 0o170_000;
const MODE_LINK: u32 = 0o120_000;

/// What an archive holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The last member of each name.
    pub(super) members: Members,
    /// The names of members that are no keys, for people.
    pub(super) skipped: Vec<String>,
}

/// Where the central directory is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) entries: u64,
    /// What lies before the archive, which its offsets do not count.
    pub(super) junk: u64,
}

pub(super) fn read_contents(file: &Arc<ArchiveFile>) -> Result<Contents> {
    let directory = find_directory(file)?;
    let mut contents = Contents::default();
    let mut spans = Vec::new();
    for_each_entry(file, &directory, &mut |entry| {
        spans.push(entry.span(&directory)?);
        entry.add_to(&mut contents, file, &directory);
        Ok::<_, Damage>(())
    })?;
    spans.sort_unstable();
    if spans.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(Damage::corrupt("members overlap"));
    }
    Ok(contents)
}

/// Reads the entries of a directory in their order.
pub(super) fn for_each_entry<E: From<Damage>>(
    file: &Arc<ArchiveFile>,
    directory: &Directory,
    each: &mut dyn FnMut(Entry) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let window = Window::new(Arc::clone(file), directory.start, directory.end);
    let mut input = BufReader::new(window);
    let mut left = directory.end - directory.start;
    for _ in 0..directory.entries {
        each(Entry::read(&mut input, &mut left)?)?;
    }
    if left != 0 {
        return Err(Damage::corrupt("the directory is longer than its entries").into());
    }
    Ok(())
}

/// Finds the end record: the first whose comment ends the file and whose directory fits.
///
/// A comment may itself hold what looks like an end record; that one comes later.
pub(super) fn find_directory(file: &File) -> Result<Directory> {
    let size = file.metadata()?.len();
    let tail_size = size.min((END_SIZE + COMMENT_SIZE_MAX) as u64) as usize;
    let mut tail = vec![0; tail_size];
    file.read_exact_at(&mut tail, size - tail_size as u64)?;
    let mut damage = Damage::corrupt("no end record; the archive was cut or never completed");
    let mut is_first = true;
    for at in 0..=tail_size.saturating_sub(END_SIZE) {
        let Some(record) = tail[at..].first_chunk::<END_SIZE>() else {
            break;
        };
        let comment_size = usize::from(u16_at(record, 20));
        if u32_at(record, 0) != END_SIGNATURE || at + END_SIZE + comment_size != tail_size {
            continue;
        }
        match read_end(file, record, size - (tail_size - at) as u64) {
            Ok(directory) => return Ok(directory),
            Err(error) if is_first => {
                damage = error;
                is_first = false;
            }
            Err(_) => {}
        }
    }
    Err(damage)
}

/// Reads the end record that begins at `at`, and the zip64 record before it.
fn read_end(file: &File, record: &[u8; END_SIZE], at: u64) -> Result<Directory> {
    let mut disks = [u32::from(u16_at(record, 4)), u32::from(u16_at(record, 6))];
    let narrow = [
        u64::from(u16_at(record, 8)),
        u64::from(u16_at(record, 10)),
        u64::from(u32_at(record, 12)),
        u64::from(u32_at(record, 16)),
    ];
    let mut numbers = narrow;
    let mut end = at;
    if let Some(wide) = read_end64(file, at)? {
        let saturated = [0xffff, 0xffff, 0xffff_ffff, 0xffff_ffff];
        let agrees =
            (0..4).all(|index| narrow[index] == saturated[index] || narrow[index] == wide.numbers[index]);
        if !agrees {
            return Err(Damage::corrupt("the end records contradict each other"));
        }
        (disks, numbers, end) = (wide.disks, wide.numbers, wide.at);
    } else if narrow[2..].contains(&0xffff_ffff) {
        return Err(Damage::corrupt("the zip64 end record is missing"));
    }
    let [entries_here, entries, size, offset] = numbers;
    if disks != [0, 0] || entries_here != entries {
        return Err(Damage::Unsupported("reading an archive of several disks"));
    }
    for (size, limit) in [(entries, ENTRIES_MAX), (size, DIRECTORY_SIZE_MAX)] {
        if size > limit {
            return Err(Damage::TooLarge { size, limit });
        }
    }
    let misplaced = || Damage::corrupt("the directory is not where the end record says");
    let start = end.checked_sub(size).ok_or_else(misplaced)?;
    let junk = start.checked_sub(offset).ok_or_else(misplaced)?;
    // Else a few stray bytes at the end would make any file an empty archive, and all values missing.
    let is_hollow = entries == 0 && (size != 0 || junk != 0);
    if is_hollow || entries * ENTRY_SIZE as u64 > size {
        return Err(Damage::corrupt("the number of members is wrong"));
    }
    Ok(Directory {
        start,
        end,
        entries,
        junk,
    })
}

struct End64 {
    at: u64,
    disks: [u32; 2],
    /// Entries on this disk, entries, size of the directory, its offset.
    numbers: [u64; 4],
}

/// Reads the zip64 end record, if its locator lies before the end record at `end_at`.
fn read_end64(file: &File, end_at: u64) -> Result<Option<End64>> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR_SIZE) else {
        return Ok(None);
    };
    let locator: [u8; LOCATOR_SIZE as usize] = read_array(file, locator_at)?;
    if u32_at(&locator, 0) != LOCATOR_SIGNATURE {
        return Ok(None);
    }
    if u32_at(&locator, 4) != 0 || u32_at(&locator, 16) > 1 {
        return Err(Damage::Unsupported("reading an archive of several disks"));
    }
    // Junk before the archive moves the record, so it is looked for where it usually is first.
    let usual = locator_at.checked_sub(END64_SIZE);
    for at in usual.into_iter().chain([u64_at(&locator, 8)]) {
        if at.checked_add(END64_SIZE).is_none_or(|end| end > locator_at) {
            continue;
        }
        let record: [u8; END64_SIZE as usize] = read_array(file, at)?;
        let record_end = u64_at(&record, 4).checked_add(at + 12);
        if u32_at(&record, 0) == END64_SIGNATURE && record_end == Some(locator_at) {
            return Ok(Some(End64 {
                at,
                disks: [u32_at(&record, 16), u32_at(&record, 20)],
                numbers: [24, 32, 40, 48].map(|field| u64_at(&record, field)),
            }));
        }
    }
    Err(Damage::corrupt(
        "the zip64 end record is not where its locator says",
    ))
}

/// An entry of the central directory.
pub(super) struct Entry {
    pub(super) fixed: [u8; ENTRY_SIZE],
    pub(super) name: Vec<u8>,
    /// Extra fields and comment.
    rest: Vec<u8>,
    pub(super) stored_size: u64,
    pub(super) size: u64,
    offset: u64,
}

impl Entry {
    /// Reads an entry from the `left` bytes of the directory.
    fn read(input: &mut impl Read, left: &mut u64) -> Result<Self> {
        let mut fixed = [0; ENTRY_SIZE];
        take(left, ENTRY_SIZE as u64)?;
        input.read_exact(&mut fixed)?;
        if u32_at(&fixed, 0) != ENTRY_SIGNATURE {
            return Err(Damage::corrupt("the directory holds something else than entries"));
        }
        let [name_size, extra_size, comment_size] = [28, 30, 32].map(|field| u16_at(&fixed, field));
        take(
            left,
            u64::from(name_size) + u64::from(extra_size) + u64::from(comment_size),
        )?;
        let mut name = vec![0; name_size.into()];
        let mut rest = vec![0; usize::from(extra_size) + usize::from(comment_size)];
        input.read_exact(&mut name)?;
        input.read_exact(&mut rest)?;
        let mut entry = Self {
            name,
            rest,
            stored_size: u32_at(&fixed, 20).into(),
            size: u32_at(&fixed, 24).into(),
            offset: u32_at(&fixed, 42).into(),
            fixed,
        };
        entry.widen()?;
        match u16_at(&fixed, 34) {
            0 | 0xffff => Ok(entry),
            _ => Err(Damage::Unsupported("reading an archive of several disks")),
        }
    }

    /// The extra fields, and the comment.
    pub(super) fn extra_and_comment(&self) -> (&[u8], &[u8]) {
        self.rest.split_at(u16_at(&self.fixed, 30).into())
    }

    /// Replaces the fields that are full by those of the zip64 extra field.
    fn widen(&mut self) -> Result<()> {
        let mut wide = find_extra(&self.rest[..u16_at(&self.fixed, 30).into()], 1);
        for field in [&mut self.size, &mut self.stored_size, &mut self.offset] {
            if *field == 0xffff_ffff {
                let Some((value, rest)) = wide.and_then(|bytes| bytes.split_first_chunk::<8>()) else {
                    let name = String::from_utf8_lossy(&self.name);
                    return Err(Damage::corrupt(format!(
                        "member {name:?}: zip64 fields are missing"
                    )));
                };
                *field = u64::from_le_bytes(*value);
                wide = Some(rest);
            }
        }
        Ok(())
    }

    /// The bytes of the file that the member needs at least: header, name and data.
    pub(super) fn span(&self, directory: &Directory) -> Result<(u64, u64)> {
        let start = self.offset.checked_add(directory.junk);
        let end = start
            .and_then(|start| start.checked_add((LOCAL_SIZE + self.name.len()) as u64))
            .and_then(|data| data.checked_add(self.stored_size));
        match (start, end) {
            (Some(start), Some(end)) if end <= directory.start => Ok((start, end)),
            _ => {
                let name = String::from_utf8_lossy(&self.name);
                Err(Damage::corrupt(format!(
                    "member {name:?} lies outside the archive"
                )))
            }
        }
    }

    /// The name, if it is a key and no link has it.
    pub(super) fn key(&self) -> Option<StoreKey> {
        let (host, attributes) = (self.fixed[5], u32_at(&self.fixed, 38));
        let is_link = host == UNIX && (attributes >> 16) & MODE_KIND == MODE_LINK;
        let name = str::from_utf8(&self.name).ok().filter(|_| !is_link)?;
        StoreKey::new(name).ok()
    }

    /// Adds the member, if its name is a key; a later one of the same name wins.
    fn add_to(self, contents: &mut Contents, file: &Arc<ArchiveFile>, directory: &Directory) {
        if self.name.ends_with(b"/") {
            return;
        }
        let Some(key) = self.key() else {
            let name = String::from_utf8_lossy(&self.name);
            contents.skipped.push(name.chars().take(80).collect());
            return;
        };
        let member = Member::listed(
            Arc::clone(file),
            self.offset + directory.junk..directory.start,
            (self.stored_size, self.size, u32_at(&self.fixed, 16)),
            (u16_at(&self.fixed, 10), u16_at(&self.fixed, 8)),
        );
        contents.members.insert(key, Arc::new(member));
    }
}

/// Takes `size` bytes from what is left of the directory.
fn take(left: &mut u64, size: u64) -> Result<()> {
    *left = left
        .checked_sub(size)
        .ok_or_else(|| Damage::corrupt("an entry reaches beyond the directory"))?;
    Ok(())
}

/// The content of the first extra field with this id.
fn find_extra(mut extra: &[u8], id: u16) -> Option<&[u8]> {
    loop {
        let (header, rest) = extra.split_first_chunk::<4>()?;
        let size = usize::from(u16_at(header, 2));
        if u16_at(header, 0) == id {
            return rest.get(..size);
        }
        extra = rest.get(size..)?;
    }
}

fn read_array<const N: usize>(file: &File, at: u64) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

/// The number at a fixed place of a record, which is never shorter.
pub(super) fn u16_at(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([record[at], record[at + 1]])
}

/// The number at a fixed place of a record, which is never shorter.
pub(super) fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from(u16_at(record, at)) | u32::from(u16_at(record, at + 2)) << 16
}

fn u64_at(record: &[u8], at: usize) -> u64 {
    u64::from(u32_at(record, at)) | u64::from(u32_at(record, at + 4)) << 32
}
