use zarr_h5bridge::hdf5::{
    Attribute, Charset, Dataspace, Datatype, Error, Item, Name, ReferenceKind, Referent, Target, Values,
};

use super::{awkward, bytes, fixed, sample, variable};

fn attribute(path: &str, name: &str) -> Attribute {
    let name = Name::from(name);
    match sample().object(path).unwrap() {
        zarr_h5bridge::hdf5::Object::Group(group) => group.attribute(&name).unwrap(),
        zarr_h5bridge::hdf5::Object::Dataset(dataset) => dataset.attribute(&name).unwrap(),
        zarr_h5bridge::hdf5::Object::NamedType(named) => named.attribute(&name).unwrap(),
    }
}

fn fixed_of(name: &str) -> (Datatype, Vec<u8>) {
    let attribute = attribute("/types", name);
    (attribute.datatype, fixed(attribute.values.unwrap()))
}

fn texts_of(path: &str, name: &str) -> Vec<String> {
    let texts = variable(attribute(path, name).values.unwrap());
    texts
        .into_iter()
        .map(|text| String::from_utf8(text).unwrap())
        .collect()
}

#[test]
fn attributes_of_every_kind_are_read() {
    let integer = |size| Datatype::Integer {
        size,
        signed: true,
        big_endian: false,
    };
    let float = |size| Datatype::Float {
        size,
        big_endian: false,
    };
    assert_eq!(fixed_of("version"), (integer(8), 7_i64.to_le_bytes().to_vec()));
    assert_eq!(fixed_of("level"), (integer(1), vec![(-3_i8) as u8]));
    assert_eq!(fixed_of("mass"), (float(8), 5.5_f64.to_le_bytes().to_vec()));
    assert_eq!(fixed_of("factor"), (float(4), 0.25_f32.to_le_bytes().to_vec()));
    assert_eq!(fixed_of("valid"), (Datatype::Bool, vec![1]));
    assert_eq!(fixed_of("flags"), (Datatype::Bool, vec![1, 0, 1]));
    let phase = bytes([1.5_f64, -2.5], f64::to_le_bytes);
    assert_eq!(
        fixed_of("phase"),
        (
            Datatype::Complex {
                part_size: 8,
                big_endian: false
            },
            phase
        )
    );
    assert_eq!(
        fixed_of("counts"),
        (integer(4), bytes([1, -2, 3], i32::to_le_bytes))
    );
    assert_eq!(fixed_of("grid").1, bytes(0..6_i16, i16::to_be_bytes));
    assert_eq!(attribute("/types", "grid").space.shape(), Some(&[2, 3][..]));
    assert_eq!(
        fixed_of("range").1,
        bytes([1.5, f64::NAN, f64::NEG_INFINITY], f64::to_le_bytes)
    );
    assert_eq!(fixed_of("empty_list"), (float(8), vec![]));
    assert_eq!(fixed_of("codes").1, b"ab\0\0c\0\0\0defg");
    assert_eq!(fixed_of("institution").1, b"Fixed Bytes");
    assert_eq!(attribute("/types", "nothing").space, Dataspace::Null);
    assert_eq!(attribute("/types", "version").space, Dataspace::Scalar);
}

#[test]
fn attributes_of_text_are_read() {
    assert_eq!(
        texts_of("/types", "title"),
        ["Sample of a climate file: température"]
    );
    assert_eq!(
        attribute("/types", "title").datatype,
        Datatype::VlenString {
            charset: Charset::Utf8
        }
    );
    assert_eq!(texts_of("/types", "names"), ["alpha", "βeta", ""]);
    assert_eq!(texts_of("/types", "empty_text"), [""]);
    assert_eq!(texts_of("/time", "units"), ["days since 2000-01-01 00:00:00"]);
    assert_eq!(
        texts_of("/atmosphere/pressure", "DIMENSION_LABELS"),
        ["time", "lat", "lon"]
    );
}

#[test]
fn dimension_scales_can_be_followed_by_address() {
    let list = attribute("/atmosphere/temperature", "DIMENSION_LIST");
    let element = Datatype::Reference {
        size: 8,
        kind: ReferenceKind::Object,
    };
    assert_eq!(
        list.datatype,
        Datatype::VlenSequence {
            element: Box::new(element)
        }
    );
    let file = sample();
    let expected = ["/time", "/lat", "/lon"].map(|path| {
        let address = file.dataset(path).unwrap().address().unwrap();
        assert_eq!(file.path_of(address).as_deref(), Some(path));
        let target = Target {
            object: Referent::Address(address),
            region: None,
        };
        Item::Sequence(vec![Item::Reference(Some(target))])
    });
    assert_eq!(list.values, Some(Values::Mixed(expected.to_vec())));
}

#[test]
fn attributes_are_listed_as_h5py_lists_them() {
    let names = sample().dataset("/lon").unwrap().attribute_names().unwrap();
    let names: Vec<_> = names.iter().map(|name| name.to_str().unwrap()).collect();
    assert_eq!(
        names,
        ["CLASS", "NAME", "REFERENCE_LIST", "standard_name", "units"]
    );
    let names = awkward().group("/ordered").unwrap().attribute_names().unwrap();
    assert_eq!(names, ["zebra", "ant", "mole"]);
    let dense = awkward().group("/dense").unwrap();
    let names = dense.attribute_names().unwrap();
    assert_eq!(names.len(), 20);
    for (number, name) in names.iter().enumerate() {
        let value = fixed(dense.attribute(name).unwrap().values.unwrap());
        assert_eq!(value, (number * number).to_le_bytes());
    }
}

#[test]
fn an_absent_attribute_is_not_found() {
    let error = sample()
        .root()
        .unwrap()
        .attribute(&Name::from("absent"))
        .unwrap_err();
    assert!(
        matches!(&error, Error::NotFound { object, .. } if object == "/@absent"),
        "{error}"
    );
}
