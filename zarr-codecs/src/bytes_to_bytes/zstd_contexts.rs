//! What Zstandard works with, which a thread keeps from chunk to chunk.

use std::cell::RefCell;

use zstd::zstd_safe::{CCtx, DCtx, SafeResult};

thread_local! {
    static ENCODER: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
    static DECODER: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// Encodes with the context of this thread.
pub(super) fn with_encoder(encode: impl FnOnce(&mut CCtx<'static>) -> SafeResult) -> SafeResult {
    ENCODER.with_borrow_mut(encode)
}

/// Decodes all frames into the beginning of `out`, and gives the number of bytes or the code of an error.
pub(super) fn decode(out: &mut [u8], encoded: &[u8]) -> SafeResult {
    DECODER.with_borrow_mut(|decoder| decoder.decompress(out, encoded))
}
