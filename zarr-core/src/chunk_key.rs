//! How chunks are named (Zarr V3 specification, *Chunk key encoding*; V2 specification, *Chunks*).

/// The rule that makes a chunk's name of its position in the grid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChunkKeyEncoding {
    /// `c/0/1`, or `c` for an array without dimensions.
    Default {
        /// `/` or `.`.
        separator: char,
    },
    /// `0.1`, or `0` for an array without dimensions.
    V2 {
        /// `/` or `.`.
        separator: char,
    },
}

impl ChunkKeyEncoding {
    /// What stands between the coordinates.
    pub const fn separator(&self) -> char {
        match self {
            Self::Default { separator } | Self::V2 { separator } => *separator,
        }
    }

    /// Adds the name of a chunk, relative to its array, to a text.
    pub fn write(&self, chunk_coords: impl IntoIterator<Item = u64>, out: &mut String) {
        // The formatter of the standard library takes as long for a number as all else here.
        let mut digits = itoa::Buffer::new();
        let mut separate = false;
        if let Self::Default { .. } = self {
            out.push('c');
            separate = true;
        }
        for coord in chunk_coords {
            if separate {
                out.push(self.separator());
            }
            separate = true;
            out.push_str(digits.format(coord));
        }
        if !separate {
            out.push('0');
        }
    }

    /// The position of the chunk that a name is of; `None` if it is no chunk of `ndim` dimensions.
    pub fn parse(&self, name: &str, ndim: usize) -> Option<Vec<u64>> {
        let digits = match self {
            Self::Default { .. } if ndim == 0 => return (name == "c").then(Vec::new),
            Self::V2 { .. } if ndim == 0 => return (name == "0").then(Vec::new),
            Self::Default { separator } => name.strip_prefix('c')?.strip_prefix(*separator)?,
            Self::V2 { .. } => name,
        };
        // Only the canonical text of a number names a chunk: `01` or `+1` is a stray file.
        let number = |part: &str| {
            part.parse::<u64>()
                .ok()
                .filter(|number| number.to_string() == part)
        };
        let coords: Option<Vec<_>> = digits.split(self.separator()).map(number).collect();
        coords.filter(|coords| coords.len() == ndim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(encoding: &ChunkKeyEncoding, coords: &[u64], expected: &str) {
        let mut name = String::new();
        encoding.write(coords.iter().copied(), &mut name);
        assert_eq!(name, expected);
        assert_eq!(encoding.parse(&name, coords.len()).as_deref(), Some(coords));
    }

    #[test]
    fn names_come_back_as_positions() {
        check(&ChunkKeyEncoding::Default { separator: '/' }, &[1, 23], "c/1/23");
        check(&ChunkKeyEncoding::Default { separator: '.' }, &[1, 23], "c.1.23");
        check(&ChunkKeyEncoding::Default { separator: '/' }, &[], "c");
        check(&ChunkKeyEncoding::V2 { separator: '.' }, &[1, 23], "1.23");
        check(&ChunkKeyEncoding::V2 { separator: '/' }, &[0], "0");
        check(&ChunkKeyEncoding::V2 { separator: '.' }, &[], "0");
    }

    #[test]
    fn stray_names_are_no_chunks() {
        let encoding = ChunkKeyEncoding::V2 { separator: '.' };
        for name in ["1backup", "01.0", "1", "1.2.3", ".zarray", "-1.0", "+1.0"] {
            assert_eq!(encoding.parse(name, 2), None, "{name}");
        }
    }
}
