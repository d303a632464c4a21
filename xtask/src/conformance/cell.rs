//! One cell of the grid: an array with its metadata, its values and the chunks that are left out.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::dtype::Dtype;
use super::grid::{V2Chain, codec_json, codecs_of_arrays, makes_bytes, v2_chain};
use super::values;

/// What the fill value of a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Null, which only format 2 has.
    Null,
    /// The zero of the data type.
    Zero,
    /// A value that is not zero.
    Value,
}

/// How chunks lie in what is stored under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shards {
    /// Each by itself.
    None,
    /// In shards of two by two.
    Plain,
    /// In shards that begin with their index.
    IndexFirst,
    /// In shards of two by two shards of one by two.
    Nested,
}

impl Shards {
    /// The names in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "no shards",
            Self::Plain => "shards",
            Self::IndexFirst => "shards, index first",
            Self::Nested => "shards in shards",
        }
    }
}

/// An array to be written by one party and read by another.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// 2 or 3.
    pub(crate) format: u8,
    /// Data type with its order of bytes.
    pub(crate) dtype: Dtype,
    /// Lengths of the dimensions, outermost first.
    pub(crate) shape: Vec<u64>,
    /// Lengths of a chunk, which is a shard where there are shards.
    pub(crate) chunks: Vec<u64>,
    /// The lengths of the chunks along each dimension where they differ, and none in a dimension where all are as
    /// `chunks` has them; empty for a regular grid.
    pub(crate) edges: Vec<Vec<u64>>,
    /// How chunks lie in shards.
    pub(crate) shards: Shards,
    /// The encoding of chunk keys of format 3.
    pub(crate) keys: &'static str,
    /// `C` or `F`.
    pub(crate) order: char,
    /// `.` or `/`.
    pub(crate) separator: char,
    /// A name of the table of codecs.
    pub(crate) codec: &'static str,
    /// What missing chunks read as.
    pub(crate) fill: Fill,
    /// Coordinates of the chunks that are not written.
    pub(crate) missing: Vec<Vec<u64>>,
}

/// A cell with the places of its array and of its values.
#[derive(Clone, Debug)]
pub(crate) struct Placed<'a> {
    /// The cell.
    pub(crate) cell: &'a Cell,
    /// Directory of the array.
    pub(crate) path: PathBuf,
    /// File of the values in C order and in the byte order of the data type.
    pub(crate) data: &'a Path,
}

impl Cell {
    /// A name that tells the cells of the grid apart.
    pub(crate) fn id(&self) -> String {
        let Self {
            format,
            dtype,
            order,
            separator,
            codec,
            fill,
            shards,
            keys,
            ..
        } = self;
        let grid = match self.edges.as_slice() {
            [] => String::new(),
            edges => format!(" in {edges:?}"),
        };
        let shards = match shards {
            Shards::None => String::new(),
            shards => format!(", {}", shards.name()),
        };
        let keys = if *keys == "v2" { " v2 keys" } else { "" };
        let shape = if self.shape.is_empty() {
            "()".into()
        } else {
            self.shape
                .iter()
                .map(u64::to_string)
                .collect::<Vec<_>>()
                .join("x")
        };
        let fill = match fill {
            Fill::Null => " null fill",
            Fill::Zero => " zero fill",
            Fill::Value => "",
        };
        let missing = if self.missing.is_empty() { " complete" } else { "" };
        format!(
            "v{format} {} {codec} {order} {separator} {shape}{grid}{fill}{missing}{keys}{shards}",
            dtype.text
        )
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product::<u64>() as usize
    }

    /// The elements that are written, little-endian and in C order.
    pub(crate) fn elements(&self) -> Vec<Vec<u8>> {
        values::elements(self.dtype, self.len())
    }

    /// The digest of what a reader must see: the values, and the fill value where chunks are missing.
    pub(crate) fn expected(&self) -> String {
        let mut elements = self.elements();
        if let Some(fill) = self.fill_bytes() {
            for (index, element) in elements.iter_mut().enumerate() {
                if self.missing.contains(&self.chunk_of(index as u64)) {
                    element.clone_from(&fill);
                }
            }
        }
        let elements = elements.iter().map(Vec::as_slice);
        values::sha256(&values::joined(self.dtype, elements))
    }

    /// The fill value, little-endian.
    pub(crate) fn fill_bytes(&self) -> Option<Vec<u8>> {
        match self.fill {
            Fill::Null => None,
            Fill::Zero => Some(vec![0; self.dtype.size]),
            Fill::Value => Some(values::fill(self.dtype)),
        }
    }

    /// The name of the grid of chunks in reports.
    pub(crate) const fn grid_name(&self) -> &'static str {
        if self.edges.is_empty() {
            "regular"
        } else {
            "rectilinear"
        }
    }

    /// The lengths of the chunks along a dimension, of which the last ends with it.
    fn lengths(&self, dimension: usize) -> Vec<u64> {
        let edges = self.edges.get(dimension).map_or(&[][..], Vec::as_slice);
        let mut rest = self.shape[dimension];
        let mut lengths = Vec::new();
        while rest > 0 {
            let edge = edges.get(lengths.len()).copied();
            let length = edge.unwrap_or(self.chunks[dimension]).min(rest);
            lengths.push(length);
            rest -= length;
        }
        lengths
    }

    /// The first element and the shape of what lies in a chunk.
    pub(crate) fn region(&self, chunk: &[u64]) -> (Vec<u64>, Vec<u64>) {
        let of_dimension = |(dimension, at): (usize, &u64)| {
            let (lengths, at) = (self.lengths(dimension), *at as usize);
            (lengths[..at].iter().sum::<u64>(), lengths[at])
        };
        chunk.iter().enumerate().map(of_dimension).unzip()
    }

    /// The chunk that holds the element at a position in C order.
    fn chunk_of(&self, mut index: u64) -> Vec<u64> {
        let mut chunk = vec![0; self.shape.len()];
        for dimension in (0..self.shape.len()).rev() {
            let mut at = index % self.shape[dimension];
            for length in self.lengths(dimension) {
                if at < length {
                    break;
                }
                at -= length;
                chunk[dimension] += 1;
            }
            index /= self.shape[dimension];
        }
        chunk
    }

    /// The grid of chunks of a format 3 document.
    fn grid(&self) -> Value {
        if self.edges.is_empty() {
            return json!({"name": "regular", "configuration": {"chunk_shape": self.chunks}});
        }
        let shapes = self.edges.iter().zip(&self.chunks);
        let shapes: Vec<_> = shapes
            .map(|(edges, chunk)| {
                if edges.is_empty() {
                    return json!(chunk);
                }
                // Equal neighbours are a pair of the length and their number.
                let runs = edges.chunk_by(|one, next| one == next);
                runs.map(|run| {
                    if run.len() == 1 {
                        json!(run[0])
                    } else {
                        json!([run[0], run.len()])
                    }
                })
                .collect()
            })
            .collect();
        json!({"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": shapes}})
    }

    /// The whole `.zarray` or `zarr.json`.
    pub(crate) fn document(&self) -> Value {
        let fill = self
            .fill_bytes()
            .map_or(Value::Null, |bytes| values::fill_json(self.dtype, &bytes));
        let codecs = codec_json(self.codec, self.format, self.dtype);
        if self.format == 2 {
            let V2Chain { filters, compressor } = v2_chain(codecs, self.dtype);
            return json!({
                "zarr_format": 2,
                "shape": self.shape,
                "chunks": self.chunks,
                "dtype": self.dtype.v2(),
                "compressor": compressor,
                "fill_value": fill,
                "order": self.order.to_string(),
                "filters": filters,
                "dimension_separator": self.separator.to_string(),
            });
        }
        let (given, mut chain) = (codecs, Vec::new());
        if self.order == 'F' {
            let order: Vec<usize> = (0..self.shape.len()).rev().collect();
            chain.push(json!({"name": "transpose", "configuration": {"order": order}}));
        }
        let (before, after): (Vec<_>, Vec<_>) = codecs_of_arrays(given);
        chain.extend(before);
        if !after.first().is_some_and(makes_bytes) {
            chain.push(self.bytes_codec());
        }
        chain.extend(after);
        let chain = self.in_shards(chain);
        json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": self.dtype.v3(),
            "chunk_grid": self.grid(),
            "chunk_key_encoding": {
                "name": self.keys,
                "configuration": {"separator": self.separator.to_string()},
            },
            "fill_value": fill,
            "codecs": chain,
            "attributes": {},
        })
    }

    /// The codecs of the array, of which the chunks have these.
    fn in_shards(&self, chain: Vec<Value>) -> Vec<Value> {
        let shard = |divisors: [u64; 2], codecs: Vec<Value>, location: &str| {
            let lengths = self.chunks.iter().zip(divisors);
            let chunk_shape: Vec<u64> = lengths.map(|(length, divisor)| length / divisor).collect();
            let index_codecs = json!([
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "crc32c"},
            ]);
            vec![json!({
                "name": "sharding_indexed",
                "configuration": {
                    "chunk_shape": chunk_shape,
                    "codecs": codecs,
                    "index_codecs": index_codecs,
                    "index_location": location,
                },
            })]
        };
        match self.shards {
            Shards::None => chain,
            Shards::Plain => shard([2, 2], chain, "end"),
            Shards::IndexFirst => shard([2, 2], chain, "start"),
            Shards::Nested => shard([2, 2], shard([2, 4], chain, "end"), "end"),
        }
    }

    /// The codec that makes bytes of elements unless another one does.
    fn bytes_codec(&self) -> Value {
        match self.dtype.object_codec() {
            // As zarr-python 3 writes it.
            Some(name) => json!({"name": name, "configuration": {}}),
            None if self.dtype.part_size() == 1 => json!({"name": "bytes"}),
            None => {
                let endian = if self.dtype.is_big_endian() {
                    "big"
                } else {
                    "little"
                };
                json!({"name": "bytes", "configuration": {"endian": endian}})
            }
        }
    }
}

impl Placed<'_> {
    /// The cell as the peers' protocol has it.
    pub(crate) fn to_json(&self) -> Value {
        let cell = self.cell;
        let document = cell.document();
        let fill_hex = cell
            .fill_bytes()
            .map(|bytes| values::hex(&values::in_own_order(cell.dtype, bytes)));
        json!({
            "id": cell.id(),
            "path": self.path,
            "format": cell.format,
            "dtype": if cell.dtype.is_variable() { json!(cell.dtype.text) } else { cell.dtype.v2() },
            "shape": cell.shape,
            "chunks": cell.chunks,
            "lengths": (0..cell.shape.len()).map(|dimension| cell.lengths(dimension)).collect::<Vec<_>>(),
            "order": cell.order.to_string(),
            "separator": cell.separator.to_string(),
            "codec": cell.codec,
            "fill_value": document["fill_value"],
            "fill_hex": fill_hex,
            "data": self.data,
            "missing": cell.missing,
            "document": document,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(format: u8) -> Cell {
        Cell {
            format,
            dtype: Dtype::new(">i2"),
            shape: vec![3, 3],
            chunks: vec![2, 2],
            edges: vec![],
            order: 'F',
            separator: '.',
            shards: Shards::None,
            keys: "default",
            codec: "none",
            fill: Fill::Value,
            missing: vec![vec![0, 1]],
        }
    }

    #[test]
    fn missing_chunks_are_expected_as_the_fill_value() {
        let cell = cell(2);
        let mut elements = cell.elements();
        for index in [2, 5] {
            elements[index] = vec![42, 0];
        }
        assert_eq!(cell.expected(), values::sha256(&elements.concat()));
    }

    #[test]
    fn chunks_of_different_lengths_have_their_elements() {
        let cell = Cell {
            shape: vec![5, 4],
            edges: vec![vec![1, 3, 3], vec![]],
            missing: vec![vec![1, 1]],
            ..cell(3)
        };
        assert_eq!(cell.region(&[1, 1]), (vec![1, 2], vec![3, 2]));
        assert_eq!(cell.region(&[2, 0]), (vec![4, 0], vec![1, 2]));
        let mut elements = cell.elements();
        for index in [6, 7, 10, 11, 14, 15] {
            elements[index] = vec![42, 0];
        }
        assert_eq!(cell.expected(), values::sha256(&elements.concat()));
        assert_eq!(
            cell.document()["chunk_grid"]["configuration"]["chunk_shapes"],
            json!([[1, [3, 2]], 2])
        );
    }

    #[test]
    fn format_3_has_order_and_byte_order_as_codecs() {
        let codecs = &cell(3).document()["codecs"];
        assert_eq!(
            codecs[0],
            json!({"name": "transpose", "configuration": {"order": [1, 0]}})
        );
        assert_eq!(
            codecs[1],
            json!({"name": "bytes", "configuration": {"endian": "big"}})
        );
    }
}
