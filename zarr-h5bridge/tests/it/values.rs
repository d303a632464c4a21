use zarr_h5bridge::hdf5::{
    Charset, Dataspace, Datatype, Error, File, FillValue, Item, Layout, Name, ReferenceKind, Referent,
    StringPadding, Target, Values,
};

use super::{awkward, bytes, fixed, read, sample, testdata, variable, wave};

const SHAPE: [u64; 3] = [10, 12, 18];
const N: usize = 10 * 12 * 18;
const PLANE: usize = 12 * 18;

fn temperature() -> Vec<f32> {
    wave(N, 7, 1009).iter().map(|&v| v as f32 / 8.0 + 200.0).collect()
}

#[test]
fn compressed_fields_hold_the_formula() {
    let file = sample();
    assert_eq!(
        read(&file, "/atmosphere/temperature"),
        bytes(temperature(), f32::to_le_bytes)
    );
    let pressure = wave(N, 13, 4001).into_iter().map(|v| v as i16 - 2000);
    assert_eq!(
        read(&file, "/atmosphere/pressure"),
        bytes(pressure, i16::to_be_bytes)
    );
    let humidity = wave(PLANE, 5, 101).into_iter().map(|v| v as f32 / 128.0);
    assert_eq!(
        read(&file, "/atmosphere/surface/humidity"),
        bytes(humidity, f32::to_be_bytes)
    );
    let cover = wave(PLANE, 3, 251).into_iter().map(|v| v as u8);
    assert_eq!(
        read(&file, "/atmosphere/surface/cover"),
        cover.collect::<Vec<_>>()
    );
    let slope = wave(PLANE, 9, 64).into_iter().map(|v| v as i32);
    assert_eq!(
        read(&file, "/atmosphere/surface/slope"),
        bytes(slope, i32::to_le_bytes)
    );
    let sst = wave(PLANE, 17, 307).into_iter().map(|v| v as f64 / 16.0);
    assert_eq!(read(&file, "/ocean/sst"), bytes(sst, f64::to_be_bytes));
    let time = (0..10).map(|k| k * 3);
    assert_eq!(read(&file, "/time"), bytes(time, i32::to_le_bytes));
    let lat = (0..12).map(|k| f64::from(k) * 2.5 - 13.75);
    assert_eq!(read(&file, "/lat"), bytes(lat, f64::to_le_bytes));
}

#[test]
fn a_region_is_read_in_c_order() {
    let (offset, count) = ([3, 2, 5], [4, 7, 11]);
    let dataset = sample().dataset("/atmosphere/temperature").unwrap();
    let all = temperature();
    let mut expected = Vec::new();
    for t in 3..7 {
        for y in 2..9 {
            for x in 5..16 {
                expected.push(all[(t * 12 + y) * 18 + x]);
            }
        }
    }
    let found = fixed(dataset.read_region(&offset, &count).unwrap());
    assert_eq!(found, bytes(expected, f32::to_le_bytes));
    assert!(fixed(dataset.read_region(&[10, 0, 0], &[0, 12, 18]).unwrap()).is_empty());
}

#[test]
fn a_region_that_does_not_fit_is_refused() {
    let dataset = sample().dataset("/atmosphere/temperature").unwrap();
    for (offset, count) in [
        (vec![0, 0], vec![1, 1]),
        (vec![0, 0, 0], vec![11, 1, 1]),
        (vec![u64::MAX, 0, 0], vec![2, 1, 1]),
        (vec![], vec![]),
    ] {
        assert!(matches!(
            dataset.read_region(&offset, &count),
            Err(Error::Request { .. })
        ));
    }
}

#[test]
fn a_dataset_describes_itself() {
    let file = sample();
    let dataset = file.dataset("/atmosphere/temperature").unwrap();
    let info = dataset.info();
    let max_shape = vec![None, Some(12), Some(18)];
    assert_eq!(
        info.space,
        Dataspace::Simple {
            shape: SHAPE.to_vec(),
            max_shape
        }
    );
    assert_eq!(
        info.datatype,
        Datatype::Float {
            size: 4,
            big_endian: false
        }
    );
    assert_eq!(
        info.layout,
        Layout::Chunked {
            chunk_shape: vec![4, 5, 7]
        }
    );
    assert_eq!(
        info.fill_value,
        FillValue::User((-999_f32).to_le_bytes().to_vec())
    );
    let filters: Vec<_> = info
        .filters
        .iter()
        .map(|f| (f.id, f.client_data.clone()))
        .collect();
    assert_eq!(filters, [(2, vec![4]), (1, vec![4])]);
    assert_eq!(info.filters[1].name, "deflate");

    let filters = |path| {
        let dataset = file.dataset(path).unwrap();
        dataset
            .info()
            .filters
            .iter()
            .map(|filter| filter.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(filters("/atmosphere/surface/humidity"), [1, 3]);
    assert_eq!(filters("/atmosphere/surface/height"), [32000]);
    assert_eq!(filters("/atmosphere/surface/slope"), [6]);
    assert!(filters("/ocean/sst").is_empty());

    let layout = |path| file.dataset(path).unwrap().info().layout.clone();
    assert_eq!(layout("/stations/number"), Layout::Compact);
    assert_eq!(
        layout("/partial/unallocated"),
        Layout::Contiguous { address: None }
    );
    let fill_value = |path| file.dataset(path).unwrap().info().fill_value.clone();
    assert_eq!(fill_value("/lat"), FillValue::Default(vec![0; 8]));
    assert_eq!(fill_value("/partial/unallocated"), FillValue::User(vec![9, 0]));
    assert_eq!(fill_value("/stations/name"), FillValue::Default(vec![]));
}

#[test]
fn a_filter_that_is_not_there_is_an_error() {
    let file = File::open(testdata("hdf5/filters.h5")).unwrap();
    let error = file.dataset("/blosc2_i").unwrap().read_all().unwrap_err();
    assert!(
        matches!(&error, Error::MissingFilter { id: 32026, name, .. } if name == "blosc2"),
        "{error}"
    );
}

#[test]
fn unwritten_elements_are_the_fill_value() {
    let file = sample();
    let mut field = vec![-1_i32; 400];
    for k in 0..36 {
        field[k / 6 * 20 + k % 6] = k as i32;
        field[(12 + k / 6) * 20 + 6 + k % 6] = 2 * k as i32;
    }
    field[399] = 77;
    assert_eq!(read(&file, "/partial/field"), bytes(field, i32::to_le_bytes));
    assert_eq!(
        read(&file, "/partial/unwritten"),
        bytes([f64::NAN; 36], f64::to_le_bytes)
    );
    assert_eq!(
        read(&file, "/partial/unallocated"),
        bytes([9_i16; 5], i16::to_le_bytes)
    );
    assert_eq!(
        read(&file, "/partial/mixed"),
        bytes([0, 1, 2, 3, 100, 101, 102, 103], i32::to_le_bytes)
    );
}

#[test]
fn numbers_of_all_kinds_are_described_and_read() {
    let file = sample();
    let datatype = |path: &str| file.dataset(path).unwrap().info().datatype.clone();
    let integer = |size, signed, big_endian| Datatype::Integer {
        size,
        signed,
        big_endian,
    };

    assert_eq!(datatype("/types/int8"), integer(1, true, false));
    assert_eq!(
        read(&file, "/types/int8"),
        bytes((0..6).map(|k| (k * 50 - 128) as i8), i8::to_le_bytes)
    );
    assert_eq!(datatype("/types/int64"), integer(8, true, true));
    assert_eq!(
        read(&file, "/types/int64"),
        bytes((0..6).map(|k| k - (1 << 62)), i64::to_be_bytes)
    );
    assert_eq!(datatype("/types/uint64"), integer(8, false, false));
    assert_eq!(
        read(&file, "/types/uint64"),
        bytes((0..6).map(|k| u64::MAX - k), u64::to_le_bytes)
    );
    let uint32 = wave(6, 715_827_882, 1 << 32).into_iter().map(|v| v as u32);
    assert_eq!(read(&file, "/types/uint32"), bytes(uint32, u32::to_be_bytes));
    assert_eq!(
        datatype("/types/float16"),
        Datatype::Float {
            size: 2,
            big_endian: false
        }
    );
    // 0, 3, 6, 2, 5, 1 quarters in half precision.
    let halves = [0_u16, 0x3A00, 0x3E00, 0x3800, 0x3D00, 0x3400];
    assert_eq!(read(&file, "/types/float16"), bytes(halves, u16::to_le_bytes));
    let number = wave(5, 1_000_003, 1 << 40).into_iter().map(|v| v as i64);
    assert_eq!(read(&file, "/stations/number"), bytes(number, i64::to_le_bytes));
}

#[test]
fn unusual_types_are_described_and_read() {
    let file = sample();
    let datatype = |path: &str| file.dataset(path).unwrap().info().datatype.clone();
    let parts = wave(6, 5, 11);
    assert_eq!(
        datatype("/types/complex64"),
        Datatype::Complex {
            part_size: 4,
            big_endian: false
        }
    );
    let complex = parts.iter().flat_map(|&p| [p as f32, p as f32 - 4.0]);
    assert_eq!(read(&file, "/types/complex64"), bytes(complex, f32::to_le_bytes));
    assert_eq!(
        datatype("/types/complex128"),
        Datatype::Complex {
            part_size: 8,
            big_endian: true
        }
    );
    let complex = parts.iter().flat_map(|&p| [p as f64 / 2.0, 0.0 - p as f64]);
    assert_eq!(read(&file, "/types/complex128"), bytes(complex, f64::to_be_bytes));

    assert!(matches!(
        datatype("/types/opaque"),
        Datatype::Opaque { size: 5, .. }
    ));
    assert_eq!(read(&file, "/types/opaque"), b"ab\0de\0\x01\x02\x03\x04");
    assert_eq!(
        datatype("/types/bits"),
        Datatype::Bitfield {
            size: 1,
            big_endian: false
        }
    );
    assert_eq!(read(&file, "/types/bits"), [1, 2, 4, 255]);
    let element = Box::new(Datatype::Integer {
        size: 2,
        signed: true,
        big_endian: false,
    });
    assert_eq!(
        datatype("/types/boxes"),
        Datatype::Array {
            dims: vec![2, 2],
            element
        }
    );
    assert_eq!(read(&file, "/types/boxes"), bytes(0..12_i16, i16::to_le_bytes));

    assert_eq!(
        datatype("/types/pointer"),
        Datatype::Reference {
            size: 8,
            kind: ReferenceKind::Object
        }
    );
    let target = Target {
        object: Referent::Address(file.dataset("/lat").unwrap().address().unwrap()),
        region: None,
    };
    let pointer = file.dataset("/types/pointer").unwrap().read_all().unwrap();
    assert_eq!(pointer, Values::Mixed(vec![Item::Reference(Some(target))]));
}

#[test]
fn spaces_of_all_kinds_are_read() {
    let file = sample();
    let dataset = |path: &str| file.dataset(path).unwrap();
    assert_eq!(dataset("/types/scalar").info().space, Dataspace::Scalar);
    assert_eq!(read(&file, "/types/scalar"), 2.75_f64.to_le_bytes());
    assert_eq!(dataset("/types/null").info().space, Dataspace::Null);
    assert!(read(&file, "/types/null").is_empty());
    assert_eq!(dataset("/types/empty").info().space.shape(), Some(&[0, 3][..]));
    assert!(read(&file, "/types/empty").is_empty());
    assert!(read(&file, "/types/empty_chunked").is_empty());
    assert!(dataset("/types/empty_chunked").chunk_index().unwrap().is_empty());
}

#[test]
fn stations_are_read() {
    let file = sample();
    let dataset = |path: &str| file.dataset(path).unwrap();
    let names = dataset("/stations/name");
    assert_eq!(
        names.info().datatype,
        Datatype::VlenString {
            charset: Charset::Utf8
        }
    );
    let expected =
        ["Zürich", "", "Oslo", "a longer name, with a comma", "東京"].map(|s| s.as_bytes().to_vec());
    assert_eq!(variable(names.read_all().unwrap()), expected);
    assert_eq!(variable(names.read_region(&[2], &[2]).unwrap()), expected[2..4]);
    assert_eq!(
        dataset("/stations/note").info().datatype,
        Datatype::VlenString {
            charset: Charset::Ascii
        }
    );
    let notes = variable(dataset("/stations/note").read_all().unwrap());
    assert_eq!(notes, [&b"first"[..], b"second", b"third"]);
    assert_eq!(
        variable(dataset("/types/scalar_text").read_all().unwrap()),
        [b"one text"]
    );
    let series = variable(dataset("/types/series").read_all().unwrap());
    assert_eq!(
        series,
        [
            vec![],
            bytes([0_i32], i32::to_le_bytes),
            bytes([0_i32, 10], i32::to_le_bytes)
        ]
    );

    let text = |size, charset| Datatype::FixedString {
        size,
        padding: StringPadding::NullPadded,
        charset,
    };
    assert_eq!(dataset("/stations/code").info().datatype, text(6, Charset::Ascii));
    assert_eq!(
        read(&file, "/stations/code"),
        b"ZRH\0\0\0\0\0\0\0\0\0OSL\0\0\0ABCDEFTYO\0\0\0"
    );
    assert_eq!(dataset("/stations/label").info().datatype, text(5, Charset::Utf8));
    assert_eq!(read(&file, "/stations/label"), "é1\0\0ñ2\0\0".as_bytes());
    assert_eq!(dataset("/stations/active").info().datatype, Datatype::Bool);
    assert_eq!(read(&file, "/stations/active"), [1, 0, 1, 1, 0]);

    let kind = dataset("/stations/kind");
    let Datatype::Enum { base, members } = &kind.info().datatype else {
        panic!()
    };
    assert_eq!(
        **base,
        Datatype::Integer {
            size: 1,
            signed: false,
            big_endian: false
        }
    );
    let members: Vec<_> = members
        .iter()
        .map(|m| (m.name.to_str().unwrap(), m.value[0]))
        .collect();
    assert_eq!(members, [("ice", 7), ("land", 0), ("sea", 1)]);
    assert_eq!(read(&file, "/stations/kind"), [0, 1, 7, 1, 0]);
}

#[test]
fn a_compound_is_read_with_its_fields() {
    let file = sample();
    let dataset = file.dataset("/stations/record").unwrap();
    let Datatype::Compound { size: 23, fields } = &dataset.info().datatype else {
        panic!()
    };
    let places: Vec<_> = fields
        .iter()
        .map(|f| (f.name.to_str().unwrap(), f.offset))
        .collect();
    assert_eq!(places, [("id", 0), ("tag", 4), ("position", 7), ("value", 15)]);
    assert!(matches!(&fields[2].datatype, Datatype::Array { dims, .. } if dims == &[2]));
    let mut expected = Vec::new();
    let rows = [(b"a\0\0", 0.5), (b"bc\0", -1.5), (b"def", 1e300)];
    for (row, (tag, value)) in (0_i16..).zip(rows) {
        expected.extend(i32::from(row + 1).to_le_bytes());
        expected.extend(tag);
        expected.extend(bytes(
            [f32::from(2 * row) / 4.0, f32::from(2 * row + 1) / 4.0],
            f32::to_le_bytes,
        ));
        expected.extend(f64::to_be_bytes(value));
    }
    assert_eq!(read(&file, "/stations/record"), expected);
}

#[test]
fn stored_chunks_are_found_and_read() {
    let file = sample();
    let dataset = file.dataset("/atmosphere/surface/cover").unwrap();
    let cover = wave(PLANE, 3, 251);
    let index = dataset.chunk_index().unwrap();
    assert_eq!(index.len(), 3);
    let mut stored = Vec::new();
    for chunk in index.iter() {
        dataset.read_chunk(chunk, &mut stored).unwrap();
        let column = chunk.offset[1] as usize;
        let expected = (0..72).map(|k| cover[k / 6 * 18 + column + k % 6] as u8);
        assert_eq!(stored, expected.collect::<Vec<_>>());
    }

    let offsets = |path| {
        let index = file.dataset(path).unwrap().chunk_index().unwrap();
        index
            .iter()
            .map(|chunk| (chunk.offset.to_vec(), chunk.filter_mask))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        offsets("/partial/field"),
        [(vec![0, 0], 0), (vec![12, 6], 0), (vec![18, 18], 0)]
    );
    assert_eq!(offsets("/partial/unwritten"), []);
    assert_eq!(offsets("/partial/mixed"), [(vec![0], 0), (vec![4], 3)]);
    assert_eq!(offsets("/atmosphere/temperature").len(), 3 * 3 * 3);
    assert!(matches!(
        file.dataset("/lat").unwrap().chunk_index(),
        Err(Error::Request { .. })
    ));
}

#[test]
fn chunks_of_every_index_are_found_behind_a_user_block() {
    let file = awkward();
    let all: Vec<i32> = wave(120, 3, 509).into_iter().map(|v| v as i32).collect();
    let expected = bytes(all.iter().copied(), i32::to_le_bytes);
    for (name, n_chunks) in [
        ("single", 1),
        ("fixed", 9),
        ("extensible", 9),
        ("btree", 9),
        ("implicit", 9),
    ] {
        let dataset = file.dataset(&format!("/index/{name}")).unwrap();
        assert_eq!(fixed(dataset.read_all().unwrap()), expected, "{name}");
        let index = dataset.chunk_index().unwrap();
        assert_eq!(index.len(), n_chunks, "{name}");
        let mut stored = Vec::new();
        for chunk in index.iter() {
            dataset.read_chunk(chunk, &mut stored).unwrap();
            if dataset.info().filters.is_empty() {
                let (row, column) = (chunk.offset[0] as usize, chunk.offset[1] as usize);
                let first = all[row * 10 + column];
                assert_eq!(stored[..4], first.to_le_bytes(), "{name} {:?}", chunk.offset);
            } else {
                assert_eq!(
                    stored[0], 0x78,
                    "{name} {:?} starts with the mark of zlib",
                    chunk.offset
                );
            }
        }
    }
}

#[test]
fn contiguous_data_lie_where_the_layout_says() {
    for (file, path) in [(sample(), "/ocean/sst"), (awkward(), "/data")] {
        let dataset = file.dataset(path).unwrap();
        let Layout::Contiguous {
            address: Some(address),
        } = dataset.info().layout
        else {
            panic!()
        };
        let expected = fixed(dataset.read_all().unwrap());
        let mut stored = Vec::new();
        file.read_bytes(address, expected.len() as u64, &mut stored)
            .unwrap();
        assert_eq!(stored, expected, "{path}");
    }
}

#[test]
fn reading_from_many_threads_is_the_same() {
    let file = sample();
    let expected = bytes(temperature(), f32::to_le_bytes);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(read(&file, "/atmosphere/temperature"), expected);
                    assert!(file.root().unwrap().attribute(&Name::from("history")).is_ok());
                }
            });
        }
    });
}
