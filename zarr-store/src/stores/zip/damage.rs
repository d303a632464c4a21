//! What is wrong with an archive, before it is known which one.

use std::io;

use crate::StoreError;

#[derive(Debug)]
pub(super) enum Damage {
    Io(io::Error),
    Corrupt(String),
    Unsupported(&'static str),
    TooLarge { size: u64, limit: u64 },
}

impl Damage {
    pub(super) fn corrupt(reason: impl Into<String>) -> Self {
        Self::Corrupt(reason.into())
    }

    /// The error for the archive or key described by `what`.
    pub(super) fn at(self, what: impl Into<String>) -> StoreError {
        let what = what.into();
        match self {
            Self::Io(source) => StoreError::io("reading", what, source),
            Self::Corrupt(reason) => StoreError::Corrupt { what, reason },
            Self::Unsupported(operation) => StoreError::NotSupported {
                operation,
                store: what,
            },
            Self::TooLarge { size, limit } => StoreError::TooLarge { what, size, limit },
        }
    }
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::corrupt("the archive ends too early"),
            _ => Self::Io(error),
        }
    }
}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        match damage {
            Damage::Io(error) => error,
            other => Self::other(other.at("the archive")),
        }
    }
}
