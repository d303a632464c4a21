//! A case: a chunk that the other side encoded, the values in it, and our own encoding of them.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayData, NodePath, Options, Selection,
    codecs::{ChunkBuffer, ChunkCodec, ChunkRef, ChunkSpec, DataType, FillValue, Limits, Scratch},
    store::{DirectoryStore, MemoryStore, Store, StoreKey},
};

use super::{declared, items};

/// Encoded chunks up to this size are tried cut at every length and with every bit changed.
const DAMAGED_SIZE_MAX: usize = 160;

/// A case in its folder.
pub(super) struct Case {
    folder: PathBuf,
    side: &'static str,
    name: String,
    about: Value,
}

impl Case {
    pub(super) fn new(work: &Path, side: &'static str, name: &str, about: &Value) -> Self {
        Self {
            folder: work.join(name),
            side,
            name: name.to_owned(),
            about: about.clone(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn codec(&self) -> &str {
        self.about["codec"].as_str().unwrap_or_default()
    }

    /// The codec of the other side alone, which we refuse by its name.
    pub(super) fn refused_codec(&self) -> Option<&str> {
        self.about["refused"].as_str()
    }

    /// Why the case may differ, if the other side has a fault that is declared.
    pub(super) fn declared(&self) -> Option<&'static str> {
        declared::reason(self.side, &self.about)
    }

    /// What the case is, for a report of its failure.
    pub(super) fn describe(&self) -> String {
        let member = |name: &str| self.about[name].to_string();
        if !self.about["codecs"].is_null() {
            return format!(
                "{} {} codecs {}",
                member("dtype"),
                member("shape"),
                member("codecs")
            );
        }
        format!(
            "{} {} {} filters {} compressor {}",
            member("form"),
            member("dtype"),
            member("shape"),
            member("filters"),
            member("compressor")
        )
    }

    /// Whether the chunk is a file and not an array's.
    fn is_bare(&self) -> bool {
        self.about["form"] == "Bare"
    }

    fn shape(&self) -> Vec<u64> {
        let shape = self.about["shape"].as_array().into_iter().flatten();
        shape.filter_map(Value::as_u64).collect()
    }

    fn open(&self, folder: &str) -> Result<Array> {
        let store = Arc::new(DirectoryStore::open(self.folder.join(folder))?);
        Ok(Array::open(store, &NodePath::root(), &Options::default())?)
    }

    /// Whether the chunk of the other side has the values that it reads itself.
    pub(super) fn read(&self) -> Result<bool> {
        let expected = fs::read(self.folder.join("expected"))?;
        let data = if self.is_bare() {
            let codec = self.chunk_codec()?;
            let encoded = fs::read(self.folder.join("theirs"))?;
            let mut scratch = Scratch::default();
            let chunk = codec.decode(&encoded, &mut scratch)?;
            plain(&codec, chunk)
        } else {
            self.open("theirs")?.read_data(&Selection::all())?
        };
        items::are_equal(&data, &expected)
    }

    /// Writes the values as we do; whether the bytes are those of the other side.
    pub(super) fn write(&self) -> Result<bool> {
        let values = fs::read(self.folder.join("values"))?;
        let (theirs, ours) = (self.folder.join("theirs"), self.folder.join("ours"));
        if self.is_bare() {
            let codec = self.chunk_codec()?;
            let data = items::parse(&values, codec.spec().data_type.clone(), self.shape())?;
            let mut elements = data.buffer.elements;
            swap(&codec, &mut elements);
            let mut scratch = Scratch::default();
            let heap = &data.buffer.heap;
            let chunk = ChunkRef {
                elements: &elements,
                heap,
            };
            let encoded = codec.encode(chunk, &mut scratch)?;
            fs::write(ours, encoded)?;
            return Ok(fs::read(theirs)? == encoded);
        }
        fs::create_dir(&ours)?;
        for document in [".zarray", "zarr.json"] {
            let from = theirs.join(document);
            if from.exists() {
                fs::copy(from, ours.join(document))?;
            }
        }
        let array = self.open("ours")?;
        let data = items::parse(&values, array.data_type().clone(), self.shape())?;
        array.write_data(&Selection::all(), &data)?;
        let chunk = vec![0; array.ndim()];
        let read = |array: &Array| array.read_encoded_chunk(&chunk);
        Ok(read(&array)? == read(&self.open("theirs")?)?)
    }

    /// Decodes the chunk of the other side cut at every length and with every bit changed; how many that were.
    ///
    /// Each must give an error or a chunk of the right size.
    pub(super) fn read_damaged(&self) -> Result<usize> {
        let (codec, encoded) = if self.is_bare() {
            (self.chunk_codec()?, fs::read(self.folder.join("theirs"))?)
        } else {
            let array = self.open("theirs")?;
            let chunk = array.read_encoded_chunk(&vec![0; array.ndim()])?;
            // A chunk of nothing but fill values need not be there.
            let Some(chunk) = chunk else { return Ok(0) };
            (array.chunk_codec()?.as_ref().clone(), chunk.to_vec())
        };
        if encoded.len() > DAMAGED_SIZE_MAX {
            return Ok(0);
        }
        let decode = |encoded: &[u8], what: &dyn Fn() -> String| -> Result<()> {
            let decoded = catch_unwind(AssertUnwindSafe(|| {
                let mut scratch = Scratch::default();
                codec
                    .decode(encoded, &mut scratch)
                    .map(|chunk| chunk.elements.len())
            }));
            match decoded {
                Ok(Ok(size)) => ensure!(size == codec.decoded_size(), "{}: {size} bytes", what()),
                Ok(Err(_)) => {}
                Err(_) => bail!("{}: panic", what()),
            }
            Ok(())
        };
        for length in 0..encoded.len() {
            decode(&encoded[..length], &|| format!("cut to {length} bytes"))?;
        }
        let mut damaged = encoded;
        for bit in 0..damaged.len() * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            decode(&damaged, &|| format!("bit {bit} changed"))?;
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
        Ok(damaged.len() * 9)
    }

    /// The codecs of a bare chunk, by way of an array that has them.
    fn chunk_codec(&self) -> Result<ChunkCodec> {
        let shape = self.shape();
        let chunks: Vec<_> = shape.iter().map(|length| length.max(&1)).collect();
        let document = json!({
            "zarr_format": 2, "shape": shape, "chunks": chunks, "order": "C", "fill_value": null,
            "dtype": self.about["dtype"], "filters": self.about["filters"], "compressor": self.about["compressor"],
        });
        let store = MemoryStore::new();
        store.set(&StoreKey::new(".zarray")?, document.to_string().as_bytes())?;
        let options = Options::default();
        let array = Array::open(Arc::new(store), &NodePath::root(), &options)?;
        let limits = Limits::DEFAULT;
        let chain = array.metadata().codecs.chain(&options.registry, &limits)?;
        let data_type: DataType = array.data_type().clone();
        let spec = ChunkSpec {
            shape,
            fill_value: FillValue::zero(&data_type),
            data_type,
        };
        chain.for_chunk(spec, &limits).context("codecs of the chunk")
    }
}

/// A decoded chunk of the other side: in C order, and in native byte order once swapped.
fn plain(codec: &ChunkCodec, chunk: ChunkRef<'_>) -> ArrayData {
    let mut elements = chunk.elements.to_vec();
    swap(codec, &mut elements);
    ArrayData {
        shape: codec.spec().shape.clone(),
        data_type: codec.spec().data_type.clone(),
        buffer: ChunkBuffer {
            elements,
            heap: chunk.heap.to_vec(),
        },
    }
}

/// Swaps the bytes of the numbers, where the codec's layout has them swapped.
fn swap(codec: &ChunkCodec, elements: &mut [u8]) {
    let size = codec.layout().swap_size;
    elements.chunks_exact_mut(size).for_each(<[u8]>::reverse);
}
