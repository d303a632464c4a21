//! The web server as a store.

use std::{io, time::Duration};

use bytes::Bytes;
use ureq::{
    Body,
    http::{Response, StatusCode, header},
};

use super::{
    address::Address,
    body::{content_length, count_body, is_gzip, read_body, read_part_of_body},
    client::{Answer, Client, Method, Trouble},
};
use crate::{
    ByteRange, Capabilities, IoHints, Listing, ReadBuffer, Result, Store, StoreError, StoreKey, StorePrefix,
    stores::{
        answers::{Seen, Telling, read_parts},
        ranges::{check_limit, push_shared_ranges},
    },
};

/// How a web server is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// How often a request that failed for a passing reason is sent again.
    pub retries_max: u32,
    /// The pause before the first repetition; each later one is twice as long.
    pub pause: Duration,
    /// How long a server may keep silent: while connecting, before it answers, and between parts of a body.
    pub patience: Duration,
    /// How many redirections are followed.
    pub redirects_max: u32,
    /// How many requests are in flight at once.
    pub requests_max: usize,
    /// How many bytes of one body are read, so that one that never ends is an error.
    ///
    /// It concerns the servers that send whole values when parts are asked for, or do not say how long a value is.
    pub body_size_max: u64,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            retries_max: 4,
            pause: Duration::from_millis(100),
            patience: Duration::from_secs(30),
            redirects_max: 5,
            requests_max: 32,
            body_size_max: 64 << 30,
        }
    }
}

/// The hierarchy below an address of a web server, to be read.
///
/// Only the answers 404 and 410 mean that a key is not there.
/// Connections that break, servers that are busy and answers that are cut short are asked for again.
/// Servers that hand out parts of values are asked for parts; from others values are read up to the part.
/// User and password of the address are sent to its own host only, and neither they nor the query are ever
/// shown.
/// A web server does not say what keys it has, so nothing can be listed: members of groups are found by their
/// paths.
/// Addresses that begin with `https` need the feature of that name.
#[derive(Debug)]
pub struct HttpStore {
    base: Address,
    client: Client,
    requests_max: usize,
    body_size_max: u64,
    /// Whether values come with entity tags.
    telling: Telling,
}

impl HttpStore {
    /// Reads below an address.
    ///
    /// # Errors
    /// `InvalidKey` when the text is no address of a web server.
    pub fn new(url: &str) -> Result<Self> {
        Self::with_options(url, HttpOptions::default())
    }

    /// Reads below an address, with other patience.
    ///
    /// # Errors
    /// Those of [`HttpStore::new`].
    pub fn with_options(url: &str, options: HttpOptions) -> Result<Self> {
        let invalid = |reason| StoreError::InvalidKey {
            key: crate::stores::secrets::redact(url).chars().take(80).collect(),
            reason,
        };
        let base = Address::parse(url).map_err(invalid)?;
        if base.is_encrypted && !cfg!(feature = "https") {
            return Err(StoreError::NotSupported {
                operation: "https, in a build without the feature `https`",
                store: base.shown(),
            });
        }
        Ok(Self {
            base,
            requests_max: options.requests_max,
            body_size_max: options.body_size_max,
            client: Client::new(options),
            telling: Telling::default(),
        })
    }

    fn told(&self, key: &StoreKey, trouble: Trouble) -> StoreError {
        match trouble {
            Trouble::Passing { error, .. } | Trouble::Lasting(error) => {
                StoreError::io("reading", self.describe(key.as_str()), error)
            }
            Trouble::Refused(error) => error,
        }
    }

    /// Asks for a key; `None` when it is not there.
    fn ask<T>(
        &self,
        method: Method,
        key: &StoreKey,
        range: Option<&str>,
        mut use_answer: impl FnMut(Answer) -> std::result::Result<T, Trouble>,
    ) -> Result<Option<T>> {
        let address = self.base.of_key(key.as_str());
        let asked = self.client.ask(method, &address, range, |answer| match answer {
            Answer::Absent => Ok(None),
            Answer::Folder => Err(Trouble::Refused(StoreError::Conflict {
                what: self.describe(key.as_str()),
                reason: "a folder is in the place of the value".to_owned(),
            })),
            answer => use_answer(answer).map(Some),
        });
        asked.map_err(|trouble| self.told(key, trouble))
    }

    /// Reads a whole value of at most `size_max` bytes.
    fn whole(&self, key: &StoreKey, size_max: u64) -> Result<Option<(Bytes, Seen)>> {
        let what = || self.describe(key.as_str());
        self.ask(Method::Get, key, None, |answer| match answer {
            Answer::Found(response) if response.status() == StatusCode::OK => {
                let seen = self.seen(&response);
                let bytes = read_body(response, size_max, self.body_size_max, &what)?;
                let size = bytes.len() as u64;
                Ok((bytes, seen.of_size(Some(size))))
            }
            _ => Err(unasked(&what())),
        })
    }

    /// Reads one part of a value.
    fn part(&self, key: &StoreKey, range: ByteRange) -> Result<Option<(Bytes, Seen)>> {
        let what = || self.describe(key.as_str());
        let (header, length) = match range {
            ByteRange::Part { offset, length } if length > 0 => match offset.checked_add(length - 1) {
                Some(last) => (format!("bytes={offset}-{last}"), length),
                None => return self.outside(key, range),
            },
            ByteRange::Suffix { length } if length > 0 => (format!("bytes=-{length}"), length),
            _ => return self.outside(key, range),
        };
        let mut is_outside = false;
        let read = self.ask(Method::Get, key, Some(&header), |answer| match answer {
            Answer::Found(response) if response.status() == StatusCode::PARTIAL_CONTENT => {
                if is_gzip(&response) {
                    return Err(unasked(&what()));
                }
                let size = checked_range(&response, range).map_err(|()| unasked(&what()))?;
                if let Some(size) = size
                    && range.resolve(size).is_none()
                {
                    return Err(out_of_range(what(), range, size).into());
                }
                let seen = self.seen(&response).of_size(size);
                let bytes = read_body(response, length, self.body_size_max, &what)?;
                is_outside = bytes.len() as u64 != length;
                Ok((bytes, seen))
            }
            // The server takes no notice of ranges.
            Answer::Found(response) => {
                let seen = self.seen(&response);
                let (bytes, size) = read_part_of_body(response, range, self.body_size_max, &what)?;
                Ok((bytes, seen.of_size(size)))
            }
            Answer::OutOfRange(Some(size)) => Err(out_of_range(what(), range, size).into()),
            Answer::OutOfRange(None) => {
                is_outside = true;
                Ok(<_>::default())
            }
            _ => Err(unasked(&what())),
        })?;
        if is_outside {
            self.outside(key, range)
        } else {
            Ok(read)
        }
    }

    /// What an answer says of which value it is.
    fn seen(&self, response: &Response<Body>) -> Seen {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        // Many servers make tags of the time, in whole seconds. A value that was changed in the second in which the
        // server answers may be changed again and have the same (RFC 9110, section 8.8.2.2).
        let is_settled = match header(header::LAST_MODIFIED) {
            Some(changed) => header(header::DATE).is_some_and(|date| date != changed),
            None => true,
        };
        let seen = Seen::new(header(header::ETAG), is_settled);
        self.telling.note(seen);
        seen
    }

    /// Settles by its size what no request can ask for of a value.
    fn outside(&self, key: &StoreKey, range: ByteRange) -> Result<Option<(Bytes, Seen)>> {
        let Some(size) = self.size(key)? else {
            return Ok(None);
        };
        match range.resolve(size) {
            Some(found) if found.is_empty() => Ok(Some((Bytes::new(), Seen::default().of_size(Some(size))))),
            Some(_) => Err(StoreError::io(
                "reading",
                self.describe(key.as_str()),
                io::Error::new(io::ErrorKind::InvalidData, "the server answered with other bytes"),
            )),
            None => Err(out_of_range(self.describe(key.as_str()), range, size)),
        }
    }
}

fn out_of_range(what: String, range: ByteRange, size: u64) -> StoreError {
    StoreError::OutOfRange { what, range, size }
}

/// The error for an answer to another question.
fn unasked(what: &str) -> Trouble {
    let error = io::Error::new(
        io::ErrorKind::InvalidData,
        "the server's answer does not fit the request",
    );
    Trouble::Refused(StoreError::io("reading", what, error))
}

/// The size of the whole value that a partial answer tells, once its part is found to be the one asked for.
fn checked_range(response: &Response<Body>, range: ByteRange) -> std::result::Result<Option<u64>, ()> {
    let text = response.headers().get(header::CONTENT_RANGE).ok_or(())?;
    let text = text.to_str().map_err(drop)?;
    let (part, size) = text
        .strip_prefix("bytes ")
        .and_then(|text| text.split_once('/'))
        .ok_or(())?;
    let (first, last) = part.split_once('-').ok_or(())?;
    let (first, last): (u64, u64) = (
        first.trim().parse().map_err(drop)?,
        last.trim().parse().map_err(drop)?,
    );
    let size: Option<u64> = match size.trim() {
        "*" => None,
        size => Some(size.parse().map_err(drop)?),
    };
    let is_asked_for = match (range, size) {
        (ByteRange::Part { offset, .. }, _) => first == offset,
        (ByteRange::Suffix { .. }, Some(size)) => last.checked_add(1) == Some(size),
        _ => true,
    };
    is_asked_for.then_some(size).ok_or(())
}

impl Store for HttpStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        let what = || self.describe(key.as_str());
        if ranges.is_empty() {
            return Ok(self.size(key)?.is_some());
        }
        if ranges.contains(&ByteRange::All) {
            let Some((whole, seen)) = self.whole(key, buffer.limit())? else {
                return Ok(false);
            };
            push_shared_ranges(&whole, ranges, buffer, what)?;
            seen.tell(buffer);
            return Ok(true);
        }
        let lengths = ranges.iter().map(|range| match range {
            ByteRange::Part { length, .. } | ByteRange::Suffix { length } => *length,
            ByteRange::All => 0,
        });
        let total = lengths.fold(0, u64::saturating_add);
        check_limit(total, buffer.limit(), &what)?;
        // Another process may have removed it between two parts.
        read_parts(ranges, buffer, what, |range| self.part(key, range))
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        let told = self.ask(Method::Head, key, None, |answer| {
            Ok(match answer {
                Answer::Found(response) if !is_gzip(&response) => content_length(&response),
                _ => None,
            })
        })?;
        match told {
            None => Ok(None),
            Some(Some(size)) => Ok(Some(size)),
            // The server does not tell before it sends.
            Some(None) => self.ask(Method::Get, key, None, |answer| match answer {
                Answer::Found(response) => count_body(response, self.body_size_max),
                _ => Err(unasked(&self.describe(key.as_str()))),
            }),
        }
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        if !self.telling.is_expected() {
            return Ok(None);
        }
        let seen = self.ask(Method::Head, key, None, |answer| {
            Ok(match answer {
                Answer::Found(response) => self.seen(&response),
                _ => Seen::default(),
            })
        })?;
        Ok(seen.and_then(Seen::generation))
    }

    fn set(&self, key: &StoreKey, _value: &[u8]) -> Result<()> {
        self.refuse("setting a key on a web server", key.as_str())
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.refuse("erasing a key on a web server", key.as_str())
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        self.refuse(
            "listing the keys of a web server, whose groups need consolidated metadata,",
            prefix.as_str(),
        )
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            lists: false,
            lists_chunks: false,
            generations: self.telling.is_expected(),
            ..Capabilities::READ_ONLY
        }
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.refuse("erasing a prefix on a web server", prefix.as_str())
    }

    fn io_hints(&self) -> IoHints {
        IoHints {
            requests_max: self.requests_max,
            gap_max: 256 * 1024,
        }
    }

    fn describe(&self, key: &str) -> String {
        if key.is_empty() {
            self.base.shown()
        } else {
            format!("{}: {key}", self.base.shown())
        }
    }
}

impl HttpStore {
    fn refuse<T>(&self, operation: &'static str, key: &str) -> Result<T> {
        Err(StoreError::NotSupported {
            operation,
            store: self.describe(key),
        })
    }
}
