//! Texts without the secrets that addresses carry.

/// Replaces the user and password and the query of every address in a text by `***`.
pub(crate) fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || "\"'<>`)".contains(c))
            .unwrap_or(after.len());
        let (address, after) = after.split_at(end);
        push_address(&mut shown, address);
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Adds what follows the scheme of an address.
fn push_address(shown: &mut String, address: &str) {
    let authority_end = address.find(['/', '?', '#']).unwrap_or(address.len());
    let (authority, rest) = address.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((_, host)) => shown.extend(["***@", host]),
        None => shown.push_str(authority),
    }
    match rest.split_once('?') {
        Some((path, _)) => shown.extend([path, "?***"]),
        None => shown.push_str(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_addresses_are_not_shown() {
        for (text, shown) in [
            ("https://me:secret@host/a", "https://***@host/a"),
            (
                "https://host/a?sig=secret&X-Amz-Signature=secret",
                "https://host/a?***",
            ),
            (
                "reading (https://host/a?sig=secret) from \"http://me@host:80?token=secret\" failed",
                "reading (https://host/a?***) from \"http://***@host:80?***\" failed",
            ),
            ("no address: a/b?c", "no address: a/b?c"),
            ("s3://bucket/a@b", "s3://bucket/a@b"),
        ] {
            let redacted = redact(text);
            assert!(!redacted.contains("secret"), "{redacted}");
            assert_eq!(redacted, shown);
        }
    }
}
