//! The one place that makes threads.

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use zarr_codecs::Scratch;
use zarr_store::{ReadBuffer, Store};

use crate::{projection::Part, shard_pieces::EncodedPiece, shard_read::Leaves};

/// How many threads may work at once.
///
/// Threads live as long as one call; nothing stays behind, so a process may fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    threads: NonZeroUsize,
    /// How many requests may be in flight; what the store wants if absent.
    requests: Option<NonZeroUsize>,
}

impl Default for Workers {
    /// As many as the machine has processors for this process, when that was first asked.
    fn default() -> Self {
        // On Linux the answer is read from several files.
        static THREADS: OnceLock<NonZeroUsize> = OnceLock::new();
        let count = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            threads: *THREADS.get_or_init(count),
            requests: None,
        }
    }
}

/// What a thread uses again from chunk to chunk.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) work: Work,
    pub(crate) read: ReadBuffer,
    pub(crate) name: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) leaves: Leaves,
    /// A shard that is being put together for a store that takes it only as a whole.
    pub(crate) shard: Vec<u8>,
    pub(crate) piece: EncodedPiece,
}

/// The chunk that is worked on.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) scratch: Scratch,
    pub(crate) chunk: Vec<u8>,
    pub(crate) heap: Vec<u8>,
}

/// Desks that nobody works at.
///
/// They are kept from call to call, because reads come one after the other and fresh memory is dear: the
/// kernel clears every page of it. There are never more than there were threads at once.
static FREE: Mutex<Vec<Desk>> = Mutex::new(Vec::new());

impl Desk {
    /// Takes a free desk, or makes one.
    fn take() -> Self {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_default()
    }

    /// Leaves the desk to others, unless it holds more memory than is worth keeping.
    fn leave(mut self) {
        const KEPT_MAX: usize = 64;
        const SIZE_MAX: usize = 64 << 20;
        if self.size() > SIZE_MAX {
            return;
        }
        // A store that owns what was read, and has forgotten it since, can free it then.
        self.read.clear();
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT_MAX {
            free.push(self);
        }
    }

    /// The bytes of memory that it holds, but for lists of chunks.
    const fn size(&self) -> usize {
        let Work { scratch, chunk, heap } = &self.work;
        scratch.capacity()
            + chunk.capacity()
            + heap.capacity()
            + self.read.capacity()
            + self.shard.capacity()
            + self.piece.capacity()
    }
}

impl Workers {
    /// Work on the caller's thread alone, with one request after the other.
    pub const ONE: Self = Self {
        threads: NonZeroUsize::MIN,
        requests: Some(NonZeroUsize::MIN),
    };

    /// At most so many threads, and as many requests in flight as the store wants; 0 counts as 1.
    pub const fn new(threads: usize) -> Self {
        let threads = match NonZeroUsize::new(threads) {
            Some(threads) => threads,
            None => NonZeroUsize::MIN,
        };
        Self {
            threads,
            requests: None,
        }
    }

    /// The same, with at most so many requests in flight, whatever the store wants; 0 counts as 1.
    ///
    /// More than one are worth it for a directory too that lies on a file system far away. There are as many as
    /// threads work, even where fewer are asked for.
    ///
    /// ```
    /// use zarr_core::{Workers, store::MemoryStore};
    /// assert_eq!(Workers::new(2).requests(&MemoryStore::new()), 1);
    /// assert_eq!(Workers::new(2).with_requests(32).requests(&MemoryStore::new()), 32);
    /// ```
    #[must_use]
    pub const fn with_requests(self, requests: usize) -> Self {
        let requests = match NonZeroUsize::new(requests) {
            Some(requests) => requests,
            None => NonZeroUsize::MIN,
        };
        Self {
            requests: Some(requests),
            ..self
        }
    }

    /// How many requests to a store are worth having in flight: as many as were asked for, or as it wants.
    pub fn requests(self, store: &dyn Store) -> usize {
        self.requests
            .map_or_else(|| store.io_hints().requests_max, NonZeroUsize::get)
    }

    /// The most threads.
    pub const fn threads(self) -> usize {
        self.threads.get()
    }

    /// More threads, where that many requests are to be in flight ([`Workers::requests`]).
    ///
    /// A thread that waits for an answer needs no processor, but it has the `unit_size` bytes of its unit of work
    /// in hand; all threads together have at most 256 MiB, unless so few threads were asked for anyway.
    #[must_use]
    pub fn for_requests(self, requests_max: usize, unit_size: u64) -> Self {
        const SIZE_MAX: u64 = 256 << 20;
        let affordable = usize::try_from(SIZE_MAX / unit_size.max(1)).unwrap_or(usize::MAX);
        self.with_threads(self.threads.get().max(requests_max.min(affordable)))
    }

    /// Threads that do little but wait for answers: as many as requests are to be in flight ([`Workers::requests`]),
    /// the caller's alone where that is one.
    #[must_use]
    pub fn for_answers(self, store: &dyn Store) -> Self {
        match self.requests(store) {
            0 | 1 => Self::ONE,
            requests_max => self.for_requests(requests_max, 0),
        }
    }

    /// Whether answers of a store are waited for longer than they are worked on, so that few large requests are better
    /// than many small ones: where the store or the caller wants several in flight.
    pub(crate) fn is_far(self, store: &dyn Store) -> bool {
        self.requests(store) > 1 || store.io_hints().is_far()
    }

    /// The same with so many threads; 0 counts as 1.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self {
            requests: self.requests,
            ..Self::new(threads)
        }
    }

    /// As many threads as work on `size` bytes is worth.
    pub(crate) fn worth(self, size: u64) -> Self {
        // A thread costs some ten microseconds, which is what this many bytes take.
        const BYTES_PER_THREAD: u64 = 256 * 1024;
        let worth = usize::try_from(size / BYTES_PER_THREAD).unwrap_or(usize::MAX);
        self.with_threads(self.threads().min(worth))
    }

    /// Does units of work on chunks of a store: as many threads as `size` bytes are worth, or as many as the
    /// store wants requests.
    ///
    /// # Errors
    /// The first error; units that were not begun are left out then.
    pub(crate) fn run_on<E: Send>(
        self,
        store: &dyn Store,
        (n_units, size, decoded_size): (usize, u64, usize),
        unit: &(dyn Fn(usize, &mut Desk) -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let requests_max = self.requests(store);
        if requests_max <= 1 {
            return self.run(n_units, size, unit);
        }
        // A thread holds a chunk as it is stored and as it is in memory.
        let unit_size = (decoded_size as u64).saturating_mul(2);
        self.for_requests(requests_max, unit_size)
            .run(n_units, u64::MAX, unit)
    }

    /// Does units of work, numbered from 0, each once, on as many threads as there are.
    ///
    /// # Errors
    /// The first error; units that were not begun are left out then.
    pub fn for_each<E: Send>(
        self,
        n_units: usize,
        unit: &(dyn Fn(usize) -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        self.run(n_units, u64::MAX, &|number, _| unit(number))
    }

    /// Does units of work, numbered from 0, each once, on as many threads as `size` bytes are worth.
    ///
    /// # Errors
    /// The first error; units that were not begun are left out then.
    pub(crate) fn run<E: Send>(
        self,
        n_units: usize,
        size: u64,
        unit: &(dyn Fn(usize, &mut Desk) -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let threads = self.worth(size).threads().min(n_units);
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let work = |desk: &mut Desk| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= n_units {
                    return;
                }
                if let Err(error) = unit(number, desk) {
                    next.store(n_units, Ordering::Relaxed);
                    failure
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(error);
                    return;
                }
            }
        };
        thread::scope(|scope| {
            let work = || {
                let mut desk = Desk::take();
                work(&mut desk);
                desk.leave();
            };
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        failure
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zarr_codecs::{
        ChunkRef, ChunkSpec, CodecChain, CodecConfig, CodecRegistry, DataType, FillValue, Limits,
    };

    use super::*;

    #[test]
    fn every_unit_is_done_once() {
        let done: Vec<_> = (0..1000).map(|_| AtomicUsize::new(0)).collect();
        let unit = |number: usize, _: &mut Desk| {
            done[number].fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(())
        };
        Workers::new(4).run(done.len(), u64::MAX, &unit).unwrap();
        assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }

    /// Else a thread could keep gigabytes for as long as the process lives.
    #[test]
    fn all_buffers_of_a_desk_count() {
        const SIZE: usize = 1 << 20;
        let chain = ["bytes", "crc32c"].map(|name| CodecConfig::of(name, json!({})));
        let spec = ChunkSpec {
            shape: vec![SIZE as u64],
            data_type: DataType::UInt8,
            fill_value: FillValue::zero(&DataType::UInt8),
        };
        let chain = CodecChain::new(&chain, &CodecRegistry::default(), &Limits::DEFAULT).unwrap();
        let codec = chain.for_chunk(spec, &Limits::DEFAULT).unwrap();
        let elements = vec![1; SIZE];
        let mut desk = Desk::default();
        assert_eq!(desk.size(), 0);
        let buffers: [&dyn Fn(&mut Desk); 5] = [
            &|desk| desk.work.chunk.reserve(SIZE),
            &|desk| desk.work.heap.reserve(SIZE),
            &|desk| desk.shard.reserve(SIZE),
            &|desk| desk.read.reserve(SIZE as u64).unwrap(),
            &|desk| {
                let chunk = ChunkRef {
                    elements: &elements,
                    heap: &[],
                };
                codec.encode(chunk, &mut desk.work.scratch).unwrap();
            },
        ];
        for (index, fill) in buffers.iter().enumerate() {
            fill(&mut desk);
            assert!(desk.size() >= (index + 1) * SIZE, "buffer {index}");
        }
    }

    #[test]
    fn requests_want_threads_as_long_as_memory_lasts() {
        let workers = Workers::new(2);
        assert_eq!(workers.for_requests(1, 1 << 30).threads(), 2);
        assert_eq!(workers.for_requests(64, 1 << 20).threads(), 64);
        assert_eq!(workers.for_requests(64, 32 << 20).threads(), 8);
        assert_eq!(workers.for_requests(64, u64::MAX).threads(), 2);
        assert_eq!(workers.for_requests(64, 0).threads(), 64);
    }

    #[test]
    fn the_first_error_ends_the_work() {
        let unit = |number: usize, _: &mut Desk| if number == 3 { Err(number) } else { Ok(()) };
        assert_eq!(Workers::ONE.run(1000, 0, &unit), Err(3));
    }
}
