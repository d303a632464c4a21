//! The names that links have, and the words for those that lead to nothing that is copied.

use zarr_convenience::core::NodePath;

use crate::hdf5::{Error, LinkKind, Name};

/// Names that Zarr needs for documents of its own.
const RESERVED: [&str; 5] = [".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json"];

/// The path that a link stands for, or one like it and the reason why no node can have that name.
pub(super) fn node_path(group: &NodePath, name: &Name) -> Result<NodePath, (NodePath, String)> {
    let refused = |reason: &str| {
        let shown = String::from_utf8_lossy(name.as_bytes())
            .escape_debug()
            .to_string();
        let reason = format!("link '{shown}', which no node can be named: {reason}");
        Err((stand_in(group, name), reason))
    };
    let Some(text) = name.to_str() else {
        return refused("it is not UTF-8");
    };
    if RESERVED.contains(&text) {
        return refused("Zarr has a document of that name");
    }
    if text.contains('\\') {
        return refused("it has a backslash");
    }
    match group.join(text) {
        Ok(path) if path.name() == text && path.parent().as_ref() == Some(group) => Ok(path),
        Ok(_) => refused("it is a path"),
        Err(error) => refused(&error.to_string()),
    }
}

/// A path that shows where a link is whose name no node can have: what is odd in it stands as `%xx`.
fn stand_in(group: &NodePath, name: &Name) -> NodePath {
    /// How much of a name is shown.
    const SHOWN: usize = 40;
    let mut text = String::new();
    for byte in name.as_bytes().iter().take(SHOWN) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => text.push(char::from(*byte)),
            odd => text.extend(format!("%{odd:02X}").chars()),
        }
    }
    // Where even that is too long, it is the group itself that has the link.
    group.join(&text).unwrap_or_else(|_| group.clone())
}

/// What a link is that cannot be followed; `None` if that is because the file is damaged.
pub(super) fn unfollowed(kind: &LinkKind, error: &Error) -> Option<String> {
    match (kind, error) {
        (LinkKind::External { file, path }, _) => Some(format!("external link to '{path}' in '{file}'")),
        (LinkKind::UserDefined { class }, _) => Some(format!("link of the unknown class {class}")),
        (LinkKind::Soft { target }, Error::NotFound { .. }) => Some(format!("broken link to '{target}'")),
        (LinkKind::Soft { target }, Error::Outside { .. }) => {
            Some(format!("link to '{target}', outside the file"))
        }
        // A damaged object is an error where its own link is followed; here there may be only a bad path.
        (LinkKind::Soft { target }, Error::Library { reason, .. }) => {
            Some(format!("broken link to '{target}': {reason}"))
        }
        _ => None,
    }
}
