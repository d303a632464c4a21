//! HDF5 files that are malformed: each is an error that names the object and the reason, and in a process with limits
//! also those on which the HDF5 library crashes, or loops for ever.
//!
//! They are made of the small files in `testdata/hostile/` by changing some bytes, which are found by what the format says
//! is around them.

use std::{fs, io::Write, path::Path};

use crate::place::{Place, Run};

const LIMITS: [&str; 4] = ["--untrusted", "--untrusted-time=20", "--untrusted-memory", "1G"];
/// The size of the header of a node of a tree of groups or chunks.
const TREE_HEADER: usize = 24;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/hostile");
    fs::read(path.join(name)).unwrap()
}

fn u64s(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The bytes of a file that is changed.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn old() -> Self {
        Self(fixture("old.h5"))
    }

    /// Where a pattern begins, the first time from a place on.
    #[track_caller]
    fn find_from(&self, start: usize, pattern: &[u8]) -> usize {
        let found = self.0[start..]
            .windows(pattern.len())
            .position(|part| part == pattern);
        start + found.unwrap()
    }

    #[track_caller]
    fn find(&self, pattern: &[u8]) -> usize {
        self.find_from(0, pattern)
    }

    fn with(&self, at: usize, bytes: &[u8]) -> Self {
        let mut changed = self.clone();
        changed.0[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    }

    fn u64_at(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.0[at..at + 8].try_into().unwrap())
    }

    /// The first node of the tree of chunks of a dataset in two dimensions, whose chunks have so many bytes.
    fn chunk_tree(&self, chunk_size: u32) -> usize {
        let mut start = 0;
        loop {
            let at = self.find_from(start, b"TREE\x01\x00");
            // The last offset of the first key is 0; that of one beyond the last chunk is the size of an element.
            let n = u16::from_le_bytes([self.0[at + 6], self.0[at + 7]]) as usize;
            let key = u32::from_le_bytes(self.0[at + TREE_HEADER..][..4].try_into().unwrap());
            if n > 0 && (chunk_size == 0 || key == chunk_size) {
                return at;
            }
            start = at + 4;
        }
    }

    /// The file with another first chunk in the dataset `deflated`, of 4 x 8 numbers of 4 bytes.
    fn with_chunk(&self, chunk: &[u8]) -> Self {
        let tree = self.chunk_tree(30);
        let end = self.0.len() as u64;
        let mut changed = self
            .with(tree + TREE_HEADER, &(chunk.len() as u32).to_le_bytes())
            .with(tree + TREE_HEADER + 32, &u64s(&[end]))
            .with(40, &u64s(&[end + chunk.len() as u64]));
        changed.0.extend_from_slice(chunk);
        changed
    }
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Copies a file, with limits or without.
fn copy(place: &Place, bytes: &Bytes, limits: &[&str]) -> Run {
    place.write("case.h5", &bytes.0);
    let run = place.run_words(&[&["copy-all", "case.h5", "case.zarr", "--no-resume"], limits].concat());
    if run.status != 0 {
        assert!(!place.path("case.zarr").exists(), "{}", run.stderr);
    }
    run
}

/// The one line of an error, which names the file and has some words in it.
#[track_caller]
fn check_error(case: &str, run: &Run, words: &[&str]) {
    assert!(
        matches!(run.status, 4 | 5),
        "{case}: {} {}",
        run.status,
        run.stderr
    );
    let line = run.stderr.lines().last().unwrap_or_default();
    assert!(
        line.starts_with("zarr: ") && line.contains("case.h5"),
        "{case}: {line}"
    );
    for word in words {
        assert!(line.contains(word), "{case}: {line} lacks {word}");
    }
}

/// Copies a file both ways, which must be an error with words in it.
#[track_caller]
fn refused(case: &str, bytes: &Bytes, words: &[&str]) {
    let place = Place::new();
    for limits in [&[][..], &LIMITS] {
        check_error(case, &copy(&place, bytes, limits), words);
    }
}

/// Copies a file with limits, on which the library crashes or loops for ever without them.
#[track_caller]
fn ended(case: &str, bytes: &Bytes, words: &[&str]) {
    check_error(case, &copy(&Place::new(), bytes, &LIMITS), words);
}

/// Copies a file both ways, which works but for what standard error has to say.
#[track_caller]
fn reported(case: &str, bytes: &Bytes, words: &[&str]) {
    let place = Place::new();
    for limits in [&["-v"][..], &[&LIMITS[..], &["-v"]].concat()] {
        let run = copy(&place, bytes, limits);
        assert_eq!(run.status, 0, "{case}: {}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "{case}: {} lacks {word}", run.stderr);
        }
        fs::remove_dir_all(place.path("case.zarr")).unwrap();
    }
}

#[test]
fn whole_files_are_copied_within_limits_as_without() {
    for (name, n_nodes) in [("old.h5", "16 copied"), ("new.h5", "27 copied")] {
        let place = Place::new();
        for limits in [&[][..], &LIMITS] {
            let run = copy(&place, &Bytes(fixture(name)), limits);
            assert_eq!((run.status, run.stderr.as_str()), (0, ""));
            assert!(run.stdout.contains(n_nodes), "{}", run.stdout);
            fs::remove_dir_all(place.path("case.zarr")).unwrap();
        }
    }
}

#[test]
fn h126_cut_files_and_other_signatures() {
    let whole = Bytes::old();
    for (case, bytes) in [
        ("empty", Vec::new()),
        ("other signature", [b"\x89HDG", &whole.0[4..]].concat()),
        ("signature alone", whole.0[..8].to_vec()),
    ] {
        refused(case, &Bytes(bytes), &[]);
    }
    // Each place is tried in the library (zarr-h5bridge/tests/it/hostile.rs); here the way there.
    for len in (64..whole.0.len()).step_by(1984) {
        refused("cut", &Bytes(whole.0[..len].to_vec()), &["opening"]);
    }
}

#[test]
fn h127_superblocks_that_lie() {
    let (old, new) = (Bytes::old(), Bytes(fixture("new.h5")));
    refused("offset size 3", &old.with(13, b"\x03"), &["opening"]);
    refused("length size 3", &old.with(14, b"\x03"), &["opening"]);
    refused("offset size 3, new", &new.with(9, b"\x03"), &["opening"]);
    for far in [1 << 40, 1 << 63, u64::MAX - 1] {
        refused("base address beyond", &old.with(24, &u64s(&[far])), &["opening"]);
        refused("end of file beyond", &old.with(40, &u64s(&[far])), &["opening"]);
        refused("root beyond", &old.with(64, &u64s(&[far])), &["opening"]);
    }
}

#[test]
fn h128_trees_that_are_cycles_end_the_process_that_reads_them() {
    let old = Bytes::old();
    let root = old.find(b"TREE\x00\x00");
    let cycle = [b"\x01\x01\x00", &u64s(&[u64::MAX, u64::MAX, 0, root as u64])[..]].concat();
    ended(
        "group",
        &old.with(root + 5, &cycle),
        &["SIG", "ended the process that read it"],
    );
    let chunks = old.chunk_tree(30);
    let cycle = old
        .with(chunks + 5, b"\x01")
        .with(chunks + TREE_HEADER + 32, &u64s(&[chunks as u64]));
    ended("chunks", &cycle, &["SIG", "ended the process that read it"]);
}

#[test]
fn h128_headers_that_continue_in_themselves() {
    let old = Bytes::old();
    let message = b"\x10\x00\x10\x00\x00\x00\x00\x00";
    let root = old.find(message);
    let group = old.find_from(root + 1, message);
    for (at, object) in [(root, "`/`"), (group, "`/group`")] {
        let start = at as u64 - 16;
        let (block, size) = (old.u64_at(at + 8), old.u64_at(at + 16));
        refused("own header", &old.with(at + 8, &u64s(&[start, size])), &[object]);
        refused("beyond", &old.with(at + 8, &u64s(&[1 << 40, size])), &[object]);
        let again = [&message[..], &u64s(&[block, size])].concat();
        refused("block in itself", &old.with(block as usize, &again), &[object]);
    }
}

#[test]
fn h129_dataspaces_and_pieces_that_cannot_be() {
    let old = Bytes::old();
    let space = old.find(&[&b"\x01\x02\x01\x00\x00\x00\x00\x00"[..], &u64s(&[2, 3])].concat());
    let dims = space + 8;
    refused("2^62", &old.with(dims, &u64s(&[1 << 62, 1])), &["`/flat`"]);
    let grown = [1 << 62, 1 << 62, 1 << 62, 1 << 62];
    refused("2^124", &old.with(dims, &u64s(&grown)), &["`/flat`"]);
    refused(
        "2^62, as it may be",
        &old.with(dims, &u64s(&[1 << 62, 3, 1 << 62, 3])),
        &["`/flat`"],
    );
    refused("rank 33", &old.with(space + 1, &[33]), &["`/flat`", "dimension"]);
    refused(
        "rank 255",
        &old.with(space + 1, &[255]),
        &["`/flat`", "dimension"],
    );
    let chunked = old.find(&[&b"\x01\x02\x01\x00\x00\x00\x00\x00"[..], &u64s(&[5, 8])].concat());
    refused(
        "chunked, 2^62",
        &old.with(chunked + 8, &u64s(&[1 << 62, 8])),
        &["`/packed`"],
    );
    let layout = (0..old.0.len() - 18)
        .find(|at| old.0[*at..].starts_with(b"\x03\x01") && old.u64_at(at + 10) == 24)
        .unwrap();
    for far in [1 << 40, 1 << 63, old.0.len() as u64 - 8] {
        refused("data beyond", &old.with(layout + 2, &u64s(&[far])), &["`/flat`"]);
    }
}

#[test]
fn h130_filters_that_are_unknown_and_chunks_of_the_wrong_size() {
    let old = Bytes::old();
    let name = old.find_from(old.find(b"deflate\0") + 1, b"deflate\0");
    let unknown = old.with(name - 8, &9999_u16.to_le_bytes());
    reported("unknown filter", &unknown, &["/deflated", "filter 9999"]);
    let run = copy(&Place::new(), &unknown, &["--strict"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    // A chunk has 128 bytes.
    reported("right size", &old.with_chunk(&deflated(&[0; 128])), &[]);
    let chunk = "`/deflated` in `case.h5`, chunk [0, 0]";
    refused(
        "short",
        &old.with_chunk(&deflated(&[0; 100])),
        &[chunk, "100 bytes"],
    );
    refused(
        "long",
        &old.with_chunk(&deflated(&[0; 129])),
        &[chunk, "more than 128"],
    );
    refused(
        "bomb",
        &old.with_chunk(&deflated(&vec![0; 1 << 26])),
        &[chunk, "more than 128"],
    );
    refused("no deflate", &old.with_chunk(b"no deflate"), &[chunk, "corrupt"]);
    let tree = old.chunk_tree(30) + TREE_HEADER;
    refused(
        "size",
        &old.with(tree, &[255; 4]),
        &["`/deflated`", "beyond the end"],
    );
    refused("mask", &old.with(tree + 4, &[1]), &[chunk, "30 bytes"]);
    refused(
        "offset",
        &old.with(tree + 8, &u64s(&[1 << 40])),
        &["`/deflated`", "outside of the grid"],
    );
    refused(
        "address",
        &old.with(tree + 32, &u64s(&[1 << 40])),
        &["`/deflated`", "beyond the end"],
    );
}

#[test]
fn h130_a_bomb_that_only_the_library_can_open_costs_no_more_than_the_limit() {
    // The library inflates for texts; 256 MiB of zeros are 256 KiB.
    let bomb = deflated(&vec![0; 1 << 28]);
    let place = Place::new();
    place.write("case.h5", &Bytes(fixture("vlen.h5")).with_first_chunk(&bomb).0);
    let run = place.run("load case.h5/texts --untrusted --untrusted-memory 128M --untrusted-time 20");
    check_error("bomb", &run, &[]);
}

impl Bytes {
    /// The file with another chunk in its only chunked dataset, which has one dimension.
    fn with_first_chunk(&self, chunk: &[u8]) -> Self {
        let tree = self.find(b"TREE\x01\x00");
        let end = self.0.len() as u64;
        let mut changed = self
            .with(tree + TREE_HEADER, &(chunk.len() as u32).to_le_bytes())
            .with(tree + TREE_HEADER + 24, &u64s(&[end]))
            .with(40, &u64s(&[end + chunk.len() as u64]));
        changed.0.extend_from_slice(chunk);
        changed
    }
}

/// Where other files would be, there are pipes without another end: whoever opens one waits for ever.
#[cfg(unix)]
#[test]
fn h131_other_files_are_not_even_opened() {
    let place = Place::new();
    place.write("case.h5", &fixture("outside.h5"));
    for name in ["other.h5", "other.raw"] {
        let made = std::process::Command::new("mkfifo")
            .arg(place.path(name))
            .status();
        assert!(made.unwrap().success());
    }
    let limits = "--untrusted --untrusted-time 20";
    for way in [limits, ""] {
        let copied = place.run(&format!("copy-all case.h5 case.zarr {way}"));
        assert_eq!(copied.status, 0, "{}", copied.stderr);
        for lost in [
            "/raw: dataset whose data lie in other files",
            "/virtual: virtual dataset",
        ] {
            assert!(copied.stderr.contains(lost), "{}", copied.stderr);
        }
        assert_eq!(place.done(&format!("load case.h5/kept {way}")), "[0 1 2]\n");
        assert!(!place.path("case.zarr/raw").exists() && !place.path("case.zarr/link").exists());
        fs::remove_dir_all(place.path("case.zarr")).unwrap();
        let strict = place.run(&format!("copy-all case.h5 case.zarr --strict {way}"));
        assert_eq!(strict.status, 1, "{}", strict.stderr);
        assert!(!place.path("case.zarr").exists());
        for (name, what) in [
            ("link", "external link to '/secret' in 'other.h5'"),
            ("soft", "link to '/link', outside the file"),
            ("raw", "data lie in other files"),
            ("virtual", "virtual dataset"),
        ] {
            let run = place.run(&format!("load case.h5/{name} {way}"));
            assert_ne!(run.status, 0);
            assert!(
                run.stderr.contains(name) && run.stderr.contains(what),
                "{}",
                run.stderr
            );
        }
    }
}

#[test]
fn h132_links_in_cycles_and_names_that_no_node_can_have() {
    let old = Bytes::old();
    // The second node of symbols is that of /group, whose only member becomes the root, or the group.
    let symbols = old.find_from(old.find(b"SNOD") + 1, b"SNOD");
    let (root, group) = (old.u64_at(64), old.u64_at(old.find(b"SNOD") + 8 + 40 * 3 + 8));
    for address in [root, group] {
        let cycle = old.with(symbols + 16, &u64s(&[address]));
        reported(
            "hard link back",
            &cycle,
            &["/group/inner", "another name of an object"],
        );
    }
    refused(
        "nowhere",
        &old.with(symbols + 16, &u64s(&[1 << 40])),
        &["`/group/inner`"],
    );
    refused(
        "no object",
        &old.with(symbols + 16, &u64s(&[2048])),
        &["`/group/inner`"],
    );
    let soft = old.find(b"/group/inner\0");
    reported(
        "soft loop",
        &old.with(soft, b"/soft\0\0\0\0\0\0\0"),
        &["/soft", "soft link"],
    );
    let name = old.find(b"aXb");
    for (bytes, shown) in [
        (&b"..\0"[..], "link '..'"),
        (b".\0\0", "link '.'"),
        (b"a/b", "link 'a/b'"),
        (b"../", "link '../'"),
        (b"a\x1bb", "link 'a\\u{1b}b'"),
        (b"\xff\xfe\xfd", "it is not UTF-8"),
    ] {
        reported(
            shown,
            &old.with(name, bytes),
            &["not carried over: /names/", shown],
        );
    }
    refused(
        "empty name",
        &old.with(name, b"\0\0\0"),
        &["`/names`", "invalid link name"],
    );
}

#[test]
fn h133_values_whose_heap_is_elsewhere() {
    let old = Bytes::old();
    let heap = old.find(b"GCOL");
    // The elements of `texts`: a length, the address of the heap, and a number in it.
    let texts = old.find(&[&3_u32.to_le_bytes()[..], &u64s(&[heap as u64])].concat());
    for (case, address) in [
        ("beyond", 1 << 40),
        ("no heap", 8),
        ("in the heap", heap as u64 + 8),
        ("undefined", u64::MAX),
    ] {
        refused(
            case,
            &old.with(texts + 4, &u64s(&[address])),
            &["`/texts`", "reading"],
        );
    }
    refused(
        "number",
        &old.with(texts + 12, &9999_u32.to_le_bytes()),
        &["`/texts`"],
    );
    refused(
        "length",
        &old.with(texts, &0x7fff_ffff_u32.to_le_bytes()),
        &["`/texts`"],
    );
    refused("signature", &old.with(heap, b"XXXX"), &["heap"]);
    refused("size", &old.with(heap + 8, &u64s(&[1 << 40])), &["case.h5"]);
    refused("small", &old.with(heap + 8, &u64s(&[16])), &["heap size"]);
    refused("object", &old.with(heap + 24, &u64s(&[1 << 40])), &["case.h5"]);
}

#[test]
fn h133_references_to_no_object() {
    let old = Bytes::old();
    let symbols = old.find(b"SNOD");
    let entry = |n: usize| old.u64_at(symbols + 8 + 40 * n + 8);
    // /group and /flat, as `references` has them.
    let at = old.find(&u64s(&[entry(3), entry(2)]));
    for address in [1 << 40, 7, u64::MAX - 1] {
        let place = Place::new();
        for limits in [&[][..], &LIMITS] {
            let run = copy(&place, &old.with(at, &u64s(&[address])), limits);
            // What leads to no object is shown by its address, or refused; it never crashes.
            if run.status == 0 {
                let shown = place.done("load case.zarr/references");
                assert!(
                    shown.contains(&format!("{address}")) || shown.contains("''"),
                    "{shown}"
                );
                fs::remove_dir_all(place.path("case.zarr")).unwrap();
            } else {
                check_error("reference", &run, &["`/references`"]);
            }
        }
    }
}
