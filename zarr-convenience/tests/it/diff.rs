//! `diff`: each kind of difference, and all that is none.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::{
    Creation, DiffOptions, DiffReport, DifferenceKind, ZarrSource,
    core::{
        Array, ArrayBuilder, ArrayData, Element, Group, Node, NodePath, Options, Order, Selection, Workers,
        ZarrFormat,
        codecs::{ByteOrder, DataType, FillValue, TimeUnit},
        metadata::json::parse,
        store::{Store, ZipStore},
    },
    diff,
};

use crate::help::{
    array, attributes, copy_all_logged, empty_array, example, group, group_in, memory, path, set,
};

fn report(a: &Group, b: &Group, options: &DiffOptions) -> DiffReport {
    let source = |group: &Group| ZarrSource::new(Node::Group(group.clone()));
    let (a, b) = (source(a), source(b));
    diff((&a, &a.root()), (&b, &b.root()), options).unwrap()
}

/// The lines of what differs.
fn lines(a: &Group, b: &Group, options: &DiffOptions) -> Vec<String> {
    let report = report(a, b, options);
    assert_eq!(report.failures.n, 0, "{:?}", report.failures);
    report.differences.shown.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn same(a: &Group, b: &Group) {
    assert_eq!(lines(a, b, &DiffOptions::default()), [""; 0]);
}

/// A group with one array `x` of values.
fn with<T: Element>(values: &[T], change: impl FnOnce(ArrayBuilder) -> ArrayBuilder) -> Group {
    let group = group();
    let data = ArrayData::new(vec![values.len() as u64], values).unwrap();
    put(&group, &data, change);
    group
}

fn put(group: &Group, data: &ArrayData, change: impl FnOnce(ArrayBuilder) -> ArrayBuilder) -> Array {
    let builder = change(ArrayBuilder::new(data.shape.clone(), data.data_type.clone()));
    let array = group.create_array("x", builder, true).unwrap();
    array.write_data(&Selection::all(), data).unwrap();
    array
}

fn plain<T: Element>(values: &[T]) -> Group {
    with(values, |builder| builder)
}

#[test]
fn formats_chunks_codecs_orders_and_stores_make_no_difference() {
    let a = example();
    a.set_attributes(attributes(json!({"title": "Sea", "levels": [1, 2.5]})))
        .unwrap();
    let three = group_in(&memory(), ZarrFormat::V3);
    let options = |creation| zarr_convenience::CopyOptions {
        creation,
        ..Default::default()
    };
    let creation = Creation {
        chunks: Some(zarr_convenience::Chunks::Shape(vec![Some(7)])),
        order: Some(Order::F),
        zarr_format: Some(ZarrFormat::V3),
        ..Creation::default()
    };
    copy_all_logged(&a, &three, options(creation)).1.unwrap();
    same(&a, &three);
    same(&three, &a);

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.zip");
    let archive: Arc<dyn Store> = Arc::new(ZipStore::update(&file).unwrap());
    let zipped = group_in(&archive, ZarrFormat::V2);
    copy_all_logged(
        &three,
        &zipped,
        options(Creation {
            compressor: Some(None),
            ..Creation::default()
        }),
    )
    .1
    .unwrap();
    archive.flush().unwrap();
    drop((zipped, archive));
    let archive: Arc<dyn Store> = Arc::new(ZipStore::open(&file).unwrap());
    let zipped = Group::open(archive, &NodePath::root(), &Options::default()).unwrap();
    same(&a, &zipped);
    same(&zipped, &three);
}

#[test]
fn the_first_element_that_differs_is_named_with_both_values_and_all_are_counted() {
    let (a, b) = (group(), group());
    let data = ArrayData::new(vec![4, 5], &(0..20).collect::<Vec<i32>>()).unwrap();
    put(&a, &data, |builder| builder.chunk_shape(vec![2, 2]));
    // In the order of chunks [2, 0] is met before [1, 4].
    let changed = put(&b, &data, |builder| builder.chunk_shape(vec![4, 1]));
    for (at, value) in [([2, 0], -1), ([1, 4], -2), ([3, 3], -3)] {
        changed
            .write_vec(&Selection::region(&at, &[1, 1]), &[value])
            .unwrap();
    }
    for part_size_max in [1, 8, 1 << 20] {
        for threads in [1, 4] {
            let options = DiffOptions {
                part_size_max,
                workers: Workers::new(threads),
                ..DiffOptions::default()
            };
            let expected = "/x: 3 of 20 values differ, first at [1, 4]: 9 and -2";
            assert_eq!(lines(&a, &b, &options), [expected], "{part_size_max}");
        }
    }
}

#[test]
fn nodes_on_one_side_alone_are_named_once() {
    let (a, b) = (example(), group());
    a.create_group("gone/below/deep").unwrap();
    array(&b, "foo/bar/baz", 100);
    array(&b, "foo/new", 3);
    let expected = [
        "/foo/bar/spam: only in A: array (20,) int64",
        "/foo/new: only in B: array (3,) int64",
        "/gone: only in A: group",
    ];
    assert_eq!(lines(&a, &b, &DiffOptions::default()), expected);
}

#[test]
fn kinds_shapes_and_types_are_told() {
    let (a, b) = (group(), group());
    array(&a, "kind", 3);
    b.create_group("kind").unwrap();
    array(&a, "shape", 3);
    array(&b, "shape", 4);
    assert_eq!(
        lines(&a, &b, &DiffOptions::default()),
        ["/kind: array (3,) int64 and group", "/shape: shape (3,) and (4,)"]
    );
    let text = lines(&plain(&[1_i32, 2]), &plain(&[1_i64, 3]), &DiffOptions::default());
    assert_eq!(
        text,
        [
            "/x: data type int32 and int64",
            "/x: 1 of 2 values differs, first at [1]: 2 and 3"
        ]
    );
    let text = lines(
        &plain(&[1_i32]),
        &plain(&["1".to_owned()]),
        &DiffOptions::default(),
    );
    assert_eq!(text, ["/x: data type int32 and object"]);
}

#[test]
fn byte_order_counts_only_if_asked_for() {
    let big = with(&[1_i32, 2], |builder| builder.byte_order(ByteOrder::Big));
    let little = plain(&[1_i32, 2]);
    same(&big, &little);
    let options = DiffOptions {
        byte_order: true,
        ..DiffOptions::default()
    };
    assert_eq!(lines(&big, &little, &options), ["/x: data type >i4 and int32"]);
}

#[test]
fn nan_is_nan_and_zeros_have_no_sign_unless_asked_for() {
    let (a, b) = (plain(&[f64::NAN, 0.0, 1.0]), plain(&[-f64::NAN, -0.0, 1.0]));
    same(&a, &b);
    let options = DiffOptions {
        nan_differs: true,
        ..DiffOptions::default()
    };
    // Even of an array with itself.
    assert_eq!(
        lines(&a, &a, &options),
        ["/x: 1 of 3 values differs, first at [0]: \"NaN\" and \"NaN\""]
    );
    let options = DiffOptions {
        signed_zeros: true,
        ..DiffOptions::default()
    };
    assert_eq!(
        lines(&a, &b, &options),
        ["/x: 1 of 3 values differs, first at [1]: 0.0 and -0.0"]
    );
}

#[test]
fn tolerances_are_those_of_numpy_isclose() {
    // np.isclose([1000, 1000, 0], [1001, 1002, 1e-6], rtol=1e-3, atol=1e-6) is [True, False, True].
    let (a, b) = (plain(&[1000.0, 1000.0, 0.0]), plain(&[1001.0, 1002.0, 1e-6]));
    let options = DiffOptions {
        rtol: 1e-3,
        atol: 1e-6,
        ..DiffOptions::default()
    };
    let expected = "/x: 1 of 3 values differs, first at [1]: 1000.0 and 1002.0";
    assert_eq!(lines(&a, &b, &options), [expected]);
    let source = ZarrSource::new(Node::Group(a));
    for wrong in [f64::NAN, -1.0] {
        let options = DiffOptions {
            atol: wrong,
            ..DiffOptions::default()
        };
        let error = diff((&source, &source.root()), (&source, &source.root()), &options).unwrap_err();
        assert!(error.to_string().starts_with("atol must be"), "{error}");
    }
}

#[test]
fn texts_and_times_are_compared_in_any_form_when_types_may_differ() {
    let any = DiffOptions {
        without_data_types: true,
        without_fill_values: true,
        ..DiffOptions::default()
    };
    let texts = ["Öl".to_owned(), String::new()];
    let fixed = group();
    put(
        &fixed,
        &ArrayData::of_type(vec![2], DataType::FixedUtf32(4), &texts).unwrap(),
        |builder| builder,
    );
    assert_eq!(lines(&plain(&texts), &fixed, &any), [""; 0]);
    let time = |unit, values: &[i64]| {
        let group = group();
        let unit = DataType::DateTime64(TimeUnit::new(unit, 1).unwrap());
        put(
            &group,
            &ArrayData::of_type(vec![2], unit, values).unwrap(),
            |builder| builder,
        );
        group
    };
    assert_eq!(
        lines(&time("D", &[1, i64::MIN]), &time("s", &[86400, i64::MIN]), &any),
        [""; 0]
    );
    assert_eq!(
        lines(&time("D", &[1, 2]), &time("s", &[86401, 2 * 86400]), &any),
        ["/x: 1 of 2 values differs, first at [0]: \"1970-01-02\" and \"1970-01-02T00:00:01\""]
    );
}

#[test]
fn fields_of_records_are_compared_one_by_one() {
    let (data_type, _) = zarr_convenience::core::metadata::v2_data_type(&json!([
        ["t", "<f4"],
        ["name", "|S3"],
        ["v", "<i2", [2]]
    ]))
    .unwrap();
    let records = |number: f32, last: i16| {
        let data = ArrayData::of_records(
            vec![1],
            data_type.clone(),
            &[(number, last)],
            |(number, last), record| {
                record.set("t", number)?;
                record.set("name", &b"ab".to_vec())?;
                record.set_all("v", &[7_i16, *last])
            },
        );
        let group = group();
        put(&group, &data.unwrap(), |builder| builder);
        group
    };
    same(&records(0.0, 1), &records(-0.0, 1));
    let expected = "/x: 1 of 1 values differs, first at [0]: {\"t\":0.5,\"name\":\"b'ab'\",\"v\":[7,1]} and \
                    {\"t\":0.5,\"name\":\"b'ab'\",\"v\":[7,2]}";
    let found = lines(&records(0.5, 1), &records(0.5, 2), &DiffOptions::default());
    assert_eq!(found, [expected]);
}

#[test]
fn attributes_are_told_with_both_values() {
    let (a, b) = (example(), example());
    let set_attributes = |group: &Group, text: &str| {
        let Ok(Value::Object(members)) = parse(text.as_bytes()) else {
            panic!()
        };
        group.set_attributes(members).unwrap();
    };
    set_attributes(
        &a,
        r#"{"same": {"x": 1, "y": 2}, "nan": NaN, "unit": "K", "gone": null, "n": 1}"#,
    );
    set_attributes(
        &b,
        r#"{"nan": NaN, "same": {"y": 2.0, "x": 1}, "unit": "degC", "new": [], "n": "1"}"#,
    );
    // In the order of the documents, which V2 writes by name.
    let expected = [
        "/: attribute \"gone\": only in A: null",
        "/: attribute \"n\": 1 and \"1\"",
        "/: attribute \"unit\": \"K\" and \"degC\"",
        "/: attribute \"new\": only in B: []",
    ];
    assert_eq!(lines(&a, &b, &DiffOptions::default()), expected);
    let options = DiffOptions {
        without_attrs: true,
        ..DiffOptions::default()
    };
    assert_eq!(lines(&a, &b, &options), [""; 0]);
}

#[test]
fn fill_values_differ_where_both_are_defined() {
    let filled = |fill: Option<i64>| {
        with(&[5_i64], |builder| {
            builder.fill_value(fill.map(|fill| FillValue::new(fill.to_ne_bytes())))
        })
    };
    same(&filled(None), &filled(Some(3)));
    assert_eq!(
        lines(&filled(Some(1)), &filled(Some(3)), &DiffOptions::default()),
        ["/x: fill value 1 and 3"]
    );
    let options = DiffOptions {
        without_fill_values: true,
        ..DiffOptions::default()
    };
    assert_eq!(lines(&filled(Some(1)), &filled(Some(3)), &options), [""; 0]);
}

#[test]
fn names_of_dimensions_differ_between_arrays_of_v3() {
    let named = |format, name: Option<&str>| {
        let group = group_in(&memory(), format);
        let names = name.map(|name| vec![Some(name.to_owned())]);
        put(&group, &ArrayData::new(vec![1], &[1_i8]).unwrap(), |builder| {
            builder.dimension_names(names)
        });
        group
    };
    let (x, y) = (named(ZarrFormat::V3, Some("x")), named(ZarrFormat::V3, Some("y")));
    assert_eq!(
        lines(&x, &y, &DiffOptions::default()),
        ["/x: dimension names [\"x\"] and [\"y\"]"]
    );
    assert_eq!(
        lines(&x, &named(ZarrFormat::V3, None), &DiffOptions::default()),
        ["/x: dimension names [\"x\"] and [null]"]
    );
    // In V2 an attribute names them, see `formats.rs`; this array of V2 has none.
    assert_eq!(
        lines(&x, &named(ZarrFormat::V2, None), &DiffOptions::default()),
        ["/x: attribute \"_ARRAY_DIMENSIONS\": only in A: [\"x\"]"]
    );
}

#[test]
fn what_is_listed_has_a_limit_and_what_is_counted_has_none() {
    let (a, b) = (group(), group());
    for number in 0..10 {
        array(&a, &format!("a{number}"), 1);
    }
    let options = DiffOptions {
        limit: 3,
        ..DiffOptions::default()
    };
    let found = report(&a, &b, &options);
    assert_eq!(
        (
            found.differences.n,
            found.differences.shown.len(),
            found.differences.n_left_out()
        ),
        (10, 3, 7)
    );
    let options = DiffOptions {
        only_first: true,
        ..DiffOptions::default()
    };
    let found = report(&a, &b, &options);
    assert_eq!(
        (found.differences.n, found.differences.shown[0].path.as_str()),
        (1, "/a0")
    );
}

#[test]
fn one_difference_ends_the_search_if_one_is_enough() {
    let (a, b) = (
        with(&[0_i64; 1000], |builder| builder.chunk_shape(vec![1])),
        with(&[1_i64; 1000], |builder| builder.chunk_shape(vec![1])),
    );
    let options = DiffOptions {
        only_first: true,
        workers: Workers::ONE,
        ..DiffOptions::default()
    };
    let found = report(&a, &b, &options);
    let DifferenceKind::Values {
        n_different, index, ..
    } = &found.differences.shown[0].kind
    else {
        panic!("{found:?}")
    };
    assert_eq!((*n_different, index.as_slice()), (1, &[0][..]));
}

#[test]
fn nodes_below_the_root_are_compared_as_roots() {
    let a = example();
    let b = group();
    array(&b, "elsewhere/baz", 100);
    array(&b, "elsewhere/spam", 20);
    let open = |group: &Group, at: &str| {
        ZarrSource::new(Node::open(Arc::clone(group.store()), &path(at), &Options::default()).unwrap())
    };
    let (a, b) = (open(&a, "foo/bar"), open(&b, "elsewhere"));
    assert!(
        diff((&a, &a.root()), (&b, &b.root()), &DiffOptions::default())
            .unwrap()
            .is_same()
    );
    let (a, b) = (open(&example(), "foo/bar/baz"), open(&example(), "foo/bar/spam"));
    let report = diff((&a, &a.root()), (&b, &b.root()), &DiffOptions::default()).unwrap();
    assert_eq!(
        report.differences.shown[0].to_string(),
        "/: shape (100,) and (20,)"
    );
}

#[test]
fn a_chunk_that_cannot_be_read_is_told_and_the_rest_is_compared() {
    let (a, b) = (example(), example());
    set(a.store().as_ref(), "foo/bar/baz/3", b"damaged");
    array(&b, "late", 1);
    let found = report(&a, &b, &DiffOptions::default());
    assert!(!found.is_same());
    assert_eq!(found.failures.shown[0].path, "/foo/bar/baz");
    assert_eq!(
        found.differences.shown[0].to_string(),
        "/late: only in B: array (1,) int64"
    );
}

#[test]
fn a_damaged_document_is_told_with_its_group() {
    let (a, b) = (example(), example());
    set(a.store().as_ref(), "foo/bar/baz/.zarray", b"{");
    let found = report(&a, &b, &DiffOptions::default());
    assert_eq!(
        (found.failures.n, found.failures.shown[0].path.as_str()),
        (1, "/foo/bar")
    );
    set(a.store().as_ref(), "foo/.zattrs", b"[]");
    assert_eq!(report(&a, &b, &DiffOptions::default()).failures.n, 2);
}

#[test]
fn huge_arrays_with_few_chunks_are_compared_by_those() {
    let huge = |fill: i64, chunk: u64| {
        let builder = ArrayBuilder::new(vec![1 << 50, 1 << 10], DataType::Int64)
            .chunk_shape(vec![chunk, 1])
            .fill_value(Some(FillValue::new(fill.to_ne_bytes())));
        let group = group();
        group.create_array("x", builder, false).unwrap();
        group
    };
    let at = Selection::region(&[1 << 40, 7], &[1, 1]);
    let write = |group: &Group, value: i64| {
        let Node::Array(array) = group.get("x").unwrap() else {
            panic!()
        };
        array.write_vec(&at, &[value]).unwrap();
    };
    let (a, b) = (huge(0, 10), huge(0, 10));
    same(&a, &b);
    let b = huge(0, 4);
    write(&a, 5);
    let expected = format!(
        "/x: 1 of {} values differs, first at [{}, 7]: 5 and 0",
        zarr_convenience::count_text(1 << 60),
        1_u64 << 40
    );
    assert_eq!(lines(&a, &b, &DiffOptions::default()), [expected]);
    write(&b, 5);
    same(&a, &b);
    let found = lines(&a, &huge(1, 10), &DiffOptions::default());
    assert_eq!(found[0], "/x: fill value 0 and 1");
    let all = zarr_convenience::count_text(1 << 60);
    assert_eq!(
        found[1],
        format!("/x: {all} of {all} values differ, first at [0, 0]: 0 and 1")
    );
}

#[test]
fn arrays_without_elements_or_dimensions_are_compared() {
    let (a, b) = (group(), group());
    empty_array(&a, "none", 0);
    empty_array(&b, "none", 0);
    let scalar = |group: &Group, value: f32| {
        put(group, &ArrayData::new(vec![], &[value]).unwrap(), |builder| {
            builder
        });
    };
    scalar(&a, 1.5);
    scalar(&b, 2.5);
    let expected = "/x: 1 of 1 values differs, first at []: 1.5 and 2.5";
    assert_eq!(lines(&a, &b, &DiffOptions::default()), [expected]);
}
