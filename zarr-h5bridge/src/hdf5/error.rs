//! What can go wrong when an HDF5 file is read.

use std::path::PathBuf;

/// The result of reading from an HDF5 file.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be read from an HDF5 file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{action} `{}`", file.display())]
    Io {
        /// What was being done, such as `opening`.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file does not carry the signature of HDF5.
    #[error("`{}` is not an HDF5 file", file.display())]
    NotHdf5 {
        /// The file.
        file: PathBuf,
    },
    /// The HDF5 library could not do what was asked, mostly because the file is damaged.
    #[error("{action} `{object}` in `{}`: {reason}", file.display())]
    Library {
        /// What was being done, such as `reading`.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// The path of the object, or of the attribute with an `@` before its name.
        object: String,
        /// The innermost message of the library.
        reason: String,
    },
    /// No link leads to an object of this path.
    #[error("there is no `{object}` in `{}`", file.display())]
    NotFound {
        /// The file.
        file: PathBuf,
        /// The path that was asked for.
        object: String,
    },
    /// The object is of another kind than the one asked for.
    #[error("`{object}` in `{}` is a {found}, not a {expected}", file.display())]
    WrongKind {
        /// The file.
        file: PathBuf,
        /// The path of the object.
        object: String,
        /// The kind that was asked for.
        expected: &'static str,
        /// The kind that is there.
        found: &'static str,
    },
    /// The file contradicts itself, or its own length.
    #[error("`{object}` in `{}` is damaged: {reason}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The path of the object.
        object: String,
        /// The contradiction.
        reason: String,
    },
    /// The data lie in another file, which is not opened.
    #[error("the data of `{object}` in `{}` lie outside that file: {reason}", file.display())]
    Outside {
        /// The file.
        file: PathBuf,
        /// The path of the object.
        object: String,
        /// What it is, or why it is not opened.
        reason: String,
    },
    /// The library lacks a filter that the chunks went through; they can still be read as stored.
    #[error("reading `{object}` in `{}`: filter {id} `{name}` is not built in", file.display())]
    MissingFilter {
        /// The file.
        file: PathBuf,
        /// The path of the object.
        object: String,
        /// The registered number of the filter.
        id: i32,
        /// The name that the file gives it; may be empty.
        name: String,
    },
    /// The request does not fit the object, or its values cannot be given in the form asked for.
    #[error("cannot read `{object}` in `{}`: {reason}", file.display())]
    Request {
        /// The file.
        file: PathBuf,
        /// The path of the object.
        object: String,
        /// Why not.
        reason: String,
    },
}
