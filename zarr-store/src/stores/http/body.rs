//! What a server sends after the head of an answer, read with its encoding undone and only as far as is wanted.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use ureq::{
    Body,
    http::{Response, header},
};

use super::client::Trouble;
use crate::{ByteRange, StoreError, stores::ranges::check_limit};

/// How many bytes are read before more memory is taken, where the server does not say how many will come.
///
/// So many that nobody wants are read as well: then the size is known, and the connection can be used again.
const STEP: usize = 1 << 20;

pub(super) fn is_gzip(response: &Response<Body>) -> bool {
    let encoding = response.headers().get(header::CONTENT_ENCODING);
    encoding.is_some_and(|encoding| encoding == "gzip" || encoding == "x-gzip")
}

/// The number of bytes that will come, if the server says so.
pub(super) fn content_length(response: &Response<Body>) -> Option<u64> {
    let length = response.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.trim().parse().ok()
}

/// A body with its encoding undone, of which neither what is sent nor what comes out may exceed `body_size_max`.
fn open(response: Response<Body>, body_size_max: u64) -> Box<dyn Read> {
    let (declared, is_encoded) = (content_length(&response), is_gzip(&response));
    let body = Counted::new(response.into_body().into_reader(), declared);
    let body = Bounded::new(body, body_size_max);
    if is_encoded {
        Box::new(Bounded::new(MultiGzDecoder::new(body), body_size_max))
    } else {
        Box::new(body)
    }
}

/// Reads a body whole, at most `size_max` bytes.
pub(super) fn read_body(
    response: Response<Body>,
    size_max: u64,
    body_size_max: u64,
    what: &impl Fn() -> String,
) -> Result<Bytes, Trouble> {
    let declared = content_length(&response).filter(|_| !is_gzip(&response));
    if let Some(declared) = declared {
        check_limit(declared, size_max, what)?;
    }
    let mut body = open(response, body_size_max);
    let mut bytes = Vec::new();
    if let Some(declared) = declared.and_then(|declared| usize::try_from(declared).ok()) {
        bytes
            .try_reserve_exact(declared)
            .map_err(|_| Trouble::Lasting(io::ErrorKind::OutOfMemory.into()))?;
    }
    loop {
        let before = bytes.len();
        let step = (size_max.saturating_add(1) - before as u64).min(STEP as u64);
        let read = body.by_ref().take(step).read_to_end(&mut bytes);
        read.map_err(trouble)?;
        check_limit(bytes.len() as u64, size_max, what)?;
        if (bytes.len() - before) < step as usize {
            return Ok(bytes.into());
        }
    }
}

/// Reads a body and keeps one part of it; gives that, and the size of all if it was seen.
///
/// What lies far behind the part is not read.
pub(super) fn read_part_of_body(
    response: Response<Body>,
    range: ByteRange,
    body_size_max: u64,
    what: &impl Fn() -> String,
) -> Result<(Bytes, Option<u64>), Trouble> {
    let wanted_end = match range {
        ByteRange::Part { offset, length } => offset.saturating_add(length),
        ByteRange::Suffix { .. } | ByteRange::All => u64::MAX,
    };
    let mut body = open(response, body_size_max);
    let mut kept = Vec::new();
    let mut size = 0_u64;
    let mut memory = vec![0; 64 * 1024];
    loop {
        let read = body.read(&mut memory).map_err(trouble)?;
        if read == 0 {
            break;
        }
        let (start, end) = (size, size + read as u64);
        size = end;
        match range {
            ByteRange::Part { offset, length } => {
                let from = offset.clamp(start, end) - start;
                let to = offset.saturating_add(length).clamp(start, end) - start;
                kept.extend_from_slice(&memory[from as usize..to as usize]);
            }
            ByteRange::Suffix { length } => {
                kept.extend_from_slice(&memory[..read]);
                // What cannot be in the last bytes goes, but not byte by byte.
                let over = (kept.len() as u64).saturating_sub(length) as usize;
                if over > STEP {
                    kept.drain(..over);
                }
            }
            ByteRange::All => kept.extend_from_slice(&memory[..read]),
        }
        if size > wanted_end.saturating_add(STEP as u64) {
            return Ok((kept.into(), None));
        }
    }
    if range.resolve(size).is_none() {
        let what = what();
        return Err(StoreError::OutOfRange { what, range, size }.into());
    }
    if let ByteRange::Suffix { length } = range {
        kept.drain(..kept.len() - length as usize);
    }
    Ok((kept.into(), Some(size)))
}

/// The bytes that a body has: as many as the server says, or as many as come.
pub(super) fn count_body(response: Response<Body>, body_size_max: u64) -> Result<u64, Trouble> {
    if let Some(declared) = content_length(&response).filter(|_| !is_gzip(&response)) {
        return Ok(declared);
    }
    io::copy(&mut open(response, body_size_max), &mut io::sink()).map_err(trouble)
}

/// What it means that a body could not be read: asking again does not make it shorter.
fn trouble(error: io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Trouble::Lasting(error),
        _ => Trouble::passing(error),
    }
}

/// A body that is an error when it is shorter than the server said.
struct Counted<R> {
    body: R,
    left: Option<u64>,
}

impl<R> Counted<R> {
    fn new(body: R, left: Option<u64>) -> Self {
        Self { body, left }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, memory: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(memory)?;
        if let Some(left) = &mut self.left {
            if read == 0 && !memory.is_empty() && *left > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            *left = left.saturating_sub(read as u64);
        }
        Ok(read)
    }
}

/// A body that is an error when it is longer than may be.
struct Bounded<R> {
    body: R,
    size: u64,
    size_max: u64,
}

impl<R> Bounded<R> {
    fn new(body: R, size_max: u64) -> Self {
        let size = 0;
        Self { body, size, size_max }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, memory: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(memory)?;
        self.size = self.size.saturating_add(read as u64);
        if self.size > self.size_max {
            let reason = format!("the server sends more than {} bytes", self.size_max);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
        }
        Ok(read)
    }
}
