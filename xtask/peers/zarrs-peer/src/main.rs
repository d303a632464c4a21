//! Reads and writes the cells of a conformance grid with the zarrs crate.
//!
//! `zarrs-peer read|write CELLS.json` prints one JSON line a cell; `xtask/peers/README.md` has the protocol.

mod bench;

use std::error::Error;
use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zarrs::array::{Array, ArrayBytes, ArrayBytesOffsets, ArrayBytesVariableLength, ArrayMetadata};
use zarrs::filesystem::FilesystemStore;
use zarrs::storage::ReadableWritableListableStorage;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Why a cell has no values: the library does not know the combination, or it failed on it.
enum Trouble {
    Refused(Box<dyn Error>),
    Failed(Box<dyn Error>),
}

impl<E: Into<Box<dyn Error>>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|verb| verb == "version") {
        println!("zarrs {}", zarrs::version::version_str());
        return Ok(());
    }
    if arguments.get(1).is_some_and(|verb| verb == "bench") {
        println!("{}", bench::run(&arguments[2..])?);
        return Ok(());
    }
    let [_, verb, cells] = arguments.as_slice() else {
        return Err("usage: zarrs-peer read|write CELLS.json".into());
    };
    let document: Value = serde_json::from_str(&fs::read_to_string(cells)?)?;
    std::panic::set_hook(Box::new(|_| ()));
    for cell in document["cells"].as_array().ok_or("no cells")? {
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| match verb.as_str() {
            "read" => read(cell),
            _ => write(cell),
        }));
        let mut line = match outcome {
            Ok(Ok(line)) => line,
            Ok(Err(Trouble::Refused(error))) => json!({"refused": chain(&*error)}),
            Ok(Err(Trouble::Failed(error))) => json!({"error": chain(&*error)}),
            Err(_) => json!({"error": "panicked"}),
        };
        line["id"] = cell["id"].clone();
        line["seconds"] = json!(started.elapsed().as_secs_f64());
        println!("{line}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// The error and its causes in one line; a cause already in the text is not repeated.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

fn store(cell: &Value) -> Result<ReadableWritableListableStorage> {
    Ok(Arc::new(FilesystemStore::new(text(cell, "path")?)?))
}

fn read(cell: &Value) -> std::result::Result<Value, Trouble> {
    let array = Array::open(store(cell)?, "/").map_err(|error| Trouble::Refused(error.into()))?;
    let bytes: ArrayBytes<'_> = array.retrieve_array_subset(&array.subset_all())?;
    let elements = match bytes {
        ArrayBytes::Variable(_) => framed(&bytes.into_variable()?),
        _ => bytes.into_fixed()?.into_owned(),
    };
    if let Some(file) = cell["into"].as_str() {
        fs::write(file, &elements)?;
    }
    Ok(json!({
        "sha256": hex(&Sha256::digest(&elements)),
        "dtype": array.data_type().to_string(),
        "shape": array.shape(),
    }))
}

fn write(cell: &Value) -> std::result::Result<Value, Trouble> {
    let metadata: ArrayMetadata =
        serde_json::from_value(cell["document"].clone()).map_err(|error| Trouble::Refused(error.into()))?;
    let array = Array::new_with_metadata(store(cell)?, "/", metadata)
        .map_err(|error| Trouble::Refused(error.into()))?;
    array.store_metadata()?;
    let values = elements(cell, fs::read(text(cell, "data")?)?)?;
    let missing = lists(&cell["missing"])?;
    let (shape, lengths) = (list(&cell["shape"])?, lists(&cell["lengths"])?);
    let counts: Vec<_> = lengths.iter().map(|along| along.len() as u64).collect();
    for coordinates in grid(&counts) {
        if missing.contains(&coordinates) {
            continue;
        }
        let region: Vec<_> = coordinates
            .iter()
            .zip(&lengths)
            .map(|(at, lengths)| {
                let start: u64 = lengths[..*at as usize].iter().sum();
                start..start + lengths[*at as usize]
            })
            .collect();
        let part = cut(&values, &shape, &region);
        let bytes = part.concat();
        array.store_array_subset(
            &region,
            if is_variable(cell) {
                let ends = part.iter().scan(0, |end, item| {
                    *end += item.len();
                    Some(*end)
                });
                let offsets: Vec<usize> = std::iter::once(0).chain(ends).collect();
                ArrayBytes::new_vlen(bytes, ArrayBytesOffsets::new(offsets)?)?
            } else {
                ArrayBytes::new_flen(bytes)
            },
        )?;
    }
    Ok(json!({"written": true}))
}

/// Whether elements are of any length.
fn is_variable(cell: &Value) -> bool {
    matches!(cell["dtype"].as_str(), Some("text" | "bytes"))
}

/// Elements of any length, each behind its length of 32 bits.
fn framed(items: &ArrayBytesVariableLength<'_>) -> Vec<u8> {
    let item = |ends: &[usize]| {
        let item = &items.bytes()[ends[0]..ends[1]];
        [&(item.len() as u32).to_le_bytes()[..], item].concat()
    };
    items.offsets().windows(2).flat_map(item).collect()
}

/// The elements, in this machine's byte order, which is what the library takes.
fn elements(cell: &Value, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
    let mut elements = Vec::new();
    if is_variable(cell) {
        let mut rest = bytes.as_slice();
        while let Some((length, tail)) = rest.split_first_chunk() {
            let (item, tail) = tail.split_at(u32::from_le_bytes(*length) as usize);
            elements.push(item.to_vec());
            rest = tail;
        }
        return Ok(elements);
    }
    // Records have fields of several sizes; the library takes none of them.
    let dtype = text(cell, "dtype")?;
    let digits: String = dtype[2..].chars().take_while(char::is_ascii_digit).collect();
    let number: usize = digits.parse()?;
    let (size, width) = match &dtype[1..2] {
        "c" => (number, number / 2),
        "U" => (number * 4, 4),
        "S" | "V" => (number, 1),
        _ => (number, number),
    };
    for element in bytes.chunks_exact(size) {
        let mut element = element.to_vec();
        if dtype.starts_with('>') {
            element.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        elements.push(element);
    }
    Ok(elements)
}

/// Every position in the chunk grid, in C order.
fn grid(counts: &[u64]) -> Vec<Vec<u64>> {
    let mut all = vec![vec![]];
    for count in counts {
        all = all
            .iter()
            .flat_map(|head| (0..*count).map(move |i| [head.as_slice(), &[i]].concat()))
            .collect();
    }
    all
}

/// The elements of a region, in C order.
fn cut<'a>(values: &'a [Vec<u8>], shape: &[u64], region: &[std::ops::Range<u64>]) -> Vec<&'a [u8]> {
    let mut starts = vec![0u64];
    for (length, range) in shape.iter().zip(region) {
        starts = starts
            .iter()
            .flat_map(|at| range.clone().map(move |i| at * length + i))
            .collect();
    }
    starts.iter().map(|at| values[*at as usize].as_slice()).collect()
}

fn text<'a>(cell: &'a Value, name: &str) -> Result<&'a str> {
    cell[name]
        .as_str()
        .ok_or_else(|| format!("no member {name}").into())
}

fn list(value: &Value) -> Result<Vec<u64>> {
    Ok(serde_json::from_value(value.clone())?)
}

fn lists(value: &Value) -> Result<Vec<Vec<u64>>> {
    Ok(serde_json::from_value(value.clone())?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
