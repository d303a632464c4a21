//! The file system.

use std::{fs, io::Read, path::Path};

use serde_json::{Value, json};

use super::{
    Operation,
    outcome::{Failure, Fault, Outcome},
    scalar::to_hex,
    session::{Session, text},
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("ls", ls),
    ("mkdir", mkdir),
    ("write_file", write_file),
    ("file_text", file_text),
    ("file_hex", file_hex),
    ("file_size", file_size),
    ("exists", exists),
    ("zip_entries", zip_entries),
];

fn ls(session: &mut Session, step: &Value) -> Outcome {
    let root = session.path(step)?;
    let mut names = Vec::new();
    list(&root, "", &mut names)?;
    names.sort();
    Ok(names.into())
}

fn list(folder: &Path, prefix: &str, names: &mut Vec<String>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

fn mkdir(session: &mut Session, step: &Value) -> Outcome {
    fs::create_dir_all(session.path(step)?)?;
    Ok(Value::Null)
}

fn write_file(session: &mut Session, step: &Value) -> Outcome {
    let path = session.path(step)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text(step, "text")?)?;
    Ok(Value::Null)
}

fn file_text(session: &mut Session, step: &Value) -> Outcome {
    Ok(fs::read_to_string(session.path(step)?)?.into())
}

fn file_hex(session: &mut Session, step: &Value) -> Outcome {
    Ok(to_hex(&fs::read(session.path(step)?)?).into())
}

fn file_size(session: &mut Session, step: &Value) -> Outcome {
    Ok(fs::metadata(session.path(step)?)?.len().into())
}

fn exists(session: &mut Session, step: &Value) -> Outcome {
    Ok(session.path(step)?.exists().into())
}

/// The directory of an archive, read from its end: the names, and how each is stored.
fn zip_entries(session: &mut Session, step: &Value) -> Outcome {
    let mut bytes = Vec::new();
    fs::File::open(session.path(step)?)?.read_to_end(&mut bytes)?;
    let number = |at: usize, size: usize| -> Outcome<u64> {
        let field = bytes.get(at..at + size).ok_or_else(damaged)?;
        Ok(field
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    };
    let end = bytes
        .windows(4)
        .rposition(|window| window == b"PK\x05\x06")
        .ok_or_else(damaged)?;
    let count = number(end + 10, 2)?;
    let mut at = number(end + 16, 4)? as usize;
    let mut entries = Vec::new();
    for _ in 0..count {
        let method = match number(at + 10, 2)? {
            0 => "stored",
            8 => "deflated",
            _ => "other",
        };
        let (name, extra, comment) = (number(at + 28, 2)?, number(at + 30, 2)?, number(at + 32, 2)?);
        let start = at + 46;
        let text = bytes.get(start..start + name as usize).ok_or_else(damaged)?;
        entries.push(json!({
            "name": String::from_utf8_lossy(text),
            "method": method,
            "unix_mode": format!("0o{:o}", (number(at + 38, 4)? >> 16) & 0o777),
            "size": number(at + 24, 4)?,
            "compressed_size": number(at + 20, 4)?,
        }));
        at = start + (name + extra + comment) as usize;
    }
    entries.sort_by_key(|entry| entry["name"].to_string());
    Ok(entries.into())
}

/// A result as it is compared: the members of an archive have no order, since chunks are written by several
/// threads and documents after them.
pub(super) fn in_no_order(step: &Value, result: &Value) -> Value {
    let mut result = result.clone();
    if step["op"] == "zip_entries"
        && let Some(entries) = result["ok"].as_array_mut()
    {
        entries.sort_by_key(|entry| entry["name"].to_string());
    }
    result
}

fn damaged() -> Fault {
    Failure::class("zipfile.BadZipFile", "the archive has no directory").into()
}
