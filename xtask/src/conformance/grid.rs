//! The grid: every data type with every codec, order, separator and format, and some shapes besides.

use serde_json::{Value, json};

use super::cell::{Cell, Fill, Shards};
use super::dtype::Dtype;

/// Data types of the first grid.
const DTYPES: &[&str] = &[
    "|b1", "|i1", "|u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8",
    "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<c8", ">c8", "<c16", ">c16", "|S5", "<U4", ">U4", "|V6",
    "<M8[ns]", ">M8[ns]", "<M8[s]", "<M8[D]", "<m8[ns]", "<m8[s]", ">m8[s]", "<record", ">record", "text",
    "bytes",
];

/// One data type of each kind, for what does not need all of them.
const ONE_OF_EACH: &[&str] = &[
    "|b1", "<i4", ">f8", "<c16", "|S5", "<U4", "|V6", "<M8[ns]", "<record", "text",
];

/// Codecs of the first grid.
const CODECS: &[&str] = &["none", "blosc-lz4", "zlib", "gzip", "zstd", "lz4"];

/// Codecs beyond it, with the data types they take.
const MORE_CODECS: &[(&str, &[&str])] = &[
    ("blosc-blosclz", SOME),
    ("blosc-lz4hc", SOME),
    ("blosc-zlib", SOME),
    ("blosc-zstd", SOME),
    ("blosc-bit", SOME),
    ("bz2", ONE_OF_EACH),
    ("lzma", ONE_OF_EACH),
    ("base64", ONE_OF_EACH),
    ("shuffle", ONE_OF_EACH),
    ("shuffle+zlib", ONE_OF_EACH),
    ("crc32", ONE_OF_EACH),
    ("crc32c", ONE_OF_EACH),
    ("adler32", ONE_OF_EACH),
    ("fletcher32", ONE_OF_EACH),
    ("jenkins_lookup3", ONE_OF_EACH),
    ("zstd+crc32c", SOME),
    ("delta", INTEGERS),
    ("delta+zlib", INTEGERS),
    ("delta+shuffle+lzma", INTEGERS),
    ("delta+crc32+adler32+bz2", INTEGERS),
    ("astype", &["|i1", "<i2", "<u4", "<f2", "<f4"]),
    ("astype+zstd", &["|u1", "<u2", "<i4", ">i2", ">f4"]),
    ("bitround+gzip", &["<f2", "<f4", "<f8"]),
    ("packbits", &["|b1"]),
    ("packbits+zlib", &["|b1"]),
    (
        "pcodec",
        &["<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"],
    ),
    ("delta+pcodec", &["<i2", "<u4", "<i8"]),
    ("v3 pcodec", &["<i2", "<u4", "<i8", "<f4", "<f8"]),
    ("v3 bitround", &["<f2", "<f4", "<f8"]),
    ("v3 packbits", PACKED),
    ("v3 packbits+gzip", PACKED),
    ("v3 reshape", ONE_OF_EACH),
    ("v3 reshape+zstd", SOME),
    ("v3 scale_offset", &["<i2", "<u4", "<i8", "<u8"]),
    ("v3 cast_value", &["<i2", "<u2", "<i4", "<f4"]),
    ("v3 scale_offset+v3 cast_value+zstd", &["<u2", "<i4"]),
    ("fletcher32+lz4", &["text", "bytes"]),
    ("lzma", &["bytes"]),
    ("shuffle+blosc-zstd", &["text"]),
];

/// Some data types, for what is much like something else.
const SOME: &[&str] = &["|u1", "<i4", "<f8", "|S5"];

/// Types of which the registered `packbits` stores the bits.
const PACKED: &[&str] = &["|b1", "|i1", "|u1", "<i2", "<u4", "<i8", "<f4", "<c8"];

/// Integers of every size, and of either order of bytes.
const INTEGERS: &[&str] = &["|i1", "|u1", "<i2", ">i2", "<u4", ">i4", "<i8", "<u8"];

/// All cells; the quick grid has one data type of each kind and one separator.
pub(crate) fn cells(is_quick: bool) -> Vec<Cell> {
    let mut cells = first_grid(is_quick);
    cells.extend(shapes());
    cells.extend(more_codecs());
    cells.extend(shards(is_quick));
    cells.extend(keys());
    cells.extend(rectilinear(is_quick));
    cells.retain(is_possible);
    cells
}

/// An array of two dimensions with chunks cut at both edges and two chunks missing, one of them in the corner.
fn plain(format: u8, dtype: &'static str, codec: &'static str) -> Cell {
    Cell {
        format,
        dtype: Dtype::new(dtype),
        shape: vec![7, 5],
        chunks: vec![3, 2],
        edges: vec![],
        order: 'C',
        separator: '.',
        shards: Shards::None,
        keys: "default",
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

/// Every way in which chunks lie in shards, of which one is missing and two are cut at the edge.
fn shards(is_quick: bool) -> Vec<Cell> {
    let dtypes = if is_quick { ONE_OF_EACH } else { DTYPES };
    let mut cells = Vec::new();
    for shards in [Shards::Plain, Shards::IndexFirst, Shards::Nested] {
        for dtype in dtypes {
            for codec in ["none", "blosc-lz4", "gzip", "zstd", "zstd+crc32c"] {
                for order in ['C', 'F'] {
                    cells.push(Cell {
                        order,
                        shards,
                        separator: '/',
                        chunks: vec![4, 4],
                        missing: vec![vec![0, 1]],
                        ..plain(3, dtype, codec)
                    });
                }
            }
        }
        cells.push(Cell {
            shards,
            fill: Fill::Zero,
            chunks: vec![12, 8],
            missing: vec![],
            ..plain(3, "<i4", "zstd")
        });
    }
    cells
}

/// The ways in which format 3 names chunks.
const KEYS: [(&str, char); 4] = [("default", '/'), ("default", '.'), ("v2", '.'), ("v2", '/')];

/// Every way in which what is stored under one key can be made up.
const SHARDS: [Shards; 4] = [Shards::None, Shards::Plain, Shards::IndexFirst, Shards::Nested];

/// Chunks and shards of format 3 with each kind of names.
fn keys() -> Vec<Cell> {
    let mut cells = Vec::new();
    for dtype in ONE_OF_EACH {
        // The first is that of the grid of shards.
        for (keys, separator) in &KEYS[1..] {
            for shards in SHARDS {
                // These are in the first grid.
                if shards == Shards::None && *keys == "default" {
                    continue;
                }
                cells.push(Cell {
                    separator: *separator,
                    shards,
                    keys,
                    chunks: vec![4, 4],
                    missing: vec![vec![1, 1]],
                    ..plain(3, dtype, "zstd")
                });
            }
        }
    }
    cells
}

/// Chunks, or shards, of different lengths: each data type and chain of codecs in every kind of shards under every
/// kind of names.
fn rectilinear(is_quick: bool) -> Vec<Cell> {
    let keys = if is_quick { &KEYS[..1] } else { &KEYS };
    let mut cells = Vec::new();
    for dtype in ONE_OF_EACH {
        for codec in ["none", "blosc-lz4", "gzip", "zstd+crc32c"] {
            for shards in SHARDS {
                for (keys, separator) in keys {
                    cells.push(Cell {
                        shards,
                        keys,
                        separator: *separator,
                        ..of_lengths(dtype, codec, shards)
                    });
                }
            }
        }
        for shards in SHARDS {
            let base = of_lengths(dtype, "zstd", shards);
            cells.push(Cell {
                order: 'F',
                ..base.clone()
            });
            // The last chunks reach beyond the array.
            cells.push(Cell {
                shape: base.shape.iter().map(|length| length - 1).collect(),
                ..base.clone()
            });
            // Of one dimension the lengths are all the same.
            cells.push(Cell {
                edges: vec![base.edges[0].clone(), vec![]],
                ..base
            });
        }
    }
    cells.push(Cell {
        shape: vec![9],
        chunks: vec![4],
        edges: vec![vec![1, 1, 4, 3]],
        missing: vec![vec![1]],
        ..of_lengths("<i4", "zstd", Shards::None)
    });
    cells.push(Cell {
        shape: vec![5, 4, 3],
        chunks: vec![3, 2, 2],
        edges: vec![vec![2, 3], vec![], vec![1, 2]],
        missing: vec![vec![1, 0, 1]],
        order: 'F',
        ..of_lengths("<i4", "zstd", Shards::None)
    });
    cells
}

/// An array in a rectilinear grid, whose shards are of whole inner chunks.
fn of_lengths(dtype: &'static str, codec: &'static str, shards: Shards) -> Cell {
    let base = Cell {
        shards,
        separator: '/',
        missing: vec![vec![0, 1]],
        ..plain(3, dtype, codec)
    };
    if shards == Shards::None {
        return Cell {
            edges: vec![vec![3, 1, 3], vec![2, 2, 1]],
            ..base
        };
    }
    Cell {
        shape: vec![12, 12],
        chunks: vec![4, 4],
        edges: vec![vec![4, 8], vec![8, 4]],
        ..base
    }
}

/// The rarer codecs, in both orders, with every fill value that there is.
fn more_codecs() -> Vec<Cell> {
    let mut cells = Vec::new();
    for format in [2, 3] {
        for (codec, dtypes) in MORE_CODECS {
            for dtype in *dtypes {
                for (order, fill) in [('C', Fill::Value), ('F', Fill::Zero), ('F', Fill::Null)] {
                    cells.push(Cell {
                        order,
                        fill,
                        missing: if fill == Fill::Null {
                            vec![]
                        } else {
                            vec![vec![1, 0]]
                        },
                        ..plain(format, dtype, codec)
                    });
                }
            }
        }
    }
    cells
}

/// Whether somebody could write such an array.
fn is_possible(cell: &Cell) -> bool {
    let Cell {
        format, dtype, codec, ..
    } = cell;
    let mut parts = codec.split('+');
    let is_typed = ["delta", "astype", "bitround"].contains(&parts.next().unwrap_or_default());
    let none = match format {
        // Format 2 has no codecs of these names.
        2 if codec.starts_with("v3 ") => true,
        // zarr-python 2 has no text for the fill value of byte strings, and stores no filters with their defaults.
        2 => dtype.kind == 'B' && cell.fill != Fill::Null,
        // zarrs 0.23 leaves out inner chunks of empty byte strings whatever the fill value, and reads its own otherwise.
        3 if cell.shards == Shards::Nested && dtype.kind == 'B' => true,
        // zarr-python 3 leaves the order of bytes out for elements of one byte, and then misses it behind `astype`.
        3 if codec.starts_with("astype") && dtype.size == 1 => true,
        // Records and codecs of base64 have no agreed form; filters of arrays name types without an order of bytes.
        _ => {
            dtype.kind == 'R'
                || codec.contains("base64")
                || cell.fill == Fill::Null
                || (is_typed && dtype.is_big_endian())
        }
    };
    !none
}

/// The documents of the codecs of a cell, in the order in which they encode.
pub(crate) fn codec_json(name: &str, format: u8, dtype: Dtype) -> Vec<Value> {
    name.split('+')
        .filter(|part| *part != "none")
        .map(|part| one_codec(part, format, dtype))
        .collect()
}

/// Filters and compressor of a format 2 document.
pub(crate) struct V2Chain {
    pub(crate) filters: Option<Vec<Value>>,
    pub(crate) compressor: Option<Value>,
}

/// Parts codecs into filters and compressor; elements of any length have a filter of their own.
pub(crate) fn v2_chain(mut codecs: Vec<Value>, dtype: Dtype) -> V2Chain {
    const FILTERS: [&str; 9] = [
        "adler32",
        "astype",
        "base64",
        "bitround",
        "crc32",
        "delta",
        "fletcher32",
        "packbits",
        "shuffle",
    ];
    let is_filter = |codec: &Value| codec["id"].as_str().is_some_and(|id| FILTERS.contains(&id));
    let compressor = codecs.pop_if(|codec| !is_filter(codec));
    codecs.splice(..0, dtype.object_codec().map(|id| json!({"id": id})));
    V2Chain {
        filters: Some(codecs).filter(|filters| !filters.is_empty()),
        compressor,
    }
}

/// Parts the codecs of a format 3 document at the one that makes bytes of arrays, or where it would have to be.
pub(crate) fn codecs_of_arrays(mut codecs: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    const OF_ARRAYS: [&str; 8] = [
        "bitround",
        "cast_value",
        "numcodecs.astype",
        "numcodecs.bitround",
        "numcodecs.delta",
        "numcodecs.packbits",
        "reshape",
        "scale_offset",
    ];
    let is_of_arrays = |codec: &Value| {
        let name = codec["name"].as_str();
        name.is_some_and(|name| OF_ARRAYS.contains(&name))
    };
    let after = codecs
        .iter()
        .position(|codec| !is_of_arrays(codec))
        .unwrap_or(codecs.len());
    let after = codecs.split_off(after);
    (codecs, after)
}

/// Whether a codec of a format 3 document makes bytes of arrays.
pub(crate) fn makes_bytes(codec: &Value) -> bool {
    let name = codec["name"].as_str();
    name.is_some_and(|name| ["numcodecs.pcodec", "packbits", "pcodec"].contains(&name))
}

/// The type that `astype` stores elements as: the one of twice the size.
fn wider(dtype: Dtype) -> String {
    let head: String = dtype.text.chars().take(2).collect();
    format!("{}{}", head.replace('|', "<"), dtype.size * 2)
}

/// The name that is written in format 3, and the configuration.
fn one_codec(name: &str, format: u8, dtype: Dtype) -> Value {
    if let Some(name) = name.strip_prefix("v3 ") {
        return registered(name, dtype);
    }
    if let Some(inner) = name.strip_prefix("blosc-") {
        return blosc(inner, format, dtype.size.max(1));
    }
    let configuration = match name {
        "zstd" if format == 3 => json!({"level": 1, "checksum": false}),
        "lz4" => json!({"acceleration": 1}),
        "lzma" => json!({"format": 1, "check": -1, "preset": 1, "filters": null}),
        "shuffle" => json!({"elementsize": dtype.size.max(1)}),
        "delta" => json!({"dtype": dtype.text}),
        "astype" => json!({"encode_dtype": wider(dtype), "decode_dtype": dtype.text}),
        "bitround" => whole_mantissa(dtype),
        "pcodec" => {
            json!({"level": 8, "mode_spec": "auto", "delta_spec": "auto", "paging_spec": "equal_pages_up_to",
            "delta_encoding_order": null, "equal_pages_up_to": 262_144})
        }
        "jenkins_lookup3" => json!({"initval": 0, "prefix": null}),
        "base64" | "crc32" | "crc32c" | "adler32" | "fletcher32" | "packbits" => json!({}),
        _ => json!({"level": 1}),
    };
    if format == 3 {
        let is_core = matches!(name, "gzip" | "zstd" | "crc32c");
        let name = if is_core {
            name.to_owned()
        } else {
            format!("numcodecs.{name}")
        };
        if name == "crc32c" {
            return json!({"name": name});
        }
        return json!({"name": name, "configuration": configuration});
    }
    let mut configuration = configuration;
    configuration["id"] = json!(name);
    configuration
}

/// The configuration of `bitround` that rounds nothing away.
fn whole_mantissa(dtype: Dtype) -> Value {
    let keepbits = [10, 23, 52][dtype.size / 4];
    json!({"keepbits": keepbits})
}

/// A codec that only format 3 has, or has under a name of its own.
fn registered(name: &str, dtype: Dtype) -> Value {
    let configuration = match name {
        "bitround" => whole_mantissa(dtype),
        "cast_value" => {
            let head = dtype.v3().as_str().unwrap_or_default().to_owned();
            let kind = head.trim_end_matches(|c: char| c.is_ascii_digit());
            json!({"data_type": format!("{kind}{}", dtype.size * 16)})
        }
        "packbits" => {
            // Zarrs has the count only where there are bits unused, and only behind the elements can it be done without.
            let place = if dtype.kind == 'b' {
                "first_byte"
            } else {
                "last_byte"
            };
            json!({"padding_encoding": place})
        }
        "reshape" => json!({"shape": [[0, 1]]}),
        "scale_offset" => json!({"offset": 0, "scale": 1}),
        _ => {
            json!({"level": 8, "mode_spec": "auto", "delta_spec": "auto", "paging_spec": "equal_pages_up_to",
            "equal_pages_up_to": 262_144})
        }
    };
    json!({"name": name, "configuration": configuration})
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
        let dtype = Dtype::new("<i4");
        assert_eq!(codec_json("none", 2, dtype), [Value::Null; 0]);
        assert_eq!(
            codec_json("lz4", 2, dtype),
            [json!({"acceleration": 1, "id": "lz4"})]
        );
        let both = codec_json("zstd+crc32c", 3, dtype);
        assert_eq!(
            [&both[0]["name"], &both[1]["name"]],
            [&json!("zstd"), &json!("crc32c")]
        );
    }
}
