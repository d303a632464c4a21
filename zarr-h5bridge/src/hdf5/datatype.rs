//! The data types of HDF5, as far as their bytes can be explained.

use super::Name;

/// The type of the elements of a dataset or attribute, as it is stored in the file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Datatype {
    /// Whole numbers that use all bits of their bytes, in two's complement if signed.
    Integer {
        /// Bytes per element.
        size: usize,
        /// Whether negative numbers exist.
        signed: bool,
        /// Whether the most significant byte comes first.
        big_endian: bool,
    },
    /// IEEE numbers of 2, 4 or 8 bytes.
    Float {
        /// Bytes per element.
        size: usize,
        /// Whether the most significant byte comes first.
        big_endian: bool,
    },
    /// One byte, 0 or 1; in the file an enumeration of `FALSE` and `TRUE`, as h5py writes it.
    Bool,
    /// Names for some of the numbers of another type.
    Enum {
        /// The type of the numbers.
        base: Box<Datatype>,
        /// The names, in the order of the file.
        members: Vec<EnumMember>,
    },
    /// Pairs of IEEE numbers; in the file a compound of `r` and `i`, as h5py writes it, or HDF5's own.
    Complex {
        /// Bytes of one of the two parts: 4 or 8.
        part_size: usize,
        /// Whether the most significant byte of a part comes first.
        big_endian: bool,
    },
    /// Text of a fixed length.
    FixedString {
        /// Bytes per element.
        size: usize,
        /// What fills a shorter text up.
        padding: StringPadding,
        /// How the bytes are to be read.
        charset: Charset,
    },
    /// Text of any length.
    VlenString {
        /// How the bytes are to be read.
        charset: Charset,
    },
    /// Several named values one after the other, with gaps or without.
    Compound {
        /// Bytes per element.
        size: usize,
        /// The values, in the order of the file.
        fields: Vec<Field>,
    },
    /// A small array in each element, in C order.
    Array {
        /// The shape of the small array.
        dims: Vec<u64>,
        /// The type of its elements.
        element: Box<Datatype>,
    },
    /// Bytes without a meaning for HDF5.
    Opaque {
        /// Bytes per element.
        size: usize,
        /// What the writer calls them.
        tag: String,
    },
    /// Single bits.
    Bitfield {
        /// Bytes per element.
        size: usize,
        /// Whether the most significant byte comes first.
        big_endian: bool,
    },
    /// Any number of values of another type.
    VlenSequence {
        /// The type of the values.
        element: Box<Datatype>,
    },
    /// A pointer to something in the file.
    Reference {
        /// Bytes per element.
        size: usize,
        /// What it points to.
        kind: ReferenceKind,
    },
    /// The time class of HDF5, which was never finished.
    Time {
        /// Bytes per element.
        size: usize,
        /// Whether the most significant byte comes first.
        big_endian: bool,
    },
    /// A type whose bytes cannot be explained with the others.
    Other {
        /// Bytes per element.
        size: usize,
        /// What is special about it.
        reason: String,
        /// How its bits are arranged, if it is a number.
        form: Option<NumberForm>,
    },
}

/// How the bits of a number are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberForm {
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// How many bits are used.
    pub precision: usize,
    /// Which is the first of them, from the least significant.
    pub offset: usize,
    /// What they mean.
    pub kind: NumberKind,
}

/// What the bits of a number mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    /// A whole number.
    Integer {
        /// Whether negative numbers exist, in two's complement.
        signed: bool,
    },
    /// Bits without a meaning of their own.
    Bits,
    /// A floating-point number.
    Float(FloatForm),
}

/// How the bits of a floating-point number are arranged; places count from the least significant bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatForm {
    /// The place of the sign.
    pub sign: usize,
    /// The place of the exponent.
    pub exponent: usize,
    /// The bits of the exponent.
    pub exponent_bits: usize,
    /// The place of the mantissa.
    pub mantissa: usize,
    /// The bits of the mantissa.
    pub mantissa_bits: usize,
    /// What is added to the exponent.
    pub bias: usize,
    /// What is known of the first bit of the mantissa.
    pub norm: Norm,
}

impl FloatForm {
    /// That of IEEE's numbers of so many bytes; `None` where there are none.
    pub(super) fn ieee(size: usize) -> Option<Self> {
        let (exponent_bits, mantissa_bits) = match size {
            2 => (5, 10),
            4 => (8, 23),
            8 => (11, 52),
            _ => return None,
        };
        Some(Self {
            sign: mantissa_bits + exponent_bits,
            exponent: mantissa_bits,
            exponent_bits,
            mantissa: 0,
            mantissa_bits,
            bias: (1 << (exponent_bits - 1)) - 1,
            norm: Norm::Implied,
        })
    }
}

/// What is known of the first bit of a mantissa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// It is set and not stored.
    Implied,
    /// It is set and stored.
    Set,
    /// Nothing.
    Unknown,
}

/// A name for a number in an enumeration.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumMember {
    /// The name.
    pub name: Name,
    /// The number, in the bytes of the base type.
    pub value: Vec<u8>,
}

/// A named value in a compound.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name.
    pub name: Name,
    /// Where it starts, in bytes from the start of the element.
    pub offset: usize,
    /// The type of the value.
    pub datatype: Datatype,
}

/// What fills a text of fixed length up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringPadding {
    /// The text ends at the first zero byte, of which there is at least one.
    NullTerminated,
    /// Zero bytes, if any.
    NullPadded,
    /// Blanks, if any.
    SpacePadded,
}

/// How the bytes of a text are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// ASCII, or whatever the writer took for it.
    Ascii,
    /// UTF-8.
    Utf8,
}

/// What a reference points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// An object: the value is its address in 8 bytes, the least significant first.
    Object,
    /// A region of a dataset.
    Region,
    /// Anything; these came with HDF5 1.12, and their values are never given out.
    General,
}

impl Datatype {
    /// Whether values have pointers in them: to texts, sequences or objects of the file.
    pub fn points(&self) -> bool {
        match self {
            Self::VlenString { .. } | Self::VlenSequence { .. } | Self::Reference { .. } => true,
            Self::Compound { fields, .. } => fields.iter().any(|field| field.datatype.points()),
            Self::Array { element, .. } => element.points(),
            _ => false,
        }
    }

    /// Whether values have something in them that is never given out: references of HDF5 1.12.
    pub fn is_hidden(&self) -> bool {
        match self {
            Self::Reference { kind, .. } => *kind == ReferenceKind::General,
            Self::VlenSequence { element } | Self::Array { element, .. } => element.is_hidden(),
            Self::Compound { fields, .. } => fields.iter().any(|field| field.datatype.is_hidden()),
            _ => false,
        }
    }

    /// A number of another form than the usual ones, which is equal to any other of that form and size.
    pub fn number(size: usize, form: NumberForm) -> Self {
        let reason = match form.kind {
            NumberKind::Integer { .. } => "whole numbers that do not use all bits of their bytes",
            NumberKind::Bits => "bits that are not all of those of their bytes",
            NumberKind::Float(_) => "floating-point numbers that are not IEEE's of 2, 4 or 8 bytes",
        };
        Self::Other {
            size,
            reason: reason.to_owned(),
            form: Some(form),
        }
    }

    /// The bytes of an element as [`Values::Fixed`](super::Values::Fixed) holds it;
    /// `None` for a type with values of any length.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Bool => Some(1),
            Self::Enum { base, .. } => base.size(),
            Self::Complex { part_size, .. } => part_size.checked_mul(2),
            Self::VlenString { .. }
            | Self::VlenSequence { .. }
            | Self::Reference {
                kind: ReferenceKind::General,
                ..
            } => None,
            Self::Compound { size, fields } => fields
                .iter()
                .all(|field| field.datatype.size().is_some())
                .then_some(*size),
            Self::Array { dims, element } => dims.iter().try_fold(element.size()?, |size, &dim| {
                size.checked_mul(usize::try_from(dim).ok()?)
            }),
            Self::Integer { size, .. }
            | Self::Float { size, .. }
            | Self::FixedString { size, .. }
            | Self::Opaque { size, .. }
            | Self::Bitfield { size, .. }
            | Self::Reference { size, .. }
            | Self::Time { size, .. }
            | Self::Other { size, .. } => Some(*size),
        }
    }
}
