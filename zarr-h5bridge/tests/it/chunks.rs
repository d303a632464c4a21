//! Where chunks are: `hdf5/chunks.h5`, which begins with a user block.

use std::fs;

use zarr_h5bridge::hdf5::{Dataset, Error, File};

use super::{bytes, testdata, wave};

const SHAPE: [usize; 2] = [26, 37];
/// The bytes before the file that HDF5 counts addresses in.
const USER_BLOCK: u64 = 512;

/// The numbers of a chunk of 16 x 16 that starts at `offset`, zero beyond the dataset.
fn chunk(offset: &[u64]) -> Vec<u8> {
    let numbers = wave(SHAPE[0] * SHAPE[1], 7, 251);
    let places = (0..16).flat_map(|y| (0..16).map(move |x| (y, x)));
    let values = places.map(|(y, x)| {
        let (y, x) = (offset[0] as usize + y, offset[1] as usize + x);
        let is_inside = y < SHAPE[0] && x < SHAPE[1];
        if is_inside {
            numbers[y * SHAPE[1] + x] as i16
        } else {
            0
        }
    });
    bytes(values, i16::to_le_bytes)
}

fn dataset(name: &str) -> Dataset {
    let file = File::open(testdata("hdf5/chunks.h5")).unwrap();
    assert!(file.is_settled());
    file.dataset(name).unwrap()
}

#[test]
fn chunks_lie_where_the_index_says() {
    let plain = dataset("plain");
    let index = plain.chunk_index().unwrap();
    assert_eq!(index.len(), 2 * 3);
    for found in index.iter() {
        let mut stored = Vec::new();
        plain.read_chunk(found, &mut stored).unwrap();
        assert_eq!(stored, chunk(found.offset), "{found:?}");
    }
}

#[test]
fn masks_say_which_filters_were_left_out() {
    let masked = dataset("masked").chunk_index().unwrap();
    let mut masks: Vec<_> = masked
        .iter()
        .map(|c| (c.offset.to_vec(), c.filter_mask))
        .collect();
    masks.retain(|(_, mask)| *mask != 0);
    masks.sort();
    assert_eq!(masks, [(vec![0, 16], 0b11), (vec![16, 0], 0b10)]);
    let sparse = dataset("sparse").chunk_index().unwrap();
    let mut offsets: Vec<_> = sparse.iter().map(|c| c.offset.to_vec()).collect();
    offsets.sort();
    assert_eq!(offsets, [[0, 0], [16, 32]]);
}

#[test]
fn what_is_contiguous_lies_in_one_block() {
    let values = wave(SHAPE[0] * SHAPE[1], 7, 251);
    let values = bytes(values, |n| (n as f64 / 4.0).to_be_bytes());
    let contiguous = dataset("contiguous");
    let (address, size) = contiguous.stored_block().unwrap().unwrap();
    let mut stored = Vec::new();
    contiguous.file().read_bytes(address, size, &mut stored).unwrap();
    assert_eq!(stored, values);
    assert_eq!(dataset("unwritten").stored_block().unwrap(), None);
    assert_eq!(dataset("plain").stored_block().unwrap(), None);
}

/// The file with the only place of some bytes changed.
fn patched(from: &[u8], to: &[u8]) -> (tempfile::TempDir, File) {
    let mut content = fs::read(testdata("hdf5/chunks.h5")).unwrap();
    let places: Vec<_> = (0..content.len())
        .filter(|&at| content[at..].starts_with(from))
        .collect();
    let [place] = places[..] else {
        panic!("{} places have these bytes", places.len());
    };
    content[place..place + to.len()].copy_from_slice(to);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patched.h5");
    fs::write(&path, content).unwrap();
    let file = File::open(path).unwrap();
    (folder, file)
}

/// What the index has of the chunk at (0, 0): its size, mask, offset, and its address without the user block.
fn entry(name: &str) -> (Vec<u8>, u32, u64) {
    let index = dataset(name).chunk_index().unwrap();
    let first = index.iter().find(|c| c.offset == [0, 0]).unwrap();
    let size = u32::try_from(first.size_bytes).unwrap();
    let address = first.address - USER_BLOCK;
    (entry_bytes(size, [0, 0], address), size, address)
}

fn entry_bytes(size: u32, offset: [u64; 2], address: u64) -> Vec<u8> {
    let mut entry = [size, 0].map(u32::to_le_bytes).concat();
    // The last offset is that of the bytes of an element.
    entry.extend([offset[0], offset[1], 0, address].map(u64::to_le_bytes).concat());
    entry
}

#[test]
fn addresses_and_sizes_that_cannot_be_are_errors() {
    let (found, size, address) = entry("shuffle");
    let wrong = [
        (
            entry_bytes(size, [0, 0], 1 << 40),
            "lies beyond the end of the file",
        ),
        (
            entry_bytes(size, [0, 0], u64::MAX - 600),
            "lies beyond the end of the file",
        ),
        (
            entry_bytes(u32::MAX, [0, 0], address),
            "lies beyond the end of the file",
        ),
        (entry_bytes(size, [3, 0], address), "bad coordinate offset"),
    ];
    for (to, reason) in wrong {
        let (_folder, file) = patched(&found, &to);
        let error = file.dataset("shuffle").unwrap().chunk_index().unwrap_err();
        let Error::Library {
            object,
            reason: found,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert!(object == "/shuffle" && found.contains(reason), "{error}");
        file.dataset("gzip").unwrap().chunk_index().unwrap();
    }
}

#[test]
fn a_block_beyond_the_end_is_an_error() {
    let (address, size) = dataset("contiguous").stored_block().unwrap().unwrap();
    let entry = |address: u64| [address, size].map(u64::to_le_bytes).concat();
    for wrong in [1 << 50, u64::MAX - 500] {
        let (_folder, file) = patched(&entry(address - USER_BLOCK), &entry(wrong));
        let found = file
            .dataset("contiguous")
            .and_then(|dataset| dataset.stored_block());
        let error = found.unwrap_err();
        assert!(error.to_string().contains("/contiguous"), "{error}");
    }
}
