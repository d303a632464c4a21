//! The document of references.

use std::io::{self, Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use zarr_convenience::core::NodePath;
use zarr_convenience::core::store::{Store, StoreExt};
use zarr_convenience::{Cancel, Error, Lost, Result, SecondNames};

use super::{
    array::{Place, ServedArray},
    store::{Entry, Hdf5Store},
};

/// How many chunks of one array are referred to.
const CHUNKS_MAX: usize = 1 << 24;

/// What a document of references is to have in it.
#[derive(Debug, Clone)]
pub struct ReferenceOptions {
    /// The address of the file, as the document has it: `file:///data/x.h5`, or a path from the document's directory.
    pub url: String,
    /// A chunk of at most so many bytes is put into the document, since reading it there costs less than asking for it.
    pub chunk_size_max: u64,
    /// The most bytes of an array that are put into the document because they cannot be referred to.
    pub array_size_max: u64,
    /// Tells the work to stop.
    pub cancel: Cancel,
}

impl ReferenceOptions {
    /// The usual ones: chunks of up to 500 bytes, as kerchunk has it, and 1 MiB of an array.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            chunk_size_max: 500,
            array_size_max: 1 << 20,
            cancel: Cancel::default(),
        }
    }
}

/// What is in a document of references.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReferenceReport {
    /// Groups and arrays.
    pub n_nodes: u64,
    /// Chunks that are referred to.
    pub n_referred: u64,
    /// Their bytes in the file.
    pub n_bytes_referred: u64,
    /// Chunks that are in the document.
    pub n_inlined: u64,
    /// Their bytes, before they became text.
    pub n_bytes_inlined: u64,
    /// What is in neither, with the reason.
    pub lost: Vec<Lost>,
}

/// Writes a document in kerchunk's format, version 1, through which the file is read as Zarr V2 without a copy.
///
/// Documents of nodes are in it as texts, chunks as `[url, offset, size]`. Chunks whose bytes are not in the file as Zarr
/// would have them, as those of texts, and of filters that numcodecs lacks, are in it uncompressed, in base64; an array
/// with too many of them is left out and reported, as is what no Zarr node can be.
///
/// # Errors
/// [`Error::Source`] where the file is damaged, and [`Error::File`] when `out` fails; what was written is then no document.
///
/// ```
/// use zarr_h5bridge::{Hdf5Store, ReferenceOptions, write_references};
///
/// let store = Hdf5Store::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/sample.h5"))?;
/// let mut document = Vec::new();
/// let report = write_references(&store, &ReferenceOptions::new("sample.h5"), &mut document)?;
/// assert!(report.n_referred > 0);
/// assert!(document.starts_with(b"{\"version\":1,\"refs\":{"));
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
pub fn write_references(
    store: &Hdf5Store,
    options: &ReferenceOptions,
    out: &mut dyn Write,
) -> Result<ReferenceReport> {
    let mut document = Document {
        options,
        out,
        is_empty: true,
        report: ReferenceReport::default(),
    };
    document.raw("{\"version\":1,\"refs\":{")?;
    let mut pending = vec![NodePath::root()];
    let second_names = SecondNames::default();
    while let Some(path) = pending.pop() {
        options.cancel.check()?;
        let Some(entry) = store.entry(&path)? else {
            continue;
        };
        document.report.lost.extend_from_slice(entry.lost());
        match entry.as_ref() {
            Entry::Group { members, .. } => {
                second_names.check(store.source(), &path)?;
                document.documents(&path, &entry)?;
                for name in members.keys().rev() {
                    pending.push(path.join(name)?);
                }
            }
            Entry::Array { array, .. } => document.array(&path, &entry, array)?,
        }
        // The index of its chunks is not needed again.
        store.forget(&path);
    }
    document.raw("\n}}\n")?;
    document.out.flush().map_err(failed)?;
    Ok(document.report)
}

/// A document on its way.
struct Document<'a> {
    options: &'a ReferenceOptions,
    out: &'a mut dyn Write,
    is_empty: bool,
    report: ReferenceReport,
}

impl Document<'_> {
    fn raw(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).map_err(failed)
    }

    fn member(&mut self, key: &str, value: &Value) -> Result<()> {
        let separator = if self.is_empty { "" } else { "," };
        self.is_empty = false;
        self.raw(&format!("{separator}\n{}:{value}", Value::from(key)))
    }

    /// Writes the documents of a node.
    fn documents(&mut self, path: &NodePath, entry: &Entry) -> Result<()> {
        let documents = entry.documents();
        for key in documents.list_dir(NodePath::root().prefix())?.keys {
            if let Some(text) = documents.get(&key, u64::MAX)? {
                let key = path.key(key.as_str())?;
                self.member(key.as_str(), &String::from_utf8_lossy(&text).into())?;
            }
        }
        self.report.n_nodes += 1;
        Ok(())
    }

    /// Writes an array, if what must be put into the document is not too much.
    fn array(&mut self, path: &NodePath, entry: &Entry, array: &ServedArray) -> Result<()> {
        let limit = self.options.array_size_max;
        let too_much = |reason: &str, size: u64| Lost {
            what: path.to_string(),
            reason: format!(
                "{reason}, and {size} bytes are more than are put into a document, limit {limit}"
            ),
        };
        if let Some(reason) = array.why_made()
            && array.size() > limit
        {
            self.report.lost.push(too_much(reason, array.size()));
            return Ok(());
        }
        let Some(positions) = array.positions(CHUNKS_MAX)? else {
            self.report.lost.push(Lost {
                what: path.to_string(),
                reason: format!("it has more than {CHUNKS_MAX} chunks"),
            });
            return Ok(());
        };
        let mut chunks = Vec::with_capacity(positions.len());
        let mut made_size = 0_u64;
        for position in positions {
            self.options.cancel.check()?;
            let Some(place) = array.place(&position)? else {
                continue;
            };
            if let Place::Made(bytes) = &place {
                made_size = made_size.saturating_add(bytes.len() as u64);
                if made_size > limit {
                    let reason = array
                        .why_made()
                        .unwrap_or("some of its chunks went through fewer filters");
                    self.report.lost.push(too_much(reason, made_size));
                    return Ok(());
                }
            }
            chunks.push((position, place));
        }
        self.documents(path, entry)?;
        for (position, place) in chunks {
            let key = path.key(&ServedArray::name(&position))?;
            let value = self.chunk(array, place)?;
            self.member(key.as_str(), &value)?;
        }
        Ok(())
    }

    /// The value of a chunk.
    fn chunk(&mut self, array: &ServedArray, place: Place) -> Result<Value> {
        let bytes = match place {
            Place::File { address, size } if size > self.options.chunk_size_max => {
                array.check(address, size)?;
                self.report.n_referred += 1;
                self.report.n_bytes_referred = self.report.n_bytes_referred.saturating_add(size);
                return Ok(json!([self.options.url, address, size]));
            }
            Place::File { address, size } => array.read(address, size)?,
            Place::Made(bytes) => bytes.to_vec(),
        };
        self.report.n_inlined += 1;
        self.report.n_bytes_inlined = self.report.n_bytes_inlined.saturating_add(bytes.len() as u64);
        Ok(format!("base64:{}", STANDARD.encode(bytes)).into())
    }
}

fn failed(source: io::Error) -> Error {
    Error::File {
        what: "the document of references".to_owned(),
        action: "writing",
        source,
    }
}
