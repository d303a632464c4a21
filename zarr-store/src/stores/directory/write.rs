//! What the directory store asks of the system when it writes.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use super::aside;

/// Writes a value into a new file; where the system may say so only later, checks that all of it arrived.
pub(super) fn write_value(file: &mut File, value: &[u8], sync: bool) -> io::Result<()> {
    file.write_all(value)?;
    if !sync {
        return Ok(());
    }
    file.sync_data()?;
    check_written(file, value.len() as u64)
}

/// Checks that all of a value arrived in its file.
pub(super) fn check_written(file: &File, size: u64) -> io::Result<()> {
    if file.metadata()?.len() != size {
        return Err(io::Error::new(
            io::ErrorKind::WriteZero,
            "the file is shorter than what was written",
        ));
    }
    Ok(())
}

/// Whether a write to this file may yet fail when the file is closed, where nobody is told.
pub(super) fn reports_late(file: &File) -> bool {
    #[cfg(target_os = "linux")]
    {
        // NFS, SMB, CIFS, SMB2, FUSE, Ceph, AFS, Lustre, 9p.
        const REMOTE: [u64; 9] = [
            0x6969,
            0x517b,
            0xff53_4d42,
            0xfe53_4d42,
            0x6573_5546,
            0x00c3_6400,
            0x5346_414f,
            0x0bd0_0bd0,
            0x0102_1997,
        ];
        rustix::fs::fstatfs(file).is_ok_and(|status| REMOTE.contains(&(status.f_type as u64)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        false
    }
}

/// Exchanges two directories; in one step where the file system can, else so that the target is found again after a kill.
pub(super) fn exchange(staged: &Path, target: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::{
            fs::{CWD, RenameFlags, renameat_with},
            io::Errno,
        };
        match renameat_with(CWD, staged, CWD, target, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            other => return Ok(other?),
        }
    }
    aside::replace(staged, target)
}
