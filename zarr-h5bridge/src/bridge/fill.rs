//! What elements are that were never written.

use std::collections::HashSet;

use zarr_convenience::core::ZarrFormat;
use zarr_convenience::core::codecs::{DataType, FillValue, Object};
use zarr_convenience::{Result, SourceArray};

use super::{
    array::Hdf5Array,
    chunks::ChunkTable,
    datatype::{Elements, Form},
    values::{to_json, zero},
};
use crate::hdf5::{Datatype, FillValue as FileFillValue, Layout, NewDataset};

impl Elements {
    /// The bytes of an element in the file that was never written.
    pub(super) fn file_fill(&self, fill_value: &FileFillValue) -> Vec<u8> {
        let size = self.file_size();
        match fill_value {
            FileFillValue::Default(bytes) | FileFillValue::User(bytes) if bytes.len() == size => {
                bytes.clone()
            }
            _ => vec![0; size],
        }
    }

    /// The bytes of an element in the file that was never written, with its numbers in native byte order.
    pub(super) fn native_fill(&self, fill_value: &FileFillValue) -> Vec<u8> {
        let mut fill = self.file_fill(fill_value);
        if !matches!(self.form, Form::Record { .. }) {
            self.data_type.reorder(&mut fill, self.byte_order);
        }
        fill
    }

    /// Whether a fill value in the bytes of the file is another than Zarr was given for the one that was chosen before.
    pub(super) fn fill_differs(&self, chosen: &[u8], usual: &[u8]) -> bool {
        let given = self.fill_value(&FileFillValue::User(chosen.to_vec()));
        given.as_bytes() != self.decode(usual.to_vec())
    }

    /// The fill value of elements with dimensions of their own, if all of one are the same.
    fn common_fill(&self, bytes: &[u8]) -> Option<FillValue> {
        let size = self.file_size().max(1);
        let (first, _) = bytes.split_at_checked(size)?;
        let are_same = bytes.chunks(size).all(|part| part == first);
        are_same.then(|| FillValue::new(self.decode(first.to_vec())))
    }

    /// Whether [`fill_value`](Self::fill_value) is all that the file says of elements that were never written.
    pub(super) fn tells_fill(&self, fill_value: &FileFillValue) -> bool {
        // Objects of V2 have no fill value in documents but null.
        let has_form = match self.form {
            Form::Object => self.data_type == DataType::String && self.unwritten.is_some(),
            Form::Sequence(_) => false,
            _ => true,
        };
        let FileFillValue::User(bytes) = fill_value else {
            return has_form;
        };
        match self.form {
            Form::Text => self.inner.is_empty() && std::str::from_utf8(bytes).is_ok(),
            // Nobody has looked at what a sequence holds; the empty one is what netCDF-4 chooses.
            Form::Sequence(_) | Form::Path | Form::Object => false,
            _ if !self.inner.is_empty() => self.common_fill(bytes).is_some(),
            _ => self.number_fill(fill_value).is_some(),
        }
    }

    /// What elements are that were never written; undefined ones are zero.
    pub(super) fn fill_value(&self, fill_value: &FileFillValue) -> FillValue {
        let zero = FillValue::zero(&self.data_type);
        if self.form == Form::Object && self.data_type == DataType::String {
            return self.unwritten.clone().map_or(zero, FillValue::new);
        }
        let (FileFillValue::Default(bytes) | FileFillValue::User(bytes)) = fill_value else {
            return zero;
        };
        match self.form {
            // A text that is none has no form in metadata.
            Form::Text if std::str::from_utf8(bytes).is_err() => zero,
            Form::Text => FillValue::new(bytes.clone()),
            Form::Sequence(_) | Form::Path | Form::Object => zero,
            _ if !self.inner.is_empty() => self.common_fill(bytes).unwrap_or(zero),
            _ => self.number_fill(fill_value).unwrap_or(zero),
        }
    }

    /// The fill value of elements without dimensions of their own; `None` for long doubles that documents cannot hold.
    fn number_fill(&self, fill_value: &FileFillValue) -> Option<FillValue> {
        let found = FillValue::new(self.decode(self.file_fill(fill_value)));
        let is_long = matches!(self.data_type, DataType::Float128 | DataType::Complex256);
        (!is_long || found.to_json(&self.data_type).is_ok()).then_some(found)
    }
}

impl Hdf5Array {
    /// Whether the fill value is the same in a new dataset byte for byte, so that chunks that were never written are
    /// the same there, whatever Zarr has for it.
    pub(super) fn has_fill_of(&self, new: &NewDataset) -> bool {
        // Nobody has looked at what those of other elements hold.
        let is_seen = self.elements().is_fixed() || self.elements().form == Form::Text;
        let own = match &self.info().fill_value {
            FileFillValue::User(_) if !is_seen => return false,
            FileFillValue::User(bytes) => bytes.as_slice(),
            FileFillValue::Default(_) | FileFillValue::Undefined => &[],
        };
        // The library's own is zero.
        let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        let chosen = new.fill_value.as_deref().unwrap_or_default();
        self.info().datatype == new.datatype && (own == chosen || is_zero(own) && is_zero(chosen))
    }

    /// Which chunks were written.
    pub(super) fn written_chunks(&self) -> Result<Option<HashSet<Vec<u64>>>> {
        Ok(self.table()?.map(ChunkTable::positions))
    }

    /// Whether the fill value is null in V2: nothing is said of it, and no element needs it.
    pub(super) fn is_fill_null(&self) -> Result<bool> {
        let has_null = self.format() == ZarrFormat::V2
            && (self.elements().is_fixed() || self.elements().form == Form::Text);
        if self.info().fill_value != FileFillValue::Undefined || !has_null {
            return Ok(false);
        }
        if let (Some(table), Some(chunks)) = (self.table()?, self.chunk_shape()) {
            let lengths = self.shape().iter().zip(chunks);
            let n_chunks = lengths.fold(1_u64, |n, (length, chunk)| {
                n.saturating_mul(length.div_ceil((*chunk).max(1)))
            });
            return Ok(table.positions().len() as u64 == n_chunks);
        }
        Ok(match &self.info().layout {
            Layout::Contiguous { address } => address.is_some(),
            Layout::Compact => true,
            _ => false,
        })
    }

    /// Whether Zarr has all that the file says of elements that were never written.
    pub(super) fn tells_fill(&self) -> bool {
        self.elements().tells_fill(&self.info().fill_value)
    }
}

/// What a value with pointers is that was never written, as JSON.
pub(super) fn unwritten(datatype: &Datatype) -> Option<String> {
    // It has no references that lead anywhere.
    let json = to_json(datatype, &zero(datatype)?, &|_| None).ok()?;
    Object::from_json(&json).ok()?.to_text().ok()
}
