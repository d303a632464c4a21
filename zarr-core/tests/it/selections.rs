//! Selections of every kind, against values that `NumPy` gives for the same indexing.

use std::sync::Arc;

use zarr_core::{
    Array, ArrayBuilder, ArrayData, Element, Error, IndexArray, NodePath, Options, Selection, SelectionItem,
    codecs::{ByteOrder, ChunkBuffer, DataType, Field, StructType},
    store::{CountingStore, MemoryStore},
};

/// `numpy.arange(20).reshape(4, 5)` in chunks of 2 x 2.
fn arange() -> Array {
    let array = ArrayBuilder::new(vec![4, 5], DataType::Int64)
        .chunk_shape(vec![2, 2])
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap();
    array
        .write_vec(&Selection::all(), &(0..20).collect::<Vec<i64>>())
        .unwrap();
    array
}

#[track_caller]
fn check(array: &Array, selection: &Selection, shape: &[u64], expected: &[i64]) {
    let data = array.read_data(selection).unwrap();
    assert_eq!(
        (data.shape.as_slice(), data.to_vec::<i64>().unwrap().as_slice()),
        (shape, expected),
        "{selection}"
    );
}

fn parse(text: &str) -> Selection {
    Selection::parse(text).unwrap()
}

fn list<const N: usize>(values: [i64; N]) -> SelectionItem {
    SelectionItem::indices(values)
}

#[test]
fn orthogonal_selections_are_the_product_of_their_lists() {
    let array = arange();
    // z[np.ix_([3, 1, 2, 1], [4, 0])]
    let both = Selection::orthogonal([list([3, 1, 2, 1]), list([4, 0])]);
    check(&array, &both, &[4, 2], &[19, 15, 9, 5, 14, 10, 9, 5]);
    let negative = Selection::orthogonal([list([-1])]);
    check(&array, &negative, &[1, 5], &[15, 16, 17, 18, 19]);
    let mask = SelectionItem::Mask(vec![true, false, true, false]);
    check(
        &array,
        &Selection::orthogonal([mask.clone(), 2.into()]),
        &[2],
        &[2, 12],
    );
    check(
        &array,
        &Selection::orthogonal([SelectionItem::Ellipsis, list([4, 4])]),
        &[4, 2],
        &[4, 4, 9, 9, 14, 14, 19, 19],
    );
    check(
        &array,
        &Selection::orthogonal([SelectionItem::Mask(vec![false; 4])]),
        &[0, 5],
        &[],
    );
}

#[test]
fn coordinates_and_masks_select_points() {
    let array = arange();
    check(
        &array,
        &Selection::coordinates([[3, 0, -1, 3], [4, 1, 0, 4]]),
        &[4],
        &[19, 1, 15, 19],
    );
    let column = IndexArray::new(vec![2, 1], vec![3, 0]).unwrap();
    check(
        &array,
        &Selection::coordinates([column, [1, 4].into()]),
        &[2, 2],
        &[16, 19, 1, 4],
    );
    let is_third: Vec<_> = (0..20).map(|n| n % 3 == 2).collect();
    check(
        &array,
        &Selection::mask([4, 5], is_third),
        &[6],
        &[2, 5, 8, 11, 14, 17],
    );
    check(&array, &Selection::mask([4, 5], [false; 20]), &[0], &[]);
}

#[test]
fn a_mask_that_is_false_for_long_is_read_where_it_is_true() {
    let array = ArrayBuilder::new(vec![7, 301], DataType::Int64)
        .chunk_shape(vec![3, 100])
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap();
    array
        .write_vec(&Selection::all(), &(0..7 * 301).collect::<Vec<i64>>())
        .unwrap();
    let places = [0, 127, 128, 129, 700, 1535, 1536, 2106];
    let mask: Vec<_> = (0..7 * 301).map(|place| places.contains(&place)).collect();
    check(&array, &Selection::mask([7, 301], mask), &[8], &places);
}

/// Elements of every size and either byte order, whose places are in any order, and twice.
#[test]
fn lists_take_elements_of_any_type() {
    fn take<T: Element + Copy + PartialEq + std::fmt::Debug>(data_type: &DataType, value: fn(u8) -> T) {
        for byte_order in [ByteOrder::Little, ByteOrder::Big] {
            let array = ArrayBuilder::new(vec![4, 30], data_type.clone())
                .chunk_shape(vec![3, 20])
                .byte_order(byte_order)
                .create(
                    Arc::new(MemoryStore::new()),
                    &NodePath::root(),
                    &Options::default(),
                )
                .unwrap();
            let values: Vec<_> = (0..120).map(value).collect();
            array.write_vec(&Selection::all(), &values).unwrap();
            for columns in [vec![0, 1, 2, 19, 20, 29], vec![29, 3, 3, 25, 0]] {
                let rows = [2_i64, 0, 3];
                let both = Selection::orthogonal([list(rows), SelectionItem::indices(columns.clone())]);
                let at = |row: i64, column: &i64| value((row * 30 + column) as u8);
                let expected: Vec<_> = rows
                    .iter()
                    .flat_map(|row| columns.iter().map(move |column| at(*row, column)))
                    .collect();
                assert_eq!(array.read_vec::<T>(&both).unwrap(), expected, "{data_type}");
                let points = Selection::coordinates([vec![3; columns.len()], columns.clone()]);
                let expected: Vec<_> = columns.iter().map(|column| at(3, column)).collect();
                assert_eq!(array.read_vec::<T>(&points).unwrap(), expected, "{data_type}");
            }
        }
    }
    take::<u8>(&DataType::UInt8, |n| n);
    take::<i16>(&DataType::Int16, |n| i16::from(n) * -259);
    take::<f32>(&DataType::Float32, |n| f32::from(n) * 1.7);
    take::<u64>(&DataType::UInt64, |n| u64::from(n) * 0x0102_0304_0506_0708);
}

#[test]
fn lists_in_plain_selections_follow_zarr_python() {
    let array = arange();
    check(&array, &parse("[0, 1]"), &[2, 5], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    check(&array, &parse("[0, 1], [1, 2]"), &[2], &[1, 7]);
    check(&array, &parse("[3, 0], 0"), &[2], &[15, 0]);
    check(&array, &parse("0, [4, 0, 4]"), &[3], &[4, 0, 4]);
    check(
        &array,
        &parse(":, [true, false, true, false, true]"),
        &[4, 3],
        &[0, 2, 4, 5, 7, 9, 10, 12, 14, 15, 17, 19],
    );
}

#[test]
fn blocks_are_whole_chunks() {
    let array = arange();
    check(
        &array,
        &Selection::blocks([1.into(), 2.into()]),
        &[2, 1],
        &[14, 19],
    );
    check(
        &array,
        &Selection::blocks([SelectionItem::range(0, 1), (-1).into()]),
        &[2, 1],
        &[4, 9],
    );
    check(
        &array,
        &Selection::blocks([0.into()]),
        &[2, 5],
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
}

#[test]
fn the_last_of_several_values_for_one_element_stays() {
    let array = arange();
    let rows = Selection::orthogonal([list([2, 0, 2]), list([1, 1])]);
    array.write_vec(&rows, &[-1_i64, -2, -3, -4, -5, -6]).unwrap();
    check(&array, &parse(":, 1"), &[4], &[-4, 6, -6, 16]);
    let points = Selection::coordinates([[3, 0, 3], [3, 3, 3]]);
    array.write_vec(&points, &[-7_i64, -8, -9]).unwrap();
    check(&array, &parse(":, 3"), &[4], &[-8, 8, 13, -9]);
}

#[test]
fn one_value_is_written_everywhere() {
    let array = arange();
    array
        .write_vec(
            &Selection::mask([4, 5], (0..20).map(|n| n > 16).collect::<Vec<_>>()),
            &[-1_i64],
        )
        .unwrap();
    check(&array, &parse("3"), &[5], &[15, 16, -1, -1, -1]);
    array
        .write_vec(&Selection::blocks([0.into(), 0.into()]), &[7_i64])
        .unwrap();
    check(&array, &parse(":3, :3"), &[3, 3], &[7, 7, 2, 7, 7, 7, 10, 11, 12]);
    let wrong = array.write_vec(&parse("[3, 0], 0"), &[1_i64, 2, 3]);
    assert!(matches!(wrong, Err(Error::Shape { .. })));
}

#[test]
fn each_chunk_that_is_hit_is_read_once_and_no_other() {
    let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let array = ArrayBuilder::new(vec![100], DataType::Int32)
        .chunk_shape(vec![10])
        .create(store.clone(), &NodePath::root(), &Options::default())
        .unwrap();
    array
        .write_vec(&Selection::all(), &(0..100).collect::<Vec<i32>>())
        .unwrap();
    let before = store.counts().gets;
    let points = Selection::coordinates([[95, 3, 91, 3, 7, 42]]);
    assert_eq!(array.read_vec::<i32>(&points).unwrap(), [95, 3, 91, 3, 7, 42]);
    assert_eq!(store.counts().gets - before, 3);
    let before = store.counts();
    // All elements of one chunk, in any order: nothing of it needs to be read.
    let whole = Selection::orthogonal([list([19, 18, 17, 16, 15, 14, 13, 12, 11, 10])]);
    array.write_vec(&whole, &[0_i32]).unwrap();
    assert_eq!(store.counts().gets, before.gets);
}

/// Records of a byte string, an integer and two floats.
fn records() -> Array {
    let fields = vec![
        Field::new("foo", DataType::FixedBytes(3), vec![]),
        Field::new("bar", DataType::Int32, vec![]),
        Field::new("baz", DataType::Float32, vec![2]),
    ];
    let data_type = DataType::Struct(StructType { fields });
    let array = ArrayBuilder::new(vec![3], data_type.clone())
        .chunk_shape(vec![2])
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap();
    let mut buffer = ChunkBuffer::default();
    for (tag, bar) in [(b"aaa", 1_i32), (b"bbb", 2), (b"ccc", 3)] {
        buffer.elements.extend(tag);
        buffer.elements.extend(bar.to_ne_bytes());
        buffer.elements.extend((bar as f32 / 2.0).to_ne_bytes());
        buffer.elements.extend((bar as f32 * 2.0).to_ne_bytes());
    }
    let data = ArrayData {
        shape: vec![3],
        data_type,
        buffer,
    };
    array.write_data(&Selection::all(), &data).unwrap();
    array
}

#[test]
fn fields_are_read_alone_and_together() {
    let array = records();
    let field = |name: &str| Selection::all().fields([name]);
    assert_eq!(array.read_vec::<i32>(&field("bar")).unwrap(), [1, 2, 3]);
    let baz = array.read_data(&field("baz")).unwrap();
    assert_eq!(
        (baz.shape.clone(), baz.data_type.clone()),
        (vec![3, 2], DataType::Float32)
    );
    assert_eq!(baz.to_vec::<f32>().unwrap(), [0.5, 2.0, 1.0, 4.0, 1.5, 6.0]);
    let two = array.read_data(&parse("[2, 0]").fields(["bar", "foo"])).unwrap();
    assert_eq!(two.shape, [2]);
    let expected = [&3_i32.to_ne_bytes()[..], b"ccc", &1_i32.to_ne_bytes(), b"aaa"].concat();
    assert_eq!(two.buffer.elements, expected);
    assert_eq!(array.read_vec::<i32>(&parse("'bar', 1")).unwrap(), [2]);
}

#[test]
fn one_field_is_written_and_the_others_stay() {
    let array = records();
    array
        .write_vec(&Selection::all().fields(["bar"]), &[5_i32])
        .unwrap();
    array
        .write_vec(&parse("'baz', 1:"), &[1.0_f32, 2.0, 3.0, 4.0])
        .unwrap();
    assert_eq!(
        array.read_vec::<i32>(&Selection::all().fields(["bar"])).unwrap(),
        [5, 5, 5]
    );
    let baz = array.read_vec::<f32>(&Selection::all().fields(["baz"])).unwrap();
    assert_eq!(baz, [0.5, 2.0, 1.0, 2.0, 3.0, 4.0]);
    let tags = array.read_data(&Selection::all().fields(["foo"])).unwrap();
    assert_eq!(tags.buffer.elements, b"aaabbbccc");
}

#[test]
fn fields_that_are_not_there_are_refused() {
    let array = records();
    let read = |array: &Array, fields: &[&str]| {
        let selection = Selection::all().fields(fields.iter().copied());
        array.read_data(&selection).unwrap_err().to_string()
    };
    assert_eq!(
        read(&array, &["qux"]),
        "invalid 'fields' argument, field not found: \"qux\""
    );
    assert!(read(&array, &["foo", "foo"]).contains("more than once"));
    assert_eq!(
        read(&arange(), &["a"]),
        "invalid 'fields' argument, array does not have any fields"
    );
    let two = Selection::all().fields(["foo", "bar"]);
    let (shape, data_type) = array.selected(&two).unwrap();
    let elements = vec![0; 3 * data_type.size().unwrap()];
    let buffer = ChunkBuffer {
        elements,
        heap: vec![],
    };
    let error = array
        .write_data(
            &two,
            &ArrayData {
                shape,
                data_type,
                buffer,
            },
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "multiple fields are not supported for this operation"
    );
}

#[test]
fn a_million_points_are_read_in_one_go() {
    let length = 1_000_000_u64;
    let array = ArrayBuilder::new(vec![length], DataType::UInt32)
        .chunk_shape(vec![4096])
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap();
    array
        .write_vec(&Selection::all(), &(0..length as u32).collect::<Vec<_>>())
        .unwrap();
    // 7919 and the length have no divisor in common, so every element is met once.
    let shuffled: Vec<_> = (0..length as i64).map(|n| n * 7919 % length as i64).collect();
    let read = array
        .read_vec::<u32>(&Selection::coordinates([shuffled.clone()]))
        .unwrap();
    assert!(
        read.iter()
            .zip(&shuffled)
            .all(|(value, place)| i64::from(*value) == *place)
    );
}
