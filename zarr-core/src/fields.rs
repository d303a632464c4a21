//! What a call asks of an array: which elements, and of each all or some fields of a record.

use std::borrow::Cow;

use zarr_codecs::{DataType, Field, StructType};

use crate::{Array, ArrayData, Error, Region, Result, Selection};

/// Bytes of an element that stay together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where in a stored element they begin.
    pub(crate) stored: usize,
    /// Where in an element of the result they begin.
    pub(crate) given: usize,
    /// How many they are.
    pub(crate) size: usize,
}

/// What of each element is meant.
#[derive(Debug, Clone)]
pub(crate) struct ElementPart<'a> {
    /// The type of what is meant.
    pub(crate) data_type: Cow<'a, DataType>,
    /// The shape that a field which is itself an array adds to the result.
    pub(crate) shape: Vec<u64>,
    /// The size of what is meant, in bytes.
    pub(crate) size: usize,
    /// Where it is.
    pub(crate) pieces: Vec<Piece>,
}

impl<'a> ElementPart<'a> {
    /// Finds the fields of a data type; none means all of the element.
    pub(crate) fn new(data_type: &'a DataType, fields: &[String]) -> Result<Self> {
        let whole = |data_type: Cow<'a, DataType>| {
            let size = data_type.size().unwrap_or(0);
            let piece = Piece {
                stored: 0,
                given: 0,
                size,
            };
            Self {
                data_type,
                shape: Vec::new(),
                size,
                pieces: vec![piece],
            }
        };
        let record = match (data_type, fields) {
            (_, []) => return Ok(whole(Cow::Borrowed(data_type))),
            (DataType::Struct(record), _) => record,
            _ => return Err(invalid("array does not have any fields")),
        };
        if let [field] = fields {
            let (stored, field) = find(record, field)?;
            let size = field.size().unwrap_or(0);
            return Ok(Self {
                data_type: Cow::Borrowed(&field.data_type),
                shape: field.shape.iter().map(|length| u64::from(*length)).collect(),
                size,
                pieces: vec![Piece {
                    stored,
                    given: 0,
                    size,
                }],
            });
        }
        let mut chosen: Vec<Field> = Vec::new();
        let mut pieces = Vec::new();
        let mut given = 0;
        for name in fields {
            let (stored, field) = find(record, name)?;
            if chosen.contains(field) {
                return Err(invalid(&format!("field {name:?} occurs more than once")));
            }
            let size = field.size().unwrap_or(0);
            pieces.push(Piece { stored, given, size });
            given += size;
            chosen.push(field.clone());
        }
        let data_type = DataType::Struct(StructType { fields: chosen });
        Ok(Self {
            pieces,
            ..whole(Cow::Owned(data_type))
        })
    }

    /// What is meant of one stored element.
    pub(crate) fn of(&self, element: &[u8]) -> Vec<u8> {
        let mut part = Vec::with_capacity(self.size);
        for piece in &self.pieces {
            part.extend_from_slice(&element[piece.stored..piece.stored + piece.size]);
        }
        part
    }
}

/// What is asked of an array.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) region: Region,
    pub(crate) part: ElementPart<'a>,
}

impl Asked<'_> {
    /// The shape of the result.
    pub(crate) fn shape(&self) -> Vec<u64> {
        let mut shape = self.region.result_shape();
        shape.extend(&self.part.shape);
        shape
    }

    /// The number of elements of its data type that the result has; saturates.
    pub(crate) fn n_elements(&self) -> u64 {
        let own = self.part.shape.iter();
        own.fold(self.region.n_elements(), |product, length| {
            product.saturating_mul(*length)
        })
    }
}

impl Array {
    pub(crate) fn ask(&self, selection: &Selection) -> Result<Asked<'_>> {
        Ok(Asked {
            region: selection.resolve_in(self.shape(), &self.metadata().chunk_grid)?,
            part: ElementPart::new(self.data_type(), selection.field_names())?,
        })
    }

    /// The shape and the type of what a selection reads, and of what must be given to be written to it.
    ///
    /// # Errors
    /// [`Error::Selection`] for a bad selection.
    ///
    /// ```
    /// use zarr_core::{ArrayBuilder, NodePath, Selection, codecs::DataType, store::MemoryStore};
    /// let builder = ArrayBuilder::new(vec![5, 7], DataType::Int16);
    /// let array = builder.create(std::sync::Arc::new(MemoryStore::new()), &NodePath::root(), &<_>::default())?;
    /// assert_eq!(array.selected(&Selection::parse("[4, 0, 4], ::2")?)?, (vec![3, 4], DataType::Int16));
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn selected(&self, selection: &Selection) -> Result<(Vec<u64>, DataType)> {
        let asked = self.ask(selection)?;
        Ok((asked.shape(), asked.part.data_type.into_owned()))
    }
}

impl ArrayData {
    /// Takes fields out of records: one gives its own type, several a record of them.
    ///
    /// The shape of a field that is itself an array is added to that of the data.
    ///
    /// # Errors
    /// [`Error::Selection`] for a field that is not there.
    ///
    /// ```
    /// use zarr_core::{ArrayData, codecs::{ChunkBuffer, DataType, Field, StructType}};
    /// let fields = vec![Field::new("a", DataType::UInt8, vec![]), Field::new("b", DataType::UInt8, vec![2])];
    /// let buffer = ChunkBuffer { elements: vec![1, 2, 3, 4, 5, 6], heap: vec![] };
    /// let records = ArrayData { shape: vec![2], data_type: DataType::Struct(StructType { fields }), buffer };
    /// let b = records.fields(&["b"])?;
    /// assert_eq!((b.shape.as_slice(), b.to_vec::<u8>()?), (&[2, 2][..], vec![2, 3, 5, 6]));
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn fields<T: AsRef<str>>(&self, names: &[T]) -> Result<Self> {
        let names: Vec<_> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let part = ElementPart::new(&self.data_type, &names)?;
        let size = self.data_type.size().unwrap_or(0).max(1);
        let elements = self.buffer.elements.chunks_exact(size);
        let mut data = Self {
            shape: [self.shape.as_slice(), &part.shape].concat(),
            data_type: part.data_type.as_ref().clone(),
            buffer: <_>::default(),
        };
        data.buffer.elements = elements.flat_map(|element| part.of(element)).collect();
        data.buffer.heap.clone_from(&self.buffer.heap);
        Ok(data)
    }
}

/// A field, and where in a record it begins.
fn find<'r>(record: &'r StructType, name: &str) -> Result<(usize, &'r Field)> {
    let mut offset = 0;
    for field in &record.fields {
        // Padding has no name.
        if field.name == name && !name.is_empty() {
            return Ok((offset, field));
        }
        offset += field.size().unwrap_or(0);
    }
    Err(invalid(&format!("field not found: {name:?}")))
}

fn invalid(reason: &str) -> Error {
    Error::selection(format!("invalid 'fields' argument, {reason}"))
}
