//! What HDF5 says of an object and Zarr has no words for: kept in one attribute of the node, so that a copy back is the
//! same file again. `docs/hdf5.md` describes its members.

use serde_json::{Map, Value, json};

use super::{type_json, values};
use crate::hdf5::{
    AllocationTime, DatasetInfo, Dataspace, FileSpace, FillTime, FillValue, Filter, Layout, LinkKind,
    NewDataset, NewLink, Strategy, Times, UserBlock,
};

/// The name of the attribute.
pub(super) const KEY: &str = "_hdf5";

/// The member of it that has the user block of the file.
pub(super) const USER_BLOCK: &str = "user_block";

/// The member of it that says how the file manages its room.
pub(super) const FILE_SPACE: &str = "file_space";

/// The words for where new objects go in a file.
const STRATEGIES: [(Strategy, &str); 4] = [
    (Strategy::Managed, "managed"),
    (Strategy::Pages, "pages"),
    (Strategy::Aggregated, "aggregated"),
    (Strategy::Appended, "appended"),
];

/// How a file manages its room, in JSON.
pub(super) fn file_space_json(space: &FileSpace) -> Value {
    let word = STRATEGIES
        .iter()
        .find(|(strategy, _)| *strategy == space.strategy);
    json!({
        "strategy": word.map(|(_, word)| word),
        "persists": space.persists,
        "threshold": space.threshold,
        "page_size": space.page_size,
    })
}

/// How the file of a root group managed its room; the library's own way if that is not kept, or none.
pub(super) fn file_space(original: &Map<String, Value>) -> FileSpace {
    const PAGE_SIZES: std::ops::RangeInclusive<u64> = 512..=1 << 30;
    let found = || {
        let kept = original.get(FILE_SPACE)?;
        let word = kept.get("strategy")?.as_str()?;
        let (strategy, _) = STRATEGIES.iter().find(|(_, name)| *name == word)?;
        Some(FileSpace {
            strategy: *strategy,
            persists: kept.get("persists")?.as_bool()?,
            threshold: kept.get("threshold")?.as_u64()?,
            page_size: kept
                .get("page_size")?
                .as_u64()
                .filter(|size| PAGE_SIZES.contains(size))?,
        })
    };
    found().unwrap_or(FileSpace::USUAL)
}

/// The largest user block that is kept, in bytes.
pub(super) const USER_BLOCK_MAX: u64 = 64 << 10;

/// A user block in JSON.
pub(super) fn user_block_json(block: &UserBlock) -> Value {
    json!({"size": block.size, "bytes": values::base64(&block.bytes)})
}

/// The user block that is kept with a root group; `None` if there is none, or none that a file can have.
pub(super) fn user_block(original: &Map<String, Value>) -> Option<UserBlock> {
    let kept = original.get(USER_BLOCK)?;
    let size = kept.get("size")?.as_u64()?;
    let bytes = values::from_base64(kept.get("bytes")?)?;
    let is_one = (512..=USER_BLOCK_MAX).contains(&size) && size.is_power_of_two();
    (is_one && bytes.len() as u64 <= size).then_some(UserBlock { size, bytes })
}

/// What is kept of a dataset.
pub(super) fn of_dataset(info: &DatasetInfo, original: &mut Map<String, Value>) {
    if let Some(datatype) = type_json::to_json(&info.datatype) {
        original.insert("type".to_owned(), datatype);
    }
    match &info.space {
        Dataspace::Null => {
            original.insert("space".to_owned(), "null".into());
        }
        Dataspace::Simple { shape, max_shape } => {
            let fixed = shape.iter().copied().map(Some);
            if !max_shape.iter().copied().eq(fixed) {
                original.insert("max_shape".to_owned(), json!(max_shape));
            }
        }
        Dataspace::Scalar => {}
    }
    let layout = match &info.layout {
        Layout::Compact => json!("compact"),
        Layout::Contiguous { .. } => json!("contiguous"),
        Layout::Chunked { chunk_shape } => json!({"chunks": chunk_shape}),
        Layout::Virtual => json!("virtual"),
        Layout::External => json!("external"),
    };
    original.insert("layout".to_owned(), layout);
    if !info.filters.is_empty() {
        let filter = |filter: &Filter| json!([filter.id, filter.is_optional, filter.client_data]);
        original.insert("filters".to_owned(), info.filters.iter().map(filter).collect());
    }
    if !info.filters_partial_chunks {
        original.insert("filters_partial_chunks".to_owned(), false.into());
    }
    match &info.fill_value {
        FillValue::Undefined => {
            original.insert("fill_value".to_owned(), Value::Null);
        }
        FillValue::Default(_) => {}
        FillValue::User(bytes) => {
            original.insert("fill_value".to_owned(), values::base64(bytes));
        }
    }
    for (name, is_true) in [
        ("tracks_attributes", info.tracks_attributes),
        ("tracks_times", info.times.are_tracked),
    ] {
        if is_true {
            original.insert(name.to_owned(), true.into());
        }
    }
    let allocation = match info.times.allocation {
        usual if usual == AllocationTime::usual(&info.layout) => None,
        AllocationTime::Default => None,
        AllocationTime::Early => Some("early"),
        AllocationTime::Late => Some("late"),
        AllocationTime::Incremental => Some("incremental"),
    };
    let fill = match info.times.fill {
        FillTime::Allocation => Some("allocation"),
        FillTime::Never => Some("never"),
        FillTime::IfSet => None,
    };
    for (name, time) in [("allocation_time", allocation), ("fill_time", fill)] {
        if let Some(time) = time {
            original.insert(name.to_owned(), time.into());
        }
    }
}

/// The times that [`of_dataset`] kept.
fn times(original: &Map<String, Value>) -> Times {
    let text = |name: &str| original.get(name).and_then(Value::as_str).unwrap_or_default();
    Times {
        allocation: match text("allocation_time") {
            "early" => AllocationTime::Early,
            "late" => AllocationTime::Late,
            "incremental" => AllocationTime::Incremental,
            _ => AllocationTime::Default,
        },
        fill: match text("fill_time") {
            "allocation" => FillTime::Allocation,
            "never" => FillTime::Never,
            _ => FillTime::IfSet,
        },
        are_tracked: original.get("tracks_times").is_some_and(|value| value == true),
    }
}

/// Makes a new dataset what the original was, where it still has the shape, and the type that is given.
pub(super) fn to_dataset(original: &Map<String, Value>, new: &mut NewDataset) {
    new.times = times(original);
    new.named_type = original
        .get("named_type")
        .and_then(|path| Some(path.as_str()?.to_owned()));
    let is_null = original.get("space").is_some_and(|space| space == "null");
    if is_null && new.shape == [0] {
        new.is_null = true;
        new.chunk_shape = None;
        return;
    }
    let numbers =
        |value: &Value| -> Option<Vec<u64>> { value.as_array()?.iter().map(Value::as_u64).collect() };
    let max_shape = original.get("max_shape").and_then(Value::as_array);
    let max_shape: Option<Vec<Option<u64>>> = max_shape.map(|list| list.iter().map(Value::as_u64).collect());
    let mut has_room = max_shape.iter().flatten().zip(&new.shape);
    if has_room.all(|(max, length)| max.is_none_or(|max| max >= *length)) {
        new.max_shape = max_shape.filter(|max| max.len() == new.shape.len());
    }
    if let Some(Value::Array(filters)) = original.get("filters") {
        let filter = |filter: &Value| {
            let client_data = numbers(filter.get(2)?)?.into_iter();
            Some(Filter {
                id: i32::try_from(filter.get(0)?.as_i64()?).ok()?,
                is_optional: filter.get(1)?.as_bool()?,
                client_data: client_data
                    .map(|number| u32::try_from(number).ok())
                    .collect::<Option<_>>()?,
                name: String::new(),
            })
        };
        new.filters = filters
            .iter()
            .map(filter)
            .collect::<Option<_>>()
            .unwrap_or_default();
    } else {
        new.filters = Vec::new();
    }
    let layout = original.get("layout");
    let chunks = layout.and_then(|layout| numbers(layout.get("chunks")?));
    match chunks.filter(|chunks| chunks.len() == new.shape.len() && !chunks.contains(&0)) {
        Some(chunks) => new.chunk_shape = Some(chunks),
        None if layout.is_some_and(Value::is_string) => {
            new.chunk_shape = None;
            new.is_compact = layout.is_some_and(|layout| layout == "compact");
        }
        None => {}
    }
    if new.chunk_shape.is_none() {
        new.filters = Vec::new();
        new.max_shape = None;
    }
    match original.get("fill_value") {
        Some(Value::Null) => (new.fill_value, new.is_fill_undefined) = (None, true),
        Some(_) => {}
        // The library's own is not the same as one of zero bytes that the writer chose.
        None => new.fill_value = None,
    }
    let is_false = |name: &str| original.get(name).is_some_and(|value| value == false);
    new.filters_partial_chunks = !is_false("filters_partial_chunks");
    new.tracks_attributes = original
        .get("tracks_attributes")
        .is_some_and(|value| value == true);
}

/// The fill value that the writer chose, in the bytes of the file.
pub(super) fn fill_value(original: &Map<String, Value>) -> Option<Vec<u8>> {
    values::from_base64(original.get("fill_value")?)
}

/// A link that is no member of its own, in a group's original.
pub(super) fn link_json(kind: &LinkKind, path_of: impl Fn(u64) -> Option<String>) -> Option<Value> {
    Some(match kind {
        LinkKind::Soft { target } => json!({"soft": target.to_str()?}),
        LinkKind::External { file, path } => json!({"external": [file.to_str()?, path.to_str()?]}),
        LinkKind::Hard { address, .. } => json!({"hard": path_of(*address)?}),
        _ => return None,
    })
}

/// The links of a group's original.
pub(super) fn links(original: &Map<String, Value>) -> Vec<(String, NewLink)> {
    let Some(Value::Object(links)) = original.get("links") else {
        return Vec::new();
    };
    let link = |(name, link): (&String, &Value)| {
        let text = |value: Option<&Value>| Some(value?.as_str()?.to_owned());
        let link = if let Some(target) = link.get("soft") {
            NewLink::Soft(text(Some(target))?)
        } else if let Some(external) = link.get("external") {
            NewLink::External(text(external.get(0))?, text(external.get(1))?)
        } else if let Some(path) = link.get("hard") {
            NewLink::Hard(text(Some(path))?)
        } else {
            NewLink::Type(type_json::from_json(link.get("type")?)?)
        };
        Some((name.clone(), link))
    };
    links.iter().filter_map(link).collect()
}

/// The names of a list of an original.
pub(super) fn names(original: &Map<String, Value>, list: &str) -> Vec<String> {
    let names = original.get(list).and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}
