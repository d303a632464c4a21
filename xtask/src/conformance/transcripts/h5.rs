//! HDF5 files: made with the HDF5 library, read as a source of the library.
//!
//! A file is open only during a step, so that what is written is seen by the next one.

use std::path::Path;

use hdf5::{
    File, Group, H5Type, Location,
    types::{OwnedDynValue, VarLenAscii, VarLenUnicode},
};
use serde_json::{Value, json};
use zarr_convenience::{
    Sink, Source, SourceNode,
    core::{
        ArrayData, Element, NodePath,
        codecs::{ByteOrder, DataType},
    },
    shape_text,
};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source};

use super::{
    Operation,
    outcome::{Failure, Fault, Outcome},
    scalar::Scalar,
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
    if flag(step, "track_order") {
        return Err(Fault::unsupported("files in the order of creation"));
    }
    drop(File::append(&path)?);
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
    let group = at(&file, member)?;
    if ["dtype", "maxshape", "scaleoffset", "empty"]
        .iter()
        .any(|name| step.get(name).is_some())
    {
        return Err(Fault::unsupported("datasets of other than plain numbers"));
    }
    let data = values::array(&step["data"], None)?;
    let (_, byte_order) = step["data"]
        .get("dtype")
        .map_or(Ok((DataType::Int64, ByteOrder::NATIVE)), values::data_type)?;
    if byte_order != ByteOrder::NATIVE {
        return Err(Fault::unsupported("datasets in foreign byte order"));
    }
    match data.data_type {
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
        ref other => return Err(Fault::unsupported(format!("HDF5 datasets of {other}"))),
    }
    let name = text(step, "name")?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let dtype = values::data_type_json(&data.data_type, byte_order);
    let shape = shape_text(&data.shape);
    Ok(json!({"h5": format!("<HDF5 dataset \"{name}\": shape {shape}, type {dtype}>")}))
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
        let chunks: Vec<usize> = values::lengths(chunks)?
            .iter()
            .map(|length| *length as usize)
            .collect();
        builder = builder.chunk(chunks);
    }
    let made = builder.shape(shape).create(text(step, "name")?)?;
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
    Ok(at(&file, member)?.member_names()?.into())
}

/// The attributes of an object; of numbers, only whole ones that stand alone.
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
        other => Err(Fault::unsupported(format!("HDF5 attribute {other}"))),
    });
    Ok(Value::Object(shown.collect::<Outcome<_>>()?))
}
