//! The records of an archive as they are written: headers of members, entries of the directory, end records.
//!
//! Numbers that do not fit their field stand in a zip64 record or extra field, and the field is full.

use super::directory::{
    Directory, END_SIGNATURE, END_SIZE, END64_SIGNATURE, END64_SIZE, ENTRY_SIGNATURE, ENTRY_SIZE,
    LOCATOR_SIGNATURE, UNIX, u16_at,
};

pub(super) const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
pub(super) const LOCAL_SIZE: usize = 30;
pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;
/// The sizes and the checksum follow the data.
pub(super) const HAS_DESCRIPTOR: u16 = 1 << 3;
const DESCRIPTOR_SIGNATURE: u32 = 0x0807_4b50;
/// The name is UTF-8, which needs saying where it is not ASCII.
const IS_UTF8: u16 = 1 << 11;
/// The id of the zip64 extra field.
const ZIP64: u16 = 1;
/// The versions of the format that are needed to read a member.
const VERSION_STORED: u16 = 10;
const VERSION_DEFLATED: u16 = 20;
const VERSION_ZIP64: u16 = 45;
/// The first day that can be written: archives of the same values are the same bytes.
const FIRST_DAY: u16 = 1 << 5 | 1;
/// A regular file that its owner may write and all may read.
const MODE: u32 = 0o100_644;
/// What a field of four bytes holds whose number does not fit; of two, its lower half.
const FULL: u64 = 0xffff_ffff;

/// What the header of a member and its entry in the directory say.
#[derive(Debug)]
pub(super) struct Record {
    /// The fixed part of the entry; sizes, and all that depends on a place, are filled in when it is written.
    fixed: [u8; ENTRY_SIZE],
    stored_size: u64,
    size: u64,
}

impl Record {
    /// A member of a new value, by its stored size, its size and its checksum.
    pub(super) fn of_value(name: &[u8], deflated: bool, (stored_size, size, crc): (u64, u64, u32)) -> Self {
        let (method, version) = if deflated {
            (DEFLATED, VERSION_DEFLATED)
        } else {
            (STORED, VERSION_STORED)
        };
        let flags = if name.is_ascii() { 0 } else { IS_UTF8 };
        let mut fixed = [0; ENTRY_SIZE];
        put(&mut fixed, 0, ENTRY_SIGNATURE.to_le_bytes());
        put(&mut fixed, 4, [version as u8, UNIX]);
        put(&mut fixed, 6, version.to_le_bytes());
        put(&mut fixed, 8, flags.to_le_bytes());
        put(&mut fixed, 10, method.to_le_bytes());
        put(&mut fixed, 14, FIRST_DAY.to_le_bytes());
        put(&mut fixed, 16, crc.to_le_bytes());
        put(&mut fixed, 38, (MODE << 16).to_le_bytes());
        Self::of_entry(&fixed, stored_size, size)
    }

    /// A member of another archive, by the fixed part of its entry there, its stored size and its size.
    pub(super) fn of_entry(fixed: &[u8; ENTRY_SIZE], stored_size: u64, size: u64) -> Self {
        Self {
            fixed: *fixed,
            stored_size,
            size,
        }
    }

    /// In a header and what follows the data, both sizes are wide or none.
    fn is_large(&self) -> bool {
        self.stored_size.max(self.size) >= FULL
    }

    /// Appends the header of the member, with the extra fields that it has besides zip64.
    pub(super) fn push_header(&self, name: &[u8], extra: &[u8], out: &mut Vec<u8>) {
        let mut wide = Vec::new();
        if self.is_large() {
            push_zip64(&[self.size, self.stored_size], &mut wide);
        }
        let mut fixed = self.filled(name, &wide, extra);
        if self.is_large() {
            put(&mut fixed, 20, [0xff; 8]);
        }
        out.extend_from_slice(&LOCAL_SIGNATURE.to_le_bytes());
        // The header has these fields of the entry.
        out.extend_from_slice(&fixed[6..32]);
        for part in [name, &wide, extra] {
            out.extend_from_slice(part);
        }
    }

    /// Appends what follows the data, if the member has it.
    pub(super) fn push_descriptor(&self, out: &mut Vec<u8>) {
        if u16_at(&self.fixed, 8) & HAS_DESCRIPTOR == 0 {
            return;
        }
        out.extend_from_slice(&DESCRIPTOR_SIGNATURE.to_le_bytes());
        out.extend_from_slice(&self.fixed[16..20]);
        let width = if self.is_large() { 8 } else { 4 };
        for size in [self.stored_size, self.size] {
            out.extend_from_slice(&size.to_le_bytes()[..width]);
        }
    }

    /// Appends the entry of the member whose header is at `offset`, with the extra fields that it has besides zip64,
    /// and its comment.
    pub(super) fn push_entry(
        &self,
        name: &[u8],
        (extra, comment): (&[u8], &[u8]),
        offset: u64,
        out: &mut Vec<u8>,
    ) {
        let mut wide = Vec::new();
        let numbers = [self.size, self.stored_size, offset];
        if numbers.iter().any(|number| *number >= FULL) {
            let large: Vec<_> = numbers.into_iter().filter(|number| *number >= FULL).collect();
            push_zip64(&large, &mut wide);
        }
        let mut fixed = self.filled(name, &wide, extra);
        put(&mut fixed, 32, (comment.len() as u16).to_le_bytes());
        // There is one disk.
        put(&mut fixed, 34, [0; 2]);
        put(&mut fixed, 42, narrow(offset).to_le_bytes());
        for part in [&fixed[..], name, &wide, extra, comment] {
            out.extend_from_slice(part);
        }
    }

    /// The fixed part, with sizes and lengths.
    fn filled(&self, name: &[u8], wide: &[u8], extra: &[u8]) -> [u8; ENTRY_SIZE] {
        let mut fixed = self.fixed;
        if !wide.is_empty() {
            let version = u16_at(&fixed, 6).max(VERSION_ZIP64);
            put(&mut fixed, 6, version.to_le_bytes());
        }
        put(&mut fixed, 20, narrow(self.stored_size).to_le_bytes());
        put(&mut fixed, 24, narrow(self.size).to_le_bytes());
        put(&mut fixed, 28, (name.len() as u16).to_le_bytes());
        put(&mut fixed, 30, ((wide.len() + extra.len()) as u16).to_le_bytes());
        fixed
    }
}

/// Appends what follows the directory of an archive.
pub(super) fn push_end(directory: &Directory, out: &mut Vec<u8>) {
    let (start, size) = (directory.start, directory.end - directory.start);
    if directory.entries >= FULL >> 16 || size >= FULL || start >= FULL {
        out.extend_from_slice(&END64_SIGNATURE.to_le_bytes());
        // What follows this number.
        out.extend_from_slice(&(END64_SIZE - 12).to_le_bytes());
        out.extend_from_slice(&[VERSION_ZIP64 as u8, UNIX]);
        out.extend_from_slice(&VERSION_ZIP64.to_le_bytes());
        // This disk, and that of the directory.
        out.extend_from_slice(&[0; 8]);
        for number in [directory.entries, directory.entries, size, start] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&LOCATOR_SIGNATURE.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&directory.end.to_le_bytes());
        out.extend_from_slice(&1_u32.to_le_bytes());
    }
    let n_entries = directory.entries.min(FULL >> 16) as u16;
    let mut fixed = [0; END_SIZE];
    put(&mut fixed, 0, END_SIGNATURE.to_le_bytes());
    put(&mut fixed, 8, n_entries.to_le_bytes());
    put(&mut fixed, 10, n_entries.to_le_bytes());
    put(&mut fixed, 12, narrow(size).to_le_bytes());
    put(&mut fixed, 16, narrow(start).to_le_bytes());
    out.extend_from_slice(&fixed);
}

/// Extra fields without those of zip64, as far as they leave room for one.
pub(super) fn without_zip64(extra: &[u8]) -> Vec<u8> {
    const SIZE_MAX: usize = 0xffff - 28;
    let mut kept = Vec::new();
    let mut rest = extra;
    while let Some((header, after)) = rest.split_first_chunk::<4>() {
        let end = 4 + usize::from(u16_at(header, 2)).min(after.len());
        if u16_at(header, 0) != ZIP64 && kept.len() + end <= SIZE_MAX {
            kept.extend_from_slice(&rest[..end]);
        }
        rest = &rest[end..];
    }
    kept
}

fn push_zip64(numbers: &[u64], out: &mut Vec<u8>) {
    out.extend_from_slice(&ZIP64.to_le_bytes());
    out.extend_from_slice(&((numbers.len() * 8) as u16).to_le_bytes());
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn narrow(number: u64) -> u32 {
    number.min(FULL) as u32
}

fn put<const N: usize>(record: &mut [u8], at: usize, bytes: [u8; N]) {
    record[at..at + N].copy_from_slice(&bytes);
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::unix::fs::FileExt, sync::Arc};

    use super::*;
    use crate::stores::zip::directory::read_contents;

    /// Writes an archive of a member with a hole for data, after a hole of `offset` bytes.
    fn archive(offset: u64, size: u64) -> File {
        let file = tempfile::tempfile().unwrap();
        let record = Record::of_value(b"a", false, (size, size, 7));
        let mut header = Vec::new();
        record.push_header(b"a", &[], &mut header);
        file.write_all_at(&header, offset).unwrap();
        let start = offset + header.len() as u64 + size;
        let mut entries = Vec::new();
        record.push_entry(b"a", (&[], &[]), offset, &mut entries);
        let directory = Directory {
            start,
            end: start + entries.len() as u64,
            entries: 1,
            junk: 0,
        };
        push_end(&directory, &mut entries);
        file.write_all_at(&entries, start).unwrap();
        file
    }

    #[test]
    fn sizes_and_places_beyond_four_bytes_are_read_by_another_library() {
        let large = 5 << 30;
        for (offset, size) in [
            (0, 10),
            (0, FULL - 1),
            (0, FULL),
            (0, large),
            (large, 10),
            (large, large),
        ] {
            let file = archive(offset, size);
            let mut other = zip::ZipArchive::new(file.try_clone().unwrap()).unwrap();
            let member = other.by_name("a").unwrap();
            assert_eq!(
                (member.header_start(), member.size(), member.crc32()),
                (offset, size, 7)
            );
            assert_eq!(member.compressed_size(), size);
            assert_eq!(
                member.data_start(),
                Some(member.header_start() + 31 + zip64_size(size))
            );
            drop(member);
            let contents = read_contents(&Arc::new(file.into())).unwrap();
            let (key, member) = contents.members.first_key_value().unwrap();
            assert_eq!((key.as_str(), member.size, member.stored_size), ("a", size, size));
            assert_eq!(member.locate("a").unwrap(), offset + 31 + zip64_size(size));
        }
    }

    fn zip64_size(size: u64) -> u64 {
        if size >= FULL { 20 } else { 0 }
    }

    #[test]
    fn extra_fields_are_kept_but_for_zip64() {
        let (time, wide) = ([0x55, 0x54, 1, 0, 9], [1, 0, 2, 0, 8, 8]);
        let both = [&wide[..], &time, &wide].concat();
        assert_eq!(without_zip64(&both), time);
        assert_eq!(without_zip64(&both[..both.len() - 1]), time);
        assert!(without_zip64(&[1, 2, 3]).is_empty());
    }
}
