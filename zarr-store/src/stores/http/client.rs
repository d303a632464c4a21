//! Requests: sent again when that helps, and followed where they are redirected to.

use std::{io, thread, time::Duration};

use ureq::{
    Agent, Body, Error,
    http::{Response, StatusCode, header},
};

use super::{address::Address, store::HttpOptions};
use crate::stores::secrets::redact;

/// The longest pause that a server may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The largest head of an answer, in bytes.
const HEAD_SIZE_MAX: usize = 64 * 1024;

/// What a request came to.
pub(super) enum Answer {
    /// The key is there: 200 or 206.
    Found(Response<Body>),
    /// The key is not there: 404 or 410.
    Absent,
    /// What was asked for lies outside the value: 416, and the value's size if the server tells.
    OutOfRange(Option<u64>),
    /// A folder is in the place of the value.
    Folder,
    /// The server does not know such requests: 405 or 501.
    UnknownMethod,
}

/// How a value is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
}

#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    options: HttpOptions,
}

impl Client {
    pub(super) fn new(options: HttpOptions) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Followed here, so that every step is looked at.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEAD_SIZE_MAX)
            .max_idle_connections(options.requests_max)
            .max_idle_connections_per_host(options.requests_max)
            .timeout_connect(Some(options.patience))
            .timeout_recv_response(Some(options.patience))
            .timeout_per_read(Some(options.patience))
            .user_agent(concat!("zarr-store/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: Agent::new_with_config(config),
            options,
        }
    }

    /// Sends a request until it is answered or has failed too often.
    ///
    /// `use_answer` reads the body; when that fails, the request is sent again too.
    pub(super) fn ask<T>(
        &self,
        method: Method,
        address: &Address,
        range: Option<&str>,
        mut use_answer: impl FnMut(Answer) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let mut attempt = 0;
        loop {
            let result = self.follow(method, address, range).and_then(&mut use_answer);
            match result {
                Err(Trouble::Passing { pause, .. }) if attempt < self.options.retries_max => {
                    let pause = pause.unwrap_or(self.options.pause * 2_u32.saturating_pow(attempt));
                    thread::sleep(pause.min(PAUSE_MAX));
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    /// Sends a request once, to wherever it is redirected.
    fn follow(&self, method: Method, address: &Address, range: Option<&str>) -> Result<Answer, Trouble> {
        let mut current = address.clone();
        for _ in 0..=self.options.redirects_max {
            let response = self.send(method, &current, range)?;
            let status = response.status();
            let is_redirection = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
            if !is_redirection {
                return answer(response);
            }
            let location = response
                .headers()
                .get(header::LOCATION)
                .and_then(|location| location.to_str().ok())
                .ok_or_else(|| Trouble::lasting("a redirection that leads nowhere"))?;
            let next = current
                .follow(location)
                .map_err(|reason| Trouble::lasting(format!("a redirection that {reason}")))?;
            if next.has_origin_of(&current) && next.path == format!("{}/", current.path) {
                return Ok(Answer::Folder);
            }
            current = next;
        }
        Err(Trouble::lasting(format!(
            "over {} redirections",
            self.options.redirects_max
        )))
    }

    fn send(
        &self,
        method: Method,
        address: &Address,
        range: Option<&str>,
    ) -> Result<Response<Body>, Trouble> {
        let url = address.request();
        let mut request = match method {
            Method::Get => self.agent.get(&url),
            Method::Head => self.agent.head(&url),
        };
        // Chunks are compressed already, and ranges count bytes as they are stored.
        request = request.header(header::ACCEPT_ENCODING, "identity");
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        if let Some(credentials) = address.credentials() {
            request = request.header(header::AUTHORIZATION, format!("Basic {}", base64(&credentials)));
        }
        request.call().map_err(|error| trouble(&error))
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Asking again may help.
    Passing {
        error: io::Error,
        /// How long the server wants to be left alone.
        pause: Option<Duration>,
    },
    /// Asking again will not help.
    Lasting(io::Error),
    /// The store refuses what came.
    Refused(crate::StoreError),
}

impl Trouble {
    fn lasting(reason: impl Into<String>) -> Self {
        Self::Lasting(io::Error::other(reason.into()))
    }

    pub(super) fn passing(error: io::Error) -> Self {
        Self::Passing { error, pause: None }
    }
}

impl From<crate::StoreError> for Trouble {
    fn from(error: crate::StoreError) -> Self {
        Self::Refused(error)
    }
}

/// Sorts an answer by its status.
fn answer(response: Response<Body>) -> Result<Answer, Trouble> {
    let status = response.status();
    match status.as_u16() {
        200 | 206 => Ok(Answer::Found(response)),
        404 | 410 => Ok(Answer::Absent),
        405 | 501 => Ok(Answer::UnknownMethod),
        416 => {
            let range = response.headers().get(header::CONTENT_RANGE);
            let size =
                range.and_then(|range| range.to_str().ok()?.strip_prefix("bytes */")?.trim().parse().ok());
            Ok(Answer::OutOfRange(size))
        }
        _ => Err(refusal(status, &response)),
    }
}

fn refusal(status: StatusCode, response: &Response<Body>) -> Trouble {
    let kind = match status.as_u16() {
        401 | 403 | 407 => io::ErrorKind::PermissionDenied,
        408 | 504 => io::ErrorKind::TimedOut,
        _ => io::ErrorKind::Other,
    };
    let error = io::Error::new(kind, format!("the server answered {status}"));
    if !matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504) {
        return Trouble::Lasting(error);
    }
    let pause = response.headers().get(header::RETRY_AFTER);
    let pause = pause.and_then(|pause| pause.to_str().ok()?.trim().parse().ok());
    Trouble::Passing {
        error,
        pause: pause.map(Duration::from_secs),
    }
}

/// Sorts what kept a request from being answered.
fn trouble(error: &Error) -> Trouble {
    let text = redact(&error.to_string());
    match error {
        Error::Timeout(_) => Trouble::passing(io::Error::new(io::ErrorKind::TimedOut, text)),
        Error::Io(inner) => Trouble::passing(io::Error::new(inner.kind(), text)),
        Error::ConnectionFailed => Trouble::passing(io::Error::new(io::ErrorKind::NotConnected, text)),
        Error::Protocol(_) => Trouble::passing(io::Error::new(io::ErrorKind::InvalidData, text)),
        _ => Trouble::lasting(text),
    }
}

/// The letters of RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |number, at| {
            number << 8 | u32::from(three.get(at).copied().unwrap_or(0))
        });
        for at in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= three.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
