//! A directory to run the command in, and what is in it afterwards.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A temporary directory in which the command is run.
pub(crate) struct Place(TempDir);

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit status; -1 if a signal ended it.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A directory with `x.npy`, the numbers 0 to 5 as 32-bit integers, and `y.npy`, the same in two rows.
    pub(crate) fn with_arrays() -> Self {
        let place = Self::new();
        place.npy("x.npy", &[6], &[0, 1, 2, 3, 4, 5]);
        place.npy("y.npy", &[2, 3], &[0, 1, 2, 3, 4, 5]);
        place
    }

    /// As [`Self::with_arrays`], with both saved in `g.zarr` as `x` and `sub/y`, and chunks that would
    /// notice a flipped bit.
    pub(crate) fn with_group() -> Self {
        let place = Self::with_arrays();
        place.done("save g.zarr x=x.npy sub/y=y.npy --compressor zlib");
        place
    }

    /// The path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Reads a file of text.
    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Writes a NumPy file.
    pub(crate) fn npy(&self, name: &str, shape: &[u64], values: &[i32]) {
        self.write(name, &npy(shape, values));
    }

    /// The command, to be run in the directory.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zarr"));
        command
            .args(words)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the command with words.
    pub(crate) fn run_words(&self, words: &[&str]) -> Run {
        let output = self.command(words).output().unwrap();
        let run = Run {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!run.stderr.contains("panicked"), "{words:?}: {}", run.stderr);
        run
    }

    /// Runs the command with words that have no blanks in them.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs the command, which must succeed and say nothing on standard error; what it prints.
    pub(crate) fn done(&self, line: &str) -> String {
        let run = self.run(line);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{line}");
        run.stdout
    }

    /// Runs the command, which must fail with a status and one line of error that has some words in it, print
    /// nothing and leave every file as it was.
    #[track_caller]
    pub(crate) fn refused(&self, line: &str, status: i32, words: &[&str]) {
        self.refused_words(&line.split_whitespace().collect::<Vec<_>>(), status, words);
    }

    /// As [`Self::refused`].
    #[track_caller]
    pub(crate) fn refused_words(&self, line: &[&str], status: i32, words: &[&str]) {
        let before = self.files();
        let run = self.run_words(line);
        assert_eq!(run.status, status, "{line:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{line:?}");
        let message = run.stderr.strip_suffix('\n').unwrap();
        assert!(message.starts_with("zarr: "), "{line:?}: {message}");
        assert!(!message.contains(char::is_control), "{line:?}: {message:?}");
        for word in words {
            assert!(message.contains(word), "{line:?}: {message:?} lacks {word:?}");
        }
        let parts: Vec<_> = message.split(": ").collect();
        let repeated = parts.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(repeated, None, "{line:?}: {message}");
        self.assert_files(&before);
    }

    /// All files and directories, hidden ones too, with their contents.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut files = BTreeMap::new();
        let mut pending = vec![self.0.path().to_owned()];
        while let Some(folder) = pending.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let contents = if path.is_dir() {
                    pending.push(path.clone());
                    None
                } else {
                    fs::read(&path).ok()
                };
                files.insert(path, contents);
            }
        }
        files
    }

    /// Compares all files with what they were.
    #[track_caller]
    pub(crate) fn assert_files(&self, before: &BTreeMap<PathBuf, Option<Vec<u8>>>) {
        let after = self.files();
        let names = |files: &BTreeMap<PathBuf, _>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&after), names(before));
        let changed = after.iter().find(|(path, contents)| before[*path] != **contents);
        assert_eq!(changed.map(|(path, _)| path), None, "changed");
    }

    /// Makes a file the first half, or so, of what it is.
    pub(crate) fn cut(&self, name: &str, length: usize) {
        let bytes = self.read(name);
        self.write(name, &bytes[..length]);
    }
}

/// A NumPy file of 32-bit integers.
pub(crate) fn npy(shape: &[u64], values: &[i32]) -> Vec<u8> {
    let shape = match shape {
        [length] => format!("({length},)"),
        shape => {
            let lengths: Vec<_> = shape.iter().map(ToString::to_string).collect();
            format!("({})", lengths.join(", "))
        }
    };
    let header = format!("{{'descr': '<i4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    let mut bytes = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes()].concat();
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// The digests of all arrays in a store by path, read by the library; empty when nothing is there.
pub(crate) fn digests(store: &Path) -> BTreeMap<String, String> {
    use zarr_convenience::{
        Location, ZarrSource,
        core::{Node, Options},
        open_store,
    };
    let location = Location::with_path(store.to_str().unwrap(), "").unwrap();
    if !location.exists() {
        return BTreeMap::new();
    }
    #[cfg(feature = "hdf5")]
    if store.extension().is_some_and(|extension| extension == "h5") {
        let source = zarr_h5bridge::Hdf5Source::open(store).unwrap();
        return digests_of(&source, &source.root());
    }
    let store = open_store(&location, false).unwrap();
    let Some(node) = Node::find(&store, &location.path, &Options::default(), None).unwrap() else {
        return BTreeMap::new();
    };
    let source = ZarrSource::new(node);
    digests_of(&source, &source.root())
}

fn digests_of(
    source: &dyn zarr_convenience::Source,
    root: &zarr_convenience::SourceNode,
) -> BTreeMap<String, String> {
    let workers = zarr_convenience::core::Workers::default();
    let digests = zarr_convenience::digest(source, root, workers).unwrap();
    digests
        .into_iter()
        .map(|digest| (digest.path.to_string(), digest.hex))
        .collect()
}
