//! The Rust files: their sizes, where `unsafe` may be, what must not be left behind.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::scan::{code_only, is_word};
use super::{Finding, defects};

/// Most lines of a source file, the tests inside it not counted.
const SOURCE_LINES: usize = 600;
/// Most lines of a file of tests.
const TEST_LINES: usize = 800;

/// The files, and folders of files, that may have `unsafe`, each with its reason.
const UNSAFE: &[(&str, &str)] = &[
    (
        "zarr-codecs/src/bytes_to_bytes/blosc.rs",
        "calls the C library Blosc",
    ),
    (
        "zarr-codecs/src/bytes_to_bytes/blosc_encode.rs",
        "calls the C library LZ4",
    ),
    (
        "zarr-codecs/src/bytes_to_bytes/blosc_streams.rs",
        "calls the C library LZ4",
    ),
    (
        "zarr-codecs/src/bytes_to_bytes/byte_planes.rs",
        "calls what is compiled for AVX2, where the processor has it",
    ),
    (
        "zarr-codecs/src/bytes_to_bytes/deflate.rs",
        "calls the C library libdeflate",
    ),
    ("zarr-codecs/src/bytes_to_bytes/lz4.rs", "calls the C library LZ4"),
    (
        "zarr-codecs/src/bytes_to_bytes/lz4_block.rs",
        "bounds are checked once for some sequences, not for each copy",
    ),
    (
        "zarr-codecs/src/bytes_to_bytes/lz4_block/tests.rs",
        "compares with the C library LZ4",
    ),
    (
        "zarr-codecs/tests/it/memory.rs",
        "an allocator that counts is unsafe by its trait",
    ),
    (
        "zarr-core/src/output.rs",
        "threads fill parts of one output that do not overlap",
    ),
    (
        "zarr-h5bridge/src/child/limits.rs",
        "limits are set between the making of a process and its program",
    ),
    ("zarr-h5bridge/src/hdf5/libhdf5/", "calls the C library HDF5"),
    (
        "zarr-store/src/stores/lmdb/environment.rs",
        "LMDB maps its file into memory",
    ),
];

/// What stands for unfinished work.
const UNFINISHED: &[(&str, &str)] = &[
    ("todo!", "a placeholder must not be committed"),
    ("unimplemented!", "a placeholder must not be committed"),
    ("#[ignore", "a test runs or is deleted"),
];

/// Checks every Rust file below the root.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let mut findings = Vec::new();
    let mut tested = BTreeSet::new();
    for path in files {
        let source = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        findings.extend(check_file(&name, &source));
        tested.extend(defects::tested(&code_only(&source)));
    }
    let declared = std::fs::read_to_string(root.join(defects::DECLARED)).context(defects::DECLARED)?;
    findings.extend(defects::check(&declared, &tested));
    Ok(findings)
}

/// The Rust files of a directory and those below it, except hidden and built ones.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else if name.ends_with(".rs") {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn check_file(name: &str, source: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |line: usize, reason: String| {
        findings.push(Finding {
            file: name.to_owned(),
            line,
            reason,
        });
    };
    let (limit, lines) = size(name, source);
    if lines > limit {
        report(
            limit + 1,
            format!("{lines} lines, at most {limit}: split the file by theme"),
        );
    }
    let may_be_unsafe = UNSAFE
        .iter()
        .any(|(place, _)| *place == name || (place.ends_with('/') && name.starts_with(place)));
    for (index, line) in code_only(source).lines().enumerate() {
        if !may_be_unsafe && has_word(line, "unsafe") {
            report(
                index + 1,
                "unsafe only in the files listed in xtask/src/tidy/sources.rs".into(),
            );
        }
        for (word, reason) in UNFINISHED {
            if has_word(line, word) {
                report(index + 1, format!("{word}: {reason}"));
            }
        }
    }
    findings
}

/// The limit for a file and the lines that count against it.
fn size(name: &str, source: &str) -> (usize, usize) {
    let is_test = name
        .split('/')
        .any(|part| matches!(part, "tests" | "benches" | "tests.rs"));
    if is_test {
        return (TEST_LINES, source.lines().count());
    }
    let lines: Vec<&str> = source.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1] == "mod tests {");
    (SOURCE_LINES, tests.unwrap_or(lines.len()))
}

/// Whether a line of code has the word, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let ends_in_word = word.ends_with(is_word);
        !(before.is_some_and(is_word) || ends_in_word && after.is_some_and(is_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(name: &str, source: &str) -> Vec<(usize, String)> {
        check_file(name, source)
            .into_iter()
            .map(|finding| (finding.line, finding.reason))
            .collect()
    }

    fn lines(name: &str, source: &str) -> Vec<usize> {
        reasons(name, source).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn unsafe_is_found_only_as_code() {
        let source = "// unsafe\nlet a = \"unsafe\";\n#![deny(unsafe_code)]\nunsafe { f() }\n";
        assert_eq!(lines("zarr-core/src/array.rs", source), [4]);
        assert_eq!(
            lines("zarr-h5bridge/src/hdf5/libhdf5/types.rs", source),
            [0_usize; 0]
        );
        assert_eq!(lines("zarr-core/src/output.rs", source), [0_usize; 0]);
    }

    #[test]
    fn unfinished_work_is_found() {
        let source =
            "fn f() {\n    todo!()\n}\n#[ignore = \"slow\"]\nfn g() { my_todo!() }\nunimplemented!();\n";
        assert_eq!(lines("a/src/lib.rs", source), [2, 4, 6]);
    }

    #[test]
    fn the_tests_inside_a_file_do_not_count() {
        let code = "fn f() {}\n".repeat(SOURCE_LINES);
        let tests = format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n");
        assert_eq!(lines("a/src/lib.rs", &tests), [0_usize; 0]);
        assert_eq!(
            lines("a/src/lib.rs", &format!("{code}fn g() {{}}\n")),
            [SOURCE_LINES + 1]
        );
    }

    #[test]
    fn files_of_tests_have_a_limit_of_their_own() {
        let code = "fn f() {}\n".repeat(TEST_LINES);
        assert_eq!(lines("a/tests/it/main.rs", &code), [0_usize; 0]);
        assert_eq!(
            lines("a/src/read/tests.rs", &format!("{code}\n")),
            [TEST_LINES + 1]
        );
    }
}
