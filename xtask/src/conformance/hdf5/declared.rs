//! What is known not to be the same, and why.

/// A difference that is meant to be there.
pub(super) struct Declared {
    /// Some words of what is told of it.
    words: &'static str,
    /// The beginnings of the ways on which it is meant; empty for all.
    ways: &'static [&'static str],
    /// Some words of the paths at which it is meant; empty for all.
    paths: &'static [&'static str],
    /// Why, as the page has it.
    pub(super) reason: &'static str,
}

/// All that is declared; a page numbers them from 1.
pub(super) const DECLARED: &[Declared] = &[
    Declared {
        words: "is not built in",
        ways: &[],
        paths: &[],
        reason: "not carried over, and named: neither this program nor its HDF5 library has the filter",
    },
    Declared {
        words: "lie in other",
        ways: &[],
        paths: &[],
        reason: "not carried over, and named: the values are in other files or datasets, and nothing outside of the file is read",
    },
    Declared {
        words: "which no node can be named",
        ways: &[],
        paths: &[],
        reason: "not carried over, and named: no node of Zarr can have such a name",
    },
    Declared {
        words: "its name is not UTF-8",
        ways: &[],
        paths: &[],
        reason: "not carried over, and named: nodes and attributes of Zarr have names that are UTF-8",
    },
    Declared {
        words: "its chunks: ",
        ways: &["v2"],
        paths: &[],
        reason: "values, types and layout are the same, but chunks that were never written are written: V2 has no fill value for sequences, objects, bytes of any length and long doubles of more than 53 bits",
    },
    Declared {
        words: " difference; ",
        ways: &[],
        paths: &["blank-padded", "array_of_texts", "compound_nested"],
        reason: "texts filled up with blanks that were never written in a chunk that was: zero bytes in the file, empty texts for Zarr and for h5py, blanks when they come back",
    },
    Declared {
        words: "is an empty dataset",
        ways: &[],
        paths: &["/zero"],
        reason: "a dataset without elements, which h5diff does not compare: in the original it was written to, and counts as allocated",
    },
];

/// The number of the declaration that a difference is under, from 1.
pub(super) fn number(way: &str, path: &str, told: &str) -> Option<usize> {
    let is_meant = |declared: &Declared| {
        told.contains(declared.words)
            && (declared.ways.is_empty() || declared.ways.iter().any(|start| way.starts_with(start)))
            && (declared.paths.is_empty() || declared.paths.iter().any(|words| path.contains(words)))
    };
    DECLARED.iter().position(is_meant).map(|place| place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_meant_by_its_words_its_way_and_its_path() {
        let chunks = "its chunks: ((2,), [(0,), (2,)]) and not ((2,), [(0,)])";
        assert!(number("v2-kept", "/numbers", chunks).is_some());
        assert!(number("v3", "/numbers", chunks).is_none());
        let texts = "size: [7x5] [7x5]; position a a difference; [ 2 0 ]";
        assert!(number("v3", "/text_blank-padded/early", texts).is_some());
        assert!(number("v3", "/i4/early", texts).is_none());
        assert!(number("v3", "/i4", "its values are 1 and not 2").is_none());
    }
}
