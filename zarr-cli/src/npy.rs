//! NumPy's files: `.npy` holds one array, `.npz` is a ZIP archive of them (NumPy enhancement proposal 1).
//!
//! ```text
//! \x93NUMPY  version u8 u8  length u16 or u32  {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  elements
//! ```

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use zarr_convenience::{
    Error,
    core::{
        ArrayData,
        codecs::{ByteOrder, ChunkBuffer},
        metadata::{data_type_to_v2, v2_data_type},
        store::{Store, StoreExt, StoreKey, StorePrefix, ZipStore},
    },
    shape_text,
};

const MAGIC: &[u8] = b"\x93NUMPY";
/// The elements of a file begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// Reads a `.npy` file, or all members of a `.npz` file with their names.
pub(crate) fn read(path: &Path) -> Result<Vec<(Option<String>, ArrayData)>> {
    let what = || path.display().to_string();
    if path.extension().is_some_and(|ending| ending == "npz") {
        return read_npz(path);
    }
    let bytes = fs::read(path).with_context(what)?;
    let array = decode(&bytes).map_err(|error| damaged(what(), &error))?;
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

fn read_npz(path: &Path) -> Result<Vec<(Option<String>, ArrayData)>> {
    let archive = ZipStore::open(path)?;
    let mut arrays = Vec::new();
    for key in archive.list_prefix(&StorePrefix::root())? {
        let name = key.as_str().strip_suffix(".npy").unwrap_or(key.as_str());
        let bytes = archive.get(&key, u64::MAX)?.unwrap_or_default();
        arrays.push((
            Some(name.to_owned()),
            decode(&bytes).map_err(|error| damaged(archive.describe(key.as_str()), &error))?,
        ));
    }
    Ok(arrays)
}

/// Writes a `.npy` file.
pub(crate) fn write(path: &Path, array: &ArrayData) -> Result<()> {
    let bytes = encode(array)?;
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// Writes a `.npz` file.
pub(crate) fn write_npz(path: &Path, arrays: &[(String, ArrayData)]) -> Result<()> {
    let archive = ZipStore::create_or_replace(path)?;
    for (name, array) in arrays {
        archive.set(&StoreKey::new(format!("{name}.npy"))?, &encode(array)?)?;
    }
    Ok(archive.close()?)
}

fn encode(array: &ArrayData) -> Result<Vec<u8>> {
    if array.data_type.is_variable() {
        bail!(Error::Refused {
            what: format!("elements of {}", array.data_type),
            reason: "NumPy's files hold objects as code to be run (pickle), which is not written; \
                leave out -o to see them, or use copy to keep them in Zarr"
                .to_owned(),
        });
    }
    let descr =
        data_type_to_v2(&array.data_type, ByteOrder::NATIVE).context("data type has no NumPy form")?;
    let shape = shape_text(&array.shape);
    let header = format!(
        "{{'descr': {}, 'fortran_order': False, 'shape': {shape}, }}",
        python_text(&descr)
    );
    let fixed = MAGIC.len() + 4;
    let length = (fixed + header.len() + 1).next_multiple_of(ALIGNMENT) - fixed;
    let length = u16::try_from(length).context("data type is too long")?;
    let mut bytes = [MAGIC, &[1, 0], &length.to_le_bytes(), header.as_bytes()].concat();
    bytes.resize(fixed + length as usize - 1, b' ');
    bytes.push(b'\n');
    bytes.extend_from_slice(&array.buffer.elements);
    Ok(bytes)
}

/// A type as Python code: lists of fields become lists of tuples.
fn python_text(descr: &Value) -> String {
    match descr {
        Value::String(text) => format!("'{text}'"),
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

fn decode(bytes: &[u8]) -> Result<ArrayData> {
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
    let header = Header::parse(std::str::from_utf8(header).context("header is no text")?)?;
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
    let mut elements = elements.to_vec();
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
    /// Reads the header, which is Python code for a dictionary of literals; as JSON once quotes, brackets and
    /// words are changed.
    fn parse(text: &str) -> Result<Self> {
        let json = text
            .replace('\'', "\"")
            .replace("False", "false")
            .replace("True", "true");
        let json = json.replace('(', "[").replace(')', "]");
        let mut clean = String::new();
        for c in json.chars().filter(|c| !c.is_whitespace()) {
            // Python allows a comma before the end of a list.
            if matches!(c, ']' | '}') && clean.ends_with(',') {
                clean.pop();
            }
            clean.push(c);
        }
        let value: Value = serde_json::from_str(&clean).context("header is not understood")?;
        let shape = value
            .get("shape")
            .and_then(Value::as_array)
            .context("header has no shape")?;
        let shape = shape
            .iter()
            .map(|length| length.as_u64().context("shape is not understood"));
        Ok(Self {
            descr: value.get("descr").context("header has no descr")?.clone(),
            fortran_order: value.get("fortran_order") == Some(&Value::Bool(true)),
            shape: shape.collect::<Result<_>>()?,
        })
    }
}

/// Turns elements in Fortran order into C order.
fn transposed(elements: &[u8], shape: &[u64], item_size: usize) -> Vec<u8> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = item_size;
    for length in shape {
        strides.push(stride);
        stride *= *length as usize;
    }
    let mut position = vec![0; shape.len()];
    let mut out = Vec::with_capacity(elements.len());
    for _ in 0..elements.len() / item_size.max(1) {
        let at: usize = position
            .iter()
            .zip(&strides)
            .map(|(index, stride)| *index as usize * stride)
            .sum();
        out.extend_from_slice(&elements[at..at + item_size]);
        for (index, length) in position.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < *length {
                break;
            }
            *index = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numpy_text::array_text;

    #[test]
    fn arrays_come_back() {
        let array = ArrayData::new(vec![2, 3], &[1.5_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let bytes = encode(&array).unwrap();
        assert_eq!((bytes.len() - 24) % ALIGNMENT, 0);
        assert_eq!(decode(&bytes).unwrap(), array);
    }

    #[test]
    fn fortran_order_and_big_endian_are_understood() {
        let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n";
        let mut bytes = [
            MAGIC,
            &[1, 0],
            &(header.len() as u16).to_le_bytes(),
            header.as_bytes(),
        ]
        .concat();
        bytes.extend(
            [1_i16, 4, 2, 5, 3, 6]
                .iter()
                .flat_map(|value| value.to_be_bytes()),
        );
        let array = decode(&bytes).unwrap();
        assert_eq!(array.to_vec::<i16>().unwrap(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn long_doubles_come_without_what_was_in_their_padding() {
        // numpy.save of numpy.array([1, 2.5], dtype='<f16') with NumPy 2.5.
        let header = "{'descr': '<f16', 'fortran_order': False, 'shape': (2,), }";
        let elements = b"\0\0\0\0\0\0\0\x80\xff?\x1b\xf1B\x7f\0\0\0\0\0\0\0\0\0\xa0\0@\x1b\xf1B\x7f\0\0";
        let length = (header.len() as u16).to_le_bytes();
        let bytes = [MAGIC, &[1, 0], &length, header.as_bytes(), elements].concat();
        let array = decode(&bytes).unwrap();
        let values = [1.0, 2.5].map(zarr_convenience::core::codecs::LongDouble::from);
        assert_eq!(array, ArrayData::new(vec![2], &values).unwrap());
        assert_eq!(decode(&encode(&array).unwrap()).unwrap(), array);
        assert_eq!(array_text(&array), "[1.  2.5]");
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
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
        assert!(decode(&[bytes, vec![0]].concat()).is_err());
    }
}
