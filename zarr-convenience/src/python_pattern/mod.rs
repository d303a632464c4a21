//! Regular expressions in the syntax of Python's `re`, for the engine of the `regex` crate.
//!
//! Python's text is read as Python reads it and written again in the syntax of the crate, each part under the flags
//! that hold for it. What the crate has no equivalent for is an error that names it, as it is in
//! Python for what is wrong there.

mod character_class;
mod escape;
mod flags;
mod parser;

use regex::{Regex, RegexBuilder};

use crate::{Error, Result};

pub use flags::PatternFlags;

/// How deeply the parts of what was translated may lie in each other.
const NEST_LIMIT: u32 = 2000;

/// Reads a regular expression in the syntax of Python's `re`.
///
/// It is searched for, so it may be found anywhere in a key unless it begins with `^` or ends with `$`.
/// The time a search takes grows with the length of the key alone, whatever the expression.
///
/// | in Python | here |
/// |---|---|
/// | look-around `(?=...)`, `(?!...)`, `(?<=...)`, `(?<!...)` | refused |
/// | back-references `\1`, `(?P=name)`, and conditions `(?(1)...)` | refused |
/// | atomic groups `(?>...)` and possessive repeats `a*+` | refused |
/// | `\N{NAME}`, and halves of surrogate pairs such as `\ud800` | refused |
/// | `$` and a newline at the end of the text | `$` is the end; keys hold no newlines |
/// | `\b`, `\B` | combining marks, joiners and punctuation such as `‿` count as parts of words, `²` and `½` do not |
/// | memory without bound | refused when more than 10 MiB would be needed, as by `(\w{500}){500}` |
///
/// Everything else is as in Python 3.11 to 3.13: the flags of the call and in the text, names of groups, comments,
/// `\d`, `\s` and `\w` of Unicode or ASCII, and brackets and `&&` in sets, which are no operations.
///
/// ```
/// use zarr_convenience::{PatternFlags, pattern};
/// let chunks = pattern(r"(?x) / \d+ (\.\d+)* \Z  # chunks of V2", PatternFlags::default())?;
/// assert!(chunks.is_match("foo/bar/0.12") && !chunks.is_match("foo/bar/.zarray"));
/// let refused = pattern("foo(?!/bar)", PatternFlags::default()).unwrap_err();
/// assert!(refused.to_string().ends_with("look-ahead (?!...) is not supported at position 3"));
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
///
/// # Errors
/// [`Error::Argument`] for an expression that Python refuses, in Python's words, and for one that cannot be
/// translated; it names what it is and where, counted in characters from 0.
pub fn pattern(text: &str, flags: PatternFlags) -> Result<Regex> {
    let refuse = |reason: String| Error::Argument(format!("regular expression {text:?}: {reason}"));
    let translated = parser::translate(text, flags).map_err(|wrong| refuse(wrong.to_string()))?;
    let built = RegexBuilder::new(&translated).nest_limit(NEST_LIMIT).build();
    built.map_err(|error| {
        // The last line says what is wrong, those before it draw where.
        let error = error.to_string();
        refuse(error.lines().last().unwrap_or_default().to_owned())
    })
}

/// What is wrong with an expression.
#[derive(Debug)]
struct Wrong {
    reason: String,
    /// In characters from 0, if it is at one place.
    position: Option<usize>,
}

impl Wrong {
    fn new(reason: impl Into<String>, position: usize) -> Self {
        Self {
            reason: reason.into(),
            position: Some(position),
        }
    }

    fn unsupported(what: &str, position: usize) -> Self {
        Self::new(format!("{what} is not supported"), position)
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)?;
        self.position
            .map_or(Ok(()), |position| write!(f, " at position {position}"))
    }
}
