//! Times, which HDF5 lacks: h5py stores them as opaque bytes that it tags with NumPy's words for them.

use zarr_convenience::core::codecs::{ByteOrder, DataType, TimeUnit};

/// NumPy's text for a time, with which h5py tags opaque bytes.
pub(super) fn numpy_time(data_type: &DataType, order: ByteOrder) -> String {
    let (code, unit) = match data_type {
        DataType::TimeDelta64(unit) => ('m', *unit),
        DataType::DateTime64(unit) => ('M', *unit),
        _ => return String::new(),
    };
    let sign = if order == ByteOrder::Big { '>' } else { '<' };
    let scale = if unit.scale == 1 {
        String::new()
    } else {
        unit.scale.to_string()
    };
    format!("{sign}{code}8[{scale}{}]", unit.unit)
}

/// The time that h5py's tag of opaque bytes tells.
pub(super) fn tagged_time(tag: &str) -> Option<(DataType, ByteOrder)> {
    let text = tag.strip_prefix("NUMPY:")?;
    let order = if text.starts_with('>') {
        ByteOrder::Big
    } else {
        ByteOrder::Little
    };
    let text = text.trim_start_matches(['<', '>', '|', '=']);
    let (code, unit) = text.split_once("8[")?;
    let unit = unit.strip_suffix(']')?;
    let digits = unit.len()
        - unit
            .trim_start_matches(|letter: char| letter.is_ascii_digit())
            .len();
    let (scale, name) = unit.split_at(digits);
    let unit = TimeUnit {
        unit: TimeUnit::NAMES.into_iter().find(|known| *known == name)?,
        scale: if scale.is_empty() {
            1
        } else {
            scale.parse().ok().filter(|scale| *scale > 0)?
        },
    };
    match code {
        "M" => Some((DataType::DateTime64(unit), order)),
        "m" => Some((DataType::TimeDelta64(unit), order)),
        _ => None,
    }
}
