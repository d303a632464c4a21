//! HDF5 files: made with the HDF5 library, read as a source of the library.
//!
//! A file is open only during a step, so that what is written is seen by the next one.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use hdf5::{
    Extent, File, Group, H5Type, Location,
    filters::ScaleOffset,
    plist::file_create::LinkCreationOrder,
    types::{OwnedDynValue, VarLenAscii, VarLenUnicode},
};
use serde_json::{Value, json};
use zarr_convenience::{
    CopyOptions, Sink, Source, SourceNode, ZarrSource, copy,
    core::{
        ArrayBuilder, ArrayData, Element, Node, NodePath, Options, Selection, ZarrFormat,
        codecs::{ByteOrder, DataType},
        store::{MemoryStore, Store},
    },
    shape_text,
};
use zarr_h5bridge::{
    Hdf5Sink, Hdf5Source,
    hdf5::{Dataspace, FillValue},
};

use super::{
    Operation,
    outcome::{Failure, Fault, Outcome},
    scalar::{Scalar, to_hex},
    session::{Session, Thing, flag, text},
    values,
    verbs::missing,
};

/// The operations on HDF5 files.
pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("h5_open", open),
    ("h5_close", close),
    ("h5_group", group),
    ("h5_dataset", dataset),
    ("h5_softlink", softlink),
    ("h5_attr_set", attr_set),
    ("h5_attrs", attrs),
    ("h5_names", names),
    ("h5_props", props),
    ("h5_read", read),
];

/// A node of an HDF5 file, as something that can be copied and drawn.
pub(super) fn source(path: &Path, member: &str) -> Outcome<(Box<dyn Source>, SourceNode)> {
    let source = Hdf5Source::open(path)?;
    let node = source.node(&NodePath::new(member)?)?;
    Ok((Box::new(source), node.ok_or_else(|| missing(member))?))
}

/// A group of an HDF5 file that copies go into.
pub(super) fn sink(path: &Path, member: &str, dry_run: bool) -> Outcome<Box<dyn Sink>> {
    let sink = if dry_run {
        Hdf5Sink::look(path)?
    } else {
        Hdf5Sink::open(path)?
    };
    Ok(Box::new(sink.at(&NodePath::new(member)?)?))
}

impl From<hdf5::Error> for Fault {
    fn from(error: hdf5::Error) -> Self {
        Failure::class("OSError", error.to_string()).into()
    }
}

/// The file that a step names, opened for changes, and the path in it.
fn file<'a>(session: &Session, step: &'a Value) -> Outcome<(File, &'a str)> {
    let target = text(step, "target")?;
    let (name, member) = target.split_once(':').unwrap_or((target, ""));
    match session.thing(name)? {
        Thing::Hdf5(path) => Ok((File::open_rw(path)?, member)),
        _ => Err(Fault::unsupported(format!("{name} is no HDF5 file"))),
    }
}

fn open(session: &mut Session, step: &Value) -> Outcome {
    let path = session.path(step)?;
    let mut builder = File::with_options();
    if flag(step, "track_order") {
        builder.with_fcpl(|list| list.link_creation_order(LinkCreationOrder::Indexed));
    }
    drop(builder.append(&path)?);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let shown = json!({"h5": format!("<HDF5 file \"{name}\" (mode r+)>")});
    session.name(step, Thing::Hdf5(path));
    Ok(shown)
}

#[expect(clippy::unnecessary_wraps, reason = "operations have one form")]
fn close(_: &mut Session, _: &Value) -> Outcome {
    Ok(Value::Null)
}

fn at(file: &File, member: &str) -> Outcome<Group> {
    Ok(if member.is_empty() {
        file.group("/")?
    } else {
        file.group(member)?
    })
}

fn group(session: &mut Session, step: &Value) -> Outcome {
    let (file, member) = file(session, step)?;
    let made = at(&file, member)?.create_group(text(step, "name")?)?;
    let shown = format!("<HDF5 group \"{}\" ({} members)>", made.name(), made.len());
    Ok(json!({"h5": shown}))
}

fn softlink(session: &mut Session, step: &Value) -> Outcome {
    let (file, member) = file(session, step)?;
    let target = step["to"].as_str().or_else(|| step["path"].as_str());
    let target = target.ok_or_else(|| Fault::unsupported("a link to nothing"))?;
    at(&file, member)?.link_soft(target, text(step, "name")?)?;
    Ok(Value::Null)
}

fn dataset(session: &mut Session, step: &Value) -> Outcome {
    let (file, member) = file(session, step)?;
    if flag(step, "empty") {
        return Err(Fault::unsupported("datasets of nothing"));
    }
    let group = at(&file, member)?;
    let name = text(step, "name")?;
    if step["dtype"].get("h5_string").is_some() {
        return texts(&group, step);
    }
    let data = values::array(&step["data"], None)?;
    let (_, byte_order) = step["data"]
        .get("dtype")
        .map_or(Ok((DataType::Int64, ByteOrder::NATIVE)), values::data_type)?;
    match data.data_type {
        _ if byte_order == ByteOrder::Big => copied((file, group), name, &data, byte_order)?,
        DataType::Bool => create::<bool>(&group, step, &data)?,
        DataType::Int8 => create::<i8>(&group, step, &data)?,
        DataType::Int16 => create::<i16>(&group, step, &data)?,
        DataType::Int32 => create::<i32>(&group, step, &data)?,
        DataType::Int64 => create::<i64>(&group, step, &data)?,
        DataType::UInt8 => create::<u8>(&group, step, &data)?,
        DataType::UInt16 => create::<u16>(&group, step, &data)?,
        DataType::UInt32 => create::<u32>(&group, step, &data)?,
        DataType::UInt64 => create::<u64>(&group, step, &data)?,
        DataType::Float32 => create::<f32>(&group, step, &data)?,
        DataType::Float64 => create::<f64>(&group, step, &data)?,
        _ => copied((file, group), name, &data, byte_order)?,
    }
    let dtype = match &data.data_type {
        record @ DataType::Struct(_) => format!("|V{}", record.size().unwrap_or(0)).into(),
        plain => values::data_type_json(plain, byte_order),
    };
    Ok(shown_dataset(name, &data.shape, &dtype))
}

fn shown_dataset(name: &str, shape: &[u64], dtype: &Value) -> Value {
    let name = name.rsplit('/').next().unwrap_or(name);
    let shape = shape_text(shape);
    json!({"h5": format!("<HDF5 dataset \"{name}\": shape {shape}, type {dtype}>")})
}

/// Makes a dataset of texts of any length.
fn texts(group: &Group, step: &Value) -> Outcome {
    let given = &step["data"];
    let list = given.as_array().or_else(|| given["data"].as_array());
    let texts = list.ok_or_else(|| Fault::unsupported(format!("texts {given}")))?;
    let texts: Vec<VarLenUnicode> = texts
        .iter()
        .map(|text| text.as_str().unwrap_or_default().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| Fault::unsupported("a text with NUL"))?;
    let mut builder = group.new_dataset::<VarLenUnicode>();
    if let Some(chunks) = step.get("chunks") {
        builder = builder.chunk(lengths(chunks)?);
    }
    let name = text(step, "name")?;
    let made = builder.shape([texts.len()]).create(name)?;
    made.write_raw(&texts)?;
    Ok(shown_dataset(name, &[texts.len() as u64], &"|O".into()))
}

/// Makes a dataset of a type that the crate for HDF5 lacks, as a copy of an array in memory.
fn copied((file, group): (File, Group), name: &str, data: &ArrayData, byte_order: ByteOrder) -> Outcome<()> {
    let (path, above) = (PathBuf::from(file.filename()), NodePath::new(&group.name())?);
    drop((group, file));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let builder = ArrayBuilder::new(data.shape.clone(), data.data_type.clone())
        .format(ZarrFormat::V2)
        .byte_order(byte_order);
    let array = builder.create(store, &NodePath::new(name)?, &Options::default())?;
    array.write_data(&Selection::all(), data)?;
    let source = ZarrSource::new(Node::Array(array));
    let sink = Hdf5Sink::open(path)?.at(&above)?;
    let options = CopyOptions {
        name: Some(name.to_owned()),
        ..CopyOptions::default()
    };
    let lost = copy(&source, &source.root(), &sink, options)?.lost;
    lost.first().map_or(Ok(()), |lost| {
        Err(Fault::unsupported(format!(
            "HDF5 datasets of {}: {}",
            data.data_type, lost.reason
        )))
    })
}

fn lengths(value: &Value) -> Outcome<Vec<usize>> {
    Ok(values::lengths(value)?
        .iter()
        .map(|length| *length as usize)
        .collect())
}

fn create<T>(group: &Group, step: &Value, data: &ArrayData) -> Outcome<()>
where
    T: Element + H5Type + Into<OwnedDynValue>,
{
    let shape: Vec<usize> = data.shape.iter().map(|length| *length as usize).collect();
    let mut builder = group.new_dataset::<T>();
    if flag(step, "shuffle") {
        builder = builder.shuffle();
    }
    if step["compression"] == "gzip" {
        const LEVEL: u64 = 4;
        builder = builder.deflate(step["compression_opts"].as_u64().unwrap_or(LEVEL) as u8);
    }
    if flag(step, "fletcher32") {
        builder = builder.fletcher32();
    }
    if let Some(fill) = step.get("fillvalue") {
        let fill = values::full(
            &Scalar::from_json(fill, Some(&data.data_type))?,
            vec![1],
            &data.data_type,
        )?;
        if let Some(fill) = fill.to_vec::<T>()?.pop() {
            builder = builder.fill_value(fill);
        }
    }
    if let Some(chunks) = step.get("chunks") {
        builder = builder.chunk(lengths(chunks)?);
    }
    if let Some(factor) = step["scaleoffset"].as_u64() {
        builder = builder.scale_offset(ScaleOffset::Integer(factor as u16));
    }
    let name = text(step, "name")?;
    let made = if let Some(longest) = step["maxshape"].as_array() {
        let longest = longest
            .iter()
            .map(|length| length.as_u64().map(|length| length as usize));
        let extents = shape
            .iter()
            .zip(longest)
            .map(|(length, longest)| Extent::new(*length, longest));
        builder.shape(extents.collect::<Vec<_>>()).create(name)?
    } else {
        builder.shape(shape).create(name)?
    };
    Ok(made.write_raw(&data.to_vec::<T>()?)?)
}

fn attr_set(session: &mut Session, step: &Value) -> Outcome {
    let (file, member) = file(session, step)?;
    let key = text(step, "key")?;
    if let Ok(group) = at(&file, member) {
        set(&group, key, &step["value"])?;
    } else {
        let dataset = file.dataset(member)?;
        set(&dataset, key, &step["value"])?;
    }
    Ok(Value::Null)
}

fn set(object: &Location, key: &str, value: &Value) -> Outcome<()> {
    if object.attr_names()?.iter().any(|name| name == key) {
        object.delete_attr(key)?;
    }
    if value.get("arange").is_some() || value.get("data").is_some() {
        let data = values::array(value, Some(&DataType::Int64))?;
        let shape: Vec<usize> = data.shape.iter().map(|length| *length as usize).collect();
        let made = object.new_attr::<i64>().shape(shape).create(key)?;
        return Ok(made.write_raw(&data.to_vec::<i64>()?)?);
    }
    let np = value["np"].as_str().unwrap_or_default();
    match Scalar::from_json(value, None)? {
        Scalar::Bool(value) => object.new_attr::<bool>().create(key)?.write_scalar(&value)?,
        Scalar::Float(value) if np == "f4" => object
            .new_attr::<f32>()
            .create(key)?
            .write_scalar(&(value as f32))?,
        Scalar::Float(value) => object.new_attr::<f64>().create(key)?.write_scalar(&value)?,
        Scalar::Int(value) => object
            .new_attr::<i64>()
            .create(key)?
            .write_scalar(&(value as i64))?,
        Scalar::Text(value) => {
            let value: VarLenUnicode = value.parse().map_err(|_| Fault::unsupported("a text with NUL"))?;
            object
                .new_attr::<VarLenUnicode>()
                .create(key)?
                .write_scalar(&value)?;
        }
        Scalar::Bytes(value) => {
            let value =
                VarLenAscii::from_ascii(&value).map_err(|_| Fault::unsupported("bytes that are no ASCII"))?;
            object
                .new_attr::<VarLenAscii>()
                .create(key)?
                .write_scalar(&value)?;
        }
        other => return Err(Fault::unsupported(format!("HDF5 attribute {other:?}"))),
    }
    Ok(())
}

fn names(session: &mut Session, step: &Value) -> Outcome {
    let (file, member) = file(session, step)?;
    let group = at(&file, member)?;
    let mut names = group.member_names()?;
    // The library lists small groups as they were filled; h5py does so only where the order is tracked.
    if group.create_plist()?.link_creation_order() == LinkCreationOrder::Untracked {
        names.sort();
    }
    Ok(names.into())
}

/// The attributes of an object; of numbers, only those that stand alone.
fn attrs(session: &mut Session, step: &Value) -> Outcome {
    let target = text(step, "target")?;
    let (name, member) = target.split_once(':').unwrap_or((target, ""));
    let Thing::Hdf5(path) = session.thing(name)? else {
        return Err(Fault::unsupported(format!("{name} is no HDF5 file")));
    };
    let (source, node) = source(path, member)?;
    let attributes = source.attributes(&node)?.members;
    let shown = attributes.into_iter().map(|(name, value)| match value {
        Value::String(_) => Ok((name, value)),
        Value::Number(number) if number.is_i64() => {
            Ok((name, json!({"dtype": "<i8", "shape": [], "data": number})))
        }
        Value::Number(number) if number.is_f64() => {
            Ok((name, json!({"dtype": "<f8", "shape": [], "data": number})))
        }
        other => Err(Fault::unsupported(format!("HDF5 attribute {other}"))),
    });
    Ok(Value::Object(shown.collect::<Outcome<_>>()?))
}

/// What a dataset is, as h5py tells it.
fn props(session: &mut Session, step: &Value) -> Outcome {
    let (path, member) = closed(session, step)?;
    let (source, node) = source(&path, member)?;
    drop(source);
    let SourceNode::Array(array) = node else {
        return Err(Fault::unsupported("properties of what is no dataset"));
    };
    let dataset = zarr_h5bridge::hdf5::File::open(&path)
        .and_then(|file| file.dataset(member))
        .map_err(|error| Failure::class("KeyError", error.to_string()))?;
    let info = dataset.info();
    let filter = |id| info.filters.iter().find(|filter| filter.id == id);
    let (data_type, byte_order) = (array.data_type(), array.byte_order());
    let fill = match &info.fill_value {
        FillValue::Undefined => Value::Null,
        // Texts of any length have none that is worth comparing.
        _ if data_type.is_variable() => Value::Null,
        FillValue::Default(bytes) | FillValue::User(bytes) => {
            let mut bytes = bytes.clone();
            data_type.reorder(&mut bytes, byte_order);
            let data = Scalar::of_element(&bytes, data_type)?.to_json();
            json!({"dtype": values::data_type_json(data_type, byte_order), "shape": [], "data": data})
        }
    };
    let deflate = filter(1);
    Ok(json!({
        "shape": array.shape(),
        "dtype": values::data_type_json(data_type, byte_order),
        "chunks": array.chunk_shape(),
        "compression": deflate.map(|_| "gzip").or_else(|| filter(32000).map(|_| "lzf")),
        "compression_opts": deflate.and_then(|filter| filter.client_data.first()),
        "shuffle": filter(2).is_some(),
        "fletcher32": filter(3).is_some(),
        "fillvalue": fill,
        "maxshape": longest(&info.space),
        "scaleoffset": filter(6).and_then(|filter| filter.client_data.get(1)),
    }))
}

fn longest(space: &Dataspace) -> Value {
    match space {
        Dataspace::Simple { max_shape, .. } => json!(max_shape),
        _ => json!([]),
    }
}

/// The values of a dataset; texts of any length come as bytes.
fn read(session: &mut Session, step: &Value) -> Outcome {
    let (path, member) = closed(session, step)?;
    let (_source, node) = source(&path, member)?;
    let SourceNode::Array(array) = node else {
        return Err(Fault::unsupported("reading what is no dataset"));
    };
    let data = array.read(&Selection::all(), <_>::default())?;
    if data.data_type == DataType::String {
        let texts = data.to_vec::<String>()?;
        let texts: Vec<_> = texts
            .iter()
            .map(|text| json!({"hex": to_hex(text.as_bytes())}))
            .collect();
        return Ok(json!({"dtype": "|O", "shape": data.shape, "data": texts}));
    }
    values::array_json(&data, array.byte_order())
}

/// The path of the file that a step names, and the path in it.
fn closed<'a>(session: &Session, step: &'a Value) -> Outcome<(PathBuf, &'a str)> {
    let target = text(step, "target")?;
    let (name, member) = target.split_once(':').unwrap_or((target, ""));
    match session.thing(name)? {
        Thing::Hdf5(path) => Ok((path.clone(), member)),
        _ => Err(Fault::unsupported(format!("{name} is no HDF5 file"))),
    }
}
