//! What a step comes to, and how our errors are called in Python.

use serde_json::Value;
use zarr_convenience::{
    Error,
    core::{Error as CoreError, codecs::CodecError, store::StoreError},
};

use super::filters;

/// The result of a step, or of a part of one.
pub(super) type Outcome<T = Value> = Result<T, Fault>;

/// Why a step has no value.
#[derive(Debug)]
pub(super) enum Fault {
    /// It failed, as the original may have as well.
    Failed(Failure),
    /// The runner cannot do it.
    Unsupported(String),
}

/// An error in Python's words.
#[derive(Debug)]
pub(super) struct Failure {
    /// The class.
    pub(super) class: String,
    /// The text, where ours has all that zarr-python's says.
    pub(super) message: Option<String>,
    /// Our own text.
    pub(super) ours: String,
}

impl Fault {
    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}

impl Failure {
    /// An error whose text is that of zarr-python.
    pub(super) fn new(class: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            class: class.into(),
            ours: message.clone(),
            message: Some(message),
        }
    }

    /// An error of which only the class is comparable.
    pub(super) fn class(class: &str, ours: impl Into<String>) -> Self {
        Self {
            class: class.into(),
            message: None,
            ours: ours.into(),
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What was being done, where it makes a difference for the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    OpenAny,
    OpenArray,
    OpenGroup,
    Member,
    Attributes,
    Other,
}

/// A text as Python prints it among others: in quotes.
pub(super) fn quoted(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::from(mark);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            c if c == mark => shown.extend(['\\', c]),
            c => shown.push(c),
        }
    }
    shown.push(mark);
    shown
}

/// Calls an error what Python would.
pub(super) fn phrase(error: &Error, doing: Doing) -> Fault {
    let ours = chain(error);
    match error {
        Error::Core(core) => phrase_core(core, doing, ours),
        Error::Copy(message) => Failure::new("zarr.errors.CopyError", message.clone()).into(),
        Error::Mismatch(message) => Failure::new("TypeError", message.clone()).into(),
        Error::Argument(message) if message.starts_with("source has no name") => {
            Failure::new("TypeError", message.clone()).into()
        }
        // Ours has the value's type and lacks the exception that NumPy nests.
        Error::Argument(message) if message.starts_with("fill_value") => {
            Failure::class("ValueError", ours).into()
        }
        Error::Argument(message) if message.starts_with("bad compressor") => {
            Failure::class("zarr.errors.BadCompressorError", ours).into()
        }
        Error::Argument(message) => Failure::new("ValueError", message.clone()).into(),
        Error::Refused { .. } => Failure::class("ValueError", ours).into(),
        Error::File { .. } => Failure::class("OSError", ours).into(),
        _ => Failure::class("Exception", ours).into(),
    }
}

fn phrase_core(error: &CoreError, doing: Doing, ours: String) -> Fault {
    let class = |class| Failure::class(class, ours.clone());
    match error {
        CoreError::Store(error) => phrase_store(error, ours),
        CoreError::Metadata { pointer, reason, .. } if pointer == "/zarr_format" => {
            let reason = if reason == "is missing" {
                "unsupported zarr format: None"
            } else {
                reason
            };
            Failure::new("zarr.errors.MetadataError", reason).into()
        }
        CoreError::Metadata { pointer, reason, .. } if pointer == "/zarr_consolidated_format" => {
            Failure::new("zarr.errors.MetadataError", reason).into()
        }
        CoreError::Metadata { pointer, reason, .. }
            if pointer.is_empty() && reason.starts_with("must be an object") =>
        {
            class("AttributeError").into()
        }
        CoreError::Metadata { pointer, .. } if pointer.is_empty() => {
            class("json.decoder.JSONDecodeError").into()
        }
        CoreError::Metadata { .. } => {
            Failure::new("zarr.errors.MetadataError", "error decoding metadata").into()
        }
        CoreError::NotFound { path, .. } => match doing {
            Doing::OpenArray => Failure::new(
                "zarr.errors.ArrayNotFoundError",
                format!("array not found at path {}", quoted(path)),
            ),
            Doing::OpenGroup => Failure::new(
                "zarr.errors.GroupNotFoundError",
                format!("group not found at path {}", quoted(path)),
            ),
            Doing::Member => Failure::new("KeyError", quoted(path)),
            _ => Failure::new(
                "zarr.errors.PathNotFoundError",
                format!("nothing found at path {}", quoted(path)),
            ),
        }
        .into(),
        CoreError::Exists { path, found } | CoreError::WrongKind { path, found } => {
            let class = if *found == "an array" {
                "zarr.errors.ContainsArrayError"
            } else {
                "zarr.errors.ContainsGroupError"
            };
            Failure::new(class, format!("path {} contains {found}", quoted(path))).into()
        }
        CoreError::Path { reason, .. } => Failure::new("ValueError", *reason).into(),
        CoreError::Codecs { source, .. } => phrase_codec(source, ours),
        CoreError::Chunk { source, .. } => phrase_codec(source, ours),
        CoreError::Selection { reason } if reason.starts_with("index out of bounds") => {
            Failure::new("zarr.errors.BoundsCheckError", reason).into()
        }
        CoreError::Selection { reason } if reason.starts_with("only slices") => {
            Failure::new("zarr.errors.NegativeStepError", reason).into()
        }
        CoreError::Selection { reason } if reason.starts_with("slice step") => {
            Failure::new("ValueError", reason).into()
        }
        CoreError::Selection { reason } => Failure::new("IndexError", reason).into(),
        CoreError::ReadOnly { .. } if doing == Doing::Attributes => {
            Failure::new("PermissionError", "attributes are read-only").into()
        }
        CoreError::ReadOnly { .. } => Failure::new("zarr.errors.ReadOnlyError", "object is read-only").into(),
        CoreError::Incompatible { reason, .. } => Failure::new("ValueError", reason).into(),
        CoreError::View { .. } => Failure::new("PermissionError", "operation not permitted for views").into(),
        CoreError::Shape { .. } | CoreError::Create { .. } => class("ValueError").into(),
        CoreError::Type { .. } => class("TypeError").into(),
        CoreError::TooLarge { .. } => class("MemoryError").into(),
        _ => class("Exception").into(),
    }
}

/// Calls an error of a codec what numcodecs would.
pub(super) fn phrase_codec(error: &CodecError, ours: String) -> Fault {
    if let CodecError::Config { codec, reason } | CodecError::Mismatch { codec, reason } = error
        && let Some(failure) = filters::phrase(codec, reason)
    {
        return failure.into();
    }
    match error {
        CodecError::Unknown { name } => {
            // A configuration without an id asks for nothing.
            let name = if name.is_empty() { "None".into() } else { quoted(name) };
            let message = format!("codec not available: '{name}'");
            Failure::new("numcodecs.errors.UnknownCodecError", message)
        }
        CodecError::Value { what: "filters", .. } => {
            Failure::new("ValueError", "missing object_codec for object array")
        }
        CodecError::Checksum {
            codec: "jenkins_lookup3",
            stored,
            computed,
        } => {
            let message = format!(
                "The Bob Jenkin's lookup3 checksum of the data ({computed}) did not match the expected checksum \
                 ({stored}).\nThis could be a sign that the data has been corrupted."
            );
            Failure::new("RuntimeError", message)
        }
        // What is asked of arrays without elements there.
        CodecError::Corrupt {
            codec: "jenkins_lookup3",
            reason,
        } if reason == "it is empty" => Failure::class("IndexError", ours),
        CodecError::Corrupt {
            codec: "packbits", ..
        } => Failure::class("IndexError", ours),
        CodecError::Corrupt { codec: "zstd", .. } => {
            Failure::new("RuntimeError", "Zstd decompression error: invalid input data")
        }
        // A frame without a whole size is no LZ4 to numcodecs; what follows is the library's affair.
        CodecError::Corrupt { codec: "lz4", reason }
            if reason.contains("its size") && !reason.contains("as it says") =>
        {
            Failure::new("ValueError", "bad input data")
        }
        CodecError::Corrupt {
            codec: "zfpy",
            reason,
        } if reason.contains("does not begin") => {
            Failure::new("ValueError", "Failed to read required zfp header")
        }
        CodecError::Checksum { .. }
        | CodecError::TooLarge { .. }
        | CodecError::Corrupt {
            codec: "blosc" | "lz4" | "pcodec",
            ..
        } => Failure::class("RuntimeError", ours),
        CodecError::Config { codec, reason } => phrase_config(codec, reason, ours),
        CodecError::Mismatch { codec, reason } if codec.ends_with("zfpy") => phrase_zfpy(reason, ours),
        _ => Failure::class("ValueError", ours),
    }
    .into()
}

/// Calls a configuration that makes no sense what numcodecs would.
fn phrase_config(codec: &str, reason: &str, ours: String) -> Failure {
    let found = reason.rsplit_once("found ").map_or("", |(_, found)| found);
    let member = reason.split('`').nth(1).unwrap_or_default();
    match (codec, member) {
        ("blosc", "cname") if !found.is_empty() => {
            let message = format!(
                "bad compressor or compressor not supported: {}; expected one of \
                 ['blosclz', 'lz4', 'lz4hc', 'zlib', 'zstd']",
                quoted(found.trim_matches('`'))
            );
            Failure::new("ValueError", message)
        }
        ("blosc", "shuffle") if !found.is_empty() => {
            let message = format!("invalid shuffle argument; expected -1, 0, 1 or 2, found {found}");
            Failure::new("ValueError", message)
        }
        ("blosc", "clevel") if !found.is_empty() => {
            Failure::new("RuntimeError", "error during blosc compression: -10")
        }
        ("crc32" | "crc32c" | "adler32", "location") if !found.is_empty() => {
            Failure::new("ValueError", format!("Invalid checksum location: {found}"))
        }
        ("zfpy", "mode") if reason.contains("to encode") => Failure::new(
            "AttributeError",
            "'ZFPY' object has no attribute 'compression_kwargs'",
        ),
        ("pcodec", "level" | "delta_encoding_order") if !found.is_empty() => {
            Failure::class("RuntimeError", ours)
        }
        ("pcodec", "mode_spec" | "delta_spec" | "paging_spec" | "delta_encoding_order")
        | ("bz2" | "gzip" | "lzma", "level" | "filters" | "format" | "check") => {
            Failure::class("ValueError", ours)
        }
        _ => Failure::class("TypeError", ours),
    }
}

/// Calls an array that zfp does not take what numcodecs would.
fn phrase_zfpy(reason: &str, ours: String) -> Failure {
    match reason.split(' ').next() {
        // That another codec makes bytes before it means another byte order, which is another type to zfpy.
        Some("Unknown" | "makes") => Failure::class("TypeError", ours),
        Some("Greater") => Failure::new("RuntimeError", reason),
        Some("There") => Failure::class("RuntimeError", ours),
        _ => Failure::class("ValueError", ours),
    }
}

/// Calls an error of a store what Python would.
pub(super) fn phrase_store(error: &StoreError, ours: String) -> Fault {
    match error {
        StoreError::Conflict { .. } => Failure::class("zarr.errors.FSPathExistNotDir", ours),
        StoreError::InvalidKey { .. } => Failure::class("ValueError", ours),
        StoreError::NotSupported { operation, .. } if operation.contains("consolidated") => {
            Failure::new("zarr.errors.ReadOnlyError", "object is read-only")
        }
        StoreError::NotSupported { .. } => Failure::class("zarr.errors.ReadOnlyError", ours),
        // What Python's directory store makes of a file in the way of a folder.
        StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotADirectory => {
            Failure::class("KeyError", ours)
        }
        _ => Failure::class("OSError", ours),
    }
    .into()
}

/// The text of an error and of all that caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.ends_with(&inner) {
            text = format!("{text}: {inner}");
        }
        cause = error.source();
    }
    text
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        phrase(&error, Doing::Other)
    }
}

impl From<CoreError> for Fault {
    fn from(error: CoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Failure::class("OSError", error.to_string()).into()
    }
}
