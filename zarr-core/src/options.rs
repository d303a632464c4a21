//! How arrays and groups are opened.

use std::sync::Arc;

use zarr_codecs::{CodecRegistry, Limits};

use crate::{Error, NodePath, Result, Workers, memory};

/// What an open node needs to know besides its metadata.
#[derive(Debug, Clone)]
pub struct Options {
    /// The codecs that metadata may name.
    pub registry: Arc<CodecRegistry>,
    /// How much a chunk may ask for.
    pub limits: Limits,
    /// The largest metadata document that is read, in bytes.
    pub document_size_max: u64,
    /// The most bytes that one call may read into memory: at first half of what the process may use, which the machine,
    /// the limits of the process (`ulimit -v`, `-d`) and its control groups say.
    pub read_size_max: u64,
    /// How many bytes of indices of shards an array keeps from one read to the next; 0 for none.
    ///
    /// An index is kept only where the store can tell whether the shard is still the same, and if it takes no more than
    /// half of this.
    pub index_cache_size: usize,
    /// How many threads may work at once.
    pub workers: Workers,
    /// Whether chunks are stored that hold nothing but the fill value.
    pub write_empty_chunks: bool,
    /// Whether nobody else sets the keys of chunks meanwhile, so that other processes need not be kept away by locks.
    ///
    /// For an array whose document is not there before its chunks are: nobody knows of it. A lock costs a directory as
    /// much as setting a small value does.
    pub is_sole_writer: bool,
    /// Whether nothing may be written.
    pub read_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            registry: Arc::default(),
            limits: Limits::DEFAULT,
            document_size_max: 16 << 20,
            read_size_max: memory::available() / 2,
            index_cache_size: 32 << 20,
            workers: Workers::default(),
            write_empty_chunks: true,
            is_sole_writer: false,
            read_only: false,
        }
    }
}

impl Options {
    /// Refuses to change the node of a path where nothing may be written.
    ///
    /// ```
    /// use zarr_core::{NodePath, Options};
    /// let options = Options {
    ///     read_only: true,
    ///     ..Options::default()
    /// };
    /// let refused = options.check_writable(&NodePath::new("foo")?).unwrap_err();
    /// assert!(refused.to_string().contains("foo"), "{refused}");
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ReadOnly`], if `read_only`.
    pub fn check_writable(&self, path: &NodePath) -> Result<()> {
        if self.read_only {
            return Err(Error::ReadOnly {
                path: path.to_string(),
            });
        }
        Ok(())
    }
}
