//! What of types Zarr does not have, although it has their values.

use super::values::integer;
use crate::hdf5::{Datatype, EnumMember, StringPadding};

/// What fills texts up, where that is something else than in Zarr, and what numbers are whose bits are kept as they are.
pub(super) fn lost_padding(datatype: &Datatype) -> Option<String> {
    match datatype {
        Datatype::FixedString {
            padding: StringPadding::SpacePadded,
            ..
        } => Some("the blanks that fill its texts up".to_owned()),
        Datatype::Other { reason, .. } => Some(format!("what its bits mean: {reason}")),
        Datatype::Time { .. } => Some("that its bytes are of HDF5's time class".to_owned()),
        _ => None,
    }
}

/// What is lost of a type although its values are kept.
pub(super) fn lost_names(datatype: &Datatype) -> Option<String> {
    let Datatype::Enum { base, members } = datatype else {
        return None;
    };
    let names: Vec<_> = members
        .iter()
        .take(20)
        .map(|member| named(member, base))
        .collect();
    let more = if members.len() > names.len() { ", ..." } else { "" };
    Some(format!("the names of its numbers: {}{more}", names.join(", ")))
}

fn named(member: &EnumMember, base: &Datatype) -> String {
    let number = integer(base, &member.value);
    number.map_or_else(
        || member.name.to_string(),
        |number| format!("{} = {number}", member.name),
    )
}
