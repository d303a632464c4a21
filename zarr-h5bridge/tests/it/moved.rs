//! Chunks that are moved as they are stored, from `hdf5/chunks.h5` and back: nothing of what they hold may change.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{Group, Node, NodePath, Options, Selection, Workers, ZarrFormat};
use zarr_convenience::{
    CopyOptions, Creation, Error, Report, Sink, Source, Way, ZarrSource, copy_all, plan_copy_all,
};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source, hdf5};

use super::bridge::array;
use super::{fixed, testdata};

const FILE: &str = "hdf5/chunks.h5";

/// Chunks by their offsets: their masks and bytes.
type Stored = BTreeMap<Vec<u64>, (u32, Vec<u8>)>;

/// The chunks of a dataset.
fn stored(path: &Path, dataset: &str) -> Stored {
    let file = hdf5::File::open(path).unwrap();
    let dataset = file.dataset(dataset).unwrap();
    let index = dataset.chunk_index().unwrap();
    let chunk = |chunk: hdf5::Chunk<'_>| {
        let mut bytes = Vec::new();
        dataset.read_chunk(chunk, &mut bytes).unwrap();
        (chunk.offset.to_vec(), (chunk.filter_mask, bytes))
    };
    index.iter().map(chunk).collect()
}

fn group(format: ZarrFormat) -> Group {
    let store = Arc::new(MemoryStore::new());
    Group::create(store, &NodePath::root(), format, &Options::default()).unwrap()
}

fn keeping() -> Creation {
    Creation {
        keeps_codecs: true,
        ..Creation::default()
    }
}

fn options(creation: Creation) -> CopyOptions<'static> {
    CopyOptions {
        creation,
        workers: Workers::new(3),
        ..CopyOptions::default()
    }
}

fn source(path: &Path, format: ZarrFormat) -> Hdf5Source {
    let source = Hdf5Source::open(path).unwrap();
    source.keeping_originals().for_format(format)
}

fn copied(path: &Path, format: ZarrFormat, creation: Creation) -> Result<(Group, Report), Error> {
    let dest = group(format);
    let report = copy_all(&source(path, format), &NodePath::root(), &dest, options(creation))?;
    Ok((dest, report))
}

/// Way and reason of each array.
fn ways(source: &dyn Source, dest: &dyn Sink, creation: Creation) -> BTreeMap<String, (Way, String)> {
    let plan = plan_copy_all(source, &NodePath::root(), dest, &options(creation)).unwrap();
    let steps = plan.steps.into_iter();
    steps
        .filter_map(|step| {
            let route = step.route?;
            Some((step.source.name().to_owned(), (route.way, route.reason)))
        })
        .collect()
}

const AGREE: &str = "chunk shape, codecs and fill value agree";
const STRIPPED: &str = "chunk shape, filters and fill value agree: their checksums are checked and left out";
const FRAMED: &str =
    "chunk shape, filters and fill value agree: the data of zlib are put into frames of gzip";
const BOTH: &str = "chunk shape, filters and fill value agree: their checksums are checked and left out, and the data \
                    of zlib are put into frames of gzip";

#[test]
fn plans_say_how_each_array_goes_and_why() {
    let own = [
        ("contiguous", Way::Recode, "the dataset is not in chunks"),
        ("unwritten", Way::Recode, "the dataset is not in chunks"),
        ("gaps", Way::Recode, "its elements have another form in Zarr"),
        ("plain", Way::Move, AGREE),
        ("shuffled", Way::Move, AGREE),
        ("checked", Way::Move, STRIPPED),
    ];
    let packed = [
        "gzip", "shuffle", "growing", "sparse", "masked", "record", "text", "truth", "pairs",
    ];
    for (format, whole, sealed) in [(ZarrFormat::V2, AGREE, STRIPPED), (ZarrFormat::V3, FRAMED, BOTH)] {
        let source = source(&testdata(FILE), format);
        let found = ways(&source, &group(format), keeping());
        let sealed = ["fletcher", "big"].map(|name| (name, Way::Move, sealed));
        let packed = packed.map(|name| (name, Way::Move, whole));
        for (name, way, reason) in own.iter().copied().chain(sealed).chain(packed) {
            assert_eq!(found[name], (way, reason.to_owned()), "{name} {format}");
        }
        let (way, reason) = &found["lzf"];
        assert!(
            *way == Way::Recode && reason.starts_with("the codecs differ: bytes, hdf5.lzf"),
            "{reason}"
        );
    }
    let source = source(&testdata(FILE), ZarrFormat::V2);
    let found = ways(&source, &group(ZarrFormat::V2), Creation::default());
    let reason = "the codecs differ: bytes, numcodecs.shuffle, numcodecs.zlib become bytes, blosc";
    assert_eq!(found["shuffle"], (Way::Recode, reason.to_owned()));
}

/// The bytes between the frames of `zlib`, of `gzip`.
fn deflated(zlib: &[u8]) -> &[u8] {
    &zlib[2..zlib.len() - 4]
}

#[test]
fn encoded_chunks_are_the_same_bytes() {
    let (dest, _) = copied(&testdata(FILE), ZarrFormat::V2, keeping()).unwrap();
    let (dest_v3, _) = copied(&testdata(FILE), ZarrFormat::V3, keeping()).unwrap();
    let mut n_chunks = 0;
    for (name, n_checksum, is_zlib) in [
        ("gzip", 0, true),
        ("shuffle", 0, true),
        ("growing", 0, true),
        ("sparse", 0, true),
        ("masked", 0, true),
        ("record", 0, true),
        ("text", 0, true),
        ("truth", 0, true),
        ("pairs", 0, true),
        ("fletcher", 4, true),
        ("big", 4, true),
        ("plain", 0, false),
        ("shuffled", 0, false),
        ("checked", 4, false),
    ] {
        let chunks = stored(&testdata(FILE), name);
        let (copy, copy_v3) = (array(&dest, name), array(&dest_v3, name));
        assert_eq!(copy.stored_chunks().unwrap().len(), chunks.len(), "{name}");
        for (offset, (mask, bytes)) in chunks {
            let mut position: Vec<_> = offset.iter().map(|at| at / 16).collect();
            position.resize(copy.ndim(), 0);
            let encoded = copy.read_encoded_chunk(&position).unwrap().unwrap();
            if mask != 0 {
                assert_ne!(encoded, bytes, "{name} {offset:?}");
                continue;
            }
            let bytes = &bytes[..bytes.len() - n_checksum];
            assert_eq!(encoded, bytes, "{name} {offset:?}");
            let encoded = copy_v3.read_encoded_chunk(&position).unwrap().unwrap();
            if is_zlib {
                assert_eq!(encoded[..4], [0x1f, 0x8b, 8, 0], "{name} {offset:?}");
                assert_eq!(
                    &encoded[10..encoded.len() - 8],
                    deflated(bytes),
                    "{name} {offset:?}"
                );
            } else {
                assert_eq!(encoded, bytes, "{name} {offset:?}");
            }
            n_chunks += 1;
        }
    }
    assert_eq!(n_chunks, 12 * 6 + 2 + 4);
}

#[test]
fn values_are_those_of_a_copy_through_the_library() {
    // Arrays of any other chunks are put together of parts of chunks.
    let other = Creation {
        chunks: Some(zarr_convenience::Chunks::Each(11)),
        ..Creation::default()
    };
    let file = hdf5::File::open(testdata(FILE)).unwrap();
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let names = ways(&source(&testdata(FILE), format), &group(format), keeping());
        assert_eq!(names.len(), 18);
        let copies = [keeping(), Creation::default(), other.clone()]
            .map(|creation| copied(&testdata(FILE), format, creation).unwrap().0);
        for name in names.keys() {
            let values = |dest: &Group| array(dest, name).read_data(&Selection::all()).unwrap();
            let [kept, recoded, rechunked] = [0, 1, 2].map(|n| values(&copies[n]));
            assert_eq!(kept.buffer, recoded.buffer, "{name} {format}");
            assert_eq!(kept.buffer, rechunked.buffer, "{name} {format}");
            if stored_type(name) != "records" {
                let mut bytes = fixed(file.dataset(name).unwrap().read_all().unwrap());
                if stored_type(name) == ">f8" {
                    bytes
                        .as_chunks_mut::<8>()
                        .0
                        .iter_mut()
                        .for_each(|number| number.reverse());
                }
                assert_eq!(kept.buffer.elements, bytes, "{name} {format}");
            }
        }
    }
}

/// How the elements of a dataset are stored, as far as they are no records.
fn stored_type(name: &str) -> &'static str {
    match name {
        "big" | "contiguous" => ">f8",
        "truth" => "|b1",
        "text" => "|S4",
        "record" | "gaps" => "records",
        _ => "<i2",
    }
}

/// A copy of the file in which a byte of a chunk is another.
fn damaged(dataset: &str, offset: &[u64], place: usize) -> (tempfile::TempDir, std::path::PathBuf) {
    let file = hdf5::File::open(testdata(FILE)).unwrap();
    let index = file.dataset(dataset).unwrap().chunk_index().unwrap();
    let chunk = index.iter().find(|chunk| chunk.offset == offset).unwrap();
    let mut bytes = fs::read(testdata(FILE)).unwrap();
    bytes[chunk.address as usize + place] ^= 0x40;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.h5");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn damage_is_found_on_the_way_and_names_dataset_and_chunk() {
    for (dataset, words) in [
        ("fletcher", "fletcher32"),
        ("checked", "fletcher32"),
        ("gzip", "zlib"),
        ("shuffle", "zlib"),
    ] {
        let (_folder, path) = damaged(dataset, &[16, 32], 60);
        for format in [ZarrFormat::V2, ZarrFormat::V3] {
            for creation in [keeping(), Creation::default()] {
                let error = copied(&path, format, creation).unwrap_err().to_string();
                let is_named = error.contains(&format!("`/{dataset}`")) && error.contains("chunk [1, 2]");
                assert!(is_named && error.contains(words), "{dataset} {format}: {error}");
            }
        }
    }
}

#[test]
fn chunks_that_are_trusted_go_as_they_are() {
    let trusting = || Creation {
        trusts_chunks: true,
        ..keeping()
    };
    let (_folder, path) = damaged("gzip", &[16, 32], 60);
    let (dest, _) = copied(&path, ZarrFormat::V2, trusting()).unwrap();
    let copy = array(&dest, "gzip");
    let encoded = copy.read_encoded_chunk(&[1, 2]).unwrap().unwrap();
    assert_eq!(encoded, stored(&path, "gzip")[&vec![16, 32]].1);
    assert!(copy.read_data(&Selection::all()).is_err());
    // What needs a new frame or loses its checksum is proven in any case.
    assert!(copied(&path, ZarrFormat::V3, trusting()).is_err());
    let (_folder, path) = damaged("fletcher", &[16, 32], 60);
    assert!(copied(&path, ZarrFormat::V2, trusting()).is_err());
}

#[test]
fn damage_in_zarr_does_not_go_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let (from, _) = copied(&testdata(FILE), format, keeping()).unwrap();
        let wrong = array(&from, "shuffle");
        let mut encoded = wrong.read_encoded_chunk(&[1, 0]).unwrap().unwrap().to_vec();
        encoded[50] ^= 2;
        wrong.write_encoded_chunk(&[1, 0], &encoded).unwrap();
        let source = ZarrSource::new(Node::Group(from));
        let copy = |name: &str, creation| {
            let sink = Hdf5Sink::create(folder.path().join(name)).unwrap();
            copy_all(&source, &NodePath::root(), &sink, options(creation))
        };
        let error = copy(&format!("{format}.h5"), Creation::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("`/shuffle`, chunk [1, 0]"), "{error}");
        let trusting = Creation {
            trusts_chunks: true,
            ..Creation::default()
        };
        // Another frame has a checksum that must be made.
        let trusted = copy(&format!("trusted{format}.h5"), trusting);
        assert_eq!(trusted.is_ok(), format == ZarrFormat::V2);
    }
}

/// Copies a hierarchy into a new file, and shows its arrays' ways there.
fn back(from: &Group, path: &Path, creation: Creation) -> BTreeMap<String, (Way, String)> {
    let source = ZarrSource::new(Node::Group(from.clone()));
    let ways = ways(&source, &Hdf5Sink::look(path).unwrap(), creation.clone());
    let sink = Hdf5Sink::create(path).unwrap();
    copy_all(&source, &NodePath::root(), &sink, options(creation)).unwrap();
    ways
}

#[test]
fn chunks_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    for (format, whole) in [
        (ZarrFormat::V2, AGREE),
        (
            ZarrFormat::V3,
            "chunk shape, filters and fill value agree: the data of gzip are put into frames of zlib",
        ),
    ] {
        let (dest, _) = copied(&testdata(FILE), format, keeping()).unwrap();
        let path = folder.path().join(format!("{format}.h5"));
        let ways = back(&dest, &path, Creation::default());
        for name in [
            "gzip", "shuffle", "growing", "sparse", "text", "truth", "pairs", "record",
        ] {
            assert_eq!(ways[name], (Way::Move, whole.to_owned()), "{name}");
        }
        assert!(
            ways["fletcher"].1.ends_with("checksums are added"),
            "{:?}",
            ways["fletcher"]
        );
        for name in [
            "gzip", "shuffle", "growing", "sparse", "text", "truth", "pairs", "record", "fletcher", "big",
        ] {
            let (found, before) = (stored(&path, name), stored(&testdata(FILE), name));
            assert_eq!(found.len(), before.len(), "{name}");
            for (offset, (mask, bytes)) in &found {
                let before = &before[offset];
                if format == ZarrFormat::V2 {
                    assert_eq!((mask, bytes), (&before.0, &before.1), "{name} {offset:?}");
                } else if name != "fletcher" && name != "big" {
                    assert_eq!(deflated(bytes), deflated(&before.1), "{name} {offset:?}");
                }
            }
        }
        // Through the library, with its own filters.
        let (file, before) = (
            hdf5::File::open(&path).unwrap(),
            hdf5::File::open(testdata(FILE)).unwrap(),
        );
        for name in ways.keys() {
            let (found, before) = (file.dataset(name).unwrap(), before.dataset(name).unwrap());
            assert_eq!(found.info().datatype, before.info().datatype, "{name}");
            assert_eq!(found.info().filters, before.info().filters, "{name}");
            let (found, before) = (
                fixed(found.read_all().unwrap()),
                fixed(before.read_all().unwrap()),
            );
            // What lies between the fields of a record is lost.
            if name != "gaps" {
                assert_eq!(found, before, "{name} {format}");
            }
        }
    }
}

#[test]
fn chunks_go_from_file_to_file_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.h5");
    let source = source(&testdata(FILE), ZarrFormat::V2);
    let ways = ways(&source, &Hdf5Sink::look(&path).unwrap(), Creation::default());
    let sink = Hdf5Sink::create(&path).unwrap();
    copy_all(&source, &NodePath::root(), &sink, options(Creation::default())).unwrap();
    drop(sink);
    for name in ways.keys() {
        let before = stored_or_none(&testdata(FILE), name);
        if name == "masked" {
            // Whatever went through fewer filters goes through all.
            assert!(stored(&path, name).values().all(|(mask, _)| *mask == 0));
        } else {
            assert_eq!(stored_or_none(&path, name), before, "{name}");
        }
        assert_eq!(
            ways[name].0 == Way::Move,
            before.is_some(),
            "{name} {:?}",
            ways[name]
        );
    }
    let reason = "its values lie in one piece, which the HDF5 library writes";
    assert_eq!(ways["contiguous"], (Way::Recode, reason.to_owned()));
}

fn stored_or_none(path: &Path, name: &str) -> Option<Stored> {
    let file = hdf5::File::open(path).unwrap();
    let is_chunked = file.dataset(name).unwrap().chunk_index().is_ok();
    is_chunked.then(|| stored(path, name))
}

#[test]
fn what_is_encoded_here_is_read_by_the_library() {
    let folder = tempfile::tempdir().unwrap();
    // Blosc on the other side, so that all values are decoded and encoded anew.
    let (dest, _) = copied(&testdata(FILE), ZarrFormat::V2, Creation::default()).unwrap();
    let asked = |compressor: Value, filters: &[Value]| Creation {
        compressor: Some(Some(compressor).filter(|compressor| !compressor.is_null())),
        filters: Some(Some(filters.to_vec())),
        ..Creation::default()
    };
    let (shuffle, fletcher32) = (json!({"id": "shuffle"}), json!({"id": "fletcher32"}));
    let zlib = |level: u64| json!({"id": "zlib", "level": level});
    for (number, (creation, ids)) in [
        (asked(zlib(1), std::slice::from_ref(&shuffle)), vec![2, 1]),
        (
            asked(zlib(9), &[fletcher32.clone(), shuffle.clone()]),
            vec![2, 1, 3],
        ),
        (asked(Value::Null, &[fletcher32]), vec![3]),
        (asked(json!({"id": "gzip"}), &[]), vec![1]),
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path().join(format!("{number}.h5"));
        let ways = back(&dest, &path, creation);
        let (file, before) = (
            hdf5::File::open(&path).unwrap(),
            hdf5::File::open(testdata(FILE)).unwrap(),
        );
        for name in ways.keys().filter(|name| *name != "gaps") {
            let (found, before) = (file.dataset(name).unwrap(), before.dataset(name).unwrap());
            let is_chunked = before.chunk_index().is_ok();
            if is_chunked {
                let found: Vec<_> = found.info().filters.iter().map(|filter| filter.id).collect();
                assert_eq!(found, ids, "{name}");
            }
            assert_eq!(
                fixed(found.read_all().unwrap()),
                fixed(before.read_all().unwrap()),
                "{name}"
            );
        }
        let sparse: Vec<_> = stored(&path, "sparse").into_keys().collect();
        assert_eq!(sparse, [[0, 0], [16, 32]]);
    }
}

#[test]
fn whatever_thread_is_first_the_file_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (dest, _) = copied(&testdata(FILE), ZarrFormat::V2, Creation::default()).unwrap();
    let addresses = |number: usize| -> Vec<_> {
        let path = folder.path().join(format!("{number}.h5"));
        let ways = back(&dest, &path, Creation::default());
        let file = hdf5::File::open(&path).unwrap();
        let chunks = |name: &String| {
            let index = file.dataset(name).unwrap().chunk_index().ok()?;
            let chunk = |chunk: hdf5::Chunk<'_>| (chunk.offset.to_vec(), chunk.address, chunk.size_bytes);
            Some(index.iter().map(chunk).collect::<Vec<_>>())
        };
        ways.keys().filter_map(chunks).collect()
    };
    let first = addresses(0);
    assert_eq!(first.len(), 16);
    for number in 1..8 {
        assert_eq!(addresses(number), first);
    }
}

#[test]
fn compressors_of_zarr_are_kept_as_filters() {
    let folder = tempfile::tempdir().unwrap();
    let compressors = [
        (
            json!({"id": "blosc", "cname": "zstd", "clevel": 3, "shuffle": 2, "blocksize": 0}),
            32001,
        ),
        (json!({"id": "zstd", "level": 3}), 32015),
        (json!({"id": "bz2", "level": 5}), 307),
        (json!({"id": "zlib", "level": 7}), 1),
    ];
    for (number, (compressor, id)) in compressors.into_iter().enumerate() {
        let creation = Creation {
            compressor: Some(Some(compressor)),
            ..Creation::default()
        };
        let dest = group(ZarrFormat::V2);
        let plain = Hdf5Source::open(testdata(FILE)).unwrap();
        copy_all(&plain, &NodePath::root(), &dest, options(creation)).unwrap();
        let path = folder.path().join(format!("{number}.h5"));
        let ways = back(&dest, &path, keeping());
        assert_eq!(ways["big"], (Way::Move, AGREE.to_owned()), "{id}");
        let file = hdf5::File::open(&path).unwrap();
        let big = file.dataset("big").unwrap();
        assert_eq!(big.info().filters.first().unwrap().id, id);
        for (offset, (_, bytes)) in stored(&path, "big") {
            let position: Vec<_> = offset.iter().map(|at| at / 16).collect();
            assert_eq!(
                array(&dest, "big")
                    .read_encoded_chunk(&position)
                    .unwrap()
                    .unwrap(),
                bytes
            );
        }
        let before = hdf5::File::open(testdata(FILE)).unwrap().dataset("big").unwrap();
        assert_eq!(fixed(big.read_all().unwrap()), fixed(before.read_all().unwrap()));
    }
}

#[test]
fn filters_that_hdf5_lacks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (dest, _) = copied(&testdata(FILE), ZarrFormat::V2, keeping()).unwrap();
    let creation = Creation {
        filters: Some(Some(vec![json!({"id": "delta", "dtype": "<i2"})])),
        ..Creation::default()
    };
    let source = ZarrSource::new(Node::Group(dest));
    let sink = Hdf5Sink::create(folder.path().join("no.h5")).unwrap();
    let error = copy_all(&source, &NodePath::root(), &sink, options(creation)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "'filters' can only be used when copying to zarr"
    );
}
