//! How a file manages its room.

/// Choices of the writer of a file that change none of its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSpace {
    /// Where new objects go.
    pub strategy: Strategy,
    /// Whether the file remembers which of its room is free.
    pub persists: bool,
    /// The smallest free piece that is remembered, in bytes.
    pub threshold: u64,
    /// The size of a page in bytes, from 512 to a GiB.
    pub page_size: u64,
}

/// Where new objects go in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Into free pieces, then into blocks that are shared; the library's own.
    Managed,
    /// Into pages, of which each has small objects of one kind.
    Pages,
    /// Into blocks that are shared; free pieces are not used again.
    Aggregated,
    /// To the end of the file.
    Appended,
}

impl FileSpace {
    /// The library's own choices.
    pub const USUAL: Self = Self {
        strategy: Strategy::Managed,
        persists: false,
        threshold: 1,
        page_size: 4096,
    };
}
