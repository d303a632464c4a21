//! `create_dataset` and `require_dataset`.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::{
    Creation, Dataset, Error,
    core::{
        ArrayData, Error as CoreError, Group, NodePath, Options, Selection, ZarrFormat, store::MemoryStore,
    },
    create_dataset, require_dataset,
};

fn group(format: ZarrFormat) -> Group {
    let store = Arc::new(MemoryStore::new());
    Group::create(store, &NodePath::root(), format, &Options::default()).unwrap()
}

fn require(group: &Group, shape: &[u64], dtype: Option<&str>, exact: bool) -> Result<String, String> {
    let dtype = dtype.map(Value::from);
    let array = require_dataset(group, "rd", (shape, dtype.as_ref()), exact, &Creation::default());
    let array = array.map_err(|error| error.to_string())?;
    Ok(format!("{} {:?}", array.data_type(), array.shape()))
}

/// The calls and texts of scenario group-006.
#[test]
fn an_array_that_is_there_must_be_what_is_required() {
    let group = group(ZarrFormat::V2);
    let made = Ok("int32 [3]".to_owned());
    assert_eq!(require(&group, &[3], Some("<i4"), false), made);
    assert_eq!(require(&group, &[3], Some("<i4"), true), made);
    assert_eq!(require(&group, &[3], Some("<i2"), false), made);
    let refused = |text: &str| Err(text.to_owned());
    assert_eq!(
        require(&group, &[4], Some("<i4"), false),
        refused("shape do not match existing array; expected (3,), got (4,)")
    );
    assert_eq!(
        require(&group, &[3], Some("<f8"), false),
        refused("dtypes (float64, int32) cannot be safely cast")
    );
    assert_eq!(
        require(&group, &[3], None, false),
        refused("dtypes (float64, int32) cannot be safely cast")
    );
    assert_eq!(
        require(&group, &[3], Some("<i2"), true),
        refused("dtypes do not match exactly; expected int32, got int16")
    );
    assert_eq!(
        require(&group, &[3], Some(">i4"), true),
        refused("dtypes do not match exactly; expected int32, got >i4")
    );
    assert_eq!(require(&group, &[3], Some(">i4"), false), made);
}

#[test]
fn a_group_in_the_way_and_a_read_only_group_are_refused() {
    let group = group(ZarrFormat::V2);
    group.create_group("rd").unwrap();
    let require = |group: &Group| require_dataset(group, "rd", (&[3], None), false, &Creation::default());
    assert!(matches!(
        require(&group),
        Err(Error::Core(CoreError::Exists { found: "a group", .. }))
    ));
    let read_only = group.with_options(|options| options.read_only = true);
    assert!(matches!(
        require(&read_only),
        Err(Error::Core(CoreError::ReadOnly { .. }))
    ));
}

#[test]
fn a_data_set_is_made_of_data_or_of_a_shape() {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let group = group(format);
        let data = ArrayData::new(vec![2, 2], &[1_i16, 2, 3, 4]).unwrap();
        let creation = Creation::default();
        let array = create_dataset(&group, "a/b", Dataset::Data(&data), false, &creation).unwrap();
        assert_eq!(array.read_data(&Selection::all()).unwrap(), data);
        assert_eq!(array.metadata().format, format);
        let again = create_dataset(&group, "a/b", Dataset::Data(&data), false, &creation);
        assert!(matches!(again, Err(Error::Core(CoreError::Exists { .. }))));
        let dtype = json!("<f4");
        let array = create_dataset(&group, "a", Dataset::Shape(&[5], &dtype), true, &creation).unwrap();
        assert_eq!(array.read_vec::<f32>(&Selection::all()).unwrap(), [0.0; 5]);
        assert!(!group.contains("a/b").unwrap());
    }
}
