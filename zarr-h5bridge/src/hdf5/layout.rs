//! How a dataset lies in its file.

/// Where the elements of a dataset are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In the object's own header.
    Compact,
    /// In one piece, in C order, without filters.
    Contiguous {
        /// Where the piece starts, in bytes from the start of the file; `None` while nothing was written.
        address: Option<u64>,
    },
    /// In chunks, each of which may be absent.
    Chunked {
        /// The shape of a chunk, in elements; as many dimensions as the dataset.
        chunk_shape: Vec<u64>,
    },
    /// In other datasets, mostly of other files.
    Virtual,
    /// In other files without a format.
    External,
}

/// One step of what was done to the bytes of each chunk, in the order of writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The registered number: 1 is deflate, 2 shuffle, 3 fletcher32, and so on.
    pub id: i32,
    /// Whether a chunk may lack the step, which its filter mask then says.
    pub is_optional: bool,
    /// The numbers that configure the step.
    pub client_data: Vec<u32>,
    /// The name that the writer or the library gives it; may be empty.
    pub name: String,
}

impl Filter {
    /// Whether the library can undo the step.
    pub fn is_available(&self) -> bool {
        super::libhdf5::is_filter_available(self.id)
    }
}

/// What elements are that were never written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FillValue {
    /// Whatever happens to be in the file.
    Undefined,
    /// The library's default, which is all zero bytes; the bytes of one element,
    /// empty for text and sequences of any length.
    Default(Vec<u8>),
    /// A value of the writer's choice, in the bytes of the file's type; for text of any length its bytes.
    User(Vec<u8>),
}

/// Choices of the writer that change no value: when a dataset gets room and fill values, and whether it has times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When the values get their room in the file.
    pub allocation: AllocationTime,
    /// When the fill value is written into it.
    pub fill: FillTime,
    /// Whether the file has the times at which the object was made and changed.
    pub are_tracked: bool,
}

/// When values get their room in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AllocationTime {
    /// When the library does it by the layout.
    #[default]
    Default,
    /// When the dataset is made.
    Early,
    /// When values are first written.
    Late,
    /// Chunk by chunk, when one is first written.
    Incremental,
}

impl AllocationTime {
    /// That of the library for a layout.
    pub fn usual(layout: &Layout) -> Self {
        match layout {
            Layout::Compact => Self::Early,
            Layout::Chunked { .. } | Layout::Virtual => Self::Incremental,
            Layout::Contiguous { .. } | Layout::External => Self::Late,
        }
    }
}

/// When the fill value is written into the room for values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FillTime {
    /// When there is room.
    Allocation,
    /// Never.
    Never,
    /// When there is room, if the writer chose a fill value.
    #[default]
    IfSet,
}
