//! NumPy's files: `.npy` holds one array, `.npz` is a ZIP archive of them (NumPy enhancement proposal 1).
//!
//! ```text
//! \x93NUMPY  version u8 u8  length u16 or u32  {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  elements
//! ```

mod literal;

use std::{borrow::Cow, fs, io::Write, path::Path};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use zarr_convenience::{
    Error,
    core::{
        ArrayData,
        codecs::{
            ByteOrder, ChunkBuffer, DataType,
            strided::{Dimension, Item, StridedCopy, c_strides},
        },
        metadata::{data_type_to_v2, v2_data_type},
        store::{Store, StoreExt, StoreKey, StorePrefix, Strays, ZipStore},
    },
    shape_text,
};

use crate::new_file::NewFile;

const MAGIC: &[u8] = b"\x93NUMPY";
/// The elements of a file begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// Reads a `.npy` file, or all members of a `.npz` file with their names, which may have `size_max` bytes in all.
pub(crate) fn read(path: &Path, size_max: u64) -> Result<Vec<(Option<String>, ArrayData)>> {
    let what = || path.display().to_string();
    if path.extension().is_some_and(|ending| ending == "npz") {
        return read_npz(path, size_max);
    }
    let bytes = fs::read(path).with_context(what)?;
    let array = decode(bytes).map_err(|error| damaged(what(), &error))?;
    Ok(vec![(None, array)])
}

/// What is wrong with a file, or with a member of one.
fn damaged(what: String, error: &anyhow::Error) -> Error {
    if let Some(Error::Refused { reason, .. }) = error.downcast_ref() {
        let reason = reason.clone();
        return Error::Refused { what, reason };
    }
    let reason = crate::status::message(error);
    Error::Source { what, reason }
}

fn read_npz(path: &Path, mut size_max: u64) -> Result<Vec<(Option<String>, ArrayData)>> {
    let archive = ZipStore::open(path)?.with_strays(Strays::Named);
    let mut arrays = Vec::new();
    for key in archive.list_prefix(&StorePrefix::root())? {
        let name = key.as_str().strip_suffix(".npy").unwrap_or(key.as_str());
        let bytes = archive.get(&key, size_max)?.unwrap_or_default();
        size_max -= bytes.len() as u64;
        let array = decode(bytes.into()).map_err(|error| damaged(archive.describe(key.as_str()), &error))?;
        arrays.push((Some(name.to_owned()), array));
    }
    Ok(arrays)
}

/// Writes a `.npy` file; one that cannot be completed does not take the place of an older one.
pub(crate) fn write(path: &Path, array: &ArrayData) -> Result<()> {
    let header = header(array)?;
    let file = NewFile::beside(path)?;
    let written = file.create().and_then(|mut output| {
        output.write_all(&header)?;
        output.write_all(&elements(array))?;
        output.flush()
    });
    written.with_context(|| path.display().to_string())?;
    file.replace()
}

/// Writes a `.npz` file.
pub(crate) fn write_npz(path: &Path, arrays: &[(String, ArrayData)]) -> Result<()> {
    let archive = ZipStore::create_or_replace(path)?;
    for (name, array) in arrays {
        let member = [&header(array)?[..], &elements(array)].concat();
        archive.set(&StoreKey::new(format!("{name}.npy"))?, &member)?;
    }
    Ok(archive.close()?)
}

/// The elements as a file has them.
///
/// Narrow numbers are little-endian, and 0 in the bits above those of the number: the bytes that NumPy writes of them.
fn elements(array: &ArrayData) -> Cow<'_, [u8]> {
    let DataType::Narrow(narrow) = &array.data_type else {
        return Cow::Borrowed(&array.buffer.elements);
    };
    let mut elements = array.buffer.elements.clone();
    array.data_type.reorder(&mut elements, ByteOrder::Little);
    if let Some(unused) = 8_u32.checked_sub(narrow.bits()) {
        for byte in &mut elements {
            *byte = *byte << unused >> unused;
        }
    }
    Cow::Owned(elements)
}

/// What comes before the elements.
fn header(array: &ArrayData) -> Result<Vec<u8>> {
    if array.data_type.is_variable() {
        bail!(Error::Refused {
            what: format!("elements of {}", array.data_type),
            reason: "NumPy's files hold objects as code to be run (pickle), which is not written; \
                leave out -o to see them, or use copy to keep them in Zarr"
                .to_owned(),
        });
    }
    let descr = match &array.data_type {
        // As NumPy writes the types of the Python package ml_dtypes, which its files do not name.
        DataType::Narrow(narrow) => Some(Value::from(format!("<V{}", narrow.size()))),
        other => data_type_to_v2(other, ByteOrder::NATIVE),
    };
    let Some(descr) = descr else {
        bail!(Error::Refused {
            what: format!("elements of {}", array.data_type),
            reason:
                "NumPy's files have no such type; leave out -o to see them, or use copy to keep them in Zarr"
                    .to_owned(),
        });
    };
    let shape = shape_text(&array.shape);
    let header = format!(
        "{{'descr': {}, 'fortran_order': False, 'shape': {shape}, }}",
        python_text(&descr)
    );
    // Version 1 has Latin-1, version 3 UTF-8 and a longer length.
    let latin: Option<Vec<u8>> = header.chars().map(|c| u8::try_from(c).ok()).collect();
    let is_old = latin.is_some() && header.len() < usize::from(u16::MAX) - ALIGNMENT;
    let (version, text) = match latin {
        Some(latin) if is_old => (1, latin),
        _ => (3, header.into_bytes()),
    };
    let fixed = MAGIC.len() + if is_old { 4 } else { 6 };
    let length = (fixed + text.len() + 1).next_multiple_of(ALIGNMENT) - fixed;
    let length_bytes = u32::try_from(length)
        .context("data type is too long")?
        .to_le_bytes();
    let length_bytes = if is_old {
        &length_bytes[..2]
    } else {
        &length_bytes[..]
    };
    let mut bytes = [MAGIC, &[version, 0], length_bytes, &text].concat();
    bytes.resize(fixed + length - 1, b' ');
    bytes.push(b'\n');
    Ok(bytes)
}

/// A type as Python code: lists of fields become lists of tuples.
fn python_text(descr: &Value) -> String {
    match descr {
        Value::String(text) => literal::text(text),
        Value::Array(fields) => {
            let field = |field: &Value| {
                let parts: Vec<_> = field.as_array().into_iter().flatten().map(python_text).collect();
                format!("({})", parts.join(", "))
            };
            format!("[{}]", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn decode(mut bytes: Vec<u8>) -> Result<ArrayData> {
    let rest = bytes.strip_prefix(MAGIC).context("not a NumPy file")?;
    let (version, rest) = rest.split_first_chunk::<2>().context("file is cut short")?;
    let (length, rest) = match version[0] {
        1 => {
            let (length, rest) = rest.split_first_chunk::<2>().context("file is cut short")?;
            (u16::from_le_bytes(*length) as usize, rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk::<4>().context("file is cut short")?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        other => bail!("version {other} is not known"),
    };
    let (header, elements) = rest.split_at_checked(length).context("file is cut short")?;
    let header = if version[0] == 3 {
        Header::parse(std::str::from_utf8(header).context("header is no text")?)?
    } else {
        Header::parse(&header.iter().copied().map(char::from).collect::<String>())?
    };
    if header.descr.as_str().is_some_and(|descr| descr.ends_with('O')) {
        bail!(Error::Refused {
            what: "objects".to_owned(),
            reason: "objects are stored as code, which is not run".to_owned(),
        });
    }
    let (data_type, byte_order) =
        v2_data_type(&header.descr).map_err(|wrong| anyhow::anyhow!("descr {}", wrong.reason))?;
    let item_size = data_type.size().context("elements have no size")?;
    let n_elements = header
        .shape
        .iter()
        .try_fold(1_u64, |product, length| product.checked_mul(*length));
    let size = n_elements
        .and_then(|n| n.checked_mul(item_size as u64))
        .context("shape is too large")?;
    ensure!(
        elements.len() as u64 == size,
        "{} bytes of elements, expected {size}",
        elements.len()
    );
    let size = elements.len();
    // The file's memory becomes the array's.
    bytes.drain(..bytes.len() - size);
    let mut elements = bytes;
    data_type.reorder(&mut elements, byte_order);
    data_type.clear_padding(&mut elements);
    if header.fortran_order {
        elements = transposed(&elements, &header.shape, item_size);
    }
    let buffer = ChunkBuffer {
        elements,
        heap: Vec::new(),
    };
    Ok(ArrayData {
        shape: header.shape,
        data_type,
        buffer,
    })
}

struct Header {
    descr: Value,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl Header {
    /// Reads the header, which is Python code for a dictionary of literals.
    fn parse(text: &str) -> Result<Self> {
        let value = literal::parse(text).context("header is not understood")?;
        let shape = value
            .get("shape")
            .and_then(Value::as_array)
            .context("header has no shape")?;
        let shape = shape
            .iter()
            .map(|length| length.as_u64().context("shape is not understood"));
        Ok(Self {
            descr: without_titles(value.get("descr").context("header has no descr")?),
            fortran_order: value.get("fortran_order") == Some(&Value::Bool(true)),
            shape: shape.collect::<Result<_>>()?,
        })
    }
}

/// A data type with the names of its fields alone: a field may have a title as well, before its name.
fn without_titles(descr: &Value) -> Value {
    let Value::Array(fields) = descr else {
        return descr.clone();
    };
    let field = |field: &Value| {
        let mut parts = field.as_array().cloned().unwrap_or_default();
        if let Some([_, name]) = parts.first().and_then(Value::as_array).map(Vec::as_slice) {
            parts[0] = name.clone();
        }
        if let Some(inner) = parts.get_mut(1) {
            *inner = without_titles(inner);
        }
        Value::from(parts)
    };
    fields.iter().map(field).collect()
}

/// Turns elements in Fortran order into C order.
fn transposed(elements: &[u8], shape: &[u64], item_size: usize) -> Vec<u8> {
    let mut source = item_size;
    let dimensions = shape.iter().zip(c_strides(shape, item_size));
    let dimensions: Vec<_> = dimensions
        .map(|(length, target)| {
            let length = *length as usize;
            let dimension = Dimension {
                length,
                source,
                target,
            };
            source *= length;
            dimension
        })
        .collect();
    let item = Item {
        size: item_size,
        swap: 1,
    };
    let mut out = vec![0; elements.len()];
    StridedCopy::new(dimensions, item).copy_to(elements, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numpy_text::array_text;

    fn encode(array: &ArrayData) -> Result<Vec<u8>> {
        Ok([&header(array)?[..], &elements(array)].concat())
    }

    fn file(version: u8, header: &[u8], elements: &[u8]) -> Vec<u8> {
        let length = (header.len() as u32).to_le_bytes();
        let length = if version == 1 { &length[..2] } else { &length[..] };
        [MAGIC, &[version, 0], length, header, elements].concat()
    }

    #[test]
    fn arrays_come_back() {
        let array = ArrayData::new(vec![2, 3], &[1.5_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let bytes = encode(&array).unwrap();
        assert_eq!((bytes.len() - 24) % ALIGNMENT, 0);
        assert_eq!(decode(bytes).unwrap(), array);
    }

    #[test]
    fn fortran_order_and_big_endian_are_understood() {
        let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n";
        let mut bytes = file(1, header.as_bytes(), &[]);
        bytes.extend(
            [1_i16, 4, 2, 5, 3, 6]
                .iter()
                .flat_map(|value| value.to_be_bytes()),
        );
        let array = decode(bytes).unwrap();
        assert_eq!(array.to_vec::<i16>().unwrap(), [1, 2, 3, 4, 5, 6]);
    }

    /// Headers as NumPy 2.2 writes them.
    #[test]
    fn fields_keep_their_names() {
        let names = |bytes| decode(bytes).unwrap().data_type.to_string();
        let header = "{'descr': [('wind speed (m/s)', '<f4'), ('True', '<i4'), (\"it's\", '|u1')], \
            'fortran_order': False, 'shape': (2,), }   \n";
        let text = names(file(1, header.as_bytes(), &[0; 18]));
        for name in ["wind speed (m/s)", "True", "it's"] {
            assert!(text.contains(name), "{text}");
        }
        let latin = b"{'descr': [('gr\xf6\xdfe', '<f4')], 'fortran_order': False, 'shape': (2,), }\n";
        assert!(names(file(1, latin, &[0; 8])).contains("größe"));
        let header = "{'descr': [('温度', '<f4')], 'fortran_order': False, 'shape': (2,), }\n";
        assert!(names(file(3, header.as_bytes(), &[0; 8])).contains("温度"));
        let header = "{'descr': [(('title', 'name'), '<i4')], 'fortran_order': False, 'shape': (2,), }\n";
        let text = names(file(1, header.as_bytes(), &[0; 8]));
        assert!(text.contains("name") && !text.contains("title"), "{text}");
    }

    #[test]
    fn names_that_are_not_latin_come_back() {
        for (name, version) in [("größe", 1), ("温度", 3), ("it's \"x\"", 1)] {
            let descr = serde_json::json!([[name, "<f4"]]);
            let (data_type, _) = v2_data_type(&descr).unwrap();
            let array = ArrayData {
                shape: vec![1],
                data_type,
                buffer: ChunkBuffer {
                    elements: 1.5_f32.to_ne_bytes().to_vec(),
                    heap: Vec::new(),
                },
            };
            let bytes = encode(&array).unwrap();
            assert_eq!(bytes[MAGIC.len()], version);
            assert_eq!((bytes.len() - 4) % ALIGNMENT, 0);
            assert_eq!(decode(bytes).unwrap(), array);
        }
    }

    #[test]
    fn fortran_order_of_three_dimensions_is_turned() {
        let header = b"{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }\n";
        let array = decode(file(1, header, &(0..24).collect::<Vec<u8>>())).unwrap();
        let expected: Vec<u8> = (0..24).map(|at| at / 12 + at / 4 % 3 * 2 + at % 4 * 6).collect();
        assert_eq!(array.to_vec::<u8>().unwrap(), expected);
    }

    #[test]
    fn long_doubles_come_without_what_was_in_their_padding() {
        // numpy.save of numpy.array([1, 2.5], dtype='<f16') with NumPy 2.5.
        let header = "{'descr': '<f16', 'fortran_order': False, 'shape': (2,), }";
        let elements = b"\0\0\0\0\0\0\0\x80\xff?\x1b\xf1B\x7f\0\0\0\0\0\0\0\0\0\xa0\0@\x1b\xf1B\x7f\0\0";
        let bytes = file(1, header.as_bytes(), elements);
        let array = decode(bytes).unwrap();
        let values = [1.0, 2.5].map(zarr_convenience::core::codecs::LongDouble::from);
        assert_eq!(array, ArrayData::new(vec![2], &values).unwrap());
        assert_eq!(decode(encode(&array).unwrap()).unwrap(), array);
        assert_eq!(array_text(&array), "[1.  2.5]");
    }

    /// The descr and the elements that `numpy.save` of NumPy 2.5 gives of 1, 0 and -1 in types of
    /// `ml_dtypes` 0.6.
    #[test]
    fn narrow_numbers_are_the_bytes_that_numpy_writes() {
        let save = |name: &str, native: &[u8]| {
            let data_type = DataType::from_json(&name.into()).unwrap();
            let n_elements = (native.len() / data_type.size().unwrap()) as u64;
            let buffer = ChunkBuffer {
                elements: native.to_vec(),
                heap: Vec::new(),
            };
            let shape = vec![n_elements];
            let bytes = encode(&ArrayData {
                shape,
                data_type,
                buffer,
            });
            let bytes = bytes.unwrap();
            let header = String::from_utf8_lossy(&bytes[10..128]).trim_end().to_owned();
            (header, bytes[128..].to_vec())
        };
        let header = |descr: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (3,), }}");
        let brains = [0x3f80_u16, 0, 0xbf80].map(u16::to_ne_bytes).concat();
        let expected = (header("<V2"), b"\x80\x3f\0\0\x80\xbf".to_vec());
        assert_eq!(save("bfloat16", &brains), expected);
        let of_bytes = |elements: &[u8]| (header("<V1"), elements.to_vec());
        assert_eq!(
            save("float8_e4m3fn", &[0x38, 0, 0xb8]),
            of_bytes(&[0x38, 0, 0xb8])
        );
        assert_eq!(
            save("float4_e2m1fn", &[0x02, 0, 0x0a]),
            of_bytes(&[0x02, 0, 0x0a])
        );
        // In memory integers have their sign in the bits above.
        assert_eq!(save("int4", &[1, 0, 0xff]), of_bytes(&[1, 0, 0x0f]));
        assert_eq!(save("int2", &[1, 0, 0xff]), of_bytes(&[1, 0, 0x03]));
    }

    #[test]
    fn records_of_types_that_numpy_has_not_are_refused_by_name() {
        let field = serde_json::json!({"name": "a", "data_type": "float8_e5m2"});
        let record = serde_json::json!({"name": "struct", "configuration": {"fields": [field]}});
        let array = ArrayData {
            shape: vec![1],
            data_type: DataType::from_json(&record).unwrap(),
            buffer: ChunkBuffer {
                elements: vec![0],
                heap: Vec::new(),
            },
        };
        let error = encode(&array).unwrap_err().to_string();
        assert!(
            error.contains("float8_e5m2") && error.contains("NumPy"),
            "{error}"
        );
    }

    #[test]
    fn objects_are_refused_by_the_name_of_their_type() {
        let texts = ArrayData::new(vec![1], &["a".to_owned()]).unwrap();
        let error = encode(&texts).unwrap_err().to_string();
        assert!(error.contains("string") && error.contains("pickle"), "{error}");
    }

    #[test]
    fn damaged_files_are_refused() {
        let array = ArrayData::new(vec![3], &[1_i64, 2, 3]).unwrap();
        let bytes = encode(&array).unwrap();
        for length in 0..bytes.len() {
            assert!(decode(bytes[..length].to_vec()).is_err(), "{length}");
        }
        assert!(decode([bytes, vec![0]].concat()).is_err());
    }
}
