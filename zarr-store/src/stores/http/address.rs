//! Addresses: where a store is, where a key is, and where a redirection leads.

use std::fmt;

/// The parts of an `http` or `https` address.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) is_encrypted: bool,
    /// Host, and port if there is one, in lower case.
    pub(super) host: String,
    /// User and password as the address gives them.
    pub(super) user: Option<String>,
    /// Begins with `/`.
    pub(super) path: String,
    /// What follows `?`, which may be a signature.
    pub(super) query: Option<String>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Address {
    /// Reads an address; the error says what is wrong with it, and repeats none of it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("is no address")?;
        let is_encrypted = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err("is neither http nor https"),
        };
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("contains blanks or control characters");
        }
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        if host.is_empty() {
            return Err("names no host");
        }
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        Ok(Self {
            is_encrypted,
            host: host.to_ascii_lowercase(),
            user,
            path: if path.is_empty() { "/" } else { path }.to_owned(),
            query,
        })
    }

    /// The address of a key below this one.
    pub(super) fn of_key(&self, key: &str) -> Self {
        let mut path = self.path.trim_end_matches('/').to_owned();
        path.push('/');
        push_encoded(&mut path, key);
        Self { path, ..self.clone() }
    }

    /// The address that a redirection from this one names.
    pub(super) fn follow(&self, location: &str) -> Result<Self, &'static str> {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        let host = &self.host;
        let is_absolute = location
            .split_once(':')
            .is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']));
        let mut next = if is_absolute {
            Self::parse(location)?
        } else if let Some(rest) = location.strip_prefix("//") {
            Self::parse(&format!("{scheme}://{rest}"))?
        } else if location.starts_with('/') {
            Self::parse(&format!("{scheme}://{host}{location}"))?
        } else {
            let folder = self.path.rfind('/').map_or("/", |end| &self.path[..=end]);
            Self::parse(&format!("{scheme}://{host}{folder}{location}"))?
        };
        next.path = without_dots(&next.path);
        if self.is_encrypted && !next.is_encrypted {
            return Err("leads from https to http");
        }
        // What the server put into the address is not for us to hand on; what we were given stays with its origin.
        next.user = self.user.clone().filter(|_| self.has_origin_of(&next));
        Ok(next)
    }

    /// Whether scheme, host and port are the same.
    pub(super) fn has_origin_of(&self, other: &Self) -> bool {
        self.is_encrypted == other.is_encrypted && self.host_and_port() == other.host_and_port()
    }

    fn host_and_port(&self) -> (&str, &str) {
        let default = if self.is_encrypted { "443" } else { "80" };
        match self.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, if port.is_empty() { default } else { port })
            }
            _ => (&self.host, default),
        }
    }

    /// The address as it is asked for, without the user.
    pub(super) fn request(&self) -> String {
        let query = self
            .query
            .as_ref()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        format!("{}{query}", self.place())
    }

    /// The address without its secrets.
    pub(super) fn shown(&self) -> String {
        let user = if self.user.is_some() { "***@" } else { "" };
        let query = if self.query.is_some() { "?***" } else { "" };
        format!(
            "{}{query}",
            self.place().replacen("://", &format!("://{user}"), 1)
        )
    }

    fn place(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.path)
    }

    /// User and password with their escapes undone.
    pub(super) fn credentials(&self) -> Option<Vec<u8>> {
        self.user.as_deref().map(decoded)
    }
}

/// A path whose steps `.` and `..` were taken.
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let is_folder = path.ends_with("/.") || path.ends_with("/..");
    let end = if is_folder && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

/// Adds a key; everything but letters, digits, `-._~` and `/` is escaped.
fn push_encoded(path: &mut String, key: &str) {
    use fmt::Write;
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
}

fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let escaped = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn keys_are_escaped_below_the_path_and_before_the_query() {
        let store = address("https://me:pw@Host.Org:8080/data/x.zarr/?sig=1");
        let key = store.of_key("a b/ä#?%/0.1");
        assert_eq!(
            key.request(),
            "https://host.org:8080/data/x.zarr/a%20b/%C3%A4%23%3F%25/0.1?sig=1"
        );
        assert_eq!(
            key.shown(),
            "https://***@host.org:8080/data/x.zarr/a%20b/%C3%A4%23%3F%25/0.1?***"
        );
        assert_eq!(address("http://h").of_key("a").request(), "http://h/a");
    }

    #[test]
    fn secrets_are_not_shown() {
        let store = address("https://me:secret@h/x?sig=secret");
        assert!(!format!("{store:?} {}", store.shown()).contains("secret"));
        assert_eq!(address("http://me:p%40ss@h/").credentials().unwrap(), b"me:p@ss");
    }

    #[test]
    fn a_redirection_is_followed_from_where_it_stands() {
        let from = address("https://me:pw@h/a/b");
        for (location, expected) in [
            ("c?x=1", "https://h/a/c?x=1"),
            ("../c/./d/", "https://h/c/d/"),
            ("../../..", "https://h/"),
            ("/c", "https://h/c"),
            ("//other/c", "https://other/c"),
            ("https://h:443/c", "https://h:443/c"),
        ] {
            let next = from.follow(location).unwrap();
            assert_eq!(next.request(), expected);
            assert_eq!(next.user.is_some(), !location.contains("other"), "{location}");
        }
        for location in [
            "http://h/c",
            "file:///etc/passwd",
            "ftp://h/c",
            "https:///c",
            "javascript:x",
        ] {
            assert!(from.follow(location).is_err(), "{location}");
        }
        let other_port = from.follow("https://you:x@h:444/c").unwrap();
        assert_eq!(other_port.user, None, "another port is another origin");
    }
}
