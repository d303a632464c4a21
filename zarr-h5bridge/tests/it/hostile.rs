use std::fs;
use std::path::Path;

use zarr_h5bridge::hdf5::{Error, File, Group, LinkKind, Object, is_hdf5};

use super::testdata;

/// Reads all there is, without caring what it is, and gives the number of failures.
fn read_everything(file: &File) -> usize {
    fn attributes<T, E>(names: Result<Vec<T>, E>, read: impl Fn(&T) -> bool) -> usize {
        names.map_or(1, |names| names.iter().filter(|name| !read(name)).count())
    }
    fn walk(group: &Group, depth: usize) -> usize {
        let mut failures = attributes(group.attribute_names(), |name| group.attribute(name).is_ok());
        let Ok(links) = group.links() else {
            return failures + 1;
        };
        for link in links
            .iter()
            .filter(|link| matches!(link.kind, LinkKind::Hard { .. }) && depth < 5)
        {
            failures += match group.open(&link.name) {
                Ok(Object::Group(group)) => walk(&group, depth + 1),
                Ok(Object::Dataset(dataset)) => {
                    let index = dataset.chunk_index();
                    attributes(dataset.attribute_names(), |name| dataset.attribute(name).is_ok())
                        + usize::from(dataset.read_all().is_err())
                        + usize::from(matches!(index, Err(Error::Library { .. })))
                }
                Ok(Object::NamedType(_)) => 0,
                Err(_) => 1,
            };
        }
        failures
    }
    file.root().map_or(1, |root| walk(&root, 0))
}

#[test]
fn an_absent_file_is_an_io_error() {
    let error = File::open("no/such/file.h5").unwrap_err();
    assert!(matches!(&error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound));
    assert_eq!(error.to_string(), "opening `no/such/file.h5`");
    assert!(is_hdf5("no/such/file.h5").is_err());
}

#[test]
fn other_files_are_not_hdf5() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.h5");
    for content in [&b""[..], b"\x89HDF", b"CDF\x01 something else", &[0; 5000]] {
        fs::write(&path, content).unwrap();
        assert!(!is_hdf5(&path).unwrap());
        assert!(matches!(File::open(&path), Err(Error::NotHdf5 { .. })));
    }
    assert!(matches!(
        File::open(folder.path()),
        Err(Error::NotHdf5 { .. } | Error::Io { .. })
    ));
    fs::write(&path, b"\x89HDF\r\n\x1a\n").unwrap();
    assert!(is_hdf5(&path).unwrap());
    assert!(matches!(File::open(&path), Err(Error::Library { .. })));
    assert!(is_hdf5(testdata("sample.h5")).unwrap() && is_hdf5(testdata("awkward.h5")).unwrap());
}

#[cfg(unix)]
#[test]
fn a_pipe_and_a_socket_are_refused_before_they_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, socket) = (folder.path().join("pipe.h5"), folder.path().join("socket.h5"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, what) in [(&pipe, "it is a pipe"), (&socket, "it is a socket")] {
        for error in [File::open(path).unwrap_err(), is_hdf5(path).unwrap_err()] {
            let cause = std::error::Error::source(&error).unwrap();
            assert_eq!(cause.to_string(), what, "{error}");
        }
    }
}

#[test]
fn whole_files_are_read_whole() {
    // Opening a source gives the library the filters that it lacks.
    drop(super::bridge::source("sample.h5"));
    assert_eq!(read_everything(&File::open(testdata("sample.h5")).unwrap()), 0);
    // Two lie outside of the file.
    let failures = read_everything(&File::open(testdata("awkward.h5")).unwrap());
    assert_eq!(failures, 2);
}

fn cut(name: &str, scratch: &Path, step: usize) {
    let whole = fs::read(testdata(name)).unwrap();
    for len in (0..whole.len())
        .step_by(step)
        .chain(whole.len() - 16..whole.len())
    {
        fs::write(scratch, &whole[..len]).unwrap();
        match File::open(scratch) {
            Ok(file) => panic!(
                "{name} cut at {len} opens, with {} failures",
                read_everything(&file)
            ),
            Err(Error::NotHdf5 { .. }) => assert!(len < 520, "{name} cut at {len}"),
            Err(Error::Library { reason, .. }) => {
                assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}");
            }
            Err(error) => panic!("{name} cut at {len}: {error:?}"),
        }
    }
}

#[test]
fn cut_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    cut("sample.h5", &folder.path().join("cut.h5"), 97);
    cut("awkward.h5", &folder.path().join("cut.h5"), 61);
}

#[test]
fn a_file_that_loses_its_tail_while_open_gives_errors() {
    // Only what is read without the library: the library itself takes the lost bytes for zero bytes,
    // and loops for ever where a heap of texts was.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shrinks.h5");
    fs::copy(testdata("sample.h5"), &path).unwrap();
    let file = File::open(&path).unwrap();
    let dataset = file.dataset("/atmosphere/surface/cover").unwrap();
    let index = dataset.chunk_index().unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(100)
        .unwrap();
    for chunk in index.iter() {
        assert!(matches!(
            dataset.read_chunk(chunk, &mut Vec::new()),
            Err(Error::Io { .. })
        ));
    }
}

#[test]
fn bytes_beyond_the_end_are_refused_before_memory_is_taken() {
    let file = super::sample();
    for (address, size) in [(0, u64::MAX), (u64::MAX, 1), (file.len_bytes(), 1), (1, 1 << 50)] {
        assert!(matches!(
            file.read_bytes(address, size, &mut Vec::new()),
            Err(Error::Damaged { .. })
        ));
    }
}

#[test]
fn errors_are_small_and_in_one_line() {
    assert!(size_of::<Error>() <= 128);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.h5");
    fs::write(&path, &fs::read(testdata("sample.h5")).unwrap()[..2000]).unwrap();
    let message = File::open(&path).unwrap_err().to_string();
    assert!(
        message.contains("truncated file") && !message.contains('\n'),
        "{message}"
    );
}

#[test]
fn a_file_that_is_open_several_times_is_read_while_some_are_closed() {
    // To the library it is one file: where it was several, closing one left pointers to it in what others had open.
    let read = || {
        for _ in 0..100 {
            let files = [
                File::open(testdata("hdf5/types.h5")),
                File::open(testdata("hdf5/types.h5")),
            ];
            let [first, second] = files.map(|file| file.unwrap());
            let paths = ["/vstr_s", "/comp_vlen", "/comp_vstr"];
            let datasets = paths.map(|path| (first.dataset(path).unwrap(), second.dataset(path).unwrap()));
            drop(second);
            for (first, second) in datasets {
                drop(second);
                assert!(first.read_all().is_ok(), "{}", first.path());
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(read);
        }
    });
}
