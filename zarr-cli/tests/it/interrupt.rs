//! Interrupted by Ctrl-C, a command says so, leaves what the same command continues, and then ends with the bytes of
//! one that nobody disturbed.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
};

use crate::place::{Place, digests, npy};

/// The elements of each of three arrays, in chunks so small that copying them takes a while.
const N_ELEMENTS: u64 = 1 << 17;
/// How often a command is started anew because it was at its end before the signal came.
const ATTEMPTS_MAX: usize = 20;

/// A group of three arrays in `from.zarr`.
fn place() -> Place {
    let place = Place::new();
    for (name, step) in [("a", 7), ("b", 11), ("c", 13)] {
        let values: Vec<_> = (0..N_ELEMENTS as i32)
            .map(|value| value.wrapping_mul(step))
            .collect();
        place.write(&format!("{name}.npy"), &npy(&[N_ELEMENTS], &values));
    }
    place.done("save from.zarr a=a.npy b=b.npy deep/c=c.npy --chunks 256");
    place
}

/// The same in `from.h5`.
#[cfg(feature = "hdf5")]
fn place_with_file() -> Place {
    let place = place();
    place.done("copy-all from.zarr from.h5");
    place
}

/// Everything at a path, temporary files as well.
fn all(place: &Place, name: &str) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let at = place.path(name);
    let files = place.files().into_iter();
    files
        .filter_map(|(path, bytes)| Some((path.strip_prefix(&at).ok()?.to_owned(), bytes)))
        .collect()
}

/// Runs a command until it has begun to copy; what it says from then on.
fn begun(place: &Place, line: &str) -> (Child, BufReader<ChildStderr>) {
    let line = format!("{line} --progress json");
    let words: Vec<_> = line.split_whitespace().collect();
    let mut command = place.command(&words);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    assert!(
        said.contains("\"progress\"") || said.contains("continuing"),
        "{said}"
    );
    (child, stderr)
}

/// Runs a command and sends it the signal when it has begun to copy; its exit status and what else it said.
fn interrupted(place: &Place, line: &str) -> (i32, String) {
    let (mut child, mut stderr) = begun(place, line);
    let pid = child.id().to_string();
    // It may be over already.
    let _ = Command::new("kill")
        .args(["-INT", &pid])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let status = child.wait().unwrap().code();
    let said: Vec<_> = rest
        .lines()
        .filter(|line| !line.contains("\"progress\""))
        .collect();
    (status.expect("it ends by itself"), said.join("\n"))
}

fn remove(path: &Path) {
    let _ = std::fs::remove_dir_all(path);
    let _ = std::fs::remove_file(path);
}

/// Interrupts a command, runs it again, and compares what it made with what it makes undisturbed.
#[track_caller]
fn check(line: impl Fn(&str) -> String, names: (&str, &str), is_continued: bool) {
    check_in(&place(), line, names, is_continued);
}

/// The same in a place that is there.
#[track_caller]
fn check_in(place: &Place, line: impl Fn(&str) -> String, (whole, dest): (&str, &str), is_continued: bool) {
    place.done(&line(whole));
    let mut attempts = 0;
    let (status, said) = loop {
        attempts += 1;
        assert!(attempts <= ATTEMPTS_MAX, "at its end before the signal comes");
        let (status, said) = interrupted(place, &line(dest));
        if status != 0 {
            break (status, said);
        }
        remove(&place.path(dest));
    };
    assert_eq!((status, said.as_str()), (130, "zarr: cancelled"));
    assert_eq!(
        digests(&place.path(dest)),
        BTreeMap::new(),
        "nothing is visible before all is there"
    );
    let again = place.run(&line(dest));
    assert_eq!(again.status, 0, "{}", again.stderr);
    let notice = if is_continued {
        "zarr: continuing what was interrupted\n"
    } else {
        ""
    };
    assert_eq!(again.stderr, notice);
    assert_eq!(all(place, dest), all(place, whole));
    let files = place.files().into_keys();
    let debris: Vec<_> = files
        .filter(|path| path.to_string_lossy().contains("zt-partial"))
        .collect();
    assert_eq!(debris, Vec::<PathBuf>::new());
}

#[test]
fn a_copy_is_continued() {
    check(
        |dest| format!("copy-all from.zarr {dest} --chunks 128"),
        ("whole.zarr", "dest.zarr"),
        true,
    );
}

#[test]
fn a_copy_of_keys_is_continued() {
    check(
        |dest| format!("copy-store from.zarr {dest}"),
        ("whole.zarr", "dest.zarr"),
        true,
    );
}

#[test]
fn a_copy_into_an_archive_leaves_nothing_and_is_made_anew() {
    check(
        |dest| format!("copy-store from.zarr {dest}"),
        ("whole.zip", "dest.zip"),
        false,
    );
}

#[cfg(all(feature = "hdf5", target_os = "linux"))]
mod files {
    //! Copies of HDF5 files that are stopped, in this process or in one with limits.

    use std::{
        collections::BTreeMap,
        fs, io, thread,
        time::{Duration, Instant},
    };

    use super::{ATTEMPTS_MAX, Place, all, begun, check_in, digests, place_with_file, remove};

    #[test]
    fn a_copy_within_limits_is_continued() {
        check_in(
            &place_with_file(),
            |dest| format!("copy-all from.h5 {dest} --chunks 128 --untrusted"),
            ("whole.zarr", "dest.zarr"),
            true,
        );
    }

    #[test]
    fn a_copy_within_limits_to_a_file_leaves_nothing_and_is_made_anew() {
        check_in(
            &place_with_file(),
            |dest| format!("copy-all from.h5 {dest} --chunks 128 --untrusted"),
            ("whole.h5", "dest.h5"),
            false,
        );
    }

    /// Kills a command when it has begun to copy.
    fn killed(place: &Place, line: &str) {
        let (mut child, mut stderr) = begun(place, line);
        child.kill().unwrap();
        child.wait().unwrap();
        // A process of its own that it left has the pipe until it ends, which must be soon.
        let start = Instant::now();
        io::copy(&mut stderr, &mut io::sink()).unwrap();
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "the other process goes on"
        );
    }

    /// The processes whose words name a place.
    fn processes(place: &Place) -> usize {
        let place = fs::canonicalize(place.path("")).unwrap();
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == place))
            .count()
    }

    #[test]
    fn one_with_limits_ends_with_the_one_that_was_killed() {
        let place = place_with_file();
        let line = |dest: &str| format!("copy-all from.h5 {dest} --chunks 128 --untrusted");
        for (whole, dest) in [("whole.zarr", "dest.zarr"), ("whole.h5", "dest.h5")] {
            place.done(&line(whole));
            let mut attempts = 0;
            loop {
                killed(&place, &line(dest));
                if !place.path(dest).exists() {
                    break;
                }
                attempts += 1;
                assert!(attempts < ATTEMPTS_MAX, "at its end before it is killed");
                remove(&place.path(dest));
            }
            let start = Instant::now();
            while processes(&place) > 0 {
                assert!(start.elapsed() < Duration::from_secs(10), "a process is left");
                thread::sleep(Duration::from_millis(10));
            }
            assert_eq!(digests(&place.path(dest)), BTreeMap::new());
            let again = place.run(&line(dest));
            assert_eq!(again.status, 0, "{}", again.stderr);
            assert_eq!(all(&place, dest), all(&place, whole));
            let left = place.files().into_keys();
            let left: Vec<_> = left
                .filter(|path| path.to_string_lossy().contains("zt-partial"))
                .collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}
