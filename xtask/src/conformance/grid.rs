//! The grid: every data type with every codec, order, separator and format, and some shapes besides.

use serde_json::{Value, json};

use super::cell::{Cell, Fill};
use super::dtype::Dtype;

/// Data types of the first grid.
const DTYPES: &[&str] = &[
    "|b1", "|i1", "|u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8",
    "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<c8", ">c8", "<c16", ">c16", "|S5", "<U4", ">U4", "|V6",
    "<M8[ns]", ">M8[ns]", "<M8[s]", "<M8[D]", "<m8[ns]", "<m8[s]", ">m8[s]",
];

/// One data type of each kind, for what does not need all of them.
const ONE_OF_EACH: &[&str] = &["|b1", "<i4", ">f8", "<c16", "|S5", "<U4", "|V6", "<M8[ns]"];

/// Codecs of the first grid.
const CODECS: &[&str] = &["none", "blosc-lz4", "zlib", "gzip", "zstd", "lz4"];

/// Codecs beyond it.
const MORE_CODECS: &[&str] = &[
    "blosc-blosclz",
    "blosc-lz4hc",
    "blosc-zlib",
    "blosc-zstd",
    "blosc-bit",
    "bz2",
    "crc32c",
    "zstd+crc32c",
];

/// All cells; the quick grid has one data type of each kind and one separator.
pub(crate) fn cells(is_quick: bool) -> Vec<Cell> {
    let mut cells = first_grid(is_quick);
    cells.extend(shapes());
    cells.extend(more_codecs());
    cells
}

/// An array of two dimensions with chunks cut at both edges and two chunks missing, one of them in the corner.
fn plain(format: u8, dtype: &'static str, codec: &'static str) -> Cell {
    Cell {
        format,
        dtype: Dtype::new(dtype),
        shape: vec![7, 5],
        chunks: vec![3, 2],
        order: 'C',
        separator: '.',
        codec,
        fill: Fill::Value,
        missing: vec![vec![0, 1], vec![2, 2]],
    }
}

fn first_grid(is_quick: bool) -> Vec<Cell> {
    let dtypes = if is_quick { ONE_OF_EACH } else { DTYPES };
    let separators: &[char] = if is_quick { &['/'] } else { &['.', '/'] };
    let mut cells = Vec::new();
    for format in [2, 3] {
        for dtype in dtypes {
            for codec in CODECS {
                for order in ['C', 'F'] {
                    for separator in separators {
                        cells.push(Cell {
                            order,
                            separator: *separator,
                            ..plain(format, dtype, codec)
                        });
                    }
                }
            }
        }
    }
    cells
}

fn shapes() -> Vec<Cell> {
    let mut cells = Vec::new();
    for format in [2, 3] {
        for dtype in ONE_OF_EACH {
            for codec in ["none", "zstd"] {
                let base = Cell {
                    missing: vec![],
                    ..plain(format, dtype, codec)
                };
                let with = |shape: &[u64], chunks: &[u64]| Cell {
                    shape: shape.to_vec(),
                    chunks: chunks.to_vec(),
                    ..base.clone()
                };
                cells.push(with(&[], &[]));
                cells.push(Cell {
                    missing: vec![vec![]],
                    ..with(&[], &[])
                });
                cells.push(with(&[0], &[2]));
                cells.push(Cell {
                    missing: vec![vec![1]],
                    fill: Fill::Zero,
                    ..with(&[10], &[4])
                });
                cells.push(Cell {
                    order: 'F',
                    missing: vec![vec![1, 0, 1]],
                    ..with(&[5, 4, 3], &[2, 3, 2])
                });
                cells.push(with(&[3, 4], &[5, 6]));
                if format == 2 {
                    cells.push(Cell {
                        fill: Fill::Null,
                        ..base.clone()
                    });
                }
            }
        }
    }
    cells
}

fn more_codecs() -> Vec<Cell> {
    let mut cells = Vec::new();
    for format in [2, 3] {
        for codec in MORE_CODECS
            .iter()
            .filter(|codec| format == 3 || !codec.contains("crc32c"))
        {
            for dtype in ["|u1", "<i4", "<f8", "|S5"] {
                cells.push(plain(format, dtype, codec));
            }
        }
    }
    cells
}

/// The documents of a codec: in format 2 at most one compressor, in format 3 what follows `bytes`.
pub(crate) fn codec_json(name: &str, format: u8, typesize: usize) -> Vec<Value> {
    name.split('+')
        .filter(|part| *part != "none")
        .map(|part| one_codec(part, format, typesize))
        .collect()
}

fn one_codec(name: &str, format: u8, typesize: usize) -> Value {
    if let Some(inner) = name.strip_prefix("blosc-") {
        return blosc(inner, format, typesize);
    }
    let (v3, mut configuration) = match name {
        "zlib" | "bz2" => (format!("numcodecs.{name}"), json!({"level": 1})),
        "lz4" => ("numcodecs.lz4".to_owned(), json!({"acceleration": 1})),
        "zstd" if format == 3 => (name.to_owned(), json!({"level": 1, "checksum": false})),
        "crc32c" => return json!({"name": name}),
        _ => (name.to_owned(), json!({"level": 1})),
    };
    if format == 3 {
        return json!({"name": v3, "configuration": configuration});
    }
    configuration["id"] = json!(name);
    configuration
}

fn blosc(inner: &str, format: u8, typesize: usize) -> Value {
    let (cname, shuffle, shuffle_name) = if inner == "bit" {
        ("lz4", 2, "bitshuffle")
    } else {
        (inner, 1, "shuffle")
    };
    if format == 2 {
        return json!({"id": "blosc", "cname": cname, "clevel": 5, "shuffle": shuffle, "blocksize": 0});
    }
    json!({
        "name": "blosc",
        "configuration": {
            "cname": cname, "clevel": 5, "shuffle": shuffle_name, "typesize": typesize, "blocksize": 0,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_cell_has_a_name_of_its_own() {
        for is_quick in [false, true] {
            let cells = cells(is_quick);
            let names: HashSet<_> = cells.iter().map(Cell::id).collect();
            assert_eq!(names.len(), cells.len());
        }
    }

    #[test]
    fn only_complete_arrays_have_a_null_fill_value() {
        assert!(
            cells(false)
                .iter()
                .all(|cell| cell.fill != Fill::Null || cell.missing.is_empty())
        );
    }

    #[test]
    fn a_codec_has_its_document_in_both_formats() {
        assert_eq!(codec_json("none", 2, 4), [Value::Null; 0]);
        assert_eq!(codec_json("lz4", 2, 4), [json!({"acceleration": 1, "id": "lz4"})]);
        let both = codec_json("zstd+crc32c", 3, 4);
        assert_eq!(
            [&both[0]["name"], &both[1]["name"]],
            [&json!("zstd"), &json!("crc32c")]
        );
    }
}
