//! How the command ends: exit statuses and the one line of an error.

use std::{io, process::ExitCode};

use zarr_convenience::{
    Error,
    core::{Error as CoreError, codecs::CodecError, store::StoreError},
};

/// What the exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Done = 0,
    Other = 1,
    Usage = 2,
    NotFound = 3,
    Corrupt = 4,
    Refused = 5,
    Io = 6,
    Conflict = 7,
    Interrupted = 130,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

impl Status {
    /// The status of an error: that of the most telling cause.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(of_cause).unwrap_or(Self::Other)
    }
}

fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Status> {
    if let Some(error) = cause.downcast_ref::<Error>() {
        return of_convenience(error);
    }
    if let Some(error) = cause.downcast_ref::<CoreError>() {
        return of_core(error);
    }
    if let Some(error) = cause.downcast_ref::<StoreError>() {
        return Some(of_store(error));
    }
    cause.downcast_ref::<io::Error>().map(of_io)
}

fn of_convenience(error: &Error) -> Option<Status> {
    match error {
        Error::Core(error) => of_core(error),
        Error::Source { .. } => Some(Status::Corrupt),
        Error::Copy(_) | Error::Mismatch(_) => Some(Status::Conflict),
        Error::Argument(_) => Some(Status::Usage),
        Error::Refused { .. } => Some(Status::Refused),
        Error::Vanished { .. } => Some(Status::NotFound),
        Error::Cancelled => Some(Status::Interrupted),
        Error::File { source, .. } => Some(of_io(source)),
        _ => None,
    }
}

fn of_core(error: &CoreError) -> Option<Status> {
    Some(match error {
        CoreError::Store(error) => of_store(error),
        CoreError::NotFound { .. } => Status::NotFound,
        CoreError::Metadata { .. } | CoreError::Value { .. } => Status::Corrupt,
        CoreError::Chunk { source, .. } => of_codec(source),
        CoreError::Codecs { source, .. } => of_codec(source),
        CoreError::Exists { .. } => Status::Conflict,
        CoreError::TooLarge { .. } | CoreError::ReadOnly { .. } | CoreError::View { .. } => Status::Refused,
        CoreError::Path { .. }
        | CoreError::Selection { .. }
        | CoreError::Create { .. }
        | CoreError::Incompatible { .. } => Status::Usage,
        _ => return None,
    })
}

fn of_store(error: &StoreError) -> Status {
    match error {
        StoreError::Io { source, .. } => of_io(source),
        StoreError::OutOfRange { .. } | StoreError::Corrupt { .. } => Status::Corrupt,
        StoreError::TooLarge { .. }
        | StoreError::NotSupported { .. }
        | StoreError::InvalidKey { .. }
        | StoreError::Refused { .. } => Status::Refused,
        StoreError::Conflict { .. } => Status::Conflict,
        _ => Status::Other,
    }
}

fn of_codec(error: &CodecError) -> Status {
    match error {
        CodecError::Refused { .. } | CodecError::NotBuilt { .. } => Status::Refused,
        _ => Status::Corrupt,
    }
}

fn of_io(error: &io::Error) -> Status {
    match error.kind() {
        io::ErrorKind::NotFound => Status::NotFound,
        _ => Status::Io,
    }
}

/// Names the place where an error came up, unless it does so itself or is about the words given.
pub(crate) fn at(place: &str, error: anyhow::Error) -> anyhow::Error {
    let needs_place = error.chain().any(|cause| {
        let core = match cause.downcast_ref::<Error>() {
            Some(Error::Core(core)) => Some(core),
            Some(Error::Copy(text)) => return !text.starts_with(place),
            _ => cause.downcast_ref::<CoreError>(),
        };
        matches!(
            core,
            Some(
                CoreError::Exists { .. }
                    | CoreError::WrongKind { .. }
                    | CoreError::Type { .. }
                    | CoreError::Value { .. }
                    | CoreError::TooLarge { .. }
                    | CoreError::ReadOnly { .. }
                    | CoreError::Selection { .. }
            )
        )
    });
    if needs_place {
        error.context(place.to_owned())
    } else {
        error
    }
}

/// The words of a cause.
fn words(cause: &(dyn std::error::Error + 'static)) -> String {
    let core = match cause.downcast_ref::<Error>() {
        Some(Error::Core(core)) => Some(core),
        _ => cause.downcast_ref::<CoreError>(),
    };
    match core {
        // The root has no name of its own.
        Some(CoreError::Exists { path, found } | CoreError::WrongKind { path, found }) if path.is_empty() => {
            format!("contains {found}")
        }
        Some(CoreError::NotFound { path, store }) if path.is_empty() => {
            format!("{store}: is no Zarr array or group")
        }
        _ => cause.to_string(),
    }
}

/// The chain of causes in one line, with nothing in it that a terminal would obey.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let causes: Vec<_> = error.chain().map(words).collect();
    let mut parts: Vec<&str> = Vec::new();
    for cause in &causes {
        // A cause that says what the one above it said adds nothing.
        if !parts.last().is_some_and(|last| last.contains(cause.as_str())) {
            parts.push(cause);
        }
    }
    printable(&parts.join(": "))
}

/// A text with its control characters escaped.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// An error in the words of the command line.
pub(crate) fn usage(reason: String) -> Error {
    Error::Argument(reason)
}
